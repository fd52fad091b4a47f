"""Times that people type: what is meant, or a refusal that says why."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestone_cli.core.times import duration, parse
from milestone_cli.errors import MilestoneError
from milestone_cli.timestamps import day

NOW = 1_795_262_400_500_000_000  # 2026-11-21T12:00:00.5Z
DAY = 86_400_000_000_000
MIDNIGHT = NOW // DAY * DAY


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("now", NOW),
        ("today", MIDNIGHT),
        ("yesterday", MIDNIGHT - DAY),
        ("2h ago", NOW - 7_200_000_000_000),
        ("30m ago", NOW - 1_800_000_000_000),
        ("90s ago", NOW - 90_000_000_000),
        ("3d ago", NOW - 3 * DAY),
        ("1w ago", NOW - 7 * DAY),
        ("2 hours ago", NOW - 7_200_000_000_000),
        ("1 day ago", NOW - DAY),
        ("2026-11-21", MIDNIGHT),
        ("2026-11-21T12:00:00Z", NOW - 500_000_000),
        ("2026-11-21t12:00:00z", NOW - 500_000_000),
        ("2026-11-21 12:00:00Z", NOW - 500_000_000),
        ("2026-11-21T12:00:00.5Z", NOW),
        ("2026-11-21T14:00:00.500000+02:00", NOW),
        ("2026-11-21T06:30:00.5000000009-05:30", NOW),
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29", 951_782_400_000_000_000),
    ],
)
def test_what_is_meant(text: str, ns: int) -> None:
    assert parse(text, NOW) == ns


@pytest.mark.parametrize(
    "text",
    [
        "10/11/2026",
        "11/10/2026",
        "2026-11-21T10:00:00",
        "2026-11-21T10:00",
        "10:30",
        "1795262400",
        "-5",
        "",
        " ",
        "2026-13-01",
        "2026-02-29",
        "2026-02-30T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:60:00Z",
        "2026-11-21T10:00:00+25:00",
        "2026-11-21T10:00Z",
        "1mo ago",
        "-2h ago",
        "2h",
        "ago",
        "tomorrow",
        "1.5h ago",
        "2026-11-21T10:00:00.Z",
        "٢h ago",
        "٢٠٢٦-11-21",
        "2026-W47",
        "99999999999999999999w ago",
        "21.11.2026",
        "x" * 500,
        "\x1b[31m",
    ],
)
def test_what_is_ambiguous_or_nothing_is_refused(text: str) -> None:
    with pytest.raises(MilestoneError) as caught:
        parse(text, NOW)
    assert caught.value.code == "invalid_time"
    assert caught.value.hint
    assert len(caught.value.message) < 200


def test_a_time_without_zone_is_told_what_it_lacks() -> None:
    with pytest.raises(MilestoneError, match="zone"):
        parse("2026-11-21T10:00:00", NOW)


@given(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2200, 1, 1)))  # noqa: DTZ001 - hypothesis asks
def test_agrees_with_datetime(when: dt.datetime) -> None:
    aware = when.replace(tzinfo=dt.UTC)
    since = aware - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    ns = (since.days * 86400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
    assert parse(aware.isoformat(), NOW) == ns
    assert day(ns) == aware.strftime("%Y-%m-%d")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7d", 7 * 86400),
        ("24h", 86400),
        ("2w", 14 * 86400),
        ("90 min", 5400),
        (" 30s ", 30),
        ("1 week", 7 * 86400),
        ("3000ms", 3),
        ("0", 0),
    ],
)
def test_a_span_has_one_meaning(text: str, seconds: int) -> None:
    assert duration(text) == seconds * 10**9


@pytest.mark.parametrize(
    "text", ["", "7", "d", "-1d", "1.5d", "1d2h", "7 fortnights", "٣d", "9999999999d", "7d ago", "1M", "5ds"]
)
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(MilestoneError) as caught:
        duration(text)
    assert caught.value.code == "invalid_time"
