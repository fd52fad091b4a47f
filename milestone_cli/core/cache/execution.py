"""Running the command itself: signals pass to it, a recorder takes what it writes, and it never waits for itself."""

from milestone_cli import runtime
from milestone_cli.core.supervise import supervise
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.cache.recorder import Recorder
    from milestone_cli.core.supervise import Upkeep

AROUND = "MILESTONE_CACHE_RUNS"
"""The variable that tells a command which questions it is inside of, and which processes ask them."""


class _Alone:
    """Nothing to look after while a command runs; see `supervise.Upkeep`."""

    name = ""

    def held(self) -> bool:
        return True

    def let_go(self) -> None:
        pass

    def renew(self) -> None:
        pass


def execute(
    command: "list[str]",
    recorder: "Recorder",
    tell: "Callable[[str], None]",
    lock: "Upkeep | None" = None,
    key: str = "",
) -> int:
    """Run a command to its end, and to that of what it writes; its exit code, as `supervise` tells it.

    Args:
        command: its words.
        recorder: takes what it writes.
        tell: takes sentences for people.
        lock: what is looked after meanwhile.
        key: of the question that it answers, which whatever it starts must not ask.

    Raises:
        OSError: when it succeeded, and what it wrote did not reach whom it was for.
    """
    environment = runtime.environment()
    if key:
        environment[AROUND] = f"{environment.get(AROUND, '')} {key}:{runtime.getpid()}".strip()
    try:
        code, notes = supervise(command, environment, lock or _Alone(), recorder.started, recorder.actions)
    finally:
        recorder.wait()
    for note in notes:
        tell(note)
    if not code and recorder.failure is not None:
        raise recorder.failure
    return code


def refuse_inside(key: str) -> None:
    """Refuse to ask a question inside of a run of the same one, which would wait for itself; `lock_timeout`."""
    for word in (runtime.env(AROUND) or "").split():
        asked, _, pid = word.partition(":")
        if asked == key and pid.isdigit() and runtime.is_ancestor(int(pid)):
            raise MilestoneError(
                "lock_timeout", "this command runs inside itself, and would wait for ever",
                "give the inner one other arguments, or run it without the cache", pid=int(pid),
            )  # fmt: skip
