"""Several files and events, all or nothing: an intent is written first, and its rename is the commit point.

Before it nothing has changed. After it there is only forward: the files are put in place, the events logged, and the
record, without the contents, moves to the committed ones; whoever comes next does what its maker could not, see
`rollforward`. Records have the keys of the reference architecture and are JSON text, which YAML is.
"""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft
from milestone_cli.storage.files import intent, layout
from milestone_cli.storage.files.commit import write_synced
from milestone_cli.storage.files.folders import forget
from milestone_cli.storage.files.lock import Lock
from milestone_cli.storage.files.log import FLAGS, Log, find_key, flock
from milestone_cli.storage.transactions import opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from milestone_cli.model import Plan, Receipt
    from milestone_cli.storage.files import FileStore

    Record = dict[str, Any]
    Fences = dict[str, tuple[int, ...]]

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
    gate, held, notes = enter(store, names, deadline)
    try:
        try:
            if once and (known := _known(store, once, deadline)):
                return [known]
            fences = _settle(store, held, deadline)
            started = runtime.timestamp(runtime.now_ns())
            plan = build()
            receipts = _do(store, plan, started, (sorted(set(names)), once), held, fences, deadline)
        finally:
            release(held)
    finally:
        os.close(gate)
    if receipts:
        receipts[0].notes = notes + receipts[0].notes
    return receipts


def enter(store: "FileStore", names: list[str], deadline: float, beside: str = "") -> tuple[int, list[Lock], list[str]]:
    """Pass the gate, finish what others left, and take the locks; also what was finished, in sentences.

    With `beside`, a milestone whose state alone will be changed, what is not about it need not be finished first: it
    may wait for somebody who holds another lock for long.
    """
    notes: list[str] = []
    while True:
        gate = take_gate(store, deadline)
        try:
            patience = min(deadline, runtime.monotonic() + PATIENCE)
            if os.listdir(store.folder(layout.PENDING)):
                from milestone_cli.storage.files.rollforward import finish_all

                notes += finish_all(store, patience, beside)
            return gate, take(store, names, patience), notes
        except BaseException as error:
            os.close(gate)
            if is_final(error, deadline):
                raise
        # Somebody holds a lock for long: others pass the gate meanwhile.
        runtime.sleep(2 * PATIENCE)


def _do(
    store: "FileStore",
    plan: "Plan",
    started: str,
    asked: "tuple[list[str], tuple[str, str, str] | None]",
    held: list[Lock],
    fences: "Fences",
    deadline: float,
) -> "list[Receipt]":
    """Do what was planned under the locks that were `asked` for, once."""
    plan.id = plan.id or runtime.new_transaction_id(runtime.now_ns())
    if plan.refused is not None:
        intent.leave_refused(store, plan, started)
        raise plan.refused
    if not plan.puts and not plan.events:
        return []
    for stream, draft in plan.events:
        draft.event_id = draft.event_id or runtime.new_event_id(runtime.now_ns())
        store.let_go()
        if not store.has_log(stream):
            from milestone_cli.storage.files.founding import refuse_twin

            refuse_twin(store, stream)
    record: Record = opened(store, plan, started, lambda kind, key: "/".join(layout.place(kind, key)))
    intent.commit(store, intent.draw_up(store, record, plan, *asked), held, fences)
    return apply(store, record, plan, plan.puts, held, deadline, once=asked[1])


def is_final(error: BaseException, deadline: float) -> bool:
    """Whether waiting longer cannot help, because the time is over or the holder waits for us."""
    busy = isinstance(error, MilestoneError) and error.code == "lock_timeout" and not error.details.get("ancestor")
    return not busy or runtime.monotonic() >= deadline


def _known(store: "FileStore", once: "tuple[str, str, str]", deadline: float) -> "Receipt | None":
    """The receipt of the same request under the same key, when it was done before."""
    stream, key, request = once
    log = Log(store, stream, deadline)
    try:
        sequence = find_key(log.head_fd, key, request) if log.head_fd >= 0 else 0
    finally:
        log.close()
    if not sequence:
        return None
    from milestone_cli.storage.files.history import receipt_of

    return receipt_of(store, stream, sequence)


def take_gate(store: "FileStore", deadline: float) -> int:
    """Take the lock among transactions, to write; its open descriptor."""
    fd = os.open(layout.GATE, FLAGS, 0o600, dir_fd=store.folder(layout.LOCKS))
    try:
        flock(fd, deadline, "transactions")
        store.refuse_unusable(is_writing=True)
    except BaseException:
        os.close(fd)
        raise
    return fd


def take(store: "FileStore", names: list[str], deadline: float) -> list[Lock]:
    """Take several locks, in sorted order, so that two who want the same ones never wait for each other."""
    held: list[Lock] = []
    try:
        for name in sorted(set(names)):
            lock = Lock(store.folder(layout.LOCKS), name, deadline, store.folder(layout.ACTIVE))
            held.append(lock)
    except BaseException:
        release(held)
        raise
    return held


def release(held: list[Lock]) -> None:
    """Give locks back, the last one first; all of them, even if one fails."""
    try:
        while held:
            held.pop().release()
    finally:
        if held:
            release(held)


def _settle(store: "FileStore", held: list[Lock], deadline: float) -> "Fences":
    """Bring logs up to the states on disk, as a single change does, so that every plan starts from what is recorded.

    Returns:
        What tells that a state is still the one that was looked at.
    """
    fences = {}
    for lock in held:
        name = lock.name
        try:
            document = store.document(name)
        except MilestoneError as error:
            if error.code != "damaged":
                raise
            document = None  # the plan tells, or replaces it
        fences[name] = store.identity(name)
        head = store.head(name)
        if document is None and (head is not None or not store.has_log(name)):
            continue
        if document and head and (head.state, head.revision) == (document.sha256, document.revision):
            continue
        log = Log(store, name, deadline)
        try:
            if document and (log.head.state, log.head.revision) != (document.sha256, document.revision):
                from milestone_cli.storage.files.reconciling import reconcile

                reconcile(log, document)
        finally:
            log.close()
    return fences


def apply(
    store: "FileStore",
    record: "Record",
    plan: "Plan",
    contents: "list[tuple[str, str, bytes | None]]",
    held: list[Lock],
    deadline: float,
    *,
    once: "tuple[str, str, str] | None",
    is_new: bool = True,
) -> "list[Receipt]":
    """Put the files in place, log the events, and leave a record of it where the committed ones are.

    Args:
        store: where.
        record: of the transaction.
        plan: what of it is still to be done.
        contents: all that it puts, done or not.
        held: its locks.
        deadline: on the monotonic clock.
        once: stream, idempotency key and request; the key goes onto the last event of that stream.
        is_new: its maker does it; else what is there may be half done, or changed since.

    Returns:
        A receipt for each log, in the order of the plan's events.
    """
    try:
        cuts = [(key, data) for kind, key, data in plan.puts if kind == "origin" and data is not None]
        if cuts:
            from milestone_cli.storage.files import trimming

            trimming.part_all(store, cuts, deadline)
        _put(store, record, plan.puts, is_new=is_new)
        if cuts:
            trimming.remove(store, cuts, deadline)
        receipts = _log(store, plan, contents, held, deadline, once)
        intent.close(store, record)
    except (OSError, MilestoneError) as error:
        if not is_new:
            raise
        why = error.message if isinstance(error, MilestoneError) else str(error.strerror)
        raise intent.unfinished(record, why) from error
    return receipts


def _put(store: "FileStore", record: "Record", puts: "list[tuple[str, str, bytes | None]]", *, is_new: bool) -> None:
    before = {(one["kind"], one["key"]): one["before"] for one in record.get("documents", ())}
    touched: dict[str, None] = {}
    for kind, key, data in puts:
        store.let_go()
        folder, name = layout.place(kind, key)
        touched[folder] = None
        aside = layout.temporary(name, record["transaction"]["id"])
        if not is_new:
            from milestone_cli.storage.files.rollforward import set_aside

            forget(store.folder(folder), aside)  # of the one that was killed, whether or not it is to be put
            if not set_aside(store, kind, key, data, before):
                continue
        fd = store.folder(folder)
        old = before.get((kind, key))
        if kind == "active" and data is not None and old and "revision" in old:
            _back_up(store, key, old["revision"], record["transaction"]["started_at"])
        if data is None:
            forget(fd, name)
            continue
        try:
            write_synced(aside, data, fd)
            os.rename(aside, name, src_dir_fd=fd, dst_dir_fd=fd)
        except BaseException:
            forget(fd, aside)
            raise
    for folder in touched:
        store.let_go()
        os.fsync(store.folder(folder))
    for kind, key, data in puts:
        if data is None and kind in layout.NESTED:
            store.remove_empty(layout.place(kind, key)[0], layout.SESSIONS)


def _back_up(store: "FileStore", milestone: str, revision: int, started: str) -> None:
    """Keep the state that is about to be replaced, as a single change does."""
    from milestone_cli.storage.files.commit import keep_copy

    keep_copy(store, milestone, layout.BACKUPS, layout.backup_file(milestone, started, revision))


def _log(
    store: "FileStore",
    plan: "Plan",
    contents: "list[tuple[str, str, bytes | None]]",
    held: list[Lock],
    deadline: float,
    once: "tuple[str, str, str] | None",
) -> "list[Receipt]":
    from milestone_cli.storage.files.reconciling import log_events, state_events

    states = state_events(contents)
    receipts = []
    for stream in dict.fromkeys(stream for stream, _ in plan.events):
        drafts = [draft for name, draft in plan.events if name == stream]
        store.let_go()
        log = Log(store, stream, deadline)
        try:
            for lock in held:
                if lock.name == stream:
                    log.prefix += [Draft("lock_broken", dumps(one), "no-session", "system") for one in lock.broken]
                    lock.broken = []
            key = once[1:] if once and once[0] == stream else ("", "")
            receipts.append(log_events(log, drafts, states, *key))
        finally:
            log.close()
    return receipts
