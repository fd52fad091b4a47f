"""Taking what an importer found into a store: planned first, nothing overwritten, and twice is once.

A document that is there already is the same or a conflict, and with any conflict nothing is done. An event is known by
an id that is made of what it is. Documents go first, then events, then states, each transaction whole or not at all; a
taking-in that was killed is gone on with by the next.
"""

import os

from milestone_cli.core import NO_SESSION, lock_timeout
from milestone_cli.core.migration import agent_state, bash_store, session_tree
from milestone_cli.core.migration.harvest import BEFORE, SYSTEM, Harvest
from milestone_cli.core.migration.tree import Tree
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft, Plan
from milestone_cli.storage.files.layout import HOME
from milestone_cli.storage.revising import revise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.migration.harvest import Entry
    from milestone_cli.storage.contract import Store

    Place = tuple[str, str]
    Progress = Callable[[int, int], None] | None

EVENTS, BYTES = 500, 4 << 20
"""So many events, or bytes of documents, go in one transaction."""
CURRENT = "state/.current_session"
"""Who works there, which is nobody's here."""
WHY = (("cache/", "it is filled again when it is needed"), ("state/.locks/", "locks are never taken over"))
"""Folders of which nothing is taken, and why; one is named, not each of its files."""
PLURALS = {"session": "sessions", "agent": "agents", "task": "tasks", "checkpoint": "checkpoints",
           "session-checkpoint": "checkpoints"}  # fmt: skip


class Intake:
    """What taking in would do, or has done.

    Attributes:
        harvest: what was found.
        documents, states, events: of that, what the store has not.
        same: how many are there already.
    """

    __slots__ = ("documents", "events", "harvest", "same", "source", "states", "store")

    def __init__(self, source: str, store: str, harvest: Harvest) -> None:
        self.source = source
        self.store = store
        self.harvest = harvest
        self.documents: dict[Place, bytes] = {}
        self.states: dict[str, tuple[bytes, str, str]] = {}
        self.events: dict[str, list[Entry]] = {}
        self.same = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.documents or self.states or self.events)

    def fields(self) -> "dict[str, object]":
        """The intake as JSON values."""
        counts = dict.fromkeys(("sessions", "agents", "tasks", "checkpoints"), 0)
        for kind, _ in self.documents:
            if kind in PLURALS:
                counts[PLURALS[kind]] += 1
        return {
            "source": self.source,
            "kind": self.harvest.kind,
            "store": self.store,
            "milestones": sorted(self.states),
            **counts,
            "documents": len(self.documents),
            "events": sum(map(len, self.events.values())),
            "same": self.same,
            "left": [{"what": what, "why": why} for what, why in self.harvest.left],
            "notes": self.harvest.notes,
        }


def look(path: str) -> Harvest:
    """Find out what a folder holds.

    Raises:
        MilestoneError: `not_found`, `invalid_data` when it is nothing that is known; `usage` for a store of ours.
    """
    inside = os.path.join(path, HOME)
    tree = Tree(inside if os.path.isdir(inside) else path)
    has_bash, has_sessions = bash_store.is_one(tree), session_tree.is_one(tree)
    if has_bash or has_sessions:
        kinds = ["bash-store"] * has_bash + ["session-tree"] * has_sessions
        found = Harvest("+".join(kinds))
        bash_store.refuse_ours(tree)
        if has_bash:
            bash_store.take(tree, found)
        if has_sessions or has_bash:
            session_tree.take(tree, found)
    elif agent_state.is_one(tree):
        found = Harvest("coding-agent-state")
        agent_state.take(tree, found)
    else:
        raise MilestoneError(
            "invalid_data",
            f"'{path[:140]}' is not a folder that can be imported",
            "give a coding-agent-state, a .milestones of bash or with sessions, or what `milestone store export` made",
        )
    _account(tree, found)
    return found


def _account(tree: Tree, found: Harvest) -> None:
    """Name everything of the tree that nothing was made of."""
    for what, why in tree.refused:
        found.leave(what, why)
    told = {what for what, _ in found.left}
    for path in tree.files:
        if path in tree.seen or path in told or path == CURRENT:
            continue
        before, why = next(((one, why) for one, why in WHY if path.startswith(one)), ("", ""))
        what = before.rstrip("/") or path
        if what not in told:
            told.add(what)
            found.leave(what, why or "nothing says what it is")


def plan(store: "Store", path: str) -> Intake:
    """What taking in would do; nothing is changed.

    Raises:
        MilestoneError: as `look`; `conflict` when the store has something else under a name.
    """
    harvest = look(path)
    found = Intake(os.path.realpath(path), store.path, harvest)
    _leave_twins(store, harvest)
    conflicts = []
    for place, raw in harvest.documents.items():
        there = store.get(*place)
        if there is None:
            found.documents[place] = raw
        elif there == raw:
            found.same += 1
        else:
            conflicts.append("/".join(place))
    for name, state in harvest.states.items():
        text = _state(store, name)
        if text is None:
            found.states[name] = state
        elif text == state[0]:
            found.same += 1
        else:
            conflicts.append(f"state/{name}")
    if conflicts:
        raise MilestoneError(
            "conflict",
            f"the store has something else already under {len(conflicts)} of these names; nothing was changed:"
            f" {', '.join(conflicts[:5])}{', …' if len(conflicts) > 5 else ''}",
            "import it into a store of its own: `milestone --store FOLDER store import …`",
            conflicts=sorted(conflicts),
        )
    for stream, entries in harvest.events.items():
        known = _known(store, stream)
        fresh = [one for one in entries if one.id not in known]
        found.same += len(entries) - len(fresh)
        if fresh:
            found.events[stream] = fresh
    return found


def _leave_twins(store: "Store", harvest: Harvest) -> None:
    """Leave milestones that differ from another one in case alone: some disks take them for one."""
    names = {name.lower(): name for name in store.milestones()}
    for name in sorted({*harvest.states, *(stream for stream in harvest.events if stream[:1] != "@")}):
        other = names.setdefault(name.lower(), name)
        if other == name:
            continue
        harvest.leave(f"milestone {name}", f"it differs from the milestone '{other}' in case alone")
        harvest.states.pop(name, None)
        harvest.events.pop(name, None)
        for place in [place for place in harvest.documents if place[1].startswith((f"{name}/", f"{name}-"))]:
            del harvest.documents[place]


def _state(store: "Store", name: str) -> "bytes | None":
    try:
        return store.read(name).text
    except MilestoneError as error:
        if error.code != "not_found":
            raise
        return None


def _known(store: "Store", stream: str) -> "set[str]":
    """Ids of the events of a log that were taken in before."""
    mark = f',"event_id":"{BEFORE}'.encode()
    found = set()
    for _, block in store.scan(stream) if store.log_size(stream)[0] else ():
        for piece in block.split(mark)[1:]:
            found.add(BEFORE + piece.partition(b'"')[0].decode("ascii", "replace"))
    return found


def run(store: "Store", found: Intake, progress: "Progress" = None) -> Intake:
    """Do what was planned; what a dead one has left is finished first, also where there is nothing to do.

    Raises:
        MilestoneError: `conflict` when somebody else has put something there meanwhile.
    """
    _put(store, {})
    total = len(found.documents) + len(found.states) + sum(map(len, found.events.values()))
    done = 0
    for batch in _batches(found.documents):
        _put(store, batch)
        done += len(batch)
        _tell(progress, done, total)
    for stream, entries in found.events.items():
        for at in range(0, len(entries), EVENTS):
            _log(store, stream, entries[at : at + EVENTS])
            done += len(entries[at : at + EVENTS])
            _tell(progress, done, total)
    for name, state in found.states.items():
        _save(store, name, *state)
        done += 1
        _tell(progress, done, total)
    return found


def _tell(progress: "Progress", done: int, total: int) -> None:
    if progress:
        progress(done, total)


def _batches(documents: "dict[Place, bytes]") -> "list[dict[Place, bytes]]":
    found: list[dict[Place, bytes]] = [{}]
    held = 0
    for place, raw in documents.items():
        if held and held + len(raw) > BYTES:
            found.append({})
            held = 0
        found[-1][place] = raw
        held += len(raw)
    return [one for one in found if one]


def _put(store: "Store", batch: "dict[Place, bytes]") -> None:
    def build() -> Plan:
        made = Plan("store_import")
        for place, raw in batch.items():
            there = store.get(*place)
            if there is None:
                made.puts.append((*place, raw))
            elif there != raw:
                raise _beaten("/".join(place))
        return made

    store.transact([], build, lock_timeout(store, None))


def _log(store: "Store", stream: str, entries: "list[Entry]") -> None:
    def build() -> Plan:
        made = Plan("store_import")
        known = _known(store, stream)
        made.events += [
            (stream, Draft(one.type, one.data, one.session, one.agent, one.id))
            for one in entries
            if one.id not in known
        ]
        return made

    store.transact([], build, lock_timeout(store, None))


def _save(store: "Store", name: str, text: bytes, kind: str, at: str) -> None:
    """Make a state the next revision of its milestone."""

    def build() -> Plan:
        made = Plan("store_import")
        there = _state(store, name)
        if there == text:
            return made
        if there is not None:
            raise _beaten(f"state/{name}")
        told = {"imported": True, **({"occurred_at": at} if at else {})}
        draft = Draft("state_saved", dumps(told), NO_SESSION, SYSTEM)
        made.puts.append((kind, name, revise(store, name, text, draft)))
        made.events.append((name, draft))
        return made

    store.transact([name], build, lock_timeout(store, None))


def _beaten(what: str) -> MilestoneError:
    return MilestoneError("conflict", f"somebody else has put '{what}' into the store meanwhile", "try again")
