"""Claims: who works at which task, until when, and what gives a task back.

A claim names an agent, its process, and a lease. It ends by its holder's word; at once on proof that its process has
ended; and with its lease where no process of this machine is known to live and a clock tells that all share: the
server's, or this machine's own since it booted. Whatever the holder writes of the task, and every heartbeat of an
agent, begins the lease anew. Where nothing proves anything, the claim stays until somebody releases it.
"""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION
from milestone_cli.core.agents.process import identity, judge
from milestone_cli.core.tasks.task import KIND, Task, tasks
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft, Plan
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

LEASE = 300.0
"""Seconds of a claim, where nobody says."""
LONGEST = 1e8
"""Seconds that a lease may have."""
SECOND = 1_000_000_000


class Hold:
    """How a claim was found.

    Attributes:
        agent: who has the task; empty where nobody has claimed it.
        is_over: it has ended, and the task may go to somebody else.
        evidence: what tells so, or that it has not.
    """

    __slots__ = ("agent", "evidence", "is_over")

    def __init__(self, agent: str, evidence: str = "", *, is_over: bool = False) -> None:
        self.agent = agent
        self.evidence = evidence
        self.is_over = is_over


def hold(store: "Store", one: Task) -> Hold:
    """Who has a task, and whether that has ended."""
    claim = one.claim
    agent = claim.get("agent")
    if one.status != "in_progress" or not isinstance(agent, str) or not agent:
        return Hold("")
    gone, told = judge(store, claim)
    if gone is not None:
        return Hold(agent, told, is_over=gone)
    left = _left(store, claim)
    if left is None:
        return Hold(agent, told or "nothing tells whether it works")
    if left > 0:
        return Hold(agent, f"its lease ends in {max(round(left), 1)} s")
    return Hold(agent, f"its lease of {_lease(claim):g} s has ended", is_over=True)


def _lease(claim: "Facts") -> float:
    given = claim.get("lease_seconds")
    return min(float(given), LONGEST) if isinstance(given, int | float) and 0 <= given < 1e300 else LEASE


def _left(store: "Store", claim: "Facts") -> "float | None":
    """Seconds that are left of a lease, by a clock that its holder shares; None where there is none."""
    agent = str(claim.get("agent"))
    here = (runtime.host(), runtime.boot_id())
    if store.is_clock_shared:
        begun = max(parse_ns(str(claim.get("renewed_at"))) or 0, store.modified("agent-beat", agent))
        return begun / SECOND + _lease(claim) - store.clock() / SECOND
    if (claim.get("host"), claim.get("boot_id")) != here or not here[1]:
        return None
    begun_at = claim.get("boot_seconds")
    return float(begun_at) + _lease(claim) - runtime.boot_seconds() if type(begun_at) is int else None


def grant(store: "Store", one: Task, agent: str, pid: int, lease: "float | None") -> float:
    """Give a task to an agent, or renew what it has; the seconds of its lease, left out: those that it had."""
    lease = _lease(one.claim) if lease is None else lease
    now = store.clock()
    at = runtime.timestamp(now)
    one.put(
        claim={
            "agent": agent,
            **identity(pid),
            "claimed_at": one.claim.get("claimed_at") or at,
            "renewed_at": at,
            "expires_at": runtime.timestamp(now + int(lease * SECOND)),
            "lease_seconds": lease,
            "boot_seconds": runtime.boot_seconds(),
        },
        agent_id=agent,
    )
    return lease


def renew(store: "Store", one: Task) -> None:
    """Begin the lease of a claim anew; its process stays who it was."""
    claim, now = one.claim, store.clock()
    claim |= {"renewed_at": runtime.timestamp(now), "expires_at": runtime.timestamp(now + int(_lease(claim) * SECOND))}
    if (claim.get("host"), claim.get("boot_id")) == (runtime.host(), runtime.boot_id()):
        claim["boot_seconds"] = runtime.boot_seconds()
    one.put(claim=claim)


def is_holder(one: Task, agent: str) -> bool:
    """Whether an agent that acts has a task; `system`, which everybody is who has no name, by its process too."""
    claim = one.claim
    if claim.get("agent") != agent:
        return False
    mine = identity(runtime.caller())
    return agent != "system" or not claim.get("pid") or all(claim.get(key) == value for key, value in mine.items())


def starter(one: Task) -> str:
    """Who has begun a task that nobody has claimed."""
    return one.name("agent_id") or "system"


def allow(store: "Store", one: Task, agent: str, *, force: bool) -> None:
    """Let an agent through that may change a task: its holder, and everybody where nobody holds it.

    Raises:
        MilestoneError: `conflict` while another one has it.
    """
    held = hold(store, one)
    if not held.agent or held.is_over or force or is_holder(one, agent):
        return
    raise taken(one, held)


def taken(one: Task, held: Hold) -> MilestoneError:
    """The error for a task that another agent has claimed."""
    return MilestoneError(
        "conflict",
        f"the task '{one.id}' is claimed by '{held.agent}': {held.evidence}",
        f"`milestone task release {one.id} --force` takes it back",
        task_id=one.id,
        agent_id=held.agent,
    )


def begun(one: Task) -> MilestoneError:
    """The error for a task that another agent has begun without claiming it."""
    return MilestoneError(
        "conflict",
        f"the task '{one.id}' was started by '{starter(one)}'",
        f"`milestone task release {one.id} --force` gives it back",
        task_id=one.id,
        agent_id=starter(one),
    )


def free(one: Task, at: str, why: str) -> Draft:
    """Make a task pending again; the event that says why."""
    agent = one.claim.get("agent")
    one.put(status="pending", started_at=None, completed_at=None, claim=None, agent_id=None, reason=None, updated_at=at,
            revision=one.number("revision") + 1)  # fmt: skip
    one.say(at, f"Task given back: {why}", "warning")
    data = {"task_id": one.id, "reason": why, "was_claimed_by": agent}
    return Draft("task_released", dumps(data), one.name("session_id") or NO_SESSION, "system")


def give_back(store: "Store", plan: Plan, agent: str, why: str, *, is_dead: bool) -> "list[str]":
    """Plan that what an agent has claimed is pending again; the ids.

    Args:
        store: where.
        plan: to add to.
        agent: whose.
        why: for the log.
        is_dead: it did not say so itself, so what a living process has claimed in its name stays.
    """
    found = []
    at = runtime.timestamp(store.clock())
    for one in tasks(store) if store.keys(KIND) else ():
        if one.status != "in_progress" or one.claim.get("agent") != agent:
            continue
        if is_dead and judge(store, one.claim)[0] is False:
            continue
        plan.events.append((one.stream, free(one, at, f"'{agent}': {why}")))
        plan.puts.append((KIND, one.id, one.raw()))
        found.append(one.id)
    return found


def abandoned(store: "Store") -> "list[tuple[Task, Hold]]":
    """Tasks whose claims have ended though nobody said so, and what tells so."""
    held = [(one, hold(store, one)) for one in (tasks(store) if store.keys(KIND) else ())]
    return [(one, found) for one, found in held if found.is_over]
