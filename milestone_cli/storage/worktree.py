"""The store of a linked git worktree is that of its main worktree."""

import os

from milestone_cli.storage.files.layout import HOME


def main_store(folder: str) -> str | None:
    """The main worktree's store, when a folder is inside a linked worktree of git, else None.

    Source: gitrepository-layout(5): a linked worktree's `.git` is a file that names its folder below the main
    worktree's `.git/worktrees`, in which `commondir` leads back.
    """
    while True:
        link = os.path.join(folder, ".git")
        if os.path.isfile(link):
            break
        if os.path.isdir(link) or folder == os.path.dirname(folder):
            return None
        folder = os.path.dirname(folder)
    word, _, target = _first_line(link).partition(": ")
    if word != "gitdir" or not target:
        return None
    git = os.path.normpath(os.path.join(folder, target))
    common = os.path.normpath(os.path.join(git, _first_line(os.path.join(git, "commondir")) or "../.."))
    store = os.path.join(os.path.dirname(common), HOME)
    return store if os.path.isdir(store) else None


def _first_line(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read(4096)).partition("\n")[0].rstrip("\r")
    except OSError:
        return ""
