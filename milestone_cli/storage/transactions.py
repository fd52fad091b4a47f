"""What stays of a transaction: a record with the keys of the reference, and what showing and undoing it needs.

Every store writes the same record, under the kind `pending` while the transaction is being finished, then `committed`
or `rollback`. Of a state it names revisions, since the log has their texts; of what no log has, the text before.
"""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import OF_SESSION, digest, safe
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.envelope import parse_envelope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.model import Plan
    from milestone_cli.storage.contract import Store

    Record = dict[str, object]

STATES = ("active", "completed")
"""Kinds of documents whose texts the log has."""
RECORDS = ("committed", "rollback")
"""Kinds of these records. A clean-up's own does not hold those that it removes, or each would hold all before it."""
ROOM = 1 << 20
"""Most bytes of documents as they were before that a record keeps."""


def opened(store: "Store", plan: "Plan", started: str, name_of: "Callable[[str, str], str]") -> "Record":
    """Describe what a plan is about to change.

    Args:
        store: as it is before.
        plan: with its id.
        started: when, RFC 3339.
        name_of: how people know a document of a kind and key, such as its file.
    """
    documents: list[Record] = []
    room = ROOM
    unkept = (*STATES, "backup", *(RECORDS if plan.operation == "cleanup" else ()))
    for kind, key, data in {put[:2]: put for put in plan.puts}.values():
        raw = store.get(kind, key)
        before = side(store, kind, key, raw)
        if before and raw is not None and kind not in unkept and len(raw) <= room:
            try:
                before["text"] = raw.decode()
                room -= len(raw)
            except UnicodeDecodeError:
                pass  # no text, so it cannot be brought back
        after = side(store, kind, key, data)
        documents.append({"kind": kind, "key": key, "file": name_of(kind, key), "before": before, "after": after})
    first = documents[0] if documents else {"file": "", "before": None}
    old = first["before"]
    acting = plan.events[0][1] if plan.events else None
    return {
        "transaction": {
            "id": plan.id,
            "operation": plan.operation,
            "target_file": first["file"],
            "status": "pending",
            "started_at": started,
            "session_id": acting.session if acting else None,
            "agent_id": acting.agent if acting else None,
        },
        "backup": {
            "original_file": first["file"],
            "backup_created": isinstance(old, dict) and ("text" in old or "revision" in old),
            "backup_checksum": old["sha256"] if isinstance(old, dict) else None,
        },
        "milestones": sorted({stream for stream, _ in plan.events if stream[:1] != OF_SESSION}),
        "documents": documents,
        "events": [draft.event_id for _, draft in plan.events],
    }


def side(store: "Store", kind: str, key: str, raw: "bytes | None") -> "Record | None":
    """What tells one content of a document from another: SHA-256 and size, of a state those of its text and a revision.

    Args:
        store: whose log knows the revision of a text that another program has put there.
        kind: of the document.
        key: of the document.
        raw: its content; None: it is not there.
    """
    if raw is None:
        return None
    if kind in STATES:
        try:
            document = parse_envelope(raw, key)
        except MilestoneError:
            return {"sha256": digest(raw), "bytes": len(raw), "damaged": True}
        head = store.head(key)
        known = head is not None and head.state == document.sha256 and head.revision >= document.revision
        revision = head.revision if known and head else document.revision
        return {"revision": revision, "sha256": document.sha256, "bytes": len(document.text)}
    return {"sha256": digest(raw), "bytes": len(raw)}


def parse(raw: bytes, identity: str) -> "Record | None":
    """Read a record that is to be shown or undone; None when it is damaged, or names what no store has."""
    try:
        record = loads(raw)
        return _checked(record, identity) if isinstance(record, dict) else None
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError, MilestoneError):
        return None


def _checked(record: "Record", identity: str) -> "Record | None":
    """A record with what older ones lack; None, or an exception, for one that is no record."""
    said = record["transaction"]
    assert isinstance(said, dict)
    found: Record = {"documents": [], "events": [], "milestones": [], **record}
    documents, events, milestones = found["documents"], found["events"], found["milestones"]
    if said["id"] != identity or not all(value is None or type(value) is str for value in said.values()):
        return None
    if not isinstance(documents, list) or not isinstance(events, list) or not isinstance(milestones, list):
        return None
    for one in documents:
        sound = layout.is_sound(one["kind"], one["key"]) and isinstance(one["file"], str)
        if not sound or not all(side is None or _is_side(side) for side in (one["before"], one["after"])):
            return None
    found["milestones"] = [safe(name) for name in milestones]
    found["events"] = [one if isinstance(one, str) else str(one["event_id"]) for one in events]
    return found


def _is_side(side: "Record") -> bool:
    revision, text = side.get("revision", 0), side.get("text", "")
    return type(side["sha256"]) is str and type(side["bytes"]) is int and type(revision) is int and type(text) is str


def is_same(one: object, other: object) -> bool:
    """Whether two sides are of the same content."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one is None and other is None
    return (one.get("sha256"), one.get("revision")) == (other.get("sha256"), other.get("revision"))


def closed(record: "Record", status: str, moment: str, **more: object) -> "Record":
    """The record of a transaction that is over: `committed` or `rolled_back`."""
    transaction = record["transaction"]
    assert isinstance(transaction, dict)
    kept = {name: value for name, value in record.items() if name not in ("locks", "once", "logs", "puts")}
    return {**kept, "transaction": {**transaction, "status": status, f"{status}_at": moment, **more}}


def refused(plan: "Plan", started: str, moment: str) -> "Record":
    """The record of a transaction of which nothing was done."""
    error = plan.refused
    assert error is not None
    record: Record = {
        "transaction": {
            "id": plan.id,
            "operation": plan.operation,
            "target_file": "",
            "status": "pending",
            "started_at": started,
        },
        "backup": {"original_file": "", "backup_created": False, "backup_checksum": None},
        "documents": [],
        "events": [],
        "error": {"code": error.code, "message": error.message, "line": error.details.get("line")},
    }
    return closed(record, "rolled_back", moment, reason=error.message)
