"""The document of a snapshot, in the form of the reference: version, tasks, sessions, metrics, last_saved.

Every task and session stands in it as it is written in its own document, so numbers of any length survive. A checksum
of all before it comes last; a document without one, that people wrote or mended, is taken as it is.
"""

from milestone_cli.core import NO_SESSION
from milestone_cli.core.record import with_members
from milestone_cli.core.tasks import report
from milestone_cli.core.tasks.task import Task
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, dumps, loads, members, quote, skip
from milestone_cli.model import LIMIT, digest, log_of, safe
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]
    Texts = dict[str, str]

KIND = "snapshot"
MAIN = "state"
"""Key of the newest snapshot; `BACKUP` begins those of the ones before, the time of their writing ends them."""
BACKUP = "state.backup."
LOG = log_of(NO_SESSION)
"""The log that tells of snapshots: they belong to no milestone and to no session."""
VERSION = "1.0.0"
PARTS = {"tasks": ("task", "id"), "sessions": ("session", "session_id")}
"""The lists of the document: the kind of what stands in them, and which member is its key."""
COUNTS = ("total_tasks", "completed_tasks", "failed_tasks")
SUM = ',\n"sha256": '


class Snapshot:
    """Tasks and sessions of one moment.

    Attributes:
        parts: of each list of `PARTS`, key and text of what is in it, in order.
        metrics: the figures of the reference.
        last_saved: when it was taken, RFC 3339; empty before.
        skipped: what could not be taken in, as sentences.
    """

    __slots__ = ("last_saved", "metrics", "parts", "skipped")

    def __init__(self, parts: "dict[str, Texts]", metrics: "Facts | None" = None, last_saved: str = "") -> None:
        self.parts = {name: parts.get(name, {}) for name in PARTS}
        self.metrics = metrics if metrics is not None else figures(self.parts["tasks"])
        self.last_saved = last_saved
        self.skipped: list[str] = []

    @property
    def content(self) -> str:
        """What is in it but for its time: two snapshots of the same content need not both be written."""
        lines = [f'{{\n"version": "{VERSION}"']
        for name, texts in self.parts.items():
            inner = ",\n".join(texts.values())
            lines.append(f'"{name}": [\n{inner}\n]' if texts else f'"{name}": []')
        lines.append(f'"metrics": {dumps(self.metrics)}')
        return ",\n".join(lines)

    def compose(self) -> bytes:
        """The document.

        Raises:
            MilestoneError: `too_large`.
        """
        body = f'{self.content},\n"last_saved": {quote(self.last_saved)}'
        raw = f'{body}{SUM}"{digest(body.encode())}"\n}}\n'.encode()
        if len(raw) > LIMIT:
            raise MilestoneError(
                "too_large",
                f"the snapshot has {len(raw)} bytes; {LIMIT} are allowed",
                "`milestone archive run` archives completed tasks",
            )
        return raw

    def fields(self) -> "Facts":
        """How much is in it."""
        return {
            "last_saved": self.last_saved or None,
            "tasks": len(self.parts["tasks"]),
            "sessions": len(self.parts["sessions"]),
            "metrics": self.metrics,
        }


def parse(raw: bytes) -> Snapshot:
    """Read the document of a snapshot, ours or the reference's.

    Raises:
        MilestoneError: `damaged` with the reason; `newer_format`.
    """
    try:
        text = check(raw, LIMIT, "it")
    except MilestoneError as error:
        raise _damaged(error.message) from None
    at = skip(text, 0)
    if text[at] != "{":
        raise _damaged("it is not a JSON object")
    spans = {key: text[start:end] for key, _, start, end in members(text, at)}
    version = spans.get("version", quote(VERSION))
    if not version.startswith('"1.'):
        raise MilestoneError(
            "newer_format",
            f"the snapshot has version {version[:40]}; this version of milestone knows 1.x",
            "install a newer milestone",
        )
    if "sha256" in spans and not _proves(text, spans["sha256"]):
        raise _damaged("its checksum does not fit; whoever edits it must remove the member sha256")
    if not any(name in spans for name in PARTS):
        raise _damaged("it has neither tasks nor sessions")
    last = loads(spans.get("last_saved", '""'))
    last_saved = last if isinstance(last, str) and parse_ns(last) is not None else ""
    return Snapshot({name: _texts(spans.get(name, "[]"), name) for name in PARTS}, None, last_saved)


def _proves(text: str, told: str) -> bool:
    body, mark, _ = text.rpartition(SUM)
    return bool(mark) and told == f'"{digest(body.encode())}"'


def _texts(array: str, name: str) -> "Texts":
    """Key and text of each element of a list."""
    if array[:1] != "[":
        raise _damaged(f"{name} is not an array")
    found: Texts = {}
    for number, _, start, end in members(array, 0):
        text = array[start:end]
        one = loads(text)
        key = one.get(PARTS[name][1]) if isinstance(one, dict) else None
        try:
            key = safe(key if isinstance(key, str) else "", PARTS[name][0])
        except MilestoneError:
            raise _damaged(f"number {number} of its {name} has no name that can be one") from None
        if key in found:
            raise _damaged(f"'{key}' stands twice among its {name}")
        found[key] = text
    return found


def _damaged(why: str) -> MilestoneError:
    hint = "`milestone snapshot load` finds another one"
    return MilestoneError("damaged", f"the snapshot cannot be read: {why}", hint, why=why)


def named(text: str, name: str, key: str) -> str:
    """The text of a task or session with its key in it, so that whoever reads the list knows whose it is."""
    member = PARTS[name][1]
    record = loads(text)
    return text if isinstance(record, dict) and record.get(member) == key else with_members(text, {member: quote(key)})


def figures(tasks: "Texts") -> "Facts":
    """The figures of the reference, as a report of tasks has them; 0 seconds where nothing was completed."""
    found = report.metrics([Task(key, text.encode()) for key, text in tasks.items()])
    return {**{name: found[name] for name in COUNTS}, "average_completion_time": found["average_completion_time"] or 0}
