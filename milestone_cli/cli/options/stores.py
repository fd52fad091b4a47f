"""Arguments and options of stores as a whole: care, copies, settings."""

from typing import Annotated, Literal

import typer

Kind = Annotated[
    str | None, typer.Argument(metavar="[KIND]", help="A kind of output; without it, all kinds are listed.")
]
OlderThan = Annotated[
    str | None,
    typer.Option(
        "--older-than", metavar="SPAN", help="Keep what is younger: 24h, 2w (default: 7d); 0: nothing for its age."
    ),
]
KeepLast = Annotated[
    int | None,
    typer.Option("--keep-last", metavar="N", min=0, help="Keep the last N backups and N checkpoints (default: 10)."),
]
KeepWithin = Annotated[
    str | None,
    typer.Option("--keep-within", metavar="SPAN", help="Keep copies made less than this before the newest one."),
]
KeepHourly = Annotated[
    int | None,
    typer.Option("--keep-hourly", metavar="N", min=0, help="Keep the newest copy of each of the last N hours."),
]
KeepDaily = Annotated[int | None, typer.Option("--keep-daily", metavar="N", min=0, help="The same for days, in UTC.")]
KeepWeekly = Annotated[
    int | None, typer.Option("--keep-weekly", metavar="N", min=0, help="The same for weeks, from Monday on.")
]
KeepMonthly = Annotated[int | None, typer.Option("--keep-monthly", metavar="N", min=0, help="The same for months.")]
KeepTag = Annotated[
    list[str] | None,
    typer.Option("--keep-tag", metavar="T", help="Keep checkpoints with this tag; T,U: with both; repeatable."),
]
Archive = Annotated[
    bool,
    typer.Option("--archive", help="Archive tasks, and copies of a completed milestone, instead of removing them."),
]
NamesOf = Annotated[
    Literal["milestones", "sessions", "checkpoints", "transactions", "agents", "syncs", "tasks"],
    typer.Argument(metavar="KIND", help="What to list the names of."),
]
Fix = Annotated[bool, typer.Option("--fix", help="Repair what can be repaired; nothing is deleted.")]
SelfTest = Annotated[
    bool, typer.Option("--selftest", help="Try the store's disk, and say which promises can be kept there.")
]
FailOn = Annotated[Literal["error", "warning"], typer.Option("--fail-on", help="Exit 6 from this severity on.")]
StoreName = Annotated[
    str | None,
    typer.Argument(metavar="[STORE]", help="A folder, or postgresql://…#PROJECT (default: the current store)."),
]
StoreSource = Annotated[str, typer.Argument(metavar="SOURCE", help="A folder, or postgresql://…#PROJECT.")]
StoreTarget = Annotated[
    str, typer.Argument(metavar="TARGET", help="A folder, or postgresql://…#PROJECT; a copy makes it.")
]
ReaderRole = Annotated[
    str | None, typer.Option("--reader", metavar="ROLE", help="Let this role of the database read, and no more.")
]
WriterRole = Annotated[
    str | None, typer.Option("--writer", metavar="ROLE", help="Let this role of the database read and write.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue a copy that was not finished.")]
FormatTo = Annotated[
    int | None,
    typer.Option(
        "--to", metavar="V", min=0, help="To this format (default: the newest; with --rollback the one before)."
    ),
]
GoBack = Annotated[bool, typer.Option("--rollback", help="Go back to the format before, as far as nothing is lost.")]
ImportFrom = Annotated[str, typer.Argument(metavar="DIR", help="The folder or export to import.")]
VerifyCopy = Annotated[
    bool, typer.Option("--verify", help="Prove every log of the copy too; exit 6 if one is damaged.")
]
InactiveSpan = Annotated[
    str, typer.Option("--inactive-for", metavar="SPAN", help="How long they must have been silent: 24h, 2d.")
]
ForceLoad = Annotated[bool, typer.Option("--force", help="Overwrite what differs in the store.")]
SaveInterval = Annotated[
    float,
    typer.Option(
        "--interval", metavar="S", min=0.1, help="Seconds between two looks for changes that nobody has reported."
    ),
]
Saves = Annotated[int, typer.Option("--saves", metavar="N", min=0, help="End after N saves; 0: never.")]
SnapshotFile = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILE", help="Also write it to this file, for another store.")
]
SnapshotName = Annotated[
    str | None,
    typer.Argument(metavar="[FILE|BACKUP]", help="A file, or a snapshot of the store (default: the last one)."),
]
SettingName = Annotated[str, typer.Argument(metavar="KEY", help="The name of a setting.")]
SettingNames = Annotated[list[str], typer.Argument(metavar="KEY...", help="The names of settings.")]
Assignments = Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Settings and their new values.")]
ConfigFile = Annotated[
    str | None, typer.Argument(metavar="[FILE|-]", help="A file (default: the store's own, and the environment).")
]
FromDraft = Annotated[
    str | None, typer.Option("--from", metavar="FILE", help="Begin with the text of this file instead of config.yaml.")
]
BackupFile = Annotated[
    str | None,
    typer.Option("--backup", metavar="FILE", help="The export (default: one in the user's state directory)."),
]
ExportFile = Annotated[str, typer.Argument(metavar="FILE", help="The export, a tar; .gz or .tgz compresses it.")]
MetricsFormat = Annotated[
    Literal["text", "json", "yaml", "prometheus"] | None,
    typer.Option("--format", help="Output format (default: text, or prometheus with -o FILE.prom)."),
]
Editor = Annotated[
    str | None, typer.Option("--editor", metavar="CMD", help="The editor (default: VISUAL, else EDITOR, else vi).")
]
Probe = Annotated[bool, typer.Option("--probe", help="Try how long saving and loading take, and keep the figures.")]
ArchivedName = Annotated[
    str, typer.Argument(metavar="NAME", help="A task or a milestone; task/NAME or milestone/NAME if it is both.")
]
ArchiveSpan = Annotated[
    str, typer.Option("--older-than", metavar="SPAN", help="Only what was completed at least this long ago: 30d, 4w.")
]
