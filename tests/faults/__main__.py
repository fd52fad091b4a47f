"""The long form of the fault suite; ends in a table for the README, and fails when a promise was broken.

    python -m tests.faults                      everything: hours, most of them for errors and kills
    python -m tests.faults --only kills,cuts    of kills, interrupts, errors, cuts, replays, storms,
                                                machines, mutations, fuzz
    python -m tests.faults --share 0.1          a tenth of the points, interrupts and errors
    python -m tests.faults --cuts 1000          so many power cuts, half of them on each file system
    python -m tests.faults --fuzz 3600          seconds of fuzzing, beside the rest; 0: none

Run it with the Python that `milestone` is installed for, as root for the power cuts.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))  # where pytest finds the same modules

import cuts
import replay
import storms
from cases import CASES, Case
from disks import KINDS
from sweeps import Tally, errors, every, interrupts, kills, measure

HERE = Path(__file__).parent


def main() -> int:
    """Run what was asked for; 1 when there were violations."""
    options = _options()
    directory = Path(tempfile.mkdtemp(prefix="milestone-faults-"))
    cases = [case for case in CASES if not options.case or case.name in options.case.split(",")]
    fuzzing = _start_fuzzing(options)
    jobs: dict[str, Callable[[], list[Tally]]] = {
        "kills": lambda: [_points(cases, kills, directory, "kill points", options.share)],
        "interrupts": lambda: [_points(cases, interrupts, directory, "interrupts", options.share)],
        "errors": lambda: [_points(cases, errors, directory, "errors of calls", options.share)],
        "cuts": lambda: [cuts.sweep(cases, kind, options.cuts // len(KINDS), directory) for kind in KINDS],
        "replays": lambda: [_replays(cases, directory)],
        "storms": lambda: [storms.sweep(directory, options.storms)],
        "machines": lambda: [_pytest("steps of state machines", "test_machines.py", options)],
        "mutations": lambda: [_pytest("mutations", "test_mutations.py", options)],
    }
    started = time.monotonic()
    tallies: list[Tally] = []
    for name, job in jobs.items():
        if not options.only or name in options.only.split(","):
            print(f"trying: {name}", file=sys.stderr, flush=True)
            for tally in _done(name, job):
                tallies.append(tally)
                print(tally, *tally.violations, sep="\n    ", file=sys.stderr, flush=True)
    if fuzzing:
        tallies.append(tally := _end_fuzzing(fuzzing))
        print(tally, *tally.violations, sep="\n    ", file=sys.stderr, flush=True)
    shutil.rmtree(directory, ignore_errors=True)
    _tell(tallies, len(cases), time.monotonic() - started)
    return int(any(tally.violations for tally in tallies))


def _done(name: str, job: Callable[[], list[Tally]]) -> list[Tally]:
    """What a job found; that it could not go on is a violation, not the end of the others."""
    try:
        return job()
    except Exception:
        return [Tally(name, 0, [traceback.format_exc()])]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Try every fault.")
    parser.add_argument("--only", default="", metavar="JOBS", help="comma between them; see above")
    parser.add_argument("--case", default="", metavar="CASES", help="only these commands; see tests/faults/cases.py")
    parser.add_argument("--share", type=float, default=1.0, help="of kill points, interrupts and errors (default: 1)")
    parser.add_argument("--cuts", type=int, default=500, metavar="N", help="power cuts (default: 500)")
    parser.add_argument("--storms", type=int, default=20, metavar="N", help="storms of 50 processes (default: 20)")
    parser.add_argument("--fuzz", type=int, default=3600, metavar="SECONDS", help="of fuzzing (default: an hour)")
    return parser.parse_args()


def _points(cases: list[Case], trials: "Callable[..., object]", directory: Path, what: str, share: float) -> Tally:
    tally = Tally(what)
    for case in cases:
        found = every([case], trials, directory, what, share)  # type: ignore[arg-type]
        _say(case, found)
        shutil.rmtree(directory, ignore_errors=True)
        tally.add(found)
    return tally


def _replays(cases: list[Case], directory: Path) -> Tally:
    tally = Tally("replays of what was not synced")
    for case in cases:
        found = replay.sweep(measure(case, directory / case.name), directory / case.name / "replay", more=5)
        _say(case, found)
        tally.add(found)
    return tally


def _say(case: Case, found: Tally) -> None:
    """Say at once what was found, since hours may pass until the end."""
    told = f"    {case.name}: {found.tried}, {len(found.violations)} violations"
    print(told, *found.violations, sep="\n    ", file=sys.stderr, flush=True)


def _pytest(what: str, file: str, options: argparse.Namespace) -> Tally:
    """The long form of a test file as a tally; it says itself how much it tried, in a line `tried N`."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-s",
        "-n",
        "0",
        "-m",
        "",
        "-p",
        "no:cacheprovider",
        str(HERE / file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counts = [int(line.split()[1]) for line in done.stdout.splitlines() if line.lstrip(".").startswith("tried ")]
    return Tally(what, sum(counts), [] if done.returncode == 0 else [done.stdout[-4000:]])


def _start_fuzzing(options: argparse.Namespace) -> "subprocess.Popen[str] | None":
    if not options.fuzz or (options.only and "fuzz" not in options.only.split(",")):
        return None
    command = ["nice", "-n", "19", sys.executable, str(HERE / "fuzz.py"), "--seconds", str(options.fuzz)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _end_fuzzing(running: "subprocess.Popen[str]") -> Tally:
    """Wait for the fuzzer, whose last line is `inputs N, violations M`; what it found stands before."""
    told, _ = running.communicate()
    lines = told.strip().splitlines()
    words = lines[-1].replace(",", "").split() if lines else []
    if running.returncode not in (0, 1) or len(words) < 4:
        return Tally("fuzzed inputs", 0, [f"the fuzzer ended with {running.returncode}: {told[-2000:]}"])
    return Tally("fuzzed inputs", int(words[1]), lines[:-1] if int(words[3]) else [])


def _tell(tallies: list[Tally], cases: int, seconds: float) -> None:
    machine = (
        f"Python {platform.python_version()}, {platform.system()} {platform.release()}, {os.cpu_count()} processors"
    )
    print(f"{machine}; {cases} commands, {seconds / 60:.0f} minutes.\n")
    print("| tried | how many | violations |\n|---|---|---|")
    for tally in tallies:
        print(f"| {tally.what} | {tally.tried:,} | {len(tally.violations)} |")
    total = sum(len(tally.violations) for tally in tallies)
    print("\n" + "; ".join(f"{tally.tried:,} {tally.what}" for tally in tallies) + f": {total} violations")


if __name__ == "__main__":
    sys.exit(main())
