"""Milestones that are completed, reopened and deleted; and states held against a schema."""

import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import MILESTONE, Cli, clean_environment

from milestone_cli.core.states import lifecycle, validate
from milestone_cli.render.schemas import schema
from milestone_cli.storage.files import FileStore

TEXT = '{"n": 1.10}\n'


def fields(done: subprocess.CompletedProcess[Any], kind: str) -> dict[str, Any]:
    """The JSON object that a command printed, of the kind that it should be."""
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema(kind))
    assert isinstance(found, dict)
    return found


def told(done: subprocess.CompletedProcess[Any]) -> dict[str, Any]:
    """The error that a command printed."""
    found = json.loads(done.stderr)
    jsonschema.validate(found, schema("error"))
    assert isinstance(found, dict)
    return found


@pytest.fixture
def saved(cli: Cli, store: Path) -> Path:
    cli("state", "save", "demo", TEXT, check=True)
    return store


def types(store: Path) -> list[str]:
    lines = (store / "state" / "events" / "milestone-demo.jsonl").read_text().splitlines()
    return [json.loads(line)["event_type"] for line in lines]


def test_a_completed_milestone_is_read_and_not_changed(cli: Cli, saved: Path) -> None:
    before = (saved / "state" / "active" / "demo.json").read_bytes()
    fields(cli("state", "complete", "--format", "json"), "state-complete")
    assert not (saved / "state" / "active" / "demo.json").exists()
    assert (saved / "state" / "completed" / "demo.json").read_bytes() == before
    assert cli("state", "load", "demo", check=True).stdout == TEXT
    assert cli("state", "get", "demo", "n", check=True).stdout == "1.10\n"
    for words in (["history", "demo"], ["diff", "demo", "1", "1"], ["load", "demo", "--revision", "1"]):
        cli("state", *words, check=True)
    listed = json.loads(cli("state", "list", "--format", "json", check=True).stdout)["milestones"]
    assert [(one["milestone_id"], one["state"], one["revision"]) for one in listed] == [("demo", "completed", 1)]
    cli("status", "demo", check=True)
    cli("events", "verify", check=True)
    for words in (["save", "demo", "{}"], ["set", "demo", "n=2"], ["patch", "demo", "{}"], ["undo", "demo"]):
        done = cli("state", *words, "--format", "json")
        assert done.returncode == 4
        assert told(done)["code"] == "completed"
        assert "reopen" in told(done)["hint"]
    assert types(saved)[-1] == "state_completed"


def test_a_reopened_milestone_goes_on_where_it_was(cli: Cli, saved: Path) -> None:
    cli("state", "complete", check=True)
    assert cli("state", "complete", "demo").returncode == 4
    fields(cli("state", "reopen", "demo", "--format", "json"), "state-reopen")
    assert cli("state", "reopen", "demo").returncode == 4
    cli("state", "set", "demo", "n=2", "--if-revision", "1", check=True)
    assert types(saved)[-2:] == ["state_reopened", "state_saved"]
    cli("state", "undo", check=True)
    assert cli("state", "load", check=True).stdout == TEXT
    cli("events", "verify", check=True)


def test_the_only_active_milestone_is_neither_completed_nor_deleted(cli: Cli, saved: Path) -> None:
    for name in ("old", "gone"):
        cli("state", "save", name, "{}", check=True)
    assert cli("state", "load").returncode == 2
    cli("state", "complete", "old", check=True)
    cli("state", "delete", "gone", "--yes", check=True)
    assert cli("state", "load", check=True).stdout == TEXT
    cli("init", "fresh", check=True)
    assert told(cli("state", "load", "--format", "json"))["details"]["milestones"] == ["demo", "fresh"]


def test_completing_keeps_to_revision_and_key(cli: Cli, saved: Path) -> None:
    assert cli("state", "complete", "--if-revision", "7").returncode == 4
    words = ("state", "complete", "demo", "--if-revision", "1", "--idempotency-key", "k", "--format", "json")
    found = [fields(cli(*words), "state-complete")["replayed"] for _ in range(2)]
    assert found == [False, True]
    assert types(saved).count("state_completed") == 1
    assert cli("state", "reopen", "demo", "--idempotency-key", "k").returncode == 4


def test_what_is_not_there_or_damaged_is_not_completed(cli: Cli, store: Path) -> None:
    for verb in ("complete", "reopen", "delete"):
        assert cli("state", verb, "demo").returncode == 3
    (store / "state" / "active" / "demo.json").write_text("{")
    for verb in ("complete", "delete"):
        assert cli("state", verb, "demo").returncode == 6
    assert (store / "state" / "active" / "demo.json").read_text() == "{"


def test_a_change_from_outside_is_recorded_before_a_state_moves(cli: Cli, saved: Path) -> None:
    envelope = {"timestamp": "2026-01-01T00:00:00Z", "milestone_id": "demo", "version": "1.0", "state": {"n": 7}}
    (saved / "state" / "active" / "demo.json").write_text(json.dumps(envelope))
    assert "delete revision 2 " in cli("state", "delete", "--dry-run", check=True).stdout
    cli("state", "complete", check=True)
    assert types(saved)[-2:] == ["state_saved", "state_completed"]
    assert json.loads(cli("state", "load", "demo", "--revision", "2", check=True).stdout) == {"n": 7}
    cli("events", "verify", check=True)


def test_a_deleted_state_leaves_a_backup_and_comes_back(cli: Cli, saved: Path) -> None:
    before = (saved / "state" / "active" / "demo.json").read_bytes()
    plan = fields(cli("state", "delete", "--dry-run", "--format", "json"), "state-delete")
    assert (plan["dry_run"], plan["revision"], plan["bytes"]) == (True, 1, len(TEXT))
    assert "delete revision 1" in cli("state", "delete", "--dry-run", check=True).stdout
    assert cli("state", "delete", "--dry-run", "--if-revision", "7").returncode == 4
    assert cli("state", "load", check=True).stdout == TEXT
    found = fields(cli("state", "delete", "--format", "json"), "state-delete")
    assert (saved / "state" / "backups" / f"{found['backup']}.json").read_bytes() == before
    done = cli("state", "load", "demo")
    assert done.returncode == 3
    assert "state undo demo" in done.stderr
    assert types(saved)[-1] == "state_deleted"
    assert "milestone state undo demo" in cli("status", check=True).stdout
    verified = json.loads(cli("events", "verify", "demo", "--format", "json", check=True).stdout)
    assert [one["code"] for one in verified["milestones"][0]["findings"]] == ["state_deleted"]
    assert cli("state", "delete", "demo").returncode == 3
    cli("state", "undo", "demo", check=True)
    assert cli("state", "load", check=True).stdout == TEXT


def test_a_state_that_is_missing_without_a_deletion_stays_damage(cli: Cli, saved: Path) -> None:
    (saved / "state" / "active" / "demo.json").unlink()
    assert cli("events", "verify", "demo").returncode == 6


def test_a_completed_state_is_deleted_too(cli: Cli, saved: Path) -> None:
    cli("state", "complete", check=True)
    words = ("state", "delete", "demo", "--yes", "--idempotency-key", "k")
    cli(*words, check=True)
    cli(*words, check=True)
    assert cli("state", "load", "demo").returncode == 3
    cli("state", "undo", "demo", check=True)
    assert cli("state", "load", "demo", check=True).stdout == TEXT
    assert (saved / "state" / "active" / "demo.json").exists()


def test_a_deleted_milestone_can_be_begun_anew(cli: Cli, saved: Path) -> None:
    cli("state", "delete", "demo", "--yes", check=True)
    found = fields(cli("state", "save", "demo", "[2]", "--if-revision", "0", "--format", "json"), "state-save")
    assert found["revision"] == 2
    cli("events", "verify", check=True)
    cli("state", "undo", "demo", check=True)
    assert cli("state", "load", check=True).stdout == TEXT


def answer(home: Path, folder: Path, word: bytes) -> int:
    """Delete at a terminal and answer its question."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [str(MILESTONE), "state", "delete", "demo"],
        stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=clean_environment(home),
    )  # fmt: skip
    os.write(ours, word)
    code = process.wait(timeout=30)
    os.close(ours)
    os.close(theirs)
    return code


def test_a_deletion_asks_at_a_terminal(cli: Cli, saved: Path, home: Path, tmp_path: Path) -> None:
    assert answer(home, tmp_path, b"n\n") != 0
    assert cli("state", "load", check=True).stdout == TEXT
    assert answer(home, tmp_path, b"y\n") == 0
    assert cli("state", "load", "demo").returncode == 3


def test_a_save_that_waited_for_a_completion_is_refused(cli: Cli, saved: Path, home: Path, tmp_path: Path) -> None:
    """A completion between a save's start and its lock: the save changes nothing."""
    held = os.open(saved / "state" / ".locks" / "demo.flock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    process = subprocess.Popen(
        [str(MILESTONE), "state", "save", "demo", "[9]"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=tmp_path, env=clean_environment(home),
    )  # fmt: skip
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    os.rename(saved / "state" / "active" / "demo.json", saved / "state" / "completed" / "demo.json")
    os.close(held)
    _, told_ = process.communicate(timeout=30)
    assert process.returncode == 4
    assert b"reopen" in told_
    assert not (saved / "state" / "active" / "demo.json").exists()


# a schema


def test_a_state_is_held_against_a_schema(cli: Cli, saved: Path, tmp_path: Path) -> None:
    rules = {"type": "object", "required": ["who"], "properties": {"n": {"type": "string"}, "big": {"type": "integer"}}}
    (tmp_path / "s.json").write_text(json.dumps(rules))
    done = cli("state", "validate", "--schema", "s.json", "--format", "json")
    assert (done.returncode, done.stdout) == (5, "")
    assert [one["path"] for one in told(done)["details"]["errors"]] == ["", "/n"]
    assert "/n" in cli("state", "validate", "--schema", "s.json").stderr
    cli("state", "patch", '{"n":"x","who":"me","big":1' + "0" * 5000 + "}", check=True)
    rules["properties"] = {"n": {"type": "string"}}
    (tmp_path / "s.json").write_text(json.dumps(rules))
    found = fields(cli("state", "validate", "demo", "--schema", "s.json", "--format", "json"), "state-validate")
    assert found["valid"] is True
    (saved / "config.yaml").write_text(f"schema: {tmp_path / 's.json'}\n")
    cli("state", "validate", check=True)


@pytest.mark.parametrize(
    ("rules", "code"),
    [('{"type":7}', 5), ("{", 5), ('{"pattern":"("}', 5), ('{"$ref":"http://127.0.0.1:9/x.json"}', 5), (None, 3)],
)
def test_a_schema_that_is_none_is_an_error(cli: Cli, saved: Path, tmp_path: Path, rules: str | None, code: int) -> None:
    if rules is not None:
        (tmp_path / "s.json").write_text(rules)
    done = cli("state", "validate", "--schema", "s.json", "--format", "json")
    assert done.returncode == code
    assert told(done)["code"] != "unexpected"
    assert cli("state", "validate").returncode == 2


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(validate.MilestoneError) as caught:
        validate.validate(b"{}", b"{}")
    assert caught.value.exit_code == 5
    assert "milestone-cli[schema]" in caught.value.hint


def test_a_reader_never_misses_a_milestone_that_moves(saved: Path) -> None:
    writer, reader = FileStore(str(saved)), FileStore(str(saved))
    done = threading.Event()

    def move() -> None:
        for _ in range(30):
            lifecycle.move(writer, "demo", "complete")
            lifecycle.move(writer, "demo", "reopen")
        done.set()

    thread = threading.Thread(target=move)
    thread.start()
    while not done.is_set():
        assert reader.read("demo").text == TEXT.encode()
    thread.join()
    writer.close()
    reader.close()


@pytest.mark.parametrize("words", [("state", "set", "demo", "step=4"), ("state", "patch", "demo", '{"step": 4}')])
def test_a_state_that_was_lost_is_not_begun_anew(words: tuple[str, ...], cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", '{"goal": "ship", "step": 3}', check=True)
    (store / "state/active/demo.json").unlink()
    done = cli(*words)
    assert (done.returncode, "its log holds revision 1" in done.stderr) == (3, True), done.stderr
    line = json.dumps({"op": "set", "milestone": "demo", "path": "step", "value": 4}) + "\n"
    assert cli("transaction", "apply", "-", input=line).returncode == 3
    cli("state", "undo", "demo", check=True)
    cli(*words, check=True)
    assert json.loads(cli("state", "load", "demo").stdout) == {"goal": "ship", "step": 4}


def test_a_deleted_state_is_no_damage_and_comes_back_however_old_it_is(cli: Cli, store: Path) -> None:
    for number in range(3):
        cli("state", "save", "demo", json.dumps({"n": number}), check=True)
    cli("state", "delete", "demo", check=True)
    cli("events", "log", "demo", "after", "{}", check=True)
    for _ in range(2):
        cli("cleanup", "run", "demo", "--older-than", "0", "--yes", check=True)
        assert "sound" in cli("events", "verify", "demo", check=True).stdout
    assert cli("events", "query", "demo", "--type", "state_saved").stdout == ""
    cli("state", "undo", "demo", check=True)
    assert json.loads(cli("state", "load", "demo").stdout) == {"n": 2}
    cli("state", "delete", "demo", check=True)
    cli("state", "set", "demo", "fresh=1", check=True)
    assert json.loads(cli("state", "load", "demo").stdout) == {"fresh": 1}
