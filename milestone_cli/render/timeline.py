"""The timeline for people: a header for each day, a line for each event.

In a pipe nothing is cut and lines are taken apart by slicing, without parsing, where they have the shape of
ours; at a terminal they stand by day and session, aligned, coloured and cut to its width.
"""

from milestone_cli import runtime
from milestone_cli.jsontext import loads
from milestone_cli.render.ages import span
from milestone_cli.render.document import wants_colour
from milestone_cli.render.events import harmless, is_bad, parts, state_summary, summary, told
from milestone_cli.render.table import BOLD, CYAN, DIM, ENDLESS, GREEN, RED, columns, fit, paint, screen_width
from milestone_cli.render.text import clean
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from milestone_cli.render.events import Each

STATE = b'{"state_file":'
TYPE = b'","event_type":"'
DATA = b'","data":'
PID = b',"pid":'
AGENT = b'"agent_id":"'
TYPES = 28
"""A type takes no more columns than this at a terminal."""
DAY = 86_400_000_000_000
GAP = DAY // 48
"""From half an hour without an event on, the silence is shown."""
WEEK = ("Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday")
"""The first of January 1970 was a Thursday."""


def plain(milestone: str, each: "Each", by_day: bool = True) -> "Iterator[bytes]":
    """Yield events as text for a pipe, under a header for each day unless told otherwise."""
    if not by_day:
        for piece in each(_plainly):
            yield piece.split(b"\n", 2)[2]
        return
    yield f"Timeline of {clean(milestone)}\n".encode()
    day = b""
    for piece in each(_by_day):
        first, last, text = piece.split(b"\n", 2)
        if first != day:
            yield b"\n== " + first + b" ==\n"
        yield text
        day = last


def _plainly(block: bytes) -> bytes:
    return _lines(block, False)


def _by_day(block: bytes) -> bytes:
    return _lines(block, True)


def _lines(block: bytes, by_day: bool) -> bytes:
    """The day that a block of events begins with, the one that it ends with, and its text.

    A block is all that goes into it, so that other processes can do it; the header of its first day is left to whoever
    knows the block before.
    """
    day = b""
    at, author, by, tail = -1, b"\0", b"", 0
    out: list[bytes] = []
    for line in block.split(b"\n"):
        # A million lines pass here. Where its type begins, and who wrote it how far from the end, is mostly as in
        # the line before. That tail was the shortest possible, since its numbers only grow: so it holds no data.
        end = len(line) - tail
        if not line.startswith(TYPE, at) or not line.startswith(author, end):
            at, end, author, by, tail = _shape(line)
        cut = line.find(DATA, at + 16)
        if at < 0 or cut < 0:
            if not line:
                continue
            date, rest = _parsed(line)
            shown = date + rest
        else:
            date = line[14:24]
            data = line[cut + 9 : end]
            if data == b"{}":
                shown = date + b" " + line[25:33] + b"  " + line[at + 16 : cut] + by
            else:
                said = _state(data) if data.startswith(STATE) else data
                shown = date + b" " + line[25:33] + b"  " + line[at + 16 : cut] + b"  " + said + by
        if date != day:
            if not out:
                out.append(date)
            elif by_day:
                out.append(b"\n== " + date + b" ==")
            day = date
        out.append(shown)
    return harmless(b"\n".join([out[0], day, *out[1:], b""])) if out else b"\n\n"


def _shape(line: bytes) -> "tuple[int, int, bytes, bytes, int]":
    """Where an event's type begins and its data ends, who wrote it, how that is shown, and the length of the rest.

    The length is 0 where the next line must be looked at afresh; the first number is -1 where the form is not ours.
    """
    at, end = line.find(TYPE), line.rfind(PID)
    name = line.find(AGENT, end)
    if not 0 < at < end < name:
        return (at if 0 < at < end else -1), end, b"\0", b"", 0
    stop = line.find(b'"', name + 12) + 1
    agent = line[name + 12 : stop - 1]
    by = b"" if agent == b"system" else b"  (" + agent + b")"
    is_plain = b'"request":' not in line[stop:]
    return at, end, line[end:stop], by, len(line) - end if is_plain else 0


def _state(data: bytes) -> bytes:
    try:
        value = loads(data)
    except ValueError:
        return data
    return state_summary(value).encode() if isinstance(value, dict) and "revision" in value else data


def _parsed(line: bytes) -> "tuple[bytes, bytes]":
    """Date and the rest of one event's text, for a line of any shape."""
    stamp, type_, agent, _, said = parts(line, summary)
    by = "" if agent in {"", "system"} else f"  ({agent})"
    text = f"{stamp[10:]}  {type_}{'  ' + said if said else ''}{by}"
    return stamp[:10].encode("utf-8", "replace"), text.encode("utf-8", "replace")


def dated(title: str, blocks: "Iterable[bytes]") -> "Iterator[bytes]":
    """Put a header before each day of lines that begin with their date."""
    yield f"Timeline of {clean(title)}\n".encode()
    day = b""
    for block in blocks:
        lines = []
        for line in block[:-1].split(b"\n"):
            if line[:10] != day:
                day = line[:10]
                lines.append(b"\n== " + day + b" ==")
            lines.append(line)
        yield b"\n".join(lines) + b"\n"


def fancy(each: "Each") -> "Iterator[bytes]":
    """Yield events by day and session, with gaps shown as gaps, coloured, and cut to the width of a terminal."""
    page = Page(screen_width(), wants_colour())
    for block in each(bytes):
        events = [parts(line, told) for line in block.split(b"\n") if line]
        page.widen([type_ for _, type_, *_ in events])
        yield "".join([line + "\n" for event in events for line in page.lines(*event)]).encode("utf-8", "replace")


class Page:
    """What the lines of a timeline at a terminal share: the day, the session and the time of the one before."""

    __slots__ = ("_colour", "_day", "_now", "_room", "_session", "_time", "_width")

    def __init__(self, width: int, colour: bool) -> None:
        self._width = width
        self._colour = colour
        self._day = self._session = ""
        self._time: int | None = None
        self._room = 12
        self._now = runtime.now_ns()

    def widen(self, types: list[str]) -> None:
        """Make room for the longest of these types, within bounds."""
        most = TYPES if self._width < ENDLESS else ENDLESS
        self._room = max([self._room, *[min(columns(type_), most) for type_ in types]])

    def lines(self, stamp: str, type_: str, agent: str, session: str, said: str) -> "Iterator[str]":
        """One event, after the gap, the day and the session that it begins.

        What belongs to the session named above has a bar before it; what belongs to none has not.
        """
        time = parse_ns(stamp[:19] + "Z")
        if time is not None:
            gap = abs(time - self._time) if self._time is not None else 0
            if gap >= GAP:
                yield " " * 13 + paint(f"· {span(gap)} ·", DIM, self._colour)
            self._time = time
        if stamp[:10] != self._day:
            self._day = stamp[:10]
            self._session = ""
            yield ""
            yield self._heading(time)
        if session and session != self._session:
            self._session = session
            heading = session if session.startswith("session") else "session " + session
            yield paint("┌ " + fit(heading, self._width - 2), CYAN, self._colour)
        bar = paint("│", CYAN, self._colour) if session else " "
        width = self._width - 1
        yield bar + event_line(stamp[11:19], type_, agent, said, width=width, colour=self._colour, room=self._room)

    def _heading(self, time: "int | None") -> str:
        """The day, its name, and how near it is."""
        if time is None:
            return paint(fit(self._day, self._width), BOLD, self._colour)
        day = time // DAY
        near = {0: "  today", 1: "  yesterday"}.get(self._now // DAY - day, "")
        return paint(self._day, BOLD, self._colour) + paint(f"  {WEEK[day % 7]}{near}", DIM, self._colour)


def event_line(stamp: str, type_: str, agent: str, said: str, *, width: int, colour: bool, room: int = TYPES) -> str:
    """One event in columns, cut to the width; a sign stands before what went wrong and what keeps a state."""
    shown = fit(type_, room)
    sign, style = _standing(type_)
    by = "" if agent in {"", "system"} else "  " + fit(agent, max(width // 4, 8))
    rest = width - len(stamp) - 6 - room - columns(by)
    text = fit(said, max(rest, 8))
    gap = " " * (room - columns(shown))
    words = (paint(stamp, DIM, colour), paint(shown, style, colour) + gap, text + paint(by, DIM, colour))
    return ((paint(sign, style, colour) if sign != " " else sign) + " " + "  ".join(words)).rstrip()


def _standing(type_: str) -> "tuple[str, str]":
    """Sign and style of a type: what can be looked for at a glance."""
    if is_bad(type_):
        return "✗", RED
    if type_.startswith("checkpoint"):
        return "◆", BOLD
    return " ", GREEN if type_.startswith("state") else ""
