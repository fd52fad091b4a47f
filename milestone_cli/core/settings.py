"""Every setting as it is in force, and where it comes from."""

import os

from milestone_cli import runtime
from milestone_cli.core.config import settings
from milestone_cli.core.configfile import DEFAULTS, MEANINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


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
