"""What `verify` found, for people and for machines."""

from milestone_cli.render.text import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from milestone_cli.core.verify import Report


def fields(reports: "Sequence[Report]") -> "dict[str, object]":
    """The reports as JSON values."""
    return {
        "ok": all(report.ok for report in reports),
        "milestones": [
            {
                "milestone_id": report.milestone,
                "ok": report.ok,
                "events": report.events,
                "foreign_lines": report.foreign,
                "revision": report.revision,
                "findings": [finding.fields() for finding in report.findings],
            }
            for report in reports
        ],
    }


def text(reports: "Sequence[Report]") -> str:
    """The reports as text: a line for each milestone, and one for each finding."""
    lines = []
    for report in reports:
        counts = [_count(report.events, "event"), f"revision {report.revision}"]
        if report.foreign:
            counts.insert(1, _count(report.foreign, "line") + " of other programs")
        verdict = "sound" if report.ok else "DAMAGED"
        lines.append(f"{clean(report.milestone)}: {verdict}, {', '.join(counts)}")
        for finding in report.findings:
            place = f" (line {finding.line}, byte {finding.offset})" if finding.line else ""
            lines.append(f"  {finding.severity}: {clean(finding.message)}{place} [{finding.code}]")
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def progress(name: str) -> "Callable[[int, int], None] | None":
    """A callback that shows how far long work is on standard error, or None where that is no terminal."""
    import sys

    from milestone_cli import runtime

    if not sys.stderr or not runtime.is_terminal(2):
        return None
    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        percent = done * 100 // max(total, 1)
        if total < 64 << 20 or percent == shown:
            return
        shown = percent
        end = "\r\033[K" if done >= total else ""
        sys.stderr.write(f"\rverifying {clean(name)} {percent} %{end}")
        sys.stderr.flush()

    return show
