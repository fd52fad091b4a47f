"""Changing values in a configuration as people wrote it: only the bytes of what is meant, everything else stays.

YAML's own reader says where each value stands; no dumper ever sees the text, so comments, order, quotes, blank lines
and line ends stay as they are. What comes out is read again and must mean what was asked for, and nothing else.
"""

from milestone_cli.core.configuration.reading import compose
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ruamel.yaml.nodes import MappingNode, ScalarNode

    Pairs = list[tuple[str, str]]

HEADER = "# Settings of this store; `milestone config show` tells what there is.\n"


def assign(text: str, name: str, value: str) -> str:
    """The text with a setting at a value; in its place, or behind the last one where it is not set.

    Raises:
        MilestoneError: `invalid_config` where the text is no mapping, or is written so that it cannot be done.
    """
    top = compose(text.encode())[1]
    pairs = _pairs(top)
    if (found := _find(top, name)) is not None:
        wanted = [(known, value if known == name else was) for known, was in pairs]
        return _first([_replaced(text, found[0], found[1], value)], wanted, name)
    return _first(_added(text, top, name, value), [*pairs, (name, value)], name)


def remove(text: str, name: str) -> str:
    """The text without a setting, and without what stands on its lines; as it is where that is not set.

    Raises:
        MilestoneError: `invalid_config` where the text is no mapping, or is written so that it cannot be done.
    """
    top = compose(text.encode())[1]
    wanted = [pair for pair in _pairs(top) if pair[0] != name]
    while top and (found := _find(top, name)) is not None:
        rest = _pairs(top)
        rest.remove((name, str(found[1].value)))
        text = _first(_removed(text, top, found[0], found[1]), rest, name)
        top = compose(text.encode())[1]
    return _first([text], wanted, name)


def written(text: str) -> dict[str, str]:
    """Every name in a configuration, known or not, with its value as it is written; none where it is no mapping."""
    try:
        return dict(_pairs(compose(text.encode())[1]))
    except MilestoneError:
        return {}


def _find(top: "MappingNode | None", name: str) -> "tuple[ScalarNode, ScalarNode] | None":
    """The key of a name and its value."""
    return next((pair for pair in top.value if pair[0].value == name), None) if top else None


def _pairs(top: "MappingNode | None") -> "Pairs":
    return [(str(key.value), str(value.value)) for key, value in top.value] if top else []


def _first(candidates: "list[str] | Iterator[str]", wanted: "Pairs", name: str) -> str:
    """The first text that means what is wanted."""
    for text in candidates:
        try:
            if _pairs(compose(text.encode())[1]) == wanted:
                return text
        except MilestoneError:
            continue
    raise MilestoneError(
        "invalid_config",
        f"config.yaml is written in a way in which {name[:140]} cannot be changed",
        "`milestone config edit` opens it in your editor",
    )


def _replaced(text: str, key: "ScalarNode", value: "ScalarNode", new: str) -> str:
    """The text with another value behind a key."""
    start, end = value.start_mark.index, value.end_mark.index
    old = text[start:end]
    if start == end:  # nothing stands there
        start = end = text.index(":", key.end_mark.index) + 1
        return f"{text[:start]} {spelt(new)}{text[end:]}"
    word = spelt(new)
    if value.style in ('"', "'") and value.style not in new and "\\" not in new and new.isprintable():
        word = value.style + new + value.style
    tail = old[len(old.rstrip()) :] if value.style in ("|", ">") else ""  # a block ends with its last line
    return text[:start] + word + tail + text[end:]


def _added(text: str, top: "MappingNode | None", name: str, value: str) -> "Iterator[str]":
    """Texts with a new setting: at the end, else behind the last one."""
    end = "\r\n" if "\r\n" in text else "\n"
    line = f"{name}: {spelt(value)}"
    if top and top.flow_style:
        last = top.value[-1][1].end_mark.index if top.value else top.start_mark.index + 1
        for mark in (", ", " ", ""):
            yield text[:last] + mark + line + text[last:]
        return
    indent = ""
    if top and top.value:
        at = top.value[0][0].start_mark.index
        begin = text.rfind("\n", 0, at) + 1
        indent = " " * (len(text[begin:at]) - len(text[begin:at].lstrip(" ")))
    places = [len(text), *([_line_end(text, top.value[-1][1])] if top and top.value else [])]
    for at in places:
        gap = "" if text[:at].endswith("\n") or not at else end
        yield text[:at] + gap + indent + line + end + text[at:]


def _removed(text: str, top: "MappingNode", key: "ScalarNode", value: "ScalarNode") -> "Iterator[str]":
    """Texts without a key, its value, and in a block the rest of their lines."""
    start, end = key.start_mark.index, max(value.end_mark.index, key.end_mark.index)
    if top.flow_style:
        if value.start_mark.index == value.end_mark.index:
            end = text.index(":", key.end_mark.index) + 1 if ":" in text[key.end_mark.index : end + 1] else end
        after = text[end:].lstrip()
        if after[:1] == ",":
            yield text[:start] + after[1:].lstrip()
        before = text[:start].rstrip()
        if before[-1:] == ",":
            yield before[:-1] + text[end:]
        yield text[:start] + text[end:]
        return
    begin = text.rfind("\n", 0, start) + 1
    yield text[:begin] + text[_line_end(text, value) :]
    yield text[:start] + text[_line_end(text, value) :]


def _line_end(text: str, value: "ScalarNode") -> int:
    """Index behind the line on which a value ends."""
    at = int(value.end_mark.index)
    if value.style in ("|", ">") and text[at - 1 : at] == "\n":
        return at
    stop = text.find("\n", at)
    return len(text) if stop < 0 else stop + 1


def spelt(value: str) -> str:
    """A value as YAML: plain where that reads as the same text, else in quotes."""
    try:
        top = compose(f"{{a: {value}}}".encode())[1]
        if top and [(str(key.value), node.value, node.style) for key, node in top.value] == [("a", value, None)]:
            is_bool = str(top.value[0][1].tag).endswith("bool")  # whose capitals count for nothing
            return value if not is_bool or value.islower() else f'"{value}"'
    except MilestoneError:
        pass
    from milestone_cli.jsontext import quote

    return quote(value)
