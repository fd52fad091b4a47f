"""Row A10: sessions of shells, of clients and of the bash utilities; created, current, used, shown, ended."""

import json
import os
import re
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

KEYS = ["session_id", "milestone_id", "created_at", "pid", "user", "working_directory", "git_branch", "status"]


@pytest.fixture(params=["stand-in", "reference"])
def bash(request: pytest.FixtureRequest, tmp_path: Path) -> BashUtilities:
    """Bash utilities that work in the test's directory."""
    if request.param == "stand-in":
        return BashUtilities(STAND_IN, STAND_IN_NAMES, tmp_path)
    document = reference_document()
    if document is None:
        pytest.skip("impossible here: MILESTONE_REFERENCE points to no reference document")
    return BashUtilities(reference_functions(document, tmp_path / "functions.sh"), REFERENCE_NAMES, tmp_path)


def call(cli: Cli, *args: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Run a command with --format json, and hold its output against its schema."""
    found: dict[str, Any] = json.loads(cli(*args, "--format", "json", env=env, check=True).stdout)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


def create(cli: Cli, env: dict[str, str] | None = None) -> str:
    return str(cli("session", "create", "demo", env=env, check=True).stdout).strip()


def events(cli: Cli, type_: str) -> list[dict[str, Any]]:
    done = cli("events", "query", "demo", "--type", type_, "--limit", "0", "--format", "json", check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["events"]
    return found


def client(name: str) -> dict[str, str]:
    return {"CLAUDE_CODE_SESSION_ID": name}


@pytest.fixture
def other_shell(store: Path, home: Path) -> Iterator[subprocess.Popen[str]]:
    """A shell that has begun a session of its own, and lives."""
    env = clean_environment(home)
    env["PATH"] = f"{BIN}:{env['PATH']}"
    process = subprocess.Popen(
        ["bash", "-c", f"'{MILESTONE}' session create demo; read -r _"],
        cwd=store.parent, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate(timeout=60)


def test_a_session_is_created_with_the_keys_of_bash_first(cli: Cli, store: Path) -> None:
    session = create(cli)
    assert re.fullmatch(r"session-\d{8}-\d{6}-\d+", session)
    text = (store / f"state/sessions/{session}.json").read_text()
    record = json.loads(text)
    assert text == json.dumps(record, indent=2) + "\n"
    assert list(record)[:8] == KEYS
    assert (record["session_id"], record["milestone_id"], record["status"]) == (session, "demo", "active")
    assert (record["pid"], record["type"]) == (os.getpid(), "general")
    assert record["host"]
    assert (store / "state/.current_session").read_text() == session + "\n"
    assert cli("session", "current", check=True).stdout == session + "\n"
    (event,) = events(cli, "session_created")
    assert (event["data"], event["session_id"]) == ({"session_id": session}, session)


def test_its_id_stands_at_the_top_of_the_json(cli: Cli, store: Path) -> None:
    made = call(cli, "session", "create", "demo")
    assert list(made)[:2] == ["schema", "session_id"]
    assert call(cli, "session", "current")["session_id"] == made["session_id"]


def test_two_in_one_second_differ(cli: Cli, store: Path) -> None:
    made = [create(cli) for _ in range(4)]
    assert len(set(made)) == 4
    assert len(list((store / "state/sessions").glob("*.json"))) == 4


def test_without_a_session_there_is_none(cli: Cli, store: Path) -> None:
    assert cli("session", "current", check=True).stdout == "no-session\n"
    assert call(cli, "session", "current")["session_id"] is None
    assert cli("session", "end").returncode == 3
    assert cli("session", "show", "session-1").returncode == 3
    assert call(cli, "session", "list")["sessions"] == []


def test_two_clients_in_one_directory_have_their_own(cli: Cli, store: Path) -> None:
    shell, first, second = create(cli), create(cli, client("one")), create(cli, client("two"))
    for env, own in (({}, shell), (client("one"), first), (client("two"), second)):
        assert cli("session", "current", env=env, check=True).stdout.strip() == own
    cli("session", "end", env=client("one"), check=True)
    assert cli("session", "current", env=client("one"), check=True).stdout == "no-session\n"
    assert cli("session", "current", env=client("two"), check=True).stdout.strip() == second
    assert cli("session", "current", check=True).stdout.strip() == shell


def test_ending_one_leaves_the_current_of_others(cli: Cli, store: Path) -> None:
    first, second = create(cli), create(cli)
    ended = call(cli, "session", "end", first)
    assert (ended["status"], ended["changed"], ended["current"]) == ("completed", True, False)
    assert cli("session", "current", check=True).stdout.strip() == second
    cli("session", "end", check=True)
    assert cli("session", "current", check=True).stdout == "no-session\n"
    assert not (store / "state/.current_session").exists()
    assert [event["data"]["session_id"] for event in events(cli, "session_ended")] == [first, second]
    assert [one["status"] for one in call(cli, "session", "list")["sessions"]] == ["completed", "completed"]


def test_an_ended_session_ends_once_and_is_not_used_again(cli: Cli, store: Path) -> None:
    session = create(cli)
    cli("session", "end", session, check=True)
    before = (store / f"state/sessions/{session}.json").read_text()
    assert call(cli, "session", "end", session)["changed"] is False
    assert (store / f"state/sessions/{session}.json").read_text() == before
    assert len(events(cli, "session_ended")) == 1
    assert cli("session", "use", session).returncode == 4


def test_use_binds_the_one_who_asks(cli: Cli, store: Path) -> None:
    first, second = create(cli), create(cli)
    assert call(cli, "session", "use", first)["current"] is True
    cli("session", "use", second, env=client("one"), check=True)
    assert cli("session", "current", check=True).stdout.strip() == first
    assert cli("session", "current", env=client("one"), check=True).stdout.strip() == second
    assert cli("session", "use", "session-nowhere").returncode == 3


def test_the_same_request_twice_is_one_session(cli: Cli, store: Path) -> None:
    made = [call(cli, "session", "create", "demo", "--idempotency-key", "k") for _ in range(3)]
    assert len({one["session_id"] for one in made}) == 1
    assert [one["replayed"] for one in made] == [False, True, True]
    assert len(events(cli, "session_created")) == 1


def test_a_session_whose_process_is_gone_is_orphaned(cli: Cli, store: Path, other_shell: subprocess.Popen[str]) -> None:
    assert other_shell.stdout
    session = other_shell.stdout.readline().strip()
    shown = call(cli, "session", "show", session)
    assert (shown["status"], shown["pid"]) == ("active", other_shell.pid)
    other_shell.kill()
    other_shell.wait(timeout=60)
    shown = call(cli, "session", "show", session)
    assert (shown["status"], shown["record"]["status"]) == ("orphaned", "active")
    assert "orphaned" in cli("session", "list", check=True).stdout
    used = call(cli, "session", "use", session)  # it goes over to who asks
    assert (used["status"], used["pid"]) == ("active", os.getpid())


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_it_belongs_to_the_shell_that_a_user_sees_also_from_inside_a_substitution(
    shell: str, cli: Cli, store: Path, home: Path
) -> None:
    """`$(… 2>&1)` is a copy of the shell that is gone at once; another script by the same words is not it."""
    script = "made=$(milestone session create demo 2>&1; true); echo $$ $made"
    inner = subprocess.run(
        [shell, "-c", f"{script}; {shell} -c '{script}'; true"], cwd=store.parent, capture_output=True, text=True,
        check=True, env={**clean_environment(home), "PATH": f"{BIN}:{os.environ['PATH']}"},
    )  # fmt: skip
    lines = [line.split() for line in inner.stdout.splitlines()]
    assert len({pid for pid, _ in lines}) == 2
    for pid, name in lines:
        assert json.loads((store / f"state/sessions/{name}.json").read_text())["pid"] == int(pid)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"boot_id": "another"}, "orphaned"),
        ({"start_time": "1"}, "orphaned"),
        ({"pid": 2**22 + 1}, "orphaned"),
        ({"host": "elsewhere", "pid": 2**22 + 1}, "active"),
        ({"pid": "no number"}, "active"),
        ({"status": 7}, "unknown"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value,
)
def test_what_proves_that_it_is_gone(change: dict[str, object], status: str, cli: Cli, store: Path) -> None:
    session = create(cli)
    path = store / f"state/sessions/{session}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert call(cli, "session", "show", session)["status"] == status


def test_a_damaged_record_is_listed_and_left_alone(cli: Cli, store: Path) -> None:
    sound = create(cli)
    (store / "state/sessions/session-1.json").write_text('{"git_branch": "a"b"}')
    (store / "state/sessions/session-2.json").write_text("")
    listed = {one["session_id"]: one["status"] for one in call(cli, "session", "list")["sessions"]}
    assert listed == {"session-1": "damaged", "session-2": "damaged", sound: "active"}
    assert cli("session", "end", "session-1").returncode == 6
    assert "DAMAGED" in cli("session", "show", "session-1", check=True).stdout


def test_hostile_values_are_shown_harmless(cli: Cli, store: Path) -> None:
    path = store / "state/sessions/session-1.json"
    path.write_text(json.dumps({"session_id": "x", "status": "\x1b[31m", "user": "a\nb", "extra": "\u202ex"}))
    for command in (["list"], ["show", "session-1"]):
        shown = cli("session", *command, check=True).stdout
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "a\\nb" in shown


@pytest.mark.parametrize("name", ["../x", "a/b", "-x", "x" * 200, "é"])
def test_names_from_outside_are_refused(name: str, cli: Cli, store: Path) -> None:
    for command in ("use", "show", "end"):
        assert cli("session", command, "--", name).returncode == 5
    assert cli("session", "create", "demo", env=client(name)).returncode == 5


def test_the_branch_is_read_from_its_files(cli: Cli, store: Path, tmp_path: Path, home: Path) -> None:
    def branch(folder: Path) -> str:
        made = cli("--store", str(store), "session", "create", "demo", cwd=folder, check=True).stdout.strip()
        record = json.loads((store / f"state/sessions/{made}.json").read_text())
        return str(record["git_branch"])

    assert branch(tmp_path) == "none"
    work, linked = tmp_path / "work", tmp_path / "linked"
    (work / "deep").mkdir(parents=True)
    name = 'feature/a"b'
    commands = [
        ["init", "-q", "-b", name],
        ["-c", "user.name=n", "-c", "user.email=e@e.e", "commit", "-q", "--allow-empty", "-m", "m"],
        ["worktree", "add", "-q", "-b", "other", str(linked)],
    ]
    for command in commands:
        subprocess.run(["git", *command], cwd=work, env=clean_environment(home), check=True, capture_output=True)
    assert branch(work / "deep") == name
    assert branch(linked) == "other"
    subprocess.run(["git", "checkout", "-q", "--detach"], cwd=work, env=clean_environment(home), check=True)
    assert branch(work) == ""
    (linked / ".git").write_text("gitdir: /nowhere/at/all\n")
    assert branch(linked) == "none"


def test_many_at_once_are_all_there(cli: Cli, store: Path, tmp_path: Path, home: Path) -> None:
    processes = [
        subprocess.Popen(
            [str(MILESTONE), "session", "create", "demo"],
            cwd=tmp_path, env=clean_environment(home), stdout=subprocess.PIPE, text=True,
        )
        for _ in range(12)
    ]  # fmt: skip
    made = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert len(set(made)) == 12
    assert {one["session_id"] for one in call(cli, "session", "list")["sessions"]} == set(made)
    assert len(events(cli, "session_created")) == 12
    cli("events", "verify", "demo", check=True)


# --- beside bash


def test_bash_ends_our_session(bash: BashUtilities, cli: Cli, store: Path) -> None:
    session = create(cli)
    bash.run("{end}")
    shown = call(cli, "session", "show", session)
    assert (shown["status"], shown["record"]["type"]) == ("completed", "general")
    assert shown["ended_at"]
    assert cli("session", "current", check=True).stdout == "no-session\n"
    cli("events", "verify", "demo", check=True)


def test_we_end_the_session_of_bash(bash: BashUtilities, cli: Cli, store: Path) -> None:
    session = bash.run("{session} demo").split()[-1]
    path = store / f"state/sessions/{session}.json"
    path.write_text(path.read_text().replace('"status"', '"price": 1.10,\n  "status"'))
    listed = call(cli, "session", "list")["sessions"]
    assert [(one["session_id"], one["status"], one["current"]) for one in listed] == [(session, "orphaned", True)]
    before = path.read_text()
    cli("session", "end", check=True)
    after = path.read_text()
    assert '"price": 1.10,\n' in after
    assert json.loads(after) == {**json.loads(before), "status": "completed", "ended_at": json.loads(after)["ended_at"]}
    assert after.startswith(before[: before.index('"active"')])
    assert not (store / "state/.current_session").exists()
    (event,) = events(cli, "session_ended")
    assert (event["data"], event["session_id"]) == ({"session_id": session}, session)


def test_a_living_shell_of_bash_is_active(bash: BashUtilities, cli: Cli, store: Path) -> None:
    process = bash.start("{session} demo; sleep 5 > /dev/null 2>&1; true")
    try:
        assert process.stdout
        session = process.stdout.readline().split()[-1]
        assert call(cli, "session", "show", session)["status"] == "active"
    finally:
        process.kill()
        process.communicate(timeout=60)
    assert call(cli, "session", "show", session)["status"] == "orphaned"


def test_using_a_session_is_logged_when_it_changes_something(cli: Cli, store: Path) -> None:
    first, second = create(cli), create(cli)
    cli("session", "use", second, check=True)
    assert events(cli, "session_used") == []
    cli("session", "use", first, "--idempotency-key", "k", check=True)
    assert call(cli, "session", "use", first, "--idempotency-key", "k")["replayed"]
    assert [one["data"]["session_id"] for one in events(cli, "session_used")] == [first]
    cli("session", "use", second, check=True)
    call(cli, "session", "use", first, "--idempotency-key", "k")
    assert cli("session", "current", check=True).stdout.strip() == second
    assert cli("session", "use", second, "--idempotency-key", "k").returncode == 4


def test_a_status_tells_which_sessions_wait_for_somebody(
    cli: Cli, store: Path, other_shell: "subprocess.Popen[str]"
) -> None:
    assert other_shell.stdout is not None
    name = other_shell.stdout.readline().strip()

    def told() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = call(cli, "status")["sessions"]
        return [one for one in found if one["session_id"] == name]

    assert [one["status"] for one in told()] == ["active"]
    other_shell.kill()
    other_shell.wait()
    assert [one["status"] for one in told()] == ["orphaned"]
    assert re.search(rf"{name}, since \S+ \(current\), orphaned", cli("status", check=True).stdout)
    cli("session", "end", name, check=True)
    assert told() == []
