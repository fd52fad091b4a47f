"""A damaged state: it is set aside, and the newest copy that proves itself takes its place, under the state's lock."""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Change, Document, Draft
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import keep_copy, publish
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.storage.files.lock import Lock
from milestone_cli.storage.files.log import Log

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
    source, copy = newest_copy(store, name, error)
    aside = layout.quarantined(name, runtime.timestamp(runtime.now_ns()), runtime.token())
    keep_copy(store, name, layout.QUARANTINE, aside)
    os.fsync(store.folder(layout.QUARANTINE))
    log.head.base = 0
    data = dumps({"backup_file": source, "quarantined": f"{layout.QUARANTINE}/{aside}", "reason": error.message})
    change = Change(name, [Draft("state_recovered", data, "no-session", "system")])
    damaged = Document(b"", log.head.revision, "", "", None)
    damaged.identity = store.identity(name)
    state = publish(store, change, lock, log.head, damaged, copy.text, backup=False)
    log.append(change.drafts, state=state)
    log.notes.append(f"{error.message}; it was set aside as {layout.QUARANTINE}/{aside} and recovered from {source}")
    recovered = store.document(name)
    assert recovered is not None
    return recovered


def good_copy(store: "FileStore", milestone: str, name: "str | None" = None) -> tuple[str, Document]:
    """A copy of a milestone's state that proves itself: the newest, or the one of a name.

    Args:
        store: where.
        milestone: whose; a copy that says another milestone is none.
        name: of a backup or checkpoint: its file, with or without folder and ending, or the end of its name.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    if name is None:
        return newest_copy(store, milestone, MilestoneError("not_found", f"nothing of '{milestone}' is left"))
    from milestone_cli.storage.lookup import named

    return named(_copies(store, milestone), milestone, name)


def newest_copy(store: "FileStore", milestone: str, error: MilestoneError) -> tuple[str, Document]:
    """The newest copy of a milestone's state that proves itself, and where it was found.

    Raises:
        MilestoneError: `error`, completed, when there is none.
    """
    from milestone_cli.storage.lookup import newest

    return newest(_copies(store, milestone), error)


def _copies(store: "FileStore", milestone: str) -> "Iterator[tuple[str, Document | None]]":
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
        # A backup of ours whose text no longer fits its checksum was written through by a restore of bash.
        proved = document.event is not None or not layout.is_ours(name)
        yield f"{layout.HOME}/{layout.BACKUPS}/{name}", document if proved else None


def recover_state(store: "FileStore", milestone: str, timeout: float) -> tuple[Document, list[str]]:
    """Recover a damaged state; see `FileStore.recover`."""
    deadline = runtime.monotonic() + timeout
    try:
        if any(map(layout.is_intent, os.listdir(store.folder(layout.PENDING)))):
            from milestone_cli.storage.files.rollforward import finish_pending

            finish_pending(store, deadline)
        lock = Lock(store.folder(layout.LOCKS), milestone, deadline, store.folder(layout.ACTIVE))
    except OSError as error:
        return without_writing(store, milestone, str(error.strerror))
    try:
        log = Log(store.folder(layout.LOCKS), store.log_folder(milestone), milestone, deadline)
        try:
            return store.read(milestone), []  # another process was faster
        except MilestoneError as error:
            if error.code != "damaged":
                raise
            if not store.identity(milestone):
                return _copy_alone(store, milestone, error, "it is completed")
            return recover(store, lock, log, error), log.notes
        finally:
            log.close()
    finally:
        lock.release()


def without_writing(store: "FileStore", milestone: str, why: str) -> tuple[Document, list[str]]:
    """The copy that would be taken, where the store can be read and not written."""
    try:
        return store.read(milestone), []
    except MilestoneError as error:
        if error.code != "damaged":
            raise
        return _copy_alone(store, milestone, error, why)


def _copy_alone(store: "FileStore", milestone: str, error: MilestoneError, why: str) -> tuple[Document, list[str]]:
    """The newest copy, and a sentence that nothing was repaired."""
    source, document = newest_copy(store, milestone, error)
    return document, [f"{error.message}; this is {source}; nothing was repaired: {why}"]
