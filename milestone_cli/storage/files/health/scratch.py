"""A scratch folder in a store, and processes that do their worst in it; both are gone afterwards, however it ends.

Its maker holds the kernel's lock on the folder, so whoever finds one without it knows that nobody needs it any more.
"""

import fcntl
import os
import select
import signal

from milestone_cli import runtime
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import DIRECTORY
from milestone_cli.storage.files.health.remains import is_selftest_running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from milestone_cli.storage.files import FileStore

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a process; here they let it tidy up first."""
PATIENCE = 20.0
"""Seconds to wait for what a process has to say."""


class Child:
    """A process at work in the scratch folder; `ask` starts it on what waits for that, `kill` ends it with -9.

    Attributes:
        pid: its process id.
    """

    def __init__(self, pid: int, told: int, go: int) -> None:
        self.pid = pid
        self._told = told
        self._go = go

    def ask(self) -> None:
        """Let it begin, or go on: it reads to the end of its pipe."""
        if self._go >= 0:
            os.close(self._go)
            self._go = -1

    def hear(self, size: int = 1 << 16, patience: float = PATIENCE) -> bytes:
        """What it says next; nothing when it has ended.

        Raises:
            TimeoutError: when it says nothing for too long.
        """
        if not select.select([self._told], [], [], patience)[0]:
            raise TimeoutError(None, f"a process said nothing for {patience:.0f} s")
        return os.read(self._told, size)

    def all(self) -> bytes:
        """Everything that it says until its end."""
        pieces = []
        while piece := self.hear():
            pieces.append(piece)
        if not pieces:
            raise ChildProcessError(None, "a process ended before it said anything")
        return b"".join(pieces)

    def kill(self) -> None:
        """End it with SIGKILL, and wait until it is gone."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def close(self) -> None:
        """End it, and forget it."""
        self.kill()
        self.drop()

    def drop(self) -> None:
        """Close the pipes to it, in another process that inherited them: else they would never end."""
        self.ask()
        os.close(self._told)


class Scratch:
    """The folder: `path` and `fd`; everything in it goes when the `with` ends, and so do the processes."""

    def __init__(self, store: "FileStore") -> None:
        self._root = store.folder("")
        self._children: list[Child] = []
        self._before: dict[int, object] = {}
        self._interrupted_by = 0
        for name in os.listdir(self._root):
            if (layout.temporary_parts(name) or ("",))[0] == layout.SELFTEST and not is_selftest_running(store, name):
                remove(self._root, name)
        self.name = layout.temporary(layout.SELFTEST, runtime.token())
        self.path = f"{store.path}/{self.name}"
        self.fd = -1

    def __enter__(self) -> "Scratch":
        self._before = {number: signal.signal(number, self._interrupt) for number in ENDING}
        try:
            os.mkdir(self.name, 0o700, dir_fd=self._root)
            self.fd = os.open(self.name, DIRECTORY, dir_fd=self._root)
            try:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                pass  # no such locks here: a trial tells
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _interrupt(self, number: int, _: "FrameType | None") -> None:
        self._interrupted_by = number
        raise KeyboardInterrupt(number)

    def __exit__(
        self, kind: "type[BaseException] | None", _: "BaseException | None", __: "TracebackType | None"
    ) -> None:
        for ending in ENDING:
            signal.signal(ending, signal.SIG_IGN)  # whoever asks again shall not stop the tidying
        try:
            for child in self._children:
                child.close()
            if self.fd >= 0:
                remove(self._root, self.name)
                os.close(self.fd)
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)  # type: ignore[arg-type]
        if self._interrupted_by and kind is None:  # Python drops what strikes its own upkeep, an import's for one
            raise KeyboardInterrupt(self._interrupted_by)

    def start(self, work: "Callable[[int, int], None]") -> Child:
        """Start a process.

        Args:
            work: what it does, given the descriptor to write to, and one that reads nothing until `Child.ask`.
        """
        told, tell = os.pipe()
        waits, go = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                for number in ENDING:
                    signal.signal(number, signal.SIG_DFL)
                for child in self._children:
                    child.drop()
                os.close(told)
                os.close(go)
                work(tell, waits)
            finally:
                # Not by returning: nothing of what the parent has open is flushed or tidied up from here.
                os.close(tell)
                os.kill(runtime.getpid(), signal.SIGKILL)
        os.close(tell)
        os.close(waits)
        child = Child(pid, told, go)
        self._children.append(child)
        return child

    def file(self, name: str, data: bytes = b"") -> str:
        """Make a file; its path."""
        path = f"{self.path}/{name}"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, data)
        finally:
            os.close(fd)
        return path


def remove(folder: int, name: str) -> None:
    """Remove a scratch folder with everything in it; no link is followed."""
    try:
        fd = os.open(name, DIRECTORY, dir_fd=folder)
    except FileNotFoundError:
        return
    try:
        with os.scandir(fd) as found:
            entries = list(found)
        for one in entries:
            if one.is_dir(follow_symlinks=False):
                remove(fd, one.name)
            else:
                os.unlink(one.name, dir_fd=fd)
    finally:
        os.close(fd)
    os.rmdir(name, dir_fd=folder)
