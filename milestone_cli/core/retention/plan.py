"""What is kept and what goes: a pure plan with a reason for every item; `now` is passed in, and nothing is touched.

The rules are those of restic's `forget`: an item stays for every rule that keeps it, and calendar rules keep the newest
of each hour, day, week and month, in UTC. The invariant: what is held (live, pinned, referenced, unreadable) stays
whatever the policy says, and of the copies that prove themselves the newest stays.
"""

from milestone_cli.timestamps import civil

DAY = 86_400_000_000_000
HOUR = DAY // 24
UNITS = ((DAY, "d"), (HOUR, "h"), (DAY // 1440, "m"), (DAY // 86_400, "s"), (DAY // 86_400_000, "ms"))
CALENDAR = ("hourly", "daily", "weekly", "monthly")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable


class Item:
    """Something that could be removed.

    Attributes:
        kind: of the item, as people know it: backup, checkpoint, session, events.
        name: of the item among its kind.
        time: when it was made or ended, nanoseconds since 1970.
        rank: which of two of the same time is the newer one.
        size: bytes that its removal frees.
        hold: why it must stay whatever the policy says; empty when it may go.
        is_counted: it takes one of the places of the rules that count, among its kind and group.
        group: what it is one of a row of, as a session's checkpoints are, or the parts of a log; empty where a kind
            is one row.
        proved: it is a copy of the state that proves itself.
        tags: that people gave it.
        puts: kind and key of each document that goes with it, in the order of removing.
    """

    __slots__ = ("group", "hold", "is_counted", "kind", "name", "proved", "puts", "rank", "size", "tags", "time")

    def __init__(
        self,
        kind: str,
        name: str,
        time: int,
        size: int = 0,
        *,
        rank: int = 0,
        hold: str = "",
        is_counted: bool = False,
        group: str = "",
        proved: bool = False,
        tags: "tuple[str, ...]" = (),
        puts: "tuple[tuple[str, str], ...]" = (),
    ) -> None:
        self.kind = kind
        self.name = name
        self.time = time
        self.rank = rank
        self.size = size
        self.hold = hold
        self.is_counted = is_counted
        self.group = group
        self.proved = proved
        self.tags = tags
        self.puts = puts

    @property
    def age_key(self) -> "tuple[int, int, str]":
        """What sorts items by age, oldest first, always the same way."""
        return self.time, self.rank, self.name


class Policy:
    """What is kept of what; spans are in nanoseconds, and 0 means that there is no such rule.

    Attributes:
        older_than: everything that is younger.
        keep_last: so many of each row of what is counted.
        keep_within: of each row, what is younger than its newest by less than this.
        calendar: of each row, the newest of the last so many hours, days, weeks and months that have one.
        tags: of what is counted, what has all tags of one of these.
    """

    __slots__ = ("calendar", "keep_last", "keep_within", "older_than", "tags")

    def __init__(
        self,
        older_than: int = 7 * DAY,
        keep_last: int = 10,
        *,
        keep_within: int = 0,
        calendar: "tuple[int, int, int, int]" = (0, 0, 0, 0),
        tags: "tuple[tuple[str, ...], ...]" = (),
    ) -> None:
        self.older_than = older_than
        self.keep_last = keep_last
        self.keep_within = keep_within
        self.calendar = calendar
        self.tags = tags

    @property
    def is_empty(self) -> bool:
        """Whether it keeps nothing."""
        return not (self.older_than or self.keep_last or self.keep_within or any(self.calendar) or self.tags)

    def spelt(self) -> str:
        """The whole policy in a line, which tells one from another."""
        return f"{self.older_than} {self.keep_last} {self.keep_within} {self.calendar} {self.tags}"


class Decision:
    """An item, whether it is kept, and why; what is not kept is removed, unless it is to be put away instead."""

    __slots__ = ("is_archived", "is_kept", "item", "reason")

    def __init__(self, item: Item, reason: str, *, is_kept: bool) -> None:
        self.item = item
        self.reason = reason
        self.is_kept = is_kept
        self.is_archived = False

    @property
    def word(self) -> str:
        """What becomes of the item."""
        return "keep" if self.is_kept else "archive" if self.is_archived else "remove"


class Plan:
    """A decision on every item; kinds in the order in which they came, newest first within a kind.

    Attributes:
        now: the moment by which ages were judged, nanoseconds since 1970.
        stuck: logs of which something stays that was to go, and why.
    """

    __slots__ = ("decisions", "now", "stuck")

    def __init__(self, decisions: "list[Decision]", now: int = 0) -> None:
        self.decisions = decisions
        self.now = now
        self.stuck: dict[str, str] = {}

    @property
    def kept(self) -> "list[Item]":
        """The items that stay."""
        return [one.item for one in self.decisions if one.is_kept]

    @property
    def removed(self) -> "list[Item]":
        """The items that go."""
        return [one.item for one in self.decisions if one.word == "remove"]

    @property
    def archived(self) -> "list[Item]":
        """The items that are put away."""
        return [one.item for one in self.decisions if one.word == "archive"]

    @property
    def freed(self) -> int:
        """Bytes that removing frees."""
        return sum(item.size for item in self.removed)


def plan(items: "list[Item]", policy: Policy, now: int) -> Plan:
    """Decide on every item.

    Args:
        items: of one milestone, in any order.
        policy: what to keep.
        now: nanoseconds since 1970.

    Returns:
        The plan. An item without a reason to stay goes.
    """
    decisions = []
    last_good = max((item for item in items if item.proved), key=lambda item: item.age_key, default=None)
    for kind in dict.fromkeys(item.kind for item in items):
        of_kind = sorted((item for item in items if item.kind == kind), key=lambda item: item.age_key, reverse=True)
        reasons = _reasons(of_kind, policy, now)
        for item in of_kind:
            kept = reasons.get(id(item), [])
            if item.hold:
                kept = [item.hold]
            elif item.time > now - policy.older_than:
                kept = [f"younger than {spelt(policy.older_than)}" if item.time <= now else "from the future"]
            elif not kept and item is last_good:
                kept = ["the last good copy"]
            decisions.append(Decision(item, ", ".join(kept or _why(item, policy)), is_kept=bool(kept)))
    return Plan(decisions, now)


def _reasons(of_kind: "list[Item]", policy: Policy, now: int) -> "dict[int, list[str]]":
    """Which rules keep each item of the rows of a kind, by the items' identities; `of_kind` has the newest first."""
    found: dict[int, list[str]] = {}
    rows: dict[str, list[Item]] = {}
    for item in of_kind:
        if item.is_counted:
            rows.setdefault(item.group, []).append(item)
    for row in rows.values():
        newest = next((item.time for item in row if item.time <= now), now)
        for at, item in enumerate(row):
            kept = found.setdefault(id(item), [])
            if at < policy.keep_last:
                kept.append("the last one" if policy.keep_last == 1 else f"one of the last {policy.keep_last}")
            if policy.keep_within and item.time > newest - policy.keep_within:
                kept.append(f"within {spelt(policy.keep_within)} of the newest")
        for word, count, period in zip(CALENDAR, policy.calendar, (_hour, _day, _week, _month), strict=True):
            last: Hashable = None
            left = count
            for item in row:
                own = period(item.time)
                if left and (own != last or item is row[-1]):
                    # What is left of a count keeps the oldest, so that a history is as long as it can be.
                    found[id(item)].append(word if own != last else f"oldest {word}")
                    last, left = own, left - 1
        for item in row:
            found[id(item)] += [f"tagged {','.join(one)}" for one in policy.tags if set(one) <= set(item.tags)]
    return found


def _why(item: Item, policy: Policy) -> "list[str]":
    """Why an item goes that nothing keeps."""
    why = [f"older than {spelt(policy.older_than)}"] if policy.older_than else []
    if item.is_counted:
        why += [f"beyond last {policy.keep_last}"] if policy.keep_last else []
        words = [word for word, count in zip(CALENDAR, policy.calendar, strict=True) if count]
        why += [f"not {' or '.join(words)}"] if words else []
    return why or ["nothing keeps it"]


def _hour(ns: int) -> int:
    return ns // HOUR


def _day(ns: int) -> int:
    return ns // DAY


def _week(ns: int) -> int:
    return (ns // DAY + 3) // 7  # 1970 began on a Thursday, and weeks begin on Mondays


def _month(ns: int) -> "tuple[int, int]":
    return civil(ns // DAY)[:2]


def spelt(ns: int) -> str:
    """A span of time as it is typed: `7d`, `90m`."""
    if not ns:
        return "0s"
    return next((f"{ns // size}{unit}" for size, unit in UNITS if ns % size == 0), f"{ns}ns")
