"""Getting, putting and invalidating entries of one namespace, by many threads and processes at once.

A get is one open file: it is found in one of three folders, proves itself by its checksum, and is counted by a line at
the end of the index. What the disk refuses is never the caller's trouble: then there is a miss, or nothing is kept, and
`notes` says why; only an invalidation that cannot be done is an error, since its caller relies on it.
"""

from _thread import allocate_lock

from milestone_cli import runtime
from milestone_cli.core.cache.bounds import Bounds, above, below, has_ended
from milestone_cli.core.cache.entry import Entry, decode, encode
from milestone_cli.core.cache.table import LEAST, limit_of, line
from milestone_cli.core.cache.tiers import Tiers
from milestone_cli.errors import MilestoneError
from milestone_cli.model import safe
from milestone_cli.storage.files.cachefolder import ALONE, SHARED, CacheFolder
from milestone_cli.storage.files.cachenames import TIERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable


class Cache:
    """A namespace of the cache; see `opening.open_cache`.

    Attributes:
        notes: what went wrong and was not the caller's trouble, sentences for standard error.
        bounds: what may be kept.
        patience: seconds that a get waits for a writer before it goes on without being counted.
    """

    def __init__(
        self,
        root: str,
        namespace: str,
        bounds: "Bounds | None" = None,
        *,
        timeout: float = 30.0,
        clock: "Callable[[], int]" = runtime.now_ns,
    ) -> None:
        """Name the namespace below `root`; nothing is made.

        Args:
            root: the folder of a store, or one like it.
            namespace: a safe name.
            bounds: what may be kept.
            timeout: seconds to wait for another process before something is changed.
            clock: nanoseconds since 1970.
        """
        self.namespace = safe(namespace, "namespace")
        self.bounds = bounds or Bounds()
        self.notes: list[str] = []
        self.folder = CacheFolder(root, namespace)
        self.tiers = Tiers(self.folder, self.bounds)
        self.timeout = timeout
        self.clock = clock
        self.mutex = allocate_lock()
        self.patience = 0.5

    # getting

    def get(self, key: str, tier: str = "auto", content_hash: str = "", agent: str = "") -> "Entry | None":
        """An entry, which is counted as used and goes up by one tier; None when there is none that is true.

        Args:
            key: of the entry.
            tier: only where it is in this one; `auto`: in any.
            content_hash: of what the answer depends on, by now; an entry with another one is void, and goes.
            agent: who asks, for the statistics of what was not there.
        """
        safe(key, "cache entry")
        with self.mutex:
            now = self.clock()
            is_held = self._share()
            found, was = None, ""
            try:
                found, was, lines = self._look(key, tier, content_hash, now, is_held=is_held)
                lines.append(line("h", key, was, now, 1) if found else line("m", now, agent, 1))
                if is_held:
                    self._count(lines, [key] if found else [], now)
                    if found:
                        found.used = now
            except (OSError, MilestoneError) as error:
                self.tell(f"cache: {key} was not looked up: {why_of(error)}")
            finally:
                if is_held:
                    self.folder.leave()
            if found is not None and is_held and was != "hot":
                self._promote(key, above(was), now)
            return found

    def peek(self, key: str) -> "Entry | None":
        """The same without counting, moving or removing anything; an entry that is over too, which says so itself."""
        safe(key, "cache entry")
        for tier in TIERS:
            try:
                found = self.folder.read(tier, key)
                if found is not None:
                    return self._entry(key, tier, found)
            except (OSError, ValueError, MilestoneError):
                continue
        return None

    def _entry(self, key: str, tier: str, found: "tuple[bytes, os.stat_result]") -> Entry:
        entry = decode(found[0], self.namespace, key)
        entry.tier, entry.stored, entry.used = tier, found[1].st_size, found[1].st_atime_ns
        return entry

    def _look(
        self, key: str, tier: str, content_hash: str, now: int, *, is_held: bool
    ) -> "tuple[Entry | None, str, list[bytes]]":
        """The entry, the tier that it belonged to, and what is to be told of those that were no answer and went.

        Without the lock nothing goes: what was read may have been replaced since.
        """
        lines: list[bytes] = []
        for lies in TIERS:
            why = ""
            try:
                raw = self.folder.read(lies, key)
                if raw is None:
                    continue
                entry = self._entry(key, lies, raw)
            except ValueError as error:
                why = "damaged"
                self.tell(f"cache: {self.namespace}/{key} is damaged and counts as missing: {error}")
            else:
                belongs = self.bounds.tier_at(lies, entry.used, now)
                if not belongs or has_ended(entry.created, entry.expires, now):
                    why = "expired"
                elif content_hash and self.bounds.by_content and entry.content_hash != content_hash:
                    why = "invalidated"
                elif tier not in ("auto", belongs):
                    return None, "", lines
                else:
                    return entry, belongs, lines
            try:
                if not is_held or not self.folder.remove(lies, key):
                    continue
            except OSError:
                continue  # a disk that only reads: it is no answer all the same
            lines.append(line("-", key, now, why))
        return None, "", lines

    def _share(self) -> bool:
        """Share the lock, if that is possible at once or nearly so."""
        try:
            self.folder.enter(SHARED, self.patience)
        except (OSError, MilestoneError):
            return False
        return True

    def _count(self, lines: "list[bytes]", used: "Iterable[str]", now: int) -> None:
        """Put lines into the index, and into files when they were used; what cannot be counted is not."""
        try:
            for key in used:
                self._touch(key, now)
            size = self.folder.append(b"".join(lines))
            if size > LEAST and size > limit_of(self.folder.index_start()):
                self.folder.leave()
                self.folder.enter(ALONE, self.patience)
                self.tiers.prepare()
                self.tiers.rewrite_long()
        except OSError:
            pass

    def _promote(self, key: str, to: str, now: int) -> None:
        """Put what was got into a higher tier; another time, when somebody is at it."""
        try:
            self.folder.enter(ALONE, self.patience)
        except OSError:
            return
        try:
            self.tiers.prepare()
            row = self.tiers.table.rows.get(key)
            if row is not None and row.tier != to and self.folder.status(row.tier, key) is not None:
                self.tiers.move(key, to, now)
        except (OSError, MilestoneError) as error:
            self.tell(f"cache: {key} stays where it is: {why_of(error)}")
        finally:
            self.folder.leave()

    def count(self, hits: "dict[str, int]") -> None:
        """Count what a memory in front of this answered: times by key."""
        with self.mutex:
            now = self.clock()
            if self._share():
                try:
                    self._count([line("h", key, "hot", now, times) for key, times in hits.items()], hits, now)
                finally:
                    self.folder.leave()

    def _touch(self, key: str, now: int) -> None:
        for tier in TIERS:
            try:
                status = self.folder.status(tier, key)
                if status is not None:
                    self.folder.touch(tier, key, now, status.st_mtime_ns)
                    break
            except OSError:
                continue

    def identity_of(self, entry: Entry) -> "tuple[int, int, int] | None":
        """What `identity` says as long as this is the entry of its key; None when another one is already."""
        found = self.identity(entry.key)
        return found if found is not None and found[1] == entry.created else None

    def identity(self, key: str) -> "tuple[int, int, int] | None":
        """What tells the entry of a key from others, as long as it stays in its form; None when there is none."""
        for tier in TIERS:
            try:
                status = self.folder.status(tier, key)
            except (OSError, MilestoneError):
                return None
            if status is not None:
                return status.st_ino, status.st_mtime_ns, status.st_size
        return None

    # putting

    def put(self, entry: Entry, ttl: "float | None" = None) -> bool:
        """Keep an entry in the place of the one of its key, in the tier that it names.

        Args:
            entry: what is kept; its times are set.
            ttl: seconds for which the answer is true; None: as configured; 0: as long as there is room.

        Returns:
            Whether it is kept; `notes` says why not.

        Raises:
            MilestoneError: `invalid_name`, `too_large`.
        """
        self.stamp(entry, ttl)
        return self.keep(entry)

    def stamp(self, entry: Entry, ttl: "float | None") -> None:
        """Check an entry, and give it its times; raises as `put`."""
        safe(entry.key, "cache entry")
        entry.check()
        span = self.bounds.ttl if ttl is None else int(ttl * 1e9)
        entry.created = entry.used = self.clock()
        entry.expires = entry.created + span if span else 0

    def keep(self, entry: Entry) -> bool:
        """Keep an entry that has its times; whether it is kept."""
        with self.mutex:
            now = entry.used
            try:
                self.folder.enter(ALONE, self.timeout)
                try:
                    kept = self._put(entry, now)
                finally:
                    self.folder.leave()
            except (OSError, MilestoneError) as error:
                self.tell(f"cache: {entry.key} is not kept: {why_of(error)}")
                return False
            if not kept:
                is_off = self.bounds.entries < 1
                why = (
                    "the setting cache_entries is 0"
                    if is_off
                    else f"{entry.size} bytes are more than any tier may hold"
                )
                self.tell(f"cache: {entry.key} is not kept: {why}")
            return kept

    def _put(self, entry: Entry, now: int) -> bool:
        tiers, tier, key = self.tiers, entry.tier, entry.key
        data = encode(entry, self.namespace, packed=tier == "cold")
        while tier and len(data) > self.bounds.sizes[tier]:
            tier = below(tier)
            if tier == "cold":
                data = encode(entry, self.namespace, packed=True)
        if not tier or self.bounds.entries < 1:
            return False
        tiers.prepare()
        aside = self.folder.write(tier, key, data, now, entry.created)
        try:
            had = [lies for lies in TIERS if self.folder.remove(lies, key)]
            if key in tiers.table.rows:
                tiers.tell("-", key, now, "replaced")
            tiers.make_room(tier, len(data), now)
            tiers.tell("+", key, tier, len(data), now, entry.expires, entry.agent, 0)
            self.folder.publish(tier, aside, key)
        except BaseException:
            self.folder.discard(tier, aside)
            raise
        if had:  # a power cut could bring back what was replaced
            for lies in {*had, tier}:
                self.folder.sync(lies)
        entry.tier, entry.stored = tier, len(data)
        tiers.rewrite_long()
        return True

    # removing

    def invalidate(self, key: str = "", agent: str = "", tag: str = "", content_hash: str = "") -> "list[str]":
        """Take away every entry of which all that is given is so; their keys. It holds after a power cut too.

        Raises:
            MilestoneError: `usage` when nothing is given; `lock_timeout`; `store_unreachable`.
        """
        is_meant = _matching(key, agent, tag, content_hash)
        return self.remove(is_meant, key)

    def matching(self, key: str = "", agent: str = "", tag: str = "", content_hash: str = "") -> "list[str]":
        """Keys of what the same words would invalidate; `usage`."""
        is_meant = _matching(key, agent, tag, content_hash)
        return [entry.key for entry in self.listing() if is_meant(entry)]

    def is_expired(self, entry: Entry, now: int) -> bool:
        """Whether an entry is over, by its own time or because it was silent for longer than any tier waits."""
        return has_ended(entry.created, entry.expires, now) or not self.bounds.tier_at(entry.tier, entry.used, now)

    def expired(self) -> "list[str]":
        """Keys of what is over."""
        now = self.clock()
        return [entry.key for entry in self.listing() if self.is_expired(entry, now)]

    def expire(self) -> "list[str]":
        """Take away what has `expired`; keys. Raises as `invalidate`."""
        now = self.clock()
        return self.remove(lambda entry: self.is_expired(entry, now), why="expired")

    def clear(self) -> "list[str]":
        """Take away every entry, and what is known of the commands that were run; keys. Raises as `invalidate`."""
        from milestone_cli.storage.files import cachenames, runlog

        gone = self.remove(lambda _: True)
        runlog.forget(self.folder.folder(cachenames.INDEXES), self.namespace)
        return gone

    def remove(self, is_meant: "Callable[[Entry], bool]", key: str = "", why: str = "invalidated") -> "list[str]":
        """Take away the entries that are meant, of all or of one key, and those that cannot say what they are."""
        from milestone_cli.core.cache.removal import remove

        return remove(self, is_meant, key, why)

    # looking

    def listing(self) -> "list[Entry]":
        """The entries without their bytes, requests and meta, those that are over too; last used first."""
        with self.mutex:
            self._refresh()
            found = [entry for _, entry in self.tiers.labels() if entry is not None]
        for entry in found:
            entry.hits = self._hits(entry.key)
        return sorted(found, key=lambda entry: -entry.used)

    def hits_of(self, key: str) -> int:
        """How often an entry was got."""
        with self.mutex:
            self._refresh()
        return self._hits(key)

    def _hits(self, key: str) -> int:
        row = self.tiers.table.rows.get(key)
        return row.hits if row else 0

    def _refresh(self) -> None:
        """Take in what the index says, where it can be read."""
        if self._share():
            try:
                self.tiers.refresh()
            except OSError as error:
                self.tell(f"cache: its index cannot be read: {why_of(error)}")
            finally:
                self.folder.leave()

    def close(self) -> None:
        """Close what is open; it can be used again."""
        self.folder.close()

    def tell(self, note: str) -> None:
        """Note what went wrong."""
        if len(self.notes) < 100:
            self.notes.append(note)


def why_of(error: "OSError | MilestoneError") -> str:
    """What went wrong, for people."""
    return error.message if isinstance(error, MilestoneError) else error.strerror or str(error)


def _matching(key: str, agent: str, tag: str, content_hash: str) -> "Callable[[Entry], bool]":
    if not (key or agent or tag or content_hash):
        raise MilestoneError("usage", "what shall be invalidated?", "give a key, --agent, --tag or --content-hash")
    if key:
        safe(key, "cache entry")
    return lambda entry: entry.matches(key, agent, tag, content_hash)
