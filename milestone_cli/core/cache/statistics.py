"""What a cache comes to: entries and bytes by tier and agent, hits and misses over time, what is used most or least."""

from milestone_cli.core.cache.bounds import SHARED
from milestone_cli.core.cache.table import HOUR, Tally
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files.cachenames import TIERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.cache.entries import Cache
    from milestone_cli.core.cache.entry import Entry

MOST = 5
"""Entries that are named as used most, and least."""


class Statistics:
    """What was counted, and what is there.

    Attributes:
        entries: all that are true still, the last used first.
        tiers: for each tier entries, bytes, and the bytes that it may hold.
        agents: for each agent entries, bytes, hits, misses and evictions; an empty name where nobody was named.
        tally: what was counted since the cache was made.
        hours: start in nanoseconds since 1970, hits and misses, for each hour in which there were any.
    """

    __slots__ = ("agents", "entries", "hours", "limit", "namespace", "tally", "tiers")

    def __init__(self, namespace: str, tally: Tally, limit: int) -> None:
        self.namespace = namespace
        self.entries: list[Entry] = []
        self.tiers = {tier: [0, 0, 0] for tier in TIERS}
        self.agents: dict[str, list[int]] = {name: [0, 0, *numbers] for name, numbers in tally.agents.items()}
        self.tally = tally
        self.limit = limit
        self.hours = [(hour * HOUR, *numbers) for hour, numbers in sorted(tally.hours.items())]

    @property
    def hits(self) -> int:
        """How often something was there."""
        return sum(self.tally.hits.values())

    @property
    def rate(self) -> "float | None":
        """Share of what was asked for that was there; None when nothing was asked for."""
        asked = self.hits + self.tally.counts["misses"]
        return self.hits / asked if asked else None

    @property
    def bytes(self) -> int:
        """Bytes of all entries, on the disk."""
        return sum(numbers[1] for numbers in self.tiers.values())

    @property
    def average(self) -> "float | None":
        """How often an entry that is there was used, on average."""
        return sum(entry.hits for entry in self.entries) / len(self.entries) if self.entries else None

    def most(self) -> "list[Entry]":
        """The entries that were used most."""
        return sorted(self.entries, key=lambda entry: (-entry.hits, entry.key))[:MOST]

    def least(self) -> "list[Entry]":
        """Those that were used least, except those that were named already."""
        named = {entry.key for entry in self.most()}
        others = [entry for entry in self.entries if entry.key not in named]
        return sorted(others, key=lambda entry: (entry.hits, entry.used))[:MOST]


def statistics(cache: "Cache") -> Statistics:
    """Count what is there, and tell what was counted."""
    entries = present(cache)
    found = Statistics(cache.namespace, cache.tiers.table.tally, cache.bounds.entries)
    found.entries = entries
    for tier, most in cache.bounds.sizes.items():
        found.tiers[tier][2] = most
    for entry in entries:
        for numbers in (
            found.tiers.setdefault(entry.tier, [0, 0, 0]),
            found.agents.setdefault(entry.agent, [0, 0, 0, 0, 0]),
        ):
            numbers[0] += 1
            numbers[1] += entry.stored
    return found


def present(cache: "Cache") -> "list[Entry]":
    """The entries that would be an answer now, in the tiers that they belong to by now; last used first."""
    now = cache.clock()
    found = [entry for entry in cache.listing() if not cache.is_expired(entry, now)]
    for entry in found:
        entry.tier = cache.bounds.tier_at(entry.tier, entry.used, now)
    return found


def show(cache: "Cache", key: str) -> "Entry":
    """An entry with all that is known of it; `not_found`."""
    entry = cache.peek(key)
    now = cache.clock()
    if entry is None or cache.is_expired(entry, now):
        raise MilestoneError(
            "not_found", f"the cache '{cache.namespace}' has no '{key}'", "`milestone cache list` lists what it has"
        )
    entry.tier = cache.bounds.tier_at(entry.tier, entry.used, now) or SHARED  # too silent a copy is none
    entry.hits = cache.hits_of(key)
    return entry
