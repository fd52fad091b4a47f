"""Sequence numbers that a walk along a log has passed without seeing them: they may still come, moved, or never do."""

from milestone_cli.core.log.finding import Finding
from milestone_cli.model import digest


class Gap:
    """Numbers that were not seen, from `first` to `last`, and the line in whose place they should be.

    Attributes:
        line: number of that line; `offset` is its own, in bytes, and `mark` what tells it from others.
    """

    __slots__ = ("first", "last", "line", "mark", "offset")

    def __init__(self, first: int, last: int, line: int, offset: int, mark: str) -> None:
        self.first = first
        self.last = last
        self.line = line
        self.offset = offset
        self.mark = mark


class Gaps:
    """The numbers that have not been seen yet."""

    __slots__ = ("_gaps",)

    def __init__(self) -> None:
        self._gaps: list[Gap] = []

    def add(self, first: int, last: int, line: bytes, number: int, offset: int) -> None:
        """Remember that numbers before a line were not seen."""
        self._gaps.append(Gap(first, last, number, offset, digest(line)[:32]))

    def take(self, sequence: int) -> "Gap | None":
        """The gap that a number belongs to, which has come now; None for one that was seen before."""
        for gap in self._gaps:
            if gap.first <= sequence <= gap.last:
                self._gaps.remove(gap)
                for first, last in ((gap.first, sequence - 1), (sequence + 1, gap.last)):
                    if first <= last:
                        self._gaps.append(Gap(first, last, gap.line, gap.offset, gap.mark))
                return gap
        return None

    def findings(self) -> "list[Finding]":
        """What never came."""
        found = []
        for gap in sorted(self._gaps, key=lambda gap: gap.first):
            which = f"event {gap.first} is" if gap.first == gap.last else f"events {gap.first} to {gap.last} are"
            finding = Finding("damage", "events_missing", f"{which} missing", gap.line, gap.offset)
            finding.key, finding.after = f"events_missing:{gap.first}-{gap.last}:{gap.mark}", gap.first - 1
            found.append(finding)
        return found
