"""Copying a store into another one, of whatever kind: planned first, byte for byte, and proved on the other side.

The source is frozen while it is read, and looked at again afterwards, since an old bash knows no mark: had it changed,
the copy fails. The target is frozen until it holds everything; killed in the middle, the copy goes on with `resume`.
Only a target that is empty, the same, or behind is written: its logs must be the beginnings of the source's.
"""

from milestone_cli.core.stores import set_marks
from milestone_cli.errors import MilestoneError, frozen, moved
from milestone_cli.jsontext import loads
from milestone_cli.model import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.contract import Side, Source

    Place = tuple[str, str]
    Progress = Callable[[int, int], None] | None

BATCH = 1 << 22
"""Bytes that are put at once."""
KEYS = 1000
"""Newest idempotency keys of a log that go along."""
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
    is_ours = target.frozen == _mark(source)
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


def _refuse_marks(source: "Source", target: "Side", *, resume: bool) -> None:
    sides: tuple[Source, ...] = (source, target)
    for side in sides:
        if side.moved is not None:
            raise moved(side.path, side.moved)
    if target.frozen is None:
        return
    if target.frozen != _mark(source):
        raise frozen(target.path, target.frozen)
    if not resume:
        raise MilestoneError("conflict", f"a copy into '{target.path}' was not finished", "--resume continues it")


def _mark(source: "Source") -> str:
    return " ".join(f"{UNDER_WAY}from {source.path}".split())  # as a mark is kept


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
    return size <= start or _hash(source, name, start, size) == _hash(target, name, start, size)


def _hash(side: "Source", name: str, start: int, size: int, progress: "Callable[[int], None] | None" = None) -> str:
    """SHA-256 of the bytes of a log from an offset on, up to its size."""
    import hashlib

    found = hashlib.sha256()
    for _, block in side.scan(name, start, size):
        found.update(block)
        if progress:
            progress(len(block))
    return found.hexdigest()


def run(source: "Source", target: "Side", *, resume: bool = False, progress: "Progress" = None) -> Copy:
    """Copy what is missing, prove it, and leave both sides as free as they were.

    Args:
        source: where from.
        target: where to.
        resume: go on with a copy that was not finished.
        progress: called with bytes done and bytes in all.

    Raises:
        MilestoneError: as `plan`; `conflict` when the source changed meanwhile: then the target stays frozen.
    """
    target.prepare()
    was_frozen = source.frozen if source.frozen and not source.frozen.startswith(UNDER_WAY) else None
    if not source.frozen:
        source.settle()
    try:
        set_marks(source, frozen=was_frozen or UNDER_WAY + f"to {target.path}", moved=None)
        found, look = plan(source, target, resume=resume)
        if not found.is_empty:
            set_marks(target, frozen=_mark(source), moved=None)
            _copy(source, target, found, progress)
        if target.frozen or not found.is_empty:
            _prove(source, target, look, found, progress)
            set_marks(target, frozen=None, moved=None)
    finally:
        set_marks(source, frozen=was_frozen, moved=None)
    return found


def _copy(source: "Source", target: "Side", found: Copy, progress: "Progress") -> None:
    done = 0
    batch: list[tuple[str, str, bytes | None, int]] = [(*place, None, 0) for place in found.removed]
    held = 0
    for name in found.again:
        target.drop(name)
    for name, (start, size) in found.logs.items():
        origin = source.document("origin", name) if source.origin(name).end else None
        if origin is not None:
            target.begin(name, *origin)
        for at, block in _gathered(source, name, start, size):
            target.extend(name, at, block)
            done += len(block)
            _tell(progress, done, found)
        target.finish(name, source.head(name), _keys(source, name, size))
    for place in found.documents:
        raw, written = source.document(*place) or (None, 0)
        batch.append((*place, raw, written))
        held += len(raw or b"")
        if held > BATCH:
            target.put(batch)
            done, held, batch = done + held, 0, []
            _tell(progress, done, found)
    target.put(batch)
    target.sync()


def _gathered(source: "Source", name: str, start: int, size: int) -> "Iterator[tuple[int, bytes]]":
    """What a log has behind an offset, in blocks that are worth a commit each."""
    blocks: list[bytes] = []
    held = 0
    for _, block in source.scan(name, start, size) if start < size else ():
        blocks.append(block)
        held += len(block)
        if held >= BATCH:
            yield start, b"".join(blocks)
            start, held, blocks = start + held, 0, []
    if blocks:
        yield start, b"".join(blocks)


def _tell(progress: "Progress", done: int, found: Copy) -> None:
    if progress:
        progress(done, found.size + 2 * found.total)


def _keys(source: "Source", name: str, size: int) -> "list[tuple[str, str, int]]":
    """The newest idempotency keys of a log, oldest first: key, request, sequence number."""
    keys: list[tuple[str, str, int]] = []
    for _, block in source.scan(name, 0, size):
        if b',"key":"' not in block:
            continue
        for line in block.split(b"\n"):
            if b',"key":"' in line and b'"request":"' in line:
                try:
                    event = loads(line)
                except ValueError:
                    continue
                values = (
                    [event.get(word) for word in ("key", "request", "sequence_number")]
                    if isinstance(event, dict)
                    else []
                )
                if (
                    len(values) == 3
                    and isinstance(values[0], str)
                    and isinstance(values[1], str)
                    and type(values[2]) is int
                ):
                    keys.append((values[0], values[1], values[2]))
    return keys[-KEYS:]


def _prove(source: "Source", target: "Side", look: Look, found: Copy, progress: "Progress") -> None:
    """Read both sides again: the target holds what the source held, and the source still holds it.

    Raises:
        MilestoneError: `conflict` when the source changed meanwhile; `damaged` when the target holds something else.
    """
    done = found.size

    def count(size: int) -> None:
        nonlocal done
        done += size
        _tell(progress, done, found)

    now = Look(source)
    changed = [f"the log of '{name}'" for name in {*now.logs, *look.logs} if now.logs.get(name) != look.logs.get(name)]
    changed += [
        "/".join(place).rstrip("/")
        for place in {*now.documents, *look.documents}
        if now.documents.get(place) != look.documents.get(place)
    ]
    if changed:
        raise MilestoneError(
            "conflict",
            f"the source was changed while it was copied: {', '.join(sorted(changed)[:5])}",
            "stop what writes there (the bash utilities do not heed the freeze), then continue with --resume",
            changed=sorted(changed),
        )
    there = Look(target)
    wrong = [name for name, (size, _) in look.logs.items() if there.logs.get(name, (0, 0))[0] != size]
    for name, (size, _) in look.logs.items():
        start = source.origin(name).end
        if name not in wrong and _hash(source, name, start, size, count) != _hash(target, name, start, size, count):
            wrong.append(name)
    wrong += ["/".join(place) for place, sha in look.documents.items() if there.documents.get(place) != sha]
    if wrong:
        raise MilestoneError(
            "damaged", f"the copy differs from its source: {', '.join(wrong[:5])}", "copy it again", differing=wrong
        )
    if progress:
        progress(1, 1)


def verify(side: "Side", progress: "Progress" = None) -> "list[str]":
    """Prove every log of a store, as `events verify` does; names of those with damage."""
    from milestone_cli.core.log.verify import verify as prove

    store = side.store
    return [name for name in side.logs() if not prove(store, name, progress).ok]
