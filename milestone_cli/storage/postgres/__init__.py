"""The store in PostgreSQL: the same documents and the very same lines as in files, for many machines at once.

One transaction of the server does one change, whole or not at all; what `commit` returned is durable as far as the
server's own settings say (`store check` looks at them). The server's clock decides about time and leases. A server that
cannot be reached is an error, exit 8: nothing is ever written elsewhere instead.
"""

from milestone_cli import runtime
from milestone_cli.model import Document
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.storage.postgres import sql
from milestone_cli.storage.postgres.connection import RefusedError
from milestone_cli.storage.postgres.server import Server
from milestone_cli.storage.postgres.sql import as_head, number, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from milestone_cli.model import Change, Draft, Edit, Head, Plan, Receipt
    from milestone_cli.storage.findings import Finding
    from milestone_cli.storage.postgres.listening import Listener
    from milestone_cli.storage.postgres.locks import Locks

STATES = ("active", "completed")
"""Kinds of documents that never change without an event, of which the server tells."""
LOCAL = ("current",)
"""Kinds of documents that belong to one user of one machine, not to all who share the store."""


class PostgresStore(Server):
    """A project in a database, as a store."""

    is_clock_shared = True
    """The server's decides."""

    segment_size = 0
    """Nothing is sealed here."""

    # reading

    def read(self, milestone: str, revision: "int | None" = None) -> Document:
        """Read a state: the present one, active or completed, or that of a revision.

        Raises:
            MilestoneError: `not_found`, `revision_not_found`, `damaged`.
        """
        from milestone_cli.storage.lookup import missing
        from milestone_cli.storage.postgres.log import at_revision

        if revision is not None:
            return at_revision(self, milestone, revision)
        found = self.ask(sql.STATE, self.project, milestone)
        if not found:
            raise missing(self, milestone)
        document = parse_envelope(found[0][0] or b"", milestone)
        if not document.revision:
            head = self.head(milestone)
            document.outside = True
            document.revision = head.revision if head else 0
        return document

    def get(self, kind: str, key: str) -> "bytes | None":
        """A document, whole; None when there is none."""
        found = self.ask(sql.GET, self.project, kind, self.place(kind, key))
        return found[0][0] if found else None

    def keys(self, kind: str, under: str = "") -> "list[str]":
        """Keys of all documents of a kind, sorted; or only those that begin with `under` and a slash."""
        if under:
            return [text(row[0]) for row in self.ask(sql.KEYS_UNDER, self.project, kind, under)]
        return [text(row[0]) for row in self.ask(sql.KEYS, self.project, kind)]

    def modified(self, kind: str, key: str) -> int:
        """When a document was last written, nanoseconds since 1970; 0 when there is none."""
        found = self.ask(sql.WRITTEN, self.project, kind, self.place(kind, key))
        return number(found[0][0]) if found else 0

    @staticmethod
    def place(kind: str, key: str) -> str:
        """The key under which a document stands; what is local belongs to a user of a machine.

        A checkpoint's key that can be read in several ways stands where files have it too, see `layout.keys`.
        """
        if kind in LOCAL and not key:
            return f"{runtime.host()}:{runtime.user()}"
        if layout.CHECKPOINT in key and kind.startswith("checkpoint"):
            return key.replace("/", layout.CHECKPOINT).replace(layout.CHECKPOINT, "/", 1)
        return key

    def milestones(self) -> "list[str]":
        """Names of all milestones that have a state or a log, sorted."""
        return [text(row[0]) for row in self.ask(sql.MILESTONES, self.project)]

    def session_logs(self) -> "list[str]":
        """Names of the logs that are no milestone's, sorted."""
        return [text(row[0]) for row in self.ask(sql.SESSION_LOGS, self.project)]

    def active(self) -> "list[str]":
        """Names of the milestones that somebody may go on with, sorted: neither completed nor deleted."""
        found = self.ask(sql.ACTIVE, self.project)
        names = [text(row[0]) for row in found]
        return names if len(names) < 2 else [text(row[0]) for row in found if row[1] == b"\1"]

    def head(self, stream: str) -> "Head | None":
        """Where a log stands; None when there is no log."""
        found = self.ask(sql.HEAD, self.project, stream)
        return as_head(found[0]) if found else None

    def log_size(self, stream: str) -> "tuple[int, int]":
        """Size of a log in bytes, and its number; zeros when there is none."""
        found = self.ask(sql.SIZE, self.project, stream)
        return (number(found[0][0]), number(found[0][1])) if found else (0, 0)

    def log_span(self, stream: str) -> "tuple[int, int, int]":
        """The same, and the offset of the first line that is left."""
        found = self.ask(sql.SPAN, self.project, stream)
        return (number(found[0][0]), number(found[0][1]), number(found[0][2])) if found else (0, 0, 0)

    def scan(
        self, stream: str, start: int = 0, stop: "int | None" = None, *, backwards: bool = False
    ) -> "Iterator[tuple[int, bytes]]":
        """Blocks of whole lines of a log with their byte offsets, about 1 MiB each."""
        from milestone_cli.storage.postgres.log import scan

        return scan(self, stream, start, stop, backwards=backwards)

    def map_blocks(self, stream: str, start: int, stop: int, work: "Callable[[bytes], bytes]") -> "Iterator[bytes]":
        """What `work` makes of each block of `scan`, in order."""
        for _, block in self.scan(stream, start, stop):
            yield work(block)

    def seek(self, stream: str, ns: int) -> int:
        """Byte offset of the first line of ours at or after a time, nanoseconds since 1970."""
        found = self.ask(sql.SEEK, self.project, stream, ns)
        return number(found[0][0]) if found else 0

    def log_path(self, stream: str) -> str:  # noqa: ARG002
        """A log is no file here."""
        return ""

    def sealed(self, stream: str) -> "list[tuple[int, int, int, int]]":  # noqa: ARG002
        """Nothing: lines go one by one here."""
        return []

    def part(self, stream: str, origin: bytes, timeout: float) -> str:  # noqa: ARG002
        """There is nothing to do, for the same reason."""
        return ""

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
        self.refuse_other_version()
        from milestone_cli.storage.postgres.rewriting import rewrite

        return rewrite(self, stream, edits, tell, rehead=rehead, timeout=timeout)

    def pack(self, stream: str, timeout: float) -> "tuple[int, int]":  # noqa: ARG002
        """The server compresses long lines by itself."""
        return 0, 0

    def config_identity(self) -> "tuple[int, int, int, int] | None":
        """What tells one version of the configuration from another, as of the start; None when there is none."""
        return None if self.config is None else (self.project, self.config[1], self.config[0], 0)

    # locks

    def lock_holder(self, name: str) -> "dict[str, object] | None":
        """Who holds the lease of a name: pid and host; None when it is free."""
        return self.locks().holder(name)

    def locks(self) -> "Locks":
        """The leases, to look at, to hold for longer than a command, and to break."""
        from milestone_cli.storage.postgres.locks import Locks

        return Locks(self)

    def health(self) -> "Iterator[Finding]":
        """What is to be said about the server, the schema, and whether tables and logs fit each other."""
        from milestone_cli.storage.postgres.admin import check

        return check(self)

    def selftest(self) -> "Iterator[Finding]":
        """The disk is the server's, and its own settings are what `health` looks at."""
        return iter(())

    def set_aside(self, kind: str, key: str, why: str, *, stays: bool = False) -> str:  # noqa: ARG002 - the log says why
        """Make a document one of the kind `quarantine`; its key there, empty when it was gone."""
        self.refuse_other_version()
        folder, name = layout.place(kind, key)
        place = layout.quarantined(f"{folder}/{name}", runtime.timestamp(self.clock()), runtime.token())
        found = self.ask(sql.SET_ASIDE, self.project, kind, self.place(kind, key), place)
        return f"{layout.QUARANTINE}/{place}" if found else ""

    def changes(
        self,
        streams: "list[str] | None",  # noqa: ARG002 - the server tells of all logs
        documents: "list[tuple[str, str]]",
        locks: "list[str]",
    ) -> "Listener":
        """What tells when logs, documents or locks may have changed."""
        from milestone_cli.storage.postgres.listening import Listener

        return Listener(self, is_told=not locks and all(kind in STATES for kind, _ in documents))

    # writing

    def commit(self, change: "Change") -> "Receipt":
        """Do one change, all or nothing; when this returns, it is durable.

        Raises:
            MilestoneError: `revision_conflict`, `idempotency_conflict`, `lock_timeout`, `completed`, `store_frozen`,
                `store_unreachable`, and `uncertain` when the connection broke for good after the commit was sent.
        """
        self.refuse_other_version()
        from milestone_cli.storage.postgres.commit import commit

        return commit(self, change)

    def note(self, kind: str, key: str, data: "bytes | None") -> None:
        """Put a small document that another one replaces soon, in one round trip.

        Raises:
            MilestoneError: `store_frozen`, `store_moved`, `store_unreachable`.
        """
        self.refuse_other_version()
        if data is None:
            return  # nobody leaves anything here
        try:
            self.ask(sql.NOTE, self.project, kind, self.place(kind, key), data)
        except RefusedError as error:
            from milestone_cli.storage.postgres.commit import meant

            raise meant(self, error, key) from None

    def transact(
        self,
        names: "list[str]",
        build: "Callable[[], Plan]",
        timeout: float,
        once: "tuple[str, str, str] | None" = None,
    ) -> "list[Receipt]":
        """Under the locks of `names` let `build` look and decide, and do what it planned, all or nothing."""
        self.refuse_other_version()
        from milestone_cli.storage.postgres.transaction import transact

        return transact(self, names, build, timeout, once)

    def recover(self, milestone: str, timeout: float) -> "tuple[Document, list[str]]":
        """Put the newest copy that proves itself in the place of a damaged state; `damaged` when there is none."""
        self.refuse_other_version()
        from milestone_cli.storage.postgres.recovery import recover_state

        return recover_state(self, milestone, timeout)

    def good_copy(self, milestone: str, name: "str | None" = None) -> "tuple[str, Document]":
        """A copy of a state that proves itself, and where it is: the newest, or the one of a name; `not_found`."""
        from milestone_cli.storage.lookup import good_copy
        from milestone_cli.storage.postgres.recovery import copies

        return good_copy(copies(self, milestone), milestone, name)

    def initialise(self, milestone: "str | None") -> "Receipt | None":
        """Make the schema where it is missing, the project, and a milestone's log, when one is named.

        Returns:
            The receipt of `state_initialized`; None when there was nothing to log.
        """
        from milestone_cli.model import Change, Draft

        if not self.project:
            from milestone_cli.storage.postgres.admin import make

            make(self)
            self.hello()
        self.refuse_other_version()
        self.refuse_unusable()
        if milestone is None or milestone in self.milestones():
            return None
        return self.commit(Change(milestone, [Draft("state_initialized", "{}", "no-session", "system")]))
