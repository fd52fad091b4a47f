"""The commands of `milestone agent` about agents themselves; synchronisation points are in `sync`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.agents.wish import Wish

    from .options.agents import (
        AgentCommand,
        AgentMeant,
        AgentName,
        AgentState,
        AgentType,
        BeatInterval,
        BuryDead,
        DependsOn,
        EverybodyToo,
        Looks,
        MonitorInterval,
        MoreErrors,
        MoreOperations,
        MoreTime,
        StaleAfter,
        Subscribe,
    )
    from .options.logs import SessionFilter
    from .options.shared import (
        AgentPid,
        Format,
        IdempotencyKey,
        InSession,
        LockTimeout,
        OfMilestone,
        OnlyMilestone,
        Reason,
    )


def register(
    name: "AgentName",
    type_: "AgentType" = None,
    session: "InSession" = None,
    milestone: "OfMilestone" = None,
    state: "AgentState" = None,
    depends_on: "DependsOn" = None,
    subscribe: "Subscribe" = None,
    for_pid: "AgentPid" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Make an agent known to the others of its milestone and session.

    Its process is the calling shell, or in a client whatever started that. --for-pid 0 says that it has none; then its
    heartbeats tell whether it is alive. An id can be taken over only from an agent that is retired or proved dead.

    Example: milestone agent register builder --type coder --subscribe 'state_*'
    """
    from milestone_cli import render
    from milestone_cli.core.agents import fallen, process, registry
    from milestone_cli.storage import open_store

    store, pid = open_store(), process.meant(for_pid)
    wish = _wish(type_, state, depends_on, subscribe)
    made, replayed = registry.register(
        store, name, wish, session=session, milestone=milestone, pid=pid, key=idempotency_key, timeout=lock_timeout
    )
    buried = fallen.bury_all(store, timeout=lock_timeout)
    render.notify([_failed(one) for one in buried])
    where = f"of '{made.milestone}'" if made.milestone else "without a milestone"
    text = f"{name}: registered{' already, under this key' if replayed else ''}, an agent {where}"
    render.emit("agent-register", {**made.fields(), "replayed": replayed, "buried": buried}, text, output)


def _wish(
    type_: "str | None", state: "str | None", depends_on: "list[str] | None", subscribe: "list[str] | None"
) -> "Wish":
    from milestone_cli.core.agents.wish import Wish

    from .data import read_data

    return Wish(type_, None if state is None else read_data(state), depends_on or None, subscribe or None)


def _failed(one: "dict[str, object]") -> str:
    """What is said of an agent that was found dead."""
    kept = f"; its last checkpoint is '{one['last_checkpoint']}'" if one["last_checkpoint"] else ""
    return f"the agent '{one['agent_id']}' is dead ({one['evidence']}) and recorded as failed{kept}"


def update(
    name: "AgentMeant" = None,
    type_: "AgentType" = None,
    state: "AgentState" = None,
    depends_on: "DependsOn" = None,
    subscribe: "Subscribe" = None,
    operations: "MoreOperations" = 0,
    errors: "MoreErrors" = 0,
    seconds: "MoreTime" = 0.0,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Record what an agent knows, what it depends on, and what it has done; its counts only grow.

    Example: milestone agent update builder --state '{"file": "a.py"}' --operations 1
    """
    from milestone_cli import render
    from milestone_cli.core.agents import registry
    from milestone_cli.storage import open_store

    wish = _wish(type_, state, depends_on, subscribe)
    wish.operations, wish.errors, wish.seconds = operations, errors, seconds
    store, who = open_store(), _meant(name)
    made, replayed = registry.update(store, who, wish, key=idempotency_key, timeout=lock_timeout)
    text = f"{who}: updated{' already, under this key' if replayed else ''}"
    render.emit("agent-update", {**made.fields(), "replayed": replayed}, text, output)


def _meant(name: "str | None") -> str:
    """The agent that is given, or the one that acts.

    Raises:
        MilestoneError: `usage`.
    """
    from milestone_cli.core import acting_agent
    from milestone_cli.errors import MilestoneError

    found = acting_agent(name)
    if name is None and found == "system":
        raise MilestoneError("usage", "which agent?", "name it, or set MILESTONE_AGENT")
    return found


def heartbeat(name: "AgentMeant" = None, for_pid: "AgentPid" = None, output: "Format" = "text") -> None:
    """Report that an agent is alive.

    As cheap as an event in the log, but not synced to the disk: a power cut may bring an older heartbeat back. Exit 4
    for an agent that is retired or was recorded as failed: register it again.

    Example: milestone agent heartbeat builder
    """
    from milestone_cli import render
    from milestone_cli.core.agents import heartbeat as core
    from milestone_cli.storage import open_store

    who = _meant(name)
    if for_pid:
        from milestone_cli.core.agents.process import meant

        meant(for_pid)
    at = core.beat(open_store(), who, for_pid or 0)
    render.emit("agent-heartbeat", {"agent_id": who, "beat_at": at}, f"{who}: alive", output)


def list_(
    session: "SessionFilter" = None,
    milestone: "OnlyMilestone" = None,
    all_: "EverybodyToo" = False,
    output: "Format" = "text",
) -> None:
    """List the agents at work, or with --all everyone there ever was, in the order of their registration.

    Example: milestone agent list --all
    """
    from milestone_cli import render
    from milestone_cli.core.agents import agent, vitals
    from milestone_cli.render.agent import list_text
    from milestone_cli.storage import open_store

    store = open_store()
    known = agent.agents(store, session=session, milestone=milestone)
    known = [one for one in known if all_ or one.status in ("active", "damaged")]
    depending = agent.subscribers(known)
    found = [{**one.agent.fields(depending.get(one.agent.id)), **one.fields()} for one in vitals.examine(store, known)]
    render.emit("agent-list", {"agents": found}, list_text(found, is_all=all_), output)


def show(name: "AgentMeant" = None, output: "Format" = "text") -> None:
    """Show everything that is known about an agent, and whether it is alive.

    Example: milestone agent show builder
    """
    from milestone_cli import render
    from milestone_cli.core.agents import agent, syncpoint, vitals
    from milestone_cli.render.agent import show_text
    from milestone_cli.storage import open_store

    store = open_store()
    one = agent.find(store, _meant(name))
    depending = agent.subscribers(agent.agents(store, is_over=False))
    open_syncs = [str(point["sync_id"]) for point in syncpoint.points(store, is_open=True, agent=one.id)
                  if one.id in syncpoint.missing(point)]  # fmt: skip
    found = {**one.fields(depending.get(one.id)), **vitals.examine(store, [one])[0].fields(), "open_syncs": open_syncs}
    render.emit("agent-show", found, show_text(found), output)


def retire(
    name: "AgentMeant" = None,
    reason: "Reason" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Let an agent leave; its record stays, and no synchronisation waits for it any more.

    Example: milestone agent retire builder --reason 'all tests pass'
    """
    from milestone_cli import render
    from milestone_cli.core.agents import registry
    from milestone_cli.storage import open_store

    who = _meant(name)
    made, changed, replayed = registry.retire(open_store(), who, reason, key=idempotency_key, timeout=lock_timeout)
    text = f"{who}: retired" if changed else f"{who}: had ended before ({made.status})"
    render.emit("agent-retire", {**made.fields(), "changed": changed, "replayed": replayed}, text, output)


def run(
    name: "AgentName",
    command: "AgentCommand",
    type_: "AgentType" = None,
    session: "InSession" = None,
    milestone: "OfMilestone" = None,
    state: "AgentState" = None,
    depends_on: "DependsOn" = None,
    subscribe: "Subscribe" = None,
    interval: "BeatInterval" = 10.0,
) -> int:
    """Run a command as an agent: registered, kept alive by heartbeats, and accounted for; exit as it does.

    Inside, MILESTONE_AGENT names the agent, so the events that it logs are its own. How it ended, how long it took and
    whether it succeeded is recorded; a command killed by a signal is recorded as failed, and its locks are given back.

    Example: milestone agent run tester --type tester -- sh -c 'milestone events log demo tests_passed && echo done'
    """
    from milestone_cli import render
    from milestone_cli.core.agents import fallen, running
    from milestone_cli.storage import open_store

    store = open_store()
    wish = _wish(type_, state, depends_on, subscribe)
    render.notify([_failed(one) for one in fallen.bury_all(store)])
    code, notes = running.run(store, name, command, wish, session=session, milestone=milestone, interval=interval)
    render.notify(notes)
    return code


def health(
    session: "SessionFilter" = None,
    stale_after: "StaleAfter" = "60s",
    fix: "BuryDead" = False,
    output: "Format" = "text",
) -> None:
    """Judge whether agents are alive: healthy, stale, dead or unknown, and the evidence for it.

    Dead means proved dead: its process on this machine has ended, or its lease has, by the clock of the server that
    machines share. With --fix the dead are recorded as failed, and what they held is given back.

    Example: milestone agent health --stale-after 5m
    """
    from milestone_cli import render
    from milestone_cli.core import times
    from milestone_cli.core.agents import health as core
    from milestone_cli.render.agent import health_text
    from milestone_cli.storage import open_store

    seconds = times.duration(stale_after) / 1e9
    found = core.health(open_store(), session, seconds, is_fixed=fix)
    render.emit("agent-health", found, health_text(found), output)


def monitor(
    session: "SessionFilter" = None,
    interval: "MonitorInterval" = 30.0,
    stale_after: "StaleAfter" = "60s",
    looks: "Looks" = 0,
    output: "Format" = "text",
) -> None:
    """Watch agents until their session ends or Ctrl-C; the dead are recorded, and what they held is given back.

    Each look leaves a line in the health log, agents/status/SESSION.monitor.jsonl, which keeps the last 1000 lines and
    is not synced. As text a look is shown when something has changed; --format jsonl shows each.

    Example: milestone agent monitor --interval 1 --looks 1
    """
    from milestone_cli import render
    from milestone_cli.core import times
    from milestone_cli.core.agents import monitor as core
    from milestone_cli.render.agent import look_text
    from milestone_cli.storage import open_store

    seconds = times.duration(stale_after) / 1e9
    last = ""

    def say(found: "dict[str, object]") -> None:
        nonlocal last
        text = look_text(found)
        changed, last = text != last, text
        if changed or output != "text":
            render.emit("agent-monitor", found, f"{found['timestamp']}  {text}", output)

    core.watch(open_store(), session, say, interval=interval, stale_after=seconds, looks=looks)
