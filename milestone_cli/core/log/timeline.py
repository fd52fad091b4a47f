"""Everything that happened, in order, as blocks of whole lines that are JSON.

A log of ours is in order already, so its blocks pass through untouched; lines of bash, whose times are
whole seconds, may stand a little off, and only what is out of order is held back and sorted. Memory is
bounded by that, not by the log.
"""

from milestone_cli.core.log.filters import Filter
from milestone_cli.core.log.lines import SPACED, START
from milestone_cli.core.log.query import Once, Parser, bounds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.contract import Store

VALIDATED = 32 << 20
"""Up to this size every line is parsed before it is shown; above, lines in the shape of ours are believed, because
parsing a million lines takes longer than everything else together."""
AGAIN = 16
"""So many blocks behind a broken line may hold what was written again because of it."""
SEAM = b'"}\n' + START
NUMBER = b',"sequence_number":'
STAMP = rb'\n\{"timestamp": ?"(.{19})'


class Look:
    """What a first look at a block tells: whether its lines have our shape and stand in order."""

    __slots__ = ("earliest", "latest", "ordered", "sound")

    def __init__(self, told: bytes) -> None:
        """From the bytes that `Timeline._look` gives: a word of marks, the earliest second, and the latest."""
        marks, self.earliest, self.latest = told.split(b"\n")
        self.sound = b"s" in marks
        self.ordered = b"o" in marks


class Timeline:
    """The lines of a log, ready to be shown; iterate over `blocks` once.

    Attributes:
        size: bytes that are read.
        skipped: lines left out because they are no events; known when all blocks have come.
    """

    __slots__ = ("_by_steps", "_once", "_parser", "_seen", "_stamps", "_start", "_stop", "_store", "_stream", "size")

    def __init__(
        self,
        store: "Store",
        stream: str,
        wanted: "Filter | None" = None,
        *,
        by_steps: bool = False,
    ) -> None:
        """Open the log of a milestone.

        Args:
            store: the store; only read.
            stream: name of the milestone.
            wanted: what surely does not match, by where it stands, is left out; all else is not.
            by_steps: keep nothing open between two blocks, because many logs are read side by side.

        Raises:
            MilestoneError: `not_found` when there is no such milestone.
        """
        self._store = store
        self._stream = stream
        self._by_steps = by_steps
        self._start, self._stop = bounds(store, stream, wanted or Filter())
        self.size = self._stop - self._start
        self._seen: list[Look] = []
        self._stamps = _stamps
        if self.size > VALIDATED:
            import re  # costs most of a Python start, and repays it in a large log

            pattern = re.compile(STAMP)
            self._stamps = lambda block: pattern.findall(block)  # noqa: PLW0108 - mypy wants one signature
        self._parser = Parser()
        self._once = Once()

    @property
    def first(self) -> bytes:
        """The second of the earliest event, without its zone; empty where there is none."""
        return min((look.earliest for look in self._looks() if look.earliest), default=b"")

    @property
    def skipped(self) -> int:
        """Lines that were left out because they are no events."""
        return self._parser.skipped

    def mapped(self, work: "Callable[[bytes], bytes]") -> "Iterator[bytes]":
        """Yield what `work` makes of each of `blocks`, in order; in a long log other processes may do it."""
        looks = self._looks()
        bounds = _bounds(looks)
        if self.size > VALIDATED and all(map(_passes, looks, bounds)):
            return self._store.map_blocks(self._stream, self._start, self._stop, work)
        return map(work, self._in_order(looks, bounds))

    def blocks(self) -> "Iterator[bytes]":
        """Yield whole lines, each with its line feed, ordered by their second and then by their place."""
        looks = self._looks()
        return self._in_order(looks, _bounds(looks))

    def _in_order(self, looks: "list[Look]", bounds: "list[bytes]") -> "Iterator[bytes]":
        held: list[tuple[bytes, bytes]] = []
        fresh = 0
        careful = 0
        for number, block in enumerate(self._scan()):
            look, bound = looks[number], bounds[number]
            if careful or not look.sound:
                block = self._parsed(block)  # noqa: PLW2901 - what is no event never was part of it
            careful = max(careful - 1, 0) if look.sound else AGAIN
            if not held and look.ordered and (not bound or look.latest <= bound):
                if block:
                    yield block
                continue
            late = [(_stamp(line), line) for line in block.split(b"\n") if line]
            held += late
            fresh += len(late)
            if fresh * 4 < len(held) and bound:
                continue  # sorting all of it for every block would take quadratic time where much is held
            fresh = 0
            held.sort(key=_first)
            cut = len(held)
            while bound and cut and held[cut - 1][0] > bound:
                cut -= 1
            if cut:
                yield b"\n".join([line for _, line in held[:cut]]) + b"\n"
                del held[:cut]
        if held:
            held.sort(key=_first)
            yield b"\n".join([line for _, line in held]) + b"\n"

    def _looks(self) -> "list[Look]":
        """A first look at every block, once."""
        if not self._seen:
            self._seen = self._look_through()
        return self._seen

    def _look_through(self) -> "list[Look]":
        if self.size > VALIDATED and not self._by_steps:
            found = self._store.map_blocks(self._stream, self._start, self._stop, self._look)
            return [Look(told) for told in found]
        return [Look(self._look(block)) for block in self._scan()]

    def _scan(self) -> "Iterator[bytes]":
        """The blocks as they stand in the log."""
        if not self._by_steps:
            for _, block in self._store.scan(self._stream, self._start, self._stop):
                yield block
            return
        at = self._start
        while at < self._stop:
            step = next(self._store.scan(self._stream, at, self._stop), None)  # and what it had open is closed
            if step is None:
                return
            at = step[0] + len(step[1])
            yield step[1]

    def _look(self, block: bytes) -> bytes:
        """Look at a block; in a large log, lines that begin and end as ours do, and only once, are believed."""
        marks = b""
        if self.size > VALIDATED and block.startswith(START) and block.endswith(b'"}\n'):
            count = block.count(b"\n")
            if block.count(SEAM) == count - 1 and block.count(START) == count:
                marks = b"s"
                if block.count(NUMBER) == count:  # all are ours, and the times of ours never go backwards
                    last = block.rfind(START) + 14
                    return b"\n".join((b"so", block[14:33], block[last : last + 19]))
        stamps = self._stamps(b"\n" + block)
        ascending = sorted(stamps)
        if ascending == stamps:
            marks += b"o"
        return b"\n".join((marks, ascending[0] if stamps else b"", ascending[-1] if stamps else b""))

    def _parsed(self, block: bytes) -> bytes:
        """The lines of a block that are events, each event once."""
        lines = [line for line in block.split(b"\n") if self._parser.event(line) is not None and self._once.first(line)]
        return b"\n".join(lines) + b"\n" if lines else b""


def _passes(look: Look, bound: bytes) -> bool:
    """Whether a block may be shown as it stands, before all that follows."""
    return look.sound and look.ordered and (not bound or look.latest <= bound)


def _bounds(looks: "list[Look]") -> "list[bytes]":
    """For each block, the earliest second that stands behind it; empty where nothing does."""
    bounds = []
    bound = b""
    for look in reversed(looks):
        bounds.append(bound)
        if look.earliest and (not bound or look.earliest < bound):
            bound = look.earliest
    return bounds[::-1]


def _stamps(block: bytes) -> list[bytes]:
    """What STAMP finds, without `re`."""
    found = [_stamp(line) for line in block.split(b"\n") if line.startswith((START, SPACED))]
    return [stamp for stamp in found if len(stamp) == 19]


def _stamp(line: bytes) -> bytes:
    return line[14:33] if line.startswith(START) else line[15:34]


def _first(pair: "tuple[bytes, bytes]") -> bytes:
    return pair[0]
