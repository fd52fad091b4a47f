"""What differs between two states, and patching one: `state diff`, `state patch`."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestone_cli.core.compare import compare

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc/~é "), inner, max_size=4),
    max_leaves=12,
)


def differences(old: str, new: str) -> list[tuple[str, str, str | None, str | None]]:
    return [(one.op, one.path, one.old, one.new) for one in compare(old.encode(), new.encode())]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('{"a":1}', ' { "a" : 1 }\n', []),
        ('{"a":1,"b":2}', '{"b":2,"a":1}', []),
        ('"é"', '"\\u00e9"', []),
        ('{"a":1.10}', '{"a":1.1}', [("replace", "/a", "1.10", "1.1")]),
        ("1", "true", [("replace", "", "1", "true")]),
        ('{"a":{"x":1}}', '{"a":{"x":1,"y":[ 2 ]}}', [("add", "/a/y", None, "[ 2 ]")]),
        ('{"a/b":1,"m~n":2}', "{}", [("remove", "/a~1b", "1", None), ("remove", "/m~0n", "2", None)]),
        ("[1,2,3]", "[0,1,2,3]", [("add", "/0", None, "0")]),
        ("[1,2,3,4]", "[1,4]", [("remove", "/2", "3", None), ("remove", "/1", "2", None)]),
        ("[[1],[2]]", "[[1],[ 3 ]]", [("replace", "/1/0", "2", "3")]),
        ("[]", "{}", [("replace", "", "[]", "{}")]),
    ],
)
def test_a_comparison_names_what_changed_and_quotes_the_texts(old: str, new: str, found: list[Any]) -> None:
    assert differences(old, new) == found


def apply(value: Any, operation: dict[str, Any]) -> Any:
    """A plain RFC 6902 over values, to hold the program against."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
    if not parts:
        return operation["value"]
    at = value
    for part in parts[:-1]:
        at = at[int(part)] if isinstance(at, list) else at[part]
    last: Any = parts[-1]
    if isinstance(at, list):
        last = len(at) if last == "-" else int(last)
    if operation["op"] == "remove":
        del at[last]
    elif operation["op"] == "add" and isinstance(at, list):
        at.insert(last, operation["value"])
    else:
        at[last] = operation["value"]
    return value


@given(VALUES, VALUES)
def test_a_comparison_is_a_patch_from_the_one_to_the_other(old: Any, new: Any) -> None:
    texts = [json.dumps(old, indent=1).encode(), json.dumps(new).encode()]
    value = old
    for one in compare(*texts):
        value = apply(value, json.loads(one.json()))
    assert json.dumps(value, sort_keys=True) == json.dumps(new, sort_keys=True)
