"""Query finds what matches, exactly, whatever else stands in the log."""

import json
import random
from pathlib import Path

import pytest
from logs import START, DirectoryStore, Log

from milestone_cli.core.log.filters import Filter
from milestone_cli.core.log.query import Parser, query
from milestone_cli.errors import MilestoneError


def ask(store: DirectoryStore, **wanted: object) -> list[bytes]:
    return list(query(store, "demo", Filter(**wanted), Parser()))  # type: ignore[arg-type]


def numbers(lines: list[bytes]) -> list[int]:
    return [json.loads(line)["sequence_number"] for line in lines]


def test_the_latest_come_oldest_first(tmp_path: Path) -> None:
    store = Log.make(200, bash=0).write(tmp_path)
    assert numbers(ask(store)) == list(range(151, 201))
    assert numbers(ask(store, limit=3)) == [198, 199, 200]
    assert numbers(ask(store, limit=3, reverse=True)) == [200, 199, 198]
    assert numbers(ask(store, limit=0)) == list(range(1, 201))
    assert numbers(ask(store, limit=0, reverse=True)) == list(range(200, 0, -1))


@pytest.mark.parametrize("block", [64, 1000, 1 << 20])
@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_reading_everything(block: int, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DirectoryStore, "BLOCK", block)
    rng = random.Random(seed)
    log = Log.make(120, seed, states=9, bash=7, rare=11)
    if seed % 2:
        log.rewrite()
        log.anchor()
        log.event("tests_passed", '{"n":1}', agent="builder")
    store = log.write(tmp_path)
    events = [json.loads(line) for line in log.lines]
    for type_ in ("rare_event", "bash_event", "tests_passed", "system", "none", "*_event", "r?re*", "t*"):
        agent = rng.choice([None, "builder", "system"])
        limit = rng.choice([0, 1, 5, 1000])
        import fnmatch

        due = [
            event
            for event in events
            if fnmatch.fnmatchcase(event["event_type"], type_) and agent in {None, event.get("agent_id")}
        ]
        due = due[-limit:] if limit else due
        assert [json.loads(line) for line in ask(store, types=type_, agent=agent, limit=limit)] == due
        reverse = ask(store, types=type_, agent=agent, limit=limit, reverse=True)
        assert [json.loads(line) for line in reverse] == due[::-1]


def test_since_and_until_are_inclusive(tmp_path: Path) -> None:
    log = Log()
    for _ in range(10):
        log.event("tick", step=60)
    store = log.write(tmp_path)
    third = (START + 180) * 1_000_000_000
    assert numbers(ask(store, since=third)) == list(range(3, 11))
    assert numbers(ask(store, until=third)) == [1, 2, 3]
    assert numbers(ask(store, since=third, until=third)) == [3]
    assert numbers(ask(store, since=third + 1, until=third + 1)) == []


def test_session_filter(tmp_path: Path) -> None:
    log = Log.make(10)
    log.event("mine", session="s-1")
    assert numbers(ask(log.write(tmp_path), session="s-1")) == [11]


def test_a_name_in_the_data_is_no_match(tmp_path: Path) -> None:
    log = Log()
    log.event("note", '{"event_type":"wanted","x":"\\"event_type\\":\\"wanted\\""}')
    log.event("wanted")
    assert numbers(ask(log.write(tmp_path), types="wanted")) == [2]


def test_the_first_line_of_bash_is_found_by_its_event(tmp_path: Path) -> None:
    log = Log()
    log.bash_init()
    log.event("note")
    assert len(ask(log.write(tmp_path), types="state_initialized")) == 1


def test_numbers_keep_their_text(tmp_path: Path) -> None:
    log = Log()
    log.event("note", '{"big":1180591620717411303424,"price":1.10,"tiny":1e400}')
    assert ask(log.write(tmp_path), types="note") == log.lines


def test_an_event_that_stands_twice_comes_once_and_torn_lines_are_counted(tmp_path: Path) -> None:
    log = Log.make(20)
    log.inside_bash(3)
    log.torn()
    store = log.write(tmp_path, tail=b'{"timestamp":"20')
    parser = Parser()
    found = list(query(store, "demo", Filter(limit=0), parser))  # type: ignore[arg-type]
    assert sorted(numbers(found)) == list(range(1, 25))
    assert parser.skipped == 4


def test_many_lines_go_through_the_faster_parser_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from milestone_cli.core.log import query as module

    log = Log.make(30)
    log.event("note", '{"half":"\\ud800"}')
    store = log.write(tmp_path)
    slow = ask(store, limit=0)
    monkeypatch.setattr(module, "PARSE_BY_C", 3)
    assert ask(store, limit=0) == slow == log.lines


def test_an_unknown_milestone_is_not_found_and_an_empty_log_is_empty(tmp_path: Path) -> None:
    with pytest.raises(MilestoneError) as caught:
        ask(DirectoryStore(tmp_path))
    assert caught.value.code == "not_found"
    assert ask(Log().write(tmp_path)) == []
