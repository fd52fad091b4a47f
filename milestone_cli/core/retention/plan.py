"""What is kept and what goes: a pure plan with a reason for every item; `now` is passed in, and nothing is touched.

The invariant: what is held (live, pinned, referenced, unreadable) stays whatever the policy says, and of the copies
that prove themselves the newest stays.
"""

DAY = 86_400_000_000_000
UNITS = ((7 * DAY, "w"), (DAY, "d"), (DAY // 24, "h"), (DAY // 1440, "m"), (DAY // 86_400, "s"))


class Item:
    """Something that could be removed.

    Attributes:
        kind: of the item, as people know it: backup, checkpoint, session, events.
        name: of the item among its kind.
        time: when it was made or ended, nanoseconds since 1970.
        rank: which of two of the same time is the newer one.
        size: bytes that its removal frees.
        hold: why it must stay whatever the policy says; empty when it may go.
        is_counted: it takes one of the places of `Policy.keep_last` among its kind.
        proved: it is a copy of the state that proves itself.
        puts: kind and key of each document that goes with it, in the order of removing.
    """

    __slots__ = ("hold", "is_counted", "kind", "name", "proved", "puts", "rank", "size", "time")

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
        proved: bool = False,
        puts: "tuple[tuple[str, str], ...]" = (),
    ) -> None:
        self.kind = kind
        self.name = name
        self.time = time
        self.rank = rank
        self.size = size
        self.hold = hold
        self.is_counted = is_counted
        self.proved = proved
        self.puts = puts

    @property
    def age_key(self) -> "tuple[int, int, str]":
        """What sorts items by age, oldest first, always the same way."""
        return self.time, self.rank, self.name


class Policy:
    """What is kept: everything younger than `older_than` nanoseconds, and the last `keep_last` of each counted kind."""

    __slots__ = ("keep_last", "older_than")

    def __init__(self, older_than: int = 7 * DAY, keep_last: int = 10) -> None:
        self.older_than = older_than
        self.keep_last = keep_last

    @property
    def is_empty(self) -> bool:
        """Whether it keeps nothing."""
        return not self.older_than and not self.keep_last


class Decision:
    """An item, whether it is kept, and why."""

    __slots__ = ("is_kept", "item", "reason")

    def __init__(self, item: Item, reason: str, *, is_kept: bool) -> None:
        self.item = item
        self.reason = reason
        self.is_kept = is_kept


class Plan:
    """A decision on every item; kinds in the order in which they came, newest first within a kind.

    Attributes:
        now: the moment by which ages were judged, nanoseconds since 1970.
    """

    __slots__ = ("decisions", "now")

    def __init__(self, decisions: "list[Decision]", now: int = 0) -> None:
        self.decisions = decisions
        self.now = now

    @property
    def kept(self) -> "list[Item]":
        """The items that stay."""
        return [one.item for one in self.decisions if one.is_kept]

    @property
    def removed(self) -> "list[Item]":
        """The items that go."""
        return [one.item for one in self.decisions if not one.is_kept]

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
    span = spelt(policy.older_than)
    for kind in dict.fromkeys(item.kind for item in items):
        of_kind = sorted((item for item in items if item.kind == kind), key=lambda item: item.age_key, reverse=True)
        counted = 0
        for item in of_kind:
            is_last = item.is_counted and counted < policy.keep_last
            counted += item.is_counted
            if item.hold:
                reason = item.hold
            elif item.time > now - policy.older_than:
                reason = f"younger than {span}" if item.time <= now else "from the future"
            elif is_last:
                reason = "the last one" if policy.keep_last == 1 else f"one of the last {policy.keep_last}"
            elif item is last_good:
                reason = "the last good copy"
            else:
                why = [f"older than {span}"] if policy.older_than else []
                if item.is_counted and policy.keep_last:
                    why.append(f"beyond last {policy.keep_last}")
                decisions.append(Decision(item, ", ".join(why) or "nothing keeps it", is_kept=False))
                continue
            decisions.append(Decision(item, reason, is_kept=True))
    return Plan(decisions, now)


def spelt(ns: int) -> str:
    """A span of time as it is typed: `7d`, `90m`."""
    if not ns:
        return "0s"
    return next((f"{ns // size}{unit}" for size, unit in UNITS if ns % size == 0 and unit != "w"), f"{ns}ns")
