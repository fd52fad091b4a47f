"""Making a session the current one: all or nothing, and logged; nobody's is touched but the caller's own.

An edit of a record leaves every other byte as it was, and keys that are not known here stay.
"""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout, once
from milestone_cli.core.record import with_members
from milestone_cli.core.sessions.creating import binding, event, process
from milestone_cli.core.sessions.session import Session, find, has_ended, sound
from milestone_cli.jsontext import dumps
from milestone_cli.model import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def use(
    store: "Store", name: str, *, key: "str | None" = None, timeout: "float | None" = None
) -> "tuple[Session, bool]":
    """Make a session the current one; one that is orphaned goes over to the calling shell.

    Returns:
        The session, and whether this was done before, under the same idempotency key.

    Raises:
        MilestoneError: `not_found`; `conflict` when it has ended; `damaged`.
    """
    kind, place = binding()
    stream = find(store, name).stream
    raw = b""

    def build() -> Plan:
        nonlocal raw
        found = sound(find(store, name))  # no lock of its own: whoever writes a session does it as a transaction
        if found.status == "completed":
            raise has_ended(name)
        plan, raw = Plan("session_use"), found.text.encode()
        if found.status in ("orphaned", "expired"):
            pid = runtime.caller()
            since = runtime.timestamp(runtime.now_ns())
            raw = edited(found.text, {"pid": pid, **process(pid), "active_since": since})
            plan.puts.append(("session", name, raw))
        if store.get(kind, place) != f"{name}\n".encode():
            plan.puts.append((kind, place, f"{name}\n".encode()))
        if plan.puts or key:
            plan.events.append((stream, event("session_used", name)))
        return plan

    known = once(stream, key, b"session use", name.encode(), place.encode())
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    if receipts and receipts[0].replayed:
        return find(store, name), True
    return Session(name, raw, runtime.now_ns(), runtime.env("MILESTONE_SESSION") or name), False


def edited(text: str, values: "dict[str, object]") -> bytes:
    """A record with some values set; every other byte stays."""
    return with_members(text, {key: dumps(value) for key, value in values.items()}).encode()
