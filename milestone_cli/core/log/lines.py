"""Lines of a log: how ours are told by their bytes, and the one of a number found without reading the rest."""

from milestone_cli.storage.origin import origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.contract import Store

START, SPACED = b'{"timestamp":"', b'{"timestamp": "'
"""How a line begins, ours or one of bash; and one that bash's clean-up has written anew."""
MARK = b',"checksum":"'
"""What stands before the checksum of a line of ours, 79 bytes before its end."""
NUMBER = b'"sequence_number":'
CHECKSUM = b'"checksum":'
EVENT_ID = b'"event_id":'
ENDING = 140
"""So many bytes at the end of a line of ours hold its number and its checksum."""
NEAR = 1 << 16
"""Bytes that are read rather than parted further."""


def moment(line: bytes) -> bytes:
    """When an event happened, as text that sorts: without the zone, which is always UTC; empty where none is said."""
    at = 14 if line.startswith(START) else 15
    return line[at : at + 26].partition(b'"')[0].rstrip(b"Z") if line[at : at + 4].isdigit() else b""


def second(line: bytes) -> bytes:
    """The same to the second, as far as events stand in the order of their times and not of their places."""
    return moment(line)[:19]


def event_id(line: bytes) -> bytes:
    """The id of an event; empty for a line of another program."""
    at = line.rfind(EVENT_ID)
    start = line.find(b'"', at + len(EVENT_ID)) + 1
    return line[start : line.find(b'"', start)] if at >= 0 else b""


def numbered(line: bytes) -> "tuple[int, str] | None":
    """Sequence number and checksum of a line of ours, also of one that bash has written anew; None for any other."""
    end = line[-ENDING:]
    at = end.rfind(NUMBER)
    digits, _, rest = end[at + len(NUMBER) :].lstrip().partition(b",")
    told = rest.lstrip()
    if at < 0 or not digits.isdigit() or not told.startswith(CHECKSUM):
        return None
    checksum = told[len(CHECKSUM) :].strip()
    if len(checksum) != 67 or checksum[:1] != b'"' or checksum[-2:] != b'"}':
        return None
    return int(digits), checksum[1:65].decode("ascii", "replace")


def blocks(
    store: "Store", stream: str, start: int, stop: int, *, backwards: bool = False
) -> "Iterator[tuple[int, bytes]]":
    """Blocks of a log between two offsets; without what bash wrote late into a sealed part, which has none yet.

    The next writer adopts such lines at the end of the log, and there whoever goes by offsets finds them.
    """
    for at, block in store.scan(stream, start, stop, backwards=backwards):
        if at + len(block) <= stop:
            yield at, block
        elif at < stop:
            yield at, block[: stop - at]


def lines(store: "Store", stream: str, start: int, stop: int) -> "Iterator[tuple[int, bytes]]":
    """Lines with their offsets, without their line feeds; `start` begins one."""
    for at, block in blocks(store, stream, start, stop):
        end = at
        for line in block.removesuffix(b"\n").split(b"\n"):
            yield end, line
            end += len(line) + 1


def seek_sequence(store: "Store", stream: str, wanted: int) -> "tuple[int, bytes]":
    """Offset of the first line of ours whose number is at least `wanted`, and the line; the log's end without one.

    Found by bisection: the numbers of a log grow.
    """
    low, high = origin_of(store, stream).end, store.log_size(stream)[0]
    size = high
    while high - low > NEAR:
        middle = (low + high) // 2
        found = _first_behind(store, stream, middle, high)
        if found is not None and found[1] < wanted:
            low = found[0]
        else:
            high = middle
    for at, line in lines(store, stream, low, size):
        known = numbered(line)
        if known and known[0] >= wanted:
            return at, line
    return size, b""


def locate(store: "Store", stream: str, sequence: int) -> "tuple[int, bytes] | None":
    """The line that has a sequence number, and its offset; None when there is none.

    Where it is not found by bisection, as in a damaged log, all is read.
    """
    at, line = seek_sequence(store, stream, sequence)
    if line and _is(line, sequence):
        return at, line
    needle = b"%d," % sequence
    for at, line in lines(store, stream, 0, store.log_size(stream)[0]):
        if needle in line and _is(line, sequence):
            return at, line
    return None


def first_number(store: "Store", stream: str) -> int:
    """The sequence number with which a log begins; 0 when it holds no line of ours."""
    for _, line in lines(store, stream, 0, store.log_size(stream)[0]):
        if found := numbered(line):
            return found[0]
    return 0


def _is(line: bytes, sequence: int) -> bool:
    found = numbered(line)
    return found is not None and found[0] == sequence


def _first_behind(store: "Store", stream: str, middle: int, high: int) -> "tuple[int, int] | None":
    """Offset and number of the first line of ours that begins behind an offset, before another."""
    begun = False
    for at, line in lines(store, stream, middle, high):
        found = numbered(line) if begun else None
        if found:
            return at, found[0]
        begun = True
    return None
