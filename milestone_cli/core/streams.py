"""Logs by what people name: a session's log, and the line of a sequence number, found without reading the rest."""

from milestone_cli.errors import MilestoneError
from milestone_cli.model import log_of, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.contract import Store

NUMBER = b'"sequence_number":'
ENDING = 140
"""So many bytes at the end of a line of ours hold its number and its checksum."""
NEAR = 1 << 16
"""Bytes that are read rather than parted further."""


def of_session(store: "Store", session: str, milestone: "str | None" = None) -> str:
    """The log that has a session's events: its milestone's, or its own where it has none.

    Raises:
        MilestoneError: `not_found`, `invalid_name`.
    """
    if milestone is not None:
        return milestone
    named = store.session(safe(session, "session")).get("milestone_id")
    if isinstance(named, str) and named:
        return safe(named)
    if store.log_size(log_of(session))[1]:
        return log_of(session)
    raise MilestoneError(
        "not_found", f"there is no session '{session}' with a log", "list them with: milestone session list"
    )


def meant(store: "Store", milestone: "str | None", session: "str | None") -> str:
    """The log that is meant: the milestone's, or that of a session.

    Raises:
        MilestoneError: `invalid_name`, `milestone_ambiguous`, `not_found`.
    """
    if session is not None:
        return of_session(store, session, None if milestone is None else safe(milestone))
    from milestone_cli.core import current_milestone

    return current_milestone(store, milestone)


def logs(store: "Store", milestone: "str | None", session: "str | None", *, every: bool) -> "list[str]":
    """The logs that a command means: of all milestones, of one, or of a session that has its own.

    Raises:
        MilestoneError: `usage`, and those of `current_milestone`.
    """
    from milestone_cli.core import current_milestone

    if every:
        if milestone is not None:
            raise MilestoneError("usage", "one milestone or --all, not both", "leave one of them out")
        return store.milestones()
    if milestone is None and session is not None and store.log_size(own := log_of(safe(session, "session")))[1]:
        return [own]
    return [current_milestone(store, milestone)]


def number_of(line: bytes) -> int:
    """The sequence number of a line of ours; 0 for any other line."""
    end = line[-ENDING:]
    at = end.rfind(NUMBER)
    if at < 0 or end.find(b'"checksum":', at) < 0:
        return 0
    digits = end[at + len(NUMBER) :].lstrip(b" ").partition(b",")[0]
    return int(digits) if digits.isdigit() else 0


def lines(store: "Store", stream: str, start: int, stop: int) -> "Iterator[tuple[int, bytes]]":
    """Lines with their offsets, without their line feeds; `start` begins one."""
    for at, block in store.scan(stream, start, stop):
        yield from _parted(at, block.removesuffix(b"\n"))


def locate(store: "Store", stream: str, sequence: int) -> "tuple[int, bytes] | None":
    """The line that has a sequence number, and its offset; None when there is none.

    Found by bisection, in constant time, where numbers grow from line to line; else by reading all.
    """
    size = store.log_size(stream)[0]
    low, high = 0, size
    while high - low > NEAR:
        middle = (low + high) // 2
        found = _behind(store, stream, middle, high)
        if found is not None and found[1] <= sequence:
            low = found[0]
        else:
            high = middle
    for at, line in lines(store, stream, low, size):
        number = number_of(line)
        if number == sequence:
            return at, line
        if number > sequence:
            break
    needle = b"%d," % sequence
    for at, block in store.scan(stream, 0, size):
        if needle in block:
            for where, line in _parted(at, block):
                if number_of(line) == sequence:
                    return where, line
    return None


def first_number(store: "Store", stream: str) -> int:
    """The sequence number with which a log begins; 0 when it holds no line of ours."""
    for _, line in lines(store, stream, 0, store.log_size(stream)[0]):
        if number := number_of(line):
            return number
    return 0


def _behind(store: "Store", stream: str, middle: int, high: int) -> "tuple[int, int] | None":
    """Offset and number of the first line of ours that begins behind an offset, before another."""
    begun = False
    for at, block in store.scan(stream, middle, high):
        for where, line in _parted(at, block):
            if begun and (number := number_of(line)):
                return where, number
            begun = True
    return None


def _parted(at: int, block: bytes) -> "Iterator[tuple[int, bytes]]":
    for line in block.split(b"\n"):
        yield at, line
        at += len(line) + 1
