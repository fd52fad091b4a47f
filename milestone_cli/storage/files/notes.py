"""Small documents that are replaced all the time, heartbeats for example: whole for every reader, never synced."""

import os

from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import replace_file
from milestone_cli.storage.files.folders import forget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.files import FileStore


def note(store: "FileStore", kind: str, key: str, data: bytes) -> None:
    """Put a note; see `Store.note`."""
    store.refuse_unusable(is_writing=True)
    folder, name = layout.place(kind, key)
    fd = store.folder(folder)
    while True:
        for file in os.listdir(fd):
            if file.startswith(f".{name}.") and file.endswith(".tmp"):  # a dead one's, or an older note's
                forget(fd, file)
        try:
            return replace_file(name, data, fd)
        except FileNotFoundError:  # somebody else who notes just now took ours for a dead one's
            if not os.fstat(fd).st_nlink:
                raise
