"""The settings in force, from the file and the environment: their values, where these come from, what is wrong."""

import os

from milestone_cli import runtime
from milestone_cli.core.configuration import settings
from milestone_cli.core.configuration.declared import BY_NAME, SETTINGS, check
from milestone_cli.core.configuration.reading import FILE, Problem
from milestone_cli.core.configuration.reading import examine as examine_file
from milestone_cli.errors import MilestoneError

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
        value, origin = from_file[one.name], FILE
    if given := runtime.env(one.variable):
        value, origin = given, one.variable
    return {"name": one.name, "value": value, "origin": origin, "meaning": one.meaning, "default": one.default}


def examine(store: "Store") -> "tuple[dict[str, str], list[Problem]]":
    """What the file and the environment set, as far as it is right, and everything that is wrong with it."""
    found, problems = examine_file(store.get("config", "") or b"")
    for one in SETTINGS:
        if value := runtime.env(one.variable):
            try:
                found[one.name] = check(one.name, value)
            except MilestoneError as error:
                problems.append(Problem(one.variable, 0, one.name, error.message, error.hint))
    return found, problems
