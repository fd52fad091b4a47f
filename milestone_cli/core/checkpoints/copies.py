"""The copies of a milestone's state among the backups, and which of them prove themselves.

Whose a file is, its name suggests and the `milestone_id` inside decides: `a-b-20261121-120000-r1` is never a copy of
`a`. Names are parsed, never matched by a pattern that could match more.
"""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.contract import Store

MARK = "checkpoint-"


class Copy:
    """One copy as it was found.

    Attributes:
        kind: backup or checkpoint.
        name: a checkpoint's own name; a backup's, without the milestone before it.
        place: kind and key under which the store keeps it.
        time: when it was made, nanoseconds since 1970.
        revision: that its name says, 0 where it says none.
        size: in bytes.
        is_whole: it is this milestone's, and fits its checksum where it has one.
        proved: it is whole, and good enough to recover from.
        trouble: why it cannot be used; empty when nothing is wrong.
    """

    __slots__ = ("is_whole", "kind", "name", "place", "proved", "revision", "size", "time", "trouble")

    def __init__(self, kind: str, name: str, place: "tuple[str, str]", time: int, revision: int) -> None:
        self.kind = kind
        self.name = name
        self.place = place
        self.time = time
        self.revision = revision
        self.size = 0
        self.is_whole = self.proved = False
        self.trouble = ""


def find_copies(store: "Store", milestone: str) -> "Iterator[Copy]":
    """Every file among the backups whose name says that it is a copy of this milestone's state, read and judged."""
    seen = set()
    for kind in ("backup", "checkpoint"):
        for key in store.keys(kind):
            name = key.replace("/", "-" + MARK)
            parsed = parse_name(name, milestone)
            if parsed is None or name in seen:
                continue  # a checkpoint's name that can be read in two ways comes as two keys
            seen.add(name)
            time = max(parsed[2], store.modified(kind, key))
            copy = Copy(parsed[0], parsed[1], (kind, key), time, parsed[3])
            _judge(store, milestone, copy)
            yield copy


def parse_name(name: str, milestone: str) -> "tuple[str, str, int, int] | None":
    """Take the name of a copy apart: kind, own name, time in nanoseconds since 1970, revision; None for another's.

    Args:
        name: without its ending: `demo-checkpoint-before`, `demo-20261121-120000`, `demo-20261121-120000-r12`.
        milestone: whose copy it may be.
    """
    if not name.startswith(milestone + "-"):
        return None
    rest = name[len(milestone) + 1 :]
    if rest.startswith(MARK):
        return ("checkpoint", rest[len(MARK) :], 0, 0) if len(rest) > len(MARK) else None
    day, _, tail = rest.partition("-")
    second, mark, revision = tail.partition("-r")
    if not (len(day) == 8 and len(second) == 6 and (day + second + (revision if mark else "0")).isdecimal()):
        return None
    if not rest.isascii():
        return None
    stamp = f"{day[:4]}-{day[4:6]}-{day[6:]}T{second[:2]}:{second[2:4]}:{second[4:]}Z"
    return "backup", rest, parse_ns(stamp) or 0, int(revision or 0)


def checkpoint_names(store: "Store", milestone: str) -> list[str]:
    """Names of what may be a milestone's checkpoints, by the names of their files."""
    parsed = [parse_name(key.replace("/", "-" + MARK), milestone) for key in store.keys("checkpoint")]
    return [one[1] for one in parsed if one and one[0] == "checkpoint"]


def _judge(store: "Store", milestone: str, copy: Copy) -> None:
    """Find out whether a copy is this milestone's, and proves itself."""
    try:
        raw = store.get(*copy.place)
    except MilestoneError as error:
        copy.trouble = f"cannot be read: {error.message}"
        return
    except OSError as error:
        copy.trouble = f"cannot be read: {error.strerror}"
        return
    if raw is None:
        copy.trouble = "is gone"
        return
    copy.size = len(raw)
    try:
        document = parse_envelope(raw, milestone)
    except MilestoneError:
        owner = _owner(raw)
        copy.trouble = f"belongs to '{owner}'" if owner not in ("", milestone) else "cannot be read: it is damaged"
        return
    fits = document.event is not None
    copy.is_whole = fits or not has_checksum(raw)
    # Under a name of ours only the checksum proves anything, since a restore of bash may have written through the file.
    copy.proved = fits or (copy.is_whole and not copy.revision)


def has_checksum(raw: bytes) -> bool:
    """Whether an envelope says what its text must be; those of the bash utilities do not."""
    record = loads(raw)
    return isinstance(record, dict) and "sha256" in record


def _owner(raw: bytes) -> str:
    try:
        record = loads(raw)
    except ValueError:
        return ""
    owner = record.get("milestone_id") if isinstance(record, dict) else ""
    return owner[:140] if isinstance(owner, str) else ""
