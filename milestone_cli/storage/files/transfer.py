"""One side of a copy between stores, in files: everything in it as bytes, and putting bytes there as they are.

What is taken and put is documents by kind and key, and logs by offset, so the other side may be anything. What is put
is synced before `sync` returns. Nothing here takes a milestone's lock: the store is frozen, or nobody's yet.
"""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Head
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import write_synced
from milestone_cli.storage.files.folders import forget
from milestone_cli.storage.files.log import FLAGS, HEAD, SLOT, SLOTS, Log, flock, slot, write_head
from milestone_cli.storage.files.marks import MarkedStore, version, write
from milestone_cli.storage.files.segments import open_folder, parts_of
from milestone_cli.storage.origin import origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.findings import Finding
    from milestone_cli.storage.origin import Origin

LEFT = ("current", "pending", "config-compiled")
"""Kinds that stay where they are: who works here, what is under way, and what can be made again."""
PUT = "put"
"""In the place of a token: one writer puts a document at a time, and the next one replaces what a dead one left."""
LONGEST = 255
"""Longest name of a file, in bytes."""


class Side:
    """A store of files as one side of a copy; see `contract.Side`."""

    def __init__(self, path: str, *, is_new: bool = False) -> None:
        """Open the store, whatever its marks; `is_new`: it is made when it is missing."""
        self._is_new = False
        if is_new:
            from milestone_cli.storage.files.founding import make

            os.makedirs(os.path.dirname(path), exist_ok=True)
            self._is_new = make(path)
        self.store = MarkedStore(path)
        self.path = path
        self._folders: set[str] = set()
        self._bases: dict[str, int] = {}

    def prepare(self) -> bool:
        """Make the layout where it is missing; whether the store is new."""
        if not self.store.frozen:
            self.store.initialise(None)
        return self._is_new

    def grant(self, kind: str, role: str) -> None:
        """Files have owners, not roles."""
        raise MilestoneError(
            "usage",
            f"a store of files has no role '{role[:140]}' to make a {kind}",
            "leave it out; who may do what is up to the file system",
        )

    def health(self) -> "Iterator[Finding]":
        """What is to be said about files, locks and the disk."""
        return self.store.health()

    @property
    def frozen(self) -> "str | None":
        """Why nothing may be written."""
        return self.store.frozen

    @property
    def moved(self) -> "str | None":
        """Where the store has gone."""
        return self.store.moved

    def mark(self, *, frozen: "str | None", moved: "str | None", timeout: float = 30.0) -> None:
        """Set the marks, and wait until whoever was writing has gone.

        Raises:
            MilestoneError: `lock_timeout`; the marks are as before then.
        """
        before = (self.store.frozen, self.store.moved)
        write(self.store, frozen, moved)
        if frozen is not None or moved is not None:
            try:
                self._wait(runtime.monotonic() + timeout)
            except BaseException:
                write(self.store, *before)
                raise

    def _wait(self, deadline: float) -> None:
        """Wait for every lock once: who took one before the mark was there has written what it was writing."""
        locks = self.store.folder(layout.LOCKS)
        for name in sorted(os.listdir(locks)):
            if name.endswith((".elock", ".flock")) or name == layout.GATE:
                fd = os.open(name, FLAGS & ~os.O_CREAT, dir_fd=locks)
                try:
                    flock(fd, deadline, name.rpartition(".")[0] or "transactions")
                finally:
                    os.close(fd)

    def facts(self) -> "dict[str, object]":
        """What the store is, for people and machines."""
        documents = self.documents()
        return {
            "store": self.path,
            "kind": "files",
            "format": version(self.store.folder("")),
            "frozen": self.frozen,
            "moved_to": self.moved,
            "milestones": len(self.store.milestones()),
            "documents": len(documents),
            "events_bytes": sum(size - self.origin(name).end for name, (size, _) in self.logs().items()),
            "documents_bytes": sum(len((self.document(*place) or (b"", 0))[0]) for place in documents),
        }

    # taking

    def settle(self) -> None:
        """Let the store record what is not recorded yet, so that a copy is of what its logs explain."""
        from milestone_cli.model import Plan
        from milestone_cli.storage.files import trimming

        for name in self.store.milestones():
            self.store.transact([name], lambda: Plan("settle"), 30)
        for name in self.logs():
            trimming.adopt_all(self.store, name, 30)

    def documents(self) -> "list[tuple[str, str]]":
        """Kind and key of every document."""
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for kind in layout.SHAPES:
            if kind not in LEFT:
                for key in self.store.keys(kind):
                    found.setdefault(layout.place(kind, key), (kind, key))
        return sorted(found.values())

    def document(self, kind: str, key: str) -> "tuple[bytes, int] | None":
        """A document, and when it was written, nanoseconds since 1970."""
        raw = self.store.get(kind, key)
        return None if raw is None else (raw, self.store.modified(kind, key))

    def logs(self) -> "dict[str, tuple[int, int]]":
        """Size in bytes of every log, and what tells it from another under its name."""
        names = [name[10:-6] for name in os.listdir(self.store.folder(layout.EVENTS)) if name.endswith(".jsonl")]
        names = sorted(name for name in names if name[:1].isalnum())
        return {name: self.store.log_size(name) for name in [*names, *self.store.session_logs()]}

    def scan(self, stream: str, start: int, stop: int) -> "Iterator[tuple[int, bytes]]":
        """Blocks of a log."""
        from milestone_cli.storage.files.reading import scan

        return scan(self.store, stream, start, stop, is_exact=True)

    def head(self, stream: str) -> Head:
        """Where a log stands, brought up to date."""
        log = Log(self.store, stream, runtime.monotonic() + 30)
        try:
            return log.head
        finally:
            log.close()

    def origin(self, stream: str) -> "Origin":
        """Where a log begins."""
        return origin_of(self.store, stream)

    # putting

    def begin(self, stream: str, raw: bytes, written: int) -> None:
        """Let a log begin where the document of an origin says, which is put; what is before goes, if it is there."""
        from milestone_cli.storage.files import trimming

        deadline = runtime.monotonic() + 30
        if self.store.has_log(stream):
            trimming.part_all(self.store, [(stream, raw)], deadline)
            self.put([("origin", stream, raw, written)])
            trimming.remove(self.store, [(stream, raw)], deadline)
        else:
            self.put([("origin", stream, raw, written)])
            trimming.begin(self.store, stream, raw)
        self._bases.pop(stream, None)

    def _base(self, stream: str) -> int:
        """Offset in a log of the first byte of its file."""
        found = self._bases.get(stream)
        if found is None:
            parts = parts_of(self.store, stream)
            found = self._bases[stream] = parts.end if parts else 0
            if parts:
                parts.close()
        return found

    def put(self, documents: "list[tuple[str, str, bytes | None, int]]") -> None:
        """Put documents as they are, with the times of their writing, or take them away."""
        for kind, key, data, written in documents:
            folder, name = self._place(kind, key)
            self.store.let_go()
            fd = self.store.folder(folder)
            self._folders.add(folder)
            if data is None:
                forget(fd, name)
                if kind in layout.NESTED:
                    self._leave(folder)
                continue
            aside = layout.temporary(name, PUT)
            forget(fd, aside)  # of one that was killed
            try:
                write_synced(aside, data, fd)
                os.utime(aside, ns=(written, written), dir_fd=fd)
                os.rename(aside, name, src_dir_fd=fd, dst_dir_fd=fd)
            except BaseException:
                forget(fd, aside)
                raise

    @staticmethod
    def _place(kind: str, key: str) -> "tuple[str, str]":
        if kind not in layout.SHAPES or not layout.is_sound(kind, key):
            raise MilestoneError(
                "invalid_name",
                f"a store of files cannot hold the document '{kind}/{key[:140]}'",
                "copy the store into a database instead",
            )
        folder, name = layout.place(kind, key)
        if len(name.encode()) > LONGEST:
            raise MilestoneError(
                "invalid_name",
                f"the name of the document '{kind}/{key[:140]}' is too long for a file",
                "copy the store into a database instead",
            )
        return folder, name

    def check_names(self, documents: "list[tuple[str, str]]") -> None:
        """Refuse names that files cannot have, before anything is written.

        Raises:
            MilestoneError: `invalid_name`.
        """
        for kind, key in documents:
            self._place(kind, key)

    def extend(self, stream: str, at: int, block: bytes) -> None:
        """Put bytes at the end of a log, which must be at an offset."""
        folder = self.store.folder(layout.log_folder(stream))
        self._folders.add(layout.log_folder(stream))
        fd = os.open(layout.log_file(stream), FLAGS | os.O_APPEND, 0o600, dir_fd=folder)
        try:
            if self._base(stream) + os.fstat(fd).st_size != at:
                raise MilestoneError(
                    "conflict",
                    f"the log of '{stream}' was written by somebody else meanwhile",
                    "stop what writes there, and try again",
                )
            view = memoryview(block)
            while view:
                view = view[os.write(fd, view) :]
        finally:
            os.close(fd)

    def finish(self, stream: str, head: Head, keys: "list[tuple[str, str, int]]") -> None:
        """Say where a log stands, and which idempotency keys it knows: key, request, sequence number."""
        folder = self.store.folder(layout.log_folder(stream))
        self._folders.add(layout.log_folder(stream))
        fd = os.open(layout.log_file(stream), os.O_RDONLY, dir_fd=folder)
        try:
            os.fsync(fd)
            status = os.fstat(fd)
        finally:
            os.close(fd)
        head.inode, head.end, head.keys = status.st_ino, status.st_size, len(keys)
        fd = os.open(layout.head_file(stream), FLAGS, 0o600, dir_fd=folder)
        try:
            for number, (key, request, sequence) in enumerate(keys):
                os.pwrite(fd, slot(key, request, sequence), HEAD + SLOT * (number % SLOTS))
            write_head(fd, head)
        finally:
            os.close(fd)

    def drop(self, stream: str) -> None:
        """Take a log away that is to be copied from its beginning."""
        folder = self.store.folder(layout.log_folder(stream))
        self._folders.add(layout.log_folder(stream))
        for name in (layout.head_file(stream), layout.log_file(stream)):
            forget(folder, name)
        inner = open_folder(folder, stream)
        if inner is not None:
            try:
                for name in os.listdir(inner):
                    os.unlink(name, dir_fd=inner)
                os.fsync(inner)
            finally:
                os.close(inner)
        elif layout.log_folder(stream) != layout.EVENTS:
            self._leave(layout.log_folder(stream))
        self._bases.pop(stream, None)

    def _leave(self, folder: str) -> None:
        """Remove a session's folder, and those that it stands in, as far as nothing is in them any more."""
        self._folders.discard(folder)
        self.store.remove_empty(folder, layout.SESSIONS)

    def sync(self) -> None:
        """Let everything that was put survive a power cut."""
        for folder in {*self._folders, layout.EVENTS}:
            self.store.let_go()
            os.fsync(self.store.folder(folder))
        self._folders.clear()
