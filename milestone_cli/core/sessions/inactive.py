"""Clean-up of sessions that were silent for long: what would go and why the others stay, then all or nothing."""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout
from milestone_cli.core.retention.plan import spelt
from milestone_cli.core.sessions.activity import is_silent, last_seen
from milestone_cli.core.sessions.creating import event
from milestone_cli.core.sessions.deleting import Deletion
from milestone_cli.core.sessions.session import sessions
from milestone_cli.model import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


class Sweep:
    """A session among those that a clean-up looks at.

    Attributes:
        deletion: what deleting it would do.
        seen: when it was last heard of, nanoseconds since 1970.
        hold: why it stays; empty when it goes.
    """

    __slots__ = ("deletion", "hold", "seen")

    def __init__(self, deletion: Deletion, seen: int, hold: str) -> None:
        self.deletion = deletion
        self.seen = seen
        self.hold = hold


def plan_inactive(store: "Store", span: int) -> "list[Sweep]":
    """Say of every session whether it was silent for so long, nanoseconds, that it would go; nothing is changed."""
    found = sessions(store)
    seen = last_seen(store, found)
    plan = []
    for one in found:
        deletion = Deletion(store, one)
        holds = [*deletion.blockers, *[f"its checkpoint {name} is pinned" for name in deletion.pinned]]
        hold = holds[0] if holds else "" if is_silent(store, seen[one.id], span) else f"heard of within {spelt(span)}"
        if one.status == "damaged":
            hold = "its record cannot be read"
        plan.append(Sweep(deletion, seen[one.id], hold))
    return plan


def delete_inactive(
    store: "Store", span: int, planned: "list[Sweep]", *, timeout: "float | None" = None
) -> "list[Deletion]":
    """Delete the sessions that a plan lets go, as far as a second look behind the gate agrees; all or nothing."""
    wanted = {one.deletion.session.id for one in planned if not one.hold}
    done: list[Deletion] = []

    def build() -> Plan:
        plan = Plan("cleanup_sessions", runtime.new_transaction_id(runtime.now_ns()))
        found = [one.deletion for one in plan_inactive(store, span) if not one.hold]
        done[:] = [one for one in found if one.session.id in wanted]
        for one in done:
            one.transaction = plan.id
            plan.puts += [(kind, key, None) for kind, key in one.puts]
            said = event("session_deleted", one.session.id, documents=len(one.puts), bytes=one.size, reason="inactive")
            plan.events.append((one.session.stream, said))
        return plan

    store.transact([], build, lock_timeout(store, timeout))
    return done
