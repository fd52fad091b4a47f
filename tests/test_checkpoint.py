"""Rows A9 and E6: checkpoints of a milestone, restored exactly, shown beforehand, undoable; beside bash too."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from bash_utilities import (
    REFERENCE_NAMES,
    STAND_IN,
    STAND_IN_NAMES,
    BashUtilities,
    reference_document,
    reference_functions,
)
from conftest import BIN, MILESTONE, Cli, clean_environment

from milestone_cli.render.schemas import schema

OLD = ' {"n": 1, "price": 1.10, "name": "é", "big": 123456789012345678901234567890}\n'
NEW = '{"n": 2}'


@pytest.fixture(params=["stand-in", "reference"])
def bash(request: pytest.FixtureRequest, tmp_path: Path) -> BashUtilities:
    """Bash utilities that work in the test's directory."""
    if request.param == "stand-in":
        return BashUtilities(STAND_IN, STAND_IN_NAMES, tmp_path)
    document = reference_document()
    if document is None:
        pytest.skip("impossible here: MILESTONE_REFERENCE points to no reference document")
    return BashUtilities(reference_functions(document, tmp_path / "functions.sh"), REFERENCE_NAMES, tmp_path)


@pytest.fixture
def saved(store: Path, cli: Cli) -> Path:
    """The store, with a checkpoint `before` of the text OLD, and NEW as the present state."""
    cli("state", "save", "demo", OLD, check=True)
    cli("checkpoint", "create", "demo", "--name", "before", "--reason", "all good", check=True)
    cli("state", "save", "demo", NEW, check=True)
    return store


def call(cli: Cli, *args: str) -> dict[str, Any]:
    """Run a command with --format json, and hold its output against its schema."""
    found: dict[str, Any] = json.loads(cli(*args, "--format", "json", check=True).stdout)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


def names(cli: Cli, milestone: str = "demo") -> list[str]:
    return [one["checkpoint_name"] for one in call(cli, "checkpoint", "list", milestone)["checkpoints"]]


def state(cli: Cli) -> str:
    return str(cli("state", "load", "demo", check=True).stdout)


def events(cli: Cli, type_: str) -> list[dict[str, Any]]:
    done = cli("events", "query", "demo", "--type", type_, "--limit", "0", "--format", "json", check=True)
    return [event["data"] for event in json.loads(done.stdout)["events"]]


def file(store: Path, name: str, ending: str = "json") -> Path:
    return store / f"state/backups/demo-checkpoint-{name}.{ending}"


def test_a_checkpoint_is_a_copy_of_the_whole_envelope(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", OLD, check=True)
    made = call(cli, "checkpoint", "create", "demo", "--name", "before", "--reason", "all good")
    active = store / "state/active/demo.json"
    assert file(store, "before").read_bytes() == active.read_bytes()
    assert file(store, "before").stat().st_ino != active.stat().st_ino
    assert (made["checkpoint_name"], made["reason"], made["revision"], made["state"]) == (
        "before",
        "all good",
        1,
        "good",
    )
    notes = json.loads(file(store, "before", "info").read_text())
    assert notes == {
        "milestone_id": "demo", "checkpoint_name": "before", "created_at": made["created_at"], "reason": "all good",
        "revision": 1, "sha256": made["sha256"], "pinned": None,
    }  # fmt: skip
    (data,) = events(cli, "checkpoint_created")
    assert data["checkpoint_name"] == "before"
    assert (store.parent / data["checkpoint_file"]).samefile(file(store, "before"))
    cli("events", "verify", "demo", check=True)


def test_names_that_are_left_out_differ(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", OLD, check=True)
    made = [call(cli, "checkpoint", "create")["checkpoint_name"] for _ in range(4)]
    assert len(set(made)) == 4
    assert all(name.startswith("manual-") for name in made)


def test_a_name_that_is_taken_is_never_overwritten(cli: Cli, saved: Path) -> None:
    before = file(saved, "before").read_bytes()
    for name in ("before", "BEFORE"):
        assert cli("checkpoint", "create", "demo", "--name", name).returncode == 4
    assert file(saved, "before").read_bytes() == before
    assert names(cli) == ["before"]


def test_the_same_request_twice_is_one_checkpoint(cli: Cli, saved: Path) -> None:
    made = [call(cli, "checkpoint", "create", "--idempotency-key", "k") for _ in range(3)]
    assert len({one["checkpoint_name"] for one in made}) == 1
    assert [one["replayed"] for one in made] == [False, True, True]
    done = [call(cli, "checkpoint", "restore", "before", "--idempotency-key", "r") for _ in range(2)]
    assert [one["replayed"] for one in done] == [False, True]
    assert done[0]["revision"] == done[1]["revision"] == 3
    assert len(names(cli)) == 3


def test_without_a_state_there_is_nothing_to_keep(cli: Cli, store: Path) -> None:
    assert cli("checkpoint", "create", "demo").returncode == 3
    (store / "state/active/demo.json").write_text('{"state"')
    assert cli("checkpoint", "create", "demo").returncode == 6
    assert names(cli) == []


def test_a_restore_is_exact_and_undoable(cli: Cli, saved: Path) -> None:
    done = call(cli, "checkpoint", "restore", "demo", "before")
    assert state(cli) == OLD
    assert (done["from_revision"], done["revision"]) == (2, 3)
    assert names(cli) == ["before", done["pre_restore"]]
    (data,) = events(cli, "state_restored")
    assert (data["checkpoint_name"], data["pre_restore"]) == ("before", done["pre_restore"])
    cli("checkpoint", "restore", "demo", done["pre_restore"], check=True)
    assert state(cli) == NEW
    assert cli("state", "load", "demo", "--revision", "3", check=True).stdout == OLD
    cli("state", "undo", "demo", check=True)
    assert state(cli) == OLD
    cli("events", "verify", "demo", check=True)


def test_a_dry_run_shows_the_plan_and_changes_nothing(cli: Cli, saved: Path) -> None:
    before = {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()}
    plan = call(cli, "checkpoint", "restore", "demo", "before", "--dry-run")
    assert (plan["from_revision"], plan["identical"], plan["refused"]) == (2, False, [])
    assert {"op": "replace", "path": "/n", "value": 1, "old": 2} in plan["changes"]
    text = cli("checkpoint", "restore", "demo", "before", "--dry-run", check=True).stdout
    assert "revision 2" in text
    assert "~ /n  2 → 1" in text
    assert {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()} == before


def test_what_is_not_there_is_told_with_what_is(cli: Cli, saved: Path) -> None:
    failed = cli("checkpoint", "restore", "demo", "other")
    assert failed.returncode == 3
    assert "before" in failed.stderr
    assert cli("checkpoint", "show", "demo", "other").returncode == 3
    assert cli("checkpoint", "delete", "demo", "other").returncode == 3


@pytest.mark.parametrize("name", ["../x", "a/b", "-x", "x" * 200, "é", ""])
def test_names_from_outside_are_refused(name: str, cli: Cli, saved: Path) -> None:
    assert cli("checkpoint", "create", "demo", f"--name={name}").returncode == 5
    for command in ("show", "restore", "delete", "pin"):
        assert cli("checkpoint", command, "demo", "--", name).returncode == 5


def test_diff_against_the_present_and_another(cli: Cli, saved: Path) -> None:
    found = call(cli, "checkpoint", "diff", "before")
    assert (found["from"], found["to"]) == ("before", None)
    assert {"op": "replace", "path": "/n", "value": 2, "old": 1} in found["changes"]
    cli("checkpoint", "create", "--name", "after", check=True)
    for words in (["before", "after"], ["demo", "before", "after"]):
        assert call(cli, "checkpoint", "diff", *words)["changes"] == found["changes"]
    assert call(cli, "checkpoint", "diff", "demo", "after")["identical"] is True


def test_show_tells_and_prints_exactly(cli: Cli, saved: Path) -> None:
    shown = call(cli, "checkpoint", "show", "before")
    assert (shown["reason"], shown["bytes"], shown["changes"]) == ("all good", len(OLD.encode()), 4)
    assert cli("checkpoint", "show", "before", "--state", check=True).stdout == OLD
    assert '"' not in cli("checkpoint", "show", "before", "--state", "--format", "yaml", check=True).stdout


def test_a_pinned_one_stays_until_it_is_let_go(cli: Cli, saved: Path) -> None:
    pinned = call(cli, "checkpoint", "pin", "before", "--reason", "the release")["pinned"]
    assert pinned["reason"] == "the release"
    refused = cli("checkpoint", "delete", "before")
    assert refused.returncode == 4
    assert "the release" in refused.stderr
    assert call(cli, "checkpoint", "unpin", "before")["pinned"] is None
    cli("checkpoint", "unpin", "before", check=True)
    assert call(cli, "checkpoint", "delete", "before", "--dry-run")["removed"] is False
    assert names(cli) == ["before"]
    assert call(cli, "checkpoint", "delete", "before")["removed"] is True
    assert names(cli) == []
    assert not file(saved, "before", "info").exists()
    assert [len(events(cli, f"checkpoint_{type_}")) for type_ in ("pinned", "unpinned", "deleted")] == [1, 1, 1]


DAMAGES = {
    "cut": lambda raw: raw[: len(raw) // 2],
    "empty": lambda raw: b"",
    "a byte": lambda raw: raw.replace(b"1.10", b"1.11"),
    "another's": lambda raw: raw.replace(b'"demo"', b'"omed"'),
}


@pytest.mark.parametrize("has_notes", [True, False], ids=["notes", "no notes"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_is_shown_and_never_restored(damage: str, has_notes: bool, cli: Cli, saved: Path) -> None:
    path = file(saved, "before")
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    if not has_notes:
        file(saved, "before", "info").unlink()
    if damage == "another's" and not has_notes:
        assert names(cli) == []
        return
    (one,) = call(cli, "checkpoint", "list")["checkpoints"]
    assert (one["state"], bool(one["trouble"])) == ("damaged", True)
    assert "DAMAGED" in cli("checkpoint", "list", check=True).stdout
    assert cli("checkpoint", "restore", "before").returncode == 6
    assert cli("checkpoint", "show", "before", "--state").returncode == 6
    assert cli("checkpoint", "diff", "before").returncode == 6
    cli("checkpoint", "show", "before", check=True)
    assert state(cli) == NEW
    assert names(cli) == ["before"]


def test_a_milestone_never_shows_those_of_another(cli: Cli, store: Path) -> None:
    cli("state", "save", "a", '{"of": "a"}', check=True)
    cli("state", "save", "a-checkpoint-b", '{"of": "b"}', check=True)
    cli("state", "save", "a-checkpoint-b", '{"of": "b", "n": 2}', check=True)
    cli("checkpoint", "create", "a-checkpoint-b", "--name", "x", check=True)
    cli("checkpoint", "create", "a", "--name", "own-checkpoint-x", check=True)
    assert names(cli, "a") == ["own-checkpoint-x"]
    assert names(cli, "a-checkpoint-b") == ["x"]
    assert cli("checkpoint", "restore", "a", "b-checkpoint-x").returncode == 3
    assert cli("checkpoint", "delete", "a", "b-checkpoint-x").returncode == 3
    assert cli("checkpoint", "create", "a", "--name", "b-checkpoint-x").returncode == 4
    for path in (store / "state/backups").glob("a-checkpoint-b-*"):
        path.write_bytes(b"")
    assert names(cli, "a") == ["own-checkpoint-x"]


def test_a_damaged_or_missing_state_is_restored(cli: Cli, saved: Path) -> None:
    active = saved / "state/active/demo.json"
    active.write_text('{"state":')
    done = call(cli, "checkpoint", "restore", "before")
    assert (done["from_revision"], state(cli)) == (None, OLD)
    assert len(list((saved / "quarantine").iterdir())) == 1
    active.unlink()
    done = call(cli, "checkpoint", "restore", "before")
    assert (done["from_revision"], done["pre_restore"], state(cli)) == (0, None, OLD)
    cli("events", "verify", "demo", check=True)


def test_a_completed_milestone_is_kept_and_not_restored(cli: Cli, saved: Path) -> None:
    cli("state", "complete", "demo", check=True)
    assert call(cli, "checkpoint", "create", "demo", "--name", "end")["revision"] == 2
    assert cli("checkpoint", "restore", "demo", "before").returncode == 4
    assert state(cli) == NEW
    cli("state", "reopen", "demo", check=True)
    cli("checkpoint", "restore", "demo", "before", check=True)
    assert state(cli) == OLD


def test_a_state_that_changed_after_the_plan_stays(cli: Cli, saved: Path) -> None:
    from milestone_cli.core.checkpoints.restore import plan_restore, restore
    from milestone_cli.errors import MilestoneError
    from milestone_cli.storage.files import FileStore

    store = FileStore(str(saved))
    plan = plan_restore(store, "demo", "before")
    cli("state", "save", "demo", '{"n": 3}', check=True)
    with pytest.raises(MilestoneError) as caught:
        restore(store, plan)
    assert (caught.value.code, caught.value.exit_code) == ("revision_conflict", 4)
    assert state(cli) == '{"n": 3}'
    assert names(cli) == ["before"]
    store.close()


@pytest.fixture
def other_shell(saved: Path, home: Path) -> Iterator[subprocess.Popen[str]]:
    """A shell with an active session of `demo`."""
    env = clean_environment(home)
    env["PATH"] = f"{BIN}:{env['PATH']}"
    process = subprocess.Popen(
        ["bash", "-c", f"'{MILESTONE}' session create demo; read -r _"],
        cwd=saved.parent, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate(timeout=60)


def test_a_living_session_of_another_is_in_the_way(cli: Cli, saved: Path, other_shell: subprocess.Popen[str]) -> None:
    assert other_shell.stdout
    other = other_shell.stdout.readline().strip()
    cli("checkpoint", "restore", "before", check=True)  # it is the directory's current one: ours
    cli("session", "create", "demo", check=True)  # and so are those of this process
    cli("session", "create", "demo", check=True)
    refused = cli("checkpoint", "restore", "before", "--format", "json")
    assert refused.returncode == 4
    assert json.loads(refused.stderr)["details"]["sessions"] == [other]
    plan = call(cli, "checkpoint", "restore", "before", "--dry-run")
    assert len(plan["refused"]) == 1
    cli("checkpoint", "restore", "before", "--force", check=True)
    other_shell.kill()
    other_shell.wait(timeout=60)
    cli("checkpoint", "restore", "before", check=True)


# --- beside bash


def test_a_lock_that_bash_holds_is_in_the_way(bash: BashUtilities, cli: Cli, saved: Path) -> None:
    holder = bash.start("{lock} demo > /dev/null; echo held; sleep 4; {unlock} demo")
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    assert cli("checkpoint", "restore", "before").returncode == 4
    assert state(cli) == NEW
    holder.communicate(timeout=60)
    cli("checkpoint", "restore", "before", check=True)


def test_bash_restores_ours(bash: BashUtilities, cli: Cli, saved: Path) -> None:
    bash.run("{restore} demo before")
    assert state(cli) == OLD
    assert len(names(cli)) == 2
    verdict = {one["checkpoint_name"]: one["state"] for one in call(cli, "checkpoint", "list")["checkpoints"]}
    assert set(verdict.values()) == {"good"}
    cli("events", "verify", "demo", check=True)
    cli("state", "set", "demo", "n=5", check=True)
    assert cli("state", "load", "demo", "--revision", "2", check=True).stdout == NEW
    assert cli("state", "load", "demo", "--revision", "3", check=True).stdout == OLD
    assert call(cli, "checkpoint", "restore", "before")["from_revision"] == 4
    cli("events", "verify", "demo", check=True)


def test_ours_restores_those_of_bash(bash: BashUtilities, cli: Cli, store: Path) -> None:
    bash.run('{save} demo "$1" && {checkpoint} demo theirs', OLD)
    (one,) = call(cli, "checkpoint", "list")["checkpoints"]
    assert (one["checkpoint_name"], one["state"], one["revision"], one["reason"]) == ("theirs", "good", None, None)
    cli("state", "save", "demo", NEW, check=True)
    cli("checkpoint", "pin", "theirs", check=True)
    cli("checkpoint", "restore", "theirs", check=True)
    assert json.loads(state(cli)) == json.loads(OLD)
    assert "1.10" in state(cli)
    bash.run("{restore} demo theirs")
    cli("events", "verify", "demo", check=True)
    assert call(cli, "checkpoint", "show", "theirs")["pinned"]


def test_one_that_bash_made_again_is_told_and_restored(bash: BashUtilities, cli: Cli, saved: Path) -> None:
    cli("checkpoint", "pin", "before", check=True)
    bash.run("{checkpoint} demo before")
    (one,) = call(cli, "checkpoint", "list")["checkpoints"]
    assert (one["state"], one["revision"], one["reason"]) == ("replaced", 2, None)
    assert one["pinned"] is not None
    bash.run('{save} demo "$1" && {checkpoint} demo before', '{"n": 7}')
    (one,) = call(cli, "checkpoint", "list")["checkpoints"]
    assert (one["state"], one["revision"]) == ("replaced", None)
    cli("state", "save", "demo", NEW, check=True)
    cli("checkpoint", "restore", "before", check=True)
    assert json.loads(state(cli)) == {"n": 7}


def test_after_a_restore_of_bash_everything_of_ours_is_sound(bash: BashUtilities, cli: Cli, saved: Path) -> None:
    for number in range(3, 6):
        cli("state", "save", "demo", json.dumps({"n": number}), check=True)
    cli("checkpoint", "create", "--name", "five", check=True)
    backups = {path: path.read_bytes() for path in (saved / "state/backups").glob("*-r*.json")}
    assert backups
    bash.run("{restore} demo before")  # copied over the active file, in place
    assert {path: path.read_bytes() for path in backups} == backups
    cli("checkpoint", "restore", "five", check=True)
    assert state(cli) == '{"n": 5}'
    history = [cli("state", "load", "demo", "--revision", str(n), check=True).stdout for n in range(1, 8)]
    assert history == [OLD, NEW, '{"n": 3}', '{"n": 4}', '{"n": 5}', OLD, '{"n": 5}']
    cli("events", "verify", "demo", check=True)
