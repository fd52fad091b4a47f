"""Clearing a store: everything in it goes, all or nothing, and only once an archive of it has proved itself.

The store is frozen from before the archive is written until everything is gone. A mark says how far that is: before the
archive is proved nothing has changed, and behind it there is only forward. Who was killed in between left a store that
refuses to be written; clearing it again goes on. Settings, and what repairs have set aside, stay.
"""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout
from milestone_cli.core.exports.archive import Archive
from milestone_cli.core.exports.exporting import Export, export
from milestone_cli.core.sessions.session import AT_WORK, sessions
from milestone_cli.errors import MilestoneError, frozen, moved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.contract import Side

    Place = tuple[str, str]
    Write = Callable[[str, Iterator[bytes]], object]

BACKING_UP = "it is about to be cleared, and copied first to "
CLEARING = "it is being cleared; all that was in it is in "
STAY = ("config", "config-compiled")
"""Kinds that stay: settings are nobody's work."""
POINTER: "Place" = ("current", "")
"""Names the directory's session; it is no document of all who share the store."""


class Clearing:
    """What clearing a store would do, or has done.

    Attributes:
        documents: that go.
        logs: names of those that go.
        size: bytes of all.
        blockers: why it is refused unless it is forced, sentences.
        backup: the archive that has everything; empty before it is made.
        is_resumed: an earlier clearing is under way, whose archive that is.
    """

    def __init__(self, side: "Side") -> None:
        self.documents = [place for place in side.documents() if place[0] not in STAY]
        logs = side.logs()
        self.logs = sorted(logs)
        self.size = sum(len((side.document(*place) or (b"", 0))[0]) for place in self.documents)
        self.size += sum(size - side.origin(name).end for name, (size, _) in logs.items())
        self.blockers = _blockers(side)
        self.is_resumed = (side.frozen or "").startswith(CLEARING)
        self.backup = (side.frozen or "").removeprefix(CLEARING) if self.is_resumed else ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to clear."""
        return not (self.documents or self.logs or self.is_resumed)

    def fields(self, side: "Side") -> "dict[str, object]":
        """The clearing as JSON values."""
        return {
            "store": side.path,
            "documents": len(self.documents),
            "logs": len(self.logs),
            "bytes": self.size,
            "refused": self.blockers,
            "backup": self.backup or None,
            "resumed": self.is_resumed,
        }


def _blockers(side: "Side") -> "list[str]":
    live = [one.id for one in sessions(side.store) if one.status in AT_WORK and one.is_alive is not False]
    locks = side.store.locks()
    held = [name for name in locks.names() if (locks.show(name) or {"state": "stale"})["state"] != "stale"]
    return [f"the session '{name}' is at work" for name in live] + [f"the lock '{name}' is held" for name in held]


def refuse(found: Clearing, side: "Side", *, force: bool) -> None:
    """Raise what stands in the way.

    Raises:
        MilestoneError: `conflict` when somebody is at work; `store_moved`, `store_frozen`.
    """
    if side.moved is not None:
        raise moved(side.path, side.moved)
    if side.frozen is not None and not side.frozen.startswith((BACKING_UP, CLEARING)):
        raise frozen(side.path, side.frozen)
    if found.blockers and not force and not found.is_resumed:
        raise MilestoneError(
            "conflict",
            f"the store is not cleared: {'; '.join(found.blockers[:5])}",
            "end that first, or give --force",
            refused=found.blockers,
        )


def clear(side: "Side", backup: str, write: "Write", *, force: bool = False) -> Clearing:
    """Clear a store.

    Args:
        side: it, whatever its marks.
        backup: the archive to write first, an absolute path.
        write: writes pieces to a path, whole and durable or not at all.
        force: even if somebody is at work in it.

    Raises:
        MilestoneError: what `refuse` and the export raise; then nothing was changed.
    """
    found = Clearing(side)
    refuse(found, side, force=force)
    if found.is_empty:
        return found
    if not found.is_resumed:
        _back_up(side, backup, write)
        found.backup = backup
    _remove(side)
    side.mark(frozen=None, moved=None, timeout=lock_timeout(side.store, None))
    runtime.applied.append(f"the clearing of the store, whose backup is '{found.backup}'")
    return found


def _back_up(side: "Side", backup: str, write: "Write") -> None:
    """Write and prove the archive, and go beyond the point where there is only forward."""
    timeout = lock_timeout(side.store, None)
    if side.frozen is None:
        side.settle()
    side.mark(frozen=BACKING_UP + backup, moved=None, timeout=timeout)
    try:
        made = export(side)
        try:
            write(backup, made.pieces())
            is_still = _is_still(side, made, backup)
        finally:
            made.close()
        if not is_still:
            raise MilestoneError(  # noqa: TRY301 - the mark is taken back below
                "conflict",
                "the store was changed while it was copied; nothing was removed",
                "stop what writes there (the bash utilities do not heed the freeze), and try again",
            )
        side.mark(frozen=CLEARING + backup, moved=None, timeout=timeout)
    except BaseException:
        if not (side.frozen or "").startswith(CLEARING):
            side.mark(frozen=None, moved=None, timeout=timeout)
        raise


def _is_still(side: "Side", made: Export, backup: str) -> bool:
    """Whether the store holds what the archive holds, which proves itself: bash may have written meanwhile."""
    archive = Archive(backup)
    try:
        places = [place for place in archive.documents() if place[0] != "config"]
        same = all(
            (side.document(*place) or (b"", 0))[0] == (archive.document(*place) or (b"", 0))[0] for place in places
        )
    finally:
        archive.close()
    sizes = {log.stream: log.size for log in made.logs}
    return (
        same
        and len(side.documents()) == len(made.documents)
        and sizes == {name: size for name, (size, _) in side.logs().items()}
    )


def _remove(side: "Side") -> None:
    for name in side.logs():
        side.drop(name)
    documents = [place for place in side.documents() if place[0] not in STAY]
    side.put([(*place, None, 0) for place in [POINTER, *documents]])
    side.sync()


def place(store: str) -> str:
    """Where the archive goes that nobody named."""
    from milestone_cli import runtime
    from milestone_cli.storage.emergency import folder_of
    from milestone_cli.storage.spool import make_folder

    folder = folder_of(store)
    make_folder(folder)
    second = runtime.timestamp(runtime.now_ns())[:26].translate(str.maketrans("T.", "--", ":-"))
    return f"{folder}/cleared-{second}.tar"
