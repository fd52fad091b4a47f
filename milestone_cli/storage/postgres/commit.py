"""One change: events in one round trip, a state in two, and the same once more when the connection broke.

A try that broke is repeated with the same event ids, under the same locks; who comes second finds the event and does
nothing. So repeating is safe whether the first try was committed or not, and only a server that stays away leaves it
uncertain.
"""

from milestone_cli import errors, runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft
from milestone_cli.storage import refusals
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.storage.names import backup_key
from milestone_cli.storage.postgres.connection import BEGIN, LostError, RefusedError
from milestone_cli.storage.postgres.log import key_hash, middle, receipt, replayed
from milestone_cli.storage.postgres.sql import as_head, number, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Change, Document, Head, Receipt
    from milestone_cli.storage.postgres import PostgresStore
    from milestone_cli.storage.postgres.connection import Row

SKEW = 3600 * 10**9
"""Nanoseconds by which the clock may be behind of a server that takes the place of one that is gone."""
PAUSE = 0.25
"""Longest pause between two looks at a lease that somebody holds, in seconds."""


class Attempt:
    """What is known from tries that broke.

    Attributes:
        since: before the first, by the server's clock, nanoseconds since 1970.
        event: id of the last event that was sent to be committed; empty when none was.
        deadline: on the monotonic clock.
    """

    __slots__ = ("deadline", "event", "pause", "since")

    def __init__(self, store: "PostgresStore", timeout: float) -> None:
        self.since = store.since()
        self.deadline = runtime.monotonic() + timeout
        self.event = ""
        self.pause = 0.0

    def left_ms(self) -> int:
        """Milliseconds that are left to wait for a lock; at least one."""
        return max(1, int((self.deadline - runtime.monotonic()) * 1000))

    def again(self, error: LostError) -> None:
        """Let a broken try be repeated, after a pause.

        Raises:
            MilestoneError: the `error`, when there is no time left; `uncertain` where the change may have been done.
        """
        if not self.pause:
            self.since, self.pause = self.since - SKEW, 0.05
        if runtime.monotonic() + self.pause >= self.deadline:
            if not self.event:
                raise error
            raise MilestoneError(
                "uncertain",
                f"it is uncertain whether this was written: {error.message}",
                "look whether it is there; repeat it only with an idempotency key",
                event_id=self.event,
            )
        runtime.sleep(self.pause)
        self.pause = min(2 * self.pause, 1.0)


def commit(store: "PostgresStore", change: "Change") -> "Receipt":
    """Do one change; see `PostgresStore.commit`."""
    attempt = Attempt(store, change.timeout)
    if change.edit and change.drafts:
        change.drafts[0].event_id = ""
    while True:
        try:
            found = _save(store, change, attempt) if change.edit else _log(store, change, attempt)
        except LostError as error:
            attempt.again(error)
        except RefusedError as error:
            raise meant(store, error, change.milestone, change.key) from None
        else:
            if not found.replayed:
                done = f"revision {found.revision}" if change.edit else f"event {found.sequence}"
                runtime.applied.append(f"{done} of '{change.milestone}'")
            return found


def meant(store: "PostgresStore", error: RefusedError, name: str, key: str = "") -> MilestoneError:
    """What a refusal of one of our functions, or of a lock, means."""
    state = error.sqlstate
    if state == "MS001":
        return errors.moved(store.path, error.detail)
    if state == "MS002":
        return errors.frozen(store.path, error.detail)
    if state == "MS003":
        return refusals.twin(name, error.detail)
    if state == "MS004":
        return refusals.key_used(key)
    if state == "55P03":
        return MilestoneError(
            "lock_timeout", f"the lock of '{name}' is held by another writer", "try again, or wait longer", lock=name
        )
    return error


def _log(store: "PostgresStore", change: "Change", attempt: Attempt) -> "Receipt":
    """Log events: one statement, one round trip."""
    name, last = change.milestone, change.drafts[-1]
    lines = [middle(name, draft) for draft in change.drafts[:-1]] + [middle(name, last, change.key, change.request)]
    wait = attempt.left_ms()
    connection = store.connection(attempt.deadline)
    attempt.event = last.event_id
    values = (store.project, name, lines, key_hash(change.key), change.request, last.event_id, attempt.since, wait)
    [[(known, mine, line, state)]] = connection.transaction(
        [("SELECT * FROM milestone.log($1, $2, $3, $4, $5, $6, $7, $8)", values)], wait / 1000
    )
    if known is not None:
        return replayed(name, known)
    return receipt(name, mine or line, text(state), len(lines))


class Lock:
    """A state under its lock, in a transaction that is open: what `reconcile` and the writers here work with.

    Attributes:
        stream: name of the milestone.
        head: where its log stands.
        raw: its envelope; None when there is none.
        completed: there is a completed one.
        notes: what was repaired, sentences.
        prefix: what the next append has to say first.
    """

    __slots__ = ("clock", "completed", "head", "notes", "number", "prefix", "raw", "store", "stream")

    def __init__(self, store: "PostgresStore", stream: str, row: "Row") -> None:
        self.store = store
        self.stream = stream
        self.number = number(row[0])
        self.head: Head = as_head((*row[1:4], row[0], *row[4:10], None))
        self.clock = number(row[12])
        self.raw = row[13]
        self.completed = row[14] == b"\1"
        self.notes: list[str] = []
        self.prefix: list[Draft] = []

    def append(
        self,
        drafts: "list[Draft]",
        key: str = "",
        request: str = "",
        state: "tuple[int, str, int, int] | None" = None,
    ) -> "Receipt":
        """Append events in the transaction, as `files.log.Log.append` does."""
        lines = self.lines(drafts, key, request)
        row = self.store.connection().query(
            "SELECT milestone.append(s, $2, $3, $4, $5, $6, $7, $8, $9) FROM milestone.stream s WHERE id = $1",
            self.number, lines, key_hash(key), request, len(lines) - len(drafts), *(state or (None,) * 4),
        )[0]  # fmt: skip
        head = self.head
        found = receipt(self.stream, row[0], head.state, len(drafts))
        head.sequence = found.sequence
        if state:
            head.revision, head.state, head.base, head.spliced = state
            if head.base == head.revision:
                head.base_sequence = found.first
        self.prefix = []
        return found

    def lines(self, drafts: "list[Draft]", key: str = "", request: str = "") -> "list[bytes]":
        """What goes to the database for events, after what has to be said first."""
        last = len(drafts) - 1
        return [middle(self.stream, draft) for draft in self.prefix] + [
            middle(self.stream, draft, *((key, request) if index == last else ())) for index, draft in enumerate(drafts)
        ]


def take(
    store: "PostgresStore", name: str, attempt: Attempt, key: str = "", request: str = ""
) -> "tuple[Lock, Receipt | None]":
    """Begin a transaction under the lock of a name, waiting for a lease that another one holds.

    Returns:
        The lock; and the receipt of what was done before, then the transaction is over already.

    Raises:
        MilestoneError: `lock_timeout`.
    """
    from milestone_cli.storage.postgres.leases import LEASE, Lease, in_the_way, renew

    pause = 0.01
    while True:
        connection = store.connection(attempt.deadline)
        store.enter(is_inside=True)
        try:
            wait = attempt.left_ms()
            _, rows, leases = connection.pipeline(
                [
                    BEGIN,
                    (
                        "SELECT * FROM milestone.begin_change($1, $2, $3, $4, $5, $6, $7)",
                        (store.project, name, key_hash(key), request, attempt.event, attempt.since, wait),
                    ),
                    (LEASE + "name = $2", (store.project, name)),
                ],
                wait / 1000,
            )
        except BaseException:
            abandon(store)
            raise
        lock = Lock(store, name, rows[0])
        known, mine = rows[0][10:12]
        if known is not None or mine is not None:
            abandon(store)
            return lock, replayed(name, known) if known else receipt(name, mine, "", 1)
        held = Lease(leases[0]) if leases else None
        blocker, broken = in_the_way(held)
        if broken:
            connection.query(
                "UPDATE milestone.lease SET token = '' WHERE project = $1 AND name = $2", store.project, name
            )
            lock.prefix = [Draft("lock_broken", dumps(broken), "no-session", "system")]
        if blocker is None:
            renew(store, held)
            return lock, None
        abandon(store)
        if blocker.details.get("ancestor") or runtime.monotonic() + pause > attempt.deadline:
            raise blocker
        runtime.sleep(pause)
        pause = min(2 * pause, PAUSE)


def abandon(store: "PostgresStore") -> None:
    """Undo what a transaction has done so far."""
    store.enter(is_inside=False)
    if store.is_connected():
        try:
            store.connection().query("ROLLBACK")
        except LostError:
            pass  # then the server undoes it


def _save(store: "PostgresStore", change: "Change", attempt: Attempt) -> "Receipt":
    """Replace a state under its lock."""
    name, draft = change.milestone, change.drafts[0]
    notes: list[str] = []
    is_settled = False
    while True:
        lock, done = take(store, name, attempt, change.key, change.request)
        if done:
            return _done(store, done, change)
        try:
            old = parse_envelope(lock.raw, name) if lock.raw is not None else None
            if old is not None and is_settled and old.sha256 == lock.head.state:
                old.revision = lock.head.revision  # another program wrote it, and its envelope says none, or another
            if old is None or (old.sha256 == lock.head.state and old.revision == lock.head.revision):
                return _replace(store, change, lock, old, attempt, notes)
        except MilestoneError as error:
            abandon(store)
            if error.code != "damaged":
                raise
        except BaseException:
            abandon(store)
            raise
        else:
            abandon(store)
        # Damaged, or changed by something else: that is put right first, in a transaction of its own.
        from milestone_cli.storage.postgres.recovery import settle

        notes += settle(store, name, attempt)
        draft.event_id, is_settled = "", True


def _done(store: "PostgresStore", found: "Receipt", change: "Change") -> "Receipt":
    """A receipt of an earlier try of ours, completed with what that try knew."""
    if not found.replayed:
        found.first = found.sequence - len(change.drafts) + 1
        found.sha256 = store.read(change.milestone, found.revision).sha256
    return found


def _replace(
    store: "PostgresStore", change: "Change", lock: Lock, old: "Document | None", attempt: Attempt, notes: "list[str]"
) -> "Receipt":
    from milestone_cli.storage.files.commit import draw_up, whole

    assert change.edit is not None
    name, head, draft = change.milestone, lock.head, change.drafts[0]
    if old is None:
        head.base = 0
        if lock.completed:
            raise errors.completed(name)
    current = head.revision if old else 0
    if change.expect is not None and change.expect != current:
        raise errors.conflict(name, change.expect, current)
    new = change.edit(old.text if old else None)
    data = draft.data  # as the edit left it; a try that is repeated begins with it again
    try:
        envelope, state = draw_up(
            name, draft, old, new, head, runtime.timestamp(lock.clock), change.key, change.request
        )
        if state[2] == state[0]:
            draft.data = whole(draft.data, new)
        backup = backup_key(name, lock.clock, old.revision) if old else None
        lines = lock.lines(change.drafts, change.key, change.request)
    finally:
        draft.data = data
    attempt.event = change.drafts[-1].event_id
    values = (lock.number, backup, envelope, lines, key_hash(change.key), change.request, len(lock.prefix), *state)
    rows = store.connection().pipeline(
        [("SELECT milestone.save($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", values), ("COMMIT", ())]
    )[0]
    store.enter(is_inside=False)
    found = receipt(name, rows[0][0], state[1], len(change.drafts))
    found.notes = notes + lock.notes
    return found
