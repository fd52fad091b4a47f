"""Putting completed work away, and taking it out again: planned first, each step all or nothing.

What somebody may still need stays: a task that an open one depends on, a pinned checkpoint, the newest good copy of a
state, and what cannot be read.
"""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, acting_agent, lock_timeout
from milestone_cli.core.coldstore.document import KINDS, ROOM, compose, contents, pack
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft, Plan, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.tasks.task import Task
    from milestone_cli.storage.contract import Store

    Place = tuple[str, str]

AT_ONCE = 1000
"""Tasks that go in one transaction."""


class Candidate:
    """Completed work that could be put away.

    Attributes:
        kind: task or milestone.
        name: its own.
        time: when it was completed, nanoseconds since 1970.
        places: kind and key of the documents that would go into it.
        size: bytes of them.
        stream: the log that tells of it.
        hold: why it stays; empty when it goes.
    """

    __slots__ = ("hold", "kind", "name", "places", "size", "stream", "time")

    def __init__(self, kind: str, name: str, time: int, places: "list[Place]", stream: str, hold: str = "") -> None:
        self.kind = kind
        self.name = name
        self.time = time
        self.places = places
        self.stream = stream
        self.hold = hold
        self.size = 0

    def fields(self) -> "dict[str, object]":
        """The candidate as JSON values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "completed_at": runtime.timestamp(self.time),
            "documents": len(self.places),
            "bytes": self.size,
            "kept": bool(self.hold),
            "reason": self.hold or "completed, and old enough",
        }


def plan(store: "Store", span: int) -> "list[Candidate]":
    """Say of every completed task and milestone whether it would be put away, and why not; nothing is changed.

    Args:
        store: where.
        span: nanoseconds since completion after which something is old enough.
    """
    found = [*_tasks(store), *_milestones(store)]
    now = store.clock()
    for one in found:
        one.size = sum(len(store.get(*place) or b"") for place in one.places)
        if not one.hold and one.time > now - span:
            one.hold = "completed too lately"
        elif not one.hold and one.kind == "milestone":
            one.hold = why_not(store, one.name, one.size)
    return found


def why_not(store: "Store", milestone: str, size: int) -> str:
    """Why copies of a completed milestone, so many bytes, cannot be put away together; empty where they can."""
    if store.modified(KINDS["milestone"], milestone):
        return "copies of it are archived already; restore them first"
    return f"its copies have more than {ROOM:,} bytes" if size > ROOM else ""


def _tasks(store: "Store") -> "Iterator[Candidate]":
    from milestone_cli.core.tasks.task import KIND, OPEN, tasks
    from milestone_cli.timestamps import parse_ns

    known = tasks(store)
    needed = {name: one.id for one in known if one.status in OPEN for name in one.depends_on}
    for one in known:
        if one.status == "completed":
            hold = f"the task '{needed[one.id]}' depends on it" if one.id in needed else ""
            time = parse_ns(one.word("completed_at") or "") or store.modified(KIND, one.id)
            yield Candidate("task", one.id, time, [(KIND, one.id)], one.stream, hold)


def _milestones(store: "Store") -> "Iterator[Candidate]":
    from milestone_cli.core.checkpoints.checkpoint import look
    from milestone_cli.core.checkpoints.copies import find_copies

    infos = set(store.keys("checkpoint-info"))
    for name in store.keys("completed"):
        copies = [copy for copy in find_copies(store, name) if not copy.trouble]
        newest = max(
            (copy for copy in copies if copy.proved), key=lambda copy: (copy.time, copy.revision), default=None
        )
        places: list[Place] = []
        for copy in copies:
            checkpoint = look(store, name, copy.name) if copy.kind == "checkpoint" else None
            if copy is newest or (checkpoint is not None and checkpoint.pinned is not None):
                continue
            places.append(copy.place)
            if copy.kind == "checkpoint" and copy.place[1] in infos:
                places.append(("checkpoint-info", copy.place[1]))
        hold = "" if places else "it has no copy but the newest good one and pinned ones"
        yield Candidate("milestone", name, store.modified("completed", name), places, name, hold)


def put_away(
    store: "Store", span: int, planned: "list[Candidate]", timeout: "float | None" = None
) -> "tuple[list[Candidate], list[str]]":
    """Put away what a plan says, as far as a second look agrees.

    Returns:
        What was put away, and the transactions that did it.
    """
    wanted = [one for one in planned if not one.hold]
    tasks = [one for one in wanted if one.kind == "task"]
    groups = [tasks[at : at + AT_ONCE] for at in range(0, len(tasks), AT_ONCE)]
    groups += [[one] for one in wanted if one.kind == "milestone"]
    done: list[Candidate] = []
    made: list[str] = []
    for group in groups:
        names = {(one.kind, one.name) for one in group}
        going: list[Candidate] = []
        identity = runtime.new_transaction_id(runtime.now_ns())

        def build(names: "set[Place]" = names, going: "list[Candidate]" = going, identity: str = identity) -> Plan:
            going[:] = [one for one in plan(store, span) if not one.hold and (one.kind, one.name) in names]
            made = Plan("archive", identity)
            for one in going:
                add(store, made, one)
            return made

        locks = [one.name for one in group if one.kind == "milestone"]
        store.transact(locks, build, lock_timeout(store, timeout))
        done += going
        for one in going:
            if one.kind == "milestone":
                store.pack(one.name, lock_timeout(store, timeout))
        made += [identity] if going else []
    return done, made


def add(store: "Store", made: Plan, one: Candidate) -> None:
    """Plan that something is put away: its documents go, and what has them all comes, with the event that says so."""
    raws = [(kind, key, store.modified(kind, key), store.get(kind, key) or b"") for kind, key in one.places]
    whole = raws[0][3] if one.kind == "task" else compose(one.name, runtime.timestamp(store.clock()), raws)
    packed = pack(whole)
    made.puts.append((KINDS[one.kind], one.name, packed))
    made.puts += [(*place, None) for place in one.places]
    said = {f"{one.kind}_id": one.name, "documents": len(one.places), "bytes": len(whole), "packed": len(packed)}
    made.events.append((one.stream, _event(f"{one.kind}_archived", said)))


def _event(type_: str, said: "dict[str, object]") -> Draft:
    return Draft(type_, dumps(said), NO_SESSION, acting_agent())


# taking out


def meant(store: "Store", word: str) -> "Place":
    """Kind and name of what a word means: `task/NAME`, `milestone/NAME`, or a name that only one of them has.

    Raises:
        MilestoneError: `not_found`, `usage`, `invalid_name`.
    """
    kind, mark, rest = word.partition("/")
    if mark and kind in KINDS:
        return kind, safe(rest, kind)
    found = [kind for kind in KINDS if store.modified(KINDS[kind], safe(word, "task"))]
    if len(found) == 1:
        return found[0], word
    if found:
        raise MilestoneError("usage", f"'{word}' is a task and a milestone", f"write task/{word} or milestone/{word}")
    raise MilestoneError("not_found", f"the archive has no '{word}'", "`milestone archive list` lists what it has")


def take_out(store: "Store", kind: str, name: str, timeout: "float | None" = None) -> "tuple[int, str]":
    """Put everything back to where it was.

    Returns:
        How many documents, and the transaction that did it.

    Raises:
        MilestoneError: `not_found`, `damaged`; `conflict` when something else stands there now.
    """
    kept = contents(store, kind, name)
    identity = runtime.new_transaction_id(runtime.now_ns())

    def build() -> Plan:
        made = Plan("archive_restore", identity)
        for place, key, _, raw in contents(store, kind, name):
            there = store.get(place, key)
            if there is not None and there != raw:
                raise MilestoneError(
                    "conflict",
                    f"there is another {place} '{key}' now; nothing was changed",
                    "delete or rename that one first",
                )
            made.puts.append((place, key, raw))
        made.puts.append((KINDS[kind], name, None))
        said: dict[str, object] = {f"{kind}_id": name, "documents": len(kept)}
        made.events.append((stream_of(kind, name, kept[0][3]), _event(f"{kind}_unarchived", said)))
        return made

    store.transact([name] if kind == "milestone" else [], build, lock_timeout(store, timeout))
    return len(kept), identity


def stream_of(kind: str, name: str, raw: bytes) -> str:
    """The log that tells of a task, whose document is given, or of a milestone."""
    if kind == "milestone":
        return name
    from milestone_cli.core.tasks.task import Task

    return Task(name, raw).stream


def task_of(store: "Store", name: str) -> "tuple[Task, bool]":
    """A task by its id, and whether it is put away.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    from milestone_cli.core.tasks.task import Task, find

    if store.modified("task", safe(name, "task")) or not store.modified(KINDS["task"], name):
        return find(store, name), False
    return Task(name, contents(store, "task", name)[0][3]), True


def listed(store: "Store") -> "list[dict[str, object]]":
    """Everything that is put away: kind, name, when, how large, and how large it would be."""
    rows: list[dict[str, object]] = []
    for kind, cold in KINDS.items():
        for name in store.keys(cold):
            trouble, size, number = None, 0, 0
            try:
                kept = contents(store, kind, name)
                size, number = sum(len(one[3]) for one in kept), len(kept)
            except MilestoneError as error:
                trouble = error.message
            packed = len(store.get(cold, name) or b"")
            at = runtime.timestamp(store.modified(cold, name))
            row: dict[str, object] = {"kind": kind, "name": name, "archived_at": at, "documents": number}
            rows.append({**row, "bytes": size, "packed_bytes": packed, "trouble": trouble})
    return rows
