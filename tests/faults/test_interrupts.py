"""Ctrl-C at the very moment of a change: what is done stays done and is told; nothing that was there is undone.

SIGKILL runs none of the program's code any more, SIGINT all that takes back what was begun: the one is no test of the
other. The short form tries the renames of some commands, `python -m tests.faults --only interrupts` each change.
"""

import json
import subprocess
from pathlib import Path

import pytest
from cases import BY_NAME, CASES, Case
from conftest import MILESTONE, Cli, clean_environment
from injection import require_strace
from sweeps import every, interrupts


@pytest.fixture(autouse=True)
def _strace() -> None:
    require_strace()


def struck(store: Path, home: Path, inject: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command that is interrupted at one of its calls."""
    call = inject.partition(":")[0]
    return subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={inject}", str(MILESTONE), *words],
        cwd=store.parent, env=clean_environment(home), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["seal", "trim", "save", "cleanup-run"])
def test_interrupted_at_a_rename_nothing_is_lost(name: str, tmp_path: Path) -> None:
    tally = every(
        [BY_NAME[name]],
        lambda sound: [one for one in interrupts(sound) if "rename" in one[0].name],
        tmp_path,
        "renames",
    )
    assert tally.tried
    assert not tally.violations, "\n".join([str(tally), *tally.violations])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_interrupted_at_every_change(case: Case, tmp_path: Path) -> None:
    tally = every([case], interrupts, tmp_path, "interrupts")
    assert not tally.violations, "\n".join([str(tally), *tally.violations])


def test_who_is_interrupted_behind_the_rename_is_told_what_was_done(cli: Cli, store: Path, home: Path) -> None:
    done = struck(store, home, "renameat:signal=INT:when=2", "state", "save", "demo", '{"n": 2}')
    assert done.returncode == 130
    assert "applied already: revision 1 of 'demo'" in done.stderr
    assert json.loads(cli("state", "load", "demo", check=True).stdout) == {"n": 2}

    cli("state", "save", "other", "{}", check=True)
    done = struck(store, home, "renameat:signal=INT:when=2", "checkpoint", "create", "other", "--name", "one")
    assert (done.returncode, "applied already: the transaction" in done.stderr) == (130, True), done.stderr
    assert "one" in cli("checkpoint", "list", "other", check=True).stdout


def test_a_file_that_was_put_is_no_failure_of_the_store(cli: Cli, store: Path, home: Path) -> None:
    cli("state", "save", "demo", '{"n": 1}', check=True)
    place = store.parent / "out.json"
    done = struck(
        store, home, "renameat:signal=INT", "events", "timeline", "demo", "--format", "json", "-o", str(place)
    )
    assert (done.returncode, json.loads(done.stderr)["code"]) == (130, "interrupted"), done.stderr
    assert json.loads(place.read_text())
    done = struck(store, home, "renameat:signal=INT", "hook", "install", "--project")
    assert done.returncode == 130, done.stderr
    assert "No such file" not in done.stderr
