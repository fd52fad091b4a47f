"""Events as marks in lanes, for every timeline that is drawn: when, whose, of which kind, and what they come to.

Memory does not grow with the log: lanes and types beyond a bound share one, and a long name is cut.
"""

from milestone_cli.render.events import is_bad
from milestone_cli.render.text import flat
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    Mark = tuple[int, int, int, int]
    """Start and end in microseconds since 1970, number of the lane, number of the type."""

KINDS = ("activity", "state", "checkpoint", "session", "failure")
ACTIVITY, STATE, CHECKPOINT, SESSION, FAILURE = range(5)
MOST = 1000
"""So many lanes, and so many types, are told apart; the rest share one."""
LONGEST = 200
"""Characters of a name."""
FOREVER = 366 * 86_400_000
"""Milliseconds; what claims to have taken longer has no length."""
GAPS = 8
"""So many of the longest gaps are known."""
REST = "…"


def kind_of(type_: str, data: object) -> int:
    """The kind of an event, from its type and from how it says that it ended."""
    if is_bad(type_) or (isinstance(data, dict) and data.get("outcome") == "failed"):
        return FAILURE
    if "checkpoint" in type_ or type_ == "state_restored":
        return CHECKPOINT
    if type_.startswith("state"):
        return STATE
    return SESSION if type_.startswith(("session", "agent_registered", "agent_retired")) else ACTIVITY


def text_of(value: object) -> str:
    """A name of an event as harmless text, cut."""
    text = flat(value if isinstance(value, str) else "" if value is None else str(value)[: 2 * LONGEST])
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _long(gap: "tuple[int, int]") -> int:
    return gap[1] - gap[0]


class Lanes:
    """Numbers lanes and types as they come, and keeps what a summary needs.

    Attributes:
        lanes: (milestone, session, agent) of each lane; a session of "" is none.
        types: (name, kind) of each type; one name stands twice where some of its events failed.
        count: events so far.
        failures: how many of them failed.
        checkpoints: how many of them are about checkpoints.
        first: earliest start, microseconds since 1970; None before the first event.
        last: latest end.
        gaps: (from, to) of the longest times without an event, the longest first.
        events: how many stand in each lane.
    """

    __slots__ = (
        "_base",
        "_known",
        "_lane",
        "_minute",
        "_type",
        "agents",
        "checkpoints",
        "count",
        "events",
        "failures",
        "first",
        "gaps",
        "lanes",
        "last",
        "sessions",
        "types",
    )

    def __init__(self) -> None:
        self.lanes: list[tuple[str, str, str]] = []
        self.types: list[tuple[str, int]] = []
        self.events: list[int] = []
        self.agents: set[str] = set()
        self.sessions: set[str] = set()
        self.count = self.failures = self.checkpoints = 0
        self.first: int | None = None
        self.last = 0
        self.gaps: list[tuple[int, int]] = []
        self._known: dict[object, int] = {}
        self._lane: dict[tuple[object, object, object], int] = {}
        self._type: dict[tuple[object, bool], int] = {}
        self._minute = ""
        self._base = 0

    def place(self, event: "dict[str, object]") -> "Mark":
        """Where an event is drawn: when it happened, or was logged; without any time, where the one before is."""
        end = self._moment(event.get("timestamp"))
        if end is None:
            end = self.last
        data = event.get("data")
        if isinstance(data, dict) and "occurred_at" in data:
            # From a spool, or written down later: an hour of work is no burst at its end.
            end = min(self._moment(data["occurred_at"]) or end, end)
        took = data.get("duration_ms") if isinstance(data, dict) else None
        start = end
        if type(took) in (int, float) and 0 < took < FOREVER:  # type: ignore[operator]
            start = end - int(took * 1000)  # type: ignore[operator]
        type_ = self._type_of(event, data)
        kind = self.types[type_][1]
        self._count(start, end, kind)
        return start, end, self._lane_of(event), type_

    def _count(self, start: int, end: int, kind: int) -> None:
        self.count += 1
        if kind == FAILURE:
            self.failures += 1
        elif kind == CHECKPOINT:
            self.checkpoints += 1
        if self.first is None:
            self.first, self.last = start, end
            return
        if start > self.last:
            if len(self.gaps) < GAPS or start - self.last > _long(self.gaps[-1]):
                self._keep([*self.gaps, (self.last, start)])
        elif end < self.first:
            self._keep([*self.gaps, (end, self.first)])
        elif start < self.last and any(start < until for _, until in self.gaps):
            # What ended only now was under way meanwhile, and what is told late happened there.
            pieces = [(since, min(until, start)) for since, until in self.gaps]
            pieces += [(max(since, end), until) for since, until in self.gaps]
            self._keep([gap for gap in set(pieces) if _long(gap) > 0])
        self.first = min(self.first, start)
        self.last = max(self.last, end)

    def _keep(self, gaps: "list[tuple[int, int]]") -> None:
        self.gaps = sorted(gaps, key=_long, reverse=True)[:GAPS]

    def _moment(self, stamp: object) -> "int | None":
        """Microseconds since 1970; most events stand in the minute of the one before."""
        if isinstance(stamp, str) and stamp[:17] == self._minute and len(stamp) == 27 and stamp[19] + stamp[26] == ".Z":
            rest = stamp[17:19] + stamp[20:26]
            if rest.isdigit() and rest.isascii() and rest < "6":
                return self._base + int(rest)
        ns = parse_ns(stamp)
        if ns is None:
            return None
        if isinstance(stamp, str) and stamp[-1] == "Z":
            self._minute, self._base = stamp[:17], ns // 60_000_000_000 * 60_000_000
        return ns // 1000

    def _type_of(self, event: "dict[str, object]", data: object) -> int:
        name = text_of(event.get("event_type", event.get("event", "?")))
        failed = isinstance(data, dict) and data.get("outcome") == "failed"
        found = self._type.get((name, failed))
        if found is None:
            kind = kind_of(name, data)
            room = len(self.types) < MOST
            # Kinds stay apart among the types that share one, or failures could hide there.
            shown = (name if room else REST, kind)
            found = self._known.setdefault(shown, len(self.types))
            if found == len(self.types):
                self.types.append(shown)
            if room:
                self._type[name, failed] = found
        return found

    def _lane_of(self, event: "dict[str, object]") -> int:
        key = (event.get("milestone_id"), event.get("session_id"), event.get("agent_id"))
        try:
            found = self._lane.get(key)
        except TypeError:  # a list or an object where a name should be
            key = (str(key[0]), str(key[1]), str(key[2]))
            found = self._lane.get(key)
        if found is None:
            found = self._new_lane(key)
        self.events[found] += 1
        return found

    def _new_lane(self, key: "tuple[object, object, object]") -> int:
        milestone, session, agent = [text_of(part) for part in key]
        lane = (milestone, "" if session == "no-session" else session, agent)
        if len(self.lanes) >= MOST:
            lane = (REST, REST, REST)
        else:
            if agent:
                self.agents.add(agent)
            if lane[1]:
                self.sessions.add(lane[1])
        found = self._known.setdefault(lane, len(self.lanes))
        if found == len(self.lanes):
            self.lanes.append(lane)
            self.events.append(0)
        if len(self._lane) < 2 * MOST:
            self._lane[key] = found
        return found


class Bins:
    """Counts over time in steps that double as the log grows, so that memory stays bounded.

    Attributes:
        start: of the first step, microseconds since 1970.
        width: of a step, microseconds.
        counts: by (lane, what), the count in each step that has any.
    """

    __slots__ = ("_entries", "_last", "_most", "counts", "start", "width")

    ENTRIES = 300_000

    def __init__(self, most: int, width: int = 1) -> None:
        """Args: most steps, of which at least half are in use in the end; width of the first ones."""
        self._most = most
        self._entries = self._last = 0
        self.start: int | None = None
        self.width = width
        self.counts: dict[tuple[int, int], dict[int, int]] = {}

    def add(self, time: int, lane: int, what: int, count: int = 1) -> None:
        """Count one at a time; what lies before the first counts with it."""
        if self.start is None:
            self.start = time
        step = max(time - self.start, 0) // self.width
        while step >= self._most:
            self._fold()
            step //= 2
        steps = self.counts.setdefault((lane, what), {})
        if step not in steps:
            self._entries += 1
            if self._entries > self.ENTRIES and self._last:
                self._fold()
                self.add(time, lane, what, count)
                return
        steps[step] = steps.get(step, 0) + count
        self._last = max(self._last, step)

    def _fold(self) -> None:
        """Make of two steps one."""
        self.width *= 2
        self._last //= 2
        self._entries = 0
        for key, steps in self.counts.items():
            folded: dict[int, int] = {}
            for step, count in steps.items():
                folded[step // 2] = folded.get(step // 2, 0) + count
            self.counts[key] = folded
            self._entries += len(folded)
