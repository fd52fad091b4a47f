"""A store of files as it was, in one tar file: what a migration makes first, and what the way back is taken from.

It holds plain files and folders, with their times and modes, but not what is nobody's work: locks, caches, what was
put aside. Whoever takes from it names the place by a path that was found by looking, never by one that stands in it.
"""

import os
import tarfile

from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import READ, forget
from milestone_cli.storage.files.health.walk import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib
    from typing import IO

    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.files.health.walk import Entry

LEFT = (layout.LOCKS, layout.QUARANTINE, layout.MIGRATIONS, layout.BEATS, "cache", "spool")
"""Folders whose contents are nobody's work."""
BLOCK = 1 << 20
ROOT = "."
"""The store's own folder among its paths."""


def present(store: "FileStore") -> "dict[str, Entry]":
    """What a store has, by path: plain files, and folders.

    Raises:
        OSError: when a folder cannot be entered: what is in it is neither gone nor to be left out.
    """
    found = {}
    for one in walk(store.folder("")):
        if (one.is_file or one.is_folder) and one.path not in (layout.VERSION, layout.COMPILED) and not _is_left(one):
            if one.error:
                raise one.error
            found[one.path] = one
    return found


def _is_left(one: "Entry") -> bool:
    if any(one.path == name or one.path.startswith(name + "/") for name in LEFT):
        return not (one.is_folder and one.path in LEFT)
    return one.is_file and layout.temporary_parts(one.name) is not None


def opened(store: "FileStore", path: str) -> int:
    """Descriptor of a file of the store, to be closed.

    Raises:
        FileNotFoundError: when it is gone.
    """
    folder, _, name = path.rpartition("/")
    return os.open(name, READ, dir_fd=store.present(folder))


def sums(store: "FileStore", paths: "list[str]") -> "dict[str, str]":
    """SHA-256 of files, by path; what is gone is left out."""
    found = {}
    for path in paths:
        try:
            fd = opened(store, path)
        except FileNotFoundError:
            continue
        with open(fd, "rb") as file:
            found[path] = total(file)
    return found


def total(file: "IO[bytes]", size: int = -1) -> str:
    """SHA-256 of what is left of an open file, or of so many bytes of it."""
    found = _hash()
    while block := file.read(BLOCK if size < 0 else min(BLOCK, size)):
        found.update(block)
        size -= len(block) if size > 0 else 0
    return found.hexdigest()


def _hash() -> "hashlib._Hash":
    import hashlib

    return hashlib.sha256()


def write(store: "FileStore", target: int, name: str) -> "tuple[int, int]":
    """Keep the store in a file that is not there yet, synced and whole or not at all; files, and their bytes.

    Args:
        store: as it is.
        target: open descriptor of the folder.
        name: of the file.

    Raises:
        OSError: when there is no room for it; nothing of it is left then.
    """
    aside = f".{name}.tmp"
    files = size = 0
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(aside, flags, 0o600, dir_fd=target)
    try:
        with open(fd, "w+b", closefd=False) as out, tarfile.open(fileobj=out, mode="w") as tar:
            root = tarfile.TarInfo(ROOT)
            root.type, root.mode = tarfile.DIRTYPE, os.fstat(store.folder("")).st_mode & 0o777
            tar.addfile(root)
            for path, one in present(store).items():
                info = tarfile.TarInfo(path)
                info.mode, info.mtime = one.status.st_mode & 0o777, one.status.st_mtime
                if one.is_folder:
                    info.type = tarfile.DIRTYPE
                    tar.addfile(info)
                    continue
                try:
                    source = opened(store, path)
                except FileNotFoundError:
                    continue  # it went away meanwhile
                with open(source, "rb") as file:
                    info.size = os.fstat(source).st_size  # a log may grow meanwhile: the rest belongs to later
                    tar.addfile(info, file)
                files, size = files + 1, size + info.size
        os.fsync(fd)
        os.rename(aside, name, src_dir_fd=target, dst_dir_fd=target)
    except BaseException:
        forget(target, aside)
        raise
    finally:
        os.close(fd)
    os.fsync(target)
    return files, size


class Keepsake:
    """A store as it was, open for taking from.

    Attributes:
        files: of it, by path.
        folders: paths of those that were there.
        modes: of both, by path.
    """

    def __init__(self, folder: int, name: str) -> None:
        """Open what `write` made.

        Raises:
            MilestoneError: `damaged` when it is gone, or is no backup.
            OSError: when it cannot be read.
        """
        try:
            self._file = open(os.open(name, READ, dir_fd=folder), "rb")  # noqa: SIM115 - `close` is for whoever asked
            self._tar = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115
            members = self._tar.getmembers()
        except (FileNotFoundError, tarfile.TarError) as error:
            told = f"the backup '{layout.MIGRATIONS}/{name}' is damaged: {error}"
            raise MilestoneError("damaged", told, "look at the store's disk") from error
        self.files = {one.name: one for one in members if one.isreg()}
        self.folders = {one.name for one in members if one.isdir()}
        self.modes = {one.name: one.mode & 0o777 for one in members}

    def open(self, path: str) -> "IO[bytes]":
        """A file as it was."""
        found = self._tar.extractfile(self.files[path])
        assert found is not None
        return found

    def sum(self, path: str) -> str:
        """SHA-256 of a file as it was."""
        with self.open(path) as file:
            return total(file)

    def is_beginning(self, store: "FileStore", path: str) -> bool:
        """Whether a file that is there begins as it was."""
        with open(opened(store, path), "rb") as file:
            return total(file, self.files[path].size) == self.sum(path)

    def close(self) -> None:
        """Close it."""
        self._tar.close()
        self._file.close()
