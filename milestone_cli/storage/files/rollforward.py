"""What a transaction whose process died left behind: finished where it was committed, rolled back where it was not.

Whoever passes the gate does this first, and the log says so. What was changed since by another program is set aside,
never lost; an intent that is damaged is kept in quarantine, since it can be neither finished nor ignored.
"""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft, Plan, digest
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import forget
from milestone_cli.storage.files.intent import EVENT, contents, leave, read_intent
from milestone_cli.storage.files.log import Log
from milestone_cli.storage.files.transaction import PATIENCE, apply, is_final, release, take, take_gate
from milestone_cli.storage.transactions import closed, is_same, side

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from milestone_cli.storage.files import FileStore

    Record = dict[str, Any]

DIED = "its process ended before it was committed"


def finish_pending(store: "FileStore", deadline: float) -> list[str]:
    """Finish or roll back what a dead process left; what was done, in sentences.

    Called without any lock held, and again while something is pending; a maker that lives is waited for, at the gate.
    """
    gate = take_gate(store, deadline)
    try:
        return finish_all(store, min(deadline, runtime.monotonic() + PATIENCE))
    except MilestoneError as error:
        if is_final(error, deadline):
            raise
        return []
    finally:
        os.close(gate)


def finish_all(store: "FileStore", deadline: float, beside: str = "") -> list[str]:
    """The same, behind the gate, so that the maker of all that is here is dead; see `transaction.enter`."""
    folder = store.folder(layout.PENDING)
    names = os.listdir(folder)
    notes = []
    for name in sorted(names):
        if identity := layout.intent_id(name):
            try:
                notes += _finish(store, identity, deadline)
            except MilestoneError as error:
                # Whoever holds a lock of it may do so for hours: that holds up no state that it does not touch.
                if error.code != "lock_timeout" or not beside or beside in read_intent(store, identity)["locks"]:
                    raise
        elif (identity := layout.aside_id(name)) and layout.intent_file(identity) not in names:
            notes += _roll_back(store, identity, deadline)
        elif name.endswith(".tmp"):
            forget(folder, name)
    return notes


def _finish(store: "FileStore", identity: str, deadline: float) -> list[str]:
    """Roll one committed intent forward."""
    name = layout.intent_file(identity)
    if store.modified("committed", identity):
        forget(store.folder(layout.PENDING), name)  # all was done but this
        return []
    try:
        record = read_intent(store, identity)
    except MilestoneError as error:
        return _quarantine(store, identity, error)
    puts = contents(record)
    plan = Plan(record["transaction"]["operation"], identity)
    held = take(store, record["locks"], deadline)
    try:
        events = [(one, _is_logged(store, record, one["stream"], one["event_id"])) for one in record["events"]]
        # Events come after all files: with one of them there, the files are in place, and may have been changed since.
        plan.puts = [] if any(logged for _, logged in events) else puts
        rest = [one for one, logged in events if not logged]
        plan.events = [*_told(store, record, "transaction_recovered"), *[_event(one) for one in rest]]
        once = record.get("once")
        if once and not any(one["stream"] == once[0] for one in rest):
            once = None  # the key is logged
        apply(store, record, plan, puts, held, deadline, once=once, is_new=False)
    finally:
        release(held)
    return [f"the transaction {identity} of a process that ended was finished"]


def _event(one: "Record") -> tuple[str, Draft]:
    return one["stream"], Draft(*[one[key] for key in EVENT])


def _roll_back(store: "FileStore", identity: str, deadline: float) -> list[str]:
    """Say of a transaction that was not committed that it was not; nothing of it was done."""
    aside = layout.intent_aside(identity)
    try:
        record = read_intent(store, identity, aside)
    except MilestoneError:  # it was killed while it was writing this
        record = {"transaction": {"id": identity, "operation": "", "target_file": "", "status": "pending"}}
        record |= {"documents": [], "events": []}
    leave(store, closed(record, "rolled_back", runtime.timestamp(runtime.now_ns()), reason=DIED), layout.ROLLBACKS)
    for stream, draft in _told(store, record, "transaction_rolled_back", reason=DIED):
        store.let_go()
        log = Log(store, stream, deadline)
        try:
            log.append([draft])
        finally:
            log.close()
    forget(store.folder(layout.PENDING), aside)
    return [f"the transaction {identity} of a process that ended was not committed, and nothing of it was done"]


def _told(store: "FileStore", record: "Record", type_: str, **more: object) -> list[tuple[str, Draft]]:
    """An event for each log of a transaction, unless it is there already, of a finisher that was killed too."""
    transaction = record["transaction"]
    identity = transaction["id"]
    said = {"transaction_id": identity, "operation": transaction["operation"], **more}
    found = []
    for stream in dict.fromkeys(one["stream"] for one in record["events"]):
        event_id = "event-" + digest(f"{type_} {identity} {stream}".encode())[:32]
        if not _is_logged(store, record, stream, event_id):
            found.append((stream, Draft(type_, dumps(said), "no-session", "system", event_id)))
    return found


def _is_logged(store: "FileStore", record: "Record", stream: str, event_id: str) -> bool:
    """Whether an event stands in a log, behind where that ended when the transaction was begun."""
    size, inode = record.get("logs", {}).get(stream, (0, 0))
    now, same = store.log_size(stream)
    start = size if same == inode and size <= now else 0
    needle = f'"event_id":"{event_id}"'.encode()
    return any(needle in block for _, block in store.scan(stream, start, backwards=True))


def _quarantine(store: "FileStore", identity: str, error: MilestoneError) -> list[str]:
    """Set a damaged intent aside, so that it holds nobody up, and say so where people look."""
    now = runtime.timestamp(runtime.now_ns())
    aside = layout.quarantined(identity, now, runtime.token())
    record: Record = {
        "transaction": {"id": identity, "operation": "", "target_file": "", "status": "pending"},
        "documents": [],
        "events": [],
        "quarantined": f"{layout.QUARANTINE}/{aside}",
    }
    why = f"{error.message}; what of it was done is not known"
    leave(store, closed(record, "rolled_back", now, reason=why), layout.ROLLBACKS)
    name, quarantine = layout.intent_file(identity), store.folder(layout.QUARANTINE)
    os.rename(name, aside, src_dir_fd=store.folder(layout.PENDING), dst_dir_fd=quarantine)
    os.fsync(quarantine)
    return [f"{error.message}; it was set aside as {layout.QUARANTINE}/{aside}"]


def set_aside(
    store: "FileStore", kind: str, key: str, data: "bytes | None", before: "dict[tuple[str, str], Record | None]"
) -> bool:
    """Look whether a document is still to be put; a copy of what another program put there since is kept.

    Args:
        store: where.
        kind: of the document.
        key: of the document.
        data: what it shall become.
        before: what tells how the documents were, as far as the intent says.
    """
    present = store.get(kind, key)
    if present == data:
        return False
    known = (kind, key) in before
    if present is not None and known and not is_same(side(store, kind, key, present), before[kind, key]):
        folder, name = layout.place(kind, key)
        aside = layout.quarantined(name.rpartition(".")[0], runtime.timestamp(runtime.now_ns()), runtime.token())
        quarantine = store.folder(layout.QUARANTINE)
        os.link(name, aside, src_dir_fd=store.folder(folder), dst_dir_fd=quarantine, follow_symlinks=False)
        os.fsync(quarantine)
    return True
