"""What is going on: the milestones of a store, and one of them at a look."""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, current_session
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def milestones(store: "Store") -> list[dict[str, object]]:
    """All milestones: name, revision, bytes and time of the state, events, and whether something is the matter."""
    return [_summary(store, name) for name in store.milestones()]


def _summary(store: "Store", name: str) -> dict[str, object]:
    head = store.head(name)
    found: dict[str, object] = {
        "milestone_id": name,
        "revision": head.revision if head else 0,
        "events": head.sequence if head else 0,
        "state": "none",
        "bytes": 0,
        "updated_at": runtime.timestamp(head.time) if head and head.time else None,
    }
    try:
        document = store.read(name)
    except MilestoneError as error:
        if error.code != "not_found":
            found["state"] = error.code
        return found
    known = head is not None and document.sha256 == head.state
    pending = head is not None and document.revision == head.revision + 1
    found["state"] = "good" if known or pending else "changed outside"
    found["bytes"] = len(document.text)
    found["updated_at"] = document.timestamp or found["updated_at"]
    if pending:
        found["revision"] = document.revision
    return found


def status(store: "Store", name: str, last: int = 8) -> dict[str, object]:
    """One milestone at a look: its summary, session, lock and last events, newest last.

    Raises:
        MilestoneError: `not_found` for a milestone that has neither state nor log.
    """
    if name not in store.milestones():
        store.read(name)
    session = current_session(store)
    return {
        **_summary(store, name),
        "store": store.path,
        "session_id": None if session == NO_SESSION else session,
        "lock": store.lock_holder(name),
        "last_events": _last(store, name, last),
    }


def _last(store: "Store", name: str, count: int) -> list[object]:
    found: list[object] = []
    for _, block in store.scan(name, backwards=True):
        for line in reversed(block.split(b"\n")):
            try:
                event = loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                event.pop("checksum", None)
                data = event.get("data")
                if isinstance(data, dict):
                    for bulk in ("text", "splice"):
                        data.pop(bulk, None) if "sha256" in data else None
                found.append(event)
                if len(found) == count:
                    return found[::-1]
    return found[::-1]
