"""Taking in a snapshot: what is in it and not in the store comes back, as one transaction that can be undone.

Without a name it is the recovery at a start: the last snapshot, else the newest backup that can be read, else what the
task files say, else nothing; each step is told and logged. Then what the store has stays, for it is newer, and what was
deleted since stays deleted. A snapshot that is named may be any store's, so nothing that differs is overwritten unless
that is asked for.
"""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, acting_agent, lock_timeout, once
from milestone_cli.core.record import data_of
from milestone_cli.core.snapshots import document
from milestone_cli.core.snapshots.document import PARTS, Snapshot
from milestone_cli.core.snapshots.finding import start
from milestone_cli.core.snapshots.saving import save, tell
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, members, skip
from milestone_cli.model import Draft, Plan, digest
from milestone_cli.storage.transactions import ROOM
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]
    Place = tuple[str, str]

GONE = (b"_deleted", b"_archived")
"""How the types of events end that tell that something is not there on purpose."""
NOT_THE_SAME = ("searched", "page")
"""Members of a session's record that are about files of the store that it was in."""


class Loading:
    """What taking in a snapshot would do, or has done.

    Attributes:
        snapshot: it.
        source: `main`, `backup`, `rebuilt`, `empty`, or `file` for one that was named.
        name: key or path of the snapshot; empty where there was none.
        steps: what was tried, in order: step, name, result, detail.
        puts: kind, key and text of what is to be put.
        same: what the store has already.
        differing: what the store has otherwise.
        gone: what was deleted or archived since.
        is_recoverable: undoing brings back all that is overwritten, since the record of a transaction has room for it.
        transaction: what did it; empty before, and where nothing was to be done.
        is_repaired: the last snapshot was missing or damaged, and is written anew.
    """

    __slots__ = ("differing", "gone", "is_recoverable", "is_repaired", "name", "puts", "same", "snapshot", "source",
                 "steps", "transaction")  # fmt: skip

    def __init__(self, snapshot: Snapshot, source: str, name: str, steps: "list[Facts]") -> None:
        self.snapshot = snapshot
        self.source = source
        self.name = name
        self.steps = steps
        self.puts: list[tuple[str, str, str]] = []
        self.same: list[Place] = []
        self.differing: list[Place] = []
        self.gone: list[Place] = []
        self.is_recoverable = True
        self.transaction = ""
        self.is_repaired = False

    def fields(self) -> "Facts":
        """The plan as JSON values."""
        told = (("restored", [put[:2] for put in self.puts]), ("differing", self.differing), ("gone", self.gone))
        return {
            "source": self.source,
            "name": self.name or None,
            "steps": self.steps,
            **self.snapshot.fields(),
            **{name: [{"kind": kind, "name": key} for kind, key in places] for name, places in told},
            "same": len(self.same),
            "skipped": self.snapshot.skipped,
            "recoverable": self.is_recoverable,
            "transaction_id": self.transaction or None,
        }


def search(store: "Store") -> Loading:
    """The snapshot to start from, to be taken in."""
    return Loading(*start(store))


# planning


def plan(store: "Store", found: Loading, *, force: bool = False) -> Loading:
    """Hold a snapshot against the store; nothing is changed."""
    missing: list[tuple[str, str, str]] = []
    found.puts, found.same, found.differing, found.gone = [], [], [], []
    lost = 0
    for name, (kind, _) in PARTS.items():
        for key, text in found.snapshot.parts[name].items():
            raw = store.get(kind, key)
            if raw is None:
                missing.append((kind, key, text))
            elif _bare(raw.decode("utf-8", "replace")) == _bare(text):
                found.same.append((kind, key))
            else:
                found.differing.append((kind, key))
                if force:
                    found.puts.append((kind, key, text))
                    lost += len(raw)
    found.is_recoverable = lost <= ROOM
    since = parse_ns(found.snapshot.last_saved) if found.source in ("main", "backup") else None
    deleted = _deleted(store, since, {(kind, key) for kind, key, _ in missing}) if since and missing else set()
    found.gone = [(kind, key) for kind, key, _ in missing if (kind, key) in deleted]
    found.puts += [put for put in missing if put[:2] not in deleted]
    return found


def _bare(text: str) -> object:
    """What of a text counts when two are compared: its members as they are written, without white space around."""
    text = text.strip()
    try:
        return {
            key: text[start:end].strip()
            for key, _, start, end in members(text, skip(text, 0))
            if key not in (*NOT_THE_SAME, "progress", "operation")
        }
    except (ValueError, IndexError, StopIteration):
        return text


def _deleted(store: "Store", since: int, missing: "set[Place]") -> "set[Place]":
    """Those among what is missing of which a log tells that it was taken away since."""
    found: set[Place] = set()
    for stream in _logs(store):
        size = store.log_size(stream)[0]
        for _, block in store.scan(stream, store.seek(stream, since), size) if size else ():
            if not any(ending in block for ending in GONE):
                continue
            for line in block.split(b"\n"):
                if any(ending in line for ending in GONE):
                    found |= _told_gone(line, missing)
    return found


def _logs(store: "Store") -> "list[str]":
    from milestone_cli.storage.sides import open_side

    return list(open_side(store.path).logs())


def _told_gone(line: bytes, missing: "set[Place]") -> "set[Place]":
    try:
        event = loads(line)
    except ValueError:
        return set()
    type_ = event.get("event_type") if isinstance(event, dict) else None
    data = event.get("data") if isinstance(event, dict) else None
    if not isinstance(type_, str) or not isinstance(data, dict) or not type_.encode().endswith(GONE):
        return set()
    kind = type_.partition("_")[0]
    return {(kind, str(data.get(f"{kind}_id")))} & missing


# doing


def load(
    store: "Store", found: Loading, *, force: bool = False, key: "str | None" = None, timeout: "float | None" = None
) -> "tuple[Loading, bool]":
    """Take in a snapshot; where it was a recovery and the last snapshot was not sound, that is written anew.

    Args:
        store: where.
        found: what `search` found, or one that was named.
        force: overwrite what differs.
        key: idempotency key.
        timeout: seconds to wait for other transactions.

    Returns:
        What was done, and whether it was done before, under the same key.

    Raises:
        MilestoneError: `conflict` when something differs of a snapshot that was named.
    """
    identity = runtime.new_transaction_id(runtime.now_ns())

    def build() -> Plan:
        made = Plan("snapshot_load", identity)
        refuse(plan(store, found, force=force), force=force)
        made.puts = [(kind, name, _fitting(kind, text).encode() + b"\n") for kind, name, text in found.puts]
        if found.puts or key:
            made.events.append((document.LOG, Draft("state:loaded", dumps(_said(found)), NO_SESSION, acting_agent())))
        return made

    # What a recovery finds may be another one when it is asked for again; what was named is what its content is.
    content = digest(found.snapshot.content.encode()).encode() if found.source == "file" else b""
    known = once(document.LOG, key, b"snapshot load", content)
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    if not receipts:
        tell(store, "state:loaded", _said(found))  # nothing was put, so no record of a transaction need stay
    elif receipts[0].replayed:
        said = data_of(store, document.LOG, receipts[0].event_id)
        found.source = str(said.get("source") or found.source)
        return found, True
    found.transaction = identity if found.puts else ""
    if found.source in ("backup", "rebuilt", "empty"):
        save(store, "recovery", timeout=timeout)
        found.is_repaired = True
    return found, False


def _said(found: Loading) -> "Facts":
    return {
        "source": found.source,
        "name": found.name or None,
        "steps": found.steps,
        "last_saved": found.snapshot.last_saved or None,
        "restored": [f"{kind}/{name}" for kind, name, _ in found.puts][:1000],
    }


def refuse(found: Loading, *, force: bool) -> None:
    """Raise what stands in the way of taking in a snapshot that was named.

    Raises:
        MilestoneError: `conflict`.
    """
    if found.source != "file" or force or not found.differing:
        return
    shown = ", ".join(key for _, key in found.differing[:5]) + (", …" if len(found.differing) > 5 else "")
    raise MilestoneError(
        "conflict",
        f"{len(found.differing)} in the snapshot differ from what the store has: {shown}; nothing was changed",
        "--dry-run shows all of it; --force takes the snapshot's",
        differing=[f"{kind}/{key}" for kind, key in found.differing],
    )


def _fitting(kind: str, text: str) -> str:
    """A record as another store can have it: without what is said of files that stayed behind."""
    if kind != "session":
        return text
    spans = [(key, text[start:end]) for key, start, _, end in members(text, skip(text, 0)) if key not in NOT_THE_SAME]
    return "{\n" + ",\n".join(f"  {member}" for _, member in spans) + "\n}"
