"""Each case under each fault: killed at every system call, and every call failing in every way that it can.

What must hold is measured first, on runs without a fault: the store before, after, and each of them after the next
command. A store after a fault must be one of these.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from cases import MEND, Case
from injection import Outcome, Point, mutating_part, record, run_with, shapes
from scenes import INSTALLED, Look, Program, Scene

from milestone_cli.errors import EXIT

WRITING = ("ENOSPC", "EIO", "EDQUOT")
ERRORS: dict[str, tuple[str, ...]] = {
    "openat": (*WRITING, "EMFILE", "ENFILE", "EACCES", "EROFS"),
    "write": WRITING, "pwrite64": WRITING, "ftruncate": WRITING,
    "fsync": (*WRITING, "EROFS"), "fdatasync": (*WRITING, "EROFS"),
    "rename": (*WRITING, "EXDEV", "EACCES", "EROFS"), "linkat": (*WRITING, "EMLINK", "EXDEV", "EPERM", "EROFS"),
    "mkdir": (*WRITING, "EMLINK", "EACCES", "EROFS"), "unlink": ("EIO", "EACCES", "EROFS", "EBUSY"),
    "rmdir": ("EIO", "EACCES", "EROFS", "EBUSY"), "flock": ("ENOLCK", "EIO", "ENOSYS"), "read": ("EIO",),
    "pread64": ("EIO",), "fstat": ("EIO",), "newfstatat": ("EIO", "EACCES"), "getdents64": ("EIO",), "close": ("EIO",),
    "fchmodat": ("EIO", "EPERM"), "chmod": ("EIO", "EPERM"),
}  # fmt: skip
"""What each call can fail with, as its manual page says; calls with `at` in their names like those without."""
for _name, _like in (("renameat", "rename"), ("renameat2", "rename"), ("link", "linkat"), ("mkdirat", "mkdir"),
                     ("unlinkat", "unlink"), ("open", "openat"), ("statx", "newfstatat")):  # fmt: skip
    ERRORS[_name] = ERRORS[_like]
REMOVING = ("unlink", "unlinkat", "rmdir")
CHANGING = (*REMOVING, "rename", "renameat", "renameat2", "link", "linkat", "mkdir", "mkdirat", "write", "pwrite64",
            "ftruncate", "fsync", "fdatasync", "fchmodat")  # fmt: skip
NEEDED = ("openat", "open", "read", "fstat", "newfstatat", "statx", "close", "lseek", "getdents64")
"""Calls that fail once only: where nothing can be read from then on, Python has not even the modules to say so."""
OTHER = "state/.locks/other.lock"
"""The lock of a milestone that the next command is not about; who cannot remove it leaves it to the next one there."""
TOLD = re.compile(r"applied|uncertain|is on disk")
MISSES = 3
"""Times that a point may be missed, because memory was laid out differently, before that is a violation."""
LENIENT = ("cleanup-run", "cleanup-left-behind", "cleanup-archive", "optimize", "trim", "snapshot-load")
"""Cases that go on without what they cannot read or change, and say so."""


@dataclass
class Tally:
    """How much was tried, and what was wrong."""

    what: str
    tried: int = 0
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.what}: {self.tried} tried, {len(self.violations)} violations"

    def add(self, other: "Tally") -> None:
        self.tried += other.tried
        self.violations += other.violations


@dataclass(frozen=True)
class Sound:
    """A case without a fault.

    Attributes:
        template: its store.
        before: the store as it is; `after`: once the command is done.
        old: the store, once the next command has come after `before`; `new`: after `after`.
        mended: the store, once what it has to be repaired is, and nothing else was done.
        reads: what the reader may print.
        files: names that may be there; `left`: locks and the like that may.
        points: the system calls of the command.
    """

    case: Case
    template: Scene
    before: Look
    after: Look
    old: Look
    new: Look
    mended: Look
    reads: set[str]
    files: set[str]
    left: set[str]
    points: list[Point]


class Holder:
    """A process to hold locks, which dies before the next command."""

    def __init__(self, case: Case) -> None:
        is_needed = "PID" in case.command
        self._process = subprocess.Popen(["sleep", "600"]) if is_needed else None
        self.words = [str(self._process.pid) if word == "PID" and self._process else word for word in case.command]

    def die(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()


def measure(case: Case, directory: Path, program: Program = INSTALLED) -> Sound:
    """Run a case without a fault and see what is sound."""
    template = case.template(directory / "template", program)
    left = template.copy(directory / "old")
    before = left.look()
    files, locks, reads = shapes(left.store), set(), set()
    mended = template.copy(directory / "mended")
    if case.repairs:
        assert mended.attempt(*MEND)[0].returncode == 4
        reads.add(_read(mended, case))
    reads.add(_read(left, case))
    follow(left, case)
    done = template.copy(
        template.directory / "trials" / "new" / "0"
    )  # as deep as the trials: a store is sought upwards
    holder = Holder(case)
    points = record(done.command(*holder.words), done.directory, done.env, done.trace, case.stdin)
    after = done.look()
    files |= shapes(done.store)
    reads.add(_read(done, case))
    holder.die()
    follow(done, case)
    for scene in (left, done):
        files |= shapes(scene.store)
        locks |= set(scene.left())
    return Sound(
        case,
        template,
        before,
        after,
        left.look(),
        done.look(),
        mended.look(),
        reads,
        files,
        locks,
        mutating_part(points),
    )


def _read(scene: Scene, case: Case) -> str:
    if not case.reader:
        return ""
    done, _ = scene.attempt(*case.reader)
    return done.stdout if done.returncode == 0 else done.stderr


def follow(scene: Scene, case: Case) -> None:
    """The next command, which repairs, and the proof that log and state agree."""
    scene.run(*case.after)
    scene.run("events", "verify", "--all")


def judge(sound: Sound, scene: Scene, acknowledged: bool, may_stay: tuple[str, ...] = ()) -> str:
    """What is wrong with a store after a fault, and after the next command; empty when nothing is.

    Args:
        sound: what is sound.
        scene: the store.
        acknowledged: the command said that it was done.
        may_stay: what the next command leaves, since it is about something else.
    """
    case = sound.case
    if acknowledged and (seen := scene.look()) != sound.after:
        return f"acknowledged and lost: {difference(seen, sound.after)}"
    if (read := _read(scene, case)) not in sound.reads:
        return f"a reader saw neither old nor new: {read!r}"
    follow(scene, case)
    seen = scene.look()
    allowed = (sound.new,) if acknowledged else (sound.old, sound.new)
    if seen not in allowed and not (not acknowledged and case.between(seen, sound.old, sound.new)):
        return f"neither old nor new: {difference(seen, sound.old)}\n    nor {difference(seen, sound.new)}"
    if locks := set(scene.left()) - sound.left - set(may_stay):
        return f"left behind: {sorted(locks)}"
    known = sound.files.union(*[{name, f"{name}/acquired", f"{name}/acquired.tmp", f"{name}/pid"} for name in may_stay])
    if strange := shapes(scene.store) - known - set(case.stays):
        return f"left behind: {sorted(strange)}"
    return ""


def difference(seen: Look, wanted: Look) -> str:
    """What a look has more and less than another."""
    more = sorted(map(str, (seen[0] - wanted[0]) | (seen[1] - wanted[1])))
    less = sorted(map(str, (wanted[0] - seen[0]) | (wanted[1] - seen[1])))
    return f"more {more}, less {less}"


def signalled(sound: Sound, point: Point, signal: str, directory: Path) -> str:
    """Kill or interrupt the command at a point and say what is wrong afterwards."""
    for attempt in range(MISSES):
        scene = sound.template.copy(directory / str(attempt))
        holder = Holder(sound.case)
        try:
            outcome = run_with(
                f"signal={signal}", point, scene.command(*holder.words), scene.directory, scene.env, scene.trace,
                sound.case.stdin,
            )  # fmt: skip
            if not outcome.struck:
                continue
            found = _interrupted(outcome, sound, scene) if signal == "INT" else ""
        finally:
            holder.die()
        return found or judge(sound, scene, bool(outcome.stdout) and signal == "KILL")
    return "the point was not reached"


def _interrupted(outcome: Outcome, sound: Sound, scene: Scene) -> str:
    """Whether a command that was interrupted ended as one, and says what it had done."""
    if "Traceback" in outcome.stderr:
        return f"a traceback: {outcome.stderr}"
    if outcome.code not in (0, 130):
        return f"exit {outcome.code}: {outcome.stderr}"
    seen = scene.look()
    if outcome.code == 0 and not sound.case.between(seen, sound.before, sound.after) and seen != sound.after:
        return f"exit 0, yet {difference(seen, sound.after)}"
    return ""


def failing(sound: Sound, point: Point, error: str, directory: Path) -> str:
    """Let a call fail, once or from then on, and say what is wrong afterwards."""
    for attempt in range(MISSES):
        scene = sound.template.copy(directory / str(attempt))
        holder = Holder(sound.case)
        form = () if sound.case.name.startswith("lock-run") else ("--format", "json")
        words = scene.command(*holder.words, *form)
        try:
            outcome = run_with(
                f"error={error}", point, words, scene.directory, scene.env, scene.trace, sound.case.stdin
            )
            if not outcome.struck:
                continue
            found = _told(outcome, sound, scene, point, error) or _retried(outcome.trace)
        finally:
            holder.die()
        may_stay = (OTHER,) if point.name in REMOVING else ()
        return found or judge(sound, scene, _is_done(outcome, sound, scene), may_stay)
    return "the point was not reached"


def _is_done(outcome: Outcome, sound: Sound, scene: Scene) -> bool:
    """Whether everything was acknowledged; some go on without what they cannot read, which is no failure."""
    is_kept = sound.case.name in LENIENT and sound.case.between(scene.look(), sound.before, sound.after)
    return outcome.code == 0 and not is_kept


def _told(outcome: Outcome, sound: Sound, scene: Scene, point: Point, error: str) -> str:
    """Whether the exit code and the words fit what was done."""
    seen = scene.look()
    is_noted = "could not be sealed" in outcome.stderr  # the event itself is on disk, and the next one seals
    if outcome.code == 0 and point.name in ("fsync", "fdatasync") and not is_noted:
        return "a sync failed, and exit 0"
    if _is_done(outcome, sound, scene):
        return "" if seen == sound.after else f"exit 0, yet {difference(seen, sound.after)}"
    if outcome.code == 0:
        return ""
    if outcome.code == EXIT["partial"] and sound.case.name in LENIENT and _left_alone(outcome):
        return ""
    is_mute = point.name == "write" and not outcome.stderr  # the failing call is the one that would tell
    if not is_mute and (wrong := _unfit(outcome, sound.case)):
        return wrong
    # Who cannot look at a lock or remove it leaves it; that the next command takes it over is judged below.
    is_excused = is_mute or point.name in REMOVING or ".locks" in point.text or TOLD.search(outcome.stderr)
    if not is_excused and (left := set(scene.left()) - sound.left - set(sound.template.left())):
        return f"exit {outcome.code}, left at once: {sorted(left)}"
    is_changed = _settled(seen, sound.before) != sound.before
    is_known = sound.case.between(seen, sound.before, sound.after)
    is_known = is_known or (sound.case.repairs and _mended(seen, sound))
    is_changed = is_changed and not is_known
    if is_changed and not is_mute and not TOLD.search(outcome.stderr):
        return f"exit {outcome.code} and plain failure, yet {difference(seen, sound.before)}: {outcome.stderr.strip()}"
    return ""


def _settled(seen: Look, before: Look) -> Look:
    """A look without backups that were made of the states that still stand."""
    states = {one[2] for one in before[0] if one[0] == "active"}
    spare = {one for one in seen[0] - before[0] if one[0] == "backups" and "-checkpoint-" not in one[1]}
    return frozenset(one for one in seen[0] if one not in spare or one[2] not in states), seen[1]


def _mended(seen: Look, sound: Sound) -> bool:
    """Whether nothing was done but some of what the one before had left to be repaired."""
    counts = {one[:2]: one[2] for one in sound.mended[1]}
    documents = _settled(seen, sound.mended)[0] <= sound.before[0] | sound.mended[0]
    return documents and all(count <= counts.get((log, type_), 0) for log, type_, count in seen[1])


def _unfit(outcome: Outcome, case: Case) -> str:
    if "Traceback" in outcome.stderr:
        return f"a traceback: {outcome.stderr}"
    if case.name == "lock-run":
        return "" if outcome.code == 8 else f"exit {outcome.code}: {outcome.stderr}"
    try:
        told = json.loads(outcome.stderr.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return f"exit {outcome.code}, and no JSON error: {outcome.stderr!r}"
    # A copy of a damaged state that cannot be read is none, and then the state stays damaged.
    fitting = (8, 6) if case.name == "recover" else (8,)
    if told["exit_code"] != outcome.code or EXIT.get(told["code"]) != outcome.code or outcome.code not in fitting:
        return f"exit {outcome.code}: {outcome.stderr.strip()}"
    return ""


def _left_alone(outcome: Outcome) -> object:
    """What a clean-up says that it had to leave alone."""
    try:
        told = json.loads(outcome.stdout)
    except ValueError:
        return None
    return told.get("failed") or told.get("stuck")


def _retried(trace: str) -> str:
    """A sync that failed and was tried again on the same descriptor, which the kernel may answer with a lie."""
    failed: set[str] = set()
    for line in trace.splitlines():
        if not (match := re.match(r"\d+\s+(fsync|fdatasync|close)\((\d+)", line)):
            continue
        call, fd = match.groups()
        if call == "close":
            failed.discard(fd)
        elif fd in failed:
            return f"a failed sync was tried again: {line}"
        elif "(INJECTED)" in line:
            failed.add(fd)
    return ""


Trial = tuple[Point, str]
"""A point, and what happens there: an error, perhaps with +, or KILL, or INT."""


def kills(sound: Sound) -> list[Trial]:
    """Every point, killed."""
    return [(point, "KILL") for point in sound.points]


def interrupts(sound: Sound) -> list[Trial]:
    """Every call that changes the store, interrupted: unlike who is killed, who is interrupted undoes what it can."""
    return [(point, "INT") for point in sound.points if point.name in CHANGING and ".milestones" in point.text]


def errors(sound: Sound) -> list[Trial]:
    """Every call that touches the store, with every error that it can have, once and from then on."""
    chosen = [point for point in sound.points if point.name in ERRORS and ".milestones" in point.text]
    return [
        (point, error + lasting)
        for point in chosen
        for error in ERRORS[point.name]
        for lasting in (("",) if point.name in NEEDED else ("", "+"))
    ]


def sweep(sound: Sound, trials: Iterable[Trial], directory: Path, what: str, jobs: int = 1) -> Tally:
    """Try each and gather what was wrong."""

    def one(numbered: tuple[int, Trial]) -> str:
        number, (point, fault) = numbered
        place = directory / str(number)
        try:
            try_it = signalled if fault in ("KILL", "INT") else failing
            found = try_it(sound, point, fault, place)
        except (AssertionError, subprocess.TimeoutExpired) as problem:
            found = str(problem)
        shutil.rmtree(place, ignore_errors=True)
        return f"{sound.case.name}: {fault} at {point}\n    {found}" if found else ""

    chosen = list(enumerate(trials))
    with ThreadPoolExecutor(jobs) as pool:
        wrong = [found for found in pool.map(one, chosen) if found]
    return Tally(what, len(chosen), wrong)


def every(cases: Iterable[Case], trials: Callable[[Sound], list[Trial]], directory: Path, what: str,
          share: float = 1.0, jobs: int = 0) -> Tally:  # fmt: skip
    """Sweep over cases; of their trials only a share, evenly spread."""
    tally = Tally(what)
    for case in cases:
        sound = measure(case, directory / f"{case.name}-{what.replace(' ', '-')}")
        chosen = trials(sound)
        wanted = max(1, round(len(chosen) * share))
        picked = [chosen[index * len(chosen) // wanted] for index in range(wanted)]
        tally.add(sweep(sound, picked, sound.template.directory / "trials", what, jobs or os.cpu_count() or 1))
    return tally
