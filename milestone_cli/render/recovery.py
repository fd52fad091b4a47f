"""Checkpoints of sessions for people, and what recovering one would do, or did."""

from milestone_cli.render.ages import when
from milestone_cli.render.table import CYAN, DIM, GREEN, MAGENTA, RED, paint, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.render.table import Cell

    Facts = dict[str, object]

STYLES = {"good": GREEN, "damaged": RED}
ACTIONS = {"restore": ("restore", GREEN), "same": ("as it is", DIM), "keep": ("stays", MAGENTA),
           "cannot": ("NOT RESTORED", RED)}  # fmt: skip
"""What is said of a step, and its style."""


def points_text(session: str, found: "list[Facts]") -> str:
    """The checkpoints of a session."""
    if not found:
        return (
            f"{flat(session)} has no checkpoint yet; `milestone checkpoint create --session {flat(session)}` makes one"
        )
    rows: list[list[Cell]] = [
        [
            str(one["checkpoint_name"]),
            "-" if one["revision"] is None else str(one["revision"]),
            "-" if one["agents"] is None else str(one["agents"]),
            "-" if one["events"] is None else str(one["events"]),
            (when(one["created_at"]), DIM),
            ("DAMAGED" if one["state"] == "damaged" else str(one["state"]), STYLES[str(one["state"])]),
            ("pinned", CYAN) if one["pinned"] is not None else "",
            str(one["trouble"] or one["reason"] or ""),
        ]
        for one in found
    ]
    head = ["CHECKPOINT", "REVISION", "AGENTS", "EVENTS", "MADE", "STATE", "PIN", "REASON"]
    return table(rows, head, align="=>>><<<<", spare=["EVENTS", "AGENTS"])


def point_text(one: "Facts") -> str:
    """One checkpoint of a session, a line for each thing that is known."""
    state, document = str(one["state"]), one["document"]
    title = f"{flat(str(one['session_id']))}: checkpoint {flat(str(one['checkpoint_name']))}"
    lines = [f"{title}  {paint('DAMAGED' if state == 'damaged' else state, STYLES[state])}"]
    then = document.get("context") if isinstance(document, dict) else None
    then = then if isinstance(then, dict) else {}
    pending = document.get("recovery_data") if isinstance(document, dict) else None
    pending = pending.get("pending_operations") if isinstance(pending, dict) else None
    under_way = [str(work.get("operation")) for work in pending if isinstance(work, dict)] if pending else []
    tree = then.get("git_dirty")
    dirty = ", with changes not committed" if tree else ", clean" if tree is False else ""
    tags = one["tags"]
    facts: list[tuple[str, object]] = [
        ("trouble", one["trouble"]),
        ("made", when(one["created_at"])),
        ("reason", one["reason"]),
        ("milestone", one["milestone_id"] and f"{one['milestone_id']}, revision {one['revision']}"),
        ("events", one["events"]),
        ("agents", one["agents"]),
        ("doing", "; ".join(under_way)),
        ("in", then.get("working_directory")),
        (
            "git",
            f"{then.get('git_branch')} at {str(then['git_commit'])[:12]}{dirty}" if then.get("git_commit") else None,
        ),
        ("tags", ", ".join(map(str, tags)) if isinstance(tags, list) else None),
        ("pinned", "yes" if one["pinned"] is not None else None),
    ]
    known = [(paint(f"{name:<9}", DIM), flat(str(value))) for name, value in facts if value not in (None, "")]
    return "\n".join(lines + [f"  {name} {value}" for name, value in known])


def plan_text(found: "Facts") -> str:
    """What a recovery would do, a line for each step."""
    session, name = flat(str(found["session_id"])), flat(str(found["checkpoint_name"]))
    lines = [f"{session}: recover from checkpoint {name}, made {when(found['created_at'])}"]
    steps, refused = found["steps"], found["refused"]
    for one in steps if isinstance(steps, list) else ():
        word, style = ACTIONS[str(one["action"])]
        lines.append(f"  {paint(f'{word:<12}', style)}  {flat(str(one['what']))}: {flat(str(one['detail']))}")
    lines += [
        paint(f"  refused unless --force: {flat(str(one))}", RED)
        for one in (refused if isinstance(refused, list) else [])
    ]
    return "\n".join(lines)


def outcome_text(found: "Facts") -> str:
    """What a recovery did; what did not come back stands below."""
    session, name = flat(str(found["session_id"])), flat(str(found["checkpoint_name"]))
    told = f"{session}: recovered from checkpoint {name}{' already, under this key' if found['replayed'] else ''}"
    if found["pre_recovery"]:
        told += f"; what was there is checkpoint {flat(str(found['pre_recovery']))}"
    lacking = found["not_restored"]
    return "\n".join(
        [told, *(f"  not restored: {flat(str(one))}" for one in (lacking if isinstance(lacking, list) else []))]
    )
