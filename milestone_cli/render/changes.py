"""What changed in a state, for people: a line a change, a line a revision."""

from milestone_cli import render, runtime
from milestone_cli.render.ages import size, when
from milestone_cli.render.table import DIM, GREEN, MAGENTA, RED, fit, paint, screen_width, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from milestone_cli.core.states.compare import Difference
    from milestone_cli.core.states.recover import Recovery
    from milestone_cli.core.states.revisions import Entry
    from milestone_cli.render.table import Cell

SIGNS = {"add": ("+", GREEN), "remove": ("-", RED), "replace": ("~", MAGENTA)}
HEAD = ["REVISION", "TIME", "AGENT", "SESSION", "EVENT", "BYTES", "CHANGED"]


def emit_texts(kind: str, fields: "dict[str, object]", texts: "dict[str, list[str]]", text: str, output: str) -> None:
    """Print a result like `render.emit`; `texts` are lists of JSON texts, which go out as they are spelt."""
    if output == "text":
        render.write(text + "\n" if text else "")
        return
    from milestone_cli.jsontext import dumps, quote

    lists = "".join([f",{quote(name)}:[{','.join(items)}]" for name, items in texts.items()])
    raw = f'{{"schema":"milestone/{kind}/v1",{dumps(fields)[1:-1]}{lists}}}'
    if output == "yaml":
        from milestone_cli.render.document import as_yaml

        render.write(as_yaml(raw.encode()))
    else:
        render.write(raw + "\n")


def diff_text(changes: "Sequence[Difference]", *, identical: bool = True) -> str:
    """A line for each change: `~ /a/b  1 → 2`, `+ /c  3`, `- /d  4`; values are cut at a terminal only."""
    if not changes:
        return "no difference" if identical else "no difference but in spelling: spaces, order of keys, escapes"
    width = screen_width()
    return "\n".join([_line(change, width) for change in changes])


def _line(change: "Difference", width: int) -> str:
    sign, style = SIGNS[change.op]
    path = flat(change.path) or "(the whole)"
    room = max(width - len(path) - 4, 24)
    values = [flat(text) for text in (change.old, change.new) if text is not None]
    if len(values) == 2:
        values = [fit(values[0], room // 2 - 2), fit(values[1], room - room // 2 - 2)]
    else:
        values = [fit(value, room) for value in values]
    return f"{paint(sign, style)} {path}  {' → '.join(values)}"


def history_text(entries: "Sequence[Entry]", removed: int = 0) -> str:
    """A line for each revision, newest first; and up to which one retention removed their events."""
    rows: list[list[Cell]] = []
    for entry in entries:
        event, fields = entry.event, entry.fields()
        marks = " ".join([_mark(mark, fields) for mark in entry.marks])
        rows.append(
            [
                str(event["revision"]),
                (when(event["timestamp"]), DIM),
                str(event.get("agent_id", "-")),
                str(event.get("session_id", "-")),
                (f"{event['event_type']} ({marks})" if marks else str(event["event_type"])),
                size(entry.bytes),
                (_changed(entry), DIM if entry.changes is None else ""),
            ]
        )
    shown = table(rows, HEAD, align="><<<<><")
    if not removed:
        return shown
    one = "revision 1" if removed == 1 else f"revisions 1 to {removed}"
    return f"{shown}\n\nretention removed the events of {one}"


def _mark(mark: str, fields: "dict[str, object]") -> str:
    if mark not in fields:
        return mark
    return f"{mark} the deletion" if "deleted" in fields else f"{mark} {fields[mark]}"


def _changed(entry: "Entry") -> str:
    """The paths that changed, in short: a sign and a pointer each."""
    if entry.changes is None:
        return "-"
    if not entry.changes:
        return "nothing" if entry.bytes is not None else "-"
    shown = entry.changes[: 4 if runtime.is_terminal(1) else 10]
    rest = len(entry.changes) - len(shown)
    told = [f"{SIGNS[one.op][0]}{one.path or '(the whole)'}" for one in shown]
    return " ".join(told) + (f" and {rest} more" if rest else "")


def recovery_text(found: "Recovery") -> str:
    """What a recovery would do."""
    name = found.milestone
    if found.copy is None:
        return f"{name}: the state is good; there is nothing to recover"
    what = {
        "none": "replace the state, which is good,",
        "damaged": "replace the damaged state,",
        "missing": "restore it",
    }
    kept = {"none": " what is there stays in its history", "damaged": " which goes to quarantine", "missing": ""}
    size = len(found.copy.text)
    return f"{name}: {what[found.trouble]}{kept[found.trouble]}; {size} bytes from {flat(found.source)}"
