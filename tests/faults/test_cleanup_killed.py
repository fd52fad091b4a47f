"""A clean-up killed at any system call: what must stay is there, and whoever comes next finishes what is half done."""

import json
import os
import time
from pathlib import Path

import pytest
from conftest import MILESTONE
from injection import Point, mutating_part, record, require_strace, run_with, shapes
from test_faults import Scene

COMMAND = [str(MILESTONE), "cleanup", "run", "demo", "--keep-last", "2"]
MONTH = 30 * 86_400
EVERY = 17


def prepared(directory: Path) -> tuple[Scene, set[str], set[str]]:
    """A store with things a month old; the names of those that must stay, and of those that go."""
    scene = Scene(directory)
    born = time.time() - MONTH
    keep, go = set(), set()
    for number in range(5):
        for owner in ("demo", "demo-b"):
            stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(born + number))
            name = f"backups/{owner}-{stamp}.json"
            put(scene, name, {"timestamp": "", "milestone_id": owner, "version": "1.0", "state": number}, born)
            (go if owner == "demo" and number < 3 else keep).add(name)
    for name, status in (("sessions/ended.json", "completed"), ("sessions/live.json", "active")):
        put(scene, name, {"milestone_id": "demo", "status": status}, born)
        (keep if status == "active" else go).add(name)
    return scene, keep, go


def put(scene: Scene, name: str, value: object, born: float) -> None:
    path = scene.store / "state" / name
    path.write_text(json.dumps(value))
    os.utime(path, (born, born))


def present(scene: Scene, names: set[str]) -> set[str]:
    return {name for name in names if (scene.store / "state" / name).exists()}


def cleaned(scene: Scene) -> int:
    """How many backups the log says were removed."""
    found = json.loads(scene.run("events", "query", "demo", "--type", "state_cleaned", "--format", "json"))["events"]
    return sum(event["data"]["removed"].get("backup", 0) for event in found)


def killed(point: Point, directory: Path, allowed: set[str]) -> str:
    """Kill the clean-up at a point and say what is wrong afterwards; empty when nothing is."""
    scene, keep, go = prepared(directory)
    outcome = run_with("signal=KILL", point, COMMAND, directory, scene.env, scene.trace)
    if not outcome.struck:
        return "the point was not reached"
    if present(scene, keep) != keep:
        return f"what must stay is gone: {keep - present(scene, keep)}"
    if outcome.stdout and present(scene, go):
        return "acknowledged and not done"
    scene.run(*COMMAND[1:])
    if left := present(scene, go):
        return f"a second run left {left}"
    if present(scene, keep) != keep:
        return f"a second run removed {keep - present(scene, keep)}"
    if cleaned(scene) != 3:
        return f"the log says that {cleaned(scene)} backups were removed, not 3"
    scene.run("state", "set", "demo", "next=1")
    scene.run("events", "verify", "demo")
    if strange := shapes(scene.store) - allowed:
        return f"left behind: {sorted(strange)}"
    return ""


def sweep(every: int, directory: Path) -> None:
    scene, keep, go = prepared(directory / "sound")
    points = mutating_part(record(COMMAND, scene.directory, scene.env, scene.trace))
    assert (present(scene, keep), present(scene, go)) == (keep, set())
    scene.run("state", "set", "demo", "next=1")
    allowed = shapes(scene.store)
    wrong = []
    for number, point in enumerate(points[::every]):
        try:
            found = killed(point, directory / str(number), allowed)
        except AssertionError as error:
            found = str(error)
        if found:
            wrong.append(f"{point}\n    {found}")
    assert not wrong, f"{len(wrong)} points of {len(points[::every])}:\n" + "\n".join(wrong)


@pytest.fixture(autouse=True)
def _strace() -> None:
    require_strace()


def test_killed_at_some_system_calls(tmp_path: Path) -> None:
    sweep(EVERY, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_every_system_call(tmp_path: Path) -> None:
    sweep(1, tmp_path)
