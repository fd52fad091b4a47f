"""The cache in a clean-up: it has bounds and a clock of its own, so here it is only told, and kept up with the rest."""

from milestone_cli.core.cache import maintenance
from milestone_cli.core.cache.opening import open_cache, root_of
from milestone_cli.core.retention.cleanup import CACHE
from milestone_cli.core.retention.plan import Decision, Item
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files.cachefolder import namespaces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.cache.entries import Cache
    from milestone_cli.storage.contract import Store


def decisions(store: "Store", now: int) -> "list[Decision]":
    """Of each namespace what is within its bounds, and what is over."""
    found = []
    for cache in _caches(store):
        try:
            entries, clock = cache.listing(), cache.clock()
        except MilestoneError:
            continue  # another process has it for long
        over = [entry for entry in entries if cache.is_expired(entry, clock)]
        count = len(entries) - len(over)
        if count:
            item = Item("cache", cache.namespace, now, sum(one.stored for one in entries) - sum(e.stored for e in over))
            told = f"{count} {'entry' if count == 1 else 'entries'} within the bounds of the cache"
            found.append(Decision(item, told, is_kept=True))
        if over:
            item = Item(CACHE, f"{cache.namespace}: {len(over)}", now, sum(entry.stored for entry in over))
            found.append(Decision(item, "over, by the cache's own clock", is_kept=False))
    return found


def maintain(store: "Store", planned: "list[Item]") -> "list[Item]":
    """Maintain the namespaces of which a plan says that something is over; what went of them."""
    wanted = {item.name.partition(":")[0]: item for item in planned if item.kind == CACHE}
    gone = []
    for cache in _caches(store):
        if cache.namespace in wanted:
            try:
                done = maintenance.maintain(cache)
            except MilestoneError:
                continue
            item = wanted[cache.namespace]
            name = f"{cache.namespace}: {done.expired + done.damaged}"
            gone.append(Item(CACHE, name, item.time, item.size))
    return gone


def _caches(store: "Store") -> "Iterator[Cache]":
    try:
        names = namespaces(root_of(store))
    except MilestoneError:
        return  # there is no home, and so no cache
    for name in names:
        yield open_cache(store, name)
