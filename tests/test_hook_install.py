"""`hook install` and `hook uninstall`: real settings, foreign hooks, links, full disks, kills, and many at once."""

import json
import os
import pty
import resource
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from client import Client
from conftest import MILESTONE, Cli, clean_environment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_settings import parsed, texts

from milestone_cli.core.claude import contents
from milestone_cli.render.schemas import schema

USUAL = [event for event, is_usual in contents.EVENTS.items() if is_usual]
THEIRS = b"""{
\t"$schema": "https://json.schemastore.org/claude-code-settings.json",
\t"env":{"TOKEN":"s\\u00e9cret"},  "permissions": { "allow": ["Bash(git *)" ] },
\t"hooks": {
\t\t"PostToolUse": [ {"matcher": "Write|Edit", "hooks": [{"type":"command","command":"./format.sh","timeout":1e1}]} ],
\t\t"Stop": []
\t}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    (path / ".git").mkdir(parents=True)
    return path


@pytest.fixture
def theirs(project: Path) -> Path:
    """Settings of a project, with hooks of others and a form of their own."""
    path = project / ".claude/settings.json"
    path.parent.mkdir()
    path.write_bytes(THEIRS)
    path.chmod(0o640)
    return path


def told(done: "subprocess.CompletedProcess[Any]", code: int = 0) -> dict[str, Any]:
    """The result of a command that was asked for JSON, held against its schema."""
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout if code == 0 else done.stderr)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of everything in a folder, links by what they say."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


def test_foreign_hooks_and_odd_formatting_survive(cli: Cli, project: Path, theirs: Path) -> None:
    before = tree(project)
    found = told(cli("hook", "install", "--project", "--format", "json", cwd=project))
    assert (found["scope"], found["events"], found["dry_run"]) == ("project", USUAL, False)
    assert {one["change"] for one in found["files"]} == {"made", "changed"}
    value = parsed(theirs.read_bytes())
    assert value["hooks"]["PostToolUse"][0] == parsed(THEIRS)["hooks"]["PostToolUse"][0]
    assert all(value["hooks"][event][-1] == contents.group() for event in USUAL)
    assert theirs.stat().st_mode & 0o777 == 0o640
    copy = theirs.with_name("settings.json.before-milestone")
    assert (copy.read_bytes(), copy.stat().st_mode & 0o777) == (THEIRS, 0o640)
    told(cli("hook", "uninstall", "--project", "--format", "json", cwd=project))
    assert tree(project) == before


@pytest.mark.parametrize("scope", ["user", "project", "local"])
def test_from_nothing_and_back(scope: str, cli: Cli, project: Path, home: Path) -> None:
    before = tree(project), tree(home)
    cli("hook", "install", f"--{scope}", "--statusline", cwd=project, check=True)
    name = "settings.local.json" if scope == "local" else "settings.json"
    path = (home if scope == "user" else project) / ".claude" / name
    value = parsed(path.read_bytes())
    assert list(value["hooks"]) == USUAL
    assert value["statusLine"] == {"type": "command", "command": "milestone hook statusline"}
    commands = sorted(one.stem for one in (path.parent / "commands/milestone").glob("*.md"))
    assert commands == ([] if scope == "local" else sorted(contents.COMMANDS))
    cli("hook", "uninstall", f"--{scope}", cwd=project, check=True)
    after = tree(project), {name: one for name, one in tree(home).items() if name != ".claude"}
    assert after == before


def test_yours_is_what_is_meant_when_nothing_is_named(cli: Cli, project: Path, home: Path) -> None:
    assert told(cli("hook", "install", "--format", "json", cwd=project))["scope"] == "user"
    assert Client(project, home).commands("Stop") == ["milestone hook"]
    elsewhere = home / "elsewhere"
    found = told(cli("hook", "install", "--format", "json", cwd=project, env={"CLAUDE_CONFIG_DIR": str(elsewhere)}))
    assert found["path"] == str(elsewhere / "settings.json")


def test_the_project_begins_where_the_client_is_started(cli: Cli, project: Path) -> None:
    inside = project / "src/deep"
    inside.mkdir(parents=True)
    cli("hook", "install", "--project", cwd=inside, check=True)
    assert (project / ".claude/settings.json").exists()
    given = project / "worktree"
    given.mkdir()
    cli("hook", "install", "--local", cwd=inside, env={"CLAUDE_PROJECT_DIR": str(given)}, check=True)
    assert (given / ".claude/settings.local.json").exists()


def test_twice_is_once(cli: Cli, project: Path, theirs: Path) -> None:
    cli("hook", "install", "--project", cwd=project, check=True)
    once, identity = tree(project), theirs.stat()
    found = told(cli("hook", "install", "--project", "--format", "json", cwd=project))
    assert (found["events"], found["files"]) == ([], [])
    assert (tree(project), theirs.stat()) == (once, identity)
    cli("hook", "uninstall", "--project", cwd=project, check=True)
    found = told(cli("hook", "uninstall", "--project", "--format", "json", cwd=project))
    assert (found["events"], found["files"]) == ([], [])


def test_only_the_events_that_are_named(cli: Cli, project: Path, theirs: Path) -> None:
    cli("hook", "install", "--project", "--events", "Stop, SessionStart", cwd=project, check=True)
    value = parsed(theirs.read_bytes())
    assert [event for event in value["hooks"] if value["hooks"][event][-1:] == [contents.group()]] == [
        "Stop", "SessionStart",
    ]  # fmt: skip
    found = told(cli("hook", "install", "--project", "--events", "all", "--format", "json", cwd=project))
    assert sorted([*found["events"], "Stop", "SessionStart"]) == sorted(contents.EVENTS)
    cli("hook", "uninstall", "--project", cwd=project, check=True)
    assert theirs.read_bytes() == THEIRS
    error = told(cli("hook", "install", "--events", "Stopp", "--format", "json", cwd=project), 2)
    assert "PostToolUse" in error["hint"]
    told(cli("hook", "install", "--user", "--local", "--format", "json", cwd=project), 2)


def test_another_status_line_stays(cli: Cli, project: Path) -> None:
    path = project / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text('{"statusLine": {"type": "command", "command": "date"}}')
    found = told(cli("hook", "install", "--project", "--statusline", "--format", "json", cwd=project))
    assert (found["statusline"], len(found["notes"])) == (False, 1)
    assert parsed(path.read_bytes())["statusLine"]["command"] == "date"


def test_a_dry_run_says_the_same_and_does_nothing(cli: Cli, project: Path, theirs: Path, home: Path) -> None:
    for verb in ("install", "uninstall"):
        before = tree(project)
        words = ("hook", verb, "--project", "--format", "json")
        planned = told(cli(*words, "--dry-run", cwd=project))
        assert tree(project) == before
        assert planned == told(cli(*words, cwd=project)) | {"dry_run": True}
    assert theirs.read_bytes() == THEIRS


@pytest.mark.parametrize(("answer", "code"), [("n", 130), ("y", 0)])
def test_at_a_terminal_it_asks(answer: str, code: int, project: Path, theirs: Path, home: Path) -> None:
    before = tree(project)
    main, other = pty.openpty()
    process = subprocess.Popen(
        [MILESTONE, "hook", "install", "--project"], cwd=project, env=clean_environment(home), stdin=other,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.write(main, f"{answer}\n".encode())
    _, said = process.communicate(timeout=60)
    os.close(main)
    os.close(other)
    assert process.returncode == code
    assert b"settings.json" in said
    assert b"Install? [y/N]" in said
    assert (tree(project) == before) == (answer == "n")


BROKEN = [
    b"[]", b'{"a": 1,}', b'{"a": 1} // why', b"{", b"\xff\xfe{\0}\0", b'{"hooks": []}', b'{"hooks": {"Stop": {}}}',
    b'{"a": 1, "a": 2}',
]  # fmt: skip


@pytest.mark.parametrize("raw", BROKEN)
@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_what_is_no_settings_is_left_alone(raw: bytes, verb: str, cli: Cli, project: Path, theirs: Path) -> None:
    theirs.write_bytes(raw)
    before = tree(project)
    error = told(cli("hook", verb, "--project", "--format", "json", cwd=project), 5)
    assert error["code"] in ("invalid_json", "invalid_data")
    assert "settings.json" in error["message"]
    assert tree(project) == before


def test_through_a_link_to_what_manages_it(cli: Cli, project: Path, home: Path) -> None:
    dotfiles = home / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "claude.json").write_bytes(THEIRS)
    (home / ".claude").mkdir()
    link = home / ".claude/settings.json"
    link.symlink_to("../dotfiles/claude.json")
    before = tree(home)
    cli("hook", "install", cwd=project, check=True)
    assert link.is_symlink()
    assert sorted(path.name for path in dotfiles.iterdir()) == ["claude.json"]
    assert Client(project, home).commands("Stop") == ["milestone hook"]
    cli("hook", "uninstall", cwd=project, check=True)
    assert tree(home) == before


def test_a_link_that_leads_nowhere(cli: Cli, project: Path, home: Path) -> None:
    (home / ".claude").mkdir()
    link = home / ".claude/settings.json"
    link.symlink_to(home / "new.json")
    cli("hook", "install", cwd=project, check=True)
    assert link.is_symlink()
    assert parsed((home / "new.json").read_bytes())["hooks"]
    cli("hook", "uninstall", cwd=project, check=True)
    assert (link.is_symlink(), (home / "new.json").exists()) == (True, False)
    link.unlink()
    link.symlink_to(home / "unmounted/settings.json")
    told(cli("hook", "install", "--format", "json", cwd=project), 8)
    assert not (home / "unmounted").exists()
    link.unlink()
    link.symlink_to(link)
    told(cli("hook", "install", "--format", "json", cwd=project), 5)


def test_a_full_disk_leaves_the_old_settings(project: Path, theirs: Path, home: Path) -> None:
    before = tree(project)
    done = subprocess.run(
        [MILESTONE, "hook", "install", "--project"], cwd=project, env=clean_environment(home), capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1200, 1200)), check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 8, done.stderr
    assert theirs.read_bytes() == THEIRS
    assert not [name for name in tree(project) if name.endswith("-tmp")]
    assert {name for name in tree(project) if "commands" not in name} - set(before) <= {
        ".claude/settings.json.before-milestone"
    }


@pytest.mark.parametrize("first", ["--project", "--plugin"])
def test_hooks_and_plugin_together_are_refused(first: str, cli: Cli, project: Path, theirs: Path) -> None:
    plugin = ["--plugin", str(project / "plugin")]
    one, other = (["--project"], plugin) if first == "--project" else (plugin, ["--project"])
    cli("hook", "install", *one, cwd=project, check=True)
    before = tree(project)
    error = told(cli("hook", "install", *other, "--format", "json", cwd=project), 4)
    assert "twice" in error["message"]
    assert tree(project) == before
    cli("hook", "uninstall", *one, cwd=project, check=True)
    cli("hook", "install", *other, cwd=project, check=True)


def test_a_plugin_that_the_client_has_switched_on_is_known(cli: Cli, project: Path, home: Path) -> None:
    (home / ".claude").mkdir()
    (home / ".claude/settings.json").write_text('{"enabledPlugins": {"milestone@team": true, "x@team": true}}')
    error = told(cli("hook", "install", "--local", "--format", "json", cwd=project), 4)
    assert error["details"]["installed"] == ["the plugin milestone@team"]
    (home / ".claude/settings.json").write_text('{"enabledPlugins": {"milestone@team": false}}')
    cli("hook", "install", "--local", cwd=project, check=True)


def test_two_files_of_settings_are_told_of(cli: Cli, project: Path) -> None:
    cli("hook", "install", "--user", cwd=project, check=True)
    assert "once" in cli("hook", "install", "--local", cwd=project, check=True).stdout


def test_an_edited_command_stays(cli: Cli, project: Path) -> None:
    cli("hook", "install", "--project", cwd=project, check=True)
    folder = project / ".claude/commands/milestone"
    edited = (folder / "save.md").read_text() + "\nIn Spanish.\n"
    (folder / "save.md").write_text(edited)
    old = contents.command_file("load").replace("five lines", "six lines")
    (folder / "load.md").write_text(old)
    (folder / "mine.md").write_text("mine")
    found = told(cli("hook", "install", "--project", "--format", "json", cwd=project))
    assert (found["files"], len(found["notes"])) == ([], 2)
    cli("hook", "uninstall", "--project", cwd=project, check=True)
    assert sorted(path.name for path in folder.iterdir()) == ["load.md", "mine.md", "save.md"]
    assert (folder / "save.md").read_text() == edited


def test_another_version_replaces_what_it_wrote_itself(cli: Cli, project: Path) -> None:
    cli("hook", "install", "--project", cwd=project, check=True)
    path = project / ".claude/commands/milestone/load.md"
    ours = path.read_text()
    purpose, arguments, text = contents.COMMANDS["load"]
    from milestone_cli.model import digest

    head = f'description: "older: {purpose}"\nargument-hint: "{arguments}"\n'
    path.write_text(f"---\n{head}{contents.MARK}{digest((head + text).encode())[:16]}\n---\n\n{text}")
    cli("hook", "install", "--project", cwd=project, check=True)
    assert path.read_text() == ours


def test_many_at_once_are_one(project: Path, theirs: Path, home: Path, cli: Cli) -> None:
    events = [["--events", event] for event in ("Stop", "SessionStart", "PreToolUse", "Notification")]
    running = [
        subprocess.Popen(
            [MILESTONE, "hook", "install", "--project", *words], cwd=project, env=clean_environment(home),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for words in (*events, [], *events, [])
    ]  # fmt: skip
    ends = [(process.communicate(timeout=120)[1], process.returncode) for process in running]
    assert [code for _, code in ends] == [0] * len(running), ends
    value = parsed(theirs.read_bytes())
    for event in {*USUAL, "PreToolUse"}:
        assert value["hooks"][event].count(contents.group()) == 1
    cli("hook", "uninstall", "--project", cwd=project, check=True)
    assert theirs.read_bytes() == THEIRS
    assert sorted(tree(project)) == [".claude", ".claude/settings.json", ".git"]


def test_another_program_writes_at_the_same_moment(project: Path, theirs: Path, home: Path, tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    local = theirs.rename(theirs.with_name("settings.local.json"))
    slow = ["-e", "trace=fsync", "-e", "inject=fsync:delay_enter=700000"]
    process = subprocess.Popen(
        ["strace", "-f", "-o", str(tmp_path / "trace"), *slow, str(MILESTONE), "hook", "install", "--local"],
        cwd=project, env=clean_environment(home), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    while process.poll() is None and not list(local.parent.glob(".settings.local.json-*-tmp")):
        time.sleep(0.01)
    local.write_text('{"of": "another"}')
    said = process.communicate(timeout=60)[1]
    assert (process.returncode, local.read_text()) == (4, '{"of": "another"}'), said
    assert not list(local.parent.glob("*-tmp"))


def points(command: list[str], cwd: Path, env: dict[str, str], trace: Path) -> list[tuple[str, int]]:
    """The calls of a command that change files, each by its name and which of that name it is."""
    names = "openat,write,fsync,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,fchmod,rmdir,flock"
    subprocess.run(
        ["strace", "-f", "-o", str(trace), "-e", f"trace={names}", *command], cwd=cwd, env=env, check=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    seen: dict[str, int] = {}
    found = []
    for line in trace.read_text(errors="replace").splitlines():
        name = line.split(maxsplit=1)[1].partition("(")[0] if "(" in line else ""
        if name and name.isidentifier():
            seen[name] = seen.get(name, 0) + 1
            if name != "openat" or "O_CREAT" in line:
                found.append((name, seen[name]))
    return found


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_killed_anywhere_the_settings_are_old_or_new(
    verb: str, project: Path, theirs: Path, home: Path, cli: Cli, tmp_path: Path
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    local = theirs.rename(theirs.with_name("settings.local.json"))  # no slash commands: the settings are what counts
    cli("hook", "install", "--local", cwd=project, check=True)
    new = local.read_bytes()
    if verb == "install":
        cli("hook", "uninstall", "--local", cwd=project, check=True)
    kept = tmp_path / "kept"
    shutil.copytree(project, kept)
    command = [str(MILESTONE), "hook", verb, "--local"]
    env = clean_environment(home)
    struck = 0
    for name, ordinal in points(command, project, env, tmp_path / "trace"):
        shutil.rmtree(project)
        shutil.copytree(kept, project)
        subprocess.run(
            ["strace", "-f", "-o", str(tmp_path / "killed"), "-e", f"trace={name}",
             "-e", f"inject={name}:signal=KILL:when={ordinal}", *command],
            cwd=project, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
        struck += "killed by SIGKILL" in (tmp_path / "killed").read_text(errors="replace")
        assert local.read_bytes() in (THEIRS, new), (name, ordinal)
        cli("hook", "install", "--local", cwd=project, check=True)
        assert local.read_bytes() == new
        cli("hook", "uninstall", "--local", cwd=project, check=True)
        assert sorted(tree(project)) == [".claude", ".claude/settings.local.json", ".git"], (name, ordinal)
        assert local.read_bytes() == THEIRS
    assert struck >= 8, struck


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts(), st.booleans())
def test_any_settings_survive_the_command(cli: Cli, project: Path, raw: bytes, statusline: bool) -> None:
    path = project / ".claude/settings.local.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(raw)
    before = tree(project)
    cli("hook", "install", "--local", *(["--statusline"] if statusline else []), cwd=project, check=True)
    assert contents.group() in parsed(path.read_bytes())["hooks"]["SessionStart"]
    cli("hook", "uninstall", "--local", cwd=project, check=True)
    assert tree(project) == before
