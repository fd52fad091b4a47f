"""A store as a Python program sees it."""

import os
import threading
from collections.abc import Callable
from typing import Self, TypeVar

from milestone_cli.api.behind import Behind, Job
from milestone_cli.api.cache import MEMORY, Cache
from milestone_cli.api.milestone import Milestone
from milestone_cli.api.pool import Pool
from milestone_cli.api.records import Records
from milestone_cli.api.session import Sessions
from milestone_cli.core import current_milestone
from milestone_cli.core.stores.founding import initialise_at
from milestone_cli.errors import MilestoneError
from milestone_cli.storage import locate
from milestone_cli.storage.contract import Store as Backend
from milestone_cli.storage.files.layout import HOME

Found = TypeVar("Found")


class Store:
    """Sessions, states, events and cached results of one store; threads and processes may use it at once.

    Attributes:
        path: the folder, or the URL of a database.
        sessions: conversations: who asked what, what was answered, and values under keys.
        cache: results that are kept, under the namespace `default`; see `namespace`.
    """

    path: str
    sessions: Sessions
    cache: Cache

    def __init__(
        self,
        path: "str | os.PathLike[str] | None" = None,
        *,
        create: bool = False,
        durable: bool = True,
        timeout: float = 30.0,
        memory: int = MEMORY,
    ) -> None:
        """Open a store.

        Args:
            path: the store's folder, or one that holds a `.milestones`, or `postgresql://…`; left out: the one that a
                command would use here.
            create: make it where there is none.
            durable: a call returns when what it did is on disk. False: when it is queued; a thread writes it, `flush`
                and `close` wait for that, and a crash of the program can take the last moments.
            timeout: seconds to wait for a lock.
            memory: bytes of cached results that this object keeps in memory, in front of the files.

        Raises:
            MilestoneError: `no_store`, `store_foreign`, `store_unreachable`.
        """
        self.path = _locate(path, create=create)
        self.timeout = timeout
        self._pool = Pool(self.path)
        with self._pool.borrow():
            pass  # what cannot be opened is told here
        self._behind = None if durable else Behind(self._pool, timeout)
        self._mutex = threading.Lock()
        self.records = Records()
        self._memory = memory
        self._namespaces: dict[str, Cache] = {}
        self.sessions = Sessions(self)
        self.cache = self.namespace("default")

    @property
    def durable(self) -> bool:
        """Whether a call returns when what it did is on disk."""
        return self._behind is None

    def namespace(self, name: str) -> Cache:
        """The cache of a namespace, which knows nothing of the others: a session's id, or any safe name.

        Raises:
            MilestoneError: `invalid_name`.
        """
        with self._mutex:
            if name not in self._namespaces:
                self._namespaces[name] = Cache(self.path, name, self._memory)
            return self._namespaces[name]

    def milestone(self, name: str | None = None) -> Milestone:
        """A milestone, which need not be there yet; left out: the one that a command would mean here.

        Raises:
            MilestoneError: `invalid_name`, `milestone_ambiguous`.
        """
        return Milestone(self, self.run(lambda backend: current_milestone(backend, name)))

    def milestones(self) -> list[str]:
        """Names of all milestones, sorted."""
        return self.run(lambda backend: backend.milestones())

    def flush(self) -> None:
        """Wait until everything that was asked for is on disk.

        Raises:
            MilestoneError: what the first thing that could not be done was refused with.
        """
        if self._behind is not None:
            self._behind.flush()

    def close(self) -> None:
        """Flush, and close what is open; afterwards the store refuses everything."""
        try:
            if self._behind is not None:
                self._behind.close()
        finally:
            with self._mutex:
                for cache in self._namespaces.values():
                    cache.close()
            self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({self.path!r}{'' if self.durable else ', durable=False'})"

    def run(self, work: Callable[[Backend], Found], *, is_after_all: bool = True) -> Found:
        """Let a function of the core work on the store itself; what is queued is written first."""
        if is_after_all and self._behind is not None:
            self._behind.settle()
        with self._pool.borrow() as backend:
            return work(backend)

    def later(self, job: Job) -> bool:
        """Queue something, where that is allowed; False: it must be done now."""
        if self._behind is None:
            return False
        self._behind.put(job)
        return True


def _locate(path: "str | os.PathLike[str] | None", *, create: bool) -> str:
    if path is None:
        found = locate(os.getcwd())
        if found is None and create:
            found = os.path.join(os.getcwd(), HOME)
        if found is None:
            raise MilestoneError("no_store", "there is no store here", "`Store(create=True)` makes one")
    else:
        found = os.fspath(path)
        if "://" not in found:
            inside = os.path.join(found, HOME)
            is_store = os.path.basename(os.path.normpath(found)) == HOME
            found = os.path.abspath(found if is_store or not (create or os.path.isdir(inside)) else inside)
    if create:
        initialise_at(found)
    return found
