"""What the logs say of a session whose record does not: when it began, and whether it has ended."""

from milestone_cli.jsontext import loads
from milestone_cli.model import log_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.contract import Store

BEGUN = ("session_created", "session_initialized")
ENDED = "session_ended"
TOLD = tuple(f'"{type_}"'.encode() for type_ in (*BEGUN, ENDED))


def record_of(store: "Store", session: str) -> "dict[str, object] | None":
    """The record of a session as far as the logs know it; None when none of them says that it was begun."""
    for stream in (*store.milestones(), log_of(session)):
        record: dict[str, object] = {}
        for event in _events(store, stream, session):
            if event["event_type"] in BEGUN:
                record.update(
                    session_id=session, milestone_id=event.get("milestone_id"), created_at=event.get("timestamp"),
                    pid=None, user=event.get("user"), working_directory=None, git_branch=None, status="active",
                    type="general",
                )  # fmt: skip
            elif event["event_type"] == ENDED and record:
                record.update(status="completed", ended_at=event.get("timestamp"))
        if record.get("created_at"):
            return record
    return None


def has_ended(store: "Store", session: str) -> bool:
    """Whether the last that a log says of a session is that it has ended."""
    for stream in (*store.milestones(), log_of(session)):
        last = [event["event_type"] for event in _events(store, stream, session)][-1:]
        if last:
            return last == [ENDED]
    return False


def _events(store: "Store", stream: str, session: str) -> "Iterator[dict[str, object]]":
    """The events of a log that tell when a session began and ended."""
    needle = f'"session_id":"{session}"'.encode()
    for _, block in store.scan(stream):
        for line in block.splitlines() if needle in block else ():
            if needle in line and any(type_ in line for type_ in TOLD):
                try:
                    event = loads(line)
                except ValueError:
                    continue
                data = event.get("data") if isinstance(event, dict) else None
                if isinstance(event, dict) and isinstance(data, dict) and data.get("session_id") == session:
                    yield {"event_type": None, **event}
