"""Running a command in the foreground on behalf of a lock or an agent: signals, exit code, and the upkeep meanwhile.

The command is a child in the same process group, so a key at the terminal reaches it by itself; signals that are sent
to the runner are passed on. The runner outlives the command, and gives up the lock when somebody has broken it.
"""

import os
import signal

from milestone_cli import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    class Upkeep(Protocol):
        """What is looked after while a command runs: a lock, or the heartbeat of an agent."""

        name: str

        def held(self) -> bool:
            """Whether it is still there; asked once a second."""
            ...

        def let_go(self) -> None:
            """It is not there any more."""
            ...

        def renew(self) -> None:
            """Say that its holder lives; asked for once a minute."""
            ...


FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
TICK = 1.0
"""Seconds between two looks at whether the lock is still there."""
RENEWAL = 60.0
"""Seconds after which the lock is said to be from now; bash calls one of ten minutes stale."""
FROM_KERNEL = 0x80
"""`si_code` of a signal that a terminal made, which the whole process group has got."""


def supervise(
    command: list[str],
    environment: dict[str, str],
    upkeep: "Upkeep",
    started: "Callable[[int], None] | None" = None,
    actions: "Sequence[tuple[object, ...]]" = (),
) -> "tuple[int, list[str]]":
    """Run a command to its end.

    Args:
        command: its words.
        environment: all of it.
        upkeep: what is looked after meanwhile.
        started: is told its process, with the signals still blocked, and does not fail.
        actions: what becomes of the descriptors in it, as `os.posix_spawn` takes them.

    Returns:
        Its exit code as a shell tells it: 128 + N after signal N, 127 when there is none, 126 when it cannot be run;
        and what happened, in sentences.
    """
    waited = {*FORWARDED, signal.SIGCHLD, signal.SIGALRM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    try:
        try:
            child = os.posix_spawnp(
                command[0],
                command,
                environment,
                file_actions=actions,
                setsigmask=before,
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # which Python ignores, and a child would inherit that
            )
        except (FileNotFoundError, ValueError):  # the latter for an empty name
            return 127, [f"{command[0]}: there is no such command"]
        except OSError as error:
            return 126, [f"{command[0]}: {error.strerror}"]
        if started:
            started(child)
        return _follow(child, waited, upkeep)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow(child: int, waited: set[signal.Signals], upkeep: "Upkeep") -> "tuple[int, list[str]]":
    """Pass signals on to a child, and look after what is to be kept, until it ends."""
    notes: list[str] = []
    renewed = runtime.monotonic()
    while True:
        number, is_from_terminal = next_signal(waited, TICK)
        if number in FORWARDED and not is_from_terminal:
            os.kill(child, number)
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            return (code if code >= 0 else 128 - code), notes
        if notes:
            continue
        if not upkeep.held():
            upkeep.let_go()
            notes.append(f"the lock of '{upkeep.name}' was broken by another program while the command was running")
        elif runtime.monotonic() - renewed >= RENEWAL:
            renewed = runtime.monotonic()
            try:
                upkeep.renew()
            except OSError:
                pass  # a full disk, or broken just now: the next look tells


def next_signal(waited: set[signal.Signals], seconds: float) -> "tuple[int, bool]":
    """The next of these signals, which are blocked, and whether it came from the terminal; 0 when none came in time."""
    if hasattr(signal, "sigtimedwait"):
        found = signal.sigtimedwait(waited, seconds)
        return (found.si_signo, found.si_code == FROM_KERNEL) if found else (0, False)
    signal.setitimer(signal.ITIMER_REAL, seconds)  # macOS
    return signal.sigwait(waited), False
