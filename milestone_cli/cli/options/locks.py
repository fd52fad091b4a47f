"""Arguments and options of locks."""

from typing import Annotated

import typer

LockName = Annotated[str, typer.Argument(metavar="NAME", help="A milestone, or any name of your own.")]
LockCommand = Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command, and its arguments.")]
LockWait = Annotated[
    float | None, typer.Option("--wait", metavar="S", min=0, help="Seconds to wait (default: 30); 0: try once.")
]
ForPid = Annotated[
    int | None, typer.Option("--for-pid", metavar="P", min=1, help="The process that holds it (default: the caller).")
]
