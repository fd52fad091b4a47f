"""Tasks for people: lists, one of them, and the line in which a look at everything tells of them."""

from milestone_cli.jsontext import dumps
from milestone_cli.render.ages import when
from milestone_cli.render.table import CYAN, DIM, GREEN, MAGENTA, RED, paint, table
from milestone_cli.render.text import clean, flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.render.table import Cell

    Facts = dict[str, object]

STATUS = {
    "ready": GREEN,
    "waiting": DIM,
    "in progress": CYAN,
    "given back": MAGENTA,
    "completed": DIM,
    "failed": RED,
    "cancelled": DIM,
}
LEVEL = {"error": RED, "warning": MAGENTA, "debug": DIM}
NAMES = 3
"""So many tasks that one waits for are named in a list."""


def standing(one: "Facts") -> str:
    """How a task stands, in words: what is pending is ready or waits, and what the dead had claimed is given back."""
    if one["claim_ended"]:
        return "given back"
    if one["status"] == "pending":
        return "ready" if one["ready"] else "waiting"
    return str(one["status"]).replace("_", " ")


def list_text(found: "list[Facts]", *, is_all: bool) -> str:
    """The tasks of a store."""
    if not found:
        return 'no task yet; `milestone task create "…"` makes one' if is_all else "there is no such task"
    rows: list[list[Cell]] = [
        [
            str(one["id"]),
            (standing(one), STATUS.get(standing(one), RED)),
            str(one["claimed_by"] or one["agent_id"] or "-"),
            (when(one["updated_at"]), DIM),
            str(one["tool"] or "-"),
            str(one["milestone_id"] or "-"),
            _about(one),
        ]
        for one in found
    ]
    head = ["TASK", "STATUS", "BY", "UPDATED", "TOOL", "MILESTONE", "WHAT"]
    return table(rows, head, align="=<=><<<", spare=["MILESTONE", "TOOL", "UPDATED"])


def _about(one: "Facts") -> str:
    waits = _names(one["waits_for"])
    more = f" (waits for {waits})" if waits else ""
    return str(one["description"] or one["trouble"] or "-") + more


def _names(value: object) -> str:
    names = [str(name) for name in value] if isinstance(value, list) else []
    return ", ".join(names[:NAMES]) + (f" and {len(names) - NAMES} more" if len(names) > NAMES else "")


def show_text(found: "Facts") -> str:
    """One task: what it is, a line for each fact, the end of its log, its result."""
    word = standing(found)
    lines = [f"{flat(str(found['id']))}  {paint(word, STATUS.get(word, RED))}: {flat(str(found['description']))}"]
    held = f"{found['claimed_by']}: {found['evidence']}" if found["claimed_by"] else str(found["agent_id"] or "-")
    claim = found["claim"]
    rows: list[list[Cell]] = [
        [("by", DIM), held],
        [("claimed", DIM), when(claim.get("claimed_at")) if isinstance(claim, dict) else "-"],
        [("lease ends", DIM), when(claim.get("expires_at")) if isinstance(claim, dict) else "-"],
        [("tool", DIM), str(found["tool"] or "-")],
        [("milestone", DIM), str(found["milestone_id"] or "-")],
        [("session", DIM), str(found["session_id"] or "-")],
        [("depends on", DIM), _names(found["depends_on"]) or "-"],
        [("waits for", DIM), _names(found["waits_for"]) or "-"],
        [("created", DIM), when(found["created_at"])],
        [("started", DIM), when(found["started_at"])],
        [("completed", DIM), when(found["completed_at"])],
        [("reason", DIM), str(found["reason"] or "-")],
        [("result", DIM), "-" if found["result"] is None else dumps(found["result"])],
        [("revision", DIM), str(found["revision"])],
    ]
    kept = [row for row in rows if row[1] != "-"]
    lines += ["  " + line for line in table(kept, [], align="<<").split("\n")]
    return "\n".join(lines + _log(found))


def _log(found: "Facts") -> "list[str]":
    logs = found["logs"]
    if not isinstance(logs, list) or not logs:
        return []
    older = _number(found["log_count"]) - len(logs)
    where = f"--where task_id={found['id']}"
    more = f", {older} older: milestone events query {where}" if older > 0 else ""
    rows: list[list[Cell]] = [
        [(when(one.get("timestamp")), DIM), (str(one.get("level")), LEVEL.get(str(one.get("level")), "")),
         str(one.get("type")), str(one.get("message"))]
        for one in logs
    ]  # fmt: skip
    return ["  " + paint("log" + more, DIM), *("    " + line for line in table(rows, [], align="><<<").split("\n"))]


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def deletion_text(found: "Facts") -> str:
    """What deleting a task would do."""
    lines = [f"the task {found['id']} would be deleted: {found['description']}"]
    if found["dependents"]:
        lines.append(f"then these wait for it no longer: {_names(found['dependents'])}")
    refused = found["refused"]
    lines += [f"not without --force: {why}" for why in refused] if isinstance(refused, list) else []
    return clean("\n".join(lines))


def open_words(found: object) -> str:
    """The open tasks in one line: `2 in progress (t1 builder, t2 ended), 3 ready, 1 waits`; empty without any."""
    if not isinstance(found, dict):
        return ""
    shown = found["tasks"]
    begun = [one for one in shown if one["status"] == "in_progress"] if isinstance(shown, list) else []
    who = ", ".join(
        f"{one['id']} {'ended' if one['claim_ended'] else one['claimed_by'] or ''}".rstrip() for one in begun
    )
    told = [
        f"{found['in_progress']} in progress" + (f" ({who})" if who else "") if found["in_progress"] else "",
        f"{found['ready']} ready" if found["ready"] else "",
        f"{found['waiting']} waiting" if found["waiting"] else "",
        f"{found['failed']} failed" if found["failed"] else "",
    ]
    return ", ".join(filter(None, told))
