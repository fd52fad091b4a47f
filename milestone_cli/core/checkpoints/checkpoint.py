"""Checkpoints: copies of a milestone's whole envelope under a name, which the bash utilities restore too.

Beside each of ours stand its notes: why and when it was made, of which revision, its SHA-256, and whether it is pinned.
Whose a checkpoint is, the `milestone_id` inside decides, not its name. What does not prove itself has no text here.
"""

from milestone_cli import runtime
from milestone_cli.core import current_milestone
from milestone_cli.core.checkpoints.copies import checkpoint_names, has_checksum
from milestone_cli.core.record import tags_of
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import safe
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.storage.names import checkpoint_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

LONGEST = 200
"""Most characters of a milestone's name and a checkpoint's together, since both stand in one file name."""


class Checkpoint:
    """A checkpoint as it was found.

    Attributes:
        name: its own, without the milestone's.
        state: `good`; `replaced` when another program has made it again under its name; `damaged`.
        trouble: why it is damaged.
        text: the state's text; None when damaged.
        sha256: of the text; of what it was meant to be when damaged, or empty.
        info: its notes; empty for one of the bash utilities.
        file: how the log names it.
    """

    __slots__ = ("_modified", "file", "info", "milestone", "name", "revision", "sha256", "state", "text", "trouble")

    def __init__(self, milestone: str, name: str, file: str, info: "dict[str, object]", modified: int) -> None:
        self.milestone = milestone
        self.name = name
        self.file = file
        self.info = info
        self._modified = modified
        self.state = "good"
        self.trouble = ""
        self.text: bytes | None = None
        self.sha256 = _word(info, "sha256") or ""
        revision = info.get("revision")
        self.revision = revision if isinstance(revision, int) else None

    def judge(self, raw: bytes, noted: int) -> None:
        """Find out whether it proves itself; `noted` is when its notes were written."""
        try:
            document = parse_envelope(raw, self.milestone)
        except MilestoneError as error:
            self.state, self.trouble = "damaged", error.message.partition(": ")[2] or error.message
            return
        proved = bool(document.revision)  # by the checksum in the envelope
        known = self.sha256
        if known != document.sha256:
            if (not proved and has_checksum(raw)) or (known and not proved and self._modified <= noted):
                self.state, self.trouble = "damaged", "its text does not fit its checksum"
                return
            if known:
                self.state, self.info = "replaced", {name: self.info.get(name) for name in ("pinned", "tags")}
            self.revision = document.revision or None
        self.text, self.sha256 = document.text, document.sha256

    @property
    def created_at(self) -> str:
        """When it was made, RFC 3339: as noted, else as its file says."""
        return _word(self.info, "created_at") or runtime.timestamp(self._modified)

    @property
    def pinned(self) -> "dict[str, object] | None":
        """Reason, time and maker of its pin; None when it is not pinned."""
        found = self.info.get("pinned")
        return found if isinstance(found, dict) else {} if found else None

    def refuse_pinned(self) -> None:
        """Refuse to remove what is pinned.

        Raises:
            MilestoneError: `conflict`, with the reason of the pin.
        """
        from milestone_cli.core.checkpoints.pins import refuse_pinned

        refuse_pinned(self.name, self.pinned, f"{self.milestone} {self.name}", milestone_id=self.milestone)

    def proved(self) -> bytes:
        """The state that it keeps.

        Raises:
            MilestoneError: `damaged`.
        """
        if self.text is None:
            raise MilestoneError(
                "damaged",
                f"the checkpoint '{self.name}' of '{self.milestone}' is damaged: {self.trouble}",
                "`milestone checkpoint list` lists the others",
                milestone_id=self.milestone,
                checkpoint_name=self.name,
            )
        return self.text

    def fields(self) -> "dict[str, object]":
        """The checkpoint as JSON values."""
        return {
            "milestone_id": self.milestone,
            "checkpoint_name": self.name,
            "checkpoint_file": self.file,
            "state": self.state,
            "trouble": self.trouble or None,
            "created_at": self.created_at,
            "reason": _word(self.info, "reason"),
            "revision": self.revision,
            "sha256": self.sha256 or None,
            "bytes": None if self.text is None else len(self.text),
            "tags": list(tags_of(self.info)),
            "pinned": self.pinned,
        }


def _word(record: "dict[str, object]", key: str) -> "str | None":
    value = record.get(key)
    return value if isinstance(value, str) and value else None


def look(store: "Store", milestone: str, name: str) -> "Checkpoint | None":
    """A checkpoint of a milestone; None when there is none, or when it belongs to another milestone."""
    key = f"{milestone}/{name}"
    raw = store.get("checkpoint", key)
    if raw is None:
        return None
    info = _info(store, key)
    if info.get("milestone_id", milestone) != milestone:
        return None
    file = checkpoint_path(milestone, name)
    found = Checkpoint(milestone, name, file, info, store.modified("checkpoint", key))
    found.judge(raw, store.modified("checkpoint-info", key))
    if found.state == "damaged" and "milestone_id" not in info and _is_foreign(store, milestone, file, raw):
        return None
    return found


def _info(store: "Store", key: str) -> "dict[str, object]":
    raw = store.get("checkpoint-info", key)
    if raw is None:
        return {}
    try:
        record = loads(raw)
    except ValueError:
        # A pin that cannot be read still holds.
        return {"pinned": {"reason": "its notes cannot be read"}}
    return record if isinstance(record, dict) else {}


def _is_foreign(store: "Store", milestone: str, file: str, raw: bytes) -> bool:
    """Whether a file that is no envelope of this milestone is another's: by what is inside, else by its name."""
    try:
        record = loads(raw)
        owner = record.get("milestone_id") if isinstance(record, dict) else None
        if isinstance(owner, str):
            return owner != milestone
    except ValueError:
        _, mark, rest = raw[:4096].partition(b'"milestone_id"')
        owned = rest.lstrip(b" \t\n\r:")[:130].partition(b'"')[2].partition(b'"')
        if mark and owned[1]:
            return owned[0] != milestone.encode()
    leaf = file.rpartition("/")[2]
    longer = [one for one in store.milestones() if len(one) > len(milestone)]
    return any(leaf.startswith(one + "-") for one in longer)


def checkpoints(store: "Store", milestone: str) -> list[Checkpoint]:
    """All checkpoints of a milestone, oldest first."""
    found = [one for name in checkpoint_names(store, milestone) if (one := look(store, milestone, name))]
    return sorted(found, key=lambda one: (one.created_at, one.name))


def newest(store: "Store", milestone: str) -> "tuple[int, Checkpoint | None]":
    """How many checkpoints a milestone has, by the names of their files, and the newest that is its own."""
    known = checkpoint_names(store, milestone)
    times = sorted((store.modified("checkpoint", f"{milestone}/{name}"), name) for name in known)
    for at in range(len(times), 0, -1):
        if found := look(store, milestone, times[at - 1][1]):
            return at, found
    return 0, None


def find(store: "Store", milestone: str, name: str) -> Checkpoint:
    """A checkpoint by its name.

    Raises:
        MilestoneError: `not_found`, with what there is.
    """
    found = look(store, milestone, fitting(milestone, name))
    if found is None:
        known = [one.name for one in checkpoints(store, milestone)]
        shown = ("… " if len(known) > 10 else "") + ", ".join(known[-10:])
        raise MilestoneError(
            "not_found",
            f"'{milestone}' has no checkpoint '{name}'",
            f"it has {shown}" if known else "there is none yet; `milestone checkpoint create` makes one",
            milestone_id=milestone,
            checkpoints=known,
        )
    return found


def distance(store: "Store", found: Checkpoint) -> "int | None":
    """In how many places the present state differs from what a checkpoint keeps; None where one cannot be read."""
    from milestone_cli.core.states.compare import compare

    if found.text is None:
        return None
    try:
        return len(compare(store.read(found.milestone).text, found.text))
    except MilestoneError:
        return None


def meant(store: "Store", words: list[str]) -> "tuple[str, str, str | None]":
    """Milestone and one or two checkpoints of the words `[MILESTONE] CHECKPOINT [CHECKPOINT]`.

    Of two words the first is the milestone if it has such a checkpoint, or if the current one has none of that name.
    """
    if len(words) == 3:
        return current_milestone(store, words[0]), words[1], words[2]
    if len(words) == 1:
        return current_milestone(store), words[0], None
    known = words[0] in store.milestones()
    if known and look(store, words[0], fitting(words[0], words[1])):
        return words[0], words[1], None
    try:
        milestone = current_milestone(store)
    except MilestoneError:
        return current_milestone(store, words[0]), words[1], None
    if known and not look(store, milestone, words[0]):
        return words[0], words[1], None
    return milestone, words[0], words[1]


def fitting(milestone: str, name: str) -> str:
    """Let a checkpoint's name through, unchanged.

    Raises:
        MilestoneError: `invalid_name`, also when it is too long beside its milestone's.
    """
    safe(name, "checkpoint")
    if len(milestone) + len(name) > LONGEST:
        raise MilestoneError(
            "invalid_name",
            f"'{name}' is too long beside the name of its milestone",
            f"both together may have {LONGEST} characters",
        )
    return name
