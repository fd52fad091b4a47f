"""A cache whose entries many machines share through the database, with the tiers of this machine in front of it.

The database says what is true: before a copy of this machine is an answer, the server is asked whether it is still the
entry there is, so what another machine invalidates or replaces is never given again; only the bytes stay at home. Times
are by the server's clock. What was counted, and what is used when, is of this machine alone.
"""

from milestone_cli.core.cache.bounds import SHARED, Bounds, has_ended
from milestone_cli.core.cache.entries import Cache
from milestone_cli.core.cache.entry import LABEL, Entry, decode, encode, label_of
from milestone_cli.core.cache.opening import root_of
from milestone_cli.errors import MilestoneError
from milestone_cli.model import safe
from milestone_cli.storage.postgres import cached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.postgres import PostgresStore


class SharedCache(Cache):
    """A namespace in the database, and what this machine has of it."""

    def __init__(self, store: "PostgresStore", namespace: str, bounds: Bounds, *, timeout: float) -> None:
        """Name it; nothing is made but a folder of the user."""
        super().__init__(root_of(store), namespace, bounds, timeout=timeout, clock=store.clock)
        self.store = store

    def _place(self, key: str) -> str:
        return f"{self.namespace}/{key}"

    def get(self, key: str, tier: str = "auto", content_hash: str = "", agent: str = "") -> "Entry | None":
        """An entry that the server still has; None when there is none, or it cannot be asked."""
        safe(key, "cache entry")
        try:
            fetched = self._fetch(key)
        except MilestoneError as error:
            self.tell(f"cache: {key} counts as missing: {error.message}")
            return None
        found = super().get(key, tier, content_hash, agent)
        if found is None and fetched is not None:
            now = self.clock()
            is_other = content_hash and self.bounds.by_content and fetched.content_hash != content_hash
            if is_other or has_ended(fetched.created, fetched.expires, now):
                self._forget(key)
            elif super().identity(key) is None and tier == "auto":
                return fetched  # this machine cannot keep it
        return found

    def _fetch(self, key: str) -> "Entry | None":
        """The entry that the server has, and a copy of it here; None when it has none: then there is none here."""
        here = super().peek(key)
        there = cached.find(self.store, self._place(key), here.shared if here else 0)
        if there is None:
            if here is not None:
                super().remove(lambda _: True, key)
            return None
        written, data = there
        if data is None:
            return here
        try:
            entry = decode(data, self.namespace, key)
        except ValueError as error:
            self.tell(f"cache: {self._place(key)} is damaged on the server and counts as missing: {error}")
            self._forget(key)
            return None
        entry.shared, entry.stored, entry.used = written, len(data), self.clock()
        if not has_ended(entry.created, entry.expires, entry.used):
            self.keep(entry)
        return entry

    def _forget(self, key: str) -> None:
        """Take what is no answer any more away everywhere, if that can be done."""
        try:
            cached.remove(self.store, self._place(key))
            super().remove(lambda _: True, key, "expired")
        except MilestoneError as error:
            self.tell(f"cache: {key} is still there: {error.message}")

    def peek(self, key: str) -> "Entry | None":
        """The same without counting, moving or removing anything."""
        safe(key, "cache entry")
        try:
            here = super().peek(key)
            there = cached.find(self.store, self._place(key), here.shared if here else 0)
            if there is None or there[1] is None:
                return here if there else None
            entry = decode(there[1], self.namespace, key)
        except (MilestoneError, ValueError):
            return None
        entry.shared, entry.stored, entry.used, entry.tier = there[0], len(there[1]), there[0], SHARED
        return entry

    def identity_of(self, entry: Entry) -> "tuple[int, int, int] | None":
        """When the server was given an entry, which it said itself; None when it never was."""
        return (entry.shared, 0, 0) if entry.shared else None

    def identity(self, key: str) -> "tuple[int, int, int] | None":
        """When the server was given the entry that it has; one round trip, without the entry."""
        try:
            written = cached.written(self.store, self._place(key))
        except MilestoneError:
            return None
        return (written, 0, 0) if written else None

    def put(self, entry: Entry, ttl: "float | None" = None) -> bool:
        """Keep an entry on the server and here; whether the server has it."""
        self.stamp(entry, ttl)
        try:
            data = encode(entry, self.namespace, packed=False)
            entry.shared = cached.put(
                self.store, self._place(entry.key), data, self.bounds.entries, self.bounds.sizes["cold"]
            )
        except MilestoneError as error:
            self.tell(f"cache: {entry.key} is not kept: {error.message}")
            return False
        self.keep(entry)
        return True

    def remove(self, is_meant: "Callable[[Entry], bool]", key: str = "", why: str = "invalidated") -> "list[str]":
        """Take the entries that are meant away from the server and from here; other machines ask before they answer."""
        gone = [entry.key for entry in self._labels() if (not key or entry.key == key) and is_meant(entry)]
        for name in gone:
            cached.remove(self.store, self._place(name))
        return sorted({*gone, *super().remove(is_meant, key, why)})

    def is_expired(self, entry: Entry, now: int) -> bool:
        """Whether an entry is over by its own time; how long it was silent, no machine can say."""
        return has_ended(entry.created, entry.expires, now)

    def _labels(self) -> "list[Entry]":
        """What the server has, without bytes."""
        found = []
        for key, written, size, start in cached.labels(self.store, self.namespace, LABEL):
            try:
                entry = label_of(start, self.namespace, key)
            except ValueError:
                continue
            entry.tier, entry.shared, entry.stored, entry.used = SHARED, written, size, written
            found.append(entry)
        return found

    def listing(self) -> "list[Entry]":
        """What the server has; tier, use and hits as far as this machine has the same."""
        now = self.clock()
        known = [entry for entry in super().listing() if self.bounds.tier_at(entry.tier, entry.used, now)]
        here = {(entry.key, entry.created): entry for entry in known}
        found = [here.get((entry.key, entry.created), entry) for entry in self._labels()]
        return sorted(found, key=lambda entry: -entry.used)
