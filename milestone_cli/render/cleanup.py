"""A retention plan for people and for machines: what stays, what goes, and why."""

from milestone_cli import runtime
from milestone_cli.render.ages import size, when
from milestone_cli.render.table import BOLD, DIM, MAGENTA, RED, paint, screen_width, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.retention.plan import Item, Plan, Policy
    from milestone_cli.core.sessions.inactive import Sweep
    from milestone_cli.render.table import Cell

FEW = 3
"""From so many on, records of transactions are counted, not named."""
LONG = 200
"""Items from which looking at them takes long enough for a bar."""
WIDE = 100
"""Columns from which the kind has a column of its own."""


def plan_fields(milestone: str, policy: "Policy", plan: "Plan") -> "dict[str, object]":
    """The plan as JSON values."""
    return {
        "milestone_id": milestone or None,
        **policy_fields(policy),
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
        "milestone_id": milestone or None,
        **policy_fields(policy),
        "removed": [item_fields(item) for item in removed],
        "keep": len(plan.decisions) - len(removed),
        "remove": len(removed),
        "bytes_freed": sum(item.size for item in removed),
    }


def policy_fields(policy: "Policy") -> "dict[str, object]":
    """The rules as JSON values; 0 where there is no such rule."""
    hours, days, weeks, months = policy.calendar
    return {
        "older_than_seconds": policy.older_than // 1_000_000_000,
        "keep_last": policy.keep_last,
        "keep_within_seconds": policy.keep_within // 1_000_000_000,
        "keep_hourly": hours,
        "keep_daily": days,
        "keep_weekly": weeks,
        "keep_monthly": months,
        "keep_tags": [list(one) for one in policy.tags],
    }


def called(milestone: str) -> str:
    """What a plan is called: by its milestone, or by the store where there is none."""
    return milestone or "store"


def progress() -> "Callable[[str, int, int], None] | None":
    """A callback that draws a bar on standard error for long work, or None where that is no terminal."""
    if not runtime.is_terminal(2):
        return None
    from milestone_cli.render import stores

    bars: dict[str, Callable[[int, int], None] | None] = {}

    def show(what: str, done: int, total: int) -> None:
        draw = bars.setdefault(what, stores.progress(what)) if total >= LONG else None
        if draw:
            draw(done, total)

    return show


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
        return f"{called(milestone)}: nothing to keep and nothing to remove"
    rows = _rows(plan)
    is_narrow = screen_width() < WIDE
    if is_narrow:
        narrow = [[row[0], row[2], str(row[3]).removesuffix(" ago").removeprefix("just "), *row[4:]] for row in rows]
        lines = table(narrow, ["PLAN", "NAME", "AGE", "BYTES", "REASON"], align="<<<><").split("\n")
        kinds = ["", *[str(row[1]) for row in rows]]
        for at in range(len(kinds) - 1, 0, -1):
            if kinds[at] != kinds[at - 1]:
                lines.insert(at, paint(kinds[at], BOLD))
    else:
        head = ["PLAN", "KIND", "NAME", "MADE", "BYTES", "REASON"]
        lines = table(rows, head, align="<<<<><").split("\n")
    shown = "\n".join(lines)
    told = f"{len(plan.kept)} keep, {len(plan.removed)} remove, {amount(plan.freed)} freed"
    return f"{shown}\n\n{called(milestone)}: {told}"


def _rows(plan: "Plan") -> "list[list[Cell]]":
    """A row for each item; records of transactions, which nobody tells apart, share one where they share a reason."""
    groups: dict[tuple[str, str, bool, str], list[Item]] = {}
    for one in plan.decisions:
        name = "" if one.item.kind == "transaction" else one.item.name
        groups.setdefault((one.item.kind, name, one.is_kept, one.reason), []).append(one.item)
    return [_row(kind, items, reason, is_kept=kept) for (kind, _, kept, reason), items in groups.items()]


def _row(kind: str, items: "list[Item]", reason: str, *, is_kept: bool) -> "list[Cell]":
    newest = items[0]
    stamp = runtime.timestamp(newest.time)[:19] + "Z" if newest.time else None
    word = ("keep", DIM) if is_kept else ("remove", RED)
    name = newest.name if len(items) == 1 else f"{len(items)} records"
    return [word, kind, name, when(stamp), size(sum(item.size for item in items)), reason]


def run_text(milestone: str, removed: "list[Item]", kept: int) -> str:
    """What a run removed, in a line for each and one that sums it up."""
    many = [item for item in removed if item.kind == "transaction"]
    lines = [f"removed {item.kind} {item.name}" for item in removed if len(many) < FEW or item not in many]
    if len(many) >= FEW:
        lines.append(f"removed {len(many)} records of transactions")
    freed = amount(sum(item.size for item in removed))
    lines.append(f"{called(milestone)}: {len(removed)} removed, {kept} kept, {freed} freed")
    return "\n".join(lines)


def amount(count: int) -> str:
    """Bytes in a unit that suits them, in a pipe too, where a sentence needs its unit."""
    shown = size(count)
    return f"{shown} bytes" if shown.isdecimal() else shown


def sessions_fields(span: str, planned: "list[Sweep]", removed: "list[str]") -> "dict[str, object]":
    """What a clean-up of sessions would do, and did, as JSON values."""
    told = [
        {
            "session_id": one.deletion.session.id,
            "status": one.deletion.session.status,
            "last_activity": runtime.timestamp(one.seen),
            "keep": bool(one.hold),
            "reason": one.hold or f"silent for {span}",
            "bytes": one.deletion.size,
        }
        for one in planned
    ]
    return {"inactive_for": span, "sessions": told, "removed": removed}


def sessions_text(planned: "list[Sweep]") -> str:
    """What a clean-up of sessions would do."""
    if not planned:
        return "there is no session"
    rows: list[list[Cell]] = [
        [
            ("keep", DIM) if one.hold else ("remove", MAGENTA),
            one.deletion.session.id,
            one.deletion.session.status,
            (when(runtime.timestamp(one.seen)), DIM),
            one.hold or "silent",
        ]
        for one in planned
    ]
    return table(rows, ["PLAN", "SESSION", "STATUS", "LAST HEARD OF", "REASON"], align="<=<<<")
