"""Days of work as logs: three agents, their tools, what failed, checkpoints, and the times when nobody did anything."""

import json
import random
from pathlib import Path
from typing import Any

from logs import START, Log, compact

TOOLS = (
    # tool, targets, median of milliseconds, how often
    (
        "Read",
        ("src/parser.py", "src/render/page.py", "tests/test_parser.py", "docs/format.md", "pyproject.toml"),
        60,
        30,
    ),
    ("Edit", ("src/parser.py", "src/render/page.py", "tests/test_parser.py", "CHANGELOG.md"), 110, 22),
    ("Grep", ("def parse", "TODO", "class Token", "raise Error"), 140, 12),
    ("Bash", ("pytest", "ruff", "mypy", "git", "make"), 9_000, 26),
    ("WebFetch", ("https://docs.python.org/3/library/re.html",), 2_400, 3),
    ("Task", ("review", "search"), 40_000, 2),
)
AGENTS = (("system", 5), ("builder", 4), ("reviewer", 2))
PHASES = ((8.5, 12.2, "morning-3f9c"), (13.4, 17.1, "afternoon-77ab"), (20.1, 22.4, "evening-c04d"))
"""Hours of a day in which there is work, and its session."""
MIDNIGHT = START - 12 * 3600


class Worked(Log):
    """A log whose events stand in the session that is at work."""

    session = "no-session"

    def event(self, type_: str, data: str = "{}", **more: Any) -> bytes:
        return super().event(type_, data, **{"session": self.session, "step": 0, **more})


def day(count: int, seed: int = 7, days: int = 1, milestone: str = "demo") -> Log:
    """A log of about `count` events over so many days."""
    rng = random.Random(seed)
    events: list[tuple[float, str, dict[str, object], str, str]] = []
    for number in range(days):
        for start, end, session in PHASES:
            begins, ends = [MIDNIGHT + (number * 24 + hour) * 3600 for hour in (start, end)]
            name = session if days == 1 else f"{session}-{number + 1}"
            share = max(round(count * (end - start) / 9.7 / days), 2)
            events += _session(rng, begins, ends, name, share)
    log = Worked(milestone, MIDNIGHT)
    state: dict[str, Any] = {"goal": "the new parser", "step": 0, "done": []}
    for time, type_, data, agent, name in sorted(events, key=lambda event: event[0]):
        log.now = max(time, log.now)
        log.session = name
        if type_ == "state_saved":
            state["step"] += 1
            state["done"] = [*state["done"][-9:], f"part {state['step']}"]
            log.state(compact(state).encode(), inline=log.revision % 20 == 0, paths=["/step", "/done"])
        else:
            log.event(type_, compact(data), agent=agent)
    return log


def _session(
    rng: random.Random, begins: float, ends: float, name: str, share: int
) -> "list[tuple[float, str, dict[str, object], str, str]]":
    """One session: it begins, works in bursts, keeps checkpoints, and ends."""
    bursts = sorted(rng.uniform(begins + 60, ends - 300) for _ in range(max(2, share // 60)))
    events: list[tuple[float, str, dict[str, object], str, str]] = [
        (begins, "session_created", {"session_id": name}, "system", name)
    ]
    fails_at = rng.choice(bursts)
    busy = dict.fromkeys([agent for agent, _ in AGENTS], begins)
    for time in sorted(rng.choice(bursts) + abs(rng.gauss(0, 420)) for _ in range(share - 2)):
        agent = rng.choices([one for one, _ in AGENTS], [often for _, often in AGENTS])[0]
        event = _event(rng, time, agent, name, fails=abs(time - fails_at) < 400)
        took = event[2].get("duration_ms", 0)
        assert isinstance(took, int | float)
        # An agent does one thing after another, now and then two at once.
        start = time if rng.random() < 0.1 else max(time, busy[agent])
        busy[agent] = max(busy[agent], start + took / 1000 + 0.2)
        events.append((min(start + took / 1000, ends - 1), *event[1:]))
    events.append((ends, "session_ended", {"session_id": name}, "system", name))
    return events


def _event(
    rng: random.Random, time: float, agent: str, name: str, fails: bool
) -> "tuple[float, str, dict[str, object], str, str]":
    chance = rng.random()
    if chance < 0.012:
        reason = rng.choice(["all tests pass", "before the rewrite", "the parser reads everything"])
        label = f"cp-{int(time) % 86_400:05d}"
        return time, "checkpoint_created", {"checkpoint_name": label, "reason": reason}, agent, name
    if chance < 0.07:
        return time, "state_saved", {}, "system", name
    if chance < 0.1:
        return (
            time,
            "note",
            {"text": rng.choice(["the lexer is done", "try the other grammar", "ask about v2"])},
            agent,
            name,
        )
    tool, targets, median, _ = rng.choices(TOOLS, [often for *_, often in TOOLS])[0]
    took = round(median * rng.lognormvariate(0, 0.8), 1)
    data: dict[str, object] = {"tool": tool, "target": rng.choice(targets), "outcome": "ok", "duration_ms": took}
    if rng.random() < (0.3 if fails else 0.015):
        data["outcome"] = "failed"
        if tool == "Bash":
            data["exit_code"] = 1
        return time, "tool_failed", data, agent, name
    return time, "tool_used", data, agent, name


def decoded(log: Log) -> "list[dict[str, object]]":
    """The events of a log, as a timeline gets them."""
    return [json.loads(line) for line in log.lines]


def put(log: Log, store: Path) -> None:
    """Make a log that of a milestone in a store, in place of its own."""
    path = store / "state" / "events" / f"milestone-{log.milestone}.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in log.lines))
