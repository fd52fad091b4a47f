"""Locks that last longer than a command: leases with fencing tokens, taken, renewed, given back and broken.

Every change of a lease is made under the lock of its name, which a commit holds until it is done: so whoever has a
lease knows that no earlier holder's write is still to come. The fence counts the holders.
"""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files.inside import tokens_at_hand
from milestone_cli.storage.postgres.commit import PAUSE, abandon, meant
from milestone_cli.storage.postgres.connection import BEGIN, LostError, RefusedError
from milestone_cli.storage.postgres.leases import LEASE, SHELL, Lease, in_the_way
from milestone_cli.storage.postgres.sql import number
from milestone_cli.storage.refusals import another_holder, inside, living_holder, not_held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Lease as Held
    from milestone_cli.storage.postgres import PostgresStore

    Facts = dict[str, object]

RUN = 30
"""Seconds of a lease that its holder renews, while it runs a command."""
GRACE = 3.0
"""Seconds in which those inside end what they are writing."""
BRIEF = 2.0
"""Seconds that looking after a lease may take, since a command is being watched meanwhile."""


def seconds() -> int:
    """Seconds of a lease that its holder renews: MILESTONE_LEASE, else `RUN`."""
    word = runtime.env("MILESTONE_LEASE") or ""
    return int(word) if word.isascii() and word.isdigit() and 0 < int(word) < 1 << 20 else RUN


class HeldLease:
    """A lease of this process; see `contract.Lease`."""

    def __init__(self, store: "PostgresStore", name: str, token: str, fence: int, holder: int) -> None:
        self.name = name
        self.token = token
        self.fence = fence
        self.broken: list[dict[str, object]] = []
        self._store = store
        self._holder = holder
        self._is_lost = False
        self._seconds = seconds()
        self._renewed = runtime.monotonic()

    def lend(self) -> None:
        """Nothing is to be done: who is told the token is inside."""

    def held(self) -> bool:
        """Whether nobody has broken it; renewed in time. While the server is away, as long as the lease lasts."""
        if self._is_lost:
            return False
        now = runtime.monotonic()
        try:
            if now - self._renewed >= self._seconds / 3:
                self._renew()
            else:
                self._is_lost = not self._ask(
                    "SELECT 1 FROM milestone.lease WHERE project = $1 AND name = $2 AND token = $3"
                )
        except LostError:
            self._is_lost = now - self._renewed > self._seconds
        return not self._is_lost

    def renew(self) -> None:
        """Say that the holder lives."""
        try:
            self._renew()
        except LostError:
            pass  # the next look tells

    def _renew(self) -> None:
        now = runtime.monotonic()
        self._is_lost = not self._ask(
            f"UPDATE milestone.lease SET expires = clock_timestamp() + {self._seconds} * interval '1 second'"  # noqa: S608
            " WHERE project = $1 AND name = $2 AND token = $3 RETURNING 1"
        )
        self._renewed = now

    def _ask(self, statement: str) -> bool:
        store = self._store
        connection = store.connection(runtime.monotonic() + BRIEF)
        return bool(connection.query(statement, store.project, self.name, self.token, answer=BRIEF))

    def let_go(self) -> None:
        """Nobody has more of it than the token, which counts for nothing once the lease is another's."""
        self._is_lost = True

    def hand_over(self, request: str = "") -> None:
        """Leave it to the process that it was taken for; until then it was this one's, and would have died with it.

        Raises:
            MilestoneError: `lock_lost` when somebody has broken it meanwhile.
        """
        started = runtime.start_time(self._holder)
        if not self._store.ask(
            HAND_OVER, self._store.project, self.name, self.token, self._holder, started, request, SHELL
        ):
            raise MilestoneError("lock_lost", f"the lock of '{self.name}' was broken meanwhile", "try again")


class Locks:
    """The leases of a project; see `contract.Locks`."""

    def __init__(self, store: "PostgresStore") -> None:
        self._store = store

    def names(self) -> "list[str]":
        """Names of the leases that are held, or have ended without being given back; sorted."""
        found = self._store.ask(LEASE + "true ORDER BY name", self._store.project)
        return [Lease(row).name for row in found]

    def _look(self, name: str) -> "Lease | None":
        found = self._store.ask(LEASE + "name = $2", self._store.project, name)
        return Lease(found[0]) if found else None

    def show(self, name: str) -> "Facts | None":
        """Who holds a lease; None when it is free. Who waits is not known."""
        found = self._look(name)
        return found.facts() if found else None

    def holder(self, name: str) -> "Facts | None":
        """Process and machine of who holds a lease that counts."""
        found = self._look(name)
        return {"pid": found.pid, "host": found.host} if found and found.judge()[0] != "stale" else None

    def granted(self, name: str, holder: int, request: str) -> "tuple[int, str] | None":
        """Fence and token of a lease that a process holds already because of this request; else None."""
        found = self._look(name)
        if (
            found is None
            or found.judge()[0] != "live"
            or (found.kind, found.pid, found.request) != ("shell", holder, request)
        ):
            return None
        return found.fence, found.token

    def _begin(self, name: str, seconds: float) -> "Lease | None":
        """Open a transaction under the lock of a name, and look at its lease."""
        store = self._store
        connection = store.connection()
        store.enter(is_inside=True)
        try:
            found = connection.pipeline(
                [
                    BEGIN,
                    ("SELECT milestone.begin_lease($1, $2, $3)", (store.project, name, int(seconds * 1000))),
                    (LEASE + "name = $2", (store.project, name)),
                ],
                seconds,
            )[2]
        except RefusedError as error:
            abandon(store)
            raise meant(store, error, name) from None
        except BaseException:
            abandon(store)
            raise
        return Lease(found[0]) if found else None

    def _commit(self, statement: str, *values: object) -> "list[tuple[bytes | None, ...]]":
        store = self._store
        try:
            rows = store.connection().pipeline([(statement, (store.project, *values)), ("COMMIT", ())])[0]
        except BaseException:
            abandon(store)
            raise
        store.enter(is_inside=False)
        return rows

    def hold(self, name: str, timeout: float, holder: int = 0) -> HeldLease:
        """Take a lease, for this process or another one; again, when the connection breaks.

        Raises:
            MilestoneError: `lock_timeout`, at once when this process is inside already.
        """
        deadline = runtime.monotonic() + timeout
        pause = 0.01
        token = runtime.token()
        broken: Facts | None = None
        while True:
            try:
                found = self._begin(name, max(0.001, deadline - runtime.monotonic()))
                if found and found.token == token:  # from a try whose answer was lost
                    abandon(self._store)
                    fence = found.fence
                    break
                blocker, broken = in_the_way(found)
                if blocker is None and (found is None or broken):
                    fence = self._take(name, token)
                    break
                abandon(self._store)
                if found is not None and blocker is None:
                    raise inside(name, found.pid)
            except LostError as error:
                blocker = error
            assert blocker is not None
            if runtime.monotonic() + pause > deadline:
                if blocker.code == "lock_timeout":
                    blocker.hint = "try again, or wait longer with --wait"
                raise blocker
            runtime.sleep(pause)
            pause = min(2 * pause, PAUSE)
        lease = HeldLease(self._store, name, token, fence, holder)
        lease.broken = [broken] if broken else []
        return lease

    def _take(self, name: str, token: str) -> int:
        """Write a lease of this process, whomever it is for: until it is handed over, it ends with it. Its fence."""
        pid = runtime.getpid()
        rows = self._commit(
            TAKE, name, token, runtime.host(), runtime.boot_id(), runtime.pid_space(), pid, runtime.start_time(pid),
            seconds(),
        )  # fmt: skip
        return number(rows[0][0])

    def end(self, lock: "Held") -> None:
        """Give a lease back once those inside have written what they are writing; unreachable, it ends by itself."""
        try:
            try:
                self._begin(lock.name, GRACE)
            except RefusedError:
                raise
            except MilestoneError as error:
                if error.code != "lock_timeout":
                    raise
                self._store.ask(FREE, self._store.project, lock.name, lock.token)
            else:
                self._commit(FREE, lock.name, lock.token)
        except LostError:
            abandon(self._store)

    def release(self, name: str, pid: int, *, force: bool, timeout: float) -> "Facts":
        """Give back a lease that a process holds without running a command of ours.

        Raises:
            MilestoneError: `not_found` when nothing is held, `conflict` when another one holds it, `lock_timeout`.
        """
        found = self._begin(name, timeout)
        try:
            facts = found.facts() if found else None
            if found is None or facts is None or facts["state"] == "stale":
                raise not_held(name, f": {facts['evidence']}" if facts else "")  # noqa: TRY301
            near = (pid, runtime.getpid())
            is_near = found.kind == "shell" and found.is_here()
            is_mine = is_near and (found.pid in near or runtime.is_ancestor(found.pid))
            if not force and not is_mine and found.token not in tokens_at_hand():
                raise another_holder(facts, pid)  # noqa: TRY301
        except BaseException:
            abandon(self._store)
            raise
        self._commit(FREE, name, found.token)
        return {**facts, "released": True}

    def break_(self, name: str, *, force: bool, dry_run: bool = False) -> "Facts":
        """Take a lease away whose holder is dead, or any by force, or only say which.

        Raises:
            MilestoneError: `not_found` when there is none, `conflict` when it counts.
        """
        found = self._begin(name, GRACE)
        try:
            if found is None:
                raise not_held(name)  # noqa: TRY301
            facts = found.facts()
            if not force and facts["state"] != "stale":
                raise living_holder(facts)  # noqa: TRY301
        except BaseException:
            abandon(self._store)
            raise
        if dry_run:
            abandon(self._store)
            return {**facts, "released": False}
        self._commit(FREE, name, found.token)
        return {**facts, "released": True}


TAKE = (
    "INSERT INTO milestone.lease AS l (project, name, fence, token, kind, host, boot, space, pid, start, acquired,"
    " expires) VALUES ($1, $2, 1, $3, 'milestone', $4, $5, $6, $7, $8, clock_timestamp(),"
    " clock_timestamp() + $9 * interval '1 second')"
    " ON CONFLICT (project, name) DO UPDATE SET fence = l.fence + 1, token = excluded.token, kind = excluded.kind,"
    " host = excluded.host, boot = excluded.boot, space = excluded.space, pid = excluded.pid, start = excluded.start,"
    " request = '', acquired = excluded.acquired, expires = excluded.expires RETURNING fence"
)
HAND_OVER = (
    "UPDATE milestone.lease SET kind = 'shell', pid = $4, start = $5, request = $6,"
    " expires = clock_timestamp() + $7 * interval '1 second'"
    " WHERE project = $1 AND name = $2 AND token = $3 RETURNING 1"
)
FREE = (
    "WITH freed AS (UPDATE milestone.lease SET token = '', expires = clock_timestamp()"
    " WHERE project = $1 AND name = $2 AND token = $3 RETURNING project, name)"
    " SELECT pg_notify('milestone_' || project, 'lock ' || name) FROM freed"
)
"""Gives a lease back, and tells whoever waits for it."""
