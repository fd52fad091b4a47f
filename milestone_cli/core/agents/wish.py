"""What somebody asks to be recorded of an agent, checked before anything is written."""

from milestone_cli.core.agents.agent import METRICS, Agent
from milestone_cli.core.document import assign, find
from milestone_cli.core.record import words
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, dumps, loads
from milestone_cli.model import safe

LIMIT = 1 << 20
"""Largest state of an agent, in bytes."""
MANY = 200
"""So many agents to depend on, and so many types of events to hear of."""


class Wish:
    """What somebody asks to be recorded of an agent; None leaves it as it is.

    Attributes:
        type: what kind of agent it is.
        state: text of a JSON object.
        dependencies: agents that it depends on, all of them.
        subscriptions: types of events that it wants to hear of, all of them.
        operations: how many more it has done; `errors`, how many more failed; `seconds`, how much longer it worked.
    """

    __slots__ = ("dependencies", "errors", "operations", "seconds", "state", "subscriptions", "type")

    def __init__(
        self,
        type_: "str | None" = None,
        state: "bytes | None" = None,
        dependencies: "list[str] | None" = None,
        subscriptions: "list[str] | None" = None,
    ) -> None:
        self.type = words(type_, "the type")
        self.state = None if state is None else check_state(state)
        self.dependencies = None if dependencies is None else _bounded([safe(one, "agent") for one in dependencies])
        self.subscriptions = None if subscriptions is None else _bounded(subscriptions)
        self.operations = self.errors = 0
        self.seconds = 0.0

    def digest(self) -> bytes:
        """What tells this wish from another under the same idempotency key."""
        said = [self.type, self.state, self.dependencies, self.subscriptions, self.operations, self.errors]
        return dumps([*said, self.seconds]).encode()

    def complete(self, old: Agent, text: str) -> None:
        """Keep of an agent that registers once more what is not said anew; `text` is its record."""
        self.type = self.type or old.word("type")
        self.dependencies = old.dependencies if self.dependencies is None else self.dependencies
        self.subscriptions = old.subscriptions if self.subscriptions is None else self.subscriptions
        if self.state is None and old.mapping("state"):
            self.state = find(text, "state")

    def apply(self, one: Agent, text: str) -> str:
        """The record with what is asked for."""
        if self.operations or self.errors or self.seconds:
            more = (self.operations, self.errors, self.seconds)
            counted = [(name, one.metrics()[name], add) for name, add in zip(METRICS, more, strict=True)]
            sums = {name: round(have + add, 3) for name, have, add in counted if isinstance(have, int | float)}
            text = assign(text, "metrics", dumps(sums))
        for key, value in (("type", self.type), ("dependencies", self.dependencies),
                           ("subscriptions", self.subscriptions)):  # fmt: skip
            if value is not None:
                text = assign(text, key, dumps(value))
        return text if self.state is None else assign(text, "state", self.state)


def check_state(raw: bytes) -> str:
    """Let the state of an agent through: the text of a JSON object, as it is.

    Raises:
        MilestoneError: `invalid_json`, `too_large`, `invalid_data`.
    """
    text = check(raw, LIMIT, "the state")
    try:
        if isinstance(loads(text), dict):
            return text.strip()
    except ValueError:
        pass  # what cannot be read again
    raise MilestoneError("invalid_data", "the state is not a JSON object", 'write it as {"name": value}')


def _bounded(found: "list[str]") -> "list[str]":
    """Texts without repeats, each short, and not too many.

    Raises:
        MilestoneError: `too_large`, `invalid_data`.
    """
    if len(found) > MANY:
        raise MilestoneError("too_large", f"{len(found)} were given; {MANY} are allowed", "give patterns like state_*")
    for one in found:
        if not 0 < len(one) <= 128 or not one.isprintable() or not one.isascii():
            raise MilestoneError(
                "invalid_data", f"'{one[:140]}' is not an event type", "write it like state_saved or state_*"
            )
    return list(dict.fromkeys(found))
