"""A state's file: the envelope that the bash utilities know, around the user's text, which stays verbatim.

    {"timestamp", "milestone_id", "version": "1.0", "revision", "sha256", "event", "state": TEXT}

`state` is last, so our own envelopes are read without looking at the text: its SHA-256 proves it. Every other envelope
(bash's, one edited by hand) is parsed whole.
"""

from milestone_cli.jsontext import loads
from milestone_cli.model import Document, digest

MARK = b',"state":'


def compose(timestamp: str, milestone: str, revision: int, sha: str, event: str, text: bytes) -> bytes:
    """Write an envelope; `event` is the JSON text of the event's own record."""
    return (
        f'{{"timestamp":"{timestamp}","milestone_id":"{milestone}","version":"1.0","revision":{revision}'
        f',"sha256":"{sha}","event":{event}'
    ).encode() + b"%s%s}\n" % (MARK, text)


def parse_envelope(raw: bytes, milestone: str) -> Document:
    """Read an envelope.

    Returns:
        The document; its revision is 0 where another program wrote it or changed its text.

    Raises:
        MilestoneError: `damaged` when it is no envelope, or that of another milestone.
    """
    at = raw.find(MARK)
    if at > 0 and raw.endswith(b"}\n"):
        try:
            record = loads(raw[:at] + b"}")
        except ValueError:
            record = None
        if isinstance(record, dict) and record.get("milestone_id") == milestone:
            text = raw[at + len(MARK) : -2]
            sha = digest(text)
            if sha == record.get("sha256") and type(record.get("revision")) is int:
                return Document(text, record["revision"], sha, record["timestamp"], record.get("event"))
    from milestone_cli.storage.files.foreign import parse_foreign

    return parse_foreign(raw, milestone)
