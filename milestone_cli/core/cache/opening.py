"""Opening a namespace of the cache that belongs to a store, as the store is configured."""

import os

from milestone_cli import runtime
from milestone_cli.core import setting
from milestone_cli.core.cache.bounds import Bounds
from milestone_cli.core.cache.entries import Cache
from milestone_cli.errors import MilestoneError
from milestone_cli.model import safe, size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

DEFAULT = "default"
"""The namespace where none is named."""


def open_cache(store: "Store", namespace: "str | None" = None) -> Cache:
    """The cache of a store, in one of its namespaces; nothing is made.

    Raises:
        MilestoneError: `invalid_name`, `invalid_config`.
    """
    name = safe(namespace or runtime.env("MILESTONE_CACHE_NAMESPACE") or DEFAULT, "namespace")
    timeout = float(setting(store, "lock_timeout", "30"))
    if "://" not in store.path:
        return Cache(store.path, name, bounds_of(store), timeout=timeout)
    from milestone_cli.core.cache.shared import SharedCache

    return SharedCache(store, name, bounds_of(store), timeout=timeout)  # type: ignore[arg-type] # it is one in a database


def root_of(store: "Store") -> str:
    """The folder of this machine below which the cache of a store is: the store, or one in the user's cache directory.

    Source of the second: the XDG base directory specification, XDG_CACHE_HOME.

    Raises:
        MilestoneError: `invalid_config` when there is no home for it.
    """
    if "://" not in store.path:
        return store.path
    from milestone_cli.storage.places import places

    home = runtime.env("XDG_CACHE_HOME") or ""
    if home[:1] != "/":
        home = (runtime.env("HOME") or "") + "/.cache"
    found = places(store.path)
    if home[:1] != "/" or not found:
        raise MilestoneError("invalid_config", "there is no place for a cache", "set HOME or XDG_CACHE_HOME")
    path = f"{home}/milestone/{os.path.basename(found[-1])}"
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def bounds_of(store: "Store") -> Bounds:
    """The bounds that a store is configured to have."""
    default = Bounds()
    sizes = tuple(_size(setting(store, f"cache_{tier}_size", ""), most) for tier, most in default.sizes.items())
    silences = tuple(
        _span(setting(store, f"cache_{tier}_ttl", ""), most)
        for tier, most in zip(default.sizes, default.silences, strict=True)
    )
    return Bounds(
        sizes,  # type: ignore[arg-type]
        silences,  # type: ignore[arg-type]
        int(setting(store, "cache_entries", str(default.entries))),
        _span(setting(store, "cache_ttl", ""), default.ttl),
        by_content=setting(store, "cache_by_content", "true") == "true",
    )


def _size(text: str, default: int) -> int:
    return size_of(text) if text else default


def _span(text: str, default: int) -> int:
    if not text:
        return default
    from milestone_cli.core.times import duration

    return duration(text)
