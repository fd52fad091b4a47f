"""The command `milestone hook`: one entry for every event of Claude Code, which is never in its way.

Whatever comes, it reads what it is given to the end, prints nothing that the event does not allow, and is gone with
exit 0 before its deadline: a thread of its own sees to that when the work hangs in a lock. Where the disk is slow, a
process of its own does the work, since one that waits for a disk cannot even be ended; the one that the client waits
for touches none. Only `--block` makes it exit 2, which the client takes as a no.
"""

import _thread
import os

from milestone_cli import runtime
from milestone_cli.core.hook import EDGE, WHOLE, Turn, answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.client import Block, Deadline

PIECE = 1 << 16
BLOCKED = 2
LONGER = b"+"
"""What the one that works says first where the event has more time than others. At its end it says a digit, the exit
code, and behind that what is printed, or the refusal."""
SLOW = 10.0
"""Percent of the last ten seconds in which somebody waited for a disk, from which on a disk is slow. Another process
costs a third of a hook's time, so a disk that is not slow gets none."""
LATEST = 60.0
"""Seconds after the deadline at which also the one that works is gone, unless a disk holds it."""
COMMANDS: tuple[str, ...] = ("install", "uninstall", "status", "statusline")
"""What may stand behind `hook` as a command of its own."""


def hook(deadline: "Deadline" = None, block: "Block" = None) -> int:
    """Record an event of Claude Code, read from standard input.

    Whatever comes, it exits 0 before its deadline, and prints only what the event allows: at the start of a session
    what the model must know to go on, before a compaction the names to keep.

    Example: milestone hook --deadline 30 <<< '{"hook_event_name": "SessionStart", "source": "startup"}'
    """
    if runtime.is_terminal(0):
        os.write(
            2, b"milestone: this reads an event of Claude Code from standard input; `milestone hook --help` says how\n"
        )
        return 0
    turn = Turn(deadline)
    return _apart(turn, block) if runtime.disk_pressure() >= SLOW else _Work(turn, block).run()


def _apart(turn: Turn, policy: "str | None") -> int:
    """Let another process do the work, and wait for it until the deadline; the exit code."""
    if not runtime.env("CLAUDE_PID"):
        turn.caller = runtime.caller()
    outlet, inlet = os.pipe()
    try:
        runtime.child(lambda: _alone(turn, policy, inlet))
    except OSError:  # no more processes
        return _Work(turn, policy).run()
    os.close(inlet)
    _thread.start_new_thread(_leave, (turn, 0.0))
    said = b""
    while piece := os.read(outlet, PIECE):
        said += piece
        while said[:1] == LONGER:
            turn.prolong()
            said = said[1:]
    code = BLOCKED if said[:1] == b"2" else 0
    try:
        _write(2 if code else 1, said[1:])
    except OSError:
        pass  # nobody takes it
    turn.is_over = True
    return code


def _alone(turn: Turn, policy: "str | None", inlet: int) -> None:
    """Do the work in a process of its own, with nothing open behind which the client would wait."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    turn.on_longer = lambda: _write(inlet, LONGER)
    _Work(turn, policy, inlet).run()


def _leave(turn: Turn, later: float) -> None:
    """End the process when its time is over, whatever the rest of it waits for; `later` is in seconds."""
    while left := max(turn.end + later - runtime.monotonic(), 0.0):
        runtime.sleep(left)
    if not turn.is_over:
        os._exit(0)


def _payload() -> "tuple[bytes, bytes, int]":
    """Standard input, read to its end: all of it, or its first and last bytes, and its size."""
    blocks = []
    size = 0
    head = tail = b""
    while block := os.read(0, PIECE):
        size += len(block)
        if size <= WHOLE:
            blocks.append(block)
        else:
            head = head or b"".join(blocks)[:EDGE]
            blocks.clear()
            tail = (tail + block)[-EDGE:]
    return head or b"".join(blocks), tail, size


def _write(stream: int, said: bytes) -> None:
    data = memoryview(said)
    while data:
        data = data[os.write(stream, data) :]


def _settle(turn: Turn, error: BaseException) -> str:
    """Let the call wait, or write down why it failed; whatever happens meanwhile."""
    try:
        from milestone_cli.core.hook.late import settle

        return settle(turn, error)
    except BaseException:
        return "it could not be recorded"


class _Work:
    """What one call asks for, and the watch over it: a call that hangs in a lock waits for the next one in time."""

    def __init__(self, turn: Turn, policy: "str | None" = None, inlet: "int | None" = None) -> None:
        """Begin; `inlet` leads to the process that waits, None where there is none."""
        self._turn = turn
        self._policy = policy
        self._inlet = inlet
        self._answer = _thread.allocate_lock()
        _thread.start_new_thread(_leave, (turn, 0.0 if inlet is None else LATEST))
        _thread.start_new_thread(self._watch, ())

    def run(self) -> int:
        """Do it, and answer; the exit code."""
        said = ""
        try:
            said, reason = answer(self._turn, *_payload())
        except BaseException as error:
            reason = _settle(self._turn, error)
        code = self._say(said, reason)
        self._turn.is_over = True
        return code

    def _watch(self) -> None:
        """Wait until the time for the work is over; then let the call wait for the next one, and go."""
        turn = self._turn
        while left := turn.left():
            runtime.sleep(left)
        if turn.is_over:
            return
        reason = "" if turn.is_done else _settle(turn, TimeoutError("there was no time for it"))
        if not turn.is_over:
            os._exit(self._say("", reason))

    def _say(self, said: str, reason: str) -> int:
        """Give the answer, once; the exit code: 0, or 2 when a policy says no, which is then told instead."""
        refused = self._refusal(reason)
        code = BLOCKED if refused else 0
        text = f"milestone: {refused}\n" if refused else said
        if self._answer.acquire(blocking=False):
            try:
                if self._inlet is None:
                    _write(2 if refused else 1, text.encode())
                else:
                    _write(self._inlet, f"{code}{text}".encode())
            except OSError:
                pass  # nobody waits for it any more
        return code

    def _refusal(self, reason: str) -> str:
        if self._policy is None:
            return ""
        from milestone_cli.core.hook.policy import refusal

        try:
            return refusal(self._turn, self._policy, reason)
        except Exception:
            return ""


def is_entry(words: "list[str]") -> bool:
    """Whether a command line calls the hook, and nothing that belongs to it: then even a wrong one must do no harm.

    At a terminal a person types, who is better told.
    """
    if runtime.is_terminal(0):
        return False
    for at, word in enumerate(words):
        if word == "hook":
            return words[at + 1 :] != ["--help"] and "".join(words[at + 1 : at + 2]) not in COMMANDS
        if word[:1] != "-" and words[max(0, at - 1)] != "--store":
            return False
    return False


def excuse(words: "list[str]", error: "BaseException | None" = None) -> int:
    """The exit code for a hook that could not even begin: 0, after reading what there is; doctor tells of it."""
    told = f"the command line is wrong: milestone {' '.join(words)}" if error is None else f"{error}"
    try:
        from milestone_cli.core.hook import find
        from milestone_cli.core.hook.late import note

        turn = Turn(None)
        _thread.start_new_thread(_leave, (turn, 0.0))
        if not runtime.is_terminal(0):
            while os.read(0, PIECE):
                pass
        path = find()
        if path is not None:
            note(path, "usage", "", "usage" if error is None else "unexpected", told)
        turn.is_over = True
    except BaseException:  # noqa: S110 - there is nothing left to be done about it
        pass
    return 0
