"""Many events at once, as JSON Lines: all are checked before the first is written."""

from milestone_cli.core import acting_agent, current_session, lock_timeout, request_digest
from milestone_cli.core.events import LIMIT, check_data, check_type
from milestone_cli.core.jsonlines import at_line, objects
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import Change, Draft, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Receipt
    from milestone_cli.storage.contract import Store

EXAMPLE = '{"event_type": "…", "data": {…}}'
KEYS = ("event_type", "data", "agent_id", "session_id")


def log_batch(
    store: "Store",
    milestone: str,
    raw: bytes,
    *,
    agent: str | None = None,
    session: str | None = None,
    key: str | None = None,
    timeout: float | None = None,
) -> "tuple[Receipt | None, int]":
    """Append the events of a text of JSON Lines, `{"event_type", "data", "agent_id"?, "session_id"?}`, with one sync.

    Returns:
        The receipt, None when there was no event; and how many there were.

    Raises:
        MilestoneError: with the number of the line; nothing is logged then.
    """
    named, acting = current_session(store, session), acting_agent(agent)
    drafts = []
    for number, spans in objects(raw, LIMIT + 4096, EXAMPLE):
        try:
            drafts.append(_draft(spans, number, named, acting))
        except MilestoneError as error:
            raise at_line(number, error) from None
    if not drafts:
        return None, 0
    change = Change(milestone, drafts, timeout=lock_timeout(store, timeout))
    if key:
        change.key, change.request = key, request_digest(b"batch", raw)
    receipt = store.commit(change)
    if receipt.replayed:  # the key stands on the last line alone
        receipt.first = receipt.sequence - len(drafts) + 1
    return receipt, len(drafts)


def _draft(spans: "dict[str, str]", number: int, session: str, agent: str) -> Draft:
    what = f"line {number}"
    unknown = [name for name in spans if name not in KEYS]
    if unknown or "event_type" not in spans:
        why = f"has an unknown key '{unknown[0][:140]}'" if unknown else "has no event_type"
        raise MilestoneError("invalid_data", f"{what} {why}", f"the keys are {', '.join(KEYS)}")
    words = {}
    for name in KEYS:
        if name != "data" and name in spans:
            if spans[name][0] != '"':
                raise MilestoneError("invalid_data", f"{what}: {name} is not a string", "write it in quotes")
            words[name] = str(loads(spans[name]))
    data = check_data(spans.get("data", "{}").encode(), f"the data of {what}")
    return Draft(
        check_type(words["event_type"]),
        data,
        safe(words["session_id"], "session") if "session_id" in words else session,
        safe(words["agent_id"], "agent") if "agent_id" in words else agent,
    )
