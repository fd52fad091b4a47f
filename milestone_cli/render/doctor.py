"""What `doctor` found, planned, repaired and tried, for people and for machines."""

from milestone_cli.render.ages import count
from milestone_cli.render.table import BOLD, CYAN, DIM, GREEN, MAGENTA, RED, columns, paint, screen_width
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.doctor.examination import Finding, Repair
    from milestone_cli.core.doctor.promises import Promise

STYLES = {"ok": GREEN, "note": CYAN, "warning": MAGENTA, "error": RED}
ANSWERS = {"yes": GREEN, "with limits": MAGENTA, "no": RED, "not known": CYAN}
NARROWEST = 24
"""Columns of a text below which it is not narrowed further."""


def fields(store: str, findings: "list[Finding]", repairs: "list[Repair]", *, dry_run: bool) -> "dict[str, object]":
    """An examination as JSON values."""
    counts = _counts(findings)
    return {
        "store": store,
        "healthy": not counts["warning"] and not counts["error"],
        "counts": counts,
        "findings": [one.fields() for one in findings],
        "dry_run": dry_run,
        "repairs": [one.fields() for one in repairs],
    }


def text(store: str, findings: "list[Finding]", repairs: "list[Repair]") -> str:
    """An examination: what was repaired, what there is to say under each subject, and how it stands."""
    lines = [*_block("", f"store {store}", style=DIM), ""]
    if repairs:
        lines += [*_repairs(repairs), ""]
    lines += _findings(findings)
    return "\n".join([*lines, "", *_block("", _summary(findings), style=BOLD)])


def plan_text(findings: "list[Finding]") -> str:
    """What a repair would do."""
    if not findings:
        return "nothing to repair"
    width = max(columns(one.check) for one in findings)
    lines: list[str] = []
    for one in findings:
        lines += _block(f"  {one.check.ljust(width)}  ", one.message)
        lines += _block(" " * (width + 4), "--fix: " + one.fix, style=DIM)
    return "\n".join(["would repair", *lines])


def selftest_fields(
    store: str, found: "list[Finding]", promises: "list[Promise]", seconds: float
) -> "dict[str, object]":
    """A self-test as JSON values."""
    return {
        "store": store,
        "ok": all(one.severity in ("ok", "note") for one in found),
        "seconds": round(seconds, 3),
        "counts": _counts(found),
        "trials": [one.fields() for one in found],
        "promises": [one.fields() for one in promises],
    }


def selftest_text(store: str, found: "list[Finding]", promises: "list[Promise]", seconds: float) -> str:
    """A self-test: what was tried, and what can be promised here."""
    lines = [*_block("", f"store {store}", style=DIM), "", paint("tried", BOLD), *_findings(found, "  "), ""]
    lines.append(paint("what can be promised here", BOLD))
    width = max(len(one.answer) for one in promises)
    for one in promises:
        answer = paint(one.answer.ljust(width), ANSWERS[one.answer])
        lines += _block(f"  {answer}  ", one.sentence, 4 + width)
        lines += _block(" " * (4 + width), one.because, style=DIM)
    bad = [one for one in promises if one.answer in ("no", "with limits")]
    verdict = "every promise can be kept here" if not bad else f"{count(len(bad), 'promise')} cannot be kept in full"
    return "\n".join([*lines, "", *_block("", f"{len(found)} trials in {seconds:.1f} s: {verdict}", style=BOLD)])


def _findings(findings: "list[Finding]", margin: str = "") -> "list[str]":
    """Findings under their subjects, each with what to do about it beneath."""
    lines: list[str] = []
    wide = max(columns(one.check) for one in findings)
    order = {check: at for at, check in enumerate(dict.fromkeys(one.check for one in findings))}
    before = ""
    for one in sorted(findings, key=lambda finding: order[finding.check]):
        subject = one.check if one.check != before else ""
        before = one.check
        word = paint(one.severity.ljust(7), STYLES[one.severity])
        left = len(margin) + wide + 11
        lines += _block(f"{margin}{subject.ljust(wide)}  {word}  ", one.message, left)
        if one.fix and one.severity != "ok":
            lines += _block(" " * left, ("--fix: " if one.repair else "fix: ") + one.fix, style=DIM)
    return lines


def _repairs(repairs: "list[Repair]") -> "Iterator[str]":
    width = max(columns(one.finding.check) for one in repairs)
    yield paint("repaired", BOLD)
    for one in repairs:
        label = f"  {one.finding.check.ljust(width)}  "
        if one.trouble:
            yield from _block(label, f"not repaired: {one.trouble}", style=RED)
        else:
            yield from _block(label, one.told or "nothing was left to do")


def _summary(findings: "list[Finding]") -> str:
    counts = _counts(findings)
    told = [count(counts[name], name) for name in ("error", "warning", "note") if counts[name]]
    subjects = len({one.check for one in findings})
    if not counts["error"] and not counts["warning"]:
        return f"healthy: {count(subjects, 'subject')} looked at" + (f", {told[0]}" if told else "")
    which = sum(one.repair is not None for one in findings)
    how = f"; `milestone doctor --fix` can repair {which} of them" if which else ""
    return f"{', '.join(told)} in {count(subjects, 'subject')}{how}"


def _counts(findings: "list[Finding]") -> "dict[str, int]":
    return {name: sum(one.severity == name for one in findings) for name in STYLES}


def _block(label: str, words: str, left: int = -1, style: str = "") -> "Iterator[str]":
    """A text behind a label, wrapped to the screen and hanging below itself; `left`: columns that the label shows."""
    left = columns(label) if left < 0 else left
    room = max(NARROWEST, screen_width() - left)
    for number, line in enumerate(_wrapped(flat(words), room)):
        yield (" " * left if number else label) + paint(line, style)


def _wrapped(words: str, room: int) -> "Iterator[str]":
    """Lines of at most so many columns, broken between words, and inside of a word only where it is longer."""
    line = ""
    for word in words.split(" "):
        if line and columns(line) + 1 + columns(word) > room:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
        while columns(line) > room:
            cut = len(line)
            while columns(line[:cut]) > room:
                cut -= 1
            yield line[:cut]
            line = line[cut:]
    yield line
