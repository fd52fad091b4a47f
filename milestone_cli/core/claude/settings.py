"""The client's settings as text: what is ours is put in and taken out by splices, and no other byte is touched.

What is put in is one piece directly behind what was last there, or directly behind the bracket of what was empty; so
what is cut out again, up to the end of the neighbour before it, is that piece. Whether a bracket that is empty then was
there before, the copy tells that was made before.
"""

from milestone_cli import splice
from milestone_cli.core.claude import contents
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import SPACE, check, dumps, loads, members, quote, skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    Member = tuple[str, int, int, int]

LARGEST = 8 << 20
"""Bytes of a file of settings, or of a plugin."""
BOM = "\ufeff"
UNIT = "  "
"""Indentation where the file shows none, the client's own."""


class Settings:
    """A file of the client's settings.

    Attributes:
        text: the whole of it.
        is_blank: nothing but white space, so nothing is set.
        events: the events that our hook is called for.
        by_hand: event and command of the hooks that somebody put in in words of their own.
        statusline: the command of the status line; empty for none.
        plugins: the plugins that are switched on, by their full names.
    """

    def __init__(self, raw: bytes, what: str) -> None:
        """Read it.

        Raises:
            MilestoneError: `invalid_json` and `invalid_data` for what the client would not take either, `too_large`.
        """
        self.is_blank = not raw.removeprefix(BOM.encode()).strip(SPACE.encode())
        if self.is_blank:
            self.text = raw.decode()
            value: object = {}
        else:
            mark = BOM if raw.startswith(BOM.encode()) else ""
            self.text = mark + check(raw.removeprefix(BOM.encode()), LARGEST, what)
            value = loads(self.text.removeprefix(BOM))
        root = _object(value, what)
        hooks = _object(root.get("hooks", {}), f"hooks in {what}")
        self.events: list[str] = []
        self.by_hand: list[tuple[str, str]] = []
        for event, groups in hooks.items():
            self._see(event, _array(groups, f"hooks.{event} in {what}"))
        line = root.get("statusLine")
        self.statusline = str(line.get("command") or "?") if isinstance(line, dict) else ""
        plugins = root.get("enabledPlugins")
        self.plugins = [name for name, on in plugins.items() if on] if isinstance(plugins, dict) else []

    def _see(self, event: str, groups: "list[object]") -> None:
        for group in groups:
            entries = group.get("hooks") if isinstance(group, dict) else None
            for entry in entries if isinstance(entries, list) else []:
                if contents.is_hook(entry) and event not in self.events:
                    self.events.append(event)
                elif contents.is_like_hook(entry):
                    self.by_hand.append((event, str(entry["command"])))

    @property
    def has_ours(self) -> bool:
        """Whether anything is in it that was put in here."""
        return bool(self.events) or self.statusline == contents.STATUSLINE

    def missing(self, events: "list[str]") -> "list[str]":
        """Those of some events for which no hook of ours is called, in whatever words."""
        there = {*self.events, *(event for event, _ in self.by_hand)}
        return [event for event in events if event not in there]


def _object(value: object, what: str) -> "dict[str, object]":
    if not isinstance(value, dict):
        raise MilestoneError(
            "invalid_data", f"{what} is not a JSON object", "correct it in an editor first; nothing was changed"
        )
    return value


def _array(value: object, what: str) -> "list[object]":
    if not isinstance(value, list):
        raise MilestoneError(
            "invalid_data", f"{what} is not a JSON array", "correct it in an editor first; nothing was changed"
        )
    return value


def put(settings: Settings, events: "list[str]", *, statusline: bool) -> str:
    """The text with our hook for some events, and with our status line where there is none; twice is once."""
    text = settings.text
    wanted = settings.missing(events)
    line = [("statusLine", contents.statusline())] if statusline and not settings.statusline else []
    if not wanted and not line:
        return text
    if settings.is_blank:
        all_: dict[str, object] = {"hooks": {event: [contents.group()] for event in wanted}} if wanted else {}
        return (BOM if text[:1] == BOM else "") + render(all_ | dict(line))
    pen = _Pen(text)
    at = _root(text)
    hooks = _member(text, at, "hooks")
    outer = pen.style(at, "")
    new: list[tuple[str | None, object]] = []
    if hooks is None and wanted:
        new.append(("hooks", {event: [contents.group()] for event in wanted}))
    elif hooks is not None:
        inner = pen.style(hooks[2], outer.indent)
        lists = {name: value for name, _, value, _ in members(text, hooks[2])}
        for event in [one for one in wanted if one in lists]:
            pen.add(lists[event], [(None, contents.group())], pen.style(lists[event], inner.indent))
        pen.add(hooks[2], [(event, [contents.group()]) for event in wanted if event not in lists], inner)
    pen.add(at, [*new, *line], outer)
    return pen.written()


def take(settings: Settings, before: "bytes | None") -> "str | None":
    """The text without what is ours.

    Args:
        settings: as they are.
        before: the copy that was made before anything of ours came in; None for none.

    Returns:
        The text; None where nothing is left of a file that was not there before.
    """
    text = settings.text
    if not settings.has_ours:
        return text
    past = _past(before)
    knife = _Knife(text, past)
    at = _root(text)
    dropped = set()
    for index, (name, _, value, _) in enumerate(members(text, at)):
        is_line = name == "statusLine" and settings.statusline == contents.STATUSLINE
        if is_line or (name == "hooks" and settings.events and knife.hooks(value)):
            dropped.add(index)
    if dropped and len(dropped) == len(members(text, at)):
        if before is None:
            return None
        if past is not None and (past.is_blank or not members(past.text, _root(past.text))):
            return past.text
    knife.cut(at, dropped, ())
    return knife.written()


def render(value: object) -> str:
    """A value as the client writes its own files."""
    return _Style(None, UNIT, "\n").value(value, "") + "\n"


def _past(before: "bytes | None") -> "Settings | None":
    """The copy, as far as it can be read: it was made of what could be read."""
    try:
        return None if before is None else Settings(before, "the copy")
    except (MilestoneError, UnicodeDecodeError):
        return None


def _root(text: str) -> int:
    """Where the root's bracket stands."""
    return skip(text, 1 if text[:1] == BOM else 0)


def _member(text: str, at: int, name: str) -> "Member | None":
    return next((one for one in members(text, at) if one[0] == name), None)


class _Style:
    """How the items of an object or an array are set.

    Attributes:
        indent: before an item, when each has a line of its own; None when they stand in one line.
    """

    def __init__(self, indent: "str | None", unit: str, newline: str, comma: str = ", ", colon: str = ": ") -> None:
        self.indent = indent
        self._unit = unit
        self._newline = newline
        self._comma = comma
        self._colon = colon

    def item(self, name: "str | None", value: object) -> str:
        """An item; an array's has no name."""
        shown = self.value(value, self.indent)
        return shown if name is None else quote(name) + self._colon + shown

    def joint(self) -> str:
        """What stands between two items."""
        return self._comma if self.indent is None else f",{self._newline}{self.indent}"

    def edges(self, outer: "str | None") -> "tuple[str, str]":
        """What stands between the brackets and their items, where what is around is indented by `outer`."""
        return ("", "") if self.indent is None else (self._newline + self.indent, self._newline + (outer or ""))

    def value(self, value: object, outer: "str | None") -> str:
        """A value, whose own line is indented by `outer`; None: all in one line."""
        if not isinstance(value, dict | list):
            return dumps(value)
        indent = None if outer is None else outer + self._unit
        inner = _Style(indent, self._unit, self._newline, self._comma, self._colon)
        pairs = value.items() if isinstance(value, dict) else [(None, one) for one in value]
        first, last = inner.edges(outer)
        body = inner.joint().join(inner.item(name, one) for name, one in pairs)
        return f"{{{first}{body}{last}}}" if isinstance(value, dict) else f"[{first}{body}{last}]"


class _Pen:
    """Puts items into a text, set like those beside them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[tuple[int, str]] = []
        self._newline = "\r\n" if "\r\n" in text else "\n"
        root = _root(text)
        found = members(text, root)
        own = _indent(text, root, found) if found else UNIT
        self._unit = own or UNIT
        self._is_one_line = own is None
        bare = bool(found) and own is None and text[found[0][2] - 1] == ":"
        self._comma, self._colon = (",", ":") if bare else (", ", ": ")

    def style(self, at: int, outer: "str | None") -> _Style:
        """How the items of what begins at `at` are set, or would be; `outer` is the indentation around it."""
        found = members(self._text, at)
        indent = _indent(self._text, at, found) if found else None
        if not found and outer is not None and not self._is_one_line:
            indent = outer + self._unit
        return _Style(indent, self._unit, self._newline, self._comma, self._colon)

    def add(self, at: int, items: "list[tuple[str | None, object]]", style: _Style) -> None:
        """Put items at the end of what begins at `at`."""
        if not items:
            return
        body = style.joint().join(style.item(name, value) for name, value in items)
        found = members(self._text, at)
        if found:
            self._pieces.append((found[-1][3], style.joint() + body))
            return
        end = skip(self._text, at + 1)
        first, last = style.edges((style.indent or "").removesuffix(self._unit))
        self._pieces.append((at + 1, first + body + ("" if "\n" in self._text[at + 1 : end] else last)))

    def written(self) -> str:
        """The text with all that was put in."""
        return _spliced(self._text, [(at, at, piece) for at, piece in self._pieces])


def _indent(text: str, at: int, found: "list[Member]") -> "str | None":
    """The indentation of the items of what begins at `at`; None when the first stands behind the bracket."""
    space = text[at + 1 : found[0][1]]
    return space[space.rfind("\n") + 1 :] if "\n" in space else None


class _Knife:
    """Takes items out of a text."""

    def __init__(self, text: str, past: "Settings | None") -> None:
        self._text = text
        self._cuts: list[tuple[int, int, str]] = []
        self._past: dict[tuple[str, ...], str] = {}
        if past is not None and not past.is_blank:
            root = _root(past.text)
            for name, _, value, end in members(past.text, root):
                if name == "hooks":
                    self._past[name,] = past.text[value:end]
                    for event, _, start, stop in members(past.text, value):
                        self._past[name, event] = past.text[start:stop]

    def hooks(self, at: int) -> bool:
        """Take our hooks out of the object of all hooks; whether nothing is left of it that was there before."""
        found = members(self._text, at)
        dropped = {index for index, one in enumerate(found) if self._event(one)}
        return self._emptied(("hooks",), at, dropped, len(found))

    def _event(self, member: "Member") -> bool:
        """The same for one event."""
        groups = members(self._text, member[2])
        dropped = set()
        for index, (_, _, start, end) in enumerate(groups):
            if self._group(start, end):
                dropped.add(index)
        return bool(dropped) and self._emptied(("hooks", member[0]), member[2], dropped, len(groups))

    def _group(self, at: int, end: int) -> bool:
        """Take our hook out of a group; whether nothing else was in it."""
        value = loads(self._text[at:end])
        entries = value.get("hooks") if isinstance(value, dict) else None
        if not isinstance(entries, list):
            return False
        ours = {index for index, entry in enumerate(entries) if contents.is_hook(entry)}
        if ours and len(ours) == len(entries):
            return True
        inner = _member(self._text, at, "hooks")
        if ours and inner is not None:
            self.cut(inner[2], ours, ())
        return False

    def _emptied(self, path: "tuple[str, ...]", at: int, dropped: "set[int]", count: int) -> bool:
        """Cut items out, or say that the whole shall go: nothing else is in it, and it was not there before."""
        if dropped and len(dropped) == count and path not in self._past:
            return True
        self.cut(at, dropped, path)
        return False

    def cut(self, at: int, dropped: "set[int]", path: "tuple[str, ...]") -> None:
        """Take items out of what begins at `at`; where none is left, what was empty before is as it was."""
        found = members(self._text, at)
        if not dropped:
            return
        if len(dropped) == len(found):
            empty = self._text[at] + ("}" if self._text[at] == "{" else "]")
            past = self._past.get(path, empty)
            self._cuts.append((at, _end(self._text, found), past if not past[1:-1].strip(SPACE) else empty))
            return
        for index in sorted(dropped):
            kept = [other for other in range(index) if other not in dropped]
            if kept:
                self._cuts.append((found[index - 1][3], found[index][3], ""))
            else:
                self._cuts.append((found[index][1], found[index + 1][1], ""))

    def written(self) -> str:
        """The text without all that was taken out; what lies inside of something else went with it."""
        cuts: list[tuple[int, int, str]] = []
        for cut in sorted(self._cuts, key=lambda one: (one[0], -one[1])):
            if not cuts or cut[0] >= cuts[-1][1]:
                cuts.append(cut)
        return _spliced(self._text, cuts)


def _end(text: str, found: "list[Member]") -> int:
    """Where the bracket is closed in which the items stand."""
    return skip(text, found[-1][3]) + 1


def _spliced(text: str, pieces: "list[tuple[int, int, str]]") -> str:
    """The text with other pieces in the place of some: where each begins and ends, and what stands there then."""
    splices: list[list[object]] = []
    done = size = 0
    for start, end, piece in sorted(pieces):
        size += len(text[done:start].encode())
        done = start
        splices.append([size, len(text[start:end].encode()), piece])
    return splice.apply(text.encode(), splices).decode()
