"""The commands of `milestone state` that look back and step back: history, diff, undo, redo."""

from milestone_cli import render
from milestone_cli.core import current_milestone
from milestone_cli.storage import open_store

from .state import acknowledge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.shared import Format, IdempotencyKey, LockTimeout, MilestoneId
    from .options.states import DiffWords, HistoryLimit, IfRevision


def history(milestone: "MilestoneId" = None, limit: "HistoryLimit" = 20, output: "Format" = "text") -> None:
    """Show the revisions of a state, newest first: when, who, and what changed.

    Example: milestone state history demo --limit 5
    """
    from milestone_cli.core.states.revisions import history as look
    from milestone_cli.core.states.revisions import removed_before
    from milestone_cli.render.changes import history_text

    store = open_store()
    name = current_milestone(store, milestone)
    entries = look(store, name, limit)
    removed = removed_before(store, name, entries, limit)
    fields: dict[str, object] = {"milestone_id": name, "revisions": [entry.fields() for entry in entries]}
    fields["removed_through"] = removed or None
    render.emit("state-history", fields, history_text(entries, removed), output)


def diff(words: "DiffWords" = None, output: "Format" = "text") -> None:
    """Show what differs between two revisions, by default between the previous and the current one.

    A number is a revision: one is compared with the current state, two with each other.

    Example: milestone state diff demo 1 2
    """
    from milestone_cli.core.states.compare import compare
    from milestone_cli.core.states.revisions import pair
    from milestone_cli.render.changes import diff_text, emit_texts

    words = list(words or [])
    given = words.pop(0) if words and not _is_revision(words[0]) else None
    wrong = [f"'{word[:140]}' is no revision" for word in words if not _is_revision(word)]
    wrong += [f"'{word[:140]}' is one word too many" for word in words[2:3]]
    if wrong:
        from milestone_cli.errors import MilestoneError

        raise MilestoneError("usage", wrong[0], "write `milestone state diff [MILESTONE] [A] [B]`")
    store = open_store()
    name = current_milestone(store, given)
    numbers: list[int | None] = [int(word) for word in words]
    before, after = pair(store, name, *[*numbers, None, None][:2])
    changes = compare(before.text, after.text)
    fields: dict[str, object] = {
        "milestone_id": name,
        "from": before.revision,
        "to": after.revision,
        "outside": after.outside,
        "identical": before.text == after.text,
    }
    text = diff_text(changes, identical=before.text == after.text)
    emit_texts("state-diff", fields, {"changes": [change.json() for change in changes]}, text, output)


def undo(
    milestone: "MilestoneId" = None,
    if_revision: "IfRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Take back the last change, whatever made it, as a new revision with the exact text of before.

    A deletion is taken back too. Each further undo goes one step further back; redo goes forward again.

    Example: milestone state undo demo
    """
    _step("state-undo", milestone, if_revision, idempotency_key, lock_timeout, output)


def redo(
    milestone: "MilestoneId" = None,
    if_revision: "IfRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Redo what the last undo took back.

    Example: milestone state redo demo
    """
    _step("state-redo", milestone, if_revision, idempotency_key, lock_timeout, output)


def _step(
    kind: str,
    milestone: "str | None",
    expect: "int | None",
    key: "str | None",
    timeout: "float | None",
    output: str,
) -> None:
    """Go a step back or forward among the changes of a state."""
    from milestone_cli.core.states.undo import step

    store, verb = open_store(), kind.partition("-")[2]
    name = current_milestone(store, milestone)
    receipt, told = step(store, name, verb, expect=expect, key=key, timeout=timeout)
    what = "the deletion" if told.get("deleted") else f"revision {told.get(verb)}"
    done = f"undone, the text is that of revision {told.get('restores')}" if verb == "undo" else "redone"
    acknowledge(kind, receipt, "saved", output, told, f"; {what} {done}")


def _is_revision(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 10
