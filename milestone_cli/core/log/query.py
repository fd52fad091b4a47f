"""The events that match, found by their bytes first: only lines that hold the needle are parsed.

What comes out is the text of the lines as it stands in the log, so numbers of any size survive; each event
comes once, though an append that landed inside a bash line stands there twice.
"""

from milestone_cli.core.log.lines import CHECKSUM, event_id, seek_sequence
from milestone_cli.core.log.streams import no_log
from milestone_cli.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.core.log.filters import Filter
    from milestone_cli.storage.contract import Store

RECENT = 10_000
"""So many event ids are remembered: a line that is written again comes right after its first copy."""
LONG = 32 << 20
"""In more bytes than these orjson is worth its import at once; and lines in the shape of ours are believed, where only
their type matters, as in a long timeline."""
PARSE_BY_C = 20_000
"""From so many lines on, orjson's faster parser is worth its import."""
LATE = 2_000_000_000
"""Bash's times are whole seconds, so its lines may stand a little behind where their time belongs."""


class Parser:
    """Reads lines as events; counts what is none.

    Attributes:
        skipped: lines that were no JSON object.
    """

    __slots__ = ("_fast", "_parsed", "skipped")

    def __init__(self) -> None:
        self.skipped = 0
        self._parsed = 0
        self._fast: Callable[[bytes], object] | None = None

    def hurry(self) -> None:
        """Expect many lines: use the parser that is faster and takes longer to import."""
        from orjson import loads

        self._fast = loads

    def event(self, line: bytes) -> "dict[str, object] | None":
        """The event of a line; None for a line that is no JSON object."""
        self._parsed += 1
        if self._parsed == PARSE_BY_C:
            self.hurry()
        try:
            value = self._fast(line) if self._fast else loads(line)
        except (ValueError, OverflowError):
            try:
                value = loads(line)  # orjson refuses what JSON allows, such as half a surrogate
            except (ValueError, OverflowError):
                value = None
        if isinstance(value, dict):
            return value
        self.skipped += bool(line)
        return None


class Once:
    """Lets each line of ours pass once, by its event id, as far back as it matters; what is written again is equal."""

    __slots__ = ("_recent",)

    def __init__(self) -> None:
        self._recent: dict[bytes, None] = {}

    def first(self, line: bytes) -> bool:
        """Whether this event has not come before; lines that are not ours always pass."""
        if not line.endswith(b'"}') or line.find(CHECKSUM, -90) < 0:
            return True
        known = event_id(line)
        if not known:
            return True
        if known in self._recent:
            return False
        self._recent[known] = None
        if len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]
        return True


def query(store: "Store", stream: str, wanted: "Filter", parser: Parser) -> "Iterator[bytes]":
    """Yield the lines that match, oldest first unless reversed; the latest ones where there is a limit.

    Args:
        store: the store; only read.
        stream: name of the milestone.
        wanted: what to look for.
        parser: counts the lines that could not be read.

    Raises:
        MilestoneError: `not_found` when there is no such log.
    """
    start, stop = bounds(store, stream, wanted)
    if not wanted.limit and not wanted.reverse:
        return _all(store, stream, start, stop, wanted, parser)
    found = _backwards(store.scan(stream, start, stop, backwards=True), wanted, parser)
    if not wanted.limit:
        return found
    latest = []
    for match in found:
        latest.append(match)
        if len(latest) == wanted.limit:
            break
    return iter(latest if wanted.reverse else latest[::-1])


def bounds(store: "Store", stream: str, wanted: "Filter") -> "tuple[int, int]":
    """Between which offsets of a log everything stands that may match.

    Raises:
        MilestoneError: `not_found` when there is no such log.
    """
    stop = store.log_size(stream)[0]
    if not stop and stream not in store.milestones():
        raise no_log(stream)
    start = store.seek(stream, wanted.since) if wanted.since is not None else 0
    if wanted.until is not None:
        stop = min(stop, max(start, store.seek(stream, wanted.until + LATE)))
    if wanted.first is not None:
        start = max(start, seek_sequence(store, stream, wanted.first)[0])
    if wanted.last is not None:
        stop = min(stop, seek_sequence(store, stream, wanted.last + 1)[0])
    return start, max(start, stop)


def _backwards(blocks: "Iterator[tuple[int, bytes]]", wanted: "Filter", parser: Parser) -> "Iterator[bytes]":
    once = Once()
    for _, block in blocks:
        for line in wanted.lines(block, parser, backwards=True):
            if once.first(line):
                yield line


def _all(store: "Store", stream: str, start: int, stop: int, wanted: "Filter", parser: Parser) -> "Iterator[bytes]":
    """Every match from the front; the blocks may be looked through by other processes."""
    once = Once()
    is_long = stop - start > LONG
    if is_long and not wanted.is_of_types():
        parser.hurry()

    def work(block: bytes) -> bytes:
        before = parser.skipped
        lines = list(wanted.lines(block, parser, is_believed=is_long))
        return b"\n".join((b"%d" % (parser.skipped - before), *lines))

    skipped = 0
    for found in store.map_blocks(stream, start, stop, work):
        count, *lines = found.split(b"\n")
        skipped += int(count)
        for line in lines:
            if once.first(line):
                yield line
    parser.skipped = skipped
