"""Everything in a store, looked at once: names and status, no link followed, nothing opened that is no folder."""

import os
import stat

from milestone_cli.storage.files.folders import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 20
"""Folders in folders; a store has six."""


class Entry:
    """A file or folder of a store: its path below the store, its status, and why it could not be entered."""

    __slots__ = ("error", "path", "status")

    def __init__(self, path: str, status: os.stat_result) -> None:
        self.path = path
        self.status = status
        self.error: OSError | None = None

    @property
    def trouble(self) -> str:
        """Why it could not be entered, in words; empty for what could."""
        return str(self.error.strerror) if self.error else ""

    @property
    def folder(self) -> str:
        """Where it is."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.rpartition("/")[2]

    @property
    def is_folder(self) -> bool:
        """Whether it is one, and no link to one."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file."""
        return stat.S_ISREG(self.status.st_mode)


def walk(root: int) -> "list[Entry]":
    """Everything below an open folder, sorted by path; what goes away meanwhile is left out.

    Args:
        root: open descriptor; it is left open.
    """
    return sorted(_below(root, "", 0), key=lambda one: one.path)


def whole(root: int) -> "list[Entry]":
    """The same, of which nothing may be missing.

    Raises:
        OSError: when a folder cannot be entered.
    """
    found = walk(root)
    for one in found:
        if one.error:
            raise one.error
    return found


def _below(fd: int, before: str, depth: int) -> "Iterator[Entry]":
    with os.scandir(fd) as found:
        entries = sorted(found, key=lambda one: one.name)  # the disk has an order of its own, another one on each
    for one in entries:
        try:
            entry = Entry(before + one.name, one.stat(follow_symlinks=False))
        except FileNotFoundError:
            continue
        if entry.is_folder and depth < DEEPEST:
            try:
                inner = os.open(one.name, DIRECTORY, dir_fd=fd)
            except FileNotFoundError:
                continue
            except OSError as error:
                entry.error = error
                yield entry
                continue
            try:
                yield from _below(inner, entry.path + "/", depth + 1)
            finally:
                os.close(inner)
        yield entry
