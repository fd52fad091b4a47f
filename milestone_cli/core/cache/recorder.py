"""What a command writes to its two outputs while it runs: passed on at once, and kept in the order in which it came.

The command writes into two pipes, and whoever reads them cannot know more than which had something to read first: each
stream is kept to the byte, the order between the two as it arrived. What is kept stands in a file without a name, so a
recorder that is killed leaves nothing behind, and a long output takes no memory.
"""

import _thread
import errno
import os
import select

from milestone_cli.core.cache.recording import ERR, OUT, piece, write
from milestone_cli.storage.files.nameless import nameless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST = 32 << 20
"""Bytes of output beyond which it is passed on and no longer kept."""
BLOCK = 1 << 16
DUP2 = os.POSIX_SPAWN_DUP2


class Recorder:
    """Passes on and keeps what one command writes.

    Attributes:
        trouble: why what was kept is not the whole of it; empty as long as it is.
        failure: why not all of it was passed on, as far as anybody listened; None when it was.
        actions: what becomes of the descriptors in the command, as `os.posix_spawn` takes them.
    """

    def __init__(self, folder: str, given: int = -1) -> None:
        """Make the pipes.

        Args:
            folder: where the file without a name is made; empty: nothing is kept.
            given: descriptor of what the command reads; -1: nothing, an empty input.
        """
        self._spool = nameless(folder) if folder else -1
        self.trouble = "its output could not be kept" if self._spool < 0 else ""
        self.failure: OSError | None = None
        self._kept = 0
        self._ends = [os.pipe(), os.pipe()]
        self._over = _thread.allocate_lock()
        self._over.acquire()
        self._is_started = False
        first = (DUP2, given, 0) if given >= 0 else (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
        out, error = ((DUP2, self._ends[at][1], stream) for at, stream in enumerate((OUT, ERR)))
        self.actions: Sequence[tuple[object, ...]] = (first, out, error)

    def started(self, _: int) -> None:
        """The command runs: begin to read, in a thread that inherits the blocked signals, so that none ends there."""
        for _, end in self._ends:
            os.close(end)
        self._is_started = True
        _thread.start_new_thread(self._pump, ())

    def wait(self) -> None:
        """Wait until nobody can write into the pipes any more: what the command started in the background may."""
        if self._is_started:
            self._over.acquire()
        else:
            for pair in self._ends:
                for end in pair:
                    os.close(end)

    def kept(self) -> bytes:
        """What was kept, as `recording.replay` takes it."""
        os.lseek(self._spool, 0, os.SEEK_SET)
        blocks = []
        while block := os.read(self._spool, 1 << 20):
            blocks.append(block)
        return b"".join(blocks)

    def close(self) -> None:
        """Let go of what was kept."""
        if self._spool >= 0:
            os.close(self._spool)
            self._spool = -1

    def _pump(self) -> None:
        try:
            streams = {self._ends[0][0]: OUT, self._ends[1][0]: ERR}
            poll = select.poll()
            for end in streams:
                poll.register(end, select.POLLIN)
            while streams:
                for end, _ in poll.poll():
                    if not self._pass(end, streams[end]):
                        poll.unregister(end)
                        del streams[end]
                        os.close(end)
        finally:
            self._over.release()

    def _pass(self, end: int, stream: int) -> bool:
        """Pass on what is in a pipe; False when that was all, or nobody takes it any more.

        Then the pipe is closed, and the command is told as it would have been without us: by SIGPIPE.
        """
        block = os.read(end, BLOCK)
        if not block:
            return False
        self._keep(stream, block)
        try:
            write(stream, block)
        except OSError as error:
            self.trouble = f"its output could not be passed on: {error.strerror}"
            if stream == OUT or error.errno != errno.EPIPE:
                self.failure = error
            return False
        return True

    def _keep(self, stream: int, block: bytes) -> None:
        if self.trouble:
            return
        self._kept += len(block)
        if self._kept > LARGEST:
            self.trouble = f"it wrote more than {LARGEST >> 20} MB"
            return
        try:
            view = memoryview(piece(stream, block))
            while view:
                view = view[os.write(self._spool, view) :]
        except OSError as error:
            self.trouble = f"its output could not be kept: {error.strerror}"
