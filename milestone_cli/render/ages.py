"""Times, ages, sizes and numbers for people: short at a terminal, exact in a pipe."""

from milestone_cli import runtime
from milestone_cli.timestamps import parse_ns

SECOND = 1_000_000_000
UNITS = ((86_400 * 365, "y"), (86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def when(timestamp: object) -> str:
    """A moment as `3m ago` at a terminal, as it is written in a pipe; `-` for none."""
    if not isinstance(timestamp, str) or not timestamp:
        return "-"
    return ago(timestamp) if runtime.is_terminal(1) else timestamp


def ago(timestamp: object) -> str:
    """How long ago a moment was, in its largest unit; what is no time stays as it is."""
    ns = parse_ns(timestamp)
    if ns is None:
        return str(timestamp)
    passed = runtime.now_ns() - ns
    if passed < 0:
        return "in " + short(-passed) if passed < -5 * SECOND else "just now"
    return "just now" if passed < 5 * SECOND else short(passed) + " ago"


def short(ns: int) -> str:
    """A span of time in its largest unit: `40s`, `3m`, `5h`, `12d`, `2y`."""
    seconds = ns // SECOND
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return "0s"


def span(ns: int) -> str:
    """A span of time in its two largest units: `3 h 12 m`, `2 d 4 h`, `40 s`."""
    seconds = ns // SECOND
    for i, (size, unit) in enumerate(UNITS):
        if seconds >= size:
            rest = seconds % size // UNITS[i + 1][0] if i + 1 < len(UNITS) else 0
            return f"{seconds // size} {unit}" + (f" {rest} {UNITS[i + 1][1]}" if rest else "")
    return "0 s"


def size(count: object) -> str:
    """Bytes in a unit that suits them at a terminal (`1.2 KB`), as a plain number in a pipe."""
    if not isinstance(count, int) or not runtime.is_terminal(1):
        return "-" if count is None else str(count)
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("KB", "MB", "GB"):
        value /= 1000
        if value < 999.5 or unit == "GB":
            break
    return f"{value:.0f} {unit}" if value >= 99.5 else f"{value:.1f} {unit}"


def amount(number: int) -> str:
    """Bytes as `size` has them, with their unit in a pipe too, as a sentence needs it."""
    return size(number) if runtime.is_terminal(1) else count(number, "byte")


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural where that is due: `1 log`, `2,000 logs`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
