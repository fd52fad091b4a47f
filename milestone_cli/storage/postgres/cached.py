"""Entries of the cache in the database, for all machines that share the store: documents of a kind of their own.

Each has the time of its writing by the server's clock, which grows with every writing: so a machine that has a copy
asks for that time alone. The bounds are kept by the time of writing, since a use is known to one machine only.
"""

from milestone_cli.errors import MilestoneError
from milestone_cli.storage.postgres import sql
from milestone_cli.storage.postgres.connection import RefusedError
from milestone_cli.storage.postgres.sql import number, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.postgres import PostgresStore

KIND = "cache"
FIND = (
    "SELECT written, CASE WHEN written = $3 THEN NULL ELSE data END FROM milestone.document"
    " WHERE project = $1 AND kind = 'cache' AND key = $2"
)
PUT = (
    "INSERT INTO milestone.document AS d (project, kind, key, data, written)"
    " SELECT $1, 'cache', $2, $3, milestone.now_ns() FROM (SELECT milestone.enter($1, 2000)) e"
    " ON CONFLICT (project, kind, key) DO UPDATE"
    " SET data = excluded.data, written = greatest(excluded.written, d.written + 1) RETURNING written"
)
BOUND = (
    "DELETE FROM milestone.document WHERE project = $1 AND kind = 'cache' AND key IN (SELECT key FROM"
    " (SELECT key, row_number() OVER w AS place, sum(length(data)) OVER w AS total FROM milestone.document"
    " WHERE project = $1 AND kind = 'cache' AND starts_with(key, $2 || '/')"
    " WINDOW w AS (ORDER BY written DESC, key)) x WHERE place > $3 OR total > $4)"
)
LABELS = (
    "SELECT key, written, length(data), substring(data FROM 1 FOR $3::int) FROM milestone.document"
    " WHERE project = $1 AND kind = 'cache' AND starts_with(key, $2 || '/') ORDER BY written DESC"
)
REMOVE = (
    "DELETE FROM milestone.document WHERE project = $1 AND kind = 'cache' AND key = $2"
    " AND (SELECT milestone.enter($1, 2000)) IS NOT NULL RETURNING 1"
)


def find(store: "PostgresStore", place: str, known: int) -> "tuple[int, bytes | None] | None":
    """When an entry was written, and its file unless that is the time that is known; None when there is none."""
    rows = store.ask(FIND, store.project, place, known)
    return (number(rows[0][0]), rows[0][1]) if rows else None


def written(store: "PostgresStore", place: str) -> int:
    """When an entry was written; 0 when there is none."""
    rows = store.ask(sql.WRITTEN, store.project, KIND, place)
    return number(rows[0][0]) if rows else 0


def put(store: "PostgresStore", place: str, data: bytes, entries: int, size: int) -> int:
    """Put an entry, and take away what its namespace has beyond so many entries and bytes, oldest first; its time.

    Raises:
        MilestoneError: `store_frozen`, `store_moved`, `store_unreachable`.
    """
    try:
        written = number(store.ask(PUT, store.project, place, data)[0][0])
        store.ask(BOUND, store.project, place.partition("/")[0], entries, size)
    except RefusedError as error:
        raise _meant(store, error, place) from None
    return written


def labels(store: "PostgresStore", namespace: str, length: int) -> "list[tuple[str, int, int, bytes]]":
    """Key, time of writing, bytes and the first bytes of each entry of a namespace."""
    rows = store.ask(LABELS, store.project, namespace, length)
    return [(text(row[0]).partition("/")[2], number(row[1]), number(row[2]), row[3] or b"") for row in rows]


def remove(store: "PostgresStore", place: str) -> bool:
    """Take an entry away; whether it was there. Raises as `put`."""
    try:
        return bool(store.ask(REMOVE, store.project, place))
    except RefusedError as error:
        raise _meant(store, error, place) from None


def _meant(store: "PostgresStore", error: RefusedError, place: str) -> MilestoneError:
    from milestone_cli.storage.postgres.commit import meant

    return meant(store, error, place)
