"""What the bash utilities get wrong, experiment by experiment, with `milestone` in their place.

The rows are those of the table in the project's promises; 7 and 17 are none. A row that another suite proves already is
named in `ELSEWHERE`, and a test here makes sure that it is still there.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bash_utilities import STAND_IN, STAND_IN_NAMES, BashUtilities
from conftest import BIN, MILESTONE, Cli, clean_environment

sys.path.insert(0, str(Path(__file__).parent / "faults"))
from injection import Point, record, require_strace, run_with

NO_WAIT = 4.0  # seconds; a slow machine's command is quicker, and an unowned lock is broken after 5
HOSTILE = ["'; touch pwned; '", "$(touch pwned)", "`touch pwned`", '"; touch pwned #', "a\nb", "x' or '1'='1"]
ELSEWHERE = {
    1: ["test_concurrency.py::test_fifty_processes_each_load_add_one_and_save"],
    2: ["test_bash_beside.py::test_a_live_holder_keeps_an_old_lock"],
    5: ["test_bash_beside.py::test_a_writer_that_died_between_two_steps"],
    9: ["faults/test_disk.py::test_full_disk"],
    12: ["test_bad_input.py::test_a_log_with_a_torn_tail"],
    18: ["test_bad_input.py::test_what_is_no_exact_json_is_not_saved"],
    19: ["test_bad_input.py::test_bad_names_of_milestones"],
    20: ["test_cleanup.py::test_another_milestone_is_never_touched"],
    26: ["test_bad_input.py::test_links_at_temporary_names_are_not_written_through"],
    29: ["test_state.py::test_files_are_their_owners_alone_whatever_the_umask"],
}  # fmt: skip
ROWS = set(range(1, 30)) - {7, 17}


def events(cli: Cli, *args: str) -> list[dict[str, Any]]:
    """The events of `demo` that a query finds."""
    done = cli("events", "query", "demo", "--limit", "0", "--format", "json", *args, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["events"]
    return found


def stale_lock(store: Path, acquired: str | None = "2001-02-03T04:05:06Z\n", pid: int | None = None) -> Path:
    """A lock as bash makes it; its holder is dead unless a pid is given."""
    lock = store / "state/.locks/demo.lock"
    lock.mkdir()
    if pid is None:
        with subprocess.Popen(["true"]) as dead:
            pid = dead.pid
    (lock / "pid").write_text(f"{pid}\n")
    if acquired is not None:
        (lock / "acquired").write_text(acquired)
    return lock


def point_of(store: Path, home: Path, call: str, text: str, *command: str) -> Point:
    """The last call of that name whose arguments hold a text, of a command that is run once for it."""
    trace = store.parent / "recorded"
    points = record([str(MILESTONE), *command], store.parent, clean_environment(home), trace)
    return [point for point in points if point.name.startswith(call) and text in point.text][-1]


def test_every_row_is_here() -> None:
    here = {int(match[1]) for name in globals() if (match := re.match(r"test_row_(\d+)_", name))}
    assert here | set(ELSEWHERE) == ROWS


@pytest.mark.parametrize("node", [node for nodes in ELSEWHERE.values() for node in nodes])
def test_what_is_proved_elsewhere_is_there(node: str) -> None:
    file, _, name = node.partition("::")
    assert f"\ndef {name}(" in (Path(__file__).parent / file).read_text(encoding="utf-8")


def test_row_2_a_lock_older_than_ten_minutes_of_a_dead_holder(cli: Cli, store: Path) -> None:
    stale_lock(store)
    started = time.monotonic()
    cli("state", "save", "demo", "1", check=True)
    assert time.monotonic() - started < NO_WAIT


def test_row_3_fifty_breakers_of_a_stale_lock(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "{}", check=True)
    stale_lock(store)

    def change(number: int) -> int:
        done = cli("state", "set", "demo", f"key{number}=1", "--format", "json", check=True)
        return int(json.loads(done.stdout)["revision"])

    with ThreadPoolExecutor(50) as pool:
        revisions = list(pool.map(change, range(50)))
    assert sorted(revisions) == list(range(2, 52))
    assert len(json.loads(cli("state", "load", "demo", check=True).stdout)) == 50
    assert len(events(cli, "--type", "lock_broken")) == 1
    cli("events", "verify", "demo", check=True)


def test_row_4_a_writer_between_two_steps_is_no_dead_one(cli: Cli, store: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as writer:
        lock = stale_lock(store, acquired="", pid=writer.pid)
        done = cli("state", "save", "demo", "1", "--lock-timeout", "0.5")
        writer.kill()
    assert done.returncode == 7, done.stderr
    assert (lock / "pid").exists()


def test_row_6_who_does_not_hold_a_lock_does_not_release_it(cli: Cli, store: Path, home: Path) -> None:
    cli("state", "save", "demo", '{"n": 1}', check=True)
    document = store.parent / "large.json"
    document.write_text(json.dumps({"n": 2, "filler": "x" * 4_000_000}))
    lock = store / "state/.locks/demo.lock"
    saver = frozen(["state", "save", "demo", f"@{document}"], store, home, lock)
    try:
        sibling = cli("state", "set", "demo", "n=3", "--lock-timeout", "0.5")
        assert sibling.returncode == 7, sibling.stderr
        assert (lock / "pid").read_text().strip() == str(saver.pid)
        BashUtilities(STAND_IN, STAND_IN_NAMES, store.parent).run("(:; {unlock} demo)", check=False)
        assert (lock / "pid").exists()
        # Removed by force, the kernel's lock stays, and the holder notices before it commits.
        shutil.rmtree(lock)
        assert cli("state", "set", "demo", "n=3", "--lock-timeout", "0.5").returncode == 7
    finally:
        saver.send_signal(signal.SIGCONT)
        saver.communicate(timeout=60)
    n = cli("state", "get", "demo", "n", check=True).stdout.strip()
    assert (saver.returncode, n) in {(4, "1"), (0, "2")}
    cli("events", "verify", "demo", check=True)


def test_row_6_a_parent_does_not_release_the_lock_of_its_subshell(cli: Cli, store: Path, home: Path) -> None:
    script = """
    mkfifo ready
    (milestone lock acquire demo --for-pid $BASHPID > /dev/null; echo > ready; exec sleep 60) &
    read line < ready
    milestone lock release demo; echo $?
    milestone state save demo 1 --lock-timeout 0.3; echo $?
    kill $!; wait $!
    milestone state save demo 1
    """
    environment = clean_environment(home)
    environment["PATH"] = f"{BIN}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=store.parent, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["4", "7", "demo: revision 1 saved"], done.stderr


def frozen(words: list[str], store: Path, home: Path, lock: Path) -> subprocess.Popen[bytes]:
    """A command that is stopped by a signal while it holds a lock."""
    for _ in range(50):
        process = subprocess.Popen(
            [str(MILESTONE), *words], cwd=store.parent, env=clean_environment(home),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not (lock / "acquired").exists() and process.poll() is None:
            pass
        process.send_signal(signal.SIGSTOP)
        if (lock / "acquired").exists() and process.poll() is None:
            return process
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
    pytest.fail("no command could be stopped while it held the lock")


def test_row_8_killed_before_the_rename(cli: Cli, store: Path, home: Path) -> None:
    require_strace()
    cli("state", "save", "demo", '{"n": 1}', check=True)
    point = point_of(store, home, "rename", "demo.json", "state", "save", "demo", '{"n": 1}')
    save = [str(MILESTONE), "state", "save", "demo", '{"n": 2}']
    outcome = run_with("signal=KILL", point, save, store.parent, clean_environment(home), store.parent / "trace")
    assert outcome.struck
    assert cli("state", "get", "demo", "n", check=True).stdout == "1\n"
    started = time.monotonic()
    cli("state", "set", "demo", "n=3", check=True)
    assert time.monotonic() - started < NO_WAIT
    assert not [path for path in store.rglob("*") if path.name.endswith(".tmp")]
    cli("events", "verify", "demo", check=True)


@pytest.mark.parametrize("words", [("create", "--name", "later"), ("restore", "before")], ids=["create", "restore"])
def test_row_9_a_full_disk_makes_no_empty_checkpoint_and_restores_nothing_empty(
    words: tuple[str, ...], cli: Cli, store: Path, home: Path
) -> None:
    require_strace()
    command = ["checkpoint", words[0], "demo", *words[1:]]
    cli("state", "save", "demo", '{"n": 1}', check=True)
    cli("checkpoint", "create", "demo", "--name", "before", check=True)
    cli("state", "save", "demo", '{"n": 2}', check=True)
    with_trial = store.parent / "trial"
    shutil.copytree(store, with_trial / ".milestones")
    environment = clean_environment(home)
    points = record([str(MILESTONE), *command], with_trial, environment, store.parent / "recorded")
    writes = [point for point in points if point.name == "write" and str(with_trial) in point.text]
    assert len(writes) > 3
    for number, point in enumerate(writes):
        place = store.parent / f"trial-{number}"
        shutil.copytree(store, place / ".milestones")
        outcome = run_with("error=ENOSPC+", point, [str(MILESTONE), *command], place, environment, place / "trace")
        assert outcome.struck
        n = cli("state", "get", "demo", "n", cwd=place, check=True).stdout
        # It could not even be said: what is on disk is whole, the old or, once it was in place, the new.
        assert (outcome.stdout, n in ("1\n", "2\n")) == ("", True)
        assert outcome.code != 0
        assert not (place / ".milestones/state/.locks/demo.lock").exists()
        for path in (place / ".milestones/state/backups").glob("*.json"):
            assert json.loads(path.read_text())["milestone_id"] == "demo"
        # What was committed and could not be finished is finished by now; the name is taken then.
        assert cli(*command, cwd=place).returncode in ((0,) if words[0] == "restore" else (0, 4))
        assert cli("checkpoint", "show", "demo", words[-1], "--state", cwd=place, check=True).stdout
        shown = cli("state", "get", "demo", "n", cwd=place, check=True).stdout
        assert shown == ("1\n" if words[0] == "restore" else "2\n")
        cli("events", "verify", "demo", cwd=place, check=True)


@pytest.mark.parametrize(
    ("call", "text", "code"), [("rename", "demo.json", "store_unreachable"), ("write", "demo.jsonl", "unlogged")]
)
def test_row_10_a_failure_is_no_success(call: str, text: str, code: str, cli: Cli, store: Path, home: Path) -> None:
    require_strace()
    cli("state", "save", "demo", '{"n": 1}', check=True)
    point = point_of(store, home, call, text, "state", "save", "demo", '{"n": 1}')
    save = [str(MILESTONE), "state", "save", "demo", '{"n": 2}', "--format", "json"]
    outcome = run_with("error=EIO", point, save, store.parent, clean_environment(home), store.parent / "trace")
    assert outcome.struck
    assert (outcome.code, outcome.stdout) == (8, "")
    assert json.loads(outcome.stderr)["code"] == code
    # What could not be logged is on disk, the error says so, and the next command logs it.
    assert cli("state", "get", "demo", "n", check=True).stdout == ("2\n" if code == "unlogged" else "1\n")
    cli("events", "log", "demo", "note", check=True)
    cli("state", "set", "demo", "n=3", check=True)
    cli("events", "verify", "demo", check=True)


def log_many(cli: Cli, workers: int, rounds: int, *, size: int) -> dict[int, tuple[int, int]]:
    """Log from several processes at once; data grows from 4 KB to `size` bytes.

    Returns:
        Worker and turn by the sequence number that was acknowledged.
    """
    logged: dict[int, tuple[int, int]] = {}

    def work(worker: int) -> None:
        for turn in range(rounds):
            length = 4096 + (worker * rounds + turn) * (size - 4096) // (workers * rounds)
            data = {"worker": worker, "turn": turn, "filler": "é" * (length // 2)}
            text = json.dumps(data, ensure_ascii=False)
            done = cli("events", "log", "demo", "work", "-", "--format", "json", input=text, check=True)
            logged[json.loads(done.stdout)["sequence_number"]] = (worker, turn)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    assert len(logged) == workers * rounds
    return logged


def check_many(cli: Cli, workers: int, rounds: int) -> None:
    found = [(event["data"]["worker"], event["data"]["turn"]) for event in events(cli, "--type", "work")]
    assert sorted(found) == [(worker, turn) for worker in range(workers) for turn in range(rounds)]
    cli("events", "verify", "demo", check=True)


def test_row_11_large_events_from_many_processes(cli: Cli, store: Path) -> None:
    log_many(cli, 20, 4, size=65_536)
    check_many(cli, 20, 4)


@pytest.mark.slow
def test_row_11_a_thousand_large_events(cli: Cli, store: Path) -> None:
    log_many(cli, 20, 50, size=65_536)
    check_many(cli, 20, 50)


def test_row_13_a_cleanup_of_a_log_with_a_bad_line(cli: Cli, store: Path) -> None:
    batch = "".join(f'{{"event_type": "work", "data": {{"n": {n}}}}}\n' for n in range(100))
    cli("events", "log", "demo", "--batch", input=batch, check=True)
    log = store / "state/events/milestone-demo.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:50], b"this is no event\n", *lines[50:]]))
    cli("cleanup", "run", "demo", check=True)
    assert [event["data"]["n"] for event in events(cli, "--type", "work")] == list(range(100))
    assert b"this is no event\n" in log.read_bytes()


@pytest.mark.parametrize("rounds", [25, pytest.param(75, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("older_than", "span"), [("1h", 3600.0), ("1s", 1.0), ("0", 0.0)])
def test_row_14_appends_during_cleanups(older_than: str, span: float, rounds: int, cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "1", check=True)
    finished = threading.Event()

    def clean() -> int:
        runs = 0
        while runs < 5 or not finished.is_set():
            cli("cleanup", "run", "demo", "--older-than", older_than, "--keep-last", "1", check=True)
            runs += 1
        return runs

    with ThreadPoolExecutor(5) as pool:
        cleaner = pool.submit(clean)
        try:
            logged = log_many(cli, 4, rounds, size=8192)
        finally:
            finished.set()
        assert cleaner.result() >= 5
    check_cleaned(cli, logged, span)
    if older_than == "1h":
        check_many(cli, 4, rounds)


def check_cleaned(cli: Cli, logged: dict[int, tuple[int, int]], span: float) -> None:
    """What was acknowledged is there, but for what an `events_removed` names; it was older than `span` seconds."""
    found = events(cli)
    (first, *rest) = [event["sequence_number"] for event in found]
    assert [first, *rest] == list(range(first, first + len(found)))
    there = {event["sequence_number"]: event["data"] for event in found if event["event_type"] == "work"}
    assert {number: (data["worker"], data["turn"]) for number, data in there.items()} == {
        number: work for number, work in logged.items() if number >= first
    }
    removed = [event for event in found if event["event_type"] == "events_removed"]
    assert bool(removed) == (first > 1) == (span < 60)
    assert max([event["data"]["last"] for event in removed], default=0) == first - 1
    for event in removed:
        until, when = (datetime.fromisoformat(text) for text in (event["data"]["until"], event["timestamp"]))
        assert (when - until).total_seconds() >= span
    cli("events", "verify", "demo", check=True)


@pytest.mark.parametrize("word", HOSTILE)
def test_row_15_nothing_is_executed(word: str, cli: Cli, store: Path, tmp_path: Path) -> None:
    trials = [
        ("state", "save", word, "1"),
        ("state", "load", word),
        ("events", "log", "demo", word),
        ("events", "log", "demo", "note", "--session", word),
        ("events", "log", "demo", "note", "--agent", word),
        ("events", "query", "demo", "--limit", word),
        ("events", "query", "demo", "--since", word),
        ("cleanup", "run", "demo", "--older-than", word),
        ("cleanup", "run", word),
        ("state", "save", "demo", f"@{word}"),
        ("state", "recover", "demo", "--from", word),
        ("checkpoint", "create", "demo", "--name", word),
        ("checkpoint", "restore", "demo", word),
        ("session", "use", word),
        ("session", "end", word),
        ("lock", "acquire", word),
        ("lock", "run", word, "--", "true"),
        ("--store", word, "state", "load", "demo"),
    ]
    for words in trials:
        assert cli(*words).returncode in {2, 3, 5, 8, 10}, words
    for variable in ("MILESTONE_ID", "MILESTONE_SESSION", "MILESTONE_AGENT", "MILESTONE_LOCK_TIMEOUT"):
        assert cli("events", "log", "note", env={variable: word}).returncode == 5, variable
    assert cli("events", "log", "note", env={"CLAUDE_CODE_SESSION_ID": word}).returncode == 5
    assert events(cli, "--type", word) == []
    cli("state", "set", "demo", f"a={json.dumps(word)}", check=True)
    assert json.loads(cli("state", "load", "demo", check=True).stdout) == {"a": word}
    odd = tmp_path / "it's a $(touch pwned) place"
    odd.mkdir()
    cli("init", "demo", cwd=odd, check=True)
    cli("state", "save", "demo", "1", cwd=odd, check=True)
    assert not list(tmp_path.rglob("pwned"))


def test_row_16_filters_hold_and_nothing_waits_for_input(cli: Cli, store: Path, home: Path) -> None:
    for number in range(5):
        cli("events", "log", "demo", "wanted" if number % 2 else "other", f'{{"n": {number}}}', check=True)
    read, write = os.pipe()  # standard input stays open, and nothing comes
    try:
        for words, wanted in (
            (("--type", "wanted"), [1, 3]),
            (("--type", "other", "--limit", "2"), [2, 4]),
            (("--since", "1h ago", "--type", "w*", "--limit", "1"), [3]),
            (("--until", "1h ago"), []),
        ):
            done = subprocess.run(
                [str(MILESTONE), "events", "query", "demo", *words, "--format", "json"],
                cwd=store.parent, env=clean_environment(home), stdin=read, capture_output=True, timeout=10, check=True,
            )  # fmt: skip
            assert [event["data"]["n"] for event in json.loads(done.stdout)["events"]] == wanted
        cli("state", "save", "demo", "1", check=True)
        for call in (("status",), ("state", "load"), ("state", "list"), ("events", "timeline"), ("session", "current"),
                     ("checkpoint", "create"), ("session", "create"), ("state", "undo"), ("cleanup", "run"),
                     ("events", "log", "note")):  # fmt: skip
            subprocess.run(
                [str(MILESTONE), *call], cwd=store.parent, env=clean_environment(home), stdin=read,
                capture_output=True, timeout=10, check=call != ("state", "undo"),
            )  # fmt: skip
    finally:
        os.close(read)
        os.close(write)


def test_row_18_a_text_cannot_close_the_envelope(cli: Cli, store: Path) -> None:
    for text in ('{"a": 1}, "milestone_id": "other"', '{"a": 1}}', '1, "revision": 99', "NaN", '{"a": Infinity}'):
        assert cli("state", "save", "demo", text).returncode == 5
    assert not (store / "state/active/demo.json").exists()
    text = '{"milestone_id": "other", "state": {"revision": 99}, "revision": 98}'
    cli("state", "save", "demo", text, check=True)
    envelope = json.loads((store / "state/active/demo.json").read_text())
    assert (envelope["milestone_id"], envelope["revision"]) == ("demo", 1)
    assert cli("state", "load", "demo", check=True).stdout.strip() == text


def test_row_19_an_id_leads_nowhere(cli: Cli, store: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    for name in ("../up", "..", "a/../../up", "/etc/up", "a/b"):
        for words in (("state", "save", name, "1"), ("events", "log", name, "note"), ("cleanup", "run", name),
                      ("init", name), ("checkpoint", "create", "demo", "--name", name), ("session", "use", name),
                      ("lock", "acquire", name), ("state", "complete", name)):  # fmt: skip
            assert cli(*words).returncode == 5, (words, name)
    assert sorted(tmp_path.rglob("*")) == before


def test_row_21_a_neighbours_data_is_never_taken(cli: Cli, store: Path) -> None:
    for number in range(3):
        cli("state", "save", "demo-b", f'{{"n": {number}}}', check=True)
    active = store / "state/active/demo.json"
    active.write_text('{"half": ')
    done = cli("state", "load", "demo")
    assert (done.returncode, done.stdout) == (6, "")
    assert active.read_text() == '{"half": '
    assert cli("state", "save", "demo", "1").returncode == 6
    assert cli("state", "get", "demo-b", "n", check=True).stdout == "2\n"


def test_row_22_ten_saves_in_one_second_are_ten(cli: Cli, store: Path) -> None:
    for number in range(10):
        cli("state", "save", "demo", f'{{"n": {number}}}', check=True)
    backups = sorted((store / "state/backups").glob("demo-*.json"), key=lambda path: int(path.stem.rpartition("-r")[2]))
    assert [json.loads(path.read_text())["state"]["n"] for path in backups] == list(range(9))


def test_row_23_a_list_is_a_state(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "[]", check=True)
    done = cli("state", "load", "demo", "--record-access", check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
    assert len(events(cli, "--type", "state_loaded")) == 1
    (store / "state/active/demo.json").write_text("[]")
    done = cli("state", "load", "demo", "--record-access", check=True)
    assert done.stdout.strip() == "[]"
    assert "recovered" in done.stderr  # a file that is no envelope is damage, and is said to be


def test_row_24_the_timeline_after_init(cli: Cli, store: Path) -> None:
    done = cli("events", "timeline", "demo", check=True)
    assert "state_initialized" in done.stdout
    assert done.stderr == ""
    bash = BashUtilities(STAND_IN, STAND_IN_NAMES, store.parent)
    bash.run("{init} bare")
    assert "initialized" in cli("events", "timeline", "bare", check=True).stdout


def test_row_25_readers_during_restores(cli: Cli, store: Path) -> None:
    texts = [json.dumps({"n": n, "filler": str(n) * 300_000}) for n in (1, 2)]
    for n, text in enumerate(texts, 1):
        cli("state", "save", "demo", "-", input=text, check=True)
        cli("checkpoint", "create", "demo", "--name", f"state-{n}", check=True)
    finished = threading.Event()

    def read() -> set[str]:
        seen = set()
        while not finished.is_set():
            seen.add(cli("state", "load", "demo", check=True).stdout)
        return seen

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        try:
            for turn in range(10):
                cli("checkpoint", "restore", "demo", f"state-{turn % 2 + 1}", check=True)
        finally:
            finished.set()
    seen = set().union(*(reader.result() for reader in readers))
    assert {text.strip() for text in seen} <= set(texts)
    cli("events", "verify", "demo", check=True)


def test_row_25_killed_in_a_restore(cli: Cli, store: Path, home: Path) -> None:
    require_strace()
    cli("state", "save", "demo", '{"n": 1}', check=True)
    cli("checkpoint", "create", "demo", "--name", "before", check=True)
    cli("state", "save", "demo", '{"n": 2}', check=True)
    restore = [str(MILESTONE), "checkpoint", "restore", "demo", "before"]
    trial = store.parent / "trial"
    shutil.copytree(store, trial / ".milestones")
    environment = clean_environment(home)
    points = record(restore, trial, environment, store.parent / "recorded")
    last = ("write", "rename", "renameat", "renameat2", "fsync", "fdatasync", "linkat", "link")
    struck = [point for point in points if point.name in last and str(trial) in point.text][::3]
    assert any("demo.json" in point.text for point in struck)
    for number, point in enumerate(struck):
        place = store.parent / f"trial-{number}"
        shutil.copytree(store, place / ".milestones")
        outcome = run_with("signal=KILL", point, restore, place, environment, place / "trace")
        assert outcome.struck, point
        started = time.monotonic()
        assert cli("state", "get", "demo", "n", cwd=place, check=True).stdout in ("1\n", "2\n")
        cli("checkpoint", "restore", "demo", "before", cwd=place, check=True)
        assert time.monotonic() - started < NO_WAIT
        assert cli("state", "get", "demo", "n", cwd=place, check=True).stdout == "1\n"
        cli("events", "verify", "demo", cwd=place, check=True)


def test_row_27_sessions_are_kept_apart(cli: Cli, store: Path) -> None:
    def begin(**env: str) -> str:
        return str(cli("session", "create", "demo", env=env, check=True).stdout.strip())

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: begin(), range(8)))
    assert len(set(made)) == 8
    first, second = begin(), begin()
    cli("session", "end", first, check=True)
    assert cli("session", "current", check=True).stdout.strip() == second
    one, other = {"CLAUDE_CODE_SESSION_ID": "client-1"}, {"CLAUDE_CODE_SESSION_ID": "client-2"}
    of_one, of_other = begin(**one), begin(**other)
    cli("session", "end", env=one, check=True)
    assert cli("session", "current", env=other, check=True).stdout.strip() == of_other
    assert cli("session", "current", check=True).stdout.strip() == second
    statuses = {name: json.loads((store / f"state/sessions/{name}.json").read_text())["status"] for name in made}
    assert set(statuses.values()) == {"active"}
    assert json.loads((store / f"state/sessions/{of_one}.json").read_text())["status"] == "completed"


def test_row_27_a_branch_named_with_a_quote(cli: Cli, store: Path) -> None:
    (store.parent / ".git").mkdir()
    (store.parent / ".git/HEAD").write_text('ref: refs/heads/a"b\n')
    (store.parent / ".git/objects").mkdir()
    (store.parent / ".git/refs").mkdir()
    name = cli("session", "create", "demo", check=True).stdout.strip()
    assert json.loads((store / f"state/sessions/{name}.json").read_text())["git_branch"] == 'a"b'


def test_row_28_a_line_feed_forges_nothing_and_no_escape_is_stored(cli: Cli, store: Path) -> None:
    forged = '{"timestamp":"2026-01-01T00:00:00Z","milestone_id":"demo","event_type":"forged","data":{}}'
    for type_ in (f"a\n{forged}", "a\x1b[2J", "a\tb"):
        assert cli("events", "log", "demo", type_).returncode == 5
    assert cli("events", "log", "demo", "note", f'{{"text": "x\n{forged}"}}').returncode == 5
    data = {"text": f"x\n{forged}\x1b[2J\x9b31m"}
    cli("events", "log", "demo", "note", json.dumps(data), check=True)
    assert [event["data"] for event in events(cli, "--type", "note")] == [data]
    assert events(cli, "--type", "forged") == []
    raw = (store / "state/events/milestone-demo.jsonl").read_bytes()
    assert b"\x1b" not in raw
    for command in ("timeline", "query"):
        shown = cli("events", command, "demo", check=True).stdout
        assert "\x1b" not in shown
        assert "\x9b" not in shown


def test_row_29_a_save_is_one_process_that_syncs(cli: Cli, store: Path, home: Path) -> None:
    require_strace()
    cli("state", "save", "demo", "1", check=True)
    points = record(
        [str(MILESTONE), "state", "save", "demo", "2"], store.parent, clean_environment(home), store.parent / "trace"
    )
    names = [point.name for point in points]
    assert names.count("execve") == 1
    assert not {"clone", "clone3", "fork", "vfork"} & set(names)
    rename = next(i for i, point in enumerate(points) if point.name.startswith("rename") and "active" in point.text)
    assert any(point.name == "fsync" and ".tmp" in point.text for point in points[:rename])
    assert any(point.name == "fsync" and "state/active>" in point.text for point in points[rename:])
    assert any(point.name in ("fsync", "fdatasync") and ".jsonl" in point.text for point in points[rename:])
