"""Row A12: the bash utilities and `milestone` on one store: each reads and waits for the other.

Everything runs with the stand-in of tests/bash, and again with the functions of the document that
MILESTONE_REFERENCE points to. Both rewrite logs and copy over files in place; that is their nature, and what
`milestone` has to live with.
"""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from bash_utilities import (
    REFERENCE_NAMES,
    STAND_IN,
    STAND_IN_NAMES,
    BashUtilities,
    reference_document,
    reference_functions,
)
from conftest import MILESTONE, Cli, clean_environment

NO_WAIT = 4.0  # seconds; a slow machine's command is quicker, and an unowned lock is broken after 5
TEXT = '{"n": 1, "price": 1.10, "name": "é", "big": 123456789012345678901234567890}'


@pytest.fixture(params=["stand-in", "reference"])
def bash(request: pytest.FixtureRequest, tmp_path: Path) -> BashUtilities:
    """Bash utilities that work in the test's directory."""
    if request.param == "stand-in":
        return BashUtilities(STAND_IN, STAND_IN_NAMES, tmp_path)
    document = reference_document()
    if document is None:
        # Without the document there is nothing to run; where it is at hand, .ci/run sets the variable.
        pytest.skip("impossible here: MILESTONE_REFERENCE points to no reference document")
    return BashUtilities(reference_functions(document, tmp_path / "functions.sh"), REFERENCE_NAMES, tmp_path)


@pytest.fixture
def frozen_save(tmp_path: Path, home: Path, store: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A `milestone state save` of 4 MB, stopped by a signal while it holds the lock of `demo`."""
    document = tmp_path / "large.json"
    document.write_text(json.dumps({"filler": "x" * 4_000_000}))
    lock = store / "state/.locks/demo.lock"
    for _ in range(50):
        process = subprocess.Popen(
            [str(MILESTONE), "state", "save", "demo", f"@{document}"],
            cwd=tmp_path, env=clean_environment(home), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        while not (lock / "acquired").exists() and process.poll() is None:
            pass
        process.send_signal(signal.SIGSTOP)
        if (lock / "acquired").exists() and process.poll() is None:
            break
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
    else:
        pytest.fail("no save could be stopped while it held the lock")
    yield process
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)


def events(cli: Cli, *args: str) -> list[dict[str, Any]]:
    """The events of `demo`, all of them."""
    done = cli("events", "query", "demo", "--limit", "0", "--format", "json", *args, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["events"]
    return found


# --- each reads what the other writes


def test_bash_loads_what_milestone_saves(bash: BashUtilities, cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", TEXT, check=True)
    printed = bash.run("{load} demo")
    assert json.loads(printed) == json.loads(TEXT)
    assert cli("state", "load", "demo", check=True).stdout.rstrip("\n") == TEXT
    cli("events", "verify", "demo", check=True)


def test_bash_reads_the_log_that_milestone_writes(bash: BashUtilities, cli: Cli, store: Path) -> None:
    cli("events", "log", "demo", "note", '{"text": "é"}', check=True)
    shown = json.loads(bash.run("{timeline} demo json"))
    assert [event["data"] for event in shown if event.get("event_type") == "note"] == [{"text": "é"}]
    if "query" in bash.names:  # its filter reads standard input, and needs its spelling of the key
        found = bash.run("{query} demo note < .milestones/state/events/milestone-demo.jsonl")
        assert '"event_type":"note"' in found


def test_milestone_reads_what_bash_writes(bash: BashUtilities, cli: Cli) -> None:
    bash.run('{init} demo && {save} demo "$1" && {log} demo note \'{"a": 1}\'', TEXT)
    assert cli("state", "load", "demo", check=True).stdout.rstrip("\n") == TEXT
    assert cli("state", "get", "demo", "price", check=True).stdout == "1.10\n"
    assert [event["data"] for event in events(cli, "--type", "note")] == [{"a": 1}]
    cli("events", "verify", "demo", check=True)
    cli("state", "set", "demo", "n=2", check=True)
    assert json.loads(bash.run("{load} demo"))["n"] == 2
    cli("events", "verify", "demo", check=True)


def test_a_save_of_bash_is_adopted_and_counts(bash: BashUtilities, cli: Cli, store: Path) -> None:
    first = json.loads(cli("state", "save", "demo", TEXT, "--format", "json", check=True).stdout)
    bash.run('{save} demo "$1"', '{"n": 5}')
    stale = cli("state", "save", "demo", "{}", "--if-revision", str(first["revision"]))
    assert stale.returncode == 4, stale.stderr
    assert cli("state", "load", "demo", check=True).stdout.strip() == '{"n": 5}'
    second = json.loads(cli("state", "set", "demo", "n=6", "--format", "json", check=True).stdout)
    assert second["revision"] == first["revision"] + 2
    before = cli("state", "load", "demo", "--revision", str(first["revision"] + 1), check=True)
    assert before.stdout.strip() == '{"n": 5}'
    cli("events", "verify", "demo", check=True)


def test_the_session_of_bash_is_ours(bash: BashUtilities, cli: Cli, store: Path) -> None:
    session = bash.run("{session} demo").split()[-1]
    cli("events", "log", "note", check=True)  # the milestone is the session's
    assert events(cli, "--type", "note")[0]["session_id"] == session
    assert [event["event_type"] for event in events(cli, "--session", session)] == ["session_created", "note"]
    bash.run("{end}")
    cli("events", "log", "demo", "later", check=True)
    assert events(cli, "--type", "later")[0]["session_id"] == "no-session"
    cli("events", "verify", "demo", check=True)


# --- the lock


def test_milestone_waits_for_bash(bash: BashUtilities, cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", TEXT, check=True)
    holder = bash.start("{lock} demo; sleep 3; {unlock} demo")
    while not (store / "state/.locks/demo.lock/acquired").exists():
        time.sleep(0.01)
    late = cli("state", "save", "demo", '{"n": 2}', "--lock-timeout", "0.5", "--format", "json")
    assert late.returncode == 7, late.stderr
    error = json.loads(late.stderr)
    error = error.get("error", error)
    assert error["code"] == "lock_timeout"
    assert str(holder.pid) in error["message"] + json.dumps(error.get("details", {}))
    assert cli("state", "load", "demo", check=True).stdout.rstrip("\n") == TEXT  # a reader does not wait
    assert holder.poll() is None
    cli("state", "save", "demo", '{"n": 3}', check=True)
    holder.communicate(timeout=30)
    assert holder.returncode == 0
    assert cli("state", "get", "demo", "n", check=True).stdout == "3\n"


def test_bash_waits_for_milestone(
    bash: BashUtilities, cli: Cli, store: Path, frozen_save: subprocess.Popen[bytes]
) -> None:
    assert "ERROR" in bash.run("{lock} demo 2", check=False)
    late = cli("state", "set", "demo", "n=2", "--lock-timeout", "0.5")
    assert late.returncode == 7, late.stderr
    assert str(frozen_save.pid) in late.stderr
    frozen_save.send_signal(signal.SIGCONT)
    assert frozen_save.wait(timeout=60) == 0
    bash.run('{save} demo "$1"', '{"n": 5}')
    assert cli("state", "get", "demo", "n", check=True).stdout == "5\n"


def test_a_dead_holder_is_taken_over_at_once(bash: BashUtilities, cli: Cli, store: Path) -> None:
    bash.run("{lock} demo > /dev/null; kill -KILL $$", check=False)
    assert (store / "state/.locks/demo.lock/pid").exists()
    started = time.monotonic()
    cli("state", "save", "demo", TEXT, check=True)
    assert time.monotonic() - started < NO_WAIT
    assert not (store / "state/.locks/demo.lock").exists()
    cli("events", "verify", "demo", check=True)


def test_a_writer_that_died_between_two_steps(bash: BashUtilities, cli: Cli, store: Path) -> None:
    lock = store / "state/.locks/demo.lock"
    lock.mkdir()
    assert cli("state", "save", "demo", TEXT, "--lock-timeout", "1").returncode == 7
    cli("state", "save", "demo", TEXT, check=True)  # broken after 5 s unchanged, well before the 30 s of bash
    assert not lock.exists()


def test_a_live_holder_keeps_an_old_lock(bash: BashUtilities, cli: Cli, store: Path) -> None:
    old = "2001-02-03T04:05:06Z"
    holder = bash.start(f"{{lock}} demo; echo {old} > .milestones/state/.locks/demo.lock/acquired; sleep 60")
    acquired = store / "state/.locks/demo.lock/acquired"
    while not acquired.exists() or old not in acquired.read_text():
        time.sleep(0.01)
    try:
        assert cli("state", "save", "demo", TEXT, "--lock-timeout", "1").returncode == 7
    finally:
        holder.kill()
        holder.communicate()


# --- checkpoints, recovery, clean-up


def test_bash_restores_a_checkpoint(bash: BashUtilities, cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", TEXT, check=True)
    bash.run("{checkpoint} demo before")
    two = json.loads(cli("state", "set", "demo", "n=2", "--format", "json", check=True).stdout)["revision"]
    bash.run("{restore} demo before")
    assert cli("state", "load", "demo", check=True).stdout.rstrip("\n") == TEXT
    done = json.loads(cli("state", "set", "demo", "n=3", "--format", "json", check=True).stdout)
    assert done["revision"] == two + 2  # the restore is a revision of its own, and none is used twice
    for revision, n in ((two - 1, 1), (two, 2), (two + 1, 1), (two + 2, 3)):
        shown = cli("state", "load", "demo", "--revision", str(revision), check=True).stdout
        assert json.loads(shown)["n"] == n
    cli("events", "verify", "demo", check=True)


def test_bash_recovers_from_a_backup_of_milestone(bash: BashUtilities, cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", TEXT, check=True)
    cli("state", "set", "demo", "n=2", check=True)
    (store / "state/active/demo.json").write_text('{"half": ')
    bash.run("{recover} demo")
    assert cli("state", "get", "demo", "n", check=True).stdout == "1\n"
    cli("state", "set", "demo", "n=3", check=True)
    cli("events", "verify", "demo", check=True)


def test_milestone_recovers_from_a_backup_of_bash(bash: BashUtilities, cli: Cli, store: Path) -> None:
    bash.run('{save} demo "$1" && sleep 1 && {save} demo "$2"', TEXT, '{"n": 2}')
    active = store / "state/active/demo.json"
    active.write_text('{"half": ')
    done = cli("state", "load", "demo", check=True)
    assert json.loads(done.stdout) in (json.loads(TEXT), {"n": 2})
    assert done.stderr
    kept = [path for path in store.rglob("*") if path.is_file() and path.read_bytes() == b'{"half": ']
    assert kept, "the damaged file was not kept"
    cli("state", "set", "demo", "n=3", check=True)
    cli("events", "verify", "demo", check=True)


def test_a_clean_up_of_bash_is_named_and_lived_with(bash: BashUtilities, cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", TEXT, check=True)
    for number in range(5):
        cli("events", "log", "demo", "note", f'{{"number": {number}, "text": "é"}}', check=True)
    bash.run("{clean} demo 7")
    named = cli("events", "verify", "demo", "--format", "json")
    assert named.returncode in (0, 6), named.stderr
    assert named.stdout.count("rewritten") >= 1
    assert [event["data"]["number"] for event in events(cli, "--type", "note")] == [0, 1, 2, 3, 4]
    cli("state", "set", "demo", "n=2", check=True)
    after = cli("events", "verify", "demo", "--format", "json", check=True)
    assert "rewritten" in after.stdout
    cli("events", "log", "demo", "note", check=True)
    cli("events", "verify", "demo", check=True)


# --- many at once


def work_beside(bash: BashUtilities, cli: Cli, script: str, rounds: int) -> tuple[dict[tuple[int, int], int], set[str]]:
    """Eight savers and eight loggers while bash runs a script until they are done.

    Hands back what was acknowledged: the revision of each (saver, round), and the ids of the events.
    """

    def save(worker: int) -> dict[tuple[int, int], int]:
        acknowledged = {}
        for turn in range(rounds):
            done = cli("state", "set", "demo", f"saver{worker}={turn}", "--format", "json", check=True, timeout=120)
            acknowledged[worker, turn] = json.loads(done.stdout)["revision"]
        return acknowledged

    def log(worker: int) -> set[str]:
        acknowledged = set()
        for turn in range(rounds):
            data = json.dumps({"worker": worker, "turn": turn})
            done = cli("events", "log", "demo", "work", data, "--format", "json", check=True, timeout=120)
            acknowledged.add(json.loads(done.stdout)["event_id"])
        return acknowledged

    other = bash.start(f"while [ ! -e finished ]; do {script}; done")
    with ThreadPoolExecutor(16) as pool:
        saves = [pool.submit(save, worker) for worker in range(8)]
        logs = [pool.submit(log, worker) for worker in range(8)]
    (bash.directory / "finished").touch()
    other.communicate(timeout=120)
    revisions = {key: revision for done in saves for key, revision in done.result().items()}
    return revisions, set().union(*(done.result() for done in logs))


@pytest.mark.timeout(600)
def test_eight_savers_and_loggers_beside_bash(bash: BashUtilities, cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "{}", check=True)
    large = "x" * 9000
    bash.run("true")
    script = f'{{log}} demo theirs \'{{"large": "{large}"}}\'; {{save}} demo \'{{"by": "bash"}}\'; sleep 0.1'
    revisions, acknowledged = work_beside(bash, cli, script, 6)
    assert len(set(revisions.values())) == 48, "a revision was given twice"
    for (worker, turn), revision in revisions.items():
        shown = json.loads(cli("state", "load", "demo", "--revision", str(revision), check=True).stdout)
        assert shown[f"saver{worker}"] == turn
    found = [event["event_id"] for event in events(cli, "--type", "work")]
    assert sorted(found) == sorted(acknowledged)
    cli("state", "set", "demo", "end=1", check=True)
    cli("events", "verify", "demo", check=True)


@pytest.mark.timeout(600)
def test_what_a_rewriting_loses_is_named(bash: BashUtilities, cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "{}", check=True)
    revisions, acknowledged = work_beside(bash, cli, "{clean} demo 7; sleep 0.2", 4)
    state = json.loads(cli("state", "load", "demo", check=True).stdout)
    assert state == {f"saver{worker}": 3 for worker in range(8)}
    assert len(set(revisions.values())) == 32
    cli("events", "log", "demo", "end", check=True)
    verified = cli("events", "verify", "demo", "--format", "json")
    assert verified.returncode in (0, 6), verified.stderr
    found = [event["event_id"] for event in events(cli, "--type", "work")]
    assert len(found) == len(set(found))
    assert set(found) <= acknowledged
    assert "rewritten" in verified.stdout
