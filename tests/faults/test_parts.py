"""Parts of a log on a disk in trouble: what cannot be opened, synced or linked is told as that, and nothing else."""

import json
from pathlib import Path

import pytest
from cases import CASES
from conftest import MILESTONE, Cli, clean_environment
from injection import Point, record, require_strace, run_with


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
