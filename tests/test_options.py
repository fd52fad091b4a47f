"""What every command takes, by the table of commands: a key where something changes, a form, a look before a removal.

A new command that changes nothing joins `READS`; everything else is held against the rules, or stands among the
exceptions with its reason.
"""

import json
from pathlib import Path

import jsonschema
import pytest
from conftest import Cli
from prepared import COMMANDS, prepare, run

from milestone_cli.render.schemas import schema

READS = {
    "cache key", "cache get", "cache list", "cache show", "cache stats",
    "status", "watch", "wait", "metrics", "schema", "names", "events follow", "events replay", "events stats",
    "state load", "state get", "state list", "state history", "state diff",
    "state validate", "events query", "events timeline", "events verify", "checkpoint list", "checkpoint show",
    "checkpoint diff", "session current", "session list", "session show", "session handoff", "session get",
    "session log", "session history", "cleanup plan",
    "lock list", "lock show", "transaction list", "transaction show", "config show", "config get",
    "config validate", "config schema", "hook status", "hook statusline",
    "task list", "task show", "task report",
    "snapshot show", "archive list", "archive show", "store export",
    "store info", "store check", "agent list", "agent show", "agent sync-list", "agent sync-show",
}  # fmt: skip
WITHOUT_KEY = {
    "archive run": "what is put away is, and asked for again it finds nothing left to do",
    "archive restore": "what was taken out is there, and asked for again it is not found",
    "snapshot watch": "it saves again and again",
    "store clear": "asked for again it finds nothing left to do",
    "agent heartbeat": "a heartbeat replaces the one before",
    "agent run": "what is done is the command's own doing; its agent is registered anew by every run",
    "agent health": "a repair looks again before it acts, and asked for again it finds nothing left to do",
    "agent monitor": "it looks again and again",
    "cleanup optimize": "what is compressed is, and asked for again it finds nothing left to do",
    "cleanup sessions": "what is deleted is deleted, and asked for again it finds nothing left to do",
    "config edit": "what is typed is somebody's own doing, and the same text again changes nothing",
    "doctor": "a repair looks again before it acts, and asked for again it finds nothing left to do",
    "events repair": "what is mended is sound, and asked for again it finds nothing left to do",
    "init": "it makes what is missing, and asked for again it finds nothing missing",
    "cache run": "what is done is the command's own doing, and kept",
    "cache put": "the same answer again takes the place of the same answer",
    "cache invalidate": "what is gone is gone, and asked for again it finds nothing left to do",
    "cache expire": "what is over is over, and asked for again it finds nothing left to do",
    "cache clear": "what is empty stays empty",
    "cleanup cache": "what was done is done, and asked for again it finds nothing left to do",
    "lock run": "what is done is the command's own doing, which no lock can tell done from not done",
    "store init": "it makes what is missing, and asked for again it finds nothing missing",
    "store migrate": "what has been migrated has been",
    "store copy": "what is there already is not copied again",
    "store import": "what is there already is not taken in again",
    "store freeze": "what is frozen stays so",
    "store unfreeze": "what is not frozen stays so",
    "store moved": "what has moved has moved",
    "hook": "its input carries the client's own ids, and a hook's exit 0 is no acknowledgement",
    "hook install": "it puts in what is missing, and asked for again it finds nothing missing",
    "hook uninstall": "it takes out what is there, and asked for again it finds nothing there",
}
WITHOUT_FORMAT = {
    "agent run": "its output is that of the command it runs",
    "config schema": "a JSON Schema is JSON",
    "schema": "a JSON Schema is JSON",
    "names": "for completions: a name a line, and nothing else ever",
    "cache run": "its output is that of the command it runs",
    "lock run": "its output is that of the command it runs",
    "hook": "its output is what the client defines",
    "hook statusline": "its output is what the client shows",
}
REMOVES = {
    "doctor", "events repair", "state delete", "state recover", "checkpoint restore", "checkpoint delete",
    "cleanup run", "cleanup optimize", "lock break", "cache clear", "cache invalidate", "cache expire",
    "cleanup cache", "cleanup sessions",
    "session delete", "session recover", "task delete",
    "transaction apply", "transaction rollback", "hook install", "hook uninstall",
    "store migrate", "store import", "store copy", "store moved",
    "snapshot load", "store export", "store clear", "archive run", "archive restore",
}  # fmt: skip
"""What removes or overwrites something that no undo brings back, or more than its caller named."""
TWICE = {
    "config set": "config set lock_timeout=9",
    "config unset": "config unset lock_timeout",
    "snapshot save": "snapshot save",
    "snapshot load": "snapshot load",
    "state save": """state save demo '{"step": 9}'""",
    "state set": "state set demo step=9",
    "state patch": """state patch demo '{"step": 9}'""",
    "state undo": "state undo demo",
    "state redo": "state redo demo",
    "state complete": "state complete demo",
    "state reopen": "state reopen demo",
    "state delete": "state delete demo --yes",
    "state recover": "state recover demo --yes --from demo-checkpoint-before-refactoring",
    "events log": "events log demo note",
    "checkpoint create": "checkpoint create demo",
    "checkpoint restore": "checkpoint restore demo before-refactoring",
    "checkpoint delete": "checkpoint delete demo before-refactoring",
    "checkpoint pin": "checkpoint pin demo before-refactoring",
    "checkpoint unpin": "checkpoint unpin demo before-refactoring",
    "session create": "session create demo",
    "session use": "session use work",
    "session end": "session end work",
    "session delete": "session delete work --force",
    "session set": "session set work step=9",
    "session progress": "session progress work 40",
    "session record": "session record work --request why",
    "session recover": "session recover work --force",
    "cleanup run": "cleanup run demo --older-than 0 --keep-last 1",
    "transaction apply": """transaction apply '{"op": "set", "milestone": "demo", "path": "step", "value": 9}'""",
    "transaction rollback": """transaction rollback "$(ls -R .milestones/transactions | grep -o 'txn-[0-9a-f]*' """
    """| sort | head -1)" """,
    "agent register": "agent register builder",
    "agent update": "agent update builder --operations 1",
    "agent retire": "agent retire builder",
    "agent sync": "agent sync --no-wait",
    "agent ack": """agent ack "$(ls .milestones/agents/coordination | grep -o 'sync-[0-9a-f-]*')" --agent builder""",
    "task create": "task create other",
    "task claim": "task claim",
    "task start": "task start t1",
    "task update": "task update t1 --tool x",
    "task log": "task log t1 half",
    "task result": "task result t1 1",
    "task complete": "task complete t1",
    "task fail": "task fail t1",
    "task cancel": "task cancel t1",
    "task release": "task release t1",
    "task delete": "task delete t1",
    "lock acquire": "lock acquire demo",
    "lock release": "lock release demo",
    "lock break": "lock break demo --force",
}
"""A command line of every command that takes a key."""


def takes(path: str, option: str) -> bool:
    return any(option in one.spellings for one in COMMANDS[path].options)


def test_the_tables_here_name_commands_that_there_are() -> None:
    known = {*COMMANDS, "hook"}
    for table in (READS, WITHOUT_KEY, WITHOUT_FORMAT, REMOVES, TWICE):
        assert set(table) <= known


@pytest.mark.parametrize("path", COMMANDS)
def test_what_changes_something_takes_an_idempotency_key(path: str) -> None:
    assert takes(path, "--idempotency-key") != (path in READS or path in WITHOUT_KEY)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_takes_a_format(path: str) -> None:
    assert takes(path, "--format") != (path in WITHOUT_FORMAT)


@pytest.mark.parametrize("path", COMMANDS)
def test_what_removes_or_overwrites_can_be_looked_at_first_and_asks(path: str) -> None:
    assert takes(path, "--dry-run") == takes(path, "--yes") == (path in REMOVES)
    verb = path.rpartition(" ")[2]
    assert path in REMOVES or verb not in {"delete", "remove", "clear", "expire", "break", "restore", "recover"}


@pytest.mark.parametrize("path", [path for path in COMMANDS if takes(path, "--idempotency-key")])
def test_asked_for_twice_it_is_done_once(path: str, tmp_path: Path, home: Path, cli: Cli) -> None:
    prepare(cli, tmp_path, "checkpoint unpin" if path == "checkpoint unpin" else "")
    if "unpin" not in path:
        cli("checkpoint", "create", "demo", "--name", "before-refactoring", check=True)
    before = {
        "state redo": "state undo demo", "state reopen": "state complete demo", "lock release": "lock acquire demo",
        **dict.fromkeys(("agent update", "agent retire", "agent sync"), "agent register builder"),
        "agent ack": "agent register builder > /dev/null; milestone agent sync --no-wait",
        **{path: "task create t1 more" for path in TWICE if path.startswith("task ")},
        "task release": "task create t1 more > /dev/null; milestone task claim",
        "lock break": "lock acquire demo", "config unset": "config set lock_timeout=9",
        **dict.fromkeys(
            [f"session {verb}" for verb in ("use", "end", "delete", "set", "progress", "record", "recover")],
            "session create demo --name work",
        ),
    }.get(path, "status demo")  # fmt: skip
    line = f"milestone {TWICE[path]} --idempotency-key once --format json"
    count = "wc -l < .milestones/state/events/milestone-demo.jsonl"
    # Somebody else comes between; a lock is asked for again while it is held.
    between = "milestone lock acquire demo > /dev/null; " if path == "lock break" else ""
    done = run(f"milestone {before} > /dev/null; {line}; {count}; {between}{line}; {count}", tmp_path, home)
    assert done.returncode == 0, done.stderr
    first, lines, second, lines_after = done.stdout.splitlines()
    assert lines == lines_after
    for text in (first, second):
        found = json.loads(text)
        jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    if path == "session end":  # what has ended has ended, under whatever key
        assert (json.loads(first)["changed"], json.loads(second)["changed"]) == (True, False)
    elif path != "state recover":
        assert (json.loads(first)["replayed"], json.loads(second)["replayed"]) == (False, True)


def test_a_key_for_another_request_is_refused(tmp_path: Path, cli: Cli) -> None:
    prepare(cli, tmp_path)
    for name in ("a", "b"):
        cli("checkpoint", "create", "demo", "--name", name, check=True)
    cli("checkpoint", "pin", "demo", "a", "--idempotency-key", "k", check=True)
    for words in (("pin", "demo", "b"), ("unpin", "demo", "a"), ("delete", "demo", "b")):
        done = cli("checkpoint", *words, "--idempotency-key", "k")
        assert (done.returncode, done.stdout) == (4, ""), words
    assert cli("lock", "release", "nobody", "--idempotency-key", "k").returncode == 2
