"""What a program hands over, in the forms that the core takes: spans of time, and values as JSON."""

import datetime as dt

from milestone_cli.core.times import duration
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, dumps
from milestone_cli.model import LIMIT

HINT = "give what JSON has: strings, numbers, true, false, none, lists, and dictionaries with strings as keys"


def seconds(span: "float | str | dt.timedelta") -> float:
    """A span of time in seconds: a number of them, a `timedelta`, or as commands take it, `24h`.

    Raises:
        MilestoneError: `invalid_time`.
    """
    if isinstance(span, str):
        return duration(span) / 1e9
    return span.total_seconds() if isinstance(span, dt.timedelta) else float(span)


def text_of(value: object) -> str:
    """A value as JSON.

    Raises:
        MilestoneError: `invalid_json` for what JSON cannot say, such as NaN; `invalid_data` for other types.
    """
    try:
        text = dumps(value)
    except (TypeError, AttributeError, RecursionError) as error:
        raise MilestoneError("invalid_data", f"this cannot be kept as JSON: {error}", HINT) from None
    try:
        return check(text.encode(), LIMIT, "the value")
    except UnicodeEncodeError:
        raise MilestoneError("invalid_data", "this cannot be kept as JSON: half a character", HINT) from None
