"""Several documents and events, all or nothing: one transaction of the server, in which the plan is made.

There is nothing to roll forward: what was not committed is undone by the server. A record stays all the same, as every
store leaves one.
"""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.reconciling import log_events, state_events
from milestone_cli.storage.postgres.commit import PAUSE, Attempt, Lock, abandon, meant
from milestone_cli.storage.postgres.connection import BEGIN, LostError, RefusedError
from milestone_cli.storage.postgres.leases import LEASE, Lease, in_the_way, renew
from milestone_cli.storage.postgres.log import key_hash, replayed
from milestone_cli.storage.transactions import closed, opened, refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.model import Plan, Receipt
    from milestone_cli.storage.postgres import PostgresStore

    Once = tuple[str, str, str]
    Sent = dict[str, list[Receipt]]
    """Transactions that were sent to be committed, and broke: by their ids, what they would have answered."""

PUT = "SELECT milestone.put($1, $2, $3, $4)"
DROP = "DELETE FROM milestone.document WHERE project = $1 AND kind = $2 AND key = $3"
BACK_UP = (
    "INSERT INTO milestone.document (project, kind, key, data, written)"
    " SELECT project, 'backup', $3, data, written FROM milestone.document"
    " WHERE project = $1 AND kind = 'active' AND key = $2 ON CONFLICT DO NOTHING"
)


def transact(
    store: "PostgresStore",
    names: "list[str]",
    build: "Callable[[], Plan]",
    timeout: float,
    once: "Once | None" = None,
) -> "list[Receipt]":
    """Take the locks of `names`, let `build` look and decide, and do what it planned; see `PostgresStore.transact`."""
    attempt = Attempt(store, timeout)
    sent: Sent = {}
    while True:
        try:
            return _try(store, sorted(set(names)), build, attempt, once, sent)
        except LostError as error:
            attempt.again(error)
        except RefusedError as error:
            raise meant(
                store, error, once[0] if once else ", ".join(names) or "transactions", once[1] if once else ""
            ) from None


def _try(
    store: "PostgresStore",
    names: "list[str]",
    build: "Callable[[], Plan]",
    attempt: Attempt,
    once: "Once | None",
    sent: "Sent",
) -> "list[Receipt]":
    broken = _begin(store, names, attempt)
    try:
        found = _before(store, once, sent)
        if found is not None:
            abandon(store)
            return found
        _settle(store, names)
        started = runtime.timestamp(store.clock())
        plan = build()
        plan.id = plan.id or runtime.new_transaction_id(runtime.now_ns())
        if plan.refused is not None:
            record = refused(plan, started, runtime.timestamp(store.clock()))
            _put(store, "rollback", plan.id, dumps(record).encode() + b"\n")
            _commit(store)
            raise plan.refused  # noqa: TRY301 - nothing is open any more
        if not plan.puts and not plan.events:
            _commit(store)  # what was settled stays so, and what `build` set aside
            return []
        receipts = sent[plan.id] = _do(store, plan, started, broken, once)
        attempt.event = receipts[0].event_id if receipts else plan.id
        _commit(store)
        runtime.applied.append(f"the transaction {plan.id}")
    except BaseException:
        if store.is_inside():
            abandon(store)
        raise
    return receipts


def _commit(store: "PostgresStore") -> None:
    store.connection().query("COMMIT")
    store.enter(is_inside=False)


def _begin(store: "PostgresStore", names: "list[str]", attempt: Attempt) -> "dict[str, Draft]":
    """Open the transaction once no lease of the names is in the way.

    Returns:
        What has to be said of leases that the dead have left, by their names.

    Raises:
        MilestoneError: `lock_timeout`.
    """
    pause = 0.01
    array = "{" + ",".join(f'"{name}"' for name in names) + "}"
    while True:
        connection = store.connection(attempt.deadline)
        store.enter(is_inside=True)
        wait = attempt.left_ms()
        try:
            leases = connection.pipeline(
                [
                    BEGIN,
                    ("SELECT milestone.begin_transaction($1, $2, $3)", (store.project, array, wait)),
                    (LEASE + "name = ANY ($2)", (store.project, array)),
                ],
                wait / 1000,
            )[2]
            broken: dict[str, Draft] = {}
            blocker: MilestoneError | None = None
            for lease in map(Lease, leases):
                trouble, evidence = in_the_way(lease)
                blocker = blocker or trouble
                renew(store, lease)
                if evidence:
                    broken[lease.name] = Draft("lock_broken", dumps(evidence), "no-session", "system")
                    connection.query(
                        "UPDATE milestone.lease SET token = '' WHERE project = $1 AND name = $2",
                        store.project,
                        lease.name,
                    )
        except BaseException:
            abandon(store)
            raise
        if blocker is None:
            return broken
        abandon(store)
        if runtime.monotonic() + pause > attempt.deadline:
            raise blocker
        runtime.sleep(pause)
        pause = min(2 * pause, PAUSE)


def _before(store: "PostgresStore", once: "Once | None", sent: "Sent") -> "list[Receipt] | None":
    """Receipts of the same done before: by an earlier try of this call, as its record tells, or under the same key."""
    for identity, receipts in sent.items():
        if store.modified("committed", identity):
            return receipts
    if once is None:
        return None
    rows = store.ask(
        "SELECT milestone.known(id, $3, $4) FROM milestone.stream WHERE project = $1 AND name = $2",
        store.project, once[0], key_hash(once[1]), once[2],
    )  # fmt: skip
    return [replayed(once[0], rows[0][0])] if rows and rows[0][0] is not None else None


def _settle(store: "PostgresStore", names: "list[str]") -> None:
    """Bring logs up to states that something else has changed, so that every plan starts from what is recorded."""
    from milestone_cli.storage.postgres.recovery import reconcile_state

    for name in names:
        head = store.head(name)
        raw = store.get("active", name)
        if raw is not None:
            reconcile_state(store, name, head, raw)


def _do(
    store: "PostgresStore",
    plan: "Plan",
    started: str,
    broken: "dict[str, Draft]",
    once: "Once | None",
) -> "list[Receipt]":
    """Put the documents, log the events, leave the record; not committed yet."""
    for _, draft in plan.events:
        draft.event_id = draft.event_id or runtime.new_event_id(runtime.now_ns())
    record = opened(store, plan, started, lambda kind, key: "/".join(layout.place(kind, key)))
    documents = record["documents"]
    assert isinstance(documents, list)
    before = {(one["kind"], one["key"]): one["before"] for one in documents}
    statements: list[tuple[str, tuple[object, ...]]] = []
    for kind, key, data in plan.puts:
        old = before.get((kind, key))
        if kind == "active" and data is not None and old and "revision" in old:
            backup = layout.backup_file(key, started, old["revision"])[:-5]
            statements.append((BACK_UP, (store.project, key, backup)))
        place = store.place(kind, key)
        if data is None:
            statements.append((DROP, (store.project, kind, place)))
        else:
            statements.append((PUT, (store.project, kind, place, data)))
        if kind == "origin":
            statements.append(("SELECT milestone.trim($1, $2)", (store.project, key)))
    done = closed(record, "committed", runtime.timestamp(store.clock()))
    statements.append((PUT, (store.project, "committed", plan.id, dumps(done).encode() + b"\n")))
    store.connection().pipeline(statements)
    states = state_events(plan.puts)
    receipts = []
    for stream in dict.fromkeys(stream for stream, _ in plan.events):
        drafts = [draft for name, draft in plan.events if name == stream]
        log = open_log(store, stream)
        log.prefix += [broken[stream]] if stream in broken else []
        named = once[1:] if once and once[0] == stream else ("", "")
        receipts.append(log_events(log, drafts, states, *named))  # type: ignore[arg-type] # it asks for no more than `Lock` has
    return receipts


def open_log(store: "PostgresStore", stream: str) -> Lock:
    """A log under its row's lock, as `reconcile` and `log_events` take it."""
    row = store.ask(
        "SELECT id, sequence, checksum, size, time, revision, state, base, base_sequence, spliced, NULL, NULL,"
        " milestone.now_ns(), NULL, false FROM milestone.open_stream($1, $2)",
        store.project,
        stream,
    )[0]
    return Lock(store, stream, row)


def _put(store: "PostgresStore", kind: str, key: str, data: bytes) -> None:
    store.ask(PUT, store.project, kind, key, data)
