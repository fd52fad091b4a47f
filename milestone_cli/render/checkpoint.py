"""Checkpoints for people: the list, one of them, and what restoring one would do."""

from milestone_cli import runtime
from milestone_cli.render.ages import size, when
from milestone_cli.render.changes import diff_text
from milestone_cli.render.table import CYAN, DIM, GREEN, MAGENTA, RED, paint, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.checkpoints.restore import Restore
    from milestone_cli.render.table import Cell

STYLES = {"good": GREEN, "replaced": MAGENTA, "damaged": RED}
SHOWN = 20
"""Changes that a plan shows in words; the rest is counted."""


def list_text(milestone: str, found: "list[dict[str, object]]") -> str:
    """The checkpoints of a milestone."""
    if not found:
        return f"{milestone} has no checkpoint yet; `milestone checkpoint create {milestone}` makes one"
    rows: list[list[Cell]] = [
        [
            str(one["checkpoint_name"]),
            "-" if one["revision"] is None else str(one["revision"]),
            size(one["bytes"]),
            (when(one["created_at"]), DIM),
            (_upper(one["state"]), STYLES[str(one["state"])]),
            ("pinned", CYAN) if one["pinned"] is not None else "",
            str(one["trouble"] or one["reason"] or ""),
        ]
        for one in found
    ]
    head = ["CHECKPOINT", "REVISION", "BYTES", "MADE", "STATE", "PIN", "REASON"]
    return table(rows, head, align="=>><<<<", spare=["BYTES", "REVISION"])


def _upper(state: object) -> str:
    return str(state).upper() if state == "damaged" else str(state)


def show_text(one: "dict[str, object]") -> str:
    """One checkpoint, a line for each thing that is known."""
    state = str(one["state"])
    title = f"{flat(str(one['milestone_id']))}: checkpoint {flat(str(one['checkpoint_name']))}"
    lines = [f"{title}  {paint(_upper(state), STYLES[state])}"]
    pinned, tags = one["pinned"], one["tags"]
    facts: list[tuple[str, object]] = [
        ("trouble", one["trouble"]),
        ("made", when(one["created_at"])),
        ("reason", one["reason"]),
        ("revision", one["revision"]),
        ("size", size(one["bytes"]) if one["bytes"] is not None else None),
        ("sha256", one["sha256"]),
        ("tags", ", ".join(map(str, tags)) if isinstance(tags, list) else None),
        ("pinned", _pin(pinned) if isinstance(pinned, dict) else None),
        ("file", one["checkpoint_file"]),
        ("present", _present(one["changes"])),
    ]
    known = [(paint(f"{name:<9}", DIM), flat(str(value))) for name, value in facts if value not in (None, "")]
    return "\n".join(lines + [f"  {name} {value}" for name, value in known])


def _pin(pinned: "dict[str, object]") -> str:
    parts = [str(pinned[key]) for key in ("reason", "by") if pinned.get(key)]
    return ", ".join([*parts, when(pinned["at"])]) if pinned.get("at") else ", ".join(parts) or "yes"


def _present(changes: object) -> "str | None":
    if not isinstance(changes, int):
        return None
    return f"differs in {changes} place{'' if changes == 1 else 's'}" if changes else "says the same"


def plan_fields(plan: "Restore") -> "dict[str, object]":
    """What a restore would do, as JSON values; its changes come as texts."""
    found = plan.checkpoint
    return {
        "milestone_id": found.milestone,
        "checkpoint_name": found.name,
        "checkpoint": found.fields(),
        "from_revision": plan.revision,
        "sha256": found.sha256,
        "bytes": len(found.text or b""),
        "from_bytes": None if plan.present is None else len(plan.present),
        "identical": plan.present == found.text,
        "refused": plan.blockers,
    }


def plan_text(plan: "Restore") -> str:
    """The same for people."""
    found = plan.checkpoint
    origin = f"revision {found.revision}" if found.revision else "a state of another program"
    lines = [
        f"{flat(found.milestone)}: restore checkpoint {flat(found.name)}, made {when(found.created_at)} of {origin}",
        f"  from  {_from(plan)}",
        f"  to    {_bytes(found.text or b'')}, SHA-256 {found.sha256[:16]}…, as a new revision",
    ]
    if found.state == "replaced":
        lines.append(paint("  note  another program has made this checkpoint again under its name", MAGENTA))
    if plan.present is not None:
        lines.append("  keep  the present state, as checkpoint pre-restore-…")
        shown = diff_text(plan.changes[:SHOWN], identical=plan.present == found.text)
        lines += ["", *["  " + line for line in shown.split("\n")]]
        if len(plan.changes) > SHOWN:
            lines.append(paint(f"  and {len(plan.changes) - SHOWN} changes more", DIM))
    lines += [paint(f"  refused unless --force: {flat(one)}", RED) for one in plan.blockers]
    return "\n".join(lines)


def _bytes(text: bytes) -> str:
    return size(len(text)) + ("" if runtime.is_terminal(1) else " bytes")


def _from(plan: "Restore") -> str:
    if plan.revision is None:
        return "a damaged state, which is set aside"
    return f"revision {plan.revision}, {_bytes(plan.present)}" if plan.present is not None else "no state"
