"""What is put away: one compressed document for each task, and for each completed milestone one with its copies.

They are gzip files, which `zcat` reads. A task's holds its own document; a milestone's is a JSON object with kind, key,
time and text of its backups and checkpoints. The completed state stays where it is, so it loads as ever.
"""

import zlib

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import LIMIT
from milestone_cli.storage.files.layout import is_sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Kept = tuple[str, str, int, bytes]
    """Kind, key, when it was written in nanoseconds since 1970, and content of a document."""

KINDS = {"task": "cold-task", "milestone": "cold-milestone"}
LARGEST = 8 * LIMIT
"""Bytes that something put away may have when it is unpacked."""
ROOM = LARGEST // 4
"""Bytes of copies that are put away together: as text in JSON they take more."""


def pack(raw: bytes) -> bytes:
    """Compress; the same gives the same, for no time is in it."""
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    return stream.compress(raw) + stream.flush()


def unpack(packed: bytes, what: str) -> bytes:
    """Take out what was compressed.

    Raises:
        MilestoneError: `damaged`.
    """
    try:
        stream = zlib.decompressobj(31)
        raw = stream.decompress(packed, LARGEST)
        if stream.eof and not stream.unused_data:
            return raw
        why = "it is cut off, or too large"
    except zlib.error as error:
        why = str(error)[:140]
    raise MilestoneError(
        "damaged", f"the archive of {what} cannot be read: {why}", "a copy or an export of the store may have it"
    )


def compose(milestone: str, at: str, kept: "list[Kept]") -> bytes:
    """The document of a milestone's copies."""
    lines = [
        dumps({"kind": kind, "key": key, "written": written, "text": raw.decode()}) for kind, key, written, raw in kept
    ]
    inner = ",\n".join(lines)
    head = f'"milestone_id": {dumps(milestone)},\n"archived_at": {dumps(at)}'
    return f'{{\n{head},\n"documents": [\n{inner}\n]\n}}\n'.encode()


def contents(store: "Store", kind: str, name: str) -> "list[Kept]":
    """The documents that were put away under a name.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    packed = store.get(KINDS[kind], name)
    if packed is None:
        raise MilestoneError(
            "not_found", f"the archive has no {kind} '{name[:140]}'", "`milestone archive list` lists what it has"
        )
    what = f"the {kind} '{name}'"
    raw = unpack(packed, what)
    if kind == "task":
        return [("task", name, store.modified(KINDS[kind], name), raw)]
    try:
        found = loads(raw)
        assert isinstance(found, dict)
        assert isinstance(found["documents"], list)
        kept = [(one["kind"], one["key"], one["written"], one["text"].encode()) for one in found["documents"]]
        assert all(one[0] in ("backup", "checkpoint", "checkpoint-info") and is_sound(*one[:2]) for one in kept)
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError):
        raise MilestoneError(
            "damaged",
            f"the archive of {what} is not a record of copies",
            "a copy or an export of the store may have it",
        ) from None
    return kept
