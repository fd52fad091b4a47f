"""Results as YAML, through ruamel.yaml."""

import io
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ruamel.yaml.nodes import ScalarNode
    from ruamel.yaml.representer import SafeRepresenter


class Number(str):
    """A number as it was spelt; what `float` or `int` would make of it may be another one."""

    __slots__ = ()


def _as_spelt(representer: "SafeRepresenter", number: Number) -> "ScalarNode":
    kind = "int" if number.removeprefix("-").isdigit() else "float"
    return representer.represent_scalar(f"tag:yaml.org,2002:{kind}", str(number))


def to_yaml(value: object) -> str:
    """Write JSON values as YAML in block style; strings that need it are quoted."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 1 << 16
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.representer.add_representer(Number, _as_spelt)
    out = io.StringIO()
    bound = sys.getrecursionlimit()
    sys.setrecursionlimit(bound + 20_000)  # the representer and the emitter take several frames a level
    try:
        yaml.dump(value, out)
    finally:
        sys.setrecursionlimit(bound)
    return out.getvalue()
