"""The form of the archive of a store: a tar with every document and every log, and a manifest that proves them.

    documents/<path as in a store of files>
    logs/<path as in a store of files>          a whole log, from where it begins on
    manifest.json                               the last member

Members stand in the order of their names, without owners; so the same store gives the same bytes. Names inside are for
people: the manifest says kind and key, which must be those of the path, and nothing is ever unpacked to a path.
"""

from milestone_cli.jsontext import dumps
from milestone_cli.model import Head
from milestone_cli.storage.files import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]

FORMAT = "milestone-export"
VERSION = 1
MANIFEST = "manifest.json"
BLOCK = 512
"""Bytes that the size of everything in a tar is a multiple of."""
RECORD = 10240
"""The same of a tar as a whole."""
HEAD = ("sequence", "checksum", "time", "revision", "state", "base", "base_sequence", "spliced")
"""What the manifest says of a log's head; the rest is of the store that it was in."""
PACKED = (".gz", ".tgz")
"""How the name of a file ends that is compressed."""


def document_path(kind: str, key: str) -> str:
    """Where a document stands in the archive."""
    return "documents/" + "/".join(part for part in layout.place(kind, key) if part)


def log_path(stream: str) -> str:
    """Where a log stands in the archive."""
    return f"logs/{layout.log_folder(stream)}/{layout.log_file(stream)}"


def header(name: str, size: int, written: int) -> bytes:
    """What stands before a member: a plain file, for its owner alone, nobody's; `written` in nanoseconds since 1970."""
    import tarfile

    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, written // 1_000_000_000
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def padding(size: int, unit: int = BLOCK) -> bytes:
    """Zeros up to the next multiple of a unit."""
    return bytes(-size % unit)


def head_fields(head: Head) -> "Facts":
    """A log's head as JSON values."""
    return {name: getattr(head, name) for name in HEAD}


def manifest(documents: "list[Facts]", logs: "list[Facts]") -> bytes:
    """The manifest: what is in the archive, with the checksum of each."""
    told: Facts = {"format": FORMAT, "version": VERSION, "store_format": int(layout.FORMAT)}
    lines = [f"{dumps(name)}: {dumps(value)}" for name, value in told.items()]
    for name, entries in (("documents", documents), ("logs", logs)):
        inner = ",\n".join(dumps(one) for one in entries)
        lines.append(f'"{name}": [\n{inner}\n]' if entries else f'"{name}": []')
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()
