"""A session of the client and a session of ours: one each, through compaction, resume, and a client that was killed.

A session that ended goes on when its conversation does; a fork, a clear or a new start begins one of its own. Two calls
at once make one session, since what there is is looked at again behind the store's gate.
"""

import os

from milestone_cli import runtime
from milestone_cli.core.hook import Turn, bound, sole
from milestone_cli.core.sessions import creating, ending, using
from milestone_cli.core.sessions.session import Session, sessions
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Plan, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.hook.facts import Call
    from milestone_cli.storage.contract import Store

TYPE = "claude-code"
"""Type of the sessions that are begun here."""
SEARCHED = 1000
"""So many of the newest sessions are searched for one that has ended."""
SHOWN = 20
"""So many orphans are named in an event."""


def bind(turn: Turn, store: "Store", call: "Call", timeout: "float | None" = None) -> "str | None":
    """The session of a call's client: the one that is bound, the one that was, or a new one.

    Only the start of a session takes up one that has ended; another call that comes behind the end changes nothing.

    Args:
        turn: the time that there is.
        store: where.
        call: whose client.
        timeout: seconds to wait for others, where that is less.

    Returns:
        Its name; None where no milestone is meant, or the client's session has no name that could be a file's.

    Raises:
        MilestoneError: what the store raises.
    """
    try:
        client = safe(call.client, "client session")
    except MilestoneError:
        return None
    milestone = sole(store, call)
    if call.event != "SessionStart" and (ended := _earlier(store, client, milestone)):
        return ended.id
    name: str | None = None

    def build() -> Plan:
        nonlocal name
        plan = Plan("session_bind")
        known = bound(store, client)
        found = _found(store, known) or _earlier(store, client, milestone)
        if found is not None and milestone in (None, found.milestone):
            name = found.id
            _go_on(store, plan, call, found, client)
        elif milestone is not None:
            name = _begin(store, plan, call, milestone, client)
        return plan

    store.transact([], build, turn.left() if timeout is None else timeout)
    return name


def _found(store: "Store", name: "str | None") -> "Session | None":
    raw = store.get("session", name) if name else None
    return None if raw is None or name is None else Session(name, raw, store.modified("session", name), "")


def _earlier(store: "Store", client: str, milestone: "str | None") -> "Session | None":
    """The newest session that belonged to a client's session."""
    needle = f'"{client}"'.encode()
    for name in reversed(store.keys("session")[-SEARCHED:]):
        raw = store.get("session", name)
        if raw is not None and needle in raw:
            found = Session(name, raw, store.modified("session", name), "")
            if found.word("client") == client and milestone in (None, found.milestone):
                return found
    return None


def _go_on(store: "Store", plan: Plan, call: "Call", found: Session, client: str) -> None:
    """Go on with a session: bound again, active again, and of the process that the client is now."""
    if found.status == "damaged":
        return
    values: dict[str, object] = {}
    if found.record.get("status") != "active":
        values |= {"status": "active", "ended_at": None}
    pid = _process(call)
    if found.record.get("pid") != pid or found.is_alive is False:
        values |= {"pid": pid, **creating.process(pid)}
    if bound(store, client) != found.id:
        plan.puts.append(("client", client, f"{found.id}\n".encode()))
    if values:
        plan.puts.append(("session", found.id, using.edited(found.text, values)))
    if found.milestone and plan.puts:
        said = _said(store, call, found.milestone, found.id)
        plan.events.append((found.milestone, creating.event("session_resumed", found.id, **said)))


def _begin(store: "Store", plan: Plan, call: "Call", milestone: str, client: str) -> str:
    folder = str(call.data.get("cwd") or "")
    if not os.path.isdir(folder):
        folder = runtime.env("CLAUDE_PROJECT_DIR") or ""
    fields = creating.new_record(milestone, TYPE, _process(call), folder, client)
    for name in ("source", "model", "transcript_path"):
        if name in call.data:
            fields[name] = call.data[name]
    made = creating.begin(store, plan, fields, ("client", client))
    plan.events.append((milestone, creating.event("session_created", made, **_said(store, call, milestone, made))))
    return made


def _process(call: "Call") -> int:
    """The client's process."""
    return call.pid or runtime.caller()


def _said(store: "Store", call: "Call", milestone: str, own: str) -> "dict[str, object]":
    """What the event of a beginning says: how it came, and which sessions were left behind by the dead."""
    said: dict[str, object] = {name: call.data[name] for name in ("source", "model") if name in call.data}
    if call.is_late:
        said["occurred_at"] = runtime.timestamp(call.occurred)
    left = [one.id for one in orphans(store, milestone) if one.id != own]
    return {**said, "orphans": left[-SHOWN:]} if left else said


def orphans(store: "Store", milestone: str) -> "list[Session]":
    """Active sessions of a milestone whose process is gone, oldest first."""
    found = sessions(store, SEARCHED)
    return [one for one in found if one.milestone == milestone and one.status == "orphaned"]


def finish(turn: Turn, store: "Store", call: "Call") -> None:
    """End the session of a call's client, if it has one that has not ended."""
    name = bound(store, call.client)
    found = _found(store, name)
    if name is None or found is None or found.status == "damaged":
        return
    at = runtime.timestamp(call.occurred)
    said: dict[str, object] = {"reason": call.data["reason"]} if "reason" in call.data else {}
    if call.is_late:
        said["occurred_at"] = at
    ending.end(store, name, timeout=turn.left(), at=at, said=said)
