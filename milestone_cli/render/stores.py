"""Whole stores for people: what one is, what a copy does, and how far it is."""

from milestone_cli.render.ages import amount, count
from milestone_cli.render.table import DIM, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from milestone_cli.core.migration.migrate import Outcome
    from milestone_cli.core.stores.plan import Copy
    from milestone_cli.render.table import Cell

WIDTH = 24
"""Columns of a bar."""


def info_text(found: "dict[str, object]") -> str:
    """A store, a line for each fact."""
    rows: list[list[Cell]] = [
        [(name.replace("_", " "), DIM), _told(value)] for name, value in found.items() if value not in (None, [])
    ]
    return table(rows, [], align="<<")


def _told(value: object) -> str:
    if isinstance(value, list):
        return flat(", ".join(map(str, value)))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else flat(str(value))


def copy_text(found: "Copy", damaged: "list[str]", *, dry_run: bool) -> str:
    """What a copy does, or has done."""
    lines = [flat(f"{found.source} -> {found.target}")]
    if found.is_empty:
        lines.append(f"nothing to do: all {found.same} documents and logs are there already")
    else:
        verb = "would copy" if dry_run else "copied"
        what = f"{count(len(found.documents), 'document')} and {count(len(found.logs), 'log')}, {amount(found.size)}"
        lines.append(f"{verb} {what}; {found.same} were there already")
        if found.removed:
            gone = count(len(found.removed), "document")
            lines.append(f"{'would remove' if dry_run else 'removed'} {gone} that the source has not")
        if not dry_run:
            lines.append("every byte was compared on the other side")
    lines += [flat(f"damage in the log of {name}: see milestone events verify") for name in damaged]
    return "\n".join(lines)


def migrate_text(found: "Outcome", *, dry_run: bool) -> str:
    """What a migration does, or has done."""
    if not found.steps:
        return f"nothing to do: the format is {found.end}" + ("" if found.is_back else ", the newest")
    verb = "would be brought" if dry_run else "brought"
    lines = [flat(f"{found.store}: {verb} {'back ' * found.is_back}from format {found.start} to {found.end}")]
    lines += ["  " + flat(step) for step in found.steps]
    if found.backup and not found.is_back:
        lines.append(flat(f"as it was: {found.backup}; what was done: {found.log}"))
    lines += [flat(f"left as it is, since it was written later: {path}") for path in found.kept]
    return "\n".join(lines)


def import_text(found: "dict[str, Any]", *, dry_run: bool) -> str:
    """What taking in does, or has done, and what it leaves."""
    lines = [flat(f"{found['source']} ({found['kind']}) -> {found['store']}")]
    parts = [count(len(found["milestones"]), "milestone")] if found["milestones"] else []
    parts += [
        count(found[f"{noun}s"], noun) for noun in ("session", "agent", "task", "checkpoint") if found[f"{noun}s"]
    ]
    parts += [f"{count(found['documents'], 'document')} in all"] if found["documents"] else []
    parts += [count(found["events"], "event")] if found["events"] else []
    if parts:
        verb = "would take in" if dry_run else "took in"
        lines.append(f"{verb} {', '.join(parts)}; {found['same']} were there already")
    else:
        lines.append(f"nothing to do: {found['same']} are there already")
    lines += [flat(f"note: {one}") for one in found["notes"]]
    lines += [flat(f"left out: {one['what']}: {one['why']}") for one in found["left"]]
    return "\n".join(lines)


def progress(what: str) -> "Callable[[int, int], None] | None":
    """A callback that draws a bar on standard error, or None where that is no terminal."""
    import sys

    from milestone_cli import runtime

    if not sys.stderr or not runtime.is_terminal(2):
        return None
    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        percent = min(100, done * 100 // max(total, 1))
        if percent == shown and done < total:
            return
        shown = percent
        filled = WIDTH * percent // 100
        end = "\r\033[K" if done >= total else ""
        sys.stderr.write(f"\r{what} [{'#' * filled}{'.' * (WIDTH - filled)}] {percent:3} %{end}")
        sys.stderr.flush()

    return show
