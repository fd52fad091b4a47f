"""What happened, of one milestone or of several side by side, all of it or what is looked for, in order.

Several logs are merged by time, each read block by block from when its first event is due, so memory is bounded by
the blocks of the milestones that were at work at the same time. Within one milestone nothing changes its place.
"""

from milestone_cli.blocks import in_blocks
from milestone_cli.core.log.lines import moment, second
from milestone_cli.core.log.query import Parser
from milestone_cli.core.log.timeline import Timeline
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.core.log.filters import Filter
    from milestone_cli.storage.contract import Store

SECOND = 1_000_000_000


class Chronicle:
    """The events of some milestones that match, ready to be shown; iterate over `blocks` or `lines` once.

    Attributes:
        names: of the milestones.
        parser: for whoever wants events rather than lines.
        skipped: lines left out because they are no events; known when all have come.
    """

    __slots__ = ("_logs", "_store", "_wanted", "names", "parser")

    def __init__(self, store: "Store", names: list[str], wanted: "Filter | None" = None) -> None:
        """Open the logs of milestones.

        Args:
            store: the store; only read.
            names: of milestones.
            wanted: what to look for; None for everything.

        Raises:
            MilestoneError: `not_found` when there is no such milestone.
        """
        self.names = names
        self._store = store
        self._wanted = wanted
        self.parser = Parser()
        by_steps = len(names) > 1
        self._logs = [Timeline(store, name, wanted, by_steps=by_steps) for name in names]

    @property
    def skipped(self) -> int:
        """Lines that were left out because they are no events."""
        return self.parser.skipped + sum([log.skipped for log in self._logs])

    @property
    def size(self) -> int:
        """Bytes of the logs, as far as they are read."""
        return sum([log.size for log in self._logs])

    def again(self) -> "Chronicle":
        """The same once more, since each is iterated over once."""
        return Chronicle(self._store, self.names, self._wanted)

    def sampled(self, columns: int) -> "list[tuple[int, int]]":
        """How many bytes were logged since the moment before, at so many moments, nanoseconds since 1970.

        It takes as long for a long log as for a short one. Where only some events are looked for, nothing is known.
        """
        if self._wanted is not None:
            return []
        samples: list[tuple[int, int]] = []
        for name in self.names:
            ends = _ends(self._store, name)
            if ends is None:
                continue
            first, last = ends
            before = 0
            for column in range(1, columns + 1):
                moment = first + (last - first) * column // columns
                offset = self._store.seek(name, moment)
                samples.append((first + (last - first) * (column - 1) // columns, offset - before))
                before = offset
        return sorted(samples)

    def mapped(self, work: "Callable[[bytes], bytes]") -> "Iterator[bytes]":
        """Yield what `work` makes of each of `blocks`, in order; in a long log other processes may do it."""
        if self._wanted is None and len(self._logs) == 1:
            return self._logs[0].mapped(work)
        return map(work, self.blocks())

    def blocks(self) -> "Iterator[bytes]":
        """Yield whole lines, each with its line feed."""
        if self._wanted is None and len(self._logs) == 1:
            return self._logs[0].blocks()
        return in_blocks(self.lines())

    def lines(self) -> "Iterator[bytes]":
        """Yield lines without their line feeds."""
        if self._wanted is not None and self._wanted.limit:
            return self._latest(self._wanted)
        return self._of(0) if len(self._logs) == 1 else self._merged()

    def _latest(self, wanted: "Filter") -> "Iterator[bytes]":
        """The last ones, found from the ends of the logs."""
        from milestone_cli.core.log.paging import Found

        found = Found(self._store, self.names, wanted)
        latest = list(found.lines())
        self.parser.skipped += found.skipped
        return iter(sorted(latest, key=second) if len(self._logs) == 1 else latest)

    def _of(self, number: int) -> "Iterator[bytes]":
        """The lines of one milestone."""
        wanted = self._wanted
        if wanted is None:
            return (line for block in self._logs[number].blocks() for line in block.split(b"\n") if line)
        return (line for block in self._logs[number].blocks() for line in wanted.lines(block, self.parser))

    def _merged(self) -> "Iterator[bytes]":
        """The lines of all milestones by their time."""
        from heapq import heapify, heappop, heapreplace

        heap: list[tuple[bytes, int, bytes, Iterator[bytes] | None]]
        heap = [(log.first, number, b"", None) for number, log in enumerate(self._logs)]
        heapify(heap)
        while heap:
            due, number, line, rest = heap[0]
            if rest is None:
                rest = self._of(number)  # opened when it is due, not before
            else:
                yield line
            following = next(rest, None)
            if following is None:
                heappop(heap)
            else:
                # A whole second of bash stands behind what it was written after, whatever the fraction of that.
                heapreplace(heap, (max(due, moment(following)), number, following, rest))


def _ends(store: "Store", stream: str) -> "tuple[int, int] | None":
    """When the first and the last line of a log were written, nanoseconds since 1970; None where they do not say."""
    size = store.log_size(stream)[0]
    found = []
    for backwards in (False, True):
        for _, block in store.scan(stream, 0, size, backwards=backwards):
            line = block.rstrip(b"\n").rpartition(b"\n")[2] if backwards else block
            found.append(parse_ns(moment(line)[:19].decode("ascii", "replace") + "Z"))
            break
    if len(found) < 2 or found[0] is None or found[1] is None:
        return None
    return found[0], found[1] + SECOND
