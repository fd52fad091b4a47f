"""The record of a transaction as a file: written aside, committed by its rename, and closed where it belongs.

While it is pending it holds all that is needed to do it: names of locks, contents, events. What it says is believed
only as far as it stays inside the store.
"""

import os
from binascii import a2b_base64, b2a_base64

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import safe, sound_stream
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import move_in, write_synced
from milestone_cli.storage.files.folders import forget
from milestone_cli.storage.transactions import closed, refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from milestone_cli.model import Plan
    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.files.lock import Lock

    Record = dict[str, Any]
    Fences = dict[str, tuple[int, ...]]
    Puts = list[tuple[str, str, bytes | None]]

LIMIT = 1 << 30
"""Largest intent, in bytes: what is written must be read again by whoever comes next."""
EVENT = ("event_type", "data", "session_id", "agent_id", "event_id")
"""Keys of an event in an intent, in the order that a draft takes them."""


def draw_up(
    store: "FileStore", record: "Record", plan: "Plan", names: list[str], once: "tuple[str, str, str] | None"
) -> "Record":
    """A record with all that is needed to do it."""
    return {
        **record,
        "locks": names,
        "once": once,
        "logs": {stream: store.log_size(stream) for stream, _ in plan.events},
        "puts": [
            [kind, key, None if data is None else b2a_base64(data, newline=False).decode()]
            for kind, key, data in plan.puts
        ],
        "events": [
            {
                "stream": stream,
                "event_type": draft.type,
                "data": draft.data,
                "session_id": draft.session,
                "agent_id": draft.agent,
                "event_id": draft.event_id,
            }
            for stream, draft in plan.events
        ],
    }


def commit(store: "FileStore", record: "Record", held: "list[Lock]", fences: "Fences") -> None:
    """Commit: once the intent has its name, it will be done, by us or by whoever comes next."""
    folder, identity = store.folder(layout.PENDING), record["transaction"]["id"]
    aside, name = layout.intent_aside(identity), layout.intent_file(identity)
    data = dumps(record).encode()
    if len(data) > LIMIT:
        told = f"the transaction would have {len(data)} bytes; {LIMIT} are allowed"
        raise MilestoneError("too_large", told, "make several of it; nothing was changed")
    try:
        write_synced(aside, data, folder)
        for lock in held:
            lock.check()
            if store.identity(lock.name) != fences[lock.name]:
                raise MilestoneError(  # noqa: TRY301 - what was written aside is removed below
                    "lock_lost", f"another program changed '{lock.name}' meanwhile; nothing was changed", "try again"
                )
    except BaseException:
        forget(folder, aside)
        raise
    move_in(aside, folder, name, folder, f"the transaction {identity}")
    try:
        os.fsync(folder)
    except OSError as error:
        raise unfinished(record, str(error.strerror)) from error


def unfinished(record: "Record", why: str) -> MilestoneError:
    """The error for a failure after the commit point: never plain failure."""
    transaction = record["transaction"]
    return MilestoneError(
        "unlogged",
        f"the transaction {transaction['id']} ({transaction['operation']}) is on disk, but not finished: {why}",
        "the next command that can write finishes it; repeat this one only with an idempotency key",
        transaction_id=transaction["id"],
    )


def read_intent(store: "FileStore", identity: str, name: str = "") -> "Record":
    """Read an intent; what it says is believed only as far as it stays inside the store.

    Args:
        store: where.
        identity: of the transaction.
        name: of the file; left out: that of a committed one.

    Raises:
        MilestoneError: `damaged`, `unsafe_link`, `too_large`.
    """
    raw = store.read_file(layout.PENDING, name or layout.intent_file(identity), LIMIT)
    try:
        record: Record = loads(raw)  # type: ignore[assignment]
        wrong = _wrong(record, identity)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        wrong = str(error) or type(error).__name__
    except MilestoneError as error:
        wrong = error.message
    if wrong:
        raise MilestoneError(
            "damaged",
            f"the intent of the transaction {identity} is damaged: {wrong}",
            "`milestone doctor` tells what to do",
        )
    return record


def _wrong(record: "Record", identity: str) -> str:
    """What is wrong with an intent; empty when nothing is. What is not there, or of another type, raises."""
    transaction = record["transaction"]
    if transaction["id"] != identity or not isinstance(transaction["operation"], str):
        return "it is another transaction's"
    for name in record["locks"]:
        safe(name)
    for one in record["events"]:
        sound_stream(one["stream"])
    for one in record["events"]:
        if not all(type(one[key]) is str for key in EVENT):
            return "an event is none"
        loads(one["data"])
    if not all(layout.is_sound(kind, key) for kind, key, _ in contents(record)):
        return "it names a document that no store has"
    return ""


def contents(record: "Record") -> "Puts":
    """Kind, key and content of all that a transaction puts."""
    return [(kind, key, None if data is None else a2b_base64(data)) for kind, key, data in record["puts"]]


def close(store: "FileStore", record: "Record") -> None:
    """Leave a record without the contents, and take the intent away."""
    done = closed(record, "committed", runtime.timestamp(runtime.now_ns()))
    identity = record["transaction"]["id"]
    leave(store, done, layout.COMMITTED)
    os.fsync(store.folder(layout.COMMITTED))
    # Were this lost in a power cut, the record that is left tells whoever comes next that all was done.
    os.unlink(layout.intent_file(identity), dir_fd=store.folder(layout.PENDING))


def leave(store: "FileStore", record: "Record", folder: str) -> None:
    """Write a record aside, where whoever comes next finds it if this is killed, and move it to where it belongs."""
    pending, target, identity = store.folder(layout.PENDING), store.folder(folder), record["transaction"]["id"]
    aside = layout.record_aside(identity)
    forget(pending, aside)  # of one that was killed here
    try:
        write_synced(aside, dumps(record).encode() + b"\n", pending)
        os.rename(aside, layout.intent_file(identity), src_dir_fd=pending, dst_dir_fd=target)
    except BaseException:
        forget(pending, aside)
        raise


def leave_refused(store: "FileStore", plan: "Plan", started: str) -> None:
    """Leave a record of a transaction that is not done because its plan was refused."""
    try:
        leave(store, refused(plan, started, runtime.timestamp(runtime.now_ns())), layout.ROLLBACKS)
    except OSError:
        pass  # nothing was done, and why is what matters
