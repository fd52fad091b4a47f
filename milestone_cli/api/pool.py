"""Open stores, one for each thread that is at work in this moment, so that no two share what is open.

What excludes writers from each other is the store's own locks, which exclude threads as they exclude processes. After a
fork the child opens stores of its own.
"""

import contextlib
import threading
from collections.abc import Iterator

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage import open_store
from milestone_cli.storage.contract import Store as Backend

MOST = 8
"""Open stores that are kept for later."""


class Pool:
    """The open stores of one place."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._begin()

    def _begin(self) -> None:
        self._pid = runtime.getpid()
        self._mutex = threading.Lock()
        self._free: list[Backend] = []
        self._is_closed = False

    @contextlib.contextmanager
    def borrow(self) -> Iterator[Backend]:
        """A store that nobody else uses meanwhile."""
        if self._pid != runtime.getpid():
            self._begin()
        with self._mutex:
            if self._is_closed:
                raise MilestoneError("usage", "the store is closed", "make another `Store`")
            found = self._free.pop() if self._free else None
        backend = found or open_store(self.path)
        try:
            yield backend
        finally:
            runtime.applied.clear()  # it is for commands, which end, and would grow for ever in a program
            with self._mutex:
                is_kept = not self._is_closed and len(self._free) < MOST
                if is_kept:
                    self._free.append(backend)
            if not is_kept:
                close(backend)

    def close(self) -> None:
        """Close what is open, and refuse more."""
        with self._mutex:
            self._is_closed = True
            free, self._free = self._free, []
        for backend in free:
            close(backend)


def close(backend: Backend) -> None:
    """Close what a store has open."""
    end = getattr(backend, "close", None)
    if end is not None:
        end()
