"""The suite can see: each defect that is put into the program is caught, and the program itself passes every check."""

import subprocess
from pathlib import Path

import pytest
from checks import CHECKS, scene
from injection import require_strace
from mutations import MUTATIONS, Mutation, apply, copied
from scenes import Program

QUICK = ("torn tail", "living holder", "tail cut off", "exclusive files", "backups", "short write", "one key")
"""Checks that pass, so that what they catch is the defect; of the others the rest of the suite shows it."""


@pytest.fixture(autouse=True)
def _strace() -> None:
    require_strace()


def found(check: str, program: Program, directory: Path) -> list[str]:
    """What a check finds; that the store is too broken even to be measured counts as found."""
    try:
        return CHECKS[check](program, directory)
    except (AssertionError, subprocess.TimeoutExpired) as problem:
        return [str(problem)]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_defect_is_caught(mutation: Mutation, tmp_path: Path) -> None:
    program = apply(mutation, tmp_path / "copy")
    plain = scene(program, tmp_path / "plain")  # it works where nothing goes wrong, so the check catches the defect
    plain.run("state", "load", "demo")
    assert found(mutation.check, program, tmp_path / "store"), f"nobody noticed: {mutation.name}"
    print("tried 1")


@pytest.mark.parametrize(
    "check", [check if check in QUICK else pytest.param(check, marks=pytest.mark.slow) for check in CHECKS]
)
def test_the_program_itself_passes(check: str, tmp_path: Path) -> None:
    assert found(check, copied(tmp_path / "copy"), tmp_path / "store") == []


def test_there_are_twenty_and_each_has_a_name() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 20
    assert {mutation.check for mutation in MUTATIONS} == set(CHECKS)
