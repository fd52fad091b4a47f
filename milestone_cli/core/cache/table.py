"""What the index of a namespace says: what lies in which tier, the order of use, and how often what happened.

A line is a JSON array; its first word says what it tells:

    v  format, bytes from which the index is written anew     * , + key, tier, bytes, used, expires, agent, hits
    t  a tally up to here                                     = key, tier, bytes: it was moved
    h  key, tier, time, how often: it was got                 - key, time, why: it went
    m  time, agent, how often: something was not there

`*` is an entry that was there already when the index was written anew. All of it is for order and for numbers: it is
made again from the files when it is lost, and what a line has wrong makes no answer wrong.
"""

from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import is_count
from milestone_cli.storage.files.cachenames import TIERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HOUR = 3600_000_000_000
HOURS = 7 * 24
"""Hours of which hits and misses are told one by one."""
AGENTS = 500
"""Agents whose hits and misses are told one by one."""
LEAST = 1 << 18
"""Bytes that an index may always have before it is written anew."""
GONE = ("evicted", "expired", "invalidated", "damaged")


class Row:
    """An entry as the index knows it."""

    __slots__ = ("agent", "bytes", "expires", "hits", "tier", "used")

    def __init__(self, tier: str, size: int, used: int, expires: int, agent: str, hits: int) -> None:
        self.tier = tier
        self.bytes = size
        self.used = used
        self.expires = expires
        self.agent = agent
        self.hits = hits


class Tally:
    """How often what happened, since the cache was made."""

    __slots__ = ("agents", "counts", "evicted", "hits", "hours")

    def __init__(self) -> None:
        self.counts = dict.fromkeys(("misses", "puts", *GONE), 0)
        self.hits = dict.fromkeys(TIERS, 0)
        self.evicted = dict.fromkeys(TIERS, 0)
        self.agents: dict[str, list[int]] = {}
        self.hours: dict[int, list[int]] = {}

    def got(self, now: int, agent: str, tier: str, times: int, missed: int) -> None:
        """Count hits and misses."""
        self.counts["misses"] += missed
        if times:
            self.hits[tier] += times
        for numbers in (self.hours.setdefault(now // HOUR, [0, 0]), self._of(agent)):
            numbers[0] += times
            numbers[1] += missed
        if len(self.hours) > HOURS:
            del self.hours[next(iter(self.hours))]

    def gone(self, row: Row, why: str) -> None:
        """Count an entry that went."""
        self.counts[why] += 1
        if why == "evicted":
            self.evicted[row.tier] += 1
            self._of(row.agent)[2] += 1

    def _of(self, agent: str) -> "list[int]":
        """An agent's hits, misses and evictions, to be counted on."""
        numbers = self.agents.setdefault(agent, [0, 0, 0])
        if len(self.agents) > AGENTS:
            del self.agents[next(iter(self.agents))]
        return numbers

    def as_json(self) -> "dict[str, object]":
        """As it stands in the index."""
        hours = {str(hour): numbers for hour, numbers in self.hours.items()}
        return {
            "counts": self.counts,
            "hits": self.hits,
            "evicted": self.evicted,
            "agents": self.agents,
            "hours": hours,
        }

    def load(self, found: "Any") -> None:
        """Take over what stands in the index, as far as it is sound."""
        for name, own in (("counts", self.counts), ("hits", self.hits), ("evicted", self.evicted)):
            told = found.get(name, {})  # evictions were not told by tier and agent at first
            own.update({word: told[word] for word in own if is_count(told.get(word))})
        for word, numbers in found["agents"].items():
            self.agents[word] = [int(number) for number in (*numbers, 0)[:3]]
        for word, numbers in found["hours"].items():
            self.hours[int(word)] = [int(numbers[0]), int(numbers[1])]


class Table:
    """The entries of a namespace in the order of their last use, the one that was not used for longest first.

    Attributes:
        rows: by key.
        bytes: of the files of each tier.
        tally: what was counted.
        limit: bytes of the index from which it is written anew; 0 until it says so: then it was never made whole.
        is_damaged: a line of it was none.
    """

    __slots__ = ("bytes", "is_damaged", "limit", "next_end", "rows", "tally")

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.bytes = dict.fromkeys(TIERS, 0)
        self.tally = Tally()
        self.limit = 0
        self.is_damaged = False
        self.next_end = 0

    def read(self, text: bytes) -> None:
        """Take in lines of the index."""
        lines = text.split(b"\n")
        try:
            records: Any = loads(b"[" + b",".join(line for line in lines if line) + b"]")
        except ValueError:
            records = [_record(line) for line in lines if line]
        for record in records:
            try:
                self.apply(record)
            except (LookupError, TypeError, ValueError, AttributeError):
                self.is_damaged = True

    def apply(self, record: "Any") -> None:
        """Take in what a line says."""
        word = record[0]
        if word == "h":
            _, key, tier, now, times = record
            _counts(now, times)
            row = self.rows.pop(key, None)
            if row is not None:
                row.hits += times
                row.used = now
                self.rows[key] = row
            self.tally.got(now, row.agent if row else "", tier, times, 0)
        elif word == "m":
            _counts(record[1], record[3])
            self.tally.got(record[1], str(record[2]), "", 0, record[3])
        elif word in ("+", "*"):
            _, key, tier, size, used, expires, agent, hits = record
            _counts(size, used, expires, hits)
            self._drop(key)
            self.bytes[tier] += size
            self.rows[key] = Row(tier, size, used, expires, agent, hits)
            if expires and (not self.next_end or expires < self.next_end):
                self.next_end = expires
            self.tally.counts["puts"] += word == "+"
        elif word == "-":
            row = self._drop(record[1])
            if row is not None and record[3] in GONE:  # what was replaced is not gone
                self.tally.gone(row, record[3])
        elif word == "=":
            _, key, tier, size = record
            _counts(size)
            row = self.rows.get(key)
            if row is not None:
                self.bytes[row.tier] -= row.bytes
                self.bytes[tier] += size
                row.tier, row.bytes = tier, size
        elif word == "t":
            self.tally.load(record[1])
        elif word == "v":
            _counts(record[2])
            self.limit = record[2]
        else:
            raise ValueError(word)

    def _drop(self, key: str) -> "Row | None":
        row = self.rows.pop(key, None)
        if row is not None:
            self.bytes[row.tier] -= row.bytes
        return row

    def ended(self, now: int) -> "list[str]":
        """Keys of the entries whose answer is no longer true; looked for only when there can be any."""
        if not self.next_end or now < self.next_end:
            return []
        found = [key for key, row in self.rows.items() if row.expires and now >= row.expires]
        if not found:
            self.next_end = min((row.expires for row in self.rows.values() if row.expires), default=0)
        return found

    def text(self) -> bytes:
        """The whole as a new index, which says from how many bytes it is to be written anew."""
        lines = [dumps(["t", self.tally.as_json()])]
        lines += [
            dumps(["*", key, row.tier, row.bytes, row.used, row.expires, row.agent, row.hits])
            for key, row in self.rows.items()
        ]
        body = "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n"
        self.limit = max(LEAST, 4 * len(body))
        return dumps(["v", 1, self.limit]).encode() + b"\n" + body


def limit_of(start: bytes) -> int:
    """The bytes from which an index is to be written anew, by its first ones; 0 where they do not say."""
    words = start.partition(b"\n")[0].split(b",")
    digits = words[-1].rstrip(b"]")
    return int(digits) if words[0] == b'["v"' and len(words) == 3 and digits.isdigit() else 0


def line(*record: object) -> bytes:
    """A line of the index."""
    return dumps(list(record)).encode("utf-8", "surrogateescape") + b"\n"


def _counts(*values: object) -> None:
    if not all(is_count(value) for value in values):
        raise ValueError("no number")


def _record(text: bytes) -> "Any":
    try:
        return loads(text.decode("utf-8", "surrogateescape"))
    except ValueError:
        return None
