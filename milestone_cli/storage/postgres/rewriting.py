"""Putting a mended log in the place of a damaged one in the database; the bytes that were there are kept.

A log in the database is damaged only where a damaged one was copied there, or its owner changed it by hand. Who may
only append cannot mend it either: that needs the rights of the schema's owner.
"""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import OF_SESSION, Plan
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.reading import number as field
from milestone_cli.storage.postgres.sql import number
from milestone_cli.storage.postgres.transaction import transact
from milestone_cli.storage.postgres.transfer import EXTEND, parted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from milestone_cli.model import Draft, Edit, Receipt
    from milestone_cli.storage.postgres import PostgresStore

POINT = (
    "UPDATE milestone.once o SET at = u.new FROM unnest($2::bigint[], $3::bigint[]) u (old, new)"
    " WHERE o.stream = $1 AND o.at = u.old"
)
RESIZE = "UPDATE milestone.stream SET size = $2, torn = $3::boolean WHERE id = $1"
REHEAD = "UPDATE milestone.stream SET sequence = $2, checksum = $3, base = 0 WHERE id = $1"


def rewrite(
    store: "PostgresStore",
    stream: str,
    edits: "Sequence[Edit]",
    tell: "Callable[[str], list[Draft]]",
    *,
    rehead: bool,
    timeout: float,
) -> "Receipt":
    """Edit a log in place of appending to it; see `PostgresStore.rewrite`."""

    def build() -> Plan:
        plan = Plan("repair_log")
        row = store.ask("SELECT id, size FROM milestone.open_stream($1, $2)", store.project, stream)[0]
        identity, size = number(row[0]), number(row[1])
        kept = _replace(store, stream, identity, size, edits) if edits else ""
        store.ask("UPDATE milestone.stream SET base = 0 WHERE id = $1", identity)
        if rehead:
            _rehead(store, stream, identity)
        plan.events = [(stream, draft) for draft in tell(kept)]
        return plan

    return transact(store, [stream.removeprefix(OF_SESSION)], build, timeout)[0]


def _replace(store: "PostgresStore", stream: str, identity: int, size: int, edits: "Sequence[Edit]") -> str:
    """Put other lines in the place of those from the first edit on; where the ones of before are kept."""
    start = number(
        store.ask("SELECT max(at) FROM milestone.line WHERE stream = $1 AND at <= $2", identity, edits[0][0])[0][0]
    )
    old = b"".join(block for _, block in store.scan(stream, start, size))
    new = _edited(stream, old, [(at - start, *rest) for at, *rest in edits])  # type: ignore[misc]
    name = layout.quarantined(layout.log_file(stream), runtime.timestamp(store.clock()), runtime.token())
    store.ask("SELECT milestone.put($1, 'quarantine', $2, $3)", store.project, name, old)
    kept = store.ask("SELECT at FROM milestone.once WHERE stream = $1 AND at >= $2", identity, start)
    store.ask("DELETE FROM milestone.line WHERE stream = $1 AND at >= $2", identity, start)
    columns, lines = parted(new, start)
    store.ask(EXTEND, identity, *columns, lines)
    torn = "true" if lines and not lines[-1].endswith(b"\n") else "false"
    store.ask(RESIZE, identity, start + len(new), torn)
    _point(store, identity, [number(row[0]) for row in kept], start, old, new)
    return f"{layout.QUARANTINE}/{name}"


def _edited(stream: str, text: bytes, edits: "Sequence[Edit]") -> bytes:
    pieces, done = [], 0
    for at, old, new in edits:
        if text[at : at + len(old)] != old:
            told = f"another program changed the log of '{stream}' meanwhile; nothing was changed"
            raise MilestoneError("conflict", told, "repair it again")
        pieces += [text[done:at], new]
        done = at + len(old)
    return b"".join([*pieces, text[done:]])


def _point(store: "PostgresStore", identity: int, places: "list[int]", start: int, old: bytes, new: bytes) -> None:
    """Let idempotency keys name the places that their lines have now."""
    pairs = []
    for at in places:
        line = old[at - start : old.find(b"\n", at - start) + 1]
        found = new.find(line)
        if line and found >= 0 and found + start != at:
            pairs.append((at, found + start))
    if pairs:
        was, now = ("{" + ",".join([str(pair[side]) for pair in pairs]) + "}" for side in (0, 1))
        store.ask(POINT, identity, was, now)


def _rehead(store: "PostgresStore", stream: str, identity: int) -> None:
    """Let the log itself say where it stands."""
    read = field(b"sequence_number")
    for _, block in store.scan(stream, 0, None, backwards=True):
        for line in reversed(block.split(b"\n")):
            if (sequence := read(line)) and line[-79:-66] == b',"checksum":"':
                store.ask(REHEAD, identity, sequence, line[-66:-2].decode())
                return
