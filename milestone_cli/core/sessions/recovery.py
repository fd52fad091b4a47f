"""Doing what was planned: one transaction, then git if asked, then a look whether all of it is there."""

from milestone_cli import runtime
from milestone_cli.core import acting_agent, current_session, lock_timeout, once
from milestone_cli.core.document import assign
from milestone_cli.core.record import data_of, laid_out
from milestone_cli.core.sessions import pages
from milestone_cli.core.sessions.capture import KEPT, add, by_time, kept_of, names
from milestone_cli.core.sessions.creating import binding, event, process
from milestone_cli.core.sessions.news import brought_up
from milestone_cli.core.sessions.pinning import stream_of
from milestone_cli.core.sessions.recovery_plan import Recovery, plan_recovery
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, members, quote, skip
from milestone_cli.model import Draft, Plan, digest
from milestone_cli.storage.revising import revise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


class Outcome:
    """What a recovery did.

    Attributes:
        plan: that it followed.
        pre_recovery: the checkpoint of what was there before; None where there was nothing.
        revision: of the milestone's state afterwards; None where that was left alone.
        transaction: that did it.
        lacking: what did not come back, sentences.
        is_valid: what came back was found to be what the checkpoint has.
        replayed: the same was done before, under the idempotency key.
    """

    __slots__ = ("is_valid", "lacking", "plan", "pre_recovery", "replayed", "revision", "transaction")

    def __init__(self, plan: Recovery) -> None:
        self.plan = plan
        self.pre_recovery: str | None = None
        self.revision: int | None = None
        self.transaction = ""
        self.lacking = [f"{one.what}: {one.detail}" for one in plan.lacking]
        self.is_valid = True
        self.replayed = False

    def fields(self) -> "Facts":
        """The outcome as JSON values."""
        return {
            **self.plan.fields(),
            "not_restored": self.lacking,
            "pre_recovery": self.pre_recovery,
            "revision": self.revision,
            "transaction_id": self.transaction or None,
            "validated": self.is_valid,
            "replayed": self.replayed,
        }


def recover(
    store: "Store",
    plan: Recovery,
    *,
    force: bool = False,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> Outcome:
    """Do what was planned; the session is the caller's then, active, and the current one.

    Args:
        store: where.
        plan: of `plan_recovery`.
        force: even if somebody loses work.
        key: idempotency key.
        timeout: seconds to wait for locks.

    Raises:
        MilestoneError: `conflict` when others would lose work, unless `force`; `revision_conflict` when something is no
            longer as it was when this was planned.
    """
    session, name = plan.checkpoint.session, plan.checkpoint.name
    outcome = Outcome(plan)
    stream = stream_of(store, session) if plan.milestone is None else plan.milestone
    known = once(stream, key, b"session recover", session.encode(), name.encode(), b"keep" * plan.keeps_state)
    if known and (done := store.transact([], lambda: Plan("look"), lock_timeout(store, timeout), known)):
        said = data_of(store, stream, done[0].event_id)
        outcome.pre_recovery = str(said["pre_recovery"]) if said.get("pre_recovery") else None
        outcome.replayed = True
        return outcome
    if plan.blockers and not force:
        raise MilestoneError(
            "conflict",
            f"recovering would take work away: {'; '.join(plan.blockers)}",
            "end it first, or give --keep-state where only the state is at stake, or --force",
            session_id=session,
            checkpoint_name=name,
        )

    def build() -> Plan:
        again = plan_recovery(store, session, name, keeps_state=plan.keeps_state, checks_out=plan.checks_out)
        if again.digest() != plan.digest():
            raise MilestoneError(
                "revision_conflict",
                f"the session '{session}' or what belongs to it changed meanwhile; nothing was recovered",
                "look at the plan again with --dry-run, then recover",
                session_id=session,
            )
        return _mutation(store, again, outcome, stream)

    locks = [plan.milestone] if plan.milestone is not None and plan.text is not None else []
    receipts = store.transact(locks, build, lock_timeout(store, timeout), known)
    if plan.text is not None:
        outcome.revision = next((one.revision for one in receipts if one.milestone == plan.milestone), None)
    if plan.branch:
        _check_out(outcome)
    _validate(store, outcome)
    return outcome


def _mutation(store: "Store", plan: Recovery, outcome: Outcome, stream: str) -> Plan:
    """All documents and events of a recovery."""
    mutation = Plan("session_recover", runtime.new_transaction_id(runtime.now_ns()))
    outcome.transaction = mutation.id
    session, name = plan.checkpoint.session, plan.checkpoint.name
    if plan.session is not None:
        text = brought_up(store, plan.session)
        why = f"before recovering {name}"
        made = add(store, mutation, session, text, why, prefix="pre-recover", before_recovery=name)
        outcome.pre_recovery = made[1]
        mutation.puts = [put for put in mutation.puts if put[0] != pages.KIND]
    page = None
    for one in plan.steps:
        if one.put is None:
            continue
        if one.put[0] == "session":
            record = _restored(plan, one.put[2].decode(), store.log_size(stream)[0])
        elif one.put[0] == pages.KIND:
            page = one.put[2]
        elif one.action == "restore":
            mutation.puts.append(one.put)
    if any(one.put is not None and one.put[0] == "session" for one in plan.steps):
        points = [
            *by_time(store, session, names(store, session)),
            *([outcome.pre_recovery] if outcome.pre_recovery else []),
        ]
        mutation.puts += _record_and_page(store, session, record, page, points)
        kind, place = binding()
        if store.get(kind, place) != f"{session}\n".encode():
            mutation.puts.append((kind, place, f"{session}\n".encode()))
    if plan.text is not None and plan.milestone is not None:
        data: Facts = {"checkpoint_name": name, "session_id": session}
        draft = Draft("state_restored", dumps(data), current_session(store, session), acting_agent())
        mutation.puts.append(("active", plan.milestone, revise(store, plan.milestone, plan.text, draft)))
        mutation.events.insert(0, (plan.milestone, draft))
    said: Facts = {"checkpoint_name": name, "checkpoint_id": name, "pre_recovery": outcome.pre_recovery}
    said["restored"] = [one.what for one in plan.steps if one.action == "restore"]
    said["not_restored"] = outcome.lacking
    mutation.events.append((stream, event("session_recovered", session, **said)))
    return mutation


def _restored(plan: Recovery, kept: str, size: int) -> str:
    """The record that goes on: what was kept, exactly, and the present process."""
    pid, now = runtime.caller(), runtime.timestamp(runtime.now_ns())
    there = _members(plan.session.text) if plan.session is not None else {}
    back = _members(kept)
    spans = {key: back.get(key, text) for key, text in there.items() if key in back or key not in KEPT}
    spans |= {key: text for key, text in back.items() if key not in spans}
    values: Facts = {"status": "active", "pid": pid, **process(pid), "active_since": now, "updated_at": now}
    values |= {"searched": size, "recovered_from": plan.checkpoint.name}
    if "last_checkpoint" not in there:
        values["last_checkpoint"] = {"name": plan.checkpoint.name, "created_at": plan.checkpoint.created_at}
    spans.pop("ended_at", None)
    spans |= {key: dumps(value) for key, value in values.items()}
    return laid_out("{" + ",".join(f"{quote(key)}:{text}" for key, text in spans.items()) + "}") + "\n"


def _members(text: str) -> "dict[str, str]":
    """The members of a record, as they are written."""
    return {key: text[start:end] for key, _, start, end in members(text, skip(text, 0))}


def _record_and_page(
    store: "Store", session: str, record: str, page: "bytes | None", points: "list[str]"
) -> "list[tuple[str, str, bytes | None]]":
    """A record with its page: as somebody had edited it then, or as nobody has."""
    told = dumps({"sha256": digest(page or b""), "edited": page is not None})
    record = assign(record, "page", told)
    found = loads(record)
    assert isinstance(found, dict)
    record, raw = pages.written(store, record, found, session, points, page)
    puts: list[tuple[str, str, bytes | None]] = [("session", session, record.encode())]
    return [*puts, *([(pages.KIND, session, raw)] if raw is not None else [])]


def _check_out(outcome: Outcome) -> None:
    """Let git check the branch out; what was looked at before is looked at once more."""
    from milestone_cli.core.git.program import checkout, is_dirty

    plan = outcome.plan
    why = "the tree is dirty" if is_dirty(plan.folder) is not False else checkout(plan.folder, plan.branch)
    if why:
        outcome.lacking.append(f"git branch: {why.splitlines()[0]}")


def _validate(store: "Store", outcome: Outcome) -> None:
    """Hold what is there now against the checkpoint; what differs did not come back."""
    plan = outcome.plan
    for one in plan.steps:
        if one.action != "restore" or one.put is None:
            continue
        kind, key, raw = one.put
        now = store.get(kind, key)
        is_there = now is not None
        if kind == "session" and now is not None:
            is_there = kept_of(now.decode("utf-8", "replace")) == raw
        elif kind == "agent":
            is_there = now == raw
        if not is_there:
            outcome.lacking.append(f"{one.what}: it is not what the checkpoint has")
            outcome.is_valid = False
    if plan.text is None or plan.milestone is None or outcome.revision is None:
        return
    if store.read(plan.milestone, outcome.revision).text != plan.text:
        outcome.lacking.append(f"state of {plan.milestone}: it is not what the checkpoint has")
        outcome.is_valid = False
