"""The README's way into Claude Code and into CI: its three lines and its workflow run as they are written."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from conftest import BIN, Cli, clean_environment
from ruamel.yaml import YAML
from test_readme import TEXT, blocks

from milestone_cli.render.schemas import schema
from milestone_cli.render.schemas.logs import EVENT
from milestone_cli.render.timelines import RENDERERS

TESTS = Path(__file__).parent
PIPX = '#!/bin/sh\n[ "$*" = "install ." ]\n'  # what is installed is on the PATH already
CLAUDE = """#!{python}
import sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
from client import Client
client = Client(Path.cwd(), Path.home())
for _ in range(10):  # its deadline is short, and this machine may be busy
    if said := "".join(client.tell(sys.argv[1] if sys.argv[1:] else "SessionStart.startup")):
        break
print(said)
client.tell("UserPromptSubmit")
client.tell("PostToolUse.Write")
client.tell("SessionEnd.other")
"""


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def the_block(language: str) -> str:
    (found,) = [text for one, text in blocks() if one == language]
    return found


def test_three_lines_lead_to_a_recorded_session_that_can_be_resumed(tmp_path: Path, home: Path, cli: Cli) -> None:
    lines = the_block("bash").splitlines()
    assert len(lines) == 3
    programs = tmp_path / "programs"
    program(programs, "pipx", PIPX)
    program(programs, "claude", CLAUDE.format(python=sys.executable, tests=str(TESTS)))
    project = home / "project"
    project.mkdir()
    env = clean_environment(home, PATH=f"{programs}:{BIN}:/usr/local/bin:/usr/bin:/bin")
    script = "\n".join(["set -e", *lines, 'milestone state save demo \'{"goal": "Ship it."}\' >&2'])
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Where the work on demo stands" in done.stdout
    again = subprocess.run(
        ["claude", "SessionStart.resume"], cwd=project, env=env, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    context = json.loads(again.stdout.splitlines()[0])["hookSpecificOutput"]["additionalContext"]
    assert "Ship it." in context
    assert "n.txt" in context, "the file that was written in the session before"
    cli("hook", "--deadline", "60", input='{"hook_event_name": "Stop"}', cwd=project)  # does what may still wait
    events = json.loads(cli("events", "query", "demo", "--limit", "0", "--format", "json", cwd=project).stdout)[
        "events"
    ]
    types = [event["event_type"] for event in events]
    for type_ in ("session_created", "prompt_submitted", "tool_used", "session_ended", "session_resumed"):
        assert type_ in types, types
    assert len({event["session_id"] for event in events} - {"no-session"}) == 1


@pytest.mark.parametrize(("source", "code"), [("x = 1\n", 0), ("x = = 1\n", 1)])
def test_the_workflow_runs_as_written(source: str, code: int, tmp_path: Path, home: Path) -> None:
    workflow = YAML(typ="safe").load(the_block("yaml"))
    (job,) = workflow["jobs"].values()
    assert job["runs-on"] == "ubuntu-latest"
    programs, place = tmp_path / "programs", tmp_path / "checkout"
    program(programs, "pipx", PIPX)
    place.mkdir()
    (place / "code.py").write_text(source)
    summary = tmp_path / "summary.md"
    env = clean_environment(home, PATH=f"{programs}:{BIN}:/usr/local/bin:/usr/bin:/bin", GITHUB_RUN_ID="17",
                            GITHUB_SHA="0123abc", GITHUB_STEP_SUMMARY=str(summary), GITHUB_JOB="timeline",
                            **job["env"])  # fmt: skip
    failed = 0
    for step in job["steps"]:
        assert ("run" in step) != ("uses" in step)
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
        elif not failed or step.get("if") == "always()":
            script = tmp_path / "step.sh"  # as the runner does it
            script.write_text(step["run"])
            done = subprocess.run(
                ["bash", "-e", script], cwd=place, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=120, check=False,
            )  # fmt: skip
            failed = failed or done.returncode
            assert done.returncode == 0 or step["name"] == "Test", done.stderr
    assert failed == code
    timeline = json.loads((place / "timeline.json").read_text())
    jsonschema.validate(timeline, schema("timeline"))
    said = {event["event_type"]: event["data"] for event in timeline["events"]}
    assert said["ci_started"] == {"run": "17", "commit": "0123abc"}
    assert said["tests_failed" if code else "tests_passed"] == {"job": "timeline"}
    assert ("### 1 failed" in summary.read_text()) == bool(code)
    assert "`ci_started`" in summary.read_text()
    assert (place / "timeline.html").read_text().lower().startswith("<!doctype html>")


def test_the_keys_of_the_timeline_that_the_text_explains_are_those_of_the_schema() -> None:
    section = TEXT.partition("\n| key |")[2].partition("\n## ")[0]
    told = {key for row in re.findall(r"(?m)^\| (`.*?`) \|", section) for key in re.findall(r"`(\w+)`", row)}
    properties = EVENT["properties"]
    assert isinstance(properties, dict)
    assert told == set(properties)
    assert EVENT["required"] == ["timestamp"]


def test_the_forms_of_the_timeline_that_the_text_explains_are_those_of_the_command() -> None:
    section = TEXT.partition("\n| `--format` |")[2].partition("\n\n")[0]
    told = [form for row in re.findall(r"(?m)^\| (`.*?`) \|", section) for form in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted([*RENDERERS, "text", "json", "jsonl"])
