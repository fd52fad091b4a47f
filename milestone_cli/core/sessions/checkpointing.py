"""Making checkpoints of sessions, pinning and removing them: behind the store's gate, where nobody changes them.

The state that is named is one whole revision, found without its lock, so writers never wait for a checkpoint. Parts go
when no checkpoint of the session refers to them any more.
"""

from milestone_cli import runtime
from milestone_cli.core import acting_agent, lock_timeout, once
from milestone_cli.core.record import data_of, indented, tagged, with_members, words
from milestone_cli.core.sessions import pages
from milestone_cli.core.sessions.parts import KIND, PART, file, kept_of, names
from milestone_cli.core.sessions.session import Session, current_text
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, quote
from milestone_cli.model import Draft, Plan, digest, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from milestone_cli.core.sessions.checkpoints import Checkpoint
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


def create(
    store: "Store",
    session: str,
    name: "str | None" = None,
    reason: "str | None" = None,
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
    asks_git: bool = True,
    tags: "list[str] | None" = None,
) -> "tuple[Checkpoint, bool]":
    """Make a checkpoint of a session.

    Args:
        store: where.
        session: whose.
        name: left out: checkpoint-YYYYmmdd-HHMMSS, in UTC.
        reason: why, for people; left out: by hand.
        key: idempotency key.
        timeout: seconds to wait for other transactions.
        asks_git: whether the tree is dirty; nobody else knows.
        tags: by which a clean-up may be told to keep it.

    Returns:
        The checkpoint, and whether it is an earlier one under the same idempotency key.

    Raises:
        MilestoneError: `not_found`, `damaged`; `conflict` when the name is taken.
    """
    from milestone_cli.core.git.program import is_dirty
    from milestone_cli.core.sessions.checkpoints import Checkpoint, find

    found = current_text(store, session)
    words(reason, "the reason")
    marks = tagged(tags)
    folder = found.word("working_directory")
    dirty = is_dirty(folder) if folder and asks_git else None
    made: list[Checkpoint] = []

    def build() -> Plan:
        plan = Plan("checkpoint_create")
        now = current_text(store, session)
        text = brought_up(store, now)
        text, named, raw = add(store, plan, now.id, text, reason or "manual", name, dirty=dirty, marks=marks)
        plan.puts.append(("session", now.id, text.encode()))
        made[:] = [Checkpoint(now.id, named, raw)]
        return plan

    stream = found.stream
    request = [(name or "").encode(), (reason or "").encode(), *[one.encode() for one in tags or []]]
    known = once(stream, key, b"session checkpoint", session.encode(), *request)
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    if receipts[0].replayed:
        earlier = data_of(store, stream, receipts[0].event_id).get("checkpoint_name")
        return find(store, session, str(earlier)), True
    return made[0], False


def take_over(store: "Store", session: str, timeout: float) -> "dict[str, object]":
    """Take over into a session's record what somebody edited in its page.

    Returns:
        The record as it is then.

    Raises:
        MilestoneError: `invalid_config` when the page cannot be read, or says what cannot be.
    """
    from milestone_cli.core.sessions import edits

    found = current_text(store, session)

    def build() -> Plan:
        nonlocal found
        found, plan = current_text(store, session), Plan("session_configure")
        news = edits.news(store, found)
        if news:
            text = with_members(found.text, news)
            said = f'{{"session_id":{quote(found.id)},"configuration":{news["configuration"]}}}'
            plan.puts.append(("session", found.id, text.encode()))
            plan.events.append((found.stream, Draft("session_configured", said, found.id, acting_agent())))
            found = Session(found.id, text.encode(), 0, "")
        return plan

    store.transact([], build, timeout)
    return found.record


def brought_up(store: "Store", found: Session) -> str:
    """A session's record with what its log and its page have said since it was written."""
    from milestone_cli.core.sessions import edits, progress

    try:
        edited = edits.news(store, found)
    except MilestoneError:
        edited = {}  # the page stays as it is until somebody mends it, and `doctor` tells of it
    return with_members(found.text, {**edited, **progress.news(store, found)})


def add(
    store: "Store",
    plan: Plan,
    session: str,
    text: str,
    reason: str,
    name: "str | None" = None,
    *,
    dirty: "bool | None" = None,
    prefix: str = "checkpoint",
    before_recovery: "str | None" = None,
    is_new: bool = False,
    marks: "Facts | None" = None,
) -> "tuple[str, str, bytes]":
    """Add a checkpoint of a session to a plan: its parts, its document, its event, and the session's page.

    Args:
        store: as it is behind the gate.
        plan: gets all of that, but not the record.
        session: whose.
        text: of its record, as it will be written, but for what is changed here.
        reason: why.
        name: left out: `prefix` and the time.
        dirty: whether the tree of its working directory is.
        prefix: of a name that is left out.
        before_recovery: the checkpoint that is about to be brought back.
        is_new: the session is; it has none yet.
        marks: more members of the document: its tags.

    Returns:
        The record, which knows its last checkpoint; and the checkpoint's name and document.

    Raises:
        MilestoneError: `conflict` when the name is taken.
    """
    record = loads(text)
    assert isinstance(record, dict)
    there = [] if is_new else names(store, session)
    now = runtime.timestamp(runtime.now_ns())
    made = _name(name, there, f"{prefix}-{now[:10].replace('-', '')}-{now[11:19].replace(':', '')}")
    parts, agents = _parts(store, session, text)
    info = _info(store, record, session, (made, reason, now), dirty, parts, agents)
    info |= marks or {}
    if before_recovery is not None:
        info["checkpoint"]["before_recovery"] = before_recovery
    for _, _, raw, sha256 in {one[3]: one for one in parts}.values():
        if not store.modified(PART, f"{session}/{sha256}"):
            plan.puts.append((PART, f"{session}/{sha256}", raw))
    raw = indented(info).encode() + b"\n"
    plan.puts.append((KIND, f"{session}/{made}", raw))
    last = {"last_checkpoint": dumps({"name": made, "created_at": now})} if before_recovery is None else {}
    text = with_members(text, {**last, "updated_at": quote(now)})
    text, page = pages.written(store, text, session, [*by_time(store, session, there), made])
    if page is not None:
        plan.puts.append((pages.KIND, session, page))
    data = {"checkpoint_name": made, "checkpoint_file": file(session, made), "session_id": session, "reason": reason}
    stream = Session(session, text.encode(), 0, "").stream
    plan.events.append((stream, Draft("checkpoint_created", dumps(data), session, acting_agent())))
    return text, made, raw


def by_time(store: "Store", session: str, there: "list[str]") -> "list[str]":
    """Names of checkpoints in the order of their making."""
    return sorted(there, key=lambda name: (store.modified(KIND, f"{session}/{name}"), name))


def _name(given: "str | None", there: "list[str]", base: str) -> str:
    """A name that is not taken, in whatever case."""
    taken = {one.lower() for one in there}
    name, count = safe(given, "checkpoint") if given else base, 1
    if given and (name.lower() in taken or name == "latest"):
        raise MilestoneError(
            "conflict", f"the name '{name}' is taken", "choose another one, or leave --name out", checkpoint_name=name
        )
    while name.lower() in taken:
        count += 1
        name = f"{base}-{count}"
    return name


def _parts(store: "Store", session: str, text: str) -> "tuple[list[tuple[str, str, bytes, str]], list[Facts]]":
    """What is kept, as kind, key, bytes and SHA-256, the session first; and the records of its agents."""
    found = [("session", session, kept_of(text))]
    record = loads(text)
    page = record.get("page") if isinstance(record, dict) else None
    if isinstance(page, dict) and page.get("edited") is True and (raw := store.get(pages.KIND, session)):
        found.append((pages.KIND, session, raw))
    agents = []
    needle = session.encode()
    for key in store.keys("agent"):
        raw = store.get("agent", key)
        if raw is None or needle not in raw:
            continue
        try:
            one = loads(raw)
        except ValueError:
            continue  # damaged, and `doctor` tells of it
        if isinstance(one, dict) and one.get("session_id") == session:
            agents.append(one)
            found.append(("agent", key, raw))
    return [(kind, key, raw, digest(raw)) for kind, key, raw in found], agents


def _operations(agent: "Facts") -> int:
    metrics = agent.get("metrics")
    count = metrics.get("operations_completed") if isinstance(metrics, dict) else 0
    return count if type(count) is int else 0


def _pending(record: "Facts", agents: "list[Facts]") -> "list[Facts]":
    """What is under way: the session's operation, unless it is done, and those of its agents."""
    found: list[Facts] = []
    amount = record.get("progress")
    if record.get("operation") and not (isinstance(amount, int | float) and amount >= 100):
        found.append({"agent_id": None, "operation": record["operation"], "progress": amount})
    for one in agents:
        state = one.get("state")
        operation = state.get("current_operation") if isinstance(state, dict) else None
        if isinstance(operation, str) and operation and one.get("status") == "active":
            found.append({"agent_id": one.get("agent_id"), "operation": operation, "progress": None})
    return found


def _info(
    store: "Store",
    record: "Facts",
    session: str,
    made: "tuple[str, str, str]",
    dirty: "bool | None",
    parts: "list[tuple[str, str, bytes, str]]",
    agents: "list[Facts]",
) -> "dict[str, Any]":
    """The document, in the form of the reference architecture; `made` is name, reason and time."""
    from milestone_cli.core import git

    folder = str(record.get("working_directory") or "")
    return {
        "checkpoint": {"id": made[0], "session_id": session, "reason": made[1], "created_at": made[2]},
        "state_snapshot": {
            "session_file": parts[0][3],
            "agent_count": len(agents),
            "operation_count": sum(_operations(one) for one in agents),
            **_position(store, record, session),
        },
        "context": {
            "working_directory": folder,
            "git_branch": git.branch(folder) if folder else git.NONE,
            "git_commit": git.commit(folder) if folder else "",
            "git_dirty": dirty,
        },
        "recovery_data": {
            "active_transactions": _transactions(store),
            "pending_operations": _pending(record, agents),
            "agent_states": [{"agent_id": key, "sha256": sha256} for kind, key, _, sha256 in parts if kind == "agent"],
        },
        "parts": [{"kind": kind, "key": key, "sha256": sha256, "bytes": len(raw)} for kind, key, raw, sha256 in parts],
        "pinned": None,
    }


def _position(store: "Store", record: "Facts", session: str) -> "Facts":
    """Where the log stands, and which revision of the milestone's state is the present one, both of one moment."""
    found = Session(session, dumps(record).encode(), 0, "")
    told: Facts = {"event_count": 0, "event_offset": 0, "milestone_id": found.milestone, "revision": 0, "sha256": None}
    for _ in range(20):
        head = store.head(found.stream)
        document = None
        if found.milestone:
            try:
                document = store.read(found.milestone)
            except MilestoneError as error:
                if error.code not in ("not_found", "damaged"):
                    raise
                told["sha256"] = None
        if head is not None:
            told |= {"event_count": head.sequence, "event_offset": head.end, "revision": head.revision}
        if document is None:
            break
        is_recorded = head is not None and head.state == document.sha256
        # A text that is not in the log yet gets there with the next change, as the revision after this one.
        told |= {"revision": (head.revision if head else 0) + (not is_recorded), "sha256": document.sha256}
        if is_recorded:
            break
        runtime.sleep(0.005)  # between a state and its event; or another program changed it, which stays so
    return told


def _transactions(store: "Store") -> "list[Facts]":
    """Transactions that are not finished."""
    if not store.keys("pending"):
        return []
    from milestone_cli.core.transactions.unfinished import unfinished

    return [
        {"transaction_id": name, "operation": operation, "started_at": started}
        for name, operation, started in unfinished(store)
    ]
