"""What is put right before anything else: a damaged state, or one that something other than `milestone` has changed.

Nothing is invented and nothing is deleted: a damaged state is kept as a document of the kind `quarantine`, and the
newest copy that proves itself takes its place.
"""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Document
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import draw_up, whole
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.storage.files.reconciling import reconcile
from milestone_cli.storage.lookup import is_proved, newest, recovered, unrepaired
from milestone_cli.storage.postgres.commit import Attempt, Lock, abandon, meant, take
from milestone_cli.storage.postgres.connection import LostError, RefusedError
from milestone_cli.storage.postgres.log import at_revision
from milestone_cli.storage.postgres.sql import text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.model import Head
    from milestone_cli.storage.postgres import PostgresStore


def recover_state(store: "PostgresStore", milestone: str, timeout: float) -> "tuple[Document, list[str]]":
    """Recover a damaged state; see `PostgresStore.recover`."""
    attempt = Attempt(store, timeout)
    while True:
        try:
            notes = settle(store, milestone, attempt)
        except LostError as error:
            attempt.again(error)
        except RefusedError as error:
            raise meant(store, error, milestone) from None
        except MilestoneError as error:
            if error.code != "store_frozen":
                raise
            return unrepaired(store, copies(store, milestone), milestone, error.message)
        else:
            return store.read(milestone), notes


def settle(store: "PostgresStore", name: str, attempt: Attempt) -> "list[str]":
    """Put a state right that is damaged, or that its log does not know; in a transaction of its own.

    Returns:
        What was done, in sentences.

    Raises:
        MilestoneError: `damaged` when no copy is good.
    """
    lock, _ = take(store, name, attempt)
    try:
        if lock.raw is not None:
            _put_right(store, lock)
        store.connection().query("COMMIT")
        store.enter(is_inside=False)
    except BaseException:
        if store.is_inside():
            abandon(store)
        raise
    return lock.notes


def _put_right(store: "PostgresStore", lock: Lock) -> None:
    assert lock.raw is not None
    try:
        document = parse_envelope(lock.raw, lock.stream)
    except MilestoneError as error:
        if error.code != "damaged":
            raise
        _replace_damaged(store, lock, error)
        return
    if document.sha256 != lock.head.state or document.revision != lock.head.revision:
        reconcile(lock, document)  # type: ignore[arg-type] # which asks a log for no more than `Lock` has


def reconcile_state(store: "PostgresStore", name: str, head: "Head | None", raw: bytes) -> bool:
    """The same inside of a transaction that is open; a damaged state stays, since a plan may replace it."""
    try:
        document = parse_envelope(raw, name)
    except MilestoneError as error:
        if error.code != "damaged":
            raise
        return False
    if head is None or document.sha256 != head.state or document.revision != head.revision:
        from milestone_cli.storage.postgres.transaction import open_log

        reconcile(open_log(store, name), document)  # type: ignore[arg-type]
        return True
    return False


def _replace_damaged(store: "PostgresStore", lock: Lock, error: MilestoneError) -> None:
    """Set a damaged state aside, and put the newest copy that proves itself in its place.

    Raises:
        MilestoneError: the `error`, with what was tried, when there is no such copy.
    """
    name = lock.stream
    source, copy = newest(copies(store, name), error)
    now = runtime.timestamp(lock.clock)
    aside = layout.quarantined(name, now, runtime.token())
    lock.head.base = 0
    draft, told = recovered(error, source, f"{layout.QUARANTINE}/{aside}")
    damaged = Document(b"", lock.head.revision, "", "", None)
    envelope, state = draw_up(name, draft, damaged, copy.text, lock.head, now)
    draft.data = whole(draft.data, copy.text)
    store.connection().pipeline(
        [
            ("SELECT milestone.put($1, 'quarantine', $2, $3)", (store.project, aside, lock.raw)),
            ("SELECT milestone.put($1, 'active', $2, $3)", (store.project, name, envelope)),
        ]
    )
    lock.append([draft], state=state)
    lock.notes.append(told)


def copies(store: "PostgresStore", milestone: str) -> "Iterator[tuple[str, Document | None]]":
    """Copies, newest first: the log's last revision, then backups and checkpoints by the time of their writing."""
    head = store.head(milestone)
    if head is not None and head.revision:
        try:
            yield "the log", at_revision(store, milestone, head.revision)
        except MilestoneError:
            yield "the log", None
    rows = store.ask(
        "SELECT kind, key FROM milestone.document WHERE project = $1 AND kind IN ('backup', 'checkpoint')"
        " AND starts_with(key, $2) ORDER BY written DESC, key DESC",
        store.project,
        milestone,
    )
    for row in rows:
        place = layout.place(text(row[0]), text(row[1]))
        if not layout.is_copy(place[1], milestone):
            continue
        try:
            document = parse_envelope(store.get(text(row[0]), text(row[1])) or b"", milestone)
        except MilestoneError:
            yield place[1], None
            continue
        yield f"{layout.HOME}/{place[0]}/{place[1]}", document if is_proved(document, place[1]) else None
