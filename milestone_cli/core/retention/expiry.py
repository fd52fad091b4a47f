"""The events of logs that are old enough to go, and what stays in their place.

What goes is always the beginning of a log, up to the end of a line. An origin and an event `events_removed` say what it
was; with the state's text of then, every later revision is still replayed, and the chain proved. It ends where the
first checkpoint of a session was made that stays, or before: so its revision can be replayed for as long. Logs that
are no milestone's have no state; what is old of them goes once that is more than what stands in its place.
"""

from milestone_cli.core import draft
from milestone_cli.core.record import with_members
from milestone_cli.core.retention.plan import Item
from milestone_cli.core.sessions import progress
from milestone_cli.core.sessions.session import Session
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import OF_SESSION, Plan, digest
from milestone_cli.runtime import timestamp
from milestone_cli.storage.origin import Origin, compose, origin_of
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.retention.plan import Decision
    from milestone_cli.storage.contract import Store

KIND, OF_OTHERS = "events", "session events"
"""Kinds of items: parts of the log of a milestone, and of logs that are none's; the group of each is its log."""
LEAST = 1 << 14
"""Bytes of a log that is no milestone's that are worth removing: four files stand in their place, a block each."""
CHECKPOINT = "session-checkpoint"
"""A checkpoint of a session keeps no state, it names a revision, and the place in the log at which it was made."""

DELETED = b'"event_type":"state_deleted"'


class Need:
    """Up to where a log may be removed.

    Attributes:
        offset: in the log, bytes; what is behind it stays.
        sequence: of the last event that may go; a repair moves offsets, but no numbers.
        reason: who needs the rest.
    """

    __slots__ = ("offset", "reason", "sequence")

    def __init__(self, offset: int, sequence: int, reason: str) -> None:
        self.offset = offset
        self.sequence = sequence
        self.reason = reason


def needed(store: "Store", milestone: str, going: "set[tuple[str, str]]") -> "Need | None":
    """What the checkpoints that stay need of a log, and a state that was deleted; None when they need nothing.

    Args:
        store: where.
        milestone: whose log.
        going: kind and key of the documents that go at the same time.
    """
    found = _deletion(store, milestone)
    keys = [key for key in store.keys(CHECKPOINT) if (CHECKPOINT, key) not in going]
    if not keys:
        return found
    from milestone_cli.core.sessions.checkpoints import Checkpoint

    gone = origin_of(store, milestone).revision  # what is before it, nobody brings back
    for key in keys:
        session, _, name = key.partition("/")
        then = Checkpoint(session, name, store.get(CHECKPOINT, key) or b"").said("state_snapshot")
        revision = _number(then.get("revision"))
        if then.get("milestone_id") != milestone or then.get("sha256") is None or revision < gone:
            continue
        offset, sequence = _number(then.get("event_offset")), _number(then.get("event_count"))
        if found is None or (sequence, offset) < (found.sequence, found.offset):
            found = Need(offset, sequence, f"needed by {session}/{name}: revision {revision}")
    return found


def _deletion(store: "Store", milestone: str) -> "Need | None":
    """The event that tells a state which was deleted from one that is lost."""
    head = store.head(milestone)  # most logs of a milestone without a state are of one that never had any
    if head is None or not head.revision or any(store.modified(kind, milestone) for kind in ("active", "completed")):
        return None
    for at, block in store.scan(milestone, backwards=True):
        end = at + len(block)
        for line in reversed(block.split(b"\n")) if DELETED in block else ():
            event = _ours(line) if DELETED in line else None
            if event and event["event_type"] == "state_deleted":
                last = int(str(event["sequence_number"])) - 1
                return Need(end - len(line), last, "it tells that the state was deleted")
            end -= len(line) + 1
    return None


def _number(value: object) -> int:
    """A count from a document; 0, which holds everything, for what is none."""
    return value if type(value) is int and value > 0 else 0


def items(store: "Store", stream: str, limit: int, need: "Need | None" = None) -> "Iterator[Item]":
    """The parts of a log that can go one after the other: what is sealed, what else is old, and the rest.

    Args:
        store: where.
        stream: the log.
        limit: nanoseconds since 1970; what is of then or later is not old.
        need: what something that stays needs of the log; None for nothing.

    Yields:
        Items named by the sequence numbers of their first and last event; `rank` is the offset behind them.
    """
    origin = origin_of(store, stream)
    at, first, time = origin.end, origin.sequence + 1, origin.time
    for end, last, moment, size in store.sealed(stream):
        if end > at:
            yield _item(stream, (first, last), moment, size, end, need)
            at, first, time = end, last + 1, moment
    size = store.log_size(stream)[0]
    cut = _old_end(store, stream, at, size, limit) if size > at else at
    cut = max(min(cut, need.offset), at) if need is not None else cut
    for begin, end in ((at, cut), (cut, size)):
        if end > begin:
            last, time = _last(store, stream, begin, end, first - 1, time)
            yield _item(stream, (first, last), time, end - begin, end, need)
            first = last + 1


def others(store: "Store", limit: int) -> "Iterator[Item]":
    """The same of the logs that are no milestone's: of sessions, which may be gone, and of what has neither."""
    for stream in store.session_logs():
        found = [*items(store, stream, limit)]
        is_short = sum(item.size for item in found if item.time <= limit) < LEAST
        for item in found:
            if is_short and item.time <= limit:
                item.hold = "too short: what would stand in its place takes as much"
            yield item


def _item(stream: str, events: "tuple[int, int]", time: int, size: int, end: int, need: "Need | None") -> Item:
    kind, name = KIND, _name(*events)
    if stream[:1] == OF_SESSION:
        kind, name = OF_OTHERS, f"{stream[1:]}/{name}"
    return Item(kind, name, time, size, rank=end, hold=_hold(need, end, events[1]), group=stream)


def _hold(need: "Need | None", end: int, last: int) -> str:
    """Why a part of a log that ends there must stay; empty when nothing that stays needs it."""
    return need.reason if need is not None and (end > need.offset or last > need.sequence) else ""


def _name(first: int, last: int) -> str:
    if last < first:
        return f"bash's before {first}"
    return f"{first}-{last}" if last > first else str(first)


def _old_end(store: "Store", stream: str, start: int, size: int, limit: int) -> int:
    """Offset behind the last line that is older than a moment; lines of bash, which have times too, are no hurdle."""
    stop = min(max(store.seek(stream, limit), start), size)
    for at, block in store.scan(stream, start, stop, backwards=True):
        lines = block.split(b"\n")
        end = at + len(block) - len(lines.pop())  # a line that is still being written is young
        for line in reversed(lines):
            moment = _time(line)
            if moment is not None and moment < limit:
                return end
            end -= len(line) + 1
    return start


def _time(line: bytes) -> "int | None":
    """When a line was logged, by us or by bash; None for any other."""
    head = line[:64].replace(b'": "', b'":"', 1)
    return (
        parse_ns(head[14:].partition(b'"')[0].decode("ascii", "replace"))
        if head.startswith(b'{"timestamp":"')
        else None
    )


def _last(store: "Store", stream: str, start: int, end: int, sequence: int, time: int) -> "tuple[int, int]":
    """Number of the last event of ours between two offsets, and the time of the last line there."""
    moment = 0
    for line in _backwards(store, stream, start, end):
        moment = moment or _time(line) or 0
        event = _ours(line)
        if event is not None:
            return int(str(event["sequence_number"])), moment
    return sequence, moment or time


def _backwards(store: "Store", stream: str, start: int, end: int) -> "Iterator[bytes]":
    for _, block in store.scan(stream, start, end, backwards=True):
        yield from reversed(block.removesuffix(b"\n").split(b"\n"))


def _ours(line: bytes) -> "dict[str, object] | None":
    """A line of ours as an event; None for any other."""
    if b'"sequence_number":' not in line:
        return None
    try:
        event = loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or type(event.get("sequence_number")) is not int:
        return None
    return event if isinstance(event.get("checksum"), str) and type(event.get("revision")) is int else None


def anchor(store: "Store", stream: str, end: int) -> "tuple[Origin, str]":
    """What shall stand in the place of events that go.

    Args:
        store: where.
        stream: the log; whoever could rewrite it is kept from that.
        end: offset behind what goes.

    Returns:
        The origin of what is left, and the data of the event that says so.
    """
    before, made = origin_of(store, stream), Origin()
    made.end = end
    made.sequence, made.checksum, made.time = before.sequence, before.checksum, before.time
    made.revision, made.state, made.text = before.revision, before.state, before.text
    made.first, made.since = before.first or 1, before.since or _first_time(store, stream, before.end, made.end)
    for line in _backwards(store, stream, before.end, made.end):
        last = line + b"\n"
        made.line = made.line or f"{len(last)}:{digest(last)[:16]}"
        if event := _ours(line):
            made.sequence, made.checksum = int(str(event["sequence_number"])), str(event["checksum"])
            made.time = parse_ns(event.get("timestamp")) or before.time
            _take_state(store, stream, made, int(str(event["revision"])))
            break
    data = {
        "first": before.sequence + 1, "last": made.sequence, "offset": made.end, "checksum": made.checksum,
        "bytes": made.end - before.end, "since": timestamp(before.time or made.since), "until": timestamp(made.time),
        "revision": made.revision, "state": made.state,
    }  # fmt: skip
    return made, dumps(data)


def _take_state(store: "Store", stream: str, made: Origin, revision: int) -> None:
    """Keep the text of the state that was current then; without it replaying begins at the next whole one."""
    if revision == made.revision:
        return
    made.revision, made.state, made.text = revision, "", None
    try:
        document = store.read(stream, revision)
    except MilestoneError:
        return  # the log was rewritten outside, and cannot tell any more
    made.state, made.text = document.sha256, document.text


def _first_time(store: "Store", stream: str, start: int, end: int) -> int:
    for _, block in store.scan(stream, start, min(end, start + (1 << 16))):
        for line in block.splitlines():
            if moment := _time(line):
                return moment
    return 0


def is_part(item: Item) -> bool:
    """Whether an item is a part of a log."""
    return item.kind in (KIND, OF_OTHERS)


def beginnings(going: "list[Decision]", every: "list[Decision]") -> "list[Decision]":
    """What is to go, of a log only its beginning, up to the first part among all that stays."""
    chosen = set(map(id, going))
    stays: dict[str, int] = {}
    for one in every:
        if is_part(one.item) and id(one) not in chosen:
            stays[one.item.group] = min(stays.get(one.item.group, one.item.rank), one.item.rank)
    return [one for one in going
            if not is_part(one.item) or one.item.rank < stays.get(one.item.group, one.item.rank + 1)]  # fmt: skip


def part(store: "Store", planned: "list[Decision]", timeout: float) -> "dict[str, str]":
    """Part the logs of which something is to go where that ends; what cannot be parted there is kept.

    Returns:
        Each log of which something stays that was to go, and why.
    """
    stuck: dict[str, str] = {}
    going: dict[str, list[Decision]] = {}
    for one in planned:
        if is_part(one.item) and not one.is_kept:
            going.setdefault(one.item.group, []).append(one)
    for stream, parts in going.items():
        sealed = {end for end, *_ in store.sealed(stream)}
        late = [one for one in parts if one.item.rank not in sealed]
        end = max((one.item.rank for one in late), default=0)
        if end and (why := store.part(stream, compose(anchor(store, stream, end)[0]), timeout)):
            stuck[stream] = why
            for one in late:
                one.is_kept, one.reason = True, why
    return stuck


def take_away(store: "Store", mutation: Plan, removed: "list[Item]") -> None:
    """Plan what shall stand in the place of the parts of logs among what goes."""
    ends: dict[str, int] = {}
    for item in removed:
        if is_part(item):
            ends[item.group] = max(ends.get(item.group, 0), item.rank)
    for stream, end in ends.items():
        made, told = anchor(store, stream, end)
        mutation.puts.append(("origin", stream, compose(made)))
        own = stream[1:] if stream[:1] == OF_SESSION else None
        mutation.events.append((stream, draft(store, "events_removed", told, own)))


def keep_progress(store: "Store", removed: "list[Item]", timeout: float) -> None:
    """Take over into the records of sessions what they said of their progress in logs of which something is to go.

    In a transaction of its own: taking back a clean-up is no reason to forget it, nor is what a session says next one
    against taking back.
    """
    streams = {item.group for item in removed if is_part(item)}

    def build() -> Plan:
        plan = Plan("session_progress")
        for key in store.keys("session"):
            found = Session(key, store.get("session", key) or b"", 0, "")
            if found.status not in ("completed", "damaged") and found.stream in streams:
                news = progress.news(store, found)
                if len(news) > 1:  # more than up to where it was looked for
                    plan.puts.append(("session", key, with_members(found.text, news).encode()))
        return plan

    if streams:
        store.transact([], build, timeout)
