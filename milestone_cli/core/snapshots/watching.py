"""Saving snapshots for as long as somebody lets it: on change, at an interval, and once more at the end.

The store tells when something may have changed, see `contract.Watcher`; then what the documents' times say decides
whether it is worth a look, and what they hold whether it is worth a save. A save that fails ends nothing: the next one
may be possible.
"""

from milestone_cli import runtime
from milestone_cli.core.snapshots.collecting import places, streams
from milestone_cli.core.snapshots.saving import Saved, save
from milestone_cli.errors import MilestoneError
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.snapshots.document import Snapshot
    from milestone_cli.storage.contract import Store, Watcher

    Tell = Callable[[str, Saved | MilestoneError], None]

APART = 1.0
"""Seconds between two saves on change at least: what comes in a burst is saved together."""
PATIENCE = 5.0
"""Seconds that the last save waits for others: whoever ends a process does not wait for long."""
ENDING = (2, 15)
"""Signals at which is saved once more: SIGINT and SIGTERM."""


class _Ended(BaseException):
    """A signal came while nothing was done but waiting."""


class Watching:
    """The saving while it lasts.

    Attributes:
        ended: the signal that ended it; 0 before.
        trouble: why the last save failed; None when it did not.
    """

    def __init__(self, store: "Store", interval: float, saves: int, tell: "Tell") -> None:
        """Watch.

        Args:
            store: of what.
            interval: seconds after which it is saved where nobody has told of a change.
            saves: so many and no more; 0: as many as come.
            tell: takes why, and what was done or why it failed.
        """
        self.ended = 0
        self.trouble: MilestoneError | None = None
        self._store = store
        self._other = open_store(store.path)  # a signal may leave the connection that waits in the middle of something
        self._interval = interval
        self._left = saves
        self._tell = tell
        self._is_waiting = False
        self._known: Snapshot | None = None
        self._seen = places(store)

    def run(self) -> None:
        """Save until a signal comes, or the saves are used up."""
        import signal

        before = {number: signal.signal(number, self._hear) for number in ENDING}
        try:
            is_over = self._save("start")
            while not is_over and not self.ended:
                try:
                    reason = self._wait()
                except _Ended:  # it came just as the wait was over
                    break
                is_over = not self.ended and self._save(reason)
            if self.ended:
                self._save("shutdown")
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, _: object) -> None:
        self.ended = number
        if self._is_waiting:
            self._is_waiting = False
            raise _Ended

    def _save(self, reason: str) -> bool:
        """Save what is new; whether that was the last time."""
        self._seen = places(self._store) if reason != "shutdown" else self._seen
        timeout = PATIENCE if reason == "shutdown" else None
        try:
            done = save(self._store, reason, only_news=True, known=self._known, timeout=timeout)
        except MilestoneError as error:
            self.trouble = error
            self._tell(reason, error)
            return False
        finally:
            runtime.applied.clear()
        self._known, self.trouble = done.snapshot, None
        if done.is_new or reason == "start":
            self._tell(reason, done)
            self._left -= 1
            return self._left == 0
        return False

    def _wait(self) -> str:
        """Wait for a change or for the interval, whichever comes first; which of them it was."""
        begun = runtime.monotonic()
        watcher: Watcher | None = None
        try:
            self._is_waiting = True
            if self.ended:
                return ""
            watcher = self._other.changes(streams(self._other), [], [])
            while True:
                now = runtime.monotonic()
                if now - begun >= self._interval:
                    return "interval"
                if self._has_changed():
                    runtime.sleep(max(0.0, min(APART, self._interval) - (now - begun)))
                    return "change"
                watcher.wait(self._interval - (now - begun))
        except _Ended:
            return ""
        except MilestoneError as error:
            if error.code != "store_unreachable":
                raise
            self._pause(begun)
            return "interval"
        finally:
            self._is_waiting = False
            if watcher is not None and not self.ended:
                watcher.close()

    def _has_changed(self) -> bool:
        return places(self._other) != self._seen

    def _pause(self, begun: float) -> None:
        """Wait for the rest of the interval, while the store cannot be reached."""
        try:
            self._is_waiting = not self.ended
            if not self.ended:
                runtime.sleep(max(0.1, self._interval - (runtime.monotonic() - begun)))
        except _Ended:
            pass
