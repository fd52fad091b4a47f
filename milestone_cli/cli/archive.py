"""The commands of `milestone archive`: completed work put away compressed, looked at and taken out again."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.shared import DryRun, Format, LockTimeout, Yes
    from .options.stores import ArchivedName, ArchiveSpan


def run(
    older_than: "ArchiveSpan" = "30d",
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Archive completed tasks, and the copies of completed milestones: compressed instead of removed.

    A task is archived as a whole, and `task show` still shows it. Of a milestone its backups and checkpoints are
    archived, and the sealed parts of its log are compressed; its state loads as before. What an open task depends on
    stays, and so do pinned checkpoints and the newest good copy.

    Example: milestone archive run --older-than 4w --dry-run
    """
    from milestone_cli import render
    from milestone_cli.core.coldstore import keeping
    from milestone_cli.core.times import duration
    from milestone_cli.render.coldstore import done_text, plan_text
    from milestone_cli.storage import open_store

    store, span = open_store(), duration(older_than)
    planned = keeping.plan(store, span)
    if not dry_run and not yes and any(not one.hold for one in planned):
        from .confirm import confirm

        confirm(plan_text(planned), "Put them away?")
    done, made = ([], []) if dry_run else keeping.put_away(store, span, planned, lock_timeout)
    fields = {
        "older_than": older_than,
        "dry_run": dry_run,
        "items": [one.fields() for one in planned],
        "archived": [{"kind": one.kind, "name": one.name} for one in done],
        "transactions": made,
    }
    render.emit("archive-run", fields, plan_text(planned) if dry_run else done_text(done, planned), output)


def list_(output: "Format" = "text") -> None:
    """List what is archived.

    Example: milestone archive list
    """
    from milestone_cli import render
    from milestone_cli.core.coldstore import keeping
    from milestone_cli.render.coldstore import list_text
    from milestone_cli.storage import open_store

    found = keeping.listed(open_store())
    render.emit("archive-list", {"items": found}, list_text(found), output)


def show(name: "ArchivedName", output: "Format" = "text") -> None:
    """Print what is archived: a task as it was, or what the copies of a milestone are.

    Example: milestone archive show t1
    """
    from milestone_cli import render
    from milestone_cli.core.coldstore import keeping
    from milestone_cli.core.coldstore.document import contents
    from milestone_cli.render.coldstore import contents_fields, contents_text
    from milestone_cli.storage import open_store

    store = open_store()
    kind, key = keeping.meant(store, name)
    kept = contents(store, kind, key)
    if kind == "task" and output == "text":
        render.write(kept[0][3])
        return
    render.emit("archive-show", contents_fields(kind, key, kept), contents_text(kept), output)


def restore(
    name: "ArchivedName",
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Take something out of the archive, back to where it was; nothing that is there now is overwritten.

    Example: milestone archive restore t1
    """
    from milestone_cli import render
    from milestone_cli.core.coldstore import keeping
    from milestone_cli.core.coldstore.document import contents
    from milestone_cli.render.coldstore import contents_text
    from milestone_cli.storage import open_store

    store = open_store()
    kind, key = keeping.meant(store, name)
    if dry_run or not yes:
        kept = contents(store, kind, key)
        if not dry_run:
            from .confirm import confirm

            confirm(contents_text(kept), "Restore them?")
    number, made = (len(kept), None) if dry_run else keeping.take_out(store, kind, key, lock_timeout)
    fields: dict[str, object] = {"kind": kind, "name": key, "documents": number, "transaction_id": made}
    fields["dry_run"] = dry_run
    many = f"{number} document{'' if number == 1 else 's'}"
    told = f"{kind} {key}: {many} {'would be ' if dry_run else ''}restored"
    render.emit("archive-restore", fields, told, output)
