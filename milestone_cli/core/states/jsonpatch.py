"""JSON Patch (RFC 6902) on a text that can be edited in many places at once; checked before any of it is done."""

from _json import make_scanner

from milestone_cli.core.states.tree import Member, Value
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import Rules, loads, members

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NEEDS = {
    "add": ("value",), "remove": (), "replace": ("value",), "move": ("from",), "copy": ("from",), "test": ("value",),
}  # fmt: skip
"""What an operation needs besides `op` and `path`."""
SHOWN = 140
"""Characters of a value that a message shows."""


def number(text: str) -> "tuple[str, ...]":
    """What a number's text means: equal for `1`, `1.0` and `10e-1`, whatever their size; a tuple, as nothing else is.

    Returns:
        Its digits without zeros at either end, with the sign, and the power of ten of the last; one part for zero.
    """
    mantissa, _, power = text.replace("E", "e").partition("e")
    sign = "-" if mantissa[0] == "-" else ""
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    bare = digits.rstrip("0")
    if not bare:
        return ("0",)
    if len(power) > 4000:  # Python converts no longer ones
        return (sign + bare, power, whole, fraction)
    return (sign + bare, str(int(power or "0") - len(fraction) + len(digits) - len(bare)))


class _Meant(Rules):
    """Rules for values that are compared: numbers by what they mean."""

    parse_int = staticmethod(number)
    parse_float = staticmethod(number)


_meant: "Callable[[str, int], tuple[Any, int]]" = make_scanner(_Meant)  # type: ignore[arg-type]


class Operation:
    """One operation of a JSON Patch."""

    __slots__ = ("index", "op", "origin", "path", "value")

    def __init__(self, index: int, op: str, path: str, origin: str, value: str) -> None:
        self.index = index
        self.op = op
        self.path = path
        self.origin = origin
        self.value = value


def _invalid(index: int, why: str) -> MilestoneError:
    return MilestoneError(
        "invalid_data",
        f"operation {index} of the patch {why}",
        'write [{"op": "replace", "path": "/a/b", "value": 1}, …], as in RFC 6902; nothing was changed',
        operation=index,
    )


def operations(text: str) -> list[Operation]:
    """Read a patch; operations are counted from 0.

    Raises:
        MilestoneError: `invalid_data` when it is no such patch.
    """
    if text[0] != "[":
        raise MilestoneError(
            "invalid_data",
            "a JSON Patch is an array of operations",
            'write [{"op": "replace", "path": "/a/b", "value": 1}], or use --type merge',
        )
    return [_operation(index, text[start:end]) for index, (_, _, start, end) in enumerate(members(text, 0))]


def _operation(index: int, text: str) -> Operation:
    if text[0] != "{":
        raise _invalid(index, "is not an object")
    found = {key: text[start:end] for key, _, start, end in members(text, 0)}
    strings = {key: str(loads(word)) for key, word in found.items() if key in {"op", "path", "from"} and word[0] == '"'}
    op = strings.get("op", "")
    if op not in NEEDS:
        raise _invalid(index, f"has no 'op' of {', '.join(NEEDS)}")
    for needed in ("path", *NEEDS[op]):
        if needed not in (found if needed == "value" else strings):
            raise _invalid(index, f"({op}) has no '{needed}'" + ("" if needed == "value" else " that is a string"))
    path, origin = strings["path"], strings.get("from", "")
    for word in (path, origin):
        if word and (word[0] != "/" or "~" in word.replace("~0", "").replace("~1", "")):
            raise _invalid(index, f"has '{word[:140]}', which is not a JSON pointer")
    if op == "remove" and not path:
        raise _invalid(index, "removes the whole document")
    if op == "move" and path.startswith(origin + "/"):
        raise _invalid(index, "moves a value into itself")
    return Operation(index, op, path, origin, found.get("value", ""))


def apply(root: Value, patch: list[Operation]) -> Value:
    """Do the operations of a patch, in order.

    Raises:
        MilestoneError: `path_not_found` for a path that leads nowhere, `test_failed`.
    """
    for one in patch:
        if one.op == "test":
            _test(_at(root, one.path, one), one)
        elif one.op == "replace":
            root = _replace(root, one)
        elif one.op == "remove":
            _remove(root, one.path, one)
        elif one.op == "add":
            root = _add(root, Value(one.value), one)
        elif one.op == "copy":
            root = _add(root, Value(_at(root, one.origin, one).text()), one)
        elif one.path != one.origin:
            root = _add(root, _remove(root, one.origin, one), one)
        else:
            _at(root, one.path, one)
    return root


def same(text: str, other: str) -> bool:
    """Whether two JSON texts mean the same value: numbers by what they mean, whatever their spelling."""
    return bool(_meant(text, 0)[0] == _meant(other, 0)[0])


def difference(text: str, wanted: str) -> str:
    """What a value is and what it is not, for people: the beginnings, and where they part when that is further on."""
    alike = next((i for i, (one, other) in enumerate(zip(text, wanted, strict=False)) if one != other), 0)
    parted = f"; they differ from character {alike + 1} on" if alike >= SHOWN else ""
    return f"is {text[:SHOWN]}, not {wanted[:SHOWN]}{parted}"


def _test(value: Value, one: Operation) -> None:
    text = value.text()
    if not same(text, one.value):
        raise MilestoneError(
            "test_failed",
            f"the test of operation {one.index} failed: '{one.path[:140]}' {difference(text, one.value)}",
            "make a patch that fits the present state; nothing was changed",
            operation=one.index,
            path=one.path[:140],
        )


def _parts(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _nowhere(path: str, one: Operation, why: str) -> MilestoneError:
    return MilestoneError(
        "path_not_found",
        f"the path '{path[:140]}' of operation {one.index} leads nowhere: {why}",
        "make a patch that fits the present state; nothing was changed",
        operation=one.index,
        path=path[:140],
    )


def _at(root: Value, path: str, one: Operation) -> Value:
    """The value at a path."""
    value = root
    for part in _parts(path):
        value = _member(value, part, path, one).value
    return value


def _member(value: Value, part: str, path: str, one: Operation) -> Member:
    if value.kind not in "{[":
        raise _nowhere(path, one, f"a single value has no '{part[:140]}'")
    places = value.open()
    if isinstance(places, dict):
        if part in places:
            return places[part]
        raise _nowhere(path, one, f"there is no '{part[:140]}'")
    return places[_index(part, len(places) - 1, path, one)]


def _index(part: str, highest: int, path: str, one: Operation) -> int:
    """An array's index (RFC 6901): digits without a zero before them."""
    if part.isascii() and part.isdigit() and len(part) < 10 and (part[0] != "0" or part == "0"):
        if (index := int(part)) <= highest:
            return index
        raise _nowhere(path, one, f"the highest index there is {highest}" if highest >= 0 else "the array is empty")
    raise _nowhere(path, one, f"'{part[:140]}' is not an index of an array")


def _parent(root: Value, path: str, one: Operation) -> tuple[Value, str]:
    parts = _parts(path)
    value = root
    for part in parts[:-1]:
        value = _member(value, part, path, one).value
    return value, parts[-1]


def _replace(root: Value, one: Operation) -> Value:
    if not one.path:
        return Value(one.value)
    parent, part = _parent(root, one.path, one)
    _member(parent, part, one.path, one).value = Value(one.value)
    return root


def _add(root: Value, value: Value, one: Operation) -> Value:
    if not one.path:
        return value
    parent, part = _parent(root, one.path, one)
    if parent.kind == "{":
        parent.put(part, value)
    elif parent.kind == "[":
        count = len(parent.open())
        parent.insert(count if part == "-" else _index(part, count, one.path, one), value)
    else:
        raise _nowhere(one.path, one, f"a single value has no '{part[:140]}'")
    return root


def _remove(root: Value, path: str, one: Operation) -> Value:
    parent, part = _parent(root, path, one)
    _member(parent, part, path, one)
    return parent.drop(part if parent.kind == "{" else int(part))
