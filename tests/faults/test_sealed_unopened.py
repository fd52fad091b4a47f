"""A sealed part that the system does not let anyone open is no damage: it may be whole."""

import json
from pathlib import Path

import pytest
from conftest import MILESTONE, Cli, clean_environment
from injection import record, require_strace, run_with


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
