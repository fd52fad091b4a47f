"""Keyed state of a session: values under paths in its record, each as it was written; set all or nothing."""

from milestone_cli import runtime
from milestone_cli.core import acting_agent, lock_timeout, once
from milestone_cli.core import document as paths
from milestone_cli.core.record import squeezed
from milestone_cli.core.sessions.progress import is_due
from milestone_cli.core.sessions.session import has_ended, readable
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, members, quote, skip
from milestone_cli.model import Draft, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.sessions.session import Session
    from milestone_cli.model import Receipt
    from milestone_cli.storage.contract import Store

LIMIT = 1 << 19
"""Largest keyed state of a session, in bytes."""


def state_of(found: "Session") -> str:
    """The keyed state of a session, as a JSON text."""
    try:
        return paths.find(found.text, "/state")
    except MilestoneError:
        return "{}"  # one of the bash utilities, or of a client


def meant(store: "Store", words: "list[str]") -> "tuple[str | None, str]":
    """Session and path of the words `[SESSION] PATH`; a session alone means all of its state."""
    if len(words) == 2:
        return words[0], words[1]
    return (words[0], ".") if words[0] in store.keys("session") else (None, words[0])


def get(store: "Store", given: "str | None", path: str) -> "tuple[Session, str]":
    """The value at a path in a session's state, without white space between its parts; `.` means the whole.

    Raises:
        MilestoneError: `not_found`, `path_not_found`.
    """
    found = readable(store, given)
    return found, squeezed(paths.find(state_of(found), path))


def assign(
    store: "Store",
    given: "str | None",
    values: "list[tuple[str, str]]",
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Session, Receipt]":
    """Set values in a session's state; a checkpoint is made with it where it is due.

    Args:
        store: where.
        given: the session; left out: the current one.
        values: path and value; the value is JSON, or else a string.
        key: idempotency key.
        timeout: seconds to wait for other transactions.

    Raises:
        MilestoneError: `not_found`, `invalid_path`, `invalid_json`; `conflict` when the session has ended.
    """
    meant = readable(store, given)
    texts = [(path, paths.value_text(value)) for path, value in values]

    def edit(state: str) -> str:
        for path, value in texts:
            state = paths.assign(state, path, value)
        return state

    request = [part.encode("utf-8", "surrogateescape") for pair in texts for part in pair]
    known = once(meant.stream, key, b"session set", meant.id.encode(), *request)
    build = _change(store, meant.id, edit, [path for path, _ in texts])
    return meant, store.transact([], build, lock_timeout(store, timeout), known)[0]


def remove(store: "Store", given: "str | None", name: str, *, timeout: "float | None" = None) -> None:
    """Take one key out of a session's state.

    Raises:
        MilestoneError: `path_not_found`, `not_found`; `conflict` when the session has ended.
    """

    def edit(state: str) -> str:
        spans = members(state, skip(state, 0))
        left = [state[start:end] for key, start, _, end in spans if key != name]
        if len(left) == len(spans):
            told = f"the state of the session has no '{name[:140]}'"
            raise MilestoneError("path_not_found", told, "`milestone session get .` prints all of it", path=name[:140])
        return f"{{{','.join(left)}}}"

    build = _change(store, readable(store, given).id, edit, [name])
    store.transact([], build, lock_timeout(store, timeout))


def _change(store: "Store", name: str, edit: "Callable[[str], str]", named: "list[str]") -> "Callable[[], Plan]":
    """What plans a change of a session's state; `named` is what its event says of it."""

    def build() -> Plan:
        found = readable(store, name)
        if found.status == "completed":
            raise has_ended(found.id)
        state = edit(state_of(found))
        if state[skip(state, 0)] != "{":
            told = "all of a session's state is an object, whose values have names"
            raise MilestoneError("invalid_data", told, 'write `.={"name": value}`, or NAME=VALUE for one of them')
        if len(state.encode()) > LIMIT:
            told = f"the state of the session would have {len(state)} characters; {LIMIT} bytes are allowed"
            raise MilestoneError("too_large", told, "keep what is long in the state of a milestone")
        plan = Plan("session_set")
        text = paths.assign(found.text, "state", state)
        data = {"session_id": found.id, "paths": [path[:80] for path in named[:8]]}
        if is_due(found.record, runtime.now_ns()):
            from milestone_cli.core.sessions.capture import add
            from milestone_cli.core.sessions.news import brought_up
            from milestone_cli.core.sessions.session import Session

            text = brought_up(store, Session(found.id, text.encode(), 0, ""))
            text, *_ = add(store, plan, found.id, text, "periodic")
        else:
            text = paths.assign(text, "updated_at", quote(runtime.timestamp(runtime.now_ns())))
        plan.puts.append(("session", found.id, text.encode()))
        plan.events.append((found.stream, Draft("session_state_set", dumps(data), found.id, acting_agent())))
        return plan

    return build
