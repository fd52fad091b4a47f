"""The trial that matters most: a writer of a real store, killed with kill -9 in the middle of its writes.

Again and again; and each time what it had been told is on disk must be there.
"""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import Change, Draft
from milestone_cli.storage.files import FileStore
from milestone_cli.storage.files.health.scratch import Child, Scratch
from milestone_cli.storage.findings import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

KILLS = 8
NAME = "trial"
SOON = 3.0
"""Seconds within which the next writer must have its turn."""


def killed_writer(scratch: Scratch) -> "Iterator[Finding]":
    """Kill a writer at moments that nobody chose; nothing acknowledged may be missing, and the next one may write."""
    path = f"{scratch.path}/store"
    os.mkdir(path, 0o700)
    store = FileStore(path)
    store.initialise(None)
    acknowledged = 0
    slowest = 0.0
    try:
        for _ in range(KILLS):
            last = _kill(scratch.start(lambda tell, _: _write(path, tell)))
            acknowledged = max(acknowledged, last)
            began = runtime.monotonic()
            try:
                trouble = _missing(store, acknowledged)
                acknowledged = _save(store)
            except MilestoneError as error:
                trouble = error.message
            slowest = max(slowest, runtime.monotonic() - began)
            if trouble:
                yield Finding("disk", "killed_writer", "error",
                              f"a writer was killed with kill -9 in the middle of its writes: {trouble}",
                              "keep the store on another disk")  # fmt: skip
                return
    finally:
        store.close()
    told = f"a writer was killed with kill -9 in the middle of its writes, {KILLS} times: none of {acknowledged:,}"
    told += f" acknowledged writes was lost, the next one had its turn within {slowest * 1000:.0f} ms"
    if slowest > SOON:
        yield Finding("disk", "killed_writer", "warning", told, "", "")
    else:
        yield Finding("disk", "killed_writer", "ok", told)


def _write(path: str, tell: int) -> None:
    """Save for ever, and say each number once it is acknowledged."""
    store = FileStore(path)
    while True:
        os.write(tell, b"%d\n" % _save(store))


def _save(store: FileStore) -> int:
    """Save the next number; it is the state's whole text, and its revision."""

    def edit(old: "bytes | None") -> bytes:
        return b"%d" % (int(old or b"0") + 1)

    event = Draft("state_saved", "{}", "no-session", "system")
    return store.commit(Change(NAME, [event], edit, timeout=10)).revision


def _kill(writer: Child) -> int:
    """Kill a writer some time after its first acknowledgement; the last one that it gave."""
    heard = writer.hear()
    runtime.sleep(int(runtime.token()[:2], 16) / 255 * 0.05)
    writer.kill()
    while piece := writer.hear():
        heard += piece
    return max((int(line) for line in heard.split(b"\n")[:-1]), default=0)


def _missing(store: FileStore, acknowledged: int) -> str:
    """What is not as it must be after a kill; empty when all is there."""
    document = store.read(NAME)
    number = int(document.text)
    if not acknowledged <= number <= acknowledged + 1:
        return f"{acknowledged} was acknowledged, and {number} is there"
    numbers = []
    for _, block in store.scan(NAME):
        for line in block.splitlines():
            event = loads(line)
            if isinstance(event, dict) and event.get("event_type") == "state_saved":
                numbers.append(event.get("revision"))
    whole = list(range(1, acknowledged + 1))
    return "" if numbers[:acknowledged] == whole else "the log lacks an acknowledged event"
