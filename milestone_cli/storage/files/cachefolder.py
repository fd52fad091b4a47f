"""The files of one namespace of the cache: entries in the folders of their tiers, the index, and the lock.

Every file is reached through descriptors of its folders, no link is followed, and nothing is synced unless asked for.
"""

import errno
import fcntl
import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import LIMIT, safe
from milestone_cli.storage.files import cachenames
from milestone_cli.storage.files.folders import READ, Folders, forget

SHARED, ALONE = fcntl.LOCK_SH, fcntl.LOCK_EX
MOST = LIMIT + (4 << 20)
"""Bytes of an entry's file at most: the value, and what it says about itself."""
INDEX = 1 << 28
"""Bytes of an index that are read at most."""
OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
UNSEEN = getattr(os, "O_NOATIME", 0)
"""So that the time of access stays what we say it is."""


class CacheFolder:
    """The files of a namespace; nothing of it is made before something is written or counted."""

    def __init__(self, root: str, namespace: str) -> None:
        """Name the namespace of the cache below the folder `root`, a store or one like it."""
        self.root = root
        self.namespace = namespace
        self._folders: Folders | None = None
        self._lock = self._index = -1
        self._pid = runtime.getpid()

    # folders

    def folder(self, name: str) -> int:
        """Descriptor of a folder, made where it is missing."""
        if self._folders is None:
            self._folders = Folders(self.root)
        return self._folders.folder(name)

    def _present(self, tier: str) -> int:
        if self._folders is None:
            self._folders = Folders(self.root)
        return self._folders.present(cachenames.tier_folder(self.namespace, tier))

    # the lock

    def enter(self, how: int, patience: float) -> None:
        """Take the lock of the namespace, shared or alone, waiting at most so many seconds.

        Raises:
            TimeoutError: when another process has it for longer.
            OSError: when the cache cannot be written, or the disk has no such locks.
        """
        if self._pid != runtime.getpid():  # a copy by fork would share the lock of the process that it was copied from
            self.close()
            self._pid = runtime.getpid()
        if self._lock < 0:
            folder = self.folder(cachenames.INDEXES)
            self._lock = _opened(cachenames.lock_file(self.namespace), OPEN, folder)
        deadline, pause = runtime.monotonic() + patience, 0.0005
        while True:
            try:
                return fcntl.flock(self._lock, how | fcntl.LOCK_NB)
            except BlockingIOError:
                if runtime.monotonic() >= deadline:
                    raise TimeoutError("another process is at it") from None
                runtime.sleep(pause)
                pause = min(2 * pause, 0.01)

    def leave(self) -> None:
        """Give the lock back."""
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    # entries

    def read(self, tier: str, key: str, start: int = 0, length: int = MOST) -> "tuple[bytes, os.stat_result] | None":
        """An entry's file or part of it, with what the disk knows of it; None when there is none.

        Raises:
            OSError: when it cannot be read.
            ValueError: when it is no plain file, or too large to be an entry.
        """
        try:
            folder, name = self._present(tier), cachenames.entry_file(key)
            try:
                fd = os.open(name, READ | UNSEEN, dir_fd=folder)
            except PermissionError:  # another user's file
                fd = os.open(name, READ, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise ValueError("it is a link") from None
            raise
        try:
            status = os.fstat(fd)
            if status.st_mode & 0o170000 != 0o100000 or status.st_size > MOST:
                raise ValueError("no entry")
            wanted = min(length, status.st_size - start)
            blocks = []
            while wanted > 0 and (block := os.pread(fd, wanted, start)):
                blocks.append(block)
                start, wanted = start + len(block), wanted - len(block)
        finally:
            os.close(fd)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks), status

    def status(self, tier: str, key: str) -> "os.stat_result | None":
        """What the disk knows of an entry: times of writing and of use, and bytes; None when there is none."""
        try:
            return os.stat(cachenames.entry_file(key), dir_fd=self._present(tier), follow_symlinks=False)
        except FileNotFoundError:
            return None

    def write(self, tier: str, key: str, data: bytes, used: int, written: int) -> str:
        """Write an entry beside its place, with its times, nanoseconds since 1970; the name that `publish` takes."""
        folder = self.folder(cachenames.tier_folder(self.namespace, tier))
        name = cachenames.temporary(key, runtime.token())
        fd = os.open(name, NEW, 0o600, dir_fd=folder)
        try:
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(fd, rest) :]
                os.utime(fd, ns=(used, written))
            finally:
                os.close(fd)
        except BaseException:
            self.discard(tier, name)
            raise
        return name

    def publish(self, tier: str, name: str, key: str) -> None:
        """Put what was written in its place."""
        folder = self._present(tier)
        os.rename(name, cachenames.entry_file(key), src_dir_fd=folder, dst_dir_fd=folder)

    def discard(self, tier: str, name: str) -> None:
        """Take away what was written beside its place."""
        forget(self._present(tier), name)

    def touch(self, tier: str, key: str, used: int, written: int) -> None:
        """Say when an entry was last used."""
        os.utime(cachenames.entry_file(key), ns=(used, written), dir_fd=self._present(tier), follow_symlinks=False)

    def move(self, key: str, tier: str, to: str) -> None:
        """Put an entry into another tier as it is."""
        name, target = cachenames.entry_file(key), self.folder(cachenames.tier_folder(self.namespace, to))
        os.rename(name, name, src_dir_fd=self._present(tier), dst_dir_fd=target)

    def remove(self, tier: str, key: str) -> bool:
        """Take an entry away; whether it was there."""
        try:
            os.unlink(cachenames.entry_file(key), dir_fd=self._present(tier))
        except (FileNotFoundError, IsADirectoryError):
            return False
        return True

    def keys(self, tier: str) -> "list[str]":
        """Keys of the entries of a tier."""
        return [key for name in self._names(tier) if (key := cachenames.entry_key(name)) is not None]

    def remains(self, tier: str) -> "list[str]":
        """What writers that were killed left in a tier; the lock is held alone, so none of them lives."""
        return [name for name in self._names(tier) if name[:1] == "." and name.endswith(".tmp")]

    def _names(self, tier: str) -> "list[str]":
        try:
            return os.listdir(self._present(tier))
        except FileNotFoundError:
            return []

    def sync(self, tier: str) -> None:
        """Let what was removed from a tier stay removed, after a power cut too."""
        os.fsync(self._present(tier))

    # the index

    def _opened(self) -> int:
        """Descriptor of the index that is in force: it may have been written anew."""
        folder = self.folder(cachenames.INDEXES)
        name = cachenames.index_file(self.namespace)
        if self._index >= 0:
            try:
                there = os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino
            except FileNotFoundError:
                there = -1
            if there != os.fstat(self._index).st_ino:
                os.close(self._index)
                self._index = -1
        if self._index < 0:
            self._index = _opened(name, OPEN | os.O_APPEND, folder)
        return self._index

    def index_identity(self) -> "tuple[int, int]":
        """What tells this index from one that was written anew, and its size in bytes."""
        status = os.fstat(self._opened())
        return status.st_ino, status.st_size

    def index(self, start: int = 0) -> bytes:
        """What the index says from an offset on."""
        fd = self._opened()
        blocks = []
        while start < INDEX and (block := os.pread(fd, 1 << 22, start)):
            blocks.append(block)
            start += len(block)
        return b"".join(blocks)

    def index_start(self) -> bytes:
        """The first bytes of the index."""
        return os.pread(self._opened(), 64, 0)

    def append(self, lines: bytes) -> int:
        """Add lines to the index; its size then. A line that was torn before stays alone.

        Raises:
            OSError: when not all of it was written.
        """
        fd = self._opened()
        size = os.fstat(fd).st_size
        if size and os.pread(fd, 1, size - 1) != b"\n":
            lines = b"\n" + lines
        if os.write(fd, lines) != len(lines):
            raise OSError(28, "No space left on device")
        return size + len(lines)

    def replace_index(self, text: bytes) -> None:
        """Put another index in the place of the one there is; the lock is held alone."""
        folder = self.folder(cachenames.INDEXES)
        aside = cachenames.index_aside(self.namespace, runtime.token())
        fd = os.open(aside, NEW, 0o600, dir_fd=folder)
        try:
            try:
                rest = memoryview(text)
                while rest:
                    rest = rest[os.write(fd, rest) :]
            finally:
                os.close(fd)
            os.rename(aside, cachenames.index_file(self.namespace), src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            forget(folder, aside)
            raise

    def sweep_indexes(self) -> None:
        """Take away what writers of this index that were killed left; the lock is held alone."""
        folder = self.folder(cachenames.INDEXES)
        for name in os.listdir(folder):
            if name.startswith(f".{self.namespace}.") and name.endswith(".tmp"):
                os.unlink(name, dir_fd=folder)

    def close(self) -> None:
        """Close what is open; it can be used again."""
        for fd in (self._lock, self._index):
            if fd >= 0:
                os.close(fd)
        self._lock = self._index = -1
        if self._folders is not None:
            self._folders.close()
            self._folders = None


def _opened(name: str, flags: int, folder: int) -> int:
    """Open a file, made where it is missing; on a disk that only reads, as it is."""
    try:
        return os.open(name, flags, 0o600, dir_fd=folder)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return os.open(name, READ, dir_fd=folder)


def namespaces(root: str) -> "list[str]":
    """Names of the namespaces that have entries or an index, sorted."""
    found = set()
    for folder, ending in ((cachenames.ENTRIES, ""), (cachenames.INDEXES, cachenames.index_file(""))):
        try:
            names = os.listdir(f"{root}/{folder}")
        except OSError:
            continue
        found |= {name[: len(name) - len(ending)] for name in names if name.endswith(ending)}
    return sorted(name for name in found if _is_safe(name))


def _is_safe(name: str) -> bool:
    try:
        return bool(safe(name))
    except MilestoneError:
        return False
