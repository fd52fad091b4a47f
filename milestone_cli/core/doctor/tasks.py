"""Tasks: files that can be read, claims of the dead, and tasks that wait for each other or for what is not there."""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, acting_agent, lock_timeout
from milestone_cli.core.tasks import claims
from milestone_cli.core.tasks.task import KIND, Task, circle, look, tasks
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft, Plan, log_of, safe
from milestone_cli.storage.findings import Finding, count, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.storage.contract import Store


def check(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """Look at the tasks of a store."""
    if not store.keys(KIND):
        yield sound("tasks", "there is none yet")
        return
    known = tasks(store)
    findings = [*_names(store), *_damaged(store, known), *_waiting(known), *_abandoned(store)]
    if not findings:
        yield sound("tasks", f"{count(len(known), 'task')}, none of them damaged or claimed by the dead")
    yield from findings


def _names(store: "Store") -> "Iterator[Finding]":
    for name in store.keys(KIND):
        try:
            safe(name, "task")
        except MilestoneError as error:
            yield Finding(
                "tasks", "unsafe_name", "warning", f"'tasks/{name}.json': {error.message}",
                "rename it and its id, or move it away; no command can name it", name,
            )  # fmt: skip


def _damaged(store: "Store", known: "list[Task]") -> "Iterator[Finding]":
    for one in known:
        if one.trouble:
            yield Finding(
                "tasks", "damaged", "error", f"the task {one.id} is damaged: {one.trouble}",
                "correct it in an editor, or move it into the quarantine", one.id, _aside(store, one.id),
            )  # fmt: skip


def _aside(store: "Store", name: str) -> "Callable[[], str]":
    def repair() -> str:
        place = ""

        def build() -> Plan:
            nonlocal place
            plan, found = Plan("task_repair"), look(store, name)
            if found is not None and found.trouble and (place := store.set_aside(KIND, name, "a task, damaged")):
                data = dumps({"task_id": name, "quarantined": place})
                plan.events.append((log_of(NO_SESSION), Draft("task_set_aside", data, NO_SESSION, acting_agent())))
            return plan

        store.transact([], build, lock_timeout(store, None))
        return f"moved it to '{place}'" if place else ""

    return repair


def _waiting(known: "list[Task]") -> "Iterator[Finding]":
    """Circles, as two branches may have brought together, and tasks that are gone."""
    depends_on = {one.id: one.depends_on for one in known}
    told: set[str] = set()
    for one in known:
        if one.id not in told and (way := circle(one.id, depends_on)):
            told.update(way)
            yield Finding(
                "tasks", "circle", "warning", f"tasks wait for each other: {' -> '.join(way)}",
                f"`milestone task update {one.id} --depends-on …`, or --independent, ends it", one.id,
            )  # fmt: skip
        gone = [name for name in one.depends_on if name not in depends_on]
        if gone and one.status == "pending":
            yield Finding(
                "tasks", "lost_dependency", "warning", f"the task {one.id} waits for {gone[0]}, which is not there",
                f"make it, or `milestone task update {one.id} --depends-on …`", one.id,
            )  # fmt: skip


def _abandoned(store: "Store") -> "Iterator[Finding]":
    for one, held in claims.abandoned(store):
        yield Finding(
            "tasks", "abandoned", "note", f"the task {one.id} is claimed by '{held.agent}': {held.evidence}",
            "give it back; the next claim does so too", one.id, _freeing(store, one.id),
        )  # fmt: skip


def _freeing(store: "Store", name: str) -> "Callable[[], str]":
    def repair() -> str:
        told = ""

        def build() -> Plan:
            nonlocal told
            plan, one = Plan("task_release"), look(store, name)
            held = claims.hold(store, one) if one and not one.trouble else None
            if one and held and held.is_over:
                at = runtime.timestamp(store.clock())
                plan.events.append((one.stream, claims.free(one, at, f"'{held.agent}': {held.evidence}")))
                plan.puts.append((KIND, name, one.raw()))
                told = f"gave the task {name} back"
            return plan

        store.transact([], build, lock_timeout(store, None))
        return told

    return repair
