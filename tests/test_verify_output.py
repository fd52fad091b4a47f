"""What `events verify` prints in every form, read by what reads it; sessions, several logs, and a bar for long work."""

import json
import os
import pty
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest
from conftest import MILESTONE, Cli, clean_environment
from logs import Log

from milestone_cli.core.log.finding import Finding
from milestone_cli.core.log.proof import prove
from milestone_cli.core.log.verify import Report
from milestone_cli.render import findings
from milestone_cli.render.schemas import schema
from milestone_cli.storage.files import FileStore

LOG = "state/events/milestone-demo.jsonl"
COMMAND = re.compile(r"^::(?P<name>\w+)(?: (?P<properties>[^:]*))?::(?P<data>.*)$")


def annotations(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Workflow commands as the runner of GitHub Actions reads them: ActionCommand.cs, with its escapes undone."""
    found = []
    for line in text.splitlines():
        if match := COMMAND.match(line):
            pairs = dict(pair.split("=", 1) for pair in (match["properties"] or "").split(","))
            for escape, plain in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
                pairs = {name: value.replace(escape, plain) for name, value in pairs.items()}
            data = match["data"].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
            found.append((match["name"], pairs, data))
    return found


def damage(store: Path) -> bytes:
    """Edit the third line of a log; what it was before."""
    log = store / LOG
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], lines[2].replace(b'"k":', b'"j":'), *lines[3:]]))
    return lines[2]


def test_annotations_name_the_file_and_the_line(cli: Cli, store: Path) -> None:
    for _ in range(4):
        cli("events", "log", "demo", "note", '{"k": 1}', check=True)
    assert annotations(cli("events", "verify", "demo", "--format", "github", check=True).stdout) == []
    damage(store)
    done = cli("events", "verify", "demo", "--format", "github")
    ((name, properties, message),) = annotations(done.stdout)
    assert (done.returncode, name) == (6, "error")
    assert properties == {"file": f".milestones/{LOG}", "line": "3", "title": "demo: checksum_mismatch"}
    assert message.startswith("event 3 is not as it was written (line 3, byte ")
    assert done.stdout.splitlines()[-1].startswith("demo: DAMAGED")
    done = cli("events", "verify", "--all", "--format", "github", env={"GITHUB_WORKSPACE": str(store.parent.parent)})
    assert annotations(done.stdout)[0][1]["file"] == f"{store.parent.name}/.milestones/{LOG}"


def test_what_comes_from_outside_escapes_no_form() -> None:
    report = Report("de,mo:x%0A")
    report.findings = [Finding("damage", "a,b", "50 % off\r\n::error::forged, <b>&amp;\x00\x1b]]>\ud800", 3, 9)]
    text = findings.github([report], lambda *_: ("dir,with:odd%/log", 3))
    ((_, properties, message),) = annotations(text)
    assert (properties["file"], properties["title"]) == ("dir,with:odd%/log", "de,mo:x%0A: a,b")
    assert message.startswith("50 % off")
    assert len([line for line in text.splitlines() if line.startswith("::")]) == 1
    root = ET.fromstring(findings.junit([report]).encode())
    assert root[0][0].attrib["name"] == "de,mo:x%0A"
    assert "<b>&amp;" in (root[0][0][0].text or "")


def test_a_report_has_a_test_for_each_log(cli: Cli, store: Path) -> None:
    cli("init", "other", check=True)
    for name in ("demo", "other"):
        for _ in range(3):
            cli("events", "log", name, "note", '{"k": 1}', check=True)
    damage(store)
    done = cli("events", "verify", "--all", "--format", "junit")
    assert done.returncode == 6
    root = ET.fromstring(done.stdout)
    assert root.tag == "testsuites"
    assert [root.attrib[name] for name in ("tests", "failures", "errors")] == ["2", "1", "0"]
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    assert set(cases) == {"demo", "other"}
    (failure,) = cases["demo"].findall("failure")
    assert (failure.attrib["type"], "line 3" in (failure.text or "")) == ("checksum_mismatch", True)
    assert cases["other"].find("failure") is None
    assert "sound" in (cases["other"].findtext("system-out") or "")


def test_all_logs_are_proved_though_one_cannot_be_read(cli: Cli, store: Path) -> None:
    cli("state", "save", "other", "{}", check=True)
    cli("state", "complete", "other", check=True)
    (store / LOG).rename(store / "elsewhere")
    (store / LOG).symlink_to(store / "elsewhere")
    done = cli("events", "verify", "--all", "--format", "json")
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema("verify"))
    assert done.returncode == 6
    assert {one["milestone_id"]: [f["code"] for f in one["findings"]] for one in found["milestones"]} == {
        "demo": ["unreadable_log"],
        "other": [],
    }


def test_a_completed_state_is_proved_like_an_active_one(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", '{"n": 1}', check=True)
    cli("state", "complete", "demo", check=True)
    assert cli("events", "verify", "demo").returncode == 0
    path = store / "state/completed/demo.json"
    path.write_text(path.read_text().replace('"n": 1', '"n": 2'))
    done = cli("events", "verify", "demo")
    assert done.returncode == 0, done.stdout
    assert "changed_outside" in done.stdout


def test_a_sessions_events_are_proved_with_the_log_they_stand_in(cli: Cli, store: Path) -> None:
    made = json.loads(cli("session", "create", "demo", "--format", "json", check=True).stdout)["session_id"]
    for _ in range(2):
        cli("events", "log", "demo", "note", '{"k": 1}', "--session", made, check=True)
    done = cli("events", "verify", "--session", made, "--format", "json", check=True)
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema("verify"))
    (one,) = found["milestones"]
    logged = cli("events", "query", "demo", "--session", made, "--format", "jsonl", check=True).stdout
    assert (one["milestone_id"], one["session_id"]) == ("demo", made)
    assert one["session_events"] == len(logged.splitlines()) > 1
    log = store / LOG
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-2] + lines[-1:]))
    done = cli("events", "verify", "--session", made)
    assert (done.returncode, "events_missing" in done.stdout) == (6, True)


@pytest.mark.parametrize("is_long", [pytest.param(True, marks=pytest.mark.slow), False])
def test_a_bar_for_long_work_at_a_terminal_alone(is_long: bool, tmp_path: Path, home: Path) -> None:
    (tmp_path / ".milestones/state/events").mkdir(parents=True)
    environment = clean_environment(home)
    subprocess.run([str(MILESTONE), "init", "demo"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    log = Log.make(3, states=0)
    for _ in range(70 if is_long else 1):
        log.event("note", json.dumps({"text": "x" * (1 << 20)}))
    (tmp_path / ".milestones" / LOG).write_bytes(b"".join(line + b"\n" for line in log.lines))
    (tmp_path / ".milestones/state/events/milestone-demo.head").unlink()
    words = [str(MILESTONE), "events", "verify", "demo"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    above, below = pty.openpty()
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=below) as process:
        os.close(below)
        shown = b""
        while True:
            try:
                piece = os.read(above, 4096)
            except OSError:  # how a terminal ends
                break
            shown += piece
        os.close(above)
        assert process.stdout is not None
        assert b"sound" in process.stdout.read()
    assert process.returncode == 0
    assert (b"verifying demo [" in shown and b"%" in shown) == is_long
    assert not is_long or shown.endswith(b"\x1b[K")


def test_a_bad_log_is_a_finding_at_a_terminal_too(cli: Cli, store: Path) -> None:
    cli("events", "log", "fine", "e", check=True)
    cli("events", "log", "linked", "e", check=True)
    (store / "state/events/.segments").mkdir(exist_ok=True)
    (store / "state/events/.segments/linked").symlink_to(store)
    opened = FileStore(str(store))
    reports = list(prove(opened, ["linked", "fine"], lambda *_: None, is_every=True))
    opened.close()
    assert {one.milestone: one.ok for one in reports} == {"linked": False, "fine": True}
