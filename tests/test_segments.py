"""Logs that have grown: sealed, compressed and trimmed, and read as one; nothing is lost beside bash or when killed."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import MILESTONE, Cli, clean_environment, write_anew

from milestone_cli import runtime
from milestone_cli.core import events, state
from milestone_cli.core.log import query
from milestone_cli.core.log.filters import Filter
from milestone_cli.core.log.timeline import Timeline
from milestone_cli.core.log.verify import verify
from milestone_cli.core.retention import cleanup, expiry
from milestone_cli.core.retention.plan import Policy
from milestone_cli.core.stores import copying
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Change, Draft, Plan
from milestone_cli.storage.contract import Store
from milestone_cli.storage.files import FileStore, sealing, trimming
from milestone_cli.storage.files.log import Log
from milestone_cli.storage.files.segments import Parts, Seal
from milestone_cli.storage.files.transaction import take_gate
from milestone_cli.storage.origin import origin_of
from milestone_cli.storage.sides import open_side
from milestone_cli.timestamps import parse_ns

BOUND = 4096
SECOND = 1_000_000_000
BASH = '{"timestamp":"2026-11-21T18:00:00Z","milestone_id":"demo","session_id":"s","event_type":"bash","data":%s}\n'


@pytest.fixture
def files(tmp_path: Path) -> Iterator[FileStore]:
    """A store of files that seals its logs every few lines."""
    (tmp_path / "sealed" / ".milestones").mkdir(parents=True)
    made = FileStore(str(tmp_path / "sealed" / ".milestones"))
    made.initialise(None)
    made.segment_size = BOUND
    yield made
    made.close()


def fill(store: Store, count: int) -> None:
    """States and events by turns; every tenth of the first ones under an idempotency key."""
    head = store.head("demo")
    is_first = head is None or not head.sequence
    for number in range(count):
        if number % 3 == 0:
            state.assign(store, "demo", [("n", str(number)), ("pad", json.dumps("x" * (number % 40)))])
        else:
            key = f"key-{number}" if is_first and number % 10 == 1 else None
            events.log(store, "demo", [("tick", b'{"n": %d}' % number)], key=key)


def lines(store: Store, name: str = "demo") -> list[bytes]:
    return b"".join(block for _, block in store.scan(name)).splitlines()


def folder(store: FileStore) -> Path:
    return Path(store.path) / "state/events/.segments/demo"


def bash_file(store: FileStore) -> Path:
    return Path(store.path) / "state/events/milestone-demo.jsonl"


def open_locked(store: FileStore) -> Log:
    return Log(store, "demo", runtime.monotonic() + 5)


def everything(store: Store) -> list[object]:
    """What readers make of a log, whatever it is made of."""
    size = store.log_size("demo")[0]
    all_lines = lines(store)
    stamps = [json.loads(line)["timestamp"] for line in all_lines[:: len(all_lines) // 7]]
    parser = query.Parser()
    found: list[object] = [size, b"".join(block for block in Timeline(store, "demo").blocks())]
    found += [[store.seek("demo", (parse_ns(stamp) or 0) + more) for stamp in stamps for more in (-1, 0, 1)]]
    found += [[b"".join([block for _, block in store.scan("demo", 0, None, backwards=True)][::-1])]]
    for wanted in (Filter(limit=5), Filter("tick", limit=0), Filter(since=parse_ns(stamps[3]))):
        found.append(list(query.query(store, "demo", wanted, parser)))
    for start in (0, 1, size // 3, size // 2 + 7, size - 1):
        found.append(b"".join(block for _, block in store.scan("demo", start, size)))
        found.append(b"".join(store.map_blocks("demo", start, size, bytes)))
    report = verify(store, "demo")
    found += [report.events, report.foreign, report.revision, [one.code for one in report.findings]]
    head = store.head("demo")
    assert head
    return [*found, *[store.read("demo", number).text for number in range(1, head.revision + 1)]]


def test_a_log_is_one_whether_whole_or_in_parts_plain_or_compressed_here_or_there(
    files: FileStore, tmp_path: Path, postgres_url: str
) -> None:
    fill(files, 150)
    assert len(list(folder(files).glob("*.jsonl"))) > 5
    whole, back = str(tmp_path / "whole/.milestones"), str(tmp_path / "back/.milestones")
    for source, target in ((files.path, whole), (files.path, postgres_url), (postgres_url, back)):
        copying.run(open_side(source), open_side(target, is_new=True))
    plain = everything(files)
    assert plain == everything(open_side(whole).store)
    assert not (tmp_path / "whole/.milestones/state/events/.segments").exists()
    before, after = files.pack("demo", 5)
    assert 0 < after < before / 2
    assert not list(folder(files).glob("*.jsonl"))
    assert everything(files) == plain
    for other in (postgres_url, back):
        found = everything(open_side(other).store)
        assert [one for one in found if isinstance(one, bytes)] == [one for one in plain if isinstance(one, bytes)]
    fill(files, 30)
    assert files.pack("demo", 5)[0]
    report = verify(files, "demo")
    assert (report.events, report.findings) == (180, [])
    copying.run(open_side(files.path), open_side(postgres_url))
    assert lines(open_side(postgres_url).store) == lines(files)


def test_numbers_keys_and_revisions_go_on_when_the_head_is_lost(files: FileStore) -> None:
    fill(files, 60)
    revision, count = files.read("demo").revision, len(lines(files))
    bash_file(files).with_suffix(".head").unlink()
    assert events.log(files, "demo", [("tick", b'{"n": 11}')], key="key-11").replayed
    assert state.assign(files, "demo", [("n", "1")]).revision == revision + 1
    with pytest.raises(MilestoneError, match="different request"):
        events.log(files, "demo", [("tick", b"{}")], key="key-31")
    assert len(lines(files)) == count + 1
    assert not verify(files, "demo").findings


def test_killed_between_the_rename_and_the_head_the_next_one_goes_on(files: FileStore) -> None:
    fill(files, 20)
    head = bash_file(files).with_suffix(".head")
    before = head.read_bytes()
    log = open_locked(files)
    assert sealing.seal(log)
    log.close()
    head.write_bytes(before)  # as it was when the writer was killed
    identity = files.log_size("demo")[1]
    events.log(files, "demo", [("tick", b"{}")])
    assert files.log_size("demo")[1] == identity
    report = verify(files, "demo")
    assert (report.events, report.findings) == (21, [])
    head.write_bytes(before)  # a disk on which heads can be written no more, and the log was sealed meanwhile
    log = open_locked(files)
    log.close()
    before = head.read_bytes()
    events.log(files, "demo", [("pad", b'{"x":"%s"}' % (b"x" * BOUND))])
    head.write_bytes(before)
    assert events.log(files, "demo", [("tick", b'{"n": 1}')], key="key-1").replayed
    report = verify(files, "demo")
    assert (report.events, report.findings) == (22, [])


def test_after_a_power_cut_any_older_head_is_brought_up_to_date(files: FileStore) -> None:
    files.segment_size = (
        1 << 30
    )  # clean-ups cut the one file, so what a head says of it may be true of the next one too
    head = bash_file(files).with_suffix(".head")
    heads = []
    for number in range(30):
        events.log(files, "demo", [("tick", json.dumps({"pad": "x" * (number * 37 % 300)}).encode())])
        heads.append(head.read_bytes())
        if number in (3, 16):
            between = runtime.now_ns()
        if number in (9, 26):
            assert trimmed(files, runtime.now_ns() - between)
            heads.append(head.read_bytes())
    for old in heads[::-1]:
        head.write_bytes(old)
        events.log(files, "demo", [("tick", b"{}")])
        assert [one.code for one in verify(files, "demo").findings] == ["events_removed"]


def test_a_sealing_that_was_not_finished_means_nothing_and_goes_with_the_next(files: FileStore) -> None:
    fill(files, 20)
    log = open_locked(files)
    names = set(os.listdir(folder(files)))
    size = log.head.end
    real, os.rename = os.rename, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            sealing._publish(log, os.open(folder(files), os.O_RDONLY), _seal_of(log, size), os.fstat(log.fd))
    finally:
        os.rename = real
        log.close()
    assert set(os.listdir(folder(files))) - names
    assert len(lines(files)) == 20
    events.log(files, "demo", [("tick", b'{"x":"%s"}' % (b"x" * BOUND))])
    assert not [name for name in os.listdir(folder(files)) if name.endswith(".tmp")]
    report = verify(files, "demo")
    assert (report.events, report.findings) == (21, [])


def _seal_of(log: Log, size: int) -> Seal:
    parts = Parts(sealing.make_folder(log.folder, log.stream), os.fstat(log.fd))
    made = sealing._draw_up(log, parts.newest(), os.fstat(log.fd), None)
    assert made.size == size
    return made


def test_what_bash_writes_late_is_read_at_once_and_adopted_once(files: FileStore) -> None:
    fill(files, 5)
    for _ in range(2):
        late = bash_file(files).open("ab", buffering=0)  # as bash has it between opening and writing
        fill(files, 20)
        late.write((BASH % '{"late":1}').encode())
        assert sum(b'"late":1' in line for line in lines(files)) == 1
        backwards = b"".join(block for _, block in files.scan("demo", backwards=True))
        assert backwards.count(b'"late":1') == 1
        for wanted in (Filter("bash", limit=0), Filter("bash", limit=9)):
            assert len(list(query.query(files, "demo", wanted, query.Parser()))) == 1
        assert b"".join(Timeline(files, "demo").blocks()).count(b'"late":1') == 1
        files.pack("demo", 5)
        assert len(list(folder(files).glob("*.jsonl"))) == 1, "nobody can know yet that this was all"
        late.write((BASH % '{"late":2}').encode() + b'{"timestamp":"20')
        late.close()
        assert verify(files, "demo").ok
        files.pack("demo", 5)
        assert not list(folder(files).glob("*.jsonl"))
        text = b"\n".join(lines(files))
        assert (text.count(b'"late":1'), text.count(b'"late":2'), text.count(b'"log_adopted"')) == (1, 1, 1)
        assert verify(files, "demo").ok
        trimmed(files, 1)
        assert not any(b'"late"' in line for line in lines(files))


def test_killed_after_adopting_nothing_is_adopted_twice(files: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(files, 5)
    late = bash_file(files).open("ab", buffering=0)
    fill(files, 20)
    late.write((BASH % '{"late":1}').encode())
    late.close()
    monkeypatch.setattr(os, "ftruncate", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        files.pack("demo", 5)
    monkeypatch.undo()
    files.pack("demo", 5)
    assert sum(b'"late":1' in line for line in lines(files)) == 1
    assert verify(files, "demo").ok


def trimmed(store: Store, older_than: int, keep_last: int = 100) -> list[str]:
    """Clean up; the events that went."""
    policy = Policy(older_than, keep_last)
    done, _ = cleanup.run_cleanup(store, "demo", policy, cleanup.plan_cleanup(store, "demo", policy))
    return [item.name for item in sorted(done.removed, key=lambda item: item.rank) if item.kind == "events"]


@pytest.mark.parametrize("kind", ["plain", "one file", "postgres"])
def test_what_is_old_goes_and_the_rest_proves_and_replays_itself(
    kind: str, files: FileStore, request: pytest.FixtureRequest
) -> None:
    store: Store = files
    if kind == "one file":
        files.segment_size = 1 << 30
    if kind == "postgres":
        store = open_side(request.getfixturevalue("postgres_url"), is_new=True).store
        store.initialise(None)
    fill(store, 60)
    state.assign(store, "other", [("n", "1")])
    texts = [store.read("demo", n).text for n in range(1, 21)]
    between = runtime.now_ns()
    fill(store, 30)
    texts += [store.read("demo", n).text for n in range(21, 31)]
    all_lines, others = lines(store), lines(store, "other")
    cut = store.seek("demo", between)
    plan = cleanup.plan_cleanup(store, "demo", Policy(runtime.now_ns() - between))
    assert lines(store) == all_lines, "a plan changes nothing"
    assert {one.reason.split()[0] for one in plan.decisions if one.item.kind == "events"} == {"older", "younger"}
    gone = trimmed(store, runtime.now_ns() - between)
    origin, size = origin_of(store, "demo"), store.log_size("demo")[0]
    last, first = origin.sequence, -(-origin.sequence // 3)
    assert (last == 60) if kind != "plain" else (50 < last <= 60), "what is sealed goes whole or not"
    assert gone[0].startswith("1-")
    assert gone[-1].endswith(f"-{last}")
    assert origin.revision == first
    assert origin.end == cut if last == 60 else origin.end < cut
    assert lines(store)[:-2] == all_lines[last:], "offsets stay"
    assert next(store.scan("demo"))[0] == origin.end
    assert json.loads(lines(store)[-2])["event_type"] == "events_removed"
    assert json.loads(lines(store)[-2])["data"]["last"] == last
    report = verify(store, "demo")
    assert ([one.code for one in report.findings], report.events) == (["events_removed"], 92 - last)
    assert [store.read("demo", n).text for n in range(first, 31)] == texts[first - 1 :]
    for revision in (1, first - 1, 31):
        with pytest.raises(MilestoneError) as caught:
            store.read("demo", revision)
        assert caught.value.code == "revision_not_found"
        assert ("retention removed" in caught.value.message) == (revision < 20)
    known = events.log(store, "demo", [("tick", b'{"n": 1}')], key="key-1")
    assert known.replayed
    assert known.sequence == 2
    assert store.log_size("demo")[0] == size
    assert lines(store, "other") == others
    assert trimmed(store, 10**14) == []
    fill(store, 10)
    assert len(trimmed(store, 1)) >= 1, "also what the last one left"
    fill(store, 10)
    report = verify(store, "demo")
    assert ([one.code for one in report.findings], store.read("demo").revision) == (["events_removed"], 38)
    assert store.read("demo", 36).text


def test_killed_while_a_sessions_log_loses_its_oldest_events_the_next_one_ends_it(
    files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.segment_size = 1 << 30
    for number in range(10):
        files.commit(Change("@s", [Draft("tick", f'{{"n":{number},"x":"{"x" * 2000}"}}', "s", "system")]))
    policy = Policy(1, 100)
    monkeypatch.setattr(trimming, "remove", lambda *_: (_ for _ in ()).throw(OSError(5, "broken")))
    with pytest.raises(MilestoneError) as caught:
        cleanup.run_cleanup(files, "", policy, cleanup.plan_cleanup(files, "", policy))
    assert caught.value.code == "unlogged"
    monkeypatch.undo()
    files.transact([], lambda: Plan("nothing"), 5)
    report = verify(files, "@s")
    assert [one.code for one in report.findings] == ["events_removed"]
    left = [json.loads(line) for line in lines(files, "@s")]
    assert [one["sequence_number"] for one in left] == [11, 12]
    assert {one["event_type"] for one in left} == {"events_removed", "transaction_recovered"}
    gate = take_gate(files, runtime.monotonic() + 5)
    with pytest.raises(MilestoneError) as caught:
        files.rewrite("@s", [], lambda _: [], rehead=False, timeout=0.05)
    os.close(gate)
    assert caught.value.code == "lock_timeout", "no repair meanwhile"


def test_bash_keeps_what_is_young_in_its_file(files: FileStore) -> None:
    files.segment_size = 1 << 30
    fill(files, 30)
    between = runtime.now_ns()
    fill(files, 6)
    young = lines(files)[30:]
    trimmed(files, runtime.now_ns() - between)
    assert bash_file(files).read_bytes().splitlines()[:6] == young
    with bash_file(files).open("a") as log:
        log.write(BASH % "{}")
    fill(files, 3)
    report = verify(files, "demo")
    assert (report.events, report.foreign, report.ok) == (6 + 2 + 3, 1, True)


def test_lines_of_bash_have_an_age_too(files: FileStore) -> None:
    stamps = [runtime.timestamp(runtime.now_ns() - days * 86_400 * SECOND)[:19] + "Z" for days in (20, 15, 3, 1)]
    with bash_file(files).open("w") as log:
        log.writelines(BASH.replace("2026-11-21T18:00:00Z", stamp) % "{}" for stamp in stamps)
    plan = cleanup.plan_cleanup(files, "demo", Policy(7 * 86_400 * SECOND))
    assert [item.size for item in plan.removed if item.kind == expiry.KIND] == [2 * len(BASH % "{}")]
    trimmed(files, 7 * 86_400 * SECOND)
    assert [json.loads(line)["timestamp"] for line in lines(files)[:2]] == stamps[2:]
    assert verify(files, "demo").ok


def test_a_log_that_bash_rewrote_meanwhile_is_not_trimmed_by_offsets_of_before(
    files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.segment_size = 1 << 30
    fill(files, 30)
    between = runtime.now_ns()
    fill(files, 3)
    part = trimming.part

    def rewriting(*args: object) -> str:
        kept = [json.dumps(json.loads(line)) + "\n" for line in lines(files)]
        new = bash_file(files).with_name("new")
        new.write_text("".join(kept))
        new.rename(bash_file(files))
        return part(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(trimming, "part", rewriting)
    trimmed(files, runtime.now_ns() - between)
    monkeypatch.undo()
    assert sum(b'"tick"' in line for line in lines(files)) == 22, "every line is there still"
    fill(files, 3)


def test_writers_beside_bash_lose_nothing_over_many_seals(store: Path, cli: Cli, home: Path) -> None:
    (store / "config.yaml").write_text("segment_size: 4K\n")
    ours, theirs = 3, 2
    path = store / "state/events/milestone-demo.jsonl"
    (store.parent / "ours.sh").write_text(
        f"""for i in $(seq 20); do {MILESTONE} events log demo ours '{{"n":"'$1.$i'"}}' >/dev/null || exit 1; done"""
    )
    (store.parent / "bash.sh").write_text(
        f"""for i in $(seq 200); do ((i % 3)) || sleep 0.02
        echo '{(BASH % "").partition("}")[0]}{{"n":"'$1.$i'"}}}}' >> {path}; done"""
    )
    words = [["bash", "ours.sh", str(w)] for w in range(ours)] + [["bash", "bash.sh", f"b{w}"] for w in range(theirs)]
    running = [subprocess.Popen(one, cwd=store.parent, env=clean_environment(home)) for one in words]
    packed = 0
    while any(one.poll() is None for one in running):
        packed += cli("cleanup", "run", "demo", "--yes").returncode == 0
        time.sleep(0.2)
    assert [one.returncode for one in running] == [0] * (ours + theirs)
    found = cli("events", "query", "demo", "--limit", "0", "--format", "jsonl", check=True).stdout.splitlines()
    counted = [json.loads(one)["data"]["n"] for one in found if '"ours"' in one or '"bash"' in one]
    wanted = [f"{w}.{i}" for w in range(ours) for i in range(1, 21)]
    wanted += [f"b{w}.{i}" for w in range(theirs) for i in range(1, 201)]
    assert sorted(counted) == sorted(wanted)
    assert packed
    assert len(list((store / "state/events/.segments/demo").glob("*.seal"))) > 10
    assert "sound" in cli("events", "verify", "demo", check=True).stdout


def _found(store: FileStore) -> dict[str, str]:
    return {one.id: one.severity for one in store.health() if one.check in ("segments", "leftovers")}


def test_doctor_names_what_is_wrong_with_sealed_parts_and_the_rest_is_read(files: FileStore) -> None:
    fill(files, 40)
    assert _found(files) == {"segments.sound": "ok", "leftovers.sound": "ok"}
    plain = sorted(folder(files).glob("*.jsonl"))
    seal = plain[1].with_suffix(".seal")
    origin = Path(files.path) / "state/events/.origins"
    origin.mkdir()

    def spoil(path: Path, raw: bytes | None, wanted: str) -> None:
        before = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        if raw is not None:
            path.write_bytes(raw)
        assert _found(files)[wanted] == "error", wanted
        assert events.log(files, "demo", [("still", b"{}")]).sequence
        parser = query.Parser()
        assert len(list(query.query(files, "demo", Filter("still", limit=1), parser))) == 1
        if wanted in ("segments.missing", "segments.cut"):
            with pytest.raises(MilestoneError) as caught:
                lines(files)
            assert caught.value.code == "damaged"
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)

    raw = plain[1].read_bytes()
    spoil(plain[1], raw[:-10], "segments.cut")
    spoil(plain[1], None, "segments.missing")
    spoil(seal, seal.read_bytes().replace(b'"first":', b'"First":'), "segments.seal")
    spoil(origin / "demo.json", b"{}", "segments.origin")
    late = plain[1].open("ab")
    late.write((BASH % '{"late":1}').encode())
    late.close()
    (folder(files) / ".next.tmp").write_bytes(b"")
    found = list(files.health())
    assert {"segments.late", "leftovers.temporary"} <= {one.id for one in found}
    assert [one.repair() for one in found if one.repair and one.check in ("segments", "leftovers")]
    assert _found(files) == {"segments.sound": "ok", "leftovers.sound": "ok"}
    files.pack("demo", 5)
    packed = sorted(folder(files).glob("*.gz"))
    spoil(packed[1], packed[1].read_bytes()[:-3], "segments.cut")
    plain[1].write_bytes(raw)  # who compressed it was killed before the last step
    repairs = [one for one in files.health() if one.check == "segments"]
    assert [one.id for one in repairs] == ["segments.twice"]
    assert repairs[0].repair
    assert repairs[0].repair()
    assert _found(files)["segments.sound"] == "ok"
    report = verify(files, "demo")
    assert (report.foreign, report.ok) == (1, True)


def calls(cli_words: list[str], place: Path, home: Path) -> dict[str, int]:
    """How often a command makes each system call that touches the log's files, and how many bytes it reads there."""
    trace = place / "trace"
    subprocess.run(
        ["strace", "-f", "-y", "-o", str(trace), "-e", "trace=openat,pread64,pwrite64,write,fdatasync,fsync,flock",
         str(MILESTONE), *cli_words],
        cwd=place, env=clean_environment(home), check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    found: dict[str, int] = {}
    for line in trace.read_text().splitlines():
        name, is_log = line.partition(" ")[2].strip().partition("(")[0], "state/events" in line
        if is_log and name.isidentifier():
            found[name] = found.get(name, 0) + 1
    return found


@pytest.mark.parametrize(
    "count", [20_000, pytest.param(10_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])]
)
def test_what_a_command_does_does_not_grow_with_the_log(count: int, store: Path, cli: Cli, home: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    commands = {
        "append": ["events", "log", "demo", "t"],
        "last": ["events", "query", "demo", "--limit", "5"],
        "since": ["events", "query", "demo", "--since", "{moment}", "--limit", "5"],
    }
    size = count * 300 // 60
    (store / "config.yaml").write_text(f"segment_size: {size}\n")
    seen: dict[str, list[dict[str, int]]] = {name: [] for name in commands}
    logged = 0
    for upto in (count // 25, count):
        while logged < upto:
            many = min(count // 25, 100_000, upto - logged)
            lines_ = '{"event_type":"used","data":{"tool":"Edit","n":12345678}}\n' * many
            cli("events", "log", "demo", "--batch", input=lines_, check=True, timeout=600)
            logged += many
        moment = json.loads(cli("events", "query", "demo", "--limit", "1", "--format", "jsonl").stdout)["timestamp"]
        for name, words in commands.items():
            seen[name].append(calls([word.format(moment=moment) for word in words], store.parent, home))
    parts = len(list((store / "state/events/.segments/demo").glob("*.seal")))
    assert parts > 20
    assert seen["append"][0] == seen["append"][1], seen["append"]
    for name in ("last", "since"):
        few, many_ = (sum(one.values()) for one in seen[name])
        assert many_ <= few + 40, (name, seen[name])  # a bisection takes a few more looks, each part opened a file


def test_a_clean_up_of_bash_rewrites_the_last_part_and_that_is_one_finding(files: FileStore) -> None:
    for _ in range(2):
        fill(files, 26)
        events.log(files, "demo", [("pad", b'{"x":"%s"}' % (b"x" * BOUND))])
        fill(files, 6)
        kept = [json.dumps(json.loads(line)) + "\n" for line in bash_file(files).read_bytes().splitlines()[2:]]
        new = bash_file(files).with_name("new")
        new.write_text("".join(kept))
        new.rename(bash_file(files))
        assert len(kept) == 4
        for _ in range(2):
            report = verify(files, "demo")
            assert report.ok
            assert {one.code for one in report.findings} <= {
                "rewritten_outside", "history_incomplete", "events_lost_outside", "changed_outside",
            }  # fmt: skip
            assert sum(one.code == "rewritten_outside" for one in report.findings) == 1
            fill(files, 3)


def test_a_clean_up_records_what_bash_did_before_it_moves_the_log_on(cli: Cli, store: Path) -> None:
    for number in range(8):
        cli("events", "log", "demo", f"e{number}", check=True)
    write_anew(store / "state/events/milestone-demo.jsonl", lose=1)
    cli("cleanup", "run", "demo", "--older-than", "0", "--yes", check=True)
    assert "sound" in cli("events", "verify", "demo", check=True).stdout


def test_a_part_that_cannot_be_read_costs_no_descriptor(files: FileStore) -> None:
    fill(files, 60)
    trimming.pack(files, "demo", 5.0)
    seal = min(folder(files).glob("*.seal"))
    seal.write_text("{")

    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = opened()
    for _ in range(3):
        with pytest.raises(MilestoneError):
            list(files.scan("demo"))
    assert opened() == before


def test_what_a_log_without_a_state_needs_is_known_without_reading_it(
    files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.log(files, "demo", [("tick", b"{}")])

    def scan(*_: object, **__: object) -> Iterator[tuple[int, bytes]]:
        raise AssertionError("it was read")

    monkeypatch.setattr(FileStore, "scan", scan)
    assert expiry.needed(files, "demo", set()) is None
