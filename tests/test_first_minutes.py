"""What people do by accident in their first minutes: each is answered with what to do, without the documentation."""

from pathlib import Path

import pytest
from conftest import Cli

# The words, the exit code, and what the answer says.
WITHOUT_A_STORE = [
    (["status"], 10, "`milestone init NAME`"),
    (["--store", "elsewhere/.milestones", "status"], 10, "/elsewhere/.milestones init NAME` makes one there"),
    (["--store", "else/where/.milestones", "init"], 8, "make the folder"),
    (["hook", "install"], 0, "sessions that begin in a folder with a store are recorded"),
    (["init"], 0, "`milestone init NAME` makes a milestone"),
]
WITH_ONE = [
    (["save", "demo", "{}"], 2, "`milestone state save`"),
    (["log", "demo", "note"], 2, "`milestone events log`"),
    (["nonsense"], 2, "milestone --help"),
    (["state", "nonsense"], 2, "milestone state --help"),
    (["state", "save", "demo", "file.json"], 5, "@FILE"),
    (["state", "save", "demo", "{step:1}"], 5, "'{\"step\": 1}'"),
    (["state", "save", "demo", '{"step": one}'], 5, "JSON parser"),
    (["state", "save", "demo"], 5, "{}"),
    (["events", "log", "demo", "note", "hello"], 2, "'hello' is not a JSON object"),
    (["schema", "statesave"], 3, "did you mean state-save"),
    (["schema", "zzz"], 3, "`milestone schema`"),
]


@pytest.mark.parametrize(("words", "code", "told"), WITHOUT_A_STORE, ids=lambda one: str(one)[:40])
def test_without_a_store(words: list[str], code: int, told: str, cli: Cli) -> None:
    done = cli(*words)
    assert done.returncode == code
    assert told in done.stdout + done.stderr


def test_a_store_above_is_taken_and_a_way_to_one_here_is_told(store: Path, cli: Cli) -> None:
    below = store.parent / "below"
    below.mkdir()
    done = cli("init", "other", cwd=below, check=True)
    assert done.stdout == f"store {store} is there; milestone other initialised\n"
    assert "`milestone --store .milestones init NAME` makes one here" in done.stderr
    assert cli("init", "other", cwd=store.parent, check=True).stderr == ""
    assert cli("--store", str(store), "init", "other", cwd=below, check=True).stderr == ""
    own = cli("--store", ".milestones", "init", "own", cwd=below, check=True)
    assert own.stdout == f"store {below}/.milestones made; milestone own initialised\n"


def test_with_one(store: Path, cli: Cli) -> None:
    for words, code, told in WITH_ONE:
        done = cli(*words)
        assert done.returncode == code, (words, done.stderr)
        assert told in done.stdout + done.stderr, (words, done.stderr)
