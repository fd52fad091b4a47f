"""Weeks of use in one store: whatever was done, killed, cleaned up and carried away, everything agrees at the end."""

from pathlib import Path

import played_clock
import pytest
import seasons


@pytest.fixture
def life(tmp_path: Path) -> seasons.Life:
    if not played_clock.LIBRARY:
        pytest.skip("impossible here: there is no libfaketime")
    for name in ("home", "work"):
        (tmp_path / name).mkdir()
    return seasons.Life(tmp_path / "work", tmp_path / "home", seed=11)


def agrees(life: seasons.Life) -> None:
    """Nothing is wrong with the store, and its policy has nothing left to do."""
    found = life.json("doctor", "--fail-on", "warning")
    assert {one["severity"] for one in found["findings"]} <= {"ok", "note"}, found["findings"]
    for milestone in life.milestones():
        assert life.json("cleanup", "plan", milestone)["remove"] == 0, milestone


MILESTONE = (40_000, 20)
"""Bytes and files that a completed milestone keeps at most: the end of its log, and a week's records of clean-ups."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_seventy_two_days(life: seasons.Life) -> None:
    life.begin()
    life.live(72)
    agrees(life)
    told = [f"day {day}: {life.sizes[day - 1]}" for day in (24, 48, 72)]
    print(f"\n{life.commands} commands, {life.kills} kills; bytes and files at the end of", *told)
    weeks = 4  # of each a milestone is left
    for grown, kept in zip(zip(*life.sizes, strict=True), MILESTONE, strict=True):
        assert max(grown[48:]) <= 1.05 * max(grown[24:48]) + weeks * kept, grown
