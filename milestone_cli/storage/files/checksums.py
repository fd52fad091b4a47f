"""What is remembered of files that were hashed: one index for each of their folders, which only saves work.

An index proves itself by its own checksum; one that does not, or cannot be read, is as good as none. It is replaced as
a whole and without a sync: of two writers at once the later one wins, and what it did not know is hashed once more.
"""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import digest
from milestone_cli.storage.files.cachenames import CHECKSUMS
from milestone_cli.storage.files.folders import forget
from milestone_cli.storage.files.notes import replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.files.folders import Folders

HEAD = b"milestone-checksums 1 "
LIMIT = 32 << 20
"""Largest index, in bytes."""
MOST = 4096
"""Indexes that are kept; then the older half goes."""

Known = dict[bytes, tuple[bytes, bytes]]
"""Name of a file in the folder: what told that version of it from others, and the SHA-256 of its content."""


class Checksums:
    """The indexes of a store."""

    def __init__(self, folders: "Folders") -> None:
        self._folders = folders

    def read(self, folder: str) -> Known:
        """What is known of the files in a folder, given by its absolute path; empty where nothing proves itself."""
        try:
            raw = self._folders.read_file(CHECKSUMS, _name(folder), LIMIT)
        except (OSError, MilestoneError):
            return {}
        head, _, body = raw.partition(b"\n")
        if head != HEAD + digest(body).encode():
            return {}
        words = body.split(b"\0")
        if words[0] != os.fsencode(folder):
            return {}
        return {words[at]: (words[at + 1], words[at + 2]) for at in range(1, len(words) - 2, 3)}

    def write(self, folder: str, known: Known) -> None:
        """Remember what is known of the files in a folder; where the disk does not take it, nothing is remembered."""
        words = [os.fsencode(folder)]
        for name, (facts, sum_) in sorted(known.items()):
            words += [name, facts, sum_]
        body = b"\0".join([*words, b""])
        try:
            fd = self._folders.folder(CHECKSUMS)
            self._make_room(fd)
            replace_file(_name(folder), HEAD + digest(body).encode() + b"\n" + body, fd)
        except (OSError, MilestoneError):
            pass  # it would have saved work, and nothing rests on it

    @staticmethod
    def _make_room(fd: int) -> None:
        """Remove the older half of the indexes when there are many, and what writers left that were killed."""
        names = os.listdir(fd)
        if len(names) < MOST:
            return
        stamped = []
        for name in names:
            try:
                stamped.append((os.stat(name, dir_fd=fd, follow_symlinks=False).st_mtime_ns, name))
            except FileNotFoundError:
                pass
        now = runtime.now_ns()
        for written, name in sorted(stamped)[: MOST // 2]:
            if name[:1] != "." or written < now - 3600 * 10**9:
                forget(fd, name)


def _name(folder: str) -> str:
    """The index of a folder; machines that share a store have each their own, since inodes are a machine's."""
    return digest(os.fsencode(f"{runtime.host()}\0{folder}"))[:32]
