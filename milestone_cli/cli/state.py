"""The commands of `milestone state`: save, load, get, set, list."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import (
        Data, DocumentFormat, Format, IdempotencyKey, IfRevision, Indent, LockTimeout, MilestoneId, PathWords,
        RecordAccess, Revision, SetWords, Strict,
    )


def save(
    milestone: "MilestoneId" = None,
    data: "Data" = None,
    if_revision: "IfRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Save a milestone's state: validated, backed up, replaced atomically, logged.

    Without data the document is read from standard input, when that is no terminal.

    Example: milestone state save demo '{"step": 1}'
    """


def load(
    milestone: "MilestoneId" = None,
    revision: "Revision" = None,
    record_access: "RecordAccess" = False,
    strict: "Strict" = False,
    indent: "Indent" = None,
    output: "DocumentFormat" = "text",
) -> None:
    """Print a milestone's state, exactly as it was saved.

    A damaged state is recovered from the newest copy that proves itself, and standard error says so.

    Example: milestone state load demo
    """


def get(
    words: "PathWords",
    output: "DocumentFormat" = "text",
) -> None:
    """Print one value of a state: a string bare, anything else as its JSON text.

    Example: milestone state get demo step
    """


def set_(
    words: "SetWords",
    if_revision: "IfRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Set values inside a state, making parents; the rest of its text stays untouched.

    Example: milestone state set demo step=2 notes.last="all good"
    """


def list_(output: "Format" = "text") -> None:
    """List the milestones of the store, with revision and age.

    Example: milestone state list
    """
