"""Transactions for people: what one did or would do, the list, and one of them."""

from milestone_cli.render.ages import when
from milestone_cli.render.table import DIM, GREEN, MAGENTA, RED, paint, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from milestone_cli.render.table import Cell

    Facts = dict[str, Any]

STYLES = {"committed": GREEN, "pending": MAGENTA, "rolled_back": DIM, "damaged": RED}
SIGNS = {"made": "+", "changed": "~", "removed": "-"}
FEW = 3
"""Milestones that are named in a line of the list; of more there is a number."""


def apply_text(told: "Facts") -> str:
    """What a transaction did, or would do."""
    count = told["operations"]
    many = f"{count} operation{'s'[: count != 1]}"
    if told["dry_run"]:
        return "\n".join([f"{many} would do this:", *_lines(told)])
    if told["transaction_id"] is None:
        return f"{many}: nothing to change"
    again = "; done already, under this key" if told["replayed"] else ""
    return "\n".join([f"{told['transaction_id']}: {many} applied{again}", *_lines(told)])


def rollback_text(told: "Facts") -> str:
    """What a rollback did, or would do, and what stands in its way."""
    name = told["transaction_id"]
    if told["obstacles"]:
        return "\n".join([f"{name}: cannot be rolled back", *[f"  {flat(one)}" for one in told["obstacles"]]])
    if told["dry_run"]:
        return "\n".join([f"{name}: rolling it back would do this:", *_lines(told)])
    again = " already, under this key," if told["replayed"] else ""
    return "\n".join([f"{name}: rolled back{again} by {told['rollback_id']}", *_lines(told)])


def _lines(told: "Facts") -> list[str]:
    """A line for each milestone and document that changed."""
    lines = [f"  {one['milestone_id']}: {_side(one, 'from')} → {_side(one, 'to')}" for one in told["milestones"]]
    lines += [f"  {SIGNS[one['change']]} {one['kind']} {flat(one['key'])}".rstrip() for one in told["documents"]]
    return lines


def _side(one: "Facts", side: str) -> str:
    """Where a state is on one side of a change: its revision, and that it is completed."""
    state = one[f"{side}_state"]
    if state is None:
        return "no state"
    revision = "damaged" if one[side] is None else f"revision {one[side]}"
    return revision + (", completed" if state == "completed" else "")


def list_text(found: "list[Facts]") -> str:
    """Transactions, oldest first."""
    if not found:
        return "no transaction yet"
    rows: list[list[Cell]] = []
    for one in found:
        names = [entry["milestone_id"] for entry in one["milestones"]]
        status = str(one["status"])
        rows.append([
            str(one["transaction_id"]),
            (status.upper() if status == "damaged" else status, STYLES.get(status, RED)),
            str(one["operation"] or "-"),
            (when(one["started_at"]), DIM),
            ", ".join(names) if len(names) <= FEW else f"{len(names)} milestones",
            str(len(one["documents"])),
            str(one["reason"] or "-"),
        ])  # fmt: skip
    head = ["TRANSACTION", "STATUS", "OPERATION", "BEGUN", "MILESTONES", "DOCUMENTS", "REASON"]
    return table(rows, head, align="<<<<<><")


def show_text(told: "Facts", changes: str) -> str:
    """One transaction: when, by whom, and what it did."""
    status = str(told["status"])
    lines = [f"{told['transaction_id']}  {paint(status, STYLES.get(status, RED))}"]
    rows: list[list[Cell]] = [
        [(name, DIM), str(told[key])]
        for name, key in (
            ("operation", "operation"),
            ("begun", "started_at"),
            ("ended", "ended_at"),
            ("agent", "agent_id"),
            ("session", "session_id"),
            ("reason", "reason"),
        )
        if told[key] is not None
    ]
    lines += ["  " + line for line in table(rows, [], align="<<").split("\n")] if rows else []
    lines += _lines(told)
    if changes:
        lines += ["", changes]
    return "\n".join(lines)
