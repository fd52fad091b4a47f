"""A terminal taken over for a while: another screen, no cursor, keys one by one; and given back as it was.

What is drawn replaces what was there line by line in one write, so nothing flickers; what has not changed is not drawn.
"""

import os
import termios

from milestone_cli import runtime
from milestone_cli.render.table import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The other screen, no cursor, no line that goes on in the next row."""
LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
BEGIN, END = "\x1b[?2026h\x1b[H", "\x1b[J\x1b[?2026l"
"""A terminal that knows the first and last of these shows all that is between at once; others ignore them."""
LOCAL, AT_LEAST, PATIENCE = 3, termios.VMIN, termios.VTIME


class Screen:
    """The terminal that standard output is, and standard input where that is one too."""

    def __init__(self) -> None:
        self._before: list[object] | None = None
        self._shown: tuple[tuple[int, int], Sequence[str]] | None = None
        self.is_taken = False

    @property
    def size(self) -> "tuple[int, int]":
        """Columns and lines."""
        columns, lines = os.get_terminal_size(1)
        return columns or 80, lines or 24

    @property
    def has_keys(self) -> bool:
        """Whether keys can be read from standard input."""
        return self._before is not None

    def take(self) -> None:
        """Take the terminal over."""
        if runtime.is_terminal(0):
            self._before = list(termios.tcgetattr(0))
            wanted = termios.tcgetattr(0)
            wanted[LOCAL] &= ~(termios.ECHO | termios.ICANON)
            wanted[6][AT_LEAST], wanted[6][PATIENCE] = 1, 0
            termios.tcsetattr(0, termios.TCSADRAIN, wanted)
        self.is_taken = True
        _write(ENTER)
        self._shown = None

    def give_back(self) -> None:
        """Give it back as it was, with what was on it before."""
        if not self.is_taken:
            return
        self.is_taken = False
        try:
            _write(LEAVE)
        finally:
            if self._before is not None:
                termios.tcsetattr(0, termios.TCSAFLUSH, self._before)  # type: ignore[arg-type]

    def draw(self, lines: "Sequence[str]") -> None:
        """Show some lines, which are harmless and no wider than the screen, from its top; no more than fit."""
        size = self.size
        lines = lines[: size[1]]
        if self._shown == (size, lines):
            return
        self._shown = size, lines
        _write(BEGIN + "\r\n".join([_over(line, size[0]) for line in lines]) + END)


def _over(line: str, width: int) -> str:
    """A line that leaves nothing of the one before; clearing behind a full one would take its last character."""
    first, *rest = line.split("\x1b[")
    bare = first + "".join([part.partition("m")[2] for part in rest])
    return line + "\x1b[K" if columns(bare) < width else line


def _write(text: str) -> None:
    data = memoryview(text.encode("utf-8", "replace"))
    while data:
        data = data[os.write(1, data) :]
