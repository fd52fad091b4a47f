"""Faults at exact system calls: record a command's calls with strace, then run it again with one spoiled.

A point is one call of one run: the name of the call and its ordinal among the calls of that name, which is
what strace's `when=` counts, for each process by itself. A point that the second run did not reach is no proof of
anything, so `struck` says whether it was, and callers count a miss as a failure.
"""

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

STORE = ".milestones"
MEMORY = ("brk", "munmap", "mremap", "madvise")
CALL = re.compile(r"^(?P<pid>\d+)\s+(?P<name>[a-z][a-z0-9_]*)\((?P<rest>.*)$")


@dataclass(frozen=True)
class Point:
    """One system call of a recorded run; `index` is its place among all calls, `text` what strace printed."""

    name: str
    ordinal: int
    index: int
    text: str

    def __str__(self) -> str:
        return f"{self.name}#{self.ordinal} {self.text[:100]}"


@dataclass(frozen=True)
class Outcome:
    """What a run under a fault did; `seconds` is wall time, `struck` whether the fault was reached."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    struck: bool
    trace: str = ""


def require_strace() -> None:
    """Skip the test where strace is missing, or where the system forbids tracing."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        pytest.skip("impossible here: the system does not allow strace to trace")


def record(command: list[str], cwd: Path, env: dict[str, str], trace: Path, stdin: str = "") -> list[Point]:
    """Run a command to its end and list the system calls of its first process in order; it must succeed."""
    done = subprocess.run(
        ["strace", "-f", "-y", "-s", "400", "-o", str(trace), *command],
        cwd=cwd, env=env, input=stdin, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen: dict[str, int] = {}
    points = []
    lines = trace.read_text(errors="replace").splitlines()
    main = lines[0].split()[0]
    for index, line in enumerate(lines):
        if (match := CALL.match(line)) and match["pid"] == main:
            name = match["name"]
            seen[name] = seen.get(name, 0) + 1
            points.append(Point(name, seen[name], index, f"{name}({match['rest']}"))
    return points


def mutating_part(points: list[Point], spread: int = 40) -> list[Point]:
    """Every call from the first that names the store, and of what goes before, start-up, every `spread`-th.

    `execve` is left out: nothing of the command has run there. So is what the allocator asks for, which another run may
    do without: nothing of the store is different there from what it is at the call behind.
    """
    first = next(place for place, point in enumerate(points) if STORE in point.text)
    chosen = [point for point in points[1:first:spread] if point.name != "execve"] + points[first:]
    return [point for point in chosen if not _is_memory(point)]


def _is_memory(point: Point) -> bool:
    """Whether a call is about memory alone, and not about a file."""
    return point.name in MEMORY or (point.name == "mmap" and "MAP_ANONYMOUS" in point.text)


def run_with(
    fault: str, point: Point, command: list[str], cwd: Path, env: dict[str, str], trace: Path, stdin: str = ""
) -> Outcome:
    """Run a command with a fault at a point: `signal=KILL` or INT, `error=EIO`; with + at its end, from then on."""
    when = f"{point.ordinal}+" if fault.endswith("+") else str(point.ordinal)
    inject = f"{point.name}:{fault.rstrip('+')}:when={when}"
    watched = "fsync,fdatasync,close" if point.name in ("fsync", "fdatasync") else point.name
    # Its filter makes tracing one call quick, but strace 6.1 then delivers no signals.
    quick = [] if "signal" in fault else ["--seccomp-bpf"]
    started = time.monotonic()
    done = subprocess.run(
        ["strace", "-f", "-y", "-s", "400", *quick, "-o", str(trace), "-e", f"trace={watched}",
         "-e", f"inject={inject}", *command],
        cwd=cwd, env=env, input=stdin, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - started
    text = trace.read_text(errors="replace")
    mark = {"signal=KILL": "+++ killed by SIGKILL", "signal=INT": "--- SIGINT"}.get(fault, "(INJECTED)")
    hits = [line for line in text.splitlines() if mark in line]
    # Where memory or a directory was laid out differently, an error may have struck another file's call. It strikes the
    # processes that were started meanwhile too, such as git's.
    struck = any("signal" in fault or _object(hit) == _object(point.text) for hit in hits)
    return Outcome(done.returncode, done.stdout, done.stderr, seconds, struck, text)


def _object(text: str) -> list[str]:
    """What a call is about: its file or folder within the store, and the name below that where it takes one."""
    match = re.search(r'(\w+)\((?:\w+<([^>]*)>)?(?:, )?(?:"([^"]*)")?', text)
    if match is None:
        return [text]
    names = [match[2] or "", (match[3] or "") if "at" in match[1] else ""]
    names = [name for name in names if STORE in name or "/" not in name]
    return [alike(name.rpartition(STORE)[2]) for name in names]


def interrupt(point: Point, command: list[str], cwd: Path, env: dict[str, str], trace: Path) -> None:
    """Kill a command at a point, to have what that leaves behind."""
    assert run_with("signal=KILL", point, command, cwd, env, trace).struck, point


COUNTED = {"spool/measures.json", "spool/measures.lock"}


def shapes(store: Path) -> set[str]:
    """The names of everything in a store, digits and hexadecimal runs made alike, to compare two stores.

    What a crash left behind shows as a shape that a store of the same commands without one does not have. Records of
    transactions that are over may stay, and the numbers of failures.
    """
    names = {alike(str(path.relative_to(store))) for path in store.rglob("*")}
    return {
        name for name in names - COUNTED if not name.startswith(("transactions/committed/", "transactions/rollbacks/"))
    }


def alike(text: str) -> str:
    """A text with its times, ids and numbers made alike."""
    return re.sub(r"\d+", "#", re.sub(r"[0-9a-f]{8,}", "#", text))
