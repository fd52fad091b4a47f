"""Locks for people: the list, one of them, and one that is gone."""

from milestone_cli.render.ages import SECOND, short
from milestone_cli.render.table import DIM, GREEN, MAGENTA, RED, paint, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.render.table import Cell

    Facts = dict[str, object]

STYLES = {"live": GREEN, "stale": RED, "foreign": MAGENTA}


def list_text(found: "list[Facts]") -> str:
    """The locks of a store."""
    if not found:
        return "no lock is held"
    rows: list[list[Cell]] = [
        [
            str(one["name"]),
            (str(one["state"]), STYLES[str(one["state"])]),
            str(one["kind"]),
            _or_dash(one["pid"]),
            _or_dash(one["host"]),
            _age(one["age_seconds"]),
            _or_dash(one["fence"]),
            str(len(_waiters(one))),
            (typed(one["command"]), DIM),
        ]
        for one in found
    ]
    head = ["LOCK", "STATE", "KIND", "PID", "HOST", "AGE", "FENCE", "WAIT", "COMMAND"]
    return table(rows, head, align="=<<><>>><", spare=["HOST", "FENCE", "KIND"])


def show_text(found: "Facts") -> str:
    """One lock, a line for each fact."""
    state = str(found["state"])
    lines = [f"{found['name']}  {paint(state, STYLES[state])}: {flat(str(found['evidence']))}"]
    rows: list[list[Cell]] = [
        [("kind", DIM), str(found["kind"])],
        [("holder", DIM), f"{_or_dash(found['pid'])} on {_or_dash(found['host'])}"],
        [("command", DIM), typed(found["command"])],
        [("age", DIM), _age(found["age_seconds"])],
        [("acquired", DIM), _or_dash(found["acquired_at"])],
        [("fence", DIM), _or_dash(found["fence"])],
    ]
    rows += [[("waits", DIM), f"{one['pid']}  {typed(one['command'])}"] for one in _waiters(found)]
    return "\n".join([*lines, *("  " + line for line in table(rows, [], align="<<").split("\n"))])


def gone_text(done: str, found: "Facts") -> str:
    """A lock that was released or broken."""
    holder = f"{found['state']} {found['kind']} lock of process {_or_dash(found['pid'])} on {_or_dash(found['host'])}"
    still = ""
    if found.get("released") is False and done == "broken":
        still = "; the kernel's lock stays until its holder ends, and what that writes is refused"
    return flat(f"{found['name']}: {done}, the {holder}{still}")


def _waiters(found: "Facts") -> "list[Facts]":
    waiters = found.get("waiters")
    return waiters if isinstance(waiters, list) else []


def typed(line: object) -> str:
    """A command as it was typed: without the interpreter that runs a script, and the folder that it is in."""
    if not isinstance(line, str) or not line:
        return "-"
    first, _, rest = line.partition(" ")
    if rest and first.rpartition("/")[2].startswith("python") and rest[0] == "/":
        first, _, rest = rest.partition(" ")
    return f"{first.rpartition('/')[2]} {rest}".rstrip(" ")


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


def _age(seconds: object) -> str:
    return short(seconds * SECOND) if isinstance(seconds, int) else "-"
