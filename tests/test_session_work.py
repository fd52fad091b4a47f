"""Rows B3 to B5, C1, C2: what is done in a session, its checkpoints, and going on with one that was interrupted."""

import hashlib
import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import BIN, MILESTONE, Cli, clean_environment

from milestone_cli.render.schemas import schema


def call(cli: Cli, *args: str, code: int = 0, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Run a command with --format json, and hold what it says against its schema."""
    done = cli(*args, "--format", "json", env=env)
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout or done.stderr.splitlines()[-1])
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


def record(store: Path, session: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((store / f"state/sessions/{session}.json").read_text())
    return found


def change(store: Path, session: str, **values: object) -> None:
    """Put other values into a record, as time or a crash would."""
    path = store / f"state/sessions/{session}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def left_behind(home: Path, place: Path, *words: str) -> str:
    """Begin a session in a shell that is gone afterwards."""
    line = " ".join(["milestone session create", *words])
    done = subprocess.run(
        ["bash", "-c", f"{line}; true"], cwd=place, capture_output=True, text=True, timeout=60, check=True,
        env=clean_environment(home, PATH=f"{BIN}:/usr/bin:/bin"),
    )  # fmt: skip
    return done.stdout.strip()


def test_a_session_without_a_milestone_has_all_that_others_have(cli: Cli, store: Path) -> None:
    made = call(
        cli, "session", "create", "--no-milestone", "--name", "talk", "--type", "review", "--user", "ann",
        "--context", '{"goal": "mend", "n": 1.10}', "--metadata", '{"ticket": 7}', "--max-duration", "0",
        "--checkpoint-interval", "60", "--no-auto-checkpoint", "--backup-retention", "3",
    )  # fmt: skip
    assert (made["session_id"], made["milestone_id"], made["last_checkpoint"]) == ("talk", None, "initialization")
    assert (made["type"], made["user"], made["expires_at"]) == ("review", "ann", None)
    kept = record(store, "talk")
    assert kept["configuration"] == {
        "auto_checkpoint": False, "checkpoint_interval": 60, "max_session_duration": 0, "backup_retention": 3,
    }  # fmt: skip
    assert '"n": 1.10' in (store / "state/sessions/talk.json").read_text()
    call(cli, "session", "set", "talk", "where.now=src", "price=1.10", 'list=[1, "a"]')
    assert cli("session", "get", "talk", "price").stdout == "1.10\n"
    assert cli("session", "get", "where.now").stdout == "src\n"
    assert json.loads(cli("session", "get", "talk").stdout) == {"where": {"now": "src"}, "price": 1.1, "list": [1, "a"]}
    assert cli("session", "get", "talk", "nothing").returncode == 3
    assert cli("session", "set", "talk", "price.deep=1").returncode == 5
    assert cli("session", "set", "talk", "=1").returncode == 5, "all of it stays"
    said = call(cli, "session", "progress", "talk", "40", "--operation", "the parser")
    assert (said["progress"], said["operation"], said["checkpoint"]) == (40, "the parser", None)
    call(cli, "session", "progress", "55.5", "--idempotency-key", "p")
    for wrong in ("101", "x", "1e1", ""):
        assert cli("session", "progress", "talk", wrong).returncode == 2
    shown = call(cli, "session", "show", "talk")
    assert (shown["progress"], shown["operation"], shown["open"]) == (55.5, "the parser", [])
    call(cli, "session", "record", "talk", "--request", "why?\n", "--agent", "critic", "--response", '{"a": [1.50]}',
         "--escalation", '{"to": "ann"}', "--duration-ms", "12.5")  # fmt: skip
    call(cli, "session", "record", "--request", "and?", "--escalation", "[1, 2]", "--idempotency-key", "r")
    entries = call(cli, "session", "history", "talk", "--limit", "1")["entries"]
    assert [(one["request"], one["agent"], one["escalations"]) for one in entries] == [("and?", "system", [1, 2])]
    first = call(cli, "session", "history")["entries"][0]
    assert (first["request"], first["agent"], first["response"]) == ("why?\n", "critic", {"a": [1.5]})
    assert (first["escalations"], first["duration_ms"]) == ([{"to": "ann"}], 12.5)
    log = call(cli, "session", "log", "talk")
    assert [one["event_type"] for one in log["events"]] == [
        "session_initialized", "checkpoint_created", "session_state_set", "session_progress", "session_progress",
        "session_recorded", "session_recorded",
    ]  # fmt: skip
    assert {one["milestone_id"] for one in log["events"]} == {None}
    assert cli("state", "list", check=True).stdout.count("talk") == 0
    ended = call(cli, "session", "end")
    assert (ended["status"], ended["progress"]) == ("completed", 55.5)
    for words in (["progress", "talk", "60"], ["set", "talk", "a=1"], ["record", "talk", "--request", "x"]):
        assert cli("session", *words).returncode == 4
    again = ("record", "talk", "--request", "and?", "--escalation", "[1, 2]", "--idempotency-key", "r")
    for words in (["progress", "talk", "55.5", "--idempotency-key", "p"], again):
        assert call(cli, "session", *words)["replayed"], "it was done before the end"
    assert cli("session", "record", "talk", "--request", "x", "--idempotency-key", "q").returncode == 4
    assert cli("doctor", check=True).returncode == 0


def test_without_any_milestone_a_session_needs_none(cli: Cli, tmp_path: Path) -> None:
    cli("init", check=True)
    once = ["session", "create", "--idempotency-key", "k"]
    made = call(cli, *once)
    assert (made["milestone_id"], made["replayed"]) == (None, False)
    assert (call(cli, *once)["session_id"], call(cli, *once)["replayed"]) == (made["session_id"], True)
    assert cli("session", "create", "--name", made["session_id"]).returncode == 4
    for name in ("a", "b"):
        cli("init", name, check=True)
    done = cli("session", "create")
    assert (done.returncode, "--no-milestone" in done.stderr) == (2, True)


def test_the_page_is_people_s_to_edit(cli: Cli, store: Path) -> None:
    cli("session", "create", "demo", "--name", "s", "--context", '{"goal": "a: b # c", "deep": {"l": [1, [2], {}]}}',
        check=True)  # fmt: skip
    page = store / "state/sessions/s/session.yaml"
    text = page.read_text()
    assert '  goal: "a: b # c"\n' in text
    assert "  checkpoint_interval: 300  # seconds between them" in text
    text = text.replace("context:\n", "# why we are here\ncontext:\n  next: mend the tests  # soon\n")
    text = text.replace("checkpoint_interval: 300", "checkpoint_interval: 5")
    page.write_text(text.replace("max_session_duration: 14400", "max_session_duration: 0"))
    shown = call(cli, "session", "show", "s")["record"]
    assert shown["context"] == {"next": "mend the tests", "goal": "a: b # c", "deep": {"l": [1, [2], {}]}}
    assert (shown["configuration"]["checkpoint_interval"], call(cli, "session", "show", "s")["expires_at"]) == (5, None)
    assert record(store, "s")["configuration"]["checkpoint_interval"] == 300, "looking changes nothing"
    cli("session", "progress", "s", "30", "--operation", "x", check=True)
    assert record(store, "s")["configuration"]["checkpoint_interval"] == 5
    cli("agent", "register", "builder", "--session", "s", check=True)
    cli("checkpoint", "create", "--session", "s", "--name", "kept", check=True)
    after = page.read_text()
    assert re.search(r'active_agents:\n +- "builder"\n', after)
    for line in ("# why we are here\n", "  next: mend the tests  # soon\n", "  checkpoint_interval: 5  # seconds"):
        assert line in after
    assert '  current_operation: "x"\n' in after
    assert '  last_checkpoint: "kept"\n' in after
    page.write_text(after.replace("checkpoint_interval: 5", "checkpoint_interval: [5]"))
    done = cli("session", "show", "s")
    assert (done.returncode, "checkpoint_interval is a number from 0" in done.stderr) == (0, True)
    cli("checkpoint", "create", "--session", "s", check=True)
    assert "[5]" in page.read_text(), "what cannot be taken over is not written over"
    assert record(store, "s")["configuration"]["checkpoint_interval"] == 5
    for bad in ("a: &x 1\nb: *x\n", "{", "- 1\n", "context: 5\n"):
        page.write_text(bad)
        assert "cannot be used" in cli("session", "show", "s", check=True).stderr


def test_checkpoints_come_by_interval_and_share_what_did_not_change(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", '{"n": 1}', check=True)
    cli("agent", "register", "builder", check=True)
    cli("session", "create", "demo", "--name", "s", "--checkpoint-interval", "60", check=True)
    cli("agent", "register", "writer", "--session", "s", check=True)
    cli("session", "progress", "s", "10", "--operation", "x", check=True)
    made = call(cli, "checkpoint", "create", "--session", "s", "--name", "one", "--reason", "why")
    assert (made["revision"], made["agents"], made["reason"]) == (1, 1, "why")
    parts = len(list((store / "state/sessions/s/recovery").iterdir()))
    call(cli, "checkpoint", "create", "--session", "s", "--name", "two")
    assert len(list((store / "state/sessions/s/recovery").iterdir())) == parts
    document = call(cli, "checkpoint", "show", "one", "--session", "s")["document"]
    assert document["recovery_data"]["pending_operations"][0] == {"agent_id": None, "operation": "x", "progress": 10}
    assert [one["agent_id"] for one in document["recovery_data"]["agent_states"]] == ["writer"]
    assert document["context"]["working_directory"] == str(store.parent)
    assert cli("checkpoint", "create", "--session", "s", "--name", "ONE").returncode == 4
    assert call(cli, "session", "progress", "s", "20")["checkpoint"] is None
    change(store, "s", last_checkpoint={"name": "two", "created_at": "2026-01-01T00:00:00Z"})
    periodic = call(cli, "session", "progress", "s", "30")["checkpoint"]
    assert record(store, "s")["last_checkpoint"]["name"] == periodic
    change(store, "s", last_checkpoint={"name": "two", "created_at": "2026-01-01T00:00:00Z"})
    cli("session", "set", "s", "a=1", check=True)
    listed = call(cli, "checkpoint", "list", "--session", "s")["checkpoints"]
    assert [one["reason"] for one in listed] == ["initialization", "why", "manual", "periodic", "periodic"]
    cli("checkpoint", "pin", "one", "--session", "s", "--reason", "good", check=True)
    assert cli("checkpoint", "delete", "one", "--session", "s", "--yes").returncode == 4
    cli("checkpoint", "unpin", "one", "--session", "s", check=True)
    for one in listed[1:]:
        cli("checkpoint", "delete", one["checkpoint_name"], "--session", "s", "--yes", check=True)
    assert len(list((store / "state/sessions/s/recovery").iterdir())) == 1, "what nothing refers to goes"
    cli("session", "end", "s", check=True)
    assert call(cli, "checkpoint", "list", "--session", "s")["checkpoints"][-1]["reason"] == "end"


def test_who_was_left_behind_is_shown_with_what_is_open(cli: Cli, store: Path, home: Path) -> None:
    gone = left_behind(home, store.parent, "demo", "--name", "gone")
    cli("session", "progress", gone, "40", "--operation", "the parser", check=True)
    cli("agent", "register", "helper", "--session", gone, check=True)
    cli("session", "create", "demo", "--name", "long", "--max-duration", "60", check=True)
    change(store, "long", active_since="2026-01-01T00:00:00.000000Z")
    listed = {one["session_id"]: one for one in call(cli, "session", "list")["sessions"]}
    assert {name: one["status"] for name, one in listed.items()} == {"gone": "orphaned", "long": "expired"}
    assert listed["gone"]["open"] == ["the parser, 40 % done", "the agent helper"]
    assert call(cli, "session", "list", "--active", "--count")["count"] == 1
    assert call(cli, "session", "list", "--inactive-for", "1h", "--count")["count"] == 0
    time.sleep(1.1)
    assert cli("session", "list", "--inactive-for", "1s", "--count", check=True).stdout == "2\n"
    cli("events", "log", "demo", "note", "--session", "long", check=True)
    assert cli("session", "list", "--inactive-for", "1s", "--count", check=True).stdout == "1\n"
    cli("session", "use", "long", check=True)
    assert call(cli, "session", "show", "long")["status"] == "active", "who goes on with it has it anew"
    done = call(cli, "cleanup", "sessions", "--inactive-for", "1s")
    assert (done["removed"], done["transaction_id"] is not None) == (["gone"], True)
    assert [one["session_id"] for one in call(cli, "session", "list")["sessions"]] == ["long"]
    cli("transaction", "rollback", done["transaction_id"], "--yes", check=True)
    assert call(cli, "session", "show", "gone")["status"] == "orphaned"


def test_a_deleted_session_can_be_brought_back(cli: Cli, store: Path) -> None:
    cli("session", "create", "demo", "--name", "s", check=True)
    cli("session", "set", "s", "a=1.10", check=True)
    before = {str(path): path.read_bytes() for path in (store / "state/sessions").rglob("*.*") if path.is_file()}
    assert call(cli, "session", "delete", "s", "--dry-run")["refused"], "its process lives"
    assert cli("session", "delete", "s", "--yes").returncode == 4
    done = call(cli, "session", "delete", "s", "--yes", "--force")
    assert (done["removed"], done["recoverable"]) == (True, True)
    assert not list((store / "state/sessions").rglob("*.yaml"))
    assert cli("session", "show", "s").returncode == 3
    assert cli("session", "current", check=True).stdout == "no-session\n"
    cli("transaction", "rollback", done["transaction_id"], "--yes", check=True)
    after = {str(path): path.read_bytes() for path in (store / "state/sessions").rglob("*.*") if path.is_file()}
    assert after == before
    assert cli("session", "get", "s", "a", check=True).stdout == "1.10\n"


def test_an_interrupted_session_goes_on_where_it_was_kept(cli: Cli, store: Path, home: Path) -> None:
    cli("state", "save", "demo", '{"n": 1.10}', check=True)
    session = left_behind(home, store.parent, "demo", "--name", "s", "--context", "'{\"n\": 1.10}'")
    cli("session", "set", session, "a=1.10", check=True)
    cli("session", "progress", session, "40", "--operation", "x", check=True)
    cli("agent", "register", "helper", "--session", session, "--state", '{"at": 1.10}', check=True)
    agent = (store / "agents/registry/helper.json").read_bytes()
    cli("checkpoint", "create", "--session", session, "--name", "kept", check=True)
    state = cli("session", "get", session, ".").stdout
    cli("session", "set", session, "a=2", "b=3", check=True)
    cli("session", "progress", session, "90", "--operation", "y", check=True)
    cli("agent", "retire", "helper", check=True)
    cli("state", "save", "demo", '{"n": 2}', check=True)
    plan = call(cli, "session", "recover", session, "--dry-run")
    assert {one["what"]: one["action"] for one in plan["steps"]} == {
        "session": "restore", "agent helper": "restore", "state of demo": "restore", "directory": "same",
        "operation x": "keep",
    }  # fmt: skip
    assert (plan["refused"], plan["not_restored"], plan["checkpoint_name"]) == ([], [], "kept")
    assert cli("state", "load", "demo").stdout == '{"n": 2}', "a look changes nothing"
    once = ["session", "recover", session, "--idempotency-key", "k"]
    done = call(cli, *once)
    assert (done["validated"], done["revision"], done["not_restored"]) == (True, 3, [])
    assert cli("state", "load", "demo").stdout == '{"n": 1.10}'
    assert cli("session", "get", session, ".").stdout == state
    assert (store / "agents/registry/helper.json").read_bytes() == agent
    shown = call(cli, "session", "show", session)
    assert (shown["status"], shown["current"], shown["progress"], shown["operation"]) == ("active", True, 40, "x")
    again = call(cli, *once)
    assert (again["replayed"], again["pre_recovery"]) == (True, done["pre_recovery"])
    back = call(cli, "session", "recover", session, "--from", done["pre_recovery"])
    assert back["validated"]
    assert (cli("session", "get", session, "a").stdout, cli("state", "load", "demo").stdout) == ("2\n", '{"n": 2}')
    again = call(cli, "session", "recover", session, "--dry-run")
    assert again["checkpoint_name"] == "kept", "what a recovery made is not the latest"
    kept = call(cli, "session", "recover", session, "--keep-state")
    assert (kept["revision"], cli("state", "load", "demo").stdout) == (None, '{"n": 2}')
    event = call(cli, "session", "log", session, "--type", "session_recovered")["events"][-1]
    assert (event["data"]["checkpoint_name"], event["data"]["not_restored"]) == ("kept", [])
    cli("events", "verify", "demo", check=True)
    assert cli("doctor").returncode == 0


def test_who_lives_keeps_the_work(cli: Cli, store: Path, home: Path) -> None:
    cli("state", "save", "demo", '{"n": 1}', check=True)
    left_behind(home, store.parent, "demo", "--name", "s")
    other = subprocess.Popen(
        ["bash", "-c", f"'{MILESTONE}' session create demo --name other; read -r _"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, cwd=store.parent, env=clean_environment(home), text=True,
    )  # fmt: skip
    try:
        assert other.stdout is not None
        other.stdout.readline()
        assert call(cli, "session", "recover", "s", "--yes")["validated"], "nothing of the other one's would change"
        cli("state", "save", "demo", '{"n": 2}', check=True)
        refused = call(cli, "session", "recover", "s", code=4)
        assert "the session 'other' of process" in refused["message"]
        assert "may" not in call(cli, "session", "recover", "other", code=4)["message"]
        assert cli("state", "load", "demo").stdout == '{"n": 2}'
        assert call(cli, "session", "recover", "s", "--keep-state")["not_restored"] == []
        assert call(cli, "session", "recover", "s", "--force")["revision"] == 3
    finally:
        other.kill()
        other.communicate(timeout=60)


def test_what_does_not_come_back_is_listed(cli: Cli, store: Path, home: Path) -> None:
    cli("state", "save", "demo", '{"n": 1}', check=True)
    left_behind(home, store.parent, "demo", "--name", "s")
    cli("session", "set", "s", "a=1", check=True)
    cli("checkpoint", "create", "--session", "s", "--name", "kept", check=True)
    cli("state", "save", "demo", '{"n": 2}', check=True)
    cli("state", "complete", "demo", check=True)
    (store / "state/sessions/s.json").write_text("{ no JSON")
    done = call(cli, "session", "recover", "s", code=9)
    assert done["not_restored"] == [
        "state of demo: it is completed; `milestone state reopen demo` makes it active again"
    ]
    assert cli("session", "get", "s", "a", check=True).stdout == "1\n", "the record is made anew"
    for path in (store / "state/sessions/s/recovery").iterdir():
        path.write_bytes(path.read_bytes().replace(b"demo", b"oops"))
    done = call(cli, "session", "recover", "s", "--from", "kept", code=9)
    assert "session: what the checkpoint kept of it is gone or damaged" in done["not_restored"]
    assert cli("session", "get", "s", "a", check=True).stdout == "1\n"
    (store / "state/sessions/s/checkpoints/kept/checkpoint.yaml").write_text("{")
    assert cli("session", "recover", "s", "--from", "kept", "--yes").returncode == 6
    assert call(cli, "checkpoint", "list", "--session", "s")["checkpoints"][-1]["session_id"] == "s"
    assert "no session 'nowhere'" in call(cli, "session", "recover", "nowhere", code=3)["message"]
    for words in (["--from", "none"], ["--from", "../x"]):
        assert cli("session", "recover", "s", *words).returncode in (3, 5)


def test_git_is_touched_on_request_alone_and_never_over_a_dirty_tree(
    cli: Cli, store: Path, home: Path, tmp_path: Path
) -> None:
    def git(*words: str) -> str:
        name = ("-c", "user.name=a", "-c", "user.email=a@b")
        done = subprocess.run(
            ["git", *name, *words],
            cwd=tmp_path, env=clean_environment(home), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    (tmp_path / ".git/info/exclude").write_text("home\n")
    left_behind(home, tmp_path, "demo", "--name", "s")
    made = call(cli, "checkpoint", "create", "--session", "s")
    told = call(cli, "checkpoint", "show", made["checkpoint_name"], "--session", "s")["document"]["context"]
    assert (told["git_branch"], told["git_commit"], told["git_dirty"]) == ("main", git("rev-parse", "HEAD"), False)
    git("checkout", "-q", "-b", "other")
    steps = {one["what"]: one["action"] for one in call(cli, "session", "recover", "s")["steps"]}
    assert (steps["git branch"], git("branch", "--show-current")) == ("keep", "other")
    (tmp_path / "file").write_text("2")
    assert call(cli, "session", "recover", "s", "--git", "checkout", code=9)["not_restored"]
    assert (git("branch", "--show-current"), (tmp_path / "file").read_text()) == ("other", "2")
    git("checkout", "-q", "file")
    assert call(cli, "session", "recover", "s", "--git", "checkout")["not_restored"] == []
    assert git("branch", "--show-current") == "main"


def test_a_checkpoint_is_of_one_moment_while_others_write(cli: Cli, store: Path, home: Path) -> None:
    cli("state", "save", "demo", '{"n": 0}', check=True)
    cli("session", "create", "demo", "--name", "s", check=True)
    script = f"for n in 1 2 3 4 5 6 7 8; do '{MILESTONE}' state set demo n=$n; '{MILESTONE}' session set s n=$n; done"
    env = clean_environment(home)
    writer = subprocess.Popen(["bash", "-c", script], cwd=store.parent, env=env, stdout=subprocess.DEVNULL)
    names = []
    while writer.poll() is None:
        names.append(call(cli, "checkpoint", "create", "--session", "s")["checkpoint_name"])
    assert writer.wait(timeout=60) == 0
    assert len(names) > 1
    for name in names:
        document = call(cli, "checkpoint", "show", name, "--session", "s")["document"]
        then = document["state_snapshot"]
        text = cli("state", "load", "demo", "--revision", str(then["revision"]), check=True).stdout
        assert hashlib.sha256(text.encode()).hexdigest() == then["sha256"]
        (sha256,) = [one["sha256"] for one in document["parts"] if one["kind"] == "session"]
        kept = json.loads((store / f"state/sessions/s/recovery/{sha256}.json").read_text())
        # The writer sets the state first, and then the session: a checkpoint may fall in between.
        assert json.loads(text)["n"] - kept["state"].get("n", 0) in (0, 1)
    cli("events", "verify", "demo", check=True)


@pytest.mark.slow
def test_many_set_at_once_and_nothing_is_lost(cli: Cli, store: Path, home: Path) -> None:
    cli("session", "create", "demo", "--name", "s", check=True)
    processes = [
        subprocess.Popen(
            [str(MILESTONE), "session", "set", "s", f"k{number}={number}"],
            cwd=store.parent, env=clean_environment(home), stdout=subprocess.DEVNULL,
        )
        for number in range(30)
    ]  # fmt: skip
    assert [process.wait(timeout=120) for process in processes] == [0] * 30
    assert json.loads(cli("session", "get", "s", ".").stdout) == {f"k{number}": number for number in range(30)}
