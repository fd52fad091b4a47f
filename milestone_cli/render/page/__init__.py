"""The timeline as a page: one HTML file that asks for nothing outside and runs nothing but its own scripts.

What an event says is data in the page: JSON in a block that no browser executes, with every character escaped that
could end it. The policy in its head lets only the scripts and the style pass whose hashes it names, and forbids
whatever would read text as markup. The newest events are there in full; what is older is counted (`Bins`), so the
page and the memory that it takes stay bounded.
"""

import base64
import hashlib
import html
import os
import re
from collections import deque
from itertools import islice

from milestone_cli import __version__, runtime
from milestone_cli.render.ages import span
from milestone_cli.render.events import state_summary
from milestone_cli.render.lanes import KINDS, Bins, Lanes
from milestone_cli.render.page.record import encoded, line
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from milestone_cli.render.lanes import Mark

KEPT = 200_000
"""So many events are in the page in full, the newest."""
ROOM = 64 << 20
"""So many characters they may have together."""
PIECE = 1000
"""Lines in a piece of the output."""
STEPS = 2048
"""The older ones are counted in at most so many intervals."""
SCRIPTS = ("text", "time", "log", "marks", "overview", "chart", "gestures", "list", "details", "timeline")
"""In this order; each may use what those before it declare."""
UNSAFE = re.compile(r"[<>&\u2028\u2029\ud800-\udfff]")
"""What could end a block of data in HTML, or cannot be written as UTF-8."""
POLICY = (
    "default-src 'none'; script-src {scripts}; style-src {style}; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def page(events: "Iterable[dict[str, object]]", title: str, now: int) -> "Iterator[str]":
    """Yield an HTML page of decoded events, oldest first.

    Args:
        events: as the JSON timeline has them; read once, and only the newest are held.
        title: above the page; text, not markup.
        now: nanoseconds since 1970; when the page was made.
    """
    lanes = Lanes()
    kept, older = _kept(events, lanes)
    styles, scripts = _read("timeline.css"), [_read(name + ".js") for name in SCRIPTS]
    policy = POLICY.format(scripts=" ".join([_hash(script) for script in scripts]), style=_hash(styles))
    before, after = _read("timeline.html").split("<!-- data -->\n")
    yield before.format(
        title=html.escape(flat(title)),
        policy=html.escape(policy),
        style=styles,
        facts=_facts(lanes),
        notes=_notes(lanes, len(kept), older, now),
    )
    yield '<script type="application/json" id="columns">'
    yield _safe(_columns(kept, older, lanes, title, now))
    yield '</script>\n<script type="text/plain" id="lines">'
    for at in range(0, len(kept), PIECE):
        yield _safe("".join(["\n" + text for _, _, text in islice(kept, at, at + PIECE)]))
    yield "</script>\n"
    for script in scripts:
        yield f"<script>{script}</script>\n"
    yield after


def _kept(
    events: "Iterable[dict[str, object]]", lanes: Lanes
) -> "tuple[deque[tuple[Mark, str, str]] | list[tuple[Mark, str, str]], Bins]":
    """The newest events, each with its mark, what a state's event says, and its line; and the older ones counted."""
    kept: deque[tuple[Mark, str, str]] = deque()
    older = Bins(STEPS, width=1000)
    size = 0
    for event in events:
        mark = lanes.place(event)
        data = event.get("data")
        said = state_summary(data) if isinstance(data, dict) and "revision" in data and "state_file" in data else ""
        text = line(event, lanes.lanes[mark[2]], lanes.types[mark[3]][0])
        kept.append((mark, said, text))
        size += len(text)
        while len(kept) > KEPT or size > ROOM:
            (_, end, lane, type_), _, text = kept.popleft()
            size -= len(text)
            older.add(end, lane, lanes.types[type_][1])
    if any(kept[i][0][1] < kept[i - 1][0][1] for i in range(1, len(kept))):
        # Lines of bash have whole seconds, and stand among ours by those.
        return sorted(kept, key=lambda one: one[0][1]), older
    return kept, older


def _columns(kept: "Iterable[tuple[Mark, str, str]]", older: Bins, lanes: Lanes, title: str, now: int) -> str:
    """The page's data but for its lines, as JSON: times as differences in microseconds, names as numbers."""
    times, durations, lane, type_ = [], [], [], []
    said: dict[str, object] = {}
    base = last = None
    for number, ((start, end, lane_, kind), words, _) in enumerate(kept):
        if last is None:
            base = last = end
        times.append(end - last)
        durations.append(end - start)
        lane.append(lane_)
        type_.append(kind)
        if words:
            said[str(number)] = words
        last = end
    counted = [
        [lane_, kind, [part for step in sorted(steps) for part in (step, steps[step])]]
        for (lane_, kind), steps in older.counts.items()
    ]
    return encoded(
        {
            "title": flat(title),
            "version": __version__,
            "made": now // 1_000_000,
            "count": lanes.count,
            "first": lanes.first,
            "last": lanes.last,
            "base": base,
            "kinds": KINDS,
            "lanes": lanes.lanes,
            "types": lanes.types,
            "times": times,
            "durations": durations,
            "lane": lane,
            "type": type_,
            "said": said,
            "older": {"start": older.start, "width": older.width, "counts": counted},
        }
    )


def _facts(lanes: Lanes) -> str:
    """The summary above the timeline, as the items of a description list."""
    facts = [
        ("Events", f"{lanes.count:,}", "", ""),
        ("Failures", f"{lanes.failures:,}", "", "bad" if lanes.failures else ""),
        ("Checkpoints", f"{lanes.checkpoints:,}", "", ""),
        ("Agents", f"{len(lanes.agents):,}", "", ""),
        ("Sessions", f"{len(lanes.sessions):,}", "", ""),
    ]
    if lanes.first is not None and lanes.count > 1:
        facts.append(("Span", span((lanes.last - lanes.first) * 1000), f"since {_minute(lanes.first)} UTC", ""))
    if lanes.gaps:
        start, end = lanes.gaps[0]
        facts.append(("Longest gap", span((end - start) * 1000), f"from {_minute(start)} UTC", ""))
    return "".join([_fact(*fact) for fact in facts])


def _fact(name: str, value: str, hint: str, style: str) -> str:
    shown = f' title="{html.escape(hint)}"' if hint else ""
    return f'<div{shown}><dt>{name}</dt><dd class="{style}">{html.escape(value)}</dd></div>'


def _notes(lanes: Lanes, kept: int, older: Bins, now: int) -> str:
    """What the reader must know: when the page was made, and what it only counts."""
    notes = [f"Made {_minute(now // 1000)} UTC by milestone {html.escape(__version__)}."]
    if lanes.count > kept:
        step = span(older.width * 1000) if older.width >= 1_000_000 else "less than a second"
        notes.append(
            f"<strong>The newest {kept:,} events are here in full; the {lanes.count - kept:,} older ones are counted, "
            f"in intervals of {step}.</strong>"
        )
    return " ".join(notes)


def _minute(time: int) -> str:
    """Microseconds since 1970 as a date and a time, in UTC."""
    return runtime.timestamp(time * 1000)[:16].replace("T", " ")


def _read(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def _safe(text: str) -> str:
    r"""JSON in which no tag and no comment can begin or end, and no half character stands."""
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
