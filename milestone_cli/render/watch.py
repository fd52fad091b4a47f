"""Who is at work on what, laid out for the screen that there is: the more room, the more of it; a pipe gets all."""

from milestone_cli.jsontext import dumps
from milestone_cli.render.agent import HEALTH
from milestone_cli.render.ages import SECOND, short, when
from milestone_cli.render.crew import fallen_lines, sync_lines
from milestone_cli.render.events import is_bad, told
from milestone_cli.render.lock import STYLES as LOCKS
from milestone_cli.render.lock import typed
from milestone_cli.render.overview import labelled, state_of
from milestone_cli.render.session import STYLES as SESSIONS
from milestone_cli.render.table import BOLD, CYAN, DIM, ENDLESS, MAGENTA, RED, columns, fit, paint, table
from milestone_cli.render.task import open_words
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from milestone_cli.render.table import Cell

    Facts = dict[str, object]
    Section = Callable[[Facts, int, int], list[str]]

MOST = {"milestones": 10, "sessions": 6, "agents": 10, "locks": 6}
"""Rows of each table, where the screen has room for them."""
GIVING = ("locks", "milestones", "sessions", "agents")
"""Which tables go first where there is no room at all."""
EVENTS = 4
"""Rows of the last events that other tables give way to."""
WORDS = 6
"""Lines of what a state says."""
ITEMS = 3
STATE = ("current_operation", "operation", "task", "current_task", "doing", "step", "status")
"""Keys of an agent's own state that say what it does."""


def text(found: "Facts") -> str:
    """A snapshot, all of it."""
    return "\n".join(lines(found, ENDLESS, ENDLESS))


def lines(found: "Facts", width: int, height: int, trouble: str = "") -> list[str]:
    """What the screen shows.

    Args:
        found: what `core.watch.look` gave.
        width: columns.
        height: lines.
        trouble: why it is not of now; empty when it is.
    """
    parts = [_title(found, width, trouble), *_words(found, width, WORDS), *_crew(found, width), *_tasks(found, width)]
    shown = {name: min(len(_listed(found, name)), most if height < ENDLESS else ENDLESS) for name, most in MOST.items()}
    while (needed := _needed(found, shown, len(parts)) + EVENTS + 2) > height + 1:
        largest = max(shown, key=lambda name: (shown[name], name))
        if shown[largest] > 1:
            shown[largest] -= 1
        elif len(parts) > 2:
            parts.pop()
        elif gone := next((name for name in GIVING if shown[name]), None):
            shown[gone] = 0
        else:
            break
    blocks = [parts]
    blocks += [SECTIONS[name](found, shown[name], width) for name in MOST]
    room = max(height - needed + EVENTS + 1, 1) if height < ENDLESS else ENDLESS
    blocks.append(_events(found, room, width))
    return [line for block in blocks if block for line in (*block, "")][:-1]


def _needed(found: "Facts", shown: "dict[str, int]", words: int) -> int:
    """Lines of everything above the last events: a head, a line for the rest, and an empty line for each table."""
    needed = words + 1
    for name, rows in shown.items():
        needed += rows + 2 + (rows < len(_listed(found, name))) if rows else 0
    return needed


def _title(found: "Facts", width: int, trouble: str) -> str:
    name = flat(str(found["milestone_id"] or found["store"]))
    if width >= ENDLESS:
        return f"milestone  {name}  {found['at']}"
    at = str(found["at"])[11:19] + " UTC"
    if trouble:
        return f"{paint(fit(flat(trouble), max(width - 22, 8)), RED)}  {paint('as of ' + at, DIM)}"
    rest = f"{at}  q quits"
    shown = fit(name, max(width - columns(rest) - 13, 8))
    return f"{paint('milestone', DIM)}  {paint(shown, BOLD)}  {paint(rest, DIM)}"


def _words(found: "Facts", width: int, most: int) -> list[str]:
    """What the state of a single milestone says, and what is next."""
    said, hint = found["said"], found["next"]
    shown = []
    for word, value in said.items() if isinstance(said, dict) else ():
        if isinstance(value, list):
            size = ITEMS if width < ENDLESS else len(value)
            items = [str(one) for one in (value[-size:] if word == "done" else value[:size])]
            told_ = "; ".join(items) + (f" (and {len(value) - size} more)" if len(value) > size else "")
        else:
            told_ = value if isinstance(value, str) else dumps(value)
        shown.append(labelled(word, told_, MAGENTA if word == "blockers" else BOLD if word == "goal" else "", width))
    if isinstance(hint, dict) and not (isinstance(said, dict) and "next" in said):
        shown.append(labelled("next", str(hint["text"]), BOLD, width))
    return shown[:most] if width < ENDLESS else shown


def _crew(found: "Facts", width: int) -> list[str]:
    """Who failed, and what is or was waited for together."""
    size = ITEMS if width < ENDLESS else ENDLESS
    return fallen_lines(_listed(found, "fallen")[-size:], width) + sync_lines(_listed(found, "syncs")[-size:], width)


def _tasks(found: "Facts", width: int) -> list[str]:
    """What is still to be done, in one line."""
    told = open_words(found.get("tasks"))
    return [labelled("tasks", told, "", width)] if told else []


def _table(
    found: "Facts", name: str, rows: "list[list[Cell]]", head: "Sequence[str]", align: str, width: int,
    spare: "Sequence[str]" = (),
) -> list[str]:  # fmt: skip
    """The rows under their head, and how many more there are."""
    if not rows:
        return []
    made = table(rows, head, align=align, width=width, spare=spare).split("\n")
    rest = len(_listed(found, name)) - len(rows)
    return [*made, paint(f"and {rest} more", DIM)] if rest else made


def _milestones(found: "Facts", most: int, width: int) -> list[str]:
    rows: list[list[Cell]] = [
        [str(one["milestone_id"]), str(one["revision"]), str(one["events"]), state_of(one), when(one["updated_at"])]
        for one in _listed(found, "milestones")[:most]
    ]
    return _table(found, "milestones", rows, ["MILESTONE", "REVISION", "EVENTS", "STATE", "UPDATED"], "=>><<", width)


def _sessions(found: "Facts", most: int, width: int) -> list[str]:
    rows: list[list[Cell]] = []
    for one in _listed(found, "sessions")[:most]:
        status = str(one["status"])
        rows.append([
            str(one["session_id"]),
            ("current" if one["current"] and status == "active" else status, SESSIONS.get(status, RED)),
            (when(one["created_at"]), DIM),
            str(one["milestone_id"] or "-"),
            "-" if one["progress"] is None else f"{one['progress']:g} %",
            str(one["operation"] or "-"),
        ])  # fmt: skip
    head = ["SESSION", "STATUS", "SINCE", "MILESTONE", "DONE", "DOES"]
    return _table(found, "sessions", rows, head, "=<<=><", width, ["MILESTONE", "SINCE"])


def _agents(found: "Facts", most: int, width: int) -> list[str]:
    rows: list[list[Cell]] = []
    for one in _listed(found, "agents")[:most]:
        health, silent = str(one["health"]), one["silent_seconds"]
        rows.append([
            str(one["agent_id"]),
            (health, HEALTH.get(health, RED)),
            (short(int(silent * SECOND)) + " ago" if isinstance(silent, int | float) else "-", DIM),
            str(one["type"] or "-"),
            str(one["milestone_id"] or "-"),
            _work(one["state"]),
        ])  # fmt: skip
    head = ["AGENT", "HEALTH", "HEARD", "TYPE", "MILESTONE", "DOES"]
    return _table(found, "agents", rows, head, "=<><=<", width, ["TYPE", "MILESTONE"])


def _work(state: object) -> str:
    """What an agent says it does; its state as JSON where no known key says it."""
    if not isinstance(state, dict) or not state:
        return "-"
    word = next((state[name] for name in STATE if isinstance(state.get(name), str) and state[name]), None)
    return word if isinstance(word, str) else dumps(state)


def _locks(found: "Facts", most: int, width: int) -> list[str]:
    rows: list[list[Cell]] = []
    for one in _listed(found, "locks")[:most]:
        state, age, waiting = str(one["state"]), one["age_seconds"], one["waiters"]
        count = len(waiting) if isinstance(waiting, list) else 0
        rows.append([
            str(one["name"]),
            (state, LOCKS.get(state, RED)),
            (short(int(age * SECOND)) if isinstance(age, int | float) else "-", DIM),
            f"{one['pid']}",
            str(count or "-"),
            (typed(one["command"]), DIM),
        ])  # fmt: skip
    return _table(found, "locks", rows, ["LOCK", "STATE", "AGE", "PID", "WAIT", "COMMAND"], "=<>>><", width, ["PID"])


def _events(found: "Facts", most: int, width: int) -> list[str]:
    """The last events, as many as there is room for, the newest at the end."""
    rows: list[list[Cell]] = []
    for event in _listed(found, "last_events")[-most:]:
        type_ = str(event.get("event_type", event.get("event", "?")))
        by = str(event.get("agent_id", ""))
        rows.append([
            (when(event.get("timestamp")), DIM),
            str(event.get("milestone_id") or "-"),
            (type_, RED if is_bad(type_) else ""),
            (by if by != "system" else "-", CYAN),
            told(event.get("data")),
        ])  # fmt: skip
    head, align = ["LAST EVENTS", "MILESTONE", "TYPE", "AGENT", "DATA"], ">==<<"
    if len(_listed(found, "milestones")) < 2:
        rows, head, align = [[row[0], *row[2:]] for row in rows], [head[0], *head[2:]], ">=<<"
    return table(rows, head, align=align, width=width).split("\n") if rows else []


def _listed(found: "Facts", name: str) -> "list[Facts]":
    value = found[name]
    return value if isinstance(value, list) else []


SECTIONS: "dict[str, Section]" = {"milestones": _milestones, "sessions": _sessions, "agents": _agents, "locks": _locks}
