"""Making a store: folders, what git shall ignore, the version of the format, and a milestone's first event."""

import os

from milestone_cli.model import Change, Draft
from milestone_cli.storage.files import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Receipt
    from milestone_cli.storage.files import FileStore


def make(path: str) -> bool:
    """Make the folder of a store; False when it is there already.

    Raises:
        OSError: when it cannot be made.
    """
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return False
    return True


def initialise(store: "FileStore", milestone: "str | None") -> "Receipt | None":
    """Make what is missing; see `FileStore.initialise`. Nothing that is there is changed."""
    for name in layout.FOLDERS:
        store.folder(name)
    root = store.folder("")
    for name, text in ((".gitignore", layout.IGNORED), (layout.VERSION, layout.FORMAT + "\n")):
        try:
            fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=root)
        except FileExistsError:
            continue
        try:
            os.write(fd, text.encode())
            os.fsync(fd)
        finally:
            os.close(fd)
    os.fsync(root)
    above = os.open("..", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)
    try:
        os.fsync(above)  # else a power cut takes the whole store, with all that was acknowledged in it
    finally:
        os.close(above)
    if milestone is None or (milestone in store.milestones() and not _is_bare(store, milestone)):
        return None
    return store.commit(Change(milestone, [Draft("state_initialized", "{}", "no-session", "system")]))


def _is_bare(store: "FileStore", milestone: str) -> bool:
    """Whether all there is of a milestone is the log of somebody who was killed before the end of its first line."""
    has_state = store.identity(milestone) or store.get("completed", milestone) is not None
    has_line = any(b"\n" in block for _, block in store.scan(milestone))
    return not has_state and not has_line
