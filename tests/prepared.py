"""A store in which the example of every command works, and running a command line there as people do, in a shell."""

import subprocess
from pathlib import Path

from conftest import BIN, Cli, clean_environment

from milestone_cli.cli.completion.declared import program

COMMANDS = {one.path: one for one in program()[2]}
APPLIED = ["transaction", "apply", '{"op": "set", "milestone": "demo", "path": "step", "value": 3}']
AGENT = ["agent", "register", "builder"]
TASK = ["task", "create", "t1", "write the tests"]
BEFORE = {
    **{f"task {verb}": TASK for verb in ("claim", "start", "update", "log", "result", "complete", "fail", "cancel",
                                         "release", "delete", "show")},
    "state redo": ["state", "undo", "demo"],
    "agent update": AGENT,
    "agent heartbeat": AGENT,
    "agent show": AGENT,
    "agent retire": AGENT,
    "agent ack": AGENT,
    "agent sync-show": AGENT,
    "state reopen": ["state", "complete", "demo"],
    "state delete": ["state", "complete", "demo"],
    "checkpoint unpin": ["checkpoint", "pin", "demo", "before-refactoring", "--reason", "kept"],
    "transaction list": APPLIED,
    "transaction show": APPLIED,
    "transaction rollback": APPLIED,
    "lock release": ["lock", "acquire", "demo"],
    "archive show": ["archive", "run", "--older-than", "0"],
    "archive restore": ["archive", "run", "--older-than", "0"],
    "lock show": ["lock", "acquire", "demo"],
    "lock break": ["lock", "acquire", "demo"],
}  # fmt: skip
"""What must have been done before the example of a command can work."""


def prepare(cli: Cli, place: Path, path: str = "") -> None:
    """Make the store for the example of a command."""
    cli("init", "demo", check=True)
    cli("state", "save", "demo", '{"step": 1, "draft": true}', check=True)
    cli("state", "set", "demo", "step=2", check=True)
    if "checkpoint" in path and path != "checkpoint create":
        cli("checkpoint", "create", "demo", "--name", "before-refactoring", check=True)
    if path.startswith("archive"):
        cli("task", "create", "t1", "write the tests", check=True)
        cli("task", "start", "t1", check=True)
        cli("task", "complete", "t1", check=True)
    if path in BEFORE:
        cli(*BEFORE[path], check=True)
    if path == "store import":
        (place / "coding-agent-state").mkdir()
        (place / "coding-agent-state" / "state.json").write_text('{"version": "1.0.0", "tasks": [], "sessions": []}')
    (place / "schema.json").write_text('{"type": "object"}')


def run(line: str, place: Path, home: Path) -> "subprocess.CompletedProcess[str]":
    """Run a line in bash, with the installed command in its path."""
    environment = clean_environment(home, PATH=f"{BIN}:/usr/local/bin:/usr/bin:/bin")
    return subprocess.run(
        ["bash", "-c", line],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        cwd=place,
        check=False,
        timeout=60,
    )
