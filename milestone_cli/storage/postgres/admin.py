"""Making a store in a database, bringing its schema up to date, and saying what it is.

Whoever owns the schema migrates it, one step in one transaction at a time. Everybody else gets the least that does: a
writer never changes a line of a log, a reader changes nothing.
"""

from milestone_cli.errors import MilestoneError
from milestone_cli.storage.findings import Finding, sound
from milestone_cli.storage.origin import origin_of
from milestone_cli.storage.postgres.connection import BEGIN
from milestone_cli.storage.postgres.schema import GRANTS, MIGRATIONS
from milestone_cli.storage.postgres.server import VERSION
from milestone_cli.storage.postgres.sql import number, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.postgres import PostgresStore

LOCK = 1836674151
"""Key of the advisory lock among those who migrate."""
WEAK = {
    "fsync": ("on", "what is acknowledged may be lost, and the database with it, when the machine stops"),
    "full_page_writes": ("on", "a page that was half written when the machine stopped cannot be repaired"),
    "synchronous_commit": ("on", "what is acknowledged may be lost when the server stops"),
}
"""Settings of the server that the promises stand on: the value to have, and what another one means."""


def version(store: "PostgresStore") -> int:
    """The schema that the database has; 0 for none."""
    # The tables of the catalogue, and not to_regclass: in a transaction that one may remember that there was none.
    found = store.ask(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'milestone' AND c.relname = 'migration'"
    )
    return number(store.ask("SELECT max(version) FROM milestone.migration")[0][0]) if found else 0


def migrate(store: "PostgresStore", *, end: int = VERSION) -> "list[str]":
    """Bring the schema to a version, the newest unless another one is said: all of it or nothing, in one transaction.

    Returns:
        What was done: the names of the steps.

    Raises:
        MilestoneError: `newer_format`; `store_unreachable` without the right to do it.
    """
    at = version(store)
    if at > VERSION:
        raise MilestoneError(
            "newer_format",
            f"the store '{store.path}' has schema {at}; this version of milestone knows schema {VERSION}",
            "install a newer milestone",
        )
    if at >= end:
        return []
    connection, done = store.connection(), []
    try:
        connection.pipeline([BEGIN, ("SELECT pg_advisory_xact_lock($1)", (LOCK,))], 30.0)
        at = version(store)  # somebody else may just have done it
        for step, name, statements in MIGRATIONS:
            if at < step <= end:
                connection.pipeline([(one, ()) for one in parted(statements)], 60.0)
                connection.query("INSERT INTO milestone.migration (version, name) VALUES ($1, $2)", step, name)
                done.append(f"schema {step}: {name}")
        connection.query("COMMIT")
    except BaseException:
        if connection.is_open:
            connection.query("ROLLBACK")
        raise
    return done


def parted(statements: str) -> "list[str]":
    """Part SQL at the semicolons that end a line outside of a function's body."""
    found, inside, lines = [], False, []
    for line in statements.split("\n"):
        if line.startswith("--"):
            continue
        lines.append(line)
        if line.count("$$") % 2:
            inside = not inside
        if line.partition("--")[0].rstrip().endswith(";") and not inside:
            found.append("\n".join(lines).strip())
            lines = []
    return found


def make(store: "PostgresStore") -> None:
    """Make what is missing: the schema, and the project."""
    if not version(store):
        migrate(store)
    store.ask("INSERT INTO milestone.project (name) VALUES ($1) ON CONFLICT DO NOTHING", store.name)


def grant(store: "PostgresStore", kind: str, role: str) -> None:
    """Give a role that exists the rights of a reader or a writer, and no more.

    Raises:
        MilestoneError: `not_found` when there is no such role; `store_unreachable` without the right to grant.
    """
    if not store.ask("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        raise MilestoneError(
            "not_found",
            f"the server has no role '{role[:140]}'",
            "CREATE ROLE makes one, as the server's administrator",
        )
    quoted = text(store.ask("SELECT quote_ident($1)", role)[0][0])
    store.connection().transaction([(one.format(role=quoted), ()) for one in GRANTS[kind]])


def info(store: "PostgresStore") -> "dict[str, object]":
    """What the store is: where, whose, how large, and what this role may do."""
    about = store.connection().about()
    about.pop("backend")
    at = version(store)
    fields: dict[str, object] = {
        "store": store.path,
        "kind": "postgresql",
        "project": store.name,
        "format": at,
        "frozen": store.frozen,
        "moved_to": store.moved,
        **about,
        "rights": rights(store) if at else "none",
        "projects": [],
        "milestones": 0,
        "documents": 0,
        "events_bytes": 0,
        "documents_bytes": 0,
    }
    if not at:
        return fields
    rows = store.ask("SELECT name FROM milestone.project ORDER BY name")
    fields["projects"] = [text(row[0]) for row in rows]
    if store.project:
        row = store.ask(
            "SELECT (SELECT count(*) FROM milestone.document WHERE project = $1),"
            " (SELECT coalesce(sum(size), 0)::bigint FROM milestone.stream WHERE project = $1),"
            " (SELECT coalesce(sum(octet_length(data)), 0)::bigint FROM milestone.document WHERE project = $1)",
            store.project,
        )[0]
        fields["milestones"] = len(store.milestones())
        fields["documents"], size, fields["documents_bytes"] = map(number, row)
        fields["events_bytes"] = size - sum(origin_of(store, name).end for name in store.keys("origin"))
    return fields


def rights(store: "PostgresStore") -> str:
    """What this role may do: `owner`, `writer`, `reader` or `none`."""
    row = store.ask(
        "SELECT pg_has_role(nspowner, 'USAGE'), has_table_privilege('milestone.line', 'INSERT'),"
        " has_table_privilege('milestone.line', 'SELECT') FROM pg_namespace WHERE nspname = 'milestone'"
    )[0]
    return next((name for name, has in zip(("owner", "writer", "reader"), row, strict=True) if has == b"\1"), "none")


def check(store: "PostgresStore") -> "Iterator[Finding]":
    """Look whether the server keeps what is promised, and whether tables and logs fit; nothing is changed."""
    yield from _check_server(store)
    at = version(store)
    if at != VERSION:
        more = "`milestone store migrate` brings it there" if at < VERSION else "install a newer milestone"
        yield Finding("schema", "other", "error", f"the schema is {at}; this program needs {VERSION}", more)
        return
    yield sound("schema", f"the schema is {at}, as it should be")
    kind = rights(store)
    if kind == "reader":
        yield Finding("rights", "reader", "note", "this role may read and not write")
    else:
        yield sound("rights", f"this role is {'the owner' if kind == 'owner' else 'a writer'}")
    if store.project:
        yield from _check_logs(store)


def _check_server(store: "PostgresStore") -> "Iterator[Finding]":
    about = store.connection().about()
    weak = 0
    for name, (wanted, meaning) in WEAK.items():
        value = text(store.ask("SELECT current_setting($1)", name)[0][0])
        if value != wanted and not (name == "synchronous_commit" and value in ("remote_write", "remote_apply")):
            weak += 1
            yield Finding("server", name, "warning", f"{name} is {value}: {meaning}", f"set {name} = {wanted}", name)
    if not weak:
        yield sound("server", f"PostgreSQL {about['server_version']} syncs what it acknowledges")
    if number(store.ask("SELECT pg_backend_pid()")[0][0]) != about["backend"]:
        yield Finding(
            "server", "pooler", "note", "a pooler such as PgBouncer is in between: transactions work, LISTEN may not"
        )
    if (
        not about["tls"]
        and not str(about["host"]).startswith("/")
        and about["host"] not in ("localhost", "127.0.0.1", "::1")
    ):
        yield Finding("server", "plain", "warning", "the connection is not encrypted", "add ?sslmode=verify-full")


def _check_logs(store: "PostgresStore") -> "Iterator[Finding]":
    """Whether every log is as long as its lines, without gaps, and every line within its log."""
    rows = store.ask(
        "SELECT s.name, s.size, coalesce(min(l.at), s.size) + coalesce(sum(octet_length(l.data)), 0)::bigint,"
        " coalesce(max(l.at + octet_length(l.data)), s.size)::bigint FROM milestone.stream s"
        " LEFT JOIN milestone.line l ON l.stream = s.id WHERE s.project = $1"
        " GROUP BY s.id, s.name, s.size ORDER BY s.name",
        store.project,
    )
    bad = 0
    for row in rows:
        size, held, end = map(number, row[1:])
        if not size == held == end:
            bad += 1
            name = text(row[0])
            told = f"the log of '{name}' should have {size} bytes and has {held}, up to {end}"
            yield Finding("logs", "size", "error", told, f"`milestone events verify {name}` says more", name)
    if not bad:
        yield sound("logs", f"every log is as long as its lines ({len(rows)})")
