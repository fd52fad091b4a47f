"""Tasks that are made, under names that never collide between machines and branches."""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout, once
from milestone_cli.core.record import data_of, words
from milestone_cli.core.scope import scope, stream_of
from milestone_cli.core.tasks.task import KIND, Task, find, names
from milestone_cli.core.tasks.terms import HOME, Outcome, Terms, event
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Plan, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def new_id(ns: int) -> str:
    """A name for a task: sortable by time to the millisecond, and unique between machines and branches."""
    return f"task_{ns // 1_000_000:012x}{runtime.token()[:12]}"


def create(
    store: "Store",
    name: "str | None",
    description: str,
    terms: Terms,
    *,
    tool: "str | None" = None,
    depends_on: "list[str] | None" = None,
    milestone: "str | None" = None,
    session: "str | None" = None,
) -> Outcome:
    """Make a task.

    Args:
        store: where.
        name: its id; None: a new one.
        description: what is to be done.
        terms: see there.
        tool: what it is to be done with, for people.
        depends_on: tasks that must be completed before; they are there already, so no circle can come of it.
        milestone: whose log tells of it; left out: the session's, else the one that is meant without saying, if any.
        session: that it belongs to; left out: the current one, if there is one.

    Raises:
        MilestoneError: `conflict` when there is a task of that id; `not_found` for one that it depends on.
    """
    words(description, "the description")
    words(tool, "the tool")
    if not description.strip():
        raise MilestoneError("invalid_data", "the description is empty", "say in a few words what is to be done")
    needs = names(depends_on or [])
    session, milestone = scope(store, session, milestone)
    stream = stream_of(milestone, session) or HOME
    given = safe(name, "task") if name else ""
    made = Task(given, b"{}")

    def build() -> Plan:
        nonlocal made
        plan, now = Plan("task_create"), store.clock()
        at = runtime.timestamp(now)
        made = Task(given or new_id(now), b"{}")
        if store.modified(KIND, made.id):
            hint = f"`milestone task show {made.id}` shows it; leave the id out for a new one"
            raise MilestoneError("conflict", f"there is a task '{made.id}' already", hint, task_id=made.id)
        for one in needs:
            find(store, one)
        made.trouble = ""
        made.put(id=made.id, description=description, status="pending", tool=tool, created_at=at, updated_at=at,
                 started_at=None, completed_at=None, logs=[], result=None, reason=None, depends_on=needs, agent_id=None,
                 claim=None, milestone_id=milestone, session_id=session, log_count=0, revision=1)  # fmt: skip
        plan.puts.append((KIND, made.id, made.raw()))
        said = {"description": description, "tool": tool, "depends_on": needs}
        told = {key: value for key, value in said.items() if value}
        plan.events.append((stream, event(made, "task_created", terms.agent, **told)))
        return plan

    asked = "\0".join([given, description, tool or "", *needs])
    known = once(stream, terms.key, b"task create", asked.encode())
    receipts = store.transact([], build, lock_timeout(store, terms.timeout), known)
    if receipts[0].replayed:
        return _again(store, stream, receipts[0].event_id)
    return Outcome(made, changed=True, replayed=False)


def _again(store: "Store", stream: str, event_id: str) -> Outcome:
    """What was done before under the same key: the task, and where it is gone, its name."""
    name = str(data_of(store, stream, event_id).get("task_id", ""))
    try:
        return Outcome(find(store, name), changed=True, replayed=True)
    except MilestoneError as error:
        if error.code not in ("not_found", "damaged", "invalid_name"):
            raise
        return Outcome(Task(name, b"{}"), changed=True, replayed=True)
