"""The health of a store of files: everything about it that is a matter of files, and of no other kind of store.

Looking changes nothing and waits for nobody. What is found may carry its repair, which sets aside and never deletes.
"""

from milestone_cli.storage.files.health import disk, places, remains
from milestone_cli.storage.files.health.walk import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.findings import Finding


def examine(store: "FileStore") -> "Iterator[Finding]":
    """Look at everything that is a matter of files; see `contract.Store.health`."""
    root = store.folder("")
    entries = walk(root)
    yield from disk.file_system(store.path)
    yield from disk.space(root, entries)
    yield from places.check_layout(store, entries)
    yield from places.check_permissions(store, root, entries)
    yield from places.check_owner(root, entries)
    yield from remains.check_leftovers(store, entries, store.aside())
    yield from remains.check_locks(store, store.aside())
    yield from remains.check_transactions(store, entries, store.aside())
