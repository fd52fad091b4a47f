"""A damaged state: it is set aside, and the newest copy that proves itself takes its place, under the state's lock."""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Change, Document
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import keep_copy, publish
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.storage.files.lock import Lock
from milestone_cli.storage.files.log import Log
from milestone_cli.storage.lookup import is_proved, newest, recovered, unrepaired

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.files import FileStore


def recover(store: "FileStore", lock: Lock, log: Log, error: MilestoneError) -> Document:
    """Put the newest copy that proves itself in the place of a damaged state.

    Raises:
        MilestoneError: the `error` given, with what was tried, when there is no such copy; nothing is changed then.
    """
    name = log.stream
    source, copy = newest(copies(store, name), error)
    aside = layout.quarantined(name, runtime.timestamp(runtime.now_ns()), runtime.token())
    keep_copy(store, name, layout.QUARANTINE, aside)
    os.fsync(store.folder(layout.QUARANTINE))
    log.head.base = 0
    event, told = recovered(error, source, f"{layout.QUARANTINE}/{aside}")
    change = Change(name, [event])
    damaged = Document(b"", log.head.revision, "", "", None)
    damaged.identity = store.identity(name)
    state = publish(store, change, lock, log.head, damaged, copy.text, backup=False)
    log.append(change.drafts, state=state)
    log.notes.append(told)
    document = store.document(name)
    assert document is not None
    return document


def copies(store: "FileStore", milestone: str) -> "Iterator[tuple[str, Document | None]]":
    """Copies, newest first: the log's last revision, then backups and checkpoints by the time of their state."""
    from milestone_cli.storage.files.compressing import plain
    from milestone_cli.storage.files.history import at_revision

    head = store.head(milestone)
    if head is not None and head.revision:
        try:
            yield "the log", at_revision(store, milestone, head.revision)
        except MilestoneError:
            yield "the log", None
    folder = store.folder(layout.BACKUPS)
    found = [
        (os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime_ns, name)
        for name in os.listdir(folder)
        if layout.is_copy(name, milestone)
    ]
    for _, name in sorted(found, reverse=True):
        try:
            raw = store.read_file(layout.BACKUPS, name, 1 << 28)
            document = parse_envelope(plain(raw, 1 << 28, name), milestone)
        except (MilestoneError, OSError):
            yield name, None
            continue
        yield f"{layout.HOME}/{layout.BACKUPS}/{name}", document if is_proved(document, name) else None


def recover_state(store: "FileStore", milestone: str, timeout: float) -> tuple[Document, list[str]]:
    """Recover a damaged state; see `FileStore.recover`."""
    deadline = runtime.monotonic() + timeout
    try:
        store.refuse_unusable(is_writing=True)
        if any(map(layout.is_intent, os.listdir(store.folder(layout.PENDING)))):
            from milestone_cli.storage.files.rollforward import finish_pending

            finish_pending(store, deadline)
        lock = Lock(store.folder(layout.LOCKS), milestone, deadline, store.folder(layout.ACTIVE))
    except OSError as error:
        return unrepaired(store, copies(store, milestone), milestone, str(error.strerror))
    except MilestoneError as error:
        if error.code != "store_frozen":
            raise
        return unrepaired(store, copies(store, milestone), milestone, "the store is frozen")
    try:
        log = Log(store, milestone, deadline)
        try:
            store.refuse_unusable(is_writing=True)
            return store.read(milestone), []  # another process was faster
        except MilestoneError as error:
            if error.code != "damaged":
                raise
            if not store.identity(milestone):
                return unrepaired(store, copies(store, milestone), milestone, "it is completed")
            return recover(store, lock, log, error), log.notes
        finally:
            log.close()
    finally:
        lock.release()
