"""Where things of a store wait that could not be done in time; looked at by every call of the hook, see `spool`."""

import os

from milestone_cli import runtime
from milestone_cli.model import digest


def places(store: str) -> list[str]:
    """The folders in which things of a store may wait, the store's own first.

    Source of the second: the XDG base directory specification, XDG_STATE_HOME.
    """
    found = [f"{store}/spool"] if "://" not in store else []
    state = runtime.env("XDG_STATE_HOME") or ""
    home = runtime.env("HOME") or ""
    if state[:1] != "/" and home[:1] == "/":
        state = home + "/.local/state"
    if state[:1] == "/":
        found.append(f"{state}/milestone/{digest(store.encode('utf-8', 'surrogateescape'))[:16]}")
    return found


def waiting(store: str) -> list[tuple[str, str]]:
    """Name and place of each thing that waits, oldest first."""
    found = []
    for place in places(store):
        try:
            names = os.listdir(place)
        except OSError:
            continue
        found += [(name, place) for name in names if name[:5] == "call-"]
    return sorted(found) if found else found
