"""What people wrote into a session's page: taken over as JSON where it means something, and kept with their comments.

A page is read with a YAML library, safely: without anchors, bounded in size and depth.
"""

from milestone_cli.core.sessions.pages import CONFIGURATION, WORDS
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, members, skip
from milestone_cli.model import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    Record = dict[str, object]

LIMIT = 1 << 18
"""Largest page, in bytes: a library takes a second for it."""
DEEPEST = 40
"""Levels of nesting that a library takes without trouble."""
LONGEST_KEY = 500
"""Characters of a key that fits into a line of YAML, whatever has to be escaped in it."""


def check_context(raw: str) -> str:
    """Let a context through, unchanged: an object that people can read and edit as YAML.

    Raises:
        MilestoneError: `invalid_data`, `too_large`.
    """
    if raw[skip(raw, 0)] != "{":
        raise MilestoneError("invalid_data", "the context is not a JSON object", 'write it as {"name": value}')
    if len(raw) > LIMIT // 8:
        told = f"the context has {len(raw)} characters; {LIMIT // 8} are allowed"
        raise MilestoneError("too_large", told, "keep what is long in the state of a milestone")
    waiting = [(raw, 1)]
    while waiting:
        text, depth = waiting.pop()
        if depth > DEEPEST:
            raise MilestoneError("invalid_data", f"the context is nested more than {DEEPEST} levels deep", "flatten it")
        for key, _, start, end in members(text, skip(text, 0)):
            if len(key) > LONGEST_KEY:
                told = f"the context has a key of {len(key)} characters; {LONGEST_KEY} are allowed"
                raise MilestoneError("invalid_data", told, "keep what is long in a value")
            if text[start] in "{[":
                waiting.append((text[start:end], depth + 1))
    return raw


def members_of(raw: bytes, name: str) -> "dict[str, str]":
    """What a page that somebody edited says, as JSON texts of a record's members.

    Raises:
        MilestoneError: `invalid_config` when the page cannot be read, or says what cannot be.
    """
    context, settings = parse(raw, name)
    return {"context": context, "configuration": settings, "page": dumps({"sha256": digest(raw), "edited": True})}


def parse(raw: bytes, name: str) -> "tuple[str, str]":
    """Context and configuration of a page, as JSON texts.

    Raises:
        MilestoneError: `invalid_config`.
    """
    found = _load(raw, name, "safe")
    context, settings = found.get("context") or {}, found.get("configuration") or {}
    if not isinstance(context, dict) or not isinstance(settings, dict):
        raise _wrong(name, "context and configuration must be mappings of names to values")
    try:
        told = dumps(_as_json(context))
    except (TypeError, ValueError, RecursionError) as error:
        raise _wrong(name, f"the context cannot be kept as JSON: {error}") from None
    for key, value in settings.items():
        check_setting(str(key), value, name)
    return told, dumps({**CONFIGURATION, **{str(key): value for key, value in settings.items()}})


def check_setting(key: str, value: object, name: str) -> None:
    """Refuse a setting that means nothing.

    Raises:
        MilestoneError: `invalid_config`.
    """
    if key not in WORDS:
        raise _wrong(name, f"there is no setting '{key[:140]}'; there are {', '.join(WORDS)}")
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9
    wanted = isinstance(value, bool) if key == "auto_checkpoint" else is_number
    if not wanted:
        raise _wrong(name, f"{key} is {'true or false' if key == 'auto_checkpoint' else 'a number from 0'}")


def _as_json(value: object) -> object:
    """A value of YAML as JSON has it: keys are strings, and so is what JSON knows not, such as a date."""
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, float) and str(value) in ("nan", "inf", "-inf"):
        raise ValueError(f"{value} is no number of JSON")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _load(raw: bytes, name: str, kind: str) -> "Record":
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if len(raw) > LIMIT:
        raise _wrong(name, f"it has {len(raw)} bytes; {LIMIT} are read")
    try:
        text = raw.decode()
        yaml = YAML(typ=kind, pure=True)
        yaml.preserve_quotes = True
        anchored = any(getattr(event, "anchor", None) for event in yaml.parse(text))
        found = None if anchored else yaml.load(text)
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise _wrong(name, f"it is not valid YAML{f', at line {mark.line + 1}' if mark else ''}") from None
    if not isinstance(found, dict):
        raise _wrong(name, "it has anchors or aliases" if anchored else "it is not a mapping of names to values")
    return found


def _wrong(name: str, why: str) -> MilestoneError:
    return MilestoneError(
        "invalid_config",
        f"the session.yaml of '{name}' cannot be used: {why}",
        "correct it in an editor; until then the session keeps the settings that it had",
        session_id=name,
    )


def merged(old: bytes, sections: "dict[str, Record]", name: str) -> bytes:
    """A page with its own sections written anew, and everything else as somebody left it."""
    import io

    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    def quoted(value: object) -> object:
        if isinstance(value, list):
            return [quoted(one) for one in value]
        return DoubleQuotedScalarString(value) if isinstance(value, str) else value

    found = _load(old, name, "rt")
    for title, values in sections.items():
        section = found.get(title)
        if not isinstance(section, dict):
            found[title] = {key: quoted(value) for key, value in values.items()}
            continue
        for key, value in values.items():
            if section.get(key) != value:
                section[key] = quoted(value)
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 1 << 16
    out = io.StringIO()
    yaml.dump(found, out)
    return out.getvalue().encode()
