"""Promises 1, 4 and 7 for what changes several documents at once: checkpoints and sessions.

Killed or failing at any system call, old or new; what was committed the next mutating command finishes.
"""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import MILESTONE
from injection import Point, mutating_part, record, require_strace, run_with, shapes
from test_faults import NEW, Scene

EVERY = 20
ERRORS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat",
          "mkdir", "mkdirat", "openat")  # fmt: skip
TYPES = ("checkpoint_created", "checkpoint_deleted", "state_restored", "session_created", "session_ended")
Seen = tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """A command, what comes before it, and what it may leave half done: nothing, unless it says so."""

    name: str
    before: tuple[tuple[str, ...], ...]
    command: tuple[str, ...]
    between: Callable[[Seen, Seen], bool] = lambda seen, after: False


def _kept(seen: Seen, after: Seen) -> bool:
    """Of a restore the checkpoint of what was there may be made, and the rest not yet."""
    return seen[1:3] == after[1:3] and seen[0] != after[0] and seen[3]["state_restored"] == 0


FIRST = (("checkpoint", "create", "demo", "--name", "first"), ("state", "save", "demo", NEW))
CASES = [
    Case("create", (), ("checkpoint", "create", "demo", "--name", "first", "--reason", "why")),
    Case("restore", FIRST, ("checkpoint", "restore", "demo", "first"), _kept),
    Case("delete", FIRST, ("checkpoint", "delete", "demo", "first")),
    Case("session", (), ("session", "create", "demo")),
    Case("end", (("session", "create", "demo"),), ("session", "end")),
]


def prepared(case: Case, directory: Path) -> Scene:
    scene = Scene(directory)
    for words in case.before:
        scene.run(*words)
    return scene


def alike(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def look(scene: Scene) -> Seen:
    """State, checkpoints, sessions with the current one, and how many different events of each type there are."""
    kept = json.loads(scene.run("checkpoint", "list", "demo", "--format", "json"))["checkpoints"]
    begun = json.loads(scene.run("session", "list", "--format", "json"))["sessions"]
    log = (scene.store / "state/events/milestone-demo.jsonl").read_text().split("\n")[:-1]
    events = [json.loads(line) for line in log if line[-1] == "}"]
    ids = {type_: len({one["event_id"] for one in events if one.get("event_type") == type_}) for type_ in TYPES}
    return (
        scene.run("state", "load", "demo"),
        [(alike(one["checkpoint_name"]), one["state"], one["reason"]) for one in kept],
        ([(one["status"], one["current"]) for one in begun], alike(scene.run("session", "current"))),
        ids,
    )


@dataclass(frozen=True)
class Sound:
    """What a case looks like without a fault, before and after, and the files that it may leave."""

    before: Seen
    after: Seen
    shapes: set[str]
    points: list[Point]


def sound_run(case: Case, directory: Path) -> Sound:
    scene = prepared(case, directory)
    before = look(scene)
    left = shapes(scene.store)
    points = mutating_part(record([str(MILESTONE), *case.command], scene.directory, scene.env, scene.trace))
    after = look(scene)
    assert before != after
    assert not list((scene.store / "transactions/pending").iterdir())
    left |= shapes(scene.store)
    scene.run("state", "set", "demo", "next=1")
    return Sound(before, after, left | shapes(scene.store), points)


def judged(case: Case, sound: Sound, scene: Scene, acknowledged: bool) -> str:
    """What is wrong after a fault, before and after the next command; empty when nothing is."""
    text = scene.run("state", "load", "demo")
    if text not in (sound.before[0], sound.after[0]):
        return f"neither the old state nor the new: {text}"
    if acknowledged and look(scene) != sound.after:
        return f"acknowledged and lost: {look(scene)}"
    scene.run("state", "set", "demo", "next=1")
    scene.run("events", "verify", "demo")
    value = json.loads(scene.run("state", "load", "demo"))
    if value != {**json.loads(text), "next": 1}:
        return f"the next command built on something else: {value}"
    seen = (text, *look(scene)[1:])
    if seen not in (sound.before, sound.after) and not case.between(seen, sound.after):
        return f"neither old nor new: {seen}\n    old {sound.before}\n    new {sound.after}"
    if pending := list((scene.store / "transactions/pending").iterdir()):
        return f"not finished: {pending}"
    if strange := shapes(scene.store) - sound.shapes:
        return f"left behind: {sorted(strange)}"
    return ""


def killed(case: Case, sound: Sound, point: Point, directory: Path) -> str:
    scene = prepared(case, directory)
    outcome = run_with("signal=KILL", point, [str(MILESTONE), *case.command], directory, scene.env, scene.trace)
    if not outcome.struck:
        return "the point was not reached"
    return judged(case, sound, scene, bool(outcome.stdout))


def failed(case: Case, sound: Sound, point: Point, error: str, directory: Path) -> str:
    scene = prepared(case, directory)
    command = [str(MILESTONE), *case.command, "--format", "json"]
    outcome = run_with(f"error={error}", point, command, directory, scene.env, scene.trace)
    if not outcome.struck:
        return "the point was not reached"
    if scene.locked():
        return f"exit {outcome.code}, the lock is still there"
    if "Traceback" in outcome.stderr or outcome.code not in (0, 8):
        return f"exit {outcome.code}: {outcome.stderr}"
    seen = look(scene)
    told = "is on disk" in outcome.stderr or (point.name == "write" and not outcome.stderr)
    if outcome.code and not told and seen != sound.before and not case.between(seen, sound.after):
        return f"exit {outcome.code}, yet {seen}: {outcome.stderr}"
    return judged(case, sound, scene, outcome.code == 0)


def sweep(case: Case, directory: Path, trials: Callable[[Sound], list[tuple[Point, str]]]) -> None:
    sound = sound_run(case, directory / "sound")
    wrong = []
    chosen = trials(sound)
    for number, (point, fault) in enumerate(chosen):
        place = directory / str(number)
        try:
            found = failed(case, sound, point, fault, place) if fault else killed(case, sound, point, place)
        except (AssertionError, subprocess.TimeoutExpired) as problem:
            found = str(problem)
        if found:
            wrong.append(f"{fault or 'killed'} at {point}\n    {found}")
    assert not wrong, f"{len(wrong)} of {len(chosen)}:\n" + "\n".join(wrong)


def kills(every: int) -> Callable[[Sound], list[tuple[Point, str]]]:
    return lambda sound: [(point, "") for point in sound.points[::every]]


def errors(every: int) -> Callable[[Sound], list[tuple[Point, str]]]:
    def trials(sound: Sound) -> list[tuple[Point, str]]:
        points = [point for point in sound.points if point.name in ERRORS and ".milestones" in point.text]
        return [(point, error) for point in points for error in ("ENOSPC", "EIO")][::every]

    return trials


@pytest.fixture(autouse=True)
def _strace() -> None:
    require_strace()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_killed_at_some_system_calls(case: Case, tmp_path: Path) -> None:
    sweep(case, tmp_path, kills(EVERY))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_killed_at_every_system_call(case: Case, tmp_path: Path) -> None:
    sweep(case, tmp_path, kills(1))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_some_calls_fail(case: Case, tmp_path: Path) -> None:
    sweep(case, tmp_path, errors(EVERY + 1))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_call_fails(case: Case, tmp_path: Path) -> None:
    sweep(case, tmp_path, errors(1))
