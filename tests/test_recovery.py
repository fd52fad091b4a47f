"""`state recover`: the newest copy that proves itself, said aloud, and never another milestone's."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Cli

from milestone_cli.render.schemas import schema


def fields(done: subprocess.CompletedProcess[Any], kind: str = "state-recover") -> dict[str, Any]:
    """The JSON object that a command printed, of the kind that it should be."""
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema(kind))
    assert isinstance(found, dict)
    return found


def active(store: Path) -> Path:
    return store / "state" / "active" / "demo.json"


def forget_log(store: Path) -> None:
    """A log without anything that can be replayed, as after its loss."""
    for name in ("milestone-demo.jsonl", "milestone-demo.head"):
        (store / "state" / "events" / name).unlink()


@pytest.fixture
def saved(cli: Cli, store: Path) -> Path:
    for n in (1, 2, 3):
        cli("state", "save", "demo", f'{{"n": {n}.10}}', check=True)
    return store


def last(store: Path) -> dict[str, Any]:
    found = json.loads((store / "state" / "events" / "milestone-demo.jsonl").read_text().splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_a_good_state_is_left_alone(cli: Cli, saved: Path) -> None:
    found = fields(cli("state", "recover", "--format", "json"))
    assert (found["trouble"], found["recovered"]) == ("none", False)
    assert "nothing to recover" in cli("state", "recover", check=True).stdout
    assert last(saved)["revision"] == 3


def test_a_damaged_state_is_shown_then_recovered_and_kept(cli: Cli, saved: Path) -> None:
    active(saved).write_bytes(b"\x00 torn")
    plan = fields(cli("state", "recover", "--dry-run", "--format", "json"))
    assert (plan["trouble"], plan["source"], plan["recovered"]) == ("damaged", "the log", False)
    assert active(saved).read_bytes() == b"\x00 torn"
    assert cli("state", "recover", "--if-revision", "9", "--yes").returncode == 4
    done = cli("state", "recover", "--yes", "--format", "json")
    assert fields(done)["recovered"] is True
    assert "quarantine" in done.stderr
    assert [path.read_bytes() for path in (saved / "quarantine").iterdir()] == [b"\x00 torn"]
    assert cli("state", "load", check=True).stdout == '{"n": 3.10}'
    assert last(saved)["event_type"] == "state_recovered"
    assert last(saved)["data"]["quarantined"]
    cli("events", "verify", check=True)


def test_a_missing_state_is_restored_from_the_log(cli: Cli, saved: Path) -> None:
    active(saved).unlink()
    done = cli("state", "recover", "demo", check=True)
    assert "recovered from the log" in done.stderr
    assert cli("state", "load", check=True).stdout == '{"n": 3.10}'
    assert last(saved)["event_type"] == "state_recovered"
    cli("events", "verify", check=True)


def test_without_a_log_the_newest_backup_that_proves_itself_is_taken(cli: Cli, saved: Path) -> None:
    active(saved).unlink()
    forget_log(saved)
    backups = sorted((saved / "state" / "backups").iterdir())
    assert len(backups) == 2
    backups[1].write_bytes(backups[1].read_bytes().replace(b"2.10", b"9.99"))  # written through by a restore of bash
    os.utime(backups[1])
    cli("state", "recover", "demo", check=True)
    assert cli("state", "load", check=True).stdout == '{"n": 1.10}'
    assert last(saved)["data"]["backup_file"].endswith(backups[0].name)


def test_a_checkpoint_is_a_source_too(cli: Cli, saved: Path) -> None:
    cli("checkpoint", "create", "demo", "--name", "kept", check=True)
    active(saved).write_text("{")
    forget_log(saved)
    for path in (saved / "state" / "backups").glob("demo-2*"):
        path.unlink()
    cli("state", "recover", "demo", check=True)
    assert cli("state", "load", check=True).stdout == '{"n": 3.10}'


def test_another_milestones_data_is_never_taken(cli: Cli, saved: Path) -> None:
    cli("state", "save", "demo-20260101-000000", '{"whose": "other"}', check=True)
    cli("state", "save", "demo-20260101-000000", '{"whose": "other", "n": 2}', check=True)
    for path in (saved / "state" / "backups").glob("demo-2*"):
        if b'"whose"' in path.read_bytes():
            os.rename(path, saved / "state" / "backups" / "demo-20991231-235959-r9.json")
        else:
            path.unlink()
    active(saved).write_text("{")
    forget_log(saved)
    done = cli("state", "recover", "demo")
    assert done.returncode == 6
    assert active(saved).read_text() == "{"
    done = cli("state", "recover", "demo", "--from", "demo-20991231-235959-r9")
    assert done.returncode == 6
    assert "does not fit" in done.stderr


def test_a_named_backup_takes_the_place_of_a_good_state_and_is_undone(cli: Cli, saved: Path) -> None:
    name = min((saved / "state" / "backups").iterdir()).name
    found = fields(cli("state", "recover", "--from", name, "--dry-run", "--format", "json"))
    assert found["source"].endswith(name)
    cli("state", "recover", "--from", name.removesuffix(".json"), "--yes", check=True)
    assert cli("state", "load", check=True).stdout == '{"n": 1.10}'
    cli("state", "undo", check=True)
    assert cli("state", "load", check=True).stdout == '{"n": 3.10}'
    assert cli("state", "recover", "--from", "nothing").returncode == 3
    assert cli("state", "recover", "--from", "../../../etc/passwd").returncode == 3
    assert cli("state", "recover", "--from", name, "--if-revision", "1").returncode == 4


def test_a_named_backup_in_the_place_of_a_damaged_state(cli: Cli, saved: Path) -> None:
    name = min((saved / "state" / "backups").iterdir()).name
    active(saved).write_text("{")
    words = ("state", "recover", "demo", "--from", name, "--yes", "--idempotency-key", "k")
    cli(*words, check=True)
    assert cli("state", "load", check=True).stdout == '{"n": 1.10}'
    assert [path.read_text() for path in (saved / "quarantine").iterdir()] == ["{"]
    revision = last(saved)["revision"]
    assert "already, under this key" in cli(*words, check=True).stderr
    assert last(saved)["revision"] == revision


def test_a_completed_state_is_recovered_and_stays_completed(cli: Cli, saved: Path) -> None:
    cli("state", "complete", check=True)
    completed = saved / "state" / "completed" / "demo.json"
    assert cli("state", "recover", "demo", "--from", "the log", "--yes").returncode == 4
    completed.write_text("{")
    done = cli("state", "load", "demo", check=True)
    assert done.stdout == '{"n": 3.10}'
    assert "nothing was repaired" in done.stderr
    assert completed.read_text() == "{"
    cli("state", "recover", "demo", "--yes", check=True)
    assert json.loads(completed.read_text())["state"] == {"n": 3.10}
    assert not active(saved).exists()
    assert [path.read_text() for path in (saved / "quarantine").iterdir()] == ["{"]
    cli("events", "verify", check=True)


def test_nothing_at_all_is_not_found(cli: Cli, store: Path) -> None:
    done = cli("state", "recover", "demo", "--format", "json")
    assert done.returncode == 3
    jsonschema.validate(json.loads(done.stderr), schema("error"))
