"""What the store itself does not tell: how often commands failed, and how long they waited for locks.

A command that goes well writes nothing here: a failure is noted on its way out, a wait only when it was a long one. One
small file, `measures.json`, beside what waits for the next hook, or in the user's state directory where the store
cannot be written. It has names, numbers and times: no message, no argument, nothing that somebody typed. It is bounded,
never synced, and whoever notes is never kept from its own work: what cannot be noted is not.
"""

import fcntl
import os

from milestone_cli import runtime
from milestone_cli.jsontext import dumps, loads
from milestone_cli.storage.places import places
from milestone_cli.storage.spool import DIRECTORY, READ, WRITE, open_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Kept = dict[str, object]

FILE = "measures.json"
GUARD = "measures.lock"
ROOM = 1 << 17
"""Bytes of the file that are read; what is written stays below a third of it."""
LAST = 200
"""Failures of which the time is kept, too."""
KINDS = 400
"""Pairs of a command and a code that are counted; there are not many more."""
PATIENCE = 1.0
"""Seconds to wait for somebody else who is noting."""
NOTED = (
    "unexpected", "damaged", "recovered", "lock_timeout", "lock_lost", "store_unreachable", "unlogged", "uncertain",
)  # fmt: skip
"""Codes of failures that are noted: those that say something about the store, and not about who asked."""


def note_failure(store: str, command: str, code: str, errno: str = "") -> None:
    """Count a failure.

    Args:
        store: path or URL.
        command: `state save`; one of the program's own words.
        code: key of `errors.EXIT`.
        errno: the system's name of what failed, `ENOSPC`; empty for none.
    """

    def add(kept: "Kept") -> None:
        counts = _table(kept, "failures")
        name = f"{command}\n{code}"
        if name in counts or len(counts) < KINDS:
            counts[name] = _number(counts.get(name)) + 1
        last = _rows(kept)
        last.append([runtime.timestamp(runtime.now_ns()), command, code, errno])
        del last[:-LAST]

    _note(store, add)


def note_wait(locks: int, seconds: float) -> None:
    """Count a long wait for a lock.

    Args:
        locks: open descriptor of the store's folder of locks.
        seconds: that the lock was waited for.
    """

    def add(kept: "Kept") -> None:
        waits = _table(kept, "waits")
        waits["count"] = _number(waits.get("count")) + 1
        waits["seconds"] = round(_number(waits.get("seconds")) + seconds, 3)
        waits["longest"] = round(max(_number(waits.get("longest")), seconds), 3)
        waits["last"] = runtime.timestamp(runtime.now_ns())

    try:
        folder = os.open("../../spool", DIRECTORY, dir_fd=locks)
    except OSError:
        return
    try:
        _change(folder, add)
    except OSError:
        pass
    finally:
        os.close(folder)


def note_probe(store: str, results: "Kept") -> None:
    """Keep what a probe has measured, with its time, in the place of the one before."""
    _note(store, lambda kept: kept.update(probe=results))


def _note(store: str, change: "Callable[[Kept], None]") -> None:
    """Change what is kept in the first place that takes it."""
    for place in places(store):
        try:
            folder = open_place(place, store)
        except OSError:
            continue
        try:
            _change(folder, change)
            break
        except OSError:
            continue
        finally:
            os.close(folder)


def _change(folder: int, change: "Callable[[Kept], None]") -> None:
    """Change what is kept in a place, whole or not at all."""
    guard = os.open(GUARD, WRITE, 0o600, dir_fd=folder)
    try:
        end = runtime.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if runtime.monotonic() > end:
                    return
                runtime.sleep(0.005)
        kept = _read(folder)
        kept.setdefault("since", runtime.timestamp(runtime.now_ns()))
        change(kept)
        _write(folder, dumps(kept).encode())
    finally:
        os.close(guard)


def _write(folder: int, data: bytes) -> None:
    aside = f".{FILE}.{runtime.token()}.tmp"
    fd = os.open(aside, WRITE | os.O_EXCL, 0o600, dir_fd=folder)
    try:
        try:
            if os.write(fd, data) != len(data):
                raise OSError("the disk is full")
        finally:
            os.close(fd)
        os.rename(aside, FILE, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        os.unlink(aside, dir_fd=folder)
        raise


def _read(folder: int) -> "Kept":
    """What is kept in a place; nothing where there is nothing, or nothing that can be read."""
    try:
        fd = os.open(FILE, READ, dir_fd=folder)
    except OSError:
        return {}
    try:
        found = loads(os.read(fd, ROOM))
    except (OSError, ValueError, RecursionError):
        return {}
    finally:
        os.close(fd)
    return found if isinstance(found, dict) else {}


def _table(kept: "Kept", name: str) -> "dict[str, object]":
    found = kept.get(name)
    if not isinstance(found, dict):
        found = kept[name] = {}
    return found


def _rows(kept: "Kept") -> "list[object]":
    found = kept.get("last")
    if not isinstance(found, list):
        found = kept["last"] = []
    return found


def _number(value: object) -> "int | float":
    return value if type(value) in (int, float) and 0 <= value < 1e15 else 0  # type: ignore[operator, return-value]


class Measures:
    """What was noted about a store.

    Attributes:
        since: when noting began, RFC 3339; None when nothing was ever noted.
        failures: how often, by command and code.
        last: time, command, code and errno of the newest failures, oldest first.
        waits: `count`, `seconds` and `longest` of the waits for locks of at least `contention.LONG` seconds.
        probe: what the last probe has measured; empty where there was none.
    """

    __slots__ = ("failures", "last", "probe", "since", "waits")

    def __init__(self) -> None:
        self.since: str | None = None
        self.failures: dict[tuple[str, str], int] = {}
        self.last: list[tuple[str, str, str, str]] = []
        self.waits: dict[str, float] = {"count": 0, "seconds": 0.0, "longest": 0.0}
        self.probe: Kept = {}

    def take(self, kept: "Kept") -> None:
        """Add what is kept in one place; what is not as it should be is passed over."""
        if isinstance(since := kept.get("since"), str):
            self.since = min(since, self.since or since)
        for name, count in _table(kept, "failures").items():
            command, mark, code = name.partition("\n")
            if mark:
                self.failures[command, code] = self.failures.get((command, code), 0) + int(_number(count))
        for row in _rows(kept):
            if isinstance(row, list) and len(row) == 4 and all(isinstance(word, str) for word in row):
                self.last.append((row[0], row[1], row[2], row[3]))
        self.last.sort()
        waits = _table(kept, "waits")
        for name in ("count", "seconds"):
            self.waits[name] += _number(waits.get(name))
        self.waits["longest"] = max(self.waits["longest"], _number(waits.get("longest")))
        probe = kept.get("probe")
        if isinstance(probe, dict) and str(probe.get("at")) > str(self.probe.get("at", "")):
            self.probe = probe


def measures(store: str) -> Measures:
    """What was noted about a store, in all places."""
    found = Measures()
    for place in places(store):
        try:
            folder = os.open(place, DIRECTORY)
        except OSError:
            continue
        try:
            found.take(_read(folder))
        finally:
            os.close(folder)
    return found
