"""Lists, status and settings for people."""

from milestone_cli.render.text import clean


def table(rows: list[list[str]], head: list[str]) -> str:
    """Aligned columns, two spaces apart; numbers to the right."""
    shown = [head, *[[clean(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in shown) for i in range(len(head))]
    right = [bool(rows) and all(row[i].isdigit() for row in rows) for i in range(len(head))]
    lines = []
    for row in shown:
        cells = [cell.rjust(widths[i]) if right[i] else cell.ljust(widths[i]) for i, cell in enumerate(row)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def list_text(found: list[dict[str, object]]) -> str:
    """The milestones of a store."""
    if not found:
        return "no milestone yet; `milestone init NAME` makes one"
    names = ("milestone_id", "revision", "events", "bytes", "updated_at", "state")
    rows = [[str(one[name] if one[name] is not None else "-") for name in names] for one in found]
    return table(rows, ["MILESTONE", "REVISION", "EVENTS", "BYTES", "UPDATED", "STATE"])


def status_text(found: dict[str, object]) -> str:
    """One milestone at a look."""
    lines = [
        f"{found['milestone_id']}  revision {found['revision']}  {found['events']} events  state {found['state']}",
        f"  store    {found['store']}",
        f"  updated  {found['updated_at'] or 'never'}",
        f"  session  {found['session_id'] or 'none'}",
    ]
    lock = found["lock"]
    lines.append(
        f"  lock     held by {lock['kind']} process {lock['pid']}" if isinstance(lock, dict) else "  lock     free"
    )
    last = found["last_events"]
    if isinstance(last, list) and last:
        lines.append("")
        rows = [[str(e.get("timestamp", ""))[:19], str(e.get("event_type", e.get("event", "")))] for e in last]
        lines += ["  " + line for line in table(rows, ["TIME", "LAST EVENTS"]).split("\n")]
    return "\n".join(clean(line) for line in lines)


def config_text(found: list[dict[str, object]]) -> str:
    """Every setting, its value, and where the value comes from."""
    rows = [[str(one[name]) for name in ("name", "value", "origin", "meaning")] for one in found]
    return table(rows, ["SETTING", "VALUE", "FROM", "MEANING"])
