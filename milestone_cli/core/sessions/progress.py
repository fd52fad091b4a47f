"""How far a session is: said in one event of its log, which is all that saying it costs, and found there again.

The log is the truth, so what was said survives whatever happens; a record is brought up to it whenever it is written
anyway, and says from where on the log has to be searched.
"""

from milestone_cli.core import acting_agent, current_session, lock_timeout, request_digest, session_record
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, quote
from milestone_cli.model import Change, Draft, digest, log_of, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.sessions.session import Session
    from milestone_cli.model import Receipt
    from milestone_cli.storage.contract import Store

TYPE = "session_progress"
NEEDLE = b'"event_type":"session_progress"'
LONGEST = 4096


def report(
    store: "Store",
    given: "str | None",
    percent: str,
    operation: "str | None" = None,
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[str, dict[str, object], Receipt]":
    """Say how far a session is.

    Args:
        store: where.
        given: the session; left out: the current one.
        percent: of what it does, 0 to 100.
        operation: what it does; left out: what it did.
        key: idempotency key.
        timeout: seconds to wait for the log's lock.

    Returns:
        The session's name and record, and the receipt of the event.

    Raises:
        MilestoneError: `usage`, `not_found`; `conflict` when the session has ended.
    """
    number = _percent(percent)
    if operation is not None and len(operation) > LONGEST:
        raise MilestoneError(
            "too_large",
            f"the operation has {len(operation)} characters; {LONGEST} are allowed",
            "say it in fewer words",
        )
    name = current_session(store, given)
    record = session_record(store, name)
    if not record:
        from milestone_cli.core.sessions.session import current

        current(store, given)  # which tells why
    milestone = record.get("milestone_id")
    stream = safe(milestone) if isinstance(milestone, str) and milestone else log_of(name)
    said = f',"operation":{quote(operation)}' if operation is not None else ""
    data = f'{{"session_id":"{name}","progress":{number}{said}}}'
    change = Change(stream, [Draft(TYPE, data, name, acting_agent())], timeout=lock_timeout(store, timeout))
    if key:
        change.key, change.request = key, request_digest(b"session progress", name.encode(), data.encode())
    if record.get("status") == "completed":
        from milestone_cli.core.sessions.session import done_before

        known = (stream, change.key, change.request) if key else None
        receipt = done_before(store, name, known, change.timeout)
    else:
        receipt = store.commit(change)
    return name, {**record, "progress": loads(number), **({"operation": operation} if said else {})}, receipt


def _percent(word: str) -> str:
    """A number from 0 to 100, as it was written."""
    bare = word.replace(".", "", 1)
    if bare.isascii() and bare.isdigit() and word[0] != "." and word[-1] != "." and len(word) < 8:
        number = word.lstrip("0") or "0"
        number = "0" + number if number[0] == "." else number
        if float(number) <= 100:
            return number
    raise MilestoneError("usage", f"'{word[:140]}' is not a percentage", "give a number from 0 to 100")


def is_due(record: "dict[str, object]", now: int) -> bool:
    """Whether a session's configuration asks for a checkpoint now, nanoseconds since 1970."""
    settings, last = record.get("configuration"), record.get("last_checkpoint")
    if not isinstance(settings, dict) or settings.get("auto_checkpoint") is not True:
        return False
    interval = settings.get("checkpoint_interval")
    if not isinstance(interval, int | float) or interval <= 0:
        return False
    from milestone_cli.timestamps import parse_ns

    made = parse_ns(last.get("created_at")) if isinstance(last, dict) else None
    return made is None or now - made >= interval * 1e9


def is_edited(store: "Store", name: str, record: "dict[str, object]") -> bool:
    """Whether somebody edited a session's page since its record was written."""
    known = record.get("page")
    raw = store.get("session-yaml", name) if isinstance(known, dict) else None
    return raw is not None and isinstance(known, dict) and known.get("sha256") != digest(raw)


def news(store: "Store", found: "Session") -> "dict[str, str]":
    """What was said of a session's progress since its record was written, as JSON texts of its members."""
    from milestone_cli.timestamps import parse_ns

    end = store.log_size(found.stream)[0]
    at = found.record.get("searched")
    start = at if type(at) is int else store.seek(found.stream, parse_ns(found.word("created_at")) or 0)
    told: dict[str, str] = {}
    if start > end:
        start = 0  # it is another log
    for _, block in store.scan(found.stream, start, end, backwards=True) if end > start else ():
        place = block.rfind(NEEDLE)
        while place >= 0 and "operation" not in told:
            begin = block.rfind(b"\n", 0, place) + 1
            stop = block.find(b"\n", place)
            _take(told, found.id, block[begin : stop if stop >= 0 else len(block)])
            place = block.rfind(NEEDLE, 0, begin)
        if "operation" in told:
            break
    return {**told, "searched": str(end)}


def _take(told: "dict[str, str]", name: str, line: bytes) -> None:
    """Take over what one event says, if it is the session's."""
    try:
        event = loads(line)
    except ValueError:
        return
    data = event.get("data") if isinstance(event, dict) and event.get("event_type") == TYPE else None
    if not isinstance(data, dict) or data.get("session_id") != name:
        return
    for key in ("progress", "operation"):
        if key in data:
            told.setdefault(key, dumps(data[key]))
