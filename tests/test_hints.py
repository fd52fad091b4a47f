"""What is said when something does not work leads on: every hint here was followed by somebody whom it led nowhere."""

import json
import re
from pathlib import Path

import pytest
from conftest import Cli

pytestmark = pytest.mark.usefixtures("store")


def hint(cli: Cli, *words: str, code: int, env: "dict[str, str] | None" = None) -> str:
    """The hint of a command that fails."""
    done = cli(*words, env=env)
    assert done.returncode == code, done.stderr
    found = re.search(r"hint: (.*)", str(done.stderr))
    return found[1] if found else ""


def test_a_milestone_of_which_nothing_was_saved_is_not_told_that_it_is_there(cli: Cli) -> None:
    cli("init", "alpha", check=True)
    for words in (
        ("state", "load"),
        ("state", "get", "x"),
        ("state", "history"),
        ("state", "undo"),
        ("state", "delete"),
    ):
        assert "state save" in hint(cli, words[0], words[1], "alpha", *words[2:], code=3)


def test_an_option_without_its_value_or_in_the_wrong_place_leads_to_the_commands_own_help(cli: Cli) -> None:
    assert "`milestone state load --help`" in hint(cli, "state", "load", "--format", code=2)
    assert "`milestone session create --help`" in hint(cli, "session", "create", "--type", code=2)
    assert "-- goes before" in hint(cli, "lock", "run", "demo", "ls", "-l", code=2)
    assert "`milestone lock run --help`" in hint(cli, "lock", "run", "demo", "--timeout", "1", "--", "true", code=2)


def test_what_waits_without_success_says_where_its_cursor_is(cli: Cli) -> None:
    cli("state", "save", "demo", "{}", check=True)
    words = ("wait", "demo", "--event", "never", "--timeout", "0.1")
    assert "--format json" in hint(cli, *words, code=7)
    assert json.loads(cli(*words, "--format", "json").stderr)["details"]["cursor"]


def test_an_editor_that_fails_is_no_interruption(cli: Cli) -> None:
    assert "--editor" in hint(cli, "config", "edit", env={"EDITOR": "false"}, code=1)


def test_a_result_that_cannot_be_written_names_its_file(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "{}", check=True)
    done = cli("events", "timeline", "demo", "-o", "/proc/out.json")
    assert done.returncode == 8
    assert "'/proc/out.json' cannot be written" in done.stderr
    assert "store" not in done.stderr


def test_a_session_whose_checkpoints_are_damaged_says_so(cli: Cli, store: Path) -> None:
    session = cli("session", "create", check=True).stdout.strip()
    (store / f"state/sessions/{session}/checkpoints/initialization/checkpoint.yaml").write_text("")
    done = cli("session", "recover", session, "--dry-run")
    assert (done.returncode, "'initialization'" in done.stderr) == (6, True), done.stderr


def test_doctor_sees_a_damaged_record_of_a_transaction(cli: Cli, store: Path) -> None:
    line = '{"op": "set", "milestone": "demo", "path": "n", "value": 1}\n'
    cli("transaction", "apply", "-", input=line, check=True)
    (record,) = (store / "transactions/committed").iterdir()
    record.write_text("{")
    done = cli("doctor", "--fail-on", "warning", "--format", "json")
    found = {one["id"]: one["message"] for one in json.loads(done.stdout)["findings"]}
    assert (done.returncode, record.stem in found["records.transaction_damaged"]) == (6, True), found


def test_hooks_of_a_plugin_are_taken_out_as_the_hint_says(cli: Cli) -> None:
    cli("hook", "install", "--plugin", "own", check=True)
    told = hint(cli, "hook", "install", "--project", code=4)
    words = re.search(r"`milestone (hook uninstall.*)`", told)
    assert words, told
    cli(*words[1].split(), check=True)
    cli("hook", "install", "--project", check=True)


def test_a_session_of_a_milestone_that_is_new_says_so(cli: Cli) -> None:
    assert "'dmeo' is new" in cli("session", "create", "dmeo", check=True).stderr
    assert cli("session", "create", "demo", check=True).stderr == ""


def test_what_is_wrong_in_a_file_is_no_matter_of_the_shells_quotes(cli: Cli, store: Path) -> None:
    assert "quote" in hint(cli, "state", "save", "demo", "{n: 1}".replace("{", ""), code=5)
    settings = store.parent / ".claude/settings.json"
    settings.parent.mkdir()
    settings.write_text("no JSON")
    assert "quote" not in hint(cli, "hook", "install", "--project", code=5)
    done = cli("events", "log", "demo", "--batch", input="no JSON\n")
    assert (done.returncode, "quote" in done.stderr) == (5, False), done.stderr
