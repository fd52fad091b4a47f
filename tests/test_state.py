"""`milestone state` in every form in which it is called, through the installed command."""

import json
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import MILESTONE, Cli, clean_environment
from ruamel.yaml import YAML

TIGHT = '{"a":1.10,"b":1180591620717411303424,"c":[1,2,{"d":"x"}],"k.e/y":{"":0}}'


def fields(done: subprocess.CompletedProcess[Any]) -> dict[str, Any]:
    """The JSON object that a command printed."""
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def events(store: Path, milestone: str = "demo") -> list[dict[str, Any]]:
    """What stands in a log."""
    path = store / "state" / "events" / f"milestone-{milestone}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def bind(store: Path, session: str, milestone: str) -> None:
    """A session's record, as a later command will write it."""
    (store / "state" / "sessions" / f"{session}.json").write_text(
        json.dumps({"session_id": session, "milestone_id": milestone})
    )


# which milestone is meant


def test_the_only_milestone_need_not_be_named(cli: Cli, store: Path) -> None:
    assert fields(cli("state", "save", '{"n":1}', "--format", "json"))["milestone_id"] == "demo"
    assert cli("state", "load", check=True).stdout == '{"n":1}'
    assert cli("state", "get", "n", check=True).stdout == "1\n"
    assert fields(cli("state", "set", "n=2", "--format", "json"))["milestone_id"] == "demo"
    assert cli("state", "get", "demo", "n", check=True).stdout == "2\n"


def test_several_milestones_are_an_error_that_lists_them(cli: Cli, store: Path) -> None:
    cli("state", "save", "other", "{}", check=True)
    for words in (["save", "{}"], ["load"], ["get", "n"], ["set", "n=1"]):
        done = cli("state", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "demo" in done.stderr
        assert "other" in done.stderr
    told = json.loads(cli("state", "load", "--format", "json").stderr)
    assert told["code"] == "milestone_ambiguous"
    assert told["details"]["milestones"] == ["demo", "other"]


def test_no_milestone_at_all_is_an_error_that_says_how_to_make_one(cli: Cli) -> None:
    cli("init", check=True)
    done = cli("state", "load")
    assert (done.returncode, done.stdout) == (2, "")
    assert "milestone init" in done.stderr


def test_the_environment_names_the_milestone_before_the_session_does(cli: Cli, store: Path) -> None:
    for name in ("one", "two", "three"):
        cli("state", "save", name, json.dumps(name), check=True)
    bind(store, "s1", "one")
    bind(store, "s2", "two")
    assert cli("state", "load", env={"MILESTONE_SESSION": "s1"}, check=True).stdout == '"one"'
    both = {"MILESTONE_ID": "three", "MILESTONE_SESSION": "s1"}
    assert cli("state", "load", env=both, check=True).stdout == '"three"'
    assert cli("state", "load", "two", env=both, check=True).stdout == '"two"'
    assert cli("state", "save", "[]", env=both, check=True).stdout == "three: revision 2 saved\n"


def test_the_session_of_a_client_goes_before_the_one_of_the_directory(cli: Cli, store: Path) -> None:
    for name in ("one", "two"):
        cli("state", "save", name, json.dumps(name), check=True)
        bind(store, f"s-{name}", name)
    (store / "state" / ".current_session").write_text("s-one\n")
    clients = store / "state" / "sessions" / ".by-client"
    clients.mkdir()
    (clients / "client-2").write_text("s-two\n")
    assert cli("state", "load", check=True).stdout == '"one"'
    assert cli("state", "load", env={"CLAUDE_CODE_SESSION_ID": "client-2"}, check=True).stdout == '"two"'
    # A client that is not bound never takes what another left in the directory.
    assert cli("state", "load", env={"CLAUDE_CODE_SESSION_ID": "client-3"}).returncode == 2


def test_the_store_is_found_from_below_and_by_name(cli: Cli, store: Path, tmp_path: Path) -> None:
    cli("state", "save", "{}", check=True)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert cli("state", "load", cwd=deep, check=True).stdout == "{}"
    for words in (["--store", str(tmp_path)], [f"--store={store}"]):
        assert cli(*words, "state", "load", cwd=Path("/"), check=True).stdout == "{}"
    assert cli("state", "load", cwd=Path("/"), env={"MILESTONE_STORE": str(store)}, check=True).stdout == "{}"


# where the document comes from


def test_data_from_an_argument_a_file_a_dash_or_standard_input(cli: Cli, store: Path, tmp_path: Path) -> None:
    text = '  {"é": "漢 😀", "n": 1.10}\n\n'
    (tmp_path / "file.json").write_text(text)
    forms: list[tuple[list[str], str | None]] = [
        (["demo", text.strip()], None),
        (["demo", "@file.json"], None),
        (["@file.json"], None),
        ([f"@{tmp_path}/file.json"], None),
        (["demo", "-"], text),
        (["-"], text),
        (["demo"], text),
        ([], text),
        (["--format", "text"], text),
    ]
    for number, (words, given) in enumerate(forms, 1):
        done = cli("state", "save", *words, input=given, check=True)
        assert done.stdout == f"demo: revision {number} saved\n"
        wanted = text.strip() if "{" in "".join(words) else text
        assert cli("state", "load", check=True).stdout == wanted, words


def test_a_scalar_is_a_document_too(cli: Cli, store: Path) -> None:
    for number, text in enumerate(["null", "0", '"s"', "true", "-1.50e+3", "[]"], 1):
        cli("state", "save", "--", "demo", text, check=True)
        assert cli("state", "load", check=True).stdout == text
        assert cli("state", "load", "--revision", str(number), check=True).stdout == text


def test_only_save_reads_standard_input_unasked(cli: Cli, store: Path) -> None:
    cli("state", "save", '{"n":1}', check=True)
    reader, writer = os.pipe()  # an open pipe that never ends: who reads it hangs
    try:
        for words in (
            ["state", "load"],
            ["state", "get", "n"],
            ["state", "set", "n=2"],
            ["state", "list"],
            ["events", "log", "t"],
        ):
            done = subprocess.run(
                [MILESTONE, *words],
                stdin=reader,
                capture_output=True,
                cwd=store.parent,
                env=clean_environment(store.parent),
                timeout=20,
                check=False,
            )
            assert done.returncode == 0, done.stderr
    finally:
        os.close(reader)
        os.close(writer)


def at_terminal(store: Path, *words: str, **env: str) -> str:
    """What a command shows at a terminal."""
    shown, terminal = pty.openpty()
    try:
        done = subprocess.run(
            [MILESTONE, *words],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=store.parent,
            env=clean_environment(store.parent, TERM="xterm", **env),
            timeout=20,
            check=False,
        )
        assert done.returncode in (0, 2)
        return os.read(shown, 1 << 16).decode()
    finally:
        os.close(terminal)
        os.close(shown)


def test_at_a_terminal_a_document_is_indented_and_nothing_waits_for_input(cli: Cli, store: Path) -> None:
    assert "there is no data" in at_terminal(store, "state", "save")
    cli("state", "save", '{"a":1.10,"b":"x\\u001b[31my"}', check=True)
    plain = at_terminal(store, "state", "load", NO_COLOR="1")
    assert plain.replace("\r\n", "\n") == '{\n  "a": 1.10,\n  "b": "x\\u001b[31my"\n}\n'
    assert "\x1b[" in at_terminal(store, "state", "load")
    assert "\x1b" not in at_terminal(store, "--no-color", "state", "load")


def test_at_a_terminal_a_string_cannot_steer_it(cli: Cli, store: Path) -> None:
    cli("state", "save", '{"b":"x\\u001b]0;t\\u0007\\u009b31m\\u202ey\\nz"}', check=True)
    shown = at_terminal(store, "state", "get", "b").replace("\r\n", "\n")
    assert shown == "x\\x1b]0;t\\x07\\x9b31m\\u202ey\nz\n"
    assert cli("state", "get", "b", check=True).stdout == "x\x1b]0;t\x07\x9b31m\u202ey\nz\n"


# load


@pytest.mark.parametrize("text", ["{}", " {} ", "\n\t[1 ,\r\n 2]\r\n", '{"a":1}\n', '  "x"', "7 "])
def test_load_gives_back_exactly_what_was_saved(cli: Cli, store: Path, text: str) -> None:
    cli("state", "save", "demo", "-", input=text.encode(), check=True)
    for words in ([], ["--format", "json"], ["--revision", "1"], ["--revision=1", "--format=json"]):
        assert cli("state", "load", "demo", *words, input=b"", check=True).stdout == text.encode()


def test_indent_changes_the_spaces_only(cli: Cli, store: Path) -> None:
    cli("state", "save", '{"a":1.10,"e":{},"l":[ ],"s":"a , b : {","x":[1,[2]]}', check=True)
    shown = cli("state", "load", "--indent", "1", check=True).stdout
    wanted = '{\n "a": 1.10,\n "e": {},\n "l": [],\n "s": "a , b : {",\n "x": [\n  1,\n  [\n   2\n  ]\n ]\n}\n'
    assert shown == wanted
    assert cli("state", "load", "--indent", "0", check=True).stdout.startswith('{\n"a": 1.10,\n')
    assert '\n    "a": 1.10' in cli("state", "load", "--indent=4", "--format", "json", check=True).stdout


def test_yaml_holds_the_same_values(cli: Cli, store: Path) -> None:
    text = '{"n":1.5,"i":1180591620717411303424,"s":"no","d":"2026-01-01","u":"é","l":[null,true],"o":{}}'
    cli("state", "save", text, check=True)
    shown = cli("state", "load", "--format", "yaml", check=True).stdout
    assert YAML(typ="safe", pure=True).load(shown) == json.loads(text)
    got = cli("state", "get", "l", "--format", "yaml", check=True).stdout
    assert YAML(typ="safe", pure=True).load(got) == [None, True]
    saved = cli("state", "save", "{}", "--format", "yaml", check=True).stdout
    assert YAML(typ="safe", pure=True).load(saved)["schema"] == "milestone/state-save/v1"


def test_yaml_of_the_deepest_document(cli: Cli, store: Path) -> None:
    cli("state", "save", "-", input="[" * 200 + "]" * 200, check=True)
    assert cli("state", "load", "--format", "yaml", check=True).stdout.count("- ") == 199


def test_yaml_of_numbers_that_python_cannot_hold(cli: Cli, store: Path) -> None:
    digits = "7" * 5000
    cli("state", "save", "-", input=f'{{"long":{digits},"far":1e400,"exact":1.10}}', check=True)
    shown = cli("state", "load", "--format", "yaml", check=True).stdout
    assert f"long: {digits}\n" in shown
    assert "1e400" in shown
    assert "exact: 1.10\n" in shown


def test_every_revision_can_be_loaded(cli: Cli, store: Path) -> None:
    texts = ['{"n":1}', '{"n":2, "m":[]}', "[]", ' {"n": 4}\n']
    for text in texts:
        cli("state", "save", "-", input=text, check=True)
    for number, text in enumerate(texts, 1):
        assert cli("state", "load", "--revision", str(number), check=True).stdout == text


def test_loading_is_recorded_only_when_asked(cli: Cli, store: Path) -> None:
    cli("state", "save", "{}", check=True)
    before = len(events(store))
    cli("state", "load", check=True)
    assert len(events(store)) == before
    cli("state", "load", "--record-access", check=True)
    cli("state", "load", env={"MILESTONE_RECORD_ACCESS": "true"}, check=True)
    logged = events(store)[before:]
    assert [event["event_type"] for event in logged] == ["state_loaded"] * 2
    assert logged[0]["data"] == {"state_file": ".milestones/state/active/demo.json"}
    assert logged[0]["revision"] == 1


# get


def test_get_by_dots_and_by_pointer(cli: Cli, store: Path) -> None:
    cli("state", "save", TIGHT, check=True)
    for path, shown in {
        "a": "1.10",
        "b": "1180591620717411303424",
        "c": '[1,2,{"d":"x"}]',
        "c.0": "1",
        "c.2.d": "x",
        "/c/2/d": "x",
        "/k.e~1y/": "0",
        "/k.e~1y": '{"":0}',
        ".": TIGHT,
        "": TIGHT,
    }.items():
        assert cli("state", "get", path, check=True).stdout == shown + "\n", path
        assert cli("state", "get", "demo", path, check=True).stdout == shown + "\n", path
    assert cli("state", "get", "c.2.d", "--format", "json", check=True).stdout.strip() == '"x"'


def test_get_prints_a_string_bare(cli: Cli, store: Path) -> None:
    cli("state", "save", r'{"s":"a \"b\" \u00e9\n😀","t":"","n":"1"}', check=True)
    assert cli("state", "get", "s", check=True).stdout == 'a "b" é\n😀\n'
    assert cli("state", "get", "t", check=True).stdout == "\n"
    assert cli("state", "get", "n", check=True).stdout == "1\n"
    assert cli("state", "get", "s", "--format", "json", check=True).stdout.strip() == (r'"a \"b\" \u00e9\n😀"')


# set


def after(cli: Cli, before: str, *assignments: str) -> str:
    """The text of a state after `set`."""
    cli("state", "save", "demo", "-", input=before, check=True)
    cli("state", "set", "demo", *assignments, check=True)
    return str(cli("state", "load", "demo", check=True).stdout)


@pytest.mark.parametrize(
    ("before", "assignments", "wanted"),
    [
        ("{}", ["a=1"], '{"a":1}'),
        ("{}", ["a.b.c=x"], '{"a":{"b":{"c":"x"}}}'),
        ("{}", ["/a.b/c~1d=x"], '{"a.b":{"c/d":"x"}}'),
        ('{"a":1}', ["a={}", "a.b=[]", "a.b.0=x", "a.b.-=y"], '{"a":{"b":["x","y"]}}'),
        ('{"l":[1,2]}', ["l.0=9", "l.2=3"], '{"l":[9,2,3]}'),
        ('{"l":[1, 2]}', ["l.-=3"], '{"l":[1, 2, 3]}'),
        ('{"l":[]}', ["l.0.k=v"], '{"l":[{"k":"v"}]}'),
        ('{ "a" : 1 ,\n  "b" : 2 }\n', ["a=7"], '{ "a" : 7 ,\n  "b" : 2 }\n'),
        ('{\n  "a": 1,\n  "b": 2\n}\n', ["c=3"], '{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}\n'),
        ('{"n":1.10,"i":1180591620717411303424,"e":1E5,"z":0}', ["z=1.50"], None),
        (r'{"\u0061":1,"b":"\/"}', ["a=2"], r'{"\u0061":2,"b":"\/"}'),
        ('[1,{"a":2}]', ["1.a=3"], '[1,{"a":3}]'),
        ("1", [".=2"], "2"),
        ('{"a":1}', ["a=true", "b=null", "c=-0", "d=1e400"], '{"a":true,"b":null,"c":-0,"d":1e400}'),
        ("{}", ["a=yes", "b=", "c=x=y", "d=NaN", "e=01"], None),
        ("{}", ['a={"x": [1, 2]}', 'b="1"'], '{"a":{"x": [1, 2]},"b":"1"}'),
        ("{}", ["é.漢=😀"], '{"é":{"漢":"😀"}}'),
    ],
)
def test_set(cli: Cli, store: Path, before: str, assignments: list[str], wanted: str | None) -> None:
    if wanted is None:
        wanted = {
            "z=1.50": '{"n":1.10,"i":1180591620717411303424,"e":1E5,"z":1.50}',
            "a=yes": '{"a":"yes","b":"","c":"x=y","d":"NaN","e":"01"}',
        }[assignments[0]]
    assert after(cli, before, *assignments) == wanted


def test_set_makes_a_state_where_there_is_none(cli: Cli, store: Path) -> None:
    assert cli("state", "set", "demo", "a.b=1", check=True).stdout == "demo: revision 1 set\n"
    assert cli("state", "load", check=True).stdout == '{"a":{"b":1}}'


@pytest.mark.parametrize(
    "words",
    [["a.0=1"], ["s.x=1"], ["l.2=1"], ["l.x=1"], ["l.-1=1"], ["a..b=1"], ["a=1", "s.x=1"], ["a=[1"], ['a="x']],
)
def test_a_path_or_value_that_cannot_be_is_refused_whole(cli: Cli, store: Path, words: list[str]) -> None:
    text = '{"a":5,"s":"x","l":[0]}'
    cli("state", "save", text, check=True)
    done = cli("state", "set", *words)
    assert (done.returncode, done.stdout) == (5, "")
    assert "hint: " in done.stderr
    assert cli("state", "load", check=True).stdout == text


def test_what_is_no_assignment_is_wrong_usage(cli: Cli, store: Path) -> None:
    for words in (["a"], ["demo", "a"], ["a=1", "b"]):
        assert cli("state", "set", *words).returncode == 2
    assert cli("state", "get", "demo", "a", "b").returncode == 2


def test_a_path_that_is_no_text_is_refused(cli: Cli, store: Path) -> None:
    bad = os.fsdecode(b"k\xff")
    done = cli("state", "set", "demo", f"{bad}=1")
    assert (done.returncode, done.stdout) == (5, "")
    assert cli("state", "set", "demo", f"k={bad}").returncode == 5
    cli("state", "save", "{}", check=True)
    assert cli("state", "get", "demo", bad).returncode == 3


# preconditions, keys, forms


def test_if_revision(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", '{"n":1}', "--if-revision", "0", check=True)
    for words in (["save", "demo", "{}"], ["set", "demo", "n=9"]):
        for number in ("0", "2"):
            done = cli("state", *words, "--if-revision", number, "--format", "json")
            told = json.loads(done.stderr)
            assert (done.returncode, done.stdout) == (4, "")
            assert (told["code"], told["retryable"]) == ("revision_conflict", True)
            assert told["details"]["expected"] == int(number)
            assert told["details"]["revision"] == 1
    assert cli("state", "load", check=True).stdout == '{"n":1}'
    cli("state", "set", "demo", "n=2", "--if-revision=1", check=True)
    assert fields(cli("state", "save", "{}", "--if-revision", "2", "--format", "json"))["revision"] == 3


def test_an_idempotency_key_is_done_once(cli: Cli, store: Path) -> None:
    save = ["state", "save", "demo", '{"n":1}', "--idempotency-key", "k 1/é", "--format", "json"]
    first, again = fields(cli(*save)), fields(cli(*save))
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert {**again, "replayed": False} == first
    change = ["state", "set", "demo", "n=5", "--idempotency-key", "k2"]
    for _ in range(3):
        cli(*change, check=True)
    cli("state", "set", "demo", "n=6", check=True)
    assert "already" in cli(*change, check=True).stdout
    assert cli("state", "get", "n", check=True).stdout == "6\n"
    assert len(events(store)) == 4


def test_an_idempotency_key_of_another_request_is_refused(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", '{"n":1}', "--idempotency-key", "k", check=True)
    for words in (
        ["state", "save", "demo", '{"n":2}'],
        ["state", "set", "demo", "n=2"],
        ["events", "log", "demo", "t"],
    ):
        done = cli(*words, "--idempotency-key", "k", "--format", "json")
        assert (done.returncode, done.stdout) == (4, "")
        assert json.loads(done.stderr)["code"] == "idempotency_conflict"
    assert cli("state", "load", check=True).stdout == '{"n":1}'
    # Keys belong to a milestone.
    cli("state", "save", "other", '{"n":2}', "--idempotency-key", "k", check=True)


def test_a_thousand_keys_are_remembered_and_no_more(cli: Cli, store: Path) -> None:
    from milestone_cli.core import events as core
    from milestone_cli.storage.files import FileStore

    files = FileStore(str(store))
    for number in range(1001):
        core.log(files, "demo", [("t", b"{}")], key=f"k{number}")
    assert core.log(files, "demo", [("t", b"{}")], key="k1").replayed
    assert core.log(files, "demo", [("t", b"{}")], key="k1000").replayed
    assert not core.log(files, "demo", [("t", b"{}")], key="k0").replayed
    files.close()


def test_acknowledgements_in_every_form(cli: Cli, store: Path) -> None:
    shown = fields(cli("state", "save", "{}", "--format", "json"))
    assert set(shown) == {
        "schema", "milestone_id", "revision", "sha256", "event_id", "sequence_number", "timestamp", "replayed",
    }  # fmt: skip
    assert shown["schema"] == "milestone/state-save/v1"
    line = cli("state", "set", "a=1", "--format", "jsonl", check=True).stdout
    assert line.count("\n") == 1
    assert json.loads(line)["schema"] == "milestone/state-set/v1"
    assert json.loads(line)["event_id"] == events(store)[-1]["event_id"]


def test_list(cli: Cli, store: Path) -> None:
    cli("state", "save", "other", "{}", check=True)
    cli("state", "save", "other", "[]", check=True)
    shown = fields(cli("state", "list", "--format", "json"))
    assert shown["schema"] == "milestone/state-list/v1"
    assert [item["milestone_id"] for item in shown["milestones"]] == ["demo", "other"]
    assert shown["milestones"][1]["revision"] == 2
    text = cli("state", "list", check=True).stdout
    assert "demo" in text
    assert "other" in text


def test_names_that_begin_alike_are_kept_apart(cli: Cli, store: Path) -> None:
    for name in ("a", "a-b", "a-b.c"):
        cli("state", "save", name, json.dumps(name), check=True)
        cli("state", "set", name, f".={json.dumps(name + '!')}", check=True)
    for name in ("a", "a-b", "a-b.c"):
        assert cli("state", "load", name, check=True).stdout == json.dumps(name + "!")
        assert cli("state", "load", name, "--revision", "1", check=True).stdout == json.dumps(name)


def test_files_are_their_owners_alone_whatever_the_umask(cli: Cli, store: Path) -> None:
    old = os.umask(0)
    try:
        cli("state", "save", "{}", check=True)
        cli("state", "save", "new", "{}", check=True)
        cli("state", "set", "new", "a=1", check=True)
    finally:
        os.umask(old)
    for path in [store, *store.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_what_was_set_or_patched_is_told_by_its_paths(cli: Cli, store: Path) -> None:
    cli("state", "set", "demo", "a.b=1", "next=x", check=True)
    cli("state", "patch", "demo", '{"next": "y", "漢字": 1}', check=True)
    operations = '[{"op": "test", "path": "/next", "value": "y"}, {"op": "remove", "path": "/a/b"}]'
    cli("state", "patch", "demo", operations, "--type", "json", check=True)
    cli("state", "set", "demo", *[f"k{n}=1" for n in range(9)], check=True)
    cli("state", "set", "demo", "next=y", check=True)
    cli("state", "set", "demo", "k" * 100 + "=1", check=True)
    cli("state", "undo", "demo", check=True)
    shown = cli("events", "timeline", "demo", check=True).stdout
    assert re.search(r"state_undone  revision 7, \d+ bytes changed, undo of 6\n", shown)
    told = [line.partition("state_saved  ")[2] for line in shown.splitlines() if "state_saved" in line]
    assert told == [
        "revision 1: a.b, next", "revision 2: next, 漢字", "revision 3: /a/b",
        "revision 4: k0, k1, k2, k3, and more", "revision 5, nothing changed", f"revision 6: {'k' * 80}",
    ]  # fmt: skip
    assert "revision 5, nothing changed" in cli("status", "demo", check=True).stdout
