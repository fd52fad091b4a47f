"""The state at a revision, from the log alone: one base and the splices after it, proved by SHA-256."""

from milestone_cli.model import digest
from milestone_cli.splice import apply
from milestone_cli.storage.origin import document_of, origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.contract import Store

NEEDLE = b'"sha256":'


class History:
    """The state events of a log, read from its end.

    Attributes:
        trouble: why a revision could not be replayed; empty when it could.
        is_cut: the log begins behind what it would have taken.
    """

    __slots__ = ("_events", "_parse", "_size", "_store", "_stream", "is_cut", "trouble")

    def __init__(
        self, store: "Store", stream: str, size: int, parse: "Callable[[bytes], dict[str, object] | None]"
    ) -> None:
        self._store = store
        self._stream = stream
        self._size = size
        self._parse = parse
        self._events: Iterator[dict[str, object]] | None = None
        self.trouble = ""
        self.is_cut = False

    def _states(self) -> "Iterator[dict[str, object]]":
        """The data of state events, newest first; several writers' copies of one come once each."""
        held: dict[str, object] | None = None
        for data in self._candidates():
            # A revision's own event is the first line that carries its number; what says the same later is a user's.
            if held is not None and held["revision"] != data["revision"]:
                yield held
            held = data
        if held is not None:
            yield held

    def _candidates(self) -> "Iterator[dict[str, object]]":
        for _, block in self._store.scan(self._stream, 0, self._size, backwards=True):
            at = block.rfind(NEEDLE)
            while at >= 0:
                start = block.rfind(b"\n", 0, at) + 1
                end = block.find(b"\n", at)
                line = block[start : end if end >= 0 else len(block)]
                event = self._parse(line) or self._parse(line[line.rfind(b'{"timestamp":"') :])
                data = event.get("data") if event and "sequence_number" in event else None
                if (
                    event
                    and isinstance(data, dict)
                    and type(data.get("revision")) is int
                    and event.get("revision") == data["revision"]
                    and ("text" in data or "splice" in data)
                ):
                    yield data
                at = block.rfind(NEEDLE, 0, start)

    def revision(self) -> int:
        """The newest revision that the log explains; 0 for none."""
        for data in self._states():
            return int(data["revision"])  # type: ignore[call-overload,no-any-return]
        return origin_of(self._store, self._stream).revision

    def text(self, revision: int) -> "bytes | None":
        """The text at a revision, or None when the log does not hold it whole."""
        splices: list[dict[str, object]] = []
        due = revision
        for data in self._states():
            number = data["revision"]
            if number != due:
                if due < revision and isinstance(number, int) and number < due:
                    self.trouble = f"the event of revision {due} is not in the log"
                    return None
                continue
            splices.append(data)
            if "text" in data:
                return self._replay(splices)
            due -= 1
        kept = document_of(origin_of(self._store, self._stream))
        if kept is not None and kept.revision == due:
            return self._replay(splices, kept.text) if splices else kept.text
        self.is_cut = True
        self.trouble = f"the log does not reach back to the base of revision {revision}"
        return None

    def _replay(self, newest_first: "list[dict[str, object]]", text: bytes = b"") -> "bytes | None":
        for data in reversed(newest_first):
            number = data["revision"]
            try:
                text = str(data["text"]).encode() if "text" in data else apply(text, data["splice"])  # type: ignore[arg-type]
            except ValueError as error:
                self.trouble = f"the splice of revision {number} does not fit: {error}"
                return None
        if digest(text) != newest_first[0].get("sha256"):
            self.trouble = f"the replayed text of revision {newest_first[0]['revision']} does not fit its checksum"
            return None
        return text
