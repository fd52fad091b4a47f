"""A migration that is killed at any system call: readers go on, and the next one finishes it or takes it back.
What it cannot look at is no change by somebody else, and no folder to be left out of what is kept.

The short form tries a sample of the calls that change something, forwards and back; `-m slow` all of them.
"""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bash_utilities import STAND_IN, STAND_IN_NAMES, BashUtilities
from injection import Point, mutating_part, record, require_strace, run_with
from scenes import Scene

STATE = '{"n": 1.10}'
FORWARDS, BACK = ("store", "migrate"), ("store", "migrate", "--rollback")
CHANGES = ("write", "pwrite64", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat",
           "fchmod", "fchmodat", "chmod", "ftruncate", "link", "linkat", "utimensat", "fsync", "fdatasync")  # fmt: skip
"""A kill at any other call leaves what the change before it left."""
Tree = dict[str, tuple[int, bytes]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A store of bash."""
    require_strace()
    directory = tmp_path_factory.mktemp("bash")
    bash = BashUtilities(STAND_IN, STAND_IN_NAMES, directory)
    bash.run("""umask 022; {init} demo; {save} demo '{"n": 1.10}'; {checkpoint} demo one; {log} other note '{}'
             echo broken > .milestones/state/active/demo.json.corrupted.20260101-000000""")
    return Scene(directory)


def copied(scene: Scene, directory: Path) -> Scene:
    """The same store, and nothing told to any head."""
    directory.mkdir(parents=True)
    subprocess.run(["cp", "-a", str(scene.store), str(directory)], check=True)
    return Scene(directory)


def tree(store: Path) -> Tree:
    """Everything that somebody's work is, but for times in logs and in envelopes of ours."""
    found = {}
    for path in store.rglob("*"):
        name = str(path.relative_to(store))
        if (
            not name.startswith(("state/.locks/", "migrations", "quarantine", "cache", "spool"))
            and path.name != "format"
        ):
            found[name] = (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
    return found


def check(scene: Scene, before: Tree, *, is_back: bool) -> None:
    """Look as readers and bash do, finish or take back, and look whether everything is as it should be."""
    assert scene.run("state", "load", "demo") == STATE
    bash = BashUtilities(STAND_IN, STAND_IN_NAMES, scene.directory)
    assert bash.run("""python3 -c 'import json; print(json.load(open("'$(active demo)'"))["state"]["n"])'""") == "1.1\n"
    outcome, _ = scene.attempt(*(BACK if is_back else FORWARDS), "--format", "json")
    if is_back and outcome.returncode == 3:
        assert "no way back" in outcome.stderr  # it was taken back, or never begun
    else:
        assert outcome.returncode == 0, outcome.stderr
    if outcome.returncode == 3 or not json.loads(outcome.stdout)["steps"]:
        (scene.store / ".format.mark.tmp").unlink(missing_ok=True)  # stays until the next mark; doctor names it
    assert scene.run("state", "load", "demo") == STATE
    assert scene.attempt("events", "verify", "--all")[0].returncode == 0
    if is_back:
        assert tree(scene.store) == before
        assert not (scene.store / "format").exists()
    else:
        assert (scene.store / "format").read_text() == "1\n"
        assert json.loads(scene.run("doctor", "--format", "json"))["counts"]["warning"] == 0
        scene.run("state", "set", "demo", "later=1")
    assert not [*scene.store.rglob("*.tmp")]


def sweep(template: Scene, tmp_path: Path, words: tuple[str, ...], chosen: slice, first: tuple[str, ...] = ()) -> int:
    """Kill a command at calls that are chosen, and go on from each; all of them: both ways; how many."""
    before = tree(template.store)
    source = copied(template, tmp_path / "source")
    if first:
        source.run(*first)
    trial = copied(source, tmp_path / "record")
    points = mutating_part(record(trial.command(*words), trial.directory, trial.env, trial.trace))
    points = [one for one in points if one.name in CHANGES or "O_CREAT" in one.text][chosen]

    def one(numbered: tuple[int, Point]) -> None:
        number, point = numbered
        for is_back in (False, True) if chosen == slice(None) else (number % 2 == 0,):
            scene = copied(source, tmp_path / f"{number}-{is_back}")
            for _ in range(3):
                if run_with(
                    "signal=KILL", point, scene.command(*words), scene.directory, scene.env, scene.trace
                ).struck:
                    break
            try:
                check(scene, before, is_back=is_back)
            except AssertionError as error:
                raise AssertionError(f"{'back' if is_back else 'on'} after {point}: {error}") from error
            subprocess.run(["rm", "-rf", str(scene.directory)], check=True)

    with ThreadPoolExecutor(2) as pool:
        return len(list(pool.map(one, enumerate(points))))


def test_killed_at_some_changes(template: Scene, tmp_path: Path) -> None:
    assert sweep(template, tmp_path / "on", FORWARDS, slice(30, None, 60)) >= 1


def test_a_folder_that_cannot_be_entered_is_neither_gone_nor_changed(template: Scene, tmp_path: Path) -> None:
    before = tree(template.store)
    trial = copied(template, tmp_path / "record")
    points = mutating_part(record(trial.command(*FORWARDS), trial.directory, trial.env, trial.trace))
    entered = [one for one in points if one.name == "openat" and "O_DIRECTORY" in one.text and "backups" in one.text]
    assert len(entered) > 2
    for number, point in enumerate(entered):
        scene = copied(template, tmp_path / str(number))
        done = run_with("error=EACCES", point, scene.command(*FORWARDS), scene.directory, scene.env, scene.trace)
        assert done.struck, point
        assert done.code in (0, 8), (point, done.stderr)
        for noted in scene.store.glob("spool/measures.*"):  # that a command failed, of which doctor warns for a day
            noted.unlink()
        check(scene, before, is_back=bool(number % 2))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_every_change(template: Scene, tmp_path: Path) -> None:
    assert sweep(template, tmp_path / "on", FORWARDS, slice(None)) > 100
    assert sweep(template, tmp_path / "back", BACK, slice(None), FORWARDS) > 20
