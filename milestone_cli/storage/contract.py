"""What every store keeps to; files today, a database later, and one in memory that the tests hold against both."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from milestone_cli.model import Change, Document, Draft, Head, Plan, Receipt
from milestone_cli.storage.findings import Finding
from milestone_cli.storage.origin import Origin


class Store(Protocol):
    """Documents with revisions, and a log beside each, behind one mutation.

    Invariants: a reader never waits and never sees half a write; what `commit` returned is durable; sequence numbers
    of a stream have no gap and no repeat; timestamps of its lines never go backwards; any revision that the log holds
    can be read; what is done for good stands in `runtime.applied`, for whoever has to tell of a failure after it.
    """

    path: str
    segment_size: int
    """Bytes above which the file of a log is sealed, where there are files; set when the configuration is read."""
    is_clock_shared: bool

    def clock(self) -> int:
        """Now, nanoseconds since 1970, by the clock that gives documents and events their times.

        `is_clock_shared` tells whether it is one for all machines that use the store, so that leases may rest on it.
        """
        ...

    def commit(self, change: Change) -> Receipt:
        """Do one change, all or nothing; see `model.Change` for preconditions and idempotency."""
        ...

    def read(self, milestone: str, revision: int | None = None) -> Document:
        """Read a state, the present one, active or completed, or that of a revision.

        Raises `not_found`, `revision_not_found`, `damaged`.
        """
        ...

    def get(self, kind: str, key: str) -> bytes | None:
        """A document other than a present state: session, checkpoint, backup, …; None when there is none."""
        ...

    def keys(self, kind: str, under: str = "") -> list[str]:
        """Keys of all documents of a kind, sorted; or only those that begin with `under` and a slash."""
        ...

    def note(self, kind: str, key: str, data: bytes | None) -> None:
        """Put a small document that another one replaces soon, a heartbeat: whole for every reader, never synced.

        None puts nothing: only what a writer of it left who was killed goes.
        """
        ...

    def modified(self, kind: str, key: str) -> int:
        """When a document was last written, nanoseconds since 1970; 0 when there is none."""
        ...

    def transact(
        self,
        names: list[str],
        build: Callable[[], Plan],
        timeout: float,
        once: tuple[str, str, str] | None = None,
    ) -> list[Receipt]:
        """Under the locks of `names` let `build` look and decide, and do what it planned, all or nothing.

        A record stays, as `transactions.opened` makes it, under the kind `committed`; under `rollback` where the plan
        is `refused`.

        Args:
            names: of the locks.
            build: called under them, after an earlier transaction that was killed has been finished.
            timeout: seconds to wait for all of them.
            once: stream of the plan's last event, idempotency key and request; done before, `build` is not asked.

        Returns:
            A receipt for each log, in the order of the plan's events, everything durable; the earlier one alone,
            `replayed`, when `once` was done before.

        Raises:
            MilestoneError: what `build` raises, before anything was changed; `lock_timeout`, `idempotency_conflict`.
        """
        ...

    def recover(self, milestone: str, timeout: float) -> tuple[Document, list[str]]:
        """Replace a damaged state by the newest copy that proves itself."""
        ...

    def good_copy(self, milestone: str, name: str | None = None) -> tuple[str, Document]:
        """A copy of a state that proves itself, and where it is: the newest, or the one of a name."""
        ...

    def initialise(self, milestone: str | None) -> Receipt | None:
        """Make what is missing of the store, and a milestone's log; None when there was nothing to log."""
        ...

    def milestones(self) -> list[str]:
        """Names of all milestones, sorted."""
        ...

    def session_logs(self) -> list[str]:
        """Names of the logs that are no milestone's, sorted: of sessions, which may be gone, and of what has none."""
        ...

    def active(self) -> list[str]:
        """Names of those that are neither completed nor deleted, sorted."""
        ...

    def head(self, stream: str) -> Head | None:
        """Where a log stands, as its head says."""
        ...

    def scan(
        self, stream: str, start: int = 0, stop: int | None = None, *, backwards: bool = False
    ) -> Iterator[tuple[int, bytes]]:
        """Blocks of whole lines of a log, with their offsets."""
        ...

    def map_blocks(self, stream: str, start: int, stop: int, work: Callable[[bytes], bytes]) -> Iterator[bytes]:
        """What `work` makes of each block of `scan`, in order; other processes may do it."""
        ...

    def seek(self, stream: str, ns: int) -> int:
        """Offset of the first line at or after a time."""
        ...

    def log_size(self, stream: str) -> tuple[int, int]:
        """Size of a log in bytes, and what tells one log from another under the same name."""
        ...

    def changes(self, streams: list[str] | None, documents: list[tuple[str, str]], locks: list[str]) -> "Watcher":
        """What tells when logs (None: those of all milestones), documents (kind and key) or locks may have changed."""
        ...

    def log_path(self, stream: str) -> str:
        """The file that a log is appended to; empty where it is none."""
        ...

    def sealed(self, stream: str) -> list[tuple[int, int, int, int]]:
        """Parts that only go as a whole, oldest first: offset behind it, last event, its time in nanoseconds, bytes."""
        ...

    def part(self, stream: str, origin: bytes, timeout: float) -> str:
        """Part a log where it shall begin: why that cannot be, empty when it is done. Nothing is taken away yet."""
        ...

    def rewrite(
        self,
        stream: str,
        edits: Sequence[tuple[int, bytes, bytes]],
        tell: Callable[[str], list[Draft]],
        *,
        rehead: bool,
        timeout: float,
    ) -> Receipt:
        """Put other bytes into a log, all or nothing, and log what `tell` makes of where the old one is kept.

        The next state is logged whole.

        Args:
            stream: the log.
            edits: offset, what is there and what shall be; sorted, none in another's bytes.
            tell: makes events from where the log as it was is kept; empty without edits.
            rehead: the log itself says where it stands, not its head.
            timeout: seconds to wait for a lock.

        Raises:
            MilestoneError: `conflict` when what the edits name is not there, or in a sealed part; `lock_timeout`.
        """
        ...

    def pack(self, stream: str, timeout: float) -> tuple[int, int]:
        """Compress what nobody appends to any more; its bytes before and after. Zeros where there is nothing to do."""
        ...

    def lock_holder(self, name: str) -> dict[str, object] | None:
        """Who holds a lock."""
        ...

    def locks(self) -> "Locks":
        """The locks of the store, as things of their own."""
        ...

    def health(self) -> Iterator[Finding]:
        """What is to be said about the store's own parts; nothing is changed, but findings may carry repairs."""
        ...

    def selftest(self) -> Iterator[Finding]:
        """Try what the store stands on, with processes that are killed; what is made for it goes again."""
        ...

    def set_aside(self, kind: str, key: str, why: str, *, stays: bool = False) -> str:
        """Take a document out of the way, kept for people; where it is, empty when it was gone. Under its lock.

        With `stays` the plan that is being made replaces it: whoever is killed before that has lost nothing.
        """
        ...

    def config_identity(self) -> tuple[int, int, int, int] | None:
        """What tells one version of the configuration from another; None when there is none."""
        ...


class Watcher(Protocol):
    """Waits for changes.

    Invariant: armed from the start, so whoever makes it, then looks, then waits, misses nothing. A wake-up says no more
    than to look again; one may come for nothing.
    """

    def wait(self, timeout: float, reader: int = -1) -> None:
        """Return when something may have changed since it was made or last returned, or after `timeout` seconds.

        Raises:
            MilestoneError: when the store is not there any more, or cannot be reached.
            BrokenPipeError: when nobody reads any more what is written to the descriptor `reader`.
        """
        ...

    def close(self) -> None:
        """End it."""
        ...


class Lease(Protocol):
    """A lock that this process holds, and may share with what it starts."""

    name: str
    token: str
    fence: int
    broken: list[dict[str, object]]

    def lend(self) -> None:
        """Let processes that are started from here on have the lock too; it lasts as long as any of them."""
        ...

    def held(self) -> bool:
        """Whether nobody has broken it."""
        ...

    def renew(self) -> None:
        """Say that the holder lives."""
        ...

    def let_go(self) -> None:
        """Give it up for everyone who has it."""
        ...

    def hand_over(self, request: str = "") -> None:
        """Leave it to the process that it was taken for, because of a request, and go."""
        ...


class Locks(Protocol):
    """What can be done with locks beside taking one around a change.

    Invariants: a lock goes away only by its owner, on proof that its holder is dead, or by force; whose lock went away
    by force cannot commit under it any more.
    """

    def names(self) -> list[str]:
        """Names of the locks that are held, or were left by the dead; sorted."""
        ...

    def show(self, name: str) -> dict[str, object] | None:
        """Who holds a lock, what tells so, and who waits; None when it is free."""
        ...

    def hold(self, name: str, timeout: float, holder: int = 0) -> Lease:
        """Take a lock, for this process or another one; `lock_timeout`."""
        ...

    def granted(self, name: str, holder: int, request: str) -> tuple[int, str] | None:
        """Fence and token of a lock that a process holds already because of this request; else None."""
        ...

    def end(self, lock: Lease) -> None:
        """Give a held lock back, once those who share it have written what they are writing."""
        ...

    def release(self, name: str, pid: int, *, force: bool, timeout: float) -> dict[str, object]:
        """Give back a lock that a process holds without running a command of ours; `not_found`, `conflict`."""
        ...

    def break_(self, name: str, *, force: bool, dry_run: bool = False) -> dict[str, object]:
        """Take a lock away whose holder is dead, or any by force, or only say which; `not_found`, `conflict`."""
        ...


class Source(Protocol):
    """What a copy is taken of, a store or an archive of one: what is in it as bytes, whatever its marks say."""

    path: str

    @property
    def store(self) -> Store:
        """The store itself, to read from."""
        ...

    @property
    def frozen(self) -> str | None:
        """Why nothing may be written; None when it may."""
        ...

    @property
    def moved(self) -> str | None:
        """Where the store has gone; None when it is here."""
        ...

    def mark(self, *, frozen: str | None, moved: str | None, timeout: float = 30.0) -> None:
        """Set both marks; no write of before is under way when it returns, except those of bash; `lock_timeout`."""
        ...

    def settle(self) -> None:
        """Record what is not recorded yet."""
        ...

    def documents(self) -> list[tuple[str, str]]:
        """Kind and key of every document that belongs to all who share the store, sorted."""
        ...

    def document(self, kind: str, key: str) -> tuple[bytes, int] | None:
        """A document, and when it was written, nanoseconds since 1970."""
        ...

    def logs(self) -> dict[str, tuple[int, int]]:
        """Size in bytes of every log, and what tells it from another under its name."""
        ...

    def scan(self, stream: str, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Blocks of a log with their offsets."""
        ...

    def head(self, stream: str) -> Head:
        """Where a log stands."""
        ...

    def origin(self, stream: str) -> Origin:
        """Where a log begins."""
        ...


class Side(Source, Protocol):
    """A store as either side of a copy.

    Invariant: what `document` and `scan` give, `put` and `extend` of another store take as it is.
    """

    def prepare(self) -> bool:
        """Make what is missing of an empty store; whether it is new."""
        ...

    def grant(self, kind: str, role: str) -> None:
        """Give a role the rights of a `reader` or `writer`; `not_found`, `usage`."""
        ...

    def facts(self) -> dict[str, object]:
        """What the store is: where, of which kind and format, its marks, how much is in it."""
        ...

    def health(self) -> Iterator[Finding]:
        """What is to be said about the store's own parts."""
        ...

    def begin(self, stream: str, raw: bytes, written: int) -> None:
        """Let a log begin where the document of an origin says, which is put; what is before goes, if it is there."""
        ...

    def check_names(self, documents: list[tuple[str, str]]) -> None:
        """Refuse names that this store cannot hold; `invalid_name`."""
        ...

    def put(self, documents: list[tuple[str, str, bytes | None, int]]) -> None:
        """Put documents with the times of their writing, or take them away."""
        ...

    def extend(self, stream: str, at: int, block: bytes) -> None:
        """Put bytes at the end of a log, which must be at an offset; `conflict`."""
        ...

    def finish(self, stream: str, head: Head, keys: list[tuple[str, str, int]]) -> None:
        """Say where a log stands, and which idempotency keys it knows: key, request, sequence number."""
        ...

    def drop(self, stream: str) -> None:
        """Take a log away that is to be copied from its beginning."""
        ...

    def sync(self) -> None:
        """Let everything that was put survive a power cut."""
        ...
