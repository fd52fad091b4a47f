"""Where a log begins once retention has removed its oldest events: what proves and replays the rest without them.

A document of the kind `origin`, one for each log of which something was removed. The invariant: sequence and checksum
are those of the last event that is gone, so the chain goes on from there; the text is that of the state then, so every
later revision can still be replayed. Offsets, numbers and checksums of what is left stay as they were.
"""

from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import Document, Head, digest
from milestone_cli.runtime import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

FIELDS = ("sequence", "checksum", "end", "time", "revision", "state")
MORE = ("line", "first", "since")


class Origin(Head):
    """Where a log begins; a new one's is the beginning of everything.

    Attributes:
        end: offset of the first byte that is left.
        sequence: of the last event that is gone; 0 for none.
        checksum: of that event; `model.GENESIS` for none.
        time: of that event, nanoseconds since 1970.
        revision: of the state then; `state`, its SHA-256.
        text: that state; None where there was none, or where it could not be told any more.
        line: size in bytes of the last line that is gone, a colon, and 16 digits of its SHA-256.
        first: sequence number of the first event that was ever removed; `since`, its time, nanoseconds since 1970.
    """

    __slots__ = ("first", "line", "since", "text")

    def __init__(self) -> None:
        super().__init__()
        self.text: bytes | None = None
        self.line = ""
        self.first = 0
        self.since = 0


def compose(origin: Origin) -> bytes:
    """The document of an origin, with a checksum of itself."""
    fields = {name: getattr(origin, name) for name in (*FIELDS, *MORE)}
    fields["text"] = None if origin.text is None else origin.text.decode()
    body = dumps(fields)[:-1]
    return f'{body},"sum":"{digest(body.encode())}"}}\n'.encode()


def parse(raw: "bytes | None") -> "Origin | None":
    """Read the document of an origin; None when it is missing, or does not prove itself."""
    if raw is None:
        return None
    body, mark, tail = raw.rstrip(b"\n").rpartition(b',"sum":"')
    if not mark or tail != digest(body).encode() + b'"}':
        return None
    found = Origin()
    try:
        values = loads(body + b"}")
        assert isinstance(values, dict)
        for name in (*FIELDS, *MORE):
            setattr(found, name, values[name])
        text = values["text"]
        found.text = None if text is None else str(text).encode()
    except (ValueError, KeyError, AssertionError):
        return None
    return found


def origin_of(store: "Store", stream: str) -> Origin:
    """Where a log begins: at nothing, unless its oldest events were removed."""
    return parse(store.get("origin", stream)) or Origin()


def document_of(origin: Origin) -> "Document | None":
    """The state that was current where a log begins, as far as the origin has it."""
    if origin.text is None or not origin.revision or digest(origin.text) != origin.state:
        return None
    return Document(origin.text, origin.revision, origin.state, timestamp(origin.time), None)
