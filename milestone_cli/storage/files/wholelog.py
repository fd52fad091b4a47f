"""A log as one, sealed parts and all: offsets count from the first byte that it ever had.

Whoever reads holds on to one moment: the file that the log goes on in and the parts before it, listed while no other
file took its place.
"""

import os

from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import layout, partnames
from milestone_cli.storage.files.folders import READ
from milestone_cli.storage.files.segments import Parts, damaged, parts_of, unopened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.files import FileStore

OPEN = 4
"""So many sealed parts are kept open while a log is read."""


class WholeLog:
    """A log that is open for reading, sealed parts and all, at one moment.

    Attributes:
        start: offset of the first byte that is there; 0 unless the oldest parts were removed.
        base: offset of the first byte of the file that is appended to.
        end: offset behind the last byte when it was opened.
    """

    __slots__ = ("_open", "_parts", "base", "end", "fd", "start")

    def __init__(self, fd: int, parts: "Parts | None", size: int) -> None:
        """From open descriptors, which `close` closes; `fd` is -1 where only sealed parts are left."""
        self.fd = fd
        self._parts = parts
        self._open: dict[int, _Part] = {}
        self.base = parts.end if parts else 0
        self.start = parts.data[0][0] if parts and parts.data else self.base
        self.end = self.base + size

    def pread(self, size: int, at: int) -> bytes:
        """So many bytes from an offset on, or as many as there are.

        Raises:
            MilestoneError: `damaged` when the sealed part there cannot be read.
        """
        if at >= self.base:
            return os.pread(self.fd, size, at - self.base) if self.fd >= 0 else b""
        pieces = []
        while size > 0 and at < self.base:
            part = self._part(at)
            piece = part.read(min(size, part.end - at), at - part.start)
            pieces.append(piece)
            size -= len(piece)
            at += len(piece)
        if size > 0 and self.fd >= 0:
            pieces.append(os.pread(self.fd, size, at - self.base))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _number(self, at: int) -> int:
        """Which sealed part holds an offset."""
        assert self._parts is not None
        spans = self._parts.spans
        low, high = 0, len(spans)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if spans[middle][0] <= at else (low, middle)
        return low

    def region(self, at: int) -> "tuple[int, int]":
        """Where the sealed part begins and ends that holds an offset; the file that is appended to has no end."""
        return (self.base, 1 << 62) if at >= self.base else self._parts.spans[self._number(at)]  # type: ignore[union-attr]

    def _part(self, at: int) -> "_Part":
        """The open part that holds an offset."""
        parts = self._parts
        assert parts is not None
        low = self._number(at)
        found = self._open.get(low)
        if found is None:
            while len(self._open) >= OPEN:
                self._open.pop(next(iter(self._open))).close()
            found = self._open[low] = _Part(parts, parts.spans[low])
        return found

    def late(self) -> bytes:
        """Whole lines that bash wrote into sealed parts after they were sealed; not in the log's offsets yet."""
        parts = self._parts
        return b"".join([parts.late(span) for span in parts.grown()]) if parts else b""

    def close(self) -> None:
        """Close what is open."""
        for part in self._open.values():
            part.close()
        self._open.clear()
        if self._parts:
            self._parts.close()
        if self.fd >= 0:
            os.close(self.fd)


class _Part:
    """A sealed part that is open for reading."""

    __slots__ = ("end", "fd", "name", "read", "start")

    def __init__(self, parts: Parts, span: "tuple[int, int]") -> None:
        self.start, self.end = span
        self.read: Callable[[int, int], bytes]
        for ending in (partnames.PLAIN, partnames.PACKED, partnames.PLAIN):  # it may be compressed just now
            self.name = partnames.segment_file(*span, ending)
            try:
                self.fd = os.open(self.name, READ, dir_fd=parts.folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise unopened(self.name, error) from None
            if ending == partnames.PLAIN:
                self.read = self._plain
            else:
                from milestone_cli.storage.files.packing import Packed

                try:
                    self.read = Packed(self.fd, parts.seal(span).blocks, self.name).read
                except BaseException:
                    os.close(self.fd)
                    raise
            return
        raise damaged(partnames.segment_file(*span, partnames.PLAIN), "it is missing")

    def _plain(self, size: int, at: int) -> bytes:
        found = os.pread(self.fd, size, at)
        if len(found) < size and at + len(found) < self.end - self.start:
            raise damaged(self.name, f"it ends after {at + len(found)} bytes")
        return found

    def close(self) -> None:
        os.close(self.fd)


def open_whole(store: "FileStore", stream: str) -> "WholeLog | None":
    """Open a log for reading, for the caller to close; None when there is no log."""
    flags, name = READ, layout.log_file(stream)
    for _ in range(100):
        try:
            parent = store.present(layout.log_folder(stream))
            fd = os.open(name, flags, dir_fd=parent)
            status: os.stat_result | None = os.fstat(fd)
        except FileNotFoundError:
            fd, status = -1, None
        parts = None
        try:
            parts = parts_of(store, stream)
            if parts is None or _is_named(store, stream, status):
                break
        except BaseException:
            if fd >= 0:
                os.close(fd)
            raise
        # It was sealed between the two looks: the parts that were found may hold what this file holds.
        parts.close()
        if fd >= 0:
            os.close(fd)
    if fd < 0 and (parts is None or not parts.spans):
        if parts:
            parts.close()
        return None
    return WholeLog(fd, parts, status.st_size if status else 0)


def _is_named(store: "FileStore", stream: str, status: "os.stat_result | None") -> bool:
    """Whether the file that was opened is still the one that the log goes on in."""
    try:
        now = os.stat(layout.log_file(stream), dir_fd=store.present(layout.log_folder(stream)), follow_symlinks=False)
    except FileNotFoundError:
        return status is None
    return status is not None and (now.st_dev, now.st_ino) == (status.st_dev, status.st_ino)


def size_of(store: "FileStore", stream: str) -> "tuple[int, int]":
    """Size of a log in bytes, counted from the first it ever had, and what tells it from another; zeros for none.

    The second number stays the same when a part is sealed, and changes when another program rewrites the log.
    """
    for _ in range(100):
        try:
            parent = store.present(layout.log_folder(stream))
            status: os.stat_result | None = os.stat(layout.log_file(stream), dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            status = None
        parts = parts_of(store, stream)
        if parts is None:
            return (status.st_size, status.st_ino) if status else (0, 0)
        try:
            if not _is_named(store, stream, status):
                continue
            return _size(parts, status)
        finally:
            parts.close()
    raise MilestoneError("lock_timeout", f"the log of '{stream}' is sealed again and again", "try again")


def base_of(store: "FileStore", stream: str, inode: int) -> int:
    """Offset in a log of the first byte of a file that it went on in, by that file's inode."""
    parts = parts_of(store, stream)
    if parts is None:
        return 0
    try:
        for span in parts.spans[-1:]:
            try:
                status = os.stat(
                    partnames.segment_file(*span, partnames.PLAIN), dir_fd=parts.folder, follow_symlinks=False
                )
            except FileNotFoundError:
                continue
            if status.st_ino == inode:
                return span[0]  # the head is of before the sealing
        return parts.end
    finally:
        parts.close()


def _size(parts: Parts, status: "os.stat_result | None") -> "tuple[int, int]":
    try:
        newest = parts.newest()
    except MilestoneError:
        newest = None  # its name says where it ends, and whoever reads it is told
    if status is None:
        return parts.end, newest.log if newest else parts.end
    is_same = newest is not None and newest.next == status.st_ino
    return parts.end + status.st_size, newest.log if newest and is_same else status.st_ino
