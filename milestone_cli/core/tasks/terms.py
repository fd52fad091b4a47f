"""How a change of a task is asked for, what came of it, and the event that tells of it."""

from milestone_cli.core import NO_SESSION, acting_agent
from milestone_cli.core.tasks.task import Task
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft, log_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]

HOME = log_of(NO_SESSION)
"""The log that remembers the keys of requests which name no task, or one that is gone afterwards."""


class Terms:
    """How a change is asked for.

    Attributes:
        agent: who acts; left out: MILESTONE_AGENT.
        expect: the revision that the task must have; None: any.
        force: also where another agent has claimed the task.
        key: idempotency key.
        timeout: seconds to wait for other transactions.
    """

    __slots__ = ("agent", "expect", "force", "key", "timeout")

    def __init__(
        self,
        key: "str | None" = None,
        timeout: "float | None" = None,
        *,
        agent: "str | None" = None,
        expect: "int | None" = None,
        force: bool = False,
    ) -> None:
        self.agent = acting_agent(agent)
        self.expect = expect
        self.force = force
        self.key = key
        self.timeout = timeout


class Outcome:
    """What a change did.

    Attributes:
        task: as it is now.
        changed: something was done, now or before under the same idempotency key.
        replayed: it was done before under that key.
    """

    __slots__ = ("changed", "replayed", "task")

    def __init__(self, task: Task, *, changed: bool, replayed: bool) -> None:
        self.task = task
        self.changed = changed
        self.replayed = replayed

    def fields(self) -> "Facts":
        """The outcome as JSON values."""
        return {**self.task.fields(), "changed": self.changed, "replayed": self.replayed}


def event(one: Task, type_: str, agent: str, **said: object) -> Draft:
    """An event of a task."""
    return Draft(type_, dumps({"task_id": one.id, **said}), one.name("session_id") or NO_SESSION, agent)
