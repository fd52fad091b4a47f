"""Files without a name, which are gone with whoever has them open, however it ends."""

import os

from milestone_cli import runtime


def nameless(folder: str) -> int:
    """A new file in a folder, open to be written and read; -1 where none can be made."""
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except (AttributeError, OSError):
        pass  # not Linux, or a file system that has no such files: then there is a name for a moment
    path = f"{folder}/.run.{runtime.token()}.tmp"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return -1
    os.unlink(path)
    return fd
