"""Small records in JSON that people may look into: written indented; and what a log said of them, found again."""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, members, quote, skip
from milestone_cli.model import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

LONGEST = 4096


def indented(fields: "dict[str, object]", margin: str = "") -> str:
    """Write an object as JSON, two spaces a level, as Python's `json` does with `indent=2`."""
    if not fields:
        return "{}"
    inner = margin + "  "
    lines = [
        f"{inner}{quote(key)}: {indented(value, inner) if isinstance(value, dict) else dumps(value)}"
        for key, value in fields.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n" + margin + "}"


def words(text: "str | None", what: str) -> "str | None":
    """Let a text of a person's through, unchanged.

    Raises:
        MilestoneError: `invalid_data` when it is no text in UTF-8, or longer than anybody would read.
    """
    if text is not None:
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise MilestoneError("invalid_data", f"{what} is not UTF-8", "write it as UTF-8") from None
        if size > LONGEST:
            told = f"{what} has {size} bytes; {LONGEST} are allowed"
            raise MilestoneError("too_large", told, "say it in fewer words; keep more in the state")
    return text


def safe_name(value: object) -> "str | None":
    """A name that stood in a document, if it is one: only such a name may become part of another document's."""
    try:
        return safe(value) if isinstance(value, str) else None
    except MilestoneError:
        return None


def tagged(tags: "list[str] | None") -> "dict[str, object]":
    """The member of a record that has its tags, each once; nothing for none.

    Raises:
        MilestoneError: `invalid_name`.
    """
    return {"tags": [safe(one, "tag") for one in dict.fromkeys(tags)]} if tags else {}


def tags_of(found: "dict[str, object]") -> "tuple[str, ...]":
    """The tags that a record has."""
    value = found.get("tags")
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def data_of(store: "Store", stream: str, event_id: str) -> "dict[str, object]":
    """The data of an event that is in a log; empty when it no longer is."""
    needle = f'"event_id":"{event_id}"'.encode()
    for _, block in store.scan(stream, backwards=True):
        at = block.rfind(needle)
        if at >= 0:
            end = block.find(b"\n", at)
            event = loads(block[block.rfind(b"\n", 0, at) + 1 : end if end >= 0 else len(block)])
            data = event.get("data") if isinstance(event, dict) else None
            return data if isinstance(data, dict) else {}
    return {}


def with_members(text: str, values: "dict[str, str]") -> str:
    """An object with some members set to JSON texts; every other byte stays."""
    told, done, rest = "", 0, dict(values)
    for key, _, start, end in members(text, skip(text, 0)):
        if key in rest:
            told += text[done:start] + rest.pop(key)
            done = end
    told += text[done:]
    if rest:
        from milestone_cli.core.document import assign

        for key, value in rest.items():
            told = assign(told, key, value)
    return told


def squeezed(text: str) -> str:
    """A JSON text without white space between its parts; its numbers and strings stay as they are written."""
    if not (" " in text or "\n" in text or "\t" in text or "\r" in text):
        return text
    at = skip(text, 0)
    if text[at] not in "{[":
        return text[at:].rstrip()
    is_object = text[at] == "{"
    parts = [
        (f"{quote(key)}:" if is_object else "") + squeezed(text[start:end]) for key, _, start, end in members(text, at)
    ]
    return ("{%s}" if is_object else "[%s]") % ",".join(parts)


def laid_out(text: str, margin: str = "") -> str:
    """An object as it is written, its numbers and strings too, but in lines as `indented` has them."""
    at = skip(text, 0)
    if text[at] != "{":
        return text
    found = members(text, at)
    if not found:
        return "{}"
    inner = margin + "  "
    lines = [f"{inner}{quote(key)}: {laid_out(text[start:end], inner)}" for key, _, start, end in found]
    return "{\n" + ",\n".join(lines) + "\n" + margin + "}"
