"""Files that are replaced all the time, as heartbeats are, or made again: whole for every reader, never synced."""

import os

from milestone_cli import runtime
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import EXCLUSIVE, forget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.files import FileStore


def note(store: "FileStore", kind: str, key: str, data: "bytes | None") -> None:
    """Put a note; see `Store.note`."""
    store.refuse_unusable(is_writing=True)
    folder, name = layout.place(kind, key)
    store.let_go()
    try:
        fd = store.folder(folder) if data is not None else store.present(folder)
    except FileNotFoundError:
        return None  # nothing is put, and nothing is there
    while True:
        for file in os.listdir(fd):
            if file.startswith(f".{name}.") and file.endswith(".tmp"):  # a dead one's, or an older note's
                forget(fd, file)
        if data is None:
            return None
        try:
            return replace_file(name, data, fd)
        except FileNotFoundError:  # somebody else who notes just now took ours for a dead one's
            if not os.fstat(fd).st_nlink:
                raise


def replace_file(name: str, data: bytes, folder: int) -> None:
    """Replace a file that can be made again, atomically and without a sync."""
    aside = f".{name}.{runtime.token()}.tmp"
    fd = os.open(aside, EXCLUSIVE, 0o600, dir_fd=folder)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        forget(folder, aside)
        raise
    finally:
        os.close(fd)
