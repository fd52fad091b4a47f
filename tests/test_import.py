"""Taking in what other programs made: what has a place, the rest named, nothing overwritten, twice as once."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from bash_utilities import STAND_IN, STAND_IN_NAMES, BashUtilities
from conftest import Cli
from foreign import TASK, agent_state, session_tree

from milestone_cli.core.migration import intake
from milestone_cli.render.schemas import schema

LOG = """started\t\x1b[31mé
[2024-01-01T09:01:00.250Z] read

  a line that goes on
{"timestamp": "2024-01-01T09:02:00Z", "tokens": 1.10}
"""


def take(cli: Cli, *words: object, code: int = 0) -> dict[str, Any]:
    """Run `store import`; its JSON output, or its error, held against the schema."""
    done = cli("store", "import", *map(str, words), "--format", "json")
    assert done.returncode == code, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout or done.stderr)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


def told(cli: Cli, *words: str) -> Any:
    """JSON output of a command that succeeds."""
    return json.loads(cli(*words, "--format", "json", check=True).stdout)


def left(found: dict[str, Any]) -> dict[str, str]:
    """What was left out, and why."""
    return {one["what"]: one["why"] for one in found["left"]}


def types(cli: Cli, *words: str) -> list[tuple[str, str | None]]:
    """Type and original time of all events of a log."""
    return [
        (one["event_type"], one["data"].get("occurred_at")) for one in told(cli, "events", "timeline", *words)["events"]
    ]


def test_tasks_and_sessions_of_a_coding_agent(store: Path, cli: Cli, tmp_path: Path) -> None:
    entry = {"timestamp": "2024-01-01T10:06:00Z", "level": "WARN", "type": "tool", "message": "m" * 600}
    long = {**TASK, "id": "task_2", "status": "running", "logs": [entry] * 30, "result": None, "priority": 1.10}
    newer = {**TASK, "id": "task_3", "status": "pending", "updated_at": "2024-01-02T00:00:00Z"}
    info = {"id": "chat-1", "status": "active", "created_at": "2024-01-01T09:00:00Z", "model": "x"}
    folder = agent_state(tmp_path / "coding-agent-state", TASK, long, newer, sessions=[info], queue=[1])
    old = {**newer, "updated_at": "2023-12-31T00:00:00Z", "status": "failed"}
    (folder / "tasks/task_3.json").write_text(json.dumps(old))
    older = {"version": "1.0.0", "tasks": [TASK], "sessions": [info]}
    (folder / "state.backup.1.json").write_text(json.dumps(older))
    (folder / "state.backup.2.json").write_text(json.dumps({**older, "tasks": [TASK, {**TASK, "id": "task_gone"}]}))
    (folder / "logs/session_chat-1.log").write_text(LOG)
    (folder / "logs/server.log").write_text("up\n")
    (folder / "logs/session_lost.log").write_text("alone\n")
    (folder / "reports/report_1.json").write_text("{}")
    planned = take(cli, folder, "--dry-run", code=9)
    assert (planned["kind"], planned["tasks"], planned["sessions"]) == ("coding-agent-state", 3, 1)
    assert told(cli, "task", "list")["tasks"] == []
    done = take(cli, folder, code=9)
    assert left(done) == {
        "state.json: queue": "nothing says what it is",
        "state.backup.2.json": "an older snapshot; in it alone stand task_gone",
        "logs/server.log": "its name is not that of a session's log",
        "reports/report_1.json": "a report; `milestone task report` makes one of the tasks",
    }
    assert "nothing stands in 1 older snapshot that is not taken in, as it was or newer" in done["notes"]
    assert "session lost: only its log is there; `milestone events query --session lost` shows it" in done["notes"]
    assert "alone" in cli("events", "query", "--session", "lost", check=True).stdout
    logged = told(cli, "session", "log", "chat-1")["events"]
    assert [one["data"] for one in logged] == [
        {"session_id": "chat-1", "message": "started\t\x1b[31mé"},
        {"occurred_at": "2024-01-01T09:01:00.250Z", "session_id": "chat-1",
         "message": "[2024-01-01T09:01:00.250Z] read"},
        {"occurred_at": "2024-01-01T09:01:00.250Z", "session_id": "chat-1", "message": "  a line that goes on"},
        {"occurred_at": "2024-01-01T09:02:00Z", "timestamp": "2024-01-01T09:02:00Z", "tokens": 1.10},
    ]  # fmt: skip
    assert "\x1b" not in cli("session", "log", "chat-1", check=True).stdout
    assert any("state.json has a later change" in note for note in done["notes"])
    shown = told(cli, "task", "show", "task_1234567890")
    assert {key: shown[key] for key in TASK} == TASK
    statuses = {one["id"]: one["status"] for one in told(cli, "task", "list")["tasks"]}
    assert statuses == {"task_1234567890": "completed", "task_2": "in_progress", "task_3": "pending"}
    second = told(cli, "task", "show", "task_2")
    assert (second["log_count"], len(second["logs"]), second["logs"][0]["level"]) == (30, 20, "warning")
    assert '"priority": 1.1' in (store / "tasks/task_2.json").read_text()
    assert '"model":"x"' in cli("session", "show", "chat-1", "--format", "json", check=True).stdout.replace(" ", "")
    assert take(cli, folder, code=9)["same"] == done["documents"] + done["events"]
    cli("task", "log", "task_2", "more", check=True)
    assert take(cli, folder, code=4)["details"]["conflicts"] == ["task/task_2"]
    assert cli("events", "verify", "--all").returncode == cli("doctor").returncode == 0


def test_sessions_of_the_architecture(store: Path, cli: Cli, tmp_path: Path) -> None:
    folder = session_tree(session_tree(tmp_path / "old"), "s2", "completed")
    (folder / ".milestones/state/sessions/s2/agents/builder.yaml").unlink()
    for name in ("cache/state_cache/s1/hot/a.cache", "cache/b", "state/sessions/lost/events/session.jsonl", "agents/x"):
        path = folder / ".milestones" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    done = take(cli, folder, code=9)
    assert (done["kind"], done["sessions"], done["agents"], done["checkpoints"]) == ("session-tree", 2, 1, 2)
    assert left(done) == {
        "transactions/pending/txn-pending.yaml": "it was never finished",
        "cache": "it is filled again when it is needed",
        "state/sessions/lost/events/session.jsonl": "nothing says what it is",
        "agents/x": "nothing says what it is",
    }
    shown = told(cli, "session", "show", "s1")
    assert [shown[key] for key in ("status", "type", "progress", "operation")] == ["expired", "review", 40, "reading"]
    assert shown["record"]["context"] == {"goal": "read é", "n": 12}
    assert told(cli, "session", "show", "s2")["status"] == "completed"
    assert cli("session", "get", "s1", "files.n", check=True).stdout.strip() == "1.10"
    assert cli("session", "get", "s1", "plan.due", check=True).stdout.strip() == "2026-01-02"
    assert types(cli, "--session", "s1") == [
        ("session_initialized", "2024-01-01T10:00:00Z"), ("work_done", "2024-01-01T10:05:00Z"),
        ("sync_requested", "2024-01-01T10:20:00Z"),
    ]  # fmt: skip
    looks = [json.loads(line) for line in (store / "agents/status/s1.monitor.jsonl").read_text().splitlines()]
    assert [one["unhealthy_agents"] for one in looks] == [[""], ["builder"]]
    agent = told(cli, "agent", "show", "builder")
    assert (agent["type"], agent["session_id"], agent["metrics"]["operations_completed"]) == ("coder", "s1", 3)
    assert {
        one["transaction_id"]: one["status"] for one in told(cli, "transaction", "list")["transactions"]
    }.items() >= {"txn-committed": "committed"}.items()
    again = cli("session", "recover", "s1", "--from", "checkpoint-1704103800", "--force", "--yes")
    assert (again.returncode, "/nowhere is gone" in again.stdout) == (9, True)
    assert told(cli, "session", "show", "s1")["record"]["state"]["files"] == {"open": [], "n": 1.1}
    assert cli("events", "verify", "--all").returncode == cli("doctor").returncode == 0


def test_a_store_of_bash(store: Path, cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "old"
    place.mkdir()
    bash = BashUtilities(STAND_IN, STAND_IN_NAMES, place)
    bash.run(
        """{init} work; {session} work > session; {save} work '{"n": 0}'; {checkpoint} work one
        {save} work '{"n": 1.10, "é": [1, 2]}'; {log} work note '{"a":  1.10}'; {log} work note '{"a":  1.10}'
        {end} "$(cat session)"; {save} other '[1]'"""
    )
    (place / ".milestones/state/completed/gone.json").write_bytes(
        (place / ".milestones/state/active/other.json").read_bytes().replace(b'"other"', b'"gone"')
    )
    with (place / ".milestones/state/events/milestone-work.jsonl").open("a") as file:
        file.write('{"timestamp":"2024-01-01T00:00:00Z","event_type":"torn\nno json\n')
    done = take(cli, place, code=9)
    assert (done["kind"], done["milestones"], done["checkpoints"]) == ("bash-store", ["gone", "other", "work"], 1)
    assert left(done) == {"state/events/milestone-work.jsonl": "2 lines that are no event"}
    assert cli("state", "load", "work", check=True).stdout == '{"n": 1.10, "é": [1, 2]}'
    assert cli("state", "load", "gone", check=True).stdout == "[1]"
    found = types(cli, "work")
    assert [name for name, _ in found] == [
        "state_initialized", "session_created", "state_saved", "checkpoint_created", "state_saved", "note", "note",
        "session_ended", "state_saved",
    ]  # fmt: skip
    assert all(at for _, at in found[:-1])
    cli("checkpoint", "restore", "work", "one", "--yes", check=True)
    assert cli("state", "load", "work", check=True).stdout == '{"n": 0}'
    cli("state", "undo", "work", check=True)
    assert take(cli, place, code=9)["same"] == done["documents"] + done["events"] + 3
    assert cli("events", "verify", "--all").returncode == cli("doctor").returncode == 0
    cli("state", "set", "work", "n=7", check=True)
    before = cli("events", "query", "work", check=True).stdout
    assert take(cli, place, code=4)["details"]["conflicts"] == ["state/work"]
    assert cli("events", "query", "work", check=True).stdout == before


def test_what_is_hostile_is_left_and_named(store: Path, cli: Cli, tmp_path: Path) -> None:
    folder = agent_state(tmp_path / "coding-agent-state", TASK)
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({**TASK, "id": "task_link"}))
    (folder / "tasks/task_link.json").symlink_to(secret)
    (folder / "deep").symlink_to("/etc")
    os.mkfifo(folder / "tasks/task_fifo.json")
    (folder / "tasks/task_dup.json").write_text('{"id": "task_dup", "id": "task_dup", "status": "pending"}')
    (folder / "tasks/task_nan.json").write_text('{"id": "task_nan", "result": NaN}')
    (folder / "tasks/task_deep.json").write_text('{"id": "task_deep", "result": ' + "[" * 9999 + "]" * 9999 + "}")
    with (folder / "tasks/task_huge.json").open("wb") as file:
        file.truncate(65 << 20)
    evil = {**TASK, "id": "../../evil", "description": "\x1b[31m"}
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(
        json.dumps({**state, "tasks": [TASK, evil, {**TASK, "id": "t\n", "status": "x"}]})
    )
    done = take(cli, folder, code=9)
    assert done["tasks"] == 1
    assert left(done).keys() >= {
        "deep", *[f"tasks/task_{name}.json" for name in ("link", "fifo", "dup", "nan", "deep", "huge")],
        "state.json: task ../../evil", "state.json: task t\n",
    }  # fmt: skip
    shown = cli("store", "import", str(folder))
    assert "\x1b" not in shown.stdout
    tree = session_tree(tmp_path / "old") / ".milestones/state/sessions/s1"
    page = (tree / "session.yaml").read_text()
    for text in ("a: &a [1]\nb: *a\n", page + "session: {}\n", "- 1\n", "a: [" * 5000, "\x00", "x" * (2 << 20)):
        (tree / "session.yaml").write_text(text)
        found = intake.look(str(tmp_path / "old"))
        assert ("session", "s1") not in found.documents, text[:20]
        assert "state/sessions/s1/session.yaml" in dict(found.left)
    log = tree / "events/session.jsonl"
    log.write_text("{\n" * 200_000 + '["a",\n' * 200_000)
    found = intake.look(str(tmp_path / "old"))
    assert dict(found.left)["state/sessions/s1/events/session.jsonl"].startswith("10000 lines")
    for path, code in (("nowhere", 3), (str(tmp_path / "home"), 5), (str(secret), 6)):
        (tmp_path / "home").mkdir(exist_ok=True)
        take(cli, path, code=code)


def test_a_taking_in_that_ended_goes_on(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from milestone_cli.storage import open_store

    monkeypatch.chdir(tmp_path)
    cli("init", "demo", check=True)
    place = session_tree(tmp_path / "old")
    events = place / ".milestones/state/sessions/s1/events/session.jsonl"
    for number in range(3):
        with events.open("a") as file:
            for _ in range(400):
                file.write(f'{{"timestamp":"2024-01-0{number + 2}T00:00:00Z","event_type":"tick","data":{{}}}}\n')

    def stop(done: int, total: int) -> None:
        if done > 900:
            raise KeyboardInterrupt

    store = open_store()
    with pytest.raises(KeyboardInterrupt):
        intake.run(store, intake.plan(store, str(place)), stop)
    found = intake.plan(store, str(place))
    assert 0 < sum(map(len, found.events.values())) < 1202
    intake.run(store, found)
    assert len(types(cli, "--session", "s1")) == 1203
    assert intake.plan(store, str(place)).is_empty
    assert cli("events", "verify", "--all").returncode == 0


def test_an_archive_and_a_store_of_ours(store: Path, cli: Cli, tmp_path: Path) -> None:
    cli("state", "save", "demo", '{"n": 1.10}', check=True)
    cli("store", "export", str(tmp_path / "all.tar"), check=True)
    there = tmp_path / "there"
    cli("store", "init", str(there), check=True)
    words = ["--store", str(there)]
    done = json.loads(cli(*words, "store", "import", "all.tar", "--format", "json", check=True).stdout)
    jsonschema.validate(done, schema("store-import"))
    assert (done["kind"], done["milestones"]) == ("archive", ["demo"])
    assert cli(*words, "state", "load", "demo", check=True).stdout == '{"n": 1.10}'
    assert "nothing to do" in cli(*words, "store", "import", "all.tar", check=True).stdout
    cli(*words, "state", "save", "demo", "2", check=True)
    assert cli(*words, "store", "import", "all.tar").returncode == 4
    assert "store copy" in cli("store", "import", str(there)).stderr
