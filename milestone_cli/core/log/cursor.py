"""A place in a log that survives whatever may happen to the log: rotation, repair, retention, another store.

What was delivered is told by the sequence number of the last line of ours and by its checksum, which proves that it is
the same log; behind it by the last foreign line, as its content. The offset is a hint, believed only when the line
that ends there is that one. So a place is found again, or it is an error: never silence.
"""

from milestone_cli.core.log.lines import blocks, lines, numbered, seek_sequence
from milestone_cli.core.log.streams import named
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import digest, sound_stream
from milestone_cli.storage.origin import origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

PROOF = 12
"""Hexadecimal digits of a checksum that a cursor carries."""
FAR = 4 << 20
"""So far back from its place a line of ours is looked for; without one a cursor rests on the foreign line alone."""
VERSION = "1"
EVERY = "*"
"""Stands in a cursor of all milestones: what it does not name, it has not seen."""


class Place:
    """Behind which line of a log one stands.

    Attributes:
        sequence: of the last line of ours before it; 0 for none.
        proof: how that line's checksum begins.
        foreign: the last line, where it is not one of ours; None where it is.
        mark: digest of the same, as a cursor has it.
        offset: in bytes.
    """

    __slots__ = ("foreign", "mark", "offset", "proof", "sequence")

    def __init__(self, sequence: int = 0, proof: str = "", offset: int = 0, mark: str = "") -> None:
        self.sequence = sequence
        self.proof = proof
        self.offset = offset
        self.mark = mark
        self.foreign: bytes | None = None

    def step(self, line: bytes, end: int) -> None:
        """Move behind a line that ends at an offset."""
        found = known(line)
        if found:
            self.sequence, self.proof = found
            self.foreign = None
            self.mark = ""
        else:
            self.foreign = line
        self.offset = end

    def text(self) -> str:
        """The place as a cursor has it."""
        mark = self.mark if self.foreign is None else content(self.foreign)
        return f"{self.sequence}:{self.proof}:{self.offset}{':' + mark if mark else ''}"


def known(line: bytes) -> "tuple[int, str] | None":
    """Sequence number of a line of ours, and how its checksum begins; None for any other."""
    found = numbered(line)
    return found and (found[0], found[1][:PROOF])


def content(line: bytes) -> str:
    """What tells a foreign line from others, however it is spelt: bash's clean-up writes it anew."""
    try:
        told = dumps(loads(line)).encode("utf-8", "surrogatepass")
    except (ValueError, OverflowError):
        told = line
    return digest(told)[:PROOF]


# the text of a cursor


def write(places: "dict[str, Place]", *, every: bool = False) -> str:
    """A cursor: version, then for each log its name and place."""
    found = ",".join([f"{stream}:{place.text()}" for stream, place in places.items()])
    return f"{VERSION}{EVERY if every else ''},{found}" if found else VERSION + EVERY


def read(text: str) -> "tuple[dict[str, Place], bool]":
    """The places that a cursor names, and whether it is one of all milestones.

    Raises:
        MilestoneError: `invalid_cursor`.
    """
    head, *parts = text.strip().split(",")
    places = {}
    try:
        if head not in (VERSION, VERSION + EVERY):
            raise ValueError  # noqa: TRY301 - told below
        for part in parts:
            stream, sequence, proof, offset, *mark = part.split(":")
            sound_stream(stream)
            is_sound = text.isascii() and sequence.isdigit() and offset.isdigit() and len(sequence + offset) <= 40
            if not is_sound or len(mark) > 1:
                raise ValueError  # noqa: TRY301 - told below
            places[stream] = Place(int(sequence), proof, int(offset), "".join(mark))
    except (ValueError, MilestoneError):
        shown = text if len(text) <= 80 else text[:80] + "…"
        raise MilestoneError(
            "invalid_cursor", f"'{shown}' is not a cursor", "give one exactly as --show-cursor printed it"
        ) from None
    return places, head == VERSION + EVERY


# finding a place


def at_offset(store: "Store", stream: str, offset: int) -> Place:
    """The place at an offset, where a line begins or the log ends."""
    place = Place(offset=offset)
    found = _before(store, stream, offset)
    if found is None:
        origin = origin_of(store, stream)
        if origin.sequence and offset <= origin.end:
            place.sequence, place.proof = origin.sequence, origin.checksum[:PROOF]
        return place
    place.step(found, offset)
    if place.foreign is not None:
        last = _ours_before(store, stream, offset)
        if last:
            place.sequence, place.proof = last
    return place


def whole_end(store: "Store", stream: str) -> int:
    """Offset behind the last whole line of a log: what stands behind it is being written, or torn."""
    size = store.log_size(stream)[0]
    for at, block in blocks(store, stream, 0, size, backwards=True):
        cut = block.rfind(b"\n") + 1
        if cut:
            return at + cut
    return min(size, origin_of(store, stream).end)


def find(store: "Store", stream: str, place: Place) -> int:
    """The offset of a place as the log stands now.

    Raises:
        MilestoneError: `cursor_gone` when what came next is not there any more, or the log is another one.
    """
    size = store.log_size(stream)[0]
    if place.offset <= size and _stands(store, stream, place):
        return place.offset
    head = store.head(stream)  # before the lines, since it is written after them
    at, line = seek_sequence(store, stream, place.sequence)
    found = known(line) if line else None
    if place.sequence and found and found[0] == place.sequence:
        if found[1] != place.proof:
            raise _gone(stream, place, "the event with that number is another one now", origin_of(store, stream).end)
        return _behind_mark(store, stream, at + len(line) + 1, place)
    before = _ours_before(store, stream, at)
    if found is None:
        is_empty = not place.sequence and (head is None or not head.sequence)
        is_last = head is not None and head.sequence == place.sequence and head.checksum[:PROOF] == place.proof
        if not is_empty and not is_last:
            is_new = head is None or head.sequence < place.sequence
            goes_on = origin_of(store, stream).end if is_new else whole_end(store, stream)
            raise _gone(stream, place, "the log does not reach that far", goes_on)
    elif found[0] > place.sequence + 1 and before is None:
        why = f"the events from {place.sequence + 1} to {found[0] - 1} were removed"
        raise _gone(stream, place, why, origin_of(store, stream).end)
    return _behind_mark(store, stream, _behind_ours(store, stream, at), place)


def _gone(stream: str, place: Place, why: str, goes_on: int) -> MilestoneError:
    """The error for a place that is not there any more; `goes_on` is the offset from which nothing was delivered."""
    return MilestoneError(
        "cursor_gone",
        f"the log of {named(stream)} does not continue after this cursor, at event {place.sequence}: {why}",
        "start again without the cursor; `milestone events verify` shows what happened to the log",
        milestone_id=stream,
        sequence_number=place.sequence,
        goes_on=goes_on,
    )


def _stands(store: "Store", stream: str, place: Place) -> bool:
    """Whether the line that ends at a place's offset is the one that it says."""
    line = _before(store, stream, place.offset)
    if line is None:
        origin = origin_of(store, stream)
        return (
            not place.mark
            and place.foreign is None
            and (place.sequence, place.offset) == (origin.sequence, origin.end)
            and (not origin.sequence or origin.checksum.startswith(place.proof))
            and not (place.sequence == 0 and _starts_late(store, stream))
        )
    found = known(line)
    if place.foreign is not None or place.mark:
        return found is None and content(line) == (place.mark or content(place.foreign or b""))
    return found == (place.sequence, place.proof)


def _starts_late(store: "Store", stream: str) -> bool:
    """Whether the first event of ours is not the first that there was: bash's clean-up took those before."""
    head = store.head(stream)
    _, line = seek_sequence(store, stream, 1)
    found = known(line) if line else None
    return found[0] > 1 if found else head is not None and head.sequence > 0


def _before(store: "Store", stream: str, offset: int) -> "bytes | None":
    """The line that ends at an offset, without its line feed; None at the beginning of what is there."""
    for _, block in blocks(store, stream, 0, offset, backwards=True):
        if not block.endswith(b"\n"):
            return b""  # the offset is inside of a line: no place at all
        return block[block.rfind(b"\n", 0, -1) + 1 : -1]
    return None


def _ours_before(store: "Store", stream: str, offset: int) -> "tuple[int, str] | None":
    """Sequence number and proof of the last line of ours before an offset, as far as it is looked for."""
    for at, block in blocks(store, stream, 0, offset, backwards=True):
        for line in reversed(block.split(b"\n")):
            if found := known(line):
                return found
        if offset - at > FAR:
            break
    return None


def _behind_ours(store: "Store", stream: str, offset: int) -> int:
    """Where the lines begin that stand between the last line of ours before an offset, and that."""
    begin = offset
    for at, block in blocks(store, stream, 0, offset, backwards=True):
        end = at + len(block)
        for line in reversed(block.removesuffix(b"\n").split(b"\n")):
            if known(line):
                return begin
            end -= len(line) + 1
            begin = max(end, at)
    return begin


def _behind_mark(store: "Store", stream: str, start: int, place: Place) -> int:
    """Behind the foreign line that a place names, among those that stand from `start` up to the next line of ours.

    Where it is gone, what was before it is gone too, since bash removes the oldest: then nothing here was delivered.
    """
    mark = place.mark or (content(place.foreign) if place.foreign is not None else "")
    if mark:
        for at, line in lines(store, stream, start, store.log_size(stream)[0]):
            if known(line):
                break
            if content(line) == mark:
                return at + len(line) + 1
    return start
