"""The milestones of a store, for people."""

from milestone_cli import runtime
from milestone_cli.render.ages import size, when
from milestone_cli.render.table import (
    CYAN,
    DIM,
    GREEN,
    MAGENTA,
    RED,
    columns,
    fit,
    paint,
    screen_width,
    table,
)
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.render.table import Cell

STATES = {"good": GREEN, "none": DIM, "completed": DIM, "changed outside": MAGENTA}
"""The style of what is the matter with a state; anything else is damage."""
LABEL = 14


def list_text(found: list[dict[str, object]]) -> str:
    """The milestones of a store."""
    if not found:
        return "no milestone yet; `milestone init NAME` makes one"
    rows: list[list[Cell]] = [
        [
            str(one["milestone_id"]),
            str(one["revision"]),
            str(one["events"]),
            size(one["bytes"]),
            when(one["updated_at"]),
            state_of(one),
        ]
        for one in found
    ]
    return table(rows, ["MILESTONE", "REVISION", "EVENTS", _bytes(), "UPDATED", "STATE"], align="=>>><<")


def everything_text(found: dict[str, object]) -> str:
    """All milestones of a store, and how to look at one."""
    listed = found["milestones"]
    assert isinstance(listed, list)
    lines = [list_text(listed)]
    if listed:
        lines += ["", labelled("session", str(found["session_id"] or "none")), labelled("store", str(found["store"]))]
        worst = next((one for one in listed if _is_bad(one)), None)
        name = worst["milestone_id"] if worst else max(listed, key=_updated)["milestone_id"]
        lines += ["", labelled("next", f"milestone status {name}", CYAN)]
    return "\n".join(lines)


def labelled(label: str, text: str, style: str = "", width: "int | None" = None) -> str:
    """A label and what it says, cut to the width of a terminal, or to another one."""
    shown = flat(label)
    start = "  " + paint(shown, DIM) + " " * (LABEL - 2 - columns(shown))
    return start + paint(fit(flat(text), max((width or screen_width()) - LABEL, 8)), style)


def state_of(found: dict[str, object]) -> "tuple[str, str]":
    """What is the matter with a state, and its style; what is bad stands in capitals."""
    text = str(found["state"])
    return (text.upper() if _is_bad(found) else text), STATES.get(text, RED)


def _is_bad(found: dict[str, object]) -> bool:
    return found["state"] not in STATES


def _updated(found: dict[str, object]) -> str:
    return str(found["updated_at"] or "")


def _bytes() -> str:
    return "SIZE" if runtime.is_terminal(1) else "BYTES"
