"""A state held against a JSON Schema; the only part that needs the extra `schema`."""

import json
import re

from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def validate(text: bytes, schema: bytes) -> "list[dict[str, object]]":
    """Find where a document does not fit a schema.

    Args:
        text: the document.
        schema: a JSON Schema; nothing that it refers to is fetched.

    Returns:
        `path` (a JSON pointer) and `message` of each place, in the order of the paths; empty when it fits.

    Raises:
        MilestoneError: `missing_extra` without the library, `invalid_schema`.
    """
    try:
        from jsonschema import exceptions, validators  # type: ignore[import-untyped,unused-ignore]
        from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped,unused-ignore]
        from referencing.exceptions import Unresolvable
    except ImportError:
        raise MilestoneError(
            "missing_extra",
            "validating needs the library jsonschema, which is not installed",
            "`pip install 'milestone-cli[schema]'` installs it",
        ) from None
    try:
        rules = _parse(schema)
        kind = validators.validator_for(rules, default=validators.Draft202012Validator)
        kind.check_schema(rules)
        checker = kind(rules, registry=REGISTRY, format_checker=kind.FORMAT_CHECKER)
        found = [(_pointer(one.absolute_path), str(one.message)) for one in checker.iter_errors(_parse(text))]
    except exceptions.SchemaError as error:
        raise _no_schema(f"{_pointer(error.absolute_path) or 'it'}: {error.message}") from None
    except (Unresolvable, re.error, ValueError, TypeError, LookupError, RecursionError) as error:
        raise _no_schema(" ".join(str(error).split()) or type(error).__name__) from None
    return [{"path": path, "message": message[:500]} for path, message in sorted(found)]


def _no_schema(why: str) -> MilestoneError:
    return MilestoneError(
        "invalid_schema",
        f"the schema cannot be used: {why[:300]}",
        "correct the schema; https://json-schema.org explains how",
    )


def _parse(raw: bytes) -> "Any":
    return json.loads(raw, parse_int=_integer)


def _integer(text: str) -> "int | float":
    """An integer; Python converts none of more than 4,300 digits, and no schema asks for their value."""
    return int(text) if len(text) < 4000 else float(text)


def _pointer(parts: "Any") -> str:
    from milestone_cli.core.states.compare import pointer

    return "".join([pointer(str(part)) for part in parts])
