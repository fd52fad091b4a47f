"""Reading a log: in blocks from either end, and by bisection, which costs the same at any size."""

from milestone_cli.storage.files.wholelog import open_whole
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.files.wholelog import WholeLog

BLOCK = 1 << 20
PIECE = 1 << 16
"""What is read at once going forwards: it stays in the processor's cache, and the allocator reuses its room."""
NEAR = 1 << 16


def scan(
    store: "FileStore",
    stream: str,
    start: int = 0,
    stop: int | None = None,
    *,
    backwards: bool = False,
    is_exact: bool = False,
) -> "Iterator[tuple[int, bytes]]":
    """Blocks of whole lines with their byte offsets; see `FileStore.scan`. `is_exact`: only what has an offset."""
    log = open_whole(store, stream)
    if log is None:
        return
    try:
        end = log.end if stop is None else stop
        blocks = _backwards(log, start, end) if backwards else forwards(log, start, end)
        if not is_exact and start < log.base <= end and (late := log.late()):
            blocks = _with_late(blocks, late, end, backwards=backwards)
        yield from blocks
    finally:
        log.close()


def _with_late(
    blocks: "Iterator[tuple[int, bytes]]", late: bytes, end: int, *, backwards: bool
) -> "Iterator[tuple[int, bytes]]":
    """Blocks, and behind the last line what bash wrote late into a sealed part: it has no offset of its own yet."""
    for at, block in blocks:
        whole = block
        if at + len(block) >= end and block.endswith(b"\n"):
            whole, late = block + late, b""
        yield at, whole
    if late and not backwards:
        yield end, late


def forwards(log: "WholeLog", at: int, end: int) -> "Iterator[tuple[int, bytes]]":
    """Blocks of whole lines from the front, with their offsets; the last may lack its line feed."""
    size = PIECE
    at = max(at, log.start)
    edge = 0
    while at < end:
        if at >= edge:
            edge = min(log.region(at)[1], end)  # so that only the parts are opened in which there is something to read
        block = log.pread(min(size, edge - at), at)
        if not block:
            return
        cut = block.rfind(b"\n") + 1
        if not cut and at + len(block) < edge and len(block) == size:
            size *= 2  # a line longer than a block
            continue
        size = PIECE
        cut = cut or len(block)
        yield at, block if cut == len(block) else block[:cut]
        at += cut


def _backwards(log: "WholeLog", start: int, end: int) -> "Iterator[tuple[int, bytes]]":
    start = max(start, log.start)
    while end > start:
        edge = max(log.region(end - 1)[0], start)
        yield from _region_backwards(log, edge, end)
        end = edge


def _region_backwards(log: "WholeLog", start: int, end: int) -> "Iterator[tuple[int, bytes]]":
    pieces: list[bytes] = []
    read, size = end, NEAR  # the last few lines are mostly what is asked for
    while read > start:
        size = min(size, read - start)
        read -= size
        block = log.pread(size, read)
        size = min(2 * size, BLOCK)
        # The last byte of what is read ends a line, or begins the piece behind; the line feed to cut at is before it.
        cut = block.find(b"\n") + 1 if read > start else 0
        if read > start and (not cut or (cut == len(block) and not pieces)):
            pieces.insert(0, block)
            continue
        whole = b"".join((block[cut:], *pieces))
        if whole:
            yield read + cut, whole
        pieces = [block[:cut]] if cut else []


def number(field: bytes) -> "Callable[[bytes], int | None]":
    """A reader of one number near the end of a line of ours: `revision` or `sequence_number`."""
    needle = b',"' + field + b'":'

    def read(line: bytes) -> int | None:
        at = line.rfind(needle)
        if at < 0:
            return None
        digits = line[at + len(needle) : at + len(needle) + 20].partition(b",")[0]
        return int(digits) if digits.isdigit() else None

    return read


def moment(line: bytes) -> int | None:
    """Time of a line of ours, nanoseconds since 1970."""
    if not line.startswith(b'{"timestamp":"') or b'"sequence_number":' not in line:
        return None
    return parse_ns(line[14:48].partition(b'"')[0].decode("ascii", "replace"))


def bisect(log: "WholeLog", value: "Callable[[bytes], int | None]", wanted: int) -> int:
    """Byte offset of the first line whose value is at least `wanted`; lines without one are passed over.

    The values must not decrease from line to line, as those of ours do not. It is looked for from the end in growing
    steps first: what is asked for is mostly recent, and then a longer log costs nothing.
    """
    low, high = log.start, log.end
    size, step = high, NEAR
    while high - low > NEAR:
        middle = max((low + high) // 2, high - step)
        step *= 4
        found = None
        for at, line in lines(log, middle, high):  # noqa: B007 - used below the loop
            found = value(line)
            if found is not None:
                break
        if found is not None and found < wanted:
            low = at + len(line)
        else:
            high = middle
    for at, line in lines(log, low, size, whole_first=True):
        found = value(line)
        if found is not None and found >= wanted:
            return at
    return size


def lines(log: "WholeLog", start: int, end: int, *, whole_first: bool = False) -> "Iterator[tuple[int, bytes]]":
    """Lines that begin in `[start, end)`, with their offsets; `whole_first` says that `start` begins one."""
    at = start = max(start, log.start)
    rest = b""
    skipping = not whole_first and start > log.start
    if skipping:
        at = start - 1
    read = at
    while block := log.pread(NEAR, read):
        read += len(block)
        rest += block
        while (cut := rest.find(b"\n")) >= 0:
            line, rest = rest[: cut + 1], rest[cut + 1 :]
            if skipping:
                skipping = False
            elif at >= end:
                return
            else:
                yield at, line
            at += len(line)


def seek(store: "FileStore", stream: str, ns: int) -> int:
    """Byte offset of the first line at or after a time; see `FileStore.seek`."""
    log = open_whole(store, stream)
    if log is None:
        return 0
    try:
        return bisect(log, moment, ns)
    finally:
        log.close()
