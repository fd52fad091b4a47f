"""A retention plan for people and for machines: what stays, what goes, and why."""

from milestone_cli import runtime
from milestone_cli.render.ages import size, when
from milestone_cli.render.table import BOLD, DIM, RED, paint, screen_width, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.retention import Decision, Item, Plan, Policy
    from milestone_cli.render.table import Cell

WIDE = 100
"""Columns from which the kind has a column of its own."""


def plan_fields(milestone: str, policy: "Policy", plan: "Plan") -> "dict[str, object]":
    """The plan as JSON values."""
    return {
        "milestone_id": milestone,
        "older_than_seconds": policy.older_than // 1_000_000_000,
        "keep_last": policy.keep_last,
        "items": [
            {
                **item_fields(one.item),
                "decision": "keep" if one.is_kept else "remove",
                "reason": one.reason,
            }
            for one in plan.decisions
        ],
        "keep": len(plan.kept),
        "remove": len(plan.removed),
        "bytes_freed": plan.freed,
    }


def run_fields(milestone: str, policy: "Policy", plan: "Plan", removed: "list[Item]") -> "dict[str, object]":
    """What a run did as JSON values."""
    return {
        "milestone_id": milestone,
        "older_than_seconds": policy.older_than // 1_000_000_000,
        "keep_last": policy.keep_last,
        "removed": [item_fields(item) for item in removed],
        "keep": len(plan.decisions) - len(removed),
        "remove": len(removed),
        "bytes_freed": sum(item.size for item in removed),
    }


def item_fields(item: "Item") -> "dict[str, object]":
    """One item as JSON values."""
    return {
        "kind": item.kind,
        "name": item.name,
        "timestamp": runtime.timestamp(item.time) if item.time else None,
        "bytes": item.size,
    }


def plan_text(milestone: str, plan: "Plan") -> str:
    """The plan as a table and a line that sums it up; where a screen is narrow, kinds stand between the rows."""
    if not plan.decisions:
        return f"{milestone}: nothing to keep and nothing to remove"
    is_narrow = screen_width() < WIDE
    if is_narrow:
        narrow = [
            [row[0], row[2], str(row[3]).removesuffix(" ago").removeprefix("just "), *row[4:]]
            for row in map(_row, plan.decisions)
        ]
        lines = table(narrow, ["PLAN", "NAME", "AGE", "BYTES", "REASON"], align="<<<><").split("\n")
        kinds = ["", *[one.item.kind for one in plan.decisions]]
        for at in range(len(kinds) - 1, 0, -1):
            if kinds[at] != kinds[at - 1]:
                lines.insert(at, paint(kinds[at], BOLD))
    else:
        head = ["PLAN", "KIND", "NAME", "MADE", "BYTES", "REASON"]
        lines = table([_row(one) for one in plan.decisions], head, align="<<<<><").split("\n")
    shown = "\n".join(lines)
    return f"{shown}\n\n{milestone}: {len(plan.kept)} keep, {len(plan.removed)} remove, {amount(plan.freed)} freed"


def _row(one: "Decision") -> "list[Cell]":
    item = one.item
    stamp = runtime.timestamp(item.time)[:19] + "Z" if item.time else None
    word = ("keep", DIM) if one.is_kept else ("remove", RED)
    return [word, item.kind, item.name, when(stamp), size(item.size), one.reason]


def run_text(milestone: str, removed: "list[Item]", kept: int) -> str:
    """What a run removed, in a line for each and one that sums it up."""
    lines = [f"removed {item.kind} {item.name}" for item in removed]
    freed = amount(sum(item.size for item in removed))
    lines.append(f"{milestone}: {len(removed)} removed, {kept} kept, {freed} freed")
    return "\n".join(lines)


def amount(count: int) -> str:
    """Bytes in a unit that suits them, in a pipe too, where a sentence needs its unit."""
    shown = size(count)
    return f"{shown} bytes" if shown.isdecimal() else shown
