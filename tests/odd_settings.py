"""Settings of the client as others leave them: any content, foreign hooks, and whatever formatting JSON allows."""

import json
from typing import Any

from hypothesis import strategies as st

EVENTS = ["SessionStart", "PreToolUse", "PostToolUse", "Stop", "PreCompact", "SomethingNew"]
SPACES = ["", "", " ", "  ", "\n", "\t", "\r\n", "\n\n  ", "\n\t\t", " \n"]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["milestone", "milestone hook", 'a"b\\c/', "\u2028", "𝒳", "{", "]", "}},"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
ENTRY = st.fixed_dictionaries(
    {"type": st.just("command"), "command": st.sampled_from(["./lint.sh", "echo 'milestone hook'", 'x "$Y"', "é"])},
    optional={"timeout": st.integers(1, 600), "async": st.booleans()},
)
GROUP = st.fixed_dictionaries(
    {"hooks": st.lists(ENTRY, max_size=2)}, optional={"matcher": st.sampled_from(["", "*", "Bash|Write"])}
)
HOOKS = st.dictionaries(st.sampled_from(EVENTS), st.lists(GROUP, max_size=2), max_size=3)
KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "hooks": HOOKS,
        "statusLine": st.just({"type": "command", "command": "date"}),
        "permissions": st.fixed_dictionaries({"allow": st.lists(TEXTS, max_size=2)}),
        "enabledPlugins": st.dictionaries(st.sampled_from(["formatter@team", "other@x"]), st.booleans(), max_size=2),
    },
)
FOREIGN = st.tuples(st.dictionaries(TEXTS, VALUES, max_size=3), KNOWN).map(lambda both: both[0] | both[1])


@st.composite
def texts(draw: st.DrawFn, values: st.SearchStrategy[dict[str, Any]] = FOREIGN) -> bytes:
    """A file of settings; sometimes as tools write it, sometimes as nobody would."""
    value = draw(values)
    ascii_ = draw(st.booleans())
    form = draw(st.sampled_from(["2", "4", "tab", "compact", "line", "odd", "odd"]))
    if form == "odd":
        text = _odd(value, draw(st.randoms(use_true_random=False)), ascii_)
    else:
        indents: dict[str, int | str] = {"2": 2, "4": 4, "tab": "\t"}
        indent = indents.get(form)
        joints = (",", ":") if form == "compact" else (", " if form == "line" else ",", ": ")
        text = json.dumps(value, indent=indent, separators=joints, ensure_ascii=ascii_)
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n") if "\r" not in text else text
    start = draw(st.sampled_from(["", "", "\ufeff", "\n", " "]))
    return (start + text + draw(st.sampled_from(["", "\n", "\n\n", " ", "\r\n"]))).encode()


def _odd(value: Any, random: Any, ascii_: bool) -> str:
    """A value with any white space wherever JSON allows it."""

    def space() -> str:
        return str(random.choice(SPACES))

    def write(one: Any) -> str:
        if isinstance(one, dict):
            inner = ",".join(
                space() + json.dumps(key, ensure_ascii=ascii_) + space() + ":" + space() + write(item) + space()
                for key, item in one.items()
            )
            return "{" + (inner or space()) + "}"
        if isinstance(one, list):
            return "[" + (",".join(space() + write(item) + space() for item in one) or space()) + "]"
        return json.dumps(one, ensure_ascii=ascii_)

    return write(value)


def parsed(raw: bytes) -> Any:
    """What the client reads; a file of nothing sets nothing."""
    text = raw.decode("utf-8-sig")
    return json.loads(text) if text.strip() else {}
