"""Arguments and options of the hooks of a client."""

from typing import Annotated, Literal

import typer

Deadline = Annotated[
    float | None,
    typer.Option(
        "--deadline", metavar="S", min=0, help="Seconds after which it has ended (default: 0.2; 1 at SessionEnd)."
    ),
]
Block = Annotated[
    Literal["completed", "locked", "unrecorded", "any"] | None,
    typer.Option("--block", help="When this is so, exit 2, which stops what was about to happen."),
]
InUser = Annotated[bool, typer.Option("--user", help="In your own settings, for every project (the default).")]
InProject = Annotated[bool, typer.Option("--project", help="In the settings that the project shares.")]
InLocal = Annotated[bool, typer.Option("--local", help="In your own settings for the project; without slash commands.")]
InPlugin = Annotated[str | None, typer.Option("--plugin", metavar="DIR", help="As a plugin in this folder.")]
HookEvents = Annotated[
    str | None, typer.Option("--events", metavar="LIST", help="Only these events, separated by commas; or all.")
]
StatusLine = Annotated[bool, typer.Option("--statusline", help="Add the status line too, unless there is one.")]
