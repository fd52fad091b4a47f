"""Markdown, Mermaid and trace: valid whatever a log holds, bounded whatever its length, and nothing lost unsaid."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import MILESTONE, Cli, clean_environment
from logs import START, compact, stamp
from markdown_it import MarkdownIt
from markdown_it.token import Token

from milestone_cli.render.text import flat
from milestone_cli.render.timeline_markdown import markdown
from milestone_cli.render.timeline_mermaid import mermaid
from milestone_cli.render.timeline_trace import trace

Event = dict[str, object]
HOSTILE = [
    "| a | b |", "\\| c", "`code` ``two`` `", "``", "```\nfence", "<script>alert(1)</script>", "<!-- no -->",
    "&lt;&#64;x", "@everyone", "#1 org/repo#2 GH-3 0123456789abcdef0123456789abcdef01234567",
    "https://evil.example www.evil.example",
    "[x](javascript:alert(1)) ![y](https://evil.example/z.png)", "**bold** _it_ ~~no~~ $x$ :tada:", "# head\n## head",
    "\x1b[31m\u009b2J\u202eevil\u2028\x7f\x00", "\ud800 half", "click x call evil()", "section x : a, b ; c # d %% e",
    "title x", "%%{init: {}}%%", "::: x", "end", "漢字 👩‍💻 e\u0301", "", " ", "a" * 5000, "\"}],\"x\":[",
    "---", "</details>",
]  # fmt: skip
ODD: list[Event] = [
    {}, {"timestamp": None}, {"timestamp": "yesterday", "event_type": 5, "data": 7}, {"event_type": ["a"], "data": []},
    {"timestamp": stamp(START), "event": "state_initialized", "session_id": {"a": 1}, "agent_id": [2]},
    {"timestamp": stamp(START - 9e8), "event_type": "old", "data": {"duration_ms": 1e30}},
    {"timestamp": stamp(START), "event_type": "n", "revision": True, "data": {"duration_ms": True, "tool": 5}},
    {"timestamp": stamp(START), "event_type": "n", "revision": 2**70, "data": {"n": 2**70, "f": 1e999, "m": -1e999}},
    {"timestamp": stamp(START), "event_type": "n",
     "data": {"f": float("nan"), "deep": json.loads("[" * 150 + "]" * 150)}},
    {"timestamp": stamp(START), "event_type": "state_saved",
     "data": {"state_file": 1, "revision": [], "splice": [[1, 2]]}},
]  # fmt: skip


def event(number: int, type_: str = "tool_used", step: float = 1.0, **more: Any) -> Event:
    data = more.pop("data", {"tool": "Bash", "target": f"make {number}", "outcome": "ok", "duration_ms": 2500})
    return {
        "timestamp": stamp(START + number * step),
        "milestone_id": "demo",
        "session_id": "no-session",
        "event_type": type_,
        "data": data,
        "agent_id": "system",
        "sequence_number": number + 1,
        **more,
    }


def hostile() -> list[Event]:
    """Every text from outside in every place, and events of every shape."""
    found = [
        event(
            number, text if number % 3 else "tests_failed " + text, milestone_id=text, session_id=text, agent_id=text,
            data={"tool": text, "target": text} if number % 2 else {text: text, "checkpoint_name": text},
        )
        for number, text in enumerate(HOSTILE * 3)
    ]  # fmt: skip
    return found + ODD


def made(render: "Callable[..., Iterator[str]]", events: list[Event], title: str = "demo") -> str:
    """What a renderer writes, as UTF-8 carries it."""
    return "".join(render(iter(events), title, int(START * 1e9))).encode("utf-8", "replace").decode()


# Markdown


def tokens(text: str) -> list[Token]:
    """Everything that a reader of Markdown finds, tables included; GitHub's own links are looked for as well."""
    parsed = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"]).parse(text)
    return [one for block in parsed for one in (block, *(block.children or []))]


@pytest.mark.parametrize("events", [hostile(), []], ids=["hostile", "none"])
def test_markdown_gives_no_text_from_outside_a_meaning(events: list[Event]) -> None:
    title = HOSTILE[2] + HOSTILE[5]
    found = tokens(made(markdown, events, title))
    assert {one.type for one in found} <= {
        "heading_open", "heading_close", "inline", "text", "code_inline", "paragraph_open", "paragraph_close",
        "strong_open", "strong_close", "softbreak", "html_block", *(f"{part}_{end}" for part in
        ("table", "thead", "tbody", "tr", "th", "td", "blockquote") for end in ("open", "close")),
    }  # fmt: skip
    for one in found:
        if one.type == "html_block":
            assert re.fullmatch(r"<details><summary><b>\d+ failed</b></summary>\n?|</details>\n?", one.content)
        if one.type == "text":
            assert re.fullmatch(r"[\w ,.:;·❌📌()\[\]*-]*", one.content), one.content
    shown = [one.content for one in found if one.type == "code_inline"]
    assert [flat(text) for text in shown] == shown
    widths = [sum(one.type == "td_open" for one in row) for row in rows(found)]
    assert len(set(widths)) <= 1, "no cell was torn apart"
    if events:
        for text in ("| a | b |", "`code` ``two`` `", "<script>alert(1)</script>", "@everyone"):
            assert text in shown
        assert len(widths) >= len(events)


def rows(found: list[Token]) -> list[list[Token]]:
    starts = [at for at, one in enumerate(found) if one.type == "tr_open"]
    return [
        found[a : b + 1] for a, b in pairwise([*starts, len(found)]) if any(t.type == "td_open" for t in found[a:b])
    ]


def test_markdown_is_cut_before_github_cuts_it_and_keeps_the_newest_and_the_failures() -> None:
    count = 12_000
    failures = {100: "first", 11_900: "last"}
    events = [
        event(n, "tests_failed", data={"which": failures[n]}) if n in failures else event(n, data={"said": "ü|" * 60})
        for n in range(count)
    ]
    text = made(markdown, events)
    assert 700_000 < len(text.encode()) < 1_000_000
    left_out = re.search(r"\*\*Left out:\*\* ([\d,]+) older events", text)
    assert left_out
    shown = text.partition("### 2026")[2]
    assert shown.count("\n| ") - 1 == count - int(left_out[1].replace(",", ""))
    assert "`which first`" in text
    assert "`which first`" not in shown
    assert stamp(START + count - 1)[11:19] in shown
    assert "2 failures" in text
    text = made(markdown, [event(n, "tests_failed", data={"said": "ü|" * 60}) for n in range(count)])
    assert len(text.encode()) < 1_000_000
    assert re.search(r"12,000 failed, the last [\d,]+ of them", text)
    few = made(markdown, events[:50])
    assert "Left out" not in few


def test_markdown_shows_days_gaps_and_who() -> None:
    events = [event(0), event(8000, session_id="s-1", agent_id="builder"), event(90_000, "checkpoint_created")]
    assert made(markdown, events).splitlines()[4:] == [
        "`▃       ▃" + " " * 86 + "▃`",
        "",
        "### 2026-11-21, Saturday",
        "",
        "| Time | Event |  | Session | Agent |",
        "|---|---|---|---|---|",
        "| 12:00:00 | `tool_used` | `Bash make 0, 2.5 s` |  |  |",
        "| | · 2 h 13 m · |",
        "| 14:13:20 | `tool_used` | `Bash make 8000, 2.5 s` | `s-1` | `builder` |",
        "",
        "### 2026-11-22, Sunday",
        "",
        "| Time | Event |  | Session | Agent |",
        "|---|---|---|---|---|",
        "| 13:00:00 | 📌 `checkpoint_created` | `Bash make 90000, 2.5 s` |  |  |",
        "",
    ]


# Mermaid

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"
LABEL = r"[^:;#<>&\"'`|\\{}\[\]%\n]*"
GRAMMAR = [
    r'%%\{init: \{"gantt": \{"leftPadding": \d+\}\}\}%%', "gantt", f"    title {LABEL}",
    r"    dateFormat YYYY-MM-DD HH:mm:ss\.SSS", r"    axisFormat (%[HMSYmd][:-]? ?)+", "    todayMarker off",
]  # fmt: skip
ROW = re.compile(rf"    [\d✗◆]{LABEL} :(?:{TIME}, {TIME}|(?:crit, )?milestone, {TIME}, 0s)")
"""What the lexer of Mermaid 11 takes for a title, a section and a task; the forms here were drawn by it as well."""


@pytest.mark.parametrize(
    "events",
    [hostile(), [], [event(0)], [event(n, session_id=f"s-{n % 300}", step=900.0) for n in range(2000)]],
    ids=["hostile", "none", "one", "many"],
)
def test_mermaid_is_a_chart_of_few_rows(events: list[Event]) -> None:
    text = made(mermaid, events, "demo: a;b #c %%d")
    head, lines = text.splitlines()[:6], text.splitlines()[6:]
    for line, form in zip(head, GRAMMAR, strict=True):
        assert re.fullmatch(form, line), line
    sections = [line for line in lines if line.startswith("    section ")]
    for line in sections:
        assert re.fullmatch(rf"    section \S{LABEL}", line), line
    assert len(set(sections)) == len(sections), "two of one name would be one"
    tasks = [line for line in lines if line not in sections]
    assert all(ROW.fullmatch(line) for line in tasks), [line for line in tasks if not ROW.fullmatch(line)]
    assert 1 <= len(tasks) <= 90
    assert len(text) < 50_000
    assert lines[0] in sections
    assert f" {len(events):,} event" in head[2]


def test_mermaid_counts_every_event_once_and_marks_the_last_failures() -> None:
    events = [
        event(n, "tests_failed" if n % 50 == 0 else "tool_used", session_id=f"s-{n % 40}", step=7.0 + n % 11)
        for n in range(3000)
    ]
    text = made(mermaid, sorted(events, key=lambda one: str(one["timestamp"])))
    bars = [line.partition(" :")[0] for line in text.splitlines() if line.startswith("    ") and line[4].isdigit()]
    assert (
        sum(int(number.replace(",", "")) for bar in bars for number in re.findall(r"(?:^ +|, )([\d,]+) ", bar)) == 3000
    )
    assert text.count("✗ ") == 20
    assert "60 failed (the last 20 marked)" in text
    assert "16 more lanes" in text


# Trace


def strict(text: str) -> list[dict[str, Any]]:
    def refuse(word: str) -> None:
        raise ValueError(word)

    found = json.loads(text, parse_constant=refuse)
    assert set(found) == {"traceEvents", "displayTimeUnit", "otherData"}
    return found["traceEvents"]  # type: ignore[no-any-return]


def check(records: list[dict[str, Any]]) -> None:
    """What the format asks for, and that nothing overlaps in a thread."""
    named, taken = set(), dict[tuple[int, int], int]()
    for one in records:
        place = (one["pid"], one["tid"])
        if one["ph"] == "M":
            named.add((one["name"], *place))
            continue
        assert type(one["ts"]) is int
        assert ("process_name", one["pid"], 0) in named
        assert one["ph"] == "C" or ("thread_name", *place) in named
        if one["ph"] == "X":
            assert one["dur"] > 0
            assert one["ts"] >= taken.get(place, one["ts"])
            taken[place] = one["ts"] + one["dur"]
        else:
            assert one["ph"] == "C" or (one["ph"], one["s"]) == ("i", "t")
    assert len(named) == len([one for one in records if one["ph"] == "M"]), "each is named once"


def test_a_trace_is_strict_json_of_whatever_was_logged() -> None:
    records = strict(made(trace, hostile(), HOSTILE[0]))
    check(records)
    assert len([one for one in records if one["ph"] in "iX"]) == len(hostile())
    assert max(len(json.dumps(one)) for one in records) < 40_000
    assert {"n": str(2**70), "f": "inf", "m": "-inf"} in [one["args"].get("data") for one in records]
    assert strict(made(trace, [])) == []


def test_tools_have_their_time_and_stand_side_by_side_where_they_were() -> None:
    took = [3.0, 0.5, 3.0, 0.0, 10.0]
    events = [
        event(n, data={"tool": f"T{n}", "duration_ms": seconds * 1000}, revision=2)
        for n, seconds in enumerate(took, start=10)
    ]
    events += [event(20, "tests_failed"), event(21, "checkpoint_created", data={}, agent_id="b", session_id="s")]
    records = strict(made(trace, events))
    check(records)
    shown = [one for one in records if one["ph"] == "X"][:4]
    assert [(one["name"], one["ts"] / 1e6 - START, one["dur"] / 1e6) for one in shown] == [
        ("T10", 7, 3), ("T11", 10.5, 0.5), ("T12", 9, 3), ("T14", 4, 10),
    ]  # fmt: skip
    assert [one["tid"] for one in shown] == [1, 1, 2, 3]
    names = [one["args"]["name"] for one in records if one["name"] == "thread_name"]
    assert names == ["no session", "no session (2)", "no session (3)", "s · b"]
    assert [one["name"] for one in records if one.get("cat") in ("failure", "checkpoint")] == [
        "✗ Bash", "◆ checkpoint_created",
    ]  # fmt: skip
    assert [one["args"] for one in records if one["ph"] == "C"] == [{"revision": 2}]


def test_however_much_happens_at_once_threads_are_few() -> None:
    events = [event(n, step=0.01, data={"tool": "T", "duration_ms": 60_000}) for n in range(500)]
    records = strict(made(trace, events))
    check(records)
    assert len({one["tid"] for one in records if one["ph"] in "iX"}) == 16
    assert len([one for one in records if one["ph"] in "iX"]) == 500


# Memory


def long_log(folder: Path, count: int) -> None:
    """A log as the bash utilities would write it: quickly made, and every line is looked at."""
    lines = (
        compact(event(n, ("tool_used", "tests_failed", "state_saved")[n % 3], session_id=f"s-{n // 5000}"))
        for n in range(count)
    )
    (folder / ".milestones/state/events/milestone-demo.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (folder / ".milestones/state/events/milestone-demo.head").unlink()


PEAK = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", 1, 0)])
_, status, used = os.wait4(pid, 0)
print(status, used.ru_maxrss)
"""
"""A process counts what its parent had before it became another program, so a small one stands between."""


def peak(folder: Path, home: Path, *words: str) -> int:
    """Most memory that a run of the command had, in KiB."""
    done = subprocess.run(
        [sys.executable, "-SE", "-c", PEAK, str(MILESTONE), *words], cwd=folder, env=clean_environment(home),
        capture_output=True, text=True, check=True, timeout=280,
    )  # fmt: skip
    status, used = map(int, done.stdout.split())
    assert status == 0, done.stderr
    return used


def test_a_longer_log_takes_no_more_memory(tmp_path: Path, home: Path, cli: Cli) -> None:
    cli("init", "demo", check=True)
    long_log(tmp_path, 12_000)
    for form in ("text", "mermaid", "trace", "markdown"):
        short = peak(tmp_path, home, "events", "timeline", "demo", "--limit", "100", "--format", form)
        assert peak(tmp_path, home, "events", "timeline", "demo", "--format", form) < short + 12_000, form


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json", "jsonl", "markdown", "mermaid", "trace", "svg", "html"])
def test_a_long_log_takes_no_more_memory_in_any_form(form: str, tmp_path: Path, home: Path, cli: Cli) -> None:
    cli("init", "demo", check=True)
    long_log(tmp_path, 100_000)
    first = peak(tmp_path, home, "events", "timeline", "demo", "--format", form)
    assert form == "html" or first < 24_000
    log = tmp_path / ".milestones/state/events/milestone-demo.jsonl"
    log.write_bytes(log.read_bytes() + log.read_bytes().replace(b'"2026-', b'"2027-'))  # now it is believed, not parsed
    bound = 160_000 if form == "html" else first + 10_000  # a page keeps what it shows, up to its own bound
    assert peak(tmp_path, home, "events", "timeline", "demo", "--format", form) < bound
