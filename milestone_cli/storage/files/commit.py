"""One change from the lock to the acknowledgement.

Link the old state as a backup; write the new one aside and sync it; look at the fence; rename; sync the folder; log the
event, which syncs the log. Three syncs, and a kill between any two steps leaves the old state or the new one.
"""

import errno
import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError, completed, conflict
from milestone_cli.jsontext import dumps, quote
from milestone_cli.model import Draft, digest
from milestone_cli.splice import diff
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.envelope import compose
from milestone_cli.storage.files.folders import EXCLUSIVE, forget
from milestone_cli.storage.files.lock import Lock
from milestone_cli.storage.files.log import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Change, Document, Head, Receipt
    from milestone_cli.storage.files import FileStore

REPLAY = 1000
"""Events after which the next state is logged whole, so that reading any revision stays cheap."""


def commit(store: "FileStore", change: "Change") -> "Receipt":
    """Do one change; see `FileStore.commit`."""
    deadline = runtime.monotonic() + change.timeout
    lock = Lock(store.folder(layout.LOCKS), change.milestone, deadline, store.folder(layout.ACTIVE))
    try:
        if not any(map(layout.is_intent, os.listdir(store.folder(layout.PENDING)))):
            return _change(store, change, lock, deadline)
    finally:
        lock.release()
    # A transaction whose maker is dead, or at work on other documents: it comes first, and then nobody else.
    from milestone_cli.storage.files.transaction import enter, release

    gate, held, notes = enter(store, [change.milestone], deadline, change.milestone)
    try:
        try:
            receipt = _change(store, change, held[0], deadline)
        finally:
            release(held)
    finally:
        os.close(gate)
    receipt.notes = notes + receipt.notes
    return receipt


def _change(store: "FileStore", change: "Change", lock: Lock, deadline: float) -> "Receipt":
    """Replace a document under its lock."""
    log = Log(store, change.milestone, deadline)
    try:
        store.refuse_unusable(is_writing=True)  # whoever freezes a store waits for the log's lock
        if log.fd < 0:
            from milestone_cli.storage.files.founding import refuse_twin

            refuse_twin(store, log.stream)
        return _replace(store, change, lock, log)
    finally:
        log.close()


def _replace(store: "FileStore", change: "Change", lock: Lock, log: Log) -> "Receipt":
    """Replace a document under its lock and its log's."""
    assert change.edit is not None
    name, head = change.milestone, log.head
    if lock.broken:
        log.prefix += [Draft("lock_broken", dumps(evidence), "no-session", "system") for evidence in lock.broken]
    try:
        old = store.document(name)
    except MilestoneError as error:
        if error.code != "damaged":
            raise
        from milestone_cli.storage.files.recovery import recover

        old = recover(store, lock, log, error)
    if old is None or old.sha256 != head.state or old.revision != head.revision:
        from milestone_cli.storage.files.reconciling import reconcile

        reconcile(log, old)
    if change.key:
        from milestone_cli.storage.files.appending import known

        if earlier := known(store, change, log):
            return earlier
    if old is None and store.modified("completed", name):
        raise completed(name)
    current = head.revision if old else 0
    if change.expect is not None and change.expect != current:
        raise conflict(name, change.expect, current)
    text = change.edit(old.text if old else None)
    state = publish(store, change, lock, head, old, text)
    try:
        return log.append(change.drafts, change.key, change.request, state)
    except OSError as error:
        raise _unlogged(name, state[0], "its event could not be logged", error) from error


def describe(name: str, draft: Draft, old: "Document | None", text: bytes, head: "Head") -> "tuple[int, str, int, int]":
    """Fill in what the state's event says: the difference to the revision before, or from time to time the whole text.

    Returns:
        What the log's head shall say: revision, SHA-256, base, bytes spliced since the base.
    """
    sha = digest(text)
    revision = head.revision + 1
    splice = dumps(diff(old.text, text)) if old and head.base else ""
    spliced = head.spliced + len(splice)
    is_base = (
        not splice
        or len(splice) > len(text) + 64
        or spliced > max(2 * len(text), 4096)
        or head.sequence - head.base_sequence > REPLAY
    )
    draft.event_id = runtime.new_event_id(runtime.now_ns())
    base = revision if is_base else head.base
    extra = "," + draft.data[1:-1] if len(draft.data) > 2 else ""
    change = "" if is_base else f',"splice":{splice}'
    draft.data = (
        f'{{"state_file":"{layout.state_path(name)}","revision":{revision},"base":{base}'
        f',"sha256":"{sha}"{extra}{change}}}'
    )
    return revision, sha, base, 0 if is_base else spliced


def whole(data: str, text: bytes) -> str:
    """A state event's data with the text itself, as a base has it in the log; the envelope does not say it twice."""
    return f'{data[:-1]},"text":{quote(text.decode())}}}'


def draw_up(
    name: str,
    draft: Draft,
    old: "Document | None",
    text: bytes,
    head: "Head",
    now: str,
    key: str = "",
    request: str = "",
) -> "tuple[bytes, tuple[int, str, int, int]]":
    """Write the envelope of a milestone's next revision, with the event that belongs to it.

    Args:
        name: of the milestone.
        draft: the event; its id and its data are filled in.
        old: the state of the revision before; None: the log shall have the whole text.
        text: the new one.
        head: where the log stands.
        now: RFC 3339.
        key: idempotency key; `request` tells requests under it apart.
        request: 16 hexadecimal digits.

    Returns:
        The envelope, and what the log's head shall say.
    """
    state = describe(name, draft, old, text, head)
    named = f',"key":{quote(key)},"request":"{request}"' if key else ""
    event = (
        f'{{"event_id":"{draft.event_id}","event_type":"{draft.type}","session_id":{quote(draft.session)}'
        f',"agent_id":{quote(draft.agent)}{named},"data":{draft.data}}}'
    )
    return compose(now, name, state[0], state[1], event, text), state


def publish(
    store: "FileStore",
    change: "Change",
    lock: Lock,
    head: "Head",
    old: "Document | None",
    text: bytes,
    *,
    backup: bool = True,
) -> "tuple[int, str, int, int]":
    """Put a new envelope in place of the old one, which stays as a backup.

    Returns:
        What the log's head shall say; the change's first draft says the rest.
    """
    name, draft, folder = change.milestone, change.drafts[0], store.folder(layout.ACTIVE)
    now = runtime.timestamp(runtime.now_ns())
    envelope, state = draw_up(name, draft, old, text, head, now, change.key, change.request)
    if state[2] == state[0]:
        draft.data = whole(draft.data, text)
    aside = layout.temporary(name, lock.token)
    if old and backup:
        keep_copy(store, name, layout.BACKUPS, layout.backup_file(name, now, old.revision))
    try:
        write_synced(aside, envelope, folder)
        lock.check()
        if store.identity(name) != (old.identity if old else ()):
            raise MilestoneError(  # noqa: TRY301 - what was written aside is removed below
                "lock_lost", f"another program changed '{name}' meanwhile; nothing was changed by this one", "try again"
            )
    except BaseException:
        forget(folder, aside)
        raise
    move_in(aside, folder, layout.state_file(name), folder, f"revision {state[0]} of '{name}'")
    try:
        os.fsync(folder)
    except OSError as error:
        raise _unlogged(name, state[0], "it is uncertain whether it survives a power cut", error) from error
    return state


def _unlogged(name: str, revision: int, what: str, error: OSError) -> MilestoneError:
    """The error for a failure after the new state is in place: never plain failure."""
    return MilestoneError(
        "unlogged",
        f"revision {revision} of '{name}' is on disk, but {what}: {error.strerror}",
        "the next command that can write logs it; repeat this one only with an idempotency key",
        milestone_id=name,
        revision=revision,
    )


def move_in(aside: str, source: int, name: str, target: int, what: str) -> None:
    """Put a file in its place, the moment of a change; who is interrupted right behind it tells what was done."""
    try:
        os.rename(aside, name, src_dir_fd=source, dst_dir_fd=target)
    except BaseException as error:
        if not forget(source, aside) and isinstance(error, KeyboardInterrupt):
            runtime.applied.append(what)
        raise
    runtime.applied.append(what)


def write_synced(name: str, data: bytes, folder: int) -> None:
    """Write a new file, whole and synced; a failed sync is never tried again on the same descriptor."""
    fd = os.open(name, EXCLUSIVE, 0o600, dir_fd=folder)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)


def keep_copy(store: "FileStore", milestone: str, folder: str, name: str) -> None:
    """Keep a state's file under another name, by a link that copies no bytes; where links cannot be, by a copy."""
    source, target = store.folder(layout.ACTIVE), store.folder(folder)
    state = layout.state_file(milestone)
    try:
        os.link(state, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        pass  # this revision, kept in this second, by a writer that was killed
    except OSError as error:
        if error.errno not in (errno.EMLINK, errno.EPERM, errno.EXDEV, errno.ENOTSUP):
            raise
        data = store.read_file(layout.ACTIVE, state, 1 << 30)
        forget(target, name)  # of such a writer, and perhaps not whole
        try:
            write_synced(name, data, target)
        except OSError:
            forget(target, name)
            raise
