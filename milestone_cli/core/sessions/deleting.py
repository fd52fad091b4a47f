"""Deleting a session with all that stands in its folder but its log; refused while it lives, and taken back by undoing.

The record of the transaction keeps what was there, as far as there is room in it, so `transaction rollback` brings the
session back. What happened in it stays in the log.
"""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout, once
from milestone_cli.core.sessions.checkpoints import checkpoints
from milestone_cli.core.sessions.creating import event
from milestone_cli.core.sessions.ending import bindings
from milestone_cli.core.sessions.pinning import documents
from milestone_cli.core.sessions.session import Session, at_work, find
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Plan, log_of
from milestone_cli.storage.transactions import ROOM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


class Deletion:
    """What deleting a session would do.

    Attributes:
        session: it.
        puts: kind and key of all that goes.
        size: bytes of it.
        blockers: why it is refused, sentences; `--force` helps against none of the pinned.
        pinned: names of its checkpoints that are pinned.
        transaction: what did it; empty before.
    """

    __slots__ = ("blockers", "pinned", "puts", "session", "size", "transaction")

    def __init__(self, store: "Store", session: Session) -> None:
        self.session = session
        self.transaction = ""
        self.puts = documents(store, session.id)
        self.puts += bindings(store, session.id)
        self.size = sum(len(store.get(kind, key) or b"") for kind, key in self.puts)
        self.pinned = [one.name for one in checkpoints(store, session.id) if one.pinned is not None]
        self.blockers = [why] if (why := at_work(session)) else []

    @property
    def is_recoverable(self) -> bool:
        """Whether undoing brings all of it back."""
        return self.size <= ROOM

    def fields(self) -> "dict[str, object]":
        """The deletion as JSON values."""
        return {
            **self.session.fields(),
            "documents": len(self.puts),
            "bytes": self.size,
            "recoverable": self.is_recoverable,
            "refused": self.blockers + [f"its checkpoint {name} is pinned" for name in self.pinned],
            "transaction_id": self.transaction or None,
        }


def delete(
    store: "Store", name: str, *, force: bool = False, key: "str | None" = None, timeout: "float | None" = None
) -> "tuple[Deletion | None, bool]":
    """Delete a session.

    Args:
        store: where.
        name: of the session.
        force: even if it lives.
        key: idempotency key.
        timeout: seconds to wait for other transactions.

    Returns:
        What was done, and whether it was done before, under the same key; then no more is known of it.

    Raises:
        MilestoneError: `not_found`; `conflict` when it lives, or a checkpoint of it is pinned.
    """
    done: list[Deletion] = []
    raw = store.get("session", name)
    stream = Session(name, raw, 0, "").stream if raw is not None else _stream(store, name)

    def build() -> Plan:
        found = Deletion(store, find(store, name))
        if found.pinned or (found.blockers and not force):
            why = found.fields()["refused"]
            raise MilestoneError(
                "conflict",
                f"the session '{name}' stays: {'; '.join(why if isinstance(why, list) else [])}",
                f"`milestone checkpoint unpin NAME --session {name}` lets a checkpoint go"
                if found.pinned
                else f"`milestone session end {name}` ends it; or give --force",
                session_id=name,
            )
        plan = Plan("session_delete")
        plan.puts = [(kind, key, None) for kind, key in found.puts]
        plan.events.append((stream, event("session_deleted", name, documents=len(found.puts), bytes=found.size)))
        done[:] = [found]
        found.transaction = plan.id = runtime.new_transaction_id(runtime.now_ns())
        return plan

    known = once(stream, key, b"session delete", name.encode())
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    return (done[0] if done else None), receipts[0].replayed


def _stream(store: "Store", name: str) -> str:
    """The log that told of a session that is gone."""
    needle = f'"session_deleted","data":{{"session_id":"{name}"'.encode()
    for milestone in store.milestones():
        if any(needle in block for _, block in store.scan(milestone, backwards=True)):
            return milestone
    return log_of(name)
