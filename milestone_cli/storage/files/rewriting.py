"""Putting a mended log in the place of a damaged one, all or nothing; the damaged one is kept.

The order: what is not told yet of a torn or cut log is logged; the old file gets a second name in the quarantine; the
new one is written aside, with the event that tells of it at its end, and synced; the head, which knows the old file, is
made void and synced; then one rename, and both folders are synced before a head names the new file. A kill before it
leaves the old log, a kill after it the new one, and the next writer makes the head anew from what it finds. Bash takes
no lock: what it wrote into the old file meanwhile is adopted.
"""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import OF_SESSION
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import move_in
from milestone_cli.storage.files.folders import READ, forget
from milestone_cli.storage.files.lock import Lock
from milestone_cli.storage.files.log import FLAGS, HEAD, Log, event_id, write_head
from milestone_cli.storage.files.sealing import NO_LINKS, PATIENCE, copy, is_left_alone, put
from milestone_cli.storage.files.tail import note
from milestone_cli.storage.files.transaction import take_gate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from milestone_cli.model import Draft, Edit, Receipt
    from milestone_cli.storage.files import FileStore


def rewrite(
    store: "FileStore",
    stream: str,
    edits: "Sequence[Edit]",
    tell: "Callable[[str], list[Draft]]",
    *,
    rehead: bool,
    timeout: float,
) -> "Receipt":
    """Edit a log in place of appending to it; see `FileStore.rewrite`."""
    deadline = runtime.monotonic() + timeout
    # Retention, a transaction, holds the locks of milestones only, so a session's log is kept from it by the gate.
    gate = take_gate(store, deadline) if stream[:1] == OF_SESSION else -1
    try:
        lock = Lock(store.folder(layout.LOCKS), stream.removeprefix(OF_SESSION), deadline, store.folder(layout.ACTIVE))
        try:
            store.refuse_unusable(is_writing=True)
            return _rewrite(store, lock, stream, edits, tell, deadline, rehead=rehead)
        finally:
            lock.release()
    finally:
        if gate >= 0:
            os.close(gate)


def _rewrite(
    store: "FileStore",
    lock: Lock,
    stream: str,
    edits: "Sequence[Edit]",
    tell: "Callable[[str], list[Draft]]",
    deadline: float,
    *,
    rehead: bool,
) -> "Receipt":
    if rehead:
        _void_head(store, stream, deadline)
    log = Log(store, stream, deadline)
    try:
        if not edits:
            return _rebase(log, tell)
        if log.prefix:
            log.append([])
        return _replace(store, lock, log, edits, tell)
    finally:
        log.close()


def _void_head(store: "FileStore", stream: str, deadline: float) -> None:
    """Let the log itself say where it stands."""
    log = Log(store, stream, deadline)
    try:
        if log.head_fd >= 0:
            os.pwrite(log.head_fd, bytes(HEAD), 0)
    finally:
        log.close()


def _rebase(log: Log, tell: "Callable[[str], list[Draft]]") -> "Receipt":
    """Only append, and let the next state be logged whole."""
    receipt = log.append(tell(""))
    log.head.base = 0
    write_head(log.head_fd, log.head)
    return receipt


def _replace(
    store: "FileStore", lock: Lock, log: Log, edits: "Sequence[Edit]", tell: "Callable[[str], list[Draft]]"
) -> "Receipt":
    from milestone_cli.storage.files.tail import newest_seal

    sealed = newest_seal(log)
    base = sealed.end if sealed else 0
    parts = [(at - base, old, new) for at, old, new in edits]
    _refuse_other(log, parts)
    kept = _keep(store, log)
    drafts = [note("lock_broken", evidence) for evidence in lock.broken]
    drafts += tell(kept)
    size = os.fstat(log.fd).st_size
    aside, folder = layout.temporary(lock.name, lock.token), store.folder(layout.ACTIVE)
    first, old = log.head.sequence + 1, -1
    fd = os.open(aside, FLAGS | os.O_EXCL | os.O_APPEND, 0o600, dir_fd=folder)
    try:
        try:
            _copy_edited(log.fd, size, parts, fd)
            lines = [log.line(draft, "", "") for draft in drafts]
            put(fd, b"".join(lines))
            os.fsync(fd)
            lock.check()
            old = os.open(layout.log_file(log.stream), READ, dir_fd=log.folder)
            _refuse_other_file(log, old)
            os.pwrite(log.head_fd, bytes(HEAD), 0)
            os.fsync(log.head_fd)  # a power cut must not leave the old head beside the new log
        except BaseException:
            forget(folder, aside)
            raise
        move_in(aside, folder, layout.log_file(log.stream), log.folder, f"the repair of the log of '{log.stream}'")
        os.fsync(log.folder)
        os.fsync(folder)
    except BaseException:
        os.close(fd)
        if old >= 0:
            os.close(old)
        raise
    try:
        log.replace(fd)
        log.head.base = 0
        log.head.end, log.head.inode = os.fstat(fd).st_size, os.fstat(fd).st_ino
        _adopt(log, old, size)
        write_head(log.head_fd, log.head)
    finally:
        os.close(old)
    return _receipt(log, first, lines)


def _receipt(log: Log, first: int, lines: "list[bytes]") -> "Receipt":
    from milestone_cli.model import Receipt

    head = log.head
    receipt = Receipt(
        log.stream, head.revision, head.state, first, head.sequence, event_id(lines[-1]), runtime.timestamp(head.time)
    )
    receipt.notes = log.notes
    return receipt


def _refuse_other(log: Log, edits: "Sequence[Edit]") -> None:
    """Refuse edits of a log that is not the one they were made for, or of its sealed parts."""
    for at, old, _ in edits:
        if at < 0:
            raise MilestoneError(
                "conflict",
                f"a sealed part of the log of '{log.stream}' is never changed",
                f"`milestone state history {log.stream}` lists the revisions that can still be read",
            )
        if os.pread(log.fd, len(old), at) != old:
            raise _changed(log.stream)


def _changed(stream: str) -> MilestoneError:
    return MilestoneError(
        "conflict", f"another program changed the log of '{stream}' meanwhile; nothing was changed", "repair it again"
    )


def _refuse_other_file(log: Log, fd: int) -> None:
    """Refuse to go on when the clean-up of bash has just put another file in the log's place."""
    if os.fstat(fd).st_ino != os.fstat(log.fd).st_ino:
        raise _changed(log.stream)


def _keep(store: "FileStore", log: Log) -> str:
    """Keep the log as it is in the quarantine, by a link that copies no bytes, else by a copy; where it is."""
    place, name = layout.log_folder(log.stream), layout.log_file(log.stream)
    aside = store.aside()
    kept = f"{layout.QUARANTINE}/{aside.name}/{place}"
    folder = store.folder(kept)
    aside.note({"from": f"{place}/{name}", "to": f"{kept}/{name}", "why": "it was damaged, and is mended"})
    target = name
    while target in os.listdir(folder):
        target = f"again-{target}"  # an earlier repair of this very process
    try:
        os.link(name, target, src_dir_fd=log.folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        fd = os.open(target, FLAGS | os.O_EXCL, 0o600, dir_fd=folder)
        try:
            copy(log.fd, 0, os.fstat(log.fd).st_size, fd)
            os.fsync(fd)
        finally:
            os.close(fd)
    os.fsync(folder)
    return f"{kept}/{target}"


def _copy_edited(source: int, size: int, edits: "Sequence[Edit]", target: int) -> None:
    """Copy a file, other bytes in the place of some."""
    at = 0
    for where, old, new in [*edits, (size, b"", b"")]:
        copy(source, at, where, target)
        put(target, new)
        at = where + len(old)


def _adopt(log: Log, old: int, size: int) -> None:
    """Append what bash wrote into the old file after it was copied; nobody can open that any more, by its name."""
    for _ in range(PATIENCE):
        if is_left_alone(old, runtime.now_ns()):
            break
        runtime.sleep(0.001)
    late = os.pread(old, os.fstat(old).st_size - size, size)
    if not late:
        return
    rest = len(late) - late.rfind(b"\n") - 1
    if rest:
        at = log.head.end + len(late) - rest
        late += b"\n" + log.line(note("log_torn", {"offset": at, "bytes": rest}), "", "")
    log.head.end = log.write(late)
