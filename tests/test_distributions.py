"""The wheel and the source distribution: what they hold, what they say of themselves, and where a user finds it."""

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path, PurePosixPath

import pytest
from conftest import MILESTONE, ROOT
from prepared import run
from test_readme import TEXT

from milestone_cli import __version__

SHARED = {
    "bash-completion/completions/milestone": "milestone.bash",
    "zsh/site-functions/_milestone": "_milestone",
    "fish/vendor_completions.d/milestone.fish": "milestone.fish",
    "man/man1/milestone.1": "milestone.1",
}
"""What stands under `share`, and the file of `completions` that it is."""
TOP = {"milestone_cli", "tests", "completions", "README.md", "CHANGELOG.md", "pyproject.toml", ".github"}
ADDED = {"PKG-INFO", ".gitignore"}
"""What the builder puts into a source distribution."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both, made as an installer makes them."""
    folder = tmp_path_factory.mktemp("dist")
    words = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def members(built: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Files of the wheel and of the source distribution, the latter below its one folder."""
    with zipfile.ZipFile(built / f"milestone_cli-{__version__}-py3-none-any.whl") as wheel:
        of_wheel = {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(built / f"milestone_cli-{__version__}.tar.gz") as source:
        of_source = {one.name.partition("/")[2]: file.read() for one in source if (file := source.extractfile(one))}
    return of_wheel, of_source


def metadata(of_wheel: dict[str, bytes]) -> Message:
    return email.message_from_bytes(of_wheel[f"milestone_cli-{__version__}.dist-info/METADATA"])


def test_they_hold_what_they_should_and_no_more(built: Path) -> None:
    of_wheel, of_source = members(built)
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "milestone_cli").rglob("*") if path.is_file()]
    package = {name for name in files if not re.search(r"/(__pycache__|\.)", name)}
    assert "milestone_cli/py.typed" in package
    parts = {name for name in of_wheel if not name.startswith("milestone_cli/")}
    assert of_wheel.keys() - parts == package
    data, info = f"milestone_cli-{__version__}.data/data/share/", f"milestone_cli-{__version__}.dist-info/"
    assert {name.removeprefix(data) for name in parts if name.startswith(data)} == set(SHARED)
    for place, name in SHARED.items():
        assert of_wheel[data + place] == (ROOT / "completions" / name).read_bytes()
    rest = {name.removeprefix(info) for name in parts if not name.startswith(data)}
    assert rest == {"METADATA", "WHEEL", "RECORD", "entry_points.txt"}

    assert {PurePosixPath(name).parts[0] for name in of_source} == TOP | ADDED
    assert {name for name in of_source if name.startswith("milestone_cli/")} == package
    assert {name for name in of_source if name.startswith(".github")} == {".github/timeline.svg"}
    for name in of_source:
        assert not re.search(r"__pycache__|\.pyc$|\.orig$|_cache/|\.hypothesis|\.milestones/", name), name
        assert name in ADDED or (ROOT / name).is_file(), name
    for path in [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "tests").rglob("conftest.py")]:
        assert str(path.relative_to(ROOT)) in of_source


def test_one_version_everywhere(built: Path) -> None:
    said = metadata(members(built)[0])
    assert said["Version"] == __version__
    (newest, *_) = re.findall(r"(?m)^## (\S+) \(\d{4}-\d\d-\d\d\)$", (ROOT / "CHANGELOG.md").read_text())
    assert newest == __version__
    manual = (ROOT / "completions" / "milestone.1").read_text()
    assert f'"milestone {__version__}"' in manual.splitlines()[1]


def test_what_a_project_page_shows(built: Path) -> None:
    said = metadata(members(built)[0])
    assert said["Name"] == "milestone-cli"
    assert said["License-Expression"] == "MIT"
    assert said["Requires-Python"] == ">=3.11"
    assert said["Description-Content-Type"] == "text/markdown"
    page = said.get_payload(decode=True)
    assert isinstance(page, bytes)
    assert page.decode().strip() == TEXT.strip()
    classifiers = said.get_all("Classifier") or []
    assert {"Typing :: Typed", "Operating System :: POSIX :: Linux", "Operating System :: MacOS"} <= set(classifiers)
    assert classifiers == sorted(classifiers)
    assert not [one for one in classifiers if one.startswith("License")]  # the expression has taken their place


def test_completions_and_the_manual_are_found_as_the_readme_says(built: Path, tmp_path: Path, home: Path) -> None:
    of_wheel, _ = members(built)
    prefix = tmp_path / "prefix"
    for place in SHARED:
        file = prefix / "share" / place
        file.parent.mkdir(parents=True)
        file.write_bytes(of_wheel[f"milestone_cli-{__version__}.data/data/share/{place}"])
    (prefix / "bin").mkdir()
    (prefix / "bin" / "milestone").write_text(f'#!/bin/sh\nexec {MILESTONE} "$@"\n')
    (prefix / "bin" / "milestone").chmod(0o755)
    (home / ".local" / "bin").mkdir(parents=True)
    (home / ".local" / "bin" / "milestone").symlink_to(prefix / "bin" / "milestone")  # as uv does it
    section = TEXT.partition("\n## Completions and the manual\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"(?ms)^```shell\n(.*?)^```$", section)
    for path in (f"{prefix}/bin", f"{home}/.local/bin"):
        done = run(f'set -e\nPATH="{path}:$PATH"\n{block}', tmp_path, home)
        assert done.returncode == 0, done.stderr
        zsh = re.fullmatch(r"fpath\+=\('(.*)'\)\n", done.stdout)
        assert zsh
        assert Path(zsh[1], "_milestone").is_file()
    for place in (
        ".local/share/bash-completion/completions/milestone",
        ".config/fish/completions/milestone.fish",
        ".local/share/man/man1/milestone.1",
    ):
        assert (home / place).read_bytes() in of_wheel.values()
    if shutil.which("man") and shutil.which("manpath"):
        found = run(f'PATH="{home}/.local/bin:$PATH" man -w milestone', tmp_path, home)
        assert Path(found.stdout.strip()).resolve() == (prefix / "share/man/man1/milestone.1").resolve(), found.stderr
