"""Power cuts: a command is killed at a point on a disk of its own, and in the same moment the disk loses its power.

What the command had acknowledged is there when the disk comes back; what it had not, is there whole or not at all.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cases import Case
from disks import Disk, in_private
from injection import Point, run_with
from scenes import Look, Program, Scene
from sweeps import MISSES, Holder, Sound, Tally, difference, follow, measure

WITHOUT = ("init", "lock-run", "lock-acquire", "lock-release", "lock-break")
"""Cases that leave nothing that must last beyond the machine's life, and `init`, which is replayed in `replay`."""
WHOLE = Point("(none)", 0, 0, "after its end")


def solid(look: Look) -> Look:
    """A look without plain backups: what they hold is in the log too, so they need not be synced."""
    return frozenset(one for one in look[0] if one[0] != "backups" or "-checkpoint-" in one[1]), look[1]


def restarted(program: Program, directory: Path) -> Program:
    """The program on the machine after it has been started anew: with another boot id."""
    boot = directory / "boot_id"
    boot.write_text("00000000-0000-4000-8000-000000000000\n")
    script = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'
    return Program(("unshare", "--mount", "sh", "-c", script, str(boot), *program.words), program.env)


def as_deep(sound: Sound, path: Path) -> Path:
    """A folder below another one, as many folders down as where the case was recorded: much is looked for upwards."""
    missing = len((sound.template.directory / "trials" / "new").parts) - len(path.parts)
    return path.joinpath(*["down"] * max(1, missing))


def cut(sound: Sound, point: Point, disk: Disk, name: str) -> str:
    """Run a case on a disk, kill it at a point, cut the power, and say what is wrong afterwards."""
    case = sound.case
    for attempt in range(MISSES):
        scene = sound.template.copy(as_deep(sound, disk.path) / f"{name}-{attempt}")
        disk.settle()
        holder = Holder(case)
        if point is WHOLE:
            done, _ = scene.attempt(*holder.words, stdin=case.stdin)
            struck, acknowledged = done.returncode == 0, True
        else:
            outcome = run_with(
                "signal=KILL", point, scene.command(*holder.words), scene.directory, scene.env,
                sound.template.directory / f"trace-{name}", case.stdin,
            )  # fmt: skip
            struck, acknowledged = outcome.struck, bool(outcome.stdout)
        holder.die()
        disk.cut()
        if struck:
            scene = Scene(scene.directory, restarted(scene.program, sound.template.directory))
            return verdict(sound, scene, acknowledged)
    return "the point was not reached"


def verdict(sound: Sound, scene: Scene, acknowledged: bool, follow: Callable[[Scene, Case], None] = follow) -> str:
    """What is wrong with a store after a power cut, and after the next command; empty when nothing is."""
    after = solid(sound.after)
    seen = solid(scene.look())
    if acknowledged and seen != after:
        return f"acknowledged and lost: {difference(seen, after)}"
    follow(scene, sound.case)
    seen, old, new = (solid(look) for look in (scene.look(), sound.old, sound.new))
    is_between = sound.case.between(seen, old, new) or sound.case.torn(seen, old, new)
    if seen != new and (acknowledged or (seen != old and not is_between)):
        return f"neither old nor new: {difference(seen, old)}\n    nor {difference(seen, new)}"
    left = set(scene.left()) - sound.left
    return f"left behind: {sorted(left)}" if left else ""


def spread(points: list[Point], count: int) -> list[Point]:
    """Some points, evenly, the last calls always among them, and a run to the end."""
    count = max(1, count - 1)
    return [*(points[len(points) - 1 - index * len(points) // count] for index in range(count)), WHOLE]


def sweep(cases: Iterable[Case], kind: str, count: int, directory: Path, jobs: int = 0) -> Tally:
    """Cut the power under some cases about `count` times in all, on disks of a kind.

    Raises:
        disks.Impossible: where there can be none.
    """
    chosen = [case for case in cases if case.name not in WITHOUT]
    tally = Tally(f"power cuts on {kind}")
    jobs = jobs or os.cpu_count() or 1
    with ThreadPoolExecutor(jobs, initializer=in_private) as pool:
        for case in chosen:
            sound = measure(case, directory / f"{case.name}-{kind}")
            points = spread(sound.points, max(2, round(count / len(chosen))))
            parts = [pool.submit(_some, sound, points[part::jobs], kind, part) for part in range(jobs)]
            tally.tried += len(points)
            for each in parts:
                tally.violations += each.result()
    return tally


def _some(sound: Sound, points: list[Point], kind: str, part: int) -> list[str]:
    wrong = []
    with Disk(kind) as disk:
        for number, point in enumerate(points):
            name = f"{sound.case.name}-{part}-{number}"
            try:
                found = cut(sound, point, disk, name)
            except (AssertionError, OSError, subprocess.TimeoutExpired) as problem:
                found = str(problem)
            shutil.rmtree(disk.path / "down", ignore_errors=True)
            if found:
                wrong.append(f"{sound.case.name}: power cut on {kind} at {point}\n    {found}")
    return wrong
