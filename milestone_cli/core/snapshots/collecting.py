"""What a snapshot is made of, read from the documents of a store; consistent where the gate is held around it."""

from milestone_cli import runtime
from milestone_cli.core.record import with_members
from milestone_cli.core.sessions.session import Session
from milestone_cli.core.snapshots.document import LOG, PARTS, Snapshot, named
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, dumps, loads
from milestone_cli.model import LIMIT, log_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Place = tuple[str, str]

TRIES = 5


def collect(store: "Store") -> Snapshot:
    """Take every task, and every session that has not ended, as they are now.

    What cannot be read is left out and named: a snapshot of the rest is better than none.
    """
    parts: dict[str, dict[str, str]] = {name: {} for name in PARTS}
    skipped: list[str] = []
    for name, (kind, _) in PARTS.items():
        for key in store.keys(kind):
            try:
                text = _task(store, key) if kind == "task" else _session(store, key)
            except (MilestoneError, ValueError) as error:
                skipped.append(f"the {kind} '{key}' is left out: {getattr(error, 'message', error)}")
                continue
            if text:
                parts[name][key] = named(text, name, key)
    found = Snapshot(parts, None, runtime.timestamp(store.clock()))
    found.skipped = skipped
    return found


def collect_steady(store: "Store") -> Snapshot:
    """The same without the gate, where that cannot be taken: until nothing has changed between two looks."""
    found = collect(store)
    for _ in range(TRIES):
        again = collect(store)
        if again.content == found.content:
            break
        found = again
    return found


def _task(store: "Store", key: str) -> "str | None":
    raw = store.get("task", key)
    if raw is None:
        return None
    text = check(raw, LIMIT, "its file").strip()
    if not isinstance(loads(text), dict):
        raise MilestoneError("damaged", "its file is not a JSON object")
    return text


def _session(store: "Store", key: str) -> "str | None":
    """A session's record with what its log says of its progress; None for one that has ended."""
    from milestone_cli.core.sessions import progress

    raw = store.get("session", key)
    if raw is None:
        return None
    found = Session(key, raw, 0, "")
    if found.trouble:
        raise MilestoneError("damaged", found.trouble)
    if found.record.get("status") == "completed":
        return None
    news = progress.news(store, found)
    news.pop("searched")  # an offset in this store's log, which grows while the session stays as it is
    told = {name: text for name, text in news.items() if dumps(found.record.get(name)) != text}
    return with_members(found.text, told).strip()


def places(store: "Store") -> "dict[Place, int]":
    """When everything was last written that a snapshot is made of: what tells cheaply that one may be due."""
    found: dict[Place, int] = {}
    for kind, _ in PARTS.values():
        for key in store.keys(kind):
            found[kind, key] = store.modified(kind, key)
    for stream in streams(store):
        if stream != LOG:
            found["log", stream] = store.log_size(stream)[0]
    return found


def streams(store: "Store") -> "list[str]":
    """The logs in which is told what changes a snapshot: of milestones, of sessions that have none, and of neither."""
    own = [LOG, *[log_of(key) for key in store.keys("session")]]
    return [*store.milestones(), *[stream for stream in own if store.log_size(stream)[0]]]
