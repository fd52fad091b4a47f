"""A milestone's state: saved whole, changed inside, read back as it was given."""

from milestone_cli.core import commit, draft, lock_timeout, paths_data, setting
from milestone_cli.jsontext import check
from milestone_cli.model import LIMIT, Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Document, Receipt
    from milestone_cli.storage.contract import Store


def save(
    store: "Store",
    milestone: str,
    raw: bytes,
    *,
    expect: "int | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "Receipt":
    """Replace a milestone's state by a JSON document, verbatim.

    Args:
        store: where.
        milestone: whose.
        raw: the document, UTF-8; it is checked before anything is locked or written.
        expect: the revision that must be current; 0: there must be none.
        key: idempotency key.
        timeout: seconds to wait for the lock.

    Raises:
        MilestoneError: `invalid_json`, `too_large`, and what `Store.commit` raises.
    """
    check(raw, LIMIT)
    event = draft(store, "state_saved")
    return commit(store, milestone, event, lambda _: raw, (b"save", raw), expect=expect, key=key, timeout=timeout)


def assign(
    store: "Store",
    milestone: str,
    assignments: "list[tuple[str, str]]",
    *,
    expect: "int | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "Receipt":
    """Set values inside a state, under its lock, so that concurrent settings all stay.

    Args:
        store: where.
        milestone: whose; a state that is not there yet, or was deleted, begins as an empty object.
        assignments: paths and the words for their values, see `document.value_text`.
        expect: the revision that must be current; 0: there must be none.
        key: idempotency key.
        timeout: seconds to wait for the lock.

    Raises:
        MilestoneError: `invalid_path`, `invalid_json`, `too_large`, `not_found` where the state was lost, and what
            `Store.commit` raises.
    """
    from milestone_cli.core import document

    values = [(path, document.value_text(word)) for path, word in assignments]

    def edit(old: "bytes | None") -> bytes:
        if old is None:
            from milestone_cli.core.states.revisions import beginning

            text = beginning(store, milestone)
        else:
            text = old.decode()
        for path, value in values:
            text = document.assign(text, path, value)
        new = text.encode()
        check(new, LIMIT, "the state")
        return new

    request = (b"set", *[part.encode("utf-8", "surrogateescape") for pair in assignments for part in pair])
    event = draft(store, "state_saved", paths_data([path for path, _ in assignments]))
    return commit(store, milestone, event, edit, request, expect=expect, key=key, timeout=timeout)


def load(store: "Store", milestone: str, revision: "int | None" = None) -> "tuple[Document, list[str]]":
    """Read a state; a damaged one is recovered from the newest copy that proves itself.

    Returns:
        The document, and what was done about damage, in sentences.

    Raises:
        MilestoneError: `not_found`, `revision_not_found`, and `damaged` when nothing good is at hand.
    """
    from milestone_cli.errors import MilestoneError

    try:
        return store.read(milestone, revision), []
    except MilestoneError as error:
        if error.code != "damaged":
            raise
        return store.recover(milestone, lock_timeout(store, None))


def record_access(store: "Store", milestone: str) -> None:
    """Log that a state was read."""
    from milestone_cli.storage.names import state_path

    data = f'{{"state_file":"{state_path(milestone)}"}}'
    store.commit(Change(milestone, [draft(store, "state_loaded", data)], timeout=lock_timeout(store, None)))


def records_access(store: "Store") -> bool:
    """Whether the configuration asks that every load be logged."""
    return setting(store, "record_access", "false") == "true"
