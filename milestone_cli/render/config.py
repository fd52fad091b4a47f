"""Settings for people: what is in force, what was changed, what is wrong."""

from milestone_cli.render.table import DIM, fit, paint, screen_width, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.configuration.reading import Problem

WIDE = 120
"""Columns from which the meaning of a setting has room beside it."""


def config_text(found: "list[dict[str, object]]") -> str:
    """Every setting, its value, and where the value comes from."""
    rows = [[str(one[name]) for name in ("name", "value", "origin", "meaning")] for one in found]
    head = ["SETTING", "VALUE", "FROM", "MEANING"]
    if screen_width() >= WIDE:
        return table(rows, head, align="=<<<")
    lines = table([row[:3] for row in rows], head[:3], align="=<<").split("\n")
    meanings = ["", *[paint("  " + fit(row[3], screen_width() - 2), DIM) for row in rows]]
    return "\n".join([line for pair in zip(lines, meanings, strict=True) for line in pair if line])


def change_text(done: "dict[str, object]") -> str:
    """What a change did to settings."""
    if done["replayed"]:
        return "done already, under this key"
    settings = done["settings"]
    assert isinstance(settings, list)
    if not done["transaction_id"] and all(one["before"] == one["after"] for one in settings):
        return "nothing to change"
    return "\n".join([flat(f"{one['name']}: {_side(one['before'])} -> {_side(one['after'])}") for one in settings])


def _side(value: "str | None") -> str:
    return "not set" if value is None else value


def problems_text(name: str, found: "list[Problem]") -> str:
    """What is wrong with a configuration, a line for each, as compilers tell it; `name` is its file's."""
    if not found:
        return flat(f"{name}: valid")
    places = [f"{one.origin}:{one.line}" if one.line else one.origin for one in found]
    return "\n".join([flat(f"{at}: {one.message}; {one.hint}") for at, one in zip(places, found, strict=True)])
