"""Arguments and options of the hooks of a client."""

from typing import Annotated, Literal

import typer

Deadline = Annotated[
    float | None,
    typer.Option("--deadline", metavar="S", min=0, help="Seconds until it is gone (default 0.2; 1 at SessionEnd)."),
]
Block = Annotated[
    Literal["completed", "locked", "unrecorded", "any"] | None,
    typer.Option("--block", help="Exit 2, which stops what was about to happen, when this is so."),
]
InUser = Annotated[bool, typer.Option("--user", help="In your own settings, for every project (the default).")]
InProject = Annotated[bool, typer.Option("--project", help="In the settings that the project shares.")]
InLocal = Annotated[bool, typer.Option("--local", help="In your own settings of the project; without slash commands.")]
InPlugin = Annotated[str | None, typer.Option("--plugin", metavar="DIR", help="As a plugin in this folder.")]
HookEvents = Annotated[
    str | None, typer.Option("--events", metavar="LIST", help="Only these events, with commas between them; or all.")
]
StatusLine = Annotated[bool, typer.Option("--statusline", help="Show the status line too, where there is none.")]
