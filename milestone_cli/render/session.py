"""Sessions for people: the list, and one of them."""

from milestone_cli.jsontext import dumps
from milestone_cli.render.ages import when
from milestone_cli.render.table import CYAN, DIM, GREEN, MAGENTA, RED, paint, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.render.table import Cell

STYLES = {"active": GREEN, "orphaned": MAGENTA, "expired": MAGENTA, "completed": DIM}
"""The style of a status; anything else is trouble."""
UNTOLD = ("session_id", "status", "boot_id", "start_time", "page", "searched")
"""What the first line says, and what only the program needs."""


def list_text(found: "list[dict[str, object]]", *, is_all: bool = True) -> str:
    """The sessions of a store; an asterisk marks the current one."""
    if not found and not is_all:
        return "no session is like that"
    if not found:
        return "no session yet; `milestone session create` begins one"
    rows: list[list[Cell]] = []
    for one in found:
        status = str(one["status"])
        rows.append([
            ("*", CYAN) if one["current"] else "",
            str(one["session_id"]),
            str(one["milestone_id"] or "-"),
            (status.upper() if status not in STYLES else status, STYLES.get(status, RED)),
            (when(one["created_at"]), DIM),
            "-" if one["pid"] is None else str(one["pid"]),
            str(one["user"] or "-"),
            str(one["git_branch"] or "-"),
            _doing(one),
        ])  # fmt: skip
    head = ["", "SESSION", "MILESTONE", "STATUS", "CREATED", "PID", "USER", "BRANCH", "DOES, OR LEFT OPEN"]
    return table(rows, head, align="<==<<><<<", spare=["PID", "USER", "BRANCH", "CREATED"])


def _doing(one: "dict[str, object]") -> str:
    """What a session does; of one that was left behind, what it left open."""
    left = one.get("open")
    if isinstance(left, list) and left:
        return "; ".join(str(word) for word in left)
    return f"{one['operation']}, {one['progress'] or 0} %" if one["operation"] else "-"


def history_text(name: str, entries: "list[dict[str, object]]") -> str:
    """Entries of a session's history, oldest first."""
    if not entries:
        return f"{flat(name)}: nothing is recorded yet; `milestone session record` adds an entry"
    rows: list[list[Cell]] = []
    for one in entries:
        took, raised = one["duration_ms"], one["escalations"]
        rows.append([
            (when(one["timestamp"]), DIM),
            str(one["agent"] or "-"),
            f"{took:g} ms" if isinstance(took, int | float) else "-",
            str(len(raised)) if isinstance(raised, list) and raised else "-",
            str(one["request"]),
            "-" if one["response"] is None else dumps(one["response"]),
        ])  # fmt: skip
    head = ["WHEN", "AGENT", "TOOK", "ESCALATED", "REQUEST", "RESPONSE"]
    return table(rows, head, align="<=>><<", spare=["TOOK", "ESCALATED"])


def deletion_text(found: "dict[str, object]") -> str:
    """What deleting a session would do."""
    refused = found["refused"]
    lines = [f"{flat(str(found['session_id']))}  {flat(str(found['status']))}: {found['documents']} documents would go"]
    if not found["recoverable"]:
        lines.append("  too large to be brought back by `milestone transaction rollback`")
    lines += [f"  refused: {flat(str(why))}" for why in (refused if isinstance(refused, list) else [])]
    return "\n".join(lines)


def _word(value: object) -> str:
    """A value of a record: what is in an object in words, as long as that is flat."""
    if isinstance(value, dict) and not any(isinstance(one, dict | list) for one in value.values()):
        return ", ".join(f"{key} {_word(one)}".replace("_", " ", key.count("_")) for key, one in value.items())
    return value if isinstance(value, str) else dumps(value)


def show_text(found: "dict[str, object]") -> str:
    """What a session's record says to people, a line for each key; `--format json` has all of it."""
    status, record = str(found["status"]), found["record"]
    assert isinstance(record, dict)
    mark = "  the current one" if found["current"] else ""
    told = paint(flat(status if status in STYLES else status.upper()), STYLES.get(status, RED))
    lines = [f"{flat(str(found['session_id']))}  {told}{mark}"]
    if found["trouble"]:
        lines.append(f"  trouble  {flat(str(found['trouble']))}")
    left = found.get("open")
    lines += [f"  left open  {flat(str(one))}" for one in (left if isinstance(left, list) else [])]
    rows: list[list[Cell]] = [
        [(str(key).replace("_", " "), DIM), _word(value)]
        for key, value in record.items()
        if key not in UNTOLD and value not in (None, {}, [])
    ]
    if rows:
        lines += ["  " + line for line in table(rows, [], align="<<").split("\n")]
    return "\n".join(lines)
