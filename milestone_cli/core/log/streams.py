"""Logs by what people name: a milestone, a session, or all milestones."""

from milestone_cli.core import session_record
from milestone_cli.errors import MilestoneError
from milestone_cli.model import OF_SESSION, log_of, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def of_session(store: "Store", session: str, milestone: "str | None" = None) -> str:
    """The log that has a session's events: its milestone's, or its own where it has none.

    Raises:
        MilestoneError: `not_found`, `invalid_name`.
    """
    if milestone is not None:
        return milestone
    told = session_record(store, safe(session, "session")).get("milestone_id")
    if isinstance(told, str) and told:
        return safe(told)
    if store.log_size(log_of(session))[1]:
        return log_of(session)
    raise no_log(log_of(session))


def meant(store: "Store", milestone: "str | None", session: "str | None") -> str:
    """The log that is meant: the milestone's, or that of a session.

    Raises:
        MilestoneError: `invalid_name`, `milestone_ambiguous`, `not_found`.
    """
    if session is not None:
        return of_session(store, session, None if milestone is None else safe(milestone))
    from milestone_cli.core import current_milestone

    return current_milestone(store, milestone)


def logs(store: "Store", milestone: "str | None", session: "str | None", *, every: bool) -> "list[str]":
    """The logs that a command means: of all milestones, of one, which may be a session's, or of a session alone.

    Raises:
        MilestoneError: `usage`, and those of `current_milestone`.
    """
    from milestone_cli.core import current_milestone

    if every:
        if milestone is not None:
            raise MilestoneError("usage", "one milestone or --all, not both", "leave one of them out")
        return store.milestones()
    if milestone is None and session is not None and store.log_size(own := log_of(safe(session, "session")))[1]:
        return [own]
    return [current_milestone(store, milestone, session)]


def milestone_of(stream: str) -> "str | None":
    """The milestone whose log it is; None for a log that is none's."""
    return None if stream[:1] == OF_SESSION else stream


def named(stream: str) -> str:
    """A log in a sentence."""
    return f"the session '{stream[1:]}'" if stream[:1] == OF_SESSION else f"'{stream}'"


def no_log(stream: str) -> MilestoneError:
    """The error for a log that is not there."""
    if milestone_of(stream):
        return MilestoneError("not_found", f"there is no milestone '{stream}'", "`milestone state list` lists them")
    told = f"there is no session '{stream[1:]}' with a log"
    return MilestoneError("not_found", told, "`milestone session list` lists them")
