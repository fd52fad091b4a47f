"""Agents that come, change and leave: each all or nothing, durable, and logged where there is a log.

Who registers is known to others at once. An id belongs to whoever lives under it: it is taken over only from one that
has left or is proved dead, or by the same process again.
"""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, acting_agent, lock_timeout, once
from milestone_cli.core.agents.agent import BEAT, KIND, METRICS, Agent, agents, find, look, subscribers
from milestone_cli.core.agents.process import identity
from milestone_cli.core.agents.vitals import LEASE
from milestone_cli.core.agents.wish import Wish
from milestone_cli.core.document import assign
from milestone_cli.core.record import indented, words
from milestone_cli.core.scope import scope, stream_of
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import Draft, Plan, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


def event(one: Agent, type_: str, **said: object) -> Draft:
    """An event of an agent itself, whoever acts; `by` says who, where it is another."""
    by = acting_agent()
    data = {
        "agent_id": one.id,
        "type": one.word("type"),
        **said,
        **({"by": by} if by not in ("system", one.id) else {}),
    }
    return Draft(type_, dumps(data), one.session or NO_SESSION, one.id)


def put(store: "Store", plan: Plan, name: str, text: str) -> Agent:
    """Plan a record of an agent as it shall be, and the pages that show it: its own, and those it depends on."""
    from milestone_cli.core.agents.pages import page

    raw = text.encode()
    one = Agent(name, raw)
    plan.puts.append((KIND, name, raw))
    if not (one.session or one.dependencies):
        return one
    others = [other for other in agents(store, is_over=False) if other.id != one.id] + [one]
    depending = subscribers(others)
    for shown in others:
        if shown.session and (shown is one or shown.id in one.dependencies):
            plan.puts.append(
                ("session-agent", f"{shown.session}/{shown.id}", page(store, shown, depending.get(shown.id)))
            )
    return one


def stamped(text: str, store: "Store") -> str:
    """A record that is from now."""
    text = assign(text, "last_updated", dumps(runtime.timestamp(store.clock())))
    here = loads(text)
    if isinstance(here, dict) and (here.get("host"), here.get("boot_id")) == (runtime.host(), runtime.boot_id()):
        text = assign(text, "boot_seconds", str(runtime.boot_seconds()))
    return text


def register(
    store: "Store",
    name: str,
    wish: Wish,
    *,
    session: "str | None" = None,
    milestone: "str | None" = None,
    pid: "int | None" = None,
    lease: float = LEASE,
    command: "str | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Agent, bool]":
    """Make an agent known.

    Args:
        store: where.
        name: of the agent.
        wish: what is recorded of it.
        session: that it belongs to; left out: the current one, if there is one.
        milestone: whose log tells of it; left out: the session's, else the one that is meant without saying.
        pid: its process; None: the caller's, 0: none, so that heartbeats alone tell whether it lives.
        lease: seconds of silence after which other machines take it for dead, where they share a clock.
        command: what it runs, for people.
        key: idempotency key.
        timeout: seconds to wait for a lock.

    Returns:
        The agent, and whether this was done before under the same idempotency key.

    Raises:
        MilestoneError: `conflict` while another one lives under that id; `usage` for a key that no log would remember.
    """
    if safe(name, "agent") == "system":
        raise MilestoneError("invalid_name", "'system' stands for whoever acts without a name", "use another name")
    if wish.dependencies and name in wish.dependencies:
        raise MilestoneError("usage", f"the agent '{name}' cannot depend on itself", "leave it out")
    session, milestone = scope(store, session, milestone)
    stream = stream_of(milestone, session)
    now, mine = runtime.timestamp(store.clock()), identity(runtime.caller() if pid is None else pid)
    fields: Facts = {
        "agent_id": name, "type": wish.type or "general", "session_id": session, "milestone_id": milestone,
        "status": "active", "registered_at": now, "last_updated": now, "ended_at": None, "reason": None, **mine,
        "boot_seconds": runtime.boot_seconds(), "user": runtime.user(), "command": command, "lease_seconds": lease,
        "metrics": dict.fromkeys(METRICS, 0), "dependencies": [], "subscriptions": [], "exit_code": None, "state": {},
    }  # fmt: skip
    made = Agent(name, b"{}")

    before = look(store, name)
    if before is not None and before.status == "active" and not _is_ours(before, mine):
        from milestone_cli.core.agents.fallen import bury
        from milestone_cli.core.agents.vitals import examine

        bury(store, examine(store, [before]), timeout=timeout)

    def build() -> Plan:
        nonlocal made
        plan, old = Plan("agent_register"), look(store, name)
        if old is not None and old.status == "active":
            if not _is_ours(old, mine):
                raise _taken(old)
            wish.complete(old, (store.get(KIND, name) or b"{}").decode())
        if old is not None and old.session == session and old.status != "damaged":
            fields["metrics"] = old.metrics()
        made = put(store, plan, name, wish.apply(Agent(name, dumps(fields).encode()), indented(fields) + "\n"))
        if store.modified(BEAT, name):
            plan.puts.append((BEAT, name, None))
        if stream:
            plan.events.append((stream, event(made, "agent_registered")))
        return plan

    receipts = store.transact([], build, lock_timeout(store, timeout), known(stream, key, b"register", name, wish))
    if receipts and receipts[0].replayed:
        return find(store, name), True
    return made, False


def _is_ours(old: Agent, mine: "Facts") -> bool:
    """Whether an agent that is known is the very process that registers now, or the shell that it works for."""
    return any(
        one["pid"] and all(old.record.get(key) == value for key, value in one.items())
        for one in (mine, identity(runtime.caller()))
    )


def _taken(old: Agent) -> MilestoneError:
    whose = f"process {old.record.get('pid')} on {old.word('host')}" if old.record.get("pid") else "somebody"
    return MilestoneError(
        "conflict",
        f"the agent '{old.id}' is registered by {whose}, and nothing proves it dead",
        f"`milestone agent retire {old.id}` retires it; or use another name",
        agent_id=old.id,
        pid=old.record.get("pid"),
        host=old.word("host"),
    )


def known(
    stream: str, key: "str | None", what: bytes, name: str, wish: "Wish | None" = None
) -> "tuple[str, str, str] | None":
    """What makes a request be done once.

    Raises:
        MilestoneError: `usage` where no log would remember the key.
    """
    if key and not stream:
        told = "no log would remember the key: there is neither a milestone nor a session"
        raise MilestoneError("usage", told, "leave --idempotency-key out")
    return once(stream, key, b"agent " + what, name.encode(), wish.digest() if wish else b"") if stream else None


def update(
    store: "Store", name: str, wish: Wish, *, pid: int = 0, key: "str | None" = None, timeout: "float | None" = None
) -> "tuple[Agent, bool]":
    """Record of an agent what is asked for, and that it lives; it is logged as `agent_updated`.

    Returns:
        The agent, and whether this was done before under the same idempotency key.

    Raises:
        MilestoneError: `not_found`, `damaged`; `conflict` when it is retired or failed.
    """
    found = find(store, name)
    stream = stream_of(found.milestone, found.session)
    made = found

    def build() -> Plan:
        nonlocal made
        one = working(find(store, name))
        text = stamped(wish.apply(one, (store.get(KIND, name) or b"").decode()), store)
        for field, value in identity(pid).items() if pid else ():
            text = assign(text, field, dumps(value))
        plan = Plan("agent_update")
        made = put(store, plan, name, text)
        if stream and not pid:
            told: Facts = {"metrics": made.metrics()} if wish.operations or wish.errors or wish.seconds else {}
            plan.events.append((stream, event(made, "agent_updated", **told)))
        return plan

    receipts = store.transact([], build, lock_timeout(store, timeout), known(stream, key, b"update", name, wish))
    replayed = bool(receipts and receipts[0].replayed)
    return (find(store, name) if replayed else made), replayed


def revive(store: "Store", name: str) -> None:
    """Take an agent back that was recorded as failed, and lives: another machine had not heard of it for long."""

    def build() -> Plan:
        plan, one = Plan("agent_revive"), find(store, name)
        if one.status == "failed":
            text = (store.get(KIND, name) or b"").decode()
            for field, value in (("status", "active"), ("ended_at", None), ("reason", None)):
                text = assign(text, field, dumps(value))
            made = put(store, plan, name, stamped(text, store))
            if stream := stream_of(one.milestone, one.session):
                plan.events.append((stream, event(made, "agent_registered", again=True)))
        return plan

    store.transact([], build, lock_timeout(store, None))


def working(one: Agent) -> Agent:
    """Let an agent through that has not ended.

    Raises:
        MilestoneError: `conflict`.
    """
    if one.status != "active":
        raise MilestoneError(
            "conflict",
            f"the agent '{one.id}' is {one.status}: {one.word('reason') or 'it has ended'}",
            f"`milestone agent register {one.id}` registers it again",
            agent_id=one.id,
            status=one.status,
        )
    return one


def retire(
    store: "Store",
    name: str,
    reason: "str | None" = None,
    *,
    wish: "Wish | None" = None,
    exit_code: "int | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Agent, bool, bool]":
    """Let an agent leave: what waits for it waits no longer. Its record stays, for those who look back.

    One that has failed leaves too, by which somebody says that this is known.

    Returns:
        The agent, whether it left now, and whether this was done before under the same idempotency key.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    from milestone_cli.core.agents.syncpoint import leave

    words(reason, "the reason")
    found = find(store, name)
    stream = stream_of(found.milestone, found.session)
    made, changed = found, False

    def build() -> Plan:
        nonlocal made, changed
        plan, one = Plan("agent_retire"), find(store, name)
        made = one
        if one.status == "retired":
            return plan
        changed = True
        text = (store.get(KIND, name) or b"").decode()
        text = stamped(wish.apply(one, text) if wish else text, store)
        ended: Facts = {"status": "retired", "ended_at": runtime.timestamp(store.clock()), "reason": reason,
                        "exit_code": exit_code}  # fmt: skip
        for field, value in ended.items():
            text = assign(text, field, dumps(value))
        made = put(store, plan, name, text)
        if store.modified(BEAT, name):
            plan.puts.append((BEAT, name, None))
        if stream:
            told: Facts = {"reason": reason} if reason else {}
            if exit_code is not None and wish:
                told |= {"exit_code": exit_code, "success": exit_code == 0, "duration_ms": round(wish.seconds * 1000)}
            plan.events.append((stream, event(made, "agent_retired", **told)))
        leave(store, plan, name, "retired")
        if store.keys("task"):
            from milestone_cli.core.tasks.claims import give_back

            give_back(store, plan, name, "it has retired", is_dead=False)
        return plan

    receipts = store.transact([], build, lock_timeout(store, timeout), known(stream, key, b"retire", name))
    return made, changed, bool(receipts and receipts[0].replayed)
