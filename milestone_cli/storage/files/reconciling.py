"""What a crash or another program left between a state and its log, put right; always under the state's lock.

Nothing is invented: an event that a crash swallowed stands in the envelope; a change from outside is taken as it is.
"""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Document, Draft
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import whole
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.storage.files.log import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Receipt


def reconcile(log: Log, document: Document | None) -> None:
    """Bring a log up to the state on disk; the document's revision is set to what it is.

    Args:
        log: locked; an event is appended when one is missing.
        document: the state on disk, or None.
    """
    head = log.head
    if document is None:
        head.base = 0
        return
    if document.revision == head.revision + 1 and _is_whole(document):
        _log_swallowed(log, document)
    elif document.sha256 != head.state:
        head.revision = max(head.revision, document.revision)
        _log_outside(log, document)
    document.revision = head.revision


def _is_whole(document: Document) -> bool:
    """Whether an envelope carries an event that can be logged as it is; it may have been edited by hand."""
    event = document.event
    data = event.get("data") if isinstance(event, dict) else None
    if (
        not isinstance(event, dict)
        or not isinstance(data, dict)
        or "session_id" not in event
        or "agent_id" not in event
    ):
        return False
    if (data.get("revision"), data.get("sha256")) != (document.revision, document.sha256):
        return False
    plain = [str(event.get(name)).replace("-", "").replace("_", "") for name in ("event_type", "event_id")]
    request = str(event.get("request", ""))
    is_plain = all(word.isascii() and word.isalnum() for word in plain)
    is_request = not event.get("key") or (len(request) == 16 and set(request) <= set("0123456789abcdef"))
    base = data.get("base")
    is_based = base == document.revision or (type(base) is int and isinstance(data.get("splice"), list))
    return is_plain and is_request and is_based


def _log_swallowed(log: Log, document: Document) -> None:
    """Log the event that its writer could not: it was killed, or the disk was full, after the state was in place."""
    event = document.event
    assert event is not None
    _log_state(log, document, [], str(event.get("key", "")), str(event.get("request", "")))
    log.notes.append(f"revision {document.revision} of '{log.stream}' was saved but not logged; it is logged now")


def _log_state(log: Log, document: Document, more: list[Draft], key: str, request: str) -> "Receipt":
    """Log the event that an envelope carries, of the revision after the log's, and further events behind it."""
    event = document.event
    assert event is not None
    data = event.get("data")
    assert isinstance(data, dict)
    text = dumps(data)
    base = data["base"]
    if base == document.revision:
        text, spliced = whole(text, document.text), 0
    else:
        spliced = log.head.spliced + len(dumps(data["splice"]))
    draft = Draft(
        str(event["event_type"]), text, str(event["session_id"]), str(event["agent_id"]), str(event["event_id"])
    )
    return log.append([draft, *more], key, request, (document.revision, document.sha256, base, spliced))


def state_events(contents: "list[tuple[str, str, bytes | None]]") -> dict[str, Document]:
    """The states among the documents that a transaction puts, by the id of the event that each one carries."""
    found = {}
    for kind, key, data in contents:
        if data is not None and kind in ("active", "completed", "backup"):
            name = key if kind != "backup" else key.rpartition("-r")[0][:-16]
            try:
                document = parse_envelope(data, name)
            except MilestoneError:
                continue  # a damaged state that is moved as it is
            if document.event is not None:
                found[str(document.event.get("event_id"))] = document
    return found


def log_events(log: Log, drafts: list[Draft], states: dict[str, Document], key: str, request: str) -> "Receipt":
    """Log the events of a transaction, in order; that of a state as its envelope carries it.

    Args:
        log: locked.
        drafts: at least one.
        states: what `state_events` found.
        key: idempotency key, which goes onto the last event.
        request: what tells requests under it apart.

    Returns:
        The receipt of the last event; its `first` is the sequence number of the first one.
    """
    first = 0
    at = 0
    while True:
        state = states.get(drafts[at].event_id)
        stop = next((i for i in range(at + 1, len(drafts)) if drafts[i].event_id in states), len(drafts))
        named = (key, request) if stop == len(drafts) else ("", "")
        if state is None:
            receipt = log.append(drafts[at:stop], *named)
        else:
            receipt = _log_state(log, state, drafts[at + 1 : stop], *named)
        first = first or receipt.first
        if stop == len(drafts):
            receipt.first = first
            return receipt
        at = stop


def _log_outside(log: Log, document: Document) -> None:
    """Record a change that bash or an editor made."""
    revision = log.head.revision + 1
    data = (
        f'{{"state_file":"{layout.state_path(log.stream)}","revision":{revision},"base":{revision}'
        f',"sha256":"{document.sha256}","outside":true}}'
    )
    draft = Draft("state_saved", whole(data, document.text), "no-session", "system")
    log.append([draft], state=(revision, document.sha256, revision, 0))
