"""What may be asked of one event: its type as a pattern, a value at a path, and text in what it says."""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, quote


def ours(type_: str) -> str:
    """An event type of 004's as this program writes it: `state:save-error` is `state_save_error`."""
    return type_.replace(":", "_").replace("-", "_")


def globbed(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern with `*` and `?` means; in time of at most their product."""
    at = here = 0
    star = back = -1
    while here < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, back = at, here
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[here]):
            at += 1
            here += 1
        elif star >= 0:
            at, back = star + 1, back + 1
            here = back
        else:
            return False
    return not pattern[at:].strip("*")


def condition(word: str) -> "tuple[list[str], object, str | None]":
    """Read `PATH=VALUE`, or `PATH` alone for whatever stands there.

    A path leads into the event's data; one that begins with a dot counts from the event itself, as in `.user`. VALUE is
    JSON, or else a string; `42` is the number as well as the string of these characters.

    Returns:
        The parts of the path, the value, and the same as text; both are None when anything will do.

    Raises:
        MilestoneError: `invalid_path`.
    """
    from milestone_cli.core.document import parse_path

    path, mark, text = word.partition("=")
    parts = parse_path(path[1:]) if path[:1] == "." else ["data", *parse_path(path)]
    if not path or not parts:
        raise MilestoneError("invalid_path", f"'{word[:140]}' names no place", "write PATH=VALUE, as in tool.name=Bash")
    return (parts, scalar(text), text) if mark else (parts, None, None)


def scalar(text: str) -> object:
    """The value that a word means: JSON, else a string."""
    try:
        return loads(text)
    except (ValueError, OverflowError):
        return text


def is_so(value: object, parts: "list[str]", wanted: object, text: "str | None") -> bool:
    """Whether a value stands at a path; without a `text`, whether anything does."""
    for part in parts:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part[:9]) < len(value):
            value = value[int(part[:9])]
        else:
            return False
    if text is None:
        return True
    if isinstance(value, str) and value == text:
        return True
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def holds(event: "dict[str, object]", text: str) -> bool:
    """Whether a text stands in an event's type, or in its data: in a string, a key, a number, or as JSON."""
    if text in str(event.get("event_type", event.get("event"))):
        return True
    told = dumps(event["data"]) if "data" in event else ""
    return text in told or quote(text)[1:-1] in told
