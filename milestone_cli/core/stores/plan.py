"""What a copy of a store into another one would do: the sides held against each other, and nothing changed.

Only a target that is empty, the same, or behind can be written: its logs must be the beginnings of the source's.
"""

from milestone_cli.errors import MilestoneError, frozen, moved
from milestone_cli.model import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.contract import Side, Source

    Place = tuple[str, str]

UNDER_WAY = "a copy is under way: "


class Copy:
    """What a copy would do, and what it has done.

    Attributes:
        documents: that differ on the other side or are not there.
        removed: that are only on the other side.
        logs: bytes that the other side has already, and size, of each log that is longer here.
        again: logs that are copied from their beginning, since the source wrote them anew while a copy was under way.
        old: number of documents that the target has in another form.
        same: number of documents and logs that are there already.
        size: bytes to copy.
        total: bytes that are compared on both sides.
    """

    __slots__ = ("again", "documents", "logs", "old", "removed", "same", "size", "source", "target", "total")

    def __init__(self, source: str, target: str) -> None:
        self.source = source
        self.target = target
        self.documents: list[Place] = []
        self.removed: list[Place] = []
        self.logs: dict[str, tuple[int, int]] = {}
        self.again: list[str] = []
        self.same = 0
        self.old = 0
        self.size = 0
        self.total = 0

    @property
    def replaces(self) -> bool:
        """Whether something that the target has would be another or gone."""
        return bool(self.removed or self.again) or self.old > 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.documents or self.removed or self.logs)

    def fields(self) -> "dict[str, object]":
        """The plan as JSON values."""
        return {
            "source": self.source,
            "target": self.target,
            "documents": len(self.documents),
            "removed": len(self.removed),
            "logs": len(self.logs),
            "bytes": self.size,
            "same": self.same,
        }


class Look:
    """A side as it was found: what tells every document and every log from another content."""

    __slots__ = ("documents", "logs", "sizes")

    def __init__(self, side: "Source") -> None:
        self.documents: dict[Place, str] = {}
        self.sizes: dict[Place, int] = {}
        for place in side.documents():
            found = side.document(*place)
            if found is not None:
                self.documents[place] = digest(found[0])
                self.sizes[place] = len(found[0])
        self.logs = side.logs()


def plan(source: "Source", target: "Side", *, resume: bool = False) -> "tuple[Copy, Look]":
    """Find out what a copy would do; nothing is changed.

    Raises:
        MilestoneError: `conflict` when the target has something that the source has not; `store_moved`, `usage`.
    """
    if source.path == target.path:
        raise MilestoneError("usage", "a store cannot be copied onto itself", "name another target")
    _refuse_marks(source, target, resume=resume)
    found = Copy(source.path, target.path)
    here, there = Look(source), Look(target)
    is_ours = target.frozen == mark_of(source)
    for name, (size, _) in here.logs.items():
        has = there.logs.get(name, (0, 0))[0]
        if has > size or not _is_beginning(source, target, name, has):
            if not is_ours:
                raise _diverged(target, f"the log of '{name}'")
            found.again.append(name)
            has = 0
        begin = source.origin(name).end
        has = max(has, begin)
        found.total += size - begin
        if has < size or (is_ours and name in here.logs):
            found.logs[name] = (has, size)
            found.size += size - has
        else:
            found.same += 1
    extra = [name for name in there.logs if name not in here.logs]
    if extra:
        raise _diverged(target, f"the log of '{extra[0]}'")
    for place, sha in here.documents.items():
        found.total += here.sizes[place]
        if there.documents.get(place) == sha:
            found.same += 1
        else:
            found.documents.append(place)
            found.old += place in there.documents
            found.size += here.sizes[place]
    found.removed = [place for place in there.documents if place not in here.documents]
    work = [place for place in there.documents if place[0] != "config"]  # a store that was cleared has settings left
    if (found.documents or found.removed) and work and not there.logs and not is_ours:
        raise _diverged(target, "documents without a log")
    target.check_names(list(here.documents))
    return found, here


def refuse_moved(side: "Source") -> None:
    """Refuse a store that is elsewhere now.

    Raises:
        MilestoneError: `store_moved`.
    """
    if side.moved is not None:
        raise moved(side.path, side.moved)


def _refuse_marks(source: "Source", target: "Side", *, resume: bool) -> None:
    refuse_moved(source)
    refuse_moved(target)
    if target.frozen is None:
        return
    if target.frozen != mark_of(source):
        raise frozen(target.path, target.frozen)
    if not resume:
        raise MilestoneError("conflict", f"a copy into '{target.path}' was not finished", "--resume continues it")


def mark_of(source: "Source") -> str:
    """Why the target of a copy is frozen, as a mark is kept: so a copy that was killed is known again."""
    return " ".join(f"{UNDER_WAY}from {source.path}".split())


def _diverged(target: "Side", what: str) -> MilestoneError:
    return MilestoneError(
        "conflict",
        f"'{target.path}' is not an earlier copy of the source: {what} differs there; nothing was changed",
        "copy into a new project or folder",
    )


def _is_beginning(source: "Source", target: "Side", name: str, size: int) -> bool:
    """Whether a log of the target is how that of the source begins, or began before retention was there."""
    start = source.origin(name).end
    if target.origin(name).end > start:
        return False
    return size <= start or hash_of(source, name, start, size) == hash_of(target, name, start, size)


def hash_of(side: "Source", name: str, start: int, size: int, progress: "Callable[[int], None] | None" = None) -> str:
    """SHA-256 of the bytes of a log from an offset on, up to its size."""
    import hashlib

    found = hashlib.sha256()
    for _, block in side.scan(name, start, size):
        found.update(block)
        if progress:
            progress(len(block))
    return found.hexdigest()
