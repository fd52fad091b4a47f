"""How the log and its readers name a state, a checkpoint and a backup: as the bash utilities do, in every store."""

from milestone_cli import runtime
from milestone_cli.storage.files.layout import backup_file, checkpoint_path, state_path

__all__ = ["backup_key", "checkpoint_path", "state_path"]


def backup_key(milestone: str, ns: int, revision: int) -> str:
    """Key of a backup made at a time, nanoseconds since 1970."""
    return backup_file(milestone, runtime.timestamp(ns), revision)[:-5]
