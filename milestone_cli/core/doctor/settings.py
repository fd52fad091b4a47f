"""The configuration: whether every setting can be taken, before a command stumbles over it."""

import os

from milestone_cli import runtime
from milestone_cli.core.configfile import DEFAULTS, check_setting, parse
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.findings import Finding, count, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.doctor import Progress
    from milestone_cli.storage.contract import Store


def check(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """Read `config.yaml` anew, and every variable of the environment that stands for a setting."""
    trouble = False
    values: dict[str, str] = {}
    if store.config_identity() is not None:
        try:
            values = parse(store.get("config", "") or b"")
        except MilestoneError as error:
            trouble = True
            yield Finding("configuration", "invalid", "error", error.message, error.hint, "config.yaml")
    for name in DEFAULTS:
        given = runtime.env("MILESTONE_" + name.upper())
        if not given:
            continue
        try:
            values[name] = check_setting(name, given)
        except MilestoneError as error:
            trouble = True
            variable = "MILESTONE_" + name.upper()
            yield Finding("configuration", "invalid", "error", f"{variable}: {error.message}", error.hint, variable)
    schema = values.get("schema")
    if schema and not os.path.exists(schema):
        trouble = True
        fix = "name another one; `milestone config show` says where the setting comes from"
        yield Finding("configuration", "no_schema", "warning", f"there is no file '{schema}' of a schema", fix, schema)
    if not trouble:
        yield sound("configuration", f"{count(len(values), 'setting')} set" if values else "nothing is set")
