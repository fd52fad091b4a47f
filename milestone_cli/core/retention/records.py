"""Documents that are JSON objects, as a source of retention reads them: what cannot be read is no reason to fail."""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


def record(store: "Store", kind: str, key: str) -> "tuple[Facts | None, int, str]":
    """A document that is a JSON object, its size in bytes, and why it cannot be read; None for none."""
    try:
        raw = store.get(kind, key)
    except MilestoneError as error:
        return None, 0, f"cannot be read: {error.message}"
    except OSError as error:
        return None, 0, f"cannot be read: {error.strerror}"
    if raw is None:
        return None, 0, ""
    try:
        found = loads(raw)
    except ValueError:
        found = None
    return (found, len(raw), "") if isinstance(found, dict) else (None, len(raw), "cannot be read: it is damaged")


def is_of(found: "Facts", milestone: str) -> bool:
    """Whether what a record tells of belongs to a milestone, or to none at all."""
    return found.get("milestone_id") in (milestone, None, "")


def size_of(store: "Store", puts: "list[tuple[str, str]]") -> int:
    """Bytes of several documents together."""
    return sum(len(store.get(*put) or b"") for put in puts)
