"""What a call could not do in time: let it wait, do it later, once and in order; and what went wrong, for `doctor`.

Whatever fails because of the store waits. What would fail again because of the call itself is told and dropped.
"""

from milestone_cli import runtime
from milestone_cli.core.hook import Turn, do, find
from milestone_cli.core.hook.facts import EVENTS, Call
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.storage import spool
from milestone_cli.storage.places import waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

OWN = (
    "invalid_name", "invalid_data", "invalid_json", "too_large", "idempotency_conflict", "conflict", "not_found",
    "completed", "milestone_ambiguous",
)  # fmt: skip
"""Failures that are a call's own: it would fail the same way for ever."""
SHOWN = 300
"""Characters that are kept of a message."""


def settle(turn: Turn, error: BaseException) -> str:
    """Let the call of a turn wait after a failure, or drop it where waiting cannot help; either is written down.

    Where the call was done already, only that its answer failed is written down.

    Returns:
        Why it is not recorded, a sentence; empty when it is.
    """
    code, told = _named(error)
    with turn.settling:
        if turn.is_settled:
            return told  # the other thread came first, and has written it down
        if not turn.is_done:
            _settle(turn, error, code, told)
            turn.is_done = turn.is_settled = True
            return told
    if turn.path is not None:
        note(turn.path, "failed", turn.call.event if turn.call else "", code, told)
    return ""


def _settle(turn: Turn, error: BaseException, code: str, told: str) -> None:
    call, path = turn.call, turn.path or find()
    if path is None:
        return
    if call is None or _is_its_own(error):
        note(path, "failed", call.event if call else "", code, told)
        return
    try:
        spool.keep(path, call.occurred, _as_record(call))
    except (OSError, ValueError) as lost:
        note(path, "lost", call.event, code, f"{told}; and it could not be kept: {lost}")
    else:
        note(path, "waits", call.event, code, told)


def catch_up(turn: Turn, store: "Store") -> None:
    """Do what waits, oldest first, unless another call is at it.

    Raises:
        MilestoneError, OSError: what keeps it from being done; it goes on waiting, and so must what came after it.
    """
    rights: dict[str, spool.Turn | None] = {}
    try:
        for name, place in waiting(store.path):
            if not turn.left():
                raise MilestoneError("lock_timeout", "earlier calls still wait, and there was no time for all of them")
            if place not in rights:
                rights[place] = _right(place)
            right = rights[place]
            if right is not None:
                _do_one(turn, store, right, name)
    finally:
        for one in rights.values():
            if one is not None:
                one.close()


def _right(place: str) -> "spool.Turn | None":
    try:
        return spool.Turn(place)
    except BlockingIOError:
        return None


def _do_one(turn: Turn, store: "Store", right: spool.Turn, name: str) -> None:
    try:
        raw = right.read(name)
    except FileNotFoundError:
        return
    event = ""
    try:
        call = _from_record(raw)
        event = call.event
        do(turn, store, call)
    except Exception as error:
        if not _is_its_own(error):
            raise
        note(store.path, "failed", event, *_named(error))
    right.done(name)


def _is_its_own(error: BaseException) -> bool:
    """Whether a failure is that of the call, and not of the store or the time."""
    if isinstance(error, MilestoneError):
        return error.code in OWN
    return not isinstance(error, OSError | MemoryError | KeyboardInterrupt)


def _named(error: BaseException) -> "tuple[str, str]":
    """Code and sentence of a failure."""
    if isinstance(error, MilestoneError):
        return error.code, error.message
    if isinstance(error, OSError):
        return "store_unreachable", error.strerror or str(error) or type(error).__name__
    if isinstance(error, ValueError):
        return "invalid_json", f"the payload could not be read: {error}"
    return "unexpected", f"{type(error).__name__}: {error}"


def _as_record(call: Call) -> bytes:
    fields = {
        "event": call.event, "client": call.client, "agent": call.agent, "data": call.data, "key": call.key,
        "vague": call.is_vague, "occurred": call.occurred, "milestone": call.milestone, "pid": call.pid,
    }  # fmt: skip
    raw = dumps(fields).encode()
    if len(raw) > spool.LARGEST:
        raise ValueError("it is too large")
    return raw


def _from_record(raw: bytes) -> Call:
    """A call that waited.

    Raises:
        ValueError: when it is none.
    """
    fields = loads(raw)
    shape = {"event": str, "client": str, "agent": str, "data": dict, "key": str, "vague": bool, "occurred": int,
             "milestone": str, "pid": int}  # fmt: skip
    if not isinstance(fields, dict) or any(type(fields.get(name)) is not type_ for name, type_ in shape.items()):
        raise ValueError("what waited is no call")
    if fields["event"] not in EVENTS:
        raise ValueError("what waited is of an unknown event")
    call = Call(*(fields[name] for name in ("event", "data", "client", "agent", "key", "occurred")))
    call.is_vague, call.milestone, call.pid = fields["vague"], fields["milestone"], fields["pid"]
    call.is_late = True
    return call


def note(path: str, what: str, event: str, code: str, message: str) -> None:
    """Write down what went wrong.

    Args:
        path: of the store.
        what: `waits`, `failed`, `lost`, or `usage`.
        event: the client's name of it, or empty.
        code: of the error.
        message: a sentence.
    """
    sound = message[:SHOWN].encode("utf-8", "replace").decode()
    fields = {"at": runtime.timestamp(runtime.now_ns()), "what": what, "event": event, "code": code, "message": sound}
    spool.note(path, dumps(fields).encode())


def problems(path: str) -> "list[dict[str, object]]":
    """What went wrong with hooks of a store, oldest first: `at`, `what`, `event`, `code`, `message` of each.

    `what` says what became of the call: `waits` for the next one (and may be done since), `failed` and was dropped,
    `lost` because it could not be kept, or `usage` for a command line that was wrong.
    """
    found = []
    for line in spool.notes(path):
        try:
            fields = loads(line)
        except ValueError:
            continue
        if isinstance(fields, dict) and isinstance(fields.get("at"), str):
            found.append(fields)
    return sorted(found, key=lambda one: str(one["at"]))
