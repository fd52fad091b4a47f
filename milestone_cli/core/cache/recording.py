"""What a command wrote to its two outputs, as it is kept: pieces in the order in which they came; and its replay."""

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

OUT, ERR = 1, 2
HEAD = 5
"""Bytes before each piece: the stream, and the length of the piece in four bytes, the lowest first."""


def piece(stream: int, data: bytes) -> bytes:
    """What is kept of some bytes that were written to a stream."""
    return bytes((stream,)) + len(data).to_bytes(HEAD - 1, "little") + data


def write(stream: int, data: bytes) -> None:
    """Write all of it to a descriptor, waiting where that does not block by itself.

    Raises:
        OSError: when it cannot be written.
    """
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(stream, view) :]
        except BlockingIOError:
            import select

            poll = select.poll()
            poll.register(stream, select.POLLOUT)
            poll.poll()


def pieces(kept: bytes) -> "Iterator[tuple[int, memoryview]]":
    """Stream and bytes of each piece that was kept, in order.

    Raises:
        ValueError: when it is not what a recorder keeps.
    """
    view, at = memoryview(kept), 0
    while at < len(view):
        stream, end = view[at], at + HEAD + int.from_bytes(view[at + 1 : at + HEAD], "little")
        if stream not in (OUT, ERR) or end > len(view):
            raise ValueError("no recording")
        yield stream, view[at + HEAD : end]
        at = end


def is_whole(kept: bytes) -> bool:
    """Whether bytes are what a recorder keeps, so that nothing of them is written before that is known."""
    try:
        for _ in pieces(kept):
            pass
    except ValueError:
        return False
    return True


def replay(kept: bytes) -> None:
    """Write what was kept to the two outputs, as it came.

    Raises:
        OSError: when an output does not take it; for standard output without a reader `BrokenPipeError`.
    """
    is_deaf = False
    for stream, data in pieces(kept):
        try:
            if stream == OUT or not is_deaf:
                write(stream, data)  # type: ignore[arg-type]
        except OSError as error:
            if stream == OUT or error.errno != errno.EPIPE:
                raise
            is_deaf = True  # nobody hears what would be said on standard error; what is asked for still goes out
