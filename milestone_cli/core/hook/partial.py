"""A payload that is too large to be looked at whole: the facts stand at its beginning and at its end.

A client writes names before contents, and ids and durations after them. So the members of the beginning are read until
one goes on beyond it, and that one is entered; of the end, only members of known names are looked for.
"""

from milestone_cli.jsontext import first_value, skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BEHIND = ("tool_use_id", "duration_ms", "is_interrupt", "error")
"""Members that stand behind what is large."""


def parse(head: bytes, tail: bytes) -> "dict[str, object]":
    """What can be told of a payload from its first and last bytes.

    Raises:
        ValueError: when it does not begin as a JSON object that names an event.
    """
    text = head.decode("utf-8", "replace")
    at = skip(text, 0)
    if text[at : at + 1] != "{":
        raise ValueError("the payload is no JSON object")
    found = _members(text, at)
    end = tail.decode("utf-8", "replace")
    for name in BEHIND:
        at = end.rfind(f'"{name}"')
        if at > 0 and end[at - 1] != "\\":
            value, _ = _value(end, end.find(":", at) + 1)
            if isinstance(value, str | int | bool):
                found[name] = value
    if not isinstance(found.get("hook_event_name"), str):
        raise ValueError("the payload names no event")  # noqa: TRY004 - like all that is wrong with it
    return found


def _members(text: str, at: int, depth: int = 0) -> "dict[str, object]":
    """The members of the object at `at`, as far as the text goes."""
    found: dict[str, object] = {}
    at = skip(text, at + 1)
    while text[at : at + 1] == '"':
        name, at = _value(text, at)
        at = skip(text, at)
        if not isinstance(name, str) or text[at : at + 1] != ":":
            break
        start = skip(text, at + 1)
        value, at = _value(text, start)
        if at == start:
            if text[start : start + 1] == "{" and depth < 2:
                found[name] = _members(text, start, depth + 1)
            break
        found[name] = value
        at = skip(text, at)
        if text[at : at + 1] != ",":
            break
        at = skip(text, at + 1)
    return found


def _value(text: str, at: int) -> "tuple[Any, int]":
    """The value at a position and the position behind it; the same position when it is not there whole."""
    at = skip(text, at)
    try:
        return first_value(text, at)
    except ValueError:
        return None, at
