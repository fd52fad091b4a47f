"""The steps from one format of a store of files to the next: named, in order, each of which can be done again.

Format 0 is what the bash utilities make: states without revisions, logs without heads, files as open as the umask.
Format 1 is all of that, and more beside it, so whoever read the one reads the other.
"""

import os
import stat

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Plan
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.health.places import OTHERS
from milestone_cli.storage.files.health.walk import whole
from milestone_cli.storage.files.keepsake import ROOT, opened
from milestone_cli.storage.files.log import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.files.health.walk import Entry

PATIENCE = 30.0
"""Seconds to wait for a lock."""


class Step:
    """A named part of a migration.

    Attributes:
        name: for the log.
        told: what it does, a sentence with a place for a number.
        find: names what it would do; nothing: it has been done.
        do: does it; whoever does it again does nothing.
    """

    __slots__ = ("do", "find", "name", "told")

    def __init__(
        self, name: str, told: str, find: "Callable[[FileStore], list[str]]", do: "Callable[[FileStore], None]"
    ) -> None:
        self.name = name
        self.told = told
        self.find = find
        self.do = do


def _folders(store: "FileStore") -> "list[str]":
    there = {one.path for one in whole(store.folder(""))}
    return [name for name in (*layout.FOLDERS, ".gitignore") if name not in there]


def _make_folders(store: "FileStore") -> None:
    from milestone_cli.storage.files.founding import lay_out

    lay_out(store)


def _leftovers(store: "FileStore") -> "list[str]":
    return [one.path for one in whole(store.folder("")) if one.is_file and _is_left(one)]


def _is_left(one: "Entry") -> bool:
    """Whether a file is what a dead bash command left among states and logs, or what its recovery put aside there."""
    if one.folder == layout.ACTIVE:
        if ".json.corrupted." in one.name:
            return True
        _, mark, pid = one.name.rpartition(".json.tmp.")
        return bool(mark) and pid.isdecimal() and len(pid) < 10 and not runtime.alive(int(pid))
    return False


def _put_aside(store: "FileStore") -> None:
    for path in _leftovers(store):
        folder, _, name = path.rpartition("/")
        store.aside().take(folder, name, "a bash command left it; the store was brought to format 1")


def _states(store: "FileStore") -> "list[str]":
    """Milestones whose state the log does not know."""
    found = []
    for name in store.milestones():
        try:
            document = store.document(name)
        except MilestoneError as error:
            if error.code != "damaged":
                raise
            continue  # doctor tells of it, and it stays as it is
        head = store.head(name)
        if document is not None and (head is None or head.state != document.sha256):
            found.append(name)
    return found


def _record_states(store: "FileStore") -> None:
    for name in _states(store):
        store.transact([name], lambda: Plan("settle"), PATIENCE)


def _logs(store: "FileStore") -> "list[str]":
    """Logs without a head, so that a cut tail would go unnoticed."""
    return [name for name in store.milestones() if store.log_size(name)[0] and store.head(name) is None]


def _make_heads(store: "FileStore") -> None:
    for name in _logs(store):
        # Opening a log brings its head up to date, unless damage has to be told first, which the next event does.
        Log(store, name, runtime.monotonic() + PATIENCE).close()


def _open_to_others(store: "FileStore") -> "list[str]":
    root = os.fstat(store.folder(""))
    own = [ROOT] if root.st_mode & OTHERS and root.st_uid == os.geteuid() else []
    return own + [
        one.path
        for one in whole(store.folder(""))
        if (one.is_file or one.is_folder)
        and one.status.st_mode & OTHERS
        and one.status.st_uid == os.geteuid()
        and not one.path.startswith(layout.LOCKS + "/")
    ]


def _close_to_others(store: "FileStore") -> None:
    for path in _open_to_others(store):
        fd = opened(store, path)
        try:
            os.fchmod(fd, stat.S_IMODE(os.fstat(fd).st_mode) & ~OTHERS)
        finally:
            os.close(fd)


MIGRATIONS: "tuple[tuple[int, tuple[Step, ...]], ...]" = (
    (
        1,
        (
            Step("folders", "make {} files and folders of the layout", _folders, _make_folders),
            Step("leftovers", "put {} files aside that dead bash commands left", _leftovers, _put_aside),
            Step("states", "record {} states that their logs do not know", _states, _record_states),
            Step("logs", "write down where {} logs end", _logs, _make_heads),
            Step("permissions", "close {} files and folders to others", _open_to_others, _close_to_others),
        ),
    ),
)
"""Number of each format, and the steps to it from the one before; a step that is in a release never changes."""
