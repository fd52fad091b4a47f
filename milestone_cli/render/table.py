"""Tables for people: aligned by what a terminal shows, cut to its width there, and never cut in a pipe.

Cells may come from outside: controls are shown, not sent, and a line feed forges no row. Colour comes from the
sixteen that every theme defines, is used sparingly, and never tells anything that a word does not.
"""

from milestone_cli import runtime
from milestone_cli.render.document import wants_colour
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Cell = Sequence[str]  # a text (which is one too), or a text and its style

BOLD, DIM, RED, GREEN, MAGENTA, CYAN = "1", "2", "31", "32", "35", "36"
"""Styles: magenta warns, because yellow cannot be read on white."""
GAP = "  "
ENDLESS = 1 << 30
"""Columns, and lines, of what is no terminal."""
NARROW, NARROWEST = 16, 8
"""Nothing is cut to fewer columns than the second, and the last text, which explains, not below the first."""
DULL = ("", "-", "none", "system", "no-session")
"""A column of nothing but these is left out at a terminal."""


def table(
    rows: "Sequence[Sequence[Cell]]",
    head: "Sequence[str]",
    *,
    align: str = "",
    width: "int | None" = None,
    spare: "Sequence[str]" = (),
) -> str:
    """Lay out rows under a head, two spaces apart.

    Args:
        rows: cells, each a text or a text and its style (`("damaged", RED)`).
        head: the titles; empty for a table without them.
        align: `<` or `>` for each column, or `=` for names that are typed again, which stand left and give way last;
            what is left out stands right when it holds only numbers.
        width: columns to keep to; left out: the terminal's, or no bound where standard output is none.
        spare: titles of columns that are left out, in this order, where there is no room for all.
    """
    bound = screen_width() if width is None else width
    if head and runtime.is_terminal(1):
        rows, head, align = _telling(rows, head, align)
        for title in spare:
            rows, head, align = _without(title, rows, head, align, bound)
    texts = [[flat(_text(cell)) for cell in row] for row in rows]
    shown = [list(head), *texts] if head else texts
    if not shown:
        return ""
    span = range(len(shown[0]))
    align += "".join(">" if texts and all(_is_number(row[i]) for row in texts) else "<" for i in span[len(align) :])
    widths = [max(columns(row[i]) for row in shown) for i in span]
    _narrow(widths, align, bound)
    styles = [[_style(cell) for cell in row] for row in rows]
    if head:
        styles.insert(0, [DIM] * len(head))
    colour = wants_colour()
    lines = []
    for texts_of_row, styles_of_row in zip(shown, styles, strict=True):
        cells = []
        for i in span:
            text = fit(texts_of_row[i], widths[i])
            pad = " " * (widths[i] - columns(text))
            text = paint(text, styles_of_row[i], colour)
            cells.append(pad + text if align[i] == ">" else text if i == span[-1] else text + pad)
        lines.append(GAP.join(cells).rstrip(" "))
    return "\n".join(lines)


def paint(text: str, style: str, colour: "bool | None" = None) -> str:
    """Give a text a style where standard output takes colour."""
    wanted = wants_colour() if colour is None else colour
    return f"\x1b[{style}m{text}\x1b[0m" if wanted and style and text else text


def screen_width() -> int:
    """Columns of the terminal that standard output is; in a pipe there is no bound."""
    if not runtime.is_terminal(1):
        return ENDLESS
    from os import get_terminal_size

    given = runtime.env("COLUMNS") or ""
    return (int(given) if given.isdecimal() and len(given) < 6 else 0) or get_terminal_size(1).columns or 80


def screen_height() -> int:
    """Lines of the terminal that standard output is; in a pipe there is no bound."""
    if not runtime.is_terminal(1):
        return ENDLESS
    from os import get_terminal_size

    return get_terminal_size(1).lines or 24


def columns(text: str) -> int:
    """How many columns a terminal gives a text: two for wide characters, none for those that join others."""
    if text.isascii():
        return len(text)
    return sum([_columns_of(char) for char in text])


def _columns_of(char: str) -> int:
    if char < "\u0300":
        return 1
    from unicodedata import category, east_asian_width

    if category(char) in ("Mn", "Me", "Cf") or "\u1160" <= char <= "\u11ff":  # vowels and ends of Hangul syllables
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def fit(text: str, width: int) -> str:
    """Cut a text to so many columns; an ellipsis says so."""
    if len(text) * 2 <= width or columns(text) <= width:
        return text
    taken = at = 0
    while taken + _columns_of(text[at]) < width:
        taken += _columns_of(text[at])
        at += 1
    return text[:at].rstrip() + "…"


def _telling(
    rows: "Sequence[Sequence[Cell]]", head: "Sequence[str]", align: str
) -> "tuple[list[list[Cell]], list[str], str]":
    """The table without the columns that tell nothing in any row; a pipe keeps them all, for whoever counts them."""
    kept = [i for i in range(len(head)) if not rows or i == 0 or any(_text(row[i]) not in DULL for row in rows)]
    return [[row[i] for i in kept] for row in rows], [head[i] for i in kept], "".join([align[i : i + 1] for i in kept])


def _without(
    title: str, rows: "Sequence[Sequence[Cell]]", head: "Sequence[str]", align: str, bound: int
) -> "tuple[Sequence[Sequence[Cell]], Sequence[str], str]":
    """The table without a column, where even with texts that have given way there is no room for it."""
    needed = len(GAP) * (len(head) - 1)
    for i, name in enumerate(head):
        whole = max([columns(name), *[columns(flat(_text(row[i]))) for row in rows]])
        needed += min(whole, NARROW) if align[i] == "<" else whole
    if needed <= bound or title not in head:
        return rows, head, align
    at = list(head).index(title)
    return [[*row[:at], *row[at + 1 :]] for row in rows], [*head[:at], *head[at + 1 :]], align[:at] + align[at + 1 :]


def _narrow(widths: list[int], align: str, bound: int) -> None:
    """Take columns from the last text down to a third, then from the widest, from names last; numbers stay whole."""
    room = bound - len(GAP) * (len(widths) - 1)
    widths[:] = [min(width, bound) for width in widths]
    last = len(widths) - 1
    if align[last] == "<":
        widths[last] = min(widths[last], max(room - sum(widths[:-1]), room // 3, NARROW))
    for kind in "<=":
        while sum(widths) > room:
            giving = [
                (widths[i], i)
                for i in range(last + 1)
                if align[i] == kind and widths[i] > (NARROW if i == last else NARROWEST)
            ]
            if not giving:
                break
            widths[max(giving)[1]] -= 1


def _text(cell: "Cell") -> str:
    return cell if isinstance(cell, str) else cell[0]


def _style(cell: "Cell") -> str:
    return "" if isinstance(cell, str) else cell[1]


def _is_number(text: str) -> bool:
    return text.isdecimal() or text in ("", "-")
