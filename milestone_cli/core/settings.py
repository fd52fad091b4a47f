"""Every setting as it is in force, and where it comes from."""

import os

from milestone_cli import runtime
from milestone_cli.core.config import settings
from milestone_cli.core.configuration.declared import BY_NAME, SETTINGS, check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.configuration.declared import Setting
    from milestone_cli.storage.contract import Store


def show(store: "Store") -> "list[dict[str, object]]":
    """Every setting: name, value, where it comes from, meaning, built-in value; first where the store is."""
    from_file = settings(store)
    rows = [_row(one, from_file) for one in SETTINGS]
    if runtime.flags.get("store"):
        origin = "--store"
    else:
        origin = "MILESTONE_STORE" if runtime.env("MILESTONE_STORE") else "found from " + os.getcwd()
    meaning = "where everything is kept"
    return [{"name": "store", "value": store.path, "origin": origin, "meaning": meaning, "default": ""}, *rows]


def get(store: "Store", name: str) -> "dict[str, object]":
    """One setting, as `show` has it.

    Raises:
        MilestoneError: `invalid_config` when there is no such setting.
    """
    if name == "store":
        return show(store)[0]
    if name not in BY_NAME:
        check(name, "")
    return _row(BY_NAME[name], settings(store))


def _row(one: "Setting", from_file: "dict[str, str]") -> "dict[str, object]":
    value, origin = one.default, "default"
    if one.name in from_file:
        value, origin = from_file[one.name], "config.yaml"
    if given := runtime.env(one.variable):
        value, origin = given, one.variable
    return {"name": one.name, "value": value, "origin": origin, "meaning": one.meaning, "default": one.default}
