"""Whether agents live, and what tells so: their processes, heartbeats, what they did; never a guess.

    healthy   something was heard of it, and nothing proves it dead
    stale     nothing was heard for long; it lives as far as can be known
    dead      proved: its process has ended on this machine, or its lease by the clock that all machines share
    unknown   nothing was heard for long, and nothing proves anything

A process is judged on its own machine alone. Ages are taken from the time since boot where the beat came from this
machine, so a wall clock that is set makes nobody dead; elsewhere from the store's clock.
"""

from milestone_cli import runtime
from milestone_cli.core.agents.agent import BEAT, KIND, Agent
from milestone_cli.core.agents.process import judge
from milestone_cli.jsontext import loads
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

STALE = 60.0
"""Seconds without a sign of life after which an agent is no longer healthy."""
LEASE = 600.0
"""Seconds without a sign after which an agent of another machine is dead, where all machines share a clock."""
ENDLESS = float("inf")
LOOKED_AT = 1 << 20
"""Bytes at the end of a log that are searched for what an agent did."""


class Vitals:
    """How an agent was found.

    Attributes:
        agent: it.
        health: healthy, stale, dead or unknown; `retired` for one that has left.
        evidence: what tells so, sentences without a full stop.
        silent: seconds since the last sign of life; None where that was not asked.
        is_gone: whether its process is proved to have ended, or to live; None where it cannot be judged.
        beat_at: when its last heartbeat came, RFC 3339; None for none.
    """

    __slots__ = ("agent", "beat_at", "evidence", "health", "is_gone", "silent")

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.health = "unknown"
        self.evidence: list[str] = []
        self.silent: float | None = None
        self.is_gone: bool | None = None
        self.beat_at: str | None = None

    def fields(self) -> "Facts":
        """The finding as JSON values."""
        one = self.agent
        return {
            "agent_id": one.id,
            "type": one.word("type"),
            "status": one.status,
            "health": self.health,
            "evidence": self.evidence,
            "session_id": one.session,
            "milestone_id": one.milestone,
            "pid": one.number("pid"),
            "host": one.word("host"),
            "last_heartbeat": self.beat_at,
            "silent_seconds": None if self.silent is None else round(self.silent, 3),
        }


def examine(store: "Store", found: "list[Agent]", stale_after: float = STALE) -> "list[Vitals]":
    """Judge agents; nothing is changed."""
    now = store.clock()
    results = [_look(store, one, now, stale_after) for one in found]
    silent = [one for one in results if one.health == "unknown" and one.agent.status == "active"]
    for milestone in sorted({one.agent.milestone for one in silent if one.agent.milestone}):
        of_it = {one.agent.id: one for one in silent if one.agent.milestone == milestone}
        spans = [lease for one in of_it.values() if (lease := _lease(store, one)) < ENDLESS]
        since = now - int(max(stale_after, *spans, 0.0) * 1e9)
        for name, (type_, ns) in _last_events(store, milestone, set(of_it), since).items():
            of_it[name].silent = max(0.0, min((now - ns) / 1e9, of_it[name].silent or 0.0))
            of_it[name].evidence.append(f"logged {type_} {_ago(now - ns)} ago")
    for one in silent:
        _judge(store, one, stale_after)
    return results


def is_dead(store: "Store", one: Agent) -> "str | None":
    """What proves an agent that is at work dead; None where nothing does."""
    found = examine(store, [one])[0]
    return "; ".join(found.evidence) if found.health == "dead" and one.status == "active" else None


def _look(store: "Store", one: Agent, now: int, stale_after: float) -> Vitals:
    """What record, process and heartbeat tell; `unknown` where that is not enough."""
    found = Vitals(one)
    if one.status != "active":
        found.health = {"retired": "retired", "failed": "dead"}.get(one.status, "unknown")
        found.evidence.append(one.word("reason") or f"its record says {one.status}")
        return found
    beat = _beat(store, one)
    ages = [_age(store, one, KIND, now)]
    found.is_gone = _process(store, found, beat)
    if beat:
        ages.append(_age(store, beat, BEAT, now))
        found.beat_at = beat.word("beat_at")
        found.evidence.append(f"heartbeat {_ago(int(ages[-1] * 1e9))} ago")
    found.silent = min(ages)
    if found.is_gone:
        found.health = "dead"
    else:
        if not beat or ages[0] < ages[1]:
            found.evidence.append(f"updated {_ago(int(ages[0] * 1e9))} ago")
        if found.silent <= min(stale_after, _lease(store, found)):
            found.health = "healthy"
    return found


def _process(store: "Store", found: Vitals, beat: "Agent | None") -> "bool | None":
    """Whether an agent's process is proved to have ended: True, to live: False; what tells so becomes evidence."""
    claim = beat.record if beat and beat.number("pid") else found.agent.record
    gone, told = judge(store, {} if beat and beat.record.get("alone") is True else claim)
    found.evidence.append(told or "no process: heartbeats alone tell")
    return gone


def _judge(store: "Store", found: Vitals, stale_after: float) -> None:
    """Judge an agent whose process proves nothing against it, by how long ago it was heard of."""
    silent, lease = found.silent or 0.0, _lease(store, found)
    if silent > lease:
        found.health = "dead"
        found.evidence.append(f"its lease of {lease:g} s has ended by the clock of the server")
    elif silent <= stale_after:
        found.health = "healthy"
    else:
        found.health = "stale" if found.is_gone is False or store.is_clock_shared else "unknown"


def _lease(store: "Store", found: Vitals) -> float:
    """Seconds of silence after which an agent is dead; endless where its process tells, or no clock is shared."""
    if found.is_gone is False or not store.is_clock_shared:
        return ENDLESS
    given = found.agent.record.get("lease_seconds")
    return min(float(given), 1e8) if isinstance(given, int | float) and 0 < given < 1e300 else LEASE


def _beat(store: "Store", one: Agent) -> "Agent | None":
    """An agent's last heartbeat; None where there is none that can be read."""
    raw = store.get(BEAT, one.id)
    found = Agent(one.id, raw) if raw else None
    return found if found and found.word("beat_at") else None


def _age(store: "Store", found: Agent, kind: str, now: int) -> float:
    """Seconds since a record or a beat was written: by the time since boot where both are of this boot of a machine."""
    seconds = found.number("boot_seconds")
    if seconds is not None and (found.word("host"), found.word("boot_id")) == (runtime.host(), runtime.boot_id()):
        return float(max(0, runtime.boot_seconds() - seconds))
    return max(0.0, (now - store.modified(kind, found.id)) / 1e9)


def _last_events(store: "Store", milestone: str, names: "set[str]", since: int) -> "dict[str, tuple[str, int]]":
    """Type and time of the last event of each of these agents, as far as it is not before a time."""
    found: dict[str, tuple[str, int]] = {}
    seen = 0
    for _, block in store.scan(milestone, backwards=True):
        for line in reversed(block.split(b"\n")):
            at = line.rfind(b',"agent_id":"')
            name = line[at + 13 : line.find(b'"', at + 13)].decode("utf-8", "replace") if at >= 0 else ""
            if name not in names or name in found:
                continue
            try:
                event = loads(line)
            except ValueError:
                continue
            ns = parse_ns(event.get("timestamp")) if isinstance(event, dict) else None
            if ns is not None and ns < since:
                return found
            if ns is not None and isinstance(event, dict) and event.get("agent_id") == name:
                found[name] = (str(event.get("event_type")), ns)
        seen += len(block)
        if len(found) == len(names) or seen > LOOKED_AT:
            break
    return found


def _ago(ns: int) -> str:
    """A span of time for people: `4 s`, `3 m`, `5 h`."""
    seconds = max(0, ns) // 1_000_000_000
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
