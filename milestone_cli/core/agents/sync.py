"""Synchronisation points: somebody asks, every participant answers with the revision that it saw, and all may go on.

A point is one document, and every step of it a transaction: it is completed by the answer, or the departure, after
which nobody is awaited any more; it is completed only if every participant that lives has answered. Who died or left
is named. A point whose time is over has failed, and says who was missing.
"""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, lock_timeout
from milestone_cli.core.agents.agent import find, sound
from milestone_cli.core.agents.agenting import known, place, stream_of, working
from milestone_cli.core.agents.process import claim
from milestone_cli.core.agents.wish import check_state
from milestone_cli.core.record import indented
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import Draft, Plan, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

KIND = "sync"
OPEN = "in_progress"


def look(store: "Store", name: str) -> "Facts | None":
    """A point as its document says; None when there is none, and an empty one where it cannot be read."""
    raw = store.get(KIND, name)
    if raw is None:
        return None
    try:
        found = loads(raw)
    except ValueError:
        found = None
    is_whole = isinstance(found, dict) and all(isinstance(found.get(key), kind) for key, kind in PARTS)
    return found if isinstance(found, dict) and is_whole and found.get("sync_id") == name else {}


PARTS = (("status", str), ("participants", list), ("answers", dict), ("lost", dict))


def read(store: "Store", name: str) -> "Facts":
    """A point by its id.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    found = look(store, safe(name, "synchronisation point"))
    if found is None:
        raise MilestoneError(
            "not_found", f"there is no synchronisation point '{name}'", "`milestone agent sync-list` shows them"
        )
    if not found:
        raise MilestoneError("damaged", f"the synchronisation point '{name}' is damaged", "ask for a new one")
    return found


def points(store: "Store", *, is_open: bool = False, agent: "str | None" = None, milestone: "str | None" = None,
           session: "str | None" = None) -> "list[Facts]":  # fmt: skip
    """All points, oldest first; or only those that are open, where an agent takes part, of a milestone or session."""
    found = []
    for name in store.keys(KIND):
        one = look(store, name)
        if not one or (is_open and one["status"] != OPEN) or (agent is not None and agent not in names(one)):
            continue
        if milestone in (None, one.get("milestone_id")) and session in (None, one.get("session_id")):
            found.append(one)
    return sorted(found, key=lambda one: (str(one.get("started_at")), str(one.get("sync_id"))))


def names(one: "Facts", key: str = "participants") -> "list[str]":
    """The agents in a list or the keys of an object of a point."""
    value = one.get(key)
    return [name for name in value if isinstance(name, str)] if isinstance(value, list | dict) else []


def missing(one: "Facts") -> "list[str]":
    """The participants that are still awaited."""
    here = {*names(one, "answers"), *names(one, "lost")}
    return [name for name in names(one) if name not in here]


def fields(one: "Facts") -> "Facts":
    """A point as JSON values."""
    keys = ("sync_id", "status", "session_id", "milestone_id", "trigger_agent", "started_at", "ended_at", "timeout",
            "reason", "participants", "answers", "lost")  # fmt: skip
    seen = {answer.get("revision") for answer in _answers(one).values()}
    return {**{key: one.get(key) for key in keys}, "missing": missing(one), "agreed": len(seen) == 1}


def _answers(one: "Facts") -> "dict[str, Facts]":
    value = one.get("answers")
    return {name: said for name, said in value.items() if isinstance(said, dict)} if isinstance(value, dict) else {}


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
    from milestone_cli.core.agents.syncing import chosen, close_overdue
    from milestone_cli.core.record import data_of

    named, milestone = place(store, session, None)
    close_overdue(store)
    wanted = chosen(store, participants, session=session, milestone=milestone, current=named)
    stream = stream_of(milestone, named)
    asked = "*" if participants is None else " ".join(participants)
    made: Facts = {}

    def build() -> Plan:
        nonlocal made
        if not wanted:
            return Plan("sync_request")
        now = runtime.timestamp(store.clock())
        made = {
            "sync_id": new_id(now),
            "session_id": named, "milestone_id": milestone, "trigger_agent": trigger, "started_at": now,
            "ended_at": None, "timeout": timeout, "status": OPEN, "reason": None, "participants": wanted,
            "answers": {}, "lost": {}, "requester": claim(runtime.getpid()),
        }  # fmt: skip
        plan = Plan("sync_request")
        if stream:
            plan.events.append((stream, event(made, "sync_requested", trigger, participants=wanted, timeout=timeout)))
        if trigger in wanted:
            made["answers"] = {trigger: answer(store, milestone, None, None)}
        settle(plan, made, store)
        return plan

    receipts = store.transact([], build, lock_timeout(store, None), known(stream, key, b"sync", asked))
    if receipts and receipts[0].replayed:
        return read(store, str(data_of(store, stream, receipts[0].event_id).get("sync_id"))), True
    return made or None, False


def new_id(now: str) -> str:
    """A name for a point that was asked for at a time: `sync-YYYYmmdd-HHMMSS-`, and six digits that tell it apart."""
    number = int(runtime.token()[:10], 16) % 1_000_000
    return f"sync-{now[:10].replace('-', '')}-{now[11:19].replace(':', '')}-{number:06d}"


def event(one: "Facts", type_: str, by: str, **said: object) -> Draft:
    """An event of a point."""
    data = dumps({"sync_id": one["sync_id"], **said})
    return Draft(type_, data, sound(one.get("session_id")) or NO_SESSION, by)


def stream(one: "Facts") -> str:
    """The log that tells of a point; empty for none."""
    return stream_of(sound(one.get("milestone_id")), sound(one.get("session_id")))


def answer(store: "Store", milestone: "str | None", revision: "int | None", state: "bytes | None") -> "Facts":
    """What a participant says: when, which revision it has seen (left out: the present one), and its own state.

    Raises:
        MilestoneError: `invalid_data` for a revision that is still to come; what `check_state` raises.
    """
    head = store.head(milestone) if milestone else None
    present = head.revision if head else 0
    if revision is not None and revision > present:
        raise MilestoneError(
            "invalid_data", f"nobody can have seen revision {revision}: '{milestone}' is at {present}", ""
        )
    return {
        "at": runtime.timestamp(store.clock()),
        "revision": present if revision is None else revision,
        "state": None if state is None else loads(check_state(state)),
    }


def settle(plan: Plan, one: "Facts", store: "Store") -> None:
    """Plan a point as it is now, which is completed when nobody is awaited any more."""
    if one["status"] == OPEN and not missing(one):
        has_answers = bool(names(one, "answers"))
        finish(plan, one, store, "completed" if has_answers else "failed",
               None if has_answers else "no participant is left")  # fmt: skip
        return
    plan.puts.append((KIND, str(one["sync_id"]), (indented(one) + "\n").encode()))


def finish(plan: Plan, one: "Facts", store: "Store", status: str, reason: "str | None") -> None:
    """Plan that a point is over."""
    one |= {"status": status, "ended_at": runtime.timestamp(store.clock()), "reason": reason}
    plan.puts.append((KIND, str(one["sync_id"]), (indented(one) + "\n").encode()))
    said: Facts = {"lost": names(one, "lost")} if names(one, "lost") else {}
    if status == "completed":
        revisions = {name: given.get("revision") for name, given in _answers(one).items()}
        type_, said = "agents_synchronized", {"agent_count": len(revisions), "revisions": revisions, **said}
    else:
        type_, said = "sync_failed", {"reason": reason, "missing": missing(one), **said}
    if stream(one):
        plan.events.append((stream(one), event(one, type_, sound(one.get("trigger_agent")) or "system", **said)))


def leave(store: "Store", plan: Plan, name: str, why: str) -> "list[str]":
    """Plan that an agent is awaited nowhere any more, since it is gone; the points where it was."""
    touched = []
    for one in points(store, is_open=True, agent=name):
        if name in missing(one):
            lost = one["lost"]
            one["lost"] = {**(lost if isinstance(lost, dict) else {}), name: why}
            settle(plan, one, store)
            touched.append(str(one["sync_id"]))
    return touched


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
    from milestone_cli.core.agents.syncing import close_overdue

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
        said = answer(store, sound(made.get("milestone_id")), revision, state)
        made["answers"] = {**_answers(made), by: said}
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
