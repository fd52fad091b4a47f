"""Lines about earlier runs of commands, the latest some hundred: they only explain, and nothing rests on them."""

import os

from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files.cachenames import INDEXES, runs_file
from milestone_cli.storage.files.notes import replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.files.folders import Folders

LARGEST = 1 << 20
"""Bytes beyond which the older half of the lines goes."""
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def read(folders: "Folders", namespace: str) -> "list[bytes]":
    """The lines of a namespace, oldest first; none where they cannot be read."""
    try:
        return folders.read_file(INDEXES, runs_file(namespace), 4 * LARGEST).splitlines()
    except (OSError, MilestoneError):
        return []


def append(folders: "Folders", namespace: str, line: bytes) -> None:
    """Add a line, in one write; where the disk does not take it, it is left out."""
    if len(line) > LARGEST // 4:
        return
    try:
        folder = folders.folder(INDEXES)
        fd = os.open(runs_file(namespace), FLAGS, 0o600, dir_fd=folder)
        try:
            os.write(fd, line + b"\n")
            is_large = os.fstat(fd).st_size > LARGEST
        finally:
            os.close(fd)
        if is_large:
            whole = b"\n".join(read(folders, namespace))
            replace_file(runs_file(namespace), whole[-LARGEST // 2 :].partition(b"\n")[2] + b"\n", folder)
    except (OSError, MilestoneError):
        pass


def forget(folder: int, namespace: str) -> None:
    """Remove all of them, in the open folder of indexes."""
    try:
        os.unlink(runs_file(namespace), dir_fd=folder)
    except FileNotFoundError:
        pass
