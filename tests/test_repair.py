"""`events repair` mends what checksums prove, keeps everything, invents nothing, and says what is left."""

import json
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Cli, write_anew
from logs import Log
from test_verify import cut, double, edit, hide, junk, long_form, remove, swap, unstrip

from milestone_cli.core import events as core_events
from milestone_cli.core import state
from milestone_cli.core.log import repair
from milestone_cli.core.log.verify import verify
from milestone_cli.render.schemas import schema
from milestone_cli.storage.files import FileStore
from milestone_cli.storage.files.envelope import compose

LOG = "state/events/milestone-demo.jsonl"


def alter(log: Log, rng: random.Random) -> None:
    """Alter the checksum of a line, and nothing else."""
    at = rng.choice([i for i, line in enumerate(log.lines) if b'"checksum"' in line])
    place = len(log.lines[at]) - 66 + rng.randrange(64)
    line = bytearray(log.lines[at])
    line[place] = rng.choice([c for c in b"0123456789abcdef" if c != line[place]])
    log.lines[at] = bytes(line)


def glue(log: Log, rng: random.Random) -> None:
    at = rng.randrange(len(log.lines) - 1)
    log.lines[at : at + 2] = [log.lines[at] + log.lines[at + 1]]


def tear(log: Log, rng: random.Random) -> None:
    """Leave a torn last line, as a crash does."""
    log.lines.append(b'{"timestamp":"2026-11-21T12:00:00.1234'[: rng.randrange(1, 38)])


def move(log: Log, rng: random.Random) -> None:
    ours = [i for i, line in enumerate(log.lines) if b'"checksum"' in line]
    at = rng.choice(ours[:-6])
    log.lines.insert(at + rng.randrange(3, 6), log.lines.pop(at))


def doubled_far(log: Log, rng: random.Random) -> None:
    log.lines += [line for line in log.lines if b'"checksum"' in line][: rng.randrange(1, 9)]


MENDABLE = (swap, double, alter, glue, junk, tear, move, doubled_far)
FINAL = (edit, remove, cut, unstrip, hide)
NAMES: dict[Callable[[Log, random.Random], None], str] = {
    swap: "order", double: "doubled", alter: "checksum_altered", glue: "glued_line", junk: "unreadable_line",
    tear: "torn_tail", move: "order", doubled_far: "doubled", edit: "", remove: "events_missing", cut: "tail_missing",
    unstrip: "fields_missing", hide: "checksum_mismatch",
}  # fmt: skip
Damage = Callable[[Log, random.Random], None]


def filled(directory: Path, log: Log, *, head: Log | None = None) -> FileStore:
    """A real store with such a log; its head is of the log before it was damaged."""
    path = directory / ".milestones"
    path.mkdir(exist_ok=True)
    store = FileStore(str(path))
    store.initialise(None)
    sound = head or log
    file = path / LOG
    file.write_bytes(b"".join(line + b"\n" for line in sound.lines))
    if sound.revision:
        data = {"revision": sound.revision, "base": sound.base, "sha256": sound.sha}
        event = {"event_id": "event-x", "event_type": "state_saved", "session_id": "s", "agent_id": "a", "data": data}
        text = compose("2026-11-21T12:00:00Z", "demo", sound.revision, sound.sha, json.dumps(event), sound.text)
        (path / "state/active/demo.json").write_bytes(text)
    (path / "state/events/milestone-demo.head").unlink(missing_ok=True)
    core_events.log(store, "demo", [("before", b"{}")])
    added = file.read_bytes().splitlines()[-1]
    sound.lines.append(added)
    return store


def spoil(store: FileStore, log: Log, *damages: Damage, rng: random.Random) -> list[bytes]:
    """Damage the log of a store; the lines that it had."""
    whole = list(log.lines)
    for damage in damages:
        damage(log, rng)
    is_torn = tear in damages
    text = b"\n".join(log.lines) + (b"" if is_torn else b"\n")
    with (Path(store.path) / LOG).open("r+b") as file:
        file.truncate(0)
        file.write(text)
    return whole


def lines(store: FileStore) -> list[bytes]:
    return (Path(store.path) / LOG).read_bytes().splitlines()


def ours(lines: list[bytes]) -> list[bytes]:
    """Lines that have numbers; those of bash have none, and an event may go back to before or behind them."""
    return [line for line in lines if b'"checksum"' in line]


def codes(report: Any) -> set[str]:
    return {one.code for one in report.findings if one.severity == "damage"}


@pytest.mark.parametrize("damage", MENDABLE, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("seed", [*range(2), *long_form(2, 1000)])
def test_what_can_be_proved_is_mended_and_no_event_is_lost(damage: Damage, seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    log = Log.make(30, seed, states=7, bash=rng.choice([0, 3]))
    store = filled(tmp_path, log)
    whole = spoil(store, log, damage, rng=rng)
    assert NAMES[damage] in codes(verify(store, "demo"))
    found = repair.plan(store, "demo")
    assert not found.of("leave"), [act.fields() for act in found.acts]
    _, kept, after = repair.run(store, found)
    assert after.ok, [one.fields() for one in after.findings]
    now = lines(store)
    assert ours([line for line in now if line in whole]) == ours(whole)
    assert sorted(line for line in now if line in whole) == sorted(whole)
    # What shortened the file is taken for a cut, which the next writer says; that comes behind what is kept.
    spoilt = b"\n".join(log.lines) + b"\n"
    assert (Path(store.path) / kept).read_bytes().startswith(spoilt) if kept else damage is tear
    told = json.loads(now[-1])
    assert (told["event_type"], list(told["data"]["mended"])[:1]) == ("log_repaired", [NAMES[damage]])
    assert repair.plan(store, "demo").is_idle
    core_events.log(store, "demo", [("after", b"{}")])
    assert verify(store, "demo").findings == [one for one in after.findings if one.severity == "note"] or damage is tear
    assert verify(store, "demo").ok


@pytest.mark.parametrize("seed", [*range(4), *long_form(4, 1000)])
def test_several_damages_at_once(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    log = Log.make(60, seed, states=7, bash=rng.choice([0, 3]))
    store = filled(tmp_path, log)
    whole = spoil(store, log, *rng.sample(MENDABLE, 2), *rng.sample(FINAL, rng.randrange(2)), rng=rng)
    before = verify(store, "demo")
    _, _, after = repair.run(store, repair.plan(store, "demo"))
    assert len(codes(after)) <= len(codes(before)) + 1
    assert not repair.plan(store, "demo").of("mend")
    now = b"\n".join(lines(store))  # one that is glued to another and comes again is as bash leaves it
    assert not [line for line in whole if line in log.lines and line not in now]
    _, _, after = repair.run(store, repair.plan(store, "demo", accept=True))
    assert after.ok, [one.fields() for one in after.findings]


@pytest.mark.parametrize("damage", FINAL, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("seed", [*range(2), *long_form(2, 1000)])
def test_what_nothing_proves_is_left_until_it_is_acknowledged_and_new_damage_is_found(
    damage: Damage, seed: int, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    log = Log.make(30, seed, states=7)
    store = filled(tmp_path, log)
    spoil(store, log, damage, rng=rng)
    found = repair.plan(store, "demo")
    is_proved = not found.of("leave")  # an edit may have struck a checksum
    assert is_proved == (damage is edit and codes(found.report) == {"checksum_altered"})
    if is_proved:
        return
    assert not found.of("mend")
    found = repair.plan(store, "demo", accept=True)
    _, kept, after = repair.run(store, found)
    assert (after.ok, kept) == (True, ""), [one.fields() for one in after.findings]
    assert any("acknowledges it" in one.message for one in after.findings)
    assert repair.plan(store, "demo").is_idle
    now = lines(store)
    at = next(i for i in range(len(now) - 3, 0, -1) if b'"ms":' in now[i])
    now[at] = now[at].replace(b'"ms":', b'"mz":')
    (Path(store.path) / LOG).write_bytes(b"\n".join(now) + b"\n")
    assert codes(verify(store, "demo")) & {"checksum_mismatch", "events_missing", "unreadable_line", "fields_missing"}


def test_a_log_made_anew_as_a_whole_is_mended_only_when_it_is_accepted(tmp_path: Path) -> None:
    log = Log.make(20, states=7)
    store = filled(tmp_path, log)
    forged = Log.make(20, seed=5, states=7)
    forged.event("before")
    with (Path(store.path) / LOG).open("r+b") as file:
        file.truncate(0)
        file.write(b"".join(line + b"\n" for line in [*forged.lines, forged.lines[2]]))
    assert codes(verify(store, "demo")) >= {"head_mismatch", "doubled"}
    assert not repair.plan(store, "demo").of("mend")
    _, _, after = repair.run(store, repair.plan(store, "demo", accept=True))
    core_events.log(store, "demo", [("after", b"{}")])
    _, _, after = repair.run(store, repair.plan(store, "demo", accept=True))
    assert after.ok, [one.fields() for one in after.findings]


def test_a_state_that_the_log_does_not_explain_is_recorded_as_a_change_from_outside(tmp_path: Path) -> None:
    log = Log.make(20, states=3)
    store = filled(tmp_path, log)
    state.save(store, "demo", b'{"mine":1}')
    now = lines(store)
    now[-1] = now[-1].replace(b"mine", b"mint")
    (Path(store.path) / LOG).write_bytes(b"\n".join(now) + b"\n")
    assert codes(verify(store, "demo")) >= {"checksum_mismatch"}
    _, _, after = repair.run(store, repair.plan(store, "demo", accept=True))
    assert after.ok, [one.fields() for one in after.findings]
    assert store.read("demo").text == b'{"mine":1}'
    assert b'"outside":true' in lines(store)[-1]
    assert store.read("demo", store.read("demo").revision).text == b'{"mine":1}'


def test_the_plan_is_shown_first_and_nothing_is_done_without_a_yes(cli: Cli, store: Path) -> None:
    for number in range(3):
        cli("state", "save", "demo", json.dumps({"n": number}), check=True)
    log = store / LOG
    whole = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([whole[0], whole[2], whole[1], *whole[3:], whole[-1]]))
    spoilt = log.read_bytes()
    done = cli("events", "repair", "demo", "--dry-run", "--format", "json", check=True)
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema("events-repair"))
    assert [(one["action"], one["code"], one["line"]) for one in found["actions"]] == [
        ("mend", "order", 3),
        ("mend", "doubled", 5),
    ]
    assert log.read_bytes() == spoilt
    done = cli("events", "repair", "demo", "--yes", "--format", "json", check=True)
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema("events-repair"))
    assert (found["ok"], found["left"]) == (True, [])
    assert (store / found["kept"]).read_bytes() == spoilt
    assert log.read_bytes().splitlines(keepends=True)[:-1] == whole
    assert cli("events", "verify", "demo").returncode == 0
    assert "nothing to repair" in cli("events", "repair", "demo", check=True).stdout
    log.write_bytes(b"junk\n" + log.read_bytes())
    assert "events repair demo" in cli("doctor").stdout
    assert "repaired 1 place" in cli("doctor", "--fix", "--yes").stdout
    assert cli("events", "verify", "demo").returncode == 0
    edited = log.read_bytes().replace(b'"n":1', b'"n":7', 1).replace(b'\\"n\\": 0', b'\\"n\\": 5', 1)
    log.write_bytes(edited)
    done = cli("events", "repair", "demo", "--yes")
    assert (done.returncode, "leave" in done.stdout) == (6, True)
    done = cli("events", "repair", "demo", "--yes", "--accept")
    assert (done.returncode, "sound" in done.stdout) == (0, True)
    assert cli("events", "verify", "demo").returncode == 0


WRITER = """
for n in $(seq 200); do
    echo '{"timestamp":"2026-11-21T12:00:00Z","milestone_id":"demo","session_id":"s","event_type":"bash",'\\
'"data":{"n":'$n'},"pid":1,"user":"u"}' >> "$1"
done
"""


def test_bash_writes_on_while_a_log_is_repaired_and_nothing_is_lost(tmp_path: Path) -> None:
    log = Log.make(2000, states=7)
    store = filled(tmp_path, log)
    spoil(store, log, swap, rng=random.Random(1))
    writer = subprocess.Popen(["bash", "-c", WRITER, "bash", str(Path(store.path) / LOG)])
    try:
        while writer.poll() is None:
            now = lines(store)
            at = next(i for i in range(len(now)) if b'"sequence_number":9,' in now[i])
            with (Path(store.path) / LOG).open("ab") as file:
                os.write(file.fileno(), now[at] + b"\n")
            found = repair.plan(store, "demo")
            repair.run(store, found)
    finally:
        writer.wait()
    assert verify(store, "demo").ok
    numbers = [json.loads(line)["data"]["n"] for line in lines(store) if b'"bash"' in line]
    assert sorted(numbers) == list(range(1, 201))


@pytest.mark.parametrize("seed", [0, *long_form(1, 100)])
def test_a_damaged_log_that_was_copied_into_a_database_is_mended_there(
    seed: int, postgres_url: str, tmp_path: Path
) -> None:
    from milestone_cli.model import Change, Draft, Head
    from milestone_cli.storage.postgres.transfer import Side

    rng = random.Random(seed)
    log = Log.make(60, seed, states=0, bash=3)
    whole = list(log.lines)
    side = Side(postgres_url, is_new=True)
    side.prepare()
    store = side.store
    head = Head()
    head.sequence, head.checksum, head.time = log.sequence, log.checksum, int(log.now * 1e9)
    for damage in rng.sample([swap, double, alter, junk, doubled_far], 3):
        damage(log, rng)
    half = len(log.lines) // 2
    first = b"".join(line + b"\n" for line in log.lines[:half])
    side.extend("demo", 0, first)
    side.extend("demo", len(first), b"".join(line + b"\n" for line in log.lines[half:]))
    side.finish("demo", head, [])

    def keyed() -> Change:
        return Change("demo", [Draft("keyed", "{}", "no-session", "system")], key="k", request="0" * 16)

    receipt = store.commit(keyed())
    assert codes(verify(store, "demo"))
    _, kept, after = repair.run(store, repair.plan(store, "demo"))
    assert after.ok, [one.fields() for one in after.findings]
    now = b"".join(block for _, block in store.scan("demo")).splitlines()
    assert ours(now)[:60] == ours(whole)
    assert sorted(now[: len(whole)]) == sorted(whole)
    told = [json.loads(line)["data"] for line in now if b'"log_repaired"' in line]
    assert told[0]["kept"] == kept
    old = store.get("quarantine", kept.partition("/")[2])
    assert old is not None
    assert b"".join(line + b"\n" for line in log.lines).endswith(old[: old.rindex(b'{"timestamp"')])
    again = store.commit(keyed())
    assert (again.replayed, again.sequence) == (True, receipt.sequence)
    assert b"".join(block for _, block in store.scan("demo", backwards=True)) == b"\n".join(now) + b"\n"
    assert verify(store, "demo").ok


def test_a_sealed_part_stays_as_it_is(tmp_path: Path) -> None:
    log = Log.make(60, states=7)
    store = filled(tmp_path, log)
    store.segment_size = 1000
    core_events.log(store, "demo", [("sealing", b"{}")])
    store.segment_size = 64 << 20
    assert store.sealed("demo")
    for number in range(3):
        core_events.log(store, "demo", [("behind", b'{"n":%d}' % number)])
    part = next(path for path in (Path(store.path) / "state/events/.segments").rglob("*.jsonl"))
    old = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join([*old[:4], old[5], old[4], *old[6:]]))
    file = Path(store.path) / LOG
    file.write_bytes(file.read_bytes() + file.read_bytes().splitlines(keepends=True)[-1])
    assert codes(verify(store, "demo")) == {"order", "doubled"}
    found = repair.plan(store, "demo")
    assert [(act.action, act.finding.code) for act in found.acts] == [("mend", "doubled"), ("leave", "order")]
    _, _, after = repair.run(store, found)
    assert codes(after) == {"order"}
    _, _, after = repair.run(store, repair.plan(store, "demo", accept=True))
    assert after.ok
    core_events.log(store, "demo", [("after", b"{}")])
    assert verify(store, "demo").ok
    store.segment_size = 1000
    for _ in range(4):
        core_events.log(store, "demo", [("sealing", json.dumps({"text": "x" * 600}).encode())])
    assert len(store.sealed("demo")) > 2
    assert verify(store, "demo").ok
    assert store.log_size("demo")[0] == sum(len(block) for _, block in store.scan("demo"))


def test_what_an_event_records_already_is_not_recorded_again(cli: Cli, store: Path) -> None:
    for number in range(6):
        cli("events", "log", "demo", f"e{number}", check=True)
    path = store / "state/events/milestone-demo.jsonl"
    write_anew(path, lose=2)
    cli("events", "log", "demo", "later", check=True)
    before = path.read_bytes()
    for words in (("--dry-run",), ("--yes",), ("--accept", "--yes")):
        cli("events", "repair", "demo", *words, check=True)
        assert path.read_bytes() == before
