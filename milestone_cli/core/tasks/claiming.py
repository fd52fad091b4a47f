"""Tasks that change hands: claimed by one agent and by no other, and released."""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout, once
from milestone_cli.core.record import data_of, words
from milestone_cli.core.tasks import claims
from milestone_cli.core.tasks.changes import change, check_ready, check_revision
from milestone_cli.core.tasks.task import KIND, Task, find, in_words, tasks, waits_for
from milestone_cli.core.tasks.terms import HOME, Outcome, Terms, event
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Plan, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


class Claimed:
    """What a claim brought.

    Attributes:
        task: that is the agent's now.
        renewed: it was so before, and its lease begins anew.
        replayed: this was done before under the same idempotency key.
        freed: tasks that the dead had claimed, which are pending again: id, and what tells so.
    """

    __slots__ = ("freed", "renewed", "replayed", "task")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.renewed = False
        self.replayed = False
        self.freed: list[Facts] = []

    def fields(self) -> "Facts":
        """The claim as JSON values."""
        return {
            **self.task.whole(),
            "claim": self.task.claim or None,
            "renewed": self.renewed,
            "replayed": self.replayed,
            "freed": self.freed,
        }


def claim(
    store: "Store",
    name: "str | None",
    terms: Terms,
    *,
    pid: "int | None" = None,
    lease: "float | None" = None,
    milestone: "str | None" = None,
) -> Claimed:
    """Give the oldest task that is ready to an agent, and to no other; what the dead had claimed is ready again.

    Args:
        store: where.
        name: this task; None: the oldest that is ready.
        terms: see there.
        pid: the process that works at it; None: the caller's; 0: none, so that the lease alone tells.
        lease: seconds after which the task is given back, unless its holder is heard of; None: those that the claim
            had, else `claims.LEASE`.
        milestone: only a task of this milestone.

    Raises:
        MilestoneError: `not_found` where no task is ready; `conflict` for one that another agent has, that waits, or
            that belongs elsewhere; `usage`.
    """
    if lease is not None and not 0 <= lease <= claims.LONGEST:
        raise MilestoneError("usage", f"a lease cannot last {lease:g} s", f"give at most {claims.LONGEST:g} s")
    if name is None and terms.expect is not None:
        raise MilestoneError("usage", "--if-revision says nothing about which task", "name the TASK, or leave it out")
    wanted = safe(name, "task") if name else ""
    who = runtime.caller() if pid is None else pid
    made = Claimed(Task(wanted, b"{}"))

    def build() -> Plan:
        nonlocal made
        plan, at = Plan("task_claim"), runtime.timestamp(store.clock())
        known = [one for one in tasks(store) if not one.trouble]
        freed = _free(store, plan, known, at)
        one = _named(store, known, wanted, terms, milestone) if wanted else _oldest(known, milestone)
        made = Claimed(one)
        made.freed = freed
        made.renewed = bool(one.claim)
        seconds = claims.grant(store, one, terms.agent, who, lease)
        if not made.renewed:
            one.put(status="in_progress", started_at=at, completed_at=None, reason=None)
            one.say(at, f"Task claimed by {terms.agent}")
        one.put(updated_at=at, revision=one.number("revision") + 1)
        plan.puts = [put for put in plan.puts if put[1] != one.id] + [(KIND, one.id, one.raw())]
        said = {"lease_seconds": seconds, "expires_at": one.claim["expires_at"]}
        if not made.renewed:
            plan.events.append((one.stream, event(one, "task_claimed", terms.agent, **said)))
        if terms.key and (made.renewed or one.stream != HOME):
            plan.events.append((HOME, event(one, "task_claimed", terms.agent, **said)))
        return plan

    asked = "\0".join([wanted, terms.agent, milestone or ""])
    known = once(HOME, terms.key, b"task claim", asked.encode())
    receipts = store.transact([], build, lock_timeout(store, terms.timeout), known)
    if receipts and receipts[0].replayed:
        made = Claimed(find(store, str(data_of(store, HOME, receipts[0].event_id).get("task_id"))))
        made.replayed = True
    return made


def _free(store: "Store", plan: Plan, known: "list[Task]", at: str) -> "list[Facts]":
    """Plan that what the dead had claimed is pending again."""
    found: list[Facts] = []
    for one in known:
        held = claims.hold(store, one)
        if held.is_over:
            plan.events.append((one.stream, claims.free(one, at, f"'{held.agent}': {held.evidence}")))
            plan.puts.append((KIND, one.id, one.raw()))
            found.append({"id": one.id, "agent_id": held.agent, "evidence": held.evidence})
    return found


def _named(store: "Store", known: "list[Task]", name: str, terms: Terms, milestone: "str | None") -> Task:
    one = next((one for one in known if one.id == name), None) or find(store, name)
    if milestone not in (None, one.name("milestone_id")):
        raise MilestoneError(
            "conflict", f"the task '{name}' does not belong to '{milestone}'",
            f"`milestone task show {name}` says where it belongs; leave --milestone out", task_id=name,
        )  # fmt: skip
    check_revision(one, terms.expect)
    if one.status == "in_progress":
        held = claims.hold(store, one)
        if held.agent and not claims.is_holder(one, terms.agent):
            raise claims.taken(one, held)
        if not held.agent and claims.starter(one) != terms.agent:
            raise claims.begun(one)
    elif one.status != "pending":
        raise MilestoneError(
            "conflict", f"the task '{name}' cannot be claimed: it is {in_words(one.status)}",
            f"`milestone task release {name}` makes it pending again", task_id=name, status=one.status,
        )  # fmt: skip
    check_ready(store, one)
    return one


def _oldest(known: "list[Task]", milestone: "str | None") -> Task:
    status_of = {one.id: one.status for one in known}
    for one in known:
        if one.status == "pending" and milestone in (None, one.name("milestone_id")) and not waits_for(one, status_of):
            return one
    waiting, busy = (sum(one.status == status for one in known) for status in ("pending", "in_progress"))
    told = [f"{waiting} wait{'s' * (waiting == 1)} for others" * bool(waiting)]
    told += [f"{busy} {'is' if busy == 1 else 'are'} in progress" * bool(busy)]
    raise MilestoneError(
        "not_found", "no task is ready", ", ".join(filter(None, told)) or "`milestone task create` makes one"
    )


def release(store: "Store", name: str, terms: Terms, *, reason: "str | None" = None) -> Outcome:
    """Make a task pending again that somebody has begun, or that failed or was cancelled.

    Raises:
        MilestoneError: `conflict` for one that is completed; what `change` raises.
    """
    words(reason, "the reason")

    def act(one: Task, at: str) -> "tuple[str, Facts] | None":
        if one.status == "pending":
            return None
        if one.status == "completed":
            raise MilestoneError(
                "conflict", f"the task '{name}' is completed", "`milestone task create` makes a new one", task_id=name
            )
        had = one.name("agent_id")
        one.put(status="pending", started_at=None, completed_at=None, reason=None, claim=None, agent_id=None)
        one.say(at, "Task released" + (f": {reason}" if reason else ""))
        return "task_released", {**({"reason": reason} if reason else {}), "was_claimed_by": had}

    return change(store, name, "release", act, terms, (reason or "").encode())
