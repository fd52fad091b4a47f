"""Making a store, and a milestone in it: folders, what git shall ignore, the format, the first event, the name."""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Change, Draft
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import write_synced
from milestone_cli.storage.files.folders import forget
from milestone_cli.storage.files.marks import hold
from milestone_cli.storage.refusals import twin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Receipt
    from milestone_cli.storage.files import FileStore


def make(path: str) -> bool:
    """Make the folder of a store; False when it is there already.

    Raises:
        MilestoneError: `store_unreachable` when there is no folder to make it in.
        OSError: when it cannot be made.
    """
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return False
    except (FileNotFoundError, NotADirectoryError):
        told = f"there is no folder '{os.path.dirname(path)}' to make a store in"
        raise MilestoneError("store_unreachable", told, "make the folder, or name another one") from None
    return True


def initialise(store: "FileStore", milestone: "str | None") -> "Receipt | None":
    """Make what is missing; see `FileStore.initialise`. Nothing that is there is changed."""
    try:
        store.refuse_unusable(is_writing=True)
    except MilestoneError as error:
        if error.code != "store_frozen" or (milestone is not None and milestone not in store.milestones()):
            raise
        return None  # there is nothing to do that cannot wait
    is_new = not store.milestones()  # else bash made it, and its format is for `store migrate` to say
    lay_out(store)
    root = store.folder("")
    if is_new:
        _write(store, layout.VERSION, layout.FORMAT + "\n", "the store")
    os.fsync(root)
    above = os.open("..", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)
    try:
        os.fsync(above)  # else a power cut takes the whole store, with all that was acknowledged in it
    finally:
        os.close(above)
    if milestone is None or (milestone in store.milestones() and not _is_bare(store, milestone)):
        return None
    return store.commit(Change(milestone, [Draft("state_initialized", "{}", "no-session", "system")]))


def lay_out(store: "FileStore") -> None:
    """Make the folders that are missing, and what git shall ignore."""
    for name in layout.FOLDERS:
        store.folder(name)
    _write(store, ".gitignore", layout.IGNORED)


def _write(store: "FileStore", name: str, text: str, told: str = "") -> None:
    """Write a file of the store that is not there yet, or is empty; `told` says what has been made with it.

    It is there whole or not at all, even after a power cut. One writes at a time, so what lies aside is of a dead one.
    """
    root, aside = store.folder(""), f".{name}.new.tmp"
    if _has_text(root, name):
        return
    lock = hold(store)
    try:
        if _has_text(root, name):
            return
        forget(root, aside)
        try:
            write_synced(aside, text.encode(), root)
            os.rename(aside, name, src_dir_fd=root, dst_dir_fd=root)
        except OSError:
            forget(root, aside)
            raise
        if told:
            runtime.applied.append(told)
    finally:
        os.close(lock)


def _has_text(folder: int, name: str) -> bool:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_size > 0
    except FileNotFoundError:
        return False


def _is_bare(store: "FileStore", milestone: str) -> bool:
    """Whether all there is of a milestone is the log of somebody who was killed before the end of its first line."""
    has_state = store.identity(milestone) or store.get("completed", milestone) is not None
    has_line = any(b"\n" in block for _, block in store.scan(milestone))
    return not has_state and not has_line


def refuse_twin(store: "FileStore", milestone: str) -> None:
    """Refuse a new milestone whose name differs from another's in case alone; some file systems see one name.

    Raises:
        MilestoneError: `invalid_name`.
    """
    for name in store.milestones():
        if name.lower() == milestone.lower() and name != milestone:
            raise twin(milestone, name)
