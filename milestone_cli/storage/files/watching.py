"""Being woken when something in a store of files changes: inotify where the system has it, else a modest poll.

A wake-up only means: look again. So it may come too often, never too rarely: whoever waits arms first, then looks, then
waits; and from time to time it is woken for nothing, because a disk that other machines write to tells nobody.
"""

import errno
import os
import select
import sys

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.files import FileStore

EVERY = 5.0
"""Seconds after which somebody is woken for nothing, where the system tells of changes."""
POLL = 0.25
"""The same where it does not."""
MODIFY, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x2, 0x40, 0x80, 0x100, 0x200
GONE = 0x400 | 0x800 | 0x2000 | 0x8000
"""Deleted, moved, unmounted, or no longer watched."""
OVERFLOW = 0x4000
PLAINLY = 0x01000000 | 0x02000000
"""A folder, and no link."""
FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
HEAD = 16
"""Bytes of an event before its name: number of the watch, mask, cookie, length of the name."""


class Watcher:
    """Tells when logs, documents or locks may have changed; armed from the start.

    Source: inotify(7).
    """

    def __init__(
        self,
        store: "FileStore",
        streams: "list[str] | None",
        documents: "list[tuple[str, str]]",
        locks: "list[str]",
    ) -> None:
        """Watch.

        Args:
            store: whose folders.
            streams: names of logs; None for those of all milestones.
            documents: kinds and keys.
            locks: their names.
        """
        self._store = store
        self._fd = -1
        self._folders: dict[int, str] = {}
        self._wanted: dict[str, set[str] | None] = {}
        for stream in [""] if streams is None else streams:
            self._want(layout.log_folder(stream), None if streams is None else layout.log_file(stream))
        for kind, key in documents:
            self._want(*layout.place(kind, key))
        for name in locks:
            self._want(layout.LOCKS, layout.lock_folder(name))
        add = self._start()
        if add is not None:
            self._arm(add)

    def _want(self, folder: str, name: "str | None") -> None:
        known = self._wanted.setdefault(folder, set())
        if name is None:
            self._wanted[folder] = None
        elif known is not None:
            known.add(name)

    def _start(self) -> "Callable[[int, bytes, int], int] | None":
        """Open inotify; None where the system has none, or none left."""
        if runtime.platform() != "linux":
            return None
        import ctypes

        try:
            library = ctypes.CDLL(None)
            self._fd = library.inotify_init1(FLAGS)
        except (OSError, AttributeError):
            return None
        return library.inotify_add_watch if self._fd >= 0 else None

    def _arm(self, add: "Callable[[int, bytes, int], int]") -> None:
        mask = MODIFY | MOVED_FROM | MOVED_TO | CREATE | DELETE
        root = os.fsencode(self._store.path)
        watched = add(self._fd, root, CREATE | DELETE | MOVED_TO | 0x400 | 0x800 | PLAINLY)
        self._folders[watched] = ""
        for folder in self._wanted:
            watched = add(self._fd, root + b"/" + os.fsencode(folder), mask | 0x400 | 0x800 | PLAINLY)
            if watched < 0:  # it is not there yet, or there are no watches left
                self._disarm()
                return
            self._folders[watched] = folder

    def _disarm(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._folders.clear()

    def wait(self, timeout: float, reader: int = -1) -> None:
        """See `contract.Watcher`."""
        deadline = runtime.monotonic() + min(timeout, EVERY if self._fd >= 0 else POLL)
        is_due = False
        while not is_due:
            left = deadline - runtime.monotonic()
            wait_for([self._fd] if self._fd >= 0 else [], left, reader)
            is_due = self._read() or deadline <= runtime.monotonic()
        self._refuse_gone()

    def _read(self) -> bool:
        """Whether something came that is waited for."""
        if self._fd < 0:
            return False
        is_due = False
        while True:
            try:
                data = os.read(self._fd, 1 << 16)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EINTR):
                    raise
                return is_due
            at = 0
            while at < len(data):
                watch = int.from_bytes(data[at : at + 4], sys.byteorder, signed=True)
                mask = int.from_bytes(data[at + 4 : at + 8], sys.byteorder)
                size = int.from_bytes(data[at + 12 : at + 16], sys.byteorder)
                name = os.fsdecode(data[at + HEAD : at + HEAD + size].rstrip(b"\0"))
                at += HEAD + size
                if mask & GONE and self._folders.get(watch):
                    self._disarm()  # a folder was replaced: from now on look again and again
                    return True
                is_due = is_due or bool(mask & (GONE | OVERFLOW)) or self._is_wanted(self._folders.get(watch), name)

    def _is_wanted(self, folder: "str | None", name: str) -> bool:
        if not folder:
            # The marks of a store that has moved stand in the one; and that the store itself is removed nobody is told
            # who has it open, as this process has.
            return name in (layout.VERSION, layout.STATE)
        names = self._wanted.get(folder)
        return name.endswith(".jsonl") if names is None else name in names

    def _refuse_gone(self) -> None:
        """Say so when the store is not there any more."""
        store = self._store
        root = os.fstat(store.folder(""))
        try:
            now = os.stat(store.path, follow_symlinks=False)
        except FileNotFoundError:
            now = None
        is_there = now is not None and (now.st_dev, now.st_ino) == (root.st_dev, root.st_ino)
        if not is_there or not os.path.isdir(f"{store.path}/{layout.STATE}"):
            raise MilestoneError(
                "store_unreachable",
                f"the store '{store.path}' is not there any more",
                "find out who has moved or removed it",
            )
        store.refuse_unusable()

    def close(self) -> None:
        """End it."""
        self._disarm()


def wait_for(sources: "list[int]", seconds: float, reader: int = -1) -> None:
    """Wait until there is something to read, or for so long.

    Raises:
        BrokenPipeError: when nobody reads any more what is written to `reader`.
    """
    poll = select.poll()
    for source in sources:
        poll.register(source, select.POLLIN)
    if reader >= 0:
        poll.register(reader, 0)
    for fd, mask in poll.poll(max(0.0, seconds) * 1000):
        if fd == reader and mask & (select.POLLERR | select.POLLHUP) and fd not in sources:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
