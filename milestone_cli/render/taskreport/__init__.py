"""A report of tasks: Markdown for a pull request or the summary of a CI step, one HTML page, or JSON.

The page asks for nothing outside and runs nothing: the policy in its head lets only its own style pass, by its hash.
Text from outside is escaped there, and stands in code spans in Markdown.
"""

from milestone_cli.jsontext import dumps
from milestone_cli.render.ages import span
from milestone_cli.render.task import standing
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Facts = dict[str, object]

ORDER = ("in progress", "given back", "ready", "waiting", "failed", "completed", "cancelled", "damaged")
"""What is open comes first."""


def pieces(found: "Facts", form: str) -> "Iterator[str]":
    """The report in a form: markdown, html or json.

    Args:
        found: what `core.tasks.report.report` gave.
        form: its name.
    """
    if form == "json":
        yield f'{{"schema":"milestone/task-report/v1",{dumps(found)[1:]}\n'
    elif form == "html":
        from milestone_cli.render.taskreport.page import page

        yield from page(found)
    else:
        from milestone_cli.render.taskreport.markdown import markdown

        yield from markdown(found)


def groups(found: "Facts") -> "Iterator[tuple[str, list[Facts]]]":
    """The tasks by how they stand, in `ORDER`."""
    by: dict[str, list[Facts]] = {}
    for one in listed(found["tasks"]):
        by.setdefault(standing(one), []).append(one)
    for name in ORDER:
        if name in by:
            yield name, by[name]


def listed(value: object) -> "list[Facts]":
    """The objects in a list of facts."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def title(found: "Facts") -> str:
    """Whose tasks they are."""
    return str(found["milestone_id"] or found["session_id"] or "all milestones")


def figures(found: "Facts") -> "list[tuple[str, str]]":
    """What is told above the tasks: names and values."""
    metrics = found["metrics"]
    assert isinstance(metrics, dict)
    names = ("total", "completed", "in_progress", "pending", "failed", "cancelled")
    told = [(name.replace("_", " "), f"{metrics[f'{name}_tasks']:,}") for name in names
            if metrics[f"{name}_tasks"] or name in ("total", "completed")]  # fmt: skip
    average = metrics["average_completion_time"]
    return [*told, ("average time", lasted(float(average)))] if average is not None else told


def lasted(seconds: float) -> str:
    """A span of time for people: `3 h 12 m`, `0.4 s`."""
    return f"{seconds:.1f} s" if seconds < 10 else span(int(seconds * 1e9))


def took(one: "Facts") -> str:
    """How long a task took; empty for one that is not completed."""
    begun, ended = parse_ns(one["started_at"]) or parse_ns(one["created_at"]), parse_ns(one["completed_at"])
    return lasted(max(0, ended - begun) / 1e9) if begun is not None and ended is not None else ""


def minute(timestamp: object) -> str:
    """A moment to the minute, in UTC; empty for none."""
    return timestamp[:16].replace("T", " ") if isinstance(timestamp, str) else ""


def older(one: "Facts") -> int:
    """How many entries of a task's log are only in the events."""
    count = one["log_count"]
    return max(0, count - len(listed(one["logs"]))) if isinstance(count, int) else 0
