"""What checkpoints of sessions need of a milestone's log: it stays there for as long as they do.

A checkpoint keeps no state, it names a revision, and the place in the log at which it was made. Whatever is removed
ends at that place or before it, so that revision can still be replayed, and what happened since can be told.
"""

from milestone_cli.core.sessions.checkpoints import Checkpoint
from milestone_cli.core.sessions.parts import KIND
from milestone_cli.storage.origin import origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


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
    """What the checkpoints that stay need of a log; None when they need nothing.

    Args:
        store: where.
        milestone: whose log.
        going: kind and key of the documents that go at the same time.
    """
    found: Need | None = None
    gone = origin_of(store, milestone).revision  # what is before it, nobody brings back
    for key in store.keys(KIND):
        if (KIND, key) in going:
            continue
        session, _, name = key.partition("/")
        then = Checkpoint(session, name, store.get(KIND, key) or b"").said("state_snapshot")
        revision = _number(then.get("revision"))
        if then.get("milestone_id") != milestone or then.get("sha256") is None or revision < gone:
            continue
        offset, sequence = _number(then.get("event_offset")), _number(then.get("event_count"))
        if found is None or (sequence, offset) < (found.sequence, found.offset):
            found = Need(offset, sequence, f"needed by {session}/{name}: revision {revision}")
    return found


def _number(value: object) -> int:
    """A count from a document; 0, which holds everything, for what is none."""
    return value if type(value) is int and value > 0 else 0
