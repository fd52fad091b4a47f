"""Being woken by the server when something changes: LISTEN on the project's channel.

The connection is the one that is read with, idle outside of any transaction. When it was made anew, for whatever
reason, it listens anew, and whoever waits looks again, for nobody has told what happened meanwhile: the cursor is the
truth. A pooler in between may keep LISTEN from working, so from time to time somebody is woken for nothing.
"""

from milestone_cli import runtime
from milestone_cli.storage.files.watching import wait_for
from milestone_cli.storage.postgres.connection import LostError
from milestone_cli.storage.postgres.sql import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.postgres import PostgresStore
    from milestone_cli.storage.postgres.connection import Connection

EVERY = 10.0
"""Seconds after which somebody is woken for nothing."""
OFTEN = 1.0
"""The same where a pooler is in between, and for what the server does not tell of."""
PATIENCE = 30.0
"""Seconds in which a server that is gone may come back."""
PAUSE = 0.3


class Listener:
    """Tells when something of a project may have changed; armed from the start."""

    def __init__(self, store: "PostgresStore", *, is_told: bool = True) -> None:
        """Listen.

        Args:
            store: whose project.
            is_told: whether the server tells of all that is waited for: not of documents, nor when a lease ends.

        Raises:
            MilestoneError: `store_unreachable`.
        """
        self._store = store
        self._every = EVERY if is_told else OFTEN
        self._connection: Connection | None = None
        self._listen(-1)

    def _listen(self, reader: int) -> None:
        """Listen on this thread's connection, made anew where it broke, as long as it takes the server to come back."""
        store = self._store
        until = runtime.monotonic() + PATIENCE
        while True:
            try:
                connection = store.connection()
                listen = f"LISTEN milestone_{store.project}"
                found = connection.pipeline([(listen, ()), ("SELECT pg_backend_pid()", ())])
                store.hello()
            except LostError:
                if runtime.monotonic() > until:
                    raise
                wait_for([], PAUSE, reader)
            else:
                break
        store.refuse_unusable()
        if number(found[1][0][0]) != connection.about()["backend"]:
            self._every = OFTEN
        self._connection = connection

    def wait(self, timeout: float, reader: int = -1) -> None:
        """See `contract.Watcher`."""
        deadline = runtime.monotonic() + min(timeout, self._every)
        while True:
            connection = self._connection
            if connection is None or not connection.is_open or connection is not self._store.connection():
                self._listen(reader)
                return
            try:
                is_told = connection.told()
            except LostError:
                continue
            left = deadline - runtime.monotonic()
            if is_told or left <= 0:
                return
            wait_for([connection.socket()], left, reader)

    def close(self) -> None:
        """End it; the connection goes on."""
        if self._connection is not None and self._connection.is_open:
            try:
                self._connection.query("UNLISTEN *")
            except LostError:
                pass
        self._connection = None
