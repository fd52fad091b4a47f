"""No verdict on a lock rests on the wall clock: whatever it shows, who lives is waited for, and who is dead is not."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import played_clock
import pytest
from conftest import MILESTONE, clean_environment

CLOCKS = ("-11m", "+11m", "-400d", "+400d")


@pytest.fixture(autouse=True)
def _faketime() -> None:
    if not played_clock.LIBRARY:
        pytest.skip("impossible here: there is no libfaketime")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def run(store: Path, home: Path, clock: str, *words: str) -> "subprocess.CompletedProcess[str]":
    env = clean_environment(home, **played_clock.environment(clock))
    return played_clock.run([str(MILESTONE), *words], cwd=store.parent, env=env)


def bash_lock(store: Path, pid: object, acquired: str = "2026-01-01T00:00:00Z") -> None:
    folder = store / "state/.locks/demo.lock"
    folder.mkdir()
    if pid:
        (folder / "pid").write_text(f"{pid}\n")
        (folder / "acquired").write_text(acquired + "\n")


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_living_holder_is_waited_for(clock: str, store: Path, home: Path, sleeper: subprocess.Popen[bytes]) -> None:
    bash_lock(store, sleeper.pid)
    done = run(store, home, clock, "state", "save", "demo", "{}", "--lock-timeout", "0.3")
    assert done.returncode == 7, done.stdout + done.stderr
    assert (store / "state/.locks/demo.lock/pid").exists()


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_dead_holder_is_taken_over(clock: str, store: Path, home: Path, sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    sleeper.wait()
    bash_lock(store, sleeper.pid, "2999-01-01T00:00:00Z")
    assert run(store, home, clock, "state", "save", "demo", "{}", "--lock-timeout", "1").returncode == 0
    assert run(store, home, "+0", "events", "verify", "demo").returncode == 0


@pytest.mark.parametrize("clock", CLOCKS)
def test_who_has_not_said_who_it_is_gets_its_time(clock: str, store: Path, home: Path) -> None:
    bash_lock(store, None)
    assert run(store, home, clock, "state", "save", "demo", "{}", "--lock-timeout", "0.3").returncode == 7


def test_a_lock_of_ours_outlives_its_ten_minutes(store: Path, home: Path) -> None:
    holder = subprocess.Popen(
        [str(MILESTONE), "lock", "run", "demo", "--", "sh", "-c", "echo held; cat"], cwd=store.parent,
        env=clean_environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout
    assert holder.stdout.readline() == b"held\n"
    try:
        for clock in CLOCKS:
            assert run(store, home, clock, "state", "save", "demo", "{}", "--lock-timeout", "0.2").returncode == 7
            shown = run(store, home, clock, "lock", "show", "demo", "--format", "json")
            assert json.loads(shown.stdout)["state"] == "live"
    finally:
        holder.communicate(timeout=30)
    assert run(store, home, "+0", "state", "save", "demo", "{}").returncode == 0


@pytest.mark.parametrize("clock", CLOCKS)
def test_nobody_is_dead_by_the_clock(clock: str, store: Path, home: Path, sleeper: subprocess.Popen[bytes]) -> None:
    assert run(store, home, "+0", "agent", "register", "one", "--for-pid", str(sleeper.pid)).returncode == 0
    assert run(store, home, "+0", "agent", "heartbeat", "one").returncode == 0

    def health() -> str:
        done = run(store, home, clock, "agent", "health", "--fix", "--format", "json")
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["agents"][0]["health"])

    assert health() in ("healthy", "stale")
    sleeper.kill()
    sleeper.wait()
    assert health() == "dead"
