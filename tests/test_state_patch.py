"""What differs between two states, and patching one: `state diff`, `state patch`."""

import copy
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Cli
from hypothesis import given, settings
from hypothesis import strategies as st

from milestone_cli.core.states.compare import compare
from milestone_cli.core.states.patch import parse_patch
from milestone_cli.errors import MilestoneError
from milestone_cli.render.schemas import schema

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc/~é "), inner, max_size=4),
    max_leaves=12,
)


def fields(done: subprocess.CompletedProcess[Any], kind: str) -> dict[str, Any]:
    """The JSON object that a command printed, of the kind that it should be."""
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema(kind))
    assert isinstance(found, dict)
    return found


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


# what a patch does to the text


def patched(old: str, patch: str, form: str = "json") -> str:
    return parse_patch(patch.encode(), form)[0](old)


def refusal(old: str, patch: str, form: str = "json") -> str:
    with pytest.raises(MilestoneError) as caught:
        patched(old, patch, form)
    return f"{caught.value.code} {caught.value.exit_code}"


# RFC 7396, appendix A; and the example of its section 3
MERGES = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
    (
        '{"title":"Goodbye!","author":{"givenName":"John","familyName":"Doe"},"tags":["example","sample"],"content":"x"}',
        '{"title":"Hello!","phoneNumber":"+01-123-456-7890","author":{"familyName":null},"tags":["example"]}',
        '{"title":"Hello!","author":{"givenName":"John"},"tags":["example"],"content":"x","phoneNumber":"+01-123-456-7890"}',
    ),
]


@pytest.mark.parametrize(("old", "patch", "new"), MERGES)
def test_the_examples_of_rfc_7396(old: str, patch: str, new: str) -> None:
    assert patched(old, patch, "merge") == new


# RFC 6902, appendix A; a word instead of a document is the code of the refusal
PATCHES = [
    ('{"foo":"bar"}', '[{"op":"add","path":"/baz","value":"qux"}]', '{"foo":"bar","baz":"qux"}'),  # A.1
    ('{"foo":["bar","baz"]}', '[{"op":"add","path":"/foo/1","value":"qux"}]', '{"foo":["bar","qux","baz"]}'),
    ('{"baz":"qux","foo":"bar"}', '[{"op":"remove","path":"/baz"}]', '{"foo":"bar"}'),
    ('{"foo":["bar","qux","baz"]}', '[{"op":"remove","path":"/foo/1"}]', '{"foo":["bar","baz"]}'),
    ('{"baz":"qux","foo":"bar"}', '[{"op":"replace","path":"/baz","value":"boo"}]', '{"baz":"boo","foo":"bar"}'),
    (
        '{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}',
        '[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]',
        '{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}',
    ),
    (
        '{"foo":["all","grass","cows","eat"]}',
        '[{"op":"move","from":"/foo/1","path":"/foo/3"}]',
        '{"foo":["all","cows","eat","grass"]}',
    ),
    (
        '{"baz":"qux","foo":["a",2,"c"]}',
        '[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]',
        '{"baz":"qux","foo":["a",2,"c"]}',
    ),
    ('{"baz":"qux"}', '[{"op":"test","path":"/baz","value":"bar"}]', "test_failed 4"),  # A.9
    (
        '{"foo":"bar"}',
        '[{"op":"add","path":"/child","value":{"grandchild":{}}}]',
        '{"foo":"bar","child":{"grandchild":{}}}',
    ),
    ('{"foo":"bar"}', '[{"op":"add","path":"/baz","value":"qux","xyz":123}]', '{"foo":"bar","baz":"qux"}'),
    ('{"foo":"bar"}', '[{"op":"add","path":"/baz/bat","value":"qux"}]', "path_not_found 3"),
    ("{}", '[{"op":"add","path":"/baz","value":"qux","op":"remove"}]', "invalid_json 5"),  # A.13
    ('{"/":9,"~1":10}', '[{"op":"test","path":"/~01","value":10}]', '{"/":9,"~1":10}'),
    ('{"/":9,"~1":10}', '[{"op":"test","path":"/~01","value":"10"}]', "test_failed 4"),
    ('{"foo":["bar"]}', '[{"op":"add","path":"/foo/-","value":["abc","def"]}]', '{"foo":["bar",["abc","def"]]}'),
    # and what its text asks for without an example
    ('{"a":1}', '[{"op":"add","path":"","value":[2]}]', "[2]"),
    ('{"a":1}', '[{"op":"copy","from":"","path":"/b"}]', '{"a":1,"b":{"a":1}}'),
    ('{"a":1}', '[{"op":"move","from":"/a","path":"/a"}]', '{"a":1}'),
    ('{"a":{}}', '[{"op":"move","from":"/a","path":"/a/b"}]', "invalid_data 5"),
    ('{"a":1}', '[{"op":"remove","path":""}]', "invalid_data 5"),
    ('{"a":1}', '[{"op":"replace","path":"/b","value":1}]', "path_not_found 3"),
    ('{"a":1}', '[{"op":"remove","path":"/a/b"}]', "path_not_found 3"),
    ("[1]", '[{"op":"add","path":"/2","value":1}]', "path_not_found 3"),
    ("[1,2]", '[{"op":"remove","path":"/01"}]', "path_not_found 3"),
    ("[1,2]", '[{"op":"remove","path":"/-"}]', "path_not_found 3"),
    ("[1,2]", '[{"op":"test","path":"/a","value":1}]', "path_not_found 3"),
    ("[1]", '[{"op":"test","path":"","value":[1.0]}]', "[1]"),
    ('{"n":10}', '[{"op":"test","path":"/n","value":1e1}]', '{"n":10}'),
    ('{"n":1180591620717411303424}', '[{"op":"test","path":"/n","value":1180591620717411303425}]', "test_failed 4"),
    ('{"n":-0}', '[{"op":"test","path":"/n","value":0.0e5}]', '{"n":-0}'),
    ("[true]", '[{"op":"test","path":"/0","value":1}]', "test_failed 4"),
    ('{"a":1,"b":2}', '[{"op":"test","path":"","value":{"b":2,"a":1}}]', '{"a":1,"b":2}'),
    ("{}", '{"op":"add"}', "invalid_data 5"),
    ("{}", '[{"op":"spam","path":"/a"}]', "invalid_data 5"),
    ("{}", '[{"path":"/a"}]', "invalid_data 5"),
    ("{}", '[{"op":"add","path":"/a"}]', "invalid_data 5"),
    ("{}", '[{"op":"add","path":7,"value":1}]', "invalid_data 5"),
    ("{}", '[{"op":"add","path":"a","value":1}]', "invalid_data 5"),
    ("{}", '[{"op":"add","path":"/a~2","value":1}]', "invalid_data 5"),
    ("{}", '[{"op":"copy","path":"/a"}]', "invalid_data 5"),
    ("{}", "[7]", "invalid_data 5"),
    ("{}", "[", "invalid_json 5"),
]


@pytest.mark.parametrize(("old", "patch", "new"), PATCHES)
def test_the_examples_of_rfc_6902(old: str, patch: str, new: str) -> None:
    if new.partition(" ")[0].isidentifier():
        assert refusal(old, patch) == new
    else:
        assert patched(old, patch) == new


@pytest.mark.parametrize(
    ("old", "patch", "new"),
    [
        (' {"a": 1.10, "b": 2}\n', '{"b":null}', ' {"a": 1.10}\n'),
        (
            '{\n  "a": 1,\n  "b": 2\n}\n',
            '{"c":1180591620717411303424}',
            '{\n  "a": 1,\n  "b": 2,\n  "c": 1180591620717411303424\n}\n',
        ),
        ('{\n  "a": 1,\n  "b": 2\n}', '{"a":null}', '{\n  "b": 2\n}'),
        ('{"a" :1.10 , "\\u00e9" : [ 1E5 ] }', '{"é":{"x":1.0}}', '{"a" :1.10 , "\\u00e9" : {"x":1.0} }'),
        ('{ "a": {"k": 1.50, "j": 2} }', '{"a":{"j":3}}', '{ "a": {"k": 1.50, "j": 3} }'),
        ("[ ]", "[1 , 2]", "[1 , 2]"),
    ],
)
def test_what_a_merge_does_not_name_keeps_its_text(old: str, patch: str, new: str) -> None:
    assert patched(old, patch, "merge") == new


@pytest.mark.parametrize(
    ("old", "patch", "new"),
    [
        ("[\n  1.0,\n  2\n]", '[{"op":"add","path":"/-","value":3.0}]', "[\n  1.0,\n  2,\n  3.0\n]"),
        ("[\n  1.0,\n  2\n]", '[{"op":"add","path":"/0","value":0}]', "[\n  0,\n  1.0,\n  2\n]"),
        ("[1, 2, 3]", '[{"op":"remove","path":"/0"}]', "[2, 3]"),
        ("[ 1, 2 ]", '[{"op":"remove","path":"/1"},{"op":"remove","path":"/0"}]', "[]"),
        ('{"a":{"x":1.10},"b":{}}', '[{"op":"move","from":"/a/x","path":"/b/x"}]', '{"a":{},"b":{"x":1.10}}'),
        ("[1, 2, 3]", '[{"op":"add","path":"/1","value":9}]', "[1, 9, 2, 3]"),
    ],
)
def test_what_operations_do_not_name_keeps_its_text(old: str, patch: str, new: str) -> None:
    assert patched(old, patch) == new


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2, over values."""
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = merge(made.get(key), value)
    return made


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@given(VALUES, VALUES, st.sampled_from([None, 1, 3]), st.sampled_from([None, 2]))
def test_a_merge_means_what_it_means_over_values(old: Any, patch: Any, first: int | None, second: int | None) -> None:
    text = patched(json.dumps(old, indent=first), json.dumps(patch, indent=second), "merge")
    assert canonical(json.loads(text)) == canonical(merge(old, patch))


@given(VALUES, VALUES, st.sampled_from([None, 1, 3]))
def test_a_comparison_is_a_patch_that_the_program_applies(old: Any, new: Any, indent: int | None) -> None:
    before = json.dumps(old, indent=indent)
    changes = compare(before.encode(), json.dumps(new).encode())
    text = patched(before, "[" + ",".join([change.json() for change in changes]) + "]")
    assert canonical(json.loads(text)) == canonical(new)
    assert (text == before) == (not changes)


PATHS = st.sampled_from(["", "/a", "/b", "/a/0", "/a/1", "/a/-", "/b/a", "/~1", "/~0/0", "/0", "/1", "/-", "/c/c"])
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
            "path": PATHS,
            "from": PATHS,
            "value": VALUES,
        }
    ),
    max_size=5,
)


class RefusedError(Exception):
    pass


def find(value: Any, parts: list[str]) -> Any:
    for part in parts:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise RefusedError
    return value


def put(root: Any, parts: list[str], value: Any, *, replace: bool) -> Any:
    if not parts:
        return value
    at, last = find(root, parts[:-1]), parts[-1]
    if replace:
        find(at, [last])
    if isinstance(at, dict):
        at[last] = value
    elif isinstance(at, list) and replace:
        at[int(last)] = value
    elif isinstance(at, list) and (last == "-" or (last.isdigit() and int(last) <= len(at))):
        at.insert(len(at) if last == "-" else int(last), value)
    else:
        raise RefusedError
    return root


def take(root: Any, parts: list[str]) -> Any:
    if not parts:
        raise RefusedError
    at = find(root, parts[:-1])
    value = find(at, parts[-1:])
    del at[parts[-1] if isinstance(at, dict) else int(parts[-1])]
    return value


def do(root: Any, one: dict[str, Any]) -> Any:
    path, origin = ([p.replace("~1", "/").replace("~0", "~") for p in one[k].split("/")[1:]] for k in ("path", "from"))
    value = copy.deepcopy(one["value"])
    if one["op"] in ("add", "replace"):
        return put(root, path, value, replace=one["op"] == "replace")
    if one["op"] == "remove":
        take(root, path)
    elif one["op"] == "copy":
        return put(root, path, copy.deepcopy(find(root, origin)), replace=False)
    elif one["op"] == "test":
        if canonical(find(root, path)) != canonical(value):
            raise RefusedError
    elif path == origin:
        find(root, path)
    elif path[: len(origin)] == origin:
        raise RefusedError
    else:
        return put(root, path, take(root, origin), replace=False)
    return root


@settings(max_examples=300)
@given(VALUES, OPERATIONS, st.sampled_from([None, 2]))
def test_operations_mean_what_they_mean_over_values(
    old: Any, operations: list[dict[str, Any]], indent: int | None
) -> None:
    wanted: Any = copy.deepcopy(old)
    if any(one["op"] == "remove" and not one["path"] for one in operations):
        return
    try:
        for one in operations:
            wanted = do(wanted, one)
        expected = canonical(wanted)
    except RefusedError:
        expected = ""
    before = json.dumps(old, indent=indent)
    try:
        text = patched(before, json.dumps(operations))
    except MilestoneError:
        assert expected == ""
    else:
        assert canonical(json.loads(text)) == expected


# the command


def test_a_patch_is_an_argument_a_file_or_standard_input(cli: Cli, store: Path, tmp_path: Path) -> None:
    cli("state", "save", '{"a": 1.10, "b": 1180591620717411303424}', check=True)
    (tmp_path / "p.json").write_text('{"c": 1}')
    assert cli("state", "patch", "@p.json", check=True).stdout == "demo: revision 2 patched\n"
    cli("state", "patch", "demo", "-", input='{"d": 2}', check=True)
    cli("state", "patch", input='{"a": null}', check=True)
    cli("state", "patch", "demo", '[{"op":"add","path":"/e","value":[]}]', "--type", "json", check=True)
    text = cli("state", "load", check=True).stdout
    assert text == '{"b": 1180591620717411303424, "c": 1, "d": 2, "e": []}'


def test_a_patch_that_fails_changes_nothing_and_says_why(cli: Cli, store: Path) -> None:
    cli("state", "save", '{"a":1}', check=True)
    half = '[{"op":"add","path":"/b","value":1},{"op":"test","path":"/a","value":2}]'
    for patch, code, word in (
        (half, 4, "test of operation 1"),
        ('[{"op":"remove","path":"/x"}]', 3, "leads nowhere"),
        ('[{"op":"jump","path":"/x"}]', 5, "operation 0"),
        ("{", 5, "not valid JSON"),
    ):
        done = cli("state", "patch", "demo", patch, "--type", "json")
        assert (done.returncode, done.stdout) == (code, "")
        assert word in done.stderr
    assert cli("state", "load", check=True).stdout == '{"a":1}'
    assert fields(cli("state", "patch", '{"b":2}', "--format", "json"), "state-patch")["revision"] == 2


def test_a_patch_keeps_to_revision_and_key(cli: Cli, store: Path) -> None:
    cli("state", "save", '{"n":1}', check=True)
    assert cli("state", "patch", '{"n":2}', "--if-revision", "7").returncode == 4
    add = '[{"op":"add","path":"/list","value":[1]}]'
    first = fields(
        cli("state", "patch", add, "--type", "json", "--idempotency-key", "k", "--format", "json"), "state-patch"
    )
    again = fields(
        cli("state", "patch", add, "--type", "json", "--idempotency-key", "k", "--format", "json"), "state-patch"
    )
    assert (first["revision"], again["revision"], again["replayed"]) == (2, 2, True)
    assert cli("state", "patch", '{"n":9}', "--idempotency-key", "k").returncode == 4


def test_a_patch_of_nothing_begins_with_an_empty_object(cli: Cli, store: Path) -> None:
    cli("state", "patch", "new", '{"a":{"b":null,"c":1.0}}', check=True)
    assert cli("state", "load", "new", check=True).stdout == '{"a":{"c":1.0}}'


def test_many_patches_at_once_all_stay(cli: Cli, store: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: cli("state", "patch", "demo", json.dumps({f"k{n}": n})).returncode, range(24)))
    assert done == [0] * 24
    assert json.loads(cli("state", "load", check=True).stdout) == {f"k{n}": n for n in range(24)}


def test_a_diff_is_shown_as_lines_and_as_a_patch(cli: Cli, store: Path) -> None:
    cli("state", "save", '{"a":{"b":1},"d":4}', check=True)
    cli("state", "save", '{"a":{"b":2},"c":[1.10]}', check=True)
    assert cli("state", "diff", check=True).stdout == "~ /a/b  1 → 2\n- /d  4\n+ /c  [1.10]\n"
    found = cli("state", "diff", "demo", "2", "1", "--format", "json", check=True).stdout
    assert '{"op":"remove","path":"/c","old":[1.10]}' in found
    told = fields(cli("state", "diff", "1", "--format", "json"), "state-diff")
    assert (told["from"], told["to"], told["identical"]) == (1, 2, False)
    cli("state", "patch", "demo", json.dumps(json.loads(found)["changes"]), "--type", "json", check=True)
    assert cli("state", "diff", "1", "3", check=True).stdout == "no difference\n"
    assert "'2' is one word too many" in cli("state", "diff", "1", "3", "2").stderr
    cli("state", "save", '{"d": 4, "a": {"b": 1}}', check=True)
    assert cli("state", "diff", check=True).stdout.startswith("no difference but in spelling")
    assert cli("state", "diff", "demo", "9").returncode == 3
    assert cli("state", "diff", "demo", "1", "x").returncode == 2
    assert "op: remove" in cli("state", "diff", "2", "1", "--format", "yaml", check=True).stdout


def test_the_diff_of_a_first_revision_says_that_there_is_none_before(cli: Cli, store: Path) -> None:
    assert cli("state", "diff").returncode == 3
    cli("state", "save", "[1]", check=True)
    done = cli("state", "diff")
    assert done.returncode == 3
    assert "is the first" in done.stderr


def test_hostile_text_in_a_diff_is_shown_and_not_sent(cli: Cli, store: Path) -> None:
    cli("state", "save", '{"a":"x"}', check=True)
    cli("state", "save", input='{"a":"\u202ex\x7f","k\\u001b":1}', check=True)
    shown = cli("state", "diff", check=True).stdout
    assert "\u202e" not in shown
    assert "\x7f" not in shown
    assert "\x1b" not in shown + cli("state", "history", check=True).stdout
