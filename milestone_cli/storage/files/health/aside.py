"""Setting files of a store aside, so that nothing is ever deleted that somebody might want to look at.

What goes keeps its place: `state/active/x` becomes `quarantine/<time>/state/active/x`. It is one rename, so a kill
leaves the file here or there; a record beside tells what came from where, and why.
"""

import errno
import os

from milestone_cli import runtime
from milestone_cli.jsontext import dumps
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import DIRECTORY, EXCLUSIVE, READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.files import FileStore

APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
LARGEST = 1 << 31
"""Largest file that is copied to another disk, in bytes."""


def opened(store: "FileStore", folder: str) -> int:
    """Descriptor of a folder of the store, for the caller to close; unlike `FileStore.folder` it makes none.

    Raises:
        OSError: when there is none, or a link stands in the way.
    """
    fd = os.open(store.path, DIRECTORY)
    try:
        for part in folder.split("/") if folder else ():
            inner = os.open(part, DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = inner
    except BaseException:
        os.close(fd)
        raise
    return fd


class Aside:
    """A folder in the quarantine, made when the first thing goes there."""

    def __init__(self, store: "FileStore") -> None:
        self._store = store
        self.name = layout.aside_folder(runtime.timestamp(runtime.now_ns()), runtime.token())

    def take(self, folder: str, leaf: str, why: str, *, stays: bool = False) -> str:
        """Set a file or folder of the store aside.

        Args:
            folder: of the store, `state/active`.
            leaf: its name there.
            why: for the record.
            stays: it is about to be replaced, so until then the file stays where it is too.

        Returns:
            Where it is now, below the store; empty when it was gone already.
        """
        self._store.refuse_unusable(is_writing=True)
        source = opened(self._store, folder)
        try:
            try:
                os.stat(leaf, dir_fd=source, follow_symlinks=False)
            except FileNotFoundError:
                return ""
            place = f"{layout.QUARANTINE}/{self.name}" + (f"/{folder}" if folder else "")
            target = self._store.folder(place)
            self.note({"from": f"{folder}/{leaf}".lstrip("/"), "to": f"{place}/{leaf}", "why": why})
            try:
                if stays:
                    os.link(leaf, leaf, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
                else:
                    os.rename(leaf, leaf, src_dir_fd=source, dst_dir_fd=target)
            except FileNotFoundError:
                return ""
            except OSError as error:
                if error.errno != errno.EXDEV and not stays:
                    raise
                self._carry(leaf, source, target)
                if not stays:
                    os.unlink(leaf, dir_fd=source)
            os.fsync(target)
            os.fsync(source)
        finally:
            os.close(source)
        return f"{place}/{leaf}"

    def _carry(self, leaf: str, source: int, target: int) -> None:
        """Copy a file to the quarantine, where that is on another disk."""
        fd = os.open(leaf, READ, dir_fd=source)
        try:
            data = self._store.read_open(fd, leaf, LARGEST)[0]
        finally:
            os.close(fd)
        from milestone_cli.storage.files.commit import write_synced

        write_synced(leaf, data, target)

    def keep(self, folder: str, text: "dict[str, bytes]", why: str) -> None:
        """Keep copies of small files that are about to go in another way, such as those of a lock.

        Args:
            folder: of the store, where they stand.
            text: their names, and what is in them.
            why: for the record.
        """
        place = f"{layout.QUARANTINE}/{self.name}/{folder}"
        target = self._store.folder(place)
        self.note({"from": folder, "to": place, "why": why})
        for name, data in text.items():
            try:
                fd = os.open(name, EXCLUSIVE, 0o600, dir_fd=target)
            except FileExistsError:
                continue
            try:
                os.write(fd, data)
            finally:
                os.close(fd)

    def note(self, fields: "dict[str, object]") -> None:
        """Write down what is done, before it is done."""
        now = runtime.timestamp(runtime.now_ns())
        line = dumps({"at": now, **fields, "by": runtime.user()}).encode("utf-8", "surrogateescape") + b"\n"
        folder = self._store.folder(f"{layout.QUARANTINE}/{self.name}")
        fd = os.open(layout.ASIDE_RECORD, APPEND, 0o600, dir_fd=folder)
        try:
            os.write(fd, line)
            os.fsync(fd)
        finally:
            os.close(fd)
