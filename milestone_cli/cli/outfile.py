"""A result written to a file: whole or not at all, and never through a link to somewhere else."""

import os
import stat

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def save(path: str, pieces: "Iterator[bytes]") -> str:
    """Write pieces to a file, in place of what it held before, once all of them are there; says what was written.

    A file of before is replaced, so its other names stay as they are.

    Raises:
        MilestoneError: `usage` where the path is a directory, a link, a device, a pipe, or in no directory.
    """
    folder, name = os.path.split(path)
    mode = _mode(path, name)
    fd = -1
    try:
        try:
            parent = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            raise _refuse(path, "is not in a directory", "make the directory first") from None
        try:
            temporary = f".milestone-{runtime.token()}.tmp"
            try:
                fd = os.open(temporary, FLAGS, 0o666, dir_fd=parent)
            except OSError as error:
                told = f"'{path[:300]}' cannot be written: {error.strerror}"
                raise MilestoneError("store_unreachable", told, "look at its folder, or choose another one") from error
            try:
                written = _write(fd, pieces, mode)
                os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            except BaseException:
                try:
                    os.unlink(temporary, dir_fd=parent)
                except FileNotFoundError:
                    pass  # who is interrupted right behind the rename has put it
                raise
            os.fsync(parent)
        finally:
            os.close(parent)
    finally:
        if fd >= 0:
            os.close(fd)
    return f"wrote {path}: {written} bytes"


def _write(fd: int, pieces: "Iterator[bytes]", mode: "int | None") -> int:
    """Write everything, and let it survive a power cut; how many bytes it was."""
    count = 0
    for piece in pieces:
        rest = memoryview(piece)
        count += len(rest)
        while rest:
            rest = rest[os.write(fd, rest) :]
    if mode is not None:
        os.fchmod(fd, mode)
    os.fsync(fd)
    return count


def _mode(path: str, name: str) -> "int | None":
    """The rights of the file that is replaced; None where there is none."""
    if name in {"", ".", ".."}:
        raise _refuse(path, "names no file", "give a file's name")
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(found.st_mode):
        raise _refuse(path, "is a directory", "give a file's name")
    if not stat.S_ISREG(found.st_mode):  # a link may lead anywhere, and /dev/stdout would be replaced for everybody
        raise _refuse(path, "is not an ordinary file", "leave -o out, and redirect the output: > FILE")
    return stat.S_IMODE(found.st_mode) & 0o666


def _refuse(path: str, why: str, hint: str) -> MilestoneError:
    return MilestoneError("usage", f"'{path[:300]}' {why}", hint)
