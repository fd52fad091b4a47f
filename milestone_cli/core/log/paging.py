"""What a query finds in one log or in all of them, and the cursor behind it, from which the next one goes on.

Without a cursor the latest come; behind a cursor the next ones, oldest first, so that a reader who takes the cursor of
each answer to the next question sees every event once. Several logs are merged by time, read step by step without
anything left open, so memory is bounded by those that were at work at the same time.
"""

from milestone_cli.core.log import cursor
from milestone_cli.core.log.lines import blocks, moment
from milestone_cli.core.log.query import Once, Parser, bounds, query
from milestone_cli.core.log.streams import named
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.core.log.filters import Filter
    from milestone_cli.storage.contract import Store

    Source = Iterator[tuple[bytes, int, bytes]]
    """The lines of a log that match: time, offset behind it, line."""

LAST = b"\xff"
"""Behind every time."""


class Found:
    """What matches; iterate over `lines` once, then ask for the `cursor`.

    Attributes:
        skipped: lines left out because they are no events; known when all have come.
    """

    __slots__ = ("_after", "_every", "_names", "_parser", "_places", "_ranges", "_store", "_wanted", "_with_cursor")

    def __init__(
        self,
        store: "Store",
        names: "list[str]",
        wanted: "Filter",
        after: "str | None" = None,
        *,
        every: bool = False,
        with_cursor: bool = False,
    ) -> None:
        """Look where to begin.

        Args:
            store: the store; only read.
            names: of the logs.
            wanted: what to look for; behind a cursor its limit means the first ones.
            after: a cursor, to find what is behind it.
            every: it is about all milestones, also such as are not there yet.
            with_cursor: the cursor will be asked for.

        Raises:
            MilestoneError: `not_found`, `invalid_cursor`, `cursor_gone`, `usage` when the cursor is of another log.
        """
        self._store = store
        self._names = names
        self._wanted = wanted
        self._every = every
        self._parser = Parser()
        self._after = after is not None
        self._with_cursor = with_cursor
        given = places(after, names, every=every)
        self._ranges: list[tuple[int, int]] = []
        for name in names:
            start, stop = bounds(store, name, wanted)
            if self._after:
                start = max(start, cursor.find(store, name, given[name]))
            if with_cursor:
                stop = min(stop, cursor.whole_end(store, name))
            stop = max(start, stop)
            self._ranges.append((start, stop))
        self._places: dict[int, int] = {}

    @property
    def skipped(self) -> int:
        """Lines that were left out because they are no events."""
        return self._parser.skipped

    def lines(self) -> "Iterator[bytes]":
        """Yield the lines without their line feeds."""
        wanted = self._wanted
        if len(self._names) == 1 and not self._after and not self._with_cursor:
            return query(self._store, self._names[0], wanted, self._parser)
        if self._after:
            return self._first()
        if not wanted.limit:
            return (line for _, _, line in self._merged(backwards=wanted.reverse))
        latest = []
        for _, _, line in self._merged(backwards=True):
            latest.append(line)
            if len(latest) == wanted.limit:
                break
        return iter(latest if wanted.reverse else latest[::-1])

    def _is_cut(self) -> bool:
        """Whether the cursor stands behind the last event that was shown, rather than behind all there is."""
        return self._wanted.until is not None or self._wanted.last is not None

    def _first(self) -> "Iterator[bytes]":
        """The first ones behind a cursor."""
        left = self._wanted.limit
        for number, (start, _) in enumerate(self._ranges):
            self._places[number] = start
        for number, end, line in self._merged():
            self._places[number] = end
            yield line
            left -= 1
            if not left:
                return
        if not self._is_cut():
            self._places.clear()

    def _merged(self, *, backwards: bool = False) -> "Iterator[tuple[int, int, bytes]]":
        """Number of the log, offset behind the line, and the line, by time; each log is opened when it is due."""
        from heapq import heapify, heappop, heapreplace

        heap: list[tuple[_Key, int, int, bytes, Source | None]]
        sign = -1 if backwards else 1  # so that logs of one moment come in the same order from either end
        heap = [
            (_Key(self._due(number, backwards), backwards), sign * number, 0, b"", None) for number in self._numbers()
        ]
        heapify(heap)
        while heap:
            due, rank, end, line, rest = heap[0]
            number = sign * rank
            if rest is None:
                rest = self._source(number, backwards)
            else:
                self._places[number] = max(self._places.get(number, 0), end)
                yield number, end, line
            following = next(rest, None)
            if following is None:
                heappop(heap)
                continue
            time, end, line = following
            heapreplace(heap, (due.then(time), rank, end, line, rest))

    def _numbers(self) -> "list[int]":
        return [number for number, (start, stop) in enumerate(self._ranges) if start < stop]

    def _due(self, number: int, backwards: bool) -> bytes:
        """When the first line that may come out of a log happened."""
        start, stop = self._ranges[number]
        for _, block in blocks(self._store, self._names[number], start, stop, backwards=backwards):
            lines = block.rstrip(b"\n").split(b"\n")
            return moment(lines[-1 if backwards else 0]) or (LAST if backwards else b"")
        return b""

    def _source(self, number: int, backwards: bool) -> "Source":
        name = self._names[number]
        start, stop = self._ranges[number]
        once = Once()
        while start < stop:
            at, block = next(blocks(self._store, name, start, stop, backwards=backwards), (0, b""))
            if not block:
                return
            here = len(block) if backwards else 0
            for line in self._wanted.lines(block, self._parser, backwards=backwards):
                here = _place(block, line, here, backwards)
                if once.first(line):
                    yield moment(line), at + here + len(line) + 1, line
            if backwards:
                stop = at
            else:
                start = at + len(block)

    def ends(self) -> "list[cursor.Place]":
        """The place behind all that is looked at, in each log."""
        return [
            cursor.at_offset(self._store, name, stop) for name, (_, stop) in zip(self._names, self._ranges, strict=True)
        ]

    def cursor(self) -> str:
        """The cursor behind what was looked at: the events that come next were not among it."""
        found = {}
        for number, name in enumerate(self._names):
            _, stop = self._ranges[number]
            if self._after:
                offset = self._places.get(number, stop)
            elif self._is_cut():
                offset = self._places.get(number, self._ranges[number][0])
            else:
                offset = stop
            if offset:
                found[name] = cursor.at_offset(self._store, name, offset)
            elif not self._every:
                found[name] = cursor.Place()
        return cursor.write(found, every=self._every)


class _Key:
    """A time to sort by; within a log it never goes back, whatever bash wrote."""

    __slots__ = ("_backwards", "time")

    def __init__(self, time: bytes, backwards: bool) -> None:
        self.time = time
        self._backwards = backwards

    def __lt__(self, other: "_Key") -> bool:
        return self.time > other.time if self._backwards else self.time < other.time

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.time == other.time

    __hash__ = None  # type: ignore[assignment]

    def then(self, time: bytes) -> "_Key":
        """The key of the line behind it."""
        choose: Callable[[bytes, bytes], bytes] = min if self._backwards else max
        return _Key(choose(self.time, time) if time else self.time, self._backwards)


def places(after: "str | None", names: "list[str]", *, every: bool) -> "dict[str, cursor.Place]":
    """Where a cursor says that each log is to be read from; the beginning where it does not speak of one.

    Raises:
        MilestoneError: `invalid_cursor`; `usage` when it is of another milestone, or of one where all are meant;
            `cursor_gone` when a log that it names is not there any more.
    """
    if after is None:
        return {name: cursor.Place() for name in names}
    known, is_of_all = cursor.read(after)
    if not is_of_all and (every or set(names) != set(known)):
        of = ", ".join(map(named, known))
        raise MilestoneError(
            "usage", f"this cursor belongs to {of} alone", f"use it with {of}, or start without a cursor"
        )
    missing = sorted(set(known) - set(names)) if every else []
    if missing:
        raise MilestoneError(
            "cursor_gone",
            f"the cursor stands in the log of '{missing[0]}', which is not there any more",
            "start again without the cursor",
            milestone_id=missing[0],
        )
    return {name: known.get(name) or cursor.Place() for name in names}


def _place(block: bytes, line: bytes, here: int, backwards: bool) -> int:
    """Where a line of a block begins, going on from `here`."""
    while True:
        found = block.rfind(line, 0, here) if backwards else block.find(line, here)
        if found <= 0 or block[found - 1] == 10:
            return max(found, 0)
        here = found + len(line) - 1 if backwards else found + 1
