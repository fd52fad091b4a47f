"""What a log comes to in numbers: how often, by whom, when, how long nothing happened, and what the tools took.

One pass over the matching events; the blocks of a long log are counted by several processes. Memory is bounded by how
many different types, agents, tools and hours there are, and those are bounded too: what comes beyond counts together.
"""

import marshal

from milestone_cli.core.log import query
from milestone_cli.core.log.lines import event_id
from milestone_cli.core.log.tally import LISTED, Tally, more
from milestone_cli.jsontext import loads
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from milestone_cli.core.log.filters import Filter
    from milestone_cli.core.log.tally import Facts
    from milestone_cli.storage.contract import Store

SECOND = 1_000_000_000
EDGE = 4
"""So many lines at the beginning of a block may stand at the end of the block before too."""
RECENT = 64
"""So many of the events before it are remembered."""
TOOL = b'"tool":"'
TOOK = b'"duration_ms":'
HEAD = (
    rb'\n\{"timestamp":"(.{19})\.(\d{6})Z","milestone_id":[^,]*,"session_id":"[^"]*","event_type":"([^"]*)","data":'
    rb'(?:\{"tool":"([^"\\]{1,200})"(?:,"target":"([^"\\]*(?:\\.[^"\\]*)*)")?,"outcome":"(\w{1,40})"'
    rb'(?:,"exit_code":\d+)?(?:,"duration_ms":(\d{1,14}(?:\.\d+)?))?[,}])?'
)
"""How a line of ours begins, with what `milestone hook` says of a call of a tool; below, how one ends."""
TAIL = (
    rb',"agent_id":"([^"]*)","event_id":"[^"]*"(?:,"key":"[^"\\]*(?:\\.[^"\\]*)*")?(?:,"request":"[^"]*")?'
    rb'(?:,"revision":\d+)?,"sequence_number":(\d+),"checksum":".{64}"\}\n'
)


def statistics(
    store: "Store", names: "list[str]", wanted: "Filter", is_failure: "Callable[[str], bool]"
) -> "tuple[Tally, dict[str, int]]":
    """Count the matching events of some logs.

    Args:
        store: the store; only read.
        names: of the logs.
        wanted: what to look for.
        is_failure: whether a type tells of something that went wrong.

    Returns:
        The counts of all together, where a gap is one within a log; and how many events each log has.

    Raises:
        MilestoneError: `not_found` when there is no such log.
    """
    whole = Tally(is_failure)
    counts = {}
    for name in names:
        one = _of_log(store, name, wanted, is_failure)
        counts[name] = one.events
        before = whole.first, whole.last
        whole.first = whole.last = None  # the end of one log and the beginning of another are no gap
        whole.merge(one.packed(), name)
        ends = [ns for ns in (*before, whole.first, whole.last) if ns is not None]
        whole.first, whole.last = min(ends, default=None), max(ends, default=None)
    return whole, counts


def _of_log(store: "Store", stream: str, wanted: "Filter", is_failure: "Callable[[str], bool]") -> Tally:
    """The counts of one log."""
    start, stop = query.bounds(store, stream, wanted)
    counter = _Counter(stream, wanted, is_failure, is_long=stop - start > query.LONG)
    whole = Tally(is_failure)
    before: list[bytes] = []
    for raw in store.map_blocks(stream, start, stop, counter.work):
        packed, edge, recent = marshal.loads(raw)  # noqa: S302 - this program wrote it, in a process of its own
        whole.merge(packed, stream)
        for known, facts in edge:
            if known in before:
                whole.count(facts, stream, -1)
        before = [*before, *recent][-RECENT:]
    return whole


class _Counter:
    """Counts one block after the other, each alone."""

    def __init__(self, stream: str, wanted: "Filter", is_failure: "Callable[[str], bool]", *, is_long: bool) -> None:
        self._stream = stream
        self._wanted = wanted
        self._is_failure = is_failure
        self._is_long = is_long
        self._parser = query.Parser()
        self._slow = self._gap = -1.0  # what is no longer than these is none of the longest of this process's share
        self._find: tuple[Callable[[bytes], list[Any]], Callable[[bytes], list[Any]]] | None = None
        if is_long:
            self._parser.hurry()
            import re  # costs most of a Python start, and repays it in a long log

            self._find = re.compile(HEAD, re.DOTALL).findall, re.compile(TAIL, re.DOTALL).findall

    def work(self, block: bytes) -> bytes:
        """The counts of a block, and its first and last events, for whoever sees the blocks beside it."""
        tally = Tally(self._is_failure)
        first, last = block[: block.find(b"\n")], block[block.rfind(b"\n", 0, -1) + 1 : -1]
        if self._passes(first, last) and self._count_sound(tally, block):
            # Only these may stand in the blocks beside it once more.
            return self._packed(tally, [first], [last])
        before = self._parser.skipped
        once = query.Once()
        found = self._wanted.lines(block, self._parser, is_believed=self._is_long)
        lines = [line for line in found if once.first(line)]
        if not lines or not self._count_sound(tally, b"\n".join([*lines, b""])):
            for line in lines:
                self._count(tally, line)
        tally.skipped = self._parser.skipped - before
        return self._packed(tally, lines[:EDGE], lines[-RECENT:])

    def _passes(self, first: bytes, last: bytes) -> bool:
        """Whether all lines of a block match if they are sound: of ours neither times nor numbers go backwards."""
        if self._find is None or not self._wanted.is_of_range():
            return False
        events = (self._parser.event(first), self._parser.event(last))
        return all(event is not None and self._wanted.matches(event) for event in events)

    def _packed(self, tally: Tally, firsts: "list[bytes]", lasts: "list[bytes]") -> bytes:
        """The counts of a block, ids and facts of its first events, and the ids of its last ones."""
        edge = []
        for line in firsts:
            event = self._parser.event(line)
            if event is not None and (known := event_id(line)):
                edge.append((known, self._facts(tally, event)[0]))
        return marshal.dumps((tally.packed(), edge, [known for line in lasts if (known := event_id(line))]))

    def _count(self, tally: Tally, line: bytes) -> None:
        """Count one event, whatever its line looks like."""
        event = self._parser.event(line)
        if event is None:
            return
        facts, ns = self._facts(tally, event)
        tally.count(facts, self._stream)
        if ns is not None:
            tally.moment(ns, self._stream)

    def _facts(self, tally: Tally, event: "dict[str, object]") -> "tuple[Facts, int | None]":
        """What is counted of an event, and when it came."""
        type_ = _name(event.get("event_type", event.get("event", "?")))
        stamp = event.get("timestamp")
        ns = parse_ns(stamp)
        hour = "" if ns is None else _hour(ns, str(stamp))
        tool, outcome, ms, target = _call(event.get("data"))
        told = str(stamp) if ns is not None else ""
        agent = _name(event.get("agent_id", "") or "-")
        return (hour, type_, agent, tally.went_wrong(type_), tool, outcome, ms, target, told), ns

    def _count_sound(self, tally: Tally, block: bytes) -> bool:
        """Count a block in which every line has our shape, by its bytes; otherwise do nothing, and say so."""
        if self._find is None:
            return False
        heads, tails = self._find[0](b"\n" + block), self._find[1](block)
        count = block.count(b"\n")
        if len(heads) != count or len(tails) != count or len({number for _, number in tails}) != count:
            return False
        for agent, number in _counted([agent for agent, _ in tails]):
            more(tally.agents, _text(agent), number)
        hours = self._moments(tally, heads)
        whens = hours * count if len(hours) == 1 else [head[0][:13] for head in heads]
        for (hour, raw), number in _counted(zip(whens, [head[2] for head in heads], strict=True)):
            type_ = _text(raw)
            tally.add(_text(hour), type_, tally.went_wrong(type_), number)
        calls = [head for head in heads if head[3]]
        if len(calls) == block.count(TOOL) and sum(1 for call in calls if call[6]) == block.count(TOOK):
            self._calls(tally, calls)
        else:
            self._tools(tally, block)
        if len(tally.slowest) == LISTED:
            self._slow = max(self._slow, tally.slowest[-1][0])
        if len(tally.gaps) == LISTED:
            self._gap = max(self._gap, tally.gaps[-1][0])
        return True

    def _moments(self, tally: Tally, heads: "list[tuple[bytes, ...]]") -> "list[bytes]":
        """Take in when each event came; the hours in which they did."""
        least = self._gap
        hours: dict[bytes, None] = {}
        second = minute = b""
        base = start = latest = 0
        for head in heads:
            told = head[0]
            if told != second:
                if told[:17] != minute:
                    minute, start = told[:17], parse_ns(_text(told[:17]) + "00Z") or 0
                    hours[told[:13]] = None
                second, base = told, start + int(told[17:]) * SECOND
            ns = base + int(head[1]) * 1000
            if ns - latest > least or ns < latest:
                tally.last = latest or None
                tally.moment(ns, self._stream)
                least = max(least, tally.gaps[-1][0] if len(tally.gaps) == LISTED else -1)
            latest = max(latest, ns)
        tally.last = latest
        return list(hours)

    def _calls(self, tally: Tally, calls: "list[tuple[bytes, ...]]") -> None:
        """Count calls of tools as `milestone hook` says them."""
        floor = max(self._slow, tally.slowest[-1][0] if len(tally.slowest) == LISTED else -1)
        durations: dict[tuple[bytes, bytes, bytes], list[float]] = {}
        for second, fraction, type_, tool, target, outcome, ms in calls:
            if outcome == b"started":
                continue
            taken = float(ms or -1)
            durations.setdefault((type_, tool, outcome), []).append(taken)
            if taken > floor:
                stamp = f"{_text(second)}.{_text(fraction)}Z"
                tally.take_slow((taken, _text(tool), _name(loads(b'"%b"' % target)), stamp, self._stream))
                if len(tally.slowest) == LISTED:
                    floor = max(floor, tally.slowest[-1][0])
        for (type_, tool, outcome), taken_all in durations.items():
            failed = outcome == b"failed" or tally.went_wrong(_text(type_))
            tally.tool(_text(tool)).add_all(failed, taken_all)

    def _tools(self, tally: Tally, block: bytes) -> None:
        """Count the calls of tools among sound lines, which alone are parsed."""
        at = block.find(TOOL)
        while at >= 0:
            start = block.rfind(b"\n", 0, at) + 1
            end = block.find(b"\n", at)
            event = self._parser.event(block[start:end]) or {}
            tool, outcome, ms, target = _call(event.get("data"))
            if tool and outcome != "started":
                failed = outcome == "failed" or tally.went_wrong(_name(event.get("event_type")))
                tally.tool(tool).add(failed, ms)
                if ms >= 0:
                    tally.take_slow((ms, tool, target, str(event.get("timestamp")), self._stream))
            at = block.find(TOOL, end)


def _call(data: object) -> "tuple[str, str, float, str]":
    """Tool, outcome, milliseconds and target of a call of a tool; an empty tool for anything else."""
    tool = data.get("tool") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(tool, str) or not tool:
        return "", "", -1.0, ""
    ms, target = data.get("duration_ms"), data.get("target")
    known = isinstance(ms, int | float) and not isinstance(ms, bool) and 0 <= ms < 1e15
    return (_name(tool), str(data.get("outcome", ""))[:40], float(ms) if known else -1.0,  # type: ignore[arg-type]
            _name(target) if isinstance(target, str) else "")  # fmt: skip


def _counted(values: "Iterable[Any]") -> "list[tuple[Any, int]]":
    """How often each value comes."""
    from collections import Counter

    return list(Counter(values).items())


def _hour(ns: int, stamp: str) -> str:
    """The hour in which a moment is, in UTC, as its timestamp begins."""
    if stamp[-1:] == "Z":
        return stamp[:13]
    from milestone_cli.runtime import timestamp

    return timestamp(ns)[:13]


def _name(value: object) -> str:
    """A name from outside, no longer than names are, and without half characters."""
    return str(value)[:200].encode("utf-8", "replace").decode()


def _text(raw: bytes) -> str:
    """Bytes of a line as a name."""
    return raw[:200].decode("utf-8", "replace")
