"""Promise 1 on a disk that loses, reorders and tears whatever was not synced; it notices a missing sync of a folder."""

from pathlib import Path

import pytest
from cases import CASES, Case
from injection import require_strace
from replay import sweep
from sweeps import measure

SAMPLE = ("init", "save-first", "save", "log-first", "batch", "checkpoint-restore", "session-create")


@pytest.mark.parametrize("case", [case for case in CASES if case.name in SAMPLE], ids=lambda case: case.name)
def test_what_a_power_cut_may_leave(case: Case, tmp_path: Path) -> None:
    require_strace()
    tally = sweep(measure(case, tmp_path), tmp_path / "replay", more=1, every=7)
    assert tally.tried
    assert not tally.violations, "\n".join([str(tally), *tally.violations])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_everything_that_a_power_cut_may_leave(case: Case, tmp_path: Path) -> None:
    require_strace()
    tally = sweep(measure(case, tmp_path), tmp_path / "replay", more=10)
    assert not tally.violations, "\n".join([str(tally), *tally.violations])
