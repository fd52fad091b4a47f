"""How much happened when, counted in one pass in little room, and drawn in a line."""

BARS = "▁▂▃▄▅▆▇█"
QUIET = 8
"""So much must happen in a bar's time for it to be full."""
NARROWEST = 1_000_000
"""Nanoseconds of the first steps; they widen as events come."""


class Activity:
    """Events counted by time, in steps that become twice as wide whenever they do not reach.

    Attributes:
        counts: events in each step, the first of them holding the earliest event.
        failed: how many of them went wrong.
        start: nanoseconds since 1970 at which the first step begins; None before the first event.
        width: nanoseconds of a step.
        last: nanoseconds since 1970 of the latest event.
    """

    __slots__ = ("_most", "counts", "failed", "last", "start", "width")

    def __init__(self, most: int) -> None:
        """Count in at most so many steps, an even number; at least half of them are used in the end."""
        self._most = most
        self.counts: list[int] = []
        self.failed: list[int] = []
        self.start: int | None = None
        self.width = NARROWEST
        self.last = 0

    def add(self, ns: int, is_failed: bool = False, count: int = 1) -> None:
        """Count events at a moment; what comes before the first counts as the first."""
        if self.start is None:
            self.start = ns // self.width * self.width
        at = max(ns - self.start, 0) // self.width
        while at >= self._most:
            self._widen()
            at = max(ns - self.start, 0) // self.width
        if at >= len(self.counts):
            more = [0] * (at + 1 - len(self.counts))
            self.counts += more
            self.failed += more
        self.counts[at] += count
        self.failed[at] += is_failed
        self.last = max(self.last, ns)

    def _widen(self) -> None:
        self.width *= 2
        self.counts = _paired(self.counts)
        self.failed = _paired(self.failed)

    def bars(self, most: int) -> "tuple[str, list[bool]]":
        """At most so many bars, each as high as it was busy then, and for each whether something went wrong.

        Where nothing happened there is none.
        """
        size = len(self.counts)
        room = min(most, size)
        counts, failed = [0] * room, [False] * room
        for i in range(size):
            at = i * room // size
            counts[at] += self.counts[i]
            failed[at] |= self.failed[i] > 0
        highest = max([QUIET, *counts])
        return "".join([BARS[_level(count, highest)] if count else " " for count in counts]), failed


def _paired(counts: list[int]) -> list[int]:
    """The sums of neighbours."""
    even = [*counts, 0] if len(counts) % 2 else counts
    return [even[i] + even[i + 1] for i in range(0, len(even), 2)]


def _level(count: int, highest: int) -> int:
    """Which bar; by the root, because one burst would flatten everything beside it."""
    return min(int((count / highest) ** 0.5 * len(BARS)), len(BARS) - 1)
