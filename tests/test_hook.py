"""Row E1: what each event of the client does, with the payloads that the real one sends."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import MILESTONE, Cli, clean_environment
from hooked import CLIENT, PAYLOADS, STATE, Hooks, payload

FILES = sorted(path.stem for path in PAYLOADS.glob("*.json"))
CONTEXT, NAMES = "context", "names"
EXPECTED: dict[str, tuple[str, dict[str, Any], str]] = {
    "PostToolUse.Agent": (
        "tool_used", {"tool": "Agent", "target": "general-purpose", "outcome": "ok", "duration_ms": 952}, "",
    ),
    "PostToolUse.Bash": ("tool_used", {"tool": "Bash", "target": "echo", "outcome": "ok", "duration_ms": 46}, ""),
    "PostToolUse.Bash.in-subagent": (
        "tool_used",
        {"tool": "Bash", "target": "echo", "outcome": "ok", "duration_ms": 44, "agent_type": "general-purpose"}, "",
    ),
    "PostToolUse.Write": ("tool_used", {"tool": "Write", "target": "n.txt", "outcome": "ok", "duration_ms": 317}, ""),
    "PostToolUseFailure": (
        "tool_failed", {"tool": "Bash", "target": "exit", "outcome": "failed", "exit_code": 3, "duration_ms": 31}, "",
    ),
    "PreToolUse.Agent": ("tool_started", {"tool": "Agent", "target": "general-purpose", "outcome": "started"}, ""),
    "PreToolUse.Bash": ("tool_started", {"tool": "Bash", "target": "echo", "outcome": "started"}, ""),
    "PreToolUse.Bash.in-subagent": (
        "tool_started", {"tool": "Bash", "target": "echo", "outcome": "started", "agent_type": "general-purpose"}, "",
    ),
    "PreToolUse.Write": ("tool_started", {"tool": "Write", "target": "n.txt", "outcome": "started"}, ""),
    "PostToolBatch": (
        "tools_used",
        {"count": 1, "tools": [{"tool": "Bash", "target": "echo"}], "agent_type": "general-purpose"}, "",
    ),
    "UserPromptSubmit": ("prompt_submitted", {"characters": 5}, ""),
    "SubagentStart": ("subagent_started", {"agent_type": "general-purpose"}, ""),
    "SubagentStop": ("subagent_stopped", {"agent_type": "general-purpose"}, ""),
    "TaskCreated": ("task_created", {"task_id": "1", "subject": "Write tests"}, ""),
    "TaskCompleted": ("task_completed", {"task_id": "1", "subject": "Write tests"}, ""),
    "Notification.idle_prompt": ("notified", {"notification_type": "idle_prompt"}, ""),
    "Notification.permission_prompt": ("notified", {"notification_type": "permission_prompt"}, ""),
    "StopFailure": ("turn_failed", {"error": "unknown"}, ""),
    "PostCompact.auto": ("session_compacted", {"trigger": "auto", "summary": "<summary>AUTOSUM</summary>"}, ""),
    "PostCompact.manual": ("session_compacted", {"trigger": "manual", "summary": "<summary>S</summary>"}, ""),
    "PreCompact.auto": ("checkpoint_created", {"reason": "before a compaction"}, NAMES),
    "PreCompact.manual": ("checkpoint_created", {"reason": "before a compaction"}, NAMES),
    "Stop": ("checkpoint_created", {"reason": "the interval has passed"}, ""),
    "SessionStart.startup": ("session_created", {"source": "startup", "model": "claude-opus-5-5"}, CONTEXT),
    "SessionStart.resume": ("session_created", {"source": "resume"}, CONTEXT),
    "SessionStart.clear": ("session_created", {"source": "clear"}, CONTEXT),
    "SessionStart.compact": ("session_created", {"source": "compact", "model": "claude-opus-5-5"}, CONTEXT),
    "SessionStart.fork": ("session_created", {"source": "fork"}, ""),
    "SessionEnd.clear": ("", {}, ""),
    "SessionEnd.other": ("", {}, ""),
    "SessionEnd.prompt_input_exit": ("", {}, ""),
    "SubagentStop.from-compaction": ("", {}, ""),
}  # fmt: skip
"""The event of ours, some of its data, and what is printed; a client that is unknown yet gets a session first."""
IGNORED = {
    "ConfigChange", "CwdChanged", "DirectoryAdded", "FileChanged", "InstructionsLoaded.include",
    "InstructionsLoaded.session_start", "MessageDisplay", "PermissionRequest", "PostModelSwitch", "PreModelSwitch",
    "Setup", "StatusLine", "UserPromptExpansion", "WorktreeCreate",
}  # fmt: skip
RECORDED = [name for name, (type_, _, _) in EXPECTED.items() if type_]


@pytest.fixture
def hooks(store: Path, cli: Cli, home: Path) -> Hooks:
    cli("state", "save", "demo", json.dumps(STATE), check=True)
    return Hooks(cli, store.parent, home)


def context(said: str) -> str:
    """The text for the model in what SessionStart printed: exactly one object, as the client wants it."""
    assert len(said) <= 10_000
    found = json.loads(said)
    assert set(found) == {"hookSpecificOutput"}
    assert set(found["hookSpecificOutput"]) == {"hookEventName", "additionalContext"}
    assert found["hookSpecificOutput"]["hookEventName"] == "SessionStart"
    return str(found["hookSpecificOutput"]["additionalContext"])


def test_every_payload_is_expected() -> None:
    assert set(FILES) == {*EXPECTED, *IGNORED}


@pytest.mark.parametrize("name", FILES)
def test_a_payload_has_its_effect(name: str, hooks: Hooks) -> None:
    before = hooks.types()
    said = hooks.call((PAYLOADS / f"{name}.json").read_bytes())
    type_, data, printed = EXPECTED.get(name, ("", {}, ""))
    made = hooks.types()[len(before) :]
    if type_ == "session_created":
        assert made == [type_]
    else:
        also = [type_] if name == "Stop" else []  # of the session, and of the milestone
        assert made == (["session_created", *also, type_] if type_ else [])
    if type_:
        event = hooks.events()[-1]
        told = {key: value for key, value in event["data"].items() if key in data}
        assert told == data
        assert event["session_id"] == hooks.sessions()[-1]["session_id"]
        assert event["agent_id"] == payload(name).get("agent_id", "system")
    if printed == CONTEXT:
        assert "Ship it." in context(said)
    elif printed == NAMES:
        assert "milestone demo, revision 1" in said
        assert "Ship it." in said
    else:
        assert said == ""
    problems = [one["message"] for one in hooks.problems()]
    assert problems == ([] if name != "StatusLine" else ["the payload could not be read: the payload names no event"])
    assert hooks.waiting() == []
    hooks.verify()


@pytest.mark.parametrize("name", RECORDED)
def test_delivered_twice_is_recorded_once(name: str, hooks: Hooks) -> None:
    hooks.call(name)
    once = hooks.types()
    hooks.call(name)
    assert hooks.types() == once


def test_the_same_words_much_later_are_another_call(hooks: Hooks) -> None:
    hooks.call("SessionStart.startup", session_id=CLIENT)
    hooks.call("Notification.idle_prompt", session_id=CLIENT)
    (first,) = hooks.events("notified")
    early = {
        "event": "Notification", "client": CLIENT, "agent": "", "data": {"notification_type": "idle_prompt"},
        "key": "hook:Notification:0123", "vague": True, "milestone": "", "pid": 0,
    }  # fmt: skip
    # Three calls that waited: the second comes five seconds after the first, the third an hour later.
    for index, seconds in enumerate((0, 5, 3600)):
        path = hooks.store / f"spool/call-{index:020d}-x"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({**early, "occurred": 1_700_000_000_000_000_000 + seconds * 10**9}))
    hooks.call("SessionStart.fork", session_id=CLIENT)
    assert hooks.waiting() == []
    found = hooks.events("notified")[1:]
    assert [one["data"]["occurred_at"][:19] for one in found] == ["2023-11-14T22:13:20", "2023-11-14T23:13:20"]
    assert first["key"] != found[0]["key"] != found[1]["key"]


def test_unknown_events_and_fields_are_harmless(hooks: Hooks) -> None:
    before = hooks.types()
    assert hooks.call({"hook_event_name": "SomethingNew", "session_id": CLIENT, "more": {"a": [1]}}) == ""
    assert hooks.types() == before
    hooks.call("PostToolUse.Bash", something_new={"a": [1, 2]}, tool_response=[1, {"x": None}])
    assert hooks.types()[len(before) :] == ["session_created", "tool_used"]
    assert hooks.problems() == []


# sessions


def test_a_session_begins_goes_on_and_ends_with_the_client(hooks: Hooks, tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    said = hooks.call("SessionStart.startup", session_id=CLIENT, env={"CLAUDE_ENV_FILE": str(exports)})
    (record,) = hooks.sessions()
    session = record["session_id"]
    assert (record["status"], record["client"], record["type"]) == ("active", CLIENT, "claude-code")
    assert (record["milestone_id"], record["pid"]) == ("demo", os.getpid())
    assert session in context(said)
    assert exports.read_text() == f"export MILESTONE_SESSION={session}\n"
    assert hooks.cli("session", "current", env={"CLAUDE_CODE_SESSION_ID": CLIENT}).stdout.strip() == session
    shell = subprocess.run(
        ["bash", "-c", '. "$1"; printf %s "$MILESTONE_SESSION"', "-", str(exports)], capture_output=True, check=True
    )
    assert shell.stdout.decode() == session

    hooks.call("PreCompact.auto", session_id=CLIENT)
    hooks.call("SubagentStop.from-compaction", session_id=CLIENT)
    hooks.call("SessionStart.compact", session_id=CLIENT, env={"CLAUDE_ENV_FILE": str(exports)})
    hooks.call("PostCompact.auto", session_id=CLIENT)
    assert exports.read_text().count("\n") == 1, "the same line is not written again and again"
    hooks.call("PostToolUse.Bash", session_id=CLIENT)
    assert {event["session_id"] for event in hooks.events()[2:]} == {session}

    unusable = {"CLAUDE_ENV_FILE": "/nonexistent/exports"}
    assert session in context(hooks.call("SessionStart.compact", session_id=CLIENT, env=unusable))
    assert "CLAUDE_ENV_FILE" in hooks.problems()[-1]["message"]

    hooks.call("SessionEnd.other", session_id=CLIENT)
    (record,) = hooks.sessions()
    assert record["status"] == "completed"
    (ended,) = hooks.events("session_ended")
    assert ended["data"] == {"session_id": session, "reason": "other"}
    hooks.call("PostToolUse.Write", session_id=CLIENT)
    assert hooks.sessions()[0]["status"] == "completed", "what comes behind the end does not begin it again"
    assert hooks.events()[-1]["session_id"] == session

    hooks.call("SessionStart.resume", session_id=CLIENT, env={"CLAUDE_PID": "1"})
    (record,) = hooks.sessions()
    assert (record["status"], record["ended_at"], record["pid"]) == ("active", None, 1)
    assert hooks.types()[-1] == "session_resumed"
    hooks.verify()


def test_a_clear_and_a_fork_begin_sessions_of_their_own(hooks: Hooks) -> None:
    hooks.call("SessionStart.startup", session_id="one")
    hooks.call("SessionEnd.clear", session_id="one")
    hooks.call("SessionStart.clear", session_id="two")
    assert hooks.call("SessionStart.fork", session_id="three") == ""
    assert [(one["client"], one["status"]) for one in hooks.sessions()] == [
        ("one", "completed"), ("two", "active"), ("three", "active"),
    ]  # fmt: skip


def test_a_session_that_the_client_made_itself_is_taken(hooks: Hooks) -> None:
    made = hooks.cli("session", "create", "demo", env={"CLAUDE_CODE_SESSION_ID": CLIENT}, check=True).stdout.strip()
    hooks.call("SessionStart.compact", session_id=CLIENT)
    hooks.call("PostToolUse.Bash", session_id=CLIENT)
    assert len(hooks.sessions()) == 1
    assert hooks.events()[-1]["session_id"] == made


def test_orphans_are_found(hooks: Hooks) -> None:
    hooks.call("SessionStart.startup", session_id="killed", env={"CLAUDE_PID": "999999999"})
    (killed,) = hooks.sessions()
    said = context(hooks.call("SessionStart.startup", session_id=CLIENT))
    assert f"session {killed['session_id']} was left behind" in said
    assert hooks.events("session_created")[-1]["data"]["orphans"] == [killed["session_id"]]


def test_the_milestone_is_the_one_named_or_the_only_active_one(hooks: Hooks) -> None:
    hooks.cli("init", "other", check=True)
    said = context(hooks.call("SessionStart.startup", session_id=CLIENT))
    assert "demo, other" in said
    assert "milestone session create" in said
    hooks.call("PostToolUse.Bash", session_id=CLIENT)
    assert hooks.sessions() == []
    assert hooks.types() == ["state_initialized", "state_saved"]
    hooks.call("SessionStart.startup", session_id="third", env={"MILESTONE_ID": "other"})
    assert [one["milestone_id"] for one in hooks.sessions()] == ["other"]
    hooks.call("PostToolUse.Write", session_id="third")
    done = hooks.cli("events", "query", "other", "--format", "jsonl", check=True)
    assert json.loads(done.stdout.splitlines()[-1])["event_type"] == "tool_used"


def test_the_store_of_the_project_is_meant_wherever_the_client_has_gone(hooks: Hooks, tmp_path: Path) -> None:
    hooks.call("SessionStart.startup", session_id=CLIENT)
    away = tmp_path / "away"
    away.mkdir()
    raw = json.dumps(payload("PostToolUse.Bash", cwd=str(away))).encode()
    hooks.cli("hook", "--deadline", "60", input=raw, env=hooks.environment(), cwd=away, check=True)
    assert hooks.types()[-1] == "tool_used"


def test_a_linked_worktree_belongs_to_the_store_of_the_main_one(cli: Cli, tmp_path: Path, home: Path) -> None:
    main = tmp_path / "main"
    main.mkdir()
    env = clean_environment(home, GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a",
                            GIT_COMMITTER_EMAIL="a@b")  # fmt: skip
    for words in (
        ["init", "-q", "-b", "trunk"], ["commit", "-q", "--allow-empty", "-m", "x"],
        ["worktree", "add", "-q", "-b", "side", str(tmp_path / "linked")],
    ):  # fmt: skip
        subprocess.run(["git", *words], cwd=main, env=env, check=True, capture_output=True)
    cli("init", "demo", cwd=main, check=True)
    hooks = Hooks(cli, main, home)
    linked = str(tmp_path / "linked")
    raw = json.dumps(payload("SessionStart.startup", cwd=linked)).encode()
    environment = {**hooks.environment(), "CLAUDE_PROJECT_DIR": linked}
    done = cli("hook", "--deadline", "60", input=raw, env=environment, cwd=tmp_path / "linked", check=True)
    (record,) = hooks.sessions()
    assert (record["working_directory"], record["git_branch"]) == (linked, "side")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=main, capture_output=True, text=True, check=True)
    assert f"branch side at commit {head.stdout[:12]}, in {linked}" in context(done.stdout.decode())
    made = cli("init", "side", cwd=tmp_path / "linked", check=True).stdout
    assert made == f"store {main}/.milestones is there; milestone side initialised\n"


# what is told


@pytest.mark.parametrize(
    ("tool", "given", "target"),
    [
        ("Bash", {"command": "TOKEN=abc /usr/bin/curl -H 'X: secret' http://h"}, "curl"),
        ("Bash", {"command": "X='a b' curl"}, None),
        ("Bash", {"command": "$(cat secret)"}, None),
        ("Read", {"file_path": "/home/user/project/src/a.py"}, "src/a.py"),
        ("Read", {"file_path": "/etc/hosts"}, "/etc/hosts"),
        ("WebFetch", {"url": "https://me:pw@example.org/a/b?key=1#x", "prompt": "x"}, "https://example.org/a/b"),
        ("Grep", {"pattern": "secret", "path": "src"}, "src"),
        ("Task", {"subagent_type": "reviewer", "prompt": "x"}, "reviewer"),
        ("mcp__x__y", {"anything": "secret"}, None),
        ("Bash", "no object", None),
    ],
)
def test_the_target_of_a_tool(tool: str, given: Any, target: str | None, hooks: Hooks) -> None:
    hooks.call("PostToolUse.Bash", tool_name=tool, tool_input=given)
    data = hooks.events("tool_used")[-1]["data"]
    assert (data["tool"], data.get("target")) == (tool, target)


def test_an_interrupted_tool_says_so(hooks: Hooks) -> None:
    hooks.call("PostToolUse.Bash", tool_response={"stdout": "", "interrupted": True})
    hooks.call("PostToolUseFailure", is_interrupt=True)
    assert [one["data"]["outcome"] for one in hooks.events()[-3:] if "outcome" in one["data"]] == ["interrupted"] * 2


SECRETS: dict[str, Any] = {
    "prompt": "my password is hunter2-secret",
    "tool_input": {"command": "curl -H 'Authorization: Bearer s3cr3t-token-value' x", "api_key": "plain-secret-1"},
    "tool_response": {"stdout": "AKIAABCDEFGHIJKLMNOP " + "x" * 900, "password": "plain-secret-2"},
    "error": "Exit code 1\nghp_abcdefghijklmnopqrstuvwxyz0123456789",
}
LEAKS = ("hunter2", "s3cr3t", "AKIA", "plain-secret", "ghp_")


@pytest.mark.parametrize("name", ["PostToolUse.Bash", "PostToolUseFailure", "UserPromptSubmit", "PreToolUse.Bash"])
def test_no_payload_is_copied_anywhere(name: str, hooks: Hooks) -> None:
    hooks.call(name, **SECRETS)
    for path in hooks.place.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert not [leak for leak in LEAKS if leak.encode() in raw], path
            assert path.stat().st_mode & 0o077 == 0 or path.name == ".gitignore", path


def test_what_is_configured_is_copied_cut_and_without_secrets(hooks: Hooks) -> None:
    (hooks.store / "config.yaml").write_text("hook_payload: 400\n")
    hooks.call("PostToolUse.Bash", **{**SECRETS, "prompt": None, "error": None})
    data = hooks.events("tool_used")[-1]["data"]
    assert data["tool_input"].startswith('{"command":"curl -H')
    assert len(data["tool_response"]) == 400
    assert data["tool_response"].endswith("…")
    assert not [leak for leak in LEAKS if leak in json.dumps(data)]


def test_the_summary_and_the_subject_of_a_task_lose_their_secrets(hooks: Hooks) -> None:
    hooks.call("PostCompact.auto", compact_summary="Deployed with token=abcdef123 by hand. " * 2000)
    hooks.call("TaskCreated", task_subject="Rotate AKIAABCDEFGHIJKLMNOP")
    assert "abcdef123" not in json.dumps(hooks.events())
    assert len(hooks.events("session_compacted")[0]["data"]["summary"]) == 20_000
    assert hooks.events("task_created")[0]["data"]["subject"] == "Rotate [redacted]"


def test_names_from_outside_lead_nowhere(hooks: Hooks, tmp_path: Path) -> None:
    for name in ("../../x", "a/b", "\ud800", "\x1b[31m", "x" * 5000, "", ".", "a b"):
        hooks.call("PostToolUse.Bash", session_id=name, tool_use_id=name, agent_id=name, agent_type=name)
        hooks.call("SessionStart.startup", session_id=name)
        hooks.call("SessionEnd.other", session_id=name)
    assert hooks.sessions() == []
    assert set(hooks.types()) == {"state_initialized", "state_saved", "tool_used"}
    assert {event["session_id"] for event in hooks.events("tool_used")} == {"no-session"}
    hooks.verify()


# checkpoints


def checkpoints(hooks: Hooks) -> list[str]:
    found = json.loads(hooks.cli("checkpoint", "list", "demo", "--format", "json", check=True).stdout)["checkpoints"]
    return [one["checkpoint_name"] for one in found]


def test_a_compaction_keeps_each_state_once(hooks: Hooks) -> None:
    hooks.call("PreCompact.manual")
    hooks.call("PreCompact.auto")
    (made,) = checkpoints(hooks)
    assert made.startswith("compact-")
    hooks.cli("state", "set", "demo", "step=2", check=True)
    said = hooks.call("PreCompact.manual")
    assert len(checkpoints(hooks)) == 2
    assert f"checkpoint {checkpoints(hooks)[-1]}" in said


def test_the_end_of_a_turn_keeps_the_state_when_the_interval_has_passed(hooks: Hooks) -> None:
    hooks.call("Stop")
    assert len(checkpoints(hooks)) == 1
    hooks.cli("state", "set", "demo", "step=2", check=True)
    hooks.call("Stop", last_assistant_message="more")
    assert len(checkpoints(hooks)) == 1, "five minutes have not passed"
    hooks.call("Stop", last_assistant_message="again", env={"MILESTONE_CHECKPOINT_INTERVAL": "0.001"})
    assert len(checkpoints(hooks)) == 2
    hooks.call("Stop", last_assistant_message="the same", env={"MILESTONE_CHECKPOINT_INTERVAL": "0.001"})
    assert len(checkpoints(hooks)) == 2, "nothing has changed"
    hooks.cli("state", "set", "demo", "step=3", check=True)
    hooks.call("Stop", last_assistant_message="never", env={"MILESTONE_CHECKPOINT_INTERVAL": "0"})
    assert len(checkpoints(hooks)) == 2


def test_without_a_state_there_is_nothing_to_keep(cli: Cli, store: Path, home: Path) -> None:
    hooks = Hooks(cli, store.parent, home)
    hooks.call("Stop")
    assert "milestone demo, revision 0" in hooks.call("PreCompact.auto")
    assert hooks.problems() == []


# saying no


@pytest.mark.parametrize(
    ("name", "code"), [("PreToolUse.Bash", 2), ("UserPromptSubmit", 2), ("PostToolUse.Bash", 0), ("Stop", 0)]
)
def test_a_policy_blocks_where_the_client_takes_a_no(name: str, code: int, hooks: Hooks) -> None:
    hooks.call("SessionStart.startup", session_id=CLIENT)
    assert hooks.run(name, "--block", "completed").returncode == 0
    hooks.cli("state", "complete", "demo", check=True)
    done = hooks.run(name, "--block", "completed", session_id=CLIENT)
    assert (done.returncode, done.stdout) == (code, b"")
    assert (b"demo is completed" in done.stderr) == bool(code)
    assert hooks.run(name, session_id=CLIENT).returncode == 0, "only when asked to"


def test_a_lock_of_somebody_else_blocks_when_asked(hooks: Hooks) -> None:
    hooks.cli("lock", "acquire", "demo", "--for-pid", str(os.getpid()), check=True)
    assert hooks.run("PreToolUse.Bash", "--block", "completed").returncode == 0
    done = hooks.run("PreToolUse.Write", "--block", "any")
    assert done.returncode == 2
    assert str(os.getpid()).encode() in done.stderr


def test_a_person_at_a_terminal_is_told_of_a_typing_error(store: Path, home: Path) -> None:
    keyboard, terminal = os.openpty()
    try:
        done = subprocess.run(
            [str(MILESTONE), "hook", "instal"],
            stdin=terminal, cwd=store.parent, env=clean_environment(home), capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert (done.returncode, done.stdout) == (2, "")
    assert "instal" in done.stderr


def test_only_the_hook_itself_is_excused_a_wrong_line(cli: Cli) -> None:
    assert cli("task", "hook", "--store", input="").returncode == 2
    assert cli("--store", "nowhere", "hook", "--wrong", input="").returncode == 0
