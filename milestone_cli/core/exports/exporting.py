"""Exporting a store: every document as it is at one moment, and every log up to that moment.

Writers of states, sessions and tasks wait while the documents are read, so these agree with each other and with the
logs; those who log events do not wait. The logs, only appended to, are read afterwards, up to where they were then.
"""

import errno

from milestone_cli.core import lock_timeout
from milestone_cli.core.exports import form
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Head, Plan, digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from milestone_cli.storage.contract import Side

    Facts = dict[str, object]
    Progress = Callable[[int, int], None] | None

IN_MEMORY = 64 << 20
"""Bytes of documents above which they wait on the disk until they are written."""
TRIES = 200
"""Times that a head is read until it is of the end of its log."""
LOOKS = 6
"""Looks at a store that cannot be locked, of which two in a row must be the same."""
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class Log:
    """A log as far as it goes into the archive: its first and last offset, and its head there."""

    __slots__ = ("head", "identity", "size", "start", "stream")

    def __init__(self, stream: str, start: int, size: int, identity: int, head: Head) -> None:
        self.stream = stream
        self.start = start
        self.size = size
        self.identity = identity
        self.head = head


class Export:
    """A store as it was at one moment, on its way into an archive.

    Attributes:
        documents: of each, what the manifest says, in the order of the archive.
        logs: each as far as it goes.
        size: bytes of all of them.
    """

    def __init__(self, side: "Side") -> None:
        import tempfile

        self._side = side
        self._held: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - as long as this
        self.documents: list[Facts] = []
        self.logs: list[Log] = []
        self.size = 0

    def close(self) -> None:
        """Let go of what is held of it."""
        self._held.close()

    def fields(self) -> "Facts":
        """How much it is."""
        return {
            "store": self._side.path,
            "documents": len(self.documents),
            "logs": len(self.logs),
            "bytes": self.size,
        }

    def look(self) -> None:
        """Take the documents, and note where the logs end."""
        self._held.seek(0)
        self._held.truncate()
        self.documents, self.logs, self.size = [], [], 0
        for kind, key in sorted(self._side.documents(), key=lambda place: form.document_path(*place)):
            found = self._side.document(kind, key)
            if found is None:
                continue
            raw, written = found
            self._held.write(raw)
            self.size += len(raw)
            about = {"path": form.document_path(kind, key), "bytes": len(raw), "sha256": digest(raw)}
            self.documents.append({"kind": kind, "key": key, **about, "written": written})
        for stream in sorted(self._side.logs(), key=form.log_path):
            self.logs.append(self._log(stream))
            self.size += self.logs[-1].size - self.logs[-1].start

    def _log(self, stream: str) -> Log:
        """A log, with a head that is of its end."""
        side = self._side
        for _ in range(TRIES):
            size, identity = side.logs()[stream]
            head = self._head(stream, size)
            if side.logs()[stream] == (size, identity):
                return Log(stream, side.origin(stream).end, size, identity, head)
        raise MilestoneError("lock_timeout", f"the log of '{stream}' is written to all the time", "try again")

    def _head(self, stream: str, size: int) -> Head:
        """A log's head, brought up to date, or as it stands where the disk cannot be written."""
        try:
            return self._side.head(stream)
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
        head = self._side.store.head(stream) or Head()
        if head.end != size:
            raise MilestoneError(
                "conflict",
                f"the log of '{stream}' has lines that are not recorded yet, and the disk cannot be written",
                "log an event first where the disk can be written: `milestone events log`",
            )
        return head

    def pieces(self, progress: "Progress" = None) -> "Iterator[bytes]":
        """The bytes of the archive.

        Raises:
            MilestoneError: `conflict` when a log was written anew meanwhile.
        """
        done = whole = 0
        for piece in self._members():
            whole += len(piece)
            done = min(done + len(piece), self.size)
            yield piece
            if progress:
                progress(done, max(self.size, 1))
        yield bytes(2 * form.BLOCK) + form.padding(whole + 2 * form.BLOCK, form.RECORD)

    def _members(self) -> "Iterator[bytes]":
        self._held.seek(0)
        for one in self.documents:
            size, written = one["bytes"], one["written"]
            assert isinstance(size, int)
            assert isinstance(written, int)
            yield form.header(str(one["path"]), size, written)
            yield self._held.read(size) + form.padding(size)
        told = []
        for log in self.logs:
            yield form.header(form.log_path(log.stream), log.size - log.start, log.head.time)
            sha256 = _Hash()
            yield from sha256.of(self._side.scan(log.stream, log.start, log.size) if log.size > log.start else iter(()))
            self._check(log, sha256.size)
            yield form.padding(sha256.size)
            told.append(_about(log, sha256.digest()))
        raw = form.manifest(self.documents, told)
        yield form.header(form.MANIFEST, len(raw), 0)
        yield raw + form.padding(len(raw))

    def _check(self, log: Log, read: int) -> None:
        now = self._side.logs().get(log.stream, (0, 0))
        is_there = now[1] == log.identity and now[0] >= log.size and self._side.origin(log.stream).end == log.start
        if not is_there or read != log.size - log.start:
            raise MilestoneError(
                "conflict", f"the log of '{log.stream}' was rewritten while it was read; nothing was exported",
                "export again",
            )  # fmt: skip


class _Hash:
    """SHA-256 and size of what passes through."""

    def __init__(self) -> None:
        import hashlib

        self._sha256 = hashlib.sha256()
        self.size = 0

    def of(self, blocks: "Iterator[tuple[int, bytes]]") -> "Iterator[bytes]":
        """The blocks, counted."""
        for _, block in blocks:
            self._sha256.update(block)
            self.size += len(block)
            yield block

    def digest(self) -> str:
        """Of all that has passed."""
        return self._sha256.hexdigest()


def _about(log: Log, sha256: str) -> "Facts":
    return {
        "stream": log.stream,
        "path": form.log_path(log.stream),
        "start": log.start,
        "size": log.size,
        "sha256": sha256,
        "head": form.head_fields(log.head),
    }


def export(side: "Side", timeout: "float | None" = None) -> Export:
    """Look at a store as it is at one moment; nothing is written yet.

    Args:
        side: the store, whatever its marks.
        timeout: seconds to wait for writers.

    Raises:
        MilestoneError: `lock_timeout` when one of them does not end; `conflict` on a disk that cannot be written, and
            others write.
    """
    found = Export(side)
    if side.frozen is not None or side.moved is not None:
        found.look()  # nobody writes
        return found

    def build() -> Plan:
        found.look()
        return Plan("export")

    try:
        side.settle()
        side.store.transact(side.store.milestones(), build, lock_timeout(side.store, timeout))
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
        _steady(found)
    return found


def _steady(found: Export) -> None:
    """Look without a lock, where none can be taken, until two looks are the same."""
    before = None
    for _ in range(LOOKS):
        found.look()
        now = [*found.documents, *[_about(log, "") for log in found.logs]]
        if now == before:
            return
        before = now
    raise MilestoneError("conflict", "the store was changed while it was read, and it cannot be locked", "try again")


def packed(pieces: "Iterator[bytes]", name: str) -> "Iterator[bytes]":
    """The same, compressed where the name of the file asks for it; no time is in it, so it is the same each time."""
    if not name.endswith(form.PACKED):
        yield from pieces
        return
    import zlib

    stream = zlib.compressobj(6, zlib.DEFLATED, 31)
    for piece in pieces:
        yield stream.compress(piece)
    yield stream.flush()
