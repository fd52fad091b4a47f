"""A long log worked through by several processes, and the results taken in order.

Every process walks along the same blocks and works on its share of them: with two of them, on every other one. The
results come back through a pipe each, whose size bounds what waits in memory. What a process could not do (it was
killed, its work failed) is done here instead, so the outcome never rests on it.
"""

import os

from milestone_cli import runtime
from milestone_cli.storage.files.reading import forwards
from milestone_cli.storage.files.wholelog import open_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.files import FileStore

SMALL = 32 << 20
"""Below this many bytes a process costs more than it saves."""
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
                blocks = forwards(log, start, stop, share, count)
                team.append(_start(blocks, work, [pipe for _, pipe in team]))
            for result in _results(team):
                if result is None:
                    yield from rest
                    return
                yield result
                done += 1
        for number, (_, block) in enumerate(forwards(log, start, stop)):
            if number >= done:
                yield work(block)
        yield from rest
    finally:
        for pid, pipe in team:
            os.close(pipe)
            os.kill(pid, KILL)
            os.waitpid(pid, 0)
        log.close()


def _start(
    blocks: "Iterator[tuple[int, bytes]]", work: "Callable[[bytes], bytes]", others: "list[int]"
) -> "tuple[int, int]":
    """Start a process that works on its share of the blocks; its id, and the pipe that its results come through."""
    incoming, outgoing = os.pipe()

    def share_of_work() -> None:
        for pipe in (*others, incoming):
            os.close(pipe)  # so that writing fails, and this process ends, when nobody reads any more
        for _, block in blocks:
            result = work(block)
            _send(outgoing, len(result).to_bytes(8, "big") + result)
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


def _results(team: "list[tuple[int, int]]") -> "Iterator[bytes | None]":
    """Results in the order of their blocks, None behind the last; ends without it where a process ended early."""
    while True:
        for _, pipe in team:
            size = _receive(pipe, 8)
            if size == END:
                yield None
            length = int.from_bytes(size, "big")
            result = _receive(pipe, length)
            if len(size) < 8 or len(result) < length:
                return
            yield result


def _receive(pipe: int, size: int) -> bytes:
    """So many bytes; fewer where the other end was closed."""
    pieces = []
    while size and (piece := os.read(pipe, size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
