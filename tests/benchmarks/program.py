"""Benchmarks of `cache run` beside its peers, and of the Python API with durability and without."""

import itertools
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from .measure import BARE, MILESTONE, PYTHON, Row, Scene, interleaved, new_scene

SHELL = 'f=kept-$(printf %s "$*" | sha256sum | cut -c1-64); [ -e "$f" ] || "$@" > "$f"; cat "$f"'


def peers(directory: Path) -> dict[str, list[str]]:
    """What people write by hand, and the tool that they find, where they are at hand, or an empty command.

    The same command in the same scope, a directory, on the same disk, for as long; none of them, nor `cache run`, waits
    for the disk when it keeps a first result. bkt finds nothing again below a relative `--cache-dir`.
    """
    bkt = ["bkt", "--ttl", "1h", "--cwd", "--cache-dir", str(directory / "kept"), "--"]
    return {
        "a shell function: one stream, no inputs, no end, no locks, no exit code": ["sh", "-c", SHELL, "cached"],
        "bkt, native code: no inputs, no locks": bkt if shutil.which("bkt") else [],
    }


COMMAND = ["seq", "1", "2000"]
FILES = 500

PROGRAM = """
import gc, json, statistics, sys, time, tracemalloc
from milestone_cli import Store

durable, count = sys.argv[1] == "durable", int(sys.argv[2])
store = Store(durable=durable)
found = {}

def measure(name, work, times=count):
    spans = []
    for at in range(times):
        began = time.perf_counter()
        work(at)
        spans.append(time.perf_counter() - began)
    store.flush()
    found[name] = statistics.median(spans) * 1e6

def bytes_of(make):
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = make()
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / count

measure("session", lambda at: store.sessions.create("user"))
one = store.sessions.create("user")
answer = {"files": ["a.go", "b.go"]}
measure("history", lambda at: one.record("find all Go files", agent="locator", response=answer, duration=0.5))
measure("state", lambda at: one.state.__setitem__("language", "Go"))
measure("put", lambda at: store.cache.put(f"k{at}", b"x" * 1500))
measure("get", lambda at: store.cache.get("k1"), 5000)
measure("evict", lambda at: store.cache.put(f"l{at}", b"x" * 1500))  # there may be as many entries as there are

def sessions():
    made = [store.sessions.create("user") for _ in range(count)]
    store.flush()
    return made

def entries():
    cache = store.namespace("memory")
    for at in range(count):
        cache.put(f"m{at}", b"%06d" % at * 250)

if not durable:
    found["session bytes"], found["entry bytes"] = bytes_of(sessions), bytes_of(entries)
print(json.dumps(found))
"""


def cached_runs(runs: int) -> list[Row]:
    """A command that is run again: by itself, from the cache, and from those of others that are at hand."""
    scene = new_scene()
    for number in range(FILES):
        (scene.directory / f"input-{number}").write_text(f"{number}\n" * 1000)
    ours = [MILESTONE, "cache", "run"]
    inputs = [*ours, "--input", "input-*", "--"]
    others = peers(scene.directory)
    found = {name: way for name, way in others.items() if way and _is_hit(scene, way)}
    commands = [BARE, COMMAND, [*ours, "--", *COMMAND], [*inputs, *COMMAND]]
    bare, plain, hit, hashed, *spans = scene.paired(runs, *commands, *[[*way, *COMMAND] for way in found.values()])
    rows = [
        Row("`cache run`, a hit", "≤ 1.5 × bare Python, beside its own work", _times(hit, bare), hit <= 1.5 * bare),
        Row(f"the same with {FILES} inputs, unchanged", "–", _times(hashed, bare), None),
        Row("the command itself (`seq`), which is quicker than any cache", "–", _times(plain, bare), None),
    ]
    rows += [Row(f"a hit of {name}", "–", _times(spent, bare), None) for name, spent in zip(found, spans, strict=True)]
    rows += [Row(f"a hit of {name}", "–", "not at hand", None) for name in others if name not in found]
    return rows + _misses(scene, runs, {"`cache run`": [*ours, "--"], **found})


def _is_hit(scene: Scene, way: list[str]) -> bool:
    """Whether a way writes again what a command wrote; another run of that would write another number."""
    told = []
    for _ in range(2):
        scene.run([*way, "sh", "-c", "echo $$"])
        told.append((scene.directory / "output").read_text())
    return told[0] == told[1]


def _misses(scene: Scene, runs: int, ways: dict[str, list[str]]) -> list[Row]:
    """A command that was never run before, in each way; every run asks for another number."""
    numbers = itertools.count(2001)

    def timed(way: list[str]) -> Callable[[], float]:
        return lambda: scene.run([*way, "seq", "1", str(next(numbers))])

    plain, *spans = interleaved(runs, timed([]), *[timed(way) for way in ways.values()])
    told = {
        name.partition(":")[0]: f"+ {(spent - plain) * 1e3:.1f} ms" for name, spent in zip(ways, spans, strict=True)
    }
    return [Row(f"a miss of {name}, beside the command itself", "–", more, None) for name, more in told.items()]


def _times(seconds: float, bare: float) -> str:
    return f"{seconds / bare:.2f} × ({seconds * 1000:.1f} ms)"


def python_api(count: int) -> list[Row]:
    """What a call takes in a program, with durability and without; medians."""
    found = {}
    for kind in ("behind", "durable"):
        scene = new_scene()
        done = subprocess.run(
            [PYTHON, "-c", PROGRAM, kind, str(count)], cwd=scene.directory,
            env={**scene.env, "MILESTONE_CACHE_ENTRIES": str(count)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(done.stderr)
        found[kind] = json.loads(done.stdout)
    quick, durable = found["behind"], found["durable"]
    rows = []
    for name, job, bound in (
        ("session", "a session begun", 1000),
        ("history", "a history entry appended", 1000),
        ("state", "a key of a session set", None),
        ("get", "a cache get, from memory", 100),
        ("put", "a cache put of 1.5 KB", None),
        ("evict", "a cache put that evicts another entry", 1000),
    ):
        goal = "–" if bound is None else "< 1 ms" if bound == 1000 else "microseconds"
        measured = f"{_span(quick[name])}; durable: {_span(durable[name])}"
        if name in ("get", "put", "evict"):
            measured = _span(quick[name])
        rows.append(Row(f"Python: {job}", goal, measured, None if bound is None else quick[name] < bound))
    size, entry = quick["session bytes"], quick["entry bytes"]
    rows.append(Row("Python: memory of a session", "about 500 bytes", f"{size:.0f} bytes", size < 750))
    told = f"{entry:.0f} bytes, 1,500 of them the data"
    rows.append(Row("Python: memory of a cached entry of 1.5 KB", "about 2 KB", told, entry < 3000))
    return rows


def _span(microseconds: float) -> str:
    return f"{microseconds:.0f} µs" if microseconds < 1000 else f"{microseconds / 1000:.1f} ms"
