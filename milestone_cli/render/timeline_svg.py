"""The timeline as a picture for a report or a README: lanes, what failed, checkpoints and silence, without any script.

Its size is bounded whatever the number of events: some hundreds are drawn one by one, more as columns that count them.
Colours are plain classes in one style, with a second set for dark surroundings, so it is legible in both.
"""

import html

from milestone_cli import runtime
from milestone_cli.render.ages import span
from milestone_cli.render.lanes import CHECKPOINT, FAILURE, KINDS, SESSION, STATE, Bins, Lanes
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from milestone_cli.render.lanes import Mark

WIDTH, LEFT, RIGHT = 1000, 176, 976
TOP = 112
"""Where the lanes begin."""
LANE, GROUP = 40, 26
COLUMN = 3
EXACT = 300
"""Up to so many events are drawn one by one."""
ROWS = 14
"""So many lanes at most; the least busy ones share the last."""
STEPS = 4096
LEAST = 32
"""A silence that is narrower is not shaded."""
SECOND = 1_000_000
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between the marks of the axis; beyond, whole days."""
DAY = 86_400
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
.card { fill: #ffffff; stroke: #e2e2dd; } .rule { stroke: #e8e8e4; } .quiet { fill: #f1f1ed; }
.ink { fill: #1d1f23; } .soft { fill: #62666e; } .bold { font-weight: 600; }
.title { font-size: 18px; font-weight: 600; }
.activity { fill: #8ea4c9; } .state { fill: #2f9481; } .checkpoint { fill: #7f56d6; } .failure { fill: #d13a2f; }
.session { fill: none; stroke: #9b9a92; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
.card { fill: #191b1f; stroke: #2f3238; } .rule { stroke: #2b2e34; } .quiet { fill: #212328; }
.ink { fill: #e9e9e6; } .soft { fill: #a2a6ae; }
.activity { fill: #5f7aad; } .state { fill: #47b59f; } .checkpoint { fill: #ab8cf4; } .failure { fill: #ff7364; }
.session { stroke: #8d9097; }
}
"""


def svg(events: "Iterable[dict[str, object]]", title: str, now: int) -> "Iterator[str]":  # noqa: ARG001 - it shows no date
    """Yield an SVG picture of decoded events, oldest first.

    Args:
        events: as the JSON timeline has them; read once.
        title: above the picture; text, not markup.
        now: not shown, so that the same events give the same picture.
    """
    picture = Picture()
    for event in events:
        picture.add(event)
    yield from picture.draw(title)


class Picture:
    """Events being counted, and drawn once all are known."""

    __slots__ = ("_bins", "_lanes", "_marks")

    def __init__(self) -> None:
        self._lanes = Lanes()
        self._bins = Bins(STEPS)
        self._marks: list[Mark] = []

    def add(self, event: "dict[str, object]") -> None:
        """Count an event, and remember it as long as there are few."""
        mark = self._lanes.place(event)
        start, end, lane, type_ = mark
        self._bins.add(end, lane, self._lanes.types[type_][1])
        if self._lanes.count <= EXACT:
            self._marks.append((start, end, lane, type_))

    def draw(self, title: str) -> "Iterator[str]":
        """Yield the picture in pieces."""
        lanes, rows = self._lanes, self._rows()
        height = TOP + (rows[-1][2] + LANE if rows else LANE) + 40
        said = self._said()
        shown = _text(title, 70)
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'role="img" aria-labelledby="title desc">\n<title id="title">Timeline of {shown}</title>\n'
            f'<desc id="desc">{said}</desc>\n<style>{STYLE}</style>\n'
            f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>\n'
            f'<text class="ink title" x="24" y="38">{shown}</text>\n<text class="soft" x="24" y="60">{said}</text>\n'
        )
        if lanes.first is None:
            yield f'<text class="soft" x="24" y="{TOP + 8}">No events yet.</text>\n</svg>\n'
            return
        yield from self._gaps(height)
        yield from self._axis(height)
        yield from self._gap_labels(height - 46)
        for label, numbers, y in rows:
            if numbers is None:
                yield f'<text class="soft bold" x="24" y="{TOP + y + 18}">{label}</text>\n'
                continue
            yield f'<text class="ink" x="36" y="{TOP + y + LANE / 2 + 4:g}">{label}</text>\n'
            yield from self._exactly(numbers, TOP + y) if lanes.count <= EXACT else self._counted(numbers, TOP + y)
        yield from _legend(height - 16)
        yield "</svg>\n"

    def _said(self) -> str:
        """The summary in words."""
        lanes = self._lanes
        words = [
            _many(lanes.count, "event"),
            _many(lanes.failures, "failure"),
            _many(lanes.checkpoints, "checkpoint"),
            _many(len(lanes.agents), "agent"),
            _many(len(lanes.sessions), "session"),
        ]
        if lanes.first is not None and lanes.last > lanes.first:
            words.append(span((lanes.last - lanes.first) * 1000))
            if lanes.gaps:
                words.append("longest gap " + span((lanes.gaps[0][1] - lanes.gaps[0][0]) * 1000))
        return " · ".join(words)

    def _rows(self) -> "list[tuple[str, set[int] | None, int]]":
        """Label, lanes and place of each row; a heading has no lanes."""
        lanes = self._lanes.lanes
        several = len({milestone for milestone, _, _ in lanes}) > 1
        for by_session in (True, False):
            groups: dict[str, dict[str, set[int]]] = {}
            for number, (milestone, session, agent) in enumerate(lanes):
                parts = [milestone] * several + [session or "no session"] * by_session
                agents = groups.setdefault(" · ".join(parts), {})
                agents.setdefault(agent or "–", set()).add(number)
            if sum(map(len, groups.values())) <= ROWS:
                break
        else:
            groups = {"": self._busiest(groups)}
        rows: list[tuple[str, set[int] | None, int]] = []
        y = 0
        for group, agents in groups.items():
            if group and (len(groups) > 1 or group != "no session"):
                rows.append((_text(group, 40), None, y))
                y += GROUP
            for agent, numbers in agents.items():
                rows.append((_text(agent, 18), numbers, y))
                y += LANE
        return rows

    def _busiest(self, groups: "dict[str, dict[str, set[int]]]") -> "dict[str, set[int]]":
        """The lanes with most events, and one for all others."""
        found = [
            (sum([self._lanes.events[one] for one in numbers]), f"{group} · {agent}" if group else agent, numbers)
            for group, agents in groups.items()
            for agent, numbers in agents.items()
        ]
        found.sort(key=lambda one: -one[0])
        rest = set().union(*[numbers for _, _, numbers in found[ROWS - 1 :]])
        return {**{label: numbers for _, label, numbers in found[: ROWS - 1]}, f"{len(found) - ROWS + 1:,} more": rest}

    def _x(self, time: int) -> float:
        first = self._lanes.first or 0
        return LEFT + (RIGHT - LEFT) * (time - first) / max(self._lanes.last - first, 1)

    def _gaps(self, height: int) -> "Iterator[str]":
        """The long times without an event."""
        for start, end in sorted(self._lanes.gaps):
            x0, x1 = self._x(start) + 3, self._x(end) - 3
            if x1 - x0 >= LEAST:
                size = f'width="{x1 - x0:.1f}" height="{height - TOP - 40}"'
                yield f'<rect class="quiet" x="{x0:.1f}" y="{TOP}" {size}/>\n'

    def _gap_labels(self, y: int) -> "Iterator[str]":
        for start, end in self._lanes.gaps:
            x0, x1, label = self._x(start), self._x(end), span((end - start) * 1000)
            if x1 - x0 > 8 * len(label):
                yield f'<text class="soft" text-anchor="middle" x="{(x0 + x1) / 2:.1f}" y="{y}">{label}</text>\n'

    def _axis(self, height: int) -> "Iterator[str]":
        """Lines and labels in UTC."""
        first, last = (self._lanes.first or 0) // SECOND, -(-self._lanes.last // SECOND)
        step = next((one for one in TICKS if (last - first) / one <= 8), 0)
        if not step:
            step = DAY * -(-(last - first) // (8 * DAY))
        date = runtime.timestamp(first * 1_000_000_000)[:10]
        yield f'<text class="soft bold" x="24" y="{TOP - 14}">{date} UTC</text>\n'
        for second in range(-(-first // step) * step, last + 1, step):
            x = self._x(second * SECOND)
            if not LEFT <= x <= RIGHT:
                continue
            stamp = runtime.timestamp(second * 1_000_000_000)
            is_day = second % DAY == 0
            label = (
                f"{int(stamp[8:10])} {MONTHS[int(stamp[5:7]) - 1]}" if is_day else stamp[11 : 16 if step >= 60 else 19]
            )
            yield f'<path class="rule" d="M{x:.1f} {TOP - 6}V{height - 40}"/>\n'
            yield (
                f'<text class="{"ink bold" if is_day else "soft"}" text-anchor="middle" '
                f'x="{min(x, RIGHT - 16):.1f}" y="{TOP - 14}">{label}</text>\n'
            )

    def _exactly(self, numbers: "set[int]", y: int) -> "Iterator[str]":
        """Every event of a lane: a bar as long as it took, or its shape."""
        paths = [""] * len(KINDS)
        marks: list[tuple[int, float]] = []
        middle = y + LANE // 2
        for start, end, lane, type_ in self._marks:
            if lane not in numbers:
                continue
            kind = self._lanes.types[type_][1]
            x0, x1 = self._x(start), self._x(end)
            if kind in (CHECKPOINT, SESSION, FAILURE):
                marks.append((kind, x1))
            if start < end or kind not in (CHECKPOINT, SESSION, FAILURE):
                wide = max(x1 - x0, 2.5)
                high = 16 if kind == STATE or start < end else 10
                paths[kind] += f"M{x1 - wide:.1f} {middle - high // 2}h{wide:.1f}v{high}h-{wide:.1f}z"
        yield from _paths(paths)
        yield from _shapes(marks, middle, 6)

    def _counted(self, numbers: "set[int]", y: int) -> "Iterator[str]":
        """Columns as high as there are events in them, with what failed and what changed the state at their feet."""
        columns: dict[int, list[int]] = {}
        bins = self._bins
        for (lane, kind), steps in bins.counts.items():
            if lane in numbers:
                for step, count in steps.items():
                    time = (bins.start or 0) + step * bins.width + bins.width // 2
                    column = int((min(self._x(time), RIGHT - 1) - LEFT) / COLUMN)
                    columns.setdefault(column, [0] * len(KINDS))[kind] += count
        top = max([sum(counts) for counts in columns.values()], default=1)
        paths = [""] * len(KINDS)
        marks: list[tuple[int, float]] = []
        for column, counts in sorted(columns.items()):
            x = LEFT + column * COLUMN
            total = sum(counts)
            whole = 3 + 22 * (total.bit_length() + total / (1 << total.bit_length())) / (top.bit_length() + 1)
            for kind, high in (
                (0, whole),
                (STATE, whole * counts[STATE] / total),
                (FAILURE, whole * counts[FAILURE] / total),
            ):
                if high:
                    paths[kind] += f"M{x} {y + LANE - 3}h2v-{max(high, 3):.1f}h-2z"
            marks += [(kind, x + 1) for kind in (CHECKPOINT, FAILURE, SESSION) if counts[kind]]
        yield from _paths(paths)
        yield from _shapes(marks, y + 6, 4)


def _paths(paths: "list[str]") -> "Iterator[str]":
    for kind, path in enumerate(paths):
        if path:
            yield f'<path class="{KINDS[kind] if kind != SESSION else KINDS[0]}" d="{path}"/>\n'


def _shapes(marks: "list[tuple[int, float]]", y: int, size: int) -> "Iterator[str]":
    """Diamonds, triangles and rings; of those that would lie on each other, the first kind."""
    taken: set[int] = set()
    for kind in (CHECKPOINT, FAILURE, SESSION):
        path = ""
        for which, x in marks:
            cell = int(x // (2 * size))
            if which == kind and not taken & {cell - 1, cell, cell + 1}:
                taken.add(cell)
                path += _shape(kind, x, y, size)
        if path:
            yield f'<path class="{KINDS[kind]}" d="{path}"/>\n'


def _shape(kind: int, x: float, y: float, size: float) -> str:
    if kind == CHECKPOINT:
        return f"M{x:.1f} {y - size:g}l{size} {size}l-{size} {size}l-{size} -{size}z"
    if kind == FAILURE:
        return f"M{x:.1f} {y - size:g}l{size} {1.8 * size:g}h-{2 * size}z"
    half = size * 0.7
    return f"M{x - half:.1f} {y:g}a{half:g} {half:g} 0 1 0 {2 * half:g} 0a{half:g} {half:g} 0 1 0 -{2 * half:g} 0z"


def _legend(y: int) -> "Iterator[str]":
    x = 30
    for kind, label in (
        (0, "Activity"),
        (STATE, "State changed"),
        (CHECKPOINT, "Checkpoint"),
        (SESSION, "Session"),
        (FAILURE, "Failure"),
    ):
        if kind in (CHECKPOINT, SESSION, FAILURE):
            shape = _shape(kind, x, y - 4, 5)
        else:
            shape = f"M{x - 5} {y - 7}h10v6h-10z" if kind == 0 else f"M{x - 2} {y - 10}h4v12h-4z"
        yield f'<path class="{KINDS[kind]}" d="{shape}"/>\n<text class="soft" x="{x + 12}" y="{y}">{label}</text>\n'
        x += 40 + 7 * len(label)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _text(text: str, longest: int) -> str:
    """A text from outside as XML may have it, cut."""
    shown = flat(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    return html.escape(shown if len(shown) <= longest else shown[: longest - 1] + "…")
