"""The configuration of a store: `config.yaml`, edited by people, compiled for the hot path.

Parsing YAML costs more than a whole hot command, so what was read is kept as `.config.json` under the identity of the
file (inode, size, mtime, ctime); a changed file is read again by whoever comes next.
"""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

DEFAULTS = {"lock_timeout": "30", "record_access": "false"}
"""Every setting with its built-in value, as text."""
MEANINGS = {
    "lock_timeout": "seconds to wait for a lock",
    "record_access": "log a state_loaded event at every state load",
}


def configured(store: "Store", name: str) -> "str | None":
    """A setting's value in the configuration, as text; None when it is not set there.

    Raises:
        MilestoneError: `invalid_config`.
    """
    return settings(store).get(name)


def settings(store: "Store") -> "dict[str, str]":
    """All settings that the configuration sets, checked."""
    key = store.config_identity()
    if key is None:
        return {}
    try:
        compiled = loads(store.compiled_config())
    except (FileNotFoundError, ValueError):
        compiled = None
    if isinstance(compiled, dict) and compiled.get("key") == list(key):
        return compiled["settings"]  # type: ignore[no-any-return]
    from milestone_cli.core.configfile import parse

    found = parse(store.config_text())
    try:
        store.keep_compiled_config(dumps({"key": list(key), "settings": found}))
    except OSError:
        pass  # a store that cannot be written is parsed every time
    return found


def show(store: "Store") -> "list[dict[str, object]]":
    """Every setting: name, value, where it comes from, meaning."""
    from_file = settings(store)
    rows: list[dict[str, object]] = []
    for name, default in DEFAULTS.items():
        value, origin = default, "default"
        if name in from_file:
            value, origin = from_file[name], "config.yaml"
        variable = "MILESTONE_" + name.upper()
        if (given := runtime.env(variable)) is not None:
            value, origin = given, variable
        rows.append({"name": name, "value": value, "origin": origin, "meaning": MEANINGS[name]})
    if runtime.flags.get("store"):
        origin = "--store"
    else:
        origin = "MILESTONE_STORE" if runtime.env("MILESTONE_STORE") else "found from " + os.getcwd()
    rows.insert(0, {"name": "store", "value": store.path, "origin": origin, "meaning": "where everything is kept"})
    return rows


def check_setting(name: str, value: str) -> str:
    """Let a setting's value through, as text.

    Raises:
        MilestoneError: `invalid_config`.
    """
    if name == "lock_timeout":
        number = value.replace(".", "", 1)
        good = number.isascii() and number.isdigit() and len(number) < 10
    elif name == "record_access":
        good = value in ("true", "false")
    else:
        raise MilestoneError(
            "invalid_config", f"there is no setting '{name[:140]}'", "there are " + ", ".join(DEFAULTS), setting=name
        )
    if not good:
        raise MilestoneError(
            "invalid_config", f"{name} cannot be '{value[:140]}'", f"it is: {MEANINGS[name]}", setting=name
        )
    return value
