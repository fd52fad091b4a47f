"""Promises 1, 4 and 7: killed or failing at any system call, a command leaves old or new; the next one repairs.

The short form tries a sample of each command's points, `-m slow` all of them; so does `python -m tests.faults`.
"""

from pathlib import Path

import pytest
from cases import CASES, Case
from injection import Point, mutating_part, require_strace
from sweeps import errors, every, kills


@pytest.fixture(autouse=True)
def _strace() -> None:
    require_strace()


def test_what_the_allocator_asks_for_is_no_point() -> None:
    """It does so in one run and not in the next: such a point would be missed, which counts as a failure."""
    told = [
        'execve("milestone")', "brk(NULL)", 'openat(AT_FDCWD</tmp>, ".milestones")', "brk(0x55d1)",
        "mmap(NULL, 262144, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)", "munmap(0x7f, 4096)",
        "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</tmp/.milestones/log>, 0)", "madvise(0x7f, 4096, MADV_DONTNEED)",
        'write(1</dev/null>, "done")',
    ]  # fmt: skip
    points = [Point(text.partition("(")[0], 1, index, text) for index, text in enumerate(told)]
    assert [point.index for point in mutating_part(points, spread=1)] == [2, 6, 8]


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
