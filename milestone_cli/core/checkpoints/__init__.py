"""Checkpoints of milestones, and the copies among the backups; those of sessions are among the sessions.

Read `checkpoint` first, then `checkpointing`, which makes and removes them, and `restore`.
"""
