"""One side of a copy between stores, in PostgreSQL: a project as bytes, and putting bytes there as they are.

Blocks of a log are parted into lines on the way in, so that time and revision can be found; their bytes stay. Each
block is a transaction of its own that moves the log's end, so a copy that was killed goes on where it stopped.
"""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import Head
from milestone_cli.storage.origin import Origin, origin_of, parse
from milestone_cli.storage.postgres import LOCAL, PostgresStore
from milestone_cli.storage.postgres.commit import meant
from milestone_cli.storage.postgres.connection import BEGIN, RefusedError
from milestone_cli.storage.postgres.log import key_hash
from milestone_cli.storage.postgres.sql import number, text
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.findings import Finding
    from milestone_cli.storage.postgres.connection import Statement

LEFT = (*LOCAL, "pending", "config-compiled", "quarantine", "cache")
"""Kinds that stay where they are."""


class Side:
    """A project in a database as one side of a copy; see `contract.Side`."""

    def __init__(self, url: str, *, is_new: bool = False) -> None:
        """Open the store, whatever its marks; `is_new`: it is made when it is missing."""
        self.store = PostgresStore(url, is_new=True)
        self.path = self.store.path
        if not is_new and not self.store.version:
            raise MilestoneError(
                "no_store", "the database holds no store of milestone", "`milestone store init` makes one"
            )

    def prepare(self) -> bool:
        """Make schema and project where they are missing; whether the project is new."""
        is_new = not self.store.project
        if is_new:
            from milestone_cli.storage.postgres.admin import make

            make(self.store)
            self.store.hello()
        self.store.refuse_other_version()
        return is_new

    def grant(self, kind: str, role: str) -> None:
        """Give a role the rights of a `reader` or `writer`."""
        from milestone_cli.storage.postgres.admin import grant

        grant(self.store, kind, role)

    def facts(self) -> "dict[str, object]":
        """What the store is, for people and machines."""
        from milestone_cli.storage.postgres.admin import info

        return info(self.store)

    def health(self) -> "Iterator[Finding]":
        """What is to be said about the server and the schema."""
        return self.store.health()

    @property
    def frozen(self) -> "str | None":
        """Why nothing may be written."""
        return self.store.frozen

    @property
    def moved(self) -> "str | None":
        """Where the store has gone."""
        return self.store.moved

    def mark(self, *, frozen: "str | None", moved: "str | None", timeout: float = 30.0) -> None:
        """Set the marks, once no write is under way any more.

        Raises:
            MilestoneError: `lock_timeout`.
        """
        store = self.store
        wait = (str(max(1, int(timeout * 1000))), store.project)
        try:
            store.connection().transaction(
                [
                    ("SELECT set_config('lock_timeout', $1, true), pg_advisory_xact_lock(1836674149, $2)", wait),
                    (
                        "UPDATE milestone.project SET frozen = $2, moved = $3 WHERE id = $1",
                        (store.project, frozen, moved),
                    ),
                ],
                timeout,
            )
        except RefusedError as error:
            raise meant(store, error, store.name) from None
        store.frozen, store.moved = frozen, moved

    # taking

    def settle(self) -> None:
        """Nothing is unrecorded in a database, except what somebody changed by hand, which the copy shows as it is."""

    def documents(self) -> "list[tuple[str, str]]":
        """Kind and key of every document."""
        if not self.store.project:
            return []
        rows = self.store.ask("SELECT kind, key FROM milestone.document WHERE project = $1", self.store.project)
        return sorted((text(row[0]), text(row[1])) for row in rows if text(row[0]) not in LEFT)

    def document(self, kind: str, key: str) -> "tuple[bytes, int] | None":
        """A document, and when it was written, nanoseconds since 1970."""
        rows = self.store.ask(
            "SELECT data, written FROM milestone.document WHERE project = $1 AND kind = $2 AND key = $3",
            self.store.project,
            kind,
            self.store.place(kind, key),
        )
        return (rows[0][0] or b"", number(rows[0][1])) if rows else None

    def logs(self) -> "dict[str, tuple[int, int]]":
        """Size in bytes of every log, and what tells it from another under its name."""
        if not self.store.project:
            return {}
        rows = self.store.ask(
            "SELECT name, size, id FROM milestone.stream WHERE project = $1 ORDER BY name", self.store.project
        )
        return {text(row[0]): (number(row[1]), number(row[2])) for row in rows}

    def scan(self, stream: str, start: int, stop: int) -> "Iterator[tuple[int, bytes]]":
        """Blocks of a log."""
        return self.store.scan(stream, start, stop)

    def head(self, stream: str) -> Head:
        """Where a log stands."""
        return self.store.head(stream) or Head()

    def origin(self, stream: str) -> "Origin":
        """Where a log begins."""
        return origin_of(self.store, stream) if self.store.project else Origin()

    # putting

    def begin(self, stream: str, raw: bytes, written: int) -> None:
        """Let a log begin where the document of an origin says, which is put; what is before goes, if it is there."""
        origin = parse(raw)
        if origin is None:
            raise MilestoneError(
                "damaged",
                f"the checksum of the origin of the log of '{stream}' does not fit",
                "`milestone doctor` on the source tells what to do",
            )
        place = (self.store.project, stream)
        statements: list[Statement] = [
            (MAKE, place), (PUT, (self.store.project, "origin", stream, raw, written)),
            (BEGIN_AT, (*place, origin.end)), ("SELECT milestone.trim($1, $2)", place),
        ]  # fmt: skip
        self.store.connection().transaction(statements, 60.0)

    def put(self, documents: "list[tuple[str, str, bytes | None, int]]") -> None:
        """Put documents as they are, with the times of their writing, or take them away; all or nothing."""
        statements: list[Statement] = []
        for kind, key, data, written in documents:
            place = (self.store.project, kind, self.store.place(kind, key))
            if data is None:
                statements.append((DROP, place))
            else:
                statements.append((PUT, (*place, data, written)))
        self.store.connection().transaction(statements, 60.0)

    def check_names(self, documents: "list[tuple[str, str]]") -> None:
        """Every name fits."""

    def extend(self, stream: str, at: int, block: bytes) -> None:
        """Put bytes at the end of a log, which must be at an offset."""
        columns, lines = parted(block, at)
        torn = "true" if lines and not lines[-1].endswith(b"\n") else "false"
        connection = self.store.connection()
        connection.pipeline([BEGIN, (MAKE, (self.store.project, stream))])
        try:
            rows = connection.query(
                "UPDATE milestone.stream SET size = $3, torn = $5::boolean"
                " WHERE project = $1 AND name = $2 AND size = $4 RETURNING id",
                self.store.project, stream, at + len(block), at, torn,
            )  # fmt: skip
            if not rows:
                raise _beaten(stream)  # noqa: TRY301
            connection.pipeline([(EXTEND, (number(rows[0][0]), *columns, lines)), ("COMMIT", ())], 60.0)
        except BaseException:
            if connection.is_open:
                connection.query("ROLLBACK")
            raise

    def finish(self, stream: str, head: Head, keys: "list[tuple[str, str, int]]") -> None:
        """Say where a log stands, and which idempotency keys it knows: key, request, sequence number."""
        store = self.store
        statements: list[Statement] = [
            (MAKE, (store.project, stream)),
            (
                SET_HEAD,
                (
                    store.project, stream, head.sequence, head.checksum, head.time, head.revision, head.state,
                    head.base, head.base_sequence, head.spliced, len(keys),
                ),
            ),
        ]  # fmt: skip
        statements += [(REMEMBER, (store.project, stream, key_hash(key), request, f'"sequence_number":{sequence},'))
                       for key, request, sequence in keys]  # fmt: skip
        store.connection().transaction(statements, 60.0)

    def drop(self, stream: str) -> None:
        """Take a log away that is to be copied from its beginning."""
        found = (self.store.project, stream)
        inner = "(SELECT id FROM milestone.stream WHERE project = $1 AND name = $2)"
        self.store.connection().transaction(
            [
                (f"DELETE FROM milestone.once WHERE stream = {inner}", found),  # noqa: S608 - a constant
                (f"DELETE FROM milestone.line WHERE stream = {inner}", found),  # noqa: S608
                ("DELETE FROM milestone.stream WHERE project = $1 AND name = $2", found),
            ],
            60.0,
        )

    def sync(self) -> None:
        """What was put is durable already."""


DROP = "DELETE FROM milestone.document WHERE project = $1 AND kind = $2 AND key = $3"
PUT = (
    "INSERT INTO milestone.document (project, kind, key, data, written) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (project, kind, key) DO UPDATE SET data = excluded.data, written = excluded.written"
)
BEGIN_AT = "UPDATE milestone.stream SET size = greatest(size, $3) WHERE project = $1 AND name = $2"
MAKE = "INSERT INTO milestone.stream (project, name) VALUES ($1, $2) ON CONFLICT DO NOTHING"
EXTEND = (
    "INSERT INTO milestone.line (stream, at, time, state, base, data)"
    " SELECT $1::bigint, u.at, u.time, u.state, u.base, u.data"
    " FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6) u (at, time, state, base, data)"
)
SET_HEAD = (
    "UPDATE milestone.stream SET sequence = $3, checksum = $4, time = $5, revision = $6, state = $7, base = $8,"
    " base_sequence = $9, spliced = $10, keys = $11 WHERE project = $1 AND name = $2"
)
REMEMBER = (
    "INSERT INTO milestone.once (stream, key, request, at) SELECT s.id, $3, $4, l.at FROM milestone.stream s"
    " JOIN milestone.line l ON l.stream = s.id AND position(convert_to($5, 'UTF8') IN l.data) > 0"
    " WHERE s.project = $1 AND s.name = $2 ORDER BY l.at LIMIT 1 ON CONFLICT DO NOTHING"
)


def _beaten(stream: str) -> MilestoneError:
    return MilestoneError(
        "conflict",
        f"the log of '{stream}' was written by somebody else meanwhile",
        "stop what writes there, and try again",
    )


def parted(block: bytes, at: int) -> "tuple[list[str], list[bytes]]":
    """The lines of a block, and what is told of each: offset, time, state's revision, base; as arrays in text."""
    lines = block.split(b"\n")
    tail = lines.pop()
    lines = [line + b"\n" for line in lines] + ([tail] if tail else [])
    columns: tuple[list[str], ...] = ([], [], [], [])
    for line in lines:
        time, state, base = _facts(line)
        for column, value in zip(columns, (at, time, state, base), strict=True):
            column.append("NULL" if value is None else str(value))
        at += len(line)
    return ["{" + ",".join(column) + "}" for column in columns], lines


def _facts(line: bytes) -> "tuple[int | None, int | None, int | None]":
    """Time of a line of ours; and of a state's, revision and base."""
    if not line.startswith(b'{"timestamp":"') or b'"sequence_number":' not in line:
        return None, None, None
    time = parse_ns(line[14:48].partition(b'"')[0].decode("ascii", "replace"))
    if b'"sha256"' not in line:
        return time, None, None
    try:
        event = loads(line)
    except ValueError:
        return time, None, None
    data = event.get("data") if isinstance(event, dict) else None
    if not isinstance(data, dict) or type(data.get("revision")) is not int or type(data.get("base")) is not int:
        return time, None, None
    return time, data["revision"], data["base"]
