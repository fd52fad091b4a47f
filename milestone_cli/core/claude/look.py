"""What of ours is in the client, and how it has fared: for `hook status` and for `doctor`."""

import os

from milestone_cli import __version__
from milestone_cli.core.claude import contents, install, places, plugin, program
from milestone_cli.storage import locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.claude.places import Place

    Facts = dict[str, object]

SHOWN = 10
"""So many of the last problems are told."""


def status() -> "Facts":
    """What is installed where, which program the client finds, and what went wrong lately."""
    path = program.find()
    settings, plugins = install.doubles()
    store = locate(os.getcwd())
    return {
        "version": __version__,
        "command": {"path": path, "version": program.version(path) if path else None},
        "settings": [_settings(place) for place in places.existing()],
        "plugins": [{"name": name, "events": plugin.events_of(name)} for name in plugins],
        "twice": bool(settings and plugins),
        "store": _shown(store),
        **_fared(store),
    }


def _shown(store: "str | None") -> "str | None":
    """A store's name, without the password that a URL may hold."""
    if store is None or "://" not in store:
        return store
    from milestone_cli.storage.postgres.url import mask

    return mask(store)


def _settings(place: "Place") -> "Facts":
    found, trouble = install.read(place)
    usual = [event for event, is_usual in contents.EVENTS.items() if is_usual]
    return {
        "scope": place.scope,
        "path": place.path,
        "exists": os.path.exists(place.path),
        "trouble": trouble or None,
        "events": found.events,
        "missing": found.missing(usual) if found.events else [],
        "by_hand": [{"event": event, "command": command} for event, command in found.by_hand],
        "statusline": found.statusline == contents.STATUSLINE,
        "commands": [name for name in contents.COMMANDS if _has_command(place, name)],
    }


def _has_command(place: "Place", name: str) -> bool:
    return bool(place.commands) and os.path.isfile(f"{place.commands}/{name}.md")


def _fared(store: "str | None") -> "Facts":
    """The calls that wait for the next one, and the last that went wrong."""
    if store is None:
        return {"waiting": 0, "problems": []}
    from milestone_cli.core.hook.late import problems
    from milestone_cli.storage.places import waiting

    return {"waiting": len(waiting(store)), "problems": problems(store)[-SHOWN:]}
