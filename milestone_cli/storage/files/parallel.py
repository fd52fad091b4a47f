"""A long log worked through by several processes, and the results taken in order.

The log is cut into stretches of some megabytes; with two processes, each works on every other one. The results of a
stretch come back at once, through a pipe each, whose size bounds what waits in memory. What a process could not do (it
was killed, its work failed) is done here instead, so the outcome never rests on it.
"""

import os

from milestone_cli import runtime
from milestone_cli.storage.files.reading import NEAR, forwards
from milestone_cli.storage.files.wholelog import open_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.files.wholelog import WholeLog

SMALL = 32 << 20
"""Below this many bytes a process costs more than it saves."""
STRETCH = 4 << 20
"""Bytes that a process works on before it hands over what it found: handing over block by block costs more."""
MOST = 4
"""More processes than these would wait for the one who takes their results."""
KILL = 9
"""SIGKILL; the module that names it takes long to import."""
END = b"\xff" * 8
"""Stands where the length of a result would, behind a process's last one."""


def map_blocks(
    store: "FileStore", stream: str, start: int, stop: int, work: "Callable[[bytes], bytes]"
) -> "Iterator[bytes]":
    """Yield `work` of each block of `scan`, in order.

    Args:
        store: where the log is.
        stream: name of the log.
        start: byte offset of the first line.
        stop: byte offset behind the last one.
        work: makes a result from a block alone; it may run in another process, so what it remembers is lost.
    """
    log = open_whole(store, stream)
    if log is None:
        return
    count = min(MOST, runtime.processors()) if stop - start >= SMALL else 1
    team: list[tuple[int, int]] = []
    rest = map(work, [late] if start < log.base <= stop and (late := log.late()) else [])
    done = 0
    try:
        if count > 1:
            for share in range(count):
                team.append(_start(_results(log, start, stop, work, share, count), [pipe for _, pipe in team]))
            for results in _received(team):
                if results is None:
                    yield from rest
                    return
                yield from results
                done += 1
        for number, (begin, end) in enumerate(_stretches(log, start, stop)):
            if number >= done:
                for _, block in forwards(log, begin, end):
                    yield work(block)
        yield from rest
    finally:
        for pid, pipe in team:
            os.close(pipe)
            os.kill(pid, KILL)
            os.waitpid(pid, 0)
        log.close()


def _stretches(log: "WholeLog", start: int, stop: int) -> "Iterator[tuple[int, int]]":
    """Where the stretches of a log begin and end: between two lines."""
    start = max(start, log.start)
    while start < stop:
        end = start + STRETCH
        while end < stop and (piece := log.pread(NEAR, end - 1)):
            cut = piece.find(b"\n")
            if cut >= 0:
                end += cut
                break
            end += len(piece)
        end = min(end, stop)
        yield start, end
        start = end


def _results(
    log: "WholeLog", start: int, stop: int, work: "Callable[[bytes], bytes]", share: int, count: int
) -> "Iterator[bytes]":
    """What a process finds in each stretch of its share: the results of its blocks, each behind its length."""
    for number, (begin, end) in enumerate(_stretches(log, start, stop)):
        if number % count == share:
            found = [work(block) for _, block in forwards(log, begin, end)]
            yield b"".join([part for result in found for part in (len(result).to_bytes(8, "big"), result)])


def _start(results: "Iterator[bytes]", others: "list[int]") -> "tuple[int, int]":
    """Start a process that works on its share of a log; its id, and the pipe that its results come through."""
    incoming, outgoing = os.pipe()

    def share_of_work() -> None:
        for pipe in (*others, incoming):
            os.close(pipe)  # so that writing fails, and this process ends, when nobody reads any more
        for found in results:
            _send(outgoing, len(found).to_bytes(8, "big") + found)
        _send(outgoing, END)

    try:
        return runtime.child(share_of_work), incoming
    finally:
        os.close(outgoing)


def _send(pipe: int, data: bytes) -> None:
    """Write all of it."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def _received(team: "list[tuple[int, int]]") -> "Iterator[list[bytes] | None]":
    """Results of each stretch in turn, None behind the last; ends without it where a process ended early."""
    while True:
        for _, pipe in team:
            size = _receive(pipe, 8)
            if size == END:
                yield None
            length = int.from_bytes(size, "big")
            found = _receive(pipe, length)
            if len(size) < 8 or len(found) < length:
                return
            yield _parted(found)


def _parted(found: bytes) -> "list[bytes]":
    """The results of a stretch, one by one."""
    at, parts = 0, []
    while at < len(found):
        end = at + 8 + int.from_bytes(found[at : at + 8], "big")
        parts.append(found[at + 8 : end])
        at = end
    return parts


def _receive(pipe: int, size: int) -> bytes:
    """So many bytes; fewer where the other end was closed."""
    pieces = []
    while size and (piece := os.read(pipe, size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
