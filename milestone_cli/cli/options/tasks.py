"""Arguments and options of tasks."""

from typing import Annotated, Literal

import typer

AloneTask = Annotated[bool, typer.Option("--independent", help="Let it depend on no other task.")]
IfTaskRevision = Annotated[
    int | None, typer.Option("--if-revision", metavar="N", min=1, help="Only if the task is at this revision.")
]
LeaseSpan = Annotated[
    str | None,
    typer.Option(
        "--lease", metavar="SPAN", help="How long it is held without a sign of life (default: 5m, or as before)."
    ),
]
LogMessage = Annotated[str, typer.Argument(metavar="MESSAGE", help="The text of the entry.")]
LogType = Annotated[str, typer.Option("--type", metavar="T", help="What kind of entry it is, any word you like.")]
OnlyReady = Annotated[bool, typer.Option("--ready", help="Only what can be claimed: it waits for nothing.")]
ReportFormat = Annotated[
    Literal["markdown", "json", "html"], typer.Option("--format", help="Output format; html is one page.")
]
TaskDescription = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What is to be done, in new words.")
]
TaskFile = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to this file, replacing what it held.")
]
TaskLevel = Annotated[
    Literal["debug", "info", "warning", "error"], typer.Option("--level", help="How much it matters.")
]
TaskMeant = Annotated[
    str | None, typer.Argument(metavar="[TASK]", help="This task (default: the oldest that is ready).")
]
TaskName = Annotated[str, typer.Argument(metavar="TASK", help="A task by its id.")]
TaskNeeds = Annotated[
    list[str] | None,
    typer.Option("--depends-on", metavar="TASK", help="A task that must be completed first; repeatable."),
]
TaskResult = Annotated[str | None, typer.Option("--result", metavar="JSON|@FILE|-", help="Its result, any JSON value.")]
TaskStatus = Annotated[
    Literal["pending", "in_progress", "completed", "failed", "cancelled"] | None,
    typer.Option("--status", help="Only those with this status."),
]
TaskTool = Annotated[str | None, typer.Option("--tool", metavar="T", help="The tool to do it with, for people.")]
TaskWords = Annotated[
    list[str],
    typer.Argument(metavar="[ID] DESCRIPTION", help="What is to be done, and an id (default: a new one)."),
]
