"""Reading `config.yaml` as people wrote it; only after it has changed."""

from milestone_cli.core.config import check_setting
from milestone_cli.errors import MilestoneError


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
