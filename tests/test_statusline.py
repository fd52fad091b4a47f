"""The status line: one narrow row, for whatever the client says, in whatever state the store is."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import MILESTONE, Cli, clean_environment
from hooked import CLIENT, Hooks
from test_budget import MORE, require_valgrind

RAW = (Path(__file__).parent / "payloads/StatusLine.json").read_text()
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def said(cli: Cli, place: Path, env: dict[str, str] | None = None, **changes: Any) -> str:
    """The row for a client in a folder, without colour."""
    told = json.loads(RAW) | {"cwd": str(place), "workspace": {"current_dir": str(place), "project_dir": str(place)}}
    done = cli("hook", "statusline", input=json.dumps(told | changes), cwd=place, env={"NO_COLOR": "1"} | (env or {}))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n")
    assert done.stdout.count("\n") == 1
    return str(done.stdout[:-1])


def save(cli: Cli, place: Path, state: object) -> None:
    cli("state", "save", "demo", json.dumps(state), cwd=place, check=True)


def test_milestone_progress_checkpoint_and_context(store: Path, cli: Cli) -> None:
    place = store.parent
    assert said(cli, place) == "demo · no state yet · checkpoint none · context 0 %"
    save(cli, place, {"progress": 0.25})
    cli("checkpoint", "create", "demo", "--name", "early", cwd=place, check=True)
    late = os.stat(store).st_mtime - 7200
    for path in (store / "state/backups").iterdir():
        os.utime(path, (late, late))
    assert said(cli, place, context_window={"used_percentage": 42.7}) == (
        "demo · 25 % · checkpoint 2h ago · context 42 %"
    )
    counted = {"used_percentage": None, "context_window_size": 1000, "total_input_tokens": 310}
    assert said(cli, place, context_window=counted).endswith(" · context 31 %")
    assert said(cli, place, context_window={}).endswith(" ago")


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ({"progress": 60}, "60 %"),
        ({"progress": 1}, "1 %"),
        ({"progress": "halfway"}, "halfway"),
        ({"step": 3, "steps": 7}, "step 3/7"),
        ({"step": 3, "steps": [1, 2]}, "step 3/2"),
        ({"step": "tests"}, "step tests"),
        ({"done": ["a"], "next": ["b", "c"]}, "1/3 done"),
        ({"phase": "review"}, "review"),
        ({"status": "x" * 300}, "x" * 23 + "…"),
        ({"progress": True, "status": "a\nb\x1b[31m"}, "a\\nb\\x1b[31m"),
        ([1, 2], "revision 1"),
        ({"progress": 1e300}, "revision 1"),
    ],
)
def test_how_far_it_is_in_a_word(state: object, word: str, store: Path, cli: Cli) -> None:
    save(cli, store.parent, state)
    assert said(cli, store.parent).split(" · ")[1] == word


def test_the_milestone_of_the_clients_session(store: Path, cli: Cli, home: Path) -> None:
    place = store.parent
    Hooks(cli, place, home).call("SessionStart.startup", session_id=CLIENT)
    cli("init", "other", cwd=place, check=True)
    assert said(cli, place, session_id=CLIENT).startswith("demo · ")
    assert said(cli, place, session_id="unknown") == "2 milestones · context 0 %"
    assert said(cli, place, session_id="../x", env={"MILESTONE_ID": "other"}).startswith("other · ")


def test_found_from_below_and_elsewhere(store: Path, cli: Cli, home: Path) -> None:
    inside = store.parent / "src"
    inside.mkdir()
    where = {"project_dir": str(inside), "current_dir": "/"}
    assert said(cli, home, workspace=where).startswith("demo · ")


def test_without_a_store_it_says_so(cli: Cli, home: Path) -> None:
    assert said(cli, home) == "no milestone · context 0 %"


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"context_window": 1}', b'{"workspace": [1]}', b'{"cwd": 5}',
            b'{"context_window": {"used_percentage": 1e999}}', b'{"session_id": "\\ud800"}', b"[" * 100_000,
            b'{"x": "' + b"y" * 5_000_000 + b'"}'],
    ids=range(12),
)  # fmt: skip
def test_whatever_comes_it_prints_one_row(raw: bytes, store: Path, cli: Cli) -> None:
    done = cli("hook", "statusline", input=raw, cwd=store.parent)
    assert (done.returncode, done.stderr, done.stdout.count(b"\n")) == (0, b"", 1)


def test_a_broken_store_breaks_no_row(store: Path, cli: Cli) -> None:
    place = store.parent
    save(cli, place, {"progress": "fine"})
    (store / "state/active/demo.json").write_text("{ torn")
    assert said(cli, place).split(" · ")[:2] == ["demo", "DAMAGED"]
    (store / "state/active/demo.json").unlink()
    (store / "state/active/demo.json").mkdir()
    assert said(cli, place)
    (store / "VERSION").write_text("99\n")
    assert said(cli, place)


def test_it_is_never_wider_than_there_is_room(cli: Cli, tmp_path: Path) -> None:
    name = "m" * 100
    cli("init", name, cwd=tmp_path, check=True)
    cli("state", "save", name, '{"progress": "語語語語語語語語語語語語語語語語語語語語"}', cwd=tmp_path, check=True)
    for width in (5, 20, 40, 60, 80):
        row = said(cli, tmp_path, env={"COLUMNS": str(width)})
        assert 0 < len(row) <= width
    assert len(said(cli, tmp_path)) <= 80


def test_colour_unless_it_is_not_wanted(store: Path, cli: Cli) -> None:
    def coloured(*words: str, percent: int = 95, **env: str) -> str:
        told = json.dumps({"context_window": {"used_percentage": percent}})
        return str(cli(*words, "hook", "statusline", input=told, cwd=store.parent, env=env).stdout)

    assert "\x1b[31mcontext 95 %\x1b[0m" in coloured()
    assert "\x1b[35mcontext 80 %\x1b[0m" in coloured(percent=80)
    plain = COLOUR.sub("", coloured())
    assert coloured(NO_COLOR="1") == coloured("--no-color") == coloured(TERM="dumb") == plain


def instructions(command: list[str], place: Path, home: Path) -> int:
    """Instructions of one run that is given a payload, by cachegrind."""
    done = subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *command],
        cwd=place, env=clean_environment(home, PYTHONHASHSEED="0"), input=RAW.replace("/home/user/project", str(place)),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    assert found, done.stderr
    return int(found[1].replace(",", ""))


@pytest.mark.slow
def test_instructions(store: Path, cli: Cli, home: Path) -> None:
    origin = importlib.metadata.distribution("milestone-cli").read_text("direct_url.json") or "{}"
    if json.loads(origin).get("dir_info", {}).get("editable"):
        pytest.skip("impossible here: installed in editable form, and the wheel is what has a budget")
    require_valgrind()
    place = store.parent
    save(cli, place, {"progress": 0.5, "filler": "x" * 900})
    cli("checkpoint", "create", "demo", cwd=place, check=True)
    assert said(cli, place).startswith("demo · 50 %")
    more = instructions([str(MILESTONE), "hook", "statusline"], place, home)
    more -= instructions([sys.executable, "-c", "pass"], place, home)
    assert more <= MORE, f"{more / 1e6:.2f} M over bare Python"
