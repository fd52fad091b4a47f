"""Beginning, taking over and ending sessions; each all or nothing, and logged where the session has a milestone.

Records are files that the bash utilities write too: their keys come first, an edit leaves every other byte as it was,
and keys that are not known here stay. Nobody's current session is touched but the caller's own.
"""

import os

from milestone_cli import runtime
from milestone_cli.core import acting_agent, lock_timeout, once
from milestone_cli.core.record import data_of, indented
from milestone_cli.core.session import Session, current, find, sound
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft, Plan, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def create(
    store: "Store",
    milestone: str,
    *,
    type_: str = "general",
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Session, bool]":
    """Begin a session of the calling shell, and make it the current one of the client, or else of the directory.

    Returns:
        The session, and whether it is an earlier one under the same idempotency key.
    """
    client = runtime.env("CLAUDE_CODE_SESSION_ID") or ""
    fields = identity(milestone, type_, runtime.caller(), _folder(), client)
    binding = _binding()
    made, raw = "", b""

    def build() -> Plan:
        nonlocal made, raw
        plan = Plan("session_create")
        made, raw = begin(store, plan, fields, binding)
        plan.events.append((milestone, event("session_created", made)))
        return plan

    known = once(milestone, key, b"session create", type_.encode())
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    if receipts[0].replayed:
        earlier = data_of(store, milestone, receipts[0].event_id).get("session_id")
        return find(store, str(earlier)), True
    # What was written is told without looking again: from here on nothing may fail.
    return Session(made, raw, runtime.now_ns(), runtime.env("MILESTONE_SESSION") or made), False


def begin(store: "Store", plan: Plan, fields: "dict[str, object]", binding: "tuple[str, str]") -> "tuple[str, bytes]":
    """Plan a new session under a name of its own, made the current one of whoever `binding` says.

    Returns:
        Its name, and its record as it is written.
    """
    now = runtime.timestamp(runtime.now_ns())
    base = f"session-{now[:10].replace('-', '')}-{now[11:19].replace(':', '')}-{fields['pid']}"
    made, count = base, 1
    while store.modified("session", made):
        count += 1
        made = f"{base}-{count}"
    fields["session_id"], fields["created_at"] = made, now
    raw = indented(fields).encode() + b"\n"
    plan.puts.append(("session", made, raw))
    plan.puts.append((*binding, f"{made}\n".encode()))
    return made, raw


def event(type_: str, name: str, **said: object) -> Draft:
    """An event of a session itself, whichever is the current one."""
    return Draft(type_, dumps({"session_id": name, **said}), name, acting_agent())


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""  # removed meanwhile


def identity(milestone: str, type_: str, pid: int, folder: str, client: str) -> "dict[str, object]":
    """A new record: the keys of the bash utilities in their order, then ours.

    Args:
        milestone: that it works on.
        type_: of the session.
        pid: its process.
        folder: where it works.
        client: the client's own id of it; empty without a client.
    """
    from milestone_cli.core.git import branch

    fields: dict[str, object] = {
        "session_id": "",
        "milestone_id": milestone,
        "created_at": "",
        "pid": pid,
        "user": runtime.user(),
        "working_directory": os.fsencode(folder).decode("utf-8", "replace"),
        "git_branch": branch(folder),
        "status": "active",
        "type": type_,
        **process(pid),
    }
    if client:
        fields["client"] = client
    return fields


def process(pid: int) -> "dict[str, object]":
    """What tells a process from a later one under the same number."""
    return {"host": runtime.host(), "boot_id": runtime.boot_id(), "start_time": runtime.start_time(pid)}


def _binding() -> "tuple[str, str]":
    """Kind and key of the document that says which session is current: the client's own, else the directory's."""
    client = runtime.env("CLAUDE_CODE_SESSION_ID")
    return ("client", safe(client, "client session")) if client else ("current", "")


def use(
    store: "Store", name: str, *, key: "str | None" = None, timeout: "float | None" = None
) -> "tuple[Session, bool]":
    """Make a session the current one; one that is orphaned goes over to the calling shell.

    Returns:
        The session, and whether this was done before, under the same idempotency key; only a session of a milestone
        has a log that remembers a key.

    Raises:
        MilestoneError: `not_found`; `conflict` when it has ended; `damaged`.
    """
    kind, place = _binding()
    stream = find(store, name).milestone
    raw = b""

    def build() -> Plan:
        nonlocal raw
        found = sound(find(store, name))  # no lock of its own: whoever writes a session does it as a transaction
        if found.status == "completed":
            raise MilestoneError(
                "conflict", f"the session '{name}' has ended", "`milestone session create` begins a new one"
            )
        plan, raw = Plan("session_use"), found.text.encode()
        if found.status == "orphaned":
            pid = runtime.caller()
            raw = edited(found.text, {"pid": pid, **process(pid)})
            plan.puts.append(("session", name, raw))
        if store.get(kind, place) != f"{name}\n".encode():
            plan.puts.append((kind, place, f"{name}\n".encode()))
        if stream and (plan.puts or key):
            plan.events.append((stream, event("session_used", name)))
        return plan

    known = once(stream, key, b"session use", name.encode(), place.encode()) if stream else None
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    if receipts and receipts[0].replayed:
        return find(store, name), True
    return Session(name, raw, runtime.now_ns(), runtime.env("MILESTONE_SESSION") or name), False


def end(
    store: "Store",
    given: "str | None" = None,
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
    at: "str | None" = None,
    said: "dict[str, object] | None" = None,
) -> "tuple[Session, bool]":
    """End a session, and take it away from whoever has it as the current one; nobody else's current is touched.

    Args:
        store: where.
        given: the session; left out: the current one.
        key: idempotency key.
        timeout: seconds to wait for a lock.
        at: when it ended, RFC 3339; left out: now.
        said: what else its event says.

    Returns:
        The session, and whether it was ended now.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    meant = current(store, given)
    name, stream = meant.id, meant.milestone
    changed, raw = False, meant.text.encode()

    def build() -> Plan:
        nonlocal changed, raw
        found = sound(find(store, name))
        plan, raw = Plan("session_end"), found.text.encode()
        if found.status != "completed":
            changed = True
            ended_at = at or runtime.timestamp(runtime.now_ns())
            raw = edited(found.text, {"status": "completed", "ended_at": ended_at})
            plan.puts.append(("session", name, raw))
            if stream:
                plan.events.append((stream, event("session_ended", name, **(said or {}))))
        for kind in ("current", "client"):
            for one in [""] if kind == "current" else store.keys("client"):
                if (store.get(kind, one) or b"").split()[:1] == [name.encode()]:
                    plan.puts.append((kind, one, None))
        return plan

    known = once(stream, key, b"session end", name.encode()) if stream else None
    store.transact([], build, lock_timeout(store, timeout), known)
    return Session(name, raw, 0, ""), changed


def edited(text: str, values: "dict[str, object]") -> bytes:
    """A record with some values set; every other byte stays."""
    from milestone_cli.core.document import assign

    for key, value in values.items():
        text = assign(text, key, dumps(value))
    return text.encode()
