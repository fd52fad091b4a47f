"""What can be removed of a milestone, and of no milestone at all: each source looks at one kind of thing.

A source says of each item what must hold it whatever the policy says: what is live, pinned, referred to or unreadable.
What belongs to no milestone is nobody else's, so the clean-up of any milestone takes it along. A new kind joins
`SOURCES`.
"""

from milestone_cli.core.checkpoints.copies import MARK, find_copies, parse_name
from milestone_cli.core.retention import agents
from milestone_cli.core.retention.plan import Item
from milestone_cli.core.retention.records import is_of, record
from milestone_cli.core.retention.sessions import abandoned, checkpoints_of, sessions
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.contract import Store

CLOSED = ("completed", "failed", "cancelled")
"""Statuses of tasks that are over."""


def copies(store: "Store", milestone: str) -> "Iterator[Item]":
    """Backups and checkpoints; a pinned checkpoint stays, and what is no sound copy is for people to look at."""
    infos = set(store.keys("checkpoint-info"))
    for copy in find_copies(store, milestone):
        hold, size = copy.trouble, copy.size
        places: tuple[tuple[str, str], ...] = (copy.place,)
        tags: tuple[str, ...] = ()
        if copy.kind == "checkpoint" and copy.place[1] in infos:
            places = (copy.place, ("checkpoint-info", copy.place[1]))
            pin, more, tags = _notes(store, copy.place[1])
            hold, size = hold or pin, size + more
        yield Item(
            copy.kind, copy.name, copy.time, size, rank=copy.revision,
            hold=hold, is_counted=copy.is_whole, proved=copy.proved, tags=tags, puts=places,
        )  # fmt: skip


def _notes(store: "Store", key: str) -> "tuple[str, int, tuple[str, ...]]":
    """Why a checkpoint's own notes hold it, empty when they do not; their size; and its tags."""
    info, size, trouble = record(store, "checkpoint-info", key)
    if trouble or info is None:
        return "whether it is pinned cannot be read", size, ()
    from milestone_cli.core.record import tags_of

    pinned = info.get("pinned")
    if pinned is None or pinned is False:
        return "", size, tags_of(info)
    reason = pinned.get("reason") if isinstance(pinned, dict) else None
    return (f"pinned: {reason}" if reason else "pinned"), size, tags_of(info)


def notes(store: "Store", milestone: str) -> "Iterator[Item]":
    """Notes of checkpoints that are gone; the bash utilities remove a checkpoint without its notes."""
    there = set(store.keys("checkpoint"))
    for key in store.keys("checkpoint-info"):
        parsed = parse_name(key.replace("/", f"-{MARK}"), milestone)
        if key in there or parsed is None:
            continue
        info, size, trouble = record(store, "checkpoint-info", key)
        if trouble or (info and info.get("milestone_id", milestone) == milestone):
            put = ("checkpoint-info", key)
            yield Item("orphaned notes", parsed[1], store.modified(*put), size, hold=trouble, puts=(put,))


def transactions(store: "Store", milestone: str) -> "Iterator[Item]":
    """Records of transactions that are over; one that concerned several milestones goes with any of them."""
    for kind in ("committed", "rollback"):
        for key in store.keys(kind):
            found, size, _ = record(store, kind, key)
            concerned = found.get("milestones") if found else None
            if isinstance(concerned, list) and (not concerned or milestone in concerned):
                yield Item("transaction", key, store.modified(kind, key), size, puts=((kind, key),))


def tasks(store: "Store", milestone: str) -> "Iterator[Item]":
    """Tasks; one that is not over stays, and one that such a one depends on."""
    keys = store.keys("task")
    found = {key: record(store, "task", key) for key in keys}
    needed = {}
    for key, (one, _, _) in found.items():
        depends = one.get("depends_on") if one and one.get("status") not in CLOSED else None
        needed.update({str(name): key for name in depends} if isinstance(depends, list) else {})
    for key, (one, size, trouble) in found.items():
        time = store.modified("task", key)
        if one is None:
            if trouble:
                yield Item("task", key, time, size, hold=trouble)
            continue
        if not is_of(one, milestone):
            continue
        hold = f"the task {needed[key]} depends on it" if key in needed else ""
        if one.get("status") not in CLOSED:
            hold = "it is not over"
        time = max(time, parse_ns(one.get("completed_at")) or 0)
        yield Item("task", key, time, size, hold=hold, puts=(("task", key),))


SOURCES: "tuple[Callable[[Store, str], Iterator[Item]], ...]" = (
    copies, notes, tasks, sessions, checkpoints_of, abandoned, agents.records, agents.points, agents.health,
    transactions,
)  # fmt: skip
