"""The commands of `milestone snapshot`: saving, loading and looking at the whole of tasks and sessions."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.snapshots.loading import Loading
    from milestone_cli.core.snapshots.saving import Saved
    from milestone_cli.errors import MilestoneError
    from milestone_cli.storage.contract import Store

    from .options.shared import DryRun, FollowFormat, Format, IdempotencyKey, LockTimeout, Strict, Yes
    from .options.stores import ForceLoad, SaveInterval, Saves, SnapshotFile, SnapshotName


def save(
    output_file: "SnapshotFile" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Save all tasks and the sessions that have not ended, with their figures, in one consistent document.

    The ten before it are kept as backups. Where the store cannot be written, the document goes to the user's state
    directory, and the error names the file.

    Example: milestone snapshot save
    """
    from milestone_cli import render
    from milestone_cli.core.snapshots.saving import save as save_now
    from milestone_cli.render.snapshot import saved_text
    from milestone_cli.storage import open_store

    store = open_store()
    done = save_now(store, key=idempotency_key, timeout=lock_timeout)
    if output_file is not None:
        from .outfile import save as write

        write(output_file, iter([done.raw]))
    render.notify(done.snapshot.skipped)
    fields = {**done.fields(store, "manual"), "file": output_file}
    render.emit("snapshot-save", fields, saved_text(fields), output)


def load(
    name: "SnapshotName" = None,
    force: "ForceLoad" = False,
    strict: "Strict" = False,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> int:
    """Bring back the tasks and sessions of a snapshot that the store lacks; `transaction rollback` undoes it.

    Without a name it recovers what it can: from the last snapshot, else from the newest backup that is sound, else from
    the task files. Each step is reported and logged, and what the store has stays as it is.

    A file, or a named backup, may be of another store. It stops where that differs from what the store has, unless
    --force overwrites it.

    Example: milestone snapshot load --dry-run
    """
    from milestone_cli import render
    from milestone_cli.core.snapshots import loading
    from milestone_cli.render.snapshot import load_text
    from milestone_cli.storage import open_store

    store = open_store()
    found = _found(store, name)
    loading.plan(store, found, force=force)
    if not dry_run:
        loading.refuse(found, force=force)
    if not dry_run and found.puts and not yes:
        from .confirm import confirm

        confirm(load_text(found, dry_run=True, force=force), f"Bring back {len(found.puts)}?")
    replayed = False
    if not dry_run:
        found, replayed = loading.load(store, found, force=force, key=idempotency_key, timeout=lock_timeout)
    fields = {**found.fields(), "repaired": found.is_repaired, "dry_run": dry_run, "replayed": replayed}
    told = "loaded already, under this key" if replayed else load_text(found, dry_run=dry_run, force=force)
    render.emit("snapshot-load", fields, told, output)
    is_damaged = any(one["result"] == "damaged" for one in found.steps)
    return 6 if strict and is_damaged else 0


def _found(store: "Store", name: "str | None") -> "Loading":
    from milestone_cli.core.snapshots import finding, loading

    if name is None:
        return loading.search(store)
    snapshot, known = finding.named(store, name, _file(name))
    step: dict[str, object] = {"step": "file", "name": known, "result": "used", "detail": "it was named"}
    return loading.Loading(snapshot, "file", known, [step])


def _file(name: str) -> "bytes | None":
    """What is in the file of a name; None where there is none."""
    import os

    if not os.path.isfile(name):
        return None
    from .data import read_data

    return read_data("@" + name)


def show(name: "SnapshotName" = None, output: "Format" = "text") -> None:
    """Show what a snapshot holds, and which snapshots there are.

    Example: milestone snapshot save; milestone snapshot show
    """
    from milestone_cli import render
    from milestone_cli.core.snapshots.listing import shown
    from milestone_cli.render.snapshot import show_text
    from milestone_cli.storage import open_store

    fields = shown(open_store(), name, None if name is None else _file(name))
    render.emit("snapshot-show", fields, show_text(fields), output)


def watch(interval: "SaveInterval" = 30.0, saves: "Saves" = 0, output: "FollowFormat" = "text") -> int:
    """Save a snapshot on every change, at an interval, and once more when told to end.

    Changes in a burst are saved together, and nothing is written where nothing has changed. SIGTERM ends it with exit
    0, Ctrl-C with 130; where the last save failed, the exit code says why. A save that fails before that is reported
    and logged, and the next one is tried.

    Example: milestone snapshot watch --interval 30 --saves 1
    """
    from milestone_cli import render
    from milestone_cli.core.snapshots.watching import Watching
    from milestone_cli.render.snapshot import saved_text
    from milestone_cli.storage import open_store

    store = open_store()

    def tell(reason: str, done: "Saved | MilestoneError") -> None:
        if isinstance(done, Exception):
            render.notify([f"{done.message}; {done.hint}"])
            return
        render.notify(done.snapshot.skipped)
        fields = {**done.fields(store, reason), "file": None}
        render.emit("snapshot-save", fields, saved_text(fields), output)

    watching = Watching(store, interval, saves, tell)
    watching.run()
    if watching.trouble is not None:
        return watching.trouble.exit_code
    return 130 if watching.ended == 2 else 0
