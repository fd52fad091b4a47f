"""`milestone cache run`: a command runs once for the same question, and nobody can tell the difference afterwards."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import MILESTONE, Cli, clean_environment

from milestone_cli.core.cache.opening import open_cache
from milestone_cli.core.cache.recorder import Recorder
from milestone_cli.storage.files import FileStore

COUNTED = "echo run >> {0}/runs; "
"""Begins a script that tells how often it ran."""


class Runner:
    """Runs scripts by `cache run` in one store, and counts how often they really ran."""

    def __init__(self, cli: Cli, place: Path, home: Path) -> None:
        self.cli, self.place, self.home = cli, place, home

    def command(self, script: str, *options: str) -> list[str]:
        return ["cache", "run", "--explain", *options, "--", "sh", "-c", COUNTED.format(self.place) + script]

    def __call__(
        self, script: str, *options: str, stdin: bytes = b"", cwd: Path | None = None, **env: str
    ) -> "subprocess.CompletedProcess[bytes]":
        return self.cli(*self.command(script, *options), input=stdin, cwd=cwd, env=env)

    def start(self, script: str, *options: str) -> "subprocess.Popen[bytes]":
        """The same without waiting for it."""
        return self.popen(self.command(script, *options))

    def popen(self, words: list[str], stderr: int = subprocess.PIPE) -> "subprocess.Popen[bytes]":
        """The same with words of one's own."""
        return subprocess.Popen(
            [str(MILESTONE), *words], cwd=self.place, env=clean_environment(self.home),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
        )  # fmt: skip

    def shell(self, line: str) -> "subprocess.CompletedProcess[bytes]":
        """What a shell makes of a line."""
        words, env = ["bash", "-c", line], clean_environment(self.home)
        return subprocess.run(words, cwd=self.place, env=env, capture_output=True, timeout=60, check=True)

    def runs(self) -> int:
        """How often scripts have run since this was last asked."""
        file = self.place / "runs"
        count = len(file.read_text().splitlines()) if file.exists() else 0
        file.unlink(missing_ok=True)
        return count

    def await_run(self) -> None:
        """Wait until a script runs."""
        deadline = time.monotonic() + 30
        while not (self.place / "runs").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def runner(cli: Cli, store: Path, tmp_path: Path, home: Path) -> Runner:
    return Runner(cli, tmp_path, home)


def test_what_it_wrote_is_written_again_to_the_byte(runner: Runner, tmp_path: Path) -> None:
    script = r"printf 'a\0\377'; sleep 0.1; echo e1 >&2; sleep 0.1; printf 'b\r\n'; sleep 0.1; echo e2 >&2; cat"
    first, second = runner(script, stdin=b"unread"), runner(script, stdin=b"unread")
    for done, told in ((first, b"cache miss: no earlier run of this command is known"), (second, b"cache hit: it ran")):
        assert done.returncode == 0
        assert done.stdout == b"a\0\xffb\r\n"
        said, *rest = done.stderr.splitlines()
        assert said.startswith(b"milestone: " + told)
        assert rest == [b"e1", b"e2"]
    assert runner.runs() == 1
    assert asked(runner) == (1, 1)
    # Both into one pipe: the order in which they came.
    for _ in range(2):
        done = runner.shell(f"{MILESTONE} cache run -- sh -c 'echo 1; sleep 0.1; echo 2 >&2; sleep 0.1; echo 3' 2>&1")
        assert done.stdout == b"1\n2\n3\n"
    assert [path.name for path in (tmp_path / ".milestones").iterdir() if path.name.endswith(".tmp")] == []
    assert [path.name for path in (tmp_path / ".milestones/cache/indexes").iterdir() if "running" in path.name] == []


def asked(runner: Runner, agent: str | None = None) -> tuple[int, int]:
    """How often an agent was answered from the cache, and how often not; None: whoever did not say who it is."""
    told = json.loads(runner.cli("cache", "stats", "--format", "json", check=True).stdout)
    found = {one["agent"]: (one["hits"], one["misses"]) for one in told["agents"]}
    return found.get(agent, (0, 0))


def test_what_was_run_can_be_told_from_its_entries(runner: Runner, cli: Cli) -> None:
    cli("cache", "run", "--", "echo", "1", check=True)
    (row,) = cli("cache", "list", check=True).stdout.splitlines()[1:]
    assert row.endswith("  echo 1")
    assert "echo 1" in cli("cache", "stats", check=True).stdout
    refused = cli("cache", "run", "ls", "-l")
    assert "-- goes before the command that is to run: `milestone cache run -- COMMAND`" in refused.stderr
    assert runner.runs() == 0


def test_a_question_is_counted_once_and_for_the_agent_that_asks(runner: Runner) -> None:
    for _ in range(3):
        runner("echo 1", "--agent", "builder", "--ttl", "0")  # what is kept never holds
    assert runner.runs() == 3
    assert asked(runner, "builder") == (2, 1)
    assert asked(runner) == (0, 0)


def test_why_it_runs_is_said(runner: Runner, tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    for name in ("a.py", "b.py"):
        (source / name).write_text(name)
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho run >> runs; echo $LANG\n")
    tool.chmod(0o755)
    base = ("--input", "src/*.py", "--env", "LANG")

    def explained(*words: str, lang: str = "C", cwd: Path = tmp_path) -> tuple[int, str]:
        done = runner.cli("cache", "run", "--explain", *words, env={"LANG": lang}, cwd=cwd)
        assert done.returncode == 0, done.stderr
        (runs, text) = runner.runs(), done.stderr.replace("milestone: ", "")
        (source / "runs").unlink(missing_ok=True)
        return runs, " ".join(text.split())

    run = (*base, "--", str(tool), "x")
    assert explained(*run) == (1, "cache miss: no earlier run of this command is known")
    assert explained(*run)[0] == 0
    assert explained(*run)[1].endswith("; 2 inputs unchanged")
    (source / "a.py").write_text("A.py")
    assert explained(*run) == (1, "cache miss: input changed: src/a.py")
    (source / "c.py").write_text("")
    (source / "b.py").unlink()
    assert explained(*run) == (1, "cache miss: input is gone: src/b.py input is new: src/c.py")
    (source / "a.py").write_text("a.py")
    (source / "c.py").unlink()
    (source / "b.py").write_text("b.py")
    assert explained(*run)[0] == 0  # back to what was there before
    assert explained(*run, lang="de") == (1, "cache miss: the variable LANG changed")
    assert explained(*run[:-1], "y") == (1, "cache miss: argument 1 is 'y', not 'x'")
    assert explained(*run, "y") == (1, "cache miss: argument 2, 'y', is new")
    moved = explained("--", str(tool), "x", cwd=source)[1]
    assert f"the directory is {source}, not {tmp_path}" in moved
    tool.write_text("#!/bin/sh\necho run >> runs; echo other\n")
    assert explained(*run) == (1, f"cache miss: the program changed: {tool}")
    expired = explained("--ttl", "0", *run)[1]
    assert re.match(r"cache miss: it ran (just now|\d+s ago), and that result has expired", expired), expired
    assert explained("--refresh", *run) == (1, "cache miss: --refresh")
    assert explained(*run)[0] == 0
    runner.cli("cache", "clear", "--yes", check=True)  # what is known of commands goes too: their words may be secrets
    assert explained(*run) == (1, "cache miss: no earlier run of this command is known")
    nothing = explained("--input", "nope*", "--", "true")[1]
    assert nothing.startswith("no file is there for the input 'nope*'")


def test_what_failed_was_stopped_or_saw_its_inputs_change_is_not_kept(runner: Runner, tmp_path: Path) -> None:
    for script, code, why in (
        ("exit 3", 3, "it ended with exit code 3"),
        ("kill -9 $$", 137, "it was ended by signal 9"),
        ("exec nosuchcommand 2>/dev/null", 127, "it could not be run"),
        ("exit 200", 200, "it ended with exit code 200"),
        ("echo b > input", 0, "its inputs changed while it ran"),
    ):
        for _ in range(2):
            (tmp_path / "input").write_text("a")
            done = runner(script, "--input", "input")
            assert done.returncode == code, script
            assert f"the result is not kept: {why}" in done.stderr.decode(), script
        assert runner.runs() == 2, script
    for _ in range(2):
        done = runner("echo out; exit 3", "--cache-failures")
        assert (done.returncode, done.stdout) == (3, b"out\n")
    assert runner.runs() == 1
    assert runner("echo out; exit 3").returncode == 3  # kept, and not asked for
    assert runner.runs() == 1
    for _ in range(2):
        assert runner("cat", "--stdin", stdin=b"given").stdout == b"given"
    assert runner("cat", "--stdin", stdin=b"other").stdout == b"other"
    assert runner.runs() == 2


def test_two_at_once_run_it_once_and_the_second_takes_over_from_the_dead(runner: Runner) -> None:
    script = "sleep 0.7; echo done"
    both = [runner.start(script) for _ in range(2)]
    told = [one.communicate(timeout=60) for one in both]
    assert [one[0] for one in told] == [b"done\n"] * 2
    assert runner.runs() == 1
    assert sum(b"runs it already: waiting for its result" in one[1] for one in told) == 1
    script = "sleep 1.2; echo again"
    first = runner.start(script)
    runner.await_run()
    late = runner(script, "--timeout", "0.1")
    assert late.returncode == 7
    assert b"did not end within 0.1 s" in late.stderr
    terminal, end = pty.openpty()  # people at one are told why nothing happens, without having to ask
    words = [word for word in runner.command(script) if word != "--explain"]
    second = runner.popen(words, stderr=end)
    assert b"waiting" in os.read(terminal, 1000)
    os.close(end)
    first.kill()
    first.communicate()
    out, _ = second.communicate(timeout=60)
    os.close(terminal)
    assert (second.returncode, out) == (0, b"again\n")
    assert runner.runs() == 2
    (runner.place / "itself").write_text(f"#!/bin/sh\n{MILESTONE} cache run -- ./itself\n")
    (runner.place / "itself").chmod(0o755)
    inner = runner.cli("cache", "run", "--", "./itself")
    assert inner.returncode == 7
    assert "this command runs inside itself" in inner.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 9), (signal.SIGKILL, -9)])
def test_interrupted_leaves_no_half_entry(runner: Runner, tmp_path: Path, number: signal.Signals, code: int) -> None:
    script = "trap 'echo caught; exit 9' INT; echo half; sleep 0.8 & wait $!; echo whole"
    one = runner.start(script)
    runner.await_run()
    assert one.stdout is not None
    assert one.stdout.readline() == b"half\n"  # live, while it runs
    one.send_signal(number)
    out, _ = one.communicate(timeout=60)
    assert one.returncode == code
    assert out == (b"caught\n" if number == signal.SIGINT else b"")
    assert runner(script).stdout == b"half\nwhole\n"
    assert runner.runs() == 2
    left = {path.name for path in (tmp_path / ".milestones").rglob("*") if path.name.endswith((".tmp", ".running"))}
    assert not left


def test_a_large_output_passes_and_takes_no_memory(runner: Runner, tmp_path: Path) -> None:
    # A process of its own starts it and says how much it took: what a process had before its exec counts as its own.
    peak = "import resource, subprocess, sys; code = subprocess.call(sys.argv[2:])\n"
    peak += "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)); sys.exit(code)"
    command = [str(MILESTONE), "cache", "run", "--", "head", "-c", "50000000", "/dev/zero"]
    with open(tmp_path / "out", "wb") as out, open(tmp_path / "err", "wb") as err:
        subprocess.run(
            [sys.executable, "-c", peak, str(tmp_path / "peak"), *command], cwd=tmp_path,
            env=clean_environment(runner.home), stdout=out, stderr=err, timeout=120, check=True,
        )  # fmt: skip
    assert (tmp_path / "out").stat().st_size == 50_000_000
    assert "the result is not kept: it wrote more than 32 MB" in (tmp_path / "err").read_text()
    assert int((tmp_path / "peak").read_text()) < 60_000  # KB
    assert runner.shell(f"{MILESTONE} cache run -- yes | head -1; echo ${{PIPESTATUS[0]}}").stdout == b"y\n141\n"
    for _ in range(2):  # run, and written again: what was not written is no success
        line = f"{MILESTONE} cache run -- echo 1 > /dev/full; echo $?; {MILESTONE} cache run -- echo 1 > /dev/null"
        done = runner.shell(line)
        assert done.stdout == b"8\n", done.stderr
        assert b"No space left on device" in done.stderr


def test_an_output_that_cannot_be_kept_is_no_result(tmp_path: Path) -> None:
    recorder = Recorder(str(tmp_path / "nowhere"))
    recorder.wait()
    assert recorder.trouble == "its output could not be kept"


def damage_entries(store: Path, data: bytes) -> None:
    """Put other bytes into the entries, with all that proves them, as somebody who may write there could."""
    cache = open_cache(FileStore(str(store)))
    for file in (store / "cache/state_cache").rglob("*.cache"):
        entry = cache.peek(file.stem)
        assert entry is not None
        entry.data = data
        assert cache.put(entry)
    cache.close()


def test_the_cache_is_never_why_a_command_does_not_run(runner: Runner, cli: Cli, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = cli("--store", "nowhere", "cache", "run", "--", "echo", "hi", cwd=elsewhere)
    assert (done.returncode, done.stdout) == (0, "hi\n")
    assert done.stderr.startswith(f"milestone: the result is not kept: there is no store at '{elsewhere}/nowhere'")
    (tmp_path / ".milestones/cache/indexes").rmdir()
    (tmp_path / ".milestones/cache/indexes").write_text("no folder")
    done = runner("echo hi")
    assert (done.returncode, done.stdout) == (0, b"hi\n")
    assert b"the result is not kept" in done.stderr
    (tmp_path / ".milestones/cache/indexes").unlink()
    for damage in (b"\x03\x01\x00\x00\x00x", b"\x01\xff\x00\x00\x00x"):  # a stream that is none, a piece too short
        assert runner("echo hi", "--refresh").returncode == 0
        damage_entries(tmp_path / ".milestones", damage)
        done = runner("echo hi")
        assert (done.returncode, done.stdout) == (0, b"hi\n")
        assert b"is not the result of a command" in done.stderr
    assert cli("cache", "run", "--", "").returncode == 127
    done = cli("cache", "run", "--", "echo", "hi", env={"MILESTONE_CACHE_ENTRIES": "0"})
    assert (done.returncode, done.stdout) == (0, "hi\n")
    assert done.stderr == "milestone: the result is not kept: the setting cache_entries is 0\n"
    (tmp_path / "secret").mkdir()
    done = runner("echo hi", "--input", "secret/" + "x" * 300)
    assert (done.returncode, done.stdout) == (0, b"hi\n")
    assert b"File name too long" in done.stderr
