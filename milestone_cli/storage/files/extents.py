"""Files with the same bytes in one place of the disk, where the file system can do that (btrfs, XFS).

They stay files of their own: whoever writes into one, as the bash utilities do, changes no other. The kernel compares
the bytes itself while nobody can write them, so a change that comes meanwhile is not lost.

Source: ioctl_fideduperange(2), and `fiemap` in the kernel's documentation of file systems.
"""

import fcntl
import os
import struct

from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.files import FileStore

DEDUPE = 0xC0189436
FIEMAP = 0xC020660B
SYNC = 1
"""Flag of FIEMAP: what is not on the disk yet gets its place first."""
MOST = 16 << 20
"""Bytes that one call takes."""


def share(store: "FileStore", kind: str, key: str, other: "tuple[str, str]", *, dry_run: bool = False) -> int:
    """Let a document have its bytes in the same place of the disk as another one that has the same.

    Returns:
        Bytes that this frees; 0 where they are in one place already, differ, or the file system cannot.
    """
    fds: list[int] = []
    try:
        for place in (other, (kind, key)):
            folder, name = layout.place(*place)
            fds.append(os.open(name, READ, dir_fd=store.present(folder)))
        first, second = (os.fstat(fd) for fd in fds)
        size = first.st_size
        if not size or second.st_size != size or first.st_ino == second.st_ino or _place(fds[0]) == _place(fds[1]):
            return 0
        if dry_run:
            return size if _can(fds[0]) and _same(fds[0], fds[1], size) else 0
        for at in range(0, size, MOST):
            length = min(MOST, size - at)
            if _dedupe(fds[0], fds[1], at, length) < length:
                return 0
    except OSError:  # one went, or the file system shares nothing
        return 0
    finally:
        for fd in fds:
            os.close(fd)
    return size


def _dedupe(source: int, target: int, at: int, length: int) -> int:
    """Bytes that are shared now."""
    request = bytearray(struct.pack("=QQHHI qQQiI", at, length, 1, 0, 0, target, at, 0, 0, 0))
    fcntl.ioctl(source, DEDUPE, request)
    done, status = struct.unpack_from("=Qi", request, 40)
    return int(done) if status == 0 else 0


def _can(fd: int) -> bool:
    """Whether the file system shares at all: nothing, with itself, is no change."""
    try:
        fcntl.ioctl(fd, DEDUPE, bytearray(struct.pack("=QQHHI", 0, 0, 0, 0, 0)))
    except OSError:
        return False
    return True


def _same(first: int, second: int, size: int) -> bool:
    return all(os.pread(first, MOST, at) == os.pread(second, MOST, at) for at in range(0, size, MOST))


def _place(fd: int) -> bytes:
    """Where a file begins on the disk."""
    request = bytearray(struct.pack("=QQIIII", 0, 1, SYNC, 0, 1, 0) + bytes(56))
    fcntl.ioctl(fd, FIEMAP, request)
    return bytes(request[40:48])
