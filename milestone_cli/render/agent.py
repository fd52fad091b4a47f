"""Agents and synchronisation points for people: lists, and one of them."""

from milestone_cli.jsontext import dumps
from milestone_cli.render.ages import SECOND, short, when
from milestone_cli.render.table import CYAN, DIM, GREEN, MAGENTA, RED, paint, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.render.table import Cell

    Facts = dict[str, object]

HEALTH = {"healthy": GREEN, "stale": MAGENTA, "dead": RED, "unknown": MAGENTA, "retired": DIM}
SYNC = {"in_progress": CYAN, "completed": GREEN, "failed": RED}
STATE = 60
"""Characters of an agent's state in a list."""


def list_text(found: "list[Facts]", *, is_all: bool) -> str:
    """The agents of a store."""
    if not found:
        return "no agent is known" if is_all else "no agent is at work; --all shows those that were"
    rows: list[list[Cell]] = [
        [
            str(one["agent_id"]),
            str(one["type"] or "-"),
            _health(one),
            _silent(one),
            str(one["milestone_id"] or "-"),
            str(one["session_id"] or "-"),
            "-" if one["pid"] is None else str(one["pid"]),
            str(one["host"] or "-"),
            _counted(one["metrics"]),
            (_cut(dumps(one["state"])), DIM),
        ]
        for one in found
    ]
    head = ["AGENT", "TYPE", "HEALTH", "HEARD", "MILESTONE", "SESSION", "PID", "HOST", "DONE/ERR", "STATE"]
    return table(rows, head, align="=<<><<><><", spare=["HOST", "SESSION", "PID", "MILESTONE", "DONE/ERR"])


def _health(one: "Facts") -> "tuple[str, str]":
    word = str(one["status"] if one["status"] in ("failed", "damaged") else one["health"])
    return word, HEALTH.get(word, RED)


def _silent(one: "Facts") -> str:
    seconds = one["silent_seconds"]
    return short(int(seconds * SECOND)) if isinstance(seconds, int | float) else "-"


def _counted(metrics: object) -> str:
    if not isinstance(metrics, dict):
        return "-"
    return f"{metrics.get('operations_completed', 0)}/{metrics.get('errors_encountered', 0)}"


def _cut(text: str) -> str:
    return text if len(text) <= STATE else text[: STATE - 1] + "…"


def show_text(found: "Facts") -> str:
    """One agent, a line for each fact."""
    word, style = _health(found)
    evidence = found["evidence"]
    told = "; ".join(map(str, evidence)) if isinstance(evidence, list) else ""
    lines = [f"{flat(str(found['agent_id']))}  {paint(word, style)}: {flat(told)}"]
    rows: list[list[Cell]] = [
        [("type", DIM), str(found["type"] or "-")],
        [("milestone", DIM), str(found["milestone_id"] or "-")],
        [("session", DIM), str(found["session_id"] or "-")],
        [("process", DIM), f"{found['pid']} on {found['host']}" if found["pid"] else "none"],
        [("command", DIM), str(found["command"] or "-")],
        [("registered", DIM), when(found["registered_at"])],
        [("heartbeat", DIM), when(found["last_heartbeat"])],
        [("ended", DIM), when(found["ended_at"])],
        [("depends on", DIM), _names(found["dependencies"])],
        [("subscribers", DIM), _names(found["subscribers"])],
        [("follows", DIM), _names(found["subscriptions"])],
        [("to answer", DIM), _names(found["open_syncs"])],
        [("metrics", DIM), _metrics(found["metrics"])],
        [("state", DIM), dumps(found["state"])],
    ]
    kept = [row for row in rows if row[1] not in ("-", "none")]
    return "\n".join([*lines, *("  " + line for line in table(kept, [], align="<<").split("\n"))])


def _names(value: object) -> str:
    return ", ".join(map(str, value)) or "-" if isinstance(value, list) else "-"


def _metrics(value: object) -> str:
    if not isinstance(value, dict):
        return "-"
    done, errors = value.get("operations_completed", 0), value.get("errors_encountered", 0)
    return f"{done} done, {errors} failed, {value.get('total_execution_time', 0)} s"


def health_text(found: "Facts") -> str:
    """How agents are, and what tells so."""
    agents = found["agents"]
    assert isinstance(agents, list)
    lines = [look_text(found)] if agents else ["no agent is at work"]
    if agents:
        rows: list[list[Cell]] = [
            [str(one["agent_id"]), (str(one["health"]), HEALTH.get(str(one["health"]), RED)), _silent(one),
             "; ".join(map(str, one["evidence"]))]
            for one in agents
        ]  # fmt: skip
        lines.append(table(rows, ["AGENT", "HEALTH", "HEARD", "EVIDENCE"], align="=<><"))
    return "\n".join([*lines, *_buried(found)])


def _buried(found: "Facts") -> "list[str]":
    buried = found["buried"]
    lines = []
    for one in buried if isinstance(buried, list) else ():
        back = [f"locks given back: {', '.join(one['locks'])}"] if one["locks"] else []
        back += [f"awaited no more in {', '.join(one['syncs'])}"] if one["syncs"] else []
        back += [f"tasks given back: {', '.join(one['tasks'])}"] if one.get("tasks") else []
        back += [f"last checkpoint: {one['last_checkpoint']}"] if one["last_checkpoint"] else []
        lines.append(flat("; ".join([f"{one['agent_id']}: recorded as failed", *back])))
    return lines


def look_text(found: "Facts") -> str:
    """How many agents are in which health, and who is not well."""
    told = [f"{found[word]} {paint(word, style)}" for word, style in HEALTH.items() if found.get(word)]
    agents = found["agents"]
    unwell = [f"{one['agent_id']} {one['health']}" for one in agents if one["health"] != "healthy"] if isinstance(
        agents, list) else []  # fmt: skip
    return (", ".join(told) or "no agent is at work") + (f" ({flat(', '.join(unwell))})" if unwell else "")


def sync_list_text(found: "list[Facts]") -> str:
    """The synchronisation points of a store."""
    if not found:
        return "no synchronisation was asked for"
    rows: list[list[Cell]] = [
        [
            str(one["sync_id"]),
            _standing(one),
            str(one["trigger_agent"]),
            (when(one["started_at"]), DIM),
            f"{_count(one['answers'])}/{_count(one['participants'])}",
            _waiting(one),
        ]
        for one in found
    ]
    head = ["SYNC", "STATUS", "TRIGGER", "STARTED", "ANSWERS", "MISSING"]
    return table(rows, head, align="=<<<><", spare=["STARTED", "TRIGGER"])


def _standing(one: "Facts") -> "tuple[str, str]":
    """The status of a point in words, and its style."""
    status = str(one["status"])
    return status.replace("_", " "), SYNC.get(status, RED)


def _count(value: object) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _waiting(one: "Facts") -> str:
    missing, lost = one["missing"], one["lost"]
    told = list(missing) if isinstance(missing, list) else []
    told += [f"{name} (gone)" for name in lost] if isinstance(lost, dict) else []
    return ", ".join(map(str, told)) or "-"


def sync_text(found: "Facts") -> str:
    """One synchronisation point: who has answered what, who is missing."""
    answers, lost, missing = found["answers"], found["lost"], found["missing"]
    assert isinstance(answers, dict)
    assert isinstance(lost, dict)
    assert isinstance(missing, list)
    told = f"{len(answers)} of {_count(found['participants'])} answered"
    if answers and not found.get("agreed"):
        told += ", at different revisions"
    why = f": {flat(str(found['reason']))}" if found.get("reason") else ""
    lines = [f"{flat(str(found['sync_id']))}  {paint(*_standing(found))}, {told}{why}"]
    rows: list[list[Cell]] = []
    for name, said in answers.items():
        state = "" if said.get("state") is None else dumps(said["state"])
        rows.append([str(name), f"revision {said.get('revision')}", (when(said.get("at")), DIM), state])
    rows += [[str(name), ("gone", RED), "", str(why)] for name, why in lost.items()]
    rows += [[str(name), ("missing", MAGENTA), "", ""] for name in missing]
    if rows:
        lines += ["  " + line for line in table(rows, [], align="<<<<").split("\n")]
    return "\n".join(lines)


def ack_text(found: "Facts") -> str:
    """What an answer did."""
    done = "had answered before" if found["replayed"] else "has answered"
    left = found["missing"]
    rest = f"; {', '.join(map(str, left))} still to come" if isinstance(left, list) and left else ""
    return flat(f"{found['sync_id']}: {found['agent_id']} {done}; {_standing(found)[0]}{rest}")
