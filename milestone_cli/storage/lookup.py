"""What every store says of a milestone whose state is gone or damaged, and how it chooses among the copies of one."""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft
from milestone_cli.storage.files import layout
from milestone_cli.storage.origin import origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.model import Document
    from milestone_cli.storage.contract import Store

    Copies = Iterator[tuple[str, Document | None]]
    """Where each copy is, newest first; None for one that does not prove itself."""


def missing(store: "Store", milestone: str) -> MilestoneError:
    """The error for a milestone without a state, which tells what the log still knows."""
    head = store.head(milestone)
    if head is not None and head.revision:
        return MilestoneError(
            "not_found",
            f"the state of '{milestone}' is gone, but its log holds revision {head.revision}",
            f"`milestone state undo {milestone}` brings it back; `milestone state load {milestone} --revision"
            f" {head.revision}` prints it",
            milestone_id=milestone,
            revision=head.revision,
        )
    known = store.milestones()
    others = [name for name in known if name != milestone]
    names = ", ".join(others[:10]) + (", …" if len(others) > 10 else "")
    return MilestoneError(
        "not_found",
        f"there is no state of '{milestone}'",
        f"the store has {names}"
        if milestone not in known and others
        else f"`milestone state save {milestone}` makes one",
        milestone_id=milestone,
    )


def no_revision(store: "Store", milestone: str, revision: int) -> MilestoneError:
    """The error for a revision that the log does not hold: never there, or removed by retention."""
    head, origin = store.head(milestone), origin_of(store, milestone)
    hint = f"the newest is {head.revision}" if head else "nothing was saved yet"
    message = f"'{milestone}' has no revision {revision}"
    if 0 < revision < origin.revision or (0 < revision == origin.revision and origin.text is None):
        message += " any more: retention removed its events"
        kept = origin.revision + (origin.text is None)
        hint = (
            f"the oldest that is left is {kept}; `milestone events query {milestone} --type events_removed` says when"
        )
    return MilestoneError("revision_not_found", message, hint, milestone_id=milestone, revision=revision)


def good_copy(copies: "Copies", milestone: str, name: "str | None") -> "tuple[str, Document]":
    """A copy of a milestone's state that proves itself, and where it is: the newest, or the one of a name.

    Args:
        copies: of its state.
        milestone: whose.
        name: of a backup or checkpoint: its file, with or without folder and ending, or the end of its name.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    if name is None:
        return newest(copies, MilestoneError("not_found", f"nothing of '{milestone}' is left"))
    leaf = name.rpartition("/")[2].removesuffix(".json")
    for source, document in copies:
        if source.rpartition("/")[2].removesuffix(".json") in (leaf, f"{milestone}-checkpoint-{leaf}"):
            if document is not None:
                return source, document
            raise MilestoneError(
                "damaged", f"the checksum of the copy '{leaf[:140]}' does not fit", "choose another one"
            )
    raise MilestoneError(
        "not_found",
        f"'{milestone}' has no copy '{leaf[:140]}'",
        "`milestone checkpoint list` and `milestone cleanup plan` show them",
        milestone_id=milestone,
    )


def newest(copies: "Copies", error: MilestoneError) -> "tuple[str, Document]":
    """The newest copy that proves itself, and where it is.

    Raises:
        MilestoneError: `error`, completed, when there is none.
    """
    tried = 0
    for source, document in copies:
        tried += 1
        if document is not None:
            return source, document
    error.hint = f"{tried} copies were tried and none is good" if tried else "there is no copy to recover from"
    raise error


def unrepaired(store: "Store", copies: "Copies", milestone: str, why: str) -> "tuple[Document, list[str]]":
    """A state as it is; where it is damaged, and nothing may be written, the newest copy, and a sentence about that."""
    try:
        return store.read(milestone), []
    except MilestoneError as damage:
        if damage.code != "damaged":
            raise
        error = damage
    source, document = newest(copies, error)
    return document, [f"{error.message}; this is {source}; nothing was repaired: {why}"]


def is_proved(document: "Document", file: str) -> bool:
    """Whether a copy is what it says: one of ours that lost its checksum was written through by a restore of bash."""
    return document.event is not None or not layout.is_ours(file)


def recovered(error: MilestoneError, source: str, aside: str) -> "tuple[Draft, str]":
    """The event, and the sentence, that tell of a damaged state which was set aside and replaced by a copy."""
    data = {"backup_file": source, "quarantined": aside, "reason": error.message}
    told = f"{error.message}; it was set aside as {aside} and recovered from {source}"
    return Draft("state_recovered", dumps(data), "no-session", "system"), told
