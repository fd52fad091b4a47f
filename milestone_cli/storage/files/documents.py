"""The documents of a store of files: each a file, found by its kind and its key; states among them, with revisions."""

import errno
import os

from milestone_cli.errors import MilestoneError
from milestone_cli.model import LIMIT
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.storage.files.folders import READ, Folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Document

PACKED = ("backup", "committed", "rollback", "session-part")
"""Kinds whose files may be compressed, see `compressing`; those that are so by their names are no concern here."""
ENVELOPE = 3 * LIMIT
"""Largest file of a state, in bytes: its event may quote the whole text."""


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

    def note(self, kind: str, key: str, data: bytes) -> None:
        """Put a small document that another one replaces soon: whole for every reader, but a power cut may take it."""
        from milestone_cli.storage.files.notes import note

        note(self, kind, key, data)
