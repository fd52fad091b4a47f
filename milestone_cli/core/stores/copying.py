"""Copying a store into another one, of whatever kind: planned first, byte for byte, and proved on the other side.

The source is frozen while it is read, and looked at again afterwards, since an old bash knows no mark: had it changed,
the copy fails. The target is frozen until it holds everything; killed in the middle, the copy goes on with `resume`.
"""

from milestone_cli import runtime
from milestone_cli.core.stores.marks import set_marks
from milestone_cli.core.stores.plan import UNDER_WAY, Look, hash_of, mark_of, plan
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.core.stores.plan import Copy
    from milestone_cli.storage.contract import Side, Source

    Progress = Callable[[int, int], None] | None

BATCH = 1 << 22
"""Bytes that are put at once."""
KEYS = 1000
"""Newest idempotency keys of a log that go along."""


def run(source: "Source", target: "Side", *, resume: bool = False, progress: "Progress" = None) -> "Copy":
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
            set_marks(target, frozen=mark_of(source), moved=None)
            _copy(source, target, found, progress)
        if target.frozen or not found.is_empty:
            _prove(source, target, look, found, progress)
            set_marks(target, frozen=None, moved=None)
    finally:
        set_marks(source, frozen=was_frozen, moved=None)
    if not found.is_empty:
        runtime.applied.append(f"the copy in '{target.path}'")
    return found


def _copy(source: "Source", target: "Side", found: "Copy", progress: "Progress") -> None:
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


def _tell(progress: "Progress", done: int, found: "Copy") -> None:
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


def _prove(source: "Source", target: "Side", look: Look, found: "Copy", progress: "Progress") -> None:
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
        if name not in wrong and hash_of(source, name, start, size, count) != hash_of(target, name, start, size, count):
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
