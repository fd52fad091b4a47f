"""Promise 9: whatever goes wrong, the client gets exit 0 in time; nothing is lost that a disk takes, nothing twice."""

import fcntl
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import MILESTONE, Cli, clean_environment
from hooked import CLIENT, PAYLOADS, STATE, Hooks, payload
from injection import require_strace

from milestone_cli.core.hook import Turn
from milestone_cli.core.hook.facts import understand
from milestone_cli.core.hook.late import settle
from milestone_cli.errors import MilestoneError

SLOW = 20.0  # seconds that the machine may take beyond a deadline: what is waited for would take far longer
RECORDED = "PostToolUse.Bash"


@pytest.fixture
def hooks(store: Path, cli: Cli, home: Path) -> Hooks:
    cli("state", "save", "demo", json.dumps(STATE), check=True)
    found = Hooks(cli, store.parent, home)
    found.call("SessionStart.startup", session_id=CLIENT)
    return found


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The kernel's lock on a file, held by this process."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def in_time(hooks: Hooks, given: Any, *words: str, **changes: Any) -> None:
    """Call with a deadline that is too short for what is in the way."""
    began = time.monotonic()
    assert hooks.call(given, *(words or ("--deadline", "1")), **changes) == ""
    assert time.monotonic() - began < SLOW


def tool(number: int, **more: Any) -> dict[str, Any]:
    return payload(RECORDED, tool_use_id=f"toolu_{number}", duration_ms=number, session_id=CLIENT, **more)


def durations(hooks: Hooks) -> list[int]:
    return [event["data"]["duration_ms"] for event in hooks.events("tool_used")]


# what is given


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{}", b'{"hook_event_name": 1}', b"[" * 100_000, b'{"a":NaN}',
     b"\xef\xbb\xbf{}", b'{"hook_event_name":"Stop"} x', b"\0" * 5000],
)  # fmt: skip
def test_what_is_no_payload_is_told_to_doctor_alone(raw: bytes, hooks: Hooks) -> None:
    before = hooks.types()
    assert hooks.call(raw) == ""
    assert hooks.types() == before
    (problem,) = hooks.problems()
    assert (problem["what"], problem["code"]) == ("failed", "invalid_json")
    assert hooks.waiting() == []


@pytest.mark.parametrize(
    "words",
    [["--nonsense"], ["--deadline"], ["--deadline", "soon"], ["--block", "nothing"], ["extra"], ["--", "-x"],
     ["--help", "--nonsense"]],
)  # fmt: skip
def test_a_wrong_command_line_does_no_harm(words: list[str], hooks: Hooks) -> None:
    raw = (PAYLOADS / "PreToolUse.Bash.json").read_bytes()
    for line in (["hook", *words], ["--store", str(hooks.store), "hook", *words]):
        done = hooks.cli(*line, input=raw, env=hooks.environment())
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), line
    problems = hooks.problems()
    assert [one["what"] for one in problems] == ["usage"] * 2
    assert "hook " + " ".join(words) in problems[0]["message"]


def test_what_stands_before_the_command_may_be_wrong_too(hooks: Hooks) -> None:
    done = hooks.cli("--stor=x", "hook", input=b"{}", env=hooks.environment())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_help_is_still_help(hooks: Hooks) -> None:
    assert "Record an event of Claude Code" in hooks.cli("hook", "--help", check=True).stdout


def large(size: int) -> bytes:
    """A Write of so many bytes: its content comes three times, as from the real client."""
    content = 'one line of a file with "quotes" and \\ and \u00e9\n' * (size // 46)
    return json.dumps(
        payload(
            "PostToolUse.Write",
            session_id=CLIENT,
            tool_input={"file_path": "/home/user/project/n.txt", "content": content},
            tool_response={"type": "update", "filePath": "x", "content": content, "originalFile": content},
        ),
        ensure_ascii=False,
    ).encode()


@pytest.mark.parametrize("size", [100_000, 1_500_000, 17_000_000])
def test_a_large_payload_is_taken_in_by_its_ends(size: int, hooks: Hooks) -> None:
    raw = large(size)
    assert len(raw) > 2.9 * size
    assert hooks.call(raw) == ""
    event = hooks.events("tool_used")[-1]
    assert event["data"] == {"tool": "Write", "target": "n.txt", "outcome": "ok", "duration_ms": 317}
    assert event["key"] == "hook:PostToolUse:toolu_de29bd0c3d1d4adb85e13b0d"
    assert hooks.problems() == []


@pytest.mark.parametrize("raw", [b"x" * 3_000_000, b'{"a":"' + b"y" * 3_000_000, b'{"hook_event_name":"Stop","a":[[['])
def test_large_or_cut_nonsense_is_told_to_doctor(raw: bytes, hooks: Hooks) -> None:
    hooks.call(raw if len(raw) > 100 else raw + b"[" * 2_000_000)
    hooks.verify()


def test_without_a_store_nothing_happens_anywhere(tmp_path: Path, cli: Cli, home: Path) -> None:
    place = tmp_path / "nowhere"
    place.mkdir()
    hooks = Hooks(cli, place, home)
    for name in sorted(path.stem for path in PAYLOADS.glob("*.json")):
        assert hooks.call(name) == ""
    assert hooks.call(large(17_000_000)) == ""
    assert hooks.call(b"nonsense") == ""
    assert list(place.iterdir()) == list(home.iterdir()) == []


def test_an_input_that_does_not_end_is_not_waited_for(hooks: Hooks) -> None:
    command = [str(MILESTONE), "hook", "--deadline", "0.5"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=hooks.place, env=clean_environment(hooks.home),
    ) as process:  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(b'{"hook_event_name": "Stop", ')
        process.stdin.flush()
        assert process.wait(SLOW) == 0
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read() + process.stderr.read() == b""


def test_closed_streams_do_no_harm(hooks: Hooks) -> None:
    for closed in ("0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-", "1> /dev/full", "2> /dev/full"):
        line = f"'{MILESTONE}' hook --deadline 60 {closed}"
        raw = json.dumps(payload("SessionStart.compact", session_id=CLIENT)).encode()
        done = subprocess.run(
            ["bash", "-c", line], input=raw, cwd=hooks.place, env=clean_environment(hooks.home), check=False,
            capture_output=True, timeout=120,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b""), closed
    hooks.verify()


# what is in the way


def test_a_lock_held_elsewhere_is_not_waited_for_and_the_next_call_does_it_all_in_order(hooks: Hooks) -> None:
    with held(hooks.store / "state/.locks/demo.elock"):
        for number in range(3):
            in_time(hooks, tool(number))
        in_time(hooks, "SessionEnd.other", session_id=CLIENT)
        assert len(hooks.waiting()) == 4
        assert durations(hooks) == []
    problems = hooks.problems()
    assert {one["what"] for one in problems} == {"waits"}, problems
    assert {one["code"] for one in problems} <= {"lock_timeout", "store_unreachable"}
    hooks.call("SessionStart.resume", session_id=CLIENT)
    assert hooks.waiting() == []
    assert durations(hooks) == [0, 1, 2]
    late = hooks.events()[-5:]
    assert [one["event_type"] for one in late] == ["tool_used"] * 3 + ["session_ended", "session_resumed"]
    for event in late[:4]:
        assert event["data"]["occurred_at"] < event["timestamp"]
    hooks.verify()


def test_a_failure_behind_what_waits_already_is_not_told_again(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is over, another thread lets the call wait, and then the work itself sees that it cannot go on."""
    monkeypatch.setenv("HOME", str(hooks.home))
    turn = Turn(None)
    given = payload(RECORDED, session_id=CLIENT)
    turn.call, turn.path = understand(given, json.dumps(given).encode(), time.time_ns()), str(hooks.store)
    for error in (TimeoutError("there was no time for it"), MilestoneError("lock_timeout", "held by another")):
        assert settle(turn, error)
    assert [one["what"] for one in hooks.problems()] == ["waits"]
    assert len(hooks.waiting()) == 1


def test_what_comes_later_waits_behind_what_waits(hooks: Hooks) -> None:
    with held(hooks.store / "state/.locks/demo.elock"):
        in_time(hooks, tool(0))
        in_time(hooks, tool(1))
    hooks.call(tool(2))
    assert durations(hooks) == [0, 1, 2]
    assert "occurred_at" not in hooks.events("tool_used")[-1]["data"]


def test_a_transaction_that_hangs_is_not_waited_for(hooks: Hooks) -> None:
    with held(hooks.store / "state/.locks/.transactions"):
        in_time(hooks, "SessionEnd.other", session_id=CLIENT)
        in_time(hooks, "PreToolUse.Bash", session_id=CLIENT)
        assert hooks.sessions()[0]["status"] == "active"
    hooks.call("Notification.idle_prompt", session_id=CLIENT)
    assert hooks.sessions()[0]["status"] == "completed"
    assert hooks.waiting() == []
    hooks.verify()


def test_the_model_is_told_though_the_session_could_not_be_bound(hooks: Hooks) -> None:
    with held(hooks.store / "state/.locks/.transactions"):
        said = hooks.run("SessionStart.startup", "--deadline", "4", session_id="another").stdout
    assert b"Ship it." in said
    assert len(hooks.waiting()) == 1
    hooks.call("PostToolUse.Bash", session_id="another")
    assert [one["client"] for one in hooks.sessions()] == [CLIENT, "another"]
    assert hooks.sessions()[1]["source"] == "startup"
    assert len(hooks.events("session_created")) == 2


def test_twenty_wait_and_one_of_twenty_does_them(hooks: Hooks) -> None:
    with held(hooks.store / "state/.locks/demo.elock"):
        running = [hooks.start(tool(number), "--deadline", "3") for number in range(20)]
        hooks.finish(running)
    assert len(hooks.waiting()) == 20
    running = [hooks.start(tool(number)) for number in range(20, 40)]
    hooks.finish(running)
    hooks.call("SessionStart.compact", session_id=CLIENT)
    assert hooks.waiting() == []
    assert sorted(durations(hooks)) == list(range(40))
    hooks.verify()


def test_a_disk_that_hangs_ends_with_the_deadline_and_nothing_is_recorded_twice(hooks: Hooks, tmp_path: Path) -> None:
    """A tracer holds one system call up for a minute; another thread ends the hook meanwhile, and the call waits."""
    require_strace()
    for number, at in enumerate(("fdatasync", "flock", "pwrite64"), 1):
        trace = tmp_path / at
        command = [
            "strace", "-o", str(trace), "-f", "-e", f"trace={at}",
            f"--inject={at}:delay_enter=60000000:when=1", str(MILESTONE), "hook", "--deadline", "1",
        ]  # fmt: skip
        process = hooks.start(tool(number), command=command)
        began = time.monotonic()
        try:
            while not (trace.exists() and "+++ exited with 0 +++" in trace.read_text()):
                assert time.monotonic() - began < SLOW, at
                time.sleep(0.05)
            assert f"{at}(" in trace.read_text()
        finally:
            process.kill()
            process.communicate()
        assert len(hooks.waiting()) == number
    hooks.call(tool(9))
    assert durations(hooks) == [1, 2, 3, 9]
    assert hooks.waiting() == []
    hooks.verify()


def test_the_end_of_a_session_has_more_time_unless_told_otherwise(hooks: Hooks) -> None:
    """The client itself gives all its hooks 1.5 seconds there."""
    call = understand(payload("SessionEnd.other"), b"", 0)
    assert call is not None
    for deadline, times in ((None, 3.0), (0.2, 0.0), (5.0, 0.0)):
        turn = Turn(deadline)
        before = turn.left()
        turn.understood(call)
        assert (turn.left() > before * times) if times else (turn.left() <= before), deadline


# a store that is broken


def test_a_broken_store_is_made_up_for_when_it_works_again(hooks: Hooks) -> None:
    away = hooks.place / "away"
    hooks.store.rename(away)
    hooks.store.write_text("no folder")
    in_time(hooks, tool(1), "--deadline", "60")
    hooks.store.unlink()
    away.rename(hooks.store)
    (hooks.store / "state/events").rename(hooks.store / "state/moved")
    (hooks.store / "state/events").write_text("no folder")
    in_time(hooks, tool(2), "--deadline", "60")
    assert len(hooks.waiting()) == 2
    assert {one["what"] for one in hooks.problems()} == {"waits"}
    (hooks.store / "state/events").unlink()
    (hooks.store / "state/moved").rename(hooks.store / "state/events")
    hooks.call(tool(3))
    assert durations(hooks) == [1, 2, 3]
    assert hooks.waiting() == []
    hooks.verify()


@pytest.mark.parametrize("state_home", [True, False])
def test_the_state_directory_of_the_user_is_the_second_place(state_home: bool, hooks: Hooks, tmp_path: Path) -> None:
    (hooks.store / "state/events").rename(hooks.store / "state/moved")
    (hooks.store / "state/events").write_text("no folder")
    shutil.rmtree(hooks.store / "spool")
    (hooks.store / "spool").write_text("no folder either")
    other = tmp_path / "xdg"
    env = {"XDG_STATE_HOME": str(other)} if state_home else {}
    hooks.call(tool(1), env=env)
    base = other if state_home else hooks.home / ".local/state"
    (kept,) = base.glob("milestone/*/call-*")
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    (hooks.store / "state/events").unlink()
    (hooks.store / "state/moved").rename(hooks.store / "state/events")
    hooks.call(tool(2), env=env)
    assert durations(hooks) == [1, 2]
    assert list(base.glob("milestone/*/call-*")) == []


@pytest.mark.parametrize("blocks", [0, 1])
def test_a_full_disk_does_no_harm(blocks: int, hooks: Hooks) -> None:
    """With a bound of 0 not a byte can be written anywhere; with 1 KB a small new file can, and the log cannot grow."""
    raw = json.dumps(tool(1)).encode()
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f {blocks}; '{MILESTONE}' hook --deadline 60"], input=raw, cwd=hooks.place,
        check=False, env=clean_environment(hooks.home), capture_output=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len(hooks.waiting()) == blocks
    hooks.call(tool(2))
    assert durations(hooks) == ([1, 2] if blocks else [2])
    assert [path.name for path in hooks.store.rglob("*.tmp")] == []
    hooks.verify()


def test_a_store_of_somebody_else_is_left_alone(hooks: Hooks) -> None:
    if os.geteuid():
        pytest.skip("impossible here: only root can give a store away")
    os.chown(hooks.store, 12345, 12345)
    before = (hooks.store / "state/events/milestone-demo.jsonl").read_bytes()
    hooks.call(tool(1))
    assert (hooks.store / "state/events/milestone-demo.jsonl").read_bytes() == before
    os.chown(hooks.store, 0, 0)


def test_a_broken_configuration_costs_no_event(hooks: Hooks) -> None:
    (hooks.store / "config.yaml").write_text("{{{")
    hooks.call(tool(1))
    assert durations(hooks) == [1]


# what waits


def test_what_waits_and_is_no_call_is_dropped_and_told(hooks: Hooks) -> None:
    spool = hooks.store / "spool"
    for name, text in {
        "call-1": "nonsense", "call-2": "{}", "call-3": '{"event":"Nothing"}', "call-4": "[" * 3000,
        "call-5": "x" * 400_000,
    }.items():  # fmt: skip
        (spool / name).write_text(text)
    hooks.call(tool(1))
    assert durations(hooks) == [1]
    assert hooks.waiting() == []
    assert len(hooks.problems()) == 5


def test_both_places_are_bounded(hooks: Hooks) -> None:
    spool = hooks.store / "spool"
    for number in range(2000):
        (spool / f"other-{number}").touch()
    with held(hooks.store / "state/.locks/demo.elock"):
        in_time(hooks, tool(1))
        assert [path.parent != spool for path in hooks.waiting()] == [True]
    for _ in range(3):
        (spool / "problems.jsonl").write_bytes(b"{}\n" * 20_000)
        hooks.call(b"nonsense")
    assert sum(path.stat().st_size for path in spool.glob("problems*")) < 1 << 17
    hooks.call(tool(2))
    assert durations(hooks) == [1, 2]


def test_links_are_not_followed(hooks: Hooks, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched\n")
    spool = hooks.store / "spool"
    (spool / "problems.jsonl").symlink_to(victim)
    (spool / "call-1").symlink_to(victim)
    (spool / "lock").symlink_to(victim)
    hooks.call(b"nonsense")
    hooks.call(tool(1))
    assert victim.read_text() == "untouched\n"


# many at once


def test_twenty_at_once_are_all_recorded_once(hooks: Hooks) -> None:
    running = [hooks.start(tool(number)) for number in range(20)]
    running += [hooks.start(tool(number)) for number in range(20)]
    hooks.finish(running)
    assert sorted(durations(hooks)) == list(range(20))
    assert hooks.waiting() == []
    hooks.verify()


def test_twenty_at_once_with_their_own_deadline(hooks: Hooks) -> None:
    """None is late, whatever else the machine does; what is not done in 200 ms waits for the next call, once."""

    def seconds(numbers: range, *words: str, command: list[str] | None = None) -> float:
        began = time.monotonic()
        hooks.finish([hooks.start(tool(number), *words, command=command) for number in numbers])
        return time.monotonic() - began

    bare, own = [], []
    for part in range(3):
        numbers = range(20 * part, 20 * part + 20)
        bare.append(seconds(numbers, command=[sys.executable, "-c", "import sys; sys.stdin.read()"]))
        own.append(seconds(numbers, "--deadline", "0.2"))
    assert statistics.median(own) <= 0.2 + 3 * statistics.median(bare), (own, bare)
    hooks.call(tool(60))
    assert sorted(durations(hooks)) == list(range(61))
    assert hooks.waiting() == []
    hooks.verify()


def test_twenty_at_once_begin_one_session_and_make_one_checkpoint(store: Path, cli: Cli, home: Path) -> None:
    cli("state", "save", "demo", json.dumps(STATE), check=True)
    hooks = Hooks(cli, store.parent, home)
    names = ["SessionStart.startup", RECORDED, "UserPromptSubmit", "Stop", "Notification.idle_prompt"]
    running = [hooks.start(payload(name, session_id=CLIENT)) for name in names * 4]
    hooks.finish(running)
    assert len(hooks.sessions()) == 1
    once = ["session_created", "tool_used", "prompt_submitted", "notified"]
    assert sorted(hooks.types()[2:]) == sorted([*once, "checkpoint_created", "checkpoint_created"])
    (session,) = hooks.sessions()
    made = {event["data"]["reason"]: event["data"] for event in hooks.events("checkpoint_created")}
    assert made.keys() == {"periodic", "the interval has passed"}  # one of the session, and one of its milestone
    assert made["periodic"]["session_id"] == session["session_id"]
    on_disk = [
        *store.glob("state/sessions/*/checkpoints/*/checkpoint.yaml"),
        *store.glob("state/backups/*-checkpoint-*.json"),
    ]
    assert sorted(str(path.relative_to(store.parent)) for path in on_disk) == sorted(
        str(data["checkpoint_file"]) for data in made.values()
    )
    assert hooks.problems() == []
    hooks.verify()


def test_killed_at_any_moment_nothing_is_recorded_twice(hooks: Hooks) -> None:
    """The client kills a hook that takes too long; delivered again, the call is in the log once."""
    chance = random.Random(5)
    for number in range(25):
        process = hooks.start(tool(number))
        time.sleep(chance.uniform(0.01, 0.12))
        process.kill()
        process.communicate(timeout=SLOW)
        hooks.call(tool(number))
    assert durations(hooks) == list(range(25))
    hooks.verify()
