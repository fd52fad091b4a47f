"""Arguments and options of states, their revisions and their life."""

from typing import Annotated, Literal

import typer

PathWords = Annotated[
    list[str],
    typer.Argument(metavar="[MILESTONE] PATH", help="A path like a.b.0, or a JSON pointer like /a/b/0."),
]
SetWords = Annotated[
    list[str],
    typer.Argument(metavar="[MILESTONE] PATH=VALUE...", help="What to set; VALUE is JSON, else taken as a string."),
]
IfRevision = Annotated[
    int | None,
    typer.Option(
        "--if-revision",
        metavar="N",
        min=0,
        help="Only if this is the current revision; 0: only if there is no state yet.",
    ),
]
Revision = Annotated[int | None, typer.Option("--revision", metavar="N", min=1, help="The state as of this revision.")]
RecordAccess = Annotated[bool, typer.Option("--record-access", help="Log a state_loaded event.")]
Indent = Annotated[int | None, typer.Option("--indent", metavar="N", min=0, max=16, help="Spaces to indent by.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="T", help="The state as of this time: RFC 3339, a date, '2h ago', 'yesterday'."),
]
DiffWords = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[MILESTONE] [A] [B]", help="Revisions to compare (default: the previous and the current one)."
    ),
]
HistoryLimit = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="At most N; 0: all.")]
PatchType = Annotated[
    Literal["merge", "json"], typer.Option("--type", help="merge: RFC 7396, an object; json: RFC 6902, operations.")
]
FromCopy = Annotated[
    str | None, typer.Option("--from", metavar="BACKUP", help="This backup or checkpoint (default: the newest).")
]
SchemaFile = Annotated[
    str | None,
    typer.Option("--schema", metavar="FILE", help="A file with a JSON Schema (default: the setting schema)."),
]
