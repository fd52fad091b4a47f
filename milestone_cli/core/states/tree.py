"""A JSON text that can be edited in many places at once: what is not touched keeps its exact text.

A value is taken apart only on the way to what changes, so an edit costs one scan of each level above it, and a
thousand edits of one object cost no more scans than one.
"""

from milestone_cli.jsontext import members, quote


class Member:
    """A place in an object or array: white space before it, its key and colon as they are spelt, value, white space."""

    __slots__ = ("after", "before", "key", "value")

    def __init__(self, before: str, key: str, value: "Value", after: str) -> None:
        self.before = before
        self.key = key
        self.value = value
        self.after = after


class Value:
    """A value: its text, or, once it was opened, its members in order.

    Attributes:
        kind: the first character of the text: `{` and `[` can be opened.
        places: members by key, or in a list; None until `open`.
    """

    __slots__ = ("_inner", "_text", "kind", "places")

    def __init__(self, text: str) -> None:
        """Take a text that passed `jsontext.check`, without white space around it."""
        self._text = text
        self._inner = ""
        self.kind = text[0]
        self.places: dict[str, Member] | list[Member] | None = None

    def open(self) -> "dict[str, Member] | list[Member]":
        """The members of an object or array; from here on they are what counts."""
        if self.places is not None:
            return self.places
        text, found = self._text, members(self._text, 0)
        named: list[tuple[str, Member]] = []
        at = 1
        for index, (key, begin, start, end) in enumerate(found):
            stop = found[index + 1][1] if index + 1 < len(found) else len(text) - 1
            gap = text[end:stop]
            after = gap.partition(",")[0] if index + 1 < len(found) else gap
            named.append((key, Member(text[at:begin], text[begin:start], Value(text[start:end]), after)))
            at = end + len(after) + 1
        self._inner = "" if found else text[1:-1]
        self.places = dict(named) if self.kind == "{" else [member for _, member in named]
        return self.places

    def text(self) -> str:
        """The value as text."""
        if self.places is None:
            return self._text
        all_ = self.places.values() if isinstance(self.places, dict) else self.places
        inner = ",".join([one.before + one.key + one.value.text() + one.after for one in all_])
        return self.kind + (inner or self._inner) + ("}" if self.kind == "{" else "]")

    def put(self, key: str, value: "Value") -> None:
        """Set a member of an object; a new one is spaced like those before it."""
        places = self.open()
        assert isinstance(places, dict)
        if key in places:
            places[key].value = value
            return
        last = places[next(reversed(places))] if places else None
        colon = last.key[last.key.rindex('"') + 1 :] if last else ":"
        member = Member(last.before if last else "", quote(key) + colon, value, last.after if last else "")
        if last:
            last.after = "" if len(places) == 1 else places[next(iter(places))].after
        places[key] = member

    def insert(self, index: int, value: "Value") -> None:
        """Insert into an array, spaced like what is there."""
        places = self.open()
        assert isinstance(places, list)
        if not places:
            places.append(Member("", "", value, ""))
        elif index == len(places):
            last = places[-1]
            places.append(Member(last.before, "", value, last.after))
            last.after = "" if len(places) == 2 else places[0].after
        elif index == 0:
            first = places[0]
            places.insert(0, Member(first.before, "", value, "" if len(places) == 1 else first.after))
            if len(places) > 2:
                first.before = places[2].before
        else:
            places.insert(index, Member(places[index].before, "", value, places[index - 1].after))

    def drop(self, key: "str | int") -> "Value":
        """Take a member away, and with it one comma; what it was."""
        places = self.open()
        if isinstance(places, dict):
            assert isinstance(key, str)
            first, last = next(iter(places)), next(reversed(places))
            member = places.pop(key)
            if places and key == first:
                places[next(iter(places))].before = member.before
            if places and key == last:
                places[next(reversed(places))].after = member.after
            return member.value
        assert isinstance(key, int)
        member = places.pop(key)
        if places and key == 0:
            places[0].before = member.before
        elif places and key == len(places):
            places[-1].after = member.after
        return member.value
