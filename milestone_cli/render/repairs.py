"""What a repair of a log does, for people: each finding, what becomes of it, and what is kept where."""

from milestone_cli.render.findings import named
from milestone_cli.render.table import BOLD, DIM, GREEN, MAGENTA, RED, paint
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from milestone_cli.core.log.finding import Finding
    from milestone_cli.core.log.repair import Act, Plan
    from milestone_cli.model import Receipt

STYLES = {"mend": GREEN, "record": GREEN, "accept": MAGENTA, "leave": RED}
MOST = 40
"""So many findings are told one by one."""


def plan_text(plan: "Plan") -> str:
    """What would be done: two lines for each finding."""
    name = _named(plan)
    if not plan.acts:
        return f"{name}: the log is sound; there is nothing to repair"
    lines = [f"{name}: {_counts(plan)}"]
    for act in plan.acts[:MOST]:
        lines += _act(act)
    if len(plan.acts) > MOST:
        lines.append(f"  and {len(plan.acts) - MOST} more; --format json tells all")
    if plan.edits:
        lines.append("the log as it is will be kept in the quarantine of the store, whole")
    return "\n".join(lines)


def _act(act: "Act") -> "list[str]":
    told = act.finding
    place = paint(f" (line {told.line}, byte {told.offset})", DIM) if told.line else ""
    head = f"  {paint(act.action.ljust(6), STYLES[act.action])}  {flat(told.message)}{place} [{told.code}]"
    return [head, f"          {flat(act.what)}"]


def _named(plan: "Plan") -> str:
    return paint(named(plan.stream), BOLD)


def _counts(plan: "Plan") -> str:
    words = {"mend": "to mend", "record": "to record", "accept": "to acknowledge", "leave": "to leave"}
    counts = [f"{len(plan.of(action))} {word}" for action, word in words.items() if plan.of(action)]
    return ", ".join(counts)


def done_text(plan: "Plan", receipt: "Receipt", kept: str, left: "Sequence[Finding]") -> str:
    """What was done, and what is left."""
    words = {"mend": "mended", "record": "recorded", "accept": "acknowledged"}
    counts = [f"{len(plan.of(action))} {word}" for action, word in words.items() if plan.of(action)]
    verdict = "sound" if not left else "still DAMAGED"
    lines = [f"{_named(plan)}: {', '.join(counts)}; event {receipt.sequence} says so; the log is {verdict}"]
    if kept:
        lines.append(f"the log as it was is kept as {flat(kept)}")
    for one in left[:MOST]:
        place = f" (line {one.line}, byte {one.offset})" if one.line else ""
        lines.append(f"  left: {flat(one.message)}{place} [{one.code}]")
    if left:
        lines.append("what is left nothing proves; --accept makes it known")
    return "\n".join(lines)
