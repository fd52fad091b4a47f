"""What the client is given works there: hooks in its shell, slash commands, and a plugin by its own layout rules."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from client import SESSION, Client
from conftest import Cli
from hooked import PAYLOADS, payload
from prepared import COMMANDS, prepare, run
from ruamel.yaml import YAML

from milestone_cli.core.claude import contents
from milestone_cli.core.hook.facts import EVENTS

CLIENT_EVENTS = {path.name.partition(".")[0] for path in PAYLOADS.glob("*.json")}
"""The names of events that the real client uses."""
FRONT = {"description", "argument-hint", "allowed-tools", "model", "disable-model-invocation"}
CODE = re.compile(r"(!?)`(milestone[^`]*)`")
RUNS = {
    "load": "demo", "status": "demo", "timeline": "--since '1h ago' --type 'state_*'", "save": "", "checkpoint": "why",
    "restore": "", "handoff": "",
}  # fmt: skip
"""Arguments for each slash command."""


def command(path: Path) -> tuple[dict[str, Any], str]:
    """Head and text of a slash command, as the client reads it."""
    found = re.fullmatch(r"---\n(.*?)\n---\n\n(.*)", path.read_text(), re.DOTALL)
    assert found, path
    return dict(YAML(typ="safe").load(found[1])), found[2]


@pytest.fixture
def client(tmp_path: Path, home: Path, cli: Cli) -> Client:
    """A client in a project with a milestone."""
    project = tmp_path / "project"
    project.mkdir()
    cli("init", "demo", cwd=project, check=True)
    cli("state", "save", "demo", '{"goal": "Ship it.", "next": ["write the tests"]}', cwd=project, check=True)
    return Client(project, home)


def test_every_event_that_is_recorded_can_be_hooked() -> None:
    assert set(contents.EVENTS) == set(EVENTS)
    assert set(contents.EVENTS) <= CLIENT_EVENTS


def test_what_another_event_tells_too_is_not_hooked_unless_asked_for() -> None:
    unusual = {event for event, is_usual in contents.EVENTS.items() if not is_usual}
    assert unusual == {"PreToolUse", "PostToolBatch"}


@pytest.mark.parametrize("scope", ["--user", "--project", "--local"])
def test_from_start_to_end_through_the_very_words_that_were_installed(scope: str, client: Client, cli: Cli) -> None:
    cli("hook", "install", scope, cwd=client.project, check=True)
    exports = client.home / "exports"
    # Its own deadline is short, and this machine may be busy: the same call again is the same call.
    for _ in range(10):
        (said,) = client.tell("SessionStart.startup", env={"CLAUDE_ENV_FILE": str(exports)})
        if said and exports.exists():
            break
    context = json.loads(said)["hookSpecificOutput"]
    assert context["hookEventName"] == "SessionStart"
    assert "Ship it." in context["additionalContext"]
    session = exports.read_text().partition("MILESTONE_SESSION=")[2].strip()
    assert client.tell("UserPromptSubmit") == [""]
    assert client.tell("PostToolUse.Bash") == [""]
    assert client.tell("PreToolUse.Bash") == []
    for _ in range(10):
        (said,) = client.tell("PreCompact.auto")
        if said:
            break
    assert "milestone demo" in said
    client.tell("SessionEnd.other")
    another = json.dumps(payload("SessionStart.fork", session_id="another"))
    cli("hook", "--deadline", "60", input=another, env=client.environment(), cwd=client.project)
    words = ("events", "query", "--session", session, "--limit", "0", "--format", "json")
    done = cli(*words, cwd=client.project, check=True)
    types = [event["event_type"] for event in json.loads(done.stdout)["events"]]
    assert sorted(types) == sorted(
        ["session_created", "prompt_submitted", "tool_used", "checkpoint_created", "session_ended"]
    )
    cli("events", "verify", "--all", cwd=client.project, check=True)
    record = json.loads((client.project / f".milestones/state/sessions/{session}.json").read_text())
    assert record["status"] != "active"
    assert SESSION in record.values()


def test_installed_for_you_and_for_a_project_each_call_comes_once(client: Client, cli: Cli) -> None:
    for scope in ("--user", "--project", "--local"):
        cli("hook", "install", scope, cwd=client.project, check=True)
    assert client.commands("Stop") == ["milestone hook"]


def test_the_plugin_keeps_the_clients_layout(tmp_path: Path, cli: Cli) -> None:
    folder = tmp_path / "plugin"
    cli("hook", "install", "--plugin", str(folder), check=True)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        ".claude-plugin/plugin.json", "hooks/hooks.json", *[f"commands/{name}.md" for name in contents.COMMANDS],
    }  # fmt: skip
    manifest = json.loads((folder / ".claude-plugin/plugin.json").read_text())
    assert manifest["name"] == "milestone"
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", manifest["name"])
    assert manifest["version"] in cli("--version").stdout
    assert set(manifest) <= {"name", "version", "description", "author", "license", "keywords", "homepage"}
    assert isinstance(manifest["author"], dict)
    hooks = json.loads((folder / "hooks/hooks.json").read_text())
    assert set(hooks) == {"hooks"}
    assert set(hooks["hooks"]) <= CLIENT_EVENTS
    for groups in hooks["hooks"].values():
        for group in groups:
            assert set(group) <= {"matcher", "hooks"}
            for hook in group["hooks"]:
                assert (hook["type"], hook["command"]) == ("command", "milestone hook")
                assert isinstance(hook["timeout"], int)
    for name in contents.COMMANDS:
        head, _ = command(folder / f"commands/{name}.md")
        assert set(head) <= FRONT


def test_a_plugin_says_the_same_as_the_settings(client: Client, tmp_path: Path, cli: Cli) -> None:
    cli("hook", "install", "--plugin", str(tmp_path / "plugin"), cwd=client.project, check=True)
    hooks = json.loads((tmp_path / "plugin/hooks/hooks.json").read_text())
    cli("hook", "uninstall", "--plugin", str(tmp_path / "plugin"), cwd=client.project, check=True)
    assert not (tmp_path / "plugin").exists()
    cli("hook", "install", "--project", cwd=client.project, check=True)
    assert client.settings() == [hooks]


def test_a_folder_of_others_is_no_place_for_a_plugin(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin/theirs").write_text("x")
    done = cli("hook", "install", "--plugin", str(tmp_path / "plugin"))
    assert (done.returncode, [path.name for path in (tmp_path / "plugin").iterdir()]) == (4, ["theirs"])
    cli("hook", "uninstall", "--plugin", str(tmp_path / "plugin"), check=True)
    assert (tmp_path / "plugin/theirs").exists()


def test_what_somebody_edited_in_the_plugin_stays(tmp_path: Path, cli: Cli) -> None:
    folder = tmp_path / "plugin"
    words = ("--plugin", str(folder))
    cli("hook", "install", *words, check=True)
    manifest, hooks = folder / ".claude-plugin/plugin.json", folder / "hooks/hooks.json"
    ours = manifest.read_text()
    older = json.loads(ours) | {"version": "0.0.1"}
    manifest.write_text(json.dumps(older))
    cli("hook", "install", *words, check=True)
    assert manifest.read_text() == ours, "another version's is replaced"
    own = {"matcher": "Bash", "hooks": [{"type": "command", "command": "./own.sh"}]}
    value = json.loads(hooks.read_text())
    value["hooks"]["Stop"].append(own)
    hooks.write_text(json.dumps(value))
    manifest.write_text(json.dumps(older | {"homepage": "https://example.org"}))
    assert "stays" in cli("hook", "install", *words, check=True).stdout
    assert json.loads(manifest.read_text())["homepage"]
    cli("hook", "uninstall", *words, check=True)
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"plugin.json", "hooks.json"}
    assert json.loads(hooks.read_text()) == {"hooks": {"Stop": [own]}}
    cli("hook", "install", "--local", cwd=tmp_path, check=True)


def test_a_plugin_has_no_status_line(tmp_path: Path, cli: Cli) -> None:
    done = cli("hook", "install", "--plugin", str(tmp_path / "plugin"), "--statusline")
    assert (done.returncode, (tmp_path / "plugin").exists()) == (2, False)
    assert "milestone hook statusline" in done.stderr


def test_hook_status_shows_no_password(tmp_path: Path, cli: Cli) -> None:
    done = cli("--store", "postgresql://me:hidden@nowhere.invalid/x", "hook", "status", "--format", "json")
    assert "hidden" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", contents.COMMANDS)
def test_a_slash_command_is_one(name: str, client: Client, cli: Cli) -> None:
    cli("hook", "install", "--project", cwd=client.project, check=True)
    head, text = command(client.project / f".claude/commands/milestone/{name}.md")
    assert set(head) <= FRONT
    assert head["allowed-tools"] == "Bash(milestone *)"
    assert head["description"]
    assert isinstance(head["argument-hint"], str)
    assert len(text) < 1200
    prepare(cli, client.project)
    named = CODE.findall(text)
    assert named
    for _, line in named:
        words = line.split()
        assert words[1] in COMMANDS or f"{words[1]} {words[2]}" in COMMANDS, line
    for line in [line for mark, line in named if mark]:
        assert not re.search(r"[;|&<>]", line), "the client would ask, or refuse it"
        done = run(line.replace("$ARGUMENTS", RUNS[name]), client.project, client.home)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout


@pytest.mark.parametrize("name", contents.COMMANDS)
def test_what_a_slash_command_tells_to_run_runs(name: str, client: Client, cli: Cli) -> None:
    prepare(cli, client.project)
    cli("checkpoint", "create", "demo", "--name", "NAME", cwd=client.project, check=True)
    _, _, text = contents.COMMANDS[name]
    for line in [line for mark, line in CODE.findall(text) if not mark]:
        if shlex.split(line)[1:] == ["state", "set"]:
            continue  # the command alone, whose arguments were shown before
        done = run(line, client.project, client.home)
        assert done.returncode == 0, f"{line}\n{done.stderr}"


def test_hook_status_tells_what_is_where(client: Client, tmp_path: Path, cli: Cli) -> None:
    cli("hook", "install", "--project", "--events", "Stop", "--statusline", cwd=client.project, check=True)
    found = _status(cli, client)
    assert found["command"] == {"path": str(Path(client.environment()["PATH"].split(":")[0]) / "milestone"),
                                "version": found["version"]}  # fmt: skip
    user, project, local = found["settings"]
    assert [one["scope"] for one in (user, project, local)] == ["user", "project", "local"]
    assert (project["events"], project["statusline"], project["commands"]) == (["Stop"], True, list(contents.COMMANDS))
    assert "SessionStart" in project["missing"]
    assert (user["exists"], local["exists"], found["twice"], found["plugins"]) == (False, False, False, [])
    (client.project / ".claude/settings.local.json").write_text("{")
    (client.home / ".claude").mkdir()
    (client.home / ".claude/settings.json").write_text('{"enabledPlugins": {"milestone@x": true}}')
    (tmp_path / "bin").mkdir()
    other = tmp_path / "bin/milestone"
    other.write_text("#!/bin/sh\necho milestone 0.0.1\n")
    other.chmod(0o755)
    run('milestone hook --deadline 60 <<< "{}"', client.project, client.home)
    found = _status(cli, client, PATH=f"{other.parent}:/usr/bin:/bin")
    assert found["command"] == {"path": str(other), "version": "0.0.1"}
    assert (found["twice"], found["plugins"][0]["name"]) == (True, "milestone@x")
    assert found["settings"][2]["trouble"]
    assert "names no event" in found["problems"][-1]["message"]
    text = cli("hook", "status", cwd=client.project, env={"PATH": "/nowhere"}, check=True).stdout
    assert "no milestone on the PATH" in text


def _status(cli: Cli, client: Client, **env: str) -> dict[str, Any]:
    import jsonschema

    from milestone_cli.render.schemas import schema

    done = cli("hook", "status", "--format", "json", cwd=client.project, env=client.environment() | env, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(found, schema("hook-status"))
    return found
