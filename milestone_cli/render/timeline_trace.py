"""The timeline as a trace that Perfetto and Chrome open: a process for each milestone, threads for who worked in it.

What took time is a complete event, everything else an instant, and the state's revision a counter. Who did several
things at once has several threads, so that in one thread nothing overlaps: a viewer would take it for nested calls.

Source: "Trace Event Format", the JSON that chrome://tracing defined; times are microseconds.
"""

import orjson

from milestone_cli.jsontext import dumps, quote
from milestone_cli.render.events import NOBODY, summary
from milestone_cli.render.lanes import CHECKPOINT, FAILURE, KINDS, Lanes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

THREADS = 16
"""Threads of one lane at most; what finds all of them taken begins later than it did, and its arguments say so."""
LONGEST = 2000
"""Characters of a text among the arguments."""
DEEPEST = 12
"""Levels of the arguments; below, they are one text."""
EXACT = 1 << 53
"""Greater integers lose digits in a viewer, so they are texts."""
PIECE = 500
"""Events that are handed on together."""
SIGNS = {FAILURE: "✗ ", CHECKPOINT: "◆ "}


def trace(events: "Iterable[dict[str, object]]", title: str, now: int) -> "Iterator[str]":
    """Yield the timeline as one JSON object.

    Args:
        events: decoded, oldest first.
        title: whose they are.
        now: nanoseconds since 1970.
    """
    drawing = Trace(title)
    waiting: list[str] = []
    seam = '{"traceEvents":[\n'
    for event in events:
        waiting += drawing.records(event)
        if len(waiting) > PIECE:
            yield seam + ",\n".join(waiting)
            waiting, seam = [], ",\n"
    yield seam + ",\n".join(waiting)
    yield (
        '\n],"displayTimeUnit":"ms","otherData":{'
        f'"title":{_quoted(title)},"written_by":"milestone","written_at_us":{now // 1000}}}}}\n'
    )


class Trace:
    """The processes and threads of a trace, as the events need them."""

    __slots__ = ("_busy", "_lanes", "_processes", "_revision", "_threads", "_title")

    def __init__(self, title: str) -> None:
        self._lanes = Lanes()
        self._title = title
        self._processes: dict[str, int] = {}
        self._threads: dict[tuple[int, int], int] = {}
        self._busy: dict[int, list[int]] = {}  # until when each thread of a lane is taken
        self._revision: dict[int, int] = {}

    def records(self, event: "dict[str, object]") -> "Iterator[str]":
        """What one event adds, with the names of a process and a thread that are new."""
        start, end, lane, type_ = self._lanes.place(event)
        name, kind = self._lanes.types[type_]
        process = self._process(lane)
        if process not in self._revision:
            yield _meta("process_name", process, 0, {"name": self._lanes.lanes[lane][0] or self._title})
            self._revision[process] = 0
        row, begin = self._packed(lane, start, end)
        thread = self._threads.get((lane, row))
        if thread is None:
            thread = self._threads[lane, row] = len(self._threads) + 1
            yield _meta("thread_name", process, thread, {"name": self._named(lane, row)})
            yield _meta("thread_sort_index", process, thread, {"sort_index": lane * THREADS + row})
        data = event.get("data")
        tool = data.get("tool") if isinstance(data, dict) else None
        shown = SIGNS.get(kind, "") + (tool if isinstance(tool, str) else name)
        time = f'"ph":"X","ts":{begin},"dur":{end - begin}' if begin < end else f'"ph":"i","s":"t","ts":{end}'
        yield (
            f'{{"name":{_quoted(shown)},"cat":"{KINDS[kind]}",{time},"pid":{process},"tid":{thread},'
            f'"args":{_arguments(event, name)}}}'
        )
        revision = event.get("revision")
        if type(revision) is int and 0 < revision < EXACT and revision != self._revision[process]:
            self._revision[process] = revision
            yield (
                f'{{"name":"revision","ph":"C","ts":{end},"pid":{process},"tid":0,"args":{{"revision":{revision}}}}}'
            )

    def _process(self, lane: int) -> int:
        """Number of a lane's milestone."""
        milestone = self._lanes.lanes[lane][0]
        return self._processes.setdefault(milestone, len(self._processes) + 1)

    def _packed(self, lane: int, start: int, end: int) -> "tuple[int, int]":
        """In which thread of a lane there is room, and from when on; what takes no time stands in the first."""
        rows = self._busy.setdefault(lane, [0])
        if start >= end:
            return 0, end
        for row, until in enumerate(rows):
            if until <= start:
                rows[row] = end
                return row, start
        if len(rows) < THREADS:
            rows.append(end)
            return len(rows) - 1, start
        row = rows.index(min(rows))
        begin = min(rows[row], end)
        rows[row] = max(rows[row], end)
        return row, begin

    def _named(self, lane: int, row: int) -> str:
        """What a thread is called: by its session and its agent."""
        _, session, agent = self._lanes.lanes[lane]
        words = [session or "no session", *([] if agent in NOBODY else [agent])]
        return " · ".join(words) + (f" ({row + 1})" if row else "")


def _meta(name: str, process: int, thread: int, values: "dict[str, object]") -> str:
    """A record that names a process or a thread."""
    return f'{{"name":"{name}","ph":"M","pid":{process},"tid":{thread},"args":{dumps(_plain(values))}}}'


def _arguments(event: "dict[str, object]", type_: str) -> str:
    """What a viewer shows of a selected event; of a state only what changed, since the text would be too much."""
    data = event.get("data")
    values: dict[str, object] = {"type": type_}
    if "sequence_number" in event:
        values["sequence_number"] = event["sequence_number"]
    if isinstance(data, dict) and "state_file" in data:
        values["said"] = summary(data)
    elif data not in (None, {}):
        values["data"] = data
    try:
        quick = orjson.dumps(values, option=orjson.OPT_STRICT_INTEGER)
    except TypeError:  # a number that is too great, or half a character
        quick = b""
    if 0 < len(quick) <= LONGEST and quick.count(b"{") + quick.count(b"[") <= DEEPEST:
        return quick.decode()
    return dumps(_plain(values))


def _plain(value: object, depth: int = 0) -> object:
    """A value as every viewer can read it: strict JSON without what is too long, too deep or too great."""
    if isinstance(value, str):
        text = value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
        return text if text.isascii() else text.encode("utf-8", "replace").decode()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -EXACT < value < EXACT else str(value)
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # neither an infinity nor no number
    if depth >= DEEPEST:
        return _plain(dumps(value))
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(item, depth + 1) for key, item in value.items()}
    return [_plain(item, depth + 1) for item in value] if isinstance(value, list) else str(value)


def _quoted(text: str) -> str:
    return quote(str(_plain(text)))
