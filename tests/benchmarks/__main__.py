"""The budget table of spec section 7, measured here and now, as Markdown.

    python -m tests.benchmarks            some minutes; the table of the README
    python -m tests.benchmarks --quick    seconds; shows that every job runs
    python -m tests.benchmarks --only postgres   a store in PostgreSQL beside one of files; starts a server
    python -m tests.benchmarks --long     also appending at 10 million events, and 100,000 sets

Run it with the Python that `milestone` is installed for. Bash is the stand-in of tests/bash, or the functions
of the document that MILESTONE_REFERENCE points to. Exit 0 whatever was measured: it reports, tests judge.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # where bash_utilities is

from bash_utilities import (
    REFERENCE_NAMES,
    STAND_IN,
    STAND_IN_NAMES,
    reference_document,
    reference_functions,
)

from .commands import (
    against_bare_python,
    against_bash,
    large_document,
    long_history,
    throughput,
)
from .databases import both_stores
from .measure import Row, new_scene, table
from .peers import beside_peers
from .program import cached_runs, python_api
from .streams import fill, long_log, same_work


def main() -> None:
    """Measure the jobs that were asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure the budgets.")
    parser.add_argument("--quick", action="store_true", help="few rounds and small data")
    parser.add_argument("--long", action="store_true", help="10 million events, 100,000 sets")
    parser.add_argument(
        "--only", metavar="JOB", help="python, bash, document, history, throughput, log, cache, api, append, postgres"
    )
    options = parser.parse_args()
    runs, count, sets = (3, 20_000, 200) if options.quick else (21, 1_000_000, 3000)
    functions, names = STAND_IN, STAND_IN_NAMES
    if document := reference_document():
        target = Path(tempfile.mkdtemp(prefix="milestone-benchmark-")) / "functions.sh"
        functions, names = reference_functions(document, target), REFERENCE_NAMES
    jobs: dict[str, Callable[[], list[Row]]] = {
        "python": lambda: against_bare_python(runs),
        "bash": lambda: against_bash(runs, functions, names),
        "document": lambda: large_document(max(3, runs // 3), 1 if options.quick else 10),
        "history": lambda: long_history(max(3, runs // 3), 100_000 if options.long else sets),
        "throughput": lambda: throughput(2 if options.quick else 20, functions, names),
        "log": lambda: long_log(runs, count, functions, names),
        "cache": lambda: cached_runs(runs),
        "api": lambda: python_api(50 if options.quick else 500),
    }
    if options.long:
        jobs["append"] = lambda: very_long(runs)
    if options.only == "postgres":
        jobs["postgres"] = lambda: both_stores(runs, 1000 if options.quick else 100_000, 1 if options.quick else 10)
    rows: list[Row] = []
    for name, job in jobs.items():
        if options.only in (None, name):
            print(f"measuring: {name}", file=sys.stderr)
            rows += job()
    kind = "the reference document's" if functions != STAND_IN else "the stand-in's"
    machine = f"{os.cpu_count()} processors, {platform.system()}"
    print(f"Python {platform.python_version()}, {machine}; bash: {kind}.\n")
    print(table(rows))


def very_long(runs: int) -> list[Row]:
    """Appending, looking back and asking at 10 million events."""
    scene = new_scene()
    fill(scene, 10_000_000)
    return same_work(runs, scene, 10_000_000) + beside_peers(1, scene, 10_000_000)


main()
