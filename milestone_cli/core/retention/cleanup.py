"""Retention applied to a milestone: items come from small sources, a plan decides, and what goes goes all or nothing.

A source looks at one kind of thing and says of each item what must hold it; a new kind joins `SOURCES`. Everything is
looked at again under the milestone's lock, and only what both looks would remove is removed.
"""

from milestone_cli import runtime
from milestone_cli.core import draft, lock_timeout, once, setting
from milestone_cli.core.agents import departed
from milestone_cli.core.checkpoints.copies import MARK, find_copies, parse_name
from milestone_cli.core.retention import expiry
from milestone_cli.core.retention.plan import DAY, Item, Plan, Policy, plan
from milestone_cli.core.retention.references import needed
from milestone_cli.core.sessions.session import is_alive
from milestone_cli.core.times import duration
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import Plan as Mutation
from milestone_cli.timestamps import parse_ns

KIND = "session-checkpoint"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.contract import Store


def policy_of(store: "Store", older_than: "str | None" = None, keep_last: "int | None" = None) -> Policy:
    """What a clean-up keeps: as given, else as configured, else what is younger than 7 days and the last 10.

    Raises:
        MilestoneError: `invalid_time`; `invalid_config` for a setting that means nothing.
    """
    if older_than is None:
        older_than = _configured(store, "older_than", "7d")
    if keep_last is None:
        keep_last = int(_configured(store, "keep_last", "10"))
    return Policy(duration(older_than), keep_last)


def _configured(store: "Store", name: str, default: str) -> str:
    value = setting(store, name, default)
    if value == default:
        return value
    from milestone_cli.core.configfile import check_setting

    return check_setting(name, value)


def plan_cleanup(store: "Store", milestone: str, policy: Policy, now: "int | None" = None) -> Plan:
    """Say of everything of a milestone whether it would stay, and why; nothing is changed.

    Args:
        store: where.
        milestone: whose.
        policy: what to keep.
        now: nanoseconds since 1970, when it is not the present moment by which ages are judged.

    Raises:
        MilestoneError: `usage` for a policy that keeps nothing; `not_found`.
    """
    if policy.is_empty:
        raise MilestoneError(
            "usage",
            "this policy keeps nothing",
            "give --keep-last, or --older-than a span of time, or neither for the last 10 and 7 days",
        )
    now = runtime.now_ns() if now is None else now
    found = plan([item for source in SOURCES for item in source(store, milestone)], policy, now)
    going = {put for item in found.removed for put in item.puts}
    need = needed(store, milestone, going)
    log = plan([*expiry.items(store, milestone, now - policy.older_than, need)], policy, now)
    found.decisions += log.decisions
    if not found.decisions and milestone not in store.milestones():
        store.read(milestone)
    return found


def run_cleanup(
    store: "Store",
    milestone: str,
    policy: Policy,
    planned: Plan,
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[list[Item], bool]":
    """Remove what a plan removes, as far as a second look under the lock agrees.

    Returns:
        What was removed, which is logged as `state_cleaned`; and whether this was done before under the same key.

    What is sealed of the log and stays is compressed afterwards.
    """
    removed: list[Item] = []

    def build() -> Mutation:
        removed[:] = _agreed(planned, plan_cleanup(store, milestone, policy, planned.now))
        return _mutation(store, milestone, policy, removed)

    request = f"{policy.older_than} {policy.keep_last}".encode()
    known = once(milestone, key, b"cleanup", request)
    # Sessions are changed by transactions alone, and one is under way at a time: they need no lock of their own.
    receipts = store.transact([milestone], build, lock_timeout(store, timeout), known)
    store.pack(milestone, lock_timeout(store, timeout))
    return removed, receipts[0].replayed


def _mutation(store: "Store", milestone: str, policy: Policy, removed: "list[Item]") -> Mutation:
    """The documents that go, and the event that says so."""
    counts: dict[str, int] = {}
    for item in removed:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    days = policy.older_than / DAY
    data: dict[str, object] = {
        "retention_days": int(days) if days.is_integer() else days,
        "keep_last": policy.keep_last,
        "removed": counts,
        "bytes": sum(item.size for item in removed),
    }
    mutation = Mutation("cleanup")
    mutation.puts = [(kind, key, None) for item in removed for kind, key in item.puts]
    old = sorted((item for item in removed if item.kind == expiry.KIND), key=lambda item: item.rank)
    anchor = expiry.anchor(store, milestone, old)
    if anchor:
        mutation.puts.append(expiry.put(anchor[0], milestone))
        mutation.events.append((milestone, draft(store, "events_removed", anchor[1])))
    mutation.events.append((milestone, draft(store, "state_cleaned", dumps(data))))
    return mutation


def _agreed(planned: Plan, again: Plan) -> "list[Item]":
    """What both looks would remove; of a log only its beginning, up to the first part that stays."""
    wanted = {(item.kind, item.name) for item in planned.removed}
    removed = [item for item in again.removed if (item.kind, item.name) in wanted]
    stay = [item.rank for item in (*again.kept, *again.removed) if item.kind == expiry.KIND and item not in removed]
    return [item for item in removed if item.kind != expiry.KIND or item.rank < min(stay, default=item.rank + 1)]


def copies(store: "Store", milestone: str) -> "Iterator[Item]":
    """Backups and checkpoints; a pinned checkpoint stays, and what is no sound copy is for people to look at."""
    infos = set(store.keys("checkpoint-info"))
    for copy in find_copies(store, milestone):
        hold, size = copy.trouble, copy.size
        places: tuple[tuple[str, str], ...] = (copy.place,)
        if copy.kind == "checkpoint" and copy.place[1] in infos:
            places = (copy.place, ("checkpoint-info", copy.place[1]))
            pin, more = _pin(store, copy.place[1])
            hold, size = hold or pin, size + more
        yield Item(
            copy.kind, copy.name, copy.time, size, rank=copy.revision,
            hold=hold, is_counted=copy.is_whole, proved=copy.proved, puts=places,
        )  # fmt: skip


def _pin(store: "Store", key: str) -> "tuple[str, int]":
    """Why a checkpoint's own notes hold it, and their size; empty when they do not."""
    record, size, trouble = _record(store, "checkpoint-info", key)
    if trouble or record is None:
        return "whether it is pinned cannot be read", size
    pinned = record.get("pinned")
    if pinned is None or pinned is False:
        return "", size
    reason = pinned.get("reason") if isinstance(pinned, dict) else None
    return f"pinned: {reason}" if reason else "pinned", size


def notes(store: "Store", milestone: str) -> "Iterator[Item]":
    """Notes of checkpoints that are gone; the bash utilities remove a checkpoint without its notes."""
    there = set(store.keys("checkpoint"))
    for key in store.keys("checkpoint-info"):
        parsed = parse_name(key.replace("/", f"-{MARK}"), milestone)
        if key in there or parsed is None:
            continue
        record, size, trouble = _record(store, "checkpoint-info", key)
        if trouble or (record and record.get("milestone_id", milestone) == milestone):
            put = ("checkpoint-info", key)
            yield Item("orphaned notes", parsed[1], store.modified(*put), size, hold=trouble, puts=(put,))


def transactions(store: "Store", milestone: str) -> "Iterator[Item]":
    """Records of transactions that are over; one that concerned several milestones is left to none of them."""
    for kind in ("committed", "rollback"):
        for key in store.keys(kind):
            record, size, _ = _record(store, kind, key)
            if record and record.get("milestones") == [milestone]:
                yield Item("transaction", key, store.modified(kind, key), size, puts=((kind, key),))


def sessions(store: "Store", milestone: str) -> "Iterator[Item]":
    """Sessions of the milestone; one that is active, or that something points to, stays."""
    pointed = _pointed_sessions(store)
    for key in store.keys("session"):
        record, size, trouble = _record(store, "session", key)
        time = store.modified("session", key)
        if record is None:
            if trouble:
                yield Item("session", key, time, size, hold=trouble)
            continue
        if record.get("milestone_id") != milestone:
            continue
        status = record.get("status")
        hold = pointed.get(key, "")
        if status == "active" and is_alive(record, store.modified("session", key)) is False:
            hold = "orphaned, and never ended"
        elif status != "completed":
            hold = f"it is {status}" if isinstance(status, str) and status else "nothing says that it has ended"
        time = max(time, parse_ns(record.get("ended_at")) or 0)
        puts = [("session", key)]
        if not hold:
            from milestone_cli.core.sessions.checkpoints import checkpoints
            from milestone_cli.core.sessions.pinning import documents

            held = [one.name for one in checkpoints(store, key) if one.pinned is not None]
            hold = f"its checkpoint {held[0]} is pinned" if held else ""
            puts = documents(store, key)
            size += sum(len(store.get(*put) or b"") for put in puts[:-1])
        yield Item("session", key, time, size, hold=hold, puts=tuple(puts))


def session_checkpoints(store: "Store", milestone: str) -> "Iterator[Item]":
    """Checkpoints of sessions that have not ended; the newest of each stays, and what is pinned or young."""
    now = runtime.now_ns()
    for key in store.keys("session"):
        record, _, _ = _record(store, "session", key)
        if record is None or record.get("milestone_id") != milestone or record.get("status") == "completed":
            continue
        if not store.keys(KIND, key):
            continue
        from milestone_cli.core.sessions.checkpoints import checkpoints
        from milestone_cli.core.sessions.pinning import unused

        settings = record.get("configuration")
        days = settings.get("backup_retention") if isinstance(settings, dict) else None
        youngest = now - int((days if isinstance(days, int | float) else 7) * DAY)
        found = checkpoints(store, key)
        for one in found:
            hold = "its session has not ended, and this is the newest" if one is found[-1] else ""
            if one.pinned is not None or one.trouble:
                hold = one.trouble or "pinned"
            time = parse_ns(one.created_at) or 0
            if time > youngest:
                hold = hold or "younger than its session's backup_retention"
            put = (KIND, f"{key}/{one.name}")
            size = len(store.get(*put) or b"")
            yield Item("session checkpoint", f"{key}/{one.name}", time, size, hold=hold, puts=(put,))
        for place in unused(store, key, set()):
            size = len(store.get(*place) or b"")
            yield Item("session part", place[1], store.modified(*place), size, puts=(place,))


def _pointed_sessions(store: "Store") -> "dict[str, str]":
    """Sessions that `.current_session` or a client's binding names, and what to say of them."""
    found = {}
    for key in store.keys("client"):
        for name in _words(store, "client", key)[:1]:
            found[name] = f"bound to the client session {key}"
    for name in _words(store, "current", "")[:1]:
        found[name] = "the current session"
    return found


def _words(store: "Store", kind: str, key: str) -> "list[str]":
    return (store.get(kind, key) or b"").decode("utf-8", "replace").split()


def _record(store: "Store", kind: str, key: str) -> "tuple[dict[str, object] | None, int, str]":
    """A document that is a JSON object, its size, and why it cannot be read."""
    try:
        raw = store.get(kind, key)
    except MilestoneError as error:
        return None, 0, f"cannot be read: {error.message}"
    except OSError as error:
        return None, 0, f"cannot be read: {error.strerror}"
    if raw is None:
        return None, 0, ""
    try:
        record = loads(raw)
    except ValueError:
        record = None
    return (record, len(raw), "") if isinstance(record, dict) else (None, len(raw), "cannot be read: it is damaged")


SOURCES: "tuple[Callable[[Store, str], Iterator[Item]], ...]" = (
    copies, notes, sessions, session_checkpoints, departed.agents, departed.points, departed.health, transactions
)  # fmt: skip
