"""Verify finds every damage and names it, and never cries wolf."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from logs import DirectoryStore, Log

from milestone_cli.core.log.verify import Report, verify


def look(log: Log, directory: Path, tail: bytes = b"") -> Report:
    return verify(log.write(directory, tail), "demo")


def codes(report: Report, severity: str = "damage") -> list[str]:
    return [finding.code for finding in report.findings if finding.severity == severity]


def ours(log: Log, rng: random.Random, spare: int = 1) -> int:
    """Index of a line of ours that has `spare` lines of ours before and after it."""
    indexes = [i for i, line in enumerate(log.lines) if b'"checksum"' in line]
    return indexes[rng.randrange(spare, len(indexes) - spare)]


def edit(log: Log, rng: random.Random) -> None:
    at = ours(log, rng)
    line = bytearray(log.lines[at])
    place = rng.randrange(len(line))
    line[place] = rng.choice([c for c in b"abcxyz0123456789" if c != line[place]])
    log.lines[at] = bytes(line)


def remove(log: Log, rng: random.Random) -> None:
    del log.lines[ours(log, rng)]


def swap(log: Log, rng: random.Random) -> None:
    indexes = [i for i, line in enumerate(log.lines) if b'"checksum"' in line]
    at = rng.randrange(len(indexes) - 1)
    a, b = indexes[at], indexes[at + 1]
    log.lines[a], log.lines[b] = log.lines[b], log.lines[a]


def double(log: Log, rng: random.Random) -> None:
    at = ours(log, rng)
    log.lines.insert(at + rng.randrange(1, 4), log.lines[at])


def cut(log: Log, rng: random.Random) -> None:
    while b'"checksum"' not in log.lines.pop():
        pass


def junk(log: Log, rng: random.Random) -> None:
    log.lines.insert(
        rng.randrange(len(log.lines)), rng.choice([b"", b"junk", b'{"timestamp":"2026', b"[1]", b"\xff\x00"])
    )


def forge(log: Log, rng: random.Random) -> None:
    log.checksum = "ab" * 32


def lose_on_rewriting(log: Log, rng: random.Random) -> None:
    log.rewrite(lose=rng.randrange(1, 9) * 3)


def unstrip(log: Log, rng: random.Random) -> None:
    at = ours(log, rng)
    event = json.loads(log.lines[at])
    del event["checksum"]
    log.lines[at] = json.dumps(event, separators=(",", ":")).encode()


def hide(log: Log, rng: random.Random) -> None:
    """Edit a line and dress it up as one that bash's clean-up wrote."""
    at = ours(log, rng)
    event = json.loads(log.lines[at])
    event["data"] = {"n": "other"}
    log.lines[at] = json.dumps(event).encode()


def renumber(log: Log, rng: random.Random) -> None:
    """Alter the sequence number of a line, and nothing else."""
    at = ours(log, rng)
    before, mark, rest = log.lines[at].rpartition(b'"sequence_number":')
    number, _, after = rest.partition(b",")
    other = rng.choice([n for n in range(1, 200) if n != int(number)])
    log.lines[at] = b"%s%s%d,%s" % (before, mark, other, after)


DAMAGES: dict[Callable[[Log, random.Random], None], set[str]] = {
    edit: {"checksum_mismatch", "checksum_altered", "unreadable_line", "fields_missing"},
    remove: {"events_missing"},
    swap: {"order"},
    double: {"doubled"},
    cut: {"tail_missing"},
    junk: {"unreadable_line"},
    forge: {"head_mismatch"},
    lose_on_rewriting: {"events_lost_outside"},
    unstrip: {"fields_missing"},
    hide: {"checksum_mismatch"},
    renumber: {"checksum_mismatch"},
}


def long_form(start: int, stop: int) -> list[Any]:
    """Seeds that only the long form tries."""
    return [pytest.param(seed, marks=pytest.mark.slow) for seed in range(start, stop)]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("seed", [*range(20), *long_form(20, 1000)])
def test_every_damage_is_found_and_named(
    damage: Callable[[Log, random.Random], None], seed: int, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    log = Log.make(60, seed, states=7, bash=rng.choice([0, 3]))
    damage(log, rng)
    report = look(log, tmp_path)
    assert not report.ok
    assert set(codes(report)) & DAMAGES[damage], codes(report)


@pytest.mark.parametrize("seed", [*range(60), *long_form(60, 1000)])
def test_no_false_alarm(seed: int, tmp_path: Path) -> None:
    """Whatever writers, crashes and bash leave behind is no damage."""
    rng = random.Random(seed)
    log = Log()
    if rng.random() < 0.5:
        log.bash_init()
    text = ""
    for _ in range(rng.randrange(1, 60)):
        act = rng.randrange(10)
        if act == 0:
            log.bash(
                data=rng.choice(["{}", '{"n": 1.10}', '{"text":"é\\u0000"}', '{"checksum":"x","sequence_number":3}'])
            )
        elif act == 1 and log.sequence:
            log.torn(rng.randrange(1, 90))
        elif act == 2:
            log.inside_bash(rng.randrange(1, 4))
        elif act == 3 and rng.random() < 0.3:
            if not any(line[:1] != b"{" or b"}{" in line or not _whole(line) for line in log.lines):
                log.rewrite()
                log.anchor()
        elif act < 6:
            text += rng.choice("aé€😀")
            log.state(json.dumps({"text": text}, ensure_ascii=False).encode(), inline=rng.random() < 0.1)
        else:
            log.event("note", json.dumps({"n": rng.random()}))
    store = log.write(tmp_path)
    if rng.random() < 0.2:
        (tmp_path / "milestone-demo.head").unlink()
    report = verify(store, "demo")
    assert report.ok, [finding.fields() for finding in report.findings]
    assert report.events == log.sequence
    assert report.revision == log.revision


def _whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def test_a_sound_log_has_no_findings_at_all(tmp_path: Path) -> None:
    report = look(Log.make(300, bash=10), tmp_path)
    assert report.findings == []
    assert (report.events, report.foreign, report.revision) == (300, 30, 15)


def test_a_torn_tail_is_damage_until_it_is_recorded(tmp_path: Path) -> None:
    log = Log.make(10)
    report = look(log, tmp_path, tail=b'{"timestamp":"2026')
    assert codes(report) == ["torn_tail"]
    assert report.findings[0].line == 11
    log.torn()
    report = look(log, tmp_path)
    assert report.ok
    assert codes(report, "note") == ["torn_isolated"]


def test_a_rewritten_log_is_one_note(tmp_path: Path) -> None:
    log = Log.make(100, states=10, bash=4)
    log.rewrite(keep_from=20)
    report = look(log, tmp_path)
    assert report.ok
    assert codes(report, "note").count("rewritten_outside") == 1
    assert "16 events went" in report.findings[0].message


def test_a_loss_while_rewriting_is_a_note_once_it_is_recorded(tmp_path: Path) -> None:
    log = Log.make(50)
    log.rewrite(lose=3)
    assert codes(look(log, tmp_path)) == ["events_lost_outside"]
    log.anchor()
    log.event("note")
    report = look(log, tmp_path)
    assert report.ok
    assert "events_lost_outside" in codes(report, "note")


def test_everything_cleaned_away_by_bash_is_no_damage_when_it_was_old(tmp_path: Path) -> None:
    log = Log.make(20)
    kept = len(log.lines)
    log.now += 30 * 86400
    late = log.now
    log.rewrite(keep_from=kept)
    log.now = late - 30 * 86400
    report = look(log, tmp_path)
    assert [f.code for f in report.findings if f.code.startswith("events")] == ["events_lost_outside"]
    assert not [code for code in codes(report) if code != "history_broken"]


@pytest.mark.parametrize("at", [9, 19])
def test_only_the_edited_checksum_is_blamed(at: int, tmp_path: Path) -> None:
    log = Log.make(20)
    line = log.lines[at]
    log.lines[at] = line[:-66] + b"0" * 64 + b'"}'
    assert codes(look(log, tmp_path)) == ["checksum_altered"]


@pytest.mark.parametrize(("number", "at"), [(7, 9), (12, 9), (9, 9), (77, 9), (1000, 0), (7, 19), (77, 19)])
def test_an_edited_sequence_number_is_one_damage(number: int, at: int, tmp_path: Path) -> None:
    log = Log.make(20)
    log.lines[at] = log.lines[at].replace(b'"sequence_number":%d,' % (at + 1), b'"sequence_number":%d,' % number)
    (finding,) = look(log, tmp_path).findings
    assert (finding.severity, finding.code, finding.line) == ("damage", "checksum_mismatch", at + 1)
    assert f"event {at + 1} is not as it was written; it bears the number {number}" == finding.message


def test_a_line_feed_that_was_taken_away_is_damage_whoever_wrote_the_lines(tmp_path: Path) -> None:
    for at in (4, 5, 6):
        log = Log.make(20, states=0, bash=3)
        log.lines[at : at + 2] = [log.lines[at] + log.lines[at + 1]]
        assert codes(look(log, tmp_path)) == ["glued_line"]


def test_line_and_offset_lead_to_the_place(tmp_path: Path) -> None:
    log = Log.make(20, bash=2)
    log.lines[7] = log.lines[7].replace(b'"n":', b'"m":')
    (finding,) = look(log, tmp_path).findings
    assert finding.line == 8
    assert finding.offset == sum(len(line) + 1 for line in log.lines[:7])


def spoil(directory: Path, **changes: object) -> None:
    path = directory / "demo.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "severity", "code"),
    [
        ({"text": "{}", "outside": True}, "note", "changed_outside"),
        ({"text": "{}", "revision": 3}, "note", "event_pending"),
        ({"text": "{}", "revision": 9}, "damage", "state_unexplained"),
        ({"text": "{}"}, "damage", "state_unexplained"),
    ],
)
def test_a_state_that_differs(changes: dict[str, object], severity: str, code: str, tmp_path: Path) -> None:
    log = Log.make(30, states=20)
    store = log.write(tmp_path)
    spoil(tmp_path, **changes)
    report = verify(store, "demo")
    assert codes(report, severity) == [code]
    assert report.ok == (severity == "note")


def test_a_state_that_is_gone_or_broken(tmp_path: Path) -> None:
    store = Log.make(30).write(tmp_path)
    (tmp_path / "demo.json").write_text("{")
    assert codes(verify(store, "demo")) == ["state_damaged"]
    (tmp_path / "demo.json").unlink()
    assert codes(verify(store, "demo")) == ["state_missing"]


def test_a_head_that_is_behind_is_a_note(tmp_path: Path) -> None:
    log = Log.make(30)
    store = log.write(tmp_path)
    log.event("note")
    with store.log("demo").open("ab") as file:
        file.write(log.lines[-1] + b"\n")
    report = verify(store, "demo")
    assert report.ok
    assert codes(report, "note") == ["head_behind"]


def test_nothing_at_all_is_not_found(tmp_path: Path) -> None:
    from milestone_cli.errors import MilestoneError

    with pytest.raises(MilestoneError) as caught:
        verify(DirectoryStore(tmp_path), "demo")
    assert caught.value.code == "not_found"
