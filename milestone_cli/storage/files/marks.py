"""What a store of files says about itself in the file `format`, behind the version: that it is frozen, or has moved.

    1
    frozen: a copy to postgresql://…
    moved: postgresql://…

Without a mark nothing here is imported. A frozen store can be read; one that has moved is an error for every command
but those of the group `store`. The bash utilities know none of this: who copies looks again afterwards.
"""

import os

from milestone_cli.errors import MilestoneError, frozen, moved
from milestone_cli.storage.files import FileStore, layout
from milestone_cli.storage.files.folders import READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.model import Change, Document, Plan, Receipt

LARGEST = 4096
PATIENCE = 10.0
"""Seconds to wait for whoever writes marks."""
OLDEST = "0"
"""The format of a store that says nothing, as the bash utilities make it."""


class FrozenStore(FileStore):
    """A store of files that may be read and not written.

    Attributes:
        why: as whoever froze it said.
    """

    why = ""

    def _refuse(self) -> MilestoneError:
        return frozen(self.path, self.why)

    def commit(self, change: "Change") -> "Receipt":  # noqa: ARG002 - all are refused alike
        """Refused."""
        raise self._refuse()

    def transact(
        self,
        names: "list[str]",  # noqa: ARG002
        build: "Callable[[], Plan]",  # noqa: ARG002
        timeout: float,  # noqa: ARG002
        once: "tuple[str, str, str] | None" = None,  # noqa: ARG002
    ) -> "list[Receipt]":
        """Refused."""
        raise self._refuse()

    def note(self, kind: str, key: str, data: bytes) -> None:  # noqa: ARG002
        """Refused."""
        raise self._refuse()

    def initialise(self, milestone: "str | None") -> "Receipt | None":
        """Refused, unless there is nothing to do."""
        if milestone is None or milestone in self.milestones():
            return None
        raise self._refuse()

    def set_aside(self, kind: str, key: str, why: str, *, stays: bool = False) -> str:  # noqa: ARG002
        """Refused."""
        raise self._refuse()

    def pack(self, stream: str, timeout: float) -> "tuple[int, int]":  # noqa: ARG002
        """Refused."""
        raise self._refuse()

    def recover(self, milestone: str, timeout: float) -> "tuple[Document, list[str]]":  # noqa: ARG002
        """The copy that would be taken; nothing is repaired."""
        from milestone_cli.storage.files.recovery import without_writing

        return without_writing(self, milestone, "the store is frozen")


class MarkedStore(FileStore):
    """A store of files whatever its marks, for those who set them.

    Attributes:
        frozen: why nothing may be written; None when it may.
        moved: where it has gone; None when it is here.
    """

    frozen: "str | None" = None
    moved: "str | None" = None


def heed(store: FileStore, root: int) -> None:
    """Act on a file `format` that says more than the version, or another one.

    Raises:
        MilestoneError: `newer_format`, `store_moved`.
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
    elif "frozen" in marks:
        store.__class__ = FrozenStore  # so that a store without a mark pays nothing for this
        assert isinstance(store, FrozenStore)
        store.why = marks["frozen"]


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
    from milestone_cli.storage.files.log import FLAGS, flock

    lock = os.open(layout.MARKING, FLAGS, 0o600, dir_fd=store.folder(layout.LOCKS))
    try:
        flock(lock, runtime.monotonic() + PATIENCE, "marks")
        _write(store.folder(""), frozen, moved, version)
    finally:
        os.close(lock)
    store.frozen, store.moved = frozen, moved


def _write(root: int, frozen: "str | None", moved: "str | None", version: "str | None") -> None:
    """Write or remove the file `VERSION`, whose lock is held."""
    from milestone_cli.storage.files.commit import write_synced

    version = version or read(root)[0]
    marks = [f"{name}: {' '.join(value.split())}" for name, value in (("frozen", frozen), ("moved", moved)) if value]
    aside = f".{layout.VERSION}.mark.tmp"
    _forget(aside, root)  # of one who was killed
    if version == OLDEST and not marks:
        _forget(layout.VERSION, root)  # as in a store of bash, which says nothing
    else:
        try:
            write_synced(aside, "".join(line + "\n" for line in (version, *marks)).encode(), root)
            os.rename(aside, layout.VERSION, src_dir_fd=root, dst_dir_fd=root)
        except BaseException:
            _forget(aside, root)
            raise
    os.fsync(root)


def _forget(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
