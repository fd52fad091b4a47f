"""The settings that `config.yaml` sets, compiled for the hot path: parsing YAML costs more than a whole hot command.

What was read is kept as `.config.json` under the identity of the file (inode, size, mtime, ctime). To add a setting: a
line in `declared`. `reading` parses the file, `in_force` says what is set and by what, `editing` changes it.
"""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def settings(store: "Store", *, keeps: bool = True) -> "dict[str, str]":
    """All settings that the configuration sets, checked, as text; the store is given the size of its segments.

    Args:
        store: where.
        keeps: keep what was read in its fast form.

    Raises:
        MilestoneError: `invalid_config`.
    """
    key = store.config_identity()
    if key is None:
        return {}
    try:
        compiled = loads(store.get("config-compiled", "") or b"")
    except ValueError:
        compiled = None
    if isinstance(compiled, dict) and compiled.get("key") == list(key):
        found: dict[str, str] = compiled["settings"]
    else:
        from milestone_cli.core.configuration.reading import parse

        found = parse(store.get("config", "") or b"")
        try:
            if keeps:
                store.note("config-compiled", "", dumps({"key": list(key), "settings": found}).encode())
        except (OSError, MilestoneError):
            pass  # where it may not be written it is parsed every time
    if "segment_size" in found and not runtime.env("MILESTONE_SEGMENT_SIZE"):
        store.segment_size = size_of(found["segment_size"])
    return found
