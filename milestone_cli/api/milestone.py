"""A milestone as a Python program sees it: its state, and its log."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from milestone_cli.api.behind import Addition
from milestone_cli.api.values import text_of
from milestone_cli.core import acting_agent, current_session, document, events, state
from milestone_cli.core.log.filters import Filter
from milestone_cli.core.log.query import Parser, query
from milestone_cli.jsontext import loads
from milestone_cli.model import Draft

if TYPE_CHECKING:
    from milestone_cli.api.store import Store
    from milestone_cli.storage.contract import Store as Backend


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        sequence: its number in the log; None for one that the bash utilities wrote.
        timestamp: RFC 3339 in UTC.
        type: as in `state_saved`.
        data: a JSON object.
        session, agent: who acted.
        id: of the event.
    """

    sequence: int | None
    timestamp: str
    type: str
    data: dict[str, Any]
    session: str
    agent: str
    id: str


class Milestone:
    """A milestone of a store.

    Attributes:
        name: the milestone's.
    """

    __slots__ = ("_store", "name")

    def __init__(self, store: "Store", name: str) -> None:
        """Name a milestone; `Store.milestone` does so."""
        self._store = store
        self.name = name

    def __repr__(self) -> str:
        return f"Milestone({self.name!r})"

    def load(self, revision: int | None = None) -> Any:
        """The state, as it is now or at a revision.

        Raises:
            MilestoneError: `not_found`, `revision_not_found`, `damaged`.
        """
        return loads(self.load_text(revision))

    def load_text(self, revision: int | None = None) -> str:
        """The same as exactly the text that was saved.

        Raises:
            MilestoneError: as `load`.
        """
        return self._store.run(lambda store: state.load(store, self.name, revision)[0].text).decode()

    def save(self, value: object, *, if_revision: int | None = None) -> int:
        """Replace the state by a JSON value; the new revision.

        Args:
            value: what JSON can say.
            if_revision: only if this is the current revision; 0: only if there is none.

        Raises:
            MilestoneError: `revision_conflict`, `invalid_data`, `lock_timeout`.
        """
        raw = text_of(value).encode()
        timeout = self._store.timeout
        return self._store.run(
            lambda store: state.save(store, self.name, raw, expect=if_revision, timeout=timeout)
        ).revision

    def get(self, path: str) -> Any:
        """One value of the state, by a path like `a.b.0` or a JSON pointer.

        Raises:
            MilestoneError: `not_found`, `path_not_found`, `invalid_path`.
        """
        return loads(document.find(self.load_text(), path))

    def set(self, path: str, value: object, *, if_revision: int | None = None) -> int:
        """Set one value inside the state, making parents; the new revision.

        Raises:
            MilestoneError: `revision_conflict`, `invalid_path`, `invalid_data`, `lock_timeout`.
        """
        pair = (path, text_of(value))
        timeout = self._store.timeout
        return self._store.run(
            lambda store: state.assign(store, self.name, [pair], expect=if_revision, timeout=timeout)
        ).revision

    def log(self, type: str, data: "dict[str, Any] | None" = None) -> None:  # noqa: A002 - the word of the commands
        """Append an event to the log.

        Raises:
            MilestoneError: `invalid_name` for the type, `invalid_data`, `too_large`.
        """
        text = events.check_data(text_of({} if data is None else data).encode())
        events.check_type(type)
        if not self._store.durable:
            session = self._store.run(current_session, is_after_all=False)
            self._store.later(Addition(self.name, Draft(type, text, session, acting_agent())))
            return
        timeout = self._store.timeout
        self._store.run(lambda store: events.log(store, self.name, [(type, text.encode())], timeout=timeout))

    def events(self, *, type: "str | list[str] | None" = None, limit: int = 0) -> "list[Event]":  # noqa: A002
        """Events of the log, oldest first.

        Args:
            type: only these; `*` and `?` stand for any text.
            limit: only the last so many; 0: all.

        Raises:
            MilestoneError: `not_found`.
        """

        def read(store: "Backend") -> "Iterator[bytes]":
            return iter([*query(store, self.name, Filter(type, limit=limit), Parser())])

        return [_event(found) for line in self._store.run(read) if isinstance(found := loads(line), dict)]


def _event(found: "dict[str, Any]") -> Event:
    sequence, data = found.get("sequence_number"), found.get("data")
    return Event(
        sequence if type(sequence) is int else None,
        str(found.get("timestamp")),
        str(found.get("event_type") or found.get("event")),
        data if isinstance(data, dict) else {},
        str(found.get("session_id") or "no-session"),
        str(found.get("agent_id") or "system"),
        str(found.get("event_id") or ""),
    )
