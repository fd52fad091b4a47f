"""The sealed parts of a log, and the log as one: offsets count from the first byte that it ever had.

Beside the file that is appended to, a log that has grown has sealed parts, each with a seal: a small record of where
the part stands in the log, of what came before it and of how it ends, so that it can be proved and replayed alone. A
part is sealed once another file has taken the place of its own, in one rename; until then its seal means nothing, which
tells itself by the inode. Whose lines are removed or compressed is told by the files that are there.
"""

import errno
import os

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import Head, digest
from milestone_cli.storage.files import layout, partnames
from milestone_cli.storage.files.folders import DIRECTORY, READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.files import FileStore

LARGEST = 16 << 20
"""Largest seal, in bytes."""
OPEN = 4
"""So many sealed parts are kept open while a log is read."""
FACTS = ("sequence", "checksum", "end", "time", "revision", "state", "base", "base_sequence", "spliced")


class Seal(Head):
    """What is known of a sealed part of a log: its head is where the part ends, and `end` counts in the whole log.

    Attributes:
        start: offset of its first byte in the log.
        before: checksum before its first line of ours; `first` is that line's sequence number.
        since: time before that line, nanoseconds since 1970.
        log: what tells this log from another under its name; it stays as long as nobody else rewrites the log.
        next: inode of the file that the log goes on in.
        told: bytes of its file that stand in the log, here or in the next file; what is behind them came late.
        blocks: sizes of its blocks, plain and compressed; empty when it is not compressed.
        sha256: of its plain bytes; empty until it is compressed.
        sealed: when, nanoseconds since 1970.
    """

    __slots__ = ("before", "blocks", "first", "log", "next", "sealed", "sha256", "since", "start", "told")
    MORE = ("start", "first", "before", "since", "log", "next", "told", "sealed", "sha256", "blocks")

    def __init__(self) -> None:
        super().__init__()
        self.start = 0
        self.first = 0
        self.before = ""
        self.since = 0
        self.log = 0
        self.next = 0
        self.told = 0
        self.sealed = 0
        self.sha256 = ""
        self.blocks: list[list[int]] = []

    @property
    def size(self) -> int:
        """Bytes of the log that it holds."""
        return self.end - self.start

    def text(self) -> bytes:
        """The seal as its file has it, with a checksum of itself."""
        body = dumps({name: getattr(self, name) for name in (*FACTS, *self.MORE)})[:-1]
        return f'{body},"sum":"{digest(body.encode())[:16]}"}}\n'.encode()

    def file(self, ending: str) -> str:
        """One of its files."""
        return partnames.segment_file(self.start, self.end, ending)


def parse_seal(raw: bytes) -> "Seal | None":
    """Read a seal; None when it does not prove itself."""
    body, mark, tail = raw.rstrip(b"\n").rpartition(b',"sum":"')
    if not mark or tail != digest(body)[:16].encode() + b'"}':
        return None
    seal = Seal()
    try:
        values = loads(body + b"}")
        for name in (*FACTS, *Seal.MORE):
            setattr(seal, name, values[name])  # type: ignore[index]
    except (ValueError, KeyError, TypeError):
        return None
    return seal


def open_folder(parent: int, stream: str) -> "int | None":
    """Open the folder of a log's sealed parts, for the caller to close; None when nothing was ever sealed.

    Args:
        parent: open descriptor of the folder of the log.
        stream: name of the log.

    Raises:
        MilestoneError: `unsafe_link`.
    """
    outer, inner = layout.segments_folder(stream)
    try:
        fd = os.open(outer, DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _strange(outer, error) from None
    try:
        return os.open(inner, DIRECTORY, dir_fd=fd)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _strange(f"{outer}/{inner}", error) from None
    finally:
        os.close(fd)


def _strange(name: str, error: OSError) -> "MilestoneError | OSError":
    """What a folder that cannot be opened means: something else in its place, or trouble with the disk."""
    if error.errno not in (errno.ELOOP, errno.ENOTDIR):
        return error
    return MilestoneError("unsafe_link", f"'{name}' in the store is no folder", "look at it, then move it away")


class Parts:
    """The sealed parts of a log as their folder lists them, oldest first.

    Attributes:
        folder: open descriptor; whoever made this closes it by `close`.
        spans: start and end of every part that has a seal; of the last of them at least the seal is there.
        data: those of which the lines are there, plain or compressed.
    """

    __slots__ = ("data", "folder", "names", "spans")

    def __init__(self, folder: int, log: "os.stat_result | None") -> None:
        """List a folder.

        Args:
            folder: open descriptor.
            log: of the file that is appended to; a part in the same file is not sealed yet.
        """
        self.folder = folder
        self.names = set(os.listdir(folder))
        found = [partnames.segment_span(name) for name in self.names]
        self.spans = sorted((one[0], one[1]) for one in found if one and one[2] == partnames.SEAL)
        while self.spans and log is not None and self._is_same(self.spans[-1], log):
            self.spans.pop()
        self.data = [span for span in self.spans if self.has_data(span)]

    def _is_same(self, span: "tuple[int, int]", log: os.stat_result) -> bool:
        try:
            part = os.stat(partnames.segment_file(*span, partnames.PLAIN), dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return (part.st_dev, part.st_ino) == (log.st_dev, log.st_ino)

    def has_data(self, span: "tuple[int, int]") -> bool:
        """Whether the lines of a part are there."""
        return any(
            partnames.segment_file(*span, ending) in self.names for ending in (partnames.PLAIN, partnames.PACKED)
        )

    @property
    def end(self) -> int:
        """Offset behind the last sealed part."""
        return self.spans[-1][1] if self.spans else 0

    def seal(self, span: "tuple[int, int]") -> Seal:
        """The seal of a part.

        Raises:
            MilestoneError: `damaged`.
        """
        name = partnames.segment_file(*span, partnames.SEAL)
        try:
            fd = os.open(name, READ, dir_fd=self.folder)
        except OSError as error:
            raise damaged(name, str(error.strerror)) from None
        try:
            seal = parse_seal(os.read(fd, LARGEST))
        finally:
            os.close(fd)
        if seal is None or (seal.start, seal.end) != span:
            raise damaged(name, "it does not prove itself")
        return seal

    def newest(self) -> "Seal | None":
        """The seal of the last part; None when nothing is sealed."""
        return self.seal(self.spans[-1]) if self.spans else None

    def grown(self) -> "list[tuple[int, int]]":
        """The plain parts whose files are longer than what of the log they hold."""
        found = []
        for span in self.data:
            name = partnames.segment_file(*span, partnames.PLAIN)
            if name in self.names:
                try:
                    size = os.stat(name, dir_fd=self.folder, follow_symlinks=False).st_size
                except FileNotFoundError:
                    continue  # it has just been compressed, which is done once nothing can come late
                if size > span[1] - span[0]:
                    found.append(span)
        return found

    def late(self, span: "tuple[int, int]") -> bytes:
        """Whole lines that came late into the file of a part."""
        told = self.seal(span).told
        try:
            fd = os.open(partnames.segment_file(*span, partnames.PLAIN), READ, dir_fd=self.folder)
        except FileNotFoundError:
            return b""
        try:
            found = os.pread(fd, max(0, os.fstat(fd).st_size - told), told)
        finally:
            os.close(fd)
        return found[: found.rfind(b"\n") + 1]

    def close(self) -> None:
        """Close the folder."""
        os.close(self.folder)


def damaged(name: str, why: str) -> MilestoneError:
    """The error for a sealed part that cannot be read; parts and files beside it can."""
    return MilestoneError(
        "damaged", f"the sealed part '{name}' of a log cannot be read: {why}", "`milestone doctor` says more", file=name
    )


def parts_of(store: "FileStore", stream: str) -> "Parts | None":
    """The sealed parts of a log, for the caller to close; None when nothing was ever sealed."""
    try:
        parent = store.present(layout.log_folder(stream))
        folder = open_folder(parent, stream)
    except FileNotFoundError:
        return None
    if folder is None:
        return None
    try:
        try:
            status = os.stat(layout.log_file(stream), dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            status = None
        return Parts(folder, status)
    except BaseException:
        os.close(folder)
        raise


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
                raise damaged(self.name, str(error.strerror)) from None
            if ending == partnames.PLAIN:
                self.read = self._plain
            else:
                from milestone_cli.storage.files.packing import Packed

                self.read = Packed(self.fd, parts.seal(span).blocks, self.name).read
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
