"""Snapshots for people: what was saved, what loading one would do, and which there are."""

from milestone_cli.render.ages import amount, count, size, when
from milestone_cli.render.table import DIM, GREEN, RED, paint, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from milestone_cli.core.snapshots.loading import Loading
    from milestone_cli.render.table import Cell

SHOWN = 20
"""Names that a plan shows; the rest is counted."""
STYLES = {"used": GREEN, "damaged": RED, "missing": DIM}


def saved_text(fields: "dict[str, Any]") -> str:
    """A save in one line."""
    what = f"{count(fields['tasks'], 'task')}, {count(fields['sessions'], 'session')}, {amount(fields['bytes'])}"
    if fields["replayed"]:
        return f"saved already, under this key: {what}"
    if not fields["saved"]:
        return f"unchanged since {when(fields['last_saved'])}: {what}"
    why = "" if fields["reason"] == "manual" else f" ({fields['reason']})"
    more = f"; also in {flat(fields['file'])}" if fields.get("file") else ""
    aside = f"; a damaged one was set aside as {flat(fields['set_aside'])}" if fields["set_aside"] else ""
    return f"saved{why}: {what}{more}{aside}"


def load_text(found: "Loading", *, dry_run: bool, force: bool) -> str:
    """What loading does: every step, and what comes back."""
    rows: list[list[Cell]] = [
        [
            str(one["step"]),
            flat(str(one["name"] or "")),
            (str(one["result"]), STYLES[str(one["result"])]),
            flat(str(one["detail"])),
        ]
        for one in found.steps
    ]
    lines = [table(rows, ["STEP", "SNAPSHOT", "RESULT", "DETAIL"], align="=<<<")]
    differ = {place for place in found.differing if place not in [put[:2] for put in found.puts]}
    overwritten = {*found.differing} if force else set()
    back = [place[:2] for place in found.puts if place[:2] not in overwritten]
    lines += _named("would bring back" if dry_run else "brought back", back)
    lines += _named("would overwrite" if dry_run else "overwrote", [place for place in found.differing if force])
    kept = "refused unless --force, since they differ" if found.source == "file" else "newer in the store, left alone"
    lines += _named(kept, sorted(differ))
    lines += _named("deleted since, left alone", found.gone)
    if not found.puts:
        lines.append("nothing to bring back" + (": the store has everything that is in it" if found.same else ""))
    if not found.is_recoverable:
        lines.append("what is overwritten is too large for the record of a transaction: it cannot be taken back")
    elif found.transaction:
        lines.append(f"`milestone transaction rollback {found.transaction}` takes it back")
    if found.is_repaired:
        lines.append("a new snapshot was saved")
    return "\n".join(lines)


def _named(what: str, places: "list[tuple[str, str]]") -> "list[str]":
    if not places:
        return []
    names = ", ".join(f"{kind} {key}" for kind, key in places[:SHOWN])
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return [flat(f"{what}: {names}{more}")]


def show_text(fields: "dict[str, Any]") -> str:
    """A snapshot, a line for each fact, and a table of all."""
    metrics: dict[str, Any] = fields["metrics"]
    facts: list[tuple[str, object]] = [
        ("snapshot", fields["name"]),
        ("saved", when(fields["last_saved"]) if fields["last_saved"] else "at an unknown time"),
        (
            "tasks",
            f"{metrics['total_tasks']} ({metrics['completed_tasks']} completed, {metrics['failed_tasks']} failed)",
        ),
        ("mean time", f"{metrics['average_completion_time']:,.1f} s from start to completion"),
        ("sessions", fields["sessions"]),
    ]
    lines = [f"{paint(f'{name:<9}', DIM)} {flat(str(value))}" for name, value in facts]
    rows: list[list[Cell]] = [
        [
            str(one["name"]),
            (when(one["written"]), DIM),
            size(one["bytes"]),
            ("DAMAGED", RED) if one["trouble"] else ("good", GREEN),
            str(one["trouble"] or ""),
        ]
        for one in fields["snapshots"]
    ]
    if rows:
        lines += ["", table(rows, ["SNAPSHOT", "WRITTEN", "BYTES", "STATE", "WHY"], align="=<><<")]
    lines += [flat(f"kept while the store could not be written: {path}") for path in fields["emergency"]]
    return "\n".join(lines)
