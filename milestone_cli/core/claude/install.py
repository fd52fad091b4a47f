"""Putting our hooks into the client, and taking them out: a plan that can be looked at, then the same under a lock.

Each file is replaced whole or not at all, the settings last of all when something is put in and first when it is taken
out; so whoever is killed on the way leaves files that fit, and the next call does the rest.
"""

import os

from milestone_cli.core.claude import contents, places, plugin, settings
from milestone_cli.core.claude.settings import LARGEST, Settings
from milestone_cli.errors import MilestoneError
from milestone_cli.storage import outside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.claude.places import Place

SHARED, OWN = 0o666, 0o600
"""Modes of new files: of what a project or a plugin shares, before the umask; of a person's own."""


class Plan:
    """What shall be done, or has been.

    Attributes:
        scope: of `places.SCOPES`, or `places.PLUGIN`.
        path: the file of settings, or the plugin's folder.
        events: that are hooked, or no more.
        statusline: whether the status line is put in, or taken out.
        files: path and what becomes of it: `made`, `changed`, `removed`; in the order of doing.
        notes: sentences about what is left as it is.
    """

    __slots__ = ("events", "files", "notes", "path", "scope", "statusline", "texts")

    def __init__(self, scope: str, path: str) -> None:
        self.scope = scope
        self.path = path
        self.events: list[str] = []
        self.statusline = False
        self.files: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.texts: dict[str, tuple[bytes | None, bytes | None]] = {}

    def change(self, path: str, before: "bytes | None", after: "bytes | None") -> None:
        """Have a file hold something else; None: there is none."""
        if before == after:
            return
        self.files.append((path, "removed" if after is None else "made" if before is None else "changed"))
        self.texts[path] = (before, after)


def wanted(given: "str | None") -> list[str]:
    """The events of a list with commas: left out those that are hooked unless told otherwise, `all` for all.

    Raises:
        MilestoneError: `usage` for an unknown one.
    """
    if given is None:
        return [event for event, is_usual in contents.EVENTS.items() if is_usual]
    words = [word.strip() for word in given.split(",") if word.strip()]
    unknown = [word for word in words if word not in (*contents.EVENTS, "all")]
    if unknown or not words:
        told = f"there is no event '{unknown[0][:140]}'" if unknown else "no event is named"
        raise MilestoneError("usage", told, f"give some of {', '.join(contents.EVENTS)}; or all")
    return [event for event in contents.EVENTS if event in words or "all" in words]


def plan_install(scope: str, folder: str, events: "list[str]", *, statusline: bool) -> Plan:
    """What putting our hooks in would do.

    Args:
        scope: where.
        folder: of the plugin; empty for settings.
        events: to be hooked.
        statusline: whether to show the status line too, where there is none.

    Raises:
        MilestoneError: `conflict` when events would be told twice, or the folder is not ours; what `Settings` raises.
    """
    _refuse_double(scope)
    if scope == places.PLUGIN:
        return _plan_plugin(folder, events)
    place = places.place(scope)
    plan = Plan(scope, place.path)
    for name in contents.COMMANDS if place.commands else ():
        _file(plan, f"{place.commands}/{name}.md", contents.command_file(name), contents.is_untouched)
    raw = outside.read(place.path, LARGEST)
    found = Settings(raw or b"", place.path)
    _tell(plan, found, statusline)
    plan.events = found.missing(events)
    plan.statusline = statusline and not found.statusline
    after = settings.put(found, events, statusline=statusline).encode()
    if raw != after and (raw is not None or plan.events or plan.statusline):
        if not found.has_ours:
            plan.change(place.copy, outside.read(place.copy, LARGEST), raw)
        plan.change(place.path, raw, after)
    return plan


def _plan_plugin(folder: str, events: "list[str]") -> Plan:
    """The same for a plugin, whose hooks stand in a file of the same form as settings."""
    plugin.refuse_foreign(folder)
    plan = Plan(places.PLUGIN, folder)
    _file(plan, f"{folder}/{plugin.MANIFEST}", settings.render(plugin.manifest()), plugin.is_untouched)
    for name in contents.COMMANDS:
        _file(plan, f"{folder}/commands/{name}.md", contents.command_file(name), contents.is_untouched)
    path = f"{folder}/{plugin.HOOKS}"
    raw = outside.read(path, LARGEST)
    found = Settings(raw or b"", path)
    plan.events = found.missing(events)
    plan.change(path, raw, settings.put(found, events, statusline=False).encode())
    return plan


def _tell(plan: Plan, found: Settings, statusline: bool) -> None:
    if statusline and found.statusline not in ("", contents.STATUSLINE):
        plan.notes.append("there is another status line, which stays")
    plan.notes += [f"{event}: `{command}` is called already" for event, command in found.by_hand]
    others = [place.scope for place in places.existing() if place.scope != plan.scope and read(place)[0].events]
    if others:
        plan.notes.append(f"the hooks are in the {' and '.join(others)} settings too; the client calls each once")


def _file(plan: Plan, path: str, text: str, is_untouched: "Callable[[bytes], bool]") -> None:
    """Have a file hold what is ours, unless somebody has edited it."""
    raw = outside.read(path, LARGEST)
    if raw is None or is_untouched(raw):
        plan.change(path, raw, text.encode())
    else:
        plan.notes.append(f"{path} was written or edited by somebody, and stays")


def read(place: "Place") -> "tuple[Settings, str]":
    """Settings, and why they cannot be read, empty where they can: then the client does not take them either."""
    try:
        return Settings(outside.read(place.path, LARGEST) or b"", place.path), ""
    except MilestoneError as error:
        trouble = error.message
    except UnicodeDecodeError:
        trouble = f"{place.path} is not UTF-8"
    except OSError as error:
        trouble = f"{place.path} cannot be read: {error.strerror or error}"
    return Settings(b"", place.path), trouble


def doubles() -> "tuple[list[Place], list[str]]":
    """The settings with our hooks that are found from here, and the plugins with the same, by name or folder."""
    found = [(place, read(place)[0]) for place in places.existing()]
    plugins = [name for _, one in found for name in one.plugins if name.partition("@")[0] == contents.NAME]
    return [place for place, one in found if one.events], [*dict.fromkeys(plugins), *plugin.known()]


def _refuse_double(scope: str) -> None:
    """Refuse hooks in the settings beside those of the plugin: every event would be told twice."""
    in_settings, in_plugins = doubles()
    if scope == places.PLUGIN and in_settings:
        others, first = [place.path for place in in_settings], "uninstall it first with `milestone hook uninstall`"
    elif scope != places.PLUGIN and in_plugins:
        others, first = [f"the plugin {name}" for name in in_plugins], "disable it in the client first"
        if folder := next((name for name in in_plugins if name[:1] == "/"), ""):
            from shlex import quote

            first = f"uninstall it first with `milestone hook uninstall --plugin {quote(folder)}`"
    else:
        return
    raise MilestoneError(
        "conflict",
        f"the hooks are installed already, by {' and '.join(others)}; with both, every event would be reported twice",
        f"keep the one that is there, or {first}",
        installed=others,
    )


def plan_uninstall(scope: str, folder: str) -> Plan:
    """What taking our hooks out would do.

    Raises:
        MilestoneError: what `Settings` raises.
    """
    if scope == places.PLUGIN:
        return _plan_no_plugin(folder)
    place = places.place(scope)
    plan = Plan(scope, place.path)
    raw = outside.read(place.path, LARGEST)
    if raw is not None:
        found = Settings(raw, place.path)
        plan.statusline = found.statusline == contents.STATUSLINE
        before = outside.read(place.copy, LARGEST)
        after = _take(plan, place.path, raw, found, before)
        if found.has_ours and before is not None and before == after:
            plan.change(place.copy, before, None)
    for name in contents.COMMANDS if place.commands else ():
        _leave(plan, f"{place.commands}/{name}.md", contents.is_untouched)
    return plan


def _plan_no_plugin(folder: str) -> Plan:
    """The same for a plugin."""
    plan = Plan(places.PLUGIN, folder)
    if plugin.is_ours(folder):
        path = f"{folder}/{plugin.HOOKS}"
        raw = outside.read(path, LARGEST)
        if raw is not None:
            _take(plan, path, raw, Settings(raw, path), None)
        for name in contents.COMMANDS:
            _leave(plan, f"{folder}/commands/{name}.md", contents.is_untouched)
        _leave(plan, f"{folder}/{plugin.MANIFEST}", plugin.is_untouched)
    return plan


def _take(plan: Plan, path: str, raw: bytes, found: Settings, before: "bytes | None") -> "bytes | None":
    """Have our hooks gone from a file; what it holds then."""
    plan.events = found.events
    plan.notes += [f"{event}: `{command}` was put in by hand, and stays" for event, command in found.by_hand]
    text = settings.take(found, before)
    after = None if text is None else text.encode()
    plan.change(path, raw, after)
    return after


def _leave(plan: Plan, path: str, is_untouched: "Callable[[bytes], bool]") -> None:
    """Have a file of ours gone, unless somebody has edited it."""
    raw = outside.read(path, LARGEST)
    if raw is None:
        return
    if is_untouched(raw):
        plan.change(path, raw, None)
    else:
        plan.notes.append(f"{path} was written or edited by somebody, and stays")


def apply(make: "Callable[[], Plan]") -> Plan:
    """Do what a plan says: it is made anew where none of us can come between, and then done.

    Raises:
        MilestoneError: what `make` raises; `conflict` when another program changes a file meanwhile.
    """
    plan = make()
    if not plan.texts:
        return plan
    is_own = plan.scope in ("user", "local")
    base = plan.path if plan.scope == places.PLUGIN else os.path.dirname(plan.path)
    outside.folder(base, 0o700 if is_own else 0o777)
    hold = outside.Hold(base)
    try:
        plan = make()
        for path, (before, after) in plan.texts.items():
            if after is None:
                outside.remove(path)
                continue
            outside.folder(os.path.dirname(path), 0o700 if is_own else 0o777)
            _check_link(path)
            mode = OWN if is_own else SHARED
            if path.endswith(places.COPY):  # which may hold secrets, like what it is a copy of
                mode = os.stat(plan.path).st_mode & 0o777
            outside.replace(path, after, before, mode, LARGEST)
        _sweep(plan)
    finally:
        hold.close()
    if plan.scope == places.PLUGIN:
        plugin.note(plan.path, is_there=bool(plugin.events_of(plan.path)))
    return plan


def _check_link(path: str) -> None:
    """Refuse a link that leads nowhere: what manages it is not there, and making its folders would only hide that."""
    target = os.path.realpath(path)
    if os.path.islink(path) and not os.path.isdir(os.path.dirname(target)):
        raise MilestoneError(
            "store_unreachable",
            f"{path} is a link to {target}, where no folder is",
            "correct the link first",
        )


def _sweep(plan: Plan) -> None:
    """Take away the folders that were ours and are empty; the client's own for a person stays."""
    gone = {os.path.dirname(path) for path, what in plan.files if what == "removed"}
    base = plan.path if plan.scope == places.PLUGIN else os.path.dirname(plan.path)
    above = {os.path.dirname(folder) for folder in gone}
    for folder in sorted(gone | above, reverse=True):
        if folder.startswith(base + "/"):
            outside.sweep(folder)
    if gone and plan.scope != "user":
        outside.sweep(base)
