"""JSON as text: checked exactly, kept verbatim, and edited by splices.

CPython's C scanner does the work without importing `json`. A document that passes `check` is RFC 8259 without duplicate
keys, NaN, Infinity or lone surrogates, nested at most `DEPTH` levels; its numbers are never converted, so their text is
what counts. Values parsed by `loads` are for our own records, not for the user's documents.
"""

from _json import encode_basestring, make_scanner, scanstring

from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

DEPTH = 200
SPACE = " \t\n\r"


quote = encode_basestring
"""Write a text as a JSON string; characters beyond ASCII stay as they are."""


class Rules:
    """What the C scanner asks of its context; `strict` refuses raw control characters in strings."""

    strict = True
    object_hook = None
    object_pairs_hook: "Any" = None
    parse_float: "Any" = float
    parse_int: "Any" = int

    @staticmethod
    def parse_constant(name: str) -> object:
        """NaN and the infinities are refused."""
        raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object, refusing a key that stands twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {quote(key)} stands twice in one object")
            seen.add(key)
    return found


_exact = Rules()  # making another class would take longer, and every command does this
"""Rules for documents: no duplicate keys, and numbers left as they are, whatever their length."""
_exact.object_pairs_hook = _unique
_exact.parse_float = _exact.parse_int = len

_scan: "Callable[[str, int], tuple[Any, int]]" = make_scanner(Rules)  # type: ignore[arg-type]
_scan_exact: "Callable[[str, int], tuple[Any, int]]" = make_scanner(_exact)  # type: ignore[arg-type]


def skip(text: str, at: int) -> int:
    """Position of the first character from `at` on that is no JSON white space."""
    end = len(text)
    while at < end and text[at] in SPACE:
        at += 1
    return at


def _whole(text: str, scan: "Callable[[str, int], tuple[Any, int]]") -> object:
    value, end = scan(text, skip(text, 0))
    if text[end:].strip(SPACE):
        raise ValueError(f"something follows the document at character {end}")
    return value


def check(raw: bytes, limit: int, what: str = "the document") -> str:
    """Check a JSON document exactly, and return its text, unchanged.

    Args:
        raw: the bytes as they came.
        limit: greatest size in bytes.
        what: how messages name the document.

    Raises:
        MilestoneError: `too_large`, or `invalid_json` with the position in its details.
    """
    if len(raw) > limit:
        raise MilestoneError(
            "too_large",
            f"{what} has {len(raw)} bytes; {limit} are allowed",
            "keep large results in files of their own",
            size=len(raw),
            limit=limit,
        )
    try:
        text = raw.decode()
        value = _whole(text, _scan_exact)
        if "\\ud" in text or "\\uD" in text:
            _refuse_surrogates(value)
    except (ValueError, StopIteration, RecursionError, SystemError, OverflowError) as error:
        from milestone_cli.jsonerror import explain

        raise explain(raw, error, what) from None
    if raw.count(b"[") + raw.count(b"{") > DEPTH:
        _refuse_depth(raw, what)
    return text


def is_json(text: str) -> bool:
    """Whether a text is a JSON document, as far as the scanner sees; `check` has the last word."""
    try:
        _whole(text, _scan_exact)
    except (ValueError, StopIteration, RecursionError, SystemError):
        return False
    return True


def _refuse_surrogates(value: object) -> None:
    """Raise ValueError when an escape of a surrogate left half a character in a string."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, dict):
            waiting += value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _refuse_depth(raw: bytes, what: str) -> None:
    """Count nesting at the speed of C: without strings and scalars, each pass removes the innermost level.

    Two quotes that meet are an empty string, or the end of one string and the start of the next: without them, what is
    left inside of strings stays inside.
    """
    bare = raw.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, bytes(set(range(256)) - set(b'[]{}"')))
    brackets = b"".join(bare.replace(b'""', b"").split(b'"')[::2]).translate(bytes.maketrans(b"{}", b"[]"))
    for _ in range(DEPTH):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise MilestoneError(
            "invalid_json",
            f"{what} is nested more than {DEPTH} levels deep",
            "flatten it, or keep the deep part in a file of its own",
            depth_limit=DEPTH,
        )


def loads(text: "str | bytes") -> object:
    """Parse JSON of our own.

    Raises:
        ValueError: when it is none.
    """
    try:
        return _whole(text if isinstance(text, str) else text.decode(), _scan)
    except (StopIteration, RecursionError, SystemError) as error:
        raise ValueError("not JSON") from error
    except ValueError as error:
        if "digits" not in str(error):
            raise
        from milestone_cli.jsonlong import scan_long  # a number that Python refuses to read, and JSON allows

        return scan_long(text if isinstance(text, str) else text.decode())


def first_value(text: str, at: int) -> "tuple[Any, int]":
    """The JSON value that begins at a position, and the position behind it, whatever follows.

    Raises:
        ValueError: when there is none, or not all of it.
    """
    try:
        return _scan(text, at)
    except (StopIteration, RecursionError, SystemError) as error:
        raise ValueError("not JSON") from error


def dumps(value: object) -> str:
    """Write our own values as compact JSON; characters beyond ASCII stay as they are."""
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ",".join([quote(key) + ":" + dumps(item) for key, item in value.items()]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join([dumps(item) for item in value]) + "]"
    raise TypeError(f"{type(value).__name__} has no JSON form")


def members(text: str, at: int) -> "list[tuple[str, int, int, int]]":
    """Where the members of the object or array at `at` stand.

    The text has passed `check`. Returns (key, start of the member, start of the value, end of the value); for an array
    the key is the index as text, and a member starts where its value does.
    """
    found: list[tuple[str, int, int, int]] = []
    is_object = text[at] == "{"
    at = skip(text, at + 1)
    while text[at] not in "}]":
        start = at
        key = str(len(found))
        if is_object:
            key, at = scanstring(text, at + 1, True)
            at = skip(text, skip(text, at) + 1)
        end = _scan_exact(text, at)[1]
        found.append((key, start, at, end))
        at = skip(text, end)
        if text[at] == ",":
            at = skip(text, at + 1)
    return found
