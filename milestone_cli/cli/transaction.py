"""The commands of `milestone transaction`: apply, list, show, rollback."""

from milestone_cli import render, runtime
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.shared import DryRun, Format, IdempotencyKey, LockTimeout, Yes
    from .options.transactions import LastTransactions, Operations, TransactionId, TransactionStatus, TransactionWord


def apply(
    operations: "Operations" = None,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Make several changes, all or nothing: JSON Lines of operations on milestones, checkpoints and sessions.

    A line is {"op": O, "milestone": M, …}; without M the current one is meant. The operations: save, set, patch,
    complete, reopen, delete, log, checkpoint_create, checkpoint_restore, checkpoint_delete, checkpoint_pin,
    checkpoint_unpin, session_create, session_use, session_end, and require. Preconditions: "if_revision", "absent", or
    a line {"op": "require", "path": P, "value": V}. Exit 4 or 5 names the line, and nothing is changed. At a terminal
    what would remove something is shown and confirmed first, unless --yes.

    Example: milestone transaction apply '{"op": "set", "milestone": "demo", "path": "step", "value": 3}'
    """
    from milestone_cli.core.transactions import applying
    from milestone_cli.render.transaction import apply_text

    from .data import read_data

    store = open_store()
    batch = applying.Batch(store, read_data(_source(operations)))
    if dry_run or (batch.removes and not yes and runtime.is_terminal(0)):
        told = applying.preview(store, batch)
        if dry_run:
            render.emit("transaction-apply", told, apply_text(told), output)
            return
        from .confirm import confirm

        confirm(apply_text(told), "Apply it?")
    told, notes = applying.apply(store, batch, key=idempotency_key, timeout=lock_timeout)
    render.notify(notes)
    render.emit("transaction-apply", told, apply_text(told), output)


def _source(word: "str | None") -> str:
    """A file, unless the word is data itself."""
    from milestone_cli.errors import MilestoneError

    if not word:
        raise MilestoneError("usage", "there are no operations", "name a file, or - for standard input")
    return word if word == "-" or word[0] in "{@" else "@" + word


def list_(status: "TransactionStatus" = "all", limit: "LastTransactions" = 50, output: "Format" = "text") -> None:
    """List transactions, oldest first: what each one changed, and whether it was rolled back.

    Example: milestone transaction list --status committed
    """
    from milestone_cli.core.transactions import transaction
    from milestone_cli.render.transaction import list_text

    found = transaction.transactions(open_store(), status, limit)
    render.emit("transaction-list", {"transactions": found}, list_text(found), output)


def show(name: "TransactionWord" = "last", output: "Format" = "text") -> None:
    """Show a transaction: what it did, the revisions before and after, and what changed inside states.

    Example: milestone transaction show last
    """
    from milestone_cli.core.transactions import transaction
    from milestone_cli.render.changes import diff_text, emit_texts
    from milestone_cli.render.transaction import show_text

    store = open_store()
    record, status = transaction.find(store, name)
    fields = transaction.full(record, status)
    found = transaction.changes(store, record)
    text = ""
    if output == "text":
        parts = [f"{milestone}:\n{diff_text(changes)}" for milestone, changes in found if changes]
        text = show_text(fields, "\n".join(parts))
    lists = [f'{{"milestone_id":"{milestone}",{one.json()[1:]}' for milestone, changes in found for one in changes]
    emit_texts("transaction-show", fields, {"changes": lists}, text, output)


def rollback(
    name: "TransactionId",
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Roll a committed transaction back, by a new one; exit 4 if something that it touched has changed since.

    At a terminal the plan is shown and confirmed first, unless --yes.

    Example: milestone transaction rollback last --dry-run
    """
    from milestone_cli.core.transactions import rollback as rolling
    from milestone_cli.render.transaction import rollback_text

    store = open_store()
    if dry_run or (not yes and runtime.is_terminal(0)):
        plan = rolling.plan_rollback(store, name, idempotency_key)
        told = {**plan.fields(), "rollback_id": None, "dry_run": True, "replayed": False}
        if dry_run:
            render.emit("transaction-rollback", told, rollback_text(told), output)
            return
        plan.refuse()
        from .confirm import confirm

        confirm(rollback_text(told), "Roll it back?")
    told, notes = rolling.rollback(store, name, key=idempotency_key, timeout=lock_timeout)
    render.notify(notes)
    render.emit("transaction-rollback", told, rollback_text(told), output)
