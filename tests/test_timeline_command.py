"""`events timeline` through the command: every form, of one milestone and of all, filtered, and into a file."""

import json
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import MILESTONE, Cli, clean_environment

from milestone_cli.render.schemas import schema

FORMS = ("text", "json", "jsonl", "markdown", "mermaid", "html", "trace", "svg")
FIRST = {
    "text": "Timeline of demo\n", "json": '{"schema":', "jsonl": '{"timestamp":', "markdown": "## Timeline of `demo`\n",
    "mermaid": "%%{init:", "html": "<!doctype html>", "trace": '{"traceEvents":[\n', "svg": "<svg",
}  # fmt: skip


@pytest.fixture
def busy(cli: Cli, tmp_path: Path) -> Path:
    """Two milestones at work in turns, with a failure, a checkpoint, tools that took time, and two agents."""
    cli("init", "demo", check=True)
    cli("init", "other", check=True)
    cli("state", "save", "demo", '{"step": 1}', check=True)
    for number in range(3):
        name = ("other", "demo")[number % 2]
        events = [
            {"event_type": "tool_used", "data": {"tool": "Bash", "target": "make", "duration_ms": 1500, "n": number}},
            {"event_type": "tests_failed", "data": {"failed": number}},
        ]
        batch = "\n".join(map(json.dumps, events))
        cli("events", "log", name, "--batch", "--agent", f"builder-{number % 2}", input=batch, check=True)
    cli("checkpoint", "create", "demo", "--name", "kept", check=True)
    return tmp_path


def timeline(cli: Cli, *words: str) -> list[dict[str, Any]]:
    found = json.loads(cli("events", "timeline", *words, "--format", "json", check=True).stdout)
    jsonschema.validate(found, schema("timeline"))
    return found["events"]  # type: ignore[no-any-return]


@pytest.mark.usefixtures("busy")
def test_every_form_tells_of_every_event(cli: Cli, tmp_path: Path) -> None:
    events = timeline(cli, "demo")
    assert [event["sequence_number"] for event in events] == list(range(1, 6))
    for form in FORMS:
        done = cli("events", "timeline", "demo", "--format", form, check=True)
        assert done.stdout.lower().startswith(FIRST[form].lower()), form
        assert done.stderr == ""
        for said in {"mermaid": ["kept"], "svg": ["builder-1"]}.get(form, ["tests_failed", "checkpoint_created"]):
            assert said in done.stdout, form
        into = cli("events", "timeline", "demo", "--format", form, "-o", f"t.{form}", check=True)
        assert into.stdout == ""
        written = (tmp_path / f"t.{form}").read_bytes()
        assert into.stderr == f"milestone: wrote t.{form}: {len(written)} bytes\n"
        if form not in ("trace", "html", "svg"):  # these say when they were made
            assert written.decode() == done.stdout
    lines = cli("events", "timeline", "demo", "--format", "jsonl", check=True).stdout.splitlines()
    assert [json.loads(line) for line in lines] == events


@pytest.mark.usefixtures("busy")
def test_all_milestones_come_by_time_and_in_each_by_number(cli: Cli) -> None:
    events = timeline(cli, "--all")
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    assert [event["milestone_id"] for event in events] == ["demo", "other", "demo"] + ["other"] * 2 + ["demo"] * 2 + [
        "other", "other", "demo",
    ]  # fmt: skip
    for name in ("demo", "other"):
        assert [event for event in events if event["milestone_id"] == name] == timeline(cli, name)
    assert timeline(cli, "--all", "--limit", "3") == events[-3:]
    assert timeline(cli, "--all", "--type", "tests_*") == [e for e in events if e["event_type"] == "tests_failed"]
    text = cli("events", "timeline", "--all", check=True).stdout.splitlines()
    assert text[0] == "Timeline of all milestones"
    shown = [line for line in text[1:] if line and line[0] != "="]
    assert [line.split()[2] for line in shown] == [event["milestone_id"] for event in events]
    trace = json.loads(cli("events", "timeline", "--all", "--format", "trace", check=True).stdout)["traceEvents"]
    assert [one["args"]["name"] for one in trace if one["name"] == "process_name"] == ["demo", "other"]
    refused = cli("events", "timeline", "demo", "--all")
    assert refused.returncode == 2


@pytest.mark.usefixtures("busy")
def test_filters_are_those_of_a_query(cli: Cli) -> None:
    everything = timeline(cli, "demo")
    moment = everything[2]["timestamp"]
    for words in (
        ["--type", "tests_failed"], ["--type", "t*", "--type", "state_*"], ["--agent", "builder-1"],
        ["--session", "no-session"], ["--text", "make"], ["--where", "n=1"], ["--where", "tool"],
        ["--since", moment], ["--until", moment], ["--from", "2", "--to", "3"], ["--limit", "2"],
        ["--limit", "1", "--type", "tool_used"], ["--type", "nothing"],
    ):  # fmt: skip
        limit = [] if "--limit" in words else ["--limit", "0"]
        asked = cli("events", "query", "demo", *words, *limit, "--format", "json", check=True).stdout
        found = timeline(cli, "demo", *words)
        assert found == json.loads(asked)["events"], words
        assert len(found) < len(everything) or words[0] == "--session", words
    none = cli("events", "timeline", "demo", "--type", "nothing", "--format", "markdown", check=True).stdout
    assert "No events." in none
    assert cli("events", "timeline", "none").returncode == 3
    assert cli("events", "timeline", "demo", "--since", "whenever").returncode == 5


def test_many_milestones_side_by_side_need_few_open_files(store: Path, tmp_path: Path, home: Path) -> None:
    log = store / "state/events/milestone-demo.jsonl"
    times = [f"2026-11-21T12:00:{second:02d}.000000Z" for second in range(3)]
    for number in range(60):
        log.with_name(f"milestone-m{number}.jsonl").write_text(
            "".join(
                json.dumps({"timestamp": time, "milestone_id": f"m{number}", "event_type": "n", "data": {}}) + "\n"
                for time in times
            )
        )
    script = f"ulimit -n 24; exec {MILESTONE} events timeline --all --type n --format json"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=clean_environment(home), capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert [event["timestamp"] for event in json.loads(done.stdout)["events"]] == [t for t in times for _ in range(60)]


def test_a_store_without_events_has_every_form(cli: Cli) -> None:
    cli("init", check=True)
    assert timeline(cli, "--all") == []
    for form in FORMS:
        assert cli("events", "timeline", "--all", "--format", form, check=True).returncode == 0


@pytest.mark.usefixtures("busy")
def test_a_file_of_before_is_replaced_and_nothing_else_is(cli: Cli, tmp_path: Path) -> None:
    report, other = tmp_path / "report.txt", tmp_path / "other.txt"
    report.write_text("before")
    report.chmod(0o640)
    os.link(report, other)
    (tmp_path / "folder").mkdir()
    os.symlink(report, tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(os.listdir(tmp_path))
    cli("events", "timeline", "demo", "-o", "report.txt", check=True)
    assert report.read_text() == cli("events", "timeline", "demo", check=True).stdout
    assert stat.S_IMODE(report.stat().st_mode) == 0o640
    assert other.read_text() == "before", "another name of the old file"
    for path in (
        "folder",
        "folder/",
        "link",
        "pipe",
        "no/such",
        "report.txt/x",
        ".",
        "..",
        "",
        "/dev/null",
        "/dev/stdout",
    ):
        refused = cli("events", "timeline", "demo", "--output", path)
        assert refused.returncode == 2, path
        assert "hint:" in refused.stderr
    assert sorted(os.listdir(tmp_path)) == before
    assert os.listdir(tmp_path / "folder") == []
    assert Path("/dev/null").is_char_device()


@pytest.mark.usefixtures("busy")
def test_what_cannot_be_written_leaves_the_file_of_before(tmp_path: Path, home: Path) -> None:
    (tmp_path / "report.json").write_text("before")
    script = f"trap '' XFSZ; ulimit -f 0; exec {MILESTONE} events timeline demo --format json -o report.json"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=clean_environment(home), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode not in (0, -signal.SIGXFSZ), done.stderr
    assert done.stdout == ""
    assert (tmp_path / "report.json").read_text() == "before"
    assert not list(tmp_path.glob("*.tmp")) + list(tmp_path.glob(".milestone-*"))


@pytest.mark.usefixtures("busy")
def test_a_reader_that_leaves_early_is_no_failure_of_a_form(tmp_path: Path, home: Path) -> None:
    for form in FORMS:
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(
            [str(MILESTONE), "events", "timeline", "demo", "--format", form], cwd=tmp_path, stdout=theirs.fileno(),
            stderr=subprocess.PIPE, env=clean_environment(home),
        )  # fmt: skip
        ours.close()
        theirs.close()
        assert b"unexpected" not in process.communicate(timeout=60)[1], form
