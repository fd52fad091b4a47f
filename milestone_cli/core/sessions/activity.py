"""When a session was last heard of, and what one that was left behind has left open."""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.sessions.session import Session
    from milestone_cli.storage.contract import Store

LEFT_BEHIND = ("orphaned", "expired")


def last_seen(store: "Store", found: "list[Session]") -> "dict[str, int]":
    """When each of some sessions was last heard of, nanoseconds since 1970: its last event, else its record.

    A log is read backwards once, up to the last event of the session that was silent for longest.
    """
    told = {one.id: store.modified("session", one.id) for one in found}
    for stream in dict.fromkeys(one.stream for one in found):
        wanted = {f'"session_id":"{one.id}"'.encode(): one.id for one in found if one.stream == stream}
        for one in found:
            if one.stream == stream and (ended := parse_ns(one.word("ended_at"))):
                told[one.id] = ended
                del wanted[f'"session_id":"{one.id}"'.encode()]
        for _, block in store.scan(stream, backwards=True) if wanted else ():
            for needle in [needle for needle in wanted if needle in block]:
                if ns := _time(block, needle):
                    name = wanted.pop(needle)
                    told[name] = ns
            if not wanted:
                break
    return told


def _time(block: bytes, needle: bytes) -> int:
    """Time of the last line that has a needle; 0 where it has none."""
    begin = block.rfind(b"\n", 0, block.rfind(needle)) + 1
    word = block[begin : begin + 60].partition(b'"timestamp":"')[2].partition(b'"')[0]
    return parse_ns(word.decode("ascii", "replace")) or 0


def up_to_date(store: "Store", found: "Session") -> "tuple[Session, list[str]]":
    """A session as its page and its log tell, where its record is behind them; and what is wrong, sentences."""
    from milestone_cli.core.document import assign
    from milestone_cli.core.sessions import edits, progress
    from milestone_cli.core.sessions.session import Session

    if found.status == "damaged":
        return found, []
    notes = []
    news = {} if found.status == "completed" else progress.news(store, found)
    news.pop("searched", None)
    try:
        news |= edits.news(store, found)
    except MilestoneError as error:
        notes.append(error.message)
    text = found.text
    for key, value in news.items():
        text = assign(text, key, value)
    current = found.id if found.is_current else ""
    again = Session(found.id, text.encode(), store.modified("session", found.id), current) if news else found
    return again, notes


def left_open(store: "Store", found: "list[Session]") -> "dict[str, list[str]]":
    """What each session that was left behind has left open, in words: operation, agents, locks, transactions."""
    behind = {one.id: one for one in found if one.status in LEFT_BEHIND}
    told: dict[str, list[str]] = {name: [] for name in behind}
    if not behind:
        return told
    from milestone_cli.core.sessions import progress

    for one in behind.values():
        news = progress.news(store, one)
        operation = loads(news["operation"]) if "operation" in news else one.word("operation")
        amount = loads(news["progress"]) if "progress" in news else one.record.get("progress")
        if operation and not (isinstance(amount, int | float) and amount >= 100):
            told[one.id].append(f"{operation}, {amount or 0} % done")
    for name, what in _agents(store):
        if name in told:
            told[name].append(f"the agent {what}")
    locks = store.locks()
    for name in locks.names():
        holder = locks.show(name) or {}
        for one in behind.values():
            if holder.get("pid") == one.record.get("pid") and holder.get("host") in (None, one.word("host")):
                told[one.id].append(f"the lock {name}")
    for key in store.keys("pending"):
        raw = store.get("pending", key) or b""
        for name, words in told.items():
            if f'"session_id":"{name}"'.encode() in raw:
                words.append(f"the transaction {key}")
    return told


def _agents(store: "Store") -> "list[tuple[str, str]]":
    """Session and name of each agent that has not left."""
    found = []
    for key in store.keys("agent"):
        try:
            record = loads(store.get("agent", key) or b"")
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("status") == "active":
            found.append((str(record.get("session_id")), key))
    return found


def is_silent(store: "Store", seen: int, span: int) -> bool:
    """Whether somebody was last heard of longer ago than a span, both in nanoseconds."""
    return seen < max(store.clock(), runtime.now_ns()) - span
