"""The package's short cut to its own modules finds what Python finds, and steps back in doubt."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import clean_environment

PACKAGE = Path(sys.modules["conftest"].ROOT) / "milestone_cli"
ASK = """
import sys, milestone_cli.errors as module, milestone_cli.cli as package
spec = module.__spec__
print(type(module.__loader__).__name__, getattr(module, "EDITED", "same"))
print(spec.name, spec.origin == module.__file__, spec.cached == module.__cached__)
print(spec.parent, module.__package__)
print(package.__path__ == [package.__file__[:-12]], package.__package__, package.__spec__.parent)
"""
FACTS = """\
milestone_cli.errors True True
milestone_cli milestone_cli
True milestone_cli.cli milestone_cli.cli
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A copy of the package with fresh bytecode, the directory that holds it."""
    shutil.copytree(PACKAGE, tmp_path / "milestone_cli", ignore=shutil.ignore_patterns("__pycache__"))
    assert ask(tmp_path) == "SourceFileLoader same\n" + FACTS  # Python loads the source, and writes bytecode
    return tmp_path


def ask(place: Path, code: str = ASK, *options: str, at: Path | None = None, **variables: str) -> str:
    environment = clean_environment(place, PYTHONPATH=str(at or place), **variables)
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=place, check=True).stdout


def test_fresh_bytecode_is_found(place: Path) -> None:
    assert ask(place) == "_Loader same\n" + FACTS


@pytest.mark.parametrize("later", [0, 5])
def test_an_edited_source_wins_over_its_bytecode(place: Path, later: int) -> None:
    source = place / "milestone_cli/errors.py"
    before = source.stat()
    text = source.read_text()
    edited = text + "EDITED = 'edited'\n" if not later else text.replace("An", "an", 1) + "EDITED = 'edited'\n"
    source.write_text(edited)
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns + later * 10**9))
    assert ask(place).startswith("SourceFileLoader edited\n")
    assert ask(place).startswith("_Loader edited\n")


def test_bytecode_of_another_time_of_the_same_size_is_not_taken(place: Path) -> None:
    source = place / "milestone_cli/errors.py"
    os.utime(source, (1, 1))
    assert ask(place).startswith("SourceFileLoader same\n")


@pytest.mark.parametrize("damage", [b"", b"x" * 16, b"x" * 400])
def test_damaged_bytecode_is_not_taken(place: Path, damage: bytes) -> None:
    (cached,) = place.glob("milestone_cli/__pycache__/errors.*.pyc")
    cached.write_bytes(damage)
    assert ask(place).startswith("SourceFileLoader same\n")
    assert ask(place).startswith("_Loader same\n")


def test_optimised_bytecode_is_another_file(place: Path) -> None:
    assert ask(place, ASK, "-O") == "SourceFileLoader same\n" + FACTS
    assert ask(place, ASK, "-O") == "_Loader same\n" + FACTS
    assert len([*place.glob("milestone_cli/__pycache__/errors.*.pyc")]) == 2


def test_bytecode_in_another_place_is_left_to_python(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    prefix = str(tmp_path_factory.mktemp("prefix"))
    for _ in range(2):
        assert ask(place, PYTHONPYCACHEPREFIX=prefix) == "SourceFileLoader same\n" + FACTS


def test_an_archive_is_left_to_python(place: Path) -> None:
    archive = place / "m.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in (place / "milestone_cli").rglob("*.py"):
            file.write(path, path.relative_to(place))
    shutil.rmtree(place / "milestone_cli")
    code = "import milestone_cli.errors as m; print(type(m.__loader__).__name__)"
    assert ask(place, code, at=archive) == "zipimporter\n"


def test_the_library_that_looks_at_modules_still_works(place: Path) -> None:
    code = """
import importlib, importlib.resources, importlib.util, inspect
import milestone_cli.errors as module
assert type(module.__loader__).__name__ == "_Loader"
assert "class MilestoneError" in inspect.getsource(module)
assert (importlib.resources.files("milestone_cli.cli") / "compiled.py").is_file()
assert importlib.util.find_spec("milestone_cli.nothing") is None
assert importlib.reload(module) is module
try:
    import milestone_cli.nothing
except ModuleNotFoundError as error:
    print(error)
"""
    assert ask(place, code) == "No module named 'milestone_cli.nothing'\n"


def test_a_module_runs_by_its_name(place: Path) -> None:
    environment = clean_environment(place, PYTHONPATH=str(place))
    command = [sys.executable, "-m", "milestone_cli", "--version"]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=place, check=True)
        assert done.stdout.startswith("milestone ")
