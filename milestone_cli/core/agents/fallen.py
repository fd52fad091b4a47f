"""What becomes of the dead: an agent that is proved dead is recorded as failed, and what it held goes back.

Whoever comes next does it: who registers, asks for a synchronisation or watches, and `agent health --fix` and `doctor
--fix`. Locks are broken on their own proof alone; a synchronisation point waits for it no longer; the log says what
proved it, what it held, and the last checkpoint from which its work may go on.
"""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout
from milestone_cli.core.agents.agent import BEAT, KIND, Agent, agents, look
from milestone_cli.core.agents.vitals import STALE, Vitals, examine, is_dead
from milestone_cli.core.agents.wish import Wish
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Plan
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


def bury_all(store: "Store", *, timeout: "float | None" = None) -> "list[Facts]":
    """Look at every agent that is recorded as working, and do for the dead what is to be done; see `bury`."""
    return bury(store, examine(store, agents(store, is_over=False), STALE), timeout=timeout)


def bury(store: "Store", found: "list[Vitals]", *, timeout: "float | None" = None) -> "list[Facts]":
    """Record the dead among these as failed, and give back what they held.

    Returns:
        For each: agent_id, evidence, locks, syncs, last_checkpoint, and tasks where it had claimed some.
    """
    done: list[Facts] = []
    for one in found:
        if one.health != "dead" or one.agent.status != "active":
            continue
        locks = break_locks(store, one.agent)
        name = one.agent.id
        told: list[Facts] = []

        def build(name: str = name, locks: "list[str]" = locks, told: "list[Facts]" = told) -> Plan:
            plan, again = Plan("agent_fail"), look(store, name)
            why = is_dead(store, again) if again else None  # it may have registered anew meanwhile
            if again and why:
                told.append(plan_failure(store, plan, again, why, locks))
            return plan

        store.transact([], build, lock_timeout(store, timeout))
        done += told[-1:]
    return done


def record_failure(store: "Store", one: Agent, why: str, wish: Wish, code: int) -> None:
    """Record that an agent has failed, by the word of whoever saw its command die, and give back what it held."""
    locks = break_locks(store, one)

    def build() -> Plan:
        plan, again = Plan("agent_fail"), look(store, one.id)
        if again and again.status == "active":
            plan_failure(store, plan, again, why, locks, wish, code)
        return plan

    store.transact([], build, lock_timeout(store, None))


def plan_failure(
    store: "Store",
    plan: Plan,
    one: Agent,
    why: str,
    locks: "list[str] | None" = None,
    wish: "Wish | None" = None,
    code: "int | None" = None,
) -> "Facts":
    """Plan that an agent is recorded as failed; for what cannot be done in a plan see `break_locks`.

    Args:
        store: where.
        plan: to add to.
        one: the agent.
        why: what proves it.
        locks: its locks that were broken before.
        wish: what is counted besides the failure itself.
        code: exit code of its command, where somebody saw that.

    Returns:
        agent_id, evidence, locks, syncs, last_checkpoint.
    """
    from milestone_cli.core.agents.registry import event, put
    from milestone_cli.core.agents.syncpoint import leave
    from milestone_cli.core.document import assign
    from milestone_cli.core.scope import stream_of

    wish = wish or Wish()
    wish.errors = 1
    text = wish.apply(one, (store.get(KIND, one.id) or b"").decode())
    failed: Facts = {"status": "failed", "ended_at": runtime.timestamp(store.clock()), "reason": why, "exit_code": code}
    for field, value in failed.items():
        text = assign(text, field, dumps(value))
    made = put(store, plan, one.id, text)
    if store.modified(BEAT, one.id):
        plan.puts.append((BEAT, one.id, None))
    told: Facts = {
        "evidence": why,
        "locks": locks or [],
        **_tasks(store, plan, one.id, why),
        "syncs": leave(store, plan, one.id, why),
        "last_checkpoint": last_checkpoint(store, one),
    }
    if code is not None:
        told |= {"exit_code": code, "success": False, "duration_ms": round(wish.seconds * 1000)}
    stream = stream_of(one.milestone, one.session)
    if stream and not _is_told(store, stream, one):
        plan.events.append((stream, event(made, "agent_failed", **told)))
    return {"agent_id": one.id, **told}


def _tasks(store: "Store", plan: Plan, name: str, why: str) -> "Facts":
    """Plan that the tasks which an agent had claimed are pending again; nothing where there is none."""
    if not store.keys("task"):
        return {}
    from milestone_cli.core.tasks.claims import give_back

    found = give_back(store, plan, name, why, is_dead=True)
    return {"tasks": found} if found else {}


def _is_told(store: "Store", stream: str, one: Agent) -> bool:
    """Whether the log tells of this death: recovering a session brings back the record of before it."""
    needle = b'"event_type":"agent_failed"'
    since = parse_ns(one.word("registered_at"))
    for _, block in store.scan(stream, store.seek(stream, since or 0)):
        for line in block.split(b"\n") if needle in block else ():
            if needle in line and f',"agent_id":"{one.id}"'.encode() in line:
                return True
    return False


def break_locks(store: "Store", one: Agent) -> "list[str]":
    """Break the locks that the dead have left, each on its own proof; names of those that were this agent's."""
    from milestone_cli.core import lock

    its: list[str] = []
    locks = store.locks()
    for name in locks.names():
        shown = locks.show(name)
        if shown is None or shown["state"] != "stale":
            continue
        try:
            found = lock.break_(store, name, force=False)
        except MilestoneError as error:
            if error.code not in ("not_found", "conflict"):
                raise
            continue  # somebody took it over meanwhile
        if found and (found["pid"], found["host"]) == (one.number("pid"), one.word("host")):
            its.append(name)
    return its


def last_checkpoint(store: "Store", one: Agent) -> "str | None":
    """The checkpoint from which the work of an agent may go on: its session's last one, else its milestone's."""
    from milestone_cli.core.checkpoints import checkpoint

    of_session = [key for key in store.keys("session-checkpoint") if one.session and key.startswith(one.session + "/")]
    if of_session:
        return max(of_session, key=lambda key: (store.modified("session-checkpoint", key), key)).partition("/")[2]
    if one.milestone is None:
        return None
    newest = checkpoint.newest(store, one.milestone)[1]
    return newest.name if newest else None
