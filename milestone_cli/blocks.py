"""Lines joined to blocks, so that many of them are written, or turned into JSON, in few steps."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PIECE = 1 << 18
"""Bytes of a block, at least."""


def in_blocks(lines: "Iterable[bytes]") -> "Iterator[bytes]":
    """Join lines to blocks of some size, each line with its line feed."""
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line) + 1
        if size > PIECE:
            yield b"\n".join(waiting) + b"\n"
            waiting, size = [], 0
    if waiting:
        yield b"\n".join(waiting) + b"\n"
