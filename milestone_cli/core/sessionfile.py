"""`session.yaml`: what people read of a session, and what of it they may edit.

`context` and `configuration` are theirs; the other sections, in the form of the reference architecture, are written
from the record. A page that nobody edited is written anew, without a YAML library; one that somebody edited keeps their
comments and its order. What they changed is taken over into the record, which knows the page by its SHA-256.
"""

from milestone_cli.core.session import CONFIGURATION
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, members, quote, skip
from milestone_cli.model import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.session import Session
    from milestone_cli.storage.contract import Store

    Record = dict[str, object]

KIND = "session-yaml"
LIMIT = 1 << 18
"""Largest page, in bytes: a library takes a second for it."""
DEEPEST = 40
"""Levels of nesting that a library takes without trouble."""
LONGEST_KEY = 500
"""Characters of a key that fits into a line of YAML, whatever has to be escaped in it."""
WORDS = {
    "auto_checkpoint": "true: make checkpoints by itself",
    "checkpoint_interval": "seconds between them; 0: never",
    "max_session_duration": "seconds after which it shows as expired; 0: never",
    "backup_retention": "days for which a clean-up keeps its checkpoints",
}
MEANING = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
"""Words that YAML may take for something else than a text."""
HEAD = "# Yours to edit: context and configuration. The rest is written by `milestone`.\n"


def page(text: str, points: "list[str]") -> str:
    """The page of a session that nobody has edited.

    Args:
        text: its record.
        points: names of its checkpoints, oldest first.
    """
    record = loads(text)
    assert isinstance(record, dict)
    settings = configuration_of(record)
    sections = owned(record, points)
    told = HEAD + _section("session", sections["session"])
    told += "\ncontext:" + (_block(_raw(text, "context"), 1) or " {}\n")
    told += "\n" + _section("state", sections["state"]) + "\nconfiguration:\n"
    for name, words in WORDS.items():
        told += f"  {name}: {dumps(settings[name])}  # {words}\n"
    return told + "\n" + _section("recovery", sections["recovery"])


def owned(record: "Record", points: "list[str]") -> "dict[str, Record]":
    """The sections that belong to the record."""
    last = record.get("last_checkpoint")
    last = last if isinstance(last, dict) else {}
    agents = record.get("active_agents")
    session = {
        "id": record.get("session_id"),
        "type": record.get("type"),
        "status": record.get("status"),
        "created_at": record.get("created_at"),
        "last_updated": record.get("updated_at") or record.get("created_at"),
        "milestone": record.get("milestone_id"),
        "user": record.get("user"),
    }
    state = {
        "current_operation": record.get("operation"),
        "progress_percentage": record.get("progress") or 0,
        "active_agents": agents if isinstance(agents, list) else [],
        "last_checkpoint": last.get("name"),
    }
    recovery: Record = {"enabled": True, "last_backup": last.get("created_at"), "recovery_points": points[-20:]}
    return {"session": session, "state": state, "recovery": recovery}


def configuration_of(record: "Record") -> "Record":
    """The settings of a session, with what is built in where it has none."""
    found = record.get("configuration")
    return {**CONFIGURATION, **(found if isinstance(found, dict) else {})}


def _section(name: str, values: "Record") -> str:
    return f"{name}:{_block(dumps(values), 1)}"


def _raw(text: str, key: str) -> str:
    """The JSON text of a member of a record; an empty object where there is none."""
    at = skip(text, 0)
    for name, _, start, end in members(text, at):
        if name == key:
            return text[start:end]
    return "{}"


def _block(text: str, depth: int) -> str:
    """An object or array of JSON in block style, each line begun and ended; empty for an empty one."""
    at = skip(text, 0)
    found = members(text, at)
    is_object = text[at] == "{"
    lines = "\n" if found else ""
    margin = "  " * depth
    for key, _, start, end in found:
        value = text[start:end]
        inner = _block(value, depth + 1) if value[0] in "{[" else ""
        told = inner or f" {_scalar(value)}\n"
        lines += f"{margin}{_plain(key) + ':' if is_object else '-'}{told}"
    return lines


def _plain(key: str) -> str:
    """A key as it is where that means the same, else quoted."""
    word = key.replace("_", "a").replace("-", "a")
    is_plain = word.isalnum() and word.isascii() and word[0].isalpha() and key.lower() not in MEANING
    return key if is_plain else _printable(quote(key))


def _scalar(text: str) -> str:
    """A scalar of JSON, or an empty array or object, as YAML has it; halves of a character are put together."""
    if text[0] in "{[":
        return text[0] + text[-1]
    return _printable(quote(str(loads(text)))) if text[0] == '"' else text


def _printable(text: str) -> str:
    """A scalar of JSON as YAML takes it: what is not printable is escaped."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escaped(ord(one)) for one in text)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


def check_context(raw: str) -> str:
    """Let a context through, unchanged: an object that people can read and edit as YAML.

    Raises:
        MilestoneError: `invalid_data`, `too_large`.
    """
    if raw[skip(raw, 0)] != "{":
        raise MilestoneError("invalid_data", "the context is no JSON object", 'write it as {"name": value}')
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


# what people changed


def news(store: "Store", found: "Session") -> "dict[str, str]":
    """What somebody edited in a session's page since the record was written, as JSON texts of its members.

    Raises:
        MilestoneError: `invalid_config` when the page cannot be read, or says what cannot be.
    """
    raw = store.get(KIND, found.id)
    known = found.record.get("page")
    if raw is None or (isinstance(known, dict) and known.get("sha256") == digest(raw)):
        return {}
    context, settings = parse(raw, found.id)
    return {"context": context, "configuration": settings, "page": dumps({"sha256": digest(raw), "edited": True})}


def parse(raw: bytes, name: str) -> "tuple[str, str]":
    """Context and configuration of a page, as JSON texts.

    Raises:
        MilestoneError: `invalid_config`.
    """
    found = _load(raw, name, "safe")
    context, settings = found.get("context") or {}, found.get("configuration") or {}
    if not isinstance(context, dict) or not isinstance(settings, dict):
        raise _wrong(name, "context and configuration are mappings")
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
        raise _wrong(name, "it has anchors or aliases" if anchored else "it is no mapping")
    return found


def _wrong(name: str, why: str) -> MilestoneError:
    return MilestoneError(
        "invalid_config",
        f"the session.yaml of '{name}' cannot be taken over: {why}",
        "mend it in an editor; until then the session keeps the settings that it had",
        session_id=name,
    )


# writing


def written(
    store: "Store", text: str, name: str, points: "list[str]", old: "bytes | None" = None
) -> "tuple[str, bytes | None]":
    """A session's record with its page brought up to it.

    Args:
        store: where.
        text: the record; what people edited is in it already, see `news`.
        name: of the session.
        points: names of its checkpoints, oldest first.
        old: the page that goes on, where it is not the one that is there.

    Returns:
        The record, which knows the page; and the page, None where it cannot be read and stays as it is.
    """
    from milestone_cli.core.document import assign

    record = loads(text)
    assert isinstance(record, dict)
    known = record.get("page")
    is_edited = isinstance(known, dict) and known.get("edited") is True
    if is_edited and old is None:
        old = store.get(KIND, name)
    if old is None:
        raw = page(text, points).encode("utf-8", "backslashreplace")
    else:
        try:
            raw = _merged(old, owned(record, points), name)
        except MilestoneError:
            return text, None
    return assign(text, "page", dumps({"sha256": digest(raw), "edited": is_edited and old is not None})), raw


def _merged(old: bytes, sections: "dict[str, Record]", name: str) -> bytes:
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
