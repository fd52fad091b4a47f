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
TOLD = ("session_id", "milestone_id", "status", "type", "user", "pid", "host", "working_directory", "git_branch",
        "created_at", "active_since", "updated_at", "ended_at", "operation", "progress", "configuration",
        "last_checkpoint", "boot_id", "start_time", "page", "searched")  # fmt: skip
"""Keys of a record that are told in words of their own, or are only the program's."""


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
    head = ["", "SESSION", "MILESTONE", "STATUS", "CREATED", "PID", "USER", "BRANCH", "WORK"]
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


def show_text(found: "dict[str, object]") -> str:
    """What is known of a session, a line for each fact; `--format json` has all of it."""
    status, record = str(found["status"]), found["record"]
    assert isinstance(record, dict)
    mark = "  the current one" if found["current"] else ""
    told = paint(flat(status if status in STYLES else status.upper()), STYLES.get(status, RED))
    lines = [f"{flat(str(found['session_id']))}  {told}{mark}"]
    if found["trouble"]:
        lines.append(f"  trouble  {flat(str(found['trouble']))}")
    left = found.get("open")
    lines += [f"  left open  {flat(str(one))}" for one in (left if isinstance(left, list) else [])]
    last = record.get("last_checkpoint")
    branch, progress = found["git_branch"], found["progress"]
    facts: list[tuple[str, object]] = [
        ("milestone", found["milestone_id"]),
        ("type", found["type"]),
        ("user", found["user"]),
        ("process", f"{found['pid']} on {found['host'] or 'some host'}" if found["pid"] else None),
        ("directory", found["working_directory"]),
        ("branch", None if branch == "none" else branch),
        ("created", when(found["created_at"])),
        ("active since", when(record.get("active_since"))),
        ("updated", when(record.get("updated_at"))),
        ("ended", when(found["ended_at"])),
        ("expires", when(found["expires_at"]) if status == "active" else None),
        ("does", found["operation"]),
        ("progress", f"{progress} %" if progress else None),
        ("checkpoints", _habit(record.get("configuration"))),
        ("last checkpoint", f"{last.get('name')}, {when(last.get('created_at'))}" if isinstance(last, dict) else None),
        *[(str(key).replace("_", " "), _word(value)) for key, value in record.items() if key not in TOLD],
    ]
    rows: list[list[Cell]] = [[(name, DIM), str(value)] for name, value in facts if value not in (None, "", "-", "{}")]
    if rows:
        lines += ["  " + line for line in table(rows, [], align="<<").split("\n")]
    return "\n".join(lines)


def _habit(settings: object) -> "str | None":
    """How often a session makes checkpoints, and how long a clean-up keeps them."""
    if not isinstance(settings, dict):
        return None
    seconds, days = settings.get("checkpoint_interval"), settings.get("backup_retention")
    is_often = settings.get("auto_checkpoint") is True and isinstance(seconds, int | float) and seconds > 0
    often = f"every {seconds} s" if is_often else "at the beginning and the end"
    return f"{often}, kept for {days} days" if isinstance(days, int | float) else often


def _word(value: object) -> str:
    """A value of a record: what is in an object in words, as long as that is flat."""
    if isinstance(value, dict) and value and not any(isinstance(one, dict | list) for one in value.values()):
        return ", ".join(f"{key} {_word(one)}".replace("_", " ", key.count("_")) for key, one in value.items())
    return value if isinstance(value, str) else "" if value in (None, []) else dumps(value)
