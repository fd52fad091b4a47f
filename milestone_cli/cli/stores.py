"""The commands of `milestone store`: making, looking at, migrating, copying, freezing and moving whole stores."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.shared import DryRun, Format, Reason, Yes
    from .options.stores import (
        FormatTo,
        GoBack,
        ImportFrom,
        ReaderRole,
        Resume,
        StoreName,
        StoreSource,
        StoreTarget,
        VerifyCopy,
        WriterRole,
    )


def init(
    store: "StoreName" = None, writer: "WriterRole" = None, reader: "ReaderRole" = None, output: "Format" = "text"
) -> None:
    """Make a store: a folder of files, or a schema and a project in a database.

    With --writer and --reader, roles that exist in the database get exactly the rights that they need.

    Example: milestone store init
    """
    from milestone_cli import render
    from milestone_cli.core.stores.founding import prepare

    fields = prepare(store, writer, reader)
    told = f"store {fields['store']} {'made' if fields['created'] else 'is there'}"
    roles = [f"; role {fields[kind]} is a {kind}" for kind in ("writer", "reader") if fields[kind]]
    render.emit("store-init", fields, told + "".join(roles), output)


def info(store: "StoreName" = None, output: "Format" = "text") -> None:
    """Show what a store is: place, format, size, whether it is frozen or moved, and what may be done there.

    Example: milestone store info
    """
    from milestone_cli import render
    from milestone_cli.render.stores import info_text
    from milestone_cli.storage.sides import open_side

    found = open_side(store).facts()
    render.emit("store-info", found, info_text(found), output)


def check(store: "StoreName" = None, output: "Format" = "text") -> int:
    """Check whether a store's own parts are sound: disk or server, format or schema, locks and logs.

    What is in it, `milestone doctor` checks too. Exit 6 if there is an error.

    Example: milestone store check
    """
    from milestone_cli import render
    from milestone_cli.render import doctor as shown
    from milestone_cli.storage.sides import open_side

    side = open_side(store)
    findings = list(side.health())
    fields = shown.fields(side.path, findings, [], dry_run=False)
    render.emit("store-check", fields, shown.text(side.path, findings, []), output)
    return 6 if any(one.severity == "error" for one in findings) else 0


def migrate(
    store: "StoreName" = None,
    to: "FormatTo" = None,
    rollback: "GoBack" = False,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    output: "Format" = "text",
) -> int:
    """Bring a store to the newest format, or back; an older one works as it is until then.

    What was there is kept first, in the store's folder `migrations`, beside a log of what was done; in a database each
    step is one transaction. A migration that was killed is finished by the next call. Exit 9 if going back had to leave
    files as they were, because they have been written since.

    Example: milestone store migrate --dry-run
    """
    from milestone_cli import render
    from milestone_cli.core.migration import migrate as steps
    from milestone_cli.render.stores import migrate_text, progress

    found = steps.plan(store, to, back=rollback)
    if found.steps and not dry_run:
        if not yes:
            from .confirm import confirm

            confirm(migrate_text(found, dry_run=True), "Do this?")
        found = steps.run(store, to, back=rollback, progress=progress("proving"))
    render.emit("store-migrate", {**found.fields(), "dry_run": dry_run}, migrate_text(found, dry_run=dry_run), output)
    return 9 if found.kept else 0


def import_(source: "ImportFrom", dry_run: "DryRun" = False, yes: "Yes" = False, output: "Format" = "text") -> int:
    """Import a coding-agent-state folder, a tree of sessions, a store of the bash utilities, or a `store export`.

    Nothing is overwritten: where the store has something else under one of the names, nothing is done (exit 4). What
    could not be mapped is named, and stays where it is (exit 9). Repeated, it has nothing left to do.

    Example: milestone store import coding-agent-state --dry-run
    """
    import os

    from milestone_cli import render
    from milestone_cli.core.migration import intake
    from milestone_cli.render.stores import import_text, progress
    from milestone_cli.storage import open_store

    if os.path.isfile(source):
        return _import_archive(source, dry_run=dry_run, yes=yes, output=output)
    store = open_store()
    found = intake.plan(store, source)
    if not dry_run:
        if not found.is_empty and not yes:
            from .confirm import confirm

            confirm(import_text(found.fields(), dry_run=True), "Take this in?")
        intake.run(store, found, progress("taking in"))
    fields = {**found.fields(), "dry_run": dry_run}
    render.emit("store-import", fields, import_text(fields, dry_run=dry_run), output)
    return 9 if found.harvest.left else 0


def _import_archive(source: str, *, dry_run: bool, yes: bool, output: str) -> int:
    """Take in a file of `store export`, byte for byte."""
    from milestone_cli import render
    from milestone_cli.core.exports.archive import Archive
    from milestone_cli.core.migration.archive import fields_of, plan
    from milestone_cli.core.stores import copying
    from milestone_cli.render.stores import import_text, progress
    from milestone_cli.storage.sides import open_side

    here, there = Archive(source), open_side()
    found = plan(here, there)
    if not dry_run and not found.is_empty:
        if not yes:
            from .confirm import confirm

            confirm(import_text(fields_of(found), dry_run=True), "Take this in?")
        found = copying.run(here, there, progress=progress("taking in"))
    fields = {**fields_of(found), "dry_run": dry_run}
    render.emit("store-import", fields, import_text(fields, dry_run=dry_run), output)
    return 0


def copy(
    source: "StoreSource",
    target: "StoreTarget",
    dry_run: "DryRun" = False,
    verify: "VerifyCopy" = False,
    resume: "Resume" = False,
    yes: "Yes" = False,
    output: "Format" = "text",
) -> int:
    """Copy a store into another one, byte for byte, and prove the copy.

    Folders and databases, in every direction. The source is frozen meanwhile, the target until it holds everything.
    Repeated, it has nothing left to do. A target that is an earlier copy is brought up to date; any other is left
    alone. Exit 4 if the source was changed meanwhile: then continue with --resume.

    Example: milestone store copy . elsewhere
    """
    from milestone_cli import render
    from milestone_cli.core.stores import copying
    from milestone_cli.core.stores.plan import plan
    from milestone_cli.render.stores import copy_text, progress
    from milestone_cli.storage.sides import open_side

    here, there = open_side(source), open_side(target, is_new=not dry_run)
    found = plan(here, there, resume=resume)[0]
    if not dry_run:
        if found.replaces and not yes:
            from .confirm import confirm

            confirm(copy_text(found, [], dry_run=True), f"Replace what is in {there.path}?")
        found = copying.run(here, there, resume=resume, progress=progress("copying"))
    damaged = copying.verify(there, progress("verifying")) if verify and not dry_run else []
    fields = {**found.fields(), "dry_run": dry_run, "verified": verify and not dry_run, "damaged": damaged}
    render.emit("store-copy", fields, copy_text(found, damaged, dry_run=dry_run), output)
    return 6 if damaged else 0


def freeze(store: "StoreName" = None, reason: "Reason" = None, output: "Format" = "text") -> None:
    """Refuse every write to a store until `store unfreeze`; reading goes on.

    The bash utilities do not know about this, and write all the same.

    Example: milestone store freeze --reason 'moving to the team database'
    """
    from milestone_cli.core.stores.marks import freeze as set_mark
    from milestone_cli.storage.sides import open_side

    side = open_side(store)
    changed = set_mark(side, reason or "by hand")
    _marked(side.path, "frozen" if changed else "frozen already", side.frozen, side.moved, changed, output)


def unfreeze(store: "StoreName" = None, output: "Format" = "text") -> None:
    """Let a store be written again: remove the marks of `store freeze` and `store moved`.

    Example: milestone store unfreeze
    """
    from milestone_cli.core.stores.marks import unfreeze as take_mark
    from milestone_cli.storage.sides import open_side

    side = open_side(store)
    changed = take_mark(side)
    _marked(side.path, "unfrozen" if changed else "not frozen", side.frozen, side.moved, changed, output)


def moved(
    source: "StoreSource",
    target: "StoreTarget",
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    output: "Format" = "text",
) -> None:
    """Mark a store as moved to another place, once everything is proved to be there.

    Every other command then refuses it and names the new place; `store unfreeze` takes that back.

    Example: milestone store copy . elsewhere; milestone store moved . elsewhere
    """
    from milestone_cli.core.stores.marks import move
    from milestone_cli.storage.sides import open_side

    here, there = open_side(source), open_side(target)
    if not dry_run and not yes:
        from .confirm import confirm

        confirm(f"{here.path}\n  will refuse every command and name\n{there.path}", "Mark it as moved?")
    changed = move(here, there, dry_run=dry_run)
    told = ("would move to" if dry_run else "moved to") if changed else "moved already, to"
    _marked(here.path, f"{told} {there.path}", here.frozen, here.moved, changed and not dry_run, output)


def _marked(path: str, told: str, frozen: "str | None", moved: "str | None", changed: bool, output: str) -> None:
    from milestone_cli import render
    from milestone_cli.render.text import flat

    fields: dict[str, object] = {"store": path, "frozen": frozen, "moved_to": moved, "changed": changed}
    render.emit("store-mark", fields, flat(f"store {path}: {told}"), output)
