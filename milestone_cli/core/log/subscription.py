"""What an agent subscribed to, delivered from where it stopped last, at least once.

Where it stopped is a document of its own, put after what it says was handed over: killed in between, the agent gets
those events again, never none of them. The first time they come from its registration on.
"""

from milestone_cli import runtime
from milestone_cli.core.agents.agent import find, look
from milestone_cli.core.log import cursor
from milestone_cli.core.log.filters import Filter
from milestone_cli.core.log.follow import Following
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.agents.agent import Agent
    from milestone_cli.storage.contract import Store

KIND = "agent-cursor"
"""Kind of the document; its key is the agent's id."""


def of(store: "Store", agent: "str | None") -> "Agent | None":
    """An agent that has subscribed to something; None for any other.

    Raises:
        MilestoneError: `invalid_name`; `damaged`.
    """
    if agent is None or look(store, agent) is None:
        return None
    found = find(store, agent)
    return found if found.subscriptions else None


class Subscription:
    """The subscription of one agent to some logs."""

    def __init__(self, store: "Store", one: "Agent", names: "list[str]", *, every: bool) -> None:
        self._store = store
        self._agent = one
        self._names = names
        self._every = every
        self._saved = ""

    def follow(self, wanted: "Filter", after: "str | None" = None) -> "tuple[Following, list[str]]":
        """Begin to follow; where that goes on behind something that is gone, it is said.

        Args:
            wanted: what else is asked of an event.
            after: a cursor, rather than where the agent stopped.

        Returns:
            What to follow, and what is to be told.
        """
        wanted = Filter(
            self._agent.subscriptions, session=wanted.session, text=wanted.text, where=wanted.words, limit=0
        )
        told: list[str] = []
        after = after or self._known()
        if after is None:
            wanted.since = parse_ns(self._agent.word("registered_at"))
        while True:
            try:
                return Following(self._store, self._names, wanted, after, every=self._every), told
            except MilestoneError as error:
                if error.code != "cursor_gone" or after is None:
                    raise
                told.append(error.message)
                after = self._without(after, error)

    def _without(self, after: str, error: MilestoneError) -> str:
        """The cursor, standing at what is left of the log whose place is gone."""
        places, every = cursor.read(after)
        name, goes_on = str(error.details["milestone_id"]), error.details.get("goes_on")
        if isinstance(goes_on, int):
            places[name] = cursor.at_offset(self._store, name, goes_on)
        else:
            places.pop(name, None)
        return cursor.write(places, every=every)

    def _known(self) -> "str | None":
        """Where the agent stopped in these very logs; None where that is not known."""
        try:
            record = loads(self._store.get(KIND, self._agent.id) or b"{}")
        except ValueError:
            return None
        text = record.get("cursor") if isinstance(record, dict) else None
        try:
            places, every = cursor.read(text) if isinstance(text, str) else ({}, False)
        except MilestoneError:
            return None
        fits = every if self._every else not every and set(places) == set(self._names)
        return text if fits and isinstance(text, str) else None

    def save(self, following: Following) -> None:
        """Remember that all was handed over that has been read."""
        text = following.cursor()
        if text != self._saved:
            stamp = runtime.timestamp(self._store.clock())
            record = {"agent_id": self._agent.id, "cursor": text, "updated_at": stamp}
            self._store.note(KIND, self._agent.id, dumps(record).encode() + b"\n")
            self._saved = text


def scope(one: "Agent") -> str:
    """The log that an agent is told of where none is named: its milestone's, its session's own; empty for neither."""
    from milestone_cli.core.scope import stream_of

    return stream_of(one.milestone, one.session)
