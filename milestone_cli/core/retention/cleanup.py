"""Retention applied to a milestone: sources give items, a plan decides, and what goes goes all or nothing.

Everything is looked at again under the milestone's lock, and only what both looks would remove is removed. Where there
is no milestone, what belongs to none is cleaned up all the same.
"""

import os

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, draft, lock_timeout, once, setting
from milestone_cli.core.retention import expiry
from milestone_cli.core.retention.plan import CALENDAR, DAY, Decision, Item, Plan, Policy, plan
from milestone_cli.core.retention.sources import SOURCES
from milestone_cli.core.times import duration
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft, log_of, safe
from milestone_cli.model import Plan as Mutation
from milestone_cli.storage.files.layout import CACHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.contract import Store

    Tell = Callable[[str, int, int], None]
    """Hears what is being done, how far it is, and how much there is to do."""

CACHE = "cache entries"
NAMED = ("task", "session")
"""Kinds of which the log says of each one that it is gone."""
MANY = ("backup", "checkpoint", "committed", "rollback", "task", "session")
"""Kinds of documents of which there may be many, by which it is told how far a look is."""


def policy_of(
    store: "Store",
    older_than: "str | None" = None,
    keep_last: "int | None" = None,
    *,
    keep_within: "str | None" = None,
    calendar: "tuple[int | None, ...]" = (None,) * 4,
    tags: "list[str] | None" = None,
) -> Policy:
    """What a clean-up keeps: as given, else as configured, else what is younger than 7 days and the last 10.

    Args:
        store: whose configuration counts.
        older_than: span of time.
        keep_last: how many.
        keep_within: span of time.
        calendar: how many hours, days, weeks and months.
        tags: each a tag, or several with commas between them.

    Raises:
        MilestoneError: `invalid_time`, `invalid_name`; `invalid_config` for a setting that means nothing.
    """
    given = {"older_than": older_than, "keep_last": keep_last, "keep_within": keep_within}
    given |= {f"keep_{word}": count for word, count in zip(CALENDAR, calendar, strict=True)}
    defaults = {"older_than": "7d", "keep_last": "10"}
    told = {
        name: _configured(store, name, defaults.get(name, "0")) if value is None else str(value)
        for name, value in given.items()
    }
    hours, days, weeks, months = (int(told[f"keep_{word}"]) for word in CALENDAR)
    return Policy(
        duration(told["older_than"]),
        int(told["keep_last"]),
        keep_within=duration(told["keep_within"]),
        calendar=(hours, days, weeks, months),
        tags=tuple(tuple(safe(word, "tag") for word in one.split(",")) for one in tags or []),
    )


def _configured(store: "Store", name: str, default: str) -> str:
    value = setting(store, name, default)
    if value == default:
        return value
    from milestone_cli.core.configuration.declared import check

    return check(name, value)


def plan_cleanup(
    store: "Store",
    milestone: str,
    policy: Policy,
    now: "int | None" = None,
    *,
    archives: bool = False,
    tell: "Tell | None" = None,
    with_cache: bool = True,
) -> Plan:
    """Say of everything of a milestone, and of none, whether it would stay, and why; nothing is changed.

    Args:
        store: where.
        milestone: whose; empty for what belongs to none alone.
        policy: what to keep.
        now: nanoseconds since 1970, when it is not the present moment by which ages are judged.
        archives: put away instead of removed is what can be.
        tell: hears how far it is.
        with_cache: tell of the cache, which is no part of the transaction, too.

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
    total = sum(len(store.keys(kind)) for kind in MANY) if tell is not None else 0
    items: list[Item] = []
    for item in (one for source in SOURCES for one in source(store, milestone)):
        items.append(item)
        if tell is not None:
            tell("looking", min(len(items), total - 1), total)
    if tell is not None:
        tell("looking", total, total)
    found = plan(items, policy, now)
    if archives:
        from milestone_cli.core.retention.archiving import spare

        spare(store, milestone, found)
    if with_cache and _has_cache(store):
        from milestone_cli.core.retention import cached

        found.decisions += cached.decisions(store, now)
    limit = now - policy.older_than
    if milestone:
        need = expiry.needed(store, milestone, {put for item in found.removed for put in item.puts})
        found.decisions += plan([*expiry.items(store, milestone, limit, need)], policy, now).decisions
        if not found.decisions and milestone not in store.milestones():
            store.read(milestone)
    found.decisions += plan([*expiry.others(store, limit)], policy, now).decisions
    return found


def _has_cache(store: "Store") -> bool:
    """Whether anything may have been kept in the cache; where not, not even its code is loaded."""
    if "://" in store.path:
        return True
    try:
        return bool(os.listdir(f"{store.path}/{CACHED}"))
    except OSError:
        return False


def run_cleanup(
    store: "Store",
    milestone: str,
    policy: Policy,
    planned: Plan,
    *,
    archives: bool = False,
    key: "str | None" = None,
    timeout: "float | None" = None,
    tell: "Tell | None" = None,
) -> "tuple[Plan, bool]":
    """Remove and put away what a plan says, as far as a second look under the lock agrees.

    Returns:
        The decisions that were carried out, which is logged as `state_cleaned`; and whether this was done before under
        the same key.

    What is sealed of the logs and stays is compressed afterwards.
    """
    done = Plan([])
    stream, locks = milestone or log_of(NO_SESSION), [milestone] if milestone else []

    def build() -> Mutation:
        again = plan_cleanup(store, milestone, policy, planned.now, archives=archives, tell=tell, with_cache=False)
        going = _agreed(planned, again)
        done.stuck = expiry.part(store, going, lock_timeout(store, timeout))
        done.decisions = [one for one in going if not one.is_kept]
        return _mutation(store, milestone, stream, policy, done)

    known = once(stream, key, b"cleanup", policy.spelt().encode() + b" archive" * archives)
    expiry.keep_progress(store, planned.removed, lock_timeout(store, timeout))
    # Sessions are changed by transactions alone, one at a time, and repairs of their logs wait for these: so they need
    # no lock of their own.
    receipts = store.transact(locks, build, lock_timeout(store, timeout), known)
    for log in dict.fromkeys(one.item.group for one in planned.decisions if expiry.is_part(one.item)):
        store.pack(log, lock_timeout(store, timeout))
    if any(item.kind == CACHE for item in planned.removed) and not receipts[0].replayed:
        from milestone_cli.core.retention import cached

        gone = cached.maintain(store, planned.removed)
        done.decisions += [Decision(item, "over", is_kept=False) for item in gone]
    return done, receipts[0].replayed


def _mutation(store: "Store", milestone: str, stream: str, policy: Policy, done: Plan) -> Mutation:
    """The documents that go, and the events that say so."""
    removed, archived = done.removed, done.archived
    days = policy.older_than / DAY
    data: dict[str, object] = {
        "retention_days": int(days) if days.is_integer() else days,
        "keep_last": policy.keep_last,
        "removed": _counts(removed),
        "bytes": done.freed,
        **({"archived": _counts(archived)} if archived else {}),
    }
    mutation = Mutation("cleanup")
    mutation.puts = [(kind, key, None) for item in removed for kind, key in item.puts]
    mutation.events = [_told(store, item) for item in removed if item.kind in NAMED]
    if archived:
        from milestone_cli.core.retention.archiving import put_away

        put_away(store, milestone, mutation, archived)
    expiry.take_away(store, mutation, removed)
    mutation.events.append((stream, draft(store, "state_cleaned", dumps(data))))
    return mutation


def _counts(items: "list[Item]") -> "dict[str, int]":
    """How many there are of each kind."""
    counts: dict[str, int] = {}
    for item in items:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    return counts


def _told(store: "Store", item: Item) -> "tuple[str, Draft]":
    """The event, and its log, that a task or a session is gone: who brings back what was lost leaves it so."""
    from milestone_cli.core.sessions.session import Session
    from milestone_cli.core.tasks.task import Task

    raw = store.get(item.kind, item.name) or b""
    one = Task(item.name, raw) if item.kind == "task" else Session(item.name, raw, item.time, "")
    said = {f"{item.kind}_id": item.name, "documents": len(item.puts), "bytes": item.size, "reason": "retention"}
    return one.stream, draft(store, f"{item.kind}_deleted", dumps(said))


def _agreed(planned: Plan, again: Plan) -> "list[Decision]":
    """What is to go by both looks, the same way; of a log only its beginning, up to the first part that stays."""
    wanted = {(one.item.kind, one.item.name, one.word) for one in planned.decisions if not one.is_kept}
    going = [one for one in again.decisions if (one.item.kind, one.item.name, one.word) in wanted]
    return expiry.beginnings(going, again.decisions)
