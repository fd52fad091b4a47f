"""What a program with `durable=False` has asked for and is not on disk yet: a queue, and one thread that empties it.

A call returns when it is queued, so a crash of the program can take what was asked for in the last moments; never the
half of it, and never what `flush` has returned for. The queue is bounded: whoever is faster than the disk waits for it.
Entries of one log that wait together are appended with one sync.
"""

import atexit
import dataclasses
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


@dataclasses.dataclass(slots=True)
class Creation:
    """A session to begin."""

    milestone: str | None
    wish: creating.Wish


@dataclasses.dataclass(slots=True)
class Addition:
    """An event to append to a log; of a session's history only while the session has not ended."""

    stream: str
    draft: Draft
    is_history: bool = False


@dataclasses.dataclass(slots=True)
class Setting:
    """Values of a session to set, by pointer."""

    session: str
    values: list[tuple[str, str]]


Job = Creation | Addition | Setting


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
        together = [self._jobs.popleft()]
        while self._jobs and len(together) < TOGETHER and _go_together(together[0], self._jobs[0]):
            together.append(self._jobs.popleft())
        return together

    def _do(self, store: Backend, together: list[Job]) -> None:
        first = together[0]
        if isinstance(first, Creation):
            creating.create(store, first.milestone, first.wish, timeout=self._timeout)
        elif isinstance(first, Addition):
            self._append(store, [job for job in together if isinstance(job, Addition)])
        else:
            values = [pair for job in together if isinstance(job, Setting) for pair in job.values]
            keyed.assign(store, first.session, values, timeout=self._timeout)

    def _append(self, store: Backend, jobs: list[Addition]) -> None:
        asked = {job.draft.session for job in jobs if job.is_history}
        ended = {session for session in asked if readable(store, session).status == "completed"}
        drafts = [job.draft for job in jobs if not job.is_history or job.draft.session not in ended]
        if drafts:
            store.commit(Change(jobs[0].stream, drafts, timeout=lock_timeout(store, self._timeout)))
        if ended:
            raise MilestoneError("conflict", f"the session '{min(ended)}' has ended", "begin a new one")


def _go_together(first: Job, then: Job) -> bool:
    """Whether two things can be done as one: events of one log, values of one session."""
    if isinstance(first, Addition):
        return isinstance(then, Addition) and then.stream == first.stream
    return isinstance(first, Setting) and isinstance(then, Setting) and then.session == first.session


def _at_exit(ref: "weakref.ref[Behind]") -> None:
    behind = ref()
    if behind is not None:
        behind.close()
