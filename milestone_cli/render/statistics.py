"""What a log comes to, for machines as fields, and for people as short tables with small bars."""

from milestone_cli import runtime
from milestone_cli.model import OF_SESSION
from milestone_cli.render.ages import count, span
from milestone_cli.render.table import BOLD, CYAN, DIM, MAGENTA, RED, columns, fit, paint, screen_width, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from milestone_cli.core.log.tally import Tally, Tool
    from milestone_cli.render.table import Cell

    Facts = dict[str, object]

PARTS = " ▏▎▍▌▋▊▉"
WIDEST = 40
"""Columns of the longest bar."""
NARROWEST = 6
SHORTEST = 10
"""Seconds from which on a rate tells something."""
MOST = 10
"""Rows of a table; the rest is told in one."""
STEPS = ((13, "hour", ":00"), (10, "day", ""), (7, "month", ""), (4, "year", ""))
"""Characters of a timestamp that tell one step of time, what it is called, and what is put behind them."""
SECOND = 1_000_000_000
NONE = "-"


def fields(found: "Tally", counts: "dict[str, int]", milestone: "str | None") -> "Facts":
    """The result as JSON values; times of calls are in milliseconds."""
    seconds = _seconds(found)
    return {
        "milestone_id": milestone,
        "milestones": [
            {"milestone_id": name, "count": count} for name, count in counts.items() if _milestone(name)
        ],
        "events": found.events,
        "failures": sum(found.failures.values()),
        "first": _time(found.first),
        "last": _time(found.last),
        "seconds": seconds,
        "per_hour": round(found.events * 3600 / seconds, 3) if seconds else None,
        "types": [
            {"event_type": name, "count": count, "failures": found.failures.get(name, 0)}
            for name, count in _most(found.types)
        ],
        "agents": [{"agent_id": None if name == NONE else name, "count": count} for name, count in _most(found.agents)],
        "hours": [
            {"hour": f"{hour}:00:00Z", "count": count, "failures": failed}
            for hour, (count, failed) in sorted(found.hours.items()) if hour[:1] != "("
        ],
        "gaps": [
            {"milestone_id": _milestone(name), "seconds": ns / SECOND, "from": _time(end - ns),
             "to": _time(end)}
            for ns, name, end in found.gaps
        ],
        "tools": [_tool(name, tool) for name, tool in _slowest(found)],
        "slowest": [
            {"milestone_id": _milestone(log), "tool": tool, "target": target or None,
             "duration_ms": _number(ms), "timestamp": stamp or None}
            for ms, tool, target, stamp, log in found.slowest
        ],
    }  # fmt: skip


def _milestone(log: str) -> "str | None":
    """Whose log it is; None for a session's own."""
    return None if log[:1] == OF_SESSION else log


def _tool(name: str, tool: "Tool") -> "Facts":
    timed = tool.timed
    return {
        "tool": name, "calls": tool.calls, "failures": tool.failed, "timed": timed,
        "total_ms": _number(round(tool.total, 3)),
        "mean_ms": round(tool.total / timed, 1) if timed else None,
        "p50_ms": _number(tool.percentile(0.5)) if timed else None,
        "p95_ms": _number(tool.percentile(0.95)) if timed else None,
        "max_ms": _number(tool.longest) if timed else None,
    }  # fmt: skip


def text(found: "Tally", counts: "dict[str, int]", title: str) -> str:
    """The same for people."""
    if not found.events:
        return f"no event of {flat(title)} matches"
    blocks = [[_headline(found, title)], _milestones(counts), _types(found), _agents(found), _times(found),
              _gaps(found, several=len(counts) > 1), _tools(found), _calls(found)]  # fmt: skip
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _headline(found: "Tally", title: str) -> str:
    failed = sum(found.failures.values())
    words = [count(found.events, "event")]
    rate = _rate(found)
    words += [rate] if rate else []
    words += [count(failed, "failure")] if failed else []
    line = f"{paint('Events of ' + flat(title), BOLD)}  {', '.join(words)}"
    when = f"{_minute(found.first)} to {_minute(found.last)} UTC, {span((found.last or 0) - (found.first or 0))}"
    return line if found.first is None else f"{line}\n{paint(when, DIM)}"


def _rate(found: "Tally") -> str:
    """How often something came, in the unit in which that is no fraction."""
    seconds = _seconds(found)
    if seconds < SHORTEST:
        return ""
    for length, unit in ((1, "second"), (60, "minute"), (3600, "hour"), (86_400, "day")):
        rate = found.events * length / seconds
        if rate >= 1 or unit == "day":
            break
    each = "an hour" if unit == "hour" else f"a {unit}"
    return f"{rate:,.0f} {each}" if rate >= 10 else f"{rate:.1f} {each}"


def _milestones(counts: "dict[str, int]") -> list[str]:
    if len(counts) < 2:
        return []
    return _bars("MILESTONE", [(name, count, "") for name, count in _most(counts) if count])


def _types(found: "Tally") -> list[str]:
    return _bars("TYPE", [(name, count, RED if name in found.failures else "") for name, count in _most(found.types)])


def _agents(found: "Tally") -> list[str]:
    rows = [(name, count, "") for name, count in _most(found.agents)]
    return _bars("AGENT", rows) if len(rows) > 1 else []


def _times(found: "Tally") -> list[str]:
    """How much happened when, in the finest step that has room."""
    hours = sorted(one for one in found.hours.items() if one[0][:1] != "(")
    if not hours:
        return []
    unit, steps = "", {}
    for size, unit, end in STEPS:  # noqa: B007 - the last one stays
        steps = _by_steps(hours, size, end)
        if len(steps) <= 2 * MOST + 4:
            break
    if len(steps) < 2:
        return []
    shown = list(steps.items())[-2 * MOST - 4 :]
    return _bars(f"{unit.upper()} (UTC)", [(step, count, "") for step, count in shown], "=", len(shown))


def _by_steps(hours: "list[tuple[str, list[int]]]", size: int, end: str) -> "dict[str, int]":
    """Events in each step of time, which so many characters of a timestamp tell."""
    steps: dict[str, int] = {}
    for hour, (events, _) in hours:
        step = hour[:size].replace("T", " ") + end
        steps[step] = steps.get(step, 0) + events
    return steps


def _bars(title: str, rows: "Sequence[tuple[str, int, str]]", align: str = "=", most: int = MOST) -> list[str]:
    """A table of names, counts, and a bar for each as long as it is often."""
    rest = rows[most:]
    rows = rows[:most]
    highest = max(count for _, count, _ in rows)
    names = max([columns(title), *[columns(flat(name)) for name, _, _ in rows]])
    room = max(min(screen_width() - min(names, 40) - 14, WIDEST), NARROWEST)
    cells: list[list[Cell]] = [
        [(name, style), f"{count:,}", (_bar(count, highest, room), style or CYAN)] for name, count, style in rows
    ]
    lines = table(cells, [title, "EVENTS", ""], align=align + "><").split("\n")
    if rest:
        lines.append(paint(f"and {len(rest):,} more with {sum(count for _, count, _ in rest):,} events", DIM))
    return lines


def _bar(count: int, highest: int, room: int) -> str:
    """A bar in eighths of a column; what is there at all can be seen."""
    eighths = max(round(count * room * 8 / highest), 1)
    return "█" * (eighths // 8) + PARTS[eighths % 8].strip()


def _gaps(found: "Tally", *, several: bool) -> list[str]:
    gaps = [gap for gap in found.gaps if gap[0] >= SECOND][: MOST // 2]
    if not gaps:
        return []
    rows: list[list[Cell]] = [
        [span(ns), _minute(end - ns), _minute(end), name if several else ""] for ns, name, end in gaps
    ]
    head = ["LONGEST GAPS", "FROM (UTC)", "TO", "MILESTONE"]
    size = 4 if several else 3
    return table([row[:size] for row in rows], head[:size], align="><<=").split("\n")


def _tools(found: "Tally") -> list[str]:
    tools = _slowest(found)
    if not tools:
        return []
    rows: list[list[Cell]] = []
    for name, tool in tools[:MOST]:
        times = [tool.total, tool.total / tool.timed, tool.percentile(0.95), tool.longest] if tool.timed else []
        rows.append([
            name, f"{tool.calls:,}", (str(tool.failed or "-"), RED if tool.failed else ""),
            *([_took(ms) for ms in times] or ["-"] * 4),
        ])  # fmt: skip
    lines = table(rows, ["TOOL", "CALLS", "FAILED", "TOTAL", "MEAN", "95 %", "LONGEST"], align="=>>>>>>").split("\n")
    if len(tools) > MOST:
        lines.append(paint(f"and {len(tools) - MOST:,} more", DIM))
    return lines


def _calls(found: "Tally") -> list[str]:
    calls = found.slowest[: MOST // 2]
    if not calls:
        return []
    rows: list[list[Cell]] = [
        [(_took(ms), MAGENTA), _second(stamp), f"{tool} {target}".strip()] for ms, tool, target, stamp, _ in calls
    ]
    return table(rows, ["SLOWEST CALLS", "AT (UTC)", "WHAT"], align="><<").split("\n")


def _slowest(found: "Tally") -> "list[tuple[str, Tool]]":
    """Tools, those that took most time first."""
    return sorted(found.tools.items(), key=lambda one: (-one[1].total, -one[1].calls, one[0]))


def _most(counts: "dict[str, int]") -> "list[tuple[str, int]]":
    """Names with their counts, the most frequent first."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _seconds(found: "Tally") -> float:
    return ((found.last or 0) - (found.first or 0)) / SECOND


def _took(ms: float) -> str:
    if ms < 1000:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.1f} s" if ms < 99_950 else span(int(ms * 1e6))


def _number(ms: float) -> float:
    """Milliseconds, as an integer where they are one."""
    return int(ms) if ms == int(ms) else ms


def _time(ns: "int | None") -> "str | None":
    return None if ns is None else runtime.timestamp(ns)


def _minute(ns: "int | None") -> str:
    return "-" if ns is None else runtime.timestamp(ns)[:19].replace("T", " ")


def _second(stamp: str) -> str:
    return fit(flat(stamp)[:19].replace("T", " "), 19)
