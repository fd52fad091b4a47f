"""Several logs proved one after the other, none of them left out because another cannot be read."""

import errno

from milestone_cli import runtime
from milestone_cli.core.log.verify import Report, verify
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from milestone_cli.storage.contract import Store

    Progress = Callable[[str, int, int], None]
    """Is told the name of a log, and of all logs together the bytes that are done, and how many there are."""

UNREADABLE = ("damaged", "unsafe_link", "invalid_name")


def prove(
    store: "Store", names: "Sequence[str]", progress: "Progress | None" = None, *, is_every: bool = False
) -> "Iterator[Report]":
    """Verify logs.

    Args:
        store: the store; only read.
        names: of the logs.
        progress: told from time to time.
        is_every: all that there are, so one may go meanwhile.

    Raises:
        MilestoneError: `not_found` for a log that was named.
    """
    sizes = {name: _size(store, name) for name in names} if progress else {}
    total, before = sum(sizes.values()), 0
    for name in names:
        began = runtime.monotonic()
        told = _part(progress, name, before, total) if progress else None
        try:
            report = verify(store, name, told)
        except MilestoneError as error:
            if is_every and error.code == "not_found":
                continue
            if error.code not in UNREADABLE:
                raise
            report = _unread(name, "damage", error.message)
        except OSError as error:
            if not is_every:
                raise
            is_link = error.errno == errno.ELOOP
            why = "a link is in its place" if is_link else str(error.strerror)
            report = _unread(name, "damage" if is_link else "unread", why)
        report.seconds = runtime.monotonic() - began
        before += sizes.get(name, 0)
        yield report


def _unread(name: str, severity: str, why: str) -> Report:
    report = Report(name)
    report.add(severity, "unreadable_log", f"the log cannot be read: {why}")
    return report


def _size(store: "Store", name: str) -> int:
    """Bytes of a log, for the progress alone; what cannot be read is told when its turn comes."""
    try:
        return store.log_size(name)[0]
    except (OSError, MilestoneError):
        return 0


def _part(progress: "Progress", name: str, before: int, total: int) -> "Callable[[int, int], None]":
    """What to tell of one log is told of all of them."""
    return lambda done, _: progress(name, before + done, total)


def count_session(store: "Store", report: Report, session: str) -> None:
    """Say in a report how many events of its log are a session's; they are proved with the log that they stand in."""
    from milestone_cli.core.log.lines import lines
    from milestone_cli.core.log.query import Parser

    report.session, report.session_events = session, 0
    needle, parser = f'"{session}"'.encode(), Parser()
    for _, line in lines(store, report.milestone, 0, store.log_size(report.milestone)[0]):
        if needle in line:
            event = parser.event(line)
            report.session_events += event is not None and event.get("session_id") == session


def places(store: "Store") -> "Callable[[Report, int, int], tuple[str, int]]":
    """How annotations name a line of a log, by its number and offset: the file, and the line in it; empty for no file.

    A file is named as it is seen from where annotations are read: GITHUB_WORKSPACE, or this directory.
    """
    import os

    above: dict[str, tuple[int, int]] = {}

    def place(report: Report, line: int, offset: int) -> "tuple[str, int]":
        name = report.milestone
        path = store.log_path(name)
        if not path:
            return "", 0
        if name not in above:
            base = max((part[0] for part in store.sealed(name)), default=0)
            above[name] = (base, sum(block.count(b"\n") for _, block in store.scan(name, 0, base)) if base else 0)
        base, lines = above[name]
        shown = os.path.relpath(path, runtime.env("GITHUB_WORKSPACE") or os.getcwd())
        return path if shown.startswith("..") else shown, line - lines if line and offset >= base else 0

    return place
