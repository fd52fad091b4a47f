"""Waiting until something holds: an event, a value in a state, a revision, an agent's status, a lock that is free.

No wake-up is lost: the watcher is armed before the first look, and everything is looked at again after each wake-up;
events are looked for behind a cursor, so one that came between two waits is found too.
"""

from milestone_cli import runtime
from milestone_cli.core.log import cursor
from milestone_cli.core.log.conditions import is_so, scalar
from milestone_cli.core.log.paging import Found, places
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from milestone_cli.core.log.filters import Filter
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

    class Condition(Protocol):
        """Something that may hold; `met` looks, and returns what tells so, None while it does not hold."""

        def met(self) -> "Facts | None":
            """What tells that it holds."""
            ...


RECORDED = ("active", "retired", "failed")
JUDGED = ("healthy", "stale", "dead", "unknown")
"""Statuses of an agent that its record says, and that are found out by looking."""
OFTEN = 0.5
"""Seconds between looks at what nobody tells of: processes that end, leases that run out."""


class Happened:
    """An event that matches, behind a cursor.

    Attributes:
        cursor: behind what was looked at; behind the event once there is one.
    """

    def __init__(self, store: "Store", stream: str, wanted: "Filter", after: "str | None") -> None:
        self._store = store
        self._stream = stream
        self._wanted = wanted
        wanted.limit = 1
        if after is not None:
            place = places(after, [stream], every=False)[stream]
            cursor.find(store, stream, place)
        else:
            end = cursor.whole_end(store, stream) if store.log_size(stream)[0] else 0
            after = cursor.write({stream: cursor.at_offset(store, stream, end) if end else cursor.Place()})
        self.cursor = after

    def met(self) -> "Facts | None":
        """The first such event."""
        if not self._store.log_size(self._stream)[0]:
            return None
        found = Found(self._store, [self._stream], self._wanted, self.cursor, with_cursor=True)
        line = next(iter(list(found.lines())), None)
        self.cursor = found.cursor()
        return None if line is None else {"event": loads(line)}


class Stands:
    """A value in a milestone's state, or a revision that it has reached."""

    def __init__(self, store: "Store", milestone: str, words: "list[str]", revision: "int | None") -> None:
        from milestone_cli.core.document import parse_path

        self._store = store
        self._milestone = milestone
        self._revision = revision
        self._wanted = []
        for word in words:
            path, mark, text = word.partition("=")
            self._wanted.append((path, parse_path(path), scalar(text) if mark else None, text if mark else None))

    def met(self) -> "Facts | None":
        """Revision and values."""
        try:
            document = self._store.read(self._milestone)
        except MilestoneError as error:
            if error.code != "not_found":
                raise
            return None
        if self._revision is not None and document.revision < self._revision:
            return None
        if not self._wanted:
            return {"revision": document.revision}
        value = loads(document.text)
        if not all(is_so(value, parts, wanted, text) for _, parts, wanted, text in self._wanted):
            return None
        from milestone_cli.core.document import find

        text = document.text.decode()
        return {
            "revision": document.revision,
            "values": {path: loads(find(text, path)) for path, *_ in self._wanted},
        }


class Free:
    """A lock that nobody alive holds."""

    def __init__(self, store: "Store", name: str) -> None:
        self._locks = store.locks()
        self.name = safe(name, "lock")

    def met(self) -> "Facts | None":
        """Its name."""
        found = self._locks.show(self.name)
        return {"locks": [self.name]} if found is None or found.get("state") == "stale" else None


class AgentIs:
    """An agent's status, as its record says it or as it is found."""

    def __init__(self, store: "Store", word: str) -> None:
        name, _, status = word.partition("=")
        if status not in RECORDED + JUDGED:
            raise MilestoneError(
                "usage",
                f"'{status[:80]}' is not a status of an agent",
                f"give one of {', '.join(RECORDED)} as recorded, or {', '.join(JUDGED)} as found",
            )
        self._store = store
        self.name = safe(name, "agent")
        self._status = status

    def met(self) -> "Facts | None":
        """Name and status."""
        from milestone_cli.core.agents.agent import look
        from milestone_cli.core.agents.vitals import examine

        found = look(self._store, self.name)
        if found is None:
            return None
        status = found.status if self._status in RECORDED else examine(self._store, [found])[0].health
        return {"agents": {self.name: status}} if status == self._status else None


class Wish:
    """What is waited for; everything must hold at once, but an event, once it came, has come.

    Attributes:
        happened: the event among it; None where none is waited for.
    """

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._others: list[Condition] = []
        self._streams: list[str] = []
        self._documents: list[tuple[str, str]] = []
        self._locks: list[str] = []
        self.happened: Happened | None = None
        self._event: Facts | None = None

    def event(self, stream: str, wanted: "Filter", after: "str | None") -> None:
        """Wait for an event behind a cursor; without one, from now on.

        Raises:
            MilestoneError: `invalid_cursor`, `cursor_gone`, `usage`.
        """
        self.happened = Happened(self._store, stream, wanted, after)
        self._streams.append(stream)

    def state(self, milestone: str, words: "list[str]", revision: "int | None") -> None:
        """Wait for values, `PATH=VALUE` or `PATH`, and for a revision.

        Raises:
            MilestoneError: `invalid_path`.
        """
        self._others.append(Stands(self._store, safe(milestone), words, revision))
        self._streams.append(milestone)
        self._documents += [("active", milestone), ("completed", milestone)]

    def lock(self, name: str) -> None:
        """Wait for a lock to be free."""
        self._others.append(Free(self._store, name))
        self._locks.append(name)

    def agent(self, word: str) -> None:
        """Wait for a status, `NAME=STATUS`."""
        found = AgentIs(self._store, word)
        self._others.append(found)
        self._documents += [("agent", found.name), ("agent-beat", found.name)]

    def look(self) -> "Facts | None":
        """What tells that everything holds; None while something does not."""
        if self.happened is not None and self._event is None:
            self._event = self.happened.met()
            if self._event is None:
                return None
        facts: Facts = dict(self._event or {})
        for one in self._others:
            found = one.met()
            if found is None:
                return None
            for key, value in found.items():
                known = facts.get(key)
                if isinstance(known, dict) and isinstance(value, dict):
                    facts[key] = {**known, **value}
                elif isinstance(known, list) and isinstance(value, list):
                    facts[key] = known + value
                else:
                    facts[key] = value
        return facts

    def wait(self, timeout: "float | None") -> "Facts":
        """Look, and look again after each change, until everything holds.

        Args:
            timeout: seconds; None for ever.

        Raises:
            MilestoneError: `wait_timeout`, with the cursor to go on from; and what looking raises.
        """
        deadline = None if timeout is None else runtime.monotonic() + timeout
        found = self.look()
        if found is not None:
            return self._with_cursor(found)
        silent = bool(self._locks or any(kind.startswith("agent") for kind, _ in self._documents))
        watcher = self._store.changes(self._streams, self._documents, self._locks)
        try:
            while (found := self.look()) is None:
                left = 3600.0 if deadline is None else deadline - runtime.monotonic()
                if left <= 0:
                    raise self._late(timeout or 0)
                watcher.wait(min(left, OFTEN) if silent else left)
        finally:
            watcher.close()
        return self._with_cursor(found)

    def _with_cursor(self, found: "Facts") -> "Facts":
        return {**found, "cursor": self.happened.cursor} if self.happened is not None else found

    def _late(self, timeout: float) -> MilestoneError:
        details = {"cursor": self.happened.cursor} if self.happened is not None else {}
        return MilestoneError(
            "wait_timeout",
            f"what was waited for did not come within {timeout:g} s",
            "wait again"
            + (", with --after-cursor and the cursor that --format json tells, to miss nothing" if details else ""),
            **details,
        )
