"""Ending a session: all or nothing with its last checkpoint, and logged; who has another one as current keeps it."""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout, once
from milestone_cli.core.sessions.creating import event
from milestone_cli.core.sessions.session import Session, current, find, sound
from milestone_cli.core.sessions.using import edited
from milestone_cli.model import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


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
    name, stream = meant.id, meant.stream
    changed, raw = False, meant.text.encode()

    def build() -> Plan:
        nonlocal changed, raw
        found = sound(find(store, name))
        plan, raw = Plan("session_end"), found.text.encode()
        if found.status != "completed":
            changed = True
            ended_at = at or runtime.timestamp(runtime.now_ns())
            ending: dict[str, object] = {"status": "completed", "ended_at": ended_at}
            if found.configuration is not None or "last_checkpoint" in found.record:
                from milestone_cli.core.sessions.capture import add
                from milestone_cli.core.sessions.news import brought_up

                text, *_ = add(store, plan, name, edited(brought_up(store, found), ending).decode(), "end")
                raw = text.encode()
            else:
                raw = edited(found.text, ending)
            plan.puts.append(("session", name, raw))
            plan.events.append((stream, event("session_ended", name, **(said or {}))))
        plan.puts += [(*one, None) for one in bindings(store, name)]
        return plan

    known = once(stream, key, b"session end", name.encode())
    store.transact([], build, lock_timeout(store, timeout), known)
    return Session(name, raw, 0, ""), changed


def bindings(store: "Store", name: str) -> "list[tuple[str, str]]":
    """Kind and key of the documents that make a session the current one of somebody."""
    places = [("current", ""), *[("client", key) for key in store.keys("client")]]
    return [place for place in places if (store.get(*place) or b"").split()[:1] == [name.encode()]]
