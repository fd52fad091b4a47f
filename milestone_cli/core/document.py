"""Paths into a JSON text: finding a value, and setting one without touching the rest of the text."""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, is_json, members, quote, skip
from milestone_cli.model import LIMIT


def parse_path(path: str) -> list[str]:
    """Split `a.b.0` at its dots, or `/a/b/0`, a JSON pointer (RFC 6901), at its slashes; `.` and `` mean the whole.

    Raises:
        MilestoneError: `invalid_path`.
    """
    if path in ("", "."):
        return []
    if path[0] == "/":
        return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    parts = path.split(".")
    if "" in parts:
        raise MilestoneError(
            "invalid_path",
            f"'{path[:140]}' is not a path: a part of it is empty",
            "write a.b.0, or a JSON pointer like /a/b/0 when a key has dots or is empty",
            path=path[:140],
        )
    return parts


def find(text: str, path: str) -> str:
    """The text of the value at a path.

    Raises:
        MilestoneError: `path_not_found`, with how far the path led.
    """
    at, end = _locate(text, parse_path(path), path)
    return text[at:end]


def _locate(text: str, parts: list[str], path: str) -> tuple[int, int]:
    at, end = skip(text, 0), len(text.rstrip(" \t\n\r"))
    for depth, part in enumerate(parts):
        spans = members(text, at) if text[at] in "{[" else []
        for key, _, start, stop in reversed(spans):
            if key == part:
                at, end = start, stop
                break
        else:
            raise MilestoneError(
                "path_not_found",
                f"the path '{path[:140]}' leads nowhere: {_lacking(text[at], parts[:depth])} no '{part[:140]}'",
                _hint(spans, text[at]),
                path=path[:140],
            )
    return at, end


def _lacking(opener: str, above: list[str]) -> str:
    where = "'" + ".".join(above)[:140] + "'" if above else "the state"
    return f"{where} has" if opener in "{[" else f"{where} is a single value and has"


def _hint(spans: list[tuple[str, int, int, int]], opener: str) -> str:
    if opener == "[":
        return f"it is an array of {len(spans)}, counted from 0"
    names = [key for key, *_ in spans]
    return "it has " + ", ".join(names[:10])[:200] + (", …" if len(names) > 10 else "") if names else "it is empty"


def value_text(word: str) -> str:
    """The JSON text that a word on the command line means: itself when it is JSON, else a string.

    What begins like an object, an array or a string, and is none, is an error rather than a surprise.
    """
    if word.lstrip(" \t\n\r")[:1] in ("{", "[", '"') or is_json(word):
        return check(word.encode("utf-8", "surrogateescape"), LIMIT, "the value")
    quoted = quote(word)
    check(quoted.encode("utf-8", "surrogateescape"), LIMIT, "the value")  # a word may hold bytes that are no text
    return quoted


def assign(text: str, path: str, value: str) -> str:
    """Set the value at a path to a JSON text, making the objects on the way; what is not touched stays as it was.

    Raises:
        MilestoneError: `invalid_path` when the way leads through a single value, or to an array's far side.
    """
    parts = parse_path(path)
    try:
        path.encode()
    except UnicodeEncodeError:
        told = f"'{path[:140]}' is not UTF-8"
        raise MilestoneError("invalid_path", told, "write keys as UTF-8", path=path[:140]) from None
    at, end = skip(text, 0), len(text.rstrip(" \t\n\r"))
    while parts:
        part = parts[0]
        if text[at] not in "{[":
            raise MilestoneError(
                "invalid_path",
                f"'{path[:140]}' leads through a single value, which has no '{part[:140]}'",
                "set what is above it to an object first",
                path=path[:140],
            )
        spans = members(text, at)
        known = [(start, stop) for key, _, start, stop in spans if key == part]
        if not known:
            return _add(text, at, spans, parts, value, path)
        at, end = known[-1]
        del parts[0]
    return text[:at] + value + text[end:]


def _add(text: str, at: int, spans: list[tuple[str, int, int, int]], parts: list[str], value: str, path: str) -> str:
    """Add a member to the object or array at `at`, spaced like the member before it."""
    for part in reversed(parts[1:]):
        value = "{" + quote(part) + ":" + value + "}"
    colon = ":"
    if text[at] == "{":
        if spans:
            colon = text[spans[-1][1] :][len(quote(spans[-1][0])) : spans[-1][2] - spans[-1][1]]
            colon = colon if colon.strip() == ":" else ":"
        value = quote(parts[0]) + colon + value
    elif parts[0] not in ("-", str(len(spans))):
        raise MilestoneError(
            "invalid_path",
            f"'{path[:140]}' leads beyond the end of an array of {len(spans)}",
            f"the next index is {len(spans)}, or -",
            path=path[:140],
        )
    if not spans:
        return text[: at + 1] + value + text[at + 1 :]
    last = spans[-1]
    before = spans[-2][3] if len(spans) > 1 else at + 1
    gap = text[before : last[1]].replace(",", "", 1)
    return text[: last[3]] + "," + gap + value + text[last[3] :]
