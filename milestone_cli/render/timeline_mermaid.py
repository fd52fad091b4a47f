"""The timeline as a Gantt chart that GitHub draws from a ```mermaid block, or from a file that ends in .mermaid.

A chart of more than some dozens of rows cannot be read, and GitHub draws none of more than 50,000 characters: so what
happens close together in a lane is one bar, failures and checkpoints are marks of their own, and the title says so
where marks are left out. Labels hold only characters without a meaning in Mermaid, and none begins with a keyword.
"""

from collections import deque

from milestone_cli.render.events import NOBODY, told
from milestone_cli.render.lanes import CHECKPOINT, FAILURE, Lanes
from milestone_cli.render.text import flat
from milestone_cli.timestamps import day

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from milestone_cli.render.lanes import Mark

    Row = tuple[int, int, str, str]
    """Start, end, tags, label."""

ROWS = 60
"""Bars and marks of a chart."""
LANES = 24
"""Lanes of their own; the quieter ones share one."""
FAILURES, CHECKPOINTS = 20, 12
"""The last so many have a mark."""
LOOSE = 600
"""So many bars at most while events come."""
TYPES = 3
"""So many types are named on a bar."""
LONGEST = 48
"""Characters of a label's parts."""
NAME, MARGIN = 27, 190
"""Characters of a lane's name, and the pixels that they take."""
SECOND = 1_000_000
"""Microseconds, as in all times here."""
SHORTEST = 1000
"""A millisecond, as fine as the chart is."""
DAY = 86_400 * SECOND
HARMLESS = frozenset(" _-.,/()+=")
"""What may stand in a label beside letters and digits."""


class Bar:
    """What happened in a lane without a long break."""

    __slots__ = ("count", "end", "start", "types")

    def __init__(self, start: int, end: int, type_: str) -> None:
        self.start = start
        self.end = end
        self.count = 1
        self.types = {type_: 1}

    def take(self, other: "Bar") -> None:
        """Become one with the next bar of the lane."""
        self.start = min(self.start, other.start)
        self.end = max(self.end, other.end)
        self.count += other.count
        for type_, count in other.types.items():
            if type_ in self.types or len(self.types) < LOOSE:
                self.types[type_] = self.types.get(type_, 0) + count

    def label(self) -> str:
        """How often what happened, the most frequent first."""
        named = sorted(self.types.items(), key=lambda pair: -pair[1])[:TYPES]
        words = [f"{count:,} {label(type_)}" for type_, count in named]
        rest = self.count - sum([count for _, count in named])
        return ", ".join([*words, *([f"{rest:,} more"] if rest else [])])


class Bars:
    """The bars of all lanes; the more events come, the longer a break must be to part two."""

    __slots__ = ("_break", "_count", "lanes")

    def __init__(self) -> None:
        self._break = SECOND
        self._count = 0
        self.lanes: dict[int, list[Bar]] = {}

    def add(self, start: int, end: int, lane: int, type_: str) -> None:
        """One event."""
        bars = self.lanes.setdefault(lane, [])
        bar = Bar(start, end, type_)
        if bars and start - bars[-1].end <= self._break:
            bars[-1].take(bar)
            return
        bars.append(bar)
        self._count += 1
        if self._count > LOOSE + len(self.lanes):
            self.merge(LOOSE // 2)

    def merge(self, most: int) -> None:
        """Join bars until at most so many are left, or one in each lane."""
        while self._count > max(most, len(self.lanes)):
            self._break *= 2
            for lane, bars in self.lanes.items():
                joined = [bars[0]]
                for bar in bars[1:]:
                    if bar.start - joined[-1].end <= self._break:
                        joined[-1].take(bar)
                    else:
                        joined.append(bar)
                self.lanes[lane] = joined
            self._count = sum(map(len, self.lanes.values()))

    def fold(self, kept: "list[int]", rest: int) -> None:
        """Let all lanes but some be one."""
        others = [bar for lane, bars in self.lanes.items() if lane not in kept for bar in bars]
        self.lanes = {lane: bars for lane, bars in self.lanes.items() if lane in kept}
        if others:
            self.lanes[rest] = sorted(others, key=lambda bar: bar.start)
        self._count = sum(map(len, self.lanes.values()))


class Chart:
    """What a chart shows, as the events come."""

    __slots__ = ("bars", "checkpoints", "failures", "lanes")

    def __init__(self) -> None:
        self.lanes = Lanes()
        self.bars = Bars()
        self.failures: deque[tuple[int, int, str]] = deque(maxlen=FAILURES)
        self.checkpoints: deque[tuple[int, int, str]] = deque(maxlen=CHECKPOINTS)

    def add(self, event: "dict[str, object]") -> None:
        """One event."""
        mark: Mark = self.lanes.place(event)
        start, end, lane, type_ = mark
        name, kind = self.lanes.types[type_]
        self.bars.add(start, end, lane, name)
        if kind in (FAILURE, CHECKPOINT):
            marks = self.failures if kind == FAILURE else self.checkpoints
            marks.append((end, lane, _said(name, event.get("data"))))

    def title(self, title: str) -> str:
        """Whose chart it is, and what it comes to."""
        lanes = self.lanes
        checkpoints = "checkpoint" if lanes.checkpoints == 1 else "checkpoints"
        words = [f"{label(title)} - {lanes.count:,} {'event' if lanes.count == 1 else 'events'}"]
        for count, marks, name in (
            (lanes.failures, self.failures, "failed"),
            (lanes.checkpoints, self.checkpoints, checkpoints),
        ):
            if count:
                words.append(f"{count:,} {name}" + (f" (the last {len(marks)} marked)" if len(marks) < count else ""))
        return ", ".join([*words, "times in UTC"])

    def sections(self, shortest: int) -> "Iterator[str]":
        """The lanes with their rows; those of one session stand together, in the order of their first events."""
        names = self.lanes.lanes
        rest = len(names)
        kept = sorted(range(rest), key=lambda lane: -self.lanes.events[lane])[:LANES]
        self.bars.fold(kept, rest)
        self.bars.merge(ROWS - len(self.failures) - len(self.checkpoints))
        begun: dict[tuple[str, str], int] = {}
        for lane, (milestone, session, _) in enumerate(names):
            begun.setdefault((milestone, session), lane)
        several = len({name for name, _, _ in names}) > 1
        before = None
        used: dict[str, int] = {}
        for lane in sorted(kept, key=lambda lane: (begun[names[lane][:2]], lane)):
            place = names[lane][:2]
            name = _another(names[lane]) if place == before else _first(names[lane], several)
            used[name] = used.get(name, 0) + 1
            yield f"    section {name}{f' ({used[name]})' if used[name] > 1 else ''}\n"  # two of one name would be one
            yield from self._rows(lane, [lane], shortest)
            before = place
        if rest in self.bars.lanes:
            yield f"    section {rest - len(kept):,} more lanes\n"
            yield from self._rows(rest, [lane for lane in range(rest) if lane not in kept], shortest)

    def _rows(self, lane: int, places: "list[int]", shortest: int) -> "Iterator[str]":
        rows: list[Row] = [(bar.start, bar.end, "", bar.label()) for bar in self.bars.lanes[lane]]
        for marks, tags, sign in ((self.failures, "crit, milestone", "✗"), (self.checkpoints, "milestone", "◆")):
            rows += [(time, time, tags, f"{sign} {said}") for time, place, said in marks if place in places]
        for start, end, tags, text in sorted(rows):
            if tags:
                yield f"    {text} :{tags}, {_time(start)}, 0s\n"
            else:
                yield f"    {text} :{_time(start)}, {_time(max(end, start + shortest))}\n"


def mermaid(events: "Iterable[dict[str, object]]", title: str, now: int) -> "Iterator[str]":
    """Yield the timeline as a Gantt chart.

    Args:
        events: decoded, oldest first.
        title: whose they are.
        now: nanoseconds since 1970.
    """
    chart = Chart()
    for event in events:
        chart.add(event)
    lanes = chart.lanes
    span = 0 if lanes.first is None else lanes.last - lanes.first
    yield f'%%{{init: {{"gantt": {{"leftPadding": {MARGIN}}}}}}}%%\n'
    yield f"gantt\n    title {chart.title(title)}\n"
    yield f"    dateFormat YYYY-MM-DD HH:mm:ss.SSS\n    axisFormat {_axis(span)}\n    todayMarker off\n"
    if lanes.first is None:  # a chart without a row is none
        yield f"    section nothing\n    0 events :milestone, {_time(now // 1000)}, 0s\n"
    else:
        yield from chart.sections(max(span // 150, SHORTEST))


def _first(lane: "tuple[str, str, str]", several: bool) -> str:
    """The name of a lane: its session and agent, or its milestone and session where there are several milestones."""
    milestone, session, agent = lane
    words = [milestone, session] if several else [session or "no session", "" if agent in NOBODY else agent]
    return label(" ".join([word for word in words if word]), NAME)


def _another(lane: "tuple[str, str, str]") -> str:
    """The name of a lane below another one of its session: its agent."""
    return f"· {'nobody named' if lane[2] in NOBODY else label(lane[2], NAME)}"


def _said(type_: str, data: object) -> str:
    """What a mark says: the tool and what it was for, the checkpoint's name, or the event's type and its data."""
    if isinstance(data, dict):
        if isinstance(name := data.get("checkpoint_name"), str):
            return label(name if type_ == "checkpoint_created" else f"{type_} {name}")
        if isinstance(tool := data.get("tool"), str):
            return label(f"{tool} {data.get('target', '')}")
    return label(f"{type_} {told(data)}")


def label(text: str, longest: int = LONGEST) -> str:
    """A text from outside as a part of a label.

    Source: the lexer of Mermaid's Gantt charts; a colon ends a label, `#` and `;` begin and end an entity or a comment.
    """
    raw = flat(text[: longest * 2])
    harmless = [char if char.isalnum() or char in HARMLESS else "∶" if char == ":" else " " for char in raw]
    shown = " ".join("".join(harmless).split()) or "?"
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def _axis(span: int) -> str:
    """How the axis shows times."""
    if span < DAY:
        return "%H:%M:%S" if span < 600 * SECOND else "%H:%M"
    return "%m-%d %H:%M" if span < 10 * DAY else "%Y-%m-%d"


def _time(us: int) -> str:
    seconds, milliseconds = us % DAY // SECOND, us % SECOND // 1000
    return f"{day(us * 1000)} {seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}.{milliseconds:03d}"
