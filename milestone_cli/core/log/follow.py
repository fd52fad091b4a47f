"""What happens from now on, or from a cursor on: every event once, whatever becomes of the log meanwhile.

The watcher is armed before the log is read, and read again after every wake-up from where it was: so nothing is missed,
and a wake-up for nothing costs one look. Where a log was written anew, cut or replaced, the place in it is found again
by its cursor; what cannot be delivered any more is said, never passed over.
"""

from milestone_cli import runtime
from milestone_cli.core.log import cursor
from milestone_cli.core.log.lines import blocks, moment
from milestone_cli.core.log.paging import Found
from milestone_cli.core.log.query import Once, Parser
from milestone_cli.core.log.streams import no_log
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.core.log.filters import Filter
    from milestone_cli.storage.contract import Store, Watcher

PATIENCE = 30.0
"""Seconds in which a store that cannot be reached may come back."""
BATCH = 1000
"""Lines that are handed over at once, at most, while many wait."""


class Tail:
    """The end of one log, and how far it was read."""

    __slots__ = ("_once", "_parser", "_seen", "_store", "_wanted", "place", "stream")

    def __init__(self, store: "Store", stream: str, wanted: "Filter", place: "cursor.Place", parser: Parser) -> None:
        self._store = store
        self.stream = stream
        self._wanted = wanted
        self.place = place
        self._parser = parser
        self._once = Once()
        self._seen = (-1, -1)

    def read(self, tell: "Callable[[str], None]") -> "Iterator[bytes]":
        """Yield what matches of the whole lines that have come, and move behind them.

        Args:
            tell: takes a sentence about what cannot be delivered.
        """
        seen = self._store.log_size(self.stream)
        if seen == self._seen:
            return
        start = self._start(seen[0], tell)
        for at, block in blocks(self._store, self.stream, start, seen[0]):
            whole = block[: block.rfind(b"\n") + 1]
            if not whole:
                break
            yield from self._matching(whole)
            self._move(whole, at + len(whole))
        self._seen = seen

    def _start(self, size: int, tell: "Callable[[str], None]") -> int:
        """Where to read on; normally where it was left."""
        try:
            return cursor.find(self._store, self.stream, self.place)
        except MilestoneError as error:
            if error.code != "cursor_gone":
                raise
            tell(error.message)
            start = error.details["goes_on"]
            assert isinstance(start, int)
            self.place = cursor.at_offset(self._store, self.stream, min(start, size))
            return self.place.offset

    def _matching(self, block: bytes) -> "Iterator[bytes]":
        for line in self._wanted.lines(block, self._parser):
            if self._once.first(line):
                yield line

    def _move(self, block: bytes, end: int) -> None:
        """Move behind a block, whose last line of ours says where that is."""
        lines = block[:-1].split(b"\n")
        for line in reversed(lines):
            if cursor.known(line):
                self.place.step(line, end)
                break
        if not cursor.known(lines[-1]):
            self.place.step(lines[-1], end)


class Following:
    """The logs that are followed.

    Attributes:
        skipped: lines left out because they are no events.
    """

    __slots__ = ("_every", "_found", "_is_fresh", "_notes", "_parser", "_store", "_tails", "_wanted", "_watcher")

    def __init__(
        self,
        store: "Store",
        names: "list[str]",
        wanted: "Filter",
        after: "str | None" = None,
        *,
        every: bool = False,
        is_fresh: bool = False,
    ) -> None:
        """Begin: arm, then look.

        Args:
            store: the store; only read.
            names: of the logs; one that is not there yet is waited for.
            wanted: what to look for; its limit says how many of the latest come first, unless there is a cursor.
            after: a cursor, to begin behind it.
            every: all milestones are followed, also such as come to be.
            is_fresh: nothing of what happened before is wanted.

        Raises:
            MilestoneError: those of `paging.Found`, `store_unreachable`.
        """
        self._store = store
        self._wanted = wanted
        self._every = every
        self._notes: list[str] = []
        self._parser = Parser()
        self._watcher: Watcher = store.changes(None if every else names, [], [])
        known = set(store.milestones())
        there = [name for name in names if store.log_size(name)[0] or name in known]
        self._notes += [f"{no_log(name).message} yet; waiting for it" for name in names if name not in there]
        self._is_fresh = is_fresh
        self._found = Found(store, there, wanted, after, every=every, with_cursor=True)
        self._tails = {
            name: Tail(store, name, wanted, place, self._parser)
            for name, place in zip(there, self._found.ends(), strict=True)
        }
        for name in names:
            if name not in there:
                self._tails[name] = Tail(store, name, wanted, cursor.Place(), self._parser)

    @property
    def skipped(self) -> int:
        """Lines that were left out because they are no events."""
        return self._parser.skipped + self._found.skipped

    def backlog(self) -> "Iterator[bytes]":
        """Yield what comes first: what is behind the cursor, or the latest."""
        return iter(()) if self._is_fresh else self._found.lines()

    def more(self) -> "Iterator[bytes]":
        """Yield what has come since, in the order of time where there are several logs."""
        if self._every:
            for name in self._store.milestones():
                if name not in self._tails:
                    self._tails[name] = Tail(self._store, name, self._wanted, cursor.Place(), self._parser)
        tails = list(self._tails.values())
        if len(tails) == 1:
            yield from tails[0].read(self._notes.append)
            return
        lines: list[bytes] = []
        trouble = None
        for tail in tails:
            try:
                lines += tail.read(self._notes.append)
            except MilestoneError as error:
                trouble = error
                break
        yield from sorted(lines, key=moment)
        if trouble is not None:
            raise trouble

    def wait(self, timeout: float, reader: int = -1) -> None:
        """Wait for changes, or for so many seconds; see `contract.Watcher`."""
        self._watcher.wait(timeout, reader)

    def notes(self) -> "list[str]":
        """What is to be told since the last time."""
        told, self._notes = self._notes, []
        return told

    def cursor(self) -> str:
        """The cursor behind what was read."""
        return cursor.write({name: tail.place for name, tail in self._tails.items()}, every=self._every)

    def close(self) -> None:
        """End it."""
        self._watcher.close()


def batches(
    following: Following, reader: int = -1, settle: "Callable[[], None] | None" = None
) -> "Iterator[tuple[list[bytes], list[str]]]":
    """Yield lines, and what is to be told, as they come; it ends only by an error or an interrupt.

    A store that cannot be reached for a while is tried again: the place is kept, so nothing is lost. `settle` is called
    whenever everything that was read has been handed over.

    Raises:
        MilestoneError: `store_unreachable`, `store_moved`.
        BrokenPipeError: when nobody reads any more what is written to `reader`.
    """
    yield from _parts(following.backlog(), following)
    lost = 0.0
    while True:
        try:
            yield from _parts(following.more(), following)
            if settle is not None:
                settle()
            lost = 0.0
        except MilestoneError as error:
            now = runtime.monotonic()
            lost = lost or now
            if error.code != "store_unreachable" or now - lost > PATIENCE:
                raise
            following.wait(0.2, reader)
            continue
        following.wait(PATIENCE, reader)


def _parts(lines: "Iterator[bytes]", following: Following) -> "Iterator[tuple[list[bytes], list[str]]]":
    batch: list[bytes] = []
    trouble = None
    while True:
        try:
            line = next(lines, None)
        except MilestoneError as error:  # what came before it was read for good
            trouble, line = error, None
        if line is not None:
            batch.append(line)
        if batch and (line is None or len(batch) >= BATCH):
            yield batch, following.notes()
            batch = []
        if line is None:
            break
    if notes := following.notes():
        yield [], notes
    if trouble is not None:
        raise trouble
