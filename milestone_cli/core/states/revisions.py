"""The revisions of a state as its log tells them, newest first, and what changed from one to the next.

The log is read from its end and no further than asked, so the newest twenty cost the same in a log of any size.
"""

from milestone_cli import runtime
from milestone_cli.core import times
from milestone_cli.core.states.compare import Difference, compare
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.splice import apply
from milestone_cli.storage.origin import origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.model import Document
    from milestone_cli.storage.contract import Store

STATE = b'"sha256":'
MOVES = (b'"state_deleted"', b'"state_completed"', b'"state_reopened"')
"""Events that change where a state stands, and not what it says."""
MARKS = {"state_restored": "restored", "state_recovered": "recovered"}
SHOWN = 20
"""Changes of one revision that are told one by one."""

Event = dict[str, object]


def steps(store: "Store", stream: str, stop: "int | None" = None) -> "Iterator[Event]":
    """What was done to a state, newest first: each revision's event once, and its moves between.

    Args:
        store: where.
        stream: name of the milestone.
        stop: offset in the log before which to look; left out, its end.
    """
    held: Event | None = None
    move: object = None
    for event in _candidates(store, stream, stop):
        # A revision's own event is the first line that carries its number; what says the same later is a user's.
        if held is not None and held["revision"] != event["revision"]:
            yield held
            held = None
        if is_state(event):
            held = event
        elif event["event_id"] != move:  # a line may stand twice
            move = event["event_id"]
            yield event
    if held is not None:
        yield held


def _candidates(store: "Store", stream: str, stop: "int | None") -> "Iterator[Event]":
    for _, block in store.scan(stream, 0, stop, backwards=True):
        for line in reversed(block.split(b"\n")):
            if event := _moving(line):
                yield event


def candidates(store: "Store", stream: str, start: int, stop: int) -> "Iterator[Event]":
    """Lines between two offsets that may be steps, oldest first; one may come twice."""
    for _, block in store.scan(stream, start, stop):
        if STATE in block or any(move in block for move in MOVES):
            for line in block.split(b"\n"):
                if event := _moving(line):
                    yield event


def _moving(line: bytes) -> "Event | None":
    """The event of a line that changes a state, or where it stands."""
    if STATE not in line and not any(move in line for move in MOVES):
        return None
    event = _parse(line)
    return event if event and (is_state(event) or f'"{event["event_type"]}"'.encode() in MOVES) else None


def _parse(line: bytes) -> "Event | None":
    try:
        event = loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or type(event.get("revision")) is not int or "sequence_number" not in event:
        return None
    words = (event.get("event_type"), event.get("event_id"), event.get("timestamp"))
    known = isinstance(event.get("data"), dict) and all(isinstance(word, str) for word in words)
    return event if known else None


def event_data(event: Event) -> "dict[str, object]":
    """An event's data."""
    data = event["data"]
    assert isinstance(data, dict)
    return data


def is_state(event: Event) -> bool:
    """Whether an event is that of a revision."""
    data = event_data(event)
    return data.get("revision") == event["revision"] and ("text" in data or "splice" in data)


def is_deleted(store: "Store", stream: str, stop: "int | None" = None) -> bool:
    """Whether the last thing done to a state was to delete it."""
    return next((event["event_type"] == "state_deleted" for event in steps(store, stream, stop)), False)


def beginning(store: "Store", milestone: str) -> str:
    """What a change of a state begins with where there is none: an empty object.

    Raises:
        MilestoneError: `not_found` where there was one, which nobody has deleted.
    """
    head = store.head(milestone)
    if head is not None and head.revision and not is_deleted(store, milestone):
        from milestone_cli.storage.lookup import missing

        raise missing(store, milestone)
    return "{}"


def newest(store: "Store", stream: str) -> "Event | None":
    """The event of the newest revision in the log."""
    return next((event for event in steps(store, stream) if is_state(event)), None)


def revision_at(store: "Store", milestone: str, moment: str) -> int:
    """The revision that was current at a moment.

    Args:
        store: where.
        milestone: whose.
        moment: as people type it, see `times.parse`.

    Raises:
        MilestoneError: `invalid_time`; `revision_not_found` when there was no state then.
    """
    ns = times.parse(moment, runtime.now_ns())
    stop = store.seek(milestone, ns + 1)
    for event in steps(store, milestone, stop):
        if event["event_type"] == "state_deleted":
            raise none_then(milestone, f"'{milestone}' was deleted by then, at {event['timestamp']}")
        if is_state(event):
            return int(str(event["revision"]))
    origin = origin_of(store, milestone)
    if origin.revision and ns >= origin.time:
        return origin.revision
    if origin.sequence and ns >= origin.since:
        raise none_then(milestone, f"retention removed the events of '{milestone}' of then")
    raise none_then(milestone, f"'{milestone}' had no state yet then")


def none_then(milestone: str, message: str) -> MilestoneError:
    """The error for a moment at which there was no state."""
    return MilestoneError(
        "revision_not_found",
        message,
        f"`milestone state history {milestone}` lists the revisions",
        milestone_id=milestone,
    )


class Entry:
    """One line of a history.

    Attributes:
        event: as the log has it.
        bytes: size of the text; None for a move, and where the log cannot say any more.
        changes: what is different from the revision before; None where that is not known.
        marks: `undo`, `redo`, `outside`, `restored`, `recovered`.
    """

    __slots__ = ("bytes", "changes", "event", "marks")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.bytes: int | None = None
        self.changes: list[Difference] | None = None
        data = event_data(event)
        self.marks: list[str] = [mark for mark in ("undo", "redo", "outside") if mark in data]
        self.marks += [mark for type_, mark in MARKS.items() if event["event_type"] == type_]

    def fields(self) -> "dict[str, object]":
        """The entry as JSON values."""
        data = event_data(self.event)
        told = None if self.changes is None else [{"op": one.op, "path": one.path} for one in self.changes[:SHOWN]]
        return {
            "revision": self.event["revision"],
            "timestamp": self.event["timestamp"],
            "event_type": self.event["event_type"],
            "agent_id": self.event.get("agent_id"),
            "session_id": self.event.get("session_id"),
            "event_id": self.event.get("event_id"),
            "bytes": self.bytes,
            "marks": self.marks,
            "changed": None if self.changes is None else len(self.changes),
            "changes": told,
            **{name: data[name] for name in ("undo", "redo", "restores", "deleted", "checkpoint_name") if name in data},
        }


def history(store: "Store", milestone: str, limit: int = 20) -> list[Entry]:
    """The newest revisions, and what each one changed.

    Raises:
        MilestoneError: `not_found` when the log knows no revision, and there is no state either.
    """
    found: list[Entry] = []
    for event in steps(store, milestone):
        found.append(Entry(event))
        if len(found) == limit:
            break
    if not found:
        store.read(milestone)  # which tells why
    text = _before(store, milestone, found)
    for entry in reversed(found):
        data = event_data(entry.event)
        if not is_state(entry.event):
            continue
        new = _next(text, data)
        if new is not None:
            entry.bytes = len(new)
            if text is not None:
                entry.changes = compare(text, new)
            elif entry.event["revision"] == 1:
                entry.changes = [Difference("add", "", None, new.decode())]
        text = new
    return found


def removed_before(store: "Store", milestone: str, found: list[Entry], limit: int) -> int:
    """The newest revision whose event retention removed, where that is what ends a history; 0 for none."""
    return 0 if len(found) == limit else origin_of(store, milestone).revision


def _before(store: "Store", milestone: str, found: list[Entry]) -> "bytes | None":
    """The text before the oldest entry, where there is one."""
    revisions = [int(str(entry.event["revision"])) for entry in found if is_state(entry.event)]
    if not revisions or revisions[-1] == 1:
        return None
    try:
        return store.read(milestone, revisions[-1] - 1).text
    except MilestoneError:
        return None


def _next(text: "bytes | None", data: "dict[str, object]") -> "bytes | None":
    if "text" in data:
        return str(data["text"]).encode()
    if text is None:
        return None
    try:
        return apply(text, data["splice"])  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return None


def pair(store: "Store", milestone: str, first: "int | None", second: "int | None") -> "tuple[Document, Document]":
    """The two states that a difference is asked of: left out, the previous one and the current one.

    Raises:
        MilestoneError: `not_found`, `revision_not_found`.
    """
    after = store.read(milestone, second)
    if first is None:
        # A change from outside has no number yet: what it changed is the revision that the log knows.
        first = after.revision if after.outside else after.revision - 1
        if first < 1:
            raise MilestoneError(
                "revision_not_found",
                f"revision {after.revision} of '{milestone}' is the first; there is none before it",
                f"`milestone state load {milestone}` prints it",
                milestone_id=milestone,
            )
    return store.read(milestone, first), after
