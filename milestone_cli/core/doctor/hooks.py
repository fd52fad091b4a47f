"""The client's hooks: calls that wait for the next one, and what went wrong with them lately."""

from milestone_cli import runtime
from milestone_cli.core.doctor.aside import LATELY
from milestone_cli.core.hook.late import problems
from milestone_cli.storage.findings import Finding, count, sound
from milestone_cli.storage.places import waiting
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.storage.contract import Store

TOLD = {
    "failed": (
        "warning",
        "could not be taken in and were dropped",
        "see what the client sends, and with which command",
    ),
    "lost": (
        "warning",
        "could not be recorded, and could not be kept either",
        "see to it that the store can be written",
    ),
    "usage": (
        "warning",
        "came with a wrong command line and did nothing",
        "correct the command in the client's settings",
    ),
    "waits": (
        "note",
        "could not be done in time, and waited for the next one",
        "nothing is lost; a slow disk or a long lock does it, or a store that this user may not write",
    ),
}
"""What became of a call: how bad that is, what is said of it, and what to do."""


def check(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """Look at what waits, and at what was written down in the last days."""
    trouble = False
    if names := waiting(store.path):
        trouble = True
        told = f"{count(len(names), 'call')} of hooks could not be done yet"
        yield Finding("hooks", "waiting", "note", told, "the next call of a hook does them, in order")
    since = runtime.now_ns() - LATELY
    lately = [one for one in problems(store.path) if (parse_ns(one["at"]) or 0) >= since]
    for what, (severity, told, fix) in TOLD.items():
        found = [one for one in lately if one.get("what") == what]
        if found:
            trouble = True
            last = found[-1]
            event = f" at {last['event']}" if last.get("event") else ""
            said = f"{count(len(found), 'call')} of hooks {told}; the last, {last['at']}{event}: {last.get('message')}"
            yield Finding("hooks", what, severity, said, fix)
    if not trouble:
        yield sound("hooks", "nothing waits, and nothing went wrong lately")
