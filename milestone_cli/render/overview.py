"""Lists, status and settings for people."""

from milestone_cli import runtime
from milestone_cli.jsontext import dumps
from milestone_cli.render.ages import size, when
from milestone_cli.render.table import (
    BOLD,
    CYAN,
    DIM,
    GREEN,
    MAGENTA,
    RED,
    columns,
    fit,
    paint,
    screen_height,
    screen_width,
    table,
)
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.render.table import Cell

STATES = {"good": GREEN, "none": DIM, "completed": DIM, "changed outside": MAGENTA}
"""The style of what is the matter with a state; anything else is damage."""
LABEL = 14


def list_text(found: list[dict[str, object]]) -> str:
    """The milestones of a store."""
    if not found:
        return "no milestone yet; `milestone init NAME` makes one"
    rows: list[list[Cell]] = [
        [
            str(one["milestone_id"]),
            str(one["revision"]),
            str(one["events"]),
            size(one["bytes"]),
            when(one["updated_at"]),
            _state(one),
        ]
        for one in found
    ]
    return table(rows, ["MILESTONE", "REVISION", "EVENTS", _bytes(), "UPDATED", "STATE"], align="<>>><<")


def everything_text(found: dict[str, object]) -> str:
    """All milestones of a store, and how to look at one."""
    listed = found["milestones"]
    assert isinstance(listed, list)
    lines = [list_text(listed)]
    if listed:
        lines += ["", _line("session", str(found["session_id"] or "none")), _line("store", str(found["store"]))]
        worst = next((one for one in listed if _is_bad(one)), None)
        name = worst["milestone_id"] if worst else max(listed, key=_updated)["milestone_id"]
        lines += ["", _line("next", f"milestone status {name}", CYAN)]
    return "\n".join(lines)


def status_text(found: dict[str, object]) -> str:
    """One milestone at a look: how it is, what its state says, who works on it, what came last, what is next."""
    blocks = [[_headline(found)], _words(found), _facts(found), [], _next(found)]
    taken = sum(len(block) + 1 for block in blocks if block) + 3
    blocks[3] = _events(found, max(screen_height() - taken, 3))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def config_text(found: list[dict[str, object]]) -> str:
    """Every setting, its value, and where the value comes from."""
    rows = [[str(one[name]) for name in ("name", "value", "origin", "meaning")] for one in found]
    return table(rows, ["SETTING", "VALUE", "FROM", "MEANING"], align="<<<<")


def _headline(found: dict[str, object]) -> str:
    text, style = _state(found)
    facts = [f"revision {found['revision']}", f"{found['events']} event" + ("" if found["events"] == 1 else "s")]
    if found["bytes"]:
        facts.append(size(found["bytes"]) + ("" if runtime.is_terminal(1) else " bytes"))
    facts.append(f"updated {when(found['updated_at'])}" if found["updated_at"] else "never saved")
    name = paint(flat(str(found["milestone_id"])), BOLD)
    return f"{name}  {paint('state ' + text, style)}  {', '.join(facts)}"


def _words(found: dict[str, object]) -> list[str]:
    """What the state says of itself; the step that is next comes last on the screen."""
    said, hint = found["said"], found["next"]
    assert isinstance(said, dict)
    assert isinstance(hint, dict)
    lines = []
    for word, value in said.items():
        if value == hint["text"]:
            continue
        if isinstance(value, list):
            style = MAGENTA if word == "blockers" else ""
            lines += [_line(word if i == 0 else "", str(one), style) for i, one in enumerate(value[:5])]
            if len(value) > 5:
                lines.append(_line("", f"and {len(value) - 5} more", DIM))
        else:
            lines.append(_line(word, value if isinstance(value, str) else dumps(value), BOLD if word == "goal" else ""))
    return lines


def _facts(found: dict[str, object]) -> list[str]:
    mine, lock, checkpoint = found["session_id"], found["lock"], found["last_checkpoint"]
    sessions = found["sessions"]
    assert isinstance(sessions, list)
    lines = [_session("session" if i == 0 else "", one, mine) for i, one in enumerate(sessions[-3:])]
    if len(sessions) > 3:
        lines.append(_line("", f"and {len(sessions) - 3} more", DIM))
    if not sessions:
        lines.append(_line("session", str(mine or "none")))
    if isinstance(lock, dict):
        host = lock.get("host")
        elsewhere = f" on {host}" if host and host != runtime.host() else ""
        lines.append(_line("lock", f"held by {lock.get('kind')} process {lock.get('pid')}{elsewhere}", MAGENTA))
    else:
        lines.append(_line("lock", "free"))
    if isinstance(checkpoint, dict):
        count = found["checkpoints"]
        all_ = f" ({count} in all)" if count != 1 else ""
        state, style = str(checkpoint["state"]), STATES.get(str(checkpoint["state"]), RED)
        told = f"{checkpoint['name']}, {when(checkpoint['created_at'])}{all_}"
        if state == "good":
            lines.append(_line("checkpoint", told))
        else:
            lines.append(_line("checkpoint", f"{told}, {state}", style))
    else:
        lines.append(_line("checkpoint", "none"))
    return [*lines, _line("store", str(found["store"]))]


def _events(found: dict[str, object], most: int) -> list[str]:
    """The last events with their age, in a table without a head; as many as the screen has room for."""
    from milestone_cli.render.events import is_bad, told

    last = found["last_events"]
    assert isinstance(last, list)
    rows: list[list[Cell]] = []
    for event in last[-most:]:
        type_ = str(event.get("event_type", event.get("event", "?")))
        agent = str(event.get("agent_id", ""))
        rows.append([
            (when(event.get("timestamp")), DIM),
            (type_, RED if is_bad(type_) else ""),
            ("" if agent == "system" else agent, CYAN),
            told(event.get("data")),
        ])  # fmt: skip
    if not rows:
        return []
    if not any(row[2][0] for row in rows):
        rows = [[*row[:2], row[3]] for row in rows]
    bound = screen_width() - 2
    return [
        paint("last events", DIM),
        *["  " + line for line in table(rows, [], align=">" + "<" * (len(rows[0]) - 1), width=bound).split("\n")],
    ]


def _next(found: dict[str, object]) -> list[str]:
    hint = found["next"]
    assert isinstance(hint, dict)
    lines = [_line("next", str(hint["text"]), BOLD)]
    if hint["command"]:
        lines.append(_line("", str(hint["command"]), CYAN))
    return lines


def _line(label: str, text: str, style: str = "") -> str:
    """A label and what it says, cut to the width of a terminal."""
    shown = flat(label)
    start = "  " + paint(shown, DIM) + " " * (LABEL - 2 - columns(shown))
    return start + paint(fit(flat(text), max(screen_width() - LABEL, 8)), style)


def _session(label: str, session: dict[str, object], mine: object) -> str:
    """A session that has not ended; orphaned means that its process is gone, and that somebody may take it over."""
    own = " (the current one)" if session["session_id"] == mine else ""
    told = f"{session['session_id']}, since {when(session['created_at'])}{own}"
    is_orphaned = session["status"] == "orphaned"
    return _line(label, f"{told}, orphaned" if is_orphaned else told, MAGENTA if is_orphaned else "")


def _state(found: dict[str, object]) -> "tuple[str, str]":
    text = str(found["state"])
    return (text.upper() if _is_bad(found) else text), STATES.get(text, RED)


def _is_bad(found: dict[str, object]) -> bool:
    return found["state"] not in STATES


def _updated(found: dict[str, object]) -> str:
    return str(found["updated_at"] or "")


def _bytes() -> str:
    return "SIZE" if runtime.is_terminal(1) else "BYTES"
