"""Who is at work on what, at one look: what `status` tells, of all milestones or one, with everybody who takes part."""

from milestone_cli import runtime
from milestone_cli.core import activity, agent, lock, overview, session, vitals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

BUSY = 16
"""The events of so many milestones, those of which something was logged last, are looked at."""
SHOWN = ("active", "orphaned", "expired", "damaged")
"""Statuses of sessions that somebody may have to do something about."""
SAID = ("said", "next")


def look(store: "Store", milestone: "str | None", events: int) -> "Facts":
    """What is going on now.

    Args:
        store: only read.
        milestone: the one that is meant; None: all.
        events: so many of the last ones are told.

    Returns:
        `milestones`, those first of which something was logged last; of a single one what its state says too;
        `sessions` that have not ended, `agents` that have not left, `locks`, and `last_events`, oldest first.

    Raises:
        MilestoneError: `not_found` when there is no such milestone.
    """
    every = overview.everything(store)
    known = every["milestones"]
    assert isinstance(known, list)
    heads = {one["milestone_id"]: store.head(str(one["milestone_id"])) for one in known}
    known.sort(key=lambda one: head.time if (head := heads[one["milestone_id"]]) else 0, reverse=True)
    said: Facts = {"said": {}, "next": None}
    if milestone is not None or len(known) == 1:
        one = overview.status(store, milestone or known[0]["milestone_id"], events)
        said = {name: one[name] for name in SAID}
        known = [
            {name: one[name] for name in summary} for summary in known if summary["milestone_id"] == one["milestone_id"]
        ]
        last = one["last_events"]
    else:
        last = _merged(store, [str(one["milestone_id"]) for one in known[:BUSY]], events)
    names = {one["milestone_id"] for one in known} if milestone else None
    return {
        "at": runtime.timestamp(runtime.now_ns()),
        "store": store.path,
        "milestone_id": milestone,
        "session_id": every["session_id"],
        "milestones": known,
        **said,
        "sessions": _sessions(store, milestone),
        "agents": _agents(store, milestone),
        "locks": [one for one in lock.locks(store) if names is None or one["name"] in names],
        "last_events": last,
    }


def _merged(store: "Store", names: "list[str]", count: int) -> "list[object]":
    """The last events of several milestones, oldest first."""
    found = [one for name in names for one in overview.last_events(store, name, count)]
    found.sort(key=lambda one: str(one.get("timestamp", "")) if isinstance(one, dict) else "")
    return found[-count:]


def _sessions(store: "Store", milestone: "str | None") -> "list[Facts]":
    """The sessions that have not ended, the current one first, then the newest."""
    found = [
        activity.up_to_date(store, one)[0].fields()
        for one in session.sessions(store, overview.RECENT)
        if one.status in SHOWN and milestone in (None, one.milestone)
    ]
    found.sort(key=lambda one: (bool(one["current"]), str(one["created_at"] or "")), reverse=True)
    return found


def _agents(store: "Store", milestone: "str | None") -> "list[Facts]":
    """The agents that have not left, with what tells whether they live, and what each says of its work."""
    found = vitals.examine(store, agent.agents(store, milestone=milestone, is_over=False))
    return [{**one.fields(), "state": one.agent.mapping("state"), "metrics": one.agent.metrics()} for one in found]
