"""What doctor says of the client: hooks that are not found, found twice, or slow; nothing where there are none."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import BIN, MILESTONE, Cli

from milestone_cli.render.schemas import schema

PATH = f"{BIN}:/usr/bin:/bin"
Say = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def say(cli: Cli, store: Path) -> Say:
    """Examine the store; what is said of the client, by its code."""

    def run(cwd: Path | None = None, **env: str) -> dict[str, dict[str, Any]]:
        done = cli("doctor", "--format", "json", cwd=cwd or store.parent, env={"PATH": PATH} | env)
        found = json.loads(done.stdout)
        jsonschema.validate(found, schema("doctor"))
        of_it = [one for one in found["findings"] if one["check"] == "client"]
        return {one["id"].partition(".")[2]: one for one in of_it}

    return run


def program(folder: Path, text: str) -> str:
    """A folder for the PATH with a program called milestone."""
    folder.mkdir(parents=True)
    (folder / "milestone").write_text(text)
    (folder / "milestone").chmod(0o755)
    return f"{folder}:{PATH}"


def test_nothing_where_nothing_is_installed(say: Say, tmp_path: Path) -> None:
    assert {code: one["severity"] for code, one in say(PATH="/nowhere", PYTHONDONTWRITEBYTECODE="1").items()} == {
        "sound": "ok"
    }


@pytest.mark.parametrize("scope", [["--user"], ["--project"], ["--local"], ["--plugin", "plugin"]])
def test_all_is_well(scope: list[str], say: Say, cli: Cli) -> None:
    cli("hook", "install", *scope, check=True)
    assert list(say()) == ["sound"]


def test_no_milestone_on_the_path(say: Say, cli: Cli) -> None:
    cli("hook", "install", check=True)
    assert say(PATH="/usr/bin:/bin")["not_found"]["severity"] == "warning"


def test_installed_twice(say: Say, cli: Cli, home: Path) -> None:
    cli("hook", "install", "--user", check=True)
    local = home.parent / ".claude/settings.local.json"
    local.parent.mkdir()
    local.write_text('{"enabledPlugins": {"milestone@team": true}}')
    assert "milestone@team" in say()["twice"]["message"]


def test_another_version_is_found_first(say: Say, cli: Cli, tmp_path: Path) -> None:
    cli("hook", "install", check=True)
    path = program(tmp_path / "old", f"#!{sys.executable}\nprint('milestone 0.0.1')\n")
    assert "0.0.1" in say(PATH=path)["other_version"]["message"]
    path = program(tmp_path / "broken", f"#!{sys.executable}\nraise SystemExit(3)\n")
    assert "unknown" in say(PATH=path)["other_version"]["message"]
    path = program(tmp_path / "gone", "#!/no/such/interpreter\n")
    assert "unknown" in say(PATH=path)["other_version"]["message"]
    path = program(tmp_path / "endless", "#!/bin/sh\nyes milestone\n")
    assert "unknown" in say(PATH=path)["other_version"]["message"]


def test_started_below_the_project(say: Say, cli: Cli, store: Path) -> None:
    inside = store.parent / "src"
    inside.mkdir()
    cli("hook", "install", "--project", check=True)
    assert say(inside)["below"]["severity"] == "note"
    assert say(inside, CLAUDE_PROJECT_DIR=str(inside))["below"]["severity"] == "warning"
    assert list(say(inside, CLAUDE_PROJECT_DIR=str(store.parent))) == ["sound"]
    cli("hook", "install", "--user", check=True)
    assert list(say(inside)) == ["sound"]


def test_slow_starts(say: Say, cli: Cli, tmp_path: Path) -> None:
    cli("hook", "install", check=True)
    assert say(PYTHONDONTWRITEBYTECODE="1")["no_bytecode"]["severity"] == "warning"
    shim = program(tmp_path / ".pyenv/shims", f'#!/usr/bin/env bash\nexec "{MILESTONE}" "$@"\n')
    assert set(say(PATH=shim)) == {"shim"}
    old = MILESTONE.read_text().replace("\nimport sys\n", "\nimport re\nimport sys\n", 1)
    assert set(say(PATH=program(tmp_path / "old", old))) == {"old_launcher"}
    empty = tmp_path / "no-bytecode"
    empty.write_text("")
    assert "no_bytecode" in say(PYTHONPYCACHEPREFIX=str(empty / "x"))


def test_settings_that_the_client_would_not_take(say: Say, store: Path) -> None:
    path = store.parent / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text("{,}")
    assert say()["settings"]["subject"] == str(path)
