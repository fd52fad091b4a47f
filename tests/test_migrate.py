"""Stores of older formats: read as they are, brought to the newest one and back, and never lost on the way."""

import gzip
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from bash_utilities import STAND_IN, STAND_IN_NAMES, BashUtilities
from conftest import MILESTONE, Cli
from postgres_server import Server

from milestone_cli.render.schemas import schema

OLD = Path(__file__).parent / "golden" / "old"
STATE = '{"n": 1.10, "é": "\\u0000"}'
Tree = dict[str, tuple[int, bytes]]


def migrate(cli: Cli, *words: str, code: int = 0) -> dict[str, Any]:
    """Run `store migrate`; its JSON output, or its error, held against the schema."""
    done = cli("store", "migrate", *words, "--format", "json")
    assert done.returncode == code, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout or done.stderr)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


def tree(store: Path) -> Tree:
    """Everything that somebody's work is: modes and contents by path."""
    found = {}
    for path in store.rglob("*"):
        name = str(path.relative_to(store))
        if not name.startswith(("state/.locks/", "migrations", "quarantine", "cache", "spool")):
            found[name] = (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
    return found


@pytest.fixture
def of_bash(tmp_path: Path) -> BashUtilities:
    """The bash utilities, and a store that they made, with what they leave when they are killed or recover."""
    bash = BashUtilities(STAND_IN, STAND_IN_NAMES, tmp_path)
    bash.run(
        """umask 022
        {init} demo; {session} demo > session; {save} demo '{"n": 0}'; {checkpoint} demo one
        {save} demo '{"n": 1.10, "é": "\\u0000"}'; {log} demo note '{"a": 1}'; {end} "$(cat session)"
        {save} other '[1]'
        echo '{"x"' > .milestones/state/active/demo.json.tmp.999999999
        echo broken > .milestones/state/active/demo.json.corrupted.20260101-000000"""
    )
    return bash


def test_a_store_of_bash_is_brought_to_format_1_and_back(cli: Cli, tmp_path: Path, of_bash: BashUtilities) -> None:
    store = tmp_path / ".milestones"
    before = tree(store)
    info = json.loads(cli("store", "info", "--format", "json", check=True).stdout)
    assert info["format"] == 0
    planned = migrate(cli, "--dry-run")
    assert (planned["from"], planned["to"], planned["dry_run"]) == (0, 1, True)
    assert len(planned["steps"]) == 6
    assert tree(store) == before
    done = migrate(cli)
    assert done["steps"] == planned["steps"]
    assert migrate(cli)["steps"] == []
    assert json.loads(cli("doctor", "--format", "json").stdout)["counts"]["warning"] == 0
    assert cli("doctor").returncode == cli("events", "verify", "--all").returncode == 0
    assert cli("state", "load", "demo", check=True).stdout == STATE
    assert [one["revision"] for one in json.loads(cli("state", "history", "demo", "--format", "json").stdout)[
        "revisions"]] == [1]  # fmt: skip
    assert json.loads(of_bash.run("{load} demo")) == json.loads(STATE)
    assert json.loads(cli("store", "info", "--format", "json").stdout)["format"] == 1
    with tarfile.open(store / str(done["backup"])) as tar:
        assert tar.extractfile("state/active/demo.json").read() == before["state/active/demo.json"][1]  # type: ignore[union-attr]
    assert [json.loads(line)["did"] for line in (store / str(done["log"])).read_text().splitlines()] == [
        "backup", "begin", "step", "step", "step", "step", "step", "changed", "migrated",
    ]  # fmt: skip
    back = migrate(cli, "--rollback", code=9)  # bash has loaded: a line that is not the migration's
    assert (back["from"], back["to"], back["rollback"]) == (1, 0, True)
    assert back["kept"] == ["state/events/milestone-demo.jsonl"]
    assert migrate(cli, "--rollback", code=3)["code"] == "not_found"


def test_the_way_back_is_exact_and_never_loses_what_came_later(
    cli: Cli, tmp_path: Path, of_bash: BashUtilities
) -> None:
    store = tmp_path / ".milestones"
    before = tree(store)
    migrate(cli)
    assert migrate(cli, "--rollback")["kept"] == []
    assert tree(store) == before
    migrate(cli)
    cli("state", "set", "demo", "later=1", check=True)
    cli("checkpoint", "create", "demo", "--name", "later", check=True)
    kept = migrate(cli, "--rollback", code=9)["kept"]
    assert "state/events/milestone-demo.jsonl" in kept
    assert "state/events/milestone-other.jsonl" not in kept
    assert json.loads(cli("state", "load", "demo", check=True).stdout)["later"] == 1
    assert json.loads(of_bash.run("{load} demo"))["later"] == 1
    assert cli("events", "verify", "--all").returncode == 0
    assert (store / "state/events/milestone-other.jsonl").read_bytes() == before["state/events/milestone-other.jsonl"][
        1
    ]


def test_marks_formats_and_wishes_that_are_refused(cli: Cli, tmp_path: Path, of_bash: BashUtilities) -> None:
    store = tmp_path / ".milestones"
    cli("init", "third", check=True)
    assert not (store / "format").exists()  # what bash made says nothing, and `init` is no migration
    assert migrate(cli, "--rollback", code=3)["code"] == "not_found"
    assert migrate(cli, "--to", "2", code=5)["code"] == "newer_format"
    assert migrate(cli, "--to", "0")["steps"] == []
    cli("store", "freeze", "--reason", "backup", check=True)
    assert (store / "format").read_text() == "0\nfrozen: backup\n"
    assert migrate(cli, code=8)["code"] == "store_frozen"
    assert cli("state", "load", "demo", check=True).stdout == STATE
    cli("store", "unfreeze", check=True)
    assert not (store / "format").exists()
    (store / "format").write_text("2\n")
    for words in (["migrate"], ["migrate", "--rollback"]):
        assert json.loads(cli("store", *words, "--format", "json").stderr)["code"] == "newer_format"
    refused = cli("state", "load", "demo")
    assert refused.returncode == 5
    assert "install a newer milestone" in refused.stderr


def test_what_bash_writes_meanwhile_is_not_lost(cli: Cli, tmp_path: Path, of_bash: BashUtilities) -> None:
    """The mark of a killed migration stands, bash goes on, and the migration is finished or taken back."""
    from milestone_cli.storage.files.migrating import Migrator

    store = tmp_path / ".milestones"
    one = Migrator(str(store))
    one._freeze(one.plan(1))
    refused = cli("state", "set", "demo", "x=1")
    assert (refused.returncode, "`milestone store migrate` finishes it" in refused.stderr) == (8, True)
    assert cli("state", "load", "demo", check=True).stdout == STATE
    calls: list[int] = []

    def write() -> list[str]:
        """Bash writes between the keeping and the steps, and then its state."""
        if not calls:
            of_bash.run("{log} demo meanwhile '{}'")
        calls.append(1)
        return ["demo", "other"]

    assert one.run(1, write).is_resumed
    assert '"meanwhile"' in (store / "state/events/milestone-demo.jsonl").read_text()
    back = migrate(cli, "--rollback", code=9)
    assert "state/events/milestone-demo.jsonl" in back["kept"]
    assert '"meanwhile"' in (store / "state/events/milestone-demo.jsonl").read_text()
    before = tree(store)
    two = Migrator(str(store))

    def save() -> list[str]:
        of_bash.run("{save} other '[2]'") if not (store / "done").exists() else None
        (store / "done").touch()
        return []

    from milestone_cli.errors import MilestoneError

    with pytest.raises(MilestoneError, match="put back"):
        two.run(1, save)
    assert json.loads((store / "state/active/other.json").read_text())["state"] == [2]
    assert not (store / "format").exists()
    assert {name for name, value in tree(store).items() if before.get(name) != value} - {"done"} <= {
        "state/active/other.json", "state/events/milestone-other.jsonl", "state/backups",
        *[name for name in tree(store) if name.startswith("state/backups/other-")],
        "state/events/milestone-other.head",
    }  # fmt: skip


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("first-saves", "first-sessions", "first-locks")]


@pytest.mark.parametrize("name", ["first-agents", *SLOW])
def test_stores_of_older_commits_work_as_they_are(name: str, cli: Cli, tmp_path: Path) -> None:
    """Their own programs said what is in them, in NAME.json, which also names the commit."""
    with tarfile.open(OLD / f"{name}.tar.gz") as tar:
        tar.extractall(tmp_path, filter="tar")
    said = json.loads((OLD / f"{name}.json").read_text(encoding="utf-8"))
    for milestone, text in said["states"].items():
        loaded = cli("state", "load", milestone)
        assert (loaded.returncode, loaded.stdout) == ((0, text) if text is not None else (3, "")), milestone
        found = json.loads(cli("events", "timeline", milestone, "--format", "json", check=True).stdout)
        assert len(found["events"]) == said["events"][milestone]
    for words in ("events verify --all", "status", "session list", "agent list", "checkpoint list demo",
                  "state history demo", "transaction list", "cleanup plan demo", "store check"):  # fmt: skip
        cli(*words.split(), check=True)
    assert json.loads(cli("doctor", "--format", "json").stdout)["counts"]["warning"] == 0
    assert migrate(cli)["steps"] == []
    log = tmp_path / ".milestones/state/events/milestone-demo.jsonl"
    before = log.read_bytes()
    cli("state", "save", "demo", "{}", check=True)
    assert log.read_bytes().startswith(before)
    cli("state", "undo", "demo", check=True)
    assert cli("state", "load", "demo", check=True).stdout == said["states"]["demo"]
    assert cli("events", "verify", "--all").returncode == 0


def test_a_database_of_an_older_commit_is_read_brought_up_and_taken_back(
    cli: Cli, postgres: Server, own_database: str, tmp_path: Path
) -> None:
    """Schema 1, as the program of commit db8919c wrote it."""
    dump = tmp_path / "old.sql"
    dump.write_bytes(gzip.decompress((OLD / "schema-1.sql.gz").read_bytes()))
    postgres.sql(dump.read_text(encoding="utf-8"), own_database)
    env = {"MILESTONE_STORE": postgres.url(own_database, "app")}

    def run(line: str, code: int = 0) -> str:
        done = cli(*line.split(), env=env)
        assert done.returncode == code, (line, done.stdout, done.stderr)
        return str(done.stdout or done.stderr)

    text = '{"n": 1.10, "big": 1234567890123456789012345678901234567890, "text": "é", "step": 3}'
    for line in ("status demo", "state history demo", "events verify --all", "session list", "agent list",
                 "checkpoint list demo", "doctor --dry-run"):  # fmt: skip
        run(line, 6 if line.startswith("doctor") else 0)
    assert run("state load demo") == text
    assert run("state load demo --revision 1") == text.replace(', "step": 3', "")
    assert run("state load third") == "[1]"
    assert "`milestone store migrate` brings it there" in run("state set demo x=1", 5)
    steps = json.loads(run("store migrate --dry-run --format json"))
    jsonschema.validate(steps, schema("store-migrate"))
    assert (steps["from"], steps["to"], len(steps["steps"])) == (1, 2, 1)
    run("store migrate")
    assert json.loads(run('state set demo step="two" --idempotency-key k1 --format json'))["replayed"] is True
    run("doctor")
    run("state set demo x=1")
    run("store migrate --rollback")
    assert '"x"' in run("state load demo")
    run("state set demo x=2", 5)
    run("store migrate --to 1 --rollback", 0)
    run("store migrate --to 2")
    run("cleanup run demo --older-than 0s --keep-last 1 --yes")
    assert "no way back" in run("store migrate --rollback", 4)
    assert json.loads(run("state load demo"))["x"] == 1
    run("events verify --all")


def test_who_presses_ctrl_c_finds_everything_as_it_was(tmp_path: Path, of_bash: BashUtilities) -> None:
    from milestone_cli.storage.files.migrating import Migrator

    store = tmp_path / ".milestones"
    before = tree(store)
    for last in ([], ["demo", "other"]):  # before the steps, and after them
        answers = [["demo", "other"]] if last else []

        def sound(answers: list[list[str]] = answers) -> list[str]:
            if not answers:
                raise KeyboardInterrupt
            return answers.pop()

        with pytest.raises(KeyboardInterrupt):
            Migrator(str(store)).run(1, sound)
        assert tree(store) == before
    assert of_bash.run("{load} demo")


def test_a_disk_without_room_leaves_the_store_as_it_was(cli: Cli, tmp_path: Path, of_bash: BashUtilities) -> None:
    before = tree(tmp_path / ".milestones")
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 1; exec "$0" store migrate --format json', str(MILESTONE)],
        cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 8, (done.stdout, done.stderr)
    assert tree(tmp_path / ".milestones") == before
    migrate(cli)
