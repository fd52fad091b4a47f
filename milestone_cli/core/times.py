"""Times as people type them: one meaning each, or a refusal.

Everything is UTC. What could mean two moments is refused: `10/11/2026` (which is the month?), a time of day
without its zone, a bare number.
"""

from milestone_cli.errors import MilestoneError
from milestone_cli.timestamps import civil, days, parse_ns

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
UNITS = {
    "ms": 1_000_000,
    "s": SECOND, "sec": SECOND, "second": SECOND,
    "m": 60 * SECOND, "min": 60 * SECOND, "minute": 60 * SECOND,
    "h": 3600 * SECOND, "hour": 3600 * SECOND,
    "d": DAY, "day": DAY,
    "w": 7 * DAY, "week": 7 * DAY,
}  # fmt: skip
HINT = "write 2026-11-21T12:00:00Z, a date like 2026-11-21 (midnight UTC), '2h ago', yesterday, today or now"
SPAN_HINT = "write a whole number and ms, s, m, h, d or w, as in 24h, 7d or 2w"


def parse(text: str, now_ns: int) -> int:
    """Nanoseconds since 1970 of a moment that somebody typed.

    Takes RFC 3339 with any offset and fraction, a date (its midnight in UTC, as the log's own times are UTC),
    `2h ago` and the like with s, m, h, d, w, and `now`, `today`, `yesterday`.

    Raises:
        MilestoneError: `invalid_time`, when it is none of these or could mean several.
    """
    word = text.strip(" ").lower()
    if word == "now":
        return now_ns
    if word in {"today", "yesterday"}:
        return now_ns // DAY * DAY - (DAY if word == "yesterday" else 0)
    if not word.isascii() or not word.isprintable() or len(word) > 64:
        raise _refuse(text, "is not a time")
    if word.endswith(" ago"):
        return _ago(text, word[:-4].strip(" "), now_ns)
    if len(word) == 10:
        return _date(text, word)
    ns = parse_ns(word)
    if ns is None:
        raise _refuse(text, _trouble(text, word))
    return ns


def duration(text: str) -> int:
    """Nanoseconds of a span of time that somebody typed: `7d`, `24 h`, `2w`; a bare number only when it is 0.

    Raises:
        MilestoneError: `invalid_time`.
    """
    span = text.strip(" ")  # M would be a month to some, so capitals are refused
    ns = 0 if span == "0" else _span(span)
    if ns is None:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise MilestoneError("invalid_time", f"{shown!r} is not a span of time", SPAN_HINT, value=shown)
    return ns


def _span(span: str) -> "int | None":
    number = span.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = span[len(number) :].strip(" ")
    size = UNITS.get(unit) or (UNITS.get(unit.removesuffix("s")) if len(unit) > 2 else None)  # ms is not several m
    if not (number.isascii() and number.isdigit()) or len(number) > 9 or size is None:
        return None
    return int(number) * size


def _refuse(text: str, why: str) -> MilestoneError:
    shown = text if len(text) <= 40 else text[:40] + "…"
    return MilestoneError("invalid_time", f"{shown!r} {why}", HINT, value=shown)


def _ago(text: str, span: str, now_ns: int) -> int:
    ns = _span(span)
    if ns is None:
        raise _refuse(text, "is not a span of time: a whole number and s, m, h, d or w")
    return now_ns - ns


def _date(text: str, word: str) -> int:
    if "/" in word or (word.count(".") == 2 and "-" not in word):
        raise _refuse(text, "does not say which number is the month")
    if word.isdigit():
        raise _refuse(text, "is a bare number; seconds, a year or a day?")
    year, month, day_of_month = word[:4], word[5:7], word[8:10]
    if len(word) != 10 or word[4] + word[7] != "--" or not (year + month + day_of_month).isdigit():
        raise _refuse(text, "is not a time")
    number = days(int(year), int(month), int(day_of_month)) if 1 <= int(month) <= 12 else 0
    if civil(number) != (int(year), int(month), int(day_of_month)):
        raise _refuse(text, "is not a day of the calendar")
    return number * DAY


def _trouble(text: str, word: str) -> str:
    """Why something longer than a date is no time."""
    _date(text, word[:10])
    clock, zone = word[11:19], word[19:].lstrip(".0123456789")
    if len(clock) == 8 and clock[2] + clock[5] == "::" and zone == "":
        return "has no zone; add Z for UTC, or an offset like +02:00"
    return "is not a time of day with hours, minutes, seconds and a zone"
