"""What there is to do, and what was done: tasks with what they wait for, and figures of all of them."""

from milestone_cli import runtime
from milestone_cli.core.tasks import claims
from milestone_cli.core.tasks.task import KIND, Task, look, tasks, waits_for
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

SHOWN = 5
"""So many open tasks are told where somebody looks at everything."""


def listed(
    store: "Store",
    *,
    status: "str | None" = None,
    is_ready: bool = False,
    milestone: "str | None" = None,
    session: "str | None" = None,
) -> "list[Facts]":
    """Tasks, oldest first, as JSON values with what they wait for and who has them.

    Args:
        store: where.
        status: only those that are so.
        is_ready: only those that a claim would give away: what is pending and waits for no other, and what the dead
            had claimed.
        milestone: only its tasks.
        session: only its tasks.
    """
    known = tasks(store)
    status_of = {one.id: one.status for one in known}
    found = [
        described(store, one, status_of)
        for one in known
        if milestone in (None, one.name("milestone_id")) and session in (None, one.name("session_id"))
        if status in (None, one.status)
    ]
    return [one for one in found if one["ready"] or not is_ready]


def described(store: "Store", one: Task, status_of: "dict[str, str]") -> "Facts":
    """A task as JSON values without its log, and how it stands: ready, waits_for, claimed_by, evidence."""
    held = claims.hold(store, one)
    waits = waits_for(one, status_of)
    return {
        **one.fields(),
        "waits_for": waits,
        "ready": held.is_over or (one.status == "pending" and not waits),
        "claimed_by": held.agent or None,
        "claim_ended": held.is_over,
        "evidence": held.evidence or None,
    }


def shown(store: "Store", one: Task) -> "Facts":
    """All of a task as JSON values."""
    known = {other: found.status for other in one.depends_on if (found := look(store, other))}
    return {**one.whole(), **described(store, one, known), "claim": one.claim or None}


def metrics(known: "list[Task]") -> "Facts":
    """Figures of tasks under the names of the reference; `average_completion_time` is in seconds, null without any."""
    spans = []
    for one in known:
        begun = parse_ns(one.word("started_at")) or parse_ns(one.word("created_at"))
        ended = parse_ns(one.word("completed_at"))
        if one.status == "completed" and begun is not None and ended is not None:
            spans.append(max(0, ended - begun) / 1e9)
    counted = {status: sum(one.status == status for one in known)
               for status in ("completed", "failed", "pending", "in_progress", "cancelled", "damaged")}  # fmt: skip
    return {
        "total_tasks": len(known),
        **{f"{status}_tasks": count for status, count in counted.items()},
        "average_completion_time": round(sum(spans) / len(spans), 3) if spans else None,
    }


def report(store: "Store", milestone: "str | None" = None, session: "str | None" = None) -> "Facts":
    """Everything about the tasks of a store, of a milestone or of a session.

    Returns:
        generated_at, milestone_id, session_id, metrics, and tasks, oldest first, each as `shown` has it.
    """
    every = tasks(store)
    status_of = {one.id: one.status for one in every}
    known = [
        one
        for one in every
        if milestone in (None, one.name("milestone_id")) and session in (None, one.name("session_id"))
    ]
    return {
        "generated_at": runtime.timestamp(store.clock()),
        "milestone_id": milestone,
        "session_id": session,
        "metrics": metrics(known),
        "tasks": [{**one.whole(), **described(store, one, status_of), "claim": one.claim or None} for one in known],
    }


def open_tasks(store: "Store", milestone: "str | None" = None) -> "Facts | None":
    """What is still to be done, for a look at everything; None where there is no task at all.

    Returns:
        Counts: ready, waiting, in_progress, failed; and `tasks`, the first few that are in progress or ready: id,
        description, status, claimed_by, claim_ended.
    """
    if not store.keys(KIND):
        return None
    found = listed(store, milestone=milestone)
    if not found:
        return None
    begun = [one for one in found if one["status"] == "in_progress"]
    ready = [one for one in found if one["status"] == "pending" and one["ready"]]
    keys = ("id", "description", "status", "claimed_by", "claim_ended")
    return {
        "ready": len(ready),
        "waiting": sum(one["status"] == "pending" for one in found) - len(ready),
        "in_progress": len(begun),
        "failed": sum(one["status"] == "failed" for one in found),
        "tasks": [{key: one[key] for key in keys} for one in [*begun, *ready][:SHOWN]],
    }
