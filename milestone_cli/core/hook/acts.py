"""Events of the client that do more than leave a line in the log, and what few others need beside that line.

At SessionStart the client's session is bound and the model is told where the work stands; before a compaction the state
is kept, and the names that must survive are given to it; at the end of a turn the state is kept when its time has come.
"""

import os

from milestone_cli import runtime
from milestone_cli.core import session_record, setting
from milestone_cli.core.hook import Turn, bound, place, sole
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.hook.facts import Call
    from milestone_cli.model import Change, Receipt
    from milestone_cli.storage.contract import Store

TOLD = ("startup", "resume", "clear", "compact")
"""Beginnings after which the model knows nothing of the work; a fork has it all in its conversation."""
ROOM = 10_000
"""Characters on standard output of which the model sees all."""
TOKENS = 1200
"""Tokens that the packet may have, for resuming adds one more beside the old ones."""
SAME = 10_000_000_000
"""Nanoseconds within which the same words are the same call, delivered twice."""
AGAIN = 100
"""Calls with the same words that are told apart by their times."""
EXPORTS = 1 << 16
"""Bytes at the end of the client's file of exports that are looked at."""


def act(turn: Turn, store: "Store", call: "Call") -> None:
    """Do what an event asks for that is no line in the log alone.

    Raises:
        MilestoneError: what the store raises.
    """
    if call.event == "SessionStart":
        from milestone_cli.core.hook.binding import bind

        if call.client:
            bind(turn, store, call, turn.left() / 2)  # the other half is for telling the model
    elif call.event == "SessionEnd":
        from milestone_cli.core.hook.binding import finish

        finish(turn, store, call)
    elif call.event == "PreCompact":
        _keep(turn, store, call, "compact", "before a compaction")
    elif call.event == "Stop":
        _keep_by_interval(turn, store, call)


def say(store: "Store", call: "Call") -> str:
    """What the client is told; empty for nothing. Nothing in the store is changed."""
    try:
        if call.event == "SessionStart":
            try:
                _export(store, call)
            except OSError as error:  # the client's file, of which the model need not suffer
                _failed(store, call, error, f"CLAUDE_ENV_FILE: {error.strerror}")
            return _start(store, call) if call.data.get("source") in TOLD else ""
        if call.event == "PreCompact":
            return _instructions(store, call)
    except (MilestoneError, OSError) as error:
        _failed(store, call, error, error.message if isinstance(error, MilestoneError) else str(error.strerror))
    return ""


def _failed(store: "Store", call: "Call", error: Exception, told: str) -> None:
    """Write down that something could not be done."""
    from milestone_cli.core.hook.late import note

    note(store.path, "failed", call.event, getattr(error, "code", "store_unreachable"), told)


def _export(store: "Store", call: "Call") -> None:
    """Name the session to the shells that the client will start, through the file that it gives for that."""
    path, session = runtime.env("CLAUDE_ENV_FILE") or "", bound(store, call.client)
    if not path or session is None:
        return
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        there = os.pread(fd, EXPORTS, max(0, os.fstat(fd).st_size - EXPORTS))
        line = f"export MILESTONE_SESSION={session}\n".encode()
        last = there[there.rfind(b"export MILESTONE_SESSION=") :]
        if not last.startswith(line):
            os.write(fd, (b"" if there[-1:] in (b"", b"\n") else b"\n") + line)
    finally:
        os.close(fd)


def _start(store: "Store", call: "Call") -> str:
    """The packet, as the client takes it in."""
    from milestone_cli.core.standing import handoff

    session, milestone = meant(store, call)
    if milestone is None:
        text = handoff.choice(store)
    else:
        folder = str(call.data.get("cwd") or "")
        text = handoff.packet(store, milestone, session=session, folder=folder, tokens=TOKENS).text
    while text:
        said = dumps({"hookSpecificOutput": {"hookEventName": call.event, "additionalContext": text}})
        if len(said) <= ROOM:
            return said + "\n"
        text = text.rpartition("\n")[0]
    return ""


def meant(store: "Store", call: "Call") -> "tuple[str | None, str | None]":
    """Session and milestone of a call, as they are now."""
    session = bound(store, call.client)
    own = session_record(store, session).get("milestone_id") if session else None
    return session, own if isinstance(own, str) and own else sole(store, call)


def _instructions(store: "Store", call: "Call") -> str:
    """What a compaction is asked to keep: the names by which the work is found again."""
    from milestone_cli.core.standing import handoff

    session, milestone = meant(store, call)
    return "" if milestone is None else handoff.names(store, milestone, session)


def _keep(turn: Turn, store: "Store", call: "Call", prefix: str, reason: str) -> None:
    """Make a checkpoint of the state, unless the newest one has the same; of several calls at once, one makes it."""
    from milestone_cli.core.checkpoints import checkpointing

    session, milestone = place(turn, store, call)
    if milestone is None:
        return
    try:
        text = store.read(milestone)
    except MilestoneError as error:
        if error.code == "not_found":
            return  # no state yet, so there is nothing to keep
        raise
    newest = _newest(store, milestone)
    if newest is not None and newest[1] == text.sha256:
        return
    checkpointing.create(
        store,
        milestone,
        reason=reason,
        key=f"hook:{prefix}:{text.sha256[:32]}:{newest[0] if newest else 0}",
        timeout=turn.left(),
        prefix=prefix,
        session=session,
    )


def _newest(store: "Store", milestone: str) -> "tuple[int, str] | None":
    """When a milestone's newest checkpoint was made, nanoseconds since 1970, and the SHA-256 of what it keeps."""
    from milestone_cli.core.checkpoints import checkpoint
    from milestone_cli.core.checkpoints.copies import checkpoint_names

    times = [(store.modified("checkpoint", f"{milestone}/{name}"), name) for name in checkpoint_names(store, milestone)]
    for ns, name in sorted(times, reverse=True):
        found = checkpoint.look(store, milestone, name)
        if found is not None and found.text is not None:
            return ns, found.sha256
    return None


def _keep_by_interval(turn: Turn, store: "Store", call: "Call") -> None:
    """Make a checkpoint when the interval has passed since the last one."""
    word = setting(store, "checkpoint_interval", "300")
    interval = float(word) if word.replace(".", "", 1).isdigit() else 300.0
    if not interval:
        return
    session, milestone = place(turn, store, call)
    if session is not None:
        _keep_session(turn, store, call, session, interval)
    newest = _newest(store, milestone) if milestone else None
    if newest is None or call.occurred - newest[0] >= interval * 1e9:
        _keep(turn, store, call, "auto", "the interval has passed")


def _keep_session(turn: Turn, store: "Store", call: "Call", session: str, interval: float) -> None:
    """Make a checkpoint of the client's session when the interval has passed; of several calls at once, one makes it.

    Whether the tree is dirty is not asked, since git may take longer than a hook has.
    """
    last = session_record(store, session).get("last_checkpoint")
    before = last.get("created_at") if isinstance(last, dict) else None
    made = parse_ns(before)
    if made is None or call.occurred - made >= interval * 1e9:
        from milestone_cli.core.sessions.checkpointing import create

        key = f"hook:session:{session}:{before}"
        create(store, session, None, "periodic", key=key, timeout=turn.left(), asks_git=False)


def record_again(turn: Turn, store: "Store", call: "Call", change: "Change", receipt: "Receipt") -> None:
    """Log a call whose words were logged before, if that was long enough ago to be another call.

    The key of each goes on from the time of the one before, so both deliveries of the later call have the same.
    """
    from milestone_cli.core.record import data_of

    for _ in range(AGAIN):
        before = data_of(store, change.milestone, receipt.event_id).get("occurred_at") or receipt.timestamp
        passed = call.occurred - (parse_ns(before) or 0)
        if not receipt.replayed or passed < SAME:
            return
        change.key = f"{call.key}:{before}"
        change.drafts[0].event_id = ""
        change.timeout = turn.left()
        receipt = store.commit(change)


def add_payload(call: "Call", longest: int) -> None:
    """Put what the client said into the data of an event, because it is configured: cut, and without secrets."""
    from milestone_cli.core.hook.redact import copy

    for name in ("prompt", "tool_input", "tool_response", "error", "message", "last_assistant_message", "tool_calls"):
        value = call.payload.get(name)
        if value not in (None, "", [], {}):
            call.data[name] = copy(value, longest)
