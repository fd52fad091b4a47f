"""Checkpoints of milestones, and the copies among the backups; those of sessions are among the sessions."""
