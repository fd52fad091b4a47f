"""What had to be saved where the store could not be written: files in the user's state directory, beside what waits.

They are synced, whole or not there, and for their owner alone; the last few are kept.
"""

import os

from milestone_cli import runtime
from milestone_cli.storage.places import places
from milestone_cli.storage.spool import make_folder

KEPT = 10
BEFORE, AFTER = "emergency-", ".json"


def dump(store: str, data: bytes) -> str:
    """Keep a document of a store.

    Args:
        store: its path or URL.
        data: the document.

    Returns:
        The file.

    Raises:
        OSError: when the user's state directory takes it not either.
    """
    folder = folder_of(store)
    make_folder(folder)
    second = runtime.timestamp(runtime.now_ns())[:26].translate(str.maketrans("T.", "--", ":-"))
    path = f"{folder}/{BEFORE}{second}-{runtime.token()[:8]}{AFTER}"
    aside = f"{folder}/.{runtime.token()}.tmp"
    fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(fd, rest) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(aside, path)
    except OSError:
        os.unlink(aside)
        raise
    for old in dumps(store)[:-KEPT]:
        os.unlink(old)
    return path


def dumps(store: str) -> list[str]:
    """The files that are kept of a store, oldest first."""
    try:
        folder = folder_of(store)
        names = os.listdir(folder)
    except OSError:
        return []
    return [f"{folder}/{name}" for name in sorted(names) if name.startswith(BEFORE) and name.endswith(AFTER)]


def folder_of(store: str) -> str:
    """The store's folder in the user's state directory.

    Raises:
        FileNotFoundError: when the user has none.
    """
    outside = [place for place in places(store) if not place.startswith(f"{store}/")]
    if not outside:
        raise FileNotFoundError("there is no state directory: neither HOME nor XDG_STATE_HOME is set")
    return outside[0]
