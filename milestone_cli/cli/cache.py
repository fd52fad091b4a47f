"""The commands of `milestone cache`, except `run`: keys, entries, what goes, and what it comes to."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.cache.entries import Cache

    from .options.cache import (
        CacheAgent,
        CacheData,
        CacheKey,
        CacheRequest,
        CacheTag,
        CacheTags,
        CacheTier,
        CacheTtl,
        ContentHash,
        KeyAgent,
        KeyOrNone,
        KeyRequest,
        Permissions,
        PutTier,
        RunInputs,
    )
    from .options.shared import CacheNamespace, DryRun, Format, Yes


def key(
    request: "KeyRequest",
    agent: "KeyAgent" = "",
    permissions: "Permissions" = None,
    inputs: "RunInputs" = None,
    output: "Format" = "text",
) -> None:
    """Print the key of a question: the same for the same question, whatever the order of its parts.

    The contents of --input files count, so a changed file makes another question.

    Example: milestone cache key --agent locator --request 'find all Go files' --permissions '{"read": ["src"]}'
    """
    import os

    from milestone_cli import render
    from milestone_cli.core.cache.keys import key_of, sums_of
    from milestone_cli.storage import locate

    from .data import read_data

    sums: list[tuple[str, str]] = []
    count = 0
    if inputs:
        sums, count = sums_of(inputs, os.getcwd(), locate(os.getcwd()))
    made = key_of(agent, request, read_data(permissions) if permissions is not None else b"", sums)
    render.emit("cache-key", {"key": made, "inputs": count}, made, output)


def get(
    key: "CacheKey",
    tier: "CacheTier" = "auto",
    content_hash: "ContentHash" = "",
    namespace: "CacheNamespace" = None,
    output: "Format" = "text",
) -> int:
    """Print what is kept under a key, byte for byte; if there is nothing, print nothing and exit 3.

    An entry that was put with another --content-hash than the one given is void, and is removed.

    Example: milestone cache put demo-answer 42; milestone cache get demo-answer
    """
    from milestone_cli import render, runtime

    cache = _open(namespace)
    entry = cache.get(key, tier, content_hash)
    render.notify(cache.notes)
    if entry is None:
        return 3
    if output != "text":
        from milestone_cli.render.cache import whole_fields

        entry.hits = cache.hits_of(key)
        render.emit("cache-entry", whole_fields(entry, cache.namespace), "", output)
    elif runtime.is_terminal(1):
        from milestone_cli.render.text import clean

        render.write(clean(entry.data.decode("utf-8", "replace")).removesuffix("\n") + "\n")
    else:
        render.write(entry.data)
    return 0


def put(
    key: "CacheKey",
    data: "CacheData" = None,
    agent: "CacheAgent" = "",
    request: "CacheRequest" = "",
    tags: "CacheTags" = None,
    content_hash: "ContentHash" = "",
    ttl: "CacheTtl" = None,
    tier: "PutTier" = "hot",
    namespace: "CacheNamespace" = None,
    output: "Format" = "text",
) -> None:
    """Keep an answer under a key, replacing the one before.

    What does not fit on the disk or into the bounds is not kept; standard error says so, and it is not a failure.
    Nothing is kept for ever: entries that have expired, or were not used for longest, make room.

    Example: milestone cache put demo-answer 42 --agent locator --tag go --ttl 30m
    """
    from milestone_cli import render, runtime
    from milestone_cli.core.cache.entry import Entry

    from .data import read_data

    seconds = None
    if ttl is not None:
        from milestone_cli.core.times import duration

        seconds = duration(ttl) / 1e9
    cache = _open(namespace)
    entry = Entry(key, read_data(data), agent=agent, request=request, tags=tags, content_hash=content_hash, tier=tier)
    kept = cache.put(entry, seconds)
    if kept:
        runtime.applied.append(f"the entry '{key}'")
    render.notify(cache.notes)
    fields: dict[str, object] = {
        "namespace": cache.namespace,
        "key": key,
        "stored": kept,
        "tier": entry.tier if kept else None,
        "bytes": entry.size,
        "stored_bytes": entry.stored,
        "expires_at": runtime.timestamp(entry.expires) if kept and entry.expires else None,
        "reason": None if kept else " ".join(cache.notes),
    }
    told = f"{key}: {entry.size} byte{'s' * (entry.size != 1)} kept, {entry.tier}" if kept else ""
    render.emit("cache-put", fields, told, output)


def invalidate(
    key: "KeyOrNone" = "",
    agent: "CacheAgent" = "",
    tag: "CacheTag" = "",
    content_hash: "ContentHash" = "",
    namespace: "CacheNamespace" = None,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    output: "Format" = "text",
) -> None:
    """Remove one entry, or all of an agent, with a tag, or with a content hash; all that is given must match.

    The removal survives a power cut. At a terminal it asks before removing more than one, unless --yes.

    Example: milestone cache put demo-answer 42 --tag go; milestone cache invalidate --tag go
    """
    cache = _open(namespace)
    words = (key, agent, tag, content_hash)
    if not dry_run and not yes and not key:
        _ask(cache, cache.matching(*words), "Invalidate")
    gone = cache.matching(*words) if dry_run else cache.invalidate(*words)
    _removed(cache, gone, "would be invalidated" if dry_run else "invalidated", output, dry_run=dry_run)


def list_(namespace: "CacheNamespace" = None, output: "Format" = "text") -> None:
    """List what is in the cache, the most recently used first.

    Example: milestone cache put demo-answer 42; milestone cache list
    """
    from milestone_cli import render
    from milestone_cli.core.cache.statistics import present
    from milestone_cli.render.cache import entry_fields, list_text

    cache = _open(namespace)
    found = present(cache)
    fields: dict[str, object] = {"namespace": cache.namespace, "entries": [entry_fields(entry) for entry in found]}
    render.emit("cache-list", fields, list_text(found), output)


def show(key: "CacheKey", namespace: "CacheNamespace" = None, output: "Format" = "text") -> None:
    """Show what is known about an entry; this does not count as using it.

    Example: milestone cache put demo-answer 42; milestone cache show demo-answer
    """
    from milestone_cli import render
    from milestone_cli.core.cache.statistics import show as look
    from milestone_cli.render.cache import show_text, whole_fields

    cache = _open(namespace)
    entry = look(cache, key)
    render.emit("cache-entry", whole_fields(entry, cache.namespace), show_text(entry), output)


def stats(namespace: "CacheNamespace" = None, output: "Format" = "text") -> None:
    """Show what the cache is worth: hits and misses by tier, agent and hour, and what is used most and least.

    Example: milestone cache put demo-answer 42; milestone cache stats
    """
    from milestone_cli import render
    from milestone_cli.core.cache.statistics import statistics
    from milestone_cli.render.cache import stats_fields, stats_text

    found = statistics(_open(namespace))
    render.emit("cache-stats", stats_fields(found), stats_text(found) if output == "text" else "", output)


def expire(
    namespace: "CacheNamespace" = None, dry_run: "DryRun" = False, yes: "Yes" = False, output: "Format" = "text"
) -> None:
    """Remove what has expired: by its own time, or because it was not used for too long.

    The cache does this by itself as it is used; `milestone cleanup cache` does everything there is to do. At a terminal
    it asks before removing more than one, unless --yes.

    Example: milestone cache expire
    """
    cache = _open(namespace)
    if not dry_run and not yes:
        _ask(cache, cache.expired(), "Remove")
    gone = cache.expired() if dry_run else cache.expire()
    _removed(cache, gone, "would expire" if dry_run else "expired", output, dry_run=dry_run)


def clear(
    namespace: "CacheNamespace" = None, dry_run: "DryRun" = False, yes: "Yes" = False, output: "Format" = "text"
) -> None:
    """Remove every entry; at a terminal it asks first, unless --yes. The statistics stay.

    Example: milestone cache clear --yes
    """
    cache = _open(namespace)
    if not dry_run and not yes:
        _ask(cache, [entry.key for entry in cache.listing()], "Remove")
    gone = [entry.key for entry in cache.listing()] if dry_run else cache.clear()
    _removed(cache, gone, "would go" if dry_run else "removed", output, dry_run=dry_run)


def _open(namespace: "str | None") -> "Cache":
    from milestone_cli.core.cache.opening import open_cache
    from milestone_cli.storage import open_store

    return open_cache(open_store(), namespace)


def _ask(cache: "Cache", keys: "list[str]", what: str) -> None:
    """Ask at a terminal before more than one entry goes."""
    from milestone_cli import runtime

    if len(keys) > 1 and runtime.is_terminal(0):
        from milestone_cli.render.cache import list_text

        from .confirm import confirm

        meant = {*keys}
        entries = [entry for entry in cache.listing() if entry.key in meant]
        confirm(list_text(entries), f"{what} {len(keys)} entries?")


def _removed(cache: "Cache", keys: "list[str]", done: str, output: str, *, dry_run: bool) -> None:
    from milestone_cli import render, runtime
    from milestone_cli.render.cache import removed_text

    if keys and not dry_run:
        runtime.applied.append("the removal of entries")
    render.notify(cache.notes)
    fields = {"namespace": cache.namespace, "keys": sorted(keys), "count": len(keys), "dry_run": dry_run}
    render.emit("cache-removed", fields, removed_text(keys, done), output)
