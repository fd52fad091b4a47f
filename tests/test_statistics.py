"""What a log comes to, against counting it by hand: the quick way through long logs and the careful one agree."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from logs import START, DirectoryStore, Log
from test_schemas import validated

from milestone_cli.core.log import query, statistics
from milestone_cli.core.log.filters import Filter
from milestone_cli.core.log.query import Parser
from milestone_cli.core.log.tally import LISTED, MOST, OTHERS, Tally, Tool
from milestone_cli.render.events import is_bad
from milestone_cli.render.statistics import fields, text

TOOLS = ("Bash", "Edit", "Read", 'a \\"b\\" é')


def a_log(seed: int, size: int, *, bash: bool = False) -> Log:
    """A log with calls of tools in every form, two agents, gaps, and in its first half, if wanted, what bash does."""
    chance = random.Random(seed)
    log = Log()
    for number in range(size):
        step = chance.choice([0.001, 0.4, 2.0, 2.0, 700.0 if number % 40 == 0 else 1.0])
        agent = chance.choice(["system", "builder"])
        if number % 3 == 0:
            tool, ms = chance.choice(TOOLS), chance.choice([chance.randrange(20_000), 1.5, 0])
            outcome = chance.choice(["ok", "failed", "interrupted", "started"])
            more = chance.choice([f',"duration_ms":{ms}', "", ',"exit_code":1', f',"exit_code":2,"duration_ms":{ms}'])
            target = chance.choice(['"target":"src/a \\"b\\".py",', ""])
            type_ = "tool_failed" if outcome == "failed" else "tool_used"
            log.event(type_, f'{{"tool":"{tool}",{target}"outcome":"{outcome}"{more}}}', agent=agent, step=step)
        elif number % 31 == 0:
            log.event("note", '{"deep":{"tool":"no"},"tool":"' + chance.choice(TOOLS) + '","n":1}', step=step)
        elif number % 17 == 0:
            log.event(
                "note", '{"tool":7,"duration_ms":3,"s":"\\"event_type\\":\\"x\\" {\\"timestamp\\":\\""}', step=step
            )
        else:
            log.event(chance.choice(["tests_passed", "tests_failed", "note"]), '{"n":1}', agent=agent, step=step)
        if not bash or number > size // 2:
            continue
        if number % 9 == 0:
            log.lines.append(log.lines[-1])  # written again, as after a line of bash in between
        if number % 23 == 0:
            log.lines.append(b'{"timestamp": "%s", "event_type": "bash_event", "data": {}}' % _second(log.now))
            log.lines.append(b"no event at all")
    return log


def count(store: DirectoryStore, names: list[str], wanted: Filter, tell: Any) -> tuple[Tally, dict[str, int]]:
    return statistics.statistics(store, names, wanted, tell)  # type: ignore[arg-type]


def _second(seconds: float) -> bytes:
    from logs import stamp

    return stamp(seconds, micro=False).encode()


def by_hand(lines: list[bytes]) -> dict[str, Any]:
    """The same, the plainest way."""
    known = set()
    events = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("event_id") is None or event["event_id"] not in known:
            events.append(event)
        known.add(event.get("event_id"))
    calls = [
        event["data"] | {"failed": event["data"].get("outcome") == "failed" or is_bad(event["event_type"])}
        for event in events
        if isinstance(event["data"].get("tool"), str) and event["data"].get("outcome") != "started"
    ]
    return {
        "events": len(events),
        "types": Counter(event["event_type"] for event in events),
        "agents": Counter(event.get("agent_id", "-") for event in events),
        "hours": Counter(event["timestamp"][:13] for event in events),
        "failures": Counter(event["event_type"] for event in events if is_bad(event["event_type"])),
        "calls": Counter(call["tool"] for call in calls),
        "failed": Counter(call["tool"] for call in calls if call["failed"]),
        "total": {
            tool: sum(call.get("duration_ms", 0) for call in calls if call["tool"] == tool)
            for tool in {call["tool"] for call in calls}
        },
        "slowest": sorted((call["duration_ms"] for call in calls if "duration_ms" in call), reverse=True)[:LISTED],
    }


def same(found: Tally, due: dict[str, Any]) -> None:
    assert found.events == due["events"]
    for name in ("types", "agents", "failures"):
        assert getattr(found, name) == due[name], name
    assert {hour: number for hour, (number, _) in found.hours.items()} == due["hours"]
    assert {name: tool.calls for name, tool in found.tools.items()} == due["calls"]
    assert {name: tool.failed for name, tool in found.tools.items() if tool.failed} == due["failed"]
    assert {name: tool.total for name, tool in found.tools.items()} == pytest.approx(due["total"])
    assert [call[0] for call in found.slowest] == due["slowest"]


@pytest.mark.parametrize("block", [300, 5000, 1 << 20])
@pytest.mark.parametrize("bash", [False, True])
def test_the_quick_way_and_the_careful_one_count_as_by_hand(
    bash: bool, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DirectoryStore, "BLOCK", block)
    log = a_log(block, 700, bash=bash)
    store = log.write(tmp_path)
    due = by_hand(log.lines)
    slow, counts = count(store, ["demo"], Filter(limit=0), is_bad)
    same(slow, due)
    assert counts == {"demo": due["events"]}
    assert slow.skipped == log.lines.count(b"no event at all")
    monkeypatch.setattr(query, "LONG", 0)
    quick, _ = count(store, ["demo"], Filter(limit=0), is_bad)
    same(quick, due)
    assert quick.gaps == slow.gaps
    assert sorted(quick.slowest) == sorted(slow.slowest)
    assert (quick.first, quick.last, quick.skipped) == (slow.first, slow.last, slow.skipped)
    assert {name: tool.steps for name, tool in quick.tools.items()} == {
        name: tool.steps for name, tool in slow.tools.items()
    }


def test_a_filter_counts_only_what_matches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DirectoryStore, "BLOCK", 5000)
    store = a_log(1, 400, bash=True).write(tmp_path)
    asked: tuple[dict[str, Any], ...] = (
        {"types": "tool_*"}, {"agent": "builder"}, {"where": ["tool=Bash"]}, {"first": 50, "last": 90},
        {"since": (START + 60) * 10**9}, {"text": "failed"}, {"since": (START + 60) * 10**9, "agent": "system"},
    )  # fmt: skip
    due = [list(query.query(store, "demo", Filter(limit=0, **wanted), Parser())) for wanted in asked]  # type: ignore[arg-type]
    for long in (query.LONG, 0):
        monkeypatch.setattr(query, "LONG", long)
        for wanted, lines in zip(asked, due, strict=True):
            found, _ = count(store, ["demo"], Filter(limit=0, **wanted), is_bad)
            assert found.events == len(lines), (wanted, long)
            same(found, by_hand(lines))


def test_gaps_are_the_longest_within_a_log(tmp_path: Path) -> None:
    log = Log()
    for hours in (1, 5, 2, 9, 3):
        log.event("note", step=hours * 3600)
    found, _ = count(log.write(tmp_path), ["demo"], Filter(limit=0), is_bad)
    assert [ns // 10**9 for ns, _, _ in found.gaps] == [9 * 3600, 5 * 3600, 3 * 3600, 2 * 3600]
    assert found.gaps[0][2] == (START + 17 * 3600) * 10**9


def test_percentiles_are_right_to_nine_percent() -> None:
    chance = random.Random(5)
    values = [chance.lognormvariate(6, 2) for _ in range(5000)]
    tool = Tool()
    for one in values:
        tool.add(False, one)
    for share in (0.05, 0.5, 0.95, 0.99):
        assert tool.percentile(share) == pytest.approx(sorted(values)[int(share * len(values)) - 1], rel=0.09)
    assert tool.percentile(1) == max(values)


def test_names_without_end_take_no_more_room() -> None:
    tally = Tally(is_bad)
    for number in range(MOST + 500):
        tally.count(("", f"t{number}", f"a{number}", False, f"x{number}", "ok", 1.0, "", ""), "demo")
    for kept in (tally.types, tally.agents, tally.tools):
        assert len(kept) == MOST + 1
    assert tally.types[OTHERS] == tally.agents[OTHERS] == tally.tools[OTHERS].calls == 500
    assert tally.events == MOST + 500


def test_what_comes_from_outside_is_harmless(tmp_path: Path) -> None:
    log = Log()
    for _ in range(3):
        log.event(
            "note\x1b[31m", '{"tool":"\\u001b[2J\\ud800","target":"\\u202e","duration_ms":7}', agent="\x1b]0;x\x07"
        )
    log.lines.append(b'{"timestamp":7,"event_type":null,"agent_id":[1],"data":{"tool":"x","duration_ms":1e400}}')
    found, counts = count(log.write(tmp_path), ["demo"], Filter(limit=0), is_bad)
    shown = text(found, counts, "demo")
    assert not [sign for sign in shown if sign != "\n" and not sign.isprintable()]
    json.dumps(fields(found, counts, "demo")).encode()


def test_the_command(store: Path, cli: Cli) -> None:
    """Of one milestone, of all, of a session; for people and machines; where nothing matches."""
    log = a_log(4, 300)
    lines = b"\n".join(
        json.dumps({"event_type": event["event_type"], "data": event["data"]}).encode()
        for event in map(json.loads, log.lines)
    )
    cli("events", "log", "demo", "--batch", input=lines, check=True)
    cli("events", "log", "other", "note", '{"tool":"Bash","outcome":"ok","duration_ms":99000}', check=True)
    due = by_hand(log.lines)
    one = validated(cli("events", "stats", "demo", "--format", "json", check=True).stdout)
    assert (one["milestone_id"], one["events"]) == ("demo", 301)
    assert {entry["tool"]: entry["calls"] for entry in one["tools"]} == due["calls"]
    assert sum(entry["count"] for entry in one["hours"]) == 301
    assert one["failures"] == sum(due["failures"].values())
    every = validated(cli("events", "stats", "--all", "--format", "json", check=True).stdout)
    assert (every["milestone_id"], every["events"]) == (None, 302)
    assert {entry["milestone_id"]: entry["count"] for entry in every["milestones"]} == {"demo": 301, "other": 1}
    assert every["slowest"][0] == {
        "milestone_id": "other", "tool": "Bash", "target": None, "duration_ms": 99000,
        "timestamp": every["slowest"][0]["timestamp"],
    }  # fmt: skip
    shown = cli("events", "stats", "demo", check=True).stdout
    assert shown.startswith("Events of demo  301 events")
    for word in ("TYPE", "TOOL", "SLOWEST CALLS", "tests_failed", "█", 'a "b" é'):
        assert word in shown
    assert "no event of demo matches" in cli("events", "stats", "demo", "--type", "none", check=True).stdout
    assert validated(cli("events", "stats", "demo", "--type", "none", "--format", "json").stdout)["per_hour"] is None
    assert cli("events", "stats", "demo", "--all").returncode == 2
    assert cli("events", "stats", "nobody").returncode == 3
