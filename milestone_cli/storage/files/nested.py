"""What stands in the folders of sessions: documents of the kinds of `layout.NESTED`, and logs, found by looking.

Folders are opened one below the other, without following a link, and closed again: there may be more of them than a
process may have open.
"""

import errno
import os

from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def keys(folder: int, kind: str, under: str = "") -> "list[str]":
    """Keys of the documents of a kind, sorted.

    Args:
        folder: open descriptor of the folder of `layout.SHAPES`, which has a folder for each first part of a key.
        kind: of `layout.NESTED`.
        under: first part of the keys; left out: any.
    """
    found: list[str] = []
    for name in [under] if under else _names(folder):
        found += ["/".join([name, *rest]) for rest in _below(folder, [name], layout.NESTED[kind].split("/")[1:])]
    return sorted(found)


def logs(folder: int) -> "list[str]":
    """The sessions that have a log of their own, sorted; `folder` is that of the sessions."""
    return sorted(name for name in _names(folder) if [*_below(folder, [name], ["events", layout.SESSION_LOG])])


def _below(folder: int, path: "list[str]", shape: "list[str]") -> "Iterator[list[str]]":
    """What the stars of a shape stand for in the paths that are there; nothing where a part is missing or no folder."""
    before, star, after = shape[0].partition("*")
    if star:
        fd = _open(folder, path)
        if fd is None:
            return
        try:
            names = [name for name in os.listdir(fd) if name.startswith(before) and name.endswith(after)]
        finally:
            os.close(fd)
        for name in names:
            word = name[len(before) : len(name) - len(after)]
            if word[:1].isalnum() and (len(shape) == 1 or [*_below(folder, [*path, name], shape[1:])]):
                yield [word]
    elif len(shape) > 1:
        yield from _below(folder, [*path, shape[0]], shape[1:])
    else:
        fd = _open(folder, path)
        if fd is None:
            return
        try:
            os.stat(shape[0], dir_fd=fd, follow_symlinks=False)
            yield []
        except FileNotFoundError:
            pass
        finally:
            os.close(fd)


def _open(folder: int, path: "list[str]") -> "int | None":
    """Open a folder that stands below another one, for the caller to close; None when it is not there."""
    fd = os.dup(folder)
    for name in path:
        try:
            inner = os.open(name, DIRECTORY, dir_fd=fd)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:  # doctor tells of links
                return None
            raise
        finally:
            os.close(fd)
        fd = inner
    return fd


def _names(folder: int) -> "list[str]":
    """Names among the sessions that may be of folders; records are files and end otherwise."""
    return [name for name in os.listdir(folder) if name[:1].isalnum() and not name.endswith(".json")]
