"""What was asked in a session, who answered, and what came of it: an event each, so nothing of it is ever rewritten."""

from milestone_cli.core import acting_agent, lock_timeout, once
from milestone_cli.core.sessions.session import done_before, readable
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, dumps, loads, quote, skip
from milestone_cli.model import Change, Draft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.sessions.session import Session
    from milestone_cli.model import Receipt
    from milestone_cli.storage.contract import Store

TYPE = "session_recorded"
LIMIT = 1 << 20
"""Largest entry, in bytes."""


def record(
    store: "Store",
    given: "str | None",
    request: str,
    agent: "str | None" = None,
    response: "bytes | None" = None,
    escalation: "bytes | None" = None,
    duration_ms: "float | None" = None,
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Session, Receipt]":
    """Add an entry to a session's history.

    Args:
        store: where.
        given: the session; left out: the current one.
        request: what was asked.
        agent: who answered.
        response: JSON, kept as it is written.
        escalation: JSON of one, or an array of several.
        duration_ms: how long it took, milliseconds.
        key: idempotency key.
        timeout: seconds to wait for the log's lock.

    Raises:
        MilestoneError: `not_found`, `invalid_json`, `too_large`; `conflict` when the session has ended.
    """
    found = readable(store, given)
    draft = entry(found.id, request, agent, response, escalation, duration_ms)
    change = Change(found.stream, [draft], timeout=lock_timeout(store, timeout))
    known = once(found.stream, key, b"session record", draft.data.encode())
    if found.status == "completed":
        return found, done_before(store, found.id, known, change.timeout)
    if known:
        _, change.key, change.request = known
    return found, store.commit(change)


def entry(
    session: str,
    request: str,
    agent: "str | None" = None,
    response: "bytes | None" = None,
    escalation: "bytes | None" = None,
    duration_ms: "float | None" = None,
) -> Draft:
    """An entry of a session's history as an event; see `record`.

    Raises:
        MilestoneError: `invalid_data`, `invalid_json`, `too_large`.
    """
    try:
        request.encode()
    except UnicodeEncodeError:
        raise MilestoneError("invalid_data", "the request is not UTF-8", "write it as UTF-8") from None
    answered = acting_agent(agent)
    said = "null" if response is None else _line(response, "the response")
    escalations = "[]" if escalation is None else _line(escalation, "the escalation")
    if escalations[skip(escalations, 0)] != "[":
        escalations = f"[{escalations}]"
    data = (
        f'{{"session_id":{quote(session)},"request":{quote(request)},"agent":{quote(answered)},"response":{said}'
        f',"escalations":{escalations},"duration_ms":{dumps(duration_ms)}}}'
    )
    if len(data.encode()) > LIMIT:
        told = f"the entry has {len(data)} characters; {LIMIT} bytes are allowed"
        raise MilestoneError("too_large", told, "keep large results in files of their own")
    return Draft(TYPE, data, session, answered)


def _line(raw: bytes, what: str) -> str:
    # Outside of strings a line feed is white space, and inside of one it cannot be: so this changes no value.
    return check(raw, LIMIT, what).strip().replace("\n", " ").replace("\r", " ")


def history(store: "Store", given: "str | None", limit: int) -> "tuple[Session, list[dict[str, object]]]":
    """The last entries of a session's history, oldest first; 0: all of them.

    Raises:
        MilestoneError: `not_found`.
    """
    from milestone_cli.core.log.filters import Filter
    from milestone_cli.core.log.query import Parser, query

    found = readable(store, given)
    told: list[dict[str, object]] = []
    if not store.log_size(found.stream)[0]:
        return found, told
    wanted = Filter([TYPE], session=found.id, limit=limit)
    for line in query(store, found.stream, wanted, Parser()):
        event = loads(line)
        data = event.get("data") if isinstance(event, dict) else None
        if isinstance(event, dict) and isinstance(data, dict):
            names = ("request", "agent", "response", "escalations", "duration_ms")
            entry = {"timestamp": event.get("timestamp"), **{name: data.get(name) for name in names}}
            told.append({**entry, "event_id": event.get("event_id")})
    return found, told
