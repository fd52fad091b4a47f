"""What is completed is put away compressed, read as it was, and taken out again byte for byte."""

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Cli

from milestone_cli.core.coldstore import document, keeping
from milestone_cli.errors import MilestoneError
from milestone_cli.render.schemas import schema
from milestone_cli.storage import open_store


def run(cli: Cli, *words: str, code: int = 0) -> dict[str, Any]:
    """Run a command of the group; its JSON output, or its JSON error."""
    done = cli("archive", *words, "--format", "json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stderr if code else done.stdout)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


@pytest.fixture
def work(store: Path, cli: Cli) -> Path:
    """A completed milestone with copies, a pin among them, and tasks of which one waits for another."""
    for number in range(3):
        cli("state", "save", "demo", f'{{"a": {number}, "price": 1.10}}', check=True)
    for name in ("one", "two"):
        cli("checkpoint", "create", "demo", "--name", name, check=True)
    cli("checkpoint", "pin", "demo", "two", check=True)
    cli("state", "complete", "demo", check=True)
    times = '"created_at": "2024-01-01T10:00:00Z", "completed_at": "2024-01-01T11:00:00Z"'
    for name, status, more in (
        ("done", "completed", ""), ("needed", "completed", ""), ("waiting", "pending", ', "depends_on": ["needed"]'),
    ):  # fmt: skip
        text = f'{{"id": "{name}", "description": "é 1.10", "status": "{status}", {times}{more}}}\n'
        (store / f"tasks/{name}.json").write_text(text)
    return store


def documents(work: Path) -> dict[str, bytes]:
    found = [*(work / "state/backups").glob("*"), *(work / "tasks").glob("*.json")]
    return {path.name: path.read_bytes() for path in found}


def test_what_is_completed_goes_and_comes_back_as_it_was(work: Path, cli: Cli) -> None:
    before = documents(work)
    plan = run(cli, "run", "--dry-run")
    kept = {one["name"]: one["reason"] for one in plan["items"] if one["kept"]}
    assert kept == {"needed": "the task 'waiting' depends on it", "demo": "completed too lately"}
    cli("snapshot", "save", check=True)
    assert run(cli, "run")["archived"] == [{"kind": "task", "name": "done"}]
    assert run(cli, "run", "--older-than", "0")["archived"] == [{"kind": "milestone", "name": "demo"}]
    left = documents(work)
    assert not {"done.json", "demo-checkpoint-one.json"} & {*left}
    assert {"needed.json", "waiting.json", "demo-checkpoint-two.json", "demo-checkpoint-two.info"} <= {*left}
    assert run(cli, "run", "--older-than", "0")["archived"] == [], "done twice, there is nothing left to do"
    assert gzip.decompress((work / "archive/tasks/done.json.gz").read_bytes()) == before["done.json"]
    assert cli("archive", "show", "done", check=True).stdout.encode() == before["done.json"]
    shown = json.loads(cli("task", "show", "done", "--format", "json", check=True).stdout)
    assert (shown["status"], shown["archived"]) == ("completed", True)
    assert cli("state", "load", "demo", check=True).stdout == '{"a": 2, "price": 1.10}'
    told = run(cli, "show", "milestone/demo")["documents"]
    assert {one["key"]: one["text"].encode() for one in told}["demo/one"] in before.values()
    loaded = json.loads(cli("snapshot", "load", "--format", "json", check=True).stdout)
    assert loaded["gone"] == [{"kind": "task", "name": "done"}], "what was put away is not lost"
    assert json.loads(cli("doctor", "--format", "json", check=True).stdout)["findings"]
    assert [one["name"] for one in run(cli, "list")["items"]] == ["done", "demo"]
    for name in ("done", "demo"):
        assert run(cli, "restore", name, "--dry-run")["transaction_id"] is None
        run(cli, "restore", name)
    assert documents(work) == before
    assert run(cli, "list")["items"] == []
    points = json.loads(cli("checkpoint", "list", "demo", "--format", "json", check=True).stdout)["checkpoints"]
    assert [(one["checkpoint_name"], one["state"]) for one in points] == [("one", "good"), ("two", "good")]
    assert run(cli, "restore", "done", code=3)["code"] == "not_found"


def test_what_is_damaged_or_in_the_way_is_told_and_kept(work: Path, cli: Cli) -> None:
    run(cli, "run")
    packed = work / "archive/tasks/done.json.gz"
    raw = packed.read_bytes()
    (work / "tasks/done.json").write_text('{"id": "done", "description": "another", "status": "pending"}')
    assert run(cli, "restore", "done", code=4)["code"] == "conflict"
    for damaged in (raw[:-5], raw[:20] + b"\0\0" + raw[22:], b""):
        packed.write_bytes(damaged)
        assert run(cli, "list")["items"][0]["trouble"]
        assert run(cli, "restore", "done", code=6)["code"] == "damaged"
    told = {one["id"] for one in json.loads(cli("doctor", "--format", "json").stdout)["findings"]}
    assert {"archive.damaged", "archive.twice"} <= told
    assert packed.exists()
    assert run(cli, "show", "../../etc/passwd", code=5)["code"] == "invalid_name"
    (work / "tasks/done.json").unlink()
    packed.write_bytes(raw)
    (transaction,) = run(cli, "run", "--older-than", "0")["transactions"]
    done = cli("transaction", "rollback", transaction, "--yes")
    assert done.returncode == 4, "no record has room for backups; `archive restore` brings them back"
    assert run(cli, "restore", "demo")["documents"] == 4


def test_copies_that_could_not_be_read_again_together_stay(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(str(work))
    monkeypatch.setattr(document, "LARGEST", 100)
    with pytest.raises(MilestoneError, match="too large"):
        document.unpack(document.pack(b"x" * 101), "it")
    assert document.ROOM * 2 < 8 << 26, "a text in JSON takes at most twice as much"
    monkeypatch.setattr(keeping, "ROOM", 1000)
    (found,) = [one for one in keeping.plan(store, 0) if one.kind == "milestone"]
    assert (found.hold, found.size > 1000) == ("its copies have more than 1,000 bytes", True)
