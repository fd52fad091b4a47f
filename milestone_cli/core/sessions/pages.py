"""`session.yaml`: what people read of a session, and what of it they may edit.

`context` and `configuration` are theirs; the other sections, in the form of the reference architecture, are written
from the record. A page that nobody edited is written anew, without a YAML library; one that somebody edited keeps their
comments and its order. What they changed is taken over into the record, which knows the page by its SHA-256.
"""

from milestone_cli.core.record import with_members
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, members, quote, skip
from milestone_cli.model import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Record = dict[str, object]

KIND = "session-yaml"
CONFIGURATION: "dict[str, object]" = {
    "auto_checkpoint": True,
    "checkpoint_interval": 300,
    "max_session_duration": 14400,
    "backup_retention": 7,
}
"""What a session is configured to where nobody says otherwise: seconds, and days of retention."""
WORDS = {
    "auto_checkpoint": "true: make checkpoints by itself",
    "checkpoint_interval": "seconds between them; 0: never",
    "max_session_duration": "seconds after which it shows as expired; 0: never",
    "backup_retention": "days for which a clean-up keeps its checkpoints",
}
MEANING = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
"""Words that YAML may take for something else than a text."""
HEAD = "# Yours to edit: context and configuration. The rest is written by `milestone`.\n"


def page(text: str, record: "Record", points: "list[str]", agents: "list[str]") -> str:
    """The page of a session that nobody has edited.

    Args:
        text: its record, whose context keeps the form in which it was written.
        record: the same, parsed.
        points: names of its checkpoints, oldest first.
        agents: that are at work in it.
    """
    settings = configuration_of(record)
    sections = owned(record, points, agents)
    told = HEAD + _section("session", sections["session"])
    told += "\ncontext:" + (_block(_raw(text, "context"), 1) or " {}\n")
    told += "\n" + _section("state", sections["state"]) + "\nconfiguration:\n"
    for name, words in WORDS.items():
        told += f"  {name}: {dumps(settings[name])}  # {words}\n"
    return told + "\n" + _section("recovery", sections["recovery"])


def owned(record: "Record", points: "list[str]", agents: "list[str]") -> "dict[str, Record]":
    """The sections that belong to the record."""
    last = record.get("last_checkpoint")
    last = last if isinstance(last, dict) else {}
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
        "active_agents": agents,
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


def written(
    store: "Store", text: str, record: "Record", name: str, points: "list[str]", old: "bytes | None" = None
) -> "tuple[str, bytes | None]":
    """A session's record with its page brought up to it.

    Args:
        store: where.
        text: the record; what people edited is in it already, see `news`.
        record: the same, parsed.
        name: of the session.
        points: names of its checkpoints, oldest first.
        old: the page that goes on, where it is not the one that is there.

    Returns:
        The record, which knows the page; and the page, None where it cannot be read and stays as it is.
    """
    known = record.get("page")
    is_edited = isinstance(known, dict) and known.get("edited") is True
    if is_edited and old is None:
        old = store.get(KIND, name)
    at_work: list[str] = []
    if known and store.keys("agent"):  # a session that is just made has none
        from milestone_cli.core.agents.agent import agents

        at_work = [one.id for one in agents(store, session=name, is_over=False)]
    if old is None:
        raw = page(text, record, points, at_work).encode("utf-8", "backslashreplace")
    else:
        from milestone_cli.core.sessions.edits import merged

        try:
            raw = merged(old, owned(record, points, at_work), name)
        except MilestoneError:
            return text, None
    known = {"sha256": digest(raw), "edited": is_edited and old is not None}
    return with_members(text, {"page": dumps(known)}), raw
