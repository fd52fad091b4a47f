"""JSON Schemas (draft 2020-12) of what commands print; the tests hold every real output against them.

Within v1 keys are only added, so what is not named here is allowed.
"""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.render.document import pretty
from milestone_cli.render.schemas import agents, cache, care, counts, logs, sessions, snapshots, states, tasks, views
from milestone_cli.render.schemas.shapes import Schema

ROOMS = (agents, cache, care, counts, logs, sessions, snapshots, states, tasks, views)
KINDS: dict[str, tuple[str, Schema]] = dict(sorted(kind for room in ROOMS for kind in room.KINDS.items()))


def schema(kind: str) -> Schema:
    """The JSON Schema of a kind of output.

    Raises:
        MilestoneError: `not_found` for an unknown kind.
    """
    if kind not in KINDS:
        from difflib import get_close_matches

        near = get_close_matches(kind[:140], KINDS, 3, 0.5)
        hint = f"did you mean {', '.join(near)}?" if near else "`milestone schema` lists them"
        raise MilestoneError("not_found", f"there is no kind of output '{kind[:140]}'", hint, kinds=[*KINDS])
    title, body = KINDS[kind]
    properties = body["properties"]
    required = body["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"milestone/{kind}/v1",
        "description": title,
        "type": "object",
        "properties": {"schema": {"const": f"milestone/{kind}/v1"}, **properties},
        "required": ["schema", *required],
    }


def schema_text(kind: "str | None") -> str:
    """The schema as text; without a kind, the kinds, one a line."""
    if kind is None:
        return "".join(f"{name}\n" for name in KINDS)
    return pretty(dumps(schema(kind)).encode(), 2)
