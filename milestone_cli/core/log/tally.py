"""Counts of events: how often each type, agent and tool came, when, and how long nothing did.

Memory is bounded: names beyond so many count together, and of gaps and slow calls only the longest stay.
"""

from math import log2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Facts = tuple[str, str, str, bool, str, str, float, str, str]
    """Hour, type, agent, whether it went wrong, tool, its outcome, milliseconds (-1: not told), target, timestamp."""

MOST = 10_000
"""So many different names are kept apart."""
HOURS = 200_000
OTHERS = "(others)"
LISTED = 10
"""So many of the longest gaps and of the slowest calls are kept."""
FINE = 8
"""Steps for each doubling of a duration, in which its distribution is kept: a percentile is right to 9 %."""


class _Steps(dict[float, int]):
    """The step of each duration that came lately."""

    def __missing__(self, ms: float) -> int:
        if len(self) >= MOST:
            self.clear()
        step = self[ms] = round(FINE * log2(ms + 1))
        return step


_STEPS = _Steps()


class Tool:
    """What the calls of one tool come to; durations are in milliseconds."""

    __slots__ = ("calls", "failed", "longest", "steps", "timed", "total")

    def __init__(self) -> None:
        self.calls = self.failed = self.timed = 0
        self.total = self.longest = 0.0
        self.steps: dict[int, int] = {}

    def add(self, failed: bool, ms: float, weight: int = 1) -> None:
        """Count a call; -1 ms: nobody said how long it took."""
        self.calls += weight
        self.failed += weight * failed
        if ms >= 0:
            self.timed += weight
            self.total += weight * ms
            self.longest = max(self.longest, ms)
            step = round(FINE * log2(ms + 1))
            self.steps[step] = self.steps.get(step, 0) + weight

    def add_all(self, failed: bool, durations: "list[float]") -> None:
        """Count many calls, with little work for each."""
        timed = [ms for ms in durations if ms >= 0]
        self.calls += len(durations)
        self.failed += failed * len(durations)
        self.timed += len(timed)
        self.total += sum(timed)
        self.longest = max([self.longest, *timed])
        for step in map(_STEPS.__getitem__, timed):
            self.steps[step] = self.steps.get(step, 0) + 1

    def percentile(self, share: float) -> float:
        """The duration that so large a share of the calls did not exceed, to 9 %."""
        if share >= 1:
            return self.longest
        rest = share * self.timed
        for step in sorted(self.steps):
            rest -= self.steps[step]
            if rest <= 0:
                return min(round(2 ** (step / FINE) - 1, 1), self.longest)
        return self.longest


class Tally:
    """Counts of some events of one log, or of several; what it takes in must come in the order of the log.

    Attributes:
        events: how many there are.
        types: how often each type came; `agents` and `tools` likewise, `failures` of the types that say so.
        hours: events and failures in each hour, by its beginning as far as the hour.
        gaps: the longest times in which nothing came: nanoseconds, and the milestone and the end of each.
        slowest: the calls that took longest: milliseconds, tool, target, timestamp, milestone.
        first: nanoseconds since 1970 of the earliest event with a time; None before one; `last` of the latest.
        skipped: lines that were no events.
    """

    def __init__(self, is_failure: "Callable[[str], bool]") -> None:
        self.events = self.skipped = 0
        self.types: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.agents: dict[str, int] = {}
        self.hours: dict[str, list[int]] = {}
        self.tools: dict[str, Tool] = {}
        self.gaps: list[tuple[int, str, int]] = []
        self.slowest: list[tuple[float, str, str, str, str]] = []
        self.first: int | None = None
        self.last: int | None = None
        self._is_failure = is_failure
        self._verdicts: dict[str, bool] = {}

    def went_wrong(self, type_: str) -> bool:
        """Whether an event of this type tells of something that went wrong."""
        known = self._verdicts.get(type_)
        if known is None:
            if len(self._verdicts) > MOST:
                self._verdicts.clear()
            known = self._verdicts[type_] = self._is_failure(type_)
        return known

    def count(self, facts: "Facts", milestone: str, weight: int = 1) -> None:
        """Count an event; a weight of -1 takes it back."""
        hour, type_, agent, failed, tool, outcome, ms, target, stamp = facts
        self.add(hour, type_, failed, weight)
        more(self.agents, agent, weight)
        if tool and outcome != "started":
            self.tool(tool).add(failed or outcome == "failed", ms, weight)
            if ms >= 0 and weight > 0:
                self.take_slow((ms, tool, target, stamp, milestone))

    def add(self, hour: str, type_: str, failed: bool, weight: int) -> None:
        """Count so many events of a type in an hour."""
        self.events += weight
        more(self.types, type_, weight)
        if failed:
            more(self.failures, type_, weight)
        if hour:
            cell = self.hours.get(hour) or self.hours.setdefault(hour if len(self.hours) < HOURS else OTHERS, [0, 0])
            cell[0] += weight
            cell[1] += weight * failed

    def tool(self, name: str) -> Tool:
        """The counts of a tool."""
        return self.tools.get(name) or self.tools.setdefault(name if len(self.tools) < MOST else OTHERS, Tool())

    def moment(self, ns: int, milestone: str) -> None:
        """Take in when the next event came."""
        if self.last is None or self.first is None:
            self.first = self.last = ns
        elif ns > self.last:
            if len(self.gaps) < LISTED or ns - self.last > self.gaps[-1][0]:
                self._take_gap((ns - self.last, milestone, ns))
            self.last = ns
        elif ns < self.first:
            self.first = ns

    def _take_gap(self, gap: "tuple[int, str, int]") -> None:
        self.gaps = sorted([*self.gaps, gap], reverse=True)[:LISTED]

    def take_slow(self, call: "tuple[float, str, str, str, str]") -> None:
        """Keep a call if it is one of those that took longest: milliseconds, tool, target, timestamp, milestone."""
        if len(self.slowest) < LISTED or call[0] > self.slowest[-1][0]:
            self.slowest = sorted([*self.slowest, call], reverse=True)[:LISTED]

    def packed(self) -> "tuple[Any, ...]":
        """All of it as plain values, for another process."""
        tools = {name: (one.calls, one.failed, one.timed, one.total, one.longest, one.steps)
                 for name, one in self.tools.items()}  # fmt: skip
        return (self.events, self.skipped, self.types, self.failures, self.agents, self.hours, tools, self.gaps,
                self.slowest, self.first, self.last)  # fmt: skip

    def merge(self, packed: "tuple[Any, ...]", milestone: str) -> None:
        """Take in what came behind all that is here, in the same log or in another one."""
        events, skipped, types, failures, agents, hours, tools, gaps, slowest, first, last = packed
        self.events += events
        self.skipped += skipped
        for own, given in ((self.types, types), (self.failures, failures), (self.agents, agents)):
            for name, number in given.items():
                more(own, name, number)
        for hour, (number, failed) in hours.items():
            cell = self.hours.get(hour) or self.hours.setdefault(hour if len(self.hours) < HOURS else OTHERS, [0, 0])
            cell[0] += number
            cell[1] += failed
        for name, (calls, failed, timed, total, longest, steps) in tools.items():
            tool = self.tool(name)
            tool.calls, tool.failed, tool.timed = tool.calls + calls, tool.failed + failed, tool.timed + timed
            tool.total, tool.longest = tool.total + total, max(tool.longest, longest)
            for step, number in steps.items():
                tool.steps[step] = tool.steps.get(step, 0) + number
        if first is not None:
            self.moment(first, milestone)
            self.last = max(self.last or last, last)
        self.gaps = sorted([*self.gaps, *gaps], reverse=True)[:LISTED]
        self.slowest = sorted({*self.slowest, *slowest}, reverse=True)[:LISTED]  # a line that is there twice, once


def more(counts: "dict[str, int]", name: str, number: int) -> None:
    """Count under a name, or under that of all others where there are too many."""
    name = name if name in counts or len(counts) < MOST else OTHERS
    counts[name] = counts.get(name, 0) + number
