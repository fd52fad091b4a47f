"""What a program with `durable=False` has asked for and is not on disk yet: a queue, and one thread that empties it.

A call returns when it is queued, so a crash of the program can take what was asked for in the last moments; never the
half of it, and never what `flush` has returned for. The queue is bounded: whoever is faster than the disk waits for it.
Entries of one log that wait together are appended with one sync.
"""

import atexit
import threading
import weakref
from collections import deque

from milestone_cli import runtime
from milestone_cli.api.pool import Pool
from milestone_cli.core import lock_timeout
from milestone_cli.core.sessions import creating, keyed
from milestone_cli.core.sessions.session import readable
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Change, Draft
from milestone_cli.storage.contract import Store as Backend

BOUND = 10_000
"""Things that may wait for the disk."""
TOGETHER = 500
"""Entries of a log that are appended at once at most."""

Creation = tuple[str | None, creating.Wish]
Entry = tuple[str, Draft, bool]
"""Stream and event, and whether it is of a session, which must not have ended."""
Setting = tuple[str, list[tuple[str, str]]]
Job = Creation | Entry | Setting


class Behind:
    """The queue of one store."""

    def __init__(self, pool: Pool, timeout: float) -> None:
        self._pool = pool
        self._timeout = timeout
        self._begin()
        atexit.register(_at_exit, weakref.ref(self))

    def _begin(self) -> None:
        self._pid = runtime.getpid()
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_busy = self._is_over = False
        self._failures: list[Exception] = []

    def put(self, job: Job) -> None:
        """Queue something."""
        if self._pid != runtime.getpid():
            self._begin()  # what waits in the parent is the parent's to write
        with self._changed:
            if self._is_over:
                raise MilestoneError("usage", "the store is closed", "make another `Store`")
            while len(self._jobs) >= BOUND:
                self._changed.wait()
            self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="milestone-writer", daemon=True)
                self._thread.start()
            if not self._is_busy:
                self._changed.notify_all()

    def settle(self) -> None:
        """Wait until all that was queued before is on disk, or was refused."""
        if self._pid != runtime.getpid():
            self._begin()
        with self._changed:
            while self._jobs or self._is_busy:
                self._changed.wait()

    def flush(self) -> None:
        """The same, and tell of what was refused.

        Raises:
            MilestoneError: what the first thing was refused with; how many there were is in its details.
        """
        self.settle()
        with self._changed:
            failures, self._failures = self._failures, []
        if failures:
            first = failures[0]
            if isinstance(first, MilestoneError):
                first.details = {**first.details, "failures": len(failures)}
            raise first

    def close(self) -> None:
        """Flush, and end the thread."""
        try:
            self.flush()
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()
            if self._thread is not None:
                self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()
                while not self._jobs and not self._is_over:
                    self._changed.wait()
                if not self._jobs:
                    return
                self._is_busy = True
                together = self._next()
                self._changed.notify_all()
            try:
                with self._pool.borrow() as store:
                    self._do(store, together)
            except Exception as error:  # whatever it is, those who wait must hear of it
                with self._changed:
                    self._failures.append(error)

    def _next(self) -> list[Job]:
        """The first thing that waits, and what comes right behind it and can be done with it."""
        jobs = self._jobs
        together = [jobs.popleft()]
        first = together[0]
        while jobs and len(together) < TOGETHER and _kind(jobs[0]) == _kind(first) != "create":
            if jobs[0][0] != first[0]:
                break
            together.append(jobs.popleft())
        return together

    def _do(self, store: Backend, together: list[Job]) -> None:
        first = together[0]
        if isinstance(first[1], creating.Wish):
            creating.create(store, first[0], first[1], timeout=self._timeout)
        elif isinstance(first[1], Draft):
            self._append(store, str(first[0]), [job for job in together if len(job) == 3])
        else:
            values = [pair for job in together if isinstance(job[1], list) for pair in job[1]]
            keyed.assign(store, first[0], values, timeout=self._timeout)

    def _append(self, store: Backend, stream: str, entries: list[Entry]) -> None:
        ended = set()
        for session in {draft.session for _, draft, is_of_session in entries if is_of_session}:
            if readable(store, session).status == "completed":
                ended.add(session)
        drafts = [draft for _, draft, is_of_session in entries if not is_of_session or draft.session not in ended]
        if drafts:
            store.commit(Change(stream, drafts, timeout=lock_timeout(store, self._timeout)))
        if ended:
            raise MilestoneError("conflict", f"the session '{min(ended)}' has ended", "begin a new one")


def _kind(job: Job) -> str:
    return "create" if isinstance(job[1], creating.Wish) else "append" if isinstance(job[1], Draft) else "set"


def _at_exit(ref: "weakref.ref[Behind]") -> None:
    behind = ref()
    if behind is not None:
        behind.close()
