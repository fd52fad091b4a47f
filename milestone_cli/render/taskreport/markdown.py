"""A report of tasks as Markdown: a table for each way in which tasks stand, and then logs and results, folded."""

from milestone_cli.jsontext import dumps
from milestone_cli.render.taskreport import figures, groups, listed, minute, older, title, took
from milestone_cli.render.text import flat
from milestone_cli.render.timeline_markdown import code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Facts = dict[str, object]

ROOM = 900_000
"""Bytes; GitHub cuts a summary off at 1 MiB."""
LONGEST = 240
"""Characters of a description, and of a message."""
RESULT = 4000
"""Characters of a result."""
MARKS = {"failed": "❌ ", "completed": "✅ ", "given back": "⚠️ "}


def markdown(found: "Facts") -> "Iterator[str]":
    """Yield the report as GitHub's Markdown; what is too long for a summary is left out, and that is said."""
    room = ROOM
    told = "  ·  ".join(f"**{value}** {name}" for name, value in figures(found))
    yield f"## Tasks of {code(title(found))}\n\n{told}\n\nMade {minute(found['generated_at'])} UTC.\n"
    if not listed(found["tasks"]):
        yield "\nThere is no task.\n"
    left_out = 0
    for name, tasks in groups(found):
        yield (
            f"\n### {MARKS.get(name, '')}{name.capitalize()} ({len(tasks)})\n\n"
            "| Task | What | By | Since | Took |\n| :-- | :-- | :-- | :-- | --: |\n"
        )
        for one in tasks:
            row = _row(one)
            room -= len(row.encode("utf-8", "replace"))
            left_out += room < 0
            if room >= 0:
                yield row
    for _, tasks in groups(found):
        for one in tasks:
            details = _details(one)
            room -= len(details.encode("utf-8", "replace"))
            left_out += room < 0
            if room >= 0:
                yield details
    if left_out:
        yield f"\n> **Left out:** {left_out} rows and logs, because GitHub cuts a summary off at 1 MiB.\n"


def _row(one: "Facts") -> str:
    about = code(str(one["description"] or one["trouble"] or ""), LONGEST)
    waits = one["waits_for"]
    if isinstance(waits, list) and waits:
        about += " waits for " + ", ".join(code(str(name)) for name in waits[:5])
    if one["reason"]:
        about += ": " + code(str(one["reason"]), LONGEST)
    by = code(str(one["claimed_by"] or one["agent_id"] or ""))
    since = minute(one["completed_at"] or one["started_at"] or one["created_at"])
    return f"| {code(str(one['id']))} | {about} | {by} | {since} | {took(one)} |\n"


def _details(one: "Facts") -> str:
    """The log and the result of a task, folded; empty where there is neither."""
    logs = [
        f"- {code(minute(entry.get('timestamp')))} {flat(str(entry.get('level')))[:20] if _is_word(entry) else ''} "
        f"{code(str(entry.get('message')), LONGEST)}\n"
        for entry in listed(one["logs"])
    ]
    if older(one):
        logs.insert(0, f"- {older(one)} older entries: `milestone events query --where task_id={one['id']}`\n")
    result = "" if one["result"] is None else f"\nResult: {code(dumps(one['result']), RESULT)}\n"
    if not logs and not result:
        return ""
    return f"\n<details><summary>{one['id']}</summary>\n\n{''.join(logs)}{result}\n</details>\n"


def _is_word(entry: "Facts") -> bool:
    """Whether a level is a plain word, which needs no code span."""
    level = entry.get("level")
    return isinstance(level, str) and level.isascii() and level.isalpha()
