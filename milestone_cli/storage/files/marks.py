"""What a store of files says about itself in the file `format`, behind the version: that it is frozen, or has moved.

    1
    frozen: a copy to postgresql://…
    moved: postgresql://…

Without a mark nothing here is imported. A frozen store can be read; one that has moved is an error for every command
but those of the group `store`. Every writer looks under a lock that whoever marks the store waits for, so nothing is
written behind a mark. The bash utilities know none of this: who copies looks again afterwards.
"""

import os

from milestone_cli.errors import MilestoneError, frozen, moved
from milestone_cli.storage.files import FileStore, layout
from milestone_cli.storage.files.folders import READ, forget

LARGEST = 4096
PATIENCE = 10.0
"""Seconds to wait for whoever writes marks."""
OLDEST = "0"
"""The format of a store that says nothing, as the bash utilities make it."""


class MarkedStore(FileStore):
    """A store of files whatever its marks, for those who set them.

    Attributes:
        frozen: why nothing may be written; None when it may.
        moved: where it has gone; None when it is here.
    """

    frozen: "str | None" = None
    moved: "str | None" = None


def heed(store: FileStore, root: int, *, is_writing: bool) -> None:
    """Act on a file `format` that says more than the version, or another one.

    Raises:
        MilestoneError: `newer_format`, `store_moved`; to a writer `store_frozen`.
    """
    said, marks = read(root)
    if said.isdecimal() and int(said) > int(layout.FORMAT):
        raise MilestoneError(
            "newer_format",
            f"the store '{store.path}' has format {said}; this version of milestone knows format {layout.FORMAT}",
            "install a newer milestone",
        )
    if isinstance(store, MarkedStore):
        store.frozen, store.moved = marks.get("frozen"), marks.get("moved")
    elif "moved" in marks:
        raise moved(store.path, marks["moved"])
    elif is_writing and "frozen" in marks:
        raise frozen(store.path, marks["frozen"])


def read(root: int) -> "tuple[str, dict[str, str]]":
    """The version of the format, and the marks behind it."""
    try:
        fd = os.open(layout.VERSION, READ, dir_fd=root)
    except FileNotFoundError:
        return OLDEST, {}
    try:
        lines = os.read(fd, LARGEST).decode("utf-8", "replace").splitlines() or [""]
    finally:
        os.close(fd)
    found = (line.partition(": ") for line in lines[1:])
    return lines[0].strip(), {name: value for name, mark, value in found if mark}


def version(root: int) -> int:
    """The format that a store has."""
    said = read(root)[0]
    return int(said) if said.isdecimal() else int(layout.FORMAT)


def reread(store: MarkedStore) -> None:
    """Look at the marks again: somebody else may have set them meanwhile."""
    marks = read(store.folder(""))[1]
    store.frozen, store.moved = marks.get("frozen"), marks.get("moved")


def write(store: MarkedStore, frozen: "str | None", moved: "str | None", version: "str | None" = None) -> None:
    """Set the marks, and with them the format where that becomes another one; durable when this returns."""
    from milestone_cli import runtime

    root = store.folder("")
    lock = hold(store)
    try:
        try:
            _write(root, frozen, moved, version)
        finally:
            os.close(lock)
    except OSError:
        marks = read(root)[1]
        if (marks.get("frozen"), marks.get("moved")) == (frozen, moved):
            runtime.applied.append("the mark of the store")
        raise
    store.frozen, store.moved = frozen, moved


def hold(store: FileStore) -> int:
    """Take the kernel's lock of those who write the file `VERSION`; a descriptor that is closed to give it back."""
    from milestone_cli import runtime
    from milestone_cli.storage.files.log import FLAGS, flock

    lock = os.open(layout.MARKING, FLAGS, 0o600, dir_fd=store.folder(layout.LOCKS))
    try:
        flock(lock, runtime.monotonic() + PATIENCE, "marks")
    except BaseException:
        os.close(lock)
        raise
    return lock


def _write(root: int, frozen: "str | None", moved: "str | None", version: "str | None") -> None:
    """Write or remove the file `VERSION`, whose lock is held."""
    from milestone_cli.storage.files.commit import write_synced

    version = version or read(root)[0]
    marks = [f"{name}: {' '.join(value.split())}" for name, value in (("frozen", frozen), ("moved", moved)) if value]
    aside = f".{layout.VERSION}.mark.tmp"
    forget(root, aside)  # of one who was killed
    if version == OLDEST and not marks:
        forget(root, layout.VERSION)  # as in a store of bash, which says nothing
    else:
        try:
            write_synced(aside, "".join(line + "\n" for line in (version, *marks)).encode(), root)
            os.rename(aside, layout.VERSION, src_dir_fd=root, dst_dir_fd=root)
        except BaseException:
            forget(root, aside)
            raise
    os.fsync(root)
