"""Arguments and options of tasks."""

from typing import Annotated, Literal

import typer

AloneTask = Annotated[bool, typer.Option("--independent", help="It depends on no task any more.")]
IfTaskRevision = Annotated[
    int | None, typer.Option("--if-revision", metavar="N", min=1, help="Only if the task is at this revision.")
]
LeaseSpan = Annotated[
    str, typer.Option("--lease", metavar="SPAN", help="For so long, unless its holder is heard of: 30s, 5m, 1h.")
]
LogMessage = Annotated[str, typer.Argument(metavar="MESSAGE", help="What to say.")]
LogType = Annotated[str, typer.Option("--type", metavar="T", help="What kind of entry it is, as you like.")]
OnlyReady = Annotated[bool, typer.Option("--ready", help="Only what a claim would give away: it waits for nothing.")]
ReportFormat = Annotated[
    Literal["markdown", "json", "html"], typer.Option("--format", help="Form of the output; html is one page.")
]
TaskDescription = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What is to be done, said anew.")
]
TaskFile = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to this file; replaces one of before.")
]
TaskLevel = Annotated[
    Literal["debug", "info", "warning", "error"], typer.Option("--level", help="How much it matters.")
]
TaskMeant = Annotated[
    str | None, typer.Argument(metavar="[TASK]", help="This task; left out: the oldest that is ready.")
]
TaskName = Annotated[str, typer.Argument(metavar="TASK", help="A task by its id.")]
TaskNeeds = Annotated[
    list[str] | None,
    typer.Option("--depends-on", metavar="TASK", help="A task that must be completed before; repeat for more."),
]
TaskResult = Annotated[
    str | None, typer.Option("--result", metavar="JSON|@FILE|-", help="What came of it, any JSON value.")
]
TaskStatus = Annotated[
    Literal["pending", "in_progress", "completed", "failed", "cancelled"] | None,
    typer.Option("--status", help="Only those that are so."),
]
TaskTool = Annotated[str | None, typer.Option("--tool", metavar="T", help="What it is to be done with, for people.")]
TaskWords = Annotated[
    list[str],
    typer.Argument(metavar="[ID] DESCRIPTION", help="What is to be done, and an id; left out: a new one is made."),
]
