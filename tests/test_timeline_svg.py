"""The picture of a timeline: whole, harmless, bounded, the same from the same events; and what it is counted with."""

import random
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import days
import pytest
from conftest import ROOT, Cli, clean_environment
from test_timeline_page import HOSTILE, hostile, many

from milestone_cli.render import lanes as module
from milestone_cli.render.lanes import FAILURE, Bins, Lanes
from milestone_cli.render.timeline_svg import svg

NAMESPACE = "{http://www.w3.org/2000/svg}"
PICTURE = ROOT / ".github" / "timeline.svg"


def drawn(events: "Any", title: str = "demo") -> "tuple[str, ET.Element]":
    """A picture as text, and as a parsed tree."""
    text = "".join(svg(iter(events), title, 0))
    text.encode()
    return text, ET.fromstring(text)


def shapes(tree: ET.Element, kind: str) -> int:
    """How many shapes of a kind there are, the one in the legend left out."""
    paths = [path.get("d", "") for path in tree.iter(NAMESPACE + "path") if path.get("class") == kind]
    return sum(path.count("M") for path in paths) - 1


def test_the_picture_in_the_readme_is_made_by_the_command(cli: Cli, tmp_path: Path) -> None:
    """Made anew by `cp` of what the failed test compares: its temporary directory has it as `day.svg`."""
    cli("init", "parser-rewrite", check=True)
    days.put(days.day(1500, milestone="parser-rewrite"), tmp_path / ".milestones")
    cli("events", "timeline", "--format", "svg", "-o", "day.svg", check=True)
    assert (tmp_path / "day.svg").read_text() == PICTURE.read_text(), f"cp {tmp_path}/day.svg {PICTURE}"
    assert "](.github/timeline.svg)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_text_stays_text() -> None:
    text, tree = drawn(hostile(), title=HOSTILE + "\x1b\ufffe\u202e\ud800")
    assert {element.tag.removeprefix(NAMESPACE) for element in tree.iter()} == {
        *("svg", "title", "desc", "style", "rect", "text", "path")
    }
    assert not [name for element in tree.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    assert text.count("http") == 1, "its namespace"
    shown = " ".join(tree.itertext())
    assert HOSTILE[:60] in shown
    assert "<b>\\u202ea" in shown
    assert not set(shown) & set("\x1b\u202e\ufffe")
    assert tree.findtext(NAMESPACE + "title")
    assert "8 events" in (tree.findtext(NAMESPACE + "desc") or "")


def test_few_events_are_drawn_one_by_one() -> None:
    events = [
        {"timestamp": f"2026-11-21T{hour:02d}:00:00Z", "event_type": type_, "data": {"duration_ms": 60_000 * long}}
        for hour, type_, long in [(8, "tool_used", 0), (9, "tool_failed", 10), (10, "checkpoint_created", 0),
                                  (11, "session_ended", 0), (12, "state_saved", 0), (17, "tool_used", 60)]
    ]  # fmt: skip
    text, tree = drawn(events)
    assert shapes(tree, "activity") == 2
    assert shapes(tree, "failure") == 2, "how long it took, and that it failed"
    assert [shapes(tree, kind) for kind in ("checkpoint", "session", "state")] == [1, 1, 1]
    assert ">4 h<" in text, "from noon to the start of what ended at five"
    assert "1 failure · 1 checkpoint · 0 agents" in text
    late = {"timestamp": "2026-11-21T17:00:00Z", "data": {"occurred_at": "2026-11-21T14:00:00Z"}, "event_type": "told"}
    text = drawn([*events, late])[0]
    assert ">4 h<" not in text, "it was there, though it is told only now"
    assert text.count(">2 h<") == 2
    assert "No events yet" in drawn([])[0]


def test_its_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    text, tree = drawn(many(20_000))
    assert len(text) < 60_000
    assert 50 < shapes(tree, "failure") < 2000
    crowd = [{**event, "agent_id": f"agent-{number}"} for number, event in enumerate(many(1500))]
    text, tree = drawn(crowd)
    assert len(text) < 60_000
    assert "988 more" in text, "13 lanes of their own, one for the rest, and what is beyond the bound is one of them"
    assert float(tree.get("height", "0")) < 1000
    assert tree.get("width") == "1000"


def test_counts_stay_whole_however_time_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    for most, entries in ((8, 10**9), (64, 40), (1000, 10**9)):
        monkeypatch.setattr(Bins, "ENTRIES", entries)
        bins = Bins(most)
        time, due = 10**15, Counter[tuple[int, int]]()
        for _ in range(2000):
            time += int(10 ** rng.uniform(0, 9)) - 5
            key = (rng.randrange(3), rng.randrange(5))
            bins.add(time, *key)
            due[key] += 1
        assert {key: sum(steps.values()) for key, steps in bins.counts.items()} == due
        assert all(0 <= step < most for steps in bins.counts.values() for step in steps)
        assert sum(map(len, bins.counts.values())) <= max(entries, 30)
        assert (bins.start or 0) + most * bins.width >= time
        if entries > 40:
            assert (bins.start or 0) + most * bins.width // 2 <= time + bins.width, "no coarser than needed"


def test_gaps_are_those_in_which_nothing_was_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GAPS", 20)
    rng = random.Random(4)
    for _ in range(200):
        events = sorted((rng.randrange(1000), rng.choice([0, 0, 0, 30, 300])) for _ in range(rng.randrange(2, 12)))
        lanes = Lanes()
        for end, long in events if rng.random() < 0.5 else rng.sample(events, len(events)):
            stamp = f"2026-11-21T08:{end // 60:02d}:{end % 60:02d}.000000Z"
            # Logged then, or an hour later by a spool, in any order.
            logged = {"timestamp": stamp} if rng.random() < 0.5 else {"timestamp": "2026-11-21T09:30:00.000000Z"}
            lanes.place({**logged, "data": {"duration_ms": long * 1000, "occurred_at": stamp}})
        busy = {second for end, long in events for second in range(end - long, end)}
        first, last = min(end - long for end, long in events), events[-1][0]
        stops = sorted({end for end, _ in events} | {end - long for end, long in events})
        quiet, since = [], first
        for second in range(first, last + 1):
            if second in stops or second in busy:
                quiet.append(second - since)
                since = second if second in stops and second not in busy else second + 1
        assert [(until - at) // 10**6 for at, until in lanes.gaps[:1]] == [max(quiet)][: len(lanes.gaps)]
        assert bool(max(quiet)) == bool(lanes.gaps)


MEASURED = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from test_timeline_page import many
from milestone_cli.render.page import page
from milestone_cli.render.timeline_svg import svg
for _ in {"page": page, "svg": svg}[sys.argv[2]](many(int(sys.argv[3])), "demo", 0):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["page", "svg"])
def test_memory_stays_flat(form: str, tmp_path: Path) -> None:
    def most(count: int) -> int:
        command = [sys.executable, "-c", MEASURED, str(ROOT / "tests"), form, str(count)]
        environment = clean_environment(tmp_path)
        return int(subprocess.run(command, capture_output=True, check=True, env=environment, timeout=250).stdout)

    assert most(900_000) < 1.15 * most(300_000)


def test_lanes_and_types_beyond_a_bound_share_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 20)
    lanes = Lanes()
    for number in range(500):
        failed = {"outcome": "failed"} if number % 2 else {}
        lanes.place(
            {"event_type": f"type-{number}", "agent_id": f"a{number}", "data": failed, "milestone_id": "m" * 999}
        )
    assert len(lanes.lanes) == 21
    assert len(lanes.types) <= 22
    assert lanes.failures == 250
    assert sum(lanes.events) == 500
    assert {kind for name, kind in lanes.types if name == module.REST} == {0, FAILURE}
    assert len(lanes.lanes[0][0]) == module.LONGEST
