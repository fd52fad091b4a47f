"""Who works on a milestone, for a look at it: agents and how they are, who fell, and who waits for whom.

A store in which no agent was ever registered pays a look into an empty folder, and nothing else.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.agents.agent import Agent
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

WORDS = ("doing", "current_task", "task", "step", "status", "next")
"""Keys at the top of an agent's state that tell what it is at, in the order of telling."""
FALLEN = 5
"""So many of those that failed are told."""
LONGEST = 200
"""Characters of what an agent says of itself."""


def crew(store: "Store", milestone: str) -> "Facts":
    """The agents of a milestone, and its synchronisation points.

    Returns:
        agents: those at work: agent_id, type, health, evidence, silent_seconds, doing. fallen: the last that failed and
        were not registered again: agent_id, type, reason, ended_at. syncs: those that are open, and the last that is
        over: sync_id, status, trigger_agent, started_at, answered, participants, missing, lost, reason. tasks: what is
        still to be done, see `core.tasks.report.open_tasks`.
    """
    if not store.keys("agent"):
        return {"agents": [], "fallen": [], "syncs": syncs(store, milestone), "tasks": _tasks(store, milestone)}
    from milestone_cli.core.agents.agent import agents
    from milestone_cli.core.agents.vitals import examine

    known = agents(store, milestone=milestone)
    at_work = examine(store, [one for one in known if one.status == "active"])
    return {
        "agents": [
            {
                "agent_id": one.agent.id,
                "type": one.agent.word("type"),
                "health": one.health,
                "evidence": one.evidence,
                "silent_seconds": one.silent,
                "doing": _doing(one.agent.mapping("state")),
            }
            for one in at_work
        ],
        "fallen": _fallen(known),
        "syncs": syncs(store, milestone),
        "tasks": _tasks(store, milestone),
    }


def fallen(store: "Store", milestone: "str | None") -> "list[Facts]":
    """Who failed last and was not registered again, as `crew` tells it; None: of all milestones."""
    if not store.keys("agent"):
        return []
    from milestone_cli.core.agents.agent import agents

    return _fallen(agents(store, milestone=milestone))


def _fallen(known: "list[Agent]") -> "list[Facts]":
    failed = sorted((one for one in known if one.status == "failed"), key=lambda one: one.word("ended_at") or "")
    return [
        {"agent_id": one.id, **{key: one.word(key) for key in ("type", "reason", "ended_at")}}
        for one in failed[-FALLEN:]
    ]


def _tasks(store: "Store", milestone: str) -> "Facts | None":
    if not store.keys("task"):
        return None
    from milestone_cli.core.tasks.report import open_tasks

    return open_tasks(store, milestone)


def _doing(state: "Facts") -> "str | None":
    """What an agent's state says it is at; None where it does not say."""
    for word in WORDS:
        value = state.get(word)
        if isinstance(value, str | int | float) and value != "":
            return str(value)[:LONGEST]
    return None


def syncs(store: "Store", milestone: "str | None") -> "list[Facts]":
    """The synchronisation points that are open, and the last that is over, as `crew` tells it; None: of all."""
    if not store.keys("sync"):
        return []
    from milestone_cli.core.agents.syncpoint import OPEN, missing, names, points

    known = points(store, milestone=milestone)
    shown = [one for one in known if one["status"] == OPEN]
    shown = [one for one in known if one["status"] != OPEN][-1:] + shown
    keys = ("sync_id", "status", "trigger_agent", "started_at", "ended_at", "participants", "lost", "reason")
    return [
        {**{key: one.get(key) for key in keys}, "answered": names(one, "answers"), "missing": missing(one)}
        for one in shown
    ]
