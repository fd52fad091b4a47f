"""A synchronisation point as its document says, and how it goes on: who is awaited, and when it is over.

A point is one document, and every step of it a transaction: it is completed by the answer, or the departure, after
which nobody is awaited any more; it is completed only if every participant that lives has answered. Who died or left
is named. A point whose time is over has failed, and says who was missing.
"""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION
from milestone_cli.core.agents.heartbeat import is_gone
from milestone_cli.core.record import indented, safe_name
from milestone_cli.core.scope import stream_of
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import Draft, Plan, safe
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

KIND = "sync"
OPEN = "in_progress"
ROUND = 1.0
"""Seconds between two looks at whether those who are awaited live."""
PARTS = (("status", str), ("participants", list), ("answers", dict), ("lost", dict))


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


def read(store: "Store", name: str) -> "Facts":
    """A point by its id.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    found = look(store, safe(name, "synchronisation point"))
    if found is None:
        raise MilestoneError(
            "not_found", f"there is no synchronisation point '{name}'", "`milestone agent sync-list` lists them"
        )
    if not found:
        raise MilestoneError(
            "damaged", f"the synchronisation point '{name}' is damaged", "`milestone agent sync` makes a new one"
        )
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
    seen = {answer.get("revision") for answer in answers_of(one).values()}
    return {**{key: one.get(key) for key in keys}, "missing": missing(one), "agreed": len(seen) == 1}


def answers_of(one: "Facts") -> "dict[str, Facts]":
    """What each participant that has answered said."""
    value = one.get("answers")
    return {name: said for name, said in value.items() if isinstance(said, dict)} if isinstance(value, dict) else {}


def new_id(now: str) -> str:
    """A name for a point that was asked for at a time: `sync-YYYYmmdd-HHMMSS-`, and six digits that tell it apart."""
    number = int(runtime.token()[:10], 16) % 1_000_000
    return f"sync-{now[:10].replace('-', '')}-{now[11:19].replace(':', '')}-{number:06d}"


def event(one: "Facts", type_: str, by: str, **said: object) -> Draft:
    """An event of a point."""
    data = dumps({"sync_id": one["sync_id"], **said})
    return Draft(type_, data, safe_name(one.get("session_id")) or NO_SESSION, by)


def stream(one: "Facts") -> str:
    """The log that tells of a point; empty for none."""
    return stream_of(safe_name(one.get("milestone_id")), safe_name(one.get("session_id")))


def is_abandoned(store: "Store", one: "Facts") -> bool:
    """Whether the time of an open point is over, by the store's clock, and its requester is not known to wait."""
    requester, timeout = one.get("requester"), one.get("timeout")
    if isinstance(requester, dict) and is_gone(requester) is False:
        return False
    started = parse_ns(one.get("started_at"))
    seconds = timeout if isinstance(timeout, int | float) else 0
    return started is None or store.clock() > started + int((seconds + ROUND) * 1e9)


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
        revisions = {name: given.get("revision") for name, given in answers_of(one).items()}
        type_, said = "agents_synchronized", {"agent_count": len(revisions), "revisions": revisions, **said}
    else:
        type_, said = "sync_failed", {"reason": reason, "missing": missing(one), **said}
    if stream(one):
        plan.events.append((stream(one), event(one, type_, safe_name(one.get("trigger_agent")) or "system", **said)))


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
