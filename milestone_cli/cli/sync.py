"""The commands of `milestone agent` about synchronisation points: sync, ack, sync-list, sync-show."""

from milestone_cli import render
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.agents import (
        AgentsList,
        AgentState,
        NoWait,
        OnlyOpen,
        SeenRevision,
        SyncId,
        SyncTimeout,
        TakingPart,
        Trigger,
    )
    from .options.logs import SessionFilter
    from .options.shared import ActingAgent, Format, IdempotencyKey, InSession, LockTimeout, OnlyMilestone


def sync(
    session: "InSession" = None,
    agents: "AgentsList" = None,
    trigger: "Trigger" = None,
    timeout: "SyncTimeout" = 60.0,
    no_wait: "NoWait" = False,
    idempotency_key: "IdempotencyKey" = None,
    output: "Format" = "text",
) -> None:
    """Ask agents to synchronise, and wait until every one alive has answered with `agent ack`.

    Taking part are --agents, else all that are at work in the session, or on the milestone. Whoever asks has answered
    by asking. An agent that is proved dead is named, and not waited for any longer. Exit 7 when the time is over: the
    point has then failed, and says who was missing.

    Example: milestone agent sync --timeout 5
    """
    from milestone_cli.core import acting_agent
    from milestone_cli.core.agents import sync as core
    from milestone_cli.core.agents import syncpoint
    from milestone_cli.render.agent import sync_text

    store = open_store()
    wanted = [word for word in agents.split(",") if word] if agents is not None else None
    one, replayed = core.request(
        store, session=session, participants=wanted, trigger=acting_agent(trigger), timeout=timeout, key=idempotency_key
    )
    if one is None:
        empty: dict[str, object] = {
            "sync_id": None,
            "status": "completed",
            "participants": [],
            "answers": {},
            "lost": {},
            "missing": [],
        }
        render.emit("sync", empty, "no agent is at work; there is nothing to synchronise", output)
        return
    if not no_wait:
        one = core.wait(store, str(one["sync_id"]), timeout)
    found = {**syncpoint.fields(one), "replayed": replayed}
    render.emit("sync", found, str(found["sync_id"]) if no_wait else sync_text(found), output)


def ack(
    name: "SyncId",
    agent: "ActingAgent" = None,
    revision: "SeenRevision" = None,
    state: "AgentState" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Answer a request to synchronise, with the revision that the agent has seen (default: the present one).

    The last answer completes the point. An answer cannot be changed.

    Example: milestone agent ack "$(milestone agent sync --no-wait)" --agent builder
    """
    from milestone_cli.core import acting_agent
    from milestone_cli.core.agents import sync as core
    from milestone_cli.core.agents import syncpoint
    from milestone_cli.errors import MilestoneError
    from milestone_cli.render.agent import ack_text

    from .data import read_data

    by = acting_agent(agent)
    if by == "system":
        raise MilestoneError("usage", "which agent answers?", "give --agent, or set MILESTONE_AGENT")
    one, again = core.acknowledge(
        open_store(),
        name,
        by,
        revision=revision,
        state=None if state is None else read_data(state),
        key=idempotency_key,
        timeout=lock_timeout,
    )
    found = {**syncpoint.fields(one), "agent_id": by, "replayed": again}
    render.emit("sync-ack", found, ack_text(found), output)


def sync_list(
    session: "SessionFilter" = None,
    milestone: "OnlyMilestone" = None,
    agent: "TakingPart" = None,
    open_: "OnlyOpen" = False,
    output: "Format" = "text",
) -> None:
    """List synchronisation points, oldest first; with --agent those in which this agent takes part.

    Example: milestone agent sync-list --open
    """
    from milestone_cli.core.agents import syncpoint
    from milestone_cli.render.agent import sync_list_text

    points = syncpoint.points(open_store(), is_open=open_, agent=agent, milestone=milestone, session=session)
    found = [syncpoint.fields(one) for one in points]
    render.emit("sync-list", {"syncs": found}, sync_list_text(found), output)


def sync_show(name: "SyncId", output: "Format" = "text") -> None:
    """Show a synchronisation point: who has answered, with which revision and state, and who is missing.

    Example: milestone agent sync-show "$(milestone agent sync --no-wait)"
    """
    from milestone_cli.core.agents import syncpoint
    from milestone_cli.render.agent import sync_text

    found = syncpoint.fields(syncpoint.read(open_store(), name))
    render.emit("sync", found, sync_text(found), output)
