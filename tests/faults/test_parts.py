"""Parts of a log on a disk in trouble: what cannot be opened, synced or linked is told as that, and nothing else."""

import json
from pathlib import Path

import jsonschema
import pytest
from cases import CASES
from conftest import MILESTONE, Cli, clean_environment
from injection import Point, record, require_strace, run_with

from milestone_cli.render.schemas import schema


@pytest.mark.parametrize("file", [".seal", ".jsonl"])
def test_what_cannot_be_opened_is_not_called_damaged(
    file: str, cli: Cli, store: Path, home: Path, tmp_path: Path
) -> None:
    require_strace()
    for _ in range(2):
        lines = (json.dumps({"event_type": "filler", "data": {"n": n}}) for n in range(200))
        cli(
            "events",
            "log",
            "demo",
            "--batch",
            input="\n".join(lines),
            env={"MILESTONE_SEGMENT_SIZE": "16K"},
            check=True,
        )
    cli("events", "verify", "demo", check=True)  # whose bytecode is there from now on
    command, env = [str(MILESTONE), "events", "verify", "demo"], clean_environment(home)
    points = record(command, store.parent, env, tmp_path / "trace")
    point = next(
        one for one in points if one.name == "openat" and ".segments/demo" in one.text and f'{file}"' in one.text
    )
    struck = run_with("error=EMFILE", point, command, store.parent, env, tmp_path / "trace")
    assert struck.struck
    assert struck.code == 8, struck.stderr
    assert "damage" not in struck.stderr
    cli("events", "verify", "demo", check=True)


def test_a_log_that_cannot_be_read_is_not_called_damaged(cli: Cli, store: Path, home: Path, tmp_path: Path) -> None:
    require_strace()
    for name in ("demo", "other"):
        cli("state", "save", name, "{}", check=True)
    env, trace = clean_environment(home), tmp_path / "trace"
    formats = ("json", "text", "junit", "github")
    for form in formats:
        cli("events", "verify", "--all", "--format", form, check=True)  # whose bytecode is there from now on
    commands = {one: [str(MILESTONE), "events", "verify", "--all", "--format", one] for one in formats}
    points = {
        one: next(
            point
            for point in record(command, store.parent, env, trace)
            if point.name == "openat" and '"milestone-demo.jsonl"' in point.text
        )
        for one, command in commands.items()
    }

    def verify(form: str) -> tuple[int, str]:
        struck = run_with("error=EIO", points[form], commands[form], store.parent, env, trace)
        assert struck.struck
        return struck.code, struck.stdout

    code, told = verify("json")
    found = json.loads(told)
    jsonschema.validate(found, schema("verify"))
    assert (code, found["ok"], [one["ok"] for one in found["milestones"]]) == (8, False, [False, True])
    (finding,) = found["milestones"][0]["findings"]
    assert (finding["severity"], finding["code"]) == ("unread", "unreadable_log")
    code, told = verify("text")
    assert (code, told.splitlines()[0]) == (8, "demo: NOT READ")
    code, told = verify("junit")
    assert (code, 'failures="0" errors="1"' in told, "<error type=" in told) == (8, True, True)
    code, told = verify("github")
    assert (code, told.startswith("::error ")) == (8, True)
    log = store / "state/events/milestone-other.jsonl"
    log.write_bytes(log.read_bytes().replace(b"state_saved", b"state_saver"))
    assert verify("json")[0] == 6, "damage is what counts where there are both"


def test_without_hard_links_old_events_stay_and_that_is_said(tmp_path: Path) -> None:
    require_strace()
    case = next(case for case in CASES if case.name == "trim")
    scene = case.template(tmp_path)
    before = scene.run("events", "query", "demo", "--count")
    words = scene.command(*case.command, "--format", "json")
    struck = run_with("error=EPERM+", Point("linkat", 1, 0, ""), words, scene.directory, scene.env, tmp_path / "trace")
    assert struck.code == 9, struck.stderr
    assert json.loads(struck.stdout)["stuck"] == ["demo"]
    assert json.loads(struck.stdout)["removed"] == []
    assert "no hard links" in struck.stderr
    assert int(scene.run("events", "query", "demo", "--count")) == int(before) + 1, "it is logged that it was tried"
    scene.run(*case.command)
    assert int(scene.run("events", "query", "demo", "--count")) < int(before)


def test_what_cannot_be_compressed_is_left_alone_and_that_is_said(tmp_path: Path) -> None:
    require_strace()
    case = next(case for case in CASES if case.name == "optimize")
    scene = case.template(tmp_path)
    words = scene.command(*case.command, "--format", "json")
    points = record(words, (copy := scene.copy(tmp_path / "copy")).directory, copy.env, tmp_path / "trace")
    point = next(one for one in points if one.name == "fsync" and ".optimizing.tmp" in one.text)
    struck = run_with("error=EIO", point, words, scene.directory, scene.env, tmp_path / "trace")
    assert struck.code == 9, struck.stderr
    (left,) = json.loads(struck.stdout)["failed"]
    assert left.endswith(": Input/output error")
