"""Benchmarks of a long log beside what people would otherwise ask it with: grep, jq and DuckDB, each as a command."""

import importlib.util
import shutil
import subprocess

from .measure import MILESTONE, PYTHON, Row, Scene

LOG = ".milestones/state/events/milestone-demo.jsonl"
SEALED = ".milestones/state/events/.segments/demo/*.jsonl"
RARE = 100
"""One event of so many is of the type that is asked for."""
OF_TYPE = "SELECT count(*) FROM events WHERE event_type = 'deployed'"
BY_TYPE = "SELECT event_type, count(*) FROM events GROUP BY 1"
READ = "read_json({parts}, format = 'newline_delimited', columns = {{event_type: 'VARCHAR'}})"
DUCKDB = """
import duckdb
duckdb.sql("CREATE VIEW events AS SELECT * FROM " + {read!r})
print(duckdb.sql({asked!r}).fetchall())
"""
"""DuckDB is told the one column that matters, which is the fastest that it can do."""
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A small process of its own asks for the peak: the kernel counts the memory of whoever starts a command as its own."""


def beside_peers(runs: int, scene: Scene, count: int) -> list[Row]:
    """The same two questions to each, about a log that a scene has.

    Args:
        runs: rounds in which all take turns.
        scene: with a log of `count` events of the milestone `demo`, one of `RARE` of the type `deployed`.
        count: of events.
    """
    parts = [*sorted(str(path.relative_to(scene.directory)) for path in scene.directory.glob(SEALED)), LOG]
    read = READ.format(parts=parts)
    queries = {
        "milestone": [MILESTONE, "events", "query", "demo", "--type", "deployed", "--limit", "0", "--format", "jsonl"],
        "`grep -c`": ["grep", "-c", '"event_type":"deployed"', *parts],
        "jq": ["jq", "-c", 'select(.event_type == "deployed")', *parts],
        "DuckDB": [PYTHON, "-c", DUCKDB.format(read=read, asked=OF_TYPE)],
    }
    counts = {
        "milestone": [MILESTONE, "events", "stats", "demo", "--format", "json"],
        "jq and uniq": ["sh", "-c", f"jq -r .event_type {' '.join(parts)} | sort | uniq -c"],
        "DuckDB": [PYTHON, "-c", DUCKDB.format(read=read, asked=BY_TYPE)],
    }
    named = f"{count:,} events"
    rows = [
        _row(runs, scene, f"`events query --type`, {named}, 1 of {RARE}", queries),
        _row(runs, scene, f"`events stats`, {named}; the others: counts by type alone", counts),
    ]
    for form in ("text", "json"):
        size = peak(scene, [MILESTONE, "events", "timeline", "demo", "--format", form])
        rows.append(Row(f"memory of `events timeline --format {form}`, {named}", "flat", f"{size} MB", None))
    return rows


def _row(runs: int, scene: Scene, job: str, commands: "dict[str, list[str]]") -> Row:
    """Median seconds of everybody who is here."""
    here = {name: words for name, words in commands.items() if _is_here(name)}
    seconds = scene.paired(runs, *here.values())
    told = "; ".join(f"{name} {took:.2f} s" for name, took in zip(here, seconds, strict=True))
    return Row(job, "beside its peers", told, None)


def _is_here(name: str) -> bool:
    if name == "DuckDB":
        return importlib.util.find_spec("duckdb") is not None
    return name == "milestone" or shutil.which(name.strip("`").split()[0]) is not None


def peak(scene: Scene, command: list[str]) -> int:
    """Most memory that a command's own process had at a time, in MB."""
    told = subprocess.run(
        [PYTHON, "-c", PEAK, *command], cwd=scene.directory, env=scene.env, capture_output=True, text=True, check=True
    )
    return int(told.stdout) // 1024
