"""The commands of `milestone task` by which tasks change hands: claim, release, delete."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.shared import (
        ActingAgent,
        AgentPid,
        DryRun,
        Force,
        Format,
        IdempotencyKey,
        LockTimeout,
        OnlyMilestone,
        Reason,
        Yes,
    )
    from .options.tasks import IfTaskRevision, LeaseSpan, TaskMeant, TaskName


def claim(
    name: "TaskMeant" = None,
    agent: "ActingAgent" = None,
    lease: "LeaseSpan" = None,
    for_pid: "AgentPid" = None,
    milestone: "OnlyMilestone" = None,
    if_revision: "IfTaskRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Take the oldest task that is ready, and print its id; nobody else gets it. Exit 3 if none is ready.

    It is given back once the holder's process has provably ended; where no process of this machine is known to be
    alive, once the lease is over, by the server's clock or this machine's own. Whatever the holder writes about the
    task begins the lease again; so do claiming it again and a heartbeat of its agent. With --for-pid 0 the lease alone
    counts.

    Example: milestone task claim --agent builder --lease 10m
    """
    from milestone_cli import render
    from milestone_cli.core.agents import process
    from milestone_cli.core.tasks import claiming
    from milestone_cli.core.tasks.terms import Terms
    from milestone_cli.core.times import duration
    from milestone_cli.storage import open_store

    terms = Terms(idempotency_key, lock_timeout, agent=agent, expect=if_revision)
    seconds = None if lease is None else duration(lease) / 1e9
    done = claiming.claim(open_store(), name, terms, pid=process.meant(for_pid), lease=seconds, milestone=milestone)
    render.notify([f"'{one['id']}' is given back: '{one['agent_id']}', {one['evidence']}" for one in done.freed])
    render.emit("task-claim", done.fields(), done.task.id, output)


def release(
    name: "TaskName",
    reason: "Reason" = None,
    agent: "ActingAgent" = None,
    force: "Force" = False,
    if_revision: "IfTaskRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Make a task pending again that was claimed or started, that failed or was cancelled.

    Example: milestone task release t1
    """
    from milestone_cli import render
    from milestone_cli.core.tasks import claiming
    from milestone_cli.core.tasks.terms import Terms
    from milestone_cli.storage import open_store

    terms = Terms(idempotency_key, lock_timeout, agent=agent, expect=if_revision, force=force)
    done = claiming.release(open_store(), name, terms, reason=reason)
    text = f"{name}: released{' already, under this key' if done.replayed else ''}"
    render.emit("task-change", done.fields(), text if done.changed else f"{name}: it was pending before", output)


def delete(
    name: "TaskName",
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    force: "Force" = False,
    agent: "ActingAgent" = None,
    if_revision: "IfTaskRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Delete a task; its events stay in the log, and `transaction rollback` brings it back.

    At a terminal it is shown and confirmed first, unless --yes. It is refused (exit 4) while somebody has claimed it,
    or while it is not completed and others wait for it, unless --force: then they wait for it no longer.

    Example: milestone task delete t1 --dry-run
    """
    from milestone_cli import render, runtime
    from milestone_cli.core.tasks import deleting, task
    from milestone_cli.core.tasks.terms import Terms
    from milestone_cli.render.task import deletion_text
    from milestone_cli.storage import open_store

    store = open_store()
    terms = Terms(idempotency_key, lock_timeout, agent=agent, expect=if_revision, force=force)
    if dry_run or (not yes and runtime.is_terminal(0)):
        planned = deleting.Deletion(store, task.find(store, name), terms.agent)
        if dry_run:
            fields = {**planned.fields(), "removed": False, "replayed": False}
            render.emit("task-delete", fields, deletion_text(planned.fields()), output)
            return
        if force or not planned.blockers:
            from .confirm import confirm

            confirm(deletion_text(planned.fields()), "Delete it?")
    done, replayed = deleting.delete(store, name, terms)
    if done is None:
        fields = {**task.Task(name, b"{}").fields(), "dependents": [], "refused": [], "transaction_id": None}
    else:
        fields = {**done.fields(), "refused": []}
    back = f"; `milestone transaction rollback {done.transaction}` brings it back" if done else ""
    text = f"{name}: deleted{' already, under this key' if replayed else ''}{back}"
    render.emit("task-delete", {**fields, "removed": True, "replayed": replayed}, text, output)
