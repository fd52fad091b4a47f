"""The commands of `milestone task` that show tasks: list, show, report."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.logs import SessionFilter
    from .options.shared import Format, OnlyMilestone
    from .options.tasks import OnlyReady, ReportFormat, TaskFile, TaskName, TaskStatus


def list_(
    status: "TaskStatus" = None,
    ready: "OnlyReady" = False,
    milestone: "OnlyMilestone" = None,
    session: "SessionFilter" = None,
    output: "Format" = "text",
) -> None:
    """List tasks, oldest first: how each stands, what it waits for, and who has it.

    Example: milestone task list --ready
    """
    from milestone_cli import render
    from milestone_cli.core.tasks import report as core
    from milestone_cli.render.task import list_text
    from milestone_cli.storage import open_store

    found = core.listed(open_store(), status=status, is_ready=ready, milestone=milestone, session=session)
    is_all = status is None and not ready and milestone is None and session is None
    render.emit("task-list", {"tasks": found}, list_text(found, is_all=is_all), output)


def show(name: "TaskName", output: "Format" = "text") -> None:
    """Show all of a task: the end of its log, its result, who has it and until when.

    Example: milestone task show t1
    """
    from milestone_cli import render
    from milestone_cli.core.coldstore.keeping import task_of
    from milestone_cli.core.tasks import report as core
    from milestone_cli.render.task import show_text
    from milestone_cli.storage import open_store

    store = open_store()
    one, is_archived = task_of(store, name)
    found = {**core.shown(store, one), "archived": is_archived}
    render.emit("task-show", found, show_text(found), output)


def report(
    milestone: "OnlyMilestone" = None,
    session: "SessionFilter" = None,
    output: "ReportFormat" = "markdown",
    into: "TaskFile" = None,
) -> None:
    """Report what was done and what is open: figures, tasks, their logs and results; html is one page.

    Example: milestone task report --milestone demo
    """
    from milestone_cli import render
    from milestone_cli.core.tasks import report as core
    from milestone_cli.render.taskreport import pieces
    from milestone_cli.storage import open_store

    found = core.report(open_store(), milestone, session)
    if into is None and output == "json":
        render.emit("task-report", found, "", output)
        return
    if into is None:
        for piece in pieces(found, output):
            render.write(piece)
        return
    from .outfile import save

    render.notify([save(into, (piece.encode("utf-8", "replace") for piece in pieces(found, output)))])
