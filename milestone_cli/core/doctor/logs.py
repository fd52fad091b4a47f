"""Documents, logs, heads and clocks: what `verify` proves, said once for each kind of trouble, with what mends it."""

from milestone_cli import runtime
from milestone_cli.core import draft, lock_timeout
from milestone_cli.core.doctor.aside import SKEW
from milestone_cli.core.log.streams import milestone_of
from milestone_cli.core.log.verify import verify
from milestone_cli.core.states.lifecycle import settle
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Change, sound_stream
from milestone_cli.storage.findings import Finding, count, failed, named, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.core.log import finding as chain
    from milestone_cli.core.log.verify import Report
    from milestone_cli.storage.contract import Store

SUBJECTS = {
    "state_damaged": "documents", "state_missing": "documents", "head_missing": "heads", "head_behind": "heads",
    "head_mismatch": "heads", "tail_missing": "heads", "state_unexplained": "records", "changed_outside": "records",
    "event_pending": "records",
}  # fmt: skip
"""The subject under which a finding of `verify` stands; `logs` for every other."""
PASSING = ("torn_tail", "head_behind", "head_missing", "event_pending", "changed_outside")
"""What a writer at work may leave for a moment, between two of its steps."""
MENDS = ("doubled", "order", "checksum_altered", "glued_line", "unreadable_line")
"""What `events repair` may mend."""
NEXT_EVENT = ("torn_tail", "head_missing", "head_behind")
"""What the next event mends."""
MOMENT = 0.1
"""Seconds between two looks at what may be passing."""
QUIET, AT_WORK = 0.4, 2.0
"""Seconds after which what was seen every time is no passing thing: where nobody has the lock, where somebody has."""
MOST = 5.0
"""Seconds for all looks together."""
LONG = 64 << 20
"""Bytes of a log that is not read again and again."""
WRITTEN = 1_700_000_000 * 1_000_000_000
"""A moment before which this program did not exist, nanoseconds since 1970."""


def check(store: "Store", progress: "Progress") -> "Iterator[Finding]":
    """Prove every log, and every state against it."""
    found: list[Finding] = []
    events = states = logs = 0
    for name in [*store.milestones(), *store.session_logs()]:
        try:
            sound_stream(name)
            report = _verify(store, name, progress)
        except (MilestoneError, OSError) as error:
            # Gone meanwhile, or for a check of the layout to tell.
            if not isinstance(error, MilestoneError) or error.code not in ("not_found", "invalid_name"):
                found.append(failed("logs", error, name))
            continue
        logs += 1
        events += report.events
        states += report.revision > 0
        found += _of_report(store, report)
        found += _ahead(store, name)
    found += _early()
    good = {
        "documents": f"{count(states, 'state')} can be read",
        "logs": f"{count(logs, 'log')}, {count(events, 'event')}: numbers and checksums fit",
        "heads": "each names the end of its log",
        "clock": "nothing is from the future",
    }
    for subject, message in good.items():
        of_it = [finding for finding in found if finding.check == subject]
        yield from of_it or [sound(subject, message)]
    yield from (finding for finding in found if finding.check not in good)


def _verify(store: "Store", name: str, progress: "Progress") -> "Report":
    """Verify a milestone until nothing is left in it that may only be passing, or it has been seen for long."""
    report = verify(store, name, progress(name))
    first = began = runtime.monotonic()
    while seen := {one.code for one in report.findings if one.code in PASSING}:
        patience = AT_WORK if store.lock_holder(name) else QUIET
        if runtime.monotonic() - began > patience or store.log_size(name)[0] > LONG:
            break
        runtime.sleep(MOMENT)
        again = verify(store, name)
        if not seen & {one.code for one in again.findings}:
            began = runtime.monotonic()
        report = again
        if runtime.monotonic() - first > MOST:
            break
    return report


def _of_report(store: "Store", report: "Report") -> "Iterator[Finding]":
    """One finding for each kind of trouble of a milestone."""
    name, shown = report.milestone, _called(report.milestone)[0]
    kinds: dict[str, list[chain.Finding]] = {}
    for one in report.findings:
        if one.code != "state_deleted":
            kinds.setdefault(f"{one.code} {one.severity}", []).append(one)
    for of_kind in kinds.values():
        first = of_kind[0]
        lines = [f"line {one.line}" for one in of_kind if one.line]
        where = f" ({named(lines, 1)})" if lines else ""
        severity = "note" if first.severity == "note" else "error"
        fix, repair = _mending(store, name, first)
        subject = SUBJECTS.get(first.code, "logs")
        yield Finding(subject, first.code, severity, f"{shown}: {first.message}{where}", fix, name, repair)


def _called(stream: str) -> "tuple[str, str]":
    """What a log is called, and how a command is told that it is meant."""
    name = milestone_of(stream)
    return (name, name) if name else (f"session {stream[1:]}", f"--session {stream[1:]}")


def _mending(store: "Store", name: str, found: "chain.Finding") -> "tuple[str, Callable[[], str] | None]":
    """What to do about a finding of `verify`, and doing it."""
    if found.code in NEXT_EVENT:
        return "log an event, which records it", lambda: _log(store, name, found.code)
    if found.code in ("changed_outside", "event_pending"):
        return "record it in the log", lambda: _settle(store, name)
    if found.code in ("state_damaged", "state_missing"):
        return _recovery(store, name)
    if found.severity == "note":
        return "", None
    if found.edits and found.code in MENDS:
        command = f"`milestone events repair {_called(name)[1]}`"
        return f"repair it, as far as checksums prove how: {command}", lambda: _mend(store, name)
    if found.code == "state_unexplained":
        return f"compare it with the log's: `milestone state load {name} --at now`, then save what is right", None
    if found.code in ("head_mismatch", "tail_missing"):
        return f"look for the missing events in a copy of the store; {_look(name)}", None
    return _look(name), None


def _look(stream: str) -> str:
    """How somebody finds out more about a log."""
    more = f"; what copies still hold, `milestone state history {stream}` lists" if milestone_of(stream) else ""
    return f"`milestone events verify {_called(stream)[1]}` shows every place{more}"


def _log(store: "Store", name: str, code: str) -> str:
    event = draft(store, "doctor_repaired", dumps({"found": code}))
    store.commit(Change(name, [event], timeout=lock_timeout(store, None)))
    return f"logged an event of '{name}', which records what was found"


def _mend(store: "Store", name: str) -> str:
    from milestone_cli.core.log import repair

    found = repair.plan(store, name)
    mended = len(found.of("mend"))
    if not mended:
        return ""
    _, kept, _ = repair.run(store, found)
    return f"repaired {count(mended, 'place')} in the log of '{name}'; the log as it was is kept as {kept}"


def _settle(store: "Store", name: str) -> str:
    settle(store, name, None)
    return f"recorded the state of '{name}' in its log"


def _recovery(store: "Store", name: str) -> "tuple[str, Callable[[], str] | None]":
    """How a state comes back; without a way where no copy is good."""
    from milestone_cli.core.states import recover

    try:
        found = recover.plan(store, name)
    except MilestoneError as error:
        return error.hint or "no copy of it is good", None

    def repair() -> str:
        again = recover.plan(store, name)
        if again.trouble == "none":
            return ""
        notes = recover.run(store, again, named=False)[1]
        return notes[-1] if notes else f"recovered '{name}' from {again.source}"

    return f"put the newest copy whose checksum fits in its place: {found.source}", repair


def _early() -> "Iterator[Finding]":
    """A clock that stands before this program was written."""
    if (now := runtime.now_ns()) < WRITTEN:
        yield Finding("clock", "early", "warning", f"this machine's clock says {runtime.timestamp(now)[:10]}",
                      "set the clock right")  # fmt: skip


def _ahead(store: "Store", name: str) -> "Iterator[Finding]":
    """An event from the future: the clock was ahead then, or is behind now."""
    head = store.head(name)
    ahead = head.time - runtime.now_ns() if head else 0
    if ahead > SKEW:
        yield Finding(
            "clock", "future", "warning",
            f"{_called(name)[0]}: its last event is {_span(ahead)} in the future; until then, new ones carry the same"
            " time",
            "set the clock right; the order of events is right anyway, for it rests on their numbers", name,
        )  # fmt: skip


def _span(ns: int) -> str:
    seconds = ns // 1_000_000_000
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"
