"""A project on a PostgreSQL server, before it is a store: connections, the server's clock, and what is refused.

Each thread has a connection of its own, made anew when it broke; inside a transaction of the server it never is.
"""

from _thread import _local

from milestone_cli import errors, runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.postgres.connection import CONNECT, Connection, LostError, RefusedError
from milestone_cli.storage.postgres.sql import number
from milestone_cli.storage.postgres.url import mask, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.postgres.connection import Row

VERSION = 2
"""The schema that this program knows; `schema.MIGRATIONS` leads there, and no reader needs to import that."""
AGAIN = 5
"""How often a question is asked again whose connection broke; a server that cannot be reached is another matter."""
FRESH = 60.0
"""Seconds for which the server's clock is reckoned rather than asked."""


class Server:
    """A project in a database; each thread has a connection of its own.

    Attributes:
        path: its URL, without the password.
        project: number of the project; 0 when there is none yet.
        frozen: why nothing may be written; None when it may.
        moved: where the store has gone; None when it is here.
    """

    def __init__(self, url: str, *, is_new: bool = False) -> None:
        """Connect to the project.

        Args:
            url: `postgresql://…#project`.
            is_new: it need not be there yet, and what has moved may be opened.

        Raises:
            MilestoneError: `store_unreachable`, `no_store`, `store_moved`, `newer_format`, `invalid_config`.
        """
        self._url, self.name = split(url)
        self.path = mask(url)
        self._local = _local()
        self.project = 0
        self.version = 0
        self.frozen: str | None = None
        self.moved: str | None = None
        self.config: tuple[int, int] | None = None
        self._clock = (0, 0.0)
        try:
            self.hello()
        except RefusedError as error:
            if error.code != "no_store" or not is_new:
                raise
        if not is_new:
            self.refuse_unusable()

    def hello(self) -> None:
        """Ask what every command needs to know."""
        row = self.ask("SELECT * FROM milestone.hello($1)", self.name)[0]
        self.version, self.project = number(row[0]), number(row[1])
        self.frozen, self.moved = (None if word is None else word.decode() for word in row[2:4])
        self._clock = (number(row[4]), runtime.monotonic())
        self.config = None if row[5] is None else (number(row[5]), number(row[6]))

    def refuse_unusable(self) -> None:
        """Refuse a schema that is too new, a project that is not there, and one that has moved."""
        self._refuse_newer()
        if not self.project:
            raise MilestoneError(
                "no_store",
                f"the database has no project '{self.name}'",
                "`milestone init NAME` makes one",
                project=self.name,
            )
        if self.moved is not None:
            raise errors.moved(self.path, self.moved)

    def _refuse_newer(self) -> None:
        if self.version > VERSION:
            raise MilestoneError(
                "newer_format",
                f"the store '{self.path}' has schema {self.version}; this version of milestone knows schema {VERSION}",
                "install a newer milestone",
            )

    def refuse_other_version(self) -> None:
        """Refuse to write by a schema that this program does not know, or that lacks what it needs; an old one is read.

        Raises:
            MilestoneError: `newer_format`, `older_format`.
        """
        self._refuse_newer()
        if self.version < VERSION:
            raise MilestoneError(
                "older_format",
                f"the store '{self.path}' has schema {self.version}, which this version of milestone reads;"
                f" to write it needs schema {VERSION}",
                "`milestone store migrate` brings it there",
            )

    def clock(self) -> int:
        """The server's clock, nanoseconds since 1970: asked for once a minute, since two clocks do not run alike."""
        asked, then = self._clock
        now = runtime.monotonic()
        if now - then > FRESH:
            asked, then = self._clock = (number(self.ask("SELECT milestone.now_ns()")[0][0]), runtime.monotonic())
            now = then
        return asked + int((now - then) * 1e9)

    def since(self) -> int:
        """A moment surely before now by the server's clock, and not long before."""
        return self.clock() - 200_000_000

    def connection(self, deadline: "float | None" = None) -> Connection:
        """This thread's connection, made anew when it broke."""
        found: Connection | None = getattr(self._local, "connection", None)
        if found is None or not found.is_open:
            patience = runtime.monotonic() + 3 * CONNECT if deadline is None else deadline
            found = self._local.connection = Connection(self._url, patience)
        return found

    def ask(self, statement: str, *values: object) -> "list[Row]":
        """Read something; in a transaction, what that sees. A connection that breaks meanwhile is made anew."""
        for _ in range(AGAIN):
            connection = self.connection()
            try:
                return connection.query(statement, *values)
            except LostError:
                if self.is_inside():
                    raise
        return self.connection().query(statement, *values)

    def is_inside(self) -> bool:
        """Whether this thread is between the beginning and the end of a transaction."""
        return getattr(self._local, "is_inside", False)

    def is_connected(self) -> bool:
        """Whether this thread has a connection that can be used."""
        found: Connection | None = getattr(self._local, "connection", None)
        return found is not None and found.is_open

    def enter(self, *, is_inside: bool) -> None:
        """Say that this thread begins or ends a transaction."""
        self._local.is_inside = is_inside

    def close(self) -> None:
        """End this thread's connection; the store can still be used afterwards."""
        found: Connection | None = getattr(self._local, "connection", None)
        if found is not None:
            found.close()
