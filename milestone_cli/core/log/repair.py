"""Mending a damaged log without inventing anything: what is done is proved by checksums that were there before.

A plan is tried on a copy that exists in thought only: the log as it would be is verified, and what does not vanish from
the findings, or brings another one, is not done. What nothing proves stays as it is, and may be acknowledged.
"""

from itertools import pairwise

from milestone_cli.core import draft, lock_timeout
from milestone_cli.core.log import acknowledged
from milestone_cli.core.log.edited import Edited
from milestone_cli.core.log.lines import locate
from milestone_cli.core.log.streams import milestone_of
from milestone_cli.core.log.verify import Report, verify
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.log.finding import Finding
    from milestone_cli.model import Draft, Edit, Receipt
    from milestone_cli.storage.contract import Store

MENDS = {
    "doubled": "the second one is taken out",
    "order": "the line goes back to its place, which the checksums prove",
    "checksum_altered": "the checksum that the next one was made from is put back",
    "glued_line": "a line feed goes between them",
    "unreadable_line": "it is taken out; the events around it fit each other",
}
"""Findings that bring edits, and what these do."""
RECORDED = {
    "torn_tail": "the torn line is set apart, and an event says so",
    "events_lost_outside": "an event says from where the log goes on",
    "changed_outside": "the state is logged as it is, as a change from outside",
    "event_pending": "its event is logged",
    "state_unexplained": "the state is logged as it is, as a change from outside",
    "history_broken": "the state is logged whole, so that it can be replayed from here on",
    "head_missing": "the head is made again from the log",
    "head_behind": "the head is brought up to date",
}
"""Findings that an event mends, and what it says."""
STATES = ("changed_outside", "event_pending", "state_unexplained", "history_broken")
ELSEWHERE = {
    "state_damaged": "`milestone state recover {}` puts a good copy in its place",
    "state_missing": "`milestone state recover {}` brings it back",
}
TRIALS = 50
"""So many edits are tried one by one where they do not go together."""
ROUNDS = 8
"""So many times what is left is looked at again, since more of it can be proved then."""
SHOWN = 100
"""So many findings are named in the event; all are counted."""


class Act:
    """What is done about a finding: `mend`, `record`, `accept`, or `leave`."""

    __slots__ = ("action", "finding", "what")

    def __init__(self, finding: "Finding", action: str, what: str) -> None:
        self.finding = finding
        self.action = action
        self.what = what

    def fields(self) -> "dict[str, object]":
        """The act as JSON values."""
        return {"action": self.action, **self.finding.fields(), "what": self.what}


class Plan:
    """What a repair would do.

    Attributes:
        stream: the log.
        acts: one for each finding.
        edits: of the log, sorted.
        rehead: the log itself shall say where it stands.
    """

    __slots__ = ("acts", "edits", "rehead", "report", "stream")

    def __init__(self, stream: str, report: Report) -> None:
        self.stream = stream
        self.report = report
        self.acts: list[Act] = []
        self.edits: list[Edit] = []
        self.rehead = False

    def of(self, *actions: str) -> "list[Act]":
        """The acts of some kinds."""
        return [act for act in self.acts if act.action in actions]

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self.of("mend", "record", "accept")

    def fields(self) -> "dict[str, object]":
        """The plan as JSON values."""
        milestone = milestone_of(self.stream)
        return {
            "milestone_id": milestone,
            "session_id": None if milestone else self.stream[1:],
            "actions": [act.fields() for act in self.acts],
        }


def plan(store: "Store", stream: str, *, accept: bool = False) -> Plan:
    """Find out what can be mended, recorded or, when that is wanted, acknowledged.

    Raises:
        MilestoneError: `not_found` when there is neither a log nor a state.
    """
    found = Plan(stream, verify(store, stream))
    findings = [one for one in found.report.findings if _is_open(one, found.report)]
    is_forked = any(one.code == "head_mismatch" for one in findings) and not accept
    mended = [] if is_forked else _provable(store, stream, found.report)
    found.edits = _sorted(mended)
    rest = _tried(store, stream, found.edits).findings if mended else findings
    before = {one.key: one for one in findings if one.key}
    for one in rest:  # where it stands now, not where it will
        if known := before.get(one.key):
            one.line, one.offset = known.line, known.offset
    found.acts = [Act(one, "mend", MENDS[one.code]) for one in mended]
    for one in rest:
        if _is_open(one, found.report):
            found.acts.append(_other(store, stream, one, found.report, accept=accept, is_forked=is_forked))
    found.rehead = any(act.action == "accept" and act.finding.code == "head_mismatch" for act in found.acts)
    return found


def _is_open(one: "Finding", report: Report) -> bool:
    """Whether something can be done about a finding: it is damage, or what no event records yet."""
    is_recorded = one.code == "events_lost_outside" and report.events > 0
    return one.severity == "damage" or (one.code in RECORDED and not is_recorded)


def _other(store: "Store", stream: str, one: "Finding", report: Report, *, accept: bool, is_forked: bool) -> Act:
    """What is done about a finding that no edit mends."""
    if one.code in RECORDED:
        if one.code in STATES and not store.modified("active", stream):
            return Act(one, "leave", f"the state is completed; reopen it first: milestone state reopen {stream}")
        return Act(one, "record", RECORDED[one.code])
    if one.code in ELSEWHERE:
        return Act(one, "leave", ELSEWHERE[one.code].format(stream))
    if one.code == "head_mismatch":
        told = "the log may have been made anew as a whole; with --accept it is taken as it is"
        return Act(one, "accept", "the log is taken as it is") if accept else Act(one, "leave", told)
    if one.code == "tail_missing":
        one.key = f"events_missing:{report.sequence + 1}-{_last(store, stream)}:{acknowledged.ANY}"
    if accept and one.key:
        return Act(one, "accept", "it stays as it is, and is known from here on")
    why = "the head names another end of the log, which comes first" if is_forked else "nothing proves what was there"
    return Act(one, "leave", f"{why}; --accept makes it known")


def _last(store: "Store", stream: str) -> int:
    head = store.head(stream)
    return head.sequence if head else 0


def _provable(store: "Store", stream: str, report: Report) -> "list[Finding]":
    """The findings that their edits mend, as far as the log as it would be proves that."""
    sealed = max((part[0] for part in store.sealed(stream)), default=0)
    lost = {one.after for one in report.findings if one.code == "events_missing"}
    if any(one.code in ("tail_missing", "events_lost_outside") for one in report.findings):
        lost.add(report.sequence)
    tried = []
    for one in report.findings:
        if one.severity != "damage" or one.code not in MENDS or not one.edits or min(one.edits)[0] < sealed:
            continue
        if one.code == "unreadable_line" and one.after in lost:
            continue  # it may be what is left of the event that is missing there
        if one.code == "doubled" and not _is_copy(store, stream, one):
            continue
        tried.append(one)
    return _good(store, stream, report, tried)


def _is_copy(store: "Store", stream: str, one: "Finding") -> bool:
    found = locate(store, stream, one.after)
    return found is not None and found[0] < one.offset and found[1] + b"\n" == one.edits[0][1]


def _good(store: "Store", stream: str, report: Report, tried: "list[Finding]") -> "list[Finding]":
    """Those that vanish without bringing others: all of them, else all of a code, else one by one."""
    if not tried or _vanish(store, stream, report, tried):
        return tried
    good: list[Finding] = []
    codes = list(dict.fromkeys(one.code for one in tried))
    groups = [[one for one in tried if one.code == code] for code in codes]
    if len(tried) <= TRIALS:
        groups = [[one] for one in tried]
    for group in groups:
        if _vanish(store, stream, report, [*good, *group]):
            good += group
    return good


def _vanish(store: "Store", stream: str, report: Report, mended: "list[Finding]") -> bool:
    """Whether a log with some findings mended has only the others left."""
    edits = _sorted(mended)
    if any(before[0] + len(before[1]) > after[0] for before, after in pairwise(edits)):
        return False
    chosen = {id(one) for one in mended}
    left = _counted([one for one in report.findings if id(one) not in chosen])
    now = _counted(_tried(store, stream, edits).findings)
    return all(count <= left.get(name, 0) for name, count in now.items())


def _counted(findings: "list[Finding]") -> "dict[str, int]":
    """How often each damage is there; of missing events the line behind them does not count, of a state not why."""
    found: dict[str, int] = {}
    for one in findings:
        if one.severity == "damage":
            name = one.key.rpartition(":")[0] if one.code == "events_missing" else one.key or one.code
            name = "state" if one.code in STATES else name
            found[name] = found.get(name, 0) + 1
    return found


def _sorted(mended: "list[Finding]") -> "list[Edit]":
    """All edits; what goes to the same place, in the order of sequence numbers."""
    edits = [(edit[0], len(edit[1]) > 0, one.after, edit) for one in mended for edit in one.edits]
    return [edit for _, _, _, edit in sorted(edits, key=lambda one: one[:3])]


def _tried(store: "Store", stream: str, edits: "list[Edit]") -> Report:
    return verify(Edited(store, stream, edits), stream)  # type: ignore[arg-type] # it reads, and no more


def run(store: "Store", found: Plan, *, timeout: "float | None" = None) -> "tuple[Receipt | None, str, Report]":
    """Do what was planned.

    Returns:
        The receipt of the event that tells of it, None where there was nothing to do; where the log as it was is kept,
        empty where it was only appended to; and what verifying finds now.

    Raises:
        MilestoneError: `conflict` when the log is not as it was planned for; `lock_timeout`.
    """
    if found.is_idle:
        return None, "", found.report
    stream, seconds = found.stream, lock_timeout(store, timeout)
    receipt, kept = _rewrite(store, found, seconds)
    for _ in range(ROUNDS):
        more = plan(store, stream)  # what was mended may prove what was not proved before
        if not more.of("mend"):
            break
        receipt, _ = _rewrite(store, more, seconds)
        found.acts += more.of("mend")
    if any(act.finding.code in STATES for act in found.of("record")):
        _log_state(store, stream, seconds)
    return receipt, kept, verify(store, stream)


def _rewrite(store: "Store", found: Plan, timeout: float) -> "tuple[Receipt, str]":
    place = ""

    def tell(kept: str) -> "list[Draft]":
        nonlocal place
        place = kept
        return _told(store, found, kept)

    return store.rewrite(found.stream, found.edits, tell, rehead=found.rehead, timeout=timeout), place


def _told(store: "Store", found: Plan, kept: str) -> "list[Draft]":
    """The event that tells of a repair, and further ones where one cannot name all that is acknowledged."""
    acts = found.of("mend", "record", "accept")
    data: dict[str, object] = {"mended": {}, "found": [_named(act) for act in acts[:SHOWN]]}
    counts: dict[str, int] = {}
    for act in acts:
        counts[act.finding.code] = counts.get(act.finding.code, 0) + 1
    data["mended"] = counts
    if kept:
        data["kept"] = kept
    keys = [act.finding.key for act in found.of("accept") if act.finding.key]
    told = []
    for first in range(0, max(len(keys), 1), SHOWN * 5):
        some = keys[first : first + SHOWN * 5]
        told.append(draft(store, acknowledged.EVENT, dumps({**data, "accepted": some} if some else data)))
        data = {"mended": {}, "found": []}
    return told


def _named(act: Act) -> "dict[str, object]":
    return {"action": act.action, "code": act.finding.code, "line": act.finding.line, "offset": act.finding.offset}


def _log_state(store: "Store", stream: str, timeout: float) -> None:
    """Log a state that the log does not explain; nothing when what was mended explains it."""
    from milestone_cli.core.states.lifecycle import settle

    settle(store, stream, timeout)
    if all(one.code not in STATES for one in verify(store, stream).findings):
        return

    def same(text: "bytes | None") -> bytes:
        if text is None:
            raise MilestoneError(
                "not_found", f"'{stream}' has no state any more", f"`milestone state undo {stream}` brings it back"
            )
        return text

    store.commit(Change(stream, [draft(store, "state_saved", '{"outside":true}')], same, timeout=timeout))
