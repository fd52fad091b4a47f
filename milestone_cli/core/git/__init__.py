"""What git says of a folder, read from its files: no process is started, and nothing is ever changed.

What only git itself can tell or do is in `program`.
"""

import os

from milestone_cli import runtime

NONE = "none"
LONGEST = 4096
PACKED = 1 << 22
"""Bytes of `packed-refs` that are looked at."""


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


def commit(folder: str) -> str:
    """The commit that is checked out where a folder is; empty where there is none, or only git can tell.

    Source: gitrepository-layout(5): a ref is a file below the folder that `commondir` leads to, or stands in
    `packed-refs`.
    """
    home = _home(folder)
    word, _, name = (_first_line(home + "/HEAD") if home else "").partition(" ")
    found = word
    if word == "ref:":
        name = name.strip(" \t")
        shared = os.path.join(home, _first_line(home + "/commondir") or ".")
        if ".." in name.split("/"):
            return ""
        found = _first_line(f"{home}/{name}") or _first_line(f"{shared}/{name}") or _packed(shared, name)
    found = found.strip()
    return found if len(found) in (40, 64) and found.isalnum() else ""


def _packed(shared: str, name: str) -> str:
    """A ref's commit among those that git has packed into one file."""
    try:
        fd = os.open(shared + "/packed-refs", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        text = os.read(fd, PACKED)
    except OSError:
        return ""
    finally:
        os.close(fd)
    wanted = name.encode("utf-8", "surrogateescape")
    for line in text.split(b"\n"):
        if line.endswith(b" " + wanted):
            return line.partition(b" ")[0].decode("ascii", "replace")
    return ""


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
