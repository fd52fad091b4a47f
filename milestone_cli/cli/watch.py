"""The command `milestone watch`: a live view at a terminal, a snapshot elsewhere.

A thread waits for changes, with a store of its own, and says so through a pipe; signals come through the same pipe. So
this process sleeps until something happens, and the terminal is given back whatever ends it.
"""

import os

from milestone_cli import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.watch import View
    from milestone_cli.render.screen import Screen

    from .options.logs import WatchInterval
    from .options.shared import Format, MilestoneId

ENDING = (2, 15, 1)
"""Ctrl-C, being told to end, and a terminal that went away."""
CHANGED = 0
"""What stands in the pipe for a change; a signal stands there with its number."""
QUIET = 5.0
"""Seconds after which everything is looked at again, for what nobody tells of: processes that end, heartbeats."""
KEPT = 200
"""Events that are at hand for a tall screen."""
SNAPSHOT = 20


def watch(milestone: "MilestoneId" = None, interval: "WatchInterval" = 1.0, output: "Format" = "text") -> int:
    """Show who is at work on what, as it changes; in a pipe, once.

    It shows milestones, sessions, agents, locks and the last events, or those of one milestone where it is named. The
    key q or Ctrl-C ends it.

    Example: milestone watch demo --format json
    """
    from milestone_cli import render
    from milestone_cli.core.watch import View
    from milestone_cli.model import safe

    name = None if milestone is None else safe(milestone)
    if output == "text" and runtime.is_terminal(1):
        return _Live(View(name, KEPT), interval).run()
    found = View(name, SNAPSHOT).found
    told = ""
    if output == "text":
        from milestone_cli.render.watch import text

        told = text(found)
    render.emit("watch", found, told, output)
    return 0


class _Live:
    """The view while it is there."""

    def __init__(self, view: "View", interval: float) -> None:
        self._view = view
        self._interval = interval
        self._outlet, self._inlet = os.pipe()
        for end in (self._outlet, self._inlet):
            os.set_blocking(end, False)

    def run(self) -> int:
        """Show it until somebody ends it; the exit code."""
        import _thread
        import signal

        from milestone_cli.render.screen import Screen

        for known in (*ENDING, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT):
            signal.signal(known, _nothing)
        signal.set_wakeup_fd(self._inlet, warn_on_full_buffer=False)
        screen = Screen()
        screen.take()
        try:
            _thread.start_new_thread(self._view.listen, (self._say,))
            number = self._show(screen)
        finally:
            screen.give_back()
        if number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
            os.kill(runtime.getpid(), number)
        return 128 + number if number else 0

    def _show(self, screen: "Screen") -> int:
        """Draw, wait, look; the signal that ended it, 0 for a key."""
        import signal

        from milestone_cli.render.watch import lines

        looked = runtime.monotonic()
        is_due = False
        while True:
            screen.draw(lines(self._view.found, *screen.size, self._view.trouble))
            due = looked + (self._interval if is_due else QUIET)
            said, keys = self._wait(screen, due - runtime.monotonic())
            if any(key in b"qQ\x04" for key in keys):
                return 0
            for number in ENDING:
                if number in said:
                    return int(number)
            if signal.SIGTSTP in said:
                _stop(screen)
            is_due = is_due or CHANGED in said
            if runtime.monotonic() >= looked + (self._interval if is_due else QUIET):
                self._view.refresh()
                looked, is_due = runtime.monotonic(), False

    def _wait(self, screen: "Screen", seconds: float) -> "tuple[bytes, bytes]":
        """Wait for something, or for so long: what stood in the pipe, and the keys."""
        import select

        poll = select.poll()
        poll.register(self._outlet, select.POLLIN)
        if screen.has_keys:
            poll.register(0, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(max(seconds, 0.0) * 1000)}
        said = os.read(self._outlet, 4096) if self._outlet in ready else b""
        keys = os.read(0, 64) if 0 in ready else b""
        return said, keys or (b"\x04" if 0 in ready else b"")

    def _say(self) -> None:
        try:
            os.write(self._inlet, bytes([CHANGED]))
        except BlockingIOError:
            pass  # it was said often enough


def _nothing(*_: object) -> None:
    """A signal comes through the pipe."""


def _stop(screen: "Screen") -> None:
    """Stop as Ctrl-Z asks for, with the terminal as it was, and go on when told to."""
    import signal

    screen.give_back()
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    os.kill(runtime.getpid(), signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, _nothing)
    screen.take()
