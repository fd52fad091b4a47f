"""The command `milestone hook`: one entry for every event of Claude Code, which is never in its way.

Whatever comes, it reads what it is given to the end, prints nothing that the event does not allow, and is gone with
exit 0 before its deadline: a thread of its own sees to that when the work hangs in the disk or in a lock. Only
`--block` makes it exit 2, which the client takes as a no.
"""

import _thread
import os

from milestone_cli import runtime
from milestone_cli.core.hook import EDGE, WHOLE, Turn, answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import Block, Deadline

PIECE = 1 << 16
BLOCKED = 2
COMMANDS: tuple[str, ...] = ("install", "uninstall", "status", "statusline")
"""What may stand behind `hook` as a command of its own."""


def hook(deadline: "Deadline" = None, block: "Block" = None) -> int:
    """Record an event of Claude Code, read from standard input.

    It exits 0 before its deadline, whatever comes, and prints nothing but what the event allows: at the start of a
    session what the model must know to go on, before a compaction the names to keep.

    Example: milestone hook --deadline 30 <<< '{"hook_event_name": "SessionStart", "source": "startup"}'
    """
    if runtime.is_terminal(0):
        os.write(2, b"milestone: this reads an event of Claude Code from standard input; see milestone hook --help\n")
        return 0
    turn = Turn(deadline)
    watch = _Watch(turn, block)
    _thread.start_new_thread(watch.run, ())
    said, reason = "", ""
    try:
        said, reason = answer(turn, *_payload())
        code = watch.code(reason)
        if said and not code:
            _print(said)
    except BaseException as error:
        reason = _settle(turn, error)
        code = watch.code(reason)
    turn.is_over = True
    return code


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


def _print(text: str) -> None:
    data = memoryview(text.encode())
    while data:
        data = data[os.write(1, data) :]


def _settle(turn: Turn, error: BaseException) -> str:
    """Let the call wait, or write down why it failed; whatever happens meanwhile."""
    try:
        from milestone_cli.core.hook.late import settle

        return settle(turn, error)
    except BaseException:
        return "it could not be recorded"


class _Watch:
    """Ends the process when its time is over, whatever the rest of it waits for."""

    def __init__(self, turn: Turn, policy: "str | None" = None) -> None:
        self._turn = turn
        self._policy = policy

    def run(self) -> None:
        """Wait for the deadline; then let the call wait for the next one, and go."""
        turn = self._turn
        while left := turn.left():
            runtime.sleep(left)
        if turn.is_over:
            return
        _thread.start_new_thread(self._leave, ())  # should the disk hang for that too
        reason = "" if turn.is_done else _settle(turn, TimeoutError("there was no time for it"))
        if not turn.is_over:
            os._exit(self.code(reason))

    def _leave(self) -> None:
        runtime.sleep(max(self._turn.end - runtime.monotonic(), 0.001))
        if not self._turn.is_over:
            os._exit(0)

    def code(self, reason: str) -> int:
        """The exit code: 0, or 2 when a policy says no, which is then told on standard error."""
        if self._policy is None:
            return 0
        from milestone_cli.core.hook.policy import refusal

        try:
            refused = refusal(self._turn, self._policy, reason)
        except Exception:
            return 0
        if not refused:
            return 0
        os.write(2, f"milestone: {refused}\n".encode())
        return BLOCKED


def is_entry(words: "list[str]") -> bool:
    """Whether a command line calls the hook, and nothing that belongs to it: then even a wrong one must do no harm.

    At a terminal a person types, who is better told.
    """
    if runtime.is_terminal(0):
        return False
    for at, word in enumerate(words):
        if word == "hook":
            return words[at + 1 :] != ["--help"] and "".join(words[at + 1 : at + 2]) not in COMMANDS
        if word[:1] != "-" and words[at - 1] != "--store":
            return False
    return False


def excuse(words: "list[str]", error: "BaseException | None" = None) -> int:
    """The exit code for a hook that could not even begin: 0, after reading what there is; doctor tells of it."""
    told = f"the command line is wrong: milestone {' '.join(words)}" if error is None else f"{error}"
    try:
        from milestone_cli.core.hook import find
        from milestone_cli.core.hook.late import note

        turn = Turn(None)
        turn.is_done = True
        _thread.start_new_thread(_Watch(turn).run, ())
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
