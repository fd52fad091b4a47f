"""What the commands of `milestone checkpoint` do where `--session` says whose checkpoints are meant."""

from milestone_cli import render
from milestone_cli.core.sessions import checkpointing, checkpoints, pinning
from milestone_cli.core.sessions.session import find
from milestone_cli.storage import open_store


def create(
    session: str,
    name: "str | None",
    reason: "str | None",
    tags: "list[str] | None",
    key: "str | None",
    timeout: "float | None",
    output: str,
) -> None:
    """Make a checkpoint of a session."""
    made, replayed = checkpointing.create(open_store(), session, name, reason, key=key, timeout=timeout, tags=tags)
    text = f"{session}: checkpoint {made.name}{'; made already, under this key' if replayed else ''}"
    render.emit("session-checkpoint-create", {**made.fields(), "replayed": replayed}, text, output)


def list_(session: str, output: str) -> None:
    """List a session's checkpoints, oldest first."""
    from milestone_cli.render.recovery import points_text

    store = open_store()
    found = [one.fields() for one in checkpoints.checkpoints(store, session)]
    if not found:
        find(store, session)
    fields: dict[str, object] = {"session_id": session, "checkpoints": found}
    render.emit("session-checkpoint-list", fields, points_text(session, found), output)


def show(session: str, words: "list[str]", output: str) -> None:
    """Show one, with all that it says."""
    from milestone_cli.render.recovery import point_text

    found = checkpoints.find(open_store(), session, _one(words))
    fields = {**found.fields(), "document": found.info}
    render.emit("session-checkpoint-show", fields, point_text(fields), output)


def delete(
    session: str, words: "list[str]", dry_run: bool, yes: bool, key: "str | None", timeout: "float | None", output: str
) -> None:
    """Remove one, unless it is pinned."""
    from milestone_cli import runtime

    store, name, replayed = open_store(), _one(words), False
    if dry_run or (not yes and runtime.is_terminal(0)):
        found = checkpoints.find(store, session, name)
        pinning.refuse_pinned(found)
    if not dry_run:
        if not yes and runtime.is_terminal(0):
            from milestone_cli.render.recovery import point_text

            from .confirm import confirm

            confirm(point_text({**found.fields(), "document": found.info}), "Remove it?")
        found, replayed = pinning.delete(store, session, name, key=key, timeout=timeout)
    done = "would be removed" if dry_run else "removed"
    text = f"{session}: checkpoint {found.name} {done}{' already, under this key' if replayed else ''}"
    fields = {**found.fields(), "removed": not dry_run, "replayed": replayed}
    render.emit("session-checkpoint-delete", fields, text, output)


def pin(
    session: str,
    words: "list[str]",
    is_kept: bool,
    reason: "str | None",
    key: "str | None",
    timeout: "float | None",
    output: str,
) -> None:
    """Pin one, or let it go."""
    found, replayed = pinning.pin(open_store(), session, _one(words), reason, is_kept=is_kept, key=key, timeout=timeout)
    done = "pinned" if is_kept else "not pinned"
    text = f"{session}: checkpoint {found.name} {done}{' already, under this key' if replayed else ''}"
    render.emit("session-checkpoint-pin", {**found.fields(), "replayed": replayed}, text, output)


def _one(words: "list[str]") -> str:
    """The name of a checkpoint; a session's needs no milestone before it."""
    if len(words) == 1:
        return words[0]
    from milestone_cli.errors import MilestoneError

    raise MilestoneError(
        "usage", f"'{words[-1][:140]}' is one word too many", "with --session give the checkpoint alone"
    )
