"""Counting what stopped a command, where that says something about the store."""

import os

from milestone_cli.storage import locate
from milestone_cli.storage.measures import NOTED, note_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.errors import MilestoneError


def note(failure: "MilestoneError", command: str) -> None:
    """Count a failure of a command; `command` is one of the program's own words. Without a store nothing is done."""
    path = locate(os.getcwd()) if failure.code in NOTED else None
    if path:
        errno = failure.details.get("errno")
        note_failure(path, command, failure.code, errno if isinstance(errno, str) else "")
