"""What can be configured, and reading `config.yaml` as people wrote it; only after it has changed."""

import os

from milestone_cli import runtime
from milestone_cli.core.config import settings
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

DEFAULTS = {"lock_timeout": "30", "record_access": "false", "schema": ""}
"""Every setting with its built-in value, as text."""
MEANINGS = {
    "lock_timeout": "seconds to wait for a lock",
    "record_access": "log a state_loaded event at every state load",
    "schema": "file with the JSON Schema that `state validate` takes",
}


def parse(text: bytes) -> dict[str, str]:
    """Read a configuration: names and single values.

    Raises:
        MilestoneError: `invalid_config`, with the line where that is known.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if b"&" in text or b"*" in text:
        raise MilestoneError("invalid_config", "config.yaml has anchors or aliases", "write the values out")
    try:
        found = YAML(typ="safe", pure=True).load(text.decode())
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise MilestoneError(
            "invalid_config", f"config.yaml is not valid YAML{where}", "mend it; `milestone config show` checks it"
        ) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise MilestoneError("invalid_config", "config.yaml is no mapping", "write lines like 'lock_timeout: 30'")
    return {str(name): check_setting(str(name), _text(value)) for name, value in found.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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
    elif name == "schema":
        good = 0 < len(value) < 4096 and value.isprintable()
    else:
        raise MilestoneError(
            "invalid_config", f"there is no setting '{name[:140]}'", "there are " + ", ".join(DEFAULTS), setting=name
        )
    if not good:
        raise MilestoneError(
            "invalid_config", f"{name} cannot be '{value[:140]}'", f"it is: {MEANINGS[name]}", setting=name
        )
    return value
