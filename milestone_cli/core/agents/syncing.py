"""Bringing a synchronisation about: who takes part, waiting for the answers, and giving up in time."""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout
from milestone_cli.core.agents.agent import Agent, agents, find
from milestone_cli.core.agents.agenting import working
from milestone_cli.core.agents.fallen import bury, bury_all
from milestone_cli.core.agents.heartbeat import is_gone
from milestone_cli.core.agents.sync import KIND, OPEN, finish, look, missing, points, read
from milestone_cli.core.agents.vitals import examine
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Plan
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

ROUND = 1.0
"""Seconds between two looks at whether those who are awaited live."""


def chosen(
    store: "Store",
    wanted: "list[str] | None",
    *,
    session: "str | None",
    milestone: "str | None",
    current: "str | None",
) -> "list[str]":
    """The agents that take part, in the order of their registration; the dead are recorded as such before.

    Raises:
        MilestoneError: `not_found` for one that is not there, `conflict` for one that has ended.
    """
    bury_all(store)
    if wanted is not None:
        return [working(find(store, name)).id for name in dict.fromkeys(wanted)]
    of: list[Agent] = agents(
        store,
        session=session or (None if milestone else current),
        milestone=None if session else milestone,
        is_over=False,
    )
    return [one.id for one in of]


def wait(store: "Store", name: str, timeout: float) -> "Facts":
    """Wait until a point is over; when the time is, it has failed.

    Raises:
        MilestoneError: `sync_failed` when it has failed.
    """
    deadline = runtime.monotonic() + timeout
    looked = runtime.monotonic()
    watcher = store.changes([], [(KIND, name)], [])
    try:
        while True:
            one = read(store, name)
            if one["status"] != OPEN:
                break
            now = runtime.monotonic()
            if now >= deadline:
                one = fail(store, name, f"no answer from {', '.join(missing(one))} within {timeout:g} s")
            elif now - looked >= ROUND:
                looked = now
                _look_after(store, missing(one))
            else:
                watcher.wait(min(ROUND - (now - looked), deadline - now))
    except KeyboardInterrupt:
        fail(store, name, "whoever asked for it was interrupted")
        raise
    finally:
        watcher.close()
    if one["status"] == "failed":
        runtime.applied.clear()  # the error says what is on disk: a point that has failed
        raise MilestoneError(
            "sync_failed",
            f"the synchronisation '{name}' has failed: {one.get('reason')}",
            f"`milestone agent sync-show {name}` says who has answered; `milestone agent health` who lives",
            sync_id=name,
            missing=missing(one),
            lost=one.get("lost"),
        )
    return one


def _look_after(store: "Store", awaited: "list[str]") -> None:
    """Record those of the awaited as failed that are proved dead, and so wait for them no longer."""
    here = [one for one in agents(store, is_over=False) if one.id in awaited]
    bury(store, examine(store, here))


def fail(store: "Store", name: str, reason: str) -> "Facts":
    """Record that a point has failed, unless it is over meanwhile; the point as it is then."""
    found: Facts = {}

    def build() -> Plan:
        nonlocal found
        plan, found = Plan("sync_fail"), read(store, name)
        if found["status"] == OPEN:
            finish(plan, found, store, "failed", reason)
        return plan

    store.transact([], build, lock_timeout(store, None))
    return found


def close_overdue(store: "Store") -> "list[str]":
    """Record points as failed whose time is over and for which nobody waits any more; their ids."""
    closed = []
    for one in points(store, is_open=True):
        if is_abandoned(store, one):
            name = str(one["sync_id"])
            fail(store, name, f"no answer from {', '.join(missing(one))} in time, and nobody waits for it any more")
            closed.append(name)
    return closed


def is_abandoned(store: "Store", one: "Facts") -> bool:
    """Whether the time of an open point is over, by the store's clock, and its requester is not known to wait."""
    requester, timeout = one.get("requester"), one.get("timeout")
    if isinstance(requester, dict) and is_gone(requester) is False:
        return False
    started = parse_ns(one.get("started_at"))
    seconds = timeout if isinstance(timeout, int | float) else 0
    return started is None or store.clock() > started + int((seconds + ROUND) * 1e9)


def is_over(store: "Store", name: str) -> bool:
    """Whether a point has ended, or is not there."""
    one = look(store, name)
    return not one or one["status"] != OPEN
