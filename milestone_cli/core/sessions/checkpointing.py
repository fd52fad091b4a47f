"""Making checkpoints of sessions by hand and by interval; what one keeps is said in `capture`."""

from milestone_cli.core import lock_timeout, once
from milestone_cli.core.record import data_of, tagged, words
from milestone_cli.core.sessions.capture import add
from milestone_cli.core.sessions.news import brought_up
from milestone_cli.core.sessions.session import readable
from milestone_cli.model import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.sessions.checkpoints import Checkpoint
    from milestone_cli.storage.contract import Store


def create(
    store: "Store",
    session: str,
    name: "str | None" = None,
    reason: "str | None" = None,
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
    asks_git: bool = True,
    tags: "list[str] | None" = None,
) -> "tuple[Checkpoint, bool]":
    """Make a checkpoint of a session.

    Args:
        store: where.
        session: whose.
        name: left out: checkpoint-YYYYmmdd-HHMMSS, in UTC.
        reason: why, for people; left out: by hand.
        key: idempotency key.
        timeout: seconds to wait for other transactions.
        asks_git: whether the tree is dirty; nobody else knows.
        tags: by which a clean-up may be told to keep it.

    Returns:
        The checkpoint, and whether it is an earlier one under the same idempotency key.

    Raises:
        MilestoneError: `not_found`, `damaged`; `conflict` when the name is taken.
    """
    from milestone_cli.core.git.program import is_dirty
    from milestone_cli.core.sessions.checkpoints import Checkpoint, find

    found = readable(store, session)
    words(reason, "the reason")
    marks = tagged(tags)
    folder = found.word("working_directory")
    dirty = is_dirty(folder) if folder and asks_git else None
    made: list[Checkpoint] = []

    def build() -> Plan:
        plan = Plan("checkpoint_create")
        now = readable(store, session)
        text = brought_up(store, now)
        text, named, raw = add(store, plan, now.id, text, reason or "manual", name, dirty=dirty, marks=marks)
        plan.puts.append(("session", now.id, text.encode()))
        made[:] = [Checkpoint(now.id, named, raw)]
        return plan

    stream = found.stream
    request = [(name or "").encode(), (reason or "").encode(), *[one.encode() for one in tags or []]]
    known = once(stream, key, b"session checkpoint", session.encode(), *request)
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    if receipts[0].replayed:
        earlier = data_of(store, stream, receipts[0].event_id).get("checkpoint_name")
        return find(store, session, str(earlier)), True
    return made[0], False
