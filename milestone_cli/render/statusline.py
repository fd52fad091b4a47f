"""The client's status line: one narrow row, the milestone first."""

from milestone_cli import runtime
from milestone_cli.render.ages import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.standing.statusline import Line

BOLD, DIM, RED, MAGENTA = "1", "2", "31", "35"
"""Styles as in `table`, whose import would cost more than the row."""
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
    for text, style, most in _parts(line):
        told, width = _fitted(text, min(most, room))
        width += len(MARK) if shown else 0
        if taken + width > room:
            break
        shown += (_painted(MARK, DIM, colour) if shown else "") + _painted(told, style, colour)
        taken += width
    return shown


def _parts(line: "Line") -> "list[tuple[str, str, int]]":
    """Texts, their styles, and how many columns each may have, the most telling first."""
    parts: list[tuple[str, str, int]] = []
    if line.milestone:
        parts.append((line.milestone, BOLD, NAME))
        if line.progress:
            parts.append((line.progress, RED if line.progress == "DAMAGED" else "", WORD))
        age = short(max(runtime.now_ns() - line.checkpoint, 0)) + " ago" if line.checkpoint else "none"
        parts.append((f"checkpoint {age}", "", WIDTH))
    else:
        parts.append((f"{line.others} milestones" if line.others else "no milestone", DIM, WIDTH))
    if line.context is not None:
        style = RED if line.context >= FULL else MAGENTA if line.context >= NEARLY else ""
        parts.append((f"context {line.context} %", style, WIDTH))
    return parts


def _fitted(text: str, most: int) -> "tuple[str, int]":
    """A text from outside, harmless and cut, and the columns that it takes."""
    if len(text) <= most and text.isascii() and text.isprintable():
        return text, len(text)
    from milestone_cli.render.table import columns, fit
    from milestone_cli.render.text import flat

    told = fit(flat(text), most)
    return told, columns(told)


def _painted(text: str, style: str, colour: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if colour and style else text
