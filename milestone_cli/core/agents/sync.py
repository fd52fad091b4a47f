"""Synchronisation: somebody asks, every participant answers with the revision that it saw, and all may go on."""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout
from milestone_cli.core.agents.agent import agents, find
from milestone_cli.core.agents.fallen import bury, bury_all
from milestone_cli.core.agents.process import identity
from milestone_cli.core.agents.registry import known, working
from milestone_cli.core.agents.syncpoint import (
    KIND,
    OPEN,
    ROUND,
    answers_of,
    event,
    finish,
    is_abandoned,
    missing,
    names,
    new_id,
    points,
    read,
    settle,
    stream,
)
from milestone_cli.core.agents.vitals import examine
from milestone_cli.core.agents.wish import check_state
from milestone_cli.core.record import data_of, safe_name
from milestone_cli.core.scope import scope, stream_of
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


def request(
    store: "Store",
    *,
    session: "str | None" = None,
    participants: "list[str] | None" = None,
    trigger: str = "system",
    timeout: float = 60.0,
    key: "str | None" = None,
) -> "tuple[Facts | None, bool]":
    """Ask for a synchronisation, and answer for the agent that asks, if it takes part.

    Args:
        store: where.
        session: whose agents; left out: those of the milestone that is meant, else of the current session.
        participants: only these agents.
        trigger: the agent that asks.
        timeout: seconds that it has.
        key: idempotency key.

    Returns:
        The point, None where no agent is at work; and whether it was asked for before under the same key.

    Raises:
        MilestoneError: `not_found` for an agent that is not there, `conflict` for one that has ended.
    """
    named, milestone = scope(store, session, None)
    close_overdue(store)
    bury_all(store)
    log = stream_of(milestone, named)
    asked = "*" if participants is None else " ".join(participants)
    made: Facts = {}

    def build() -> Plan:
        nonlocal made
        plan, now = Plan("sync_request"), runtime.timestamp(store.clock())
        # Behind the gate: who left a moment ago would be waited for in vain.
        wanted = _chosen(store, participants, session=session, milestone=milestone, current=named)
        if not wanted:
            return plan
        made = {
            "sync_id": new_id(now),
            "session_id": named, "milestone_id": milestone, "trigger_agent": trigger, "started_at": now,
            "ended_at": None, "timeout": timeout, "status": OPEN, "reason": None, "participants": wanted,
            "answers": {}, "lost": {}, "requester": identity(runtime.getpid()),
        }  # fmt: skip
        if log:
            plan.events.append((log, event(made, "sync_requested", trigger, participants=wanted, timeout=timeout)))
        if trigger in wanted:
            made["answers"] = {trigger: _answer(store, milestone, None, None)}
        settle(plan, made, store)
        return plan

    receipts = store.transact([], build, lock_timeout(store, None), known(log, key, b"sync", asked))
    if receipts and receipts[0].replayed:
        return read(store, str(data_of(store, log, receipts[0].event_id).get("sync_id"))), True
    return made or None, False


def _chosen(
    store: "Store",
    wanted: "list[str] | None",
    *,
    session: "str | None",
    milestone: "str | None",
    current: "str | None",
) -> "list[str]":
    """The agents that take part, in the order of their registration.

    Raises:
        MilestoneError: `not_found` for one that is not there, `conflict` for one that has ended.
    """
    if wanted is not None:
        return [working(find(store, name)).id for name in dict.fromkeys(wanted)]
    of = agents(
        store,
        session=session or (None if milestone else current),
        milestone=None if session else milestone,
        is_over=False,
    )
    return [one.id for one in of]


def _answer(store: "Store", milestone: "str | None", revision: "int | None", state: "bytes | None") -> "Facts":
    """What a participant says: when, which revision it has seen (left out: the present one), and its own state.

    Raises:
        MilestoneError: `invalid_data` for a revision that is still to come; what `check_state` raises.
    """
    head = store.head(milestone) if milestone else None
    present = head.revision if head else 0
    if revision is not None and revision > present:
        raise MilestoneError(
            "invalid_data",
            f"nobody can have seen revision {revision}: '{milestone}' is at {present}",
            "leave --revision out for the present one",
        )
    return {
        "at": runtime.timestamp(store.clock()),
        "revision": present if revision is None else revision,
        "state": None if state is None else loads(check_state(state)),
    }


def acknowledge(
    store: "Store",
    name: str,
    by: str,
    *,
    revision: "int | None" = None,
    state: "bytes | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Facts, bool]":
    """Answer for a participant; the last answer completes the point.

    Returns:
        The point, and whether the participant had answered before, which stays as it was said.

    Raises:
        MilestoneError: `not_found`; `conflict` for a point that is over, or an agent that has ended or takes no part.
    """
    close_overdue(store)
    log = stream(read(store, name))
    made: Facts = {}
    again = False

    def build() -> Plan:
        nonlocal made, again
        plan, made = Plan("sync_ack"), read(store, name)
        if by in names(made, "answers"):
            again = True
            return plan
        if by not in names(made):
            raise _refused(name, by, "it takes no part")
        if made["status"] != OPEN:
            raise _refused(name, by, f"it has {made['status']}" + (f": {made['reason']}" if made.get("reason") else ""))
        working(find(store, by))
        said = _answer(store, safe_name(made.get("milestone_id")), revision, state)
        made["answers"] = {**answers_of(made), by: said}
        if log:
            plan.events.append((log, event(made, "sync_answered", by, revision=said["revision"])))
        settle(plan, made, store)
        return plan

    once = known(log, key, b"ack", f"{name} {by} {revision}")
    receipts = store.transact([], build, lock_timeout(store, timeout), once)
    if receipts and receipts[0].replayed:
        return read(store, name), True
    return made, again


def _refused(name: str, by: str, why: str) -> MilestoneError:
    return MilestoneError(
        "conflict", f"'{by}' cannot answer '{name}': {why}", f"`milestone agent sync-show {name}` says more",
        sync_id=name, agent_id=by,
    )  # fmt: skip


def wait(store: "Store", name: str, timeout: float) -> "Facts":
    """Wait until a point is over; when the time is, it has failed.

    Raises:
        MilestoneError: `sync_failed` when it has failed.
    """
    deadline = runtime.monotonic() + timeout
    looked = runtime.monotonic()
    watcher = store.changes([], [(KIND, name)], [])
    try:
        while True:
            one = read(store, name)
            if one["status"] != OPEN:
                break
            now = runtime.monotonic()
            if now >= deadline:
                one = fail(store, name, f"no answer from {', '.join(missing(one))} within {timeout:g} s")
            elif now - looked >= ROUND:
                looked = now
                _look_after(store, missing(one))
            else:
                watcher.wait(min(ROUND - (now - looked), deadline - now))
    except KeyboardInterrupt:
        fail(store, name, "whoever asked for it was interrupted")
        raise
    finally:
        watcher.close()
    if one["status"] == "failed":
        runtime.applied.clear()  # the error says what is on disk: a point that has failed
        raise MilestoneError(
            "sync_failed",
            f"the synchronisation '{name}' has failed: {one.get('reason')}",
            f"`milestone agent sync-show {name}` says who has answered; `milestone agent health` says who is alive",
            sync_id=name,
            missing=missing(one),
            lost=one.get("lost"),
        )
    return one


def _look_after(store: "Store", awaited: "list[str]") -> None:
    """Record those of the awaited as failed that are proved dead, and so wait for them no longer."""
    here = [one for one in agents(store, is_over=False) if one.id in awaited]
    bury(store, examine(store, here))


def fail(store: "Store", name: str, reason: str) -> "Facts":
    """Record that a point has failed, unless it is over meanwhile; the point as it is then."""
    found: Facts = {}

    def build() -> Plan:
        nonlocal found
        plan, found = Plan("sync_fail"), read(store, name)
        if found["status"] == OPEN:
            finish(plan, found, store, "failed", reason)
        return plan

    store.transact([], build, lock_timeout(store, None))
    return found


def close_overdue(store: "Store") -> "list[str]":
    """Record points as failed whose time is over and for which nobody waits any more; their ids."""
    closed = []
    for one in points(store, is_open=True):
        if is_abandoned(store, one):
            name = str(one["sync_id"])
            fail(store, name, f"no answer from {', '.join(missing(one))} in time, and nobody waits for it any more")
            closed.append(name)
    return closed
