"""Transactions as their records tell of them: which there are, what each one changed, and whether it was taken back."""

from milestone_cli.errors import MilestoneError
from milestone_cli.model import safe
from milestone_cli.storage.transactions import STATES, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from milestone_cli.core.states.compare import Difference
    from milestone_cli.storage.contract import Store

    Record = dict[str, Any]

KINDS = {"pending": "pending", "committed": "committed", "rolled_back": "rollback"}
"""The kind of document that a record is, by the status of its transaction."""
LAST = "last"
"""Stands for the id of the newest transaction."""


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
        record = read(store, one, key)
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
            record = read(store, status, identity)
            if record is None:
                told = f"the record of the transaction '{identity}' is damaged"
                raise MilestoneError("damaged", told, "its events are in the logs", transaction_id=identity)
            return record, status
    raise MilestoneError(
        "not_found",
        f"there is no transaction '{identity}'",
        "`milestone transaction list` lists them",
        transaction_id=identity,
    )


def read(store: "Store", status: str, identity: str) -> "Record | None":
    """A record as far as it can be believed."""
    try:
        raw = store.get(KINDS[status], identity)
    except MilestoneError:  # a link, or larger than any record
        return None
    return None if raw is None else parse(raw, identity)


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
