"""The command `milestone watch`: a live view at a terminal, a snapshot elsewhere.

A thread waits for changes, with a store of its own, and says so through a pipe; signals come through the same pipe. So
this process sleeps until something happens, and the terminal is given back whatever ends it.
"""

import os

from milestone_cli import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.render.screen import Screen
    from milestone_cli.storage.contract import Store

    from .options import Format, MilestoneId, WatchInterval

ENDING = (2, 15, 1)
"""Ctrl-C, being told to end, and a terminal that went away."""
CHANGED = 0
"""What stands in the pipe for a change; a signal stands there with its number."""
LONG = 3600.0
PAUSE = 1.0
"""Seconds between two looks at whether a store is there again."""
QUIET = 5.0
"""Seconds after which everything is looked at again, for what nobody tells of: processes that end, heartbeats."""
KEPT = 200
"""Events that are at hand for a tall screen."""
SNAPSHOT = 20


def watch(milestone: "MilestoneId" = None, interval: "WatchInterval" = 1.0, output: "Format" = "text") -> int:
    """Show milestones, sessions, agents, locks and the last events as they change; in a pipe, once.

    It shows one milestone where one is named. The key q ends it, and so does Ctrl-C.

    Example: milestone watch demo --format json
    """
    from milestone_cli import render
    from milestone_cli.core.watch import look
    from milestone_cli.model import safe
    from milestone_cli.storage import open_store

    name = None if milestone is None else safe(milestone)
    store = open_store()
    if output == "text" and runtime.is_terminal(1):
        return _Live(store, name, interval).run()
    found = look(store, name, SNAPSHOT)
    told = ""
    if output == "text":
        from milestone_cli.render.watch import text

        told = text(found)
    render.emit("watch", found, told, output)
    return 0


class _Live:
    """The view while it is there."""

    def __init__(self, store: "Store", name: "str | None", interval: float) -> None:
        from milestone_cli.core.watch import look

        self._store = store
        self._name = name
        self._interval = interval
        self._found = look(store, name, KEPT)
        self._trouble = self._lost = ""
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
            _thread.start_new_thread(self._tell, ())
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
            screen.draw(lines(self._found, *screen.size, self._trouble))
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
                self._look()
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

    def _look(self) -> None:
        """Look at the store; while it cannot be reached, what was seen last stays, and why is said."""
        from milestone_cli.core.watch import look
        from milestone_cli.errors import MilestoneError
        from milestone_cli.storage import open_store

        try:
            if self._trouble:
                self._store = open_store(self._store.path)
            self._found = look(self._store, self._name, KEPT)
        except MilestoneError as error:
            self._trouble = error.message
        except OSError as error:
            self._trouble = error.strerror or str(error)
        else:
            self._trouble = self._lost

    def _tell(self) -> None:
        """Say through the pipe when something may have changed, as long as this process lives."""
        from milestone_cli.errors import MilestoneError
        from milestone_cli.storage import open_store

        path = self._store.path
        while True:
            try:
                watcher = open_store(path).changes(None, [], [])
                self._lost = ""
                while True:
                    self._say()
                    watcher.wait(LONG)
            except (MilestoneError, OSError) as error:  # what is open may still be read, and be another store by now
                self._lost = error.message if isinstance(error, MilestoneError) else str(error.strerror)
                self._say()
                runtime.sleep(PAUSE)

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
