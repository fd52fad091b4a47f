"""Agents as they are found: who takes part in a session, since when, on what it depends, what it wants to hear of.

A record is one document of JSON in `agents/registry/`, and machines alone write it; a heartbeat is a small document
beside it, so that beating changes no record. Whether an agent lives is found out when somebody looks, see `vitals`.
"""

from milestone_cli.core.record import safe_name
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

KIND, BEAT = "agent", "agent-beat"
"""Kinds of documents: the record of an agent, and its last heartbeat; the key of both is its id."""
STATUSES = ("active", "retired", "failed")
"""What a record says: at work as far as is known; gone by its own or a person's word; proved dead, or ended by a
signal."""
METRICS = ("operations_completed", "errors_encountered", "total_execution_time")
"""What is counted of an agent; the time is in seconds."""


class Agent:
    """An agent as its record says.

    Attributes:
        id: the agent's.
        record: its keys and values; empty when damaged.
        status: one of `STATUSES`; `damaged` where the record is no JSON object.
    """

    __slots__ = ("id", "record", "status")

    def __init__(self, name: str, raw: bytes) -> None:
        self.id = name
        try:
            record = loads(raw)
        except ValueError:
            record = None
        self.record: Facts = record if isinstance(record, dict) else {}
        self.status = self.word("status") or "damaged"
        if self.status not in STATUSES:
            self.status = "damaged"

    def word(self, key: str) -> "str | None":
        """A value that is a text; None for anything else."""
        value = self.record.get(key)
        return value if isinstance(value, str) and value else None

    def number(self, key: str) -> "int | None":
        """A value that is a whole number; None for anything else."""
        value = self.record.get(key)
        return value if type(value) is int else None

    def words(self, key: str) -> "list[str]":
        """A value that is a list, as far as its items are texts."""
        value = self.record.get(key)
        return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []

    def mapping(self, key: str) -> "Facts":
        """A value that is an object; an empty one for anything else."""
        value = self.record.get(key)
        return value if isinstance(value, dict) else {}

    @property
    def milestone(self) -> "str | None":
        """The milestone whose log tells of it; None where there is none, or none that can be one."""
        return safe_name(self.word("milestone_id"))

    @property
    def session(self) -> "str | None":
        """The session that it belongs to; None where there is none, or none that can be one."""
        return safe_name(self.word("session_id"))

    @property
    def subscriptions(self) -> "list[str]":
        """Types of events that it wants to hear of; `*` and `?` match any text."""
        return self.words("subscriptions")

    @property
    def dependencies(self) -> "list[str]":
        """Agents that it depends on."""
        return self.words("dependencies")

    def metrics(self) -> "Facts":
        """What was counted: operations, errors, and seconds."""
        counted = self.mapping("metrics")
        return {name: value if isinstance(value := counted.get(name), int | float) else 0 for name in METRICS}

    def fields(self, subscribers: "list[str] | None" = None) -> "Facts":
        """The agent as JSON values; `subscribers` are the agents that depend on it."""
        names = ("type", "session_id", "milestone_id", "registered_at", "last_updated", "ended_at", "reason", "host",
                 "user", "command")  # fmt: skip
        return {
            "agent_id": self.id,
            "status": self.status,
            **{name: self.word(name) for name in names},
            "pid": self.number("pid"),
            "state": self.mapping("state"),
            "metrics": self.metrics(),
            "dependencies": self.dependencies,
            "subscribers": subscribers or [],
            "subscriptions": self.subscriptions,
            "exit_code": self.number("exit_code"),
        }


def look(store: "Store", name: str) -> "Agent | None":
    """An agent by its id; None when there is none."""
    raw = store.get(KIND, name)
    return None if raw is None else Agent(name, raw)


def find(store: "Store", name: str) -> Agent:
    """An agent by its id.

    Raises:
        MilestoneError: `not_found`, with what there is; `damaged`.
    """
    found = look(store, safe(name, "agent"))
    if found is None:
        known = store.keys(KIND)
        raise MilestoneError(
            "not_found",
            f"there is no agent '{name}'",
            f"the store has {', '.join(known[:10])}{', …' if len(known) > 10 else ''}"
            if known
            else "`milestone agent register` registers one",
            agent_id=name,
        )
    if found.status == "damaged":
        raise MilestoneError(
            "damaged",
            f"the record of the agent '{name}' is damaged",
            "`milestone doctor --fix` moves it into the quarantine; then register the agent again",
            agent_id=name,
        )
    return found


def agents(
    store: "Store", *, session: "str | None" = None, milestone: "str | None" = None, is_over: bool = True
) -> "list[Agent]":
    """Agents in the order of their registration.

    Args:
        store: where.
        session: only those of this session.
        milestone: only those of this milestone.
        is_over: also those that are retired or failed.
    """
    found = []
    for name in store.keys(KIND):
        raw = store.get(KIND, name)
        if raw is None:
            continue  # it went away meanwhile
        one = Agent(name, raw)
        if (
            (session is None or one.session == session)
            and (milestone is None or one.milestone == milestone)
            and (is_over or one.status == "active")
        ):
            found.append(one)
    return sorted(found, key=lambda one: (one.word("registered_at") or "", one.id))


def subscribers(known: "list[Agent]") -> "dict[str, list[str]]":
    """Who depends on each agent, among those that are at work."""
    found: dict[str, list[str]] = {}
    for one in known:
        for name in one.dependencies if one.status == "active" else ():
            found.setdefault(name, []).append(one.id)
    return found
