"""The difference between two texts, as the log carries it: which bytes give way to which text.

A splice is `[at, delete, insert]`: at byte `at` of the previous text, `delete` bytes give way to the text
`insert`. All offsets of a list refer to the previous text, ascending and without overlap, and
`apply(old, diff(old, new))` is `new`.
"""


def _same_start(old: bytes, new: bytes) -> int:
    """Length of the longest common start, by bisection: each comparison of slices runs at the speed of C."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _same_end(old: bytes, new: bytes, bound: int) -> int:
    """Length of the longest common end, at most `bound`."""
    low, high = 0, bound
    old_size, new_size = len(old), len(new)
    while low < high:
        middle = (low + high + 1) // 2
        if old[old_size - middle : old_size - low] == new[new_size - middle : new_size - low]:
            low = middle
        else:
            high = middle - 1
    return low


def diff(old: bytes, new: bytes) -> "list[list[object]]":
    """Describe how `old` becomes `new`, both UTF-8: an empty list when they are equal, else a single splice.

    The cuts never fall inside a character, so what is inserted is text.
    """
    if old == new:
        return []
    start = _same_start(old, new)
    while start and start < len(new) and new[start] & 0xC0 == 0x80:
        start -= 1
    end = _same_end(old, new, min(len(old), len(new)) - start)
    while end and new[len(new) - end] & 0xC0 == 0x80:
        end -= 1
    return [[start, len(old) - start - end, new[start : len(new) - end].decode()]]


def apply(text: bytes, splices: "list[list[object]]") -> bytes:
    """Make the next text out of the previous one.

    Raises:
        ValueError: when a splice is no splice, is out of order, or reaches beyond the text.
    """
    pieces = []
    done = 0
    for splice in splices:
        try:
            at, delete, insert = splice
        except (TypeError, ValueError) as error:
            raise ValueError("a splice is a list of three") from error
        if type(at) is not int or type(delete) is not int or type(insert) is not str:
            raise ValueError("a splice is an offset, a length and a text")
        if not (done <= at and 0 <= delete <= len(text) - at):
            raise ValueError("a splice reaches beyond the text")
        pieces.append(text[done:at])
        pieces.append(insert.encode())
        done = at + delete
    pieces.append(text[done:])
    return b"".join(pieces)


def changed(splices: "list[object]") -> int:
    """How many bytes a list of splices changes, from a log that may say anything."""
    total = 0
    for splice in splices:
        if isinstance(splice, list) and len(splice) == 3 and isinstance(splice[1], int):
            total += max(splice[1], len(str(splice[2]).encode("utf-8", "replace")))
    return total
