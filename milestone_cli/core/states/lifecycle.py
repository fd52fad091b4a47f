"""Where a milestone's state stands: active, completed, or gone; each move all or nothing, and logged.

A completed state reads like an active one and is not changed until it is reopened. A deleted one leaves its last
envelope as a backup, and its log, out of which an undo brings it back.
"""

from milestone_cli.core import draft, lock_timeout, once
from milestone_cli.errors import MilestoneError, conflict
from milestone_cli.jsontext import dumps
from milestone_cli.model import Plan
from milestone_cli.storage.names import backup_key, state_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.model import Document, Receipt
    from milestone_cli.storage.contract import Store

    Puts = list[tuple[str, str, bytes | None]]

MOVES = {"complete": ("active", "completed"), "reopen": ("completed", "active")}
"""From where to where a state goes."""
EVENTS = {"complete": "state_completed", "reopen": "state_reopened", "delete": "state_deleted"}


def move(
    store: "Store",
    milestone: str,
    verb: str,
    *,
    expect: "int | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "Receipt":
    """Move a milestone's state to the completed ones (`complete`) or back to the active ones (`reopen`).

    Raises:
        MilestoneError: `completed` or `conflict` when it is there already, `not_found`, `damaged`,
            `revision_conflict`.
    """
    origin, target = MOVES[verb]

    def build() -> Plan:
        raw = store.get(origin, milestone)
        if store.modified(target, milestone) and (raw is None or verb == "reopen"):
            raise _there(milestone, verb)
        refuse_other(store.read(milestone), milestone, expect)
        return _plan(store, milestone, verb, _moved(milestone, verb, raw))

    return _transact(store, milestone, verb, build, key, timeout)


def _moved(milestone: str, verb: str, raw: "bytes | None") -> "Puts":
    origin, target = MOVES[verb]
    return [(target, milestone, raw), (origin, milestone, None)]


def _there(milestone: str, verb: str) -> MilestoneError:
    """The error for a state that is already where it shall go."""
    if verb == "complete":
        code, told, hint = "completed", "is completed already", f"`milestone state reopen {milestone}` undoes that"
    else:
        code, told, hint = "conflict", "is active; there is nothing to reopen", ""
    return MilestoneError(code, f"'{milestone}' {told}", hint, milestone_id=milestone)


def plan_delete(store: "Store", milestone: str, expect: "int | None") -> "dict[str, object]":
    """What deleting a state would do; `expect` is the revision that must be current.

    Raises:
        MilestoneError: `not_found`, `damaged`, `revision_conflict`.
    """
    document = store.read(milestone)
    refuse_other(document, milestone, expect)
    revision = document.revision + document.outside
    return {
        "milestone_id": milestone,
        "revision": revision,
        "bytes": len(document.text),
        "completed": not store.modified("active", milestone),
        "backup": backup_key(milestone, store.clock(), revision),
    }


def delete(
    store: "Store",
    milestone: str,
    *,
    expect: "int | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Receipt, str]":
    """Delete a state; its last envelope stays as a backup, and its log stays whole.

    Returns:
        The receipt, and the key of the backup; empty when this was done before, under the key.

    Raises:
        MilestoneError: `not_found`, `damaged`, `revision_conflict`.
    """
    backup = ""

    def build() -> Plan:
        nonlocal backup
        document = store.read(milestone)
        refuse_other(document, milestone, expect)
        kinds = [kind for kind in ("active", "completed") if store.modified(kind, milestone)]
        backup = backup_key(milestone, store.clock(), document.revision)
        puts: Puts = [("backup", backup, store.get(kinds[0], milestone))]
        puts += [(kind, milestone, None) for kind in kinds]
        return _plan(store, milestone, "delete", puts, {"backup_file": backup + ".json"})

    receipt = _transact(store, milestone, "delete", build, key, timeout)
    return receipt, backup


def settle(store: "Store", milestone: str, timeout: "float | None") -> None:
    """Let the store record a change from outside, or one that a crash kept from the log."""
    store.transact([milestone], lambda: Plan("settle"), lock_timeout(store, timeout))


def refuse_other(document: "Document", milestone: str, expect: "int | None") -> None:
    """Refuse a state that is not at the revision that must be current; a change from outside is one more.

    Raises:
        MilestoneError: `revision_conflict`.
    """
    current = document.revision + document.outside
    if expect is not None and expect != current:
        raise conflict(milestone, expect, current)


def _plan(store: "Store", milestone: str, verb: str, puts: "Puts", more: "dict[str, object] | None" = None) -> Plan:
    plan = Plan(f"{verb}_state")
    plan.puts = puts
    data = dumps({"state_file": state_path(milestone), **(more or {})})
    plan.events = [(milestone, draft(store, EVENTS[verb], data))]
    return plan


def _transact(
    store: "Store",
    milestone: str,
    verb: str,
    build: "Callable[[], Plan]",
    key: "str | None",
    timeout: "float | None",
) -> "Receipt":
    known = once(milestone, key, verb.encode())
    receipt = store.transact([milestone], build, lock_timeout(store, timeout), known)[0]
    receipt.sha256 = receipt.sha256 or store.read(milestone, receipt.revision).sha256
    return receipt


def reopen_damaged(store: "Store", milestone: str, timeout: "float | None") -> None:
    """Move a completed state that is damaged to where it can be recovered."""

    def build() -> Plan:
        raw = store.get("completed", milestone)
        if raw is None or store.modified("active", milestone):
            return Plan("reopen_state")
        return _plan(store, milestone, "reopen", _moved(milestone, "reopen", raw))

    store.transact([milestone], build, lock_timeout(store, timeout))
