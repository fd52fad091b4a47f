"""What a checkpoint of a session keeps, and all that goes into a transaction which makes one.

It is made behind the store's gate, where sessions and agents stand still. Of the milestone's state it names one whole
revision, found without its lock, so writers never wait for a checkpoint; what else it keeps stands as parts, each under
its SHA-256, so what did not change is kept once.
"""

from milestone_cli import runtime
from milestone_cli.core import acting_agent
from milestone_cli.core.record import indented, safe_name, squeezed, with_members
from milestone_cli.core.sessions import pages
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, members, quote, skip
from milestone_cli.model import Draft, Plan, digest, log_of, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

KIND, PART = "session-checkpoint", "session-part"
"""Kinds of documents: a checkpoint, under SESSION/NAME, and a part, under SESSION/SHA-256."""
KEPT = ("session_id", "milestone_id", "created_at", "user", "working_directory", "git_branch", "type", "client",
        "metadata", "context", "configuration", "state", "progress", "operation")  # fmt: skip
"""What of a record comes back in a recovery; the rest says whose process it is, and what was done since."""
FIRST = "initialization"
"""Name of, and reason for, the checkpoint that is made with a session."""


def names(store: "Store", session: str) -> "list[str]":
    """Names of a session's checkpoints."""
    return [key[len(session) + 1 :] for key in store.keys(KIND, session)]


def file(session: str, name: str) -> str:
    """How the log names a checkpoint's document."""
    return f".milestones/state/sessions/{session}/checkpoints/{name}/checkpoint.yaml"


def kept_of(text: str) -> bytes:
    """The members of a record that come back, each as it is written there but for white space."""
    spans = {key: text[start:end] for key, _, start, end in members(text, skip(text, 0))}
    lines = [f"  {quote(key)}: {squeezed(spans[key])}" for key in KEPT if key in spans]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


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
        is_new: the session is: it has no checkpoint yet, and no agents.
        marks: more members of the document: its tags.

    Returns:
        The record, which knows its last checkpoint; and the checkpoint's name and document.

    Raises:
        MilestoneError: `conflict` when the name is taken.
    """
    record = loads(text)
    assert isinstance(record, dict)
    milestone = safe_name(record.get("milestone_id"))
    stream = milestone or log_of(session)
    there = [] if is_new else names(store, session)
    now = runtime.timestamp(runtime.now_ns())
    made = _name(name, there, f"{prefix}-{now[:10].replace('-', '')}-{now[11:19].replace(':', '')}")
    parts = [("session", session, kept_of(text))]
    agents = [] if is_new else _more_parts(store, session, record, parts)
    proved = [(kind, key, part, digest(part)) for kind, key, part in parts]
    info = _info(store, record, session, (made, reason, now), dirty, proved, agents)
    info["state_snapshot"] |= _position(store, milestone, stream)
    info |= marks or {}
    if before_recovery is not None:
        info["checkpoint"]["before_recovery"] = before_recovery
    for part, sha256 in {one[3]: one[2:] for one in proved}.values():
        if not store.modified(PART, f"{session}/{sha256}"):
            plan.puts.append((PART, f"{session}/{sha256}", part))
    raw = indented(info).encode() + b"\n"
    plan.puts.append((KIND, f"{session}/{made}", raw))
    news: Facts = {} if before_recovery is not None else {"last_checkpoint": {"name": made, "created_at": now}}
    news["updated_at"] = now
    text = with_members(text, {key: dumps(value) for key, value in news.items()})
    text, page = pages.written(store, text, {**record, **news}, session, [*by_time(store, session, there), made])
    if page is not None:
        plan.puts.append((pages.KIND, session, page))
    data = {"checkpoint_name": made, "checkpoint_file": file(session, made), "session_id": session, "reason": reason}
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


def _more_parts(store: "Store", session: str, record: "Facts", parts: "list[tuple[str, str, bytes]]") -> "list[Facts]":
    """Add what is kept besides the record: the page, where somebody edited it, and the agents; these, parsed."""
    page = record.get("page")
    if isinstance(page, dict) and page.get("edited") is True and (raw := store.get(pages.KIND, session)):
        parts.append((pages.KIND, session, raw))
    agents: list[Facts] = []
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
            parts.append(("agent", key, raw))
    return agents


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


def _position(store: "Store", milestone: "str | None", stream: str) -> "Facts":
    """Where the log stands, and which revision of the milestone's state is the present one, both of one moment."""
    told: Facts = {"event_count": 0, "event_offset": 0, "milestone_id": milestone, "revision": 0, "sha256": None}
    for _ in range(20):
        head = store.head(stream)
        document = None
        if milestone:
            try:
                document = store.read(milestone)
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
