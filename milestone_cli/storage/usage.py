"""What a store takes, and what room there is: files or documents, bytes, and what was set aside as damaged."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store
    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.postgres import PostgresStore

BLOCK = 512
"""Bytes of a block as stat(2) counts them, whatever the disk's own are."""


class Usage:
    """What a store takes.

    Attributes:
        counts: files, or documents, in each part of the store; of a log in a database one.
        sizes: their bytes; a file with two names counts once, where it was met first.
        disk: bytes that all of it takes on the disk; None in a database.
        free: bytes that are free on the disk for this user; None in a database.
        capacity: bytes of the disk; None in a database.
        free_files: files that can still be made there; None where nothing says so.
        is_writable: whether this user may write.
        damaged: when states were set aside as damaged, nanoseconds since 1970.
    """

    __slots__ = ("capacity", "counts", "damaged", "disk", "free", "free_files", "is_writable", "sizes")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        self.disk: int | None = None
        self.free: int | None = None
        self.capacity: int | None = None
        self.free_files: int | None = None
        self.is_writable = False
        self.damaged: list[int] = []

    def add(self, part: str, count: int, size: int) -> None:
        """Count something."""
        self.counts[part] = self.counts.get(part, 0) + count
        self.sizes[part] = self.sizes.get(part, 0) + size


def usage(store: "Store") -> Usage:
    """Look at all of a store; nothing of it is read."""
    from milestone_cli.storage.files import FileStore

    if isinstance(store, FileStore):
        return _of_files(store)
    from milestone_cli.storage.postgres import PostgresStore

    assert isinstance(store, PostgresStore)
    return _of_database(store)


def room(store: "Store", found: "Usage | None" = None) -> Usage:
    """Look only at the disk under a store."""
    found = found or Usage()
    if "://" in store.path:
        return found
    disk = os.statvfs(store.path)
    found.free, found.capacity = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    found.free_files = disk.f_favail if disk.f_files else None
    found.is_writable = not disk.f_flag & os.ST_RDONLY and os.access(store.path, os.W_OK | os.X_OK)
    return found


def _of_files(store: "FileStore") -> Usage:
    from milestone_cli.storage.files import layout
    from milestone_cli.storage.files.health.walk import walk

    found = room(store)
    found.disk = 0
    seen: set[tuple[int, int]] = set()
    for one in walk(store.folder("")):
        file = (one.status.st_dev, one.status.st_ino)
        size = 0 if file in seen else one.status.st_size
        found.disk += 0 if file in seen else one.status.st_blocks * BLOCK
        seen.add(file)
        if not one.is_file:
            continue
        parts = one.path.split("/")
        found.add("/".join(parts[: 2 if parts[0] == layout.STATE else 1]) if len(parts) > 1 else ".", 1, size)
        if one.folder == layout.QUARANTINE:  # what --fix sets aside is in folders of its own
            found.damaged.append(one.status.st_mtime_ns)
    return found


def _of_database(store: "PostgresStore") -> Usage:
    from milestone_cli.storage.origin import origin_of
    from milestone_cli.storage.postgres.admin import rights
    from milestone_cli.storage.postgres.sql import number, text

    found = Usage()
    rows = store.ask(
        "SELECT kind, count(*), coalesce(sum(octet_length(data)), 0)::bigint FROM milestone.document"
        " WHERE project = $1 GROUP BY kind ORDER BY kind",
        store.project,
    )
    for row in rows:
        found.add(text(row[0]), number(row[1]), number(row[2]))
    row = store.ask(
        "SELECT count(*), coalesce(sum(size), 0)::bigint FROM milestone.stream WHERE project = $1", store.project
    )[0]
    found.add(
        "events", number(row[0]), number(row[1]) - sum(origin_of(store, name).end for name in store.keys("origin"))
    )
    found.is_writable = rights(store) != "reader" and store.frozen is None
    rows = store.ask(
        "SELECT written FROM milestone.document WHERE project = $1 AND kind = 'quarantine'"
        " AND position('/' in key) = 0",  # what --fix sets aside has a folder in its name
        store.project,
    )
    found.damaged = [number(row[0]) for row in rows]
    return found


def save_times(store: "Store") -> "list[float]":
    """Seconds that saving takes on the disk of a store, one of each try; none where a try would leave something."""
    from milestone_cli.storage.files import FileStore

    if not isinstance(store, FileStore):
        return []
    from milestone_cli.storage.files.health.probe import save_times as tried

    return tried(store)
