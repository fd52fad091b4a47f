"""Transactions through the command: all or nothing, exact texts, preconditions, the record, and the way back."""

import json
import random
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import MILESTONE, Cli, clean_environment

from milestone_cli.render.schemas import schema

Fields = Mapping[str, object]
Operation = Fields | str
HUGE = "7" * 5000
OLD = '{"n": 1, "price": 1.10, "name": "é"}'
TOUCHED = ("state", "agents", "tasks")


def tree(store: Path) -> dict[str, bytes]:
    """Everything in a store but locks, records of transactions and what is derived."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for folder in TOUCHED
        for path in (store / folder).rglob("*")
        if path.is_file() and ".locks" not in path.parts
    }


def events(store: Path, name: str) -> list[dict[str, Any]]:
    log = store / f"state/events/milestone-{name}.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def lines(*operations: Operation) -> str:
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in operations)


def done(cli: Cli, *words: str, input: str | None = None) -> dict[str, Any]:  # noqa: A002
    """Run a command that must succeed; its JSON, held against its schema."""
    found = json.loads(cli(*words, "--format", "json", input=input, check=True).stdout)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    assert isinstance(found, dict)
    return found


def apply(cli: Cli, *operations: Operation, more: tuple[str, ...] = ()) -> dict[str, Any]:
    return done(cli, "transaction", "apply", "-", *more, input=lines(*operations))


def refused(cli: Cli, *operations: Operation) -> tuple[int, dict[str, Any]]:
    """Apply what cannot be applied: exit code and error."""
    ended = cli("transaction", "apply", "-", "--format", "json", input=lines(*operations))
    assert (ended.stdout, ended.returncode > 0) == ("", True)
    return ended.returncode, json.loads(ended.stderr)


def load(cli: Cli, name: str) -> str:
    return str(cli("state", "load", name, check=True).stdout)


@pytest.fixture
def two(cli: Cli, store: Path) -> Path:
    """A store with the milestones demo, which has a state, and other, which has none."""
    cli("state", "save", "demo", OLD, check=True)
    cli("init", "other", check=True)
    return store


def test_texts_keep_their_exact_bytes(cli: Cli, two: Path) -> None:
    found = apply(
        cli,
        f'{{"op": "save", "milestone": "other", "state": {{"big":{HUGE},  "p": 1.10, "u": "\\u00e9ß"}}}}',
        f'{{"op": "set", "milestone": "demo", "path": "a.b", "value": [1.10,  {HUGE}]}}',
        '{"op": "patch", "milestone": "demo", "patch": {"n": 2.50, "name": null}}',
        '{"op": "patch", "milestone": "demo", "type": "json", "patch": [{"op": "add", "path": "/c", "value": 1e2}]}',
    )
    assert load(cli, "other") == f'{{"big":{HUGE},  "p": 1.10, "u": "\\u00e9ß"}}'
    assert load(cli, "demo") == f'{{"n": 2.50, "price": 1.10, "a": {{"b":[1.10,  {HUGE}]}}, "c": 1e2}}'
    assert [(one["milestone_id"], one["from"], one["to"]) for one in found["milestones"]] == [
        ("other", None, 1),
        ("demo", 1, 2),
    ]
    cli("events", "verify", "--all", check=True)


def test_several_changes_of_a_state_are_one_revision_and_one_undo(cli: Cli, two: Path) -> None:
    found = apply(cli, *[{"op": "set", "milestone": "demo", "path": f"k{n}", "value": n} for n in range(5)])
    said = [one for one in events(two, "demo") if one["event_type"] == "state_saved"][-1]
    assert said["data"]["transaction_id"] == found["transaction_id"]
    cli("state", "undo", "demo", check=True)
    assert load(cli, "demo") == OLD


def test_every_operation_does_what_its_command_does(cli: Cli, two: Path) -> None:
    cli("checkpoint", "create", "demo", "--name", "before", check=True)
    for name in ("gone", "moved"):
        cli("state", "save", name, "{}", check=True)
        cli("checkpoint", "create", name, "--name", "x", check=True)
    cli("state", "complete", "moved", check=True)
    made = json.loads(cli("session", "create", "gone", "--format", "json", check=True).stdout)["session_id"]
    apply(
        cli,
        {"op": "reopen", "milestone": "moved"},
        {"op": "set", "milestone": "moved", "path": "again", "value": True},
        {"op": "checkpoint_create", "milestone": "demo", "name": "early", "reason": "why"},
        {"op": "set", "milestone": "demo", "path": "n", "value": 2},
        {"op": "checkpoint_create", "milestone": "demo", "name": "late"},
        {"op": "checkpoint_pin", "milestone": "demo", "name": "late", "reason": "kept"},
        {"op": "complete", "milestone": "demo"},
        {"op": "checkpoint_delete", "milestone": "gone", "name": "x"},
        {"op": "delete", "milestone": "gone"},
        {"op": "session_end", "session": made},
        {"op": "session_create", "milestone": "moved", "type": "review"},
        {"op": "log", "milestone": "other", "event_type": "noted", "data": {"k": [1]}, "agent_id": "me"},
    )
    assert load(cli, "moved") == '{"again":true}'
    assert json.loads(load(cli, "demo"))["n"] == 2
    assert (two / "state/completed/demo.json").exists()
    assert not (two / "state/active/demo.json").exists()
    for name, n in (("early", 1), ("late", 2)):
        assert json.loads(cli("checkpoint", "show", "demo", name, "--state", check=True).stdout)["n"] == n
    assert cli("checkpoint", "delete", "demo", "late", "--yes").returncode == 4
    assert done(cli, "checkpoint", "list", "gone")["checkpoints"] == []
    assert cli("state", "load", "gone").returncode == 3
    cli("state", "undo", "gone", check=True)
    assert load(cli, "gone") == "{}"
    sessions = {one["milestone_id"]: one for one in done(cli, "session", "list")["sessions"]}
    assert sessions["gone"]["status"] == "completed"
    assert (sessions["moved"]["type"], sessions["moved"]["current"]) == ("review", True)
    noted = next(one for one in events(two, "other") if one["event_type"] == "noted")
    assert (noted["data"], noted["agent_id"]) == ({"k": [1]}, "me")
    cli("events", "verify", "--all", check=True)


def test_a_checkpoint_comes_back_within_a_transaction(cli: Cli, two: Path) -> None:
    cli("checkpoint", "create", "demo", "--name", "before", check=True)
    cli("state", "save", "demo", "[]", check=True)
    apply(cli, {"op": "checkpoint_restore", "milestone": "demo", "name": "before"})
    assert load(cli, "demo") == OLD
    names = [one["checkpoint_name"] for one in done(cli, "checkpoint", "list", "demo")["checkpoints"]]
    assert [name.partition("-2")[0] for name in names] == ["before", "pre-restore"]


REQUIRED: list[Fields] = [
    {"op": "require", "milestone": "demo", "if_revision": 1},
    {"op": "require", "milestone": "demo", "path": "price", "value": 1.1},
    {"op": "require", "milestone": "demo", "path": "name", "value": "é"},
    {"op": "require", "milestone": "demo", "path": "nothing", "absent": True},
    {"op": "require", "milestone": "demo", "path": "n"},
    {"op": "require", "milestone": "other", "absent": True},
    {"op": "require", "milestone": "other", "if_revision": 0},
    {"op": "require", "milestone": "demo"},
    {"op": "require", "milestone": "demo", "checkpoint": "none", "absent": True},
    {"op": "require", "session": "none", "absent": True},
]
MISSED: list[tuple[Fields, str]] = [
    ({"op": "require", "milestone": "demo", "if_revision": 2}, "revision_conflict"),
    ({"op": "set", "milestone": "demo", "path": "n", "value": 9, "if_revision": 7}, "revision_conflict"),
    ({"op": "save", "milestone": "demo", "state": {}, "absent": True}, "revision_conflict"),
    ({"op": "log", "milestone": "demo", "event_type": "x", "if_revision": 3}, "revision_conflict"),
    ({"op": "require", "milestone": "demo", "path": "price", "value": "1.10"}, "test_failed"),
    ({"op": "require", "milestone": "demo", "path": "price", "value": 1.2}, "test_failed"),
    ({"op": "require", "milestone": "demo", "path": "price", "absent": True}, "test_failed"),
    ({"op": "require", "milestone": "demo", "path": "gone.too"}, "test_failed"),
    ({"op": "require", "milestone": "demo", "absent": True}, "test_failed"),
    ({"op": "require", "milestone": "other"}, "test_failed"),
    ({"op": "require", "milestone": "demo", "checkpoint": "none"}, "test_failed"),
    ({"op": "require", "session": "none"}, "test_failed"),
]


def test_what_is_required_and_there_lets_it_pass(cli: Cli, two: Path) -> None:
    apply(cli, *REQUIRED, {"op": "set", "milestone": "demo", "path": "n", "value": 2, "if_revision": 1})
    assert json.loads(load(cli, "demo"))["n"] == 2


@pytest.mark.parametrize(
    ("operation", "code"), MISSED, ids=lambda one: json.dumps(one) if isinstance(one, dict) else one
)
def test_a_precondition_that_fails_names_its_line_and_nothing_changes(
    operation: Fields, code: str, cli: Cli, two: Path
) -> None:
    before = tree(two)
    first: Fields = {"op": "log", "milestone": "other", "event_type": "never"}
    exit_code, error = refused(cli, first, "", operation)
    assert (exit_code, error["code"], error["details"]["line"]) == (4, code, 3)
    assert error["message"].startswith("line 3: ")
    assert tree(two) == before
    [record] = (two / "transactions/rollbacks").iterdir()
    assert record.stem == error["details"]["transaction_id"]
    kept = json.loads(record.read_text())
    assert (kept["transaction"]["status"], kept["error"]["line"]) == ("rolled_back", 3)
    assert not list((two / "transactions/pending").iterdir())


def test_conditions_see_what_the_lines_before_have_left(cli: Cli, two: Path) -> None:
    apply(
        cli,
        {"op": "save", "milestone": "other", "state": {"n": 1}, "absent": True},
        {"op": "require", "milestone": "other", "path": "n", "value": 1},
        {"op": "set", "milestone": "other", "path": "n", "value": 2, "if_revision": 1},
    )
    assert load(cli, "other") == '{"n": 2}'


def test_a_value_that_is_required_is_compared_to_its_end(cli: Cli, two: Path) -> None:
    long = "x" * 200
    apply(cli, {"op": "save", "milestone": "demo", "state": {"long": long + "a"}})
    require = {"op": "require", "milestone": "demo", "path": "long", "value": long + "b"}
    code, error = refused(cli, require, {"op": "set", "milestone": "demo", "path": "n", "value": 1})
    assert (code, error["code"], error["details"]["line"]) == (4, "test_failed", 1)
    assert "differ from character 202 on" in error["message"]


def test_a_change_from_outside_is_a_revision_more_in_a_dry_run_too(cli: Cli, two: Path) -> None:
    (two / "state/active/demo.json").write_text('{"milestone_id": "demo", "version": "1.0", "state": {}}')
    line = lines({"op": "require", "milestone": "demo", "if_revision": 1})
    error = json.loads(cli("transaction", "apply", line, "--dry-run", "--format", "json").stderr)
    assert error["message"] == "line 1: 'demo' is at revision 2, not 1"
    done(cli, "transaction", "apply", line.replace("1}", "2}"), "--dry-run")


@pytest.mark.parametrize(
    "line",
    [
        '{"op": "save", "milestone": "demo", "state": {"a": NaN}}', '{"op": "set"', "[1]", "7", "{}",
        '{"op": 7}', f'{{"op": {HUGE}}}', '{"op": "explode"}', '{"op": "save", "milestone": "demo"}',
        '{"op": "save", "milestone": "demo", "state": {}, "stat": 1}',
        '{"op": "set", "milestone": "demo", "path": "a", "value": 1, "path": "b"}',
        '{"op": "set", "milestone": "../x", "path": "a", "value": 1}',
        '{"op": "set", "milestone": "demo", "path": 1, "value": 1}',
        f'{{"op": "set", "milestone": "demo", "path": "a", "value": 1, "if_revision": {HUGE}}}',
        '{"op": "set", "milestone": "demo", "path": "a", "value": 1, "if_revision": -1}',
        '{"op": "save", "milestone": "demo", "state": {}, "absent": "yes"}',
        '{"op": "session_end", "milestone": "demo"}',
        '{"op": "log", "milestone": "demo", "event_type": "x y"}',
        '{"op": "log", "milestone": "demo", "event_type": "x", "data": [1]}',
        '{"op": "patch", "milestone": "demo", "type": "diff", "patch": {}}',
        '{"op": "require", "milestone": "demo", "value": 1}',
        '{"op": "checkpoint_create", "milestone": "demo", "name": "../x"}',
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_nothing_changes(line: str, cli: Cli, two: Path) -> None:
    before = tree(two)
    code, error = refused(cli, {"op": "set", "milestone": "demo", "path": "n", "value": 9}, line)
    assert (code, error["details"]["line"]) == (5, 2), error
    assert "line 2" in error["message"]
    assert tree(two) == before


def test_two_names_that_differ_in_case_alone_are_refused(cli: Cli, two: Path) -> None:
    for first, second in (("new", "NEW"), ("demo", "Demo")):
        before = tree(two)
        lines_ = [{"op": "save", "milestone": name, "state": {}} for name in (first, second)]
        code, error = refused(cli, *lines_)
        assert (code, error["code"]) == (5, "invalid_name")
        assert tree(two) == before


def test_under_a_lock_that_the_caller_holds(cli: Cli, two: Path) -> None:
    line = lines({"op": "set", "milestone": "demo", "path": "n", "value": 2})
    cli("lock", "run", "demo", "--", str(MILESTONE), "transaction", "apply", line, check=True)
    holder = subprocess.Popen(["sleep", "60"])
    try:
        cli("lock", "acquire", "demo", "--for-pid", str(holder.pid), check=True)
        ended = cli("transaction", "apply", line, "--lock-timeout", "0.2")
        assert (ended.returncode, str(holder.pid) in ended.stderr) == (7, True)
        cli("transaction", "apply", line.replace("demo", "other"), "--lock-timeout", "5", check=True)
    finally:
        holder.kill()
        holder.wait()
    cli("transaction", "apply", line, "--lock-timeout", "1", check=True)
    assert done(cli, "status", "demo")["revision"] == 3


def test_a_session_that_is_begun_acts_in_what_follows(cli: Cli, two: Path) -> None:
    apply(
        cli,
        {"op": "session_create", "milestone": "demo"},
        {"op": "log", "milestone": "demo", "event_type": "inside"},
        {"op": "session_end"},
        {"op": "log", "milestone": "demo", "event_type": "outside"},
    )
    said = {one["event_type"]: one["session_id"] for one in events(two, "demo")}
    assert said["inside"] == said["session_created"] == said["session_ended"] != "no-session"
    assert said["outside"] == "no-session"
    assert cli("session", "current", check=True).stdout == "no-session\n"


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "checkpoint_delete", "milestone": "demo", "name": "none"}, 3),
        ({"op": "patch", "milestone": "demo", "type": "json", "patch": [{"op": "remove", "path": "/x"}]}, 3),
        ({"op": "set", "milestone": "demo", "path": "n.deep", "value": 1}, 5),
        ({"op": "reopen", "milestone": "demo"}, 4),
        ({"op": "complete", "milestone": "third"}, 3),
        ({"op": "session_end", "session": "none"}, 3),
    ],
)
def test_an_operation_that_fails_takes_all_back(operation: Fields, code: int, cli: Cli, two: Path) -> None:
    before = tree(two)
    found, error = refused(
        cli,
        {"op": "save", "milestone": "other", "state": {}},
        {"op": "checkpoint_create", "milestone": "demo", "name": "c"},
        operation,
    )
    assert (found, error["details"]["line"]) == (code, 3), error
    assert tree(two) == before


def test_a_state_is_not_changed_once_more_after_it_was_kept(cli: Cli, two: Path) -> None:
    change: Fields = {"op": "set", "milestone": "demo", "path": "n", "value": 2}
    for between in ({"op": "checkpoint_create"}, {"op": "complete"}, {"op": "delete"}):
        before = tree(two)
        code, error = refused(cli, change, {**between, "milestone": "demo"}, change)
        assert (code, error["details"]["line"]) in ((5, 3), (4, 3)), error
        assert tree(two) == before


def test_a_line_without_a_milestone_means_the_current_one(cli: Cli, two: Path) -> None:
    words = ("transaction", "apply", '{"op": "set", "path": "n", "value": 2}')
    assert cli(*words).returncode == 2
    cli(*words, env={"MILESTONE_ID": "demo"}, check=True)
    assert json.loads(load(cli, "demo"))["n"] == 2


def test_operations_come_from_a_file_from_standard_input_or_from_the_line(cli: Cli, two: Path, tmp_path: Path) -> None:
    text = lines({"op": "set", "milestone": "demo", "path": "n", "value": 2})
    (tmp_path / "lines.jsonl").write_text(text)
    for words in (["lines.jsonl"], ["@lines.jsonl"], [text]):
        cli("transaction", "apply", *words, check=True)
    cli("transaction", "apply", "-", input=text, check=True)
    assert done(cli, "status", "demo")["revision"] == 5
    assert cli("transaction", "apply", "nothing.jsonl").returncode == 3
    assert cli("transaction", "apply", input=text).returncode == 2, "it reads nothing unasked"


def test_a_dry_run_says_what_it_would_do_and_does_nothing(cli: Cli, two: Path) -> None:
    before, records = tree(two), sorted((two / "transactions").rglob("*"))
    found = apply(
        cli,
        {"op": "set", "milestone": "demo", "path": "n", "value": 2},
        {"op": "checkpoint_create", "milestone": "demo", "name": "c"},
        {"op": "delete", "milestone": "demo"},
        more=("--dry-run",),
    )
    assert (found["transaction_id"], found["dry_run"]) == (None, True)
    [entry] = found["milestones"]
    assert (entry["from"], entry["to"], entry["to_state"]) == (1, None, None)
    assert (tree(two), sorted((two / "transactions").rglob("*"))) == (before, records)
    ended = cli("transaction", "apply", '{"op": "require", "milestone": "other"}', "--dry-run")
    assert (ended.returncode, list((two / "transactions/rollbacks").iterdir())) == (4, [])


def test_nothing_to_do_is_done(cli: Cli, two: Path) -> None:
    before = tree(two)
    assert apply(cli)["transaction_id"] is None
    assert apply(cli, {"op": "require", "milestone": "demo"})["transaction_id"] is None
    assert tree(two) == before
    assert not list((two / "transactions/committed").iterdir())


def test_a_key_makes_it_safe_to_repeat(cli: Cli, two: Path) -> None:
    operations: list[Fields] = [
        {"op": "require", "milestone": "other", "absent": True},
        {"op": "set", "milestone": "demo", "path": "n", "value": 2, "if_revision": 1},
    ]
    first = apply(cli, *operations, more=("--idempotency-key", "k"))
    again = apply(cli, *operations, more=("--idempotency-key", "k"))
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert {**first, "replayed": True} == again
    assert done(cli, "status", "demo")["revision"] == 2
    ended = cli("transaction", "apply", '{"op": "delete", "milestone": "other"}', "--idempotency-key", "k")
    assert ended.returncode == 4


def test_the_record_has_the_keys_of_the_reference(cli: Cli, two: Path) -> None:
    found = apply(cli, {"op": "set", "milestone": "demo", "path": "n", "value": 2})
    record = json.loads((two / f"transactions/committed/{found['transaction_id']}.yaml").read_text())
    said = record["transaction"]
    assert {"id", "operation", "target_file", "status", "started_at", "committed_at"} <= set(said)
    assert (said["status"], said["target_file"]) == ("committed", "state/active/demo.json")
    assert record["backup"]["original_file"] == "state/active/demo.json"
    assert record["backup"]["backup_created"] is True
    assert len(record["backup"]["backup_checksum"]) == 64
    assert "price" not in json.dumps(record), "contents stay where they are"
    last = events(two, "demo")[-1]
    assert (last["event_type"], last["data"]["transaction_id"]) == ("transaction_committed", found["transaction_id"])


def test_list_and_show(cli: Cli, two: Path) -> None:
    assert done(cli, "transaction", "list")["transactions"] == []
    assert cli("transaction", "show").returncode == 3
    first = apply(cli, {"op": "set", "milestone": "demo", "path": "n", "value": 2.50})
    refused(cli, {"op": "require", "milestone": "other"})
    cli("checkpoint", "create", "demo", "--name", "c", check=True)
    found = done(cli, "transaction", "list")["transactions"]
    assert [(one["operation"], one["status"]) for one in found] == [
        ("apply", "committed"), ("apply", "rolled_back"), ("checkpoint_create", "committed"),
    ]  # fmt: skip
    assert found[1]["reason"].startswith("line 1: the state of 'other'")
    assert len(done(cli, "transaction", "list", "--status", "committed", "--limit", "1")["transactions"]) == 1
    told = [line.split(None, 4)[4] for line in cli("transaction", "list", check=True).stdout.splitlines()]
    assert told == ["CHANGED", "demo", "line 1: the state of 'other' is not there", "demo/c"]
    assert "checkpoint-info" not in cli("transaction", "show", check=True).stdout
    shown = cli("transaction", "show", first["transaction_id"], "--format", "json", check=True).stdout
    assert '"path":"/n","value":2.5,"old":1' in shown
    assert (json.loads(shown)["milestones"][0]["from"], json.loads(shown)["milestones"][0]["to"]) == (1, 2)
    jsonschema.validate(json.loads(shown), schema("transaction-show"))
    told = cli("transaction", "show", first["transaction_id"], check=True).stdout
    assert "demo: revision 1 → revision 2" in told
    assert done(cli, "transaction", "show")["operation"] == "checkpoint_create"
    assert cli("transaction", "show", "txn-none").returncode == 3
    assert cli("transaction", "show", "../x").returncode == 5


def test_a_record_that_is_damaged_is_told_and_stops_nobody(cli: Cli, two: Path) -> None:
    found = apply(cli, {"op": "set", "milestone": "demo", "path": "n", "value": 2})
    (two / f"transactions/committed/{found['transaction_id']}.yaml").write_text('{"transaction": ')
    assert done(cli, "transaction", "list")["transactions"][0]["status"] == "damaged"
    assert cli("transaction", "show", found["transaction_id"]).returncode == 6
    assert cli("transaction", "rollback", found["transaction_id"]).returncode == 6
    apply(cli, {"op": "set", "milestone": "demo", "path": "n", "value": 3})


HOSTILE: list[Fields] = [
    {"documents": [{"kind": "session", "key": "../../../victim", "file": "x",
                    "before": {"sha256": "0", "bytes": 1, "text": "x"}, "after": None}]},
    {"documents": [{"kind": "nothing", "key": "x", "file": "x", "before": None, "after": None}]},
    {"documents": [7]},
    {"documents": [{"kind": "session", "key": "x", "file": 7, "before": None, "after": None}]},
    {"documents": [{"kind": "session", "key": "x", "file": "x", "before": None, "after": 7}]},
    {"milestones": ["../x"]},
    {"events": [7]},
    {"transaction": {"id": "txn-other"}},
    {"transaction": {"id": "txn-1", "reason": [7]}},
    {"transaction": 7},
]  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE, ids=str)
def test_a_record_is_believed_only_as_far_as_it_is_one(what: Fields, cli: Cli, two: Path, tmp_path: Path) -> None:
    sound: Fields = {"transaction": {"id": "txn-1", "operation": "x"}, "documents": [], "events": []}
    (two / "transactions/committed/txn-1.yaml").write_text(json.dumps({**sound, **what}))
    assert done(cli, "transaction", "list")["transactions"][0]["status"] == "damaged"
    for words in (("show", "last"), ("rollback", "last"), ("rollback", "txn-1", "--dry-run")):
        ended = cli("transaction", *words)
        assert (ended.returncode, "Traceback" in ended.stderr) == (6, False)
    assert not list(tmp_path.rglob("victim*"))


def test_a_link_in_the_place_of_a_record_is_not_followed(cli: Cli, two: Path, tmp_path: Path) -> None:
    (tmp_path / "target").write_text('{"transaction": {"id": "txn-1"}}')
    (two / "transactions/committed/txn-1.yaml").symlink_to(tmp_path / "target")
    assert done(cli, "transaction", "list")["transactions"][0]["status"] == "damaged"
    assert cli("transaction", "show", "txn-1").returncode == 6


def test_a_record_of_an_earlier_version_is_shown_and_not_undone(cli: Cli, two: Path) -> None:
    old = {
        "transaction": {"id": "txn-1", "operation": "checkpoint_create", "target_file": "x", "status": "committed",
                        "started_at": "2026-11-21T12:00:00.000000Z", "committed_at": "2026-11-21T12:00:00.000000Z"},
        "files": ["x"], "events": ["event-1"],
    }  # fmt: skip
    (two / "transactions/committed/txn-1.yaml").write_text(json.dumps(old))
    assert done(cli, "transaction", "show", "txn-1")["operation"] == "checkpoint_create"
    ended = cli("transaction", "rollback", "txn-1")
    assert (ended.returncode, "does not say what was before" in ended.stderr) == (4, True)


# the way back


def test_a_rollback_brings_every_state_and_document_back(cli: Cli, two: Path) -> None:
    cli("state", "save", "moved", "{}", check=True)
    cli("checkpoint", "create", "moved", "--name", "gone", "--reason", "why", check=True)
    cli("state", "save", "deleted", '{"x":  1.0}', check=True)
    begun = json.loads(cli("session", "create", "moved", "--format", "json", check=True).stdout)["session_id"]
    checkpoints = done(cli, "checkpoint", "list", "moved")["checkpoints"]
    session = (two / f"state/sessions/{begun}.json").read_bytes()
    found = apply(
        cli,
        {"op": "set", "milestone": "demo", "path": "n", "value": 2},
        {"op": "save", "milestone": "other", "state": {}},
        {"op": "checkpoint_create", "milestone": "demo", "name": "c"},
        {"op": "set", "milestone": "moved", "path": "n", "value": 2},
        {"op": "complete", "milestone": "moved"},
        {"op": "checkpoint_delete", "milestone": "moved", "name": "gone"},
        {"op": "delete", "milestone": "deleted"},
        {"op": "session_end", "session": begun},
    )
    planned = done(cli, "transaction", "rollback", found["transaction_id"], "--dry-run")
    assert (planned["rollback_id"], planned["obstacles"]) == (None, [])
    told = done(cli, "transaction", "rollback", found["transaction_id"])
    assert {**planned, "dry_run": False, "rollback_id": told["rollback_id"]} == told
    assert (load(cli, "demo"), load(cli, "moved"), load(cli, "deleted")) == (OLD, "{}", '{"x":  1.0}')
    assert cli("state", "load", "other").returncode == 3
    assert (two / "state/active/moved.json").exists()
    assert not (two / "state/completed/moved.json").exists()
    assert done(cli, "checkpoint", "list", "moved")["checkpoints"] == checkpoints
    assert done(cli, "checkpoint", "list", "demo")["checkpoints"] == []
    assert (two / f"state/sessions/{begun}.json").read_bytes() == session
    assert done(cli, "session", "current")["session_id"] == begun
    assert done(cli, "transaction", "show", found["transaction_id"])["status"] == "rolled_back"
    for name in ("demo", "other", "moved", "deleted"):
        assert events(two, name)[-1]["data"]["rolled_back_by"] == told["rollback_id"]
    cli("events", "verify", "--all", check=True)
    assert cli("transaction", "rollback", found["transaction_id"]).returncode == 4
    done(cli, "transaction", "rollback", told["rollback_id"])
    assert json.loads(load(cli, "demo"))["n"] == 2
    assert (two / "state/completed/moved.json").exists()
    assert cli("state", "load", "deleted").returncode == 3
    cli("events", "verify", "--all", check=True)


@pytest.mark.parametrize(
    ("words", "check"),
    [
        (("state", "complete", "demo"), ("state", "set", "demo", "n=2")),
        (("state", "delete", "demo", "--yes"), ("state", "load", "demo")),
        (("checkpoint", "delete", "demo", "kept", "--yes"), ("checkpoint", "show", "demo", "kept")),
        (("checkpoint", "pin", "demo", "kept"), ("checkpoint", "delete", "demo", "kept", "--yes")),
        (("cleanup", "run", "demo", "--older-than", "0", "--keep-last", "1"), ("checkpoint", "show", "demo", "kept")),
    ],
    ids=lambda one: " ".join(one[:2]),
)
def test_what_other_commands_did_can_be_rolled_back_too(
    words: tuple[str, ...], check: tuple[str, ...], cli: Cli, two: Path
) -> None:
    cli("checkpoint", "create", "demo", "--name", "kept", check=True)
    if words[0] == "cleanup":
        cli("checkpoint", "create", "demo", "--name", "newer", check=True)
    cli(*words, check=True)
    assert cli(*check).returncode > 0
    done(cli, "transaction", "rollback", "last")
    cli(*check, check=True)
    cli("events", "verify", "--all", check=True)


def test_events_that_a_cleanup_removed_do_not_come_back_and_that_is_told(cli: Cli, two: Path) -> None:
    cli("checkpoint", "create", "demo", "--name", "kept", check=True)
    cli("checkpoint", "create", "demo", "--name", "newer", check=True)
    clean = ("cleanup", "run", "demo", "--older-than", "0", "--keep-last", "1")
    cli(*clean, check=True)
    first = events(two, "demo")[0]["sequence_number"]
    assert first > 1
    told = done(cli, "transaction", "rollback", "last")
    assert "origin" not in {one["kind"] for one in told["documents"]}
    assert events(two, "demo")[0]["sequence_number"] == first
    done(cli, "transaction", "rollback", told["rollback_id"])
    cli("events", "verify", "--all", check=True)
    cli("events", "log", "other", "note", check=True)
    removed = done(cli, "cleanup", "run", "other", *clean[3:])["removed"]
    assert {one["kind"] for one in removed} == {"events"}
    before = tree(two)
    refused = cli("transaction", "rollback", "last")
    assert (refused.returncode, tree(two)) == (4, before)
    assert "nothing but old events, which do not come back" in refused.stderr
    cli("events", "verify", "--all", check=True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("state", "set", "other", "n=5"), "'other' is at revision 2, not 1, and differs in /n"),
        (("state", "complete", "other"), "the state of 'other' is no longer active"),
        (("state", "delete", "other", "--yes"), "the state of 'other' is no longer active"),
        (("checkpoint", "delete", "demo", "c", "--yes"), "'state/backups/demo-checkpoint-c.json' is gone since"),
        (("checkpoint", "pin", "demo", "c"), "'state/backups/demo-checkpoint-c.info' is changed since"),
    ],
)
def test_a_rollback_after_a_change_is_refused_with_the_difference(
    change: tuple[str, ...], told: str, cli: Cli, two: Path
) -> None:
    found = apply(
        cli,
        {"op": "save", "milestone": "other", "state": {"n": 1}},
        {"op": "checkpoint_create", "milestone": "demo", "name": "c"},
    )
    cli("events", "log", "other", "no_change", check=True)
    cli(*change, check=True)
    before = tree(two)
    ended = cli("transaction", "rollback", found["transaction_id"], "--format", "json")
    error = json.loads(ended.stderr)
    assert (ended.returncode, error["code"]) == (4, "conflict")
    assert told in error["message"]
    assert error["details"]["changed"]
    assert tree(two) == before
    assert told in cli("transaction", "rollback", found["transaction_id"], "--dry-run", check=True).stdout


def test_a_change_by_bash_is_a_change_too(cli: Cli, two: Path) -> None:
    apply(cli, {"op": "set", "milestone": "demo", "path": "n", "value": 2})
    active = two / "state/active/demo.json"
    active.write_text(json.dumps({"timestamp": "x", "milestone_id": "demo", "version": "1.0", "state": {"n": 9}}))
    assert cli("transaction", "rollback", "last").returncode == 4
    assert load(cli, "demo") == '{"n": 9}'


def test_a_rollback_under_a_key_is_done_once(cli: Cli, two: Path) -> None:
    found = apply(cli, {"op": "set", "milestone": "demo", "path": "n", "value": 2})
    words = ("transaction", "rollback", found["transaction_id"], "--idempotency-key", "k")
    first, again = done(cli, *words), done(cli, *words)
    assert (first["replayed"], again["replayed"], first["rollback_id"]) == (False, True, again["rollback_id"])
    assert done(cli, "status", "demo")["revision"] == 3
    assert cli("transaction", "rollback", "last", "--idempotency-key", "k").returncode == 2


# many at once


def test_transactions_and_single_changes_on_overlapping_milestones(cli: Cli, store: Path, home: Path) -> None:
    names = ("a", "b", "c")
    apply(cli, *[{"op": "save", "milestone": name, "state": {"sum": 0}} for name in names])

    def run(*words: str, input: str = "") -> "subprocess.CompletedProcess[str]":  # noqa: A002
        return subprocess.run(
            [str(MILESTONE), *words, "--lock-timeout", "120"], input=input, cwd=store.parent,
            env=clean_environment(home), capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip

    def together(number: int) -> list[int]:
        """Sets a key in two milestones, in an order of its own, which must never deadlock."""
        first, second = names[number % 3], names[(number + 1) % 3]
        codes = []
        for i in range(3):
            both: list[Fields] = [
                {"op": "set", "milestone": name, "path": f"t{number}-{i}", "value": i} for name in (first, second)
            ]
            codes.append(run("transaction", "apply", "-", input=lines(*both)).returncode)
        return codes

    def alone(number: int) -> list[int]:
        return [run("state", "set", names[number % 3], f"s{number}-{i}={i}").returncode for i in range(3)]

    def refusing(number: int) -> list[int]:
        """Never gets through, and leaves nothing."""
        bad: list[Fields] = [
            {"op": "set", "milestone": "a", "path": "bad", "value": 1},
            {"op": "require", "milestone": "none"},
        ]
        return [run("transaction", "apply", "-", input=lines(*bad)).returncode - 4 for _ in range(3)]

    with ThreadPoolExecutor(12) as pool:
        jobs = [pool.submit(job, number) for number in range(6) for job in (together, alone, refusing)]
        assert all(job.result() == [0, 0, 0] for job in jobs)
    states = {name: json.loads(load(cli, name)) for name in names}
    for number in range(6):
        for i in range(3):
            having = {name for name in names if states[name].get(f"t{number}-{i}") == i}
            assert having == {names[number % 3], names[(number + 1) % 3]}
            assert states[names[number % 3]][f"s{number}-{i}"] == i
    assert not any("bad" in state for state in states.values())
    cli("events", "verify", "--all", check=True)
    for name in names:
        found = events(store, name)
        assert [one["sequence_number"] for one in found] == list(range(1, len(found) + 1))
        assert done(cli, "status", name)["revision"] == 1 + 12 + 6
    assert not list((store / "transactions/pending").iterdir())
    assert not list((store / "state/.locks").glob("*.lock"))


def test_a_storm_of_kills_leaves_each_transaction_whole_or_undone(cli: Cli, store: Path, home: Path) -> None:
    names = ("a", "b")
    begun = time.monotonic()
    apply(cli, *[{"op": "save", "milestone": name, "state": {}} for name in names])
    usual = time.monotonic() - begun
    environment = clean_environment(home)
    wait = random.Random(7)

    def run(number: int) -> bool:
        """Apply one, and kill every second one at any moment; whether it was acknowledged."""
        both: list[Fields] = [{"op": "set", "milestone": name, "path": f"k{number}", "value": number} for name in names]
        process = subprocess.Popen(
            [str(MILESTONE), "transaction", "apply", lines(*both), "--lock-timeout", "120"], cwd=store.parent,
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if number % 2:
            try:
                process.wait(wait.uniform(0.3, 2.5) * usual)
            except subprocess.TimeoutExpired:
                process.kill()
        out, _ = process.communicate(timeout=180)
        return bool(out)

    with ThreadPoolExecutor(5) as pool:
        acknowledged = list(pool.map(run, range(60)))
    assert all(acknowledged[::2])
    assert not all(acknowledged), "nobody was killed in time"
    cli("transaction", "apply", '{"op": "set", "milestone": "a", "path": "end", "value": 1}', check=True)
    cli("state", "set", "b", "end=1", check=True)
    a, b = (json.loads(load(cli, name)) for name in names)
    assert a == b
    assert all(a[f"k{number}"] == number for number in range(60) if acknowledged[number])
    cli("events", "verify", "--all", check=True)
    for name in names:
        found = events(store, name)
        assert [one["sequence_number"] for one in found] == list(range(1, len(found) + 1))
        ids = [one["data"]["transaction_id"] for one in found if one["event_type"] == "transaction_committed"]
        assert len(ids) == len(set(ids)) == len(a) + 1 - (name == "b")
    assert not list((store / "transactions/pending").iterdir())
    left = [path.name for path in store.rglob("*") if path.name.endswith(".tmp")]
    assert not left
