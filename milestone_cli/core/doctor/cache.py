"""The cache: its entries prove themselves; one that does not is a miss, and no harm is done."""

from milestone_cli.core.cache.maintenance import damaged
from milestone_cli.core.cache.opening import open_cache, root_of
from milestone_cli.storage.files.cachefolder import namespaces
from milestone_cli.storage.findings import Finding, count, named, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.storage.contract import Store

MOST = 256 << 20
"""Bytes of entries that are read; a cache of the default bounds has that many only when it is very full."""


def check(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """Look at the entries of this machine, up to a bound."""
    bad, entries, left = [], 0, MOST
    for name in namespaces(root_of(store)):
        cache = open_cache(store, name)
        try:
            found, seen, left = damaged(cache, left)
        finally:
            cache.close()
        bad += [f"{name}/{key}" for _, key in found]
        entries += seen
    if bad:
        told = f"{count(len(bad), 'entry')} of the cache {'is' if len(bad) == 1 else 'are'} damaged"
        fix = "nothing depends on it: it counts as missing; `milestone cleanup cache` clears it away"
        yield Finding("cache", "damaged", "note", f"{told}: {named(bad)}", fix, bad[0])
    else:
        yield sound("cache", f"{count(entries, 'entry')}: their checksums fit" if entries else "it is empty")
