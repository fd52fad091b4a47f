"""A report of tasks as a page: one HTML file without scripts, without outside addresses, in both themes."""

import base64
import hashlib
import html
import json
import os

from milestone_cli import __version__
from milestone_cli.render.taskreport import figures, groups, listed, minute, older, title, took
from milestone_cli.render.text import clean, flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Facts = dict[str, object]

POLICY = "default-src 'none'; style-src {style}; base-uri 'none'; form-action 'none'"
WIDTH = 1000
"""Units of the bar on top."""
RESULT = 100_000
"""Characters of a result that are shown."""
HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title} · tasks</title>
<style>{style}</style>
</head>
<body>
<header>
<h1><small>Tasks</small> <bdi>{title}</bdi></h1>
<dl class="facts">{facts}</dl>
</header>
{bar}
<main>
"""


def page(found: "Facts") -> "Iterator[str]":
    """Yield the page."""
    with open(os.path.join(os.path.dirname(__file__), "report.css"), encoding="utf-8") as file:
        style = file.read()
    digest = "'sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() + "'"
    facts = "".join(
        f'<div><dt>{name}</dt><dd class="{_class(name)}">{value}</dd></div>' for name, value in figures(found)
    )
    yield HEAD.format(
        policy=html.escape(POLICY.format(style=digest)), title=_text(title(found)), style=style, facts=facts,
        bar=_bar(found),
    )  # fmt: skip
    if not listed(found["tasks"]):
        yield "<p>There is no task.</p>\n"
    for name, tasks in groups(found):
        yield f'<section class="{_class(name)}"><h2>{name.capitalize()} <span>{len(tasks)}</span></h2>\n'
        for one in tasks:
            yield _task(one)
        yield "</section>\n"
    made = f"Made {minute(found['generated_at'])} UTC by milestone {html.escape(__version__)}. Times are UTC."
    yield f"</main>\n<footer><p>{made}</p></footer>\n</body>\n</html>\n"


def _text(value: object) -> str:
    """A text from outside as one line of HTML."""
    return html.escape(flat(str(value)))


def _class(name: str) -> str:
    return name.replace(" ", "-")


def _bar(found: "Facts") -> str:
    """How the tasks stand, as one bar; nothing where there is no task."""
    total = len(listed(found["tasks"]))
    at, parts = 0.0, []
    for name, tasks in groups(found):
        wide = len(tasks) / total * WIDTH
        told = f"<title>{len(tasks)} {name}</title>"
        parts.append(f'<rect class="{_class(name)}" x="{at:.2f}" width="{wide:.2f}" height="10">{told}</rect>')
        at += wide
    if not parts:
        return ""
    label = ", ".join(f"{len(tasks)} {name}" for name, tasks in groups(found))
    return (
        f'<svg class="bar" viewBox="0 0 {WIDTH} 10" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def _task(one: "Facts") -> str:
    about = _text(one["description"] or one["trouble"] or "")
    notes = [f"<bdi>{_text(one['id'])}</bdi>"]
    notes += [f"{label} <bdi>{_text(one[key])}</bdi>" for key, label in (("tool", "with"), ("agent_id", "by"))
              if one[key]]  # fmt: skip
    notes += [f"milestone <bdi>{_text(one['milestone_id'])}</bdi>"] if one["milestone_id"] else []
    waits = one["waits_for"]
    if isinstance(waits, list) and waits:
        notes.append("waits for " + ", ".join(f"<bdi>{_text(name)}</bdi>" for name in waits))
    if one["evidence"]:
        notes.append(_text(one["evidence"]))
    times = [("created", one["created_at"]), ("started", one["started_at"]), ("completed", one["completed_at"])]
    shown = [f"{name} <time>{_text(minute(at))}</time>" for name, at in times if at]
    shown += [f"took <b>{took(one)}</b>"] if took(one) else []
    reason = f'<p class="reason">{_text(one["reason"])}</p>' if one["reason"] else ""
    return (
        f"<article><h3>{about}</h3>{reason}"
        f'<p class="notes">{" · ".join(notes)}</p><p class="times">{" · ".join(shown)}</p>{_log(one)}{_result(one)}'
        "</article>\n"
    )


def _log(one: "Facts") -> str:
    logs = listed(one["logs"])
    if not logs:
        return ""
    rows = "".join(
        f'<tr class="{_level(entry)}"><td><time>{_text(str(entry.get("timestamp"))[:19].replace("T", " "))}</time></td>'
        f"<td>{_text(entry.get('level'))}</td><td>{_text(entry.get('type'))}</td>"
        f"<td>{_text(entry.get('message'))}</td></tr>"
        for entry in logs
    )
    more = f", {older(one)} older ones are events" if older(one) else ""
    return f"<details><summary>Log ({len(logs)}{more})</summary><table>{rows}</table></details>"


def _level(entry: "Facts") -> str:
    level = entry.get("level")
    return level if level in ("error", "warning", "debug") and isinstance(level, str) else "info"


def _result(one: "Facts") -> str:
    if one["result"] is None:
        return ""
    text = json.dumps(one["result"], indent=2, ensure_ascii=False)
    cut = text if len(text) <= RESULT else text[:RESULT] + f"\n… ({len(text)} characters)"
    return f"<details><summary>Result</summary><pre>{html.escape(clean(cut))}</pre></details>"
