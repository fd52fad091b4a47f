"""Measuring by pairs: what is compared runs in turn, so a busy moment meets both; medians, ratios."""

import atexit
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PYTHON = sys.executable
MILESTONE = str(Path(PYTHON).parent / "milestone")
BARE = [PYTHON, "-c", "pass"]


@dataclass
class Scene:
    """A directory with a store in it, and an environment in which nothing steers the command."""

    directory: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        drop = ("MILESTONE_", "CLAUDE", "PYTHON", "GIT_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
        path = f"{Path(PYTHON).parent}:{kept.get('PATH', '')}"  # bash finds this python3, not a slow shim
        self.env = {**kept, "HOME": str(self.directory), "PATH": path, "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def run(self, command: Sequence[str], stdin: Path | None = None) -> float:
        """Run a command, which must succeed, and hand back its wall time in seconds.

        Its output goes to a file: grep, for one, stops at the first hit when it is thrown away.
        """
        with open(stdin or os.devnull, "rb") as source, open(self.directory / "output", "wb") as sink:
            started = time.perf_counter()
            code = subprocess.call(
                command, cwd=self.directory, env=self.env, stdin=source, stdout=sink, close_fds=False
            )
            seconds = time.perf_counter() - started
        if code:
            raise SystemExit(f"{list(command)} ended with {code}")
        return seconds

    def milestone(self, *words: str, stdin: Path | None = None) -> float:
        """Run the installed command."""
        return self.run([MILESTONE, *words], stdin)

    def paired(self, runs: int, *commands: Sequence[str]) -> list[float]:
        """Median seconds of each command, all run in turn `runs` times after one warming round."""
        for command in commands:
            self.run(command)
        return interleaved(runs, *[lambda command=command: self.run(command) for command in commands])

    def instructions(self, command: Sequence[str]) -> float | None:
        """Millions of instructions of one run by cachegrind; None where valgrind is missing."""
        if shutil.which("valgrind") is None:
            return None
        done = subprocess.run(
            ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *command],
            cwd=self.directory, env={**self.env, "PYTHONHASHSEED": "0"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
        return int(found[1].replace(",", "")) / 1e6 if found else None


def interleaved(runs: int, *jobs: Callable[[], float]) -> list[float]:
    """Median of each job's own measurement, the jobs taking turns."""
    rounds = [[job() for job in jobs] for _ in range(runs)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


@dataclass(frozen=True)
class Row:
    """One line of the table: a job, its goal, what was measured; `held` is None where nothing is promised."""

    job: str
    goal: str
    measured: str
    held: bool | None


def at_most(job: str, ratio: float, bound: float, against: str, more: str = "") -> Row:
    """A row for a ratio that must not exceed a bound."""
    return Row(job, f"≤ {bound:g} × {against}", f"{ratio:.2f} ×{more}", ratio <= bound)


def at_least(job: str, ratio: float, bound: float, against: str, more: str = "") -> Row:
    """A row for a ratio that must reach a bound."""
    return Row(job, f"≥ {bound:g} × {against}", f"{ratio:.1f} ×{more}", ratio >= bound)


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| job | goal | measured | |", "|---|---|---|---|"]
    marks = {True: "held", False: "**missed**", None: ""}
    lines += [f"| {row.job} | {row.goal} | {row.measured} | {marks[row.held]} |" for row in rows]
    return "\n".join(lines)


def new_scene() -> Scene:
    """A scene in a temporary directory, with an empty store and the milestone `demo`."""
    scene = Scene(Path(tempfile.mkdtemp(prefix="milestone-benchmark-")))
    atexit.register(shutil.rmtree, scene.directory, ignore_errors=True)
    scene.milestone("init", "demo")
    return scene
