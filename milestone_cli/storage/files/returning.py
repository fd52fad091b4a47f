"""The way back from a migration: every file is put back that it changed, as far as nobody has written it since.

Each file by one rename, so a kill leaves the one or the other, and whoever comes next goes on. Nothing here believes a
path that stands in a file: what is put back or removed was found by looking.
"""

import os

from milestone_cli.storage.files import keepsake
from milestone_cli.storage.files.folders import EXCLUSIVE, forget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.files.health.walk import Entry
    from milestone_cli.storage.files.keepsake import Keepsake
    from milestone_cli.storage.files.marks import MarkedStore

    Facts = dict[str, object]

ASIDE = "return"
"""What stands in the names of files that are being put back."""


class Return:
    """Putting back what a migration changed, as far as nobody has written it since."""

    def __init__(self, store: "MarkedStore", kept: "Keepsake", changed: "Facts") -> None:
        self._store = store
        self._kept = kept
        self._changed = changed

    def run(self) -> "list[str]":
        """Do it; paths that stay as they are, since somebody has written them."""
        there = keepsake.present(self._store)
        now = keepsake.sums(self._store, [path for path, one in there.items() if one.is_file])
        left = []
        for path in sorted({*self._kept.files, *now} & self._changed.keys()):
            if path in self._kept.files and now.get(path) == self._kept.sum(path):
                continue  # put back already
            if path not in self._kept.files and path not in now:
                continue
            if now.get(path) != self._changed[path]:
                left.append(path)
            elif path in self._kept.files:
                self._put(path, there)
            else:
                os.unlink(path.rpartition("/")[2], dir_fd=self._store.folder(path.rpartition("/")[0]))
        self._modes()
        self._empty({one.path for one in keepsake.present(self._store).values() if one.is_folder})
        return left

    def _put(self, path: str, there: "dict[str, Entry]") -> None:
        """Put a file back, with its time; what bash appends meanwhile goes along."""
        folder, _, name = path.rpartition("/")
        target = self._store.folder(folder)
        aside = f".{name}.{ASIDE}.tmp"
        was = self._kept.files[path]
        forget(target, aside)  # of one who was killed here
        fd = os.open(aside, EXCLUSIVE, 0o600, dir_fd=target)
        try:
            with self._kept.open(path) as file:
                while block := file.read(keepsake.BLOCK):
                    _write(fd, block)
            os.fsync(fd)
            old = keepsake.opened(self._store, path) if path in there else -1
            try:
                os.rename(aside, name, src_dir_fd=target, dst_dir_fd=target)
                if old >= 0 and (late := os.pread(old, keepsake.BLOCK, there[path].status.st_size)):
                    os.lseek(fd, 0, os.SEEK_END)
                    _write(fd, late)
            finally:
                if old >= 0:
                    os.close(old)
            os.utime(fd, (was.mtime, was.mtime))
        except BaseException:
            forget(target, aside)
            raise
        finally:
            os.close(fd)
        os.fsync(target)

    def _modes(self) -> None:
        """Open files and folders again to whom they were open."""
        modes = {path: one.status.st_mode & 0o777 for path, one in keepsake.present(self._store).items()}
        for path, mode in {**modes, keepsake.ROOT: -1}.items():
            was = self._kept.modes.get(path, mode)
            if was != mode:
                fd = keepsake.opened(self._store, path)
                try:
                    os.fchmod(fd, was)
                finally:
                    os.close(fd)

    def _empty(self, folders: "set[str]") -> None:
        """Remove folders that were not there, as far as nothing is in them."""
        for path in sorted(folders - self._kept.folders, reverse=True):
            folder, _, name = path.rpartition("/")
            try:
                os.rmdir(name, dir_fd=self._store.folder(folder))
            except OSError:
                continue  # something is in it: it stays


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
