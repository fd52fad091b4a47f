"""A log as it would read after some edits, so that they can be proved before any of them is done."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.model import Edit
    from milestone_cli.storage.contract import Store


class Edited:
    """A store in which a log reads as it would after some edits."""

    def __init__(self, store: "Store", stream: str, edits: "list[Edit]") -> None:
        self._store = store
        self._stream = stream
        self._edits = edits

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def log_size(self, stream: str) -> "tuple[int, int]":
        """Size of a log, and what tells it from another."""
        size, identity = self._store.log_size(stream)
        return (self._moved(size) if stream == self._stream else size), identity

    def _moved(self, at: int) -> int:
        """Where an offset of the log is after the edits before it."""
        return at + sum(len(new) - len(old) for where, old, new in self._edits if where < at)

    def _origin(self, at: int) -> int:
        """The offset that has come to stand at another one."""
        for where, old, new in self._edits:
            if at <= where:
                break
            at += len(old) - len(new)
        return at

    def scan(
        self, stream: str, start: int = 0, stop: "int | None" = None, *, backwards: bool = False
    ) -> "Iterator[tuple[int, bytes]]":
        """Blocks of a log with their offsets, edited."""
        if stream != self._stream or not self._edits:
            yield from self._store.scan(stream, start, stop, backwards=backwards)
            return
        end = None if stop is None else self._origin(stop)
        for at, block in self._store.scan(stream, self._origin(start), end, backwards=backwards):
            pieces, done = [], at
            for where, old, new in self._edits:
                if at <= where < at + len(block):
                    pieces += [block[done - at : where - at], new]
                    done = where + len(old)
            pieces.append(block[done - at :])
            yield self._moved(at), b"".join(pieces)
