"""Taking entries away: chosen by what their files say, under the lock alone, so that a power cut brings none back."""

from milestone_cli.core.cache.entries import Cache, why_of
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files.cachefolder import ALONE
from milestone_cli.storage.files.cachenames import TIERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.cache.entry import Entry


def remove(cache: Cache, is_meant: "Callable[[Entry], bool]", key: str, why: str) -> "list[str]":
    """Take away the entries that are meant, and those that cannot say what they are; keys of the former.

    Raises:
        MilestoneError: `lock_timeout`, `store_unreachable`: what was not removed would go on being an answer.
    """
    with cache.mutex:
        try:
            if not any(cache.folder.keys(tier) for tier in TIERS):
                return []
            alone(cache)
            try:
                return _remove(cache, is_meant, key, why)
            finally:
                cache.folder.leave()
        except OSError as error:
            raise refused(error) from None


def alone(cache: Cache) -> None:
    """Take the lock of a namespace alone.

    Raises:
        MilestoneError: `lock_timeout`, `store_unreachable`.
    """
    try:
        cache.folder.enter(ALONE, cache.timeout)
    except TimeoutError:
        told = f"another process has been at the cache '{cache.namespace}' for {cache.timeout:g} s; nothing was changed"
        raise MilestoneError("lock_timeout", told, "try again") from None
    except OSError as error:
        raise refused(error) from None


def _remove(cache: Cache, is_meant: "Callable[[Entry], bool]", key: str, why: str) -> "list[str]":
    now, tiers = cache.clock(), cache.tiers
    _prepare(cache)
    gone, touched = [], set()
    for name, entry in [*tiers.labels(key)]:
        if entry is not None and not is_meant(entry):
            continue
        for tier in TIERS:
            if cache.folder.remove(tier, name):
                touched.add(tier)
        if entry is not None:
            gone.append(name)
        try:
            tiers.tell("-", name, now, why if entry else "damaged")
        except OSError:
            pass  # a full disk: the file is gone, and an index that names too much does no harm
    for tier in touched:
        cache.folder.sync(tier)
    return gone


def _prepare(cache: Cache) -> None:
    """Have an index, if there is room for one."""
    try:
        cache.tiers.prepare()
    except OSError as error:
        cache.tell(f"cache: its index is not made: {why_of(error)}")


def refused(error: OSError) -> MilestoneError:
    """The error for a cache that cannot be changed."""
    told = f"the cache cannot be changed: {why_of(error)}"
    return MilestoneError("store_unreachable", told, "look at the disk of the store, then try again")
