"""The lock around running one command: the kernel's, on a file of its own, which goes again with its holder.

Whoever gets the lock looks whether its file is still the one of that name: one that was removed meanwhile locks
nothing, and then it tries again. So no file stays for every command that ever ran, and there are never two holders.
"""

import fcntl
import os

from milestone_cli import runtime
from milestone_cli.storage.files.cachenames import INDEXES, RUNNING, running_file
from milestone_cli.storage.files.contention import field
from milestone_cli.storage.files.log import FLAGS, flock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.files.folders import Folders


class RunLock:
    """A lock that is held; `end` gives it back. See `supervise.Upkeep`."""

    def __init__(
        self, folders: "Folders", name: str, timeout: float, busy: "Callable[[str], None] | None" = None
    ) -> None:
        """Take the lock.

        Args:
            folders: of the store.
            name: of what is locked.
            timeout: seconds to wait.
            busy: is told the process that has it, as digits, or nothing, before this one waits.

        Raises:
            MilestoneError: `lock_timeout`, with the holder in its details.
            OSError: when the file cannot be made.
        """
        self.name = name
        self._file = running_file(name)
        self._folder = folders.folder(INDEXES)
        deadline = runtime.monotonic() + timeout
        while True:
            self._fd = os.open(self._file, FLAGS, 0o600, dir_fd=self._folder)
            try:
                if busy and not _is_free(self._fd):
                    busy(field(os.pread(self._fd, 512, 0), 4))
                    busy = None
                flock(self._fd, deadline, name)
                if self.held():
                    break
            except BaseException:
                os.close(self._fd)
                raise
            os.close(self._fd)
        pid = runtime.getpid()
        record = f"1 {runtime.token()} {runtime.host()} {runtime.boot_id()} {pid} {runtime.start_time(pid)}\n"
        os.pwrite(self._fd, record.encode()[:512], 0)

    def held(self) -> bool:
        """Whether the file is still the one of its name."""
        try:
            there = os.stat(self._file, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        ours = os.fstat(self._fd)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def renew(self) -> None:
        """The kernel knows that the holder lives."""

    def let_go(self) -> None:
        """Somebody removed the file, and another may run the command too; what this one does is whole all the same."""

    def end(self) -> None:
        """Give it back."""
        try:
            if self.held():
                os.unlink(self._file, dir_fd=self._folder)
            self._sweep()
        except OSError:
            pass  # the kernel's lock is what counts
        finally:
            os.close(self._fd)

    def _sweep(self) -> None:
        """Remove the files of holders that were killed: nobody has their locks."""
        for name in os.listdir(self._folder):
            if name[:1] == "." and name.endswith(RUNNING):
                fd = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder)
                try:
                    # With the lock of a file that still has its name nobody else removes it.
                    if _is_free(fd) and _inode(name, self._folder) == os.fstat(fd).st_ino:
                        os.unlink(name, dir_fd=self._folder)
                finally:
                    os.close(fd)


def _is_free(fd: int) -> bool:
    """Take the lock if nobody has it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _inode(name: str, folder: int) -> int:
    return os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino
