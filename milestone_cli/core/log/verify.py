"""Proof of a log: sequence, chain, head, and that it explains the state.

What is read first bounds what is read later: the head, then the state, then the log, so writers at work
meanwhile can only have added to it. Damage is what no writer of ours, no bash utility and no crash leaves
behind, or a loss; all else is a note.
"""

from milestone_cli.core.log.chain import Chain, hasher
from milestone_cli.core.log.finding import Finding
from milestone_cli.core.log.streams import no_log
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.origin import origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.model import Document, Head
    from milestone_cli.storage.contract import Store
    from milestone_cli.storage.origin import Origin


class Report:
    """What was found out about one log and its state.

    Attributes:
        milestone: name of the log.
        events: lines of ours; `foreign`, those of other programs.
        revision: of the state, the newest that is known.
        sequence: number of the last event of ours.
        seconds: that it took.
        session: whose events were counted, `session_events`; empty for nobody's.
    """

    __slots__ = ("events", "findings", "foreign", "milestone", "revision", "seconds", "sequence", "session",
                 "session_events")  # fmt: skip

    def __init__(self, milestone: str) -> None:
        self.milestone = milestone
        self.events = 0
        self.foreign = 0
        self.revision = 0
        self.sequence = 0
        self.seconds = 0.0
        self.session = ""
        self.session_events: int | None = None
        self.findings: list[Finding] = []

    @property
    def ok(self) -> bool:
        """Whether all of it was read and there is no damage; notes do not count."""
        return all(finding.severity == "note" for finding in self.findings)

    @property
    def damaged(self) -> bool:
        """Whether there is damage."""
        return any(finding.severity == "damage" for finding in self.findings)

    def add(self, severity: str, code: str, message: str, line: int = 0, offset: int = 0) -> None:
        """Add a finding."""
        self.findings.append(Finding(severity, code, message, line, offset))


def verify(store: "Store", stream: str, progress: "Callable[[int, int], None] | None" = None) -> Report:
    """Verify the log of a milestone, and its state against it.

    Args:
        store: the store; only read.
        stream: name of the milestone.
        progress: called with bytes done and bytes in all, from time to time.

    Raises:
        MilestoneError: `not_found` when there is neither a log nor a state.
    """
    origin = origin_of(store, stream)
    try:
        report = _verify(store, stream, origin, progress)
    except MilestoneError as error:
        if error.code != "damaged" or origin_of(store, stream).end == origin.end:
            raise
    else:
        if origin_of(store, stream).end == origin.end:
            return report
    return verify(store, stream, progress)  # retention removed meanwhile what was being read


def _verify(store: "Store", stream: str, origin: "Origin", progress: "Callable[[int, int], None] | None") -> Report:
    report = Report(stream)
    head = store.head(stream)
    state = _read(store, stream, report)
    size = store.log_size(stream)[0]
    if state is None and size == 0 and head is None and not report.findings:
        raise no_log(stream)
    chain = Chain(hasher(size))
    if origin.end:
        chain.seq, chain.prev = origin.sequence, origin.checksum.encode()
        which = f"event {origin.first} was" if origin.first == origin.sequence else (
            f"events {origin.first} to {origin.sequence} were")  # fmt: skip
        report.add("note", "events_removed", f"{which} removed by retention; the rest is proved from there")
    _walk(store, origin.end, size, chain, report, progress)
    chain.finish(head)
    report.events, report.foreign, report.sequence = chain.events, chain.foreign, chain.seq
    report.findings += chain.findings
    _check_head(store, size, head, chain, report)
    _check_state(store, size, state, head, chain, report)
    if not report.ok:
        from milestone_cli.core.log.acknowledged import note

        note(store, stream, size, report.findings)
    report.findings.sort(key=lambda finding: finding.line or 1 << 62)
    return report


def _read(store: "Store", stream: str, report: Report) -> "Document | None":
    try:
        return store.read(stream)
    except MilestoneError as error:
        if error.code not in {"damaged", "not_found"}:
            raise
        if error.code == "damaged":
            report.add("damage", "state_damaged", "the state file is damaged")
        return None


def _walk(
    store: "Store", start: int, size: int, chain: Chain, report: Report, progress: "Callable[[int, int], None] | None"
) -> None:
    """Feed the whole log to the chain."""
    tail, at = b"", 0
    try:
        edges = {end for end, *_ in store.sealed(report.milestone)}
    except MilestoneError:
        edges = set()  # reading it tells
    for offset, block in store.scan(report.milestone, start, size):
        if offset in edges:
            chain.enter()
        tail, at = chain.feed(offset, block), offset + len(block)
        if progress:
            progress(at, size)
    if tail:
        _check_tail(store, at - len(tail), chain, report)


def _check_tail(store: "Store", at: int, chain: Chain, report: Report) -> None:
    """Judge a last line without line feed, unless somebody is only just writing it."""
    from milestone_cli import runtime

    for _ in range(5):
        block = b"".join(block for _, block in store.scan(report.milestone, at))
        if b"\n" in block:
            chain.feed(at, block[: block.index(b"\n") + 1])
            return
        runtime.sleep(0.01)
    report.add("damage", "torn_tail", f"the last line is torn after {len(block)} bytes", chain.lines + 1, at)


def _check_head(store: "Store", size: int, head: "Head | None", chain: Chain, report: Report) -> None:
    """Compare the log's end with what its head recorded."""
    if head is None:
        if chain.events:
            report.add("note", "head_missing", "the head beside the log is missing; the next writer makes it again")
        return
    if head.sequence > chain.seq:
        _lost_tail(store, size, head, chain, report)
    elif head.sequence < chain.seq:
        report.add(
            "note",
            "head_behind",
            f"the head stands at event {head.sequence} of {chain.seq}; the next writer brings it up to date",
        )
    if 0 < head.sequence <= chain.seq:
        stated = chain.prev if head.sequence == chain.seq else _stated(store, report.milestone, size, head.sequence)
        if stated and stated != head.checksum.encode():
            report.add("damage", "head_mismatch", f"the head names another checksum for event {head.sequence}")


def _lost_tail(store: "Store", size: int, head: "Head", chain: Chain, report: Report) -> None:
    lost = head.sequence - chain.seq
    count = f"event {head.sequence} is" if lost == 1 else f"the last {lost} events, up to {head.sequence}, are"
    if chain.rewritten is not None:
        told = f"{count} missing since the log was written anew outside"
        report.add("damage", "events_lost_outside", told, chain.lines + 1, size)
    elif not chain.events and _cleaned(store, report.milestone, size, head.time):
        report.add("note", "events_lost_outside", "bash's clean-up removed every event of ours; all were old enough")
    else:
        report.add("damage", "tail_missing", f"{count} missing: the log was cut", chain.lines + 1, size)


def _cleaned(store: "Store", stream: str, size: int, last_ns: int) -> bool:
    """Whether a clean-up by bash explains that no event of ours is left: the last was older than it keeps."""
    from milestone_cli.core import times
    from milestone_cli.jsontext import loads

    for _, block in store.scan(stream, 0, size):
        for line in block.splitlines():
            if b'"state_cleaned"' not in line:
                continue
            try:
                event = loads(line)
                kept = int(event["data"]["retention_days"])  # type: ignore[index]
                when = times.parse(str(event["timestamp"]), 0)  # type: ignore[index]
            except (ValueError, KeyError, TypeError, MilestoneError):
                continue
            if last_ns // times.DAY < when // times.DAY - kept:
                return True
    return False


def _stated(store: "Store", stream: str, size: int, sequence: int) -> bytes:
    """The checksum that the line with a sequence number states; empty when it is not found."""
    for needle in (
        b',"sequence_number":%d,"checksum":"' % sequence,
        b'"sequence_number": %d, "checksum": "' % sequence,
    ):
        for _, block in store.scan(stream, 0, size, backwards=True):
            at = block.rfind(needle)
            if at >= 0:
                return block[at + len(needle) : at + len(needle) + 64]
    return b""


def _check_state(
    store: "Store", size: int, state: "Document | None", head: "Head | None", chain: Chain, report: Report
) -> None:
    """Replay the newest revision that both know, and compare it with the state file."""
    from milestone_cli.core.states.history import History
    from milestone_cli.core.states.revisions import is_deleted

    history = History(store, report.milestone, size, chain.parse)
    logged = history.revision()
    report.revision = max(logged, state.revision if state else 0)
    if state is None:
        if logged and is_deleted(store, report.milestone, size):
            report.add("note", "state_deleted", "the state was deleted; `milestone state undo` brings it back")
        elif logged and all(finding.code != "state_damaged" for finding in report.findings):
            report.add("damage", "state_missing", f"there is no state file, though the log knows revision {logged}")
        return
    wanted = min(logged, state.revision)
    text = history.text(wanted) if wanted else None
    if wanted and text is None:
        known = chain.rewritten is not None or chain.anchored
        report.add(
            "note" if known else "damage",
            "history_broken" if not known else "history_incomplete",
            history.trouble or f"the log cannot replay revision {wanted}",
        )
        return
    if text is not None and text == state.text:
        if logged > state.revision and store.read(report.milestone).revision < logged:
            report.add(
                "note",
                "changed_outside",
                f"the state file is revision {state.revision}; the log is further, at {logged}",
            )
    elif state.outside or (state.event is None and state.revision <= logged):
        report.add("note", "changed_outside", "the state was changed outside; the next command records it")
    elif state.revision == logged + 1 and (head is None or head.revision < state.revision):
        report.add(
            "note",
            "event_pending",
            f"the event of revision {state.revision} is not in the log yet; the next command adds it",
        )
    elif any(one.code == "events_lost_outside" and one.severity == "note" for one in report.findings):
        report.add("note", "history_incomplete", "what explained the state went with bash's clean-up")
    else:
        report.add("damage", "state_unexplained", f"the log does not explain the state at revision {state.revision}")
