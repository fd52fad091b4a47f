"""`cache run` with a fault at any system call: the next one says exactly what the command says, and nothing is left.

Killed, it may leave a whole entry or none. Refused by the disk, it says what the command says all the same, since a
cache is never the reason that a command does not run. The short form tries a few of the calls, `-m slow` all of them.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from injection import Outcome, Point, mutating_part, record, require_strace, run_with
from scenes import Scene

RUN = ("cache", "run", "--input", "*.txt", "--", "sh", "-c", "cat *.txt; echo to stderr >&2")
OUT = "one\ntwo\n"
WRITES = ("write", "openat", "rename", "mkdir", "unlink", "flock", "ftruncate", "utimensat")


def new_scene(directory: Path) -> Scene:
    directory.mkdir(parents=True)
    for name in ("one", "two"):
        (directory / f"{name}.txt").write_text(f"{name}\n")
    scene = Scene(directory)
    scene.run("init", "demo")
    return scene


def points_of(directory: Path, *before: tuple[str, ...]) -> list[Point]:
    scene = new_scene(directory)
    for words in before:
        scene.run(*words)
    return mutating_part(record(scene.command(*RUN), scene.directory, scene.env, scene.trace))


def check(scene: Scene, point: Point) -> None:
    """Run it twice more: what it says is what the command says, and nothing is left of the one with the fault."""
    for _ in range(2):
        done, _ = scene.attempt(*RUN)
        assert (done.returncode, done.stdout) == (0, OUT), f"{point}: {done.stderr}"
        assert done.stderr.endswith("to stderr\n"), f"{point}: {done.stderr}"
    told, _ = scene.attempt(*RUN[:2], "--explain", *RUN[2:])
    assert "cache hit" in told.stderr, f"{point}: {told.stderr}"
    scene.run(*RUN[:2], "--", "true")  # whoever runs something clears away what the dead left
    left = [path.name for path in scene.store.rglob("*") if path.name.endswith((".tmp", ".running"))]
    assert not [name for name in left if ".run." in name or name.endswith(".running")], f"{point}: {left}"


def struck_alone(done: Outcome) -> bool:
    """Whether the fault struck the program itself alone: the ordinals of calls count for its command, too."""
    lines = done.trace.splitlines()
    return all(line.split()[0] == lines[0].split()[0] for line in lines if "(INJECTED)" in line)


def sweep(directory: Path, fault: str, points: list[Point], *before: tuple[str, ...]) -> int:
    """Spoil each point of a run, in stores of their own; how many were struck."""

    def one(numbered: tuple[int, Point]) -> bool:
        number, point = numbered
        scene = new_scene(directory / str(number))
        for words in before:
            scene.run(*words)
        done = run_with(fault, point, scene.command(*RUN), scene.directory, scene.env, scene.trace)
        if "error" in fault and done.struck and struck_alone(done):
            assert (done.code, done.stdout) == (0, OUT), f"{point}: {done.code} {done.stderr}"
        check(scene, point)
        return done.struck

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(one, enumerate(points)))


def run_both(tmp_path: Path, every: int) -> None:
    require_strace()
    for name, before in (("miss", ()), ("hit", (RUN,))):
        points = points_of(tmp_path / name / "record", *before)
        assert len(points) > 50
        some = points[every // 2 :: every]
        struck = sweep(tmp_path / name / "killed", "signal=KILL", some, *before)
        assert struck >= len(some) * 0.8, f"{struck} of {len(some)}"
        writes = [point for point in points if point.name in WRITES and ".milestones" in point.text]
        for error in ("ENOSPC", "EIO"):
            sweep(tmp_path / name / error, f"error={error}", writes[every // 2 :: every], *before)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_fault_at_any_call_changes_no_answer(tmp_path: Path) -> None:
    run_both(tmp_path, 1)


def test_a_fault_at_some_calls_changes_no_answer(tmp_path: Path) -> None:
    run_both(tmp_path, 500)
