"""Transactions: several changes all or nothing, what stays of them, and how one is taken back.

Nothing here knows how a store commits: operations are done to a staging of the store, and what that gathered is one
plan. A rollback is a transaction like others, which does the opposite, if nothing it touches has changed since.
"""

from milestone_cli import runtime
from milestone_cli.core import draft, lock_timeout, once
from milestone_cli.core.record import data_of
from milestone_cli.core.transactions.operations import parse, perform
from milestone_cli.core.transactions.staging import Staging
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Plan, safe
from milestone_cli.storage.transactions import STATES, opened
from milestone_cli.storage.transactions import parse as parse_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from milestone_cli.core.states.compare import Difference
    from milestone_cli.core.transactions.operations import Operation
    from milestone_cli.storage.contract import Store

    Record = dict[str, Any]

KINDS = {"pending": "pending", "committed": "committed", "rolled_back": "rollback"}
"""The kind of document that a record is, by the status of its transaction."""
REMOVING = ("delete", "checkpoint_delete", "checkpoint_restore")
LAST = "last"
"""Stands for the id of the newest transaction."""


def apply(
    store: "Store",
    raw: bytes,
    *,
    dry_run: bool = False,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[dict[str, object], list[str]]":
    """Do the operations of a text of JSON Lines, all or nothing; see `operations`.

    Returns:
        The transaction in short, see `summary`, with `transaction_id` None where there was nothing to change; and what
        was repaired on the way, in sentences.

    Raises:
        MilestoneError: with the number of the line; nothing is changed then.
    """
    operations = parse(store, raw)
    milestones = list(dict.fromkeys([one.milestone for one in operations if one.milestone]))
    if key and not milestones:
        raise MilestoneError("usage", "an idempotency key needs a milestone, whose log keeps it", "name one")
    plan = Plan("apply")

    def build() -> Plan:
        nonlocal plan
        plan = _staged(store, operations, milestones[:1] if key else [])
        return plan

    if dry_run:
        if (error := build().refused) is not None:
            raise error
        record = opened(store, plan, runtime.timestamp(runtime.now_ns()), lambda kind, key: f"{kind}/{key}")
        told = {"transaction_id": None, **summary(record), "operations": len(operations), "dry_run": True}
        return {**told, "replayed": False}, []
    named = [one.milestone.encode() for one in operations]
    known = once(milestones[0], key, b"transaction apply", raw, *named) if key else None
    receipts = store.transact(milestones, build, lock_timeout(store, timeout), known)
    replayed = bool(receipts) and receipts[0].replayed
    identity: object = plan.id if plan.puts or plan.events else None
    if replayed:
        identity = data_of(store, milestones[0], receipts[0].event_id).get("transaction_id")
    found = _read(store, "committed", str(identity)) if identity else None
    told = {"transaction_id": identity, **summary(found or {"documents": []})}
    told |= {"operations": len(operations), "dry_run": False, "replayed": replayed}
    return told, receipts[0].notes if receipts else []


def removes(store: "Store", raw: bytes) -> bool:
    """Whether operations remove or overwrite more than a state's next revision, so that a person is asked first."""
    return any(one.op in REMOVING for one in parse(store, raw))


def _staged(store: "Store", operations: "list[Operation]", told: list[str]) -> Plan:
    """Do operations to a staging of the store; the plan, refused when one of them cannot be done.

    Args:
        store: where.
        operations: in order.
        told: streams that shall hear of it in any case, so that a key can be kept there.
    """
    staging = Staging(store, Plan("apply", runtime.new_transaction_id(runtime.now_ns())))
    plan = staging.plan
    try:
        for one in operations:
            perform(staging, one)  # type: ignore[arg-type]
    except MilestoneError as error:
        plan.refused = error
        error.details["transaction_id"] = plan.id
        return plan
    streams = staging.finish()
    if plan.puts or plan.events:
        streams = list(dict.fromkeys([*streams, *told]))
        said = dumps({"transaction_id": plan.id, "operations": len(operations), "milestones": streams})
        plan.events += [(stream, draft(store, "transaction_committed", said)) for stream in streams]
    return plan


# looking


def summary(record: "Record") -> "dict[str, object]":
    """What a transaction changed: milestones with the revisions before and after, and other documents."""
    milestones: dict[str, dict[str, object]] = {}
    documents = []
    for one in record["documents"]:
        if one["kind"] in STATES:
            entry = milestones.setdefault(
                one["key"], {"milestone_id": one["key"], "from": None, "to": None, "from_state": None, "to_state": None}
            )
            for side, short in (("before", "from"), ("after", "to")):
                if one[side]:
                    entry[short], entry[f"{short}_state"] = one[side].get("revision"), one["kind"]
        elif one["kind"] not in KINDS.values():  # that a rollback moves a record is no change of its own
            change = "removed" if not one["after"] else "changed" if one["before"] else "made"
            documents.append({"kind": one["kind"], "key": one["key"], "change": change})
    return {"milestones": list(milestones.values()), "documents": documents}


def fields(record: "Record", status: str) -> "dict[str, object]":
    """A transaction as JSON values, in short."""
    said = record["transaction"]
    return {
        "transaction_id": said["id"],
        "status": status,
        "operation": said.get("operation") or None,
        "started_at": said.get("started_at"),
        "ended_at": said.get(f"{status}_at"),
        "reason": said.get("reason"),
        "agent_id": said.get("agent_id"),
        "session_id": said.get("session_id"),
        **summary(record),
    }


def transactions(store: "Store", status: "str | None" = None, last: int = 0) -> "list[dict[str, object]]":
    """Transactions, oldest first: the last so many, or all; a record that cannot be read has the status `damaged`."""
    names = [(key, one) for one, kind in KINDS.items() if status in (None, "all", one) for key in store.keys(kind)]
    found = []
    for key, one in sorted(names)[-last:]:
        record = _read(store, one, key)
        found.append(
            fields(record, one) if record else fields({"transaction": {"id": key}, "documents": []}, "damaged")
        )
    return found


def find(store: "Store", identity: str) -> "tuple[Record, str]":
    """A transaction's record, and its status.

    Args:
        store: where.
        identity: of the transaction; `last` is the newest of all.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    if identity == LAST:
        newest = [max(keys) for keys in map(store.keys, KINDS.values()) if keys]
        if not newest:
            raise MilestoneError("not_found", "there is no transaction yet", "`milestone transaction apply` makes one")
        identity = max(newest)
    safe(identity, "transaction")
    for status, kind in KINDS.items():
        if store.modified(kind, identity):
            record = _read(store, status, identity)
            if record is None:
                told = f"the record of the transaction '{identity}' is damaged"
                raise MilestoneError("damaged", told, "its events are in the logs", transaction_id=identity)
            return record, status
    raise MilestoneError(
        "not_found",
        f"there is no transaction '{identity}'",
        "`milestone transaction list` shows them",
        transaction_id=identity,
    )


def _read(store: "Store", status: str, identity: str) -> "Record | None":
    """A record as far as it can be believed."""
    try:
        raw = store.get(KINDS[status], identity)
    except MilestoneError:  # a link, or larger than any record
        return None
    return None if raw is None else parse_record(raw, identity)


def full(record: "Record", status: str) -> "dict[str, object]":
    """A transaction as JSON values, with the documents as they were and became, and its events."""
    sides = [
        {**one, "before": _without_text(one["before"]), "after": _without_text(one["after"])}
        for one in record["documents"]
    ]
    return {
        **fields(record, status),
        "target_file": record["transaction"].get("target_file") or None,
        "rolled_back_by": record["transaction"].get("rolled_back_by"),
        "sides": sides,
        "events": record["events"],
    }


def _without_text(side: "Record | None") -> "Record | None":
    return {key: value for key, value in side.items() if key != "text"} if side else None


def changes(store: "Store", record: "Record") -> "list[tuple[str, list[Difference]]]":
    """What a transaction changed inside of the state of each milestone, as far as the logs know."""
    from milestone_cli.core.states.compare import Difference, compare

    found = []
    for entry in summary(record)["milestones"]:  # type: ignore[attr-defined]
        name = entry["milestone_id"]
        old, new = _text(store, name, entry["from"]), _text(store, name, entry["to"])
        if old is not None and new is not None:
            found.append((name, compare(old, new)))
        elif old is not None and entry["to"] is None:
            found.append((name, [Difference("remove", "", old.decode(), None)]))
        elif new is not None and entry["from"] is None:
            found.append((name, [Difference("add", "", None, new.decode())]))
    return found


def _text(store: "Store", milestone: str, revision: object) -> "bytes | None":
    try:
        return store.read(milestone, revision).text if isinstance(revision, int) else None
    except MilestoneError:
        return None
