"""Promises 1, 4 and 7: killed or failing at any system call, a command leaves old or new; the next one repairs.

The short form tries a sample of each command's points, `-m slow` all of them; so does `python -m tests.faults`.
"""

from pathlib import Path

import pytest
from cases import CASES, Case
from injection import require_strace
from sweeps import errors, every, kills


@pytest.fixture(autouse=True)
def _strace() -> None:
    require_strace()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_killed_or_failing_at_some_system_calls(case: Case, tmp_path: Path) -> None:
    few, fewer = 307 * case.sparse, 997 * case.sparse
    tally = every([case], lambda sound: kills(sound)[2::few] + errors(sound)[5::fewer], tmp_path, "points", jobs=1)
    assert not tally.violations, "\n".join([str(tally), *tally.violations])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_killed_at_every_system_call(case: Case, tmp_path: Path) -> None:
    tally = every([case], kills, tmp_path, "kill points", jobs=1)
    assert not tally.violations, "\n".join([str(tally), *tally.violations])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_call_fails_in_every_way(case: Case, tmp_path: Path) -> None:
    tally = every([case], errors, tmp_path, "errors", jobs=1)
    assert not tally.violations, "\n".join([str(tally), *tally.violations])
