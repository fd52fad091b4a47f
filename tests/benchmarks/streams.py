"""Benchmarks of a long log: timeline, query, verify and appending against bash, grep and sha256sum."""

import json
from collections.abc import Iterator
from pathlib import Path

from .commands import bash_command
from .measure import MILESTONE, Row, Scene, at_least, at_most, new_scene
from .peers import LOG, RARE, beside_peers

PART = 250_000  # events in a batch; it takes 64 MB


def fill(scene: Scene, count: int) -> None:
    """Log this many events of about 330 bytes through the command itself, in parts that its batch takes."""
    path = scene.directory / "batch.jsonl"
    for start in range(0, count, PART):
        with path.open("w") as file:
            file.writelines(lines(start, min(count, start + PART)))
        scene.milestone("events", "log", "demo", "--batch", stdin=path)
    path.unlink(missing_ok=True)


def lines(start: int, stop: int) -> Iterator[str]:
    """Events as `events log --batch` takes them."""
    for number in range(start, stop):
        kind = "deployed" if number % RARE == 0 else "tool_used"
        data = {"tool": "Edit", "file": f"src/module_{number % 97}.py", "number": number, "ok": True}
        yield json.dumps({"event_type": kind, "data": data}) + "\n"


def long_log(runs: int, count: int, functions: Path, names: dict[str, str]) -> list[Row]:
    """Reading a log of `count` events, which stays one file, for bash and the others read no sealed parts."""
    scene = new_scene()
    scene.milestone("config", "set", "segment_size=999G")
    fill(scene, count)
    few = max(1, runs // 5)
    named = f"{count:,} events"
    rows = []
    for form, bound in (("text", 8), ("json", 30)):
        mine, bash = scene.paired(
            few, [MILESTONE, "events", "timeline", "demo", "--format", form],
            bash_command(functions, f"{names['timeline']} demo {form}"),
        )  # fmt: skip
        job = f"`events timeline --format {form}`, {named}"
        rows.append(at_least(job, bash / mine, bound, "the speed of bash", f" ({mine:.2f} s)"))
    query = [MILESTONE, "events", "query", "demo", "--type", "deployed", "--limit", "0", "--format", "jsonl"]
    mine, grep = scene.paired(runs, query, ["grep", "-c", '"event_type":"deployed"', LOG])
    job = f"`events query --type`, {named}, 1 % hits"
    rows.append(at_most(job, mine / grep, 2, "`grep -c`", f" ({mine * 1000:.0f} ms)"))
    mine, plain = scene.paired(few, [MILESTONE, "events", "verify", "demo"], ["sha256sum", LOG])
    rows.append(at_most(f"`events verify`, {named}", mine / plain, 3, "`sha256sum`", f" ({mine:.2f} s)"))
    return rows + same_work(runs, scene, count) + beside_peers(few, scene, count)


def same_work(runs: int, long: Scene, count: int) -> list[Row]:
    """What must not depend on the length of a log: appending, the last events, the events since a moment."""
    short = new_scene()
    fill(short, 1000)
    jobs = {
        "`events log`": ["events", "log", "demo", "used", '{"a": 1}'],
        "`events query --limit 10`, the last": ["events", "query", "demo", "--limit", "10"],
        "`events query --since now`": ["events", "query", "demo", "--since", "now"],
    }
    rows = []
    for job, words in jobs.items():
        command = [MILESTONE, *words]
        pairs = [(long.run(command), short.run(command)) for _ in range(runs + 1)][1:]
        mine, other = (sorted(column)[runs // 2] for column in zip(*pairs, strict=True))
        rows.append(at_most(f"{job}, {count:,} events", mine / other, 1.1, "the same at 1,000"))
    return rows
