"""Any revision of a state, read back from the log: one base, then its splices; the SHA-256 in the log proves it."""

from milestone_cli.jsontext import loads
from milestone_cli.model import Document, Receipt, digest
from milestone_cli.splice import apply
from milestone_cli.storage.files.reading import bisect, lines, number
from milestone_cli.storage.files.wholelog import open_whole
from milestone_cli.storage.origin import origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.files.wholelog import WholeLog

REVISION = number(b"revision")
SEQUENCE = number(b"sequence_number")


def at_revision(store: "FileStore", milestone: str, revision: int) -> Document:
    """Read the state as of a revision.

    Raises:
        MilestoneError: `revision_not_found`.
    """
    log = open_whole(store, milestone)
    document = None
    if log is not None:
        try:
            document = _replay(log, revision) or _replay_kept(store, log, milestone, revision)
            document = document or _replay_all(log, revision)
        finally:
            log.close()
    if document is None:
        from milestone_cli.storage.lookup import no_revision

        raise no_revision(store, milestone, revision)
    return document


def _event(line: bytes) -> "tuple[int, dict[str, object], dict[str, object]] | None":
    """Revision, event and data of a line that holds a state, else None."""
    if b'"sha256"' not in line:
        return None
    try:
        event = loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or not isinstance(data := event.get("data"), dict):
        return None
    revision = data.get("revision")
    return (revision, event, data) if type(revision) is int and "base" in data else None


def _replay(log: "WholeLog", revision: int) -> Document | None:
    """Find the revision's line by bisection, and the base that it names; None when the log is not as we wrote it."""
    at, line = next(lines(log, bisect(log, REVISION, revision), 1 << 62, whole_first=True), (0, b""))
    found = _event(line)
    if found is None or found[0] != revision or type(base := found[2]["base"]) is not int:
        return None
    if base == revision:
        return follow(None, *found)
    document = None
    for where, line in lines(log, bisect(log, REVISION, base), at + 1, whole_first=True):
        step = _event(line)
        if step is None or (document is not None and step[0] <= document.revision):
            continue
        document = follow(document, *step)
        if document is None or (document.revision == revision and where <= at):
            return document
    return None


def _replay_kept(store: "FileStore", log: "WholeLog", milestone: str, revision: int) -> Document | None:
    """The same from the text that retention kept when it removed what was before; None when that is not needed."""
    from milestone_cli.storage.origin import document_of

    document = document_of(origin_of(store, milestone))
    if document is None or revision < document.revision:
        return None
    stop = bisect(log, REVISION, revision + 1)
    for _, line in lines(log, log.start, stop, whole_first=True):
        if document is None or document.revision == revision:
            return document
        step = _event(line)
        if step is not None and step[0] > document.revision:
            document = follow(document, *step)
    return document if document and document.revision == revision else None


def _replay_all(log: "WholeLog", revision: int) -> Document | None:
    """The same from the beginning, for a log that another program has rewritten."""
    document = None
    for _, line in lines(log, 0, 1 << 62, whole_first=True):
        step = _event(line)
        if step is None:
            continue
        document = follow(document, *step) or document
        if document is not None and document.revision == revision:
            return document
    return None


def follow(
    document: Document | None, revision: int, event: "dict[str, object]", data: "dict[str, object]"
) -> Document | None:
    """The next revision out of the one before and an event; None when they do not fit, which the SHA-256 decides."""
    try:
        if data["base"] == revision:
            text = str(data["text"]).encode()
        elif document is not None and document.revision == revision - 1:
            text = apply(document.text, data["splice"])  # type: ignore[arg-type]
        else:
            return None
    except (KeyError, ValueError):
        return None
    sha = digest(text)
    return Document(text, revision, sha, str(event.get("timestamp")), event) if sha == data.get("sha256") else None


def receipt_of(store: "FileStore", milestone: str, sequence: int) -> Receipt:
    """The receipt of an event that was logged before; without its id and time where the log no longer holds it."""
    log = open_whole(store, milestone)
    if log is not None:
        try:
            for _, line in lines(log, bisect(log, SEQUENCE, sequence), 1 << 62, whole_first=True):
                event = loads(line)
                if isinstance(event, dict) and event.get("sequence_number") == sequence:
                    data = event["data"]
                    sha = str(data.get("sha256", "")) if isinstance(data, dict) else ""
                    receipt = Receipt(
                        milestone, event["revision"], sha, sequence, sequence, event["event_id"], event["timestamp"]
                    )
                    receipt.replayed = True
                    return receipt
                break
        except (ValueError, KeyError):
            pass  # not as we wrote it: somebody has rewritten the log
        finally:
            log.close()
    head = store.head(milestone)
    receipt = Receipt(milestone, head.revision if head else 0, "", sequence, sequence, "", "")
    receipt.replayed = True
    return receipt
