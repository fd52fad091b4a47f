"""The commands of `milestone session`: create, current, use, list, show, end."""

from milestone_cli import render
from milestone_cli.core import current_milestone, session
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import Format, IdempotencyKey, LockTimeout, MilestoneId, SessionId, SessionName


def create(
    milestone: "MilestoneId" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Begin a session of the calling shell, make it the current one, and print its id.

    Inside Claude Code it is bound to the client's session, and no other one's current session is touched.

    Example: milestone session create demo
    """
    from milestone_cli.core import sessioning

    store = open_store()
    name = current_milestone(store, milestone)
    made, replayed = sessioning.create(store, name, key=idempotency_key, timeout=lock_timeout)
    render.emit("session-create", {**made.fields(), "replayed": replayed}, made.id, output)


def current(output: "Format" = "text") -> None:
    """Print the id of the current session, or no-session.

    Example: milestone session current
    """
    from milestone_cli.core import NO_SESSION, current_session

    store = open_store()
    name = current_session(store)
    fields: dict[str, object] = {"session_id": None, "milestone_id": None, "status": None}
    if output != "text" and name != NO_SESSION:
        raw = store.get("session", name)
        fields["session_id"] = name
        if raw is not None:
            found = session.Session(name, raw, store.modified("session", name), name)
            fields["milestone_id"], fields["status"] = found.milestone, found.status
    render.emit("session-current", fields, name, output)


def use(
    name: "SessionName",
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Make a session the current one; an orphaned one goes over to the calling shell.

    Example: milestone session use "$(milestone session create demo)"
    """
    from milestone_cli import runtime
    from milestone_cli.core import sessioning

    found, replayed = sessioning.use(open_store(), name, key=idempotency_key, timeout=lock_timeout)
    if runtime.env("MILESTONE_SESSION") and not found.is_current:
        render.notify(["MILESTONE_SESSION is set and names another session, which goes first"])
    text = f"{found.id} was made the current session already, under this key"
    if not replayed:
        text = f"{found.id} is the current session"
    render.emit("session-use", {**found.fields(), "replayed": replayed}, text, output)


def list_(output: "Format" = "text") -> None:
    """List all sessions, oldest first; those of the bash utilities too.

    Example: milestone session list
    """
    from milestone_cli.render.session import list_text

    found = [one.fields() for one in session.sessions(open_store())]
    render.emit("session-list", {"sessions": found}, list_text(found), output)


def show(name: "SessionId" = None, output: "Format" = "text") -> None:
    """Show everything that a session's record says.

    Example: milestone session show "$(milestone session create demo)"
    """
    from milestone_cli.render.session import show_text

    found = session.current(open_store(), name)
    fields = {**found.fields(), "trouble": found.trouble or None, "record": found.record}
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
    from milestone_cli.core import sessioning

    found, changed = sessioning.end(open_store(), name, key=idempotency_key, timeout=lock_timeout)
    text = f"{found.id} {'ended' if changed else 'had ended already'}"
    render.emit("session-end", {**found.fields(), "changed": changed}, text, output)
