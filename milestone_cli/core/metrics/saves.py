"""How many changes of states there were since a moment, from the logs: one look at each that was written since."""

from milestone_cli.jsontext import loads
from milestone_cli.storage.origin import origin_of

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
