"""Sessions for people: the list, and one of them."""

from milestone_cli.jsontext import dumps
from milestone_cli.render.ages import when
from milestone_cli.render.table import CYAN, DIM, GREEN, MAGENTA, RED, paint, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.render.table import Cell

STYLES = {"active": GREEN, "orphaned": MAGENTA, "completed": DIM}
"""The style of a status; anything else is trouble."""


def list_text(found: "list[dict[str, object]]") -> str:
    """The sessions of a store; an asterisk marks the current one."""
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
        ])  # fmt: skip
    head = ["", "SESSION", "MILESTONE", "STATUS", "CREATED", "PID", "USER", "BRANCH"]
    return table(rows, head, align="<==<<><<", spare=["PID", "USER", "BRANCH", "CREATED"])


def show_text(found: "dict[str, object]") -> str:
    """Everything that a session's record says, a line for each key."""
    status, record = str(found["status"]), found["record"]
    assert isinstance(record, dict)
    mark = "  the current one" if found["current"] else ""
    told = paint(flat(status if status in STYLES else status.upper()), STYLES.get(status, RED))
    lines = [f"{flat(str(found['session_id']))}  {told}{mark}"]
    if found["trouble"]:
        lines.append(f"  trouble  {flat(str(found['trouble']))}")
    rows: list[list[Cell]] = [
        [(str(key), DIM), value if isinstance(value, str) else dumps(value)]
        for key, value in record.items()
        if key != "session_id"
    ]
    if rows:
        lines += ["  " + line for line in table(rows, [], align="<<").split("\n")]
    return "\n".join(lines)
