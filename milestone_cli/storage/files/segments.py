"""The sealed parts of a log, and their seals.

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
    from milestone_cli.storage.files import FileStore

LARGEST = 16 << 20
"""Largest seal, in bytes."""
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
    return MilestoneError("unsafe_link", f"'{name}' in the store is not a folder", "look at it, then move it away")


class Parts:
    """The sealed parts of a log as their folder lists them, oldest first.

    Attributes:
        folder: open descriptor; whoever made this closes it by `close`.
        spans: start and end of every part that has a seal; of the last of them at least the seal is there.
        data: those of which the lines are there, plain or compressed.
    """

    __slots__ = ("_stems", "data", "folder", "names", "spans")

    def __init__(self, folder: int, log: "os.stat_result | None") -> None:
        """List a folder.

        Args:
            folder: open descriptor.
            log: of the file that is appended to; a part in the same file is not sealed yet.
        """
        self.folder = folder
        self.names = set(os.listdir(folder))
        # Without their endings: to put a name together from its numbers takes longer, and there may be hundreds.
        self._stems = {
            span[:2]: name[: -len(partnames.SEAL)]
            for name in self.names
            if name.endswith(partnames.SEAL) and (span := partnames.segment_span(name)) and span[2] == partnames.SEAL
        }
        self.spans = sorted(self._stems)
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
        stem = self._stems.get(span) or partnames.segment_file(*span, "")
        return stem + partnames.PLAIN in self.names or stem + partnames.PACKED in self.names

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
            raise unopened(name, error) from None
        try:
            seal = parse_seal(os.read(fd, LARGEST))
        finally:
            os.close(fd)
        if seal is None or (seal.start, seal.end) != span:
            raise damaged(name, "its checksum does not fit")
        return seal

    def newest(self) -> "Seal | None":
        """The seal of the last part; None when nothing is sealed."""
        return self.seal(self.spans[-1]) if self.spans else None

    def grown(self) -> "list[tuple[int, int]]":
        """The plain parts whose files are longer than what of the log they hold."""
        found = []
        for span in self.data:
            name = self._stems[span] + partnames.PLAIN
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


def unopened(name: str, error: OSError) -> "MilestoneError | OSError":
    """What a file of a sealed part that cannot be opened means: damage, or trouble with the disk."""
    told = {errno.ENOENT: "it is missing", errno.ELOOP: "it is a link"}.get(error.errno or 0)
    return damaged(name, told) if told else error


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
