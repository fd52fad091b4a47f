"""The configuration: whether every setting can be taken, before a command stumbles over it."""

import os

from milestone_cli.core.configuration.in_force import examine
from milestone_cli.storage.findings import Finding, count, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.storage.contract import Store


def check(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """Read `config.yaml` anew, and every variable of the environment that stands for a setting."""
    values, problems = examine(store)
    for one in problems:
        yield Finding("configuration", "invalid", "error", one.told, one.hint, one.origin)
    schema = values.get("schema")
    if schema and not os.path.exists(schema):
        fix = "name another one; `milestone config show` says where the setting comes from"
        told = f"the file '{schema}', which the setting schema names, is not there"
        yield Finding("configuration", "no_schema", "warning", told, fix, schema)
    elif not problems:
        yield sound("configuration", f"{count(len(values), 'setting')} set" if values else "nothing is set")
