"""Taking a committed transaction back, by another one: only if nothing that it touched has changed since.

States come back as new revisions, whose texts the logs have; of other documents the record keeps what they were. What
is undone stays known: the record moves to the rolled-back ones, and taking the rollback back is doing it again. Events
that retention removed are gone: where their log begins now is told by its origin, which therefore stays as it is.
"""

from milestone_cli import runtime
from milestone_cli.core import draft, lock_timeout, once
from milestone_cli.core.record import data_of
from milestone_cli.core.states.lifecycle import delete, move
from milestone_cli.core.states.undo import place
from milestone_cli.core.transactions.staging import Staging
from milestone_cli.core.transactions.transaction import LAST, find, summary
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Change, Plan
from milestone_cli.storage.names import checkpoint_path
from milestone_cli.storage.transactions import RECORDS, STATES, closed, is_same, side

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from milestone_cli.core.states.compare import Difference
    from milestone_cli.storage.contract import Store

    Record = dict[str, Any]

STAY = ("backup", "origin")
"""Kinds that stay as the transaction left them: a copy does no harm, and an origin's log has lost what it replaces."""


class Rollback:
    """What taking a transaction back would do.

    Attributes:
        id: of the transaction.
        record: what is kept of it.
        obstacles: why it cannot be done, in sentences; empty where it can.
        changed: what has changed since: kind, key, `expected` and `found` as sides (see `transactions.side`), of a
            state with the `changes` from the one to the other.
    """

    __slots__ = ("changed", "id", "obstacles", "record")

    def __init__(self, record: "Record") -> None:
        self.record = record
        self.id: str = record["transaction"]["id"]
        self.obstacles: list[str] = []
        self.changed: list[dict[str, object]] = []

    def fields(self) -> "dict[str, object]":
        """The plan as JSON values: what would be from what there is."""
        told: Record = summary(self.record)
        names = (("from", "to"), ("to", "from"), ("from_state", "to_state"), ("to_state", "from_state"))
        turned = [
            {"milestone_id": one["milestone_id"], **{new: one[old] for new, old in names}} for one in told["milestones"]
        ]
        opposite = {"made": "removed", "removed": "made", "changed": "changed"}
        documents = [
            {**one, "change": opposite[one["change"]]}
            for one in told["documents"]
            if one["kind"] not in STAY and not _is_spent(self.record, one["kind"])
        ]
        return {
            "transaction_id": self.id,
            "operation": self.record["transaction"]["operation"],
            "milestones": turned,
            "documents": documents,
            "obstacles": self.obstacles,
            "changed": self.changed,
        }

    def refuse(self) -> None:
        """Raise what stands in the way.

        Raises:
            MilestoneError: `conflict`, with what has changed.
        """
        if self.obstacles:
            raise MilestoneError(
                "conflict",
                f"the transaction '{self.id}' is not rolled back: {'; '.join(self.obstacles)}",
                f"`milestone transaction show {self.id}` tells what it did",
                transaction_id=self.id,
                changed=self.changed,
            )


def plan_rollback(store: "Store", identity: str, key: "str | None" = None) -> Rollback:
    """Look what taking a transaction back would do, and what stands in the way.

    Args:
        store: where.
        identity: of the transaction; `last` is the newest committed one.
        key: idempotency key under which it shall be done.

    Raises:
        MilestoneError: `not_found`, `damaged`; `conflict` when it is not committed; `usage` for `last` under a key.
    """
    record, status = _find(store, identity, key)
    plan = Rollback(record)
    if status != "committed":
        was = "is not finished; the next command that writes finishes it"
        told = was if status == "pending" else "is rolled back already, or was never done"
        raise MilestoneError(
            "conflict",
            f"the transaction '{plan.id}' {told}",
            f"`milestone transaction show {plan.id}` tells what it did",
            transaction_id=plan.id,
        )
    if not record["documents"]:
        plan.obstacles.append("its record does not say what was before")
    elif all(one["kind"] == "origin" for one in record["documents"]):
        plan.obstacles.append("it removed nothing but old events, which do not come back")
    for one in record["documents"]:
        kind, key, before, after = one["kind"], one["key"], one["before"], one["after"]
        if (kind in STAY and after) or _is_spent(record, kind):
            continue
        found = side(store, kind, key, store.get(kind, key))
        if not is_same(found, after):
            plan.obstacles.append(_changed(plan, store, one, found))
        elif before and (before.get("damaged") if kind in STATES else "text" not in before):
            plan.obstacles.append(f"what '{one['file']}' was is not kept")
    return plan


def _is_spent(record: "Record", kind: str) -> bool:
    """Whether this is a record that a clean-up removed, which does not come back."""
    return kind in RECORDS and record["transaction"]["operation"] == "cleanup"


def _find(store: "Store", identity: str, key: "str | None") -> "tuple[Record, str]":
    if key and identity == LAST:
        raise MilestoneError("usage", "under an idempotency key 'last' may mean another one later", "name it by its id")
    return find(store, max(store.keys("committed"), default=LAST) if identity == LAST else identity)


def _changed(plan: Rollback, store: "Store", one: "Record", found: "dict[str, object] | None") -> str:
    """Note what has changed since; a sentence about it."""
    kind, key, after = one["kind"], one["key"], one["after"]
    entry: dict[str, object] = {"kind": kind, "key": key, "file": one["file"], "expected": after, "found": found}
    plan.changed.append(entry)
    if kind not in STATES:
        return f"'{one['file']}' is {'gone' if found is None else 'changed'} since"
    if not found or not after:
        return f"the state of '{key}' is no longer {kind}" if after else f"the state of '{key}' is {kind} again"
    changes = _differences(store, key, after["revision"])
    entry["changes"] = [
        {"op": change.op, "path": change.path, "old": change.old, "new": change.new} for change in changes
    ]
    paths = ", ".join([change.path or "(the whole)" for change in changes[:5]]) + (", …" if len(changes) > 5 else "")
    return (
        f"'{key}' is at revision {found['revision']}, not {after['revision']}"
        f"{f', and differs in {paths}' if paths else ''}"
    )


def _differences(store: "Store", milestone: str, revision: int) -> "list[Difference]":
    from milestone_cli.core.states.compare import compare

    try:
        return compare(store.read(milestone, revision).text, store.read(milestone).text)
    except MilestoneError:
        return []


def rollback(
    store: "Store", identity: str, *, key: "str | None" = None, timeout: "float | None" = None
) -> "tuple[dict[str, object], list[str]]":
    """Take a committed transaction back.

    Returns:
        What was done, as `Rollback.fields` has it, with `rollback_id`, the transaction that did it; and what was
        repaired on the way, in sentences.

    Raises:
        MilestoneError: as `plan_rollback`; `conflict` when something has changed since; nothing is changed then.
    """
    plan = Plan("rollback", runtime.new_transaction_id(runtime.now_ns()))
    told: dict[str, object] = {}

    def build() -> Plan:
        found = plan_rollback(store, identity)
        found.refuse()
        told.update(found.fields())
        staging = Staging(store, plan)
        _reverse(staging, found)
        return plan

    record = _find(store, identity, key)[0]
    identity = record["transaction"]["id"]
    streams = list(record.get("milestones", ()))
    names = sorted({*streams, *_owners(record)})
    known = once(streams[0], key, b"transaction rollback", identity.encode()) if key and streams else None
    receipts = store.transact(names, build, lock_timeout(store, timeout), known)
    replayed = bool(receipts) and receipts[0].replayed
    by: object = plan.id
    if replayed:
        said = data_of(store, streams[0], receipts[0].event_id)
        told = {**Rollback(find(store, str(said["transaction_id"]))[0]).fields(), "obstacles": [], "changed": []}
        by = said["rolled_back_by"]
    return {**told, "rollback_id": by, "dry_run": False, "replayed": replayed}, receipts[0].notes if receipts else []


def _owners(record: "Record") -> set[str]:
    """The milestones whose documents a transaction touched."""
    owned = (*STATES, "checkpoint", "checkpoint-info")
    return {one["key"].partition("/")[0] for one in record["documents"] if one["kind"] in owned}


def _reverse(staging: Staging, found: Rollback) -> None:
    """Do the opposite of a transaction to a staging."""
    record, plan, store = found.record, staging.plan, staging.store
    states: dict[str, dict[str, Record]] = {}
    for one in reversed(record["documents"]):
        if one["kind"] in STATES:
            states.setdefault(one["key"], {})[one["kind"]] = one
        elif one["kind"] not in STAY and not _is_spent(record, one["kind"]):
            before = one["before"]
            staging.put(one["kind"], one["key"], before["text"].encode() if before else None)
            _tell(staging, one)
    for name, sides in states.items():
        _reverse_state(staging, name, sides)
    now = runtime.timestamp(runtime.now_ns())
    done = closed(record, "rolled_back", now, reason="it was taken back", rolled_back_by=plan.id)
    staging.put("committed", found.id, None)
    staging.put("rollback", found.id, dumps(done).encode() + b"\n")
    staging.finish()
    said = dumps(
        {"transaction_id": found.id, "operation": record["transaction"]["operation"], "rolled_back_by": plan.id}
    )
    plan.events += [(stream, draft(store, "transaction_rolled_back", said)) for stream in record.get("milestones", ())]


def _tell(staging: Staging, one: "Record") -> None:
    """Log that a checkpoint is gone, or there again."""
    if one["kind"] != "checkpoint" or (one["before"] and one["after"]):
        return
    milestone, _, name = one["key"].partition("/")
    type_ = "checkpoint_created" if one["before"] else "checkpoint_deleted"
    said = {"checkpoint_name": name, "checkpoint_file": checkpoint_path(milestone, name)}
    staging.plan.events.append((milestone, draft(staging.store, type_, dumps(said))))


def _reverse_state(staging: Staging, name: str, sides: "dict[str, Record]") -> None:
    """Bring a state back to the text that it had, and to where it was."""
    store: Store = staging  # type: ignore[assignment]
    was, now = _stood(sides, "before"), _stood(sides, "after")
    if now is None and was is None:
        return
    if was is None:
        delete(store, name)
        return
    if now and now[0] == "completed" != was[0]:
        move(store, name, "reopen")
    if not now or was[1] != now[1]:
        _bring_back(staging, name, was[1], now[1] if now else 0)
    if was[0] == "completed" and (not now or now[0] != "completed"):
        move(store, name, "complete")


def _stood(sides: "dict[str, Record]", side: str) -> "tuple[str, int] | None":
    """Where a state stood before or after, and at which revision; None where there was none."""
    return next(((kind, one[side]["revision"]) for kind, one in sides.items() if one[side]), None)


def _bring_back(staging: Staging, name: str, revision: int, current: int) -> None:
    """Make the text of a revision the next one; `current` is the one that it replaces, 0 where there is none."""
    before = staging.store.read(name, revision)
    restores = place(before.event) if before.event else revision
    said: dict[str, object] = {"undo": current or revision, "restores": restores}
    if not current:
        said["deleted"] = True
    event = draft(staging.store, "state_undone", dumps(said))
    staging.commit(Change(name, [event], lambda _: before.text))
