"""What the client's hooks tell, recorded: in time, once, and never in the client's way.

The invariant: a call is recorded, or waits for the next one, or stands among the problems that `doctor` shows; whatever
happens, the client gets its answer before the deadline. What most calls need is here; the rest is imported by them.
"""

import _thread
import os

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, acting_agent, bound_session, session_record, setting
from milestone_cli.core.hook.facts import parse, understand
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Change, Draft, safe
from milestone_cli.storage import locate, open_store
from milestone_cli.storage.places import waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.hook.facts import Call
    from milestone_cli.storage.contract import Store

DEADLINE = 0.2
"""Seconds from the start of the process to its end, unless told otherwise."""
AT_THE_END = 1.0
"""The same at SessionEnd, where the client itself waits 1.5 seconds at most."""
CROWD = 4.0
"""Times that a busy machine may take longer before the deadline is put off, in proportion."""
PATIENCE = 5.0
"""Times the deadline that it is put off at most."""
REQUEST = "686f6f6b686f6f6b"
"""A key of ours is a call's own, so nothing else could be asked for under it."""
WHOLE = 1 << 20
"""Bytes up to which a payload is parsed whole; nothing interrupts the parser."""
EDGE = 1 << 16
"""Bytes that are looked at of each end of a larger one."""


class Turn:
    """The time of one call, and how far it has come; another thread looks at it when the time is over.

    Attributes:
        end: on the monotonic clock, when the process must be gone.
        call: what is to be done; None before it is understood.
        caller: the process that the client may be, where it does not say so; 0 where that is not asked.
        path: where the store is; None before it is found.
        is_done: nothing is left that could wait for the next call.
        is_settled: it was let wait, or dropped, and that is written down.
        is_over: the answer is given.
        on_longer: called when the event turns out to have more time than others.
        settling: held while a call that was not done is let wait; whoever comes second finds it done.
    """

    __slots__ = ("_began", "_given", "_lag", "_reserve", "call", "caller", "end", "is_done", "is_over", "is_settled",
                 "on_longer", "path", "settling")  # fmt: skip

    def __init__(self, deadline: "float | None") -> None:
        """Begin; `deadline` is in seconds since the start of the process, None for the built-in one."""
        self._given = deadline
        seconds = DEADLINE if deadline is None else deadline
        # Where the system says how long Python took to start, that is part of the client's waiting too.
        age = runtime.age(runtime.getpid()) or 0.0
        self._began = runtime.monotonic() - min(max(age, 0.0), seconds)
        # Where others have the processors most of the time, no deadline can be kept to the millisecond, and nothing is
        # gained by giving up a call that would be done, or at least be let wait, a moment later.
        self._lag = min(max(runtime.crowding() / CROWD, 1.0), PATIENCE)
        self._grant(seconds)
        self.call: Call | None = None
        self.caller = 0
        self.on_longer: Callable[[], None] | None = None
        self.path: str | None = None
        self.is_done = self.is_settled = self.is_over = False
        self.settling = _thread.allocate_lock()

    def _grant(self, seconds: float) -> None:
        """Set the end; on a machine where the start alone takes all the time, most of it is left nevertheless."""
        self._reserve = seconds / 4 * self._lag
        self.end = max(self._began + seconds, runtime.monotonic() + seconds * 3 / 4 * self._lag)

    def understood(self, call: "Call") -> None:
        """Take in what is to be done."""
        self.call = call
        call.pid = call.pid or self.caller
        if self._given is None and call.event == "SessionEnd":
            self.prolong()
            if self.on_longer is not None:
                self.on_longer()

    def prolong(self) -> None:
        """Take the time of the end of a session."""
        self._grant(AT_THE_END)

    def left(self) -> float:
        """Seconds that the work may still take; what remains then is for letting it wait. Not below zero."""
        return max(self.end - self._reserve - runtime.monotonic(), 0.0)


def answer(turn: Turn, head: bytes, tail: bytes, size: int) -> "tuple[str, str]":
    """Do what an event of the client asks for.

    Args:
        turn: the time that there is.
        head: the payload, or its first bytes when it has more than `WHOLE`.
        tail: its last bytes then.
        size: of all of it.

    Returns:
        What is printed for the client, mostly nothing; and why the event was not recorded, if it was not.

    Raises:
        ValueError: when the payload is none. What a store raises, when nothing could be looked at.
    """
    if size > WHOLE:
        from milestone_cli.core.hook.partial import parse as parse_partly

        payload = parse_partly(head, tail)
    else:
        payload = parse(head)
    call = understand(payload, head + tail, runtime.now_ns())
    if call is None:
        turn.is_done = True
        return "", ""
    turn.understood(call)
    turn.path = find()
    if turn.path is None:
        turn.is_done = True
        return "", ""
    return _in_store(turn, call, open_store(turn.path))


def find() -> "str | None":
    """Where the store is: that of the project in which the client was started, which stays; else from where we are."""
    project = runtime.env("CLAUDE_PROJECT_DIR") or ""
    found = [project] if project[:1] == "/" else []
    try:
        found.append(os.getcwd())
    except OSError:
        pass  # removed meanwhile
    return locate(*found)


def _in_store(turn: Turn, call: "Call", store: "Store") -> "tuple[str, str]":
    reason = ""
    try:
        if waiting(store.path):
            from milestone_cli.core.hook.late import catch_up

            catch_up(turn, store)
        do(turn, store, call)
    except (MilestoneError, OSError) as error:
        from milestone_cli.core.hook.late import settle

        reason = settle(turn, error)
    turn.is_done = True
    if call.type:
        return "", reason
    from milestone_cli.core.hook.acts import say

    return say(store, call), reason


def do(turn: Turn, store: "Store", call: "Call") -> None:
    """Do what a call asks for: record it, or act.

    Raises:
        MilestoneError: what the store raises.
    """
    if call.type:
        record(turn, store, call)
    else:
        from milestone_cli.core.hook.acts import act

        act(turn, store, call)


def record(turn: Turn, store: "Store", call: "Call") -> None:
    """Log a call as an event of its session; where no milestone is meant, there is nothing to log it in."""
    session, milestone = place(turn, store, call)
    if milestone is None:
        return
    data = call.data
    if call.is_late:
        data["occurred_at"] = runtime.timestamp(call.occurred)
    if (longest := _wanted(store)) != "0":
        from milestone_cli.core.hook.acts import add_payload

        add_payload(call, int(longest))
    change = Change(milestone, [Draft(call.type, dumps(data), session, acting(call))], key=call.key, request=REQUEST)
    change.timeout = turn.left()
    receipt = store.commit(change)
    if receipt.replayed and call.is_vague:
        from milestone_cli.core.hook.acts import record_again

        record_again(turn, store, call, change, receipt)


def _wanted(store: "Store") -> str:
    """Characters of payloads that are kept; none where the configuration cannot be read, which other commands tell."""
    try:
        word = setting(store, "hook_payload", "0")
    except MilestoneError:
        return "0"
    return word if word.isdigit() and len(word) < 5 else "0"


def place(turn: Turn, store: "Store", call: "Call") -> "tuple[str, str | None]":
    """Session and milestone that a call belongs to; a client without a session gets one."""
    session = bound(store, call.client)
    if session is None and call.client:
        from milestone_cli.core.hook.binding import bind

        session = bind(turn, store, call)
    if session is None:
        return NO_SESSION, sole(store, call)
    milestone = session_record(store, session).get("milestone_id")
    return session, safe(milestone) if isinstance(milestone, str) and milestone else sole(store, call)


def bound(store: "Store", client: str) -> "str | None":
    """The session that a client's session is bound to; None for none, and for what cannot be a client's session."""
    try:
        return bound_session(store, client) if client else None
    except MilestoneError as error:
        if error.code != "invalid_name":
            raise
        return None


def sole(store: "Store", call: "Call") -> "str | None":
    """The milestone that MILESTONE_ID names, or the only active one; None when that is not clear.

    Raises:
        MilestoneError: `invalid_name`.
    """
    if call.milestone:
        return safe(call.milestone)
    active = store.active()
    return active[0] if len(active) == 1 else None


def acting(call: "Call") -> str:
    """The agent that acts: the subagent, else the one that MILESTONE_AGENT names, else `system`."""
    try:
        return safe(call.agent) if call.agent else acting_agent()
    except MilestoneError:
        return "system"
