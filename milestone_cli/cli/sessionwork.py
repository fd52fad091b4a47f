"""What is done in a session, and looked at again: `milestone session` set, get, progress, log, record, history."""

from milestone_cli import render
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Receipt

    from .options.sessions import (
        Duration,
        EntryResponse,
        Escalation,
        KeyWords,
        LastEntries,
        Operation,
        ProgressWords,
        Request,
        SetKeyWords,
    )
    from .options.shared import (
        Agent,
        DocumentFormat,
        Events,
        Format,
        IdempotencyKey,
        Limit,
        LockTimeout,
        Reverse,
        SessionId,
        TypeFilter,
    )


def set_(
    words: "SetKeyWords",
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Set values in a session's own state, creating parents as needed; the rest of it stays untouched.

    Example: milestone session set "$(milestone session create demo)" step=2 notes.last="all good"
    """
    from milestone_cli.core.sessions import keyed
    from milestone_cli.errors import MilestoneError

    given = None if "=" in words[0] else words[0]
    values = []
    for word in words if given is None else words[1:]:
        path, mark, value = word.partition("=")
        if not mark:
            raise MilestoneError("usage", f"'{word[:140]}' is not PATH=VALUE", "write for example step=2")
        values.append((path, value))
    if not values:
        raise MilestoneError("usage", "there is nothing to set", "write for example step=2")
    found, receipt = keyed.assign(open_store(), given, values, key=idempotency_key, timeout=lock_timeout)
    told = f"{found.id}: {len(values)} value{'s' * (len(values) > 1)} set"
    fields = {"session_id": found.id, "milestone_id": found.milestone, **_logged(receipt)}
    render.emit("session-set", fields, f"{told}{' already, under this key' if receipt.replayed else ''}", output)


def get(words: "KeyWords", output: "DocumentFormat" = "text") -> None:
    """Print one value of a session's own state, or all of it: a string without quotes, anything else as its JSON text.

    Example: milestone session get "$(milestone session create demo)" .
    """
    from milestone_cli.core.sessions import keyed
    from milestone_cli.errors import MilestoneError

    from .state import print_document

    if len(words) > 2:
        raise MilestoneError(
            "usage", f"'{words[2][:140]}' is one word too many", "write `milestone session get [SESSION] PATH`"
        )
    store = open_store()
    given, path = keyed.meant(store, words)
    print_document(keyed.get(store, given, path)[1].encode(), None, output, bare=True)


def progress(
    words: "ProgressWords",
    operation: "Operation" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Report how far a session is, in percent, and what it does; when this returns, it is on disk.

    A checkpoint is made too, once the interval in the session's configuration has passed.

    Example: milestone session progress "$(milestone session create demo)" 40 --operation "the parser"
    """
    from milestone_cli import runtime
    from milestone_cli.core.sessions import progress as core

    store = open_store()
    if len(words) > 2:
        from milestone_cli.errors import MilestoneError

        raise MilestoneError(
            "usage", f"'{words[2][:140]}' is one word too many", "write `milestone session progress [SESSION] PERCENT`"
        )
    given = words[0] if len(words) == 2 else None
    name, record, receipt = core.report(store, given, words[-1], operation, key=idempotency_key, timeout=lock_timeout)
    if receipt.notes:
        render.notify(receipt.notes)
    made = None
    if not receipt.replayed and (core.is_edited(store, name, record) or core.is_due(record, runtime.now_ns())):
        made = _periodic(name)
    said = record.get("operation")
    fields: dict[str, object] = {
        "session_id": name,
        "progress": record["progress"],
        "operation": said if isinstance(said, str) else None,
        "checkpoint": made,
        **_logged(receipt),
    }
    render.emit("session-progress", fields, f"{name}: {words[-1]} %", output)


def _periodic(name: str) -> "str | None":
    """Take over what was edited, and make the checkpoint whose time has come; what was said is said, come what may."""
    from milestone_cli import runtime
    from milestone_cli.core.sessions.checkpointing import create
    from milestone_cli.core.sessions.news import take_over
    from milestone_cli.core.sessions.progress import is_due
    from milestone_cli.errors import MilestoneError

    store = open_store()
    try:
        if is_due(take_over(store, name, 5), runtime.now_ns()):
            return create(store, name, None, "periodic", timeout=5)[0].name
    except MilestoneError as error:
        render.notify([f"no checkpoint was made, though it is time for one: {error.message}"])
    except OSError as error:
        render.notify([f"no checkpoint was made, though it is time for one: {error.strerror}"])
    return None


def _logged(receipt: "Receipt") -> "dict[str, object]":
    return {
        "event_id": receipt.event_id,
        "sequence_number": receipt.sequence,
        "timestamp": receipt.timestamp,
        "replayed": receipt.replayed,
    }


def log(
    name: "SessionId" = None,
    type_: "TypeFilter" = None,
    limit: "Limit" = 50,
    reverse: "Reverse" = False,
    output: "Events" = "text",
) -> None:
    """Show what happened in a session, oldest first; a session without a milestone has a log of its own.

    Example: milestone session log "$(milestone session create demo)" --limit 20
    """
    from milestone_cli.core.log import query as core
    from milestone_cli.core.log.filters import Filter
    from milestone_cli.core.sessions.session import current
    from milestone_cli.render import listing
    from milestone_cli.render.events import notify_skipped

    store = open_store()
    found = current(store, name)
    parser = core.Parser()
    wanted = Filter(type_, session=found.id, limit=limit, reverse=reverse)
    lines = core.query(store, found.stream, wanted, parser) if store.log_size(found.stream)[0] else iter(())
    for piece in listing.in_form("session-log", lines, output, found.milestone):
        render.write(piece)
    notify_skipped(parser.skipped)


def record(
    request: "Request",
    name: "SessionId" = None,
    agent: "Agent" = None,
    response: "EntryResponse" = None,
    escalation: "Escalation" = None,
    duration_ms: "Duration" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Add an entry to a session's history: what was asked, who answered, and what came of it.

    Example: milestone session record "$(milestone session create demo)" --request "mend the tests" --agent reviewer
    """
    from milestone_cli.core.sessions import conversation

    from .data import read_data

    answer, raised = (None if word is None else read_data(word) for word in (response, escalation))
    found, receipt = conversation.record(
        open_store(), name, request, agent, answer, raised, duration_ms, key=idempotency_key, timeout=lock_timeout
    )
    render.notify(receipt.notes)
    text = f"{found.id}: entry {receipt.sequence} recorded{' already, under this key' if receipt.replayed else ''}"
    fields = {"session_id": found.id, "milestone_id": found.milestone, **_logged(receipt)}
    render.emit("session-record", fields, text, output)


def history(name: "SessionId" = None, limit: "LastEntries" = 10, output: "Format" = "text") -> None:
    """Show the last entries of a session's history, oldest first.

    Example: milestone session history "$(milestone session create demo)" --limit 10
    """
    from milestone_cli.core.sessions import conversation
    from milestone_cli.render.session import history_text

    found, entries = conversation.history(open_store(), name, limit)
    fields: dict[str, object] = {"session_id": found.id, "milestone_id": found.milestone, "entries": entries}
    render.emit("session-history", fields, history_text(found.id, entries), output)
