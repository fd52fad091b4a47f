"""The command `milestone events log`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Receipt

    from .options.logs import Batch, EventWords, Session
    from .options.shared import Agent, Format, IdempotencyKey, LockTimeout


def log(
    words: "EventWords" = None,
    batch: "Batch" = False,
    agent: "Agent" = None,
    session: "Session" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Append an event to a milestone's log; when this returns, the event is on disk.

    Example: milestone events log demo tests_passed '{"count": 42}'
    """
    from milestone_cli import render
    from milestone_cli.core import current_milestone, events
    from milestone_cli.storage import open_store

    from .data import is_data, read_data

    words = words or []
    if batch:
        return _log_batch(words, agent, session, idempotency_key, lock_timeout, output)
    data = words.pop() if len(words) > 1 and is_data(words[-1]) else None
    if not 1 <= len(words) <= 2:
        from milestone_cli.errors import MilestoneError

        told = (
            f"'{words[2][:140]}' is not a JSON object" if len(words) == 3 and data is None else "an event needs a type"
        )
        raise MilestoneError(
            "usage", told, 'write `milestone events log [MILESTONE] TYPE [JSON]`, as in note \'{"text": "hello"}\''
        )
    store = open_store()
    name = current_milestone(store, words[0] if len(words) == 2 else None, session)
    raw = b"{}" if data is None else read_data(data)
    receipt = events.log(
        store, name, [(words[-1], raw)], agent=agent, session=session, key=idempotency_key, timeout=lock_timeout
    )
    if receipt.notes or receipt.first == 1:
        render.notify([*receipt.notes, *_news(receipt)])
    fields: dict[str, object] = {
        "milestone_id": name,
        "event_id": receipt.event_id,
        "sequence_number": receipt.sequence,
        "timestamp": receipt.timestamp,
        "replayed": receipt.replayed,
    }
    render.emit("event-log", fields, f"{name}: event {receipt.sequence} logged", output)
    return None


def _news(receipt: "Receipt") -> list[str]:
    """What to say when nothing was logged of a milestone before, since its name may be mistyped."""
    return [f"'{receipt.milestone}' is new: this is the first that is logged of it"] if receipt.first == 1 else []


def _log_batch(
    words: list[str],
    agent: "str | None",
    session: "str | None",
    key: "str | None",
    timeout: "float | None",
    output: str,
) -> None:
    from milestone_cli import render
    from milestone_cli.core import current_milestone
    from milestone_cli.core.log.batch import log_batch
    from milestone_cli.errors import MilestoneError
    from milestone_cli.storage import open_store

    from .data import read_all

    if len(words) > 1:
        raise MilestoneError("usage", "a batch takes its events from standard input", "give the milestone alone")
    store = open_store()
    name = current_milestone(store, words[0] if words else None, session)
    raw = read_all(0, "standard input")
    receipt, count = log_batch(store, name, raw, agent=agent, session=session, key=key, timeout=timeout)
    fields: dict[str, object] = {"milestone_id": name, "count": count}
    if receipt is not None:
        render.notify([*receipt.notes, *_news(receipt)])
        fields |= {
            "first_sequence_number": receipt.first,
            "sequence_number": receipt.sequence,
            "timestamp": receipt.timestamp,
            "replayed": receipt.replayed,
        }
    render.emit("event-batch", fields, f"{name}: {count} event{'s' * (count != 1)} logged", output)
