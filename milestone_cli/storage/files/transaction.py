"""Several files and events, all or nothing: an intent is written first, and its rename is the commit point.

Before it nothing has changed. After it recovery only rolls forward: whoever comes next puts the files in place, logs
the events that are not logged yet, and moves the intent to `committed`. The records have the keys of the reference
architecture and are JSON text, which YAML is.
"""

import json
import os
from base64 import b64decode, b64encode

from milestone_cli import runtime
from milestone_cli.model import Draft, Plan
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import write_synced
from milestone_cli.storage.files.lock import Lock
from milestone_cli.storage.files.log import FLAGS, Log, flock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.model import Receipt
    from milestone_cli.storage.files import FileStore


def transact(store: "FileStore", names: list[str], build: "Callable[[], Plan]", timeout: float) -> "list[Receipt]":
    """Take the locks of `names`, let `build` look and decide, and do what it planned.

    One transaction is under way at a time; writers of single states do not wait for it unless they want its locks.

    Returns:
        A receipt for each event; everything is on disk.

    Raises:
        MilestoneError: what `build` raises, before anything was changed; `lock_timeout`.
    """
    deadline = runtime.monotonic() + timeout
    gate = _gate(store, deadline)
    try:
        _finish_all(store, deadline)
        held = _take(store, names, deadline)
        try:
            plan = build()
            for _, draft in plan.events:
                draft.event_id = draft.event_id or runtime.new_event_id(runtime.now_ns())
            identity = _write_intent(store, plan, sorted(set(names)))
            try:
                for lock in held:
                    lock.check()
                _rename(store, identity)
            except BaseException:
                os.unlink(layout.intent_aside(identity), dir_fd=store.folder(layout.PENDING))
                raise
            return _apply(store, identity, plan, deadline, is_new=True)
        finally:
            _release(held)
    finally:
        os.close(gate)


def finish_pending(store: "FileStore", deadline: float) -> None:
    """Finish what was committed and not done, because its process died.

    Called without any lock held; a maker that lives is waited for, at the gate.
    """
    gate = _gate(store, deadline)
    try:
        _finish_all(store, deadline)
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
    record = json.loads(store.read_file(layout.PENDING, layout.intent_file(identity), 1 << 30))
    plan = Plan(record["transaction"]["operation"])
    plan.puts = [(kind, key, None if data is None else b64decode(data)) for kind, key, data in record["puts"]]
    plan.events = [
        (one["stream"], Draft(one["event_type"], one["data"], one["session_id"], one["agent_id"], one["event_id"]))
        for one in record["events"]
    ]
    held = _take(store, record["locks"], deadline)
    try:
        _apply(store, identity, plan, deadline, is_new=False)
    finally:
        _release(held)


def _write_intent(store: "FileStore", plan: Plan, names: list[str]) -> str:
    """Write an intent aside, synced; return its id."""
    now = runtime.now_ns()
    identity = f"txn-{now // 1_000_000:012x}{runtime.token()[:8]}"
    first = "/".join(layout.place(*plan.puts[0][:2])) if plan.puts else ""
    record = {
        "transaction": {
            "id": identity,
            "operation": plan.operation,
            "target_file": first,
            "status": "pending",
            "started_at": runtime.timestamp(now),
        },
        "locks": names,
        "puts": [[kind, key, None if data is None else b64encode(data).decode()] for kind, key, data in plan.puts],
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
    write_synced(layout.intent_aside(identity), json.dumps(record).encode(), store.folder(layout.PENDING))
    return identity


def _rename(store: "FileStore", identity: str) -> None:
    """Commit: from here on the transaction will be done, by us or by whoever comes next."""
    folder = store.folder(layout.PENDING)
    os.rename(layout.intent_aside(identity), layout.intent_file(identity), src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def _apply(store: "FileStore", identity: str, plan: Plan, deadline: float, *, is_new: bool) -> "list[Receipt]":
    """Put the files in place, log the events, and move the intent to where the committed ones are."""
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
        write_synced(aside, data, fd)
        os.rename(aside, name, src_dir_fd=fd, dst_dir_fd=fd)
    for fd in touched:
        os.fsync(fd)
    receipts = []
    for stream, draft in plan.events:
        log = Log(store.folder(layout.LOCKS), store.folder(layout.EVENTS), stream, deadline)
        try:
            if is_new or not _is_logged(store, stream, draft.event_id):
                receipts.append(log.append([draft]))
        finally:
            log.close()
    pending, committed = store.folder(layout.PENDING), store.folder(layout.COMMITTED)
    name = layout.intent_file(identity)
    os.rename(name, name, src_dir_fd=pending, dst_dir_fd=committed)
    # Were this lost in a power cut, the intent would be done once more, over what was written since.
    os.fsync(pending)
    return receipts


def _is_logged(store: "FileStore", stream: str, event_id: str) -> bool:
    needle = f'"event_id":"{event_id}"'.encode()
    return any(needle in block for _, block in store.scan(stream, backwards=True))


def _forget(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
