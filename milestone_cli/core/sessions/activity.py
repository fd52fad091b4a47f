"""When sessions were last heard of."""

from milestone_cli import runtime
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.sessions.session import Session
    from milestone_cli.storage.contract import Store


def last_seen(store: "Store", found: "list[Session]") -> "dict[str, int]":
    """When each of some sessions was last heard of, nanoseconds since 1970: its last event, else its record.

    A log is read backwards once, up to the last event of the session that was silent for longest.
    """
    told = {one.id: store.modified("session", one.id) for one in found}
    for stream in dict.fromkeys(one.stream for one in found):
        wanted = {f'"session_id":"{one.id}"'.encode(): one.id for one in found if one.stream == stream}
        for one in found:
            if one.stream == stream and (ended := parse_ns(one.word("ended_at"))):
                told[one.id] = ended
                del wanted[f'"session_id":"{one.id}"'.encode()]
        for _, block in store.scan(stream, backwards=True) if wanted else ():
            for needle in [needle for needle in wanted if needle in block]:
                if ns := _time(block, needle):
                    name = wanted.pop(needle)
                    told[name] = ns
            if not wanted:
                break
    return told


def _time(block: bytes, needle: bytes) -> int:
    """Time of the last line that has a needle; 0 where it has none."""
    begin = block.rfind(b"\n", 0, block.rfind(needle)) + 1
    word = block[begin : begin + 60].partition(b'"timestamp":"')[2].partition(b'"')[0]
    return parse_ns(word.decode("ascii", "replace")) or 0


def is_silent(store: "Store", seen: int, span: int) -> bool:
    """Whether somebody was last heard of longer ago than a span, both in nanoseconds."""
    return seen < max(store.clock(), runtime.now_ns()) - span
