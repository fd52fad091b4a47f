"""Deleting a task: refused while somebody has claimed it or waits for it, and taken back by undoing."""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout, once
from milestone_cli.core.tasks import claims
from milestone_cli.core.tasks.changes import check_revision
from milestone_cli.core.tasks.task import KIND, Task, find, tasks
from milestone_cli.core.tasks.terms import HOME, Terms, event
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Plan, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


class Deletion:
    """What deleting a task does.

    Attributes:
        task: it.
        dependents: pending tasks that depend on it, and then no longer.
        blockers: why it stays; empty when it may go.
        transaction: that did it, by which it can be taken back; empty before.
    """

    __slots__ = ("blockers", "dependents", "task", "transaction")

    def __init__(self, store: "Store", one: Task, agent: str) -> None:
        self.task = one
        self.transaction = ""
        self.dependents = [other for other in tasks(store) if one.id in other.depends_on and other.status == "pending"]
        held = claims.hold(store, one)
        is_held = bool(held.agent) and not held.is_over and not claims.is_holder(one, agent)
        self.blockers = [f"'{held.agent}' has claimed it ({held.evidence})"] * is_held
        if self.dependents and one.status != "completed":
            self.blockers.append(
                f"{', '.join([other.id for other in self.dependents[:5]])} would no longer wait for it"
            )

    def fields(self) -> "Facts":
        """The deletion as JSON values."""
        return {
            **self.task.fields(),
            "dependents": [other.id for other in self.dependents],
            "refused": self.blockers,
            "transaction_id": self.transaction or None,
        }


def delete(store: "Store", name: str, terms: Terms) -> "tuple[Deletion | None, bool]":
    """Delete a task; its events stay in the log.

    Returns:
        What was done, and whether it was done before under the same key; then no more is known of it.

    Raises:
        MilestoneError: `not_found`; `conflict` when somebody has claimed it or waits for it; `revision_conflict`.
    """
    safe(name, "task")
    done: list[Deletion] = []

    def build() -> Plan:
        one = find(store, name)
        check_revision(one, terms.expect)
        found = Deletion(store, one, terms.agent)
        if found.blockers and not terms.force:
            raise MilestoneError(
                "conflict", f"the task '{name}' stays: {'; '.join(found.blockers)}", "--force deletes it anyway",
                task_id=name,
            )  # fmt: skip
        plan = Plan("task_delete", runtime.new_transaction_id(runtime.now_ns()))
        plan.puts.append((KIND, name, None))
        at = runtime.timestamp(store.clock())
        for other in found.dependents:
            left = [need for need in other.depends_on if need != name]
            other.put(depends_on=left, updated_at=at, revision=other.number("revision") + 1)
            plan.puts.append((KIND, other.id, other.raw()))
            plan.events.append((other.stream, event(other, "task_updated", terms.agent, depends_on=left)))
        for stream in dict.fromkeys([one.stream, *([HOME] if terms.key else [])]):
            plan.events.append((stream, event(one, "task_deleted", terms.agent, description=one.word("description"))))
        found.transaction = plan.id
        done[:] = [found]
        return plan

    known = once(HOME, terms.key, b"task delete", name.encode())
    receipts = store.transact([], build, lock_timeout(store, terms.timeout), known)
    return (None, True) if receipts[0].replayed else (done[0], False)
