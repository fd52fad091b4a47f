"""The command `milestone hook statusline`: a row for the client, at every turn; it never fails and never hangs."""

import _thread
import os

from milestone_cli import runtime
from milestone_cli.core.standing.statusline import Line, look
from milestone_cli.render import write
from milestone_cli.render.statusline import row

PIECE = 1 << 16
LARGEST = 1 << 20
"""Bytes of a payload that are looked at."""
SECONDS = 2.0
"""After so long the row stays empty."""


def hook_statusline() -> None:
    """Print a row for Claude Code's status line: milestone, progress, age of the last checkpoint, context used.

    It reads what Claude Code says from standard input, always exits 0, and is in colour unless NO_COLOR is set.

    Example: milestone hook statusline <<< '{"context_window": {"used_percentage": 42}}'
    """
    _thread.start_new_thread(_leave, ())
    line = Line()
    try:
        look(_payload(), os.getcwd(), line)
    except Exception:  # noqa: S110 - the row tells what is known; doctor tells what is the matter
        pass
    try:
        write(row(line) + "\n")
    except OSError:
        pass  # the client has gone


def _payload() -> bytes:
    """Standard input, read to its end, as far as it is looked at; nothing from a terminal."""
    found = b""
    while not runtime.is_terminal(0) and (block := os.read(0, PIECE)):
        if len(found) <= LARGEST:
            found += block
    return found


def _leave() -> None:
    """Be gone in time, whatever the disk does."""
    runtime.sleep(SECONDS)
    os._exit(0)
