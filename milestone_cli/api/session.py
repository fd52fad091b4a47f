"""Sessions as a Python program sees them: conversations that outlive it, with a history and values under keys."""

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

from milestone_cli import runtime
from milestone_cli.api.behind import Addition, Creation
from milestone_cli.api.keyed import KeyedState
from milestone_cli.api.values import seconds, text_of
from milestone_cli.core.sessions import conversation, creating, deleting, ending, inactive, session
from milestone_cli.model import log_of, safe

if TYPE_CHECKING:
    from milestone_cli.api.store import Store
    from milestone_cli.storage.contract import Store as Backend


@dataclasses.dataclass(frozen=True, slots=True)
class HistoryEntry:
    """What was asked in a session, and what came of it.

    Attributes:
        timestamp: when it was recorded, RFC 3339 in UTC.
        request: what was asked.
        agent: who answered; `system` where nobody was named.
        response: the answer, a JSON value.
        escalations: what was raised, JSON values.
        duration: how long it took, seconds.
        event_id: of the event that it is.
    """

    timestamp: str
    request: str
    agent: str
    response: Any
    escalations: list[Any]
    duration: float | None
    event_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as it is found.

    Attributes:
        id: the session's.
        milestone: that it works on.
        status: `active`, `completed`, `orphaned` when its process is gone, `expired`, `damaged`.
        type, user: as it was created.
        created_at, ended_at: RFC 3339 in UTC.
        metadata: a JSON object.
    """

    id: str
    milestone: str | None
    status: str
    type: str | None
    user: str | None
    created_at: str | None
    ended_at: str | None
    metadata: dict[str, Any]


class Sessions:
    """The sessions of a store."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def create(
        self,
        user: str | None = None,
        *,
        milestone: str | None = None,
        type: str = "general",  # noqa: A002 - the word of the commands
        id: str | None = None,  # noqa: A002
        metadata: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
    ) -> "Session":
        """Begin a session of this process. It does not become the current one of the shell or the directory.

        Args:
            user: whose it is; left out: the user of this process.
            milestone: that it works on; left out: none, and the session has a log of its own.
            type: of the session, a word.
            id: its own; left out: one is made.
            metadata: a JSON object that goes with it.
            context: a JSON object that people can edit in the session's page.

        Raises:
            MilestoneError: `conflict` when the id is taken; `invalid_name`, `invalid_data`.
        """
        wish = creating.Wish(type, id, user)
        wish.pid, wish.is_current = runtime.getpid(), False
        if metadata is not None:
            wish.metadata = text_of(metadata).encode()
        if context is not None:
            wish.context = text_of(context).encode()
        if milestone is not None:
            safe(milestone)
        if id is None:
            now = runtime.timestamp(runtime.now_ns())
            wish.name = f"session-{now[:10].replace('-', '')}-{now[11:19].replace(':', '')}-{runtime.token()[:12]}"
            wish.is_fresh = True
            wish.checked()
            if self._store.later(Creation(milestone, wish)):
                return Session(self._store, wish.name, milestone)
        made = self._store.run(lambda store: creating.create(store, milestone, wish, timeout=self._store.timeout))
        return Session(self._store, made.id, milestone)

    def get(self, id: str) -> "Session":  # noqa: A002
        """A session by its id.

        Raises:
            MilestoneError: `not_found`, `damaged`.
        """
        found = self._store.run(lambda store: session.readable(store, id))
        return Session(self._store, found.id, found.milestone)

    def all(self) -> list[SessionInfo]:
        """All sessions, those of shells and clients too, oldest first."""
        return [_info(one) for one in self._store.run(session.sessions)]

    def active(self) -> int:
        """How many sessions have not ended, and are not left behind by a process that is gone."""
        return sum(one.status == "active" for one in self._store.run(session.sessions))

    def delete(self, id: str, *, force: bool = False) -> None:  # noqa: A002
        """Delete a session with its checkpoints; its events stay in the log.

        Args:
            id: of the session.
            force: even if it belongs to a process that lives, as this one does.

        Raises:
            MilestoneError: `not_found`; `conflict` when it lives, or a checkpoint of it is pinned.
        """
        self._store.run(lambda store: deleting.delete(store, id, force=force, timeout=self._store.timeout))

    def cleanup(self, inactive_for: "float | str | dt.timedelta" = "24h") -> list[str]:
        """Delete the sessions that were silent for so long and belong to no process that lives; their ids.

        Raises:
            MilestoneError: `invalid_time`.
        """
        span = int(seconds(inactive_for) * 1e9)

        def sweep(store: "Backend") -> list[deleting.Deletion]:
            planned = inactive.plan_inactive(store, span)
            if all(one.hold for one in planned):
                return []
            return inactive.delete_inactive(store, span, planned, timeout=self._store.timeout)

        return [one.session.id for one in self._store.run(sweep)]


class Session:
    """A session; as many objects as you like may mean the same one.

    Attributes:
        id: the session's.
        milestone: that it works on; None for none.
        state: its keyed state.
    """

    __slots__ = ("_store", "id", "milestone")

    def __init__(self, store: "Store", id: str, milestone: str | None) -> None:  # noqa: A002
        """Name a session; `Sessions.create` and `Sessions.get` do so."""
        self._store = store
        self.id = safe(id, "session")
        self.milestone = milestone

    def __repr__(self) -> str:
        return f"Session({self.id!r})"

    @property
    def state(self) -> KeyedState:
        """Values under keys, which outlive the process."""
        return KeyedState(self._store, self.id)

    def record(
        self,
        request: str,
        *,
        agent: str | None = None,
        response: object = None,
        escalations: "list[Any] | None" = None,
        duration: "float | dt.timedelta | None" = None,
    ) -> None:
        """Add an entry to the history.

        Args:
            request: what was asked.
            agent: who answered.
            response: the answer, a JSON value.
            escalations: what was raised, JSON values.
            duration: how long it took, seconds.

        Raises:
            MilestoneError: `conflict` when the session has ended; `not_found`, `invalid_data`, `too_large`.
        """
        answer = None if response is None else text_of(response).encode()
        raised = None if escalations is None else text_of(escalations).encode()
        took = None if duration is None else round(seconds(duration) * 1000, 3)
        draft = conversation.entry(self.id, request, agent, answer, raised, took)
        if not self._store.later(Addition(self.milestone or log_of(self.id), draft, is_history=True)):
            timeout = self._store.timeout
            self._store.run(
                lambda store: conversation.record(store, self.id, request, agent, answer, raised, took, timeout=timeout)
            )

    def history(self, limit: int = 10) -> "list[HistoryEntry]":
        """The last entries, oldest first; 0: all of them.

        Raises:
            MilestoneError: `not_found`.
        """
        _, found = self._store.run(lambda store: conversation.history(store, self.id, limit))
        return [_entry(one) for one in found]

    def info(self) -> SessionInfo:
        """The session as it is found now.

        Raises:
            MilestoneError: `not_found`.
        """
        return _info(self._store.run(lambda store: session.find(store, self.id)))

    def end(self) -> None:
        """End it; one that has ended stays so.

        Raises:
            MilestoneError: `not_found`, `damaged`.
        """
        self._store.run(lambda store: ending.end(store, self.id, timeout=self._store.timeout))

    def delete(self) -> None:
        """End it, if it has not, and delete it with its checkpoints; its events stay in the log.

        Raises:
            MilestoneError: `not_found`; `conflict` when a checkpoint of it is pinned.
        """
        self._store.sessions.delete(self.id, force=True)


def _entry(found: "dict[str, object]") -> HistoryEntry:
    took, raised = found.get("duration_ms"), found.get("escalations")
    return HistoryEntry(
        str(found.get("timestamp")),
        str(found.get("request")),
        str(found.get("agent")),
        found.get("response"),
        raised if isinstance(raised, list) else [],
        took / 1000 if isinstance(took, int | float) else None,
        str(found.get("event_id")),
    )


def _info(found: session.Session) -> SessionInfo:
    metadata = found.record.get("metadata")
    return SessionInfo(
        found.id,
        found.milestone,
        found.status,
        found.word("type"),
        found.word("user"),
        found.word("created_at"),
        found.word("ended_at"),
        metadata if isinstance(metadata, dict) else {},
    )
