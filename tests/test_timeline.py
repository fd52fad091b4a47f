"""The timeline shows everything once, in order, as valid JSON and as harmless text."""

import json
import random
from pathlib import Path

import pytest
from logs import DirectoryStore, Log

from milestone_cli.core.log import timeline as module
from milestone_cli.core.log.timeline import Timeline
from milestone_cli.render import events, timeline


@pytest.fixture(params=["every line parsed", "shapes believed"])
def _trust(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "shapes believed":
        monkeypatch.setattr(module, "VALIDATED", 0)


def as_json(store: DirectoryStore) -> list[dict[str, object]]:
    found = Timeline(store, "demo")
    document = json.loads(b"".join(events.as_json("timeline", "demo", found.blocks())))
    assert list(document) == ["schema", "milestone_id", "events"]
    assert document["schema"] == "milestone/timeline/v1"
    return document["events"]  # type: ignore[no-any-return]


def as_text(store: DirectoryStore) -> str:
    return b"".join(timeline.plain("demo", Timeline(store, "demo").mapped)).decode()


@pytest.mark.usefixtures("_trust")
@pytest.mark.parametrize("block", [300, 5000, 1 << 20])
def test_a_sound_log_passes_as_it_is(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DirectoryStore, "BLOCK", block)
    log = Log.make(150, bash=6)
    assert as_json(log.write(tmp_path)) == [json.loads(line) for line in log.lines]


@pytest.mark.usefixtures("_trust")
@pytest.mark.parametrize("block", [300, 5000, 1 << 20])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_out_of_order_is_sorted_by_second_and_place(
    block: int, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DirectoryStore, "BLOCK", block)
    rng = random.Random(seed)
    log = Log()
    for _ in range(120):
        log.event("note", step=rng.random())
        if rng.random() < 0.4:
            back = rng.choice([0.5, 3, 3, 200])
            log.now -= back
            log.bash()
            log.now += back
    due = sorted((json.loads(line) for line in log.lines), key=lambda event: event["timestamp"][:19])
    assert as_json(log.write(tmp_path)) == due


@pytest.mark.usefixtures("_trust")
@pytest.mark.parametrize("block", [300, 9000, 1 << 20])
def test_broken_lines_are_left_out_and_counted(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DirectoryStore, "BLOCK", block)
    log = Log.make(40, bash=5)
    log.inside_bash(2)
    log.torn()
    log.lines.insert(7, b"junk")
    log.lines.insert(9, log.lines[8][:100])
    log.event("last")
    store = log.write(tmp_path, tail=log.line("torn", "{}")[:50])
    found = Timeline(store, "demo")
    shown = json.loads(b"".join(events.as_json("timeline", "demo", found.blocks())))["events"]
    assert sorted(e["sequence_number"] for e in shown if "sequence_number" in e) == list(range(1, 45))
    assert found.skipped == 6


def test_any_flipped_byte_leaves_valid_json(tmp_path: Path) -> None:
    rng = random.Random(5)
    for _ in range(60):
        log = Log.make(8, bash=3)
        raw = bytearray(b"".join(line + b"\n" for line in log.lines))
        raw[rng.randrange(len(raw))] = rng.randrange(256)
        store = log.write(tmp_path)
        store.log("demo").write_bytes(raw)
        assert len(as_json(store)) >= 8
        as_text(store)


@pytest.mark.usefixtures("_trust")
def test_numbers_keep_their_text(tmp_path: Path) -> None:
    log = Log()
    log.event("note", '{"big":1180591620717411303424,"price":1.10}')
    raw = b"".join(events.as_json("timeline", "demo", Timeline(log.write(tmp_path), "demo").blocks()))
    assert b'{"big":1180591620717411303424,"price":1.10}' in raw


def test_a_log_that_bash_rewrote_is_shown(tmp_path: Path) -> None:
    log = Log.make(30, bash=3)
    log.rewrite()
    log.anchor()
    store = log.write(tmp_path)
    assert len(as_json(store)) == len(log.lines)
    assert as_text(store).count("bash_event") == 10


def test_text_has_days_and_a_line_for_each_event(tmp_path: Path) -> None:
    log = Log()
    log.bash_init()
    log.state(b'{"secret":"' + b"x" * 100 + b'"}')
    log.state(b'{"secret":"' + b"x" * 100 + b'","n":12}')
    log.now += 86400
    log.event("tests_passed", '{"count":42}', agent="builder")
    assert as_text(log.write(tmp_path)) == (
        "Timeline of demo\n"
        "\n== 2026-11-21 ==\n"
        "2026-11-21 12:00:00  state_initialized\n"
        "2026-11-21 12:00:00  state_saved  revision 1, 113 bytes\n"
        "2026-11-21 12:00:00  state_saved  revision 2, 7 bytes changed\n"
        "\n== 2026-11-22 ==\n"
        '2026-11-22 12:00:00  tests_passed  {"count":42}  (builder)\n'
    )


def test_nothing_from_outside_reaches_a_terminal_raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "")
    log = Log()
    log.event("note", json.dumps({"a": "\x1b[31m\u009b2J\u202eevil\x7f\n2026-11-21 forged"}, ensure_ascii=False))
    log.event("note", '{"a":"\\u001b]0;x\\u0007 \\u009b1m \\u202e"}')
    log.bash("a\\u001b[2Jb\\nforged", '{"x":"\x7f\u009b31m"}')
    log.lines.append(b'{"timestamp":"\\u001b[1m\\n","event":"\\u202e\\nforged","data":["\\u0007"]}')
    store = log.write(tmp_path)
    for pieces in (
        timeline.plain("demo", Timeline(store, "demo").mapped),
        timeline.fancy(Timeline(store, "demo").mapped),
    ):
        text = b"".join(pieces).decode()
        assert not [c for c in text if c != "\n" and not c.isprintable()], repr(text)
        assert not any(line.startswith(("forged", "2026-11-21 forged")) for line in text.split("\n"))


@pytest.mark.parametrize("width", [20, 60, 80, 140])
def test_a_terminal_line_keeps_to_the_width(width: int) -> None:
    for said in ("x" * 500, "漢字" * 200, "é" * 300, "e\u0301" * 300, "😀" * 100):
        line = timeline.event_line("12:00:00", "state_saved", "builder", said, width=width, colour=False)
        assert timeline.columns(line) <= max(width, 60)
        assert line.endswith("builder")
