"""Who acts, and on what: the milestone, the session and the agent that a command means when it does not say.

The same rules for every command: what is given; else the environment; else the session; else the only milestone.
"""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import quote
from milestone_cli.model import Change, Draft, digest, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.model import Receipt
    from milestone_cli.storage.contract import Store

NO_SESSION = "no-session"


def current_session(store: "Store", given: "str | None" = None) -> str:
    """The session that acts, or `no-session`.

    In this order: what is given, MILESTONE_SESSION, the session bound to the client's (CLAUDE_CODE_SESSION_ID), and,
    only where no client is, `.current_session`, which one directory shares.
    """
    named = runtime.env("MILESTONE_SESSION") or None if given is None else given
    if named is not None:
        return safe(named, "session")
    client = runtime.env("CLAUDE_CODE_SESSION_ID")
    return bound_session(store, client) or NO_SESSION


def bound_session(store: "Store", client: "str | None") -> "str | None":
    """The session bound to a client's session; without a client, the one that a directory, or a user, shares."""
    words = (
        (store.get("client", safe(client, "client session")) if client else store.get("current", "")) or b""
    ).split()
    try:
        return safe(words[0].decode("ascii", "replace"), "session") if words else None
    except MilestoneError:
        return None


def session_record(store: "Store", name: str) -> "dict[str, object]":
    """A session's record; empty when there is none, or none that can be read."""
    from milestone_cli.jsontext import loads

    try:
        record = loads(store.get("session", name) or b"{}")
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def current_milestone(store: "Store", given: "str | None" = None, session: "str | None" = None) -> str:
    """The milestone that is meant: what is given, MILESTONE_ID, that of a session, or the only active one.

    The session is the one that is named, or the current one.

    Raises:
        MilestoneError: `invalid_name`, or `milestone_ambiguous`, with the candidates in its details.
    """
    named = runtime.env("MILESTONE_ID") or None if given is None else given
    if named is not None:
        return safe(named)
    acting = current_session(store, session)
    if acting != NO_SESSION:
        of_session = session_record(store, acting).get("milestone_id")
        if isinstance(of_session, str) and of_session:
            return safe(of_session)
    active = store.active()
    if len(active) == 1:
        return active[0]
    shown = ", ".join(active[:20]) + (", …" if len(active) > 20 else "")
    raise MilestoneError(
        "milestone_ambiguous",
        f"which milestone? There are {shown}" if active else "which milestone? There is none yet",
        "name one, or set MILESTONE_ID" if active else "`milestone init NAME` makes one",
        milestones=active,
    )


def acting_agent(given: "str | None" = None) -> str:
    """The agent that acts: what is given, MILESTONE_AGENT, or `system`."""
    named = runtime.env("MILESTONE_AGENT") or None if given is None else given
    return "system" if named is None else safe(named, "agent")


def lock_timeout(store: "Store", given: "float | None") -> float:
    """Seconds to wait for a lock: what is given, MILESTONE_LOCK_TIMEOUT, the configuration's, or 30.

    Raises:
        MilestoneError: `usage` or `invalid_config`, when it is no number of seconds.
    """
    word = setting(store, "lock_timeout", "30") if given is None else given
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if 0 <= seconds < 1e8:  # which also tells infinity and what is no number
        return seconds
    raise MilestoneError(
        "invalid_config" if given is None else "usage",
        f"the lock timeout '{str(word)[:140]}' is not a number of seconds",
        "give for example 30, or 0 not to wait",
    )


def setting(store: "Store", name: str, default: str) -> str:
    """A setting as text: MILESTONE_NAME, else the configuration's, else the default."""
    value = runtime.env("MILESTONE_" + name.upper())
    if not value and store.config_identity():
        from milestone_cli.core.configuration import settings

        value = settings(store).get(name)
    return value or default


def request_digest(*parts: bytes) -> str:
    """16 hexadecimal digits that tell one request from another under the same idempotency key."""
    return digest(b"\0".join(parts))[:16]


def once(stream: str, key: "str | None", *request: bytes) -> "tuple[str, str, str] | None":
    """What `Store.transact` needs to do a request once: stream, key and digest of the request; None without a key."""
    return (stream, key, request_digest(*request)) if key else None


def draft(store: "Store", type_: str, data: str = "{}", session: "str | None" = None) -> Draft:
    """An event of the session and the agent that act."""
    return Draft(type_, data, current_session(store, session), acting_agent())


def paths_data(paths: "list[str]") -> str:
    """What a state's event says of the paths that somebody named, for people: the first few, each cut to 80."""
    return f'{{"paths":[{",".join([quote(path[:80]) for path in paths[:8]])}]}}'


def commit(
    store: "Store",
    milestone: str,
    event: Draft,
    edit: "Callable[[bytes | None], bytes]",
    request: "tuple[bytes, ...]",
    *,
    expect: "int | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "Receipt":
    """Change a milestone's state under its lock.

    Args:
        store: where.
        milestone: whose.
        event: the state's own; the store fills in what changed.
        edit: makes the new text from the old one, None where there is none.
        request: what tells this request from another under the same key.
        expect: the revision that must be current; 0: there must be none.
        key: idempotency key.
        timeout: seconds to wait for the lock.

    Raises:
        MilestoneError: what `edit` and `Store.commit` raise.
    """
    change = Change(milestone, [event], edit, expect, timeout=lock_timeout(store, timeout))
    if key:
        change.key, change.request = key, request_digest(*request)
    return store.commit(change)
