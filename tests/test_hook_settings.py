"""The text of the client's settings: what is put in and taken out again, to the byte, whatever stands around it."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_settings import FOREIGN, parsed, texts

from milestone_cli.core.claude import contents
from milestone_cli.core.claude.settings import Settings, put, take
from milestone_cli.errors import MilestoneError

USUAL = [event for event, is_usual in contents.EVENTS.items() if is_usual]
CHOICE = st.sets(st.sampled_from(sorted(contents.EVENTS)), min_size=1).map(sorted)
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)


def installed(raw: bytes, events: list[str], statusline: bool = False) -> bytes:
    return put(Settings(raw, "it"), events, statusline=statusline).encode()


def uninstalled(raw: bytes, before: bytes | None) -> bytes | None:
    text = take(Settings(raw, "it"), before)
    return None if text is None else text.encode()


def without_ours(value: Any) -> Any:
    """Settings as parsed, without what is ours, and without what is empty then."""
    value = json.loads(json.dumps(value))
    hooks = value.get("hooks", {})
    for event, groups in list(hooks.items()):
        hooks[event] = [group for group in groups if group != contents.group()]
        if not hooks[event]:
            del hooks[event]
    if value.get("hooks") == {}:
        del value["hooks"]
    if value.get("statusLine") == contents.statusline():
        del value["statusLine"]
    return value


@SLOW
@given(texts(), CHOICE, st.booleans())
def test_what_others_wrote_survives_to_the_byte(raw: bytes, events: list[str], statusline: bool) -> None:
    there = installed(raw, events, statusline)
    found, value = Settings(there, "it"), parsed(there)
    assert sorted(found.events) == events
    for event in events:
        assert contents.group() in value["hooks"][event]
    assert without_ours(value) == without_ours(parsed(raw))
    rest = iter(there)
    assert all(byte in rest for byte in raw), "what was there is there, in its order"
    assert installed(there, events, statusline) == there
    assert uninstalled(there, raw) == raw


@SLOW
@given(texts(), CHOICE, CHOICE)
def test_more_events_later_are_taken_out_with_the_first(raw: bytes, first: list[str], then: list[str]) -> None:
    there = installed(installed(raw, first), then, True)
    assert sorted(Settings(there, "it").events) == sorted({*first, *then})
    assert uninstalled(there, raw) == raw


def _add_first(text: str) -> str:
    at = text.index("{") + 1
    return f'{text[:at]} "added first": [1,\t2],{text[at:]}'


def _add_behind(anchor: str) -> Any:
    def edit(text: str) -> str:
        at = text.index(anchor) + len(anchor)
        return f'{text[:at]} , "added" :{{"x":null}}{text[at:]}'

    return edit


EDITS = {
    "first": _add_first,
    "behind": _add_behind('"anchor": 1'),
    "another value": lambda text: text.replace('"other": 2', '"other": [ "longer" ]'),
    "a hook first": lambda text: text.replace('"Stop": [', '"Stop": [ {"hooks": []},'),
    "a hook behind": lambda text: text.replace('"command": "theirs"}]}', '"command": "theirs"}]} ,{ "hooks":[ ]}'),
    "a matcher": lambda text: text.replace('"command": "theirs"', '"command": "theirs", "timeout": 3'),
}
ANCHORED = FOREIGN.map(
    lambda value: (
        value
        | {"hooks": value.get("hooks", {}) | {"Stop": [{"hooks": [{"type": "command", "command": "theirs"}]}]}}
        | {"anchor": 1, "other": 2}
    )
)


@SLOW
@given(ANCHORED, st.sampled_from([2, 4, "\t", None]), CHOICE, st.sets(st.sampled_from(sorted(EDITS)), min_size=1))
def test_what_others_edit_meanwhile_stays_and_all_else_is_as_it_was(
    value: dict[str, Any], indent: "int | str | None", events: list[str], names: set[str]
) -> None:
    text = json.dumps(value)
    if indent is not None:  # the anchors as they are in one line, and everything else over many
        text = "{\n" + ",\n".join(
            (indent if isinstance(indent, str) else " " * indent) + json.dumps(key) + ": " + json.dumps(item)
            for key, item in value.items()
        ) + "\n}\n"  # fmt: skip
    there = installed(text.encode(), events, True).decode()
    for name in sorted(names):
        there, text = EDITS[name](there), EDITS[name](text)
    json.loads(text)
    assert uninstalled(there.encode(), json.dumps(value).encode()) == text.encode()


def test_the_client_rewrites_the_whole_file_and_only_ours_goes() -> None:
    raw = b'{"hooks":{},"x":[1.50]}'
    there = json.dumps(parsed(installed(raw, USUAL, True)) | {"model": "opus"}, indent=2).encode()
    left = uninstalled(there, raw)
    assert left is not None
    assert parsed(left) == {"hooks": {}, "x": [1.5], "model": "opus"}


def test_a_hook_of_ours_among_others_in_one_group_goes_alone() -> None:
    ours = contents.group()["hooks"]
    assert isinstance(ours, list)
    theirs = {"type": "command", "command": "theirs"}
    raw = json.dumps({"hooks": {"Stop": [{"matcher": "", "hooks": [theirs, *ours, theirs]}]}}).encode()
    left = uninstalled(raw, None)
    assert left is not None
    assert parsed(left) == {"hooks": {"Stop": [{"matcher": "", "hooks": [theirs, theirs]}]}}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", None),
        (b"  \r\n", None),
        (b"\xef\xbb\xbf", None),
        (b"{}", b"{}"),
        (b"{ \n }\n", b"{ \n }\n"),
        (b'{"hooks": {\n\n}}', b'{"hooks": {\n\n}}'),
        (b'{"hooks": {"Stop": [ ]}}', b'{"hooks": {"Stop": [ ]}}'),
    ],
)
def test_what_was_empty_before_is_empty_in_the_same_way(raw: bytes, expected: bytes | None) -> None:
    there = installed(raw, ["Stop"])
    assert uninstalled(there, raw) == (raw if expected is None else expected)


def test_without_a_copy_what_is_empty_goes() -> None:
    assert uninstalled(installed(b"", USUAL), None) is None
    assert uninstalled(installed(b'{"a": 1}', USUAL), None) == b'{"a": 1}'


def test_it_looks_like_the_text_around_it() -> None:
    assert installed(b'{"a":1}', ["Stop"]) == (
        b'{"a":1,"hooks":{"Stop":[{"hooks":[{"type":"command","command":"milestone hook","timeout":5}]}]}}'
    )
    there = installed(b'{\r\n\t"a": 1\r\n}\r\n', ["Stop"]).decode()
    assert there.count("\n") == there.count("\r\n")
    assert '\r\n\t"hooks": {\r\n\t\t"Stop": [\r\n\t\t\t{\r\n' in there
    pretty = json.dumps({"a": {"b": []}}, indent=4)
    there = installed(pretty.encode(), ["Stop"]).decode()
    assert there == json.dumps(json.loads(there), indent=4)


@pytest.mark.parametrize(
    "raw",
    [b"[]", b"1", b"{", b'{"a": 1,}', b'{"a": 1} // why', b"\xff\xfe{}", b'{"hooks": []}', b'{"hooks": {"Stop": {}}}',
     b'{"a": 1, "a": 2}', b'{"a": NaN}', b"\xef\xbb\xbf\xef\xbb\xbf{}", b"[" * 300 + b"]" * 300],
)  # fmt: skip
def test_what_the_client_would_not_take_is_refused(raw: bytes) -> None:
    with pytest.raises(MilestoneError) as refused:
        Settings(raw, "it")
    assert refused.value.exit_code == 5


def test_what_somebody_put_in_by_hand_counts_and_stays() -> None:
    entry = {"type": "command", "command": "/opt/bin/milestone hook --block locked"}
    raw = json.dumps({"hooks": {"PreCompact": [{"hooks": [entry]}]}}).encode()
    there = installed(raw, ["PreCompact", "Stop"])
    found = Settings(there, "it")
    assert (found.events, found.by_hand) == (["Stop"], [("PreCompact", entry["command"])])
    assert uninstalled(there, raw) == raw
