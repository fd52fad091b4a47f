"""The timeline for people: a header for each day, a line for each event.

In a pipe nothing is cut and lines are taken apart by slicing, without parsing, where they have the shape of
ours; at a terminal they are aligned, coloured and cut to its width.
"""

from milestone_cli import runtime
from milestone_cli.jsontext import loads
from milestone_cli.render.document import wants_colour
from milestone_cli.render.events import harmless, parts, state_summary
from milestone_cli.render.text import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STATE = b'{"state_file":'
TYPE = b'","event_type":"'
DATA = b'","data":'
PID = b',"pid":'
AGENT = b'"agent_id":"'
PLAIN = b"\n"
SYSTEM = b'"agent_id":"system"'


def plain(milestone: str, blocks: "Iterable[bytes]", by_day: bool = True) -> "Iterator[bytes]":
    """Yield events as text for a pipe, under a header for each day unless told otherwise."""
    if by_day:
        yield f"Timeline of {clean(milestone)}\n".encode()
    day = b""
    shown: tuple[bytes, ...]
    for block in blocks:
        out: list[bytes] = []
        for line in block.split(b"\n"):
            # A million lines pass here: slices and one list, no call and no formatting for each.
            _, shaped, rest = line.partition(TYPE)
            type_, more, rest = rest.partition(DATA)
            data, end, tail = rest.rpartition(PID)
            if not (shaped and more and end):
                if not line:
                    continue
                date, rest = _parsed(line)
                shown = (date, rest, PLAIN)
            else:
                date = line[14:24]
                if SYSTEM in tail or AGENT not in tail:
                    rest = PLAIN
                else:
                    rest = b"  (" + tail.partition(AGENT)[2].partition(b'"')[0] + b")\n"
                if data == b"{}":
                    shown = (date, b" ", line[25:33], b"  ", type_, rest)
                else:
                    if data.startswith(STATE):
                        data = _state(data)
                    shown = (date, b" ", line[25:33], b"  ", type_, b"  ", data, rest)
            if date != day and by_day:
                day = date
                out += (b"\n== ", day, b" ==\n")
            out += shown
        yield harmless(b"".join(out))


def _state(data: bytes) -> bytes:
    try:
        value = loads(data)
    except ValueError:
        return data
    return state_summary(value).encode() if isinstance(value, dict) and "revision" in value else data


def _parsed(line: bytes) -> "tuple[bytes, bytes]":
    """Date and the rest of one event's text, for a line of any shape."""
    stamp, type_, agent, _, said = parts(line)
    by = "" if agent in {"", "system"} else f"  ({agent})"
    text = f"{stamp[10:]}  {type_}{'  ' + said if said else ''}{by}"
    return stamp[:10].encode("utf-8", "replace"), text.encode("utf-8", "replace")


def fancy(milestone: str, blocks: "Iterable[bytes]", by_day: bool = True) -> "Iterator[bytes]":
    """Yield the same aligned and coloured, and cut to the width where standard output is a terminal."""
    import shutil

    colour = wants_colour()
    width = shutil.get_terminal_size().columns if runtime.is_terminal(1) else 1 << 30
    bold, dim, reset = ("\033[1m", "\033[2m", "\033[0m") if colour else ("", "", "")
    if by_day:
        yield f"{bold}Timeline of {clean(milestone)}{reset}\n".encode()
    day = session = ""
    for block in blocks:
        out = []
        for line in block.split(b"\n"):
            if not line:
                continue
            stamp, type_, agent, in_session, said = parts(line)
            if stamp[:10] != day:
                day, session = stamp[:10], ""
                out.append(f"\n{bold}{day}{reset}")
            if in_session != session:
                session = in_session
                out.append(f"{dim}  {fit('session ' + session if session else 'no session', width - 2)}{reset}")
            out.append(event_line(stamp[11:19], type_, agent, said, width=width, colour=colour))
        yield ("\n".join(out) + "\n").encode("utf-8", "replace")


def event_line(stamp: str, type_: str, agent: str, said: str, *, width: int, colour: bool) -> str:
    """One event in columns, cut to the width; only the type has a colour of its own."""
    dim, reset = ("\033[2m", "\033[0m") if colour else ("", "")
    shown = fit(type_, 24)
    tint = ""
    if colour:
        tint = "\033[31m" if _is_bad(type_) else "\033[32m" if type_.startswith("state") else "\033[36m"
    by = "" if agent in {"", "system"} else agent
    room = width - len(stamp) - 6 - 24 - (columns(by) + 2 if by else 0)
    text = fit(said, max(room, 8))
    gap = " " * (24 - columns(shown))
    return f"  {dim}{stamp}{reset}  {tint}{shown}{reset}{gap}  {text}{dim}{'  ' + by if by else ''}{reset}".rstrip()


def _is_bad(type_: str) -> bool:
    return any(word in type_ for word in ("fail", "error", "torn", "damage", "anchored"))


def columns(text: str) -> int:
    """How many columns a terminal gives a text: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    shown = [c for c in text if not combining(c) and c not in "\u200b\u200d\ufe0f"]
    return len(shown) + sum([east_asian_width(c) in "WF" for c in shown])


def fit(text: str, width: int) -> str:
    """Cut a text to so many columns; an ellipsis says so."""
    if columns(text) <= width:
        return text
    while text and columns(text) >= width:
        over = columns(text) - width + 1
        text = text[: len(text) - max(1, over // 2)]
    return text + "…"
