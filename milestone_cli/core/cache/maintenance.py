"""Whole maintenance of a cache: what is over goes, what has aged moves down, and the index is made anew."""

from milestone_cli.core.cache.entries import Cache
from milestone_cli.core.cache.entry import decode
from milestone_cli.core.cache.removal import alone, refused
from milestone_cli.storage.files.cachefolder import namespaces
from milestone_cli.storage.files.cachenames import TIERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.contract import Store


class Maintained:
    """What was done to a namespace.

    Attributes:
        expired: entries that were over, by their own time or after too long a silence.
        damaged: those that did not prove themselves.
        moved: those that went down by a tier or two.
        cleared: files that writers left who were killed, and lines of the index without a file.
        entries: what is there afterwards; `bytes` of it.
    """

    __slots__ = ("bytes", "cleared", "damaged", "entries", "expired", "moved", "namespace")

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.expired = self.damaged = self.moved = self.cleared = self.entries = self.bytes = 0


def maintain(cache: Cache) -> Maintained:
    """Do all that is to be done in a namespace, reading every entry once.

    Raises:
        MilestoneError: `lock_timeout`, `store_unreachable`.
    """
    done = Maintained(cache.namespace)
    _alone(cache, _mend, done)
    done.expired = len(cache.expire())
    _alone(cache, _settle, done)
    return done


def plan(cache: Cache) -> Maintained:
    """What `maintain` would do now; nothing is changed. What moves down may turn out to have no room there."""
    found = Maintained(cache.namespace)
    now = cache.clock()
    bad = {key for _, key in damaged(cache)[0]}
    sound = [entry for entry in cache.listing() if entry.key not in bad]
    over = {entry.key for entry in sound if cache.is_expired(entry, now)}
    rest = [entry for entry in sound if entry.tier in TIERS and entry.key not in over]
    names = [key for tier in TIERS for key in cache.folder.keys(tier)]
    found.damaged, found.expired = len(bad), len(over)
    found.moved = sum(cache.bounds.tier_at(entry.tier, entry.used, now) != entry.tier for entry in rest)
    found.cleared = sum(len(cache.folder.remains(tier)) for tier in TIERS) + len(names) - len({*names})
    found.cleared += len(cache.tiers.table.rows.keys() - {*names})
    found.entries, found.bytes = min(len(rest), cache.bounds.entries), sum(entry.stored for entry in rest)
    return found


def _alone(cache: Cache, work: "Callable[[Cache, Maintained], None]", done: Maintained) -> None:
    with cache.mutex:
        alone(cache)
        try:
            work(cache, done)
        except OSError as error:
            raise refused(error) from None
        finally:
            cache.folder.leave()


def _mend(cache: Cache, done: Maintained) -> None:
    """Take away what does not prove itself, and make the index say what is there."""
    now, tiers = cache.clock(), cache.tiers
    tiers.refresh()
    bad = damaged(cache)[0]
    for tier, key in bad:
        cache.folder.remove(tier, key)
        tiers.tell("-", key, now, "damaged")
    done.damaged = len(bad)
    done.cleared = tiers.reconcile()
    tiers.rewrite()


def _settle(cache: Cache, done: Maintained) -> None:
    """Move down what has aged, let no bound be passed, and write the index anew."""
    now, tiers = cache.clock(), cache.tiers
    tiers.refresh()
    done.moved = tiers.age(now, len(tiers.table.rows))
    tiers.shrink(now)
    tiers.rewrite()
    done.entries, done.bytes = len(tiers.table.rows), sum(tiers.table.bytes.values())


def damaged(cache: Cache, most: int = 1 << 62) -> "tuple[list[tuple[str, str]], int, int]":
    """Which entries do not prove themselves, by reading at most so many bytes of them.

    Returns:
        Tier and key of each; how many were read; the bytes that are left.
    """
    found: list[tuple[str, str]] = []
    seen = 0
    for tier in TIERS:
        for key in cache.folder.keys(tier):
            if most <= 0:
                return found, seen, most
            try:
                raw = cache.folder.read(tier, key)
                if raw is None:
                    continue
                seen += 1
                most -= len(raw[0])
                decode(raw[0], cache.namespace, key)
            except ValueError:
                found.append((tier, key))
    return found, seen, most


def maintain_all(store: "Store", namespace: "str | None", *, dry_run: bool = False) -> "list[Maintained]":
    """The same for one namespace, or for all that this machine has; or what it would be."""
    from milestone_cli.core.cache.opening import open_cache, root_of

    names = [namespace] if namespace else namespaces(root_of(store))
    return [(plan if dry_run else maintain)(open_cache(store, name)) for name in names]
