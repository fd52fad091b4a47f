"""The store of files: states replaced atomically, logs appended durably, history read back.

The order that everything rests on: the state is written aside and synced, renamed over the old one, its folder synced;
then its event is appended and synced; then the caller is answered. The envelope carries the event's own record, so
whoever comes next can log an event that a crash swallowed. The log is never ahead of the file.
"""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import size_of
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import READ, Documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from milestone_cli.model import Change, Document, Draft, Edit, Head, Plan, Receipt
    from milestone_cli.storage.files.health.aside import Aside
    from milestone_cli.storage.files.locks import Locks
    from milestone_cli.storage.files.watching import Watcher
    from milestone_cli.storage.findings import Finding


class FileStore(Documents):
    """A store in a folder; every file is reached through descriptors of its folders, and no link is followed."""

    is_clock_shared = False
    """Machines that share the folder have each their own clock."""

    segment_size = 64 << 20
    """Bytes above which the file of a log is sealed; the configuration, once it is read, says otherwise."""

    def __init__(self, path: str) -> None:
        """Open the store at `path`.

        Raises:
            MilestoneError: `no_store`, `unsafe_link`, `store_foreign` when another user owns it; `newer_format`,
                `store_moved`.
        """
        super().__init__(path)
        self._aside: Aside | None = None
        self.refuse_unusable()
        if word := runtime.env("MILESTONE_SEGMENT_SIZE"):
            self.segment_size = size_of(word)
            if not self.segment_size:
                raise MilestoneError(
                    "invalid_config", f"MILESTONE_SEGMENT_SIZE cannot be '{word[:140]}'", "write it like 64M"
                )

    def refuse_unusable(self, *, is_writing: bool = False) -> None:
        """Refuse a store that is too new or has moved, and to write to one that is frozen; one of bash says nothing."""
        root = self.folder("")
        try:
            fd = os.open(layout.VERSION, READ, dir_fd=root)
        except FileNotFoundError:
            return
        try:
            version = os.read(fd, 16).strip()
        finally:
            os.close(fd)
        if version != layout.FORMAT.encode():
            from milestone_cli.storage.files.marks import heed

            heed(self, root, is_writing=is_writing)

    def head(self, stream: str) -> "Head | None":
        """Where a log stands, as its head says; None when there is no head, or none that proves itself."""
        from milestone_cli.storage.files.log import HEAD, parse_head

        try:
            fd = os.open(layout.head_file(stream), READ, dir_fd=self.present(layout.log_folder(stream)))
        except FileNotFoundError:
            return None
        try:
            head = parse_head(os.pread(fd, HEAD, 0))
        finally:
            os.close(fd)
        if head is not None and self._is_sealed(stream):
            from milestone_cli.storage.files.wholelog import base_of

            head.end += base_of(self, stream, head.inode)
        return head

    def read(self, milestone: str, revision: "int | None" = None) -> "Document":
        """Read a state: the present one, active or completed, or that of a revision.

        Readers take no lock and never see half a write.

        Raises:
            MilestoneError: `not_found`, `revision_not_found`, `damaged`.
        """
        if revision is not None:
            from milestone_cli.storage.files.history import at_revision

            return at_revision(self, milestone, revision)
        document = self.document(milestone) or self.document(milestone, layout.COMPLETED)
        document = document or self.document(milestone)  # reopened just between the two
        if document is None:
            from milestone_cli.storage.lookup import missing

            raise missing(self, milestone)
        if not document.revision:
            head = self.head(milestone)
            document.outside = True
            document.revision = head.revision if head else 0
        return document

    def milestones(self) -> "list[str]":
        """Names of all milestones that have a state, active or completed, or a log, sorted."""
        logs = [
            name[10:-6]
            for name in os.listdir(self.folder(layout.EVENTS))
            if name.startswith("milestone-") and name.endswith(".jsonl")
        ]
        names = {*logs, *self._states(layout.ACTIVE), *self._states(layout.COMPLETED)}
        return sorted(name for name in names if name[:1] != ".")

    def active(self) -> "list[str]":
        """Names of the milestones that somebody may go on with, sorted: neither completed nor deleted."""
        names = self.milestones()
        if len(names) < 2:
            return names
        states, completed = self._states(layout.ACTIVE), self._states(layout.COMPLETED)
        return [name for name in names if name in states or (name not in completed and not self._is_gone(name))]

    def _states(self, folder: str) -> "set[str]":
        return {name[:-5] for name in os.listdir(self.folder(folder)) if name.endswith(".json")}

    def _is_gone(self, milestone: str) -> bool:
        """Whether a milestone without a state had one before."""
        head = self.head(milestone)
        return head is not None and head.revision > 0

    def clock(self) -> int:
        """This machine's clock, nanoseconds since 1970."""
        return runtime.now_ns()

    def lock_holder(self, name: str) -> "dict[str, object] | None":
        """Who holds the lock of a milestone: pid, and the host where it is known; None when it is free."""
        try:
            os.stat(layout.lock_folder(name), dir_fd=self.folder(layout.LOCKS), follow_symlinks=False)
        except FileNotFoundError:
            return None  # as it is mostly, which need not cost what judging a holder does
        from milestone_cli.storage.files.contention import holder

        return holder(self.folder(layout.LOCKS), name)

    def locks(self) -> "Locks":
        """The locks of the store, to look at, to hold for longer than a command, and to break."""
        from milestone_cli.storage.files.locks import Locks

        return Locks(self)

    def health(self) -> "Iterator[Finding]":
        """What is to be said about files, locks and the disk; nothing is changed, but findings may carry repairs."""
        from milestone_cli.storage.files.health import examine

        return examine(self)

    def selftest(self) -> "Iterator[Finding]":
        """Try the disk in a scratch folder of the store, which goes again, also when this is interrupted."""
        from milestone_cli.storage.files.health.selftest import selftest

        return selftest(self)

    def set_aside(self, kind: str, key: str, why: str, *, stays: bool = False) -> str:
        """Move a document to the quarantine, under its lock; where it is now, empty when it was gone."""
        return self.aside().take(*layout.place(kind, key), why, stays=stays)

    def aside(self) -> "Aside":
        """Where this store sets things aside; made when the first thing goes there."""
        if self._aside is None:
            from milestone_cli.storage.files.health.aside import Aside

            self._aside = Aside(self)
        return self._aside

    def scan(
        self, stream: str, start: int = 0, stop: "int | None" = None, *, backwards: bool = False
    ) -> "Iterator[tuple[int, bytes]]":
        """Blocks of whole lines of a log with their byte offsets, about 1 MiB each; the last may lack its line feed."""
        from milestone_cli.storage.files.reading import scan

        return scan(self, stream, start, stop, backwards=backwards)

    def map_blocks(self, stream: str, start: int, stop: int, work: "Callable[[bytes], bytes]") -> "Iterator[bytes]":
        """What `work` makes of each block of `scan`, in order; several processes do it where the log is long."""
        from milestone_cli.storage.files.parallel import map_blocks

        return map_blocks(self, stream, start, stop, work)

    def seek(self, stream: str, ns: int) -> int:
        """Byte offset of the first line of ours at or after a time, nanoseconds since 1970; found by bisection."""
        from milestone_cli.storage.files.reading import seek

        return seek(self, stream, ns)

    def log_size(self, stream: str) -> "tuple[int, int]":
        """Size of a log in bytes, over its sealed parts too, and what tells it from another; zeros for none."""
        self.let_go()
        try:
            folder = self.present(layout.log_folder(stream))
            status = os.stat(layout.log_file(stream), dir_fd=folder, follow_symlinks=False)
            if not self._is_sealed(stream):
                return status.st_size, status.st_ino
        except FileNotFoundError:
            pass  # there is none, or it is just being sealed
        from milestone_cli.storage.files.wholelog import size_of

        return size_of(self, stream)

    def _is_sealed(self, stream: str) -> bool:
        """Whether a log may have sealed parts, which most have not."""
        try:
            folder = self.present(layout.log_folder(stream))
            os.stat("/".join(layout.segments_folder(stream)), dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def session_logs(self) -> "list[str]":
        """Names of the logs that are no milestone's, sorted."""
        from milestone_cli.model import log_of
        from milestone_cli.storage.files.nested import logs

        try:
            return [log_of(name) for name in logs(self.present(layout.SESSIONS))]
        except FileNotFoundError:
            return []

    def has_log(self, stream: str) -> bool:
        """Whether there is a log, as far as the file tells that bash knows."""
        try:
            folder = self.present(layout.log_folder(stream))
            os.stat(layout.log_file(stream), dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def changes(self, streams: "list[str] | None", documents: "list[tuple[str, str]]", locks: "list[str]") -> "Watcher":
        """What tells when logs, documents or locks may have changed."""
        from milestone_cli.storage.files.watching import Watcher

        return Watcher(self, streams, documents, locks)

    def log_path(self, stream: str) -> str:
        """The file that a log is appended to."""
        return f"{self.path}/{layout.log_folder(stream)}/{layout.log_file(stream)}"

    def sealed(self, stream: str) -> "list[tuple[int, int, int, int]]":
        """The sealed parts of a log, oldest first: the offset behind each, its last event and its time, and bytes."""
        from milestone_cli.storage.files.trimming import sealed

        return sealed(self, stream)

    def part(self, stream: str, origin: bytes, timeout: float) -> str:
        """Part a log where it shall begin; see `Store.part`."""
        from milestone_cli.storage.files.trimming import part

        return part(self, stream, origin, runtime.monotonic() + timeout)

    # writing

    def rewrite(
        self,
        stream: str,
        edits: "Sequence[Edit]",
        tell: "Callable[[str], list[Draft]]",
        *,
        rehead: bool,
        timeout: float,
    ) -> "Receipt":
        """Put other bytes into a log; see `Store.rewrite`."""
        from milestone_cli.storage.files.rewriting import rewrite

        return rewrite(self, stream, edits, tell, rehead=rehead, timeout=timeout)

    def pack(self, stream: str, timeout: float) -> "tuple[int, int]":
        """Compress the sealed parts of a log that are not yet; their bytes before and after."""
        from milestone_cli.storage.files.trimming import pack

        return pack(self, stream, timeout)

    def commit(self, change: "Change") -> "Receipt":
        """Do one change, all or nothing; when this returns, it is on disk.

        Raises:
            MilestoneError: `revision_conflict`, `idempotency_conflict`, `lock_timeout`, `lock_lost`, and `unlogged`
                when the state is on disk and its event is not: the next command logs it.
        """
        if change.edit is None:
            from milestone_cli.storage.files.appending import append

            return append(self, change)
        from milestone_cli.storage.files.commit import commit

        return commit(self, change)

    def note(self, kind: str, key: str, data: "bytes | None") -> None:
        """Put a small document that another one replaces soon: whole for every reader, but a power cut may take it."""
        from milestone_cli.storage.files.notes import note

        note(self, kind, key, data)

    def transact(
        self,
        names: "list[str]",
        build: "Callable[[], Plan]",
        timeout: float,
        once: "tuple[str, str, str] | None" = None,
    ) -> "list[Receipt]":
        """Do what `build` plans under locks, all or nothing; see `Store.transact`.

        Raises:
            MilestoneError: also `unlogged`, when it is committed and could not be finished: the next command does.
        """
        from milestone_cli.storage.files.transaction import transact

        return transact(self, names, build, timeout, once)

    def recover(self, milestone: str, timeout: float) -> "tuple[Document, list[str]]":
        """Put the newest copy that proves itself in the place of a damaged state, which is set aside.

        Returns:
            The state as it is afterwards, and what was done, in sentences. Where the store cannot be written, the copy
            itself and a sentence about that.

        Raises:
            MilestoneError: `damaged` when no copy is good; `lock_timeout`.
        """
        from milestone_cli.storage.files.recovery import recover_state

        return recover_state(self, milestone, timeout)

    def good_copy(self, milestone: str, name: "str | None" = None) -> "tuple[str, Document]":
        """A copy of a state that proves itself, and where it is: the newest, or the one of a name.

        Raises:
            MilestoneError: `not_found`, `damaged`.
        """
        from milestone_cli.storage.files.recovery import copies
        from milestone_cli.storage.lookup import good_copy

        return good_copy(copies(self, milestone), milestone, name)

    def initialise(self, milestone: "str | None") -> "Receipt | None":
        """Make what is missing of the layout; and a milestone's log, when one is named.

        Returns:
            The receipt of `state_initialized`; None when there was nothing to log.
        """
        from milestone_cli.storage.files.founding import initialise

        return initialise(self, milestone)
