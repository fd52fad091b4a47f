"""A command that is an agent: registered before it starts, heard of while it lives, and accounted for when it ends.

The heartbeat comes from the process that waits for the command, so it stops with either: a command whose runner was
killed goes on and falls silent, and its own process tells that it lives.
"""

from milestone_cli import runtime
from milestone_cli.core.agents.agent import Agent, find
from milestone_cli.core.agents.heartbeat import beat
from milestone_cli.core.agents.registry import register, retire, revive, update
from milestone_cli.core.agents.wish import Wish
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.contract import Store

INTERVAL = 10.0
"""Seconds between two heartbeats."""
LEASE = 30.0
"""Least seconds of silence after which other machines take the agent for dead."""
SIGNALS = 64
"""The highest number of a signal."""
ASKED = (1, 2, 15)
"""Signals by which people ask a command to end (hang-up, interrupt, terminate); any other one is a failure."""


class Pulse:
    """The heartbeat of an agent while its command runs; see `supervise.Upkeep`.

    Attributes:
        name: of the agent.
        notes: what went wrong, each once.
    """

    def __init__(self, store: "Store", name: str, interval: float) -> None:
        self.name = name
        self.notes: list[str] = []
        self._store = store
        self._interval = interval
        self._is_over = False
        self._due = runtime.monotonic() + interval

    def held(self) -> bool:
        """Beat when it is time; whatever stands in the way, the command runs on."""
        if not self._is_over and runtime.monotonic() >= self._due:
            self._due = runtime.monotonic() + self._interval
            self.attempt(self._beat)
        return True

    def attempt(self, work: "Callable[[], object]") -> None:
        """Do something that may fail while the command runs; why it does is said at the end."""
        try:
            work()
        except MilestoneError as error:
            self._note(error.message)
        except OSError as error:
            self._note(f"the store cannot be written: {error.strerror}")

    def _note(self, told: str) -> None:
        if told not in self.notes:
            self.notes.append(told)

    def _beat(self) -> None:
        try:
            beat(self._store, self.name)
        except MilestoneError as error:
            if error.details.get("status") == "failed":  # by a machine that did not hear of it for long
                revive(self._store, self.name)
                self._note(f"the agent '{self.name}' was taken for dead meanwhile, and is registered again")
                return
            self._is_over = error.code in ("conflict", "not_found")
            raise

    def let_go(self) -> None:
        """Nothing is held."""

    def renew(self) -> None:
        """Beating does it."""


def run(
    store: "Store",
    name: str,
    command: "list[str]",
    wish: Wish,
    *,
    session: "str | None" = None,
    milestone: "str | None" = None,
    interval: float = INTERVAL,
) -> "tuple[int, list[str]]":
    """Run a command as an agent.

    Returns:
        The command's exit code, 128 + N when signal N ended it; and what happened meanwhile, in sentences.

    Raises:
        MilestoneError: what `register` raises, before the command starts; what `retire` raises, after it went well.
    """
    from milestone_cli.core.supervise import supervise

    one, _ = register(
        store, name, wish, session=session, milestone=milestone, pid=runtime.getpid(), lease=max(LEASE, 3 * interval),
        command=" ".join(command)[:200],
    )  # fmt: skip
    pulse = Pulse(store, name, interval)

    def started(child: int) -> None:
        pulse.attempt(lambda: update(store, name, Wish(), pid=child))

    began = runtime.monotonic()
    code, notes = supervise(command, _environment(one), pulse, started)
    try:
        _account(store, one, code, runtime.monotonic() - began)
    except (MilestoneError, OSError) as error:
        if code == 0:
            raise
        notes.append(f"how it ended is not recorded: {error}")
    return code, notes + pulse.notes


def _environment(one: Agent) -> "dict[str, str]":
    """What the command is told: who it is, and in which session of which milestone."""
    found = runtime.environment()
    for variable, value in (("AGENT", one.id), ("SESSION", one.session), ("ID", one.milestone)):
        if value:
            found[f"MILESTONE_{variable}"] = value
    return found


def _account(store: "Store", one: Agent, code: int, seconds: float) -> None:
    """Record how a command ended, how long it took, and whether that was a success."""
    wish = Wish()
    wish.seconds = round(seconds, 3)
    number = code - 128 if 128 < code <= 128 + SIGNALS else 0
    if code == 0:
        wish.operations = 1
    elif not number or number in ASKED:
        wish.errors = 1
    if number and number not in ASKED:
        from milestone_cli.core.agents.fallen import record_failure

        record_failure(store, find(store, one.id), f"its command was ended by signal {number}", wish, code)
        return
    ended = f"its command was ended by signal {number}" if number else f"its command ended with exit code {code}"
    retire(store, one.id, ended, wish=wish, exit_code=code)
