"""The health of a store of files: everything about it that is a matter of files, and of no other kind of store.

Looking changes nothing and waits for nobody. What is found may carry its repair, which sets aside and never deletes.
"""

from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files.health import disk, parts, places, remains
from milestone_cli.storage.files.health.walk import walk
from milestone_cli.storage.findings import failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.findings import Finding


def examine(store: "FileStore") -> "Iterator[Finding]":
    """Look at everything that is a matter of files; see `contract.Store.health`."""
    root, aside = store.folder(""), store.aside()
    entries = walk(root)
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("file system", lambda: disk.file_system(store.path)),
        ("space", lambda: disk.space(root, entries)),
        ("layout", lambda: places.check_layout(store, entries)),
        ("permissions", lambda: places.check_permissions(store, root, entries)),
        ("owner", lambda: places.check_owner(root, entries)),
        ("segments", lambda: parts.check_parts(store, entries)),
        ("leftovers", lambda: remains.check_leftovers(store, entries, aside)),
        ("locks", lambda: remains.check_locks(store, aside)),
        ("transactions", lambda: remains.check_transactions(store, entries, aside)),
    )
    for name, part in checks:
        try:
            yield from part()
        except (MilestoneError, OSError) as error:
            yield failed(name, error)
