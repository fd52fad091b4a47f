"""How many changes of states there were since a moment, and how long the newest took, from what the logs say."""

from milestone_cli.jsontext import loads
from milestone_cli.model import is_hex
from milestone_cli.storage.origin import origin_of
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

SAVING = (
    "state save", "state set", "state patch", "state undo", "state redo", "state complete", "state reopen",
    "checkpoint restore", "transaction apply", "transaction rollback", "session recover",
)  # fmt: skip
"""Commands that change states."""
RETRIED = ("lock_timeout", "lock_lost", "recovered")
"""Failures after which trying again is the cure, and not a sign that the store is ill."""
LOOKS = 10_000
"""Logs that are looked at; with more of them the number is not told."""
CHANGES = 50
"""Changes of states of which it is told how long they took."""
LONGEST = 60.0
"""Seconds that a change may take; where it is longer its writer was killed, and somebody else has logged it."""
REACH = 4 << 20
"""Bytes at the end of each log that are searched for changes."""
STATE, OUTSIDE, ID = b'"data":{"state_file":"', b',"outside":true', b'"event_id":"event-'
"""What stands in the event of a state; of one that another program changed; before the digits of an event's id."""
BEGINNING = 1024
"""Bytes of a line in which the first two stand, before any text."""


def is_failed_save(command: str, code: str) -> bool:
    """Whether a failure is one of changing a state; having waited in vain for a lock is none."""
    return command in SAVING and code not in RETRIED


def day_of_saves(store: "Store", since: int) -> "int | None":
    """Changes of states since a moment, nanoseconds since 1970; None where retention has removed what tells it."""
    total = 0
    heads = [(name, head) for name in store.milestones() if (head := store.head(name)) is not None]
    written = [(name, head) for name, head in heads if head.time >= since and head.revision]
    if len(written) > LOOKS:
        return None
    for name, head in written:
        offset = store.seek(name, since)
        if offset <= origin_of(store, name).end and offset:
            return None
        total += head.revision - _revision_before(store, name, offset)
    return total


def _revision_before(store: "Store", name: str, offset: int) -> int:
    """The revision of a state before an offset in its log; 0 before the first."""
    for _, block in store.scan(name, 0, offset, backwards=True):
        for line in reversed(block.splitlines()):
            try:
                event = loads(line)
            except ValueError:
                continue
            revision = event.get("revision") if isinstance(event, dict) else None
            if type(revision) is int:
                return revision
    return 0


def change_times(store: "Store") -> "list[float]":
    """Seconds that the newest changes of states took; nothing was measured, for their events have two times.

    The id of such an event is of the moment, to the millisecond, at which its writer drew up the new state, under its
    lock; the time of its line is of when that state was in place and synced, and only the line was still to be synced.

    Returns:
        The newest last, each at most a millisecond too long; none in a database, where the two clocks are not one.
    """
    if store.is_clock_shared:
        return []
    heads = [(head.time, name) for name in store.milestones() if (head := store.head(name)) is not None]
    found: list[tuple[int, float]] = []
    for time, name in sorted(heads, reverse=True):
        if len(found) == CHANGES and time < found[0][0]:
            break
        found = sorted([*found, *_changes(store, name)])[-CHANGES:]
    return [seconds for _, seconds in found]


def _changes(store: "Store", name: str) -> "list[tuple[int, float]]":
    """When the last changes of a state were logged, nanoseconds since 1970, and the seconds that they took."""
    found: list[tuple[int, float]] = []
    size = store.log_size(name)[0]
    for at, block in store.scan(name, 0, size, backwards=True) if size else ():
        for line in reversed(block.splitlines()):
            if len(found) < CHANGES and (one := change(line)) is not None:
                found.append(one)
        if len(found) == CHANGES or size - at > REACH:
            break
    return found


def change(line: bytes) -> "tuple[int, float] | None":
    """When a line was logged, and how long the change took that it tells of; None where it tells of none of ours."""
    if line.find(STATE, 0, BEGINNING) < 0 or line.find(OUTSIDE, 0, BEGINNING) >= 0:
        return None
    logged = parse_ns(line[14:].partition(b'"')[0].decode("ascii", "replace"))
    word = line[line.rfind(ID) + len(ID) :][:12].decode("ascii", "replace")
    if logged is None or not is_hex(word, 12):
        return None
    seconds = (logged - int(word, 16) * 1_000_000) / 1e9
    return (logged, round(seconds, 6)) if 0 <= seconds <= LONGEST else None
