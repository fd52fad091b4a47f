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
"""Milestones and documents that are named in a line of the list; the rest is counted."""
BESIDE = ("checkpoint-info", "backup")
"""Documents that come and go with others, which are told."""


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
    lines += [f"  {SIGNS[one['change']]} {one['kind']} {flat(one['key'])}".rstrip() for one in _documents(told)]
    return lines


def _documents(told: "Facts") -> "list[Facts]":
    """The documents that changed, without those that are there for what is told anyway."""
    own = [one for one in told["documents"] if one["kind"] not in BESIDE]
    return own if own or told["milestones"] else told["documents"]


def _side(one: "Facts", side: str) -> str:
    """Where a state is on one side of a change: its revision, and that it is completed."""
    state = one[f"{side}_state"]
    if state is None:
        return "no state"
    revision = "damaged" if one[side] is None else f"revision {one[side]}"
    return revision + (", completed" if state == "completed" else "")


def list_text(found: "list[Facts]") -> str:
    """Transactions, oldest first: what each one changed, or why there is nothing of it."""
    if not found:
        return "no transaction yet"
    rows: list[list[Cell]] = []
    for one in found:
        names = [entry["milestone_id"] for entry in one["milestones"]]
        names += [other["key"] or other["kind"] for other in _documents(one)]
        more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
        status = str(one["status"])
        rows.append([
            str(one["transaction_id"]),
            (status.upper() if status == "damaged" else status, STYLES.get(status, RED)),
            str(one["operation"] or "-"),
            (when(one["started_at"]), DIM),
            str(one["reason"] or ", ".join(names[:FEW]) + more),
        ])  # fmt: skip
    return table(rows, ["TRANSACTION", "STATUS", "OPERATION", "BEGUN", "CHANGED"], align="=<<<<")


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
