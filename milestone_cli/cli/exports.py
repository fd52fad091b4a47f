"""The commands of `milestone store` that put a whole store into one file."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.shared import DryRun, Force, Format, Yes
    from .options.stores import BackupFile, ExportFile, StoreName


def export(
    file: "ExportFile",
    store: "StoreName" = None,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    output: "Format" = "text",
) -> None:
    """Export a whole store to one file: every document and log, their times, and a manifest that proves them.

    It shows one moment, whoever writes meanwhile; the same store gives the same bytes. FILE is a tar, compressed if its
    name ends in .gz or .tgz; `store import` takes it into any store.

    Example: milestone store export backup.tar.gz
    """
    import os

    from milestone_cli import render
    from milestone_cli.core.exports.archive import Archive
    from milestone_cli.core.exports.exporting import export as look
    from milestone_cli.core.exports.exporting import packed
    from milestone_cli.render.exports import export_text
    from milestone_cli.render.stores import progress
    from milestone_cli.storage.sides import open_side

    from .outfile import save

    side = open_side(store)
    _refuse_inside(file, side.path)
    if not dry_run and not yes and os.path.exists(file):
        from .confirm import confirm

        confirm(f"{file} is there already", "Replace it?")
    found = look(side)
    try:
        if not dry_run:
            save(file, packed(found.pieces(progress("exporting")), file))
            Archive(file).close()
        fields = {**found.fields(), "file": file, "dry_run": dry_run}
    finally:
        found.close()
    render.emit("store-export", fields, export_text(fields), output)


def _refuse_inside(file: str, store: str) -> None:
    """Refuse a file in the store itself, which would be part of what is next exported, or go with it."""
    import os

    from milestone_cli.errors import MilestoneError

    if "://" not in store and os.path.realpath(file).startswith(os.path.realpath(store) + "/"):
        raise MilestoneError("usage", f"'{file[:300]}' is in the store itself", "name a file elsewhere")


def clear(
    store: "StoreName" = None,
    backup: "BackupFile" = None,
    force: "Force" = False,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    output: "Format" = "text",
) -> None:
    """Remove everything from a store, all or nothing, once an export of all of it is written and proved.

    The export goes to the user's state directory unless --backup names a file; `store import` takes it in again.
    Settings stay. It is refused while somebody is at work. If it is killed in the middle, the store refuses to be
    written until the same command has finished the work.

    Example: milestone store clear --dry-run
    """
    import os

    from milestone_cli import render
    from milestone_cli.core.exports import clearing
    from milestone_cli.render.exports import clear_text
    from milestone_cli.storage.sides import open_side

    from .outfile import save

    side = open_side(store)
    found = clearing.Clearing(side)
    path = os.path.abspath(backup) if backup else clearing.place(side.path)
    _refuse_inside(path, side.path)
    if not dry_run:
        clearing.refuse(found, side, force=force)
        if not found.is_empty and not yes:
            from .confirm import confirm

            confirm(clear_text(side.path, found, path, dry_run=True), "Remove all of it?")
        found = clearing.clear(side, path, save, force=force)
    fields = {**found.fields(side), "dry_run": dry_run, "cleared": not dry_run and not found.is_empty}
    render.emit("store-clear", fields, clear_text(side.path, found, path, dry_run=dry_run), output)
