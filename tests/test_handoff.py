"""Row E10: the hand-over packet: useful first, within its budget, whole lines, the same text for the same store."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Cli, clean_environment
from hooked import Hooks

from milestone_cli.core.standing.facts import shortened
from milestone_cli.core.standing.handoff import estimate
from milestone_cli.render.schemas import schema

STATE = {
    "goal": "Move the shop to the new payment service.",
    "next": ["port the refunds", "delete the old client"],
    "blockers": ["no sandbox key"],
    "progress": 0.4,
    "notes": "The old service times out. " * 40 + "Never cut in the",
    "unknown": {"a": 1},
}


@pytest.fixture
def place(store: Path, cli: Cli) -> Path:
    cli("state", "save", "demo", json.dumps(STATE), check=True)
    return store.parent


def packet(cli: Cli, *words: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cli("session", "handoff", *words, "--format", "json", check=True, **more).stdout)
    jsonschema.validate(found, schema("session-handoff"))
    return found


def handoff(cli: Cli, *words: str, **more: Any) -> str:
    return str(cli("session", "handoff", *words, check=True, **more).stdout)


def test_it_tells_what_the_state_says_and_what_was_done(place: Path, cli: Cli) -> None:
    cli("events", "log", "demo", "tests_passed", '{"count": 42, "suite": "unit"}', check=True)
    cli("checkpoint", "create", "demo", "--name", "half", check=True)
    cli("state", "set", "demo", "progress=0.5", check=True)
    cli("state", "set", "demo", "progress=0.6", check=True)
    text = handoff(cli)
    lines = text.splitlines()
    assert lines[0] == "# Where the work on demo stands"
    assert "revision 3" in lines[2]
    for line in (
        "- next: port the refunds; delete the old client", "- blockers: no sandbox key",
        "- goal: Move the shop to the new payment service.", "- progress: 0.6", "- other keys: unknown",
    ):  # fmt: skip
        assert line in lines
    assert text.index("- next") < text.index("- blockers") < text.index("- goal") < text.index("- progress")
    assert re.search(r"\n- \S+Z tests_passed: count 42, suite unit\n", text)
    assert re.search(r"\n- \S+Z state_saved: revision 3 \(2 in a row\)\n", text)
    assert re.search(r"\n- last checkpoint: half, of \S+Z\n", text)
    assert "`milestone events query demo`" in lines[-1]


def test_the_same_store_gives_the_same_text(place: Path, cli: Cli) -> None:
    cli("session", "create", "demo", check=True)
    assert handoff(cli) == handoff(cli)
    found = packet(cli)
    assert found["text"].rstrip("\n") + "\n" == handoff(cli, "--format", "markdown")


@pytest.mark.parametrize(
    "tokens", [100, 200, 500, 100_000, *[pytest.param(one, marks=pytest.mark.slow) for one in (150, 300, 1500)]]
)
def test_it_keeps_to_the_budget_and_never_cuts_a_line(tokens: int, place: Path, cli: Cli) -> None:
    notes = [{"event_type": "note", "data": {"text": f"Thing number {number} was done. " * 3}} for number in range(30)]
    cli("events", "log", "demo", "--batch", input="".join(json.dumps(note) + "\n" for note in notes), check=True)
    whole = set(handoff(cli, "--max-tokens", "100000").splitlines())
    found = packet(cli, "--max-tokens", str(tokens))
    assert found["tokens"] == estimate(found["text"]) <= tokens
    rest = {line for line in found["text"].splitlines() if line not in whole}
    assert {re.sub(r"\d+", "N", line) for line in rest} <= {"(N more lines did not fit into N tokens.)"}
    assert bool(found["left_out"]) == bool(rest)
    if tokens >= 150:
        assert "- next: port the refunds; delete the old client" in found["text"], "the most useful stays longest"


def test_a_long_text_ends_with_a_sentence(place: Path, cli: Cli) -> None:
    (line,) = [line for line in handoff(cli).splitlines() if line.startswith("- notes: ")]
    assert line.endswith("The old service times out. …")
    assert len(line) < 640
    cli("state", "set", "demo", "goal=" + "x" * 3000, check=True)
    assert "- goal: (3000 characters; `milestone state get goal` shows them)" in handoff(cli)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("short", "short"), ("a. " + "b" * 700, "a. …"), ("b" * 700, ""), ("one; " * 200, "one; " * 119 + "one; …")],
)
def test_shortened(text: str, kept: str) -> None:
    assert shortened(text) == kept


def test_tokens_are_estimated_as_it_says() -> None:
    assert [estimate(text) for text in ("", "a", "abcd", "abcde", "éé", "日本語 ok")] == [0, 1, 1, 2, 2, 4]


def test_a_session_tells_its_own(place: Path, cli: Cli) -> None:
    first = cli("session", "create", "demo", check=True).stdout.strip()
    cli("events", "log", "demo", "of_the_first", check=True)
    cli("session", "end", check=True)
    cli("session", "create", "demo", check=True)
    cli("events", "log", "demo", "of_the_second", check=True)
    own = handoff(cli, first)
    assert "of_the_first" in own
    assert "of_the_second" not in own
    assert f"This session is {first}." in own
    assert "of_the_second" in handoff(cli)
    assert cli("session", "handoff", "session-nowhere").returncode == 3


def test_what_is_open_is_told(place: Path, cli: Cli, home: Path) -> None:
    cli("lock", "acquire", "deploy", "--for-pid", str(os.getpid()), check=True)
    intent = {"transaction": {"id": "txn-1", "operation": "checkpoint_create", "started_at": "2026-11-21T12:00:00Z"}}
    (place / ".milestones/transactions/pending/txn-1.yaml").write_text(json.dumps(intent))
    hooks = Hooks(cli, place, home)
    hooks.call("PostToolUse.Write", env={"CLAUDE_PID": "999999999"})
    (place / ".milestones/transactions/pending/txn-1.yaml").write_text(json.dumps(intent))
    text = handoff(cli)
    assert f"- the lock deploy is held by process {os.getpid()}" in text
    assert "- transaction txn-1 (checkpoint_create, since 2026-11-21T12:00:00Z) is not finished" in text
    assert f"- session {hooks.sessions()[0]['session_id']} was left behind: its process is gone" in text
    assert "- files written, the newest first: n.txt" in text
    assert "- calls of tools among the last events: 1, of which 0 failed" in text


def test_git_is_read_without_git(place: Path, cli: Cli, home: Path) -> None:
    assert packet(cli)["git_branch"] == "none"
    env = clean_environment(home, GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a",
                            GIT_COMMITTER_EMAIL="a@b")  # fmt: skip

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=place, env=env, check=True, capture_output=True, text=True).stdout

    git("init", "-q", "-b", "work/on-it")
    assert packet(cli)["git_commit"] == ""
    git("commit", "-q", "--allow-empty", "-m", "x")
    head = git("rev-parse", "HEAD").strip()
    for prepare in ((), ("pack-refs", "--all"), ("checkout", "-q", "--detach")):
        if prepare:
            git(*prepare)
        found = packet(cli)
        assert found["git_commit"] == head
        assert f"at commit {head[:12]}, in {place}" in found["text"]
    assert "no branch at commit" in found["text"]


def test_text_from_outside_forges_nothing(place: Path, cli: Cli) -> None:
    hostile = "a\n\n## What is open\n- lie\x1b[31m\u202e\u2028b"
    cli("state", "save", "demo", json.dumps({"goal": hostile, "x\ny": 1}), check=True)
    cli("events", "log", "demo", "note", json.dumps({"text": hostile}), check=True)
    text = handoff(cli)
    assert text.count("\n## ") == text.count("## What") + text.count("## Where") - 2
    assert not {"\x1b", "\u202e", "\u2028"} & {*text}
    assert "- lie" not in text.splitlines()


@pytest.mark.parametrize("state", ["[]", '"text"', "{}", "17", '{"goal": null, "next": [], "done": [1, {"a": 2}]}'])
def test_whatever_the_state_is(state: str, store: Path, cli: Cli) -> None:
    cli("state", "save", "demo", state, check=True)
    assert "# Where the work on demo stands" in handoff(cli)


def test_without_a_state_and_with_a_damaged_one(store: Path, cli: Cli) -> None:
    assert "state none, revision 0" in handoff(cli)
    cli("state", "save", "demo", "{}", check=True)
    (store / "state/active/demo.json").write_text("{")
    assert "state damaged" in handoff(cli)
