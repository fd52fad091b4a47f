"""The cache in a clean-up: it has bounds and a clock of its own, so here it is only told, and kept up with the rest."""

from milestone_cli.core.retention.cleanup import CACHE
from milestone_cli.core.retention.plan import Decision, Item
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files.cachefolder import namespaces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.cache.upkeep import Done
    from milestone_cli.storage.contract import Store

KIND, OVER = "cache", CACHE


def decisions(store: "Store", now: int) -> "list[Decision]":
    """Of each namespace what is within its bounds, and what is over."""
    found = []
    for done in _kept_up(store, dry_run=True):
        if done.entries:
            item = Item(KIND, done.namespace, now, done.bytes)
            told = "1 entry" if done.entries == 1 else f"{done.entries} entries"
            found.append(Decision(item, f"{told} within the bounds of the cache", is_kept=True))
        if done.expired or done.damaged:
            found.append(Decision(_over(done, now), "over by the cache's own clock, or damaged", is_kept=False))
    return found


def keep_up(store: "Store", now: int) -> "list[Item]":
    """Maintain every namespace; what went."""
    return [_over(done, now) for done in _kept_up(store, dry_run=False) if done.expired or done.damaged]


def _over(done: "Done", now: int) -> Item:
    return Item(OVER, f"{done.namespace}: {done.expired + done.damaged}", now)


def _kept_up(store: "Store", *, dry_run: bool) -> "list[Done]":
    """What the maintenance did, or would do; nothing where there is no cache, or another process has it."""
    is_here = "://" not in store.path
    if is_here and not namespaces(store.path):
        return []
    from milestone_cli.core.cache.opening import root_of
    from milestone_cli.core.cache.upkeep import keep_all_up

    try:
        return keep_all_up(store, None, dry_run=dry_run) if is_here or namespaces(root_of(store)) else []
    except MilestoneError as error:
        if error.code in ("lock_timeout", "invalid_config"):
            return []
        raise
