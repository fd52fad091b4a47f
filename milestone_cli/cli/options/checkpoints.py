"""Arguments and options of checkpoints and recovery."""

from typing import Annotated, Literal

import typer

Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="T", help="A tag, for `cleanup run --keep-tag`; repeatable.")
]
CheckpointWords = Annotated[
    list[str], typer.Argument(metavar="[MILESTONE] CHECKPOINT", help="A checkpoint by its name.")
]
CheckpointDiffWords = Annotated[
    list[str],
    typer.Argument(
        metavar="[MILESTONE] CHECKPOINT [CHECKPOINT]",
        help="What to compare; one alone is compared with the present state.",
    ),
]
CheckpointName = Annotated[
    str | None, typer.Option("--name", metavar="N", help="Its name (default: manual-YYYYmmdd-HHMMSS).")
]
CheckpointState = Annotated[bool, typer.Option("--state", help="Print the document that it keeps, exactly.")]
FromPoint = Annotated[
    str, typer.Option("--from", metavar="NAME", help="The checkpoint; latest: the newest that is not damaged.")
]
KeepState = Annotated[bool, typer.Option("--keep-state", help="Leave the milestone's state as it is.")]
GitWay = Annotated[
    Literal["warn", "checkout"], typer.Option("--git", help="Say what differs, or check out the branch of that time.")
]
