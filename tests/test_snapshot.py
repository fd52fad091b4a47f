"""Snapshots: consistent whatever others write, found again whatever is damaged, and saved by themselves."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import conftest
import jsonschema
import pytest
from conftest import MILESTONE, Cli, clean_environment

from milestone_cli.core.snapshots import document
from milestone_cli.core.snapshots.saving import save
from milestone_cli.model import Plan
from milestone_cli.render.schemas import schema
from milestone_cli.runtime import child
from milestone_cli.storage import open_store

MAIN = "snapshots/state.json"


def run(cli: Cli, *words: str, code: int = 0, env: dict[str, str] | None = None, form: str = "json") -> dict[str, Any]:
    """Run a command of the group; its JSON output, or its JSON error."""
    done = cli("snapshot", *words, "--format", form, env=env)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout or done.stderr)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


def events(cli: Cli) -> list[tuple[str, dict[str, Any]]]:
    """Types and data of what was told of snapshots, oldest first."""
    words = ("events", "query", "--session", "no-session", "--limit", "0", "--format", "json")
    found = json.loads(cli(*words, check=True).stdout)["events"]
    return [(one["event_type"], one["data"]) for one in found if ":" in one["event_type"]]


def task(store: Path, name: str, **more: object) -> None:
    """A task as the reference writes it, put by hand."""
    fields = {"id": name, "description": name, "status": "pending", "tool": "CLAUDECODE", "logs": [], "result": None}
    times = {"created_at": "2024-01-01T10:00:00Z", "updated_at": "2024-01-01T10:00:00Z"}
    (store / f"tasks/{name}.json").write_text(json.dumps({**fields, **times, **more}, indent=2) + "\n")


@pytest.fixture
def work(store: Path) -> Path:
    """Three tasks and two sessions, of which one has ended."""
    task(store, "first", status="completed", started_at="2024-01-01T10:05:00Z", completed_at="2024-01-01T11:30:00Z")
    task(store, "second", status="failed", price=1)
    path = store / "tasks/second.json"
    path.write_text(path.read_text().replace('"price": 1', '"price": 1.10, "big": 1180591620717411303424'))
    task(store, "third")
    for name, status in (("open", "active"), ("over", "completed")):
        record = {"session_id": name, "milestone_id": "demo", "status": status, "created_at": "2024-01-01T10:00:00Z"}
        (store / f"state/sessions/{name}.json").write_text(json.dumps({**record, "pid": os.getpid()}))
    return store


def test_it_has_what_the_reference_has_and_the_last_ten_are_kept(work: Path, cli: Cli, tmp_path: Path) -> None:
    cli("session", "progress", "open", "40", check=True)
    told = run(cli, "save", "-o", str(tmp_path / "out.json"), "--idempotency-key", "once")
    assert (told["saved"], told["tasks"], told["sessions"], told["backup"]) == (True, 3, 1, None)
    raw = (work / MAIN).read_bytes()
    assert (tmp_path / "out.json").read_bytes() == raw
    found = json.loads(raw)
    assert [*found] == ["version", "tasks", "sessions", "metrics", "last_saved", "sha256"]
    assert [one["id"] for one in found["tasks"]] == ["first", "second", "third"]
    assert b'"price": 1.10, "big": 1180591620717411303424' in raw, "numbers stand as they were written"
    assert [(one["session_id"], one["progress"]) for one in found["sessions"]] == [("open", 40)]
    assert found["metrics"] == {
        "total_tasks": 3,
        "completed_tasks": 1,
        "failed_tasks": 1,
        "average_completion_time": 85 * 60,
    }
    assert run(cli, "save", "--idempotency-key", "once")["replayed"]
    assert (work / MAIN).read_bytes() == raw
    name = conftest.EVERYWHERE.get("MILESTONE_STORE", str(work))
    for _ in range(12):
        save(open_store(name))
    shown = run(cli, "show")
    assert len(shown["snapshots"]) == 11
    assert shown["tasks_list"][2] == found["tasks"][2]
    assert not any(one["trouble"] for one in shown["snapshots"])
    told = run(cli, "show", shown["snapshots"][-1]["name"])
    assert told["metrics"] == found["metrics"]
    assert [type_ for type_, _ in events(cli)] == ["state:saved"] * 13


def test_it_is_found_again_step_by_step(work: Path, cli: Cli) -> None:
    assert run(cli, "load", "--dry-run")["source"] == "rebuilt", "there is none yet, but there are task files"
    run(cli, "save")
    run(cli, "save")
    (backup,) = [one.name for one in (work / "snapshots").glob("state.backup.*.json")]
    (work / MAIN).write_text((work / MAIN).read_text().replace('"third"', '"forth"'))
    done = cli("doctor", "--format", "json")
    (bad,) = [one for one in json.loads(done.stdout)["findings"] if one["check"] == "snapshots"]
    assert (done.returncode, bad["id"], bad["subject"]) == (6, "snapshots.damaged", "state")
    (work / "tasks/third.json").unlink()
    found = run(cli, "load", "--strict", code=6)
    results = [(one["step"], one["name"], one["result"]) for one in found["steps"]]
    assert results == [("main", "state", "damaged"), ("backup", backup.removesuffix(".json"), "used")]
    assert found["restored"] == [{"kind": "task", "name": "third"}]
    assert (found["repaired"], json.loads((work / "tasks/third.json").read_text())["id"]) == (True, "third")
    assert run(cli, "load", "--strict")["source"] == "main"
    assert len(list((work / "quarantine").rglob("*"))) >= 1, "the damaged one is kept"
    for one in list((work / "snapshots").glob("*.json")):
        one.write_text("{")
    found = run(cli, "load")
    assert [one["result"] for one in found["steps"]] == ["damaged"] * 2 + ["used"]
    assert (found["source"], found["tasks"]) == ("rebuilt", 3)
    loaded = [data for type_, data in events(cli) if type_ == "state:loaded"]
    assert [one["source"] for one in loaded] == ["backup", "main", "rebuilt"]
    assert loaded[2]["steps"] == found["steps"], "what was damaged is logged"


def test_with_nothing_at_all_it_begins_with_nothing(store: Path, cli: Cli) -> None:
    found = run(cli, "load")
    assert [one["step"] for one in found["steps"]] == ["main", "backup", "rebuild", "empty"]
    assert (found["source"], found["repaired"]) == ("empty", True)
    mended = json.dumps({"tasks": [{"id": "mine", "status": "pending"}], "sessions": []})
    (store / MAIN).write_text(mended)
    assert run(cli, "load")["restored"] == [{"kind": "task", "name": "mine"}], "an editor's file needs no checksum"
    for hostile in ('{"tasks": [{"id": "../../x"}]}', '{"tasks": [{"id": "a"}, {"id": "a"}]}', '{"tasks": {}}', "[]"):
        (store / MAIN).write_text(hostile)
        assert run(cli, "load", "--dry-run")["steps"][0]["result"] == "damaged", hostile


def test_what_was_lost_comes_back_and_what_was_deleted_does_not(work: Path, cli: Cli) -> None:
    cli("session", "create", "demo", "--name", "gone", check=True)
    run(cli, "save")
    cli("session", "delete", "gone", "--force", "--yes", check=True)
    before = (work / "tasks/first.json").read_bytes()
    task(work, "third", status="completed")
    (work / "tasks/first.json").unlink()
    plan = run(cli, "load", "--dry-run")
    assert not (work / "tasks/first.json").exists()
    found = run(cli, "load", "--idempotency-key", "once")
    assert found["restored"] == plan["restored"] == [{"kind": "task", "name": "first"}]
    assert found["gone"] == [{"kind": "session", "name": "gone"}]
    assert found["differing"] == [{"kind": "task", "name": "third"}], "the store's is newer, and stays"
    assert (work / "tasks/first.json").read_bytes() == before
    assert json.loads((work / "tasks/third.json").read_text())["status"] == "completed"
    cli("transaction", "rollback", found["transaction_id"], "--yes", check=True)
    assert not (work / "tasks/first.json").exists()
    assert run(cli, "load", "--idempotency-key", "once")["replayed"]
    assert not (work / "tasks/first.json").exists()


def test_what_retention_has_removed_stays_away(work: Path, cli: Cli) -> None:
    cli("session", "create", "demo", "--name", "gone", check=True)
    run(cli, "save")
    cli("session", "end", "gone", check=True)
    cli("cleanup", "run", "demo", "--older-than", "0", "--keep-last", "1", "--yes", check=True)
    left = {one["id"] for one in json.loads(cli("task", "list", "--format", "json", check=True).stdout)["tasks"]}
    found = run(cli, "load")
    assert found["restored"] == []
    assert {one["name"] for one in found["gone"]} == {"first", "second", "third", "gone"} - left > {"gone"}


def test_another_store_takes_it_in_and_loses_nothing(work: Path, cli: Cli, tmp_path: Path) -> None:
    run(cli, "save", "-o", str(tmp_path / "out.json"))
    there = {"MILESTONE_STORE": str(tmp_path / "other/.milestones")}
    cli("store", "init", str(tmp_path / "other"), check=True)
    refused = run(cli, "load", "nowhere.json", code=3, env=there)
    assert refused["code"] == "not_found"
    found = run(cli, "load", str(tmp_path / "out.json"), env=there)
    assert len(found["restored"]) == 4
    listed = json.loads(cli("session", "list", "--format", "json", env=there, check=True).stdout)["sessions"]
    assert [one["session_id"] for one in listed] == ["open"]
    raw = (tmp_path / "other/.milestones/tasks/second.json").read_bytes()
    assert raw == (work / "tasks/second.json").read_bytes()
    assert run(cli, "load", str(tmp_path / "out.json"), env=there)["same"] == 4
    task(tmp_path / "other/.milestones", "second", status="in_progress")
    live = (tmp_path / "other/.milestones/tasks/second.json").read_bytes()
    refused = run(cli, "load", str(tmp_path / "out.json"), code=4, env=there)
    assert refused["details"]["differing"] == ["task/second"]
    assert run(cli, "load", str(tmp_path / "out.json"), "--force", "--dry-run", env=there)["restored"]
    assert (tmp_path / "other/.milestones/tasks/second.json").read_bytes() == live
    found = run(cli, "load", str(tmp_path / "out.json"), "--force", env=there)
    assert (tmp_path / "other/.milestones/tasks/second.json").read_bytes() == raw
    cli("transaction", "rollback", found["transaction_id"], "--yes", env=there, check=True)
    assert (tmp_path / "other/.milestones/tasks/second.json").read_bytes() == live


def test_it_is_of_one_moment_whoever_writes(work: Path) -> None:
    name = conftest.EVERYWHERE.get("MILESTONE_STORE", str(work))

    def write() -> None:
        store = open_store(name)
        for number in range(1, 2000):
            text = b'{"id": "%s", "description": "d", "status": "pending", "number": %d}\n'
            plan = Plan("both")
            plan.puts = [("task", key, text % (key.encode(), number)) for key in ("left", "right")]
            store.transact([], lambda plan=plan: plan, 30)  # type: ignore[misc]

    writer = child(write)
    try:
        seen = set()
        store = open_store(name)
        until = time.monotonic() + 60
        while len(seen) < 4 and time.monotonic() < until:
            parts = save(store).snapshot.parts["tasks"]
            numbers = {json.loads(parts[key])["number"] for key in ("left", "right") if key in parts}
            assert len(numbers) < 2, "a snapshot of half a transaction"
            seen |= numbers
        assert len(seen) == 4
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)


@pytest.fixture
def watching(work: Path, tmp_path: Path, home: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """A real `snapshot watch`, with an interval that does not come."""
    with subprocess.Popen(
        [str(MILESTONE), "snapshot", "watch", "--interval", "500", "--format", "jsonl"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=clean_environment(home),
    ) as process:  # fmt: skip
        yield process
        process.kill()


def line(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    jsonschema.validate(found, schema("snapshot-save"))
    return found


def test_it_is_saved_on_change_and_once_more_at_the_end(
    watching: "subprocess.Popen[bytes]", work: Path, cli: Cli
) -> None:
    assert (line(watching)["reason"], document.parse((work / MAIN).read_bytes()).metrics["total_tasks"]) == ("start", 3)
    cli("session", "set", "open", "step=1", check=True)
    assert line(watching)["reason"] == "change"
    assert json.loads((work / MAIN).read_text())["sessions"][0]["state"] == {"step": 1}
    cli("session", "progress", "open", "50", check=True)
    watching.send_signal(signal.SIGTERM)
    last = line(watching)
    assert last["reason"] in ("change", "shutdown")
    assert watching.wait(30) == 0
    assert json.loads((work / MAIN).read_text())["sessions"][0]["progress"] == 50
    told = events(cli)
    assert [type_ for type_, _ in told] == ["autosave:triggered", "state:saved"] * 3
    assert [data["reason"] for _, data in told][:4] == ["start", "start", "change", "change"]


def test_ctrl_c_saves_once_more_too(watching: "subprocess.Popen[bytes]", work: Path) -> None:
    assert line(watching)["tasks"] == 3
    task(work, "fourth")
    watching.send_signal(signal.SIGINT)
    assert (line(watching)["reason"], watching.wait(30)) == ("shutdown", 130)
    assert len(json.loads((work / MAIN).read_text())["tasks"]) == 4


def test_the_interval_saves_what_nobody_told_of(work: Path, tmp_path: Path, home: Path, cli: Cli) -> None:
    words = [str(MILESTONE), "snapshot", "watch", "--interval", "0.3", "--format", "jsonl", "--saves", "2"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=tmp_path, env=clean_environment(home)) as process:
        assert line(process)["reason"] == "start"
        task(work, "fourth")  # with an editor: no event tells of it
        assert line(process)["tasks"] == 4
        assert process.wait(30) == 0
    saved = json.loads((work / MAIN).read_text())["last_saved"]
    again = run(cli, "watch", "--saves", "1", form="jsonl")
    assert (again["saved"], again["last_saved"]) == (False, saved)


def test_what_cannot_be_written_is_kept_elsewhere_and_told(work: Path, cli: Cli, home: Path) -> None:
    run(cli, "save")
    cli("store", "freeze", conftest.EVERYWHERE.get("MILESTONE_STORE", str(work)), check=True)
    refused = run(cli, "save", code=8)
    kept = Path(refused["details"]["emergency"])
    assert refused["code"] == "store_frozen"
    assert kept.is_relative_to(home / ".local/state/milestone")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert document.parse(kept.read_bytes()).metrics["total_tasks"] == 3
    cli("store", "unfreeze", conftest.EVERYWHERE.get("MILESTONE_STORE", str(work)), check=True)
    found = json.loads(cli("doctor", "--format", "json").stdout)["findings"]
    assert [one["id"] for one in found if one["check"] == "snapshots"] == ["snapshots.not_saved", "snapshots.emergency"]
    (work / "tasks/first.json").unlink()
    assert run(cli, "load", str(kept))["restored"] == [{"kind": "task", "name": "first"}]


def test_a_failure_that_can_be_logged_is_an_event(work: Path, cli: Cli) -> None:

    (work / "snapshots").write_text("in the way")
    refused = run(cli, "save", code=5)
    assert refused["code"] == "unsafe_link"
    ((type_, data),) = events(cli)
    assert (type_, data["emergency"]) == ("state:save-error", refused["details"]["emergency"])
    with Path(data["emergency"]).open("rb") as file:
        assert document.parse(file.read()).last_saved
