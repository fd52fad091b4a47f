"""Arguments and options of sessions."""

from typing import Annotated, Literal

import typer

SessionName = Annotated[str, typer.Argument(metavar="SESSION", help="A session by its id.")]
MaxTokens = Annotated[int, typer.Option("--max-tokens", metavar="N", min=100, help="At most N tokens.")]
PacketFormat = Annotated[
    Literal["text", "markdown", "json", "yaml"], typer.Option("--format", help="Output format; text is Markdown.")
]
ActiveOnly = Annotated[bool, typer.Option("--active", help="Only those at work, expired ones too.")]
AutoCheckpoint = Annotated[bool, typer.Option("--auto-checkpoint", help="Make checkpoints by itself (the default).")]
NoAutoCheckpoint = Annotated[
    bool, typer.Option("--no-auto-checkpoint", help="Make checkpoints only at the beginning and the end.")
]
BackupRetention = Annotated[
    int, typer.Option("--backup-retention", metavar="DAYS", min=0, help="Days for which a clean-up keeps checkpoints.")
]
CheckpointInterval = Annotated[
    int, typer.Option("--checkpoint-interval", metavar="S", min=0, help="Seconds between checkpoints; 0: never.")
]
Count = Annotated[bool, typer.Option("--count", help="Print only how many there are.")]
Duration = Annotated[
    float | None, typer.Option("--duration-ms", metavar="N", min=0, help="How long it took, in milliseconds.")
]
EntryResponse = Annotated[
    str | None, typer.Option("--response", metavar="JSON|@FILE", help="What was answered, as JSON.")
]
Escalation = Annotated[
    str | None,
    typer.Option(
        "--escalation", metavar="JSON|@FILE", help="Why it was passed on to somebody else: one value, or an array."
    ),
]
InactiveFor = Annotated[
    str | None,
    typer.Option("--inactive-for", metavar="SPAN", help="Only those that were silent for at least this long: 24h, 2d."),
]
KeyWords = Annotated[
    list[str],
    typer.Argument(metavar="[SESSION] PATH", help="A path like a.b.0 in its state; . is all of it."),
]
LastEntries = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="The last N; 0: all.")]
MaxDuration = Annotated[
    int, typer.Option("--max-duration", metavar="S", min=0, help="Seconds after which it shows as expired; 0: never.")
]
NoMilestone = Annotated[bool, typer.Option("--no-milestone", help="Give it no milestone, but a log of its own.")]
Operation = Annotated[
    str | None, typer.Option("--operation", metavar="TEXT", help="What it does (default: what it did).")
]
ProgressWords = Annotated[
    list[str], typer.Argument(metavar="[SESSION] PERCENT", help="A session, and how far it is: 0 to 100.")
]
Request = Annotated[str, typer.Option("--request", metavar="TEXT", help="What was asked.")]
SessionContext = Annotated[
    str | None,
    typer.Option("--context", metavar="JSON|@FILE", help="What it works with: a JSON object that people may edit."),
]
SessionMetadata = Annotated[
    str | None, typer.Option("--metadata", metavar="JSON|@FILE", help="What programs note about it: a JSON object.")
]
SessionOwnName = Annotated[
    str | None, typer.Option("--name", metavar="S", help="Its id (default: made of the time and the process).")
]
SessionType = Annotated[str, typer.Option("--type", metavar="T", help="Its type, any word you like.")]
SetKeyWords = Annotated[
    list[str],
    typer.Argument(metavar="[SESSION] PATH=VALUE...", help="What to set; VALUE is JSON, else taken as a string."),
]
User = Annotated[str | None, typer.Option("--user", metavar="U", help="Whose it is (default: the caller's).")]
