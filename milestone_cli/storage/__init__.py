"""Finding the store that a command means, and opening it."""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import FileStore
from milestone_cli.storage.files.layout import HOME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def open_store(path: "str | None" = None) -> "Store":
    """Open the store that is meant: `--store`, else MILESTONE_STORE, else the nearest one from here upwards.

    Args:
        path: what `locate` found; left out: it is asked now.

    Raises:
        MilestoneError: `no_store`; `store_foreign` when it belongs to another user; `store_unreachable`.
    """
    path = path or locate(os.getcwd())
    if path is None:
        raise MilestoneError("no_store", "there is no store here", "`milestone init NAME` makes one")
    if "://" in path:
        from milestone_cli.storage.postgres import PostgresStore

        return PostgresStore(path)
    return FileStore(path)


def locate(*folders: str) -> "str | None":
    """Where the store is that is meant; else the first that is found from one of some folders."""
    path = named()
    for folder in folders:
        if path is None:
            path = nearest(folder)
        if path is None:
            from milestone_cli.storage.worktree import main_store

            path = main_store(folder)
    return path


def named() -> "str | None":
    """The store that the command line or the environment names; a folder that holds a store stands for it."""
    path = runtime.flags.get("store") or runtime.env("MILESTONE_STORE")
    if not path:
        return None
    path = str(path)
    if "://" in path:
        return path
    inside = path + "/" + HOME
    return os.path.realpath(inside if os.path.isdir(inside) else path)  # a link that is named is meant


def nearest(folder: str) -> "str | None":
    """The nearest store from a folder upwards."""
    while True:
        path = folder.rstrip("/") + "/" + HOME
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            if folder in ("/", ""):
                return None
            folder = folder[: folder.rindex("/")] or "/"
        else:
            return path
