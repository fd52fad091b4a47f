"""What git says of a folder, read from its files: no process is started, and nothing is ever changed."""

import os

from milestone_cli import runtime

NONE = "none"
LONGEST = 4096


def branch(folder: str) -> str:
    """The branch that is checked out where a folder is; empty for a detached HEAD, `none` where there is no git.

    Source: gitrepository-layout(5): `HEAD` names the branch; a linked worktree's `.git` is a file with `gitdir:`.
    """
    home = _home(folder)
    head = _first_line(home + "/HEAD") if home else ""
    if not head:
        return NONE
    word, _, name = head.partition(" ")
    name = name.strip(" \t")
    if word != "ref:":
        return ""
    if name == "refs/heads/.invalid":  # the refs are kept in a form that only git reads
        return NONE
    return name.removeprefix("refs/heads/")


def _home(folder: str) -> str:
    """The folder that holds HEAD for a working directory; empty when there is none above it."""
    given = runtime.env("GIT_DIR")
    if given:
        return os.path.join(folder, given)
    while True:
        place = folder.rstrip("/") + "/.git"
        if os.path.isdir(place):
            return place
        if os.path.isfile(place):
            word, _, target = _first_line(place).partition(":")
            return os.path.join(folder, target.strip(" ")) if word == "gitdir" else ""
        if folder in ("/", ""):
            return ""
        folder = os.path.dirname(folder)


def _first_line(path: str) -> str:
    """The first line of a small file; empty when it cannot be read, for git is no part of the store."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, LONGEST).partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    except OSError:
        return ""
    finally:
        os.close(fd)
