"""What differs between two JSON texts, as a list of changes in the vocabulary of JSON Patch (RFC 6902).

Applied one after another the changes turn the one document into the other. Numbers differ when their texts do, so
`1` and `1.0` are two; white space, the order of keys and the spelling of strings are no difference.
"""

from _json import make_scanner

from milestone_cli.jsontext import SPACE, Rules, members

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Difference:
    """One change.

    Attributes:
        op: `add`, `remove` or `replace`.
        path: JSON pointer (RFC 6901), in the document as the changes before have left it.
        old: the text that was there, verbatim; None where nothing was.
        new: the text that is there now, verbatim; None where nothing is.
    """

    __slots__ = ("new", "old", "op", "path")

    def __init__(self, op: str, path: str, old: "str | None", new: "str | None") -> None:
        self.op = op
        self.path = path
        self.old = old
        self.new = new

    def json(self) -> str:
        """The change as JSON; `value` and `old` are the texts themselves, so `changes` is also a patch."""
        from milestone_cli.jsontext import quote

        value = "" if self.new is None else f',"value":{self.new}'
        old = "" if self.old is None else f',"old":{self.old}'
        return f'{{"op":"{self.op}","path":{quote(self.path)}{value}{old}}}'


class _Spelt(Rules):
    """Rules for values whose numbers are what their text is; a tuple, which no other value is."""

    @staticmethod
    def parse_int(text: str) -> tuple[str]:
        return (text,)

    parse_float = parse_int


_spelt: "Callable[[str, int], tuple[Any, int]]" = make_scanner(_Spelt)  # type: ignore[arg-type]


def compare(old: bytes, new: bytes) -> list[Difference]:
    """The changes from one document to another; empty when they say the same.

    Args:
        old: a JSON document that passed `jsontext.check`.
        new: another.
    """
    found: list[Difference] = []
    _walk("", old.decode().strip(SPACE), new.decode().strip(SPACE), found)
    return found


def pointer(key: str) -> str:
    """A key as a part of a JSON pointer, with the slash before it."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _walk(path: str, old: str, new: str, found: list[Difference]) -> None:
    if old == new:
        return
    if old[0] == new[0] == "{":
        _objects(path, old, new, found)
    elif old[0] == new[0] == "[":
        _arrays(path, old, new, found)
    elif not _same(old, new):
        found.append(Difference("replace", path, old, new))


def _objects(path: str, old: str, new: str, found: list[Difference]) -> None:
    after = {key: new[start:end] for key, _, start, end in members(new, 0)}
    for key, _, start, end in members(old, 0):
        text = old[start:end]
        other = after.pop(key, None)
        if other is None:
            found.append(Difference("remove", path + pointer(key), text, None))
        else:
            _walk(path + pointer(key), text, other, found)
    found += [Difference("add", path + pointer(key), None, text) for key, text in after.items()]


def _arrays(path: str, old: str, new: str, found: list[Difference]) -> None:
    """What both have at the start and at the end stays; the rest is compared place by place."""
    before = [old[start:end] for _, _, start, end in members(old, 0)]
    after = [new[start:end] for _, _, start, end in members(new, 0)]
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and _same(before[start], after[start]):
        start += 1
    tail = 0
    while tail < shorter - start and _same(before[-1 - tail], after[-1 - tail]):
        tail += 1
    both = shorter - tail
    for index in range(start, both):
        _walk(f"{path}/{index}", before[index], after[index], found)
    gone = range(len(before) - tail - 1, both - 1, -1)
    found += [Difference("remove", f"{path}/{index}", before[index], None) for index in gone]
    come = range(both, len(after) - tail)
    found += [Difference("add", f"{path}/{index}", None, after[index]) for index in come]


def _same(old: str, new: str) -> bool:
    return old == new or bool(_spelt(old, 0)[0] == _spelt(new, 0)[0])
