"""The result cache as a Python program sees it: a memory in front of the files, or of a database.

What is in memory is served only while the file that it came from is still the same one, which costs one look at the
file; over PostgreSQL one question to the server, which answers without the bytes. So what another process or machine
replaces, invalidates or evicts is never served from here. What was served from memory is told to the files later, many
at once.
"""

import dataclasses
import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from milestone_cli import runtime
from milestone_cli.api.pool import close
from milestone_cli.api.values import seconds, text_of
from milestone_cli.core.cache.entry import Entry
from milestone_cli.core.cache.keys import key_of
from milestone_cli.core.cache.opening import open_cache
from milestone_cli.errors import MilestoneError
from milestone_cli.storage import open_store

if TYPE_CHECKING:
    from milestone_cli.core.cache.entries import Cache as Core
    from milestone_cli.storage.contract import Store as Backend

MEMORY = 16 << 20
"""Bytes of results in memory, unless it is said."""
TOLD = 256
"""Answers from memory after which the files are told of them."""
OVERHEAD = 500
"""Bytes that an entry takes in memory beside its data, about."""


@dataclasses.dataclass(frozen=True, slots=True)
class CacheStats:
    """What one object has served.

    Attributes:
        hits: answers, from memory and from files; `memory_hits` those from memory.
        misses: questions without an answer.
        entries, bytes: what is in memory now.
        evictions: what went from memory to make room.
    """

    hits: int
    memory_hits: int
    misses: int
    entries: int
    bytes: int
    evictions: int


class _Held:
    """An entry in memory."""

    __slots__ = ("content_hash", "data", "expires", "identity", "used")

    def __init__(self, entry: Entry, identity: "tuple[int, int, int]") -> None:
        self.data = entry.data
        self.expires = entry.expires
        self.used = entry.used
        self.content_hash = entry.content_hash
        self.identity = identity


class Cache:
    """Results that are kept under keys, in one namespace; threads and processes may use it at once.

    A disk that is full, or an entry that is damaged, is a miss, never an error; `warnings` says so.
    """

    def __init__(self, path: str, namespace: str, memory: int = MEMORY) -> None:
        """Open a namespace of a store; `Store.namespace` does so."""
        self._path = path
        self._namespace = namespace
        self._most = memory
        self._is_closed = False
        self._begin()
        self._open()

    def _begin(self) -> None:
        self._pid = runtime.getpid()
        self._mutex = threading.Lock()
        self._opened: tuple[Core, Backend] | None = None
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._bytes = self._hits = self._memory_hits = self._misses = self._evictions = 0
        self._untold: dict[str, int] = {}
        self._count = 0

    def _open(self) -> "Core":
        """The files. A child opens its own, since a lock on what it has from its parent would exclude neither."""
        if self._pid != runtime.getpid():
            self._begin()
        if self._opened is None:
            with self._mutex:
                if self._is_closed:
                    raise MilestoneError("usage", "the store is closed", "make another `Store`")
                if self._opened is None:
                    backend = open_store(self._path)
                    self._opened = (open_cache(backend, self._namespace), backend)
        return self._opened[0]

    @staticmethod
    def key(agent: str, request: str, permissions: object = None, inputs: "Iterable[tuple[str, str]]" = ()) -> str:
        """The key of a question: the same one whatever the order of its parts.

        Args:
            agent: who is asked.
            request: what is asked.
            permissions: what the agent may do, a JSON value.
            inputs: name and content hash of what the answer depends on.
        """
        return key_of(agent, request, b"" if permissions is None else text_of(permissions).encode(), inputs)

    def get(self, key: str, *, content_hash: str = "") -> bytes | None:
        """The result under a key; None when there is none that holds.

        Args:
            key: of the entry.
            content_hash: of what it depends on, as that is now; an entry with another one is void, and goes.
        """
        core = self._open()
        held = self._held.get(key)
        if held is not None and (not content_hash or held.content_hash == content_hash):
            now = core.clock()
            is_over = (held.expires and now >= held.expires) or not core.bounds.tier_at("hot", held.used, now)
            if not is_over and core.identity(key) == held.identity:
                held.used = now
                with self._mutex:
                    self._served(key)
                return held.data
            self._forget(key)
        entry = core.get(key, content_hash=content_hash)
        with self._mutex:
            if entry is None:
                self._misses += 1
                return None
            self._hits += 1
        self._hold(entry)
        return entry.data

    def put(
        self,
        key: str,
        data: "bytes | str",
        *,
        agent: str = "",
        request: str = "",
        tags: Iterable[str] = (),
        content_hash: str = "",
        ttl: "float | str | dt.timedelta | None" = None,
    ) -> bool:
        """Keep a result; whether it is kept, which a full disk may refuse.

        Args:
            key: of the entry, a safe name, such as `key` makes.
            data: the result; a text is kept as UTF-8.
            agent: who gave it.
            request: what was asked.
            tags: words to invalidate it by.
            content_hash: of what it depends on.
            ttl: how long it holds, seconds or `1h`; left out: as configured; 0: as long as there is room.

        Raises:
            MilestoneError: `invalid_name`, `invalid_data`, `too_large`, `invalid_time`.
        """
        raw = data.encode() if isinstance(data, str) else bytes(data)
        entry = Entry(key, raw, agent=agent, request=request, tags=[*tags], content_hash=content_hash)
        core = self._open()
        self._forget(key)
        is_kept = core.put(entry, None if ttl is None else seconds(ttl))
        if is_kept:
            self._hold(entry)
        return is_kept

    def invalidate(self, key: str = "", *, agent: str = "", tag: str = "", content_hash: str = "") -> list[str]:
        """Take away every entry of which all that is given is so; their keys.

        Raises:
            MilestoneError: `usage` when nothing is given; `store_unreachable`, `lock_timeout` when it cannot be done.
        """
        try:
            return self._open().invalidate(key, agent, tag, content_hash)
        finally:
            self._drop()

    def clear(self) -> list[str]:
        """Take away all entries of the namespace; their keys."""
        try:
            return self._open().clear()
        finally:
            self._drop()

    def stats(self) -> CacheStats:
        """What this object has served, and holds; `milestone cache stats` tells of all who use the namespace."""
        with self._mutex:
            return CacheStats(
                self._hits, self._memory_hits, self._misses, len(self._held), self._bytes, self._evictions
            )

    def warnings(self) -> list[str]:
        """What went wrong since this was last asked, and was nobody's trouble: sentences."""
        notes = self._open().notes
        found, notes[:] = [*notes], []
        return found

    def close(self) -> None:
        """Tell the files what memory has served, and close them."""
        if self._pid != runtime.getpid():
            return
        with self._mutex:
            self._tell()
            opened, self._opened = self._opened, None
            self._is_closed = True
        self._drop()
        if opened is not None:
            opened[0].close()
            close(opened[1])

    # the memory

    def _served(self, key: str) -> None:
        """Count an answer from memory, and put it to the end of those that go first."""
        self._hits += 1
        self._memory_hits += 1
        try:
            self._held.move_to_end(key)
        except KeyError:
            pass  # another thread has just made room
        self._untold[key] = self._untold.get(key, 0) + 1
        self._count += 1
        if self._count >= TOLD:
            self._tell()

    def _tell(self) -> None:
        told, self._untold, self._count = self._untold, {}, 0
        if told and self._opened is not None:
            try:
                self._opened[0].count(told)
            except (OSError, MilestoneError):
                pass  # it is counted for people

    def _hold(self, entry: Entry) -> None:
        size = len(entry.data) + OVERHEAD
        if size > self._most:
            return
        identity = self._open().identity_of(entry)
        if identity is None:
            return
        with self._mutex:
            self._take(entry.key)
            while self._held and self._bytes + size > self._most:
                self._take(next(iter(self._held)))
                self._evictions += 1
            self._held[entry.key] = _Held(entry, identity)
            self._bytes += size

    def _take(self, key: str) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._bytes -= len(held.data) + OVERHEAD

    def _forget(self, key: str) -> None:
        with self._mutex:
            self._take(key)

    def _drop(self) -> None:
        with self._mutex:
            self._held.clear()
            self._bytes = 0
