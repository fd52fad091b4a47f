"""How long saving takes on a disk: tried in a scratch folder, with all that a real save does; the folder goes again."""

import os

from milestone_cli import runtime
from milestone_cli.model import Change, Draft
from milestone_cli.storage.files import FileStore
from milestone_cli.storage.files.health.scratch import Scratch

ROUNDS = 9
"""Saves that are timed; one before them is not, since it loads what the others find loaded."""
TEXT = b'{"probe":"' + b"x" * 1000 + b'"}'
NAME = "probe"


def save_times(store: FileStore) -> "list[float]":
    """Seconds of each of some saves of 1 KB, from taking the lock to the acknowledgement."""
    with Scratch(store) as scratch:
        path = f"{scratch.path}/store"
        os.mkdir(path, 0o700)
        inner = FileStore(path)
        try:
            inner.initialise(None)
            return [_save(inner, number) for number in range(ROUNDS + 1)][1:]
        finally:
            inner.close()


def _save(store: FileStore, number: int) -> float:
    event = Draft("state_saved", "{}", "no-session", "system")
    text = TEXT.replace(b"probe", b"%05d" % number, 1)
    began = runtime.monotonic()
    store.commit(Change(NAME, [event], lambda _: text, timeout=10))
    return runtime.monotonic() - began
