"""The timeline as Markdown for the summary of a CI step, which GitHub cuts off above 1 MiB: so it ends before.

What is left out are the oldest events, never without saying so, and failures last. Text from outside stands in code
spans only: there GitHub makes no mentions, references, links or markup of it.
"""

from collections import deque

from milestone_cli.render.activity import Activity
from milestone_cli.render.ages import span
from milestone_cli.render.events import NOBODY, told
from milestone_cli.render.lanes import CHECKPOINT, FAILURE, Lanes
from milestone_cli.render.text import flat
from milestone_cli.render.timeline import GAP, WEEK
from milestone_cli.timestamps import day

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from milestone_cli.render.lanes import Mark

    Row = tuple[Mark, str, int]
    """Where an event is drawn, what it says, and how many bytes that takes at least."""

ROOM = 850_000
"""Bytes for events; with failures and headings it stays below 1,000,000, since more may stand in the summary."""
FAILED_ROOM = 120_000
"""Bytes for failures on top."""
FEW = 20
"""More failures than these are folded."""
BARS = 96
"""Columns of the picture on top."""
LONGEST = 240
"""Characters of what an event says."""
MARKS = {FAILURE: "❌ ", CHECKPOINT: "📌 "}
MICROSECOND = 1000
DAY = 86_400_000_000
"""Microseconds."""
AGENT = 2
"""Place of the agent in a lane."""
FRAME, GAP_ROOM, DAY_ROOM = 20, 40, 200
"""Bytes of a row beside its names and what it says, of a gap before it, and of a day with the head of its table."""


def markdown(events: "Iterable[dict[str, object]]", title: str, now: int) -> "Iterator[str]":  # noqa: ARG001 - one shape
    """Yield the timeline as GitHub's Markdown, in less than 1,000,000 bytes.

    Args:
        events: decoded, oldest first.
        title: whose they are.
        now: nanoseconds since 1970.
    """
    lanes, activity = Lanes(), Activity(1024)
    latest, failed = Kept(ROOM), Kept(FAILED_ROOM)
    for event in events:
        mark = lanes.place(event)
        is_failed = lanes.types[mark[3]][1] == FAILURE
        activity.add(mark[1] * MICROSECOND, is_failed)
        said = code(told(event.get("data")), LONGEST)
        row = (mark, said, FRAME + len(said.encode("utf-8", "replace")))
        latest.add(row)
        if is_failed:
            failed.add(row)
    table = Table(lanes)
    latest.fit(table, _clock)
    failed.fit(table, _moment)
    yield f"## Timeline of {code(title)}\n\n{_summary(lanes, activity)}"
    if failed.rows:
        yield from _failures(table, failed, lanes.failures)
    if latest.left_out:
        count = f"{latest.left_out:,} older events are" if latest.left_out > 1 else "1 older event is"
        yield (
            f"> **Left out:** {count} not shown, because GitHub cuts a summary off at 1 MiB. "
            "`milestone events timeline` shows all.\n\n"
        )
    yield from table.days(latest.rows)


class Kept:
    """The latest rows, as many as there is room for.

    Attributes:
        rows: of events.
        left_out: how many earlier ones had no room.
    """

    __slots__ = ("_most", "_room", "left_out", "rows")

    def __init__(self, room: int) -> None:
        self._most = self._room = room
        self.rows: deque[Row] = deque()
        self.left_out = 0

    def add(self, row: "Row") -> None:
        """Keep a row, in place of the oldest ones where there is no room."""
        self.rows.append(row)
        self._room -= row[2]
        while self._room < 0:
            self._room += self.rows.popleft()[2]
            self.left_out += 1

    def fit(self, table: "Table", shown: "Callable[[int], str]") -> None:
        """Let go of the oldest rows until those that stay fit, with all that stands around them."""
        sizes: list[int] = []
        before = 0
        for row in self.rows:
            time = row[0][1]
            around = DAY_ROOM if time // DAY != before // DAY else GAP_ROOM if _is_gap(time - before) else 0
            sizes.append(len(table.row(row, shown(time)).encode("utf-8", "replace")) + around)
            before = time
        size = sum(sizes)
        while size > self._most:
            size -= sizes[len(sizes) - len(self.rows)]
            self.rows.popleft()
            self.left_out += 1


class Table:
    """Rows of events; milestone, session and agent have a column where they differ."""

    __slots__ = ("_head", "_lanes", "_shown")

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        milestones, sessions, agents = (len({lane[i] for lane in lanes.lanes}) > 1 for i in range(3))
        columns = ((milestones, 0, "Milestone"), (sessions, 1, "Session"), (agents, 2, "Agent"))
        self._shown = [index for is_shown, index, _ in columns if is_shown]
        names = ["Time", "Event", "", *[name for is_shown, _, name in columns if is_shown]]
        self._head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"

    def days(self, rows: "Iterable[Row]") -> "Iterator[str]":
        """Rows under a heading for each day; half an hour without an event is shown."""
        today, before = -1, 0
        for row in rows:
            time = row[0][1]
            day = time // DAY
            gap = time - before
            if day != today:
                yield ("\n" if today >= 0 else "") + f"### {_date(time)}, {WEEK[day % 7]}\n\n{self._head}"
            elif _is_gap(gap):
                yield f"| | · {span(gap * MICROSECOND)} · |\n"
            today, before = day, time
            yield self.row(row, _clock(time))
        yield "\n"

    def whole(self, rows: "Iterable[Row]") -> "Iterator[str]":
        """All rows in one table, with their dates."""
        yield self._head
        for row in rows:
            yield self.row(row, _moment(row[0][1]))
        yield "\n"

    def row(self, row: "Row", time: str) -> str:
        """One event."""
        (_, _, lane, type_), said, _ = row
        name, kind = self._lanes.types[type_]
        where = self._lanes.lanes[lane]
        places = ["" if index == AGENT and where[index] in NOBODY else code(where[index]) for index in self._shown]
        return f"| {' | '.join([time, MARKS.get(kind, '') + code(name), said, *places])} |\n"


def _summary(lanes: Lanes, activity: Activity) -> str:
    """What it comes to, in a line, and how busy it was, in another."""
    if lanes.first is None:
        return "No events.\n\n"
    counts = (
        (lanes.count, "event", "events"),
        (lanes.failures, "failure", "failures"),
        (lanes.checkpoints, "checkpoint", "checkpoints"),
        (len(lanes.sessions), "session", "sessions"),
        (len(lanes.agents.difference(NOBODY)), "agent", "agents"),
    )
    words = [f"{count:,} {one if count == 1 else many}" for count, one, many in counts if count]
    first, last = lanes.first, lanes.last
    end = _clock(last) if first // DAY == last // DAY else _moment(last)
    return (
        f"**{words[0]}**{''.join([' · ' + word for word in words[1:]])} · "
        f"{_moment(first)} to {end} UTC\n\n`{activity.bars(BARS)[0]}`\n\n"
    )


def _failures(table: Table, failed: Kept, count: int) -> "Iterator[str]":
    """The failures, folded where there are many."""
    title = f"{count:,} failed" if not failed.left_out else f"{count:,} failed, the last {len(failed.rows):,} of them"
    if count <= FEW:
        yield f"### {title}\n\n"
        yield from table.whole(failed.rows)
        return
    yield f"<details><summary><b>{title}</b></summary>\n\n"
    yield from table.whole(failed.rows)
    yield "</details>\n\n"


def code(text: str, longest: int = 200) -> str:
    """A text from outside as a code span that may stand in a table; nothing in it has a meaning.

    Source: GitHub Flavored Markdown 4.10 (a pipe is escaped in a code span of a table too) and 6.1.
    """
    shown = flat(text).strip()
    if len(shown) > longest:
        shown = shown[: longest - 1].rstrip() + "…"
    if not shown:
        return ""
    # Whether `\\|` is an escaped backslash or an escaped pipe, renderers disagree.
    shown = shown.replace("\\|", "\\¦").replace("|", "\\|")
    fence = "`"
    while fence in shown:
        fence += "`"
    pad = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _is_gap(us: int) -> bool:
    return us * MICROSECOND >= GAP


def _date(us: int) -> str:
    return day(us * MICROSECOND)


def _moment(us: int) -> str:
    return f"{_date(us)} {_clock(us)}"


def _clock(us: int) -> str:
    seconds = us % DAY // 1_000_000
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
