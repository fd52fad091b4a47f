"""Files that are other programs' own, outside of any store: read with a bound, and replaced whole or not at all.

A link is followed to what it names, so that what manages somebody's settings goes on seeing its own file; the link
stays. Among our own processes the folder's lock lets one change a file at a time; against everybody else it is looked
at again right before it is replaced.
"""

import fcntl
import os
import stat

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError

READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
ASIDE = ".milestone-tmp"
"""How the names of files end that are written aside; who was killed leaves one, and the next one clears it away."""
PATIENCE = 10.0
"""Seconds to wait for another of our processes."""


def read(path: str, limit: int) -> "bytes | None":
    """A file's bytes; None where there is none.

    Raises:
        MilestoneError: `too_large`, or `invalid_data` for what is no file.
        OSError: when it cannot be read.
    """
    try:
        fd = os.open(path, READ)
    except FileNotFoundError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise MilestoneError(
                "invalid_data", f"{path} is not a file", "look at what stands there; nothing was changed"
            )
        blocks = []
        left = limit + 1
        while left > 0 and (block := os.read(fd, left)):
            blocks.append(block)
            left -= len(block)
    finally:
        os.close(fd)
    if left <= 0:
        raise MilestoneError(
            "too_large",
            f"{path} has more than {limit} bytes; nothing was changed",
            "look at what stands there",
            limit=limit,
        )
    return b"".join(blocks)


def folder(path: str, mode: int) -> None:
    """Make a folder with those above it."""
    if not os.path.isdir(path):
        above = os.path.dirname(path)
        if above != path:
            folder(above, mode)
        try:
            os.mkdir(path, mode)
        except FileExistsError:
            pass


class Hold:
    """The right of one of our processes to change what is in a folder, until it is closed; it leaves no trace."""

    __slots__ = ("_fd",)

    def __init__(self, path: str) -> None:
        """Wait for it.

        Raises:
            MilestoneError: `lock_timeout`.
            OSError: when there is no such folder.
        """
        self._fd = os.open(path, FOLDER)
        deadline = runtime.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if runtime.monotonic() > deadline:
                    os.close(self._fd)
                    told = f"another process has been changing {path} for {PATIENCE:.0f} seconds"
                    raise MilestoneError("lock_timeout", told, "try again") from None
                runtime.sleep(0.02)
            except OSError:
                return  # a network disk without such locks: the look before the replacement is left
            else:
                return

    def close(self) -> None:
        """Give the right back."""
        os.close(self._fd)


def replace(path: str, data: bytes, before: "bytes | None", mode: int, limit: int) -> None:
    """Put a file in the place of what was read, durably; where a link stands, in the place of what it names.

    Args:
        path: of the file, in a folder that is there.
        data: what it shall hold.
        before: what was read; None: there was none.
        mode: for a file that is new, less the umask; any other keeps its own, and its owner where that is allowed.
        limit: bytes that are read at most.

    Raises:
        MilestoneError: `conflict` when somebody else has changed it since.
        OSError: when it cannot be written.
    """
    above, _, name = os.path.realpath(path).rpartition("/")
    start = f".{name}-"
    folder = os.open(above or "/", FOLDER)
    try:
        for other in os.listdir(folder):
            if other.startswith(start) and other.endswith(ASIDE):  # of one that was killed
                os.unlink(other, dir_fd=folder)
        aside = f"{start}{runtime.token()}{ASIDE}"
        fd = os.open(aside, NEW, 0o600, dir_fd=folder)
        try:
            try:
                _like(fd, folder, name, mode)
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(fd, rest) :]
                os.fsync(fd)
            finally:
                os.close(fd)
            _refuse_changed(path, before, limit)
            os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            try:
                os.unlink(aside, dir_fd=folder)
            except FileNotFoundError:
                pass  # who is interrupted right behind the rename has put it
            raise
        os.fsync(folder)
    finally:
        os.close(folder)


def _refuse_changed(path: str, before: "bytes | None", limit: int) -> None:
    if read(path, limit) != before:
        raise MilestoneError(
            "conflict", f"another program has just changed {path}; it is as that one left it", "try again"
        )


def _like(fd: int, folder: int, name: str, mode: int) -> None:
    """Give a new file the mode and the owner of the one that it replaces."""
    try:
        there = os.stat(name, dir_fd=folder)
    except FileNotFoundError:
        umask = os.umask(0o077)
        os.umask(umask)
        os.fchmod(fd, mode & ~umask)
        return
    os.fchmod(fd, stat.S_IMODE(there.st_mode))
    own = os.fstat(fd)
    if (own.st_uid, own.st_gid) != (there.st_uid, there.st_gid):
        try:
            os.fchown(fd, there.st_uid, there.st_gid)
        except OSError:
            pass  # then it is ours from now on, as with any editor


def remove(path: str) -> None:
    """Take a file away, durably; a link stays, and what it names goes, as with writing."""
    path = os.path.realpath(path)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    fd = os.open(os.path.dirname(path), FOLDER)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sweep(folder: str) -> None:
    """Take a folder away if nothing is in it."""
    try:
        os.rmdir(folder)
    except OSError:
        pass  # something is, or it is gone already
