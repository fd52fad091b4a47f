"""What stands above a timeline at a terminal: how busy it was when, and what it comes to.

That takes a first look at everything, or at a long log only where each column of the picture begins.
"""

from milestone_cli.render.activity import Activity
from milestone_cli.render.document import wants_colour
from milestone_cli.render.events import is_bad
from milestone_cli.render.table import BOLD, DIM, ENDLESS, RED, columns, fit, paint, screen_width
from milestone_cli.render.text import clean
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.log.chronicle import Chronicle

SHORT = 32 << 20
"""Up to so many bytes are looked through."""
MOST = 96
"""A picture is no wider than this."""
FINE = 1024
TYPE, SESSION = b'"event_type":', b'"session_id":'


class Tally:
    """Counts of what stands in a log, from its bytes alone: it is only a glance."""

    __slots__ = ("_failed", "_second", "_time", "activity", "checkpoints", "events", "failures", "sessions")

    def __init__(self) -> None:
        self.activity = Activity(FINE)
        self.events = self.failures = self.checkpoints = 0
        self.sessions: set[bytes] = set()
        self._failed: dict[bytes, bool] = {}
        self._second = b""
        self._time: int | None = None

    def add(self, line: bytes) -> None:
        """Count one event."""
        type_, session = _after(line, TYPE), _after(line, SESSION)
        failed = self._failed.get(type_)
        if failed is None:
            failed = self._failed[type_] = is_bad(type_.decode("utf-8", "replace"))
        self.events += 1
        self.failures += failed
        self.checkpoints += type_.startswith(b"checkpoint")
        if session and session != b"no-session":
            self.sessions.add(session)
        at = 14 if line.startswith(b'{"timestamp":"') else 15
        if line[at : at + 19] != self._second:
            self._second = line[at : at + 19]
            self._time = parse_ns(self._second.decode("ascii", "replace") + "Z")
        if self._time is not None:
            self.activity.add(self._time, failed)

    def words(self) -> "list[str]":
        """What it comes to; the second is how much went wrong."""
        counts = (
            (self.events, "event", "events"),
            (self.failures, "failure", "failures"),
            (self.checkpoints, "checkpoint", "checkpoints"),
            (len(self.sessions), "session", "sessions"),
        )
        return [f"{count:,} {one if count == 1 else many}" if count else "" for count, one, many in counts]


def head(found: "Chronicle", title: str) -> "Iterator[bytes]":
    """Yield the lines above a timeline; `found` may be iterated over afterwards."""
    yield f"{paint('Timeline of ' + clean(title), BOLD)}  {paint('times in UTC', DIM)}\n".encode()
    width = screen_width()
    room = min(width - 2, MOST) if width < ENDLESS else MOST
    colour = wants_colour()
    tally = Tally()
    if found.size <= SHORT:
        for event in found.again().lines():
            tally.add(event)
    else:
        for time, size in found.sampled(room):
            tally.activity.add(time, count=size)
    activity = tally.activity
    if activity.start is None or not any(activity.counts):
        return
    bars, failed = activity.bars(room)
    shown = "".join([paint(bar, RED, colour) if bad else bar for bar, bad in zip(bars, failed, strict=True)])
    yield f"  {shown}\n".encode()
    yield f"  {paint(_axis(activity, len(bars)), DIM, colour)}\n".encode()
    if tally.events:
        words = tally.words()
        styles = ("", RED, "", "")
        line = " · ".join([paint(word, style, colour) for word, style in zip(words, styles, strict=True) if word])
        yield f"  {line if columns(' · '.join(words)) < width - 2 else fit(words[0], width - 2)}\n".encode()


def _axis(activity: Activity, width: int) -> str:
    """When the picture begins and ends, below its ends as far as they are apart."""
    first, last = (_moment(ns) for ns in (activity.start or 0, activity.last))
    if first[:10] == last[:10]:
        last = last[11:]
    return first + " " * max(width - len(first) - len(last), 0) + (last if width > len(first) + len(last) else "")


def _moment(ns: int) -> str:
    from milestone_cli import runtime

    return runtime.timestamp(ns)[:16].replace("T", " ")


def _after(line: bytes, key: bytes) -> bytes:
    """The text that follows a key, up to the next quotation mark."""
    at = line.find(key)
    if at < 0:
        return b""
    at = line.find(b'"', at + len(key)) + 1
    return line[at : line.find(b'"', at)]
