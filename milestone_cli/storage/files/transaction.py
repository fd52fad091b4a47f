"""Several files and events, all or nothing: an intent is written first, and its rename is the commit point.

Before it nothing has changed. After it recovery only rolls forward: whoever comes next puts the files in place, logs
the events that are not logged yet, and leaves a record without the contents among the committed ones. The records have
the keys of the reference architecture and are JSON text, which YAML is.
"""

import os
from binascii import a2b_base64, b2a_base64

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import Draft, Plan
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import EXCLUSIVE, write_synced
from milestone_cli.storage.files.lock import Lock
from milestone_cli.storage.files.log import FLAGS, Log, find_key, flock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from milestone_cli.model import Receipt
    from milestone_cli.storage.files import FileStore

    Record = dict[str, Any]

PATIENCE = 0.25
"""Seconds to wait for a lock behind the gate; a writer's turn comes in less, and a long holder stops nobody else."""


def transact(
    store: "FileStore",
    names: list[str],
    build: "Callable[[], Plan]",
    timeout: float,
    once: "tuple[str, str, str] | None" = None,
) -> "list[Receipt]":
    """Take the locks of `names`, let `build` look and decide, and do what it planned; see `FileStore.transact`.

    One transaction is under way at a time; writers of single states do not wait for it unless they want its locks.
    """
    deadline = runtime.monotonic() + timeout
    while True:
        gate = _gate(store, deadline)
        try:
            patience = min(deadline, runtime.monotonic() + PATIENCE)
            _finish_all(store, patience)
            held = _take(store, names, patience)
        except BaseException as error:
            os.close(gate)
            if _is_final(error, deadline):
                raise
        else:
            break
        # Somebody holds a lock for long: others pass the gate meanwhile.
        runtime.sleep(2 * PATIENCE)
    try:
        try:
            if once and (known := _known(store, once, deadline)):
                return [known]
            plan = build()
            if not plan.puts and not plan.events:
                return []
            for stream, draft in plan.events:
                draft.event_id = draft.event_id or runtime.new_event_id(runtime.now_ns())
                if not store.log_size(stream)[1]:
                    store.refuse_twin(stream)
            record = _record(plan, sorted(set(names)), once)
            _write_intent(store, record, held)
            return _apply(store, record, plan, deadline, held)
        finally:
            _release(held)
    finally:
        os.close(gate)


def _is_final(error: BaseException, deadline: float) -> bool:
    """Whether waiting longer cannot help, because the time is over or the holder waits for us."""
    busy = isinstance(error, MilestoneError) and error.code == "lock_timeout" and not error.details.get("ancestor")
    return not busy or runtime.monotonic() >= deadline


def _known(store: "FileStore", once: "tuple[str, str, str]", deadline: float) -> "Receipt | None":
    """The receipt of the same request under the same key, when it was done before."""
    stream, key, request = once
    log = Log(store.folder(layout.LOCKS), store.folder(layout.EVENTS), stream, deadline)
    try:
        sequence = find_key(log.head_fd, key, request) if log.head_fd >= 0 else 0
    finally:
        log.close()
    if not sequence:
        return None
    from milestone_cli.storage.files.history import receipt_of

    return receipt_of(store, stream, sequence)


def finish_pending(store: "FileStore", deadline: float) -> None:
    """Finish what was committed and not done, because its process died.

    Called without any lock held, and again while something is pending; a maker that lives is waited for, at the gate.
    """
    gate = _gate(store, deadline)
    try:
        _finish_all(store, min(deadline, runtime.monotonic() + PATIENCE))
    except MilestoneError as error:
        if _is_final(error, deadline):
            raise
    finally:
        os.close(gate)


def _gate(store: "FileStore", deadline: float) -> int:
    fd = os.open(layout.GATE, FLAGS, 0o600, dir_fd=store.folder(layout.LOCKS))
    try:
        flock(fd, deadline, "transactions")
    except BaseException:
        os.close(fd)
        raise
    return fd


def _take(store: "FileStore", names: list[str], deadline: float) -> list[Lock]:
    """Take several locks, in sorted order, so that two who want the same ones never wait for each other."""
    held: list[Lock] = []
    try:
        for name in sorted(set(names)):
            lock = Lock(store.folder(layout.LOCKS), name, deadline, store.folder(layout.ACTIVE))
            held.append(lock)
    except BaseException:
        _release(held)
        raise
    return held


def _release(held: list[Lock]) -> None:
    for lock in reversed(held):
        lock.release()


def _finish_all(store: "FileStore", deadline: float) -> None:
    folder = store.folder(layout.PENDING)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".tmp"):
            os.unlink(name, dir_fd=folder)  # never committed, and its maker is dead, since we are behind the gate
        elif identity := layout.intent_id(name):
            _finish(store, identity, deadline)


def _finish(store: "FileStore", identity: str, deadline: float) -> None:
    """Roll one committed intent forward."""
    record: Record = loads(store.read_file(layout.PENDING, layout.intent_file(identity), 1 << 30))  # type: ignore[assignment]
    plan = Plan(record["transaction"]["operation"])
    plan.puts = [(kind, key, None if data is None else a2b_base64(data)) for kind, key, data in record["puts"]]
    plan.events = [
        (one["stream"], Draft(one["event_type"], one["data"], one["session_id"], one["agent_id"], one["event_id"]))
        for one in record["events"]
    ]
    held = _take(store, record["locks"], deadline)
    try:
        logged = [_is_logged(store, stream, draft.event_id) for stream, draft in plan.events]
        if plan.events and all(logged):
            plan.puts = []  # events come after the files, so these are in place, and may have been changed since
        plan.events = [event for event, is_logged in zip(plan.events, logged, strict=True) if not is_logged]
        _apply(store, record, plan, deadline, held, is_new=False)
    finally:
        _release(held)


def _record(plan: Plan, names: list[str], once: "tuple[str, str, str] | None") -> "Record":
    """What an intent says: all that is needed to do it."""
    now = runtime.now_ns()
    return {
        "transaction": {
            "id": f"txn-{now // 1_000_000:012x}{runtime.token()[:8]}",
            "operation": plan.operation,
            "target_file": "/".join(layout.place(*plan.puts[0][:2])) if plan.puts else "",
            "status": "pending",
            "started_at": runtime.timestamp(now),
        },
        "locks": names,
        "once": once,
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


def _write_intent(store: "FileStore", record: "Record", held: list[Lock]) -> None:
    """Commit: once the intent has its name, it will be done, by us or by whoever comes next."""
    folder, identity = store.folder(layout.PENDING), record["transaction"]["id"]
    aside, name = layout.intent_aside(identity), layout.intent_file(identity)
    try:
        write_synced(aside, dumps(record).encode(), folder)
        for lock in held:
            lock.check()
        os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        _forget(folder, aside)
        raise
    try:
        os.fsync(folder)
    except OSError as error:
        raise _unfinished(record, error) from error


def _unfinished(record: "Record", error: OSError) -> MilestoneError:
    """The error for a failure after the commit point: never plain failure."""
    return MilestoneError(
        "unlogged",
        f"the {record['transaction']['operation'].replace('_', ' ')} is on disk, but not finished: {error.strerror}",
        "the next command that can write finishes it",
        transaction=record["transaction"]["id"],
    )


def _apply(
    store: "FileStore", record: "Record", plan: Plan, deadline: float, held: list[Lock], *, is_new: bool = True
) -> "list[Receipt]":
    """Put the files in place, log the events, and leave a record of it where the committed ones are."""
    try:
        _put(store, record["transaction"]["id"], plan, is_new=is_new)
        receipts = _log(store, record, plan, deadline, held)
        _close(store, record)
    except OSError as error:
        raise _unfinished(record, error) from error
    return receipts


def _put(store: "FileStore", identity: str, plan: Plan, *, is_new: bool) -> None:
    touched = set()
    for kind, key, data in plan.puts:
        folder, name = layout.place(kind, key)
        fd = store.folder(folder)
        touched.add(fd)
        if data is None:
            _forget(fd, name)
            continue
        aside = layout.temporary(name, identity)
        if not is_new:
            _forget(fd, aside)
        try:
            write_synced(aside, data, fd)
            os.rename(aside, name, src_dir_fd=fd, dst_dir_fd=fd)
        except BaseException:
            _forget(fd, aside)
            raise
    for fd in touched:
        os.fsync(fd)


def _log(store: "FileStore", record: "Record", plan: Plan, deadline: float, held: list[Lock]) -> "list[Receipt]":
    once = record.get("once") or ("", "", "")
    receipts = []
    for index, (stream, draft) in enumerate(plan.events, 1):
        log = Log(store.folder(layout.LOCKS), store.folder(layout.EVENTS), stream, deadline)
        try:
            for lock in held:
                if lock.name == stream:
                    log.prefix += [Draft("lock_broken", dumps(one), "no-session", "system") for one in lock.broken]
                    lock.broken = []
            key, request = once[1:] if index == len(plan.events) and once[0] == stream else ("", "")
            receipts.append(log.append([draft], key, request))
        finally:
            log.close()
    return receipts


def _close(store: "FileStore", record: "Record") -> None:
    """Leave a record without the contents, and take the intent away."""
    done = {
        **record["transaction"],
        "status": "committed",
        "committed_at": runtime.timestamp(runtime.now_ns()),
    }
    files = ["/".join(layout.place(kind, key)) for kind, key, _ in record["puts"]]
    text = dumps({"transaction": done, "files": files, "events": [one["event_id"] for one in record["events"]]})
    name, aside = layout.intent_file(done["id"]), layout.intent_aside(done["id"])
    pending, committed = store.folder(layout.PENDING), store.folder(layout.COMMITTED)
    _forget(committed, aside)  # of one that was killed here
    try:
        _write(aside, text.encode() + b"\n", committed)
        os.rename(aside, name, src_dir_fd=committed, dst_dir_fd=committed)
    except BaseException:
        _forget(committed, aside)
        raise
    os.unlink(name, dir_fd=pending)
    if not record["events"]:
        # Were this lost in a power cut, the intent would be done once more, over what was written since; where there
        # are events, that they are logged tells that it is done.
        os.fsync(pending)


def _write(name: str, data: bytes, folder: int) -> None:
    """Write a file that nothing depends on: without a sync."""
    fd = os.open(name, EXCLUSIVE, 0o600, dir_fd=folder)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def _is_logged(store: "FileStore", stream: str, event_id: str) -> bool:
    needle = f'"event_id":"{event_id}"'.encode()
    return any(needle in block for _, block in store.scan(stream, backwards=True))


def _forget(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
