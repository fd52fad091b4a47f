"""Records that must agree: sessions with milestones, pointers with sessions, active states with completed ones."""

from milestone_cli import runtime
from milestone_cli.core import acting_agent, lock_timeout
from milestone_cli.core.doctor import kept
from milestone_cli.core.doctor.aside import SKEW, mover
from milestone_cli.core.doctor.sessionlogs import record_of
from milestone_cli.core.record import indented
from milestone_cli.core.sessions.session import Session
from milestone_cli.core.transactions.transaction import transactions
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Draft, Plan, log_of, safe
from milestone_cli.storage.findings import Finding, count, failed, named, sound
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.storage.contract import Store

MOMENT = 0.3
"""Seconds between two looks at what a transaction may be just about to change."""


def check(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """Hold the records of a store against each other."""
    sessions = []
    lost: list[Finding] = []
    for name in store.keys("session"):
        try:
            raw = store.get("session", name)
        except (MilestoneError, OSError) as error:
            lost.append(failed("records", error, name))
            continue
        if raw is not None:
            sessions.append(Session(name, raw, store.modified("session", name), ""))
    findings = [*lost, *_sessions(store, sessions), *_lasting(store, _pointers), *_lasting(store, _twice)]
    findings += _lasting(store, lambda again: kept.check(again, sessions))
    findings += _lasting(store, _transactions)
    if not findings:
        yield sound("records", f"they agree; {count(len(sessions), 'session')}")
    yield from findings


def _transactions(store: "Store") -> "Iterator[Finding]":
    for one in transactions(store):
        if one["status"] == "damaged":
            name = str(one["transaction_id"])
            yield Finding(
                "records", "transaction_damaged", "warning", f"the record of the transaction {name} is damaged",
                "nothing needs it but showing it and taking it back; its events are in the logs", name,
            )  # fmt: skip


def _sessions(store: "Store", sessions: "list[Session]") -> "Iterator[Finding]":
    known = set(store.milestones())
    orphans = []
    for one in sessions:
        if one.status == "damaged":
            yield _damaged(store, one)
            continue
        if one.status == "orphaned":
            orphans.append(one.id)
        has_own_log = one.record.get("milestone_id", "") is None and store.log_size(log_of(one.id))[0] > 0
        if not has_own_log and (one.milestone is None or one.milestone not in known):
            which = f"an unknown milestone '{one.milestone}'" if one.milestone else "no milestone"
            yield Finding("records", "session_without_milestone", "warning", f"the session {one.id} names {which}",
                          f"`milestone session end {one.id}`, or make the milestone", one.id)  # fmt: skip
        if (one.word("session_id") or one.id) != one.id:
            yield Finding("records", "session_renamed", "warning",
                          f"the record of the session {one.id} says that it is '{one.word('session_id')}'",
                          "rename the file, or correct its session_id in an editor", one.id)  # fmt: skip
        ahead = (parse_ns(one.word("created_at") or "") or 0) - runtime.now_ns()
        if ahead > SKEW:
            yield Finding("records", "session_from_the_future", "warning",
                          f"the session {one.id} was begun in the future, at {one.word('created_at')}",
                          "set the clock right", one.id)  # fmt: skip
    if orphans:
        yield Finding(
            "records", "orphaned", "note",
            f"{count(len(orphans), 'session')} not ended, their process gone: {named(orphans)}",
            "`milestone session use S` goes on with one, `milestone session end S` ends it", orphans[0],
        )  # fmt: skip


def _damaged(store: "Store", one: Session) -> Finding:
    """A record that is no JSON: the log knows whose session it was, and when it began and ended."""
    again = record_of(store, one.id)
    return Finding(
        "documents", "session_damaged", "error", f"the record of the session {one.id} is damaged: {one.trouble}",
        "make it again from the log; the damaged one goes into the quarantine"
        if again else "move it into the quarantine; no log knows this session",
        one.id, _rewriter(store, one.id),
    )  # fmt: skip


def _rewriter(store: "Store", session: str) -> "Callable[[], str]":
    def repair() -> str:
        told = ""

        def build() -> Plan:
            nonlocal told
            plan = Plan("session_repair")
            raw = store.get("session", session)
            if raw is None or Session(session, raw, 0, "").status != "damaged":
                return plan
            record = record_of(store, session)
            place = store.set_aside("session", session, "the record of a session, damaged", stays=bool(record))
            told = f"moved the record of the session {session} to '{place}'"
            if record:
                told += ", and made it again from the log"
                plan.puts.append(("session", session, indented(record).encode() + b"\n"))
                milestone = str(record["milestone_id"] or log_of(session))
                data = f'{{"session_id":"{session}","quarantined":"{place}"}}'
                plan.events.append((milestone, Draft("session_recovered", data, session, acting_agent())))
            return plan

        store.transact([], build, lock_timeout(store, None))
        return told

    return repair


def _lasting(store: "Store", look: "Callable[[Store], Iterator[Finding]]") -> "list[Finding]":
    """What two looks find, so that no transaction at work between two of its files is taken for damage."""
    first = list(look(store))
    if not first:
        return []
    runtime.sleep(MOMENT)
    seen = {(one.id, one.message) for one in first}
    return [one for one in look(store) if (one.id, one.message) in seen]


def _pointers(store: "Store") -> "Iterator[Finding]":
    """What names the current session of the directory, or of a client, and leads nowhere."""
    for kind in ("current", "client"):
        for key in [""] if kind == "current" else store.keys("client"):
            raw = store.get(kind, key)
            if raw is None or _target(store, raw):
                continue
            word = (raw.split() or [b""])[0][:140].decode("utf-8", "replace")
            whose = f"the client's session {key}" if key else "this directory"
            yield Finding(
                "records", "dangling", "warning", f"the current session of {whose} is '{word}', which is not there",
                "move what says so into the quarantine", key or "current", _clearer(store, kind, key),
            )  # fmt: skip


def _target(store: "Store", raw: bytes) -> bool:
    """Whether there is the session that a pointer names."""
    words = raw.split()
    try:
        return bool(words) and store.modified("session", safe(words[0].decode("ascii", "replace"), "session")) > 0
    except MilestoneError:
        return False


def _clearer(store: "Store", kind: str, key: str) -> "Callable[[], str]":
    def is_ill() -> bool:
        raw = store.get(kind, key)
        return raw is not None and not _target(store, raw)

    return mover(store, kind, key, "it names a session that is not there", is_ill=is_ill)


def _twice(store: "Store") -> "Iterator[Finding]":
    """States that stand among the active ones and among the completed ones: every command takes the active one."""
    for name in sorted(set(store.keys("active")) & set(store.keys("completed"))):
        yield Finding(
            "records", "twice", "error", f"{name} is both active and completed; every command takes the active one",
            "move the completed one into the quarantine", name, _leaver(store, name),
        )  # fmt: skip


def _leaver(store: "Store", name: str) -> "Callable[[], str]":
    def is_ill() -> bool:
        return store.modified("active", name) > 0 and store.modified("completed", name) > 0

    what = f"the completed state of '{name}'"
    return mover(store, "completed", name, "the state is active too", milestone=name, what=what, is_ill=is_ill)
