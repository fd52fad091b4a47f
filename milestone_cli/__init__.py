"""Atomic state, locks, checkpoints and a replayable event log for long-running agent work."""

__version__ = "0.1.0.dev0"
