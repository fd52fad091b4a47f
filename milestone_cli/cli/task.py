"""The commands of `milestone task` that make and change tasks; `taskview` shows them, `claim` hands them out."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.tasks.terms import Outcome

    from .options.shared import (
        ActingAgent,
        Data,
        Force,
        Format,
        IdempotencyKey,
        InSession,
        LockTimeout,
        OfMilestone,
        Reason,
    )
    from .options.tasks import (
        AloneTask,
        IfTaskRevision,
        LogMessage,
        LogType,
        TaskDescription,
        TaskLevel,
        TaskName,
        TaskNeeds,
        TaskResult,
        TaskTool,
        TaskWords,
    )


def create(
    words: "TaskWords",
    tool: "TaskTool" = None,
    depends_on: "TaskNeeds" = None,
    milestone: "OfMilestone" = None,
    session: "InSession" = None,
    agent: "ActingAgent" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Create a task, and print its id.

    It belongs to the current milestone and session, if there are any. It is one file, tasks/ID.json. What happens to it
    is logged with its milestone's events; without a milestone, `events query --session no-session` shows it.

    Example: milestone task create "write the tests" --tool pytest
    """
    from milestone_cli import render
    from milestone_cli.core.tasks import creating, terms
    from milestone_cli.errors import MilestoneError
    from milestone_cli.storage import open_store

    if len(words) > 2:
        raise MilestoneError(
            "usage", f"{len(words)} words were given", "give an id, if any, and the description in quotes"
        )
    done = creating.create(
        open_store(),
        words[0] if len(words) == 2 else None,
        words[-1],
        terms.Terms(idempotency_key, lock_timeout, agent=agent),
        tool=tool,
        depends_on=depends_on,
        milestone=milestone,
        session=session,
    )
    render.emit("task-change", done.fields(), done.task.id, output)


def _told(done: "Outcome", verb: str, output: str) -> None:
    """Print what became of a task."""
    from milestone_cli import render

    text = f"{done.task.id}: {verb}{' already, under this key' if done.replayed else ''}"
    if not done.changed:
        text = f"{done.task.id}: it was so before ({done.task.status.replace('_', ' ')})"
    render.emit("task-change", done.fields(), text, output)


def start(
    name: "TaskName",
    agent: "ActingAgent" = None,
    force: "Force" = False,
    if_revision: "IfTaskRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Start a task without a lease, as a person does; agents, which may die, use `task claim`.

    One that failed or was cancelled is started again. Exit 4 while it waits for another task, or somebody has it.

    Example: milestone task start t1
    """
    from milestone_cli.core.tasks import changes
    from milestone_cli.core.tasks.terms import Terms
    from milestone_cli.storage import open_store

    terms = Terms(idempotency_key, lock_timeout, agent=agent, expect=if_revision, force=force)
    _told(changes.start(open_store(), name, terms), "started", output)


def update(
    name: "TaskName",
    description: "TaskDescription" = None,
    tool: "TaskTool" = None,
    depends_on: "TaskNeeds" = None,
    independent: "AloneTask" = False,
    agent: "ActingAgent" = None,
    force: "Force" = False,
    if_revision: "IfTaskRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Change what a task says; --depends-on replaces everything that it depended on. A circle is refused (exit 4).

    Example: milestone task update t1 --description "tests of the parser"
    """
    from milestone_cli.core.tasks import changes
    from milestone_cli.core.tasks.terms import Terms
    from milestone_cli.errors import MilestoneError
    from milestone_cli.storage import open_store

    if independent and depends_on:
        raise MilestoneError("usage", "--depends-on or --independent, not both", "leave one of them out")
    if description is None and tool is None and not depends_on and not independent:
        hint = "give --description, --tool, --depends-on or --independent"
        raise MilestoneError("usage", "there is nothing to update", hint)
    terms = Terms(idempotency_key, lock_timeout, agent=agent, expect=if_revision, force=force)
    needs = [] if independent else depends_on or None
    done = changes.update(open_store(), name, terms, description=description, tool=tool, depends_on=needs)
    _told(done, "updated", output)


def log(
    name: "TaskName",
    message: "LogMessage",
    level: "TaskLevel" = "info",
    type_: "LogType" = "note",
    agent: "ActingAgent" = None,
    force: "Force" = False,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Add an entry to a task's log; the lease of its holder begins again.

    The last 20 entries stand in the task's file, long ones shortened; all of them, whole, are events of type
    task_logged.

    Example: milestone task log t1 "half of them pass"
    """
    from milestone_cli.core.tasks import changes
    from milestone_cli.core.tasks.terms import Terms
    from milestone_cli.storage import open_store

    terms = Terms(idempotency_key, lock_timeout, agent=agent, force=force)
    _told(changes.log(open_store(), name, message, level, type_, terms), "logged", output)


def complete(
    name: "TaskName",
    result_: "TaskResult" = None,
    agent: "ActingAgent" = None,
    force: "Force" = False,
    if_revision: "IfTaskRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Complete a task, with its result; what waited for it may be ready now.

    Example: milestone task complete t1 --result '{"tests_passed": true}'
    """
    from milestone_cli.core.tasks import changes
    from milestone_cli.core.tasks.terms import Terms
    from milestone_cli.storage import open_store

    from .data import read_data

    raw = None if result_ is None else read_data(result_)
    terms = Terms(idempotency_key, lock_timeout, agent=agent, expect=if_revision, force=force)
    _told(changes.end(open_store(), name, "complete", terms, raw=raw), "completed", output)


def fail(
    name: "TaskName",
    reason: "Reason" = None,
    result_: "TaskResult" = None,
    agent: "ActingAgent" = None,
    force: "Force" = False,
    if_revision: "IfTaskRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Record that a task has failed; `task release` makes it pending again.

    Example: milestone task fail t1 --reason 'the parser is not there'
    """
    from milestone_cli.core.tasks import changes
    from milestone_cli.core.tasks.terms import Terms
    from milestone_cli.storage import open_store

    from .data import read_data

    raw = None if result_ is None else read_data(result_)
    terms = Terms(idempotency_key, lock_timeout, agent=agent, expect=if_revision, force=force)
    _told(changes.end(open_store(), name, "fail", terms, raw=raw, reason=reason), "failed", output)


def cancel(
    name: "TaskName",
    reason: "Reason" = None,
    agent: "ActingAgent" = None,
    force: "Force" = False,
    if_revision: "IfTaskRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Record that a task need not be done any more.

    Example: milestone task cancel t1 --reason 'nobody needs it'
    """
    from milestone_cli.core.tasks import changes
    from milestone_cli.core.tasks.terms import Terms
    from milestone_cli.storage import open_store

    terms = Terms(idempotency_key, lock_timeout, agent=agent, expect=if_revision, force=force)
    _told(changes.end(open_store(), name, "cancel", terms, reason=reason), "cancelled", output)


def result(
    name: "TaskName",
    data: "Data" = None,
    agent: "ActingAgent" = None,
    force: "Force" = False,
    if_revision: "IfTaskRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Store a task's result: any JSON value, exactly as it is written.

    Example: milestone task result t1 '{"files_created": ["a.py"]}'
    """
    from milestone_cli.core.tasks import changes
    from milestone_cli.core.tasks.terms import Terms
    from milestone_cli.storage import open_store

    from .data import read_data

    raw = read_data(data)
    terms = Terms(idempotency_key, lock_timeout, agent=agent, expect=if_revision, force=force)
    _told(changes.result(open_store(), name, raw, terms), "result kept", output)
