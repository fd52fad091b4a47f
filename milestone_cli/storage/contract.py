"""What every store keeps to; files today, a database later, and one in memory that the tests hold against both."""

from collections.abc import Callable, Iterator
from typing import Protocol

from milestone_cli.model import Change, Document, Head, Plan, Receipt


class Store(Protocol):
    """Documents with revisions, and a log beside each, behind one mutation.

    Invariants: a reader never waits and never sees half a write; what `commit` returned is durable; sequence numbers
    of a stream have no gap and no repeat; timestamps of its lines never go backwards; any revision that the log holds
    can be read.
    """

    path: str

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

    def keys(self, kind: str) -> list[str]:
        """Keys of all documents of a kind, sorted."""
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

        `once` is stream, idempotency key and request: done before, `build` is not asked.
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

    def seek(self, stream: str, ns: int) -> int:
        """Offset of the first line at or after a time."""
        ...

    def log_size(self, stream: str) -> tuple[int, int]:
        """Size of a log in bytes, and what tells one log from another under the same name."""
        ...

    def lock_holder(self, name: str) -> dict[str, object] | None:
        """Who holds a lock."""
        ...

    def state_file(self, milestone: str) -> str:
        """How the log names a milestone's state."""
        ...

    def backup_key(self, milestone: str, ns: int, revision: int) -> str:
        """Key of a backup made at a time."""
        ...

    def checkpoint_file(self, milestone: str, name: str) -> str:
        """How the log names a checkpoint."""
        ...

    def bound_session(self, client: str | None) -> str | None:
        """The session bound to a client's session, or the directory's current one."""
        ...

    def session(self, name: str) -> dict[str, object]:
        """A session's record; empty when there is none."""
        ...

    def config_identity(self) -> tuple[int, int, int, int] | None:
        """What tells one version of the configuration from another; None when there is none."""
        ...

    def config_text(self) -> bytes:
        """The configuration as people wrote it."""
        ...

    def compiled_config(self) -> bytes:
        """The configuration as it was kept in its fast form."""
        ...

    def keep_compiled_config(self, text: str) -> None:
        """Keep the configuration in its fast form."""
        ...
