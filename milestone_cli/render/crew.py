"""The agents of a milestone and what they wait for, in the few lines that a status has room for."""

from milestone_cli.jsontext import dumps
from milestone_cli.render.ages import SECOND, short, when
from milestone_cli.render.overview import labelled
from milestone_cli.render.table import DIM, MAGENTA, RED

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]

SAID = ("sync_id", "type", "evidence", "reason")
"""What speaks for itself in an event."""
MOST = 5
"""So many agents have a line of their own."""


def crew_lines(found: "Facts", is_short: bool) -> "list[str]":
    """Who is at work and how, who fell, and which synchronisations are open or went wrong."""
    agents, fallen, syncs = (_listed(found.get(key)) for key in ("agents", "fallen", "syncs"))
    lines = _short(agents) if is_short else _long(agents)
    lines += fallen_lines(fallen[-1 if is_short else -3 :])
    lines += sync_lines([one for one in syncs if one["status"] != "completed" or not is_short])
    return lines + _tasks(found.get("tasks"))


def fallen_lines(fallen: "list[Facts]", width: "int | None" = None) -> "list[str]":
    """Who failed, when and why; for so many columns, or those of the terminal."""
    return [
        labelled("failed", f"{one['agent_id']} {when(one['ended_at'])}: {one['reason']}", RED, width) for one in fallen
    ]


def sync_lines(syncs: "list[Facts]", width: "int | None" = None) -> "list[str]":
    """How synchronisations stand, or ended."""
    return [_sync(one, width) for one in syncs]


def _tasks(found: object) -> "list[str]":
    """What is still to be done, in one line."""
    if not found:
        return []
    from milestone_cli.render.task import open_words

    return [labelled("tasks", told) for told in [open_words(found)] if told]


def words(data: "Facts") -> str:
    """What an event of an agent or of a synchronisation says: `coder, process 7 is gone, locks demo`."""
    told = [
        _word(value) if name in SAID else f"{name} {_word(value)}"
        for name, value in data.items()
        if value not in (None, [], {}) and name != "agent_id"  # who acts has a column of its own
    ]
    return "; ".join(told)


def _word(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {one if isinstance(one, str | int) else dumps(one)}" for key, one in value.items())
    return value if isinstance(value, str) else dumps(value)


def _listed(value: object) -> "list[Facts]":
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _style(health: object) -> str:
    return {"healthy": "", "dead": RED}.get(str(health), MAGENTA)


def _long(agents: "list[Facts]") -> "list[str]":
    lines = []
    for i, one in enumerate(agents[:MOST]):
        seconds = one["silent_seconds"]
        heard = f", heard {short(int(seconds * SECOND))} ago" if isinstance(seconds, int | float) else ""
        doing = f": {one['doing']}" if one["doing"] else ""
        told = f"{one['agent_id']} ({one['type'] or 'general'}), {one['health']}{heard}{doing}"
        lines.append(labelled("agents" if i == 0 else "", told, _style(one["health"])))
    if len(agents) > MOST:
        lines.append(labelled("", f"and {len(agents) - MOST} more", DIM))
    return lines


def _short(agents: "list[Facts]") -> "list[str]":
    if not agents:
        return []
    told = ", ".join(
        f"{one['agent_id']}" if one["health"] == "healthy" else f"{one['agent_id']} {one['health']}" for one in agents
    )
    worst = next((one["health"] for one in agents if one["health"] != "healthy"), "healthy")
    return [labelled("agents", told, _style(worst))]


def _sync(one: "Facts", width: "int | None") -> str:
    answered, participants, missing = (_count(one[key]) for key in ("answered", "participants", "missing"))
    told = f"{str(one['status']).replace('_', ' ')}, {answered} of {participants} answered"
    if missing and one["status"] == "in_progress":
        told += f", waits for {_names(one['missing'])}"
    elif one["status"] == "failed":
        told += f": {one['reason']}"
    elif isinstance(one["lost"], dict) and one["lost"]:
        told += f", without {', '.join(one['lost'])}"
    style = {"failed": RED, "in_progress": MAGENTA}.get(str(one["status"]), "")
    return labelled("sync", f"{told} ({one['sync_id']})", style, width)


def _count(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def _names(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else ""
