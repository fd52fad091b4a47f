"""The milestones of a store, a line each."""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, current_session
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Document
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


def milestones(store: "Store") -> "list[Facts]":
    """All milestones: name, revision, bytes and time of the state, events, and whether something is the matter."""
    completed = set(store.keys("completed"))
    return [summary(store, name, completed)[0] for name in store.milestones()]


def summary(store: "Store", name: str, completed: set[str]) -> "tuple[Facts, Document | None]":
    """One of them, and its state where it can be read; `completed` are the names of all that are."""
    head = store.head(name)
    found: Facts = {
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
        return found, None
    known = head is not None and document.sha256 == head.state
    pending = head is not None and document.revision == head.revision + 1
    found["state"] = "good" if known or pending else "changed outside"
    if name in completed and not store.modified("active", name):
        found["state"] = "completed"
    found["bytes"] = len(document.text)
    found["updated_at"] = document.timestamp or found["updated_at"]
    if pending:
        found["revision"] = document.revision
    return found, document


def everything(store: "Store") -> "Facts":
    """All milestones and who acts, for a look at the whole store."""
    session = current_session(store)
    return {
        "store": store.path,
        "session_id": None if session == NO_SESSION else session,
        "milestones": milestones(store),
    }
