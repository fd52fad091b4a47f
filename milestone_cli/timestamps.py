"""RFC 3339 in and out of nanoseconds since 1970, without `datetime`, whose import is a quarter of Python's start."""


def days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date of the Gregorian calendar.

    Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    """
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def civil(count: int) -> "tuple[int, int, int]":
    """Year, month and day of a day counted from 1970-01-01 in the Gregorian calendar.

    Source: Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    """
    count += 719_468
    era, rest = divmod(count, 146_097)
    year = (rest - rest // 1460 + rest // 36_524 - rest // 146_096) // 365
    rest -= 365 * year + year // 4 - year // 100
    month = (5 * rest + 2) // 153
    day_of_month = rest - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    return year + era * 400 + (month <= 2), month, day_of_month


def day(ns: int) -> str:
    """The UTC date of a moment, as in `2026-11-21`."""
    year, month, day_of_month = civil(ns // 86_400_000_000_000)
    return f"{year:04d}-{month:02d}-{day_of_month:02d}"


def parse_ns(text: object) -> "int | None":
    """Read an RFC 3339 time, with any offset and fraction; None when it is none.

    Returns:
        Nanoseconds since 1970-01-01T00:00:00Z; what is finer is cut off.
    """
    if not isinstance(text, str) or len(text) < 20 or not text.isascii():
        return None
    date, mark, clock = text[:10], text[10], text[11:19]
    rest = text[19:]
    if mark not in "Tt " or date[4] + date[7] != "--" or clock[2] + clock[5] != "::":
        return None
    digits = date[:4] + date[5:7] + date[8:] + clock[:2] + clock[3:5] + clock[6:]
    if not digits.isdigit():
        return None
    year, month, day = int(date[:4]), int(date[5:7]), int(date[8:])
    hour, minute, second = int(clock[:2]), int(clock[3:5]), int(clock[6:])
    lengths = (
        31,
        29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28,
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    )
    if not (1 <= month <= 12 and 1 <= day <= lengths[month - 1] and hour < 24 and minute < 60 and second < 61):
        return None
    fraction = 0
    if rest[0] == ".":
        zone = rest[1:].lstrip("0123456789")
        shown = rest[1 : len(rest) - len(zone)]
        if not shown:
            return None
        fraction = int(shown[:9].ljust(9, "0"))
        rest = zone
    offset = _offset(rest)
    if offset is None:
        return None
    return (
        ((days(year, month, day) * 24 + hour) * 60 + minute - offset) * 60_000_000_000
        + second * 1_000_000_000
        + fraction
    )


def _offset(zone: str) -> "int | None":
    """Minutes east of UTC."""
    if zone in ("Z", "z"):
        return 0
    if len(zone) == 6 and zone[0] in "+-" and zone[3] == ":" and (zone[1:3] + zone[4:]).isdigit():
        minutes = int(zone[1:3]) * 60 + int(zone[4:])
        if int(zone[1:3]) < 24 and int(zone[4:]) < 60:
            return -minutes if zone[0] == "-" else minutes
    return None
