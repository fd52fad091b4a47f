"""The configuration of a store: `config.yaml`, edited by people, compiled for the hot path.

Parsing YAML costs more than a whole hot command, so what was read is kept as `.config.json` under the identity of the
file (inode, size, mtime, ctime); a changed file is read again by whoever comes next.
"""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def configured(store: "Store", name: str) -> "str | None":
    """A setting's value in the configuration, as text; None when it is not set there.

    Raises:
        MilestoneError: `invalid_config`.
    """
    return settings(store).get(name)


def settings(store: "Store", *, keeps: bool = True) -> "dict[str, str]":
    """All settings that the configuration sets, checked; what was read is kept in its fast form, if that is wanted."""
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
        from milestone_cli.core.configfile import parse

        found = parse(store.get("config", "") or b"")
        try:
            if keeps:
                store.note("config-compiled", "", dumps({"key": list(key), "settings": found}).encode())
        except (OSError, MilestoneError):
            pass  # where it may not be written it is parsed every time
    if "segment_size" in found and not runtime.env("MILESTONE_SEGMENT_SIZE"):
        store.segment_size = size_of(found["segment_size"])
    return found
