"""Where the client looks for settings, commands and plugins, and where the work of a project begins."""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError

SCOPES = ("user", "project", "local")
"""The files of settings: of a person, of a project, and of a person in a project."""
PLUGIN = "plugin"
FOLDER = ".claude"
FILES = {"user": "settings.json", "project": "settings.json", "local": "settings.local.json"}
COPY = ".before-milestone"
"""Behind the name of a file of settings: as it was before anything of ours came in."""
ROOTS = (".git", ".milestones", FOLDER)
"""What stands where a project begins."""


class Place:
    """Where one file of settings stands.

    Attributes:
        scope: of `SCOPES`.
        folder: the client's folder there.
        path: the file.
    """

    __slots__ = ("folder", "path", "scope")

    def __init__(self, scope: str, folder: str) -> None:
        self.scope = scope
        self.folder = folder
        self.path = f"{folder}/{FILES[scope]}"

    @property
    def copy(self) -> str:
        """The copy that is made before the first change."""
        return self.path + COPY

    @property
    def commands(self) -> str:
        """The folder of our slash commands; empty where a person's own in a project have no place."""
        return "" if self.scope == "local" else f"{self.folder}/commands/milestone"


def place(scope: str) -> Place:
    """Where the settings of a scope stand.

    Raises:
        MilestoneError: `usage` where there is neither a home nor CLAUDE_CONFIG_DIR.
    """
    return Place(scope, user_folder() if scope == "user" else f"{project()}/{FOLDER}")


def user_folder() -> str:
    """The client's folder of a person."""
    given = runtime.env("CLAUDE_CONFIG_DIR") or ""
    if given:
        return os.path.abspath(given)
    home = runtime.env("HOME") or ""
    if home[:1] != "/":
        raise MilestoneError("usage", "there is no home directory", "set HOME or CLAUDE_CONFIG_DIR")
    return f"{home.rstrip('/')}/{FOLDER}"


def project() -> str:
    """Where the client is started for the project that we are in: its hooks are not found from further below.

    What the client says; else the nearest folder upwards that looks like the beginning of a project; else where we are.
    """
    given = runtime.env("CLAUDE_PROJECT_DIR") or ""
    if given[:1] == "/":
        return given.rstrip("/") or "/"
    here = at = os.getcwd()
    own = os.path.realpath(runtime.env("HOME") or "/")
    while at not in ("/", own):
        if any(os.path.lexists(f"{at}/{name}") for name in ROOTS):
            return at
        at = os.path.dirname(at)
    return here


def existing() -> list[Place]:
    """All places of settings that there may be here, each once: a project may begin in the home directory."""
    found: list[Place] = []
    for scope in SCOPES:
        try:
            one = place(scope)
        except (MilestoneError, OSError):
            continue
        if os.path.realpath(one.path) not in [os.path.realpath(other.path) for other in found]:
            found.append(one)
    return found


def register() -> str:
    """The file that names the plugins that were written here; empty where nothing can be kept for a person.

    Source: the XDG base directory specification, XDG_STATE_HOME.
    """
    state, home = runtime.env("XDG_STATE_HOME") or "", runtime.env("HOME") or ""
    if state[:1] != "/" and home[:1] == "/":
        state = home.rstrip("/") + "/.local/state"
    return f"{state}/milestone/plugins" if state[:1] == "/" else ""
