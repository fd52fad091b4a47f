"""A state as it was at any event: one base and the splices after it, each proved by the SHA-256 in the log.

Nothing but the log is asked, so what comes out is what the log explains, whatever stands in the state's file now.
"""

from milestone_cli import runtime
from milestone_cli.core import times
from milestone_cli.core.log import lines
from milestone_cli.core.log.query import Parser
from milestone_cli.core.log.streams import named
from milestone_cli.core.states import revisions
from milestone_cli.core.states.compare import Difference, compare
from milestone_cli.core.states.history import History
from milestone_cli.errors import MilestoneError
from milestone_cli.model import OF_SESSION, digest
from milestone_cli.splice import apply
from milestone_cli.storage.origin import document_of, origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.contract import Store


class Step:
    """An event that changed a state, or where it stands, and the state after it.

    Attributes:
        event: as the log has it.
        text: of the state, verbatim; None where the event deleted it.
        before: the text before the event; None where there was none.
        sha256: of the text; empty without one.
    """

    __slots__ = ("before", "event", "sha256", "text")

    def __init__(self, event: "revisions.Event", text: "bytes | None", before: "bytes | None", sha256: str) -> None:
        self.event = event
        self.text = text
        self.before = before
        self.sha256 = sha256

    def changes(self) -> "list[Difference]":
        """What the event changed in the text; empty where that was deleted."""
        if self.text is None:
            return []
        if self.before is None:
            return [Difference("add", "", None, self.text.decode())]
        return compare(self.before, self.text)

    def fields(self) -> "dict[str, object]":
        """The event as JSON values."""
        names = ("sequence_number", "timestamp", "event_type", "revision", "agent_id", "session_id", "event_id")
        return {**{name: self.event.get(name) for name in names}, "sha256": self.sha256 or None}


def end_of(
    store: "Store", stream: str, *, to: "int | None" = None, at: "str | None" = None, session: "str | None" = None
) -> int:
    """Offset in a log behind the last event that is meant: the one with a number, or the last until a moment.

    Args:
        store: where.
        stream: the log.
        to: sequence number.
        at: as people type it, see `times.parse`.
        session: only its events count.

    Raises:
        MilestoneError: `not_found`, `revision_not_found`, `invalid_time`.
    """
    stop = store.log_size(stream)[0]
    if not stop:
        raise MilestoneError("not_found", f"{named(stream)} has no log", "`milestone state list` lists the milestones")
    if at is not None:
        stop = store.seek(stream, times.parse(at, runtime.now_ns()) + 1)
    if to is not None:
        found = lines.locate(store, stream, to)
        if found is None:
            raise _no_event(store, stream, to)
        stop = found[0] + len(found[1]) + 1
    return stop if session is None else _end_of_session(store, stream, stop, session)


def _end_of_session(store: "Store", stream: str, stop: int, session: str) -> int:
    needle, parser = f'"{session}"'.encode(), Parser()
    for at, block in store.scan(stream, 0, stop, backwards=True):
        if needle not in block:
            continue
        end = at + len(block)
        for line in reversed(block.split(b"\n")):
            event = parser.event(line) if needle in line else None
            if event is not None and event.get("session_id") == session:
                return min(end + 1, stop)
            end -= len(line) + 1
    raise MilestoneError(
        "not_found",
        f"{named(stream)} has no event of the session '{session}' until then",
        "give a later moment, or leave it out",
    )


def _no_event(store: "Store", stream: str, sequence: int) -> MilestoneError:
    head, first = store.head(stream), lines.first_number(store, stream)
    last = head.sequence if head else 0
    if sequence > last:
        told = f"the log of {named(stream)} ends at event {last}"
    elif sequence < first:
        told = f"event {sequence} of {named(stream)} is gone: its log begins at event {first} now"
    else:
        told = f"event {sequence} of {named(stream)} is missing from its log"
    hint = f"there are events {first} to {last}" if first else "only events that milestone has written have numbers"
    return MilestoneError("not_found", told, hint, sequence_number=sequence, first=first, last=last)


def state_at(store: "Store", stream: str, stop: int) -> Step:
    """The state after the last event before an offset.

    Raises:
        MilestoneError: `revision_not_found` when there was none, or what it takes is gone; `damaged`.
    """
    for event in revisions.steps(store, stream, stop):
        if event["event_type"] == "state_deleted":
            raise revisions.none_then(
                stream, f"{named(stream)} was deleted by then, at event {event['sequence_number']}"
            )
        if not revisions.is_state(event):
            continue
        revision = int(str(event["revision"]))
        history = History(store, stream, stop, Parser().event)
        text = history.text(revision)
        if text is None:
            raise _unproved(store, stream, event, history.trouble, is_cut=history.is_cut)
        return Step(event, text, None, digest(text))
    if stream[:1] == OF_SESSION:
        raise MilestoneError(
            "revision_not_found",
            f"{named(stream)} has no milestone, so its log holds no state",
            f"`milestone session show {stream[1:]}` shows its values",
        )
    origin = origin_of(store, stream)
    if (kept := document_of(origin)) is not None:  # what retention removed ended with this state
        event = {"sequence_number": origin.sequence, "timestamp": kept.timestamp, "event_type": "events_removed"}
        return Step({**event, "revision": kept.revision}, kept.text, None, kept.sha256)
    first = lines.first_number(store, stream)
    if first > 1:
        raise _gone(stream, first, "the state of then")
    raise revisions.none_then(stream, f"{named(stream)} had no state yet then")


def states(store: "Store", stream: str, first: int, stop: int, session: "str | None" = None) -> "Iterator[Step]":
    """Every event of a range that changed the state, oldest first, with the state after it.

    Args:
        store: where.
        stream: the log.
        first: sequence number that the range begins with.
        stop: offset in the log behind its end.
        session: only its events come out.

    Raises:
        MilestoneError: `not_found`, `revision_not_found`, `damaged`.
    """
    found = lines.locate(store, stream, first)
    if found is None:
        raise _no_event(store, stream, first)
    text, revision = _standing(store, stream, found[0])
    moved: object = None
    for event in revisions.candidates(store, stream, found[0], stop):
        number = int(str(event["revision"]))
        before = text
        if revisions.is_state(event):
            if number <= revision:
                continue  # it stands twice, or a user's event says the same
            text, revision = _next(store, stream, event, text, revision), number
        elif event["event_id"] == moved:
            continue
        else:
            moved = event["event_id"]
            text = None if event["event_type"] == "state_deleted" else text
        if session is None or event.get("session_id") == session:
            yield Step(event, text, before, digest(text) if text is not None else "")


def _standing(store: "Store", stream: str, stop: int) -> "tuple[bytes | None, int]":
    """The text before an offset, None where there was none or it cannot be had; and its revision."""
    if not stop:
        return None, 0
    last = next(iter(revisions.steps(store, stream, stop)), None)
    revision = origin_of(store, stream).revision if last is None else int(str(last["revision"]))
    try:
        return state_at(store, stream, stop).text, revision
    except MilestoneError as error:
        if error.code not in ("revision_not_found", "damaged"):
            raise
        return None, revision


def _next(store: "Store", stream: str, event: "revisions.Event", text: "bytes | None", revision: int) -> bytes:
    """The text after a state's event, out of the one before; what does not prove itself does not come out."""
    data = revisions.event_data(event)
    why, is_cut = "", text is None
    try:
        if "text" in data:
            text = str(data["text"]).encode()
        elif text is None or event["revision"] != revision + 1:
            why = f"the event of revision {int(str(event['revision'])) - 1} is not in the log"
        else:
            text = apply(text, data["splice"])  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        why = f"its splice does not fit: {error}"
    if why or text is None or digest(text) != data.get("sha256"):
        why = why or "the replayed text does not fit its checksum"
        raise _unproved(store, stream, event, why, is_cut=is_cut and text is None)
    return text


def _unproved(store: "Store", stream: str, event: "revisions.Event", why: str, *, is_cut: bool) -> MilestoneError:
    """The error for a state that the log does not prove: damage, or the price of a clean-up."""
    first, revision = lines.first_number(store, stream), event["revision"]
    if first > 1 and is_cut:
        return _gone(stream, first, f"what revision {revision} is made of")
    return MilestoneError(
        "damaged",
        f"the log of {named(stream)} does not prove revision {revision}: {why}",
        "`milestone events verify` shows where it is damaged",
        milestone_id=stream,
        revision=revision,
        sequence_number=event["sequence_number"],
    )


def _gone(stream: str, first: int, what: str) -> MilestoneError:
    return MilestoneError(
        "revision_not_found",
        f"{what} is gone: the log of {named(stream)} begins at event {first} now",
        "later events can be replayed; backups and checkpoints may hold older states",
        milestone_id=stream,
        first=first,
    )
