"""What to look for in a log: one filter, made once from the options, for query, follow, wait and timelines.

A block of lines is searched for bytes that every match must hold, and only lines that have them are parsed; the parsed
event has the last word, so bytes never decide what matches.
"""

from milestone_cli import runtime
from milestone_cli.core import times
from milestone_cli.core.log.conditions import condition, globbed, holds, is_so, ours
from milestone_cli.core.log.lines import MARK, START
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from milestone_cli.core.log.query import Parser
    from milestone_cli.needle import Find

    Hits = list[tuple[int, int]]

TYPE_KEYS = (b'"event_type":', b'"event":')
"""What stands before an event's type; the second in the first line that the bash utilities write."""
TYPE = b',"event_type":"'
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.: ")
"""Characters that JSON writes as they are, or as an escape."""
KNOWN_TYPES = 10_000
"""So many verdicts on types are remembered."""


class Filter:
    """What to look for; what is not given is anything.

    Attributes:
        types: event types, any of them; `*` stands for any text, `?` for any character. `state:saved`, as the state
            persistence of the references spells it, means `state_saved` too.
        agent: who acted.
        session: in which session.
        text: stands in the type or in the data.
        where: paths and the values there, all of them; see `condition`. `words` are the same as they were given.
        since: nanoseconds since 1970, from then on.
        until: up to and including then.
        first: sequence number, from there on; lines without one count by where they stand.
        last: up to and including that one.
        limit: at most so many, the latest ones; 0 for all.
        reverse: newest first.
    """

    __slots__ = ("_known", "_loose", "_needles", "_patterns", "agent", "first", "last", "limit", "reverse", "session",
                 "since", "text", "types", "until", "where", "words")  # fmt: skip

    def __init__(
        self,
        types: "str | Sequence[str] | None" = None,
        *,
        agent: "str | None" = None,
        session: "str | None" = None,
        text: "str | None" = None,
        where: "Sequence[str] | None" = None,
        since: "int | None" = None,
        until: "int | None" = None,
        first: "int | None" = None,
        last: "int | None" = None,
        limit: int = 50,
        reverse: bool = False,
    ) -> None:
        """Compile a filter.

        Raises:
            MilestoneError: `invalid_path`.
        """
        self.types = [types] if isinstance(types, str) else list(types or ())
        self.agent = agent
        self.session = session
        self.text = text
        self.words = list(where or ())
        self.where = [condition(word) for word in self.words]
        self.since = since
        self.until = until
        self.first = first
        self.last = last
        self.limit = limit
        self.reverse = reverse
        self._known: dict[str, bool] = {}
        self._patterns = [*self.types, *[ours(type_) for type_ in self.types if ":" in type_]]
        self._needles = self._strict()
        self._loose = b"" if self._needles else self._contained()

    def is_empty(self) -> bool:
        """Whether everything matches."""
        return self.is_of_range() and not self._has_range()

    def is_of_range(self) -> bool:
        """Whether it looks for nothing but where events stand in a log, and when they came."""
        return not self.types and not self._asks_more()

    def is_of_types(self) -> bool:
        """Whether types are all that is looked for, and lines can be found by them."""
        return bool(self._needles and self.types) and not self._asks_more() and not self._has_range()

    def _has_range(self) -> bool:
        return any(one is not None for one in (self.since, self.until, self.first, self.last))

    def _asks_more(self) -> bool:
        """Whether it asks what an event says, beside its type."""
        return bool(self.where) or any(one is not None for one in (self.agent, self.session, self.text))

    def _strict(self) -> "list[tuple[bytes, tuple[bytes, ...]]]":
        """Needles of which every matching line holds one, each with the keys that may stand before it."""
        if self._patterns:
            starts = [_begin(pattern) for pattern in self._patterns]
            if all(starts):
                return [(start, TYPE_KEYS) for start in dict.fromkeys(starts)]
        for value, key in ((self.session, b'"session_id":'), (self.agent, b'"agent_id":')):
            if value and PLAIN.issuperset(value):
                return [(b'"' + value.encode() + b'"', (key,))]
        return []

    def _contained(self) -> bytes:
        """Bytes that every matching line holds somewhere, unless it escapes characters; empty for none."""
        words = [_plain(self.text or "")]
        words += [_plain(value) for _, value, _ in self.where if isinstance(value, str)]
        return max(words, key=len).encode()

    def lines(
        self, block: bytes, parser: "Parser", *, backwards: bool = False, is_believed: bool = False
    ) -> "Iterator[bytes]":
        """The lines of a block that match, without their line feeds, from either end.

        Args:
            block: whole lines.
            parser: counts the lines that could not be read, among those that were looked at.
            backwards: the last first.
            is_believed: where types are all that is looked for, do not parse lines in the shape of ours.
        """
        is_believed = is_believed and self.is_of_types()
        hits: Hits | None = None
        if self._needles:
            find: Find = block.find
            if is_believed:
                from milestone_cli.needle import finder

                find = finder(block)
            hits = _after_keys(block, self._needles, find)
        elif self._loose and b"\\u" not in block:
            hits = _anywhere(block, self._loose)
        if hits is None:
            whole = block.rstrip(b"\n").split(b"\n")
            lines = reversed(whole) if backwards else iter(whole)
        else:
            lines = (block[start:end] for start, end in (reversed(hits) if backwards else hits))
        for line in lines:
            if is_believed and (type_ := shown_type(line)) is not None:
                if self._is_type(type_):
                    yield line
                continue
            event = parser.event(line)
            if event is not None and self.matches(event):
                yield line

    def matches(self, event: "dict[str, object]") -> bool:
        """Whether an event is looked for."""
        if self._patterns and not self._is_type(event.get("event_type", event.get("event"))):
            return False
        if self.agent is not None and event.get("agent_id") != self.agent:
            return False
        if self.session is not None and event.get("session_id") != self.session:
            return False
        if not self._is_in_range(event):
            return False
        if self.text is not None and not holds(event, self.text):
            return False
        return all(is_so(event, parts, value, word) for (parts, value, word) in self.where)

    def _is_type(self, type_: object) -> bool:
        if not isinstance(type_, str):
            return False
        known = self._known.get(type_)
        if known is None:
            if len(self._known) >= KNOWN_TYPES:
                self._known.clear()
            known = self._known[type_] = any(globbed(pattern, type_) for pattern in self._patterns)
        return known

    def _is_in_range(self, event: "dict[str, object]") -> bool:
        if self.first is not None or self.last is not None:
            number = event.get("sequence_number")
            if isinstance(number, int) and not (self.first or 0) <= number <= (
                number if self.last is None else self.last
            ):
                return False
        if self.since is None and self.until is None:
            return True
        when = parse_ns(event.get("timestamp"))
        if when is None:
            return False
        return (self.since is None or when >= self.since) and (self.until is None or when <= self.until)


def shown_type(line: bytes) -> "str | None":
    """The type of a line that begins and ends as ours do, and only once; None for any other, which is to be parsed."""
    if not line.startswith(START) or line[-79:-66] != MARK or line[-2:] != b'"}' or line.rfind(START):
        return None
    at = line.find(TYPE)
    if line.count(b'"', 0, at) != 12:  # of time, milestone and session
        return None
    at += len(TYPE)
    return line[at : line.find(b'"', at)].decode("ascii", "replace")


def from_options(
    types: "Sequence[str] | None" = None,
    *,
    agent: "str | None" = None,
    session: "str | None" = None,
    text: "str | None" = None,
    where: "Sequence[str] | None" = None,
    since: "str | None" = None,
    until: "str | None" = None,
    first: "int | None" = None,
    last: "int | None" = None,
    limit: int = 50,
    reverse: bool = False,
) -> Filter:
    """The filter that the options of a command mean; times are as people type them.

    Raises:
        MilestoneError: `invalid_time`, `invalid_path`.
    """
    now = runtime.now_ns()
    start, end = (None if word is None else times.parse(word, now) for word in (since, until))
    return Filter(types, agent=agent, session=session, text=text, where=where, since=start, until=end, first=first,
                  last=last, limit=limit, reverse=reverse)  # fmt: skip


def _begin(pattern: str) -> bytes:
    """How the JSON string of a type that matches begins, and ends where that is known; empty when that is not."""
    size = min([at for at in (pattern.find("*"), pattern.find("?")) if at >= 0], default=len(pattern))
    fixed = pattern[:size]
    if not fixed or not PLAIN.issuperset(fixed):
        return b""
    return b'"' + fixed.encode() + (b'"' if size == len(pattern) else b"")


def _plain(text: str) -> str:
    """The longest part of a text that JSON leaves as it is."""
    return max("".join(one if one in PLAIN else "\0" for one in text).split("\0"), key=len)


def _after_keys(block: bytes, needles: "list[tuple[bytes, tuple[bytes, ...]]]", find: "Find") -> "Hits":
    """Where the lines stand that hold one of some needles right after one of its keys, in order."""
    hits: Hits = []
    for needle, keys in needles:
        at = find(needle, 0)
        while at >= 0:
            if block[max(0, at - 16) : at].rstrip().endswith(keys):
                start = block.rfind(b"\n", 0, at) + 1
                end = block.find(b"\n", at)
                end = len(block) if end < 0 else end
                hits.append((start, end))
                at = find(needle, end)
            else:
                at = find(needle, at + len(needle))
    return hits if len(needles) == 1 else sorted(set(hits))


def _anywhere(block: bytes, needle: bytes) -> "Hits":
    """Where the lines stand that hold a needle, in order."""
    hits: Hits = []
    at = block.find(needle)
    while at >= 0:
        start = block.rfind(b"\n", 0, at) + 1
        end = block.find(b"\n", at)
        end = len(block) if end < 0 else end
        hits.append((start, end))
        at = block.find(needle, end)
    return hits
