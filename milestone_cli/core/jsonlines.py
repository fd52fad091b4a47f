"""JSON Lines from outside: every line checked exactly, its values left as text, and every error with its number."""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, members, skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def objects(raw: bytes, limit: int, example: str) -> "Iterator[tuple[int, dict[str, str]]]":
    """The lines of a text that are not blank, as number, counted from 1, and the text of each value by its key.

    Args:
        raw: the whole text, UTF-8.
        limit: greatest size of a line, in bytes.
        example: of a line, for the hint.

    Raises:
        MilestoneError: `invalid_json`, `too_large`, `invalid_data` when a line is no object; with the line.
    """
    for number, line in enumerate(raw.split(b"\n"), 1):
        if line.strip():
            try:
                yield number, _members(line, number, limit, example)
            except MilestoneError as error:
                raise at_line(number, error) from None


def _members(line: bytes, number: int, limit: int, example: str) -> "dict[str, str]":
    text = check(line, limit, f"line {number}")
    at = skip(text, 0)
    if text[at] != "{":
        raise MilestoneError("invalid_data", f"line {number} is not a JSON object", f"write {example}")
    return {name: text[start:end] for name, _, start, end in members(text, at)}


def at_line(number: int, error: MilestoneError) -> MilestoneError:
    """The same error with the number of its line, in the message and for machines."""
    known = error.message.startswith((f"line {number} ", f"line {number}:", f"the data of line {number} "))
    message = error.message if known else f"line {number}: {error.message}"
    found = MilestoneError(error.code, message, error.hint, **{**error.details, "line": number})
    found.retryable = error.retryable
    return found
