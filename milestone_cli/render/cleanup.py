"""A retention plan for people and for machines: what stays, what goes, and why."""

from milestone_cli import runtime
from milestone_cli.render.ages import amount, size, when
from milestone_cli.render.table import BOLD, DIM, GREEN, MAGENTA, RED, paint, screen_width, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.retention.plan import Item, Plan, Policy
    from milestone_cli.core.sessions.inactive import Sweep
    from milestone_cli.render.table import Cell

STYLES = {"keep": DIM, "archive": GREEN, "remove": RED}
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
                "decision": one.word,
                "reason": one.reason,
            }
            for one in plan.decisions
        ],
        **_totals(plan, len(plan.kept)),
    }


def run_fields(milestone: str, policy: "Policy", plan: "Plan", done: "Plan") -> "dict[str, object]":
    """What a run did as JSON values."""
    return {
        "milestone_id": milestone or None,
        **policy_fields(policy),
        "removed": [item_fields(item) for item in done.removed],
        "archived": [item_fields(item) for item in done.archived],
        "stuck": [*done.stuck],
        **_totals(done, len(plan.decisions) - len(done.decisions)),
    }


def _totals(plan: "Plan", kept: int) -> "dict[str, object]":
    """How many items stay and go, and what that frees."""
    return {"keep": kept, "archive": len(plan.archived), "remove": len(plan.removed), "bytes_freed": plan.freed}


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
    archived = f"{len(plan.archived)} archive, " if plan.archived else ""
    told = f"{len(plan.kept)} keep, {archived}{len(plan.removed)} remove, {amount(plan.freed)} freed"
    return f"{shown}\n\n{called(milestone)}: {told}"


def question(plan: "Plan") -> str:
    """What a person is asked before a plan is carried out."""
    counts = (("remove", len(plan.removed)), ("archive", len(plan.archived)))
    told = " and ".join([f"{word} {number}" for word, number in counts if number])
    return f"{told.capitalize()} of {len(plan.decisions)}?"


def _rows(plan: "Plan") -> "list[list[Cell]]":
    """A row for each item; records of transactions, which nobody tells apart, share one where they share a reason."""
    groups: dict[tuple[str, str, str, str], list[Item]] = {}
    for one in plan.decisions:
        name = "" if one.item.kind == "transaction" else one.item.name
        groups.setdefault((one.item.kind, name, one.word, one.reason), []).append(one.item)
    return [_row(word, kind, items, reason) for (kind, _, word, reason), items in groups.items()]


def _row(word: str, kind: str, items: "list[Item]", reason: str) -> "list[Cell]":
    newest = items[0]
    stamp = runtime.timestamp(newest.time)[:19] + "Z" if newest.time else None
    name = newest.name if len(items) == 1 else f"{len(items)} records"
    return [(word, STYLES[word]), kind, name, when(stamp), size(sum(item.size for item in items)), reason]


def run_text(milestone: str, done: "Plan", kept: int) -> str:
    """What a run removed and put away, in a line for each and one that sums it up."""
    removed, archived = done.removed, done.archived
    many = [item for item in removed if item.kind == "transaction"]
    lines = [f"removed {item.kind} {item.name}" for item in removed if len(many) < FEW or item not in many]
    if len(many) >= FEW:
        lines.append(f"removed {len(many)} records of transactions")
    lines += [f"archived {item.kind} {item.name}" for item in archived]
    told = f"{len(archived)} archived, " if archived else ""
    lines.append(f"{called(milestone)}: {told}{len(removed)} removed, {kept} kept, {amount(done.freed)} freed")
    return "\n".join(lines)


def stuck_text(done: "Plan") -> "list[str]":
    """What had to stay, and why."""
    return [f"the log '{log}' keeps old events: {why}" for log, why in done.stuck.items()]


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
