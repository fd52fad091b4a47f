"""What can be configured, and reading `config.yaml` as people wrote it; only after it has changed."""

from milestone_cli.errors import MilestoneError
from milestone_cli.model import size_of

DEFAULTS = {
    "lock_timeout": "30",
    "record_access": "false",
    "schema": "",
    "older_than": "7d",
    "keep_last": "10",
    "segment_size": "64M",
    "checkpoint_interval": "300",
    "hook_payload": "0",
}
"""Every setting with its built-in value, as text."""
MEANINGS = {
    "lock_timeout": "seconds to wait for a lock",
    "record_access": "log a state_loaded event at every state load",
    "schema": "file with the JSON Schema that `state validate` takes",
    "older_than": "age up to which a clean-up keeps everything",
    "keep_last": "backups, and checkpoints, that a clean-up keeps however old",
    "segment_size": "size above which a log's file is sealed and another one begun, such as 64M; files only",
    "checkpoint_interval": "seconds after which a hook keeps a changed state at the end of a turn; 0: never",
    "hook_payload": "characters of tools' and people's texts that hooks keep, without secrets; 0: none",
}

SMALLEST = 1024
"""Bytes; a smaller part would be all seal."""


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


def check_setting(name: str, value: str) -> str:
    """Let a setting's value through, as text.

    Raises:
        MilestoneError: `invalid_config`.
    """
    if name in ("lock_timeout", "checkpoint_interval"):
        number = value.replace(".", "", 1)
        good = number.isascii() and number.isdigit() and len(number) < 10
    elif name == "keep_last":
        good = value.isascii() and value.isdigit() and len(value) < 10
    elif name == "older_than":
        good = _is_span(value)
    elif name == "segment_size":
        good = size_of(value) >= SMALLEST
    elif name == "record_access":
        good = value in ("true", "false")
    elif name == "hook_payload":
        good = value.isascii() and value.isdigit() and len(value) < 5
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


def _is_span(value: str) -> bool:
    from milestone_cli.core.times import duration

    try:
        duration(value)
    except MilestoneError:
        return False
    return True
