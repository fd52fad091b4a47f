"""Logs in the database: lines composed, read in blocks from either end, and any revision read back.

A line is the very same bytes as in a file, so what proves a log there proves it here.
"""

from milestone_cli import runtime
from milestone_cli.jsontext import loads, quote
from milestone_cli.model import Document, Receipt, digest, owner
from milestone_cli.storage.origin import origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.model import Draft
    from milestone_cli.storage.postgres import PostgresStore

BLOCK = 1 << 20
NEAR = 1 << 16


def middle(stream: str, draft: "Draft", key: str = "", request: str = "") -> bytes:
    """A line between its timestamp and its revision, which the database knows."""
    named = f',"key":{quote(key)},"request":"{request}"' if key else ""
    event = draft.event_id = draft.event_id or runtime.new_event_id(runtime.now_ns())
    return (
        f'","milestone_id":{owner(stream)},"session_id":{quote(draft.session)},"event_type":"{draft.type}"'
        f',"data":{draft.data},"pid":{runtime.getpid()},"user":{quote(runtime.user())},"agent_id":{quote(draft.agent)}'
        f',"event_id":"{event}"{named}'
    ).encode()


def key_hash(key: str) -> "bytes | None":
    """An idempotency key as the database keeps it; None for none."""
    return bytes.fromhex(digest(key.encode())[:32]) if key else None


def receipt(stream: str, line: "bytes | None", sha256: str, count: int = 1) -> Receipt:
    """The receipt of lines that were appended, out of the last one; `count` of them were asked for."""
    event = loads(line or b"{}")
    assert isinstance(event, dict)
    sequence = event["sequence_number"]
    return Receipt(
        stream, event["revision"], sha256, sequence - count + 1, sequence, event["event_id"], event["timestamp"]
    )


def replayed(stream: str, line: bytes) -> Receipt:
    """The receipt of what the same request did before."""
    event = loads(line)
    data = event["data"] if isinstance(event, dict) else None
    found = receipt(stream, line, str(data.get("sha256", "")) if isinstance(data, dict) else "")
    found.replayed = True
    return found


# reading


def scan(
    store: "PostgresStore", stream: str, start: int = 0, stop: int | None = None, *, backwards: bool = False
) -> "Iterator[tuple[int, bytes]]":
    """Blocks of whole lines with their byte offsets; see `PostgresStore.scan`."""
    size, identity, begin = store.log_span(stream)
    start = max(start, begin)
    end = size if stop is None else min(stop, size)
    if start >= end:
        return
    pages = _backwards(store, identity, start, end) if backwards else _forwards(store, identity, start, end)
    for at, block in pages:
        first, last = max(start - at, 0), min(end - at, len(block))
        if last > first:
            yield at + first, block if (first, last) == (0, len(block)) else block[first:last]


def _page(store: "PostgresStore", identity: int, low: int, high: int) -> "tuple[int, bytes] | None":
    """The lines that begin in a range of offsets, as one block."""
    from milestone_cli.storage.postgres.sql import number

    row = store.ask(
        "SELECT min(at), string_agg(data, '' ORDER BY at) FROM milestone.line"
        " WHERE stream = $1 AND at >= $2 AND at < $3",
        identity,
        low,
        high,
    )[0]
    return None if row[1] is None else (number(row[0]), row[1])


def _line_start(store: "PostgresStore", identity: int, at: int) -> int:
    """Where the line begins that an offset is in."""
    from milestone_cli.storage.postgres.sql import number

    found = store.ask("SELECT max(at) FROM milestone.line WHERE stream = $1 AND at <= $2", identity, at)
    return number(found[0][0])


def _forwards(store: "PostgresStore", identity: int, start: int, end: int) -> "Iterator[tuple[int, bytes]]":
    at = _line_start(store, identity, start) if start else 0
    while at < end and (page := _page(store, identity, at, min(at + BLOCK, end))):
        yield page
        at = page[0] + len(page[1])


def _backwards(store: "PostgresStore", identity: int, start: int, end: int) -> "Iterator[tuple[int, bytes]]":
    low = _line_start(store, identity, start) if start else 0
    size = NEAR
    while end > low:
        begin = max(low, end - size)
        page = _page(store, identity, begin, end)
        size = min(2 * size, BLOCK) if page else 2 * size  # nothing begins here: a long line
        if page is not None:
            yield page
            end = page[0]


BETWEEN = (
    "SELECT l.data FROM milestone.stream s JOIN milestone.line l ON l.stream = s.id AND l.state <= $3 AND l.state > $4"
    " WHERE s.project = $1 AND s.name = $2 ORDER BY l.at"
)


def at_revision(store: "PostgresStore", milestone: str, revision: int) -> Document:
    """Read the state as of a revision: its base and the splices after it, proved by the SHA-256 in the log.

    Raises:
        MilestoneError: `revision_not_found`.
    """
    lines = store.ask(
        "SELECT l.data FROM milestone.stream s JOIN milestone.line l ON l.stream = s.id AND l.state <= $3"
        " AND l.state >="
        " (SELECT base FROM milestone.line b WHERE b.stream = s.id AND b.state = $3 ORDER BY at LIMIT 1)"
        " WHERE s.project = $1 AND s.name = $2 ORDER BY l.at",
        store.project,
        milestone,
        revision,
    )
    from milestone_cli.storage.files.history import follow
    from milestone_cli.storage.lookup import no_revision
    from milestone_cli.storage.origin import document_of

    document: Document | None = None
    kept = document_of(origin_of(store, milestone))  # retention may have removed what is before
    if kept is not None and kept.revision <= revision:
        if kept.revision == revision:
            return kept
        if not any(b'"text":' in (line or b"") for (line,) in lines):
            lines = store.ask(BETWEEN, store.project, milestone, revision, kept.revision)
            document = kept
    for (line,) in lines:
        event = loads(line or b"{}")
        data = event.get("data") if isinstance(event, dict) else None
        if not isinstance(data, dict) or (document is not None and data["revision"] <= document.revision):
            continue
        document = follow(document, data["revision"], event, data) or document  # type: ignore[arg-type]
        if document is not None and document.revision == revision:
            return document
    raise no_revision(store, milestone, revision)
