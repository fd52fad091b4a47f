"""Making room in the tiers of a namespace: what goes down, what goes, in the order of use; its lock is held alone.

A file is moved or removed first, and the index told then; a new entry the other way round. So whoever is killed between
the two leaves an index that names too much, never too little.
"""

from milestone_cli.core.cache.bounds import Bounds, below
from milestone_cli.core.cache.entry import LABEL, Entry, decode, encode, label_of
from milestone_cli.core.cache.table import LEAST, Row, Table, line
from milestone_cli.storage.files.cachefolder import CacheFolder
from milestone_cli.storage.files.cachenames import TIERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = 16
"""Entries that one use of the cache moves or removes at most because they have aged."""


class Tiers:
    """The tiers of a namespace, and the table of what lies in them.

    Attributes:
        table: as the index said when it was last read.
    """

    def __init__(self, folder: CacheFolder, bounds: Bounds) -> None:
        """Begin without a look at the disk."""
        self.folder = folder
        self.bounds = bounds
        self.table = Table()
        self._read = (0, 0)
        self._moving: set[str] = set()

    # the index

    def refresh(self) -> None:
        """Take in what the index says since the last look; the lock is held, shared at least."""
        identity, size = self.folder.index_identity()
        known, at = self._read
        if identity != known or size < at:
            self.table, at = Table(), 0
        if size > at:
            text = self.folder.index(at)
            self.table.read(text)
            at += len(text)
        self._read = identity, at

    def prepare(self) -> None:
        """The same for whoever has the lock alone: an index that is missing or damaged is made again from the files."""
        self.refresh()
        if not self.table.limit or self.table.is_damaged:
            self.reconcile()
            self.rewrite()

    def tell(self, *record: object) -> None:
        """Put a line into the index, and into the table."""
        text = line(*record)
        size = self.folder.append(text)
        identity, at = self._read
        self._read = identity, size
        if size - len(text) > at:  # somebody counted something meanwhile, or a torn line got its end
            self.table.read(self.folder.index(at)[: size - at])
        else:
            self.table.apply(record)

    def rewrite(self) -> None:
        """Write the index anew, with nothing in it but what is so now."""
        self.folder.replace_index(self.table.text())
        self._read = self.folder.index_identity()
        self.table.is_damaged = False

    def rewrite_long(self) -> None:
        """The same when it has grown to several times what it needs."""
        if self._read[1] > max(self.table.limit, LEAST):
            self.rewrite()

    def reconcile(self) -> int:
        """Make the table say what is there; how many files were cleared away, or rows.

        What writers that were killed left goes, and so does the lower one of two files of one entry.
        """
        cleared = 0
        there: dict[str, Row] = {}
        for tier in TIERS:
            for name in self.folder.remains(tier):
                self.folder.discard(tier, name)
                cleared += 1
            for key, entry in self._labels(tier):
                if entry is None or key in there:
                    cleared += self.folder.remove(tier, key)
                    continue
                row = self.table.rows.get(key)
                hits = row.hits if row else 0
                there[key] = Row(tier, entry.stored, entry.used, entry.expires, entry.agent, hits)
        self.folder.sweep_indexes()
        cleared += len(self.table.rows.keys() - there.keys())
        table = Table()
        table.tally = self.table.tally
        for key, row in sorted(there.items(), key=lambda item: item[1].used):
            table.apply(["*", key, row.tier, row.bytes, row.used, row.expires, row.agent, row.hits])
        self.table = table
        return cleared

    def _labels(self, tier: str, only: str = "") -> "Iterator[tuple[str, Entry | None]]":
        """Key and label of each file of a tier; None for a label that is damaged."""
        for key in [only] if only else self.folder.keys(tier):
            try:
                found = self.folder.read(tier, key, 0, LABEL)
                if found is None:
                    continue
                entry = label_of(found[0], self.folder.namespace, key)
            except ValueError:
                yield key, None
                continue
            entry.tier, entry.stored, entry.used = tier, found[1].st_size, found[1].st_atime_ns
            yield key, entry

    def labels(self, only: str = "") -> "Iterator[tuple[str, Entry | None]]":
        """The same of all tiers, or of one key; the first file of a key only."""
        seen = set()
        for tier in TIERS:
            for key, entry in self._labels(tier, only):
                if key not in seen:
                    seen.add(key)
                    yield key, entry

    # removing and moving

    def drop(self, key: str, now: int, why: str) -> None:
        """Take an entry away, wherever it lies."""
        for tier in TIERS:
            self.folder.remove(tier, key)
        self.tell("-", key, now, why)

    def move(self, key: str, to: str, now: int) -> None:
        """Put an entry into another tier, once there is room for it; where there can be none, the next one down."""
        row = self.table.rows[key]
        while to and to != row.tier and not self._moved(key, row, to, now):
            to = below(to)
        if not to:
            self.drop(key, now, "evicted")

    def _moved(self, key: str, row: Row, to: str, now: int) -> bool:
        """Whether it could be put there; or it is gone."""
        data = b""
        if "cold" in (to, row.tier):
            data = self._repacked(key, row, packed=to == "cold")
            if not data:
                self.drop(key, now, "damaged")
                return True
        size = len(data) or row.bytes
        self._moving.add(key)
        try:
            has_room = self._free(to, size, now)
        finally:
            self._moving.discard(key)
        if not has_room:
            return False
        if data:
            status = self.folder.status(row.tier, key)
            written = status.st_mtime_ns if status else now
            self.folder.publish(to, self.folder.write(to, key, data, row.used, written), key)
            self.folder.remove(row.tier, key)
        else:
            try:
                self.folder.move(key, row.tier, to)
            except FileNotFoundError:
                self.drop(key, now, "damaged")
                return True
        self.tell("=", key, to, size)
        return True

    def _repacked(self, key: str, row: Row, *, packed: bool) -> bytes:
        """The file of an entry in the other form; empty when it is gone or damaged."""
        try:
            found = self.folder.read(row.tier, key)
            entry = decode(found[0], self.folder.namespace, key) if found else None
        except ValueError:
            return b""
        return encode(entry, self.folder.namespace, packed=packed) if entry else b""

    # room

    def make_room(self, tier: str, size: int, now: int) -> None:
        """Let one more entry of so many bytes fit into a tier, before it comes."""
        table = self.table
        for key in table.ended(now)[:STEPS]:
            self.drop(key, now, "expired")
        self.age(now, STEPS)
        while len(table.rows) >= self.bounds.entries:
            ended = table.ended(now)
            self.drop(ended[0] if ended else next(iter(table.rows)), now, "expired" if ended else "evicted")
        self._free(tier, size, now)

    def shrink(self, now: int) -> None:
        """Let no bound be passed: they may have been made narrower."""
        while len(self.table.rows) > self.bounds.entries:
            self.drop(next(iter(self.table.rows)), now, "evicted")
        for tier in TIERS:
            self._free(tier, 0, now)

    def _free(self, tier: str, size: int, now: int) -> bool:
        """Take what was not used for longest out of a tier until so many bytes fit; whether they do now."""
        table, lower, most = self.table, below(tier), self.bounds.sizes[tier]
        while table.bytes[tier] + size > most:
            rows = table.rows.items()
            victim = next((key for key, row in rows if row.tier == tier and key not in self._moving), "")
            if not victim or size > most:
                return False
            if lower:
                self.move(victim, lower, now)
            else:
                self.drop(victim, now, "evicted")
        return True

    def age(self, now: int, steps: int) -> int:
        """Move down what was silent for too long, at most so many entries; how many were moved or went."""
        due: list[tuple[str, str]] = []
        shortest = min(self.bounds.silences)
        for key, row in self.table.rows.items():
            if now - row.used <= shortest or len(due) >= steps:
                break  # in the order of use: all that follow are younger
            tier = self.bounds.tier_at(row.tier, row.used, now)
            if tier != row.tier:
                due.append((key, tier))
        for key, tier in due:
            if key not in self.table.rows:
                continue  # it had to go for another one that moved
            if tier:
                self.move(key, tier, now)
            else:
                self.drop(key, now, "expired")
        return len(due)
