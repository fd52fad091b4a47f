"""The folders of a store, its files as far as they may be trusted, and its documents: files found by kind and key.

Every file is reached through descriptors of its folders: no link is followed, nothing but plain files is read, and
nothing without a bound.
"""

import errno
import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import LIMIT
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.envelope import parse_envelope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Document

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MANY = 100
"""Open folders beyond which those of sessions are closed."""
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
EXCLUSIVE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
PACKED = ("backup", "committed", "rollback", "session-part")
"""Kinds whose files may be compressed, see `compressing`; those that are so by their names are no concern here."""
ENVELOPE = 3 * LIMIT
"""Largest file of a state, in bytes: its event may quote the whole text."""


class Folders:
    """The open folders of a store."""

    def __init__(self, path: str) -> None:
        """Open the store at `path`.

        Raises:
            MilestoneError: `no_store`, `unsafe_link`, or `store_foreign` when another user owns it.
        """
        self.path = path
        self._folders: dict[str, int] = {}
        try:
            self._folders[""] = root = os.open(path, DIRECTORY)
        except FileNotFoundError:
            hint = f"`milestone --store {path} init NAME` makes one there"
            raise MilestoneError("no_store", f"there is no store at '{path}'", hint) from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise MilestoneError("unsafe_link", f"'{path}' is not a folder", "name the store itself") from None
            raise
        owner = os.fstat(root).st_uid
        if owner != os.geteuid() and not runtime.env("MILESTONE_TRUST_STORE"):
            raise MilestoneError(
                "store_foreign",
                f"the store '{path}' belongs to another user",
                "set MILESTONE_TRUST_STORE=1 if you trust whoever can write there",
                owner=owner,
            )

    def folder(self, name: str) -> int:
        """Open descriptor of a folder of the store, such as `layout.ACTIVE`; made when it is missing."""
        fd = self._folders.get(name)
        if fd is None:
            above, _, leaf = name.rpartition("/")
            parent = self.folder(above)
            try:
                fd = os.open(leaf, DIRECTORY, dir_fd=parent)
            except FileNotFoundError:
                try:
                    os.mkdir(leaf, 0o700, dir_fd=parent)
                except FileExistsError:
                    pass
                fd = os.open(leaf, DIRECTORY, dir_fd=parent)
                os.fsync(parent)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise MilestoneError(
                        "unsafe_link", f"'{name}' in the store is not a folder", "look at it, then move it away"
                    ) from None
                raise
            self._folders[name] = fd
        return fd

    def present(self, name: str) -> int:
        """The same of a folder that is to be read from: it is not made, since the disk may be read-only.

        Raises:
            FileNotFoundError: when there is none.
        """
        fd = self._folders.get(name)
        if fd is None:
            os.stat(name, dir_fd=self.folder(""), follow_symlinks=False)
            fd = self.folder(name)
        return fd

    def let_go(self) -> None:
        """Close folders of sessions when many are open: there are as many as sessions, and more checkpoints."""
        if len(self._folders) > MANY:
            for name in [name for name in self._folders if name.count("/") > 1]:
                os.close(self._folders.pop(name))

    def remove_empty(self, name: str, above: str) -> None:
        """Remove a folder, and those that it stands in, as far as nothing is in them; `above` and higher ones stay."""
        while name != above:
            fd = self._folders.pop(name, None)
            if fd is not None:
                os.close(fd)
            upper, _, leaf = name.rpartition("/")
            try:
                os.rmdir(leaf, dir_fd=self.present(upper))
                os.fsync(self.folder(upper))
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                return
            name = upper

    def close(self) -> None:
        """Close what is open; the store can still be used afterwards."""
        while self._folders:
            os.close(self._folders.popitem()[1])

    def read_file(self, folder: str, name: str, limit: int) -> bytes:
        """Read a file of the store, whole and bounded.

        Raises:
            FileNotFoundError: when there is none.
            MilestoneError: `unsafe_link` when it is not a plain file, `too_large`.
        """
        try:
            fd = os.open(name, READ, dir_fd=self.present(folder))
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise MilestoneError(
                    "unsafe_link", f"'{folder}/{name}' is a link", "look at it, then move it away"
                ) from None
            raise
        try:
            return self.read_open(fd, f"{folder}/{name}".lstrip("/"), limit)[0]
        finally:
            os.close(fd)

    @staticmethod
    def read_open(fd: int, what: str, limit: int) -> "tuple[bytes, tuple[int, int, int]]":
        """Read an open file, whole and bounded; what tells this version of it from another comes with it.

        Raises:
            MilestoneError: `unsafe_link` when it is not a plain file, `too_large`.
        """
        status = os.fstat(fd)
        if status.st_mode & 0o170000 != 0o100000:
            raise MilestoneError("unsafe_link", f"'{what}' is not a plain file", "look at it, then move it away")
        if status.st_size > limit:
            raise MilestoneError(
                "too_large", f"'{what}' has {status.st_size} bytes; {limit} are read", "look at what made it so large"
            )
        blocks = []
        while block := os.read(fd, max(4096, min(status.st_size + 1, 1 << 26))):
            blocks.append(block)
            if len(block) > status.st_size:
                break
        return b"".join(blocks), (status.st_ino, status.st_mtime_ns, status.st_size)


class Documents(Folders):
    """What is read and moved as a whole; written by commits and transactions alone, except notes."""

    def document(self, milestone: str, folder: str = layout.ACTIVE) -> "Document | None":
        """A milestone's state as it stands on disk, active or in another folder; None when there is none.

        Raises:
            MilestoneError: `damaged`.
        """
        name = layout.state_file(milestone)
        try:
            fd = os.open(name, READ, dir_fd=self.folder(folder))
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise MilestoneError("unsafe_link", f"the state '{name}' is a link", "look at it first") from None
            raise
        try:
            raw, identity = self.read_open(fd, name, ENVELOPE)
        finally:
            os.close(fd)
        document = parse_envelope(raw, milestone)
        document.identity = identity
        return document

    def identity(self, milestone: str) -> "tuple[int, ...]":
        """What tells one version of a state's file from another; empty when there is no file."""
        try:
            status = os.stat(layout.state_file(milestone), dir_fd=self.folder(layout.ACTIVE), follow_symlinks=False)
        except FileNotFoundError:
            return ()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def get(self, kind: str, key: str) -> "bytes | None":
        """A document of a kind of `layout.SHAPES`, whole; None when there is none."""
        self.let_go()
        try:
            raw = self.read_file(*layout.place(kind, key), ENVELOPE)
        except FileNotFoundError:
            return None
        if raw[:2] != b"\x1f\x8b" or kind not in PACKED:
            return raw
        from milestone_cli.storage.files.compressing import plain

        return plain(raw, ENVELOPE, key)

    def keys(self, kind: str, under: str = "") -> "list[str]":
        """Keys of all documents of a kind, sorted; or only those that begin with `under` and a slash."""
        try:
            folder = self.present(layout.SHAPES[kind][0])
        except FileNotFoundError:
            return []
        if kind in layout.NESTED:
            from milestone_cli.storage.files.nested import keys

            return keys(folder, kind, under)
        found = layout.keys(kind, os.listdir(folder))
        return [key for key in found if key.startswith(under + "/")] if under else found

    def modified(self, kind: str, key: str) -> int:
        """When a document was last written, nanoseconds since 1970; 0 when there is none."""
        self.let_go()
        folder, name = layout.place(kind, key)
        try:
            return os.stat(name, dir_fd=self.present(folder), follow_symlinks=False).st_mtime_ns
        except FileNotFoundError:
            return 0

    def config_identity(self) -> "tuple[int, int, int, int] | None":
        """What tells one version of `config.yaml` from another; None when there is no configuration."""
        try:
            status = os.stat(layout.CONFIG, dir_fd=self.folder(""), follow_symlinks=False)
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def forget(folder: int, name: str) -> bool:
    """Remove a file that may not be there; whether it was."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True
