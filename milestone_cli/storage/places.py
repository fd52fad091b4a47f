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
        known = _known(store) if "://" in store else store
        found.append(f"{state}/milestone/{digest(known.encode('utf-8', 'surrogateescape'))[:16]}")
    return found


def _known(url: str) -> str:
    """What tells a database from others, with or without the password, which its URL may show or hide."""
    user, at, rest = url.partition("://")[2].rpartition("@")
    place, mark, project = rest.partition("#")
    return user.partition(":")[0] + at + place.partition("?")[0] + mark + project


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
