"""Coverage-guided fuzzing of everything that parses, for as long as is asked; counts inputs and broken promises.

    python tests/faults/fuzz.py --seconds 3600 [--corpus FOLDER]

It needs the extra `fuzz` (Atheris). The corpus lies outside of the checkout and is used again. What breaks a promise is
printed once for each place that it comes from; the last line is `inputs N, violations M`.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).parent
LONGEST = 4096
SLOW = 10
"""Processor seconds after which an input hangs; a busy machine is no fault of the input."""
ENDLESS = 600
"""Seconds on the clock after which an input is given up."""
MEMORY = 2048
"""Mebibytes that the process may have."""


def main() -> int:
    """Fuzz; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description="Fuzz everything that parses.")
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--corpus", type=Path, default=Path(tempfile.gettempdir()) / "milestone-fuzz-corpus")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(options.seconds, options.corpus, options.child)
    options.corpus.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + options.seconds
    inputs, violations = 0, []
    with tempfile.TemporaryDirectory(prefix="milestone-fuzzing-") as scratch:
        while (left := int(deadline - time.monotonic())) > 0:
            counter = Path(scratch) / "count"
            counter.write_text("0")
            command = [sys.executable, __file__, "--seconds", str(left), "--corpus", str(options.corpus),
                       "--child", str(counter)]  # fmt: skip
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, errors="replace", check=False)
            inputs += int(counter.read_text() or 0)
            violations += [line for line in done.stdout.splitlines() if line.startswith("broken:")]
            if done.returncode:
                violations.append(f"broken: the process ended with {done.returncode}: {done.stderr[-1500:]}")
                if not int(counter.read_text() or 0):
                    break  # it cannot even begin
    print(*violations, sep="\n", end="\n" if violations else "")
    print(f"inputs {inputs}, violations {len(violations)}")
    return int(bool(violations))


def child(seconds: int, corpus: Path, counter: Path) -> int:
    """Fuzz in this process, which libFuzzer ends when time is over, or an input hangs or eats the memory."""
    import atheris

    sys.path.insert(0, str(HERE))
    with atheris.instrument_imports(include=["milestone_cli"]):
        import targets
    from seeds import SEEDS

    for number in range(len(targets.TARGETS)):
        for index, seed in enumerate(SEEDS):
            path = corpus / f"seed-{number}-{index}"
            if not path.exists():
                path.write_bytes(bytes([number]) + seed)
    known: set[str] = set()
    count = 0
    written = time.monotonic()

    def one(data: bytes) -> None:
        nonlocal count, written
        count += 1
        if time.monotonic() - written > 1:
            written = time.monotonic()
            counter.write_text(str(count))
        began = time.process_time()
        try:
            targets.run(data)
        except Exception as error:
            tell(error, data, known)
        spent = time.process_time() - began
        if spent > SLOW:
            print(f"broken: {spent:.0f} processor seconds: {data!r:.600}", flush=True)

    atheris.Setup(
        [sys.argv[0], str(corpus), f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={ENDLESS}",
         f"-rss_limit_mb={MEMORY}", "-verbosity=0", "-close_fd_mask=0"],
        one,
    )  # fmt: skip
    atheris.Fuzz()
    return 0


def tell(error: Exception, data: bytes, known: set[str]) -> None:
    """Print what broke a promise, once for each place."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{type(error).__name__} at {Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[1].name}"
    if where not in known:
        known.add(where)
        print(f"broken: {where}: {error!r:.300}: {data!r:.600}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
