"""To which session and milestone something new belongs, such as an agent or a task, and which log tells of it."""

from milestone_cli.core import NO_SESSION, current_milestone, current_session, session_record
from milestone_cli.core.record import safe_name
from milestone_cli.errors import MilestoneError
from milestone_cli.model import log_of, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def scope(store: "Store", session: "str | None", milestone: "str | None") -> "tuple[str | None, str | None]":
    """Session and milestone: what is given, else what is current; the session's milestone comes first.

    Raises:
        MilestoneError: `not_found` for a session that is given and not there; `invalid_name`.
    """
    if session is not None:
        from milestone_cli.core.sessions.session import find

        own = find(store, session).milestone
        return session, safe(milestone) if milestone else own
    name = current_session(store)
    record = session_record(store, name) if name != NO_SESSION else {}
    named = safe(milestone) if milestone else safe_name(record.get("milestone_id"))
    if named is None:
        try:
            named = current_milestone(store)
        except MilestoneError as error:
            if error.code != "milestone_ambiguous":
                raise
    return (name if record else None), named


def stream_of(milestone: "str | None", session: "str | None") -> str:
    """The log that tells of it: its milestone's, else its session's own; empty where it has neither."""
    return milestone or (log_of(session) if session else "")
