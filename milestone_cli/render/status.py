"""One milestone at a look: how it is, what its state says, who works on it, what came last, and what is next.

It keeps to one screen: where that has few lines, lists become lines, and what matters least is left out.
"""

from milestone_cli import runtime
from milestone_cli.jsontext import dumps
from milestone_cli.render.ages import count, size, when
from milestone_cli.render.crew import crew_lines
from milestone_cli.render.overview import LABEL, labelled, state_of
from milestone_cli.render.table import (
    BOLD,
    CYAN,
    DIM,
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

    Facts = dict[str, object]

PROMPT = 2
"""Lines that a shell's own prompt takes."""
MOST = 5
"""So many entries of a list are shown."""
EVENTS = 3
"""So many events are shown on the smallest screen."""


def status_text(found: "Facts") -> str:
    """Lay out a status for the screen that there is; a pipe gets all of it."""
    height = screen_height() - PROMPT
    room = 0
    for is_short in (False, True):
        blocks = [[_headline(found)], _words(found, is_short), _facts(found, is_short), [], _next(found)]
        room = height - sum(len(block) + 1 for block in blocks if block) - 1  # the title of the events
        if room >= EVENTS:
            break
    blocks[3] = _events(found, max(room, EVENTS))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _headline(found: "Facts") -> str:
    text, style = state_of(found)
    facts = [f"revision {found['revision']}", count(int(str(found["events"])), "event")]
    if found["bytes"]:
        facts.append(size(found["bytes"]) + ("" if runtime.is_terminal(1) else " bytes"))
    facts.append(f"updated {when(found['updated_at'])}" if found["updated_at"] else "never saved")
    name, width = flat(str(found["milestone_id"])), screen_width()
    while len(facts) > 1 and columns(name) + len(text) + 10 + len(", ".join(facts)) > width:
        del facts[-2]  # what was last and when goes last
    return f"{paint(name, BOLD)}  {paint('state ' + text, style)}  {', '.join(facts)}"


def _words(found: "Facts", is_short: bool) -> list[str]:
    """What the state says of itself; the step that is next comes last on the screen."""
    said, hint = found["said"], found["next"]
    assert isinstance(said, dict)
    assert isinstance(hint, dict)
    lines = []
    for word, value in said.items():
        if value == hint["text"]:
            continue
        if isinstance(value, list):
            lines += _list(word, list(map(str, value)), is_short)
        else:
            lines.append(
                labelled(word, value if isinstance(value, str) else dumps(value), BOLD if word == "goal" else "")
            )
    return lines


def _list(word: str, items: list[str], is_short: bool) -> list[str]:
    """Some of a list: the last of what is done, and the first of what is to come."""
    style = MAGENTA if word == "blockers" else ""
    if is_short:
        return [labelled(word, ", ".join(items[::-1] if word == "done" else items), style)]
    shown, rest = (items[-MOST:], "before") if word == "done" else (items[:MOST], "more")
    lines = [labelled(word if i == 0 else "", one, style) for i, one in enumerate(shown)]
    if len(items) > MOST:
        lines.append(labelled("", f"and {len(items) - MOST} {rest}", DIM))
    return lines


def _facts(found: "Facts", is_short: bool) -> list[str]:
    mine, lock = found["session_id"], found["lock"]
    sessions = found["sessions"]
    assert isinstance(sessions, list)
    most = 1 if is_short else 3
    lines = [_session("session" if i == 0 else "", one, mine) for i, one in enumerate(sessions[-most:])]
    if len(sessions) > most and not is_short:
        lines.append(labelled("", f"and {len(sessions) - most} more", DIM))
    if not sessions:
        lines.append(labelled("session", str(mine or "none")))
    if isinstance(lock, dict):
        host = lock.get("host")
        elsewhere = f" on {host}" if host and host != runtime.host() else ""
        lines.append(labelled("lock", f"held by {lock.get('kind')} process {lock.get('pid')}{elsewhere}", MAGENTA))
    else:
        lines.append(labelled("lock", "free"))
    lines += crew_lines(found, is_short)
    lines.append(_checkpoint(found["last_checkpoint"], found["checkpoints"]))
    return lines if is_short else [*lines, labelled("store", str(found["store"]))]


def _session(label: str, session: "Facts", mine: object) -> str:
    """A session that has not ended; orphaned means that its process is gone, and that somebody may take it over."""
    own = " (current)" if session["session_id"] == mine else ""
    told = f"{session['session_id']}, since {when(session['created_at'])}{own}"
    is_orphaned = session["status"] == "orphaned"
    return labelled(label, f"{told}, orphaned" if is_orphaned else told, MAGENTA if is_orphaned else "")


def _checkpoint(newest: object, count: object) -> str:
    """The newest checkpoint; a long name gives way to its age and state."""
    if not isinstance(newest, dict):
        return labelled("checkpoint", "none")
    is_good = newest["state"] == "good"
    rest = f", {when(newest['created_at'])}{f' ({count} in all)' if count != 1 else ''}"
    rest += "" if is_good else f", {newest['state']}"
    name = fit(flat(str(newest["name"])), max(screen_width() - LABEL - columns(rest), 8))
    return labelled("checkpoint", name + rest, "" if is_good else MAGENTA if newest["state"] == "replaced" else RED)


def _events(found: "Facts", most: int) -> list[str]:
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


def _next(found: "Facts") -> list[str]:
    hint = found["next"]
    assert isinstance(hint, dict)
    lines = [labelled("next", str(hint["text"]), BOLD)]
    if hint["command"]:
        lines.append(labelled("", str(hint["command"]), CYAN))
    return lines
