"""What could not be done in time, kept for whoever comes next; and what went wrong, for `doctor`.

There are two places: the `spool/` of the store, and a folder in the user's state directory, one for each store, where
the first cannot be written. Each thing is a file of its own, named by its time, so that they are done in order; nothing
here is synced, for it is no acknowledgement. Both places are bounded, and neither is ever needed to read the store.
"""

import fcntl
import os

from milestone_cli import runtime
from milestone_cli.storage.places import places
from milestone_cli.storage.places import waiting as waiting  # noqa: PLC0414 - cold callers find all of it here

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
WRITE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
MOST = 2000
"""Things that may wait in one place."""
LARGEST = 1 << 18
"""Bytes of one of them."""
NOTES = 1 << 16
"""Bytes of what went wrong, after which the older half makes room."""
FORGOTTEN = 3600.0
"""Seconds after which something half written has no writer any more."""


def keep(store: str, ns: int, data: bytes) -> None:
    """Let something wait.

    Args:
        store: whose it is.
        ns: when it happened, nanoseconds since 1970; its place in the order.
        data: what is read again.

    Raises:
        OSError: when neither place takes it.
    """
    trouble: OSError | None = None
    for place in places(store):
        try:
            folder = open_place(place, store)
        except OSError as error:
            trouble = error
            continue
        try:
            return _keep(folder, f"call-{ns:020d}", data)
        except OSError as error:
            trouble = error
        finally:
            os.close(folder)
    raise trouble or FileNotFoundError("there is neither a store nor a state directory")


def _keep(folder: int, stem: str, data: bytes) -> None:
    token = runtime.token()
    if len(os.listdir(folder)) >= MOST:
        raise OSError(f"{MOST} calls wait already")
    aside = f".{stem}.{token}.tmp"
    fd = os.open(aside, WRITE | os.O_EXCL, 0o600, dir_fd=folder)
    try:
        try:
            if os.write(fd, data) != len(data):
                raise OSError("the disk is full")
        finally:
            os.close(fd)
        os.rename(aside, f"{stem}-{token}", src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        os.unlink(aside, dir_fd=folder)
        raise


def open_place(place: str, store: str) -> int:
    """Descriptor of a place, made if it is missing; the store itself is never made."""
    try:
        return os.open(place, DIRECTORY)
    except FileNotFoundError:
        above = place.rpartition("/")[0]
        if above == store:
            os.stat(above)
        else:
            make_folder(above)
        try:
            os.mkdir(place, 0o700)
        except FileExistsError:
            pass
        return os.open(place, DIRECTORY)


def make_folder(folder: str) -> None:
    """Make a folder with those above it, for their owner alone."""
    if folder and not os.path.isdir(folder):
        make_folder(folder.rpartition("/")[0])
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass


class Turn:
    """The right to do what waits in a place: one process at a time has it.

    Attributes:
        place: the folder.
    """

    __slots__ = ("_folder", "_lock", "place")

    def __init__(self, place: str) -> None:
        """Take it.

        Raises:
            BlockingIOError: when another process is at it.
        """
        self.place = place
        self._folder = os.open(place, DIRECTORY)
        try:
            self._lock = os.open("lock", WRITE, 0o600, dir_fd=self._folder)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BaseException:
                os.close(self._lock)
                raise
        except BaseException:
            os.close(self._folder)
            raise

    def read(self, name: str) -> bytes:
        """What waits under a name; FileNotFoundError when it was done meanwhile."""
        fd = os.open(name, READ, dir_fd=self._folder)
        try:
            return os.read(fd, LARGEST + 1)
        finally:
            os.close(fd)

    def done(self, name: str) -> None:
        """Take away what has been done."""
        os.unlink(name, dir_fd=self._folder)

    def close(self) -> None:
        """Give the turn back, and clear away what writers that were killed left half written."""
        try:
            for name in os.listdir(self._folder):
                if name[:6] == ".call-":
                    age = runtime.now_ns() - os.stat(name, dir_fd=self._folder, follow_symlinks=False).st_mtime_ns
                    if age > FORGOTTEN * 1e9:
                        os.unlink(name, dir_fd=self._folder)
        except OSError:
            pass  # another time
        os.close(self._lock)
        os.close(self._folder)


def note(store: str, line: bytes) -> None:
    """Write down one line about what went wrong; where no place takes it, nobody can be told."""
    for place in places(store):
        try:
            folder = open_place(place, store)
        except OSError:
            continue
        try:
            _note(folder, line)
        except OSError:
            continue
        else:
            return
        finally:
            os.close(folder)


def _note(folder: int, line: bytes) -> None:
    fd = os.open("problems.jsonl", WRITE | os.O_APPEND, 0o600, dir_fd=folder)
    try:
        if os.fstat(fd).st_size > NOTES // 2:
            os.rename("problems.jsonl", "problems.old.jsonl", src_dir_fd=folder, dst_dir_fd=folder)
            os.close(fd)
            fd = os.open("problems.jsonl", WRITE | os.O_APPEND, 0o600, dir_fd=folder)
        os.write(fd, line + b"\n")
    finally:
        os.close(fd)


def notes(store: str) -> list[bytes]:
    """The lines about what went wrong, as far as they are still there; oldest first in each place."""
    found: list[bytes] = []
    for place in places(store):
        for name in ("problems.old.jsonl", "problems.jsonl"):
            try:
                fd = os.open(f"{place}/{name}", READ)
            except OSError:
                continue
            try:
                found += os.read(fd, 2 * NOTES).splitlines()
            finally:
                os.close(fd)
    return found
