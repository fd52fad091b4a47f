"""The configuration: what is told about it, and changing it without touching what people wrote around a value."""

import json
import os
import pty
import select
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import MILESTONE, Cli, clean_environment
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from milestone_cli.core.configuration.declared import SETTINGS
from milestone_cli.core.configuration.reading import examine, parse
from milestone_cli.core.configuration.schema import schema as config_schema
from milestone_cli.core.configuration.splicing import assign, remove
from milestone_cli.errors import MilestoneError
from milestone_cli.render.schemas import schema

GOOD = {
    "lock_timeout": ("0", "30", "2.5"), "record_access": ("true", "false"), "schema": ("a b.json", "/x: y #z", "'"),
    "older_than": ("0", "7d", "2 weeks"), "keep_last": ("0", "12"), "segment_size": ("4096", "64M"),
}  # fmt: skip
"""Values that settings of each kind may have."""


def independent(text: str) -> dict[str, str]:
    """What a text says to YAML's own loader, which nothing here uses: names and values as text."""
    loaded = YAML(typ="rt").load(text) or {}
    return {str(name): str(value).lower() if isinstance(value, bool) else str(value) for name, value in loaded.items()}


def as_json(done: "subprocess.CompletedProcess[str]", code: int = 0) -> dict[str, Any]:
    """A command's JSON, held against its schema."""
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


@st.composite
def odd_files(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A configuration with its settings in any order and any spelling, and what is set in it."""
    names = draw(st.lists(st.sampled_from(sorted(GOOD)), unique=True, max_size=5))
    noise = st.sampled_from(["", "# a comment: with & * { and 'quotes'", "   # further in", "#"])
    lines = []
    for name in names:
        value = draw(st.sampled_from(GOOD[name]))
        if any(char in value for char in "'#: ") or (name != "schema" and draw(st.booleans())):
            value = draw(st.sampled_from([json.dumps(value), "'" + value.replace("'", "''") + "'"]))
        key = draw(st.sampled_from([name, f'"{name}"', f"'{name}'", name + "  "]))
        tail = draw(st.sampled_from(["", "  # why", " ", " #x: y"]))
        lines += draw(st.lists(noise, max_size=2))
        lines.append(f"{key}:{draw(st.sampled_from([' ', '   ']))}{value}{tail}")
    lines += draw(st.lists(noise, max_size=2))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    head = draw(st.sampled_from(["", "---" + end]))
    return head + end.join(lines) + draw(st.sampled_from(["", end])), names


@settings(deadline=None, max_examples=12)
@given(odd_files(), st.data())
def test_setting_a_value_leaves_everything_else_as_people_wrote_it(file: tuple[str, list[str]], data: Any) -> None:
    text, names = file
    before = independent(text)
    assert parse(text.encode()) == before
    name = data.draw(st.sampled_from(sorted(GOOD)))
    value = data.draw(st.sampled_from(GOOD[name]))
    after = assign(text, name, value)
    assert parse(after.encode()) == independent(after) == {**before, name: value}
    assert list(independent(after)) == [*names, *([name] if name not in names else [])], "the order stays"
    old, new = text.splitlines(keepends=True), after.splitlines(keepends=True)
    if name in names:
        (at,) = [number for number, line in enumerate(old) if name in line.partition(":")[0].strip(" \"'")]
        assert old[:at] + old[at + 1 :] == new[:at] + new[at + 1 :]
        assert new[at].partition(":")[0] == old[at].partition(":")[0]
        for tail in ("  # why", " #x: y"):
            assert old[at].rstrip("\r\n").endswith(tail) == new[at].rstrip("\r\n").endswith(tail)
    else:
        assert after.startswith(text)
        assert len(new) == len(old) + 1
    gone = remove(after, name)
    assert independent(gone) == {key: kept for key, kept in before.items() if key != name}
    assert [line for line in gone.splitlines() if line.strip()] == [
        line for line in after.splitlines() if line.strip() and name not in line.partition(":")[0].strip(" \"'")
    ]


@pytest.mark.parametrize(
    ("text", "name", "value", "expected"),
    [
        ("", "keep_last", "3", "keep_last: 3\n"),
        ("# only this", "keep_last", "3", "# only this\nkeep_last: 3\n"),
        ("{lock_timeout: 1, keep_last: 2} # x\n", "keep_last", "3", "{lock_timeout: 1, keep_last: 3} # x\n"),
        ("{lock_timeout: 1}\n", "keep_last", "3", "{lock_timeout: 1, keep_last: 3}\n"),
        ("{ }\n", "keep_last", "3", "{ keep_last: 3 }\n"),
        ("keep_last:\nlock_timeout: 1", "keep_last", "3", "keep_last: 3\nlock_timeout: 1"),
        ("keep_last: # how many\n", "keep_last", "3", "keep_last: 3 # how many\n"),
        ("keep_last: 2\n...\n", "lock_timeout", "3", "keep_last: 2\nlock_timeout: 3\n...\n"),
        ("  keep_last: 2\n", "lock_timeout", "3", "  keep_last: 2\n  lock_timeout: 3\n"),
        ("? keep_last\n: 2\n", "keep_last", "3", "? keep_last\n: 3\n"),
        ("schema: |-\n  a.json\nkeep_last: 2\n", "schema", "b.json", "schema: b.json\nkeep_last: 2\n"),
        ("schema: >-\n  a\n  b\nkeep_last: 2\n", "keep_last", "3", "schema: >-\n  a\n  b\nkeep_last: 3\n"),
        ("\ufeffkeep_last: 2\n", "keep_last", "3", "\ufeffkeep_last: 3\n"),
        ('older_than: "7d"\n', "older_than", "2w", 'older_than: "2w"\n'),
        ("schema: a\n", "schema", "True", 'schema: "True"\n'),
        ("schema: a\n", "schema", "a: b", 'schema: "a: b"\n'),
        ("schema: a\n", "schema", "a #b", 'schema: "a #b"\n'),
    ],
)
def test_odd_spellings(text: str, name: str, value: str, expected: str) -> None:
    after = assign(text, name, value)
    assert after == expected
    assert independent(after.removeprefix("\ufeff"))[name] == value
    assert name not in independent(remove(after, name).removeprefix("\ufeff"))


def test_what_is_wrong_is_told_with_its_line_and_what_may_be_meant() -> None:
    text = "# & *\nlock_timout: 3\nolder_than: soon\nkeep_last: 1\nkeep_last: 2\nrecord_access:\nschema: [a]\nx: &a 1\n"
    found, problems = examine(text.encode())
    assert found == {"keep_last": "1"}
    assert [(one.line, one.setting) for one in problems] == [
        (2, "lock_timout"), (3, "older_than"), (5, "keep_last"), (6, "record_access"), (7, "schema"), (8, "x"),
    ]  # fmt: skip
    assert "did you mean 'lock_timeout'?" in problems[0].hint
    with pytest.raises(MilestoneError, match=r"line 2: there is no setting 'lock_timout' \(and 5 more\)"):
        parse(text.encode())
    for wrong in (b"a: [", b"\xff", b"- a\n", b"a: 1\n---\nb: 2\n", b"{" * 3000, b"x" * (1 << 21)):
        assert examine(wrong)[1], wrong[:20]


def test_the_json_schema_says_what_the_program_takes() -> None:
    made = config_schema()
    jsonschema.Draft202012Validator.check_schema(made)
    properties = made["properties"]
    assert isinstance(properties, dict)
    assert set(properties) == {one.name for one in SETTINGS}
    yaml = YAML(typ="safe", pure=True)
    for line in (
        "lock_timeout: 30", "lock_timeout: -1", "lock_timeout: soon", "record_access: true", "record_access: 1",
        "older_than: 7d", "older_than: 0", "older_than: 1 month", "keep_last: 3", "keep_last: 0.5",
        "hook_payload: 10000",
        "segment_size: 64M", "segment_size: 64X", "segment_size: 5", "schema: a.json", "lock_timout: 3",
    ):  # fmt: skip
        is_taken = not examine(line.encode())[1]
        assert jsonschema.Draft202012Validator(made).is_valid(yaml.load(line)) == is_taken, line
    for one in SETTINGS:
        assert not one.default or one.kind.fits(one.default), one.name
        if one.default:
            jsonschema.validate(properties[one.name]["default"], properties[one.name])


def test_settings_are_set_told_taken_out_and_taken_back(cli: Cli, store: Path) -> None:
    as_json(cli("config", "set", "lock_timeout=60", "keep_last=20", "--format", "json"))
    assert cli("config", "get", "keep_last", check=True).stdout == "20\n"
    one = as_json(cli("config", "get", "lock_timeout", "--format", "json", env={"MILESTONE_LOCK_TIMEOUT": "5"}))
    assert (one["value"], one["origin"], one["default"]) == ("5", "MILESTONE_LOCK_TIMEOUT", "30")
    shadowed = cli("config", "set", "lock_timeout=61", env={"MILESTONE_LOCK_TIMEOUT": "5"}, check=True)
    assert (shadowed.stdout, "goes before" in shadowed.stderr) == ("lock_timeout: 60 -> 61\n", True)
    same = as_json(cli("config", "set", "lock_timeout=61", "--format", "json"))
    assert same["transaction_id"] is None, "nothing is different"
    for words, code in ((("lock_timeout",), 2), (("lock_timout=1",), 5), (("keep_last=-1",), 5)):
        assert cli("config", "set", "older_than=1d", *words).returncode == code
    assert cli("config", "get", "older_than", check=True).stdout == "7d\n", "all or nothing"
    assert cli("config", "get", "nothing").returncode == 5
    gone = as_json(cli("config", "unset", "keep_last", "--format", "json"))
    assert gone["settings"] == [{"name": "keep_last", "before": "20", "after": None}]
    cli("transaction", "rollback", "last", "--yes", check=True)
    assert cli("config", "get", "keep_last", check=True).stdout == "20\n"
    shown = {row["name"]: row["origin"] for row in as_json(cli("config", "show", "--format", "json"))["settings"]}
    assert (shown["keep_last"], shown["older_than"]) == ("config.yaml", "default")
    conflict = cli("config", "set", "keep_last=1", "--idempotency-key", "k", check=True)
    assert conflict.stdout == "keep_last: 20 -> 1\n"
    assert cli("config", "set", "keep_last=2", "--idempotency-key", "k").returncode == 4


def test_writers_at_once_lose_nothing(cli: Cli, store: Path) -> None:
    wanted = {"lock_timeout": "31", "keep_last": "11", "older_than": "8d", "hook_payload": "7"}
    threads = [
        threading.Thread(target=cli, args=("config", "set", f"{name}={value}"), kwargs={"check": True})
        for name, value in wanted.items()
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    rows = as_json(cli("config", "show", "--format", "json"))["settings"]
    assert {row["name"]: row["value"] for row in rows if row["origin"] == "config.yaml"} == wanted


def test_what_was_typed_is_never_lost(cli: Cli, store: Path, home: Path, tmp_path: Path) -> None:
    """An editor's text takes effect when it is valid; refused, it stays in a file that can be gone on with."""

    def edit(script: str, *words: str) -> "subprocess.CompletedProcess[str]":
        return cli("config", "edit", *words, "--format", "json", env={"VISUAL": f"sh -c '{script}' --"})

    drafts = home / ".local/state/milestone"
    assert as_json(edit('grep -q "# lock_timeout: 30" $1'))["changed"] is False, "all settings are offered"
    assert as_json(edit('echo "# mine" > $1; echo keep_last: 3 >> $1'))["changed"] is True
    refused = edit("echo lock_timout: 3 >> $1")
    told = json.loads(refused.stderr)
    assert (refused.returncode, told["code"]) == (5, "invalid_config")
    draft = Path(told["details"]["draft"])
    assert (draft.read_text(), draft.stat().st_mode & 0o777) == ("# mine\nkeep_last: 3\nlock_timout: 3\n", 0o600)
    assert f"--from {draft}" in told["hint"]
    assert cli("config", "validate", str(draft)).stdout.startswith(f"{draft}:3: there is no setting 'lock_timout'")
    assert as_json(edit("sed -i s/timout/timeout/ $1", "--from", str(draft)))["changed"] is True
    assert cli("config", "get", "lock_timeout", check=True).stdout == "3\n"
    assert json.loads(edit("exit 3").stderr)["code"] == "unexpected"
    failed = json.loads(edit("echo record_access: true >> $1; exit 3").stderr)
    assert "record_access" in Path(failed["details"]["draft"]).read_text()
    other = f"{MILESTONE} config set keep_last=9"
    lost = edit(f"echo record_access: true >> $1; {other} > /dev/null")
    assert (lost.returncode, "draft" in json.loads(lost.stderr)["details"]) == (4, True)
    assert cli("config", "get", "keep_last", check=True).stdout == "9\n"
    kept = {path.name for path in drafts.rglob("config-*.yaml")}
    assert len(kept) == 3, "only what was refused is kept"


def test_a_mistake_can_be_mended_at_once_at_a_terminal(cli: Cli, store: Path, home: Path) -> None:
    script = store.parent / "editor"
    script.write_text("#!/bin/sh\ntest -e once && echo keep_last: 5 > $1 || { touch once; echo keep_lst: 5 > $1; }\n")
    script.chmod(0o755)
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [str(MILESTONE), "config", "edit"], cwd=store.parent, env=clean_environment(home, EDITOR=str(script)),
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    deadline = time.monotonic() + 30
    while b"Edit again?" not in seen and time.monotonic() < deadline:
        if select.select([ours], [], [], 1)[0]:
            seen += os.read(ours, 4096)
    assert b"did you mean 'keep_last'?" in seen, seen
    os.write(ours, b"\n")
    assert running.wait(30) == 0
    os.close(ours)
    assert cli("config", "get", "keep_last", check=True).stdout == "5\n"


def test_a_broken_configuration_is_told_and_can_be_mended(cli: Cli, store: Path) -> None:
    assert as_json(cli("config", "validate", "--format", "json"))["valid"] is True
    (store / "config.yaml").write_text("# kept\nlock_timeout: soon # why\nbogus: 1\n")
    found = as_json(cli("config", "validate", "--format", "json", env={"MILESTONE_KEEP_LAST": "x"}), 5)
    assert [(one["line"], one["setting"]) for one in found["problems"]] == [
        (2, "lock_timeout"), (3, "bogus"), (None, "keep_last"),
    ]  # fmt: skip
    assert cli("config", "set", "lock_timeout=5").returncode == 5, "bogus is still in it"
    assert cli("config", "unset", "bogus").returncode == 5, "and so is soon"
    (store / "config.yaml").write_text("# kept\nlock_timeout: soon # why\n")
    cli("config", "set", "lock_timeout=5", check=True)
    assert (store / "config.yaml").read_text() == "# kept\nlock_timeout: 5 # why\n"
    assert cli("config", "validate", "-", input="lock_timeout: 1\n").stdout == "-: valid\n"
