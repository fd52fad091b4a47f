"""The plugin: a folder that the client loads whole, written from the same table as the settings.

A folder that holds anything that is not ours is left alone. Which folders were written is noted in the user's state
directory, because a plugin beside hooks in the settings would have every event told twice.
"""

import os

from milestone_cli import __version__
from milestone_cli.core.claude import contents, places
from milestone_cli.core.claude.settings import LARGEST, Settings
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.storage import outside

MANIFEST = ".claude-plugin/plugin.json"
HOOKS = "hooks/hooks.json"
MOST = 1000
"""Plugins that are noted."""


def manifest() -> dict[str, object]:
    """What the plugin says of itself."""
    return {
        "name": contents.NAME,
        "version": __version__,
        "description": "Records every session, keeps checkpoints, and tells the model where the work stands.",
        "author": {"name": "milestone"},
        "license": "MIT",
        "keywords": ["state", "checkpoint", "session", "event-log"],
    }


def is_untouched(raw: bytes) -> bool:
    """Whether a manifest is as this or another version of `milestone` wrote it."""
    try:
        value = loads(raw)
    except ValueError:
        return False
    return isinstance(value, dict) and value | {"version": ""} == manifest() | {"version": ""}


def events_of(folder: str) -> list[str]:
    """The events that the plugin in a folder hooks; empty for a folder without our plugin."""
    if not is_ours(folder):
        return []
    try:
        return Settings(outside.read(f"{folder}/{HOOKS}", LARGEST) or b"", HOOKS).events
    except (MilestoneError, OSError, UnicodeDecodeError):
        return []


def is_ours(folder: str) -> bool:
    """Whether a folder holds our plugin."""
    try:
        value = loads(outside.read(f"{folder}/{MANIFEST}", LARGEST) or b"null")
    except (MilestoneError, OSError, ValueError):
        return False
    return isinstance(value, dict) and value.get("name") == contents.NAME


def refuse_foreign(folder: str) -> None:
    """Let a folder pass that is missing, empty, or holds our plugin.

    Raises:
        MilestoneError: `conflict`.
        OSError: when it cannot be looked at.
    """
    try:
        there = os.listdir(folder)
    except FileNotFoundError:
        return
    if there and not is_ours(folder):
        raise MilestoneError(
            "conflict",
            f"{folder} holds something other than the plugin of milestone",
            "name a folder that is empty or not there",
        )


def known() -> list[str]:
    """The folders in which our plugin was written and still is."""
    return [folder for folder in _noted() if events_of(folder)]


def _noted() -> list[str]:
    path = places.register()
    try:
        raw = (outside.read(path, LARGEST) or b"") if path else b""
    except (MilestoneError, OSError):
        return []
    return [line for line in raw.decode("utf-8", "surrogateescape").split("\n") if line[:1] == "/"][:MOST]


def note(folder: str, *, is_there: bool) -> None:
    """Note that a plugin was written, or that it was taken away; where nothing can be noted, it is not."""
    path = places.register()
    if not path or "\n" in folder:
        return
    above = os.path.dirname(path)
    try:
        outside.folder(above, 0o700)
        hold = outside.Hold(above)
    except OSError:
        return
    try:
        before = outside.read(path, LARGEST)
        lines = [line for line in _noted() if line != folder] + ([folder] if is_there else [])
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        if data != (before or b""):
            outside.replace(path, data, before, 0o600, LARGEST)
    finally:
        hold.close()
