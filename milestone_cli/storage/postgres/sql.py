"""What the store asks of the database, and values out of the rows that come back.

$1 is the project in every statement.
"""

from milestone_cli.model import Head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.postgres.connection import Row

STATE = (
    "SELECT data FROM milestone.document WHERE project = $1 AND key = $2 AND kind IN ('active', 'completed')"
    " ORDER BY kind LIMIT 1"
)
GET = "SELECT data FROM milestone.document WHERE project = $1 AND kind = $2 AND key = $3"
KEYS = "SELECT key FROM milestone.document WHERE project = $1 AND kind = $2 ORDER BY key"
KEYS_UNDER = (
    "SELECT key FROM milestone.document WHERE project = $1 AND kind = $2 AND starts_with(key, $3 || '/') ORDER BY key"
)
WRITTEN = "SELECT written FROM milestone.document WHERE project = $1 AND kind = $2 AND key = $3"
NOTE = "SELECT milestone.enter($1, 2000), milestone.put($1, $2, $3, $4)"
SET_ASIDE = (
    "UPDATE milestone.document SET kind = 'quarantine', key = $4"
    " WHERE project = $1 AND kind = $2 AND key = $3 RETURNING 1"
)
MILESTONES = (
    "SELECT name FROM milestone.stream WHERE project = $1 AND name !~ '^@' UNION SELECT key FROM milestone.document"
    " WHERE project = $1 AND kind IN ('active', 'completed') ORDER BY 1"
)
SESSION_LOGS = "SELECT name FROM milestone.stream WHERE project = $1 AND name ~ '^@' ORDER BY 1"
ACTIVE = (
    "SELECT name, a.key IS NOT NULL OR c.key IS NULL AND coalesce(revision, 0) = 0 FROM"
    " (SELECT name, revision FROM milestone.stream WHERE project = $1 AND name !~ '^@' UNION"
    "  SELECT key, NULL FROM milestone.document d WHERE project = $1 AND kind IN ('active', 'completed')"
    "  AND NOT EXISTS (SELECT FROM milestone.stream s WHERE s.project = $1 AND s.name = d.key)) n"
    " LEFT JOIN milestone.document a ON a.project = $1 AND a.kind = 'active' AND a.key = n.name"
    " LEFT JOIN milestone.document c ON c.project = $1 AND c.kind = 'completed' AND c.key = n.name ORDER BY 1"
)
"""Names, and whether somebody may go on with them."""
HEAD = (
    "SELECT sequence, checksum, size, id, time, revision, state, base, base_sequence, spliced, keys"
    " FROM milestone.stream WHERE project = $1 AND name = $2"
)
SIZE = "SELECT size, id FROM milestone.stream WHERE project = $1 AND name = $2"
SPAN = (
    "SELECT size, id, coalesce((SELECT min(at) FROM milestone.line WHERE stream = s.id), size) FROM milestone.stream s"
    " WHERE project = $1 AND name = $2"
)
SEEK = (
    "SELECT coalesce((SELECT at FROM milestone.line WHERE stream = s.id AND time >= $3"
    " ORDER BY time, at LIMIT 1), size) FROM milestone.stream s WHERE project = $1 AND name = $2"
)


def number(raw: "bytes | None") -> int:
    """An integer of any size out of its binary form; 0 for none."""
    return int.from_bytes(raw, "big", signed=True) if raw is not None else 0


def text(raw: "bytes | None") -> str:
    """A text out of its binary form; empty for none."""
    return (raw or b"").decode("utf-8", "replace")


def as_head(row: "Row") -> Head:
    """A head out of a row of `HEAD`."""
    head = Head()
    head.sequence, head.checksum, head.end, head.inode = number(row[0]), text(row[1]), number(row[2]), number(row[3])
    head.time, head.revision, head.state, head.base = number(row[4]), number(row[5]), text(row[6]), number(row[7])
    head.base_sequence, head.spliced, head.keys = number(row[8]), number(row[9]), number(row[10])
    return head
