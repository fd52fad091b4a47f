"""What was said of a session since its record was written: progress in its log, settings and context in its page."""

from milestone_cli.core import acting_agent
from milestone_cli.core.record import with_members
from milestone_cli.core.sessions import pages, progress
from milestone_cli.core.sessions.session import Session, readable
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import quote
from milestone_cli.model import Draft, Plan, digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def edited(store: "Store", found: Session) -> "dict[str, str]":
    """What somebody edited in a session's page since the record was written, as JSON texts of its members.

    Raises:
        MilestoneError: `invalid_config` when the page cannot be read, or says what cannot be.
    """
    raw, known = store.get(pages.KIND, found.id), found.record.get("page")
    if raw is None or (isinstance(known, dict) and known.get("sha256") == digest(raw)):
        return {}
    from milestone_cli.core.sessions.edits import members_of

    return members_of(raw, found.id)


def brought_up(store: "Store", found: Session) -> str:
    """A session's record with what its log and its page have said since it was written."""
    try:
        settings = edited(store, found)
    except MilestoneError:
        settings = {}  # the page stays as it is until somebody mends it, and `doctor` tells of it
    return with_members(found.text, {**settings, **progress.news(store, found)})


def up_to_date(store: "Store", found: Session) -> "tuple[Session, list[str]]":
    """A session as its page and its log tell, for whoever only looks; and what is wrong, sentences."""
    if found.status == "damaged":
        return found, []
    notes = []
    news = {} if found.status == "completed" else progress.news(store, found)
    news.pop("searched", None)
    try:
        news |= edited(store, found)
    except MilestoneError as error:
        notes.append(error.message)
    if not news:
        return found, notes
    raw = with_members(found.text, news).encode()
    return Session(found.id, raw, store.modified("session", found.id), found.id if found.is_current else ""), notes


def take_over(store: "Store", session: str, timeout: float) -> "dict[str, object]":
    """Take over into a session's record what somebody edited in its page.

    Returns:
        The record as it is then.

    Raises:
        MilestoneError: `invalid_config` when the page cannot be read, or says what cannot be.
    """
    found = readable(store, session)

    def build() -> Plan:
        nonlocal found
        found, plan = readable(store, session), Plan("session_configure")
        news = edited(store, found)
        if news:
            text = with_members(found.text, news)
            said = f'{{"session_id":{quote(found.id)},"configuration":{news["configuration"]}}}'
            plan.puts.append(("session", found.id, text.encode()))
            plan.events.append((found.stream, Draft("session_configured", said, found.id, acting_agent())))
            found = Session(found.id, text.encode(), 0, "")
        return plan

    store.transact([], build, timeout)
    return found.record
