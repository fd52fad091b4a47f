"""Promise 1 under real power cuts, on ext4 and xfs: acknowledged means durable."""

from pathlib import Path

import pytest
from cases import BY_NAME, CASES
from cuts import sweep
from disks import KINDS, require_disk
from injection import require_strace

SAMPLE = [BY_NAME[name] for name in ("save", "log-first", "checkpoint-restore", "session-create")]


@pytest.mark.parametrize("kind", KINDS)
def test_some_power_cuts(kind: str, tmp_path: Path) -> None:
    require_strace()
    require_disk(kind)
    tally = sweep(SAMPLE, kind, 16, tmp_path, jobs=1)
    assert not tally.violations, "\n".join([str(tally), *tally.violations])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_many_power_cuts(kind: str, tmp_path: Path) -> None:
    require_strace()
    require_disk(kind)
    tally = sweep(CASES, kind, 250, tmp_path)
    assert not tally.violations, "\n".join([str(tally), *tally.violations])
