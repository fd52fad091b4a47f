"""The commands of `milestone session`: create, current, use, list, show, end, delete."""

from milestone_cli import render
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.sessions import (
        ActiveOnly,
        AutoCheckpoint,
        BackupRetention,
        CheckpointInterval,
        Count,
        InactiveFor,
        MaxDuration,
        NoAutoCheckpoint,
        NoMilestone,
        SessionContext,
        SessionMetadata,
        SessionName,
        SessionOwnName,
        SessionType,
        User,
    )
    from .options.shared import DryRun, Force, Format, IdempotencyKey, LockTimeout, MilestoneId, SessionId, Yes


def create(
    milestone: "MilestoneId" = None,
    no_milestone: "NoMilestone" = False,
    name: "SessionOwnName" = None,
    type_: "SessionType" = "general",
    user: "User" = None,
    context: "SessionContext" = None,
    metadata: "SessionMetadata" = None,
    auto_checkpoint: "AutoCheckpoint" = False,
    no_auto_checkpoint: "NoAutoCheckpoint" = False,
    checkpoint_interval: "CheckpointInterval" = 300,
    max_duration: "MaxDuration" = 14400,
    backup_retention: "BackupRetention" = 7,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Begin a session for the calling shell, make it the current one, and print its id.

    Inside Claude Code it is bound to the client's session, and nobody else's current session is touched. In a store
    without milestones it has none. Its context and configuration can be edited in its session.yaml.

    Example: milestone session create demo --type review --context '{"goal": "mend the tests"}'
    """
    from milestone_cli.core.sessions import creating
    from milestone_cli.core.sessions.pages import CONFIGURATION

    wish = creating.Wish(type_, name, user)
    if context is not None or metadata is not None:
        from .data import read_data

        wish.context = b"{}" if context is None else read_data(context)
        wish.metadata = b"{}" if metadata is None else read_data(metadata)
    if auto_checkpoint and no_auto_checkpoint:
        from milestone_cli.errors import MilestoneError

        raise MilestoneError("usage", "--auto-checkpoint or --no-auto-checkpoint, not both", "leave one of them out")
    given = (not no_auto_checkpoint, checkpoint_interval, max_duration, backup_retention)
    settings = zip(CONFIGURATION, given, strict=True)
    wish.configuration = {key: value for key, value in settings if value != CONFIGURATION[key]}
    store = open_store()
    whose = creating.meant_milestone(store, milestone, is_without=no_milestone)
    known = store.milestones() if milestone is not None else [whose]
    made = creating.create(store, whose, wish, key=idempotency_key, timeout=lock_timeout)
    if whose and whose not in known:
        render.notify([f"'{whose}' is new: nothing was saved or logged of it before"])
    fields = {} if output == "text" else {**made.session().fields(), "replayed": made.replayed}
    render.emit("session-create", fields, made.id, output)


def current(output: "Format" = "text") -> None:
    """Print the id of the current session, or no-session.

    Example: milestone session current
    """
    from milestone_cli.core import NO_SESSION, current_session

    store = open_store()
    name = current_session(store)
    fields: dict[str, object] = {"session_id": None, "milestone_id": None, "status": None}
    if output != "text" and name != NO_SESSION:
        from milestone_cli.core.sessions.session import Session

        raw = store.get("session", name)
        fields["session_id"] = name
        if raw is not None:
            found = Session(name, raw, store.modified("session", name), name)
            fields["milestone_id"], fields["status"] = found.milestone, found.status
    render.emit("session-current", fields, name, output)


def use(
    name: "SessionName",
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Make a session the current one; the calling shell takes over one whose process has ended.

    Example: milestone session use "$(milestone session create demo)"
    """
    from milestone_cli import runtime
    from milestone_cli.core.sessions import using

    found, replayed = using.use(open_store(), name, key=idempotency_key, timeout=lock_timeout)
    if runtime.env("MILESTONE_SESSION") and not found.is_current:
        render.notify(["MILESTONE_SESSION is set and names another session, which goes first"])
    text = f"{found.id} was made the current session already, under this key"
    if not replayed:
        text = f"{found.id} is the current session"
    render.emit("session-use", {**found.fields(), "replayed": replayed}, text, output)


def list_(
    active: "ActiveOnly" = False,
    inactive_for: "InactiveFor" = None,
    count: "Count" = False,
    output: "Format" = "text",
) -> None:
    """List all sessions, oldest first; those of the bash utilities too.

    What a session left open whose process has ended (orphaned), or whose time is over (expired), stands below it.
    --inactive-for shows those that have not ended and were silent for that long.

    Example: milestone session list --active
    """
    from milestone_cli.core.sessions.leftovers import left_open
    from milestone_cli.core.sessions.session import AT_WORK, sessions
    from milestone_cli.render.session import list_text

    store = open_store()
    found = [one for one in sessions(store) if not active or one.status in AT_WORK]
    if inactive_for is not None:
        from milestone_cli.core.sessions.activity import is_silent, last_seen
        from milestone_cli.core.times import duration

        span = duration(inactive_for)
        found = [one for one in found if one.status != "completed"]
        seen = last_seen(store, found)
        found = [one for one in found if is_silent(store, seen[one.id], span)]
    if count:
        render.emit("session-count", {"count": len(found)}, str(len(found)), output)
        return
    behind = left_open(store, found)
    told: list[dict[str, object]] = [{**one.fields(), "open": behind.get(one.id, [])} for one in found]
    is_all = not active and inactive_for is None
    render.emit("session-list", {"sessions": told}, list_text(told, is_all=is_all), output)


def show(name: "SessionId" = None, output: "Format" = "text") -> None:
    """Show everything that a session's record says, and what it has left open.

    Example: milestone session show "$(milestone session create demo)"
    """
    from milestone_cli.core.sessions import session
    from milestone_cli.core.sessions.leftovers import left_open
    from milestone_cli.core.sessions.news import up_to_date
    from milestone_cli.render.session import show_text

    store = open_store()
    found, notes = up_to_date(store, session.current(store, name))
    fields: dict[str, object] = {
        **found.fields(),
        "open": left_open(store, [found]).get(found.id, []),
        "trouble": found.trouble or None,
        "record": found.record,
    }
    render.notify(notes)
    render.emit("session-show", fields, show_text(fields), output)


def end(
    name: "SessionId" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """End a session; whoever has another one as the current one keeps it.

    Example: milestone session end "$(milestone session create demo)"
    """
    from milestone_cli.core.sessions import ending

    found, changed = ending.end(open_store(), name, key=idempotency_key, timeout=lock_timeout)
    text = f"{found.id} {'ended' if changed else 'had ended already'}"
    render.emit("session-end", {**found.fields(), "changed": changed}, text, output)


def delete(
    name: "SessionName",
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    force: "Force" = False,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Delete a session with its checkpoints; its events stay in the log, and `transaction rollback` brings it back.

    At a terminal it is shown and confirmed first, unless --yes. It is refused (exit 4) while its process is alive,
    unless --force, and as long as one of its checkpoints is pinned.

    Example: milestone session delete "$(milestone session create demo)" --dry-run
    """
    from milestone_cli import runtime
    from milestone_cli.core.sessions import deleting, session
    from milestone_cli.render.session import deletion_text

    store = open_store()
    if dry_run or (not yes and runtime.is_terminal(0)):
        planned = deleting.Deletion(store, session.find(store, name))
        if dry_run:
            fields = {**planned.fields(), "removed": False, "replayed": False}
            render.emit("session-delete", fields, deletion_text(planned.fields()), output)
            return
        if not planned.pinned and (force or not planned.blockers):
            from .confirm import confirm

            confirm(deletion_text(planned.fields()), "Delete it?")
    done, replayed = deleting.delete(store, name, force=force, key=idempotency_key, timeout=lock_timeout)
    if done is None:
        fields = {**session.Session(name, b"{}", 0, "").fields(), "documents": 0, "bytes": 0, "recoverable": True,
                  "refused": [], "transaction_id": None}  # fmt: skip
    else:
        fields = {**done.fields(), "refused": []}
    back = (
        f"; `milestone transaction rollback {done.transaction}` brings it back" if done and done.is_recoverable else ""
    )
    text = f"{name} deleted{' already, under this key' if replayed else ''}{back}"
    render.emit("session-delete", {**fields, "removed": True, "replayed": replayed}, text, output)
