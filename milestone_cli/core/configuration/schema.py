"""The JSON Schema of `config.yaml`, for editors and other programs; made from the table of settings."""

from milestone_cli.core.configuration.declared import SETTINGS, Setting

DRAFT = "https://json-schema.org/draft/2020-12/schema"
LINE = "# yaml-language-server: $schema=config.schema.json"
"""What stands first in a `config.yaml` whose editor shall find the schema, in a file beside it."""


def schema() -> "dict[str, object]":
    """The schema, draft 2020-12."""
    return {
        "$schema": DRAFT,
        "title": "config.yaml of a milestone store",
        "description": f"To let an editor use it, write this into config.yaml: {LINE}",
        "type": "object",
        "properties": {one.name: _property(one) for one in SETTINGS},
        "additionalProperties": False,
    }


def _property(one: Setting) -> "dict[str, object]":
    found = {"description": f"{one.meaning}; {one.kind.told}", **one.kind.schema}
    if one.default:
        found["default"] = _as_value(one.default)
    return found


def _as_value(text: str) -> "str | int | bool":
    """A built-in value as YAML would read it."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdigit() else text
