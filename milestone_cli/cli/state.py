"""The commands of `milestone state`: save, load, get, set, list."""

from milestone_cli import render
from milestone_cli.core import current_milestone, state
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Receipt

    from .options.shared import Data, DocumentFormat, Format, IdempotencyKey, LockTimeout, MilestoneId, Strict
    from .options.states import At, IfRevision, Indent, PathWords, RecordAccess, Revision, SetWords


def save(
    milestone: "MilestoneId" = None,
    data: "Data" = None,
    if_revision: "IfRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Save a milestone's state: validated, backed up, replaced atomically and logged.

    Without data the document is read from standard input, unless that is a terminal.

    Example: milestone state save demo '{"step": 1}'
    """
    from .data import is_data, read_data

    if data is None and is_data(milestone):
        milestone, data = None, milestone
    store = open_store()
    name = current_milestone(store, milestone)
    raw = read_data(data)
    receipt = state.save(store, name, raw, expect=if_revision, key=idempotency_key, timeout=lock_timeout)
    acknowledge("state-save", receipt, "saved", output)


def load(
    milestone: "MilestoneId" = None,
    revision: "Revision" = None,
    at: "At" = None,
    record_access: "RecordAccess" = False,
    strict: "Strict" = False,
    indent: "Indent" = None,
    output: "DocumentFormat" = "text",
) -> None:
    """Print a milestone's state, exactly as it was saved.

    A damaged state is recovered from the newest copy whose checksum fits, and standard error says so.

    Example: milestone state load demo
    """
    store = open_store()
    name = current_milestone(store, milestone)
    if at is not None:
        from milestone_cli.core.states.revisions import revision_at

        if revision is not None:
            _refuse("--at and --revision both say which state is meant", "give one of them")
        revision = revision_at(store, name, at)
    document, notes = state.load(store, name, revision)
    if notes:
        render.notify(notes)
    if record_access or state.records_access(store):
        state.record_access(store, name)
    print_document(document.text, indent, output, bare=False)
    if strict and notes:
        from milestone_cli.errors import MilestoneError

        raise MilestoneError(
            "recovered", f"the state of '{name}' had to be recovered", "the lines before this one say from what"
        )


def get(
    words: "PathWords",
    output: "DocumentFormat" = "text",
) -> None:
    """Print one value of a state: a string without quotes, anything else as its JSON text.

    Example: milestone state get demo step
    """
    from milestone_cli.core import document

    path = words[-1]
    if len(words) > 2:
        _refuse(f"'{words[2][:140]}' is one word too many", "write `milestone state get [MILESTONE] PATH`")
    store = open_store()
    name = current_milestone(store, words[0] if len(words) == 2 else None)
    read, notes = state.load(store, name)
    if notes:
        render.notify(notes)
    print_document(document.find(read.text.decode(), path).encode(), None, output, bare=True)


def set_(
    words: "SetWords",
    if_revision: "IfRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Set values inside a state, creating parents as needed; the rest of its text stays untouched.

    Example: milestone state set demo step=2 notes.last="all good"
    """
    given = None if "=" in words[0] else words[0]
    assignments = []
    for word in words if given is None else words[1:]:
        path, mark, value = word.partition("=")
        if not mark:
            _refuse(f"'{word[:140]}' is not PATH=VALUE", "write for example step=2")
        assignments.append((path, value))
    if not assignments:
        _refuse("there is nothing to set", "write for example step=2")
    store = open_store()
    name = current_milestone(store, given)
    receipt = state.assign(store, name, assignments, expect=if_revision, key=idempotency_key, timeout=lock_timeout)
    acknowledge("state-set", receipt, "set", output)


def list_(output: "Format" = "text") -> None:
    """List the milestones of the store, with revision and age.

    Example: milestone state list
    """
    from milestone_cli.core.standing.overview import milestones
    from milestone_cli.render.overview import list_text

    found = milestones(open_store())
    render.emit("state-list", {"milestones": found}, list_text(found), output)


def _refuse(message: str, hint: str) -> None:
    from milestone_cli.errors import MilestoneError

    raise MilestoneError("usage", message, hint)


def acknowledge(
    kind: str, receipt: "Receipt", done: str, output: str, more: "dict[str, object] | None" = None, rest: str = ""
) -> None:
    """Print what a commit did, with more for machines and the rest for people; when this is printed, it is on disk."""
    if receipt.notes:
        render.notify(receipt.notes)
    fields: dict[str, object] = {
        "milestone_id": receipt.milestone,
        "revision": receipt.revision,
        "sha256": receipt.sha256,
        "event_id": receipt.event_id,
        "sequence_number": receipt.sequence,
        "timestamp": receipt.timestamp,
        "replayed": receipt.replayed,
    }
    if more:
        fields.update(more)
    again = " already, under this key" if receipt.replayed else ""
    render.emit(kind, fields, f"{receipt.milestone}: revision {receipt.revision} {done}{again}{rest}", output)


def print_document(text: bytes, indent: "int | None", output: str, *, bare: bool) -> None:
    """Print JSON of the user's: exactly its text in a pipe, indented and coloured at a terminal, a string bare."""
    from milestone_cli import runtime

    if output == "yaml":
        from milestone_cli.render.document import as_yaml

        render.write(as_yaml(text))
    elif indent is not None or (output == "text" and not bare and runtime.is_terminal(1)):
        from milestone_cli.render.document import pretty

        render.write(pretty(text, 2 if indent is None else indent))
    elif bare and output == "text":
        from milestone_cli.jsontext import loads

        value = text.decode()
        shown = str(loads(value)) if value[:1] == '"' else value
        if runtime.is_terminal(1):
            from milestone_cli.render.text import clean

            shown = clean(shown)
        render.write(shown + "\n")
    else:
        render.write(text)
