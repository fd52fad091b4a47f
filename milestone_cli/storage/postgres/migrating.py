"""Bringing the schema of a database to another version, and back: each step is one transaction of the server.

So nothing has to be kept beside: a step that is killed has not been done. What is taken back must not lose what only
the newer schema can hold; where there is such a thing, the way back is refused. The table `migration` is the log.
"""

from milestone_cli.errors import MilestoneError, frozen, moved
from milestone_cli.storage.migration import Outcome
from milestone_cli.storage.postgres import PostgresStore, admin
from milestone_cli.storage.postgres.connection import BEGIN
from milestone_cli.storage.postgres.schema import MIGRATIONS
from milestone_cli.storage.postgres.server import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

KNOWN = """
CREATE OR REPLACE FUNCTION milestone.known(p_stream bigint, p_key bytea, p_request text) RETURNS bytea
LANGUAGE plpgsql AS $$
DECLARE
    o milestone.once;
BEGIN
    SELECT * INTO o FROM milestone.once WHERE stream = p_stream AND key = p_key;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF o.request <> p_request THEN
        RAISE EXCEPTION 'key' USING ERRCODE = 'MS004';
    END IF;
    RETURN (SELECT data FROM milestone.line WHERE stream = p_stream AND at = o.at);
END $$;

DROP FUNCTION milestone.trim(int, text);
ALTER TABLE milestone.once DROP COLUMN stub;
"""
BACK: "dict[int, tuple[str, str, str]]" = {
    2: (
        "SELECT 1 FROM milestone.document WHERE kind = 'origin' LIMIT 1",
        "retention has removed events from a log, which schema 1 does not know",
        KNOWN,
    )
}
"""Of each schema: what finds something that the one before cannot hold, a sentence about that, and the way back."""


class Migrator:
    """A database whose schema can be brought to another version; see `migration.Migrator`."""

    newest = VERSION

    def __init__(self, path: str) -> None:
        """Open the store, whatever its schema and its marks."""
        self._store = PostgresStore(path, is_new=True)
        self.path = self._store.path
        if not self._store.version:
            raise MilestoneError(
                "no_store", "the database holds no store of milestone", "`milestone store init` makes one"
            )

    def version(self) -> int:
        """The schema that the database has."""
        return admin.version(self._store)

    def begun(self) -> "Outcome | None":
        """Nothing: what was killed, the server has taken back."""
        return None

    def plan(self, end: int) -> Outcome:
        """What would be done; nothing is changed."""
        store = self._store
        if store.moved is not None:
            raise moved(store.path, store.moved)
        if store.frozen is not None:
            raise frozen(store.path, store.frozen)
        found = Outcome(self.path, self.version(), end)
        names = {number: name for number, name, _ in MIGRATIONS}
        if not found.is_back:
            found.steps = [f"schema {number}: {names[number]}" for number in range(found.start + 1, end + 1)]
        for number in range(found.start, end, -1):
            if number not in BACK:
                raise MilestoneError(
                    "not_found",
                    f"there is no way back from schema {number}",
                    "a backup of the database from before has the old one",
                )
            query, why, _ = BACK[number]
            _refuse(bool(store.ask(query)), number, why)
            found.steps.append(f"schema {number - 1}: without '{names[number]}'")
        return found

    def run(self, end: int, sound: "Callable[[], list[str]]") -> Outcome:
        """Do it, and look whether every log that proved itself still does."""
        found = self.plan(end)
        if not found.steps:
            return found
        before = sound() if found.start else []
        if found.is_back:
            for number in range(found.start, end, -1):
                self._back(number)
        else:
            admin.migrate(self._store, end=end)
        self._store.hello()
        wrong = sorted(set(before) - set(sound()))
        if wrong:
            raise MilestoneError(
                "damaged",
                f"logs whose checksums no longer fit: {', '.join(wrong[:5])}",
                "`milestone events verify --all` shows where they are damaged",
                logs=wrong,
            )
        return found

    def _back(self, number: int) -> None:
        """Take one schema back, unless somebody else has just done it."""
        query, why, statements = BACK[number]
        connection = self._store.connection()
        try:
            connection.pipeline([BEGIN, ("SELECT pg_advisory_xact_lock($1)", (admin.LOCK,))], 30.0)
            if self.version() == number:
                connection.query("LOCK TABLE milestone.document IN SHARE MODE")
                _refuse(bool(self._store.ask(query)), number, why)
                connection.pipeline([(one, ()) for one in admin.parted(statements)], 60.0)
                connection.query("DELETE FROM milestone.migration WHERE version = $1", number)
            connection.query("COMMIT")
        except BaseException:
            if connection.is_open:
                connection.query("ROLLBACK")
            raise


def _refuse(is_there: bool, number: int, why: str) -> None:
    if is_there:
        raise MilestoneError(
            "conflict",
            f"there is no way back from schema {number}: {why}",
            "a backup of the database from before has the old one",
        )
