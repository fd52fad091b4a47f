"""What `verify` found: for people, for machines, as annotations of GitHub Actions and as a report of JUnit's form."""

from milestone_cli.model import OF_SESSION
from milestone_cli.render.ages import count
from milestone_cli.render.text import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from milestone_cli.core.log.verify import Report

LONG = 64 << 20
"""Bytes from which on verifying takes long enough to be watched."""


def fields(reports: "Sequence[Report]") -> "dict[str, object]":
    """The reports as JSON values."""
    return {
        "ok": all(report.ok for report in reports),
        "milestones": [
            {
                "milestone_id": None if _is_own(report) else report.milestone,
                "session_id": report.milestone[1:] if _is_own(report) else report.session or None,
                "session_events": report.events if _is_own(report) else report.session_events,
                "ok": report.ok,
                "events": report.events,
                "foreign_lines": report.foreign,
                "revision": report.revision,
                "findings": [finding.fields() for finding in report.findings],
            }
            for report in reports
        ],
    }


def _is_own(report: "Report") -> bool:
    return report.milestone[:1] == OF_SESSION


def named(stream: str) -> str:
    """The name of a log for people."""
    return clean(f"session {stream[1:]}" if stream[:1] == OF_SESSION else stream)


def text(reports: "Sequence[Report]") -> str:
    """The reports as text: a line for each log, and one for each finding."""
    lines = []
    for report in reports:
        lines.append(f"{named(report.milestone)}: {verdict(report)}")
        for finding in report.findings:
            place = f" (line {finding.line}, byte {finding.offset})" if finding.line else ""
            lines.append(f"  {finding.severity}: {clean(finding.message)}{place} [{finding.code}]")
    return "\n".join(lines)


def verdict(report: "Report") -> str:
    """Whether a log is sound, and what is in it."""
    if not report.ok and not report.damaged:
        return "NOT READ"
    counts = [count(report.events, "event"), f"revision {report.revision}"]
    if report.foreign:
        counts.insert(1, count(report.foreign, "line") + " of other programs")
    if report.session and not _is_own(report):
        counts.insert(1, f"{report.session_events} of them of the session {clean(report.session)}")
    return f"{'sound' if report.ok else 'DAMAGED'}, {', '.join(counts)}"


def github(reports: "Sequence[Report]", place: "Callable[[Report, int, int], tuple[str, int]]") -> str:
    """The reports as commands of GitHub Actions: an annotation for each finding, at its line where that is a file's.

    Args:
        reports: what was found.
        place: file and line in it of a line in a log, by number and offset; empty and 0 where there is no file.

    Source: docs.github.com, workflow commands; the escapes are those of actions/toolkit, core/src/command.ts.
    """
    lines = []
    for report in reports:
        for finding in report.findings:
            file, line = place(report, finding.line, finding.offset)
            command = "notice" if finding.severity == "note" else "error"
            where = f" (line {finding.line}, byte {finding.offset})" if finding.line else ""
            told = [
                ("file", file),
                ("line", str(line) if line else ""),
                ("title", f"{named(report.milestone)}: {finding.code}"),
            ]
            properties = ",".join([f"{name}={_property(value)}" for name, value in told if value])
            lines.append(f"::{command} {properties}::{_data(f'{clean(finding.message)}{where}')}")
        lines.append(f"{named(report.milestone)}: {verdict(report)}")
    return "\n".join(lines)


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def junit(reports: "Sequence[Report]") -> str:
    """The reports as a test suite: a test for each log, a failure where there is damage; notes are its output."""
    failed, seconds = sum(report.damaged for report in reports), sum(report.seconds for report in reports)
    unread = sum(not report.ok for report in reports) - failed
    counts = f'tests="{len(reports)}" failures="{failed}" errors="{unread}" skipped="0" time="{seconds:.3f}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="milestone" {counts}>',
        f'<testsuite name="milestone events verify" {counts}>',
    ]
    for report in reports:
        name = _xml(named(report.milestone))
        lines.append(f'<testcase classname="milestone.events" name="{name}" time="{report.seconds:.3f}">')
        bad = [finding for finding in report.findings if finding.severity != "note"]
        if bad:
            told = "\n".join(text([report]).split("\n")[1:])
            element = "failure" if report.damaged else "error"
            message = _xml(f"{count(len(bad), 'damage')}: {bad[0].message}" if report.damaged else bad[0].message)
            lines.append(f'<{element} type="{_xml(bad[0].code)}" message="{message}">{_xml(told)}</{element}>')
        lines.append(f"<system-out>{_xml(text([report]))}</system-out>")
        lines.append("</testcase>")
    return "\n".join([*lines, "</testsuite>", "</testsuites>"])


def _xml(value: str) -> str:
    """A text in XML; characters that XML cannot hold show as a replacement."""
    allowed = "".join([one if one in "\t\n\r" or "\x20" <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" or
                       one > "\uffff" else "\ufffd" for one in value])  # fmt: skip
    for one, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        allowed = allowed.replace(one, entity)
    return allowed


def progress() -> "Callable[[str, int, int], None] | None":
    """A callback that draws a bar on standard error for long work, or None where that is no terminal."""
    from milestone_cli import runtime

    if not runtime.is_terminal(2):
        return None
    bars: dict[str, Callable[[int, int], None] | None] = {}

    def show(name: str, done: int, total: int) -> None:
        if total < LONG:
            return
        if name not in bars:
            from milestone_cli.render import stores

            bars[name] = stores.progress(f"verifying {clean(name)}")
        draw = bars[name]
        if draw:
            draw(done, total)

    return show


def progress_of(name: str) -> "Callable[[int, int], None] | None":
    """The same for one log alone."""
    show = progress()
    return None if show is None else lambda done, total: show(name, done, total)
