"""Agents and synchronisation points: records that can be read, the dead that nobody buried, points nobody waits for."""

from milestone_cli.core.agents.agent import BEAT, KIND, Agent, agents, look
from milestone_cli.core.agents.fallen import bury
from milestone_cli.core.agents.sync import close_overdue
from milestone_cli.core.agents.syncpoint import KIND as SYNC
from milestone_cli.core.agents.syncpoint import is_abandoned, points
from milestone_cli.core.agents.syncpoint import look as look_sync
from milestone_cli.core.agents.vitals import Vitals, examine
from milestone_cli.core.doctor.aside import mover
from milestone_cli.storage.findings import Finding, count, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.storage.contract import Store


def check(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """Look at the agents of a store and at what they wait for."""
    if not any(store.keys(kind) for kind in (KIND, BEAT, SYNC)):
        yield sound("agents", "none was ever registered")
        return
    findings = [*_records(store), *_dead(store), *_points(store)]
    if not findings:
        at_work = agents(store, is_over=False)
        yield sound("agents", f"{count(len(at_work), 'agent')} at work, none of them dead")
    yield from findings


def _records(store: "Store") -> "Iterator[Finding]":
    """Records that are none, and heartbeats of agents that are not there."""
    known = set(store.keys(KIND))
    for name in sorted(known):
        found = look(store, name)
        if found is not None and found.status == "damaged":
            yield Finding(
                "agents", "damaged", "error", f"the record of the agent {name} is damaged",
                "move it into the quarantine; then the agent can be registered again", name,
                _aside(store, KIND, name, "the record of an agent, damaged"),
            )  # fmt: skip
    for name in store.keys(BEAT):
        if name not in known:
            yield Finding(
                "agents", "heartbeat_of_nobody", "note", f"there is a heartbeat of '{name}', who is not registered",
                "move it into the quarantine", name, _aside(store, BEAT, name, "a heartbeat of no agent"),
            )  # fmt: skip


def _aside(store: "Store", kind: str, name: str, why: str) -> "Callable[[], str]":
    def is_ill() -> bool:
        raw = store.get(kind, name)
        if raw is None:
            return False
        if kind == SYNC:
            return look_sync(store, name) == {}
        return Agent(name, raw).status == "damaged" if kind == KIND else store.get(KIND, name) is None

    return mover(store, kind, name, why, is_ill=is_ill)


def _dead(store: "Store") -> "Iterator[Finding]":
    """Agents that are recorded as working, and proved dead."""
    for one in examine(store, agents(store, is_over=False)):
        if one.health == "dead":
            told = "; ".join(one.evidence)
            yield Finding(
                "agents", "dead", "warning", f"the agent {one.agent.id} is dead: {told}",
                "record it as failed, and give back what it held", one.agent.id, _burial(store, one),
            )  # fmt: skip


def _burial(store: "Store", one: Vitals) -> "Callable[[], str]":
    def repair() -> str:
        done = bury(store, [one])
        if not done:
            return ""
        locks = done[0]["locks"]
        back = f", and broke its locks: {', '.join(map(str, locks))}" if isinstance(locks, list) and locks else ""
        return f"recorded the agent {one.agent.id} as failed{back}"

    return repair


def _points(store: "Store") -> "Iterator[Finding]":
    """Synchronisation points that are none, or open though nobody waits for them."""
    for name in store.keys(SYNC):
        if look_sync(store, name) == {}:
            yield Finding(
                "agents", "sync_damaged", "warning", f"the synchronisation point {name} is damaged",
                "move it into the quarantine", name, _aside(store, SYNC, name, "a synchronisation point, damaged"),
            )  # fmt: skip
    for one in points(store, is_open=True):
        if is_abandoned(store, one):
            name = str(one["sync_id"])
            yield Finding(
                "agents", "sync_abandoned", "note", f"the synchronisation {name} is open, and nobody waits for it",
                "record that it has failed", name, _closer(store, name),
            )  # fmt: skip


def _closer(store: "Store", name: str) -> "Callable[[], str]":
    return lambda: f"recorded that {name} has failed" if name in close_overdue(store) else ""
