"""Benchmarks of single commands: against bare Python and bash, a large document, a long history."""

import json
import random
import shlex
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .measure import BARE, MILESTONE, PYTHON, Row, Scene, at_least, at_most, new_scene

STATE = json.dumps({"filler": "x" * 960, "price": 1.5, "steps": [1, 2, 3], "a": {"b": "c"}})
EVENT = json.dumps({"payload": "y" * 900})
SCAN = """
import json, sys
def once(pairs):
    found = dict(pairs)
    if len(found) != len(pairs): raise ValueError
    return found
json.loads(open(sys.argv[1], encoding="utf-8").read(), object_pairs_hook=once)
"""
# Many commands without as many interpreters: each runs in a fork of one that has imported the command.
FORKS = """
import os, sys
from milestone_cli.__main__ import main
words, count = sys.argv[2:], int(sys.argv[1])
null = os.open(os.devnull, os.O_RDWR); os.dup2(null, 0); os.dup2(null, 1)
for number in range(count):
    pid = os.fork()
    if pid == 0:
        os._exit(main([word.replace("#", str(number)) for word in words]) or 0)
    if os.waitpid(pid, 0)[1]: sys.exit(f"the {number}th failed")
"""


def hot(full: bool) -> dict[str, tuple[list[str], float]]:
    """Hot commands and how many times bare Python each may take; `full`: without the ID, JSON."""
    name = [] if full else ["demo"]
    more = ["--format", "json"] if full else []
    return {
        "state load": (["state", "load", *name, *more], 1.25),
        "state get": (["state", "get", *name, "a.b", *more], 1.25),
        "events log": (["events", "log", *name, "tool_used", EVENT, *more], 1.25),
        "state save": (["state", "save", *name, STATE, *more], 1.35),
        "state set": (["state", "set", *name, "a.b=d", *more], 1.35),
    }


def equip(scene: Scene) -> None:
    """Give a store a configuration and a bound session."""
    store = scene.directory / ".milestones"
    (store / "config.yaml").write_text("# comments stay\nlock_timeout: 30\n")
    session = {"session_id": "session-1", "milestone_id": "demo", "status": "active"}
    (store / "state/sessions").mkdir(exist_ok=True)
    (store / "state/sessions/session-1.json").write_text(json.dumps(session))
    (store / "state/.current_session").write_text("session-1\n")


def against_bare_python(runs: int) -> list[Row]:
    """Hot commands, plain and with everything that may be in their way; then the others."""
    scene = new_scene()
    scene.milestone("state", "save", "demo", STATE)
    rows = []
    bare_instructions = scene.instructions(BARE)
    for full in (False, True):
        if full:
            equip(scene)
        for name, (words, bound) in hot(full).items():
            command = [MILESTONE, *words]
            mine, bare = scene.paired(runs, command, BARE)
            job = f"`{name}`" + (", no ID, configuration, session, JSON" if full else ", 1 KB")
            rows.append(at_most(job, mine / bare, bound, "bare Python", f" ({mine * 1000:.1f} ms)"))
            spent = scene.instructions(command)
            if spent and bare_instructions:
                more = spent - bare_instructions
                rows.append(Row(f"{job}: instructions", "≤ + 7 M", f"+ {more:.1f} M", more <= 7))
    others = {
        "status": ["status", "demo"], "state list": ["state", "list"],
        "events query": ["events", "query", "demo"], "events timeline": ["events", "timeline", "demo"],
        "events verify": ["events", "verify", "demo"], "schema": ["schema", "state-save"],
        "config show": ["config", "show"], "init": ["init", "demo"],
    }  # fmt: skip
    for name, words in others.items():
        mine, bare = scene.paired(runs, [MILESTONE, *words], BARE)
        rows.append(at_most(f"`{name}`, plain output", mine / bare, 1.5, "bare Python, beside its own work"))
    return rows


def bash_command(functions: Path, script: str, *args: str) -> list[str]:
    """A shell that sources the utilities and runs a script."""
    return ["bash", "-c", f". {shlex.quote(str(functions))}; {script}", "bash", *args]


def against_bash(runs: int, functions: Path, names: dict[str, str]) -> list[Row]:
    """Save, load and log against the bash utilities, in stores of their own."""
    ours, theirs = new_scene(), new_scene()
    jobs: dict[str, tuple[Sequence[str], str, float | None]] = {
        "state save": (["state", "save", "demo", STATE], f'{names["save"]} demo "$1"', 3.5),
        "state load": (["state", "load", "demo"], f"{names['load']} demo", 3.5),
        "events log": (["events", "log", "demo", "used", "{}"], f"{names['log']} demo used '{{}}'", None),
    }
    rows = []
    for job, (words, script, bound) in jobs.items():
        mine = []
        bash = []
        for number in range(runs + 1):
            one, other = ours.milestone(*words), theirs.run(bash_command(functions, script, STATE))
            if number:
                mine.append(one)
                bash.append(other)
        ratio = sorted(bash)[runs // 2] / sorted(mine)[runs // 2]
        if bound:
            rows.append(at_least(f"`{job}`", ratio, bound, "the speed of bash"))
        else:
            rows.append(Row(f"`{job}`", "–", f"{ratio:.2f} × the speed of bash", None))
    return rows


def large_document(runs: int, megabytes: float) -> list[Row]:
    """A save of a large document against one plain scan of it with the check for doubled keys."""
    scene = new_scene()
    chance = random.Random(7)
    rows = [
        {"id": number, "name": f"item {number}", "price": chance.random(), "tags": ["a", "b"], "é": None}
        for number in range(int(megabytes * 11_000))
    ]
    path = scene.directory / "large.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    size = path.stat().st_size / 1e6
    mine, plain = scene.paired(runs, [MILESTONE, "state", "save", "demo", f"@{path}"], [PYTHON, "-c", SCAN, str(path)])
    return [at_most(f"`state save` of {size:.1f} MB", mine / plain, 2, "one plain scan of it")]


def long_history(runs: int, count: int) -> list[Row]:
    """Many sets of one key: how large the log gets, and what an old revision costs."""
    scene = new_scene()
    scene.milestone("state", "save", "demo", STATE)
    started = time.perf_counter()
    scene.run([PYTHON, "-c", FORKS, str(count), "state", "set", "demo", "counter=#"])
    rate = count / (time.perf_counter() - started)
    log = scene.directory / ".milestones/state/events/milestone-demo.jsonl"
    each = log.stat().st_size / count
    whole = len(STATE) + 600
    revisions = [2 + (count - 2) * part // 6 for part in range(7)]
    load = [MILESTONE, "state", "load", "demo"]
    ratios = []
    for revision in revisions:
        old, now = scene.paired(runs, [*load, "--revision", str(revision)], load)
        ratios.append(old / now)
    job = f"{count:,} × `state set` of one key"
    return [
        Row(f"{job}: log", "bounded by bases", f"{each:.0f} bytes a set ({rate:.0f}/s, forked)", each < whole),
        at_most(f"{job}: any revision", max(ratios), 3, "a load"),
    ]


def throughput(seconds: float, functions: Path, names: dict[str, str]) -> list[Row]:
    """Eight processes saving one milestone, then eight logging to it, against the same in bash."""
    rows = []
    jobs = {
        "saving": ("state save demo", names["save"], STATE, "state_saved", 8),
        "logging": ("events log demo used", names["log"], "{}", "used", 8),
    }
    for job, (words, function, data, kind, bound) in jobs.items():
        ours, theirs = new_scene(), new_scene()
        call = f"{function} demo " + ('"$1"' if kind == "state_saved" else "used '{}'")
        mine = many(ours, 8, seconds, ["bash", "-c", loop(f'{shlex.quote(MILESTONE)} {words} "$1"'), "bash", data])
        done = happened(ours, kind)
        bash = many(theirs, 8, seconds, bash_command(functions, loop(call), data))
        there = happened(theirs, kind)
        ratio = (done / mine) / (max(there, 1) / bash)
        more = f" ({done / mine:.0f}/s)"
        rows.append(at_least(f"8 processes {job}", ratio, bound, "the throughput of bash", more))
        if kind == "used":
            ratio, more = batches(seconds, there / bash)
            name = "8 processes logging with `--batch`, 100 at a time"
            rows.append(at_least(name, ratio, bound, "the throughput of bash", more))
    return rows


def batches(seconds: float, bash: float) -> tuple[float, str]:
    """Eight processes logging a hundred events with each command, against the events a second of bash."""
    scene = new_scene()
    lines = scene.directory / "batch.jsonl"
    lines.write_text('{"event_type":"used","data":{}}\n' * 100)
    call = f"{shlex.quote(MILESTONE)} events log demo --batch < {shlex.quote(str(lines))}"
    mine = many(scene, 8, seconds, ["bash", "-c", loop(call)])
    rate = happened(scene, "used") / mine
    return rate / max(bash, 0.01), f" ({rate:.0f}/s)"


def loop(call: str) -> str:
    """A shell loop that goes on until the file `finished` is there."""
    return f"while [ ! -e finished ]; do {call} || exit 1; done"


def many(scene: Scene, workers: int, seconds: float, command: Sequence[str]) -> float:
    """Run a command in several processes, end them by the file `finished`; seconds until all have ended."""
    started = time.perf_counter()
    processes = [
        subprocess.Popen(
            command, cwd=scene.directory, env=scene.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(workers)
    ]  # fmt: skip
    time.sleep(seconds)
    (scene.directory / "finished").touch()
    for process in processes:
        process.wait()
    return time.perf_counter() - started


def happened(scene: Scene, kind: str) -> int:
    """How many events of a type the log of `demo` holds."""
    log = (scene.directory / ".milestones/state/events/milestone-demo.jsonl").read_text(errors="replace")
    return sum(log.count(f'"event_type":{space}"{kind}"') for space in ("", " "))
