"""Stores that the command wrote when the format was frozen: every later version reads, verifies and appends to them.

`v1` was made by the commands: saves of odd texts, sets, idempotency keys, lines of bash, a torn line, a state
that bash replaced, a batch, a damaged state that was recovered. `v1.json` has the text of every revision.

`v1-segments` has the log of `alpha` in eight sealed parts, four of them compressed, and an empty file behind them; of
`gamma` retention removed the first events, and with them the revisions that have no text in `v1-segments.json`.
"""

import json
import os
import shutil
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
STORES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir() and path.name != "old")


@pytest.fixture(params=STORES)
def golden(request, tmp_path):
    shutil.copytree(GOLDEN / request.param, tmp_path / ".milestones")
    for folder, _, files in os.walk(tmp_path / ".milestones"):
        Path(folder).chmod(0o700)
        for name in files:
            (Path(folder) / name).chmod(0o600)
    return tmp_path, json.loads((GOLDEN / f"{request.param}.json").read_text(encoding="utf-8"))


def test_every_revision_reads_as_it_was(golden, cli):
    place, texts = golden
    for milestone, revisions in texts.items():
        numbers = range(1, len(revisions) + 1) if len(revisions) < 9 else (1, 2, 3, 4, 5, 17, 33, 34, 35)
        for number in numbers:
            loaded = cli("state", "load", milestone, "--revision", str(number), cwd=place)
            text = revisions[number - 1]
            assert (loaded.returncode, loaded.stdout) == ((0, text) if text else (3, "")), (milestone, number)
        assert cli("state", "load", milestone, cwd=place).stdout == revisions[-1]


def test_it_verifies_before_and_after_the_next_change(golden, cli):
    place, texts = golden
    assert cli("events", "verify", "--all", cwd=place).returncode == 0
    for milestone, revisions in texts.items():
        before = (place / f".milestones/state/events/milestone-{milestone}.jsonl").read_bytes()
        saved = cli("state", "save", milestone, '{"later": true}', "--format", "json", cwd=place)
        assert json.loads(saved.stdout)["revision"] == len(revisions) + 1
        after = (place / f".milestones/state/events/milestone-{milestone}.jsonl").read_bytes()
        assert after.startswith(before)
        assert "log_anchored" not in after[len(before) :].decode()
    assert cli("events", "verify", "--all", cwd=place).returncode == 0


def test_a_key_of_then_is_known_now(golden, cli):
    place, _ = golden
    again = cli("state", "set", "alpha", "list.2=third", "--idempotency-key", "key-1", "--format", "json", cwd=place)
    assert json.loads(again.stdout)["replayed"] is True
