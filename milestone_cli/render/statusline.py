"""The client's status line: one narrow row, the milestone first."""

from milestone_cli import runtime
from milestone_cli.render.ages import short
from milestone_cli.render.table import BOLD, DIM, MAGENTA, RED, columns, fit, paint
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.statusline import Line

WIDTH = 80
"""Columns of the row, where the client does not say how many there are."""
NAME, WORD = 28, 24
"""Columns of a milestone's name, and of how far it is."""
FULL, NEARLY = 90, 75
"""Percent of the context from which on it is shown as a warning."""
MARK = " · "


def row(line: "Line") -> str:
    """The row, in colour unless NO_COLOR, --no-color or a dumb terminal: the client shows it at one, through a pipe."""
    colour = not (runtime.flags.get("no_color") or runtime.env("NO_COLOR") or runtime.env("TERM") == "dumb")
    given = runtime.env("COLUMNS") or ""
    room = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 6 else WIDTH
    shown = ""
    taken = 0
    for text, style in _parts(line):
        told = fit(flat(text), room)
        width = columns(told) + (len(MARK) if shown else 0)
        if taken + width > room:
            break
        shown += (paint(MARK, DIM, colour) if shown else "") + paint(told, style, colour)
        taken += width
    return shown


def _parts(line: "Line") -> "list[tuple[str, str]]":
    """Texts and their styles, the most telling first."""
    parts: list[tuple[str, str]] = []
    if line.milestone:
        parts.append((fit(line.milestone, NAME), BOLD))
        if line.progress:
            parts.append((fit(line.progress, WORD), RED if line.progress == "DAMAGED" else ""))
        age = short(max(runtime.now_ns() - line.checkpoint, 0)) + " ago" if line.checkpoint else "none"
        parts.append((f"checkpoint {age}", ""))
    else:
        parts.append((f"{line.others} milestones" if line.others else "no milestone", DIM))
    if line.context is not None:
        style = RED if line.context >= FULL else MAGENTA if line.context >= NEARLY else ""
        parts.append((f"context {line.context} %", style))
    return parts
