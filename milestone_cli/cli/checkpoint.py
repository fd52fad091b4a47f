"""The commands of `milestone checkpoint`: create, list, show, diff, restore, delete, pin, unpin."""

from milestone_cli import render
from milestone_cli.core import current_milestone
from milestone_cli.core.checkpoints import checkpoint, checkpointing
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.checkpoints import CheckpointDiffWords, CheckpointName, CheckpointState, CheckpointWords, Tags
    from .options.shared import (
        DocumentFormat,
        DryRun,
        Force,
        Format,
        IdempotencyKey,
        LockTimeout,
        MilestoneId,
        OfSession,
        Reason,
        Yes,
    )


def create(
    milestone: "MilestoneId" = None,
    name: "CheckpointName" = None,
    reason: "Reason" = None,
    tag: "Tags" = None,
    session: "OfSession" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Keep a milestone's present state under a name, to come back to it; or, with --session, a whole session.

    Of a session it keeps the record, context, state and agents, and notes the milestone's revision, the position in the
    log, directory, branch and commit; `session recover` brings that back.

    Example: milestone checkpoint create demo --name before-refactoring --reason "all tests pass"
    """
    if session is not None:
        from . import sessionpoints

        _refuse_milestone(milestone)
        return sessionpoints.create(session, name, reason, tag, idempotency_key, lock_timeout, output)
    store = open_store()
    whose = current_milestone(store, milestone)
    made, replayed = checkpointing.create(
        store, whose, name, reason, key=idempotency_key, timeout=lock_timeout, tags=tag
    )
    at = f", revision {made.revision}" if made.revision else ""
    text = f"{whose}: checkpoint {made.name}{at}{'; made already, under this key' if replayed else ''}"
    render.emit("checkpoint-create", {**made.fields(), "replayed": replayed}, text, output)
    return None


def _refuse_milestone(milestone: "str | None") -> None:
    if milestone is not None:
        from milestone_cli.errors import MilestoneError

        raise MilestoneError("usage", "a milestone or --session, not both", "leave one of them out")


def list_(milestone: "MilestoneId" = None, session: "OfSession" = None, output: "Format" = "text") -> None:
    """List the checkpoints of a milestone, or of a session, oldest first; those of the bash utilities too.

    Example: milestone checkpoint list demo
    """
    if session is not None:
        from . import sessionpoints

        _refuse_milestone(milestone)
        return sessionpoints.list_(session, output)
    from milestone_cli.render.checkpoint import list_text

    store = open_store()
    name = current_milestone(store, milestone)
    found = [one.fields() for one in checkpoint.checkpoints(store, name)]
    render.emit("checkpoint-list", {"milestone_id": name, "checkpoints": found}, list_text(name, found), output)
    return None


def show(
    words: "CheckpointWords",
    state: "CheckpointState" = False,
    session: "OfSession" = None,
    output: "DocumentFormat" = "text",
) -> None:
    """Show a checkpoint: when and why it was made, and what differs from the present state.

    With --state its document is printed, exactly as it was saved.

    Example: milestone checkpoint show demo before-refactoring
    """
    if session is not None:
        from . import sessionpoints

        return sessionpoints.show(session, words, output)
    from milestone_cli.render.checkpoint import show_text

    store = open_store()
    given, name = _split(words)
    whose = current_milestone(store, given)
    found = checkpoint.find(store, whose, name)
    if state:
        from .state import print_document

        print_document(found.proved(), None, output, bare=False)
        return None
    fields = {**found.fields(), "changes": checkpoint.distance(store, found)}
    render.emit("checkpoint-show", fields, show_text(fields), output)
    return None


def diff(words: "CheckpointDiffWords", output: "Format" = "text") -> None:
    """Show what differs between a checkpoint and the present state, or between two checkpoints.

    Example: milestone checkpoint diff demo before-refactoring
    """
    from milestone_cli.core.states.compare import compare
    from milestone_cli.render.changes import diff_text, emit_texts

    store = open_store()
    if len(words) > 3:
        _too_many(words)
    milestone, first, second = checkpoint.meant(store, words)
    before = checkpoint.find(store, milestone, first).proved()
    after = checkpoint.find(store, milestone, second).proved() if second else store.read(milestone).text
    changes = compare(before, after)
    identical = before == after
    fields: dict[str, object] = {"milestone_id": milestone, "from": first, "to": second, "identical": identical}
    text = diff_text(changes, identical=identical)
    emit_texts("checkpoint-diff", fields, {"changes": [change.json() for change in changes]}, text, output)


def restore(
    words: "CheckpointWords",
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    force: "Force" = False,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Restore a checkpoint's state as a new revision; the state before is kept as checkpoint `pre-restore-…`.

    At a terminal the plan is shown and confirmed first, unless --yes. It is refused (exit 4) while another process
    holds the milestone, or another session works on it, unless --force.

    Example: milestone checkpoint restore demo before-refactoring --dry-run
    """
    from milestone_cli.core.checkpoints import restore as restoring

    from .state import acknowledge

    store = open_store()
    given, name = _split(words)
    whose = current_milestone(store, given)
    plan = restoring.plan_restore(store, whose, name)
    if dry_run or not yes:
        from milestone_cli.render.changes import emit_texts
        from milestone_cli.render.checkpoint import plan_fields, plan_text

        if dry_run:
            lists = {"changes": [change.json() for change in plan.changes]}
            emit_texts("checkpoint-restore-plan", plan_fields(plan), lists, plan_text(plan), output)
            return
        if force or not plan.blockers:  # else it is refused anyway
            from .confirm import confirm

            confirm(plan_text(plan), "Restore?")
    receipt, before = restoring.restore(store, plan, force=force, key=idempotency_key, timeout=lock_timeout)
    more: dict[str, object] = {
        "checkpoint_name": name,
        "pre_restore": before.name if before else None,
        "from_revision": plan.revision,
    }
    kept = f"; what was there is checkpoint {before.name}" if before else ""
    acknowledge("checkpoint-restore", receipt, f"restored from checkpoint {name}", output, more, kept)


def delete(
    words: "CheckpointWords",
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    session: "OfSession" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Delete a checkpoint; one that is pinned stays (exit 4).

    At a terminal it is shown and confirmed first, unless --yes.

    Example: milestone checkpoint delete demo before-refactoring --dry-run
    """
    if session is not None:
        from . import sessionpoints

        return sessionpoints.delete(session, words, dry_run, yes, idempotency_key, lock_timeout, output)
    from milestone_cli import runtime

    store = open_store()
    given, name = _split(words)
    whose, replayed = current_milestone(store, given), False
    if dry_run or (not yes and runtime.is_terminal(0)):
        found = checkpoint.find(store, whose, name)
        found.refuse_pinned()
    if not dry_run:
        if not yes and runtime.is_terminal(0):
            from milestone_cli.render.checkpoint import show_text

            from .confirm import confirm

            confirm(show_text({**found.fields(), "changes": None}), "Remove it?")
        found, replayed = checkpointing.delete(store, whose, name, key=idempotency_key, timeout=lock_timeout)
    done = "would be removed" if dry_run else "removed"
    text = f"{whose}: checkpoint {name} {done}{_again(replayed)}"
    fields = {**found.fields(), "removed": not dry_run, "replayed": replayed}
    render.emit("checkpoint-delete", fields, text, output)
    return None


def pin(
    words: "CheckpointWords",
    reason: "Reason" = None,
    session: "OfSession" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Protect a checkpoint from every clean-up and deletion.

    Example: milestone checkpoint pin demo before-refactoring --reason "the last release"
    """
    if session is not None:
        from . import sessionpoints

        return sessionpoints.pin(session, words, True, reason, idempotency_key, lock_timeout, output)
    return _pin(True, words, reason, idempotency_key, lock_timeout, output)


def unpin(
    words: "CheckpointWords",
    reason: "Reason" = None,
    session: "OfSession" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Let a pinned checkpoint be cleaned up and deleted again.

    Example: milestone checkpoint unpin demo before-refactoring
    """
    if session is not None:
        from . import sessionpoints

        return sessionpoints.pin(session, words, False, reason, idempotency_key, lock_timeout, output)
    return _pin(False, words, reason, idempotency_key, lock_timeout, output)


def _pin(
    is_kept: bool,
    words: "list[str]",
    reason: "str | None",
    key: "str | None",
    timeout: "float | None",
    output: str,
) -> None:
    """Pin a checkpoint, or let it go."""
    store = open_store()
    given, name = _split(words)
    whose = current_milestone(store, given)
    found, replayed = checkpointing.pin(store, whose, name, reason, is_kept=is_kept, key=key, timeout=timeout)
    done = "pinned" if is_kept else "not pinned"
    text = f"{found.milestone}: checkpoint {found.name} {done}{_again(replayed)}"
    render.emit("checkpoint-pin", {**found.fields(), "replayed": replayed}, text, output)


def _again(replayed: bool) -> str:
    return " already, under this key" if replayed else ""


def _split(words: list[str]) -> "tuple[str | None, str]":
    """Milestone, None where it is left out, and checkpoint of the words `[MILESTONE] CHECKPOINT`."""
    if len(words) > 2:
        _too_many(words)
    return (words[0] if len(words) == 2 else None), words[-1]


def _too_many(words: list[str]) -> None:
    from milestone_cli.errors import MilestoneError

    raise MilestoneError("usage", f"'{words[-1][:140]}' is one word too many", "write [MILESTONE] CHECKPOINT")
