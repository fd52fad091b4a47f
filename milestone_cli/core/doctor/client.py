"""The client's side of the hooks: whether it finds them, and us, once each, and at what cost.

Where no hooks of ours are installed there is nothing to be said.
"""

import os

from milestone_cli import __version__, runtime
from milestone_cli.core.claude import install, places, program
from milestone_cli.core.claude.places import Place
from milestone_cli.storage.findings import Finding, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.storage.contract import Store

NAME = "client"


def check(_: "Store", __: "Progress") -> "Iterator[Finding]":
    """Look at the settings of the client, the plugins, and the program that it finds."""
    findings = [*_broken(), *_installed()]
    if not findings:
        found, plugins = install.doubles()
        where = [place.path for place in found] + [f"the plugin {name}" for name in plugins]
        yield sound(NAME, f"the hooks are in {' and '.join(where)}" if where else "no hooks are installed")
    yield from findings


def _broken() -> "Iterator[Finding]":
    """Settings that cannot be read: the client leaves them out, with every hook that is in them."""
    for place in places.existing():
        if trouble := install.read(place)[1]:
            yield Finding(NAME, "settings", "warning", trouble, "correct it in an editor", place.path)


def _installed() -> "Iterator[Finding]":
    """What is to be said where our hooks are installed."""
    in_settings, plugins = install.doubles()
    below = None if plugins or "user" in [place.scope for place in in_settings] else _below()
    if below:
        fix = "start the client there, or install the hooks with `milestone hook install --user`"
        told = f"the hooks in {below.path} are not found by a client that is started further below, as here"
        yield Finding(NAME, "below", "warning" if _is_client() else "note", told, fix, below.path)
    if not (in_settings or plugins or below):
        return
    if in_settings and plugins:
        told = f"the hooks are in {in_settings[0].path} and in the plugin {plugins[0]}: every event is told twice"
        yield Finding(NAME, "twice", "warning", told, "uninstall one of them; `milestone hook status` shows them")
    path = program.find()
    if path is None:
        fix = "put the folder of the program into the PATH that the client is started with"
        yield Finding(NAME, "not_found", "warning", "hooks are installed, and no milestone is on the PATH", fix)
        return
    version = program.version(path)
    if version != __version__:
        told = f"{path}, which the hooks call, is {version or 'of an unknown version'}; this is {__version__}"
        yield Finding(NAME, "other_version", "warning", told, "install the same version there, or remove one", path)
    for code, told, fix in program.slowness(path):
        yield Finding(NAME, code, "warning", told, fix, path)


def _is_client() -> bool:
    return bool(runtime.env("CLAUDE_PROJECT_DIR"))


def _below() -> "Place | None":
    """Settings with our hooks that stand above the folder in which the client is, or would be, started."""
    at = runtime.env("CLAUDE_PROJECT_DIR") or os.getcwd()
    home = os.path.realpath(runtime.env("HOME") or "/")
    is_first = True
    while at not in ("/", "", home):
        for scope in ("project", "local"):
            place = Place(scope, f"{at}/{places.FOLDER}")
            if install.read(place)[0].events:
                return None if is_first else place
        is_first = False
        at = os.path.dirname(at)
    return None
