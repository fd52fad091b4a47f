"""What can be removed of agents: records of those that have ended, with their pages, and points that are over."""

from milestone_cli.core import session_record
from milestone_cli.core.agents.agent import BEAT, KIND, Agent
from milestone_cli.core.retention.plan import Item
from milestone_cli.timestamps import parse_ns

HEALTH, SYNC = "agent-health", "sync"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.contract import Store


def records(store: "Store", milestone: str) -> "Iterator[Item]":
    """Agents of a milestone; who has not ended stays, and so does what cannot be read."""
    for name in store.keys(KIND):
        raw = store.get(KIND, name)
        one = Agent(name, raw) if raw is not None else None
        if one is None or one.milestone != milestone:
            continue
        hold = {"active": "it has not ended", "damaged": "cannot be read: it is damaged"}.get(one.status, "")
        ended = parse_ns(one.word("ended_at")) or 0
        puts = [(KIND, name)]
        puts += [(BEAT, name)] if store.modified(BEAT, name) else []
        page = f"{one.session}/{name}"
        puts += [("session-agent", page)] if one.session and store.modified("session-agent", page) else []
        yield Item("agent", name, max(store.modified(KIND, name), ended), len(raw or b""), hold=hold, puts=tuple(puts))


def points(store: "Store", milestone: str) -> "Iterator[Item]":
    """Synchronisation points of a milestone; one that is open stays."""
    names = store.keys(SYNC)
    if not names:
        return
    from milestone_cli.core.agents.syncpoint import OPEN, look

    for name in names:
        one = look(store, name)
        if one and one.get("milestone_id") == milestone:
            hold = "it is still waited for" if one["status"] == OPEN else ""
            time = max(store.modified(SYNC, name), parse_ns(one.get("ended_at")) or 0)
            yield Item("sync", name, time, len(store.get(SYNC, name) or b""), hold=hold, puts=((SYNC, name),))


def health(store: "Store", milestone: str) -> "Iterator[Item]":
    """Health logs of sessions of the milestone; that of one that goes on stays."""
    for name in store.keys(HEALTH):
        record = session_record(store, name)
        if record.get("milestone_id") == milestone:
            hold = "" if record.get("status") == "completed" else "its session has not ended"
            size = len(store.get(HEALTH, name) or b"")
            yield Item("health log", name, store.modified(HEALTH, name), size, hold=hold, puts=((HEALTH, name),))
