"""What results depend on: the files that patterns mean, and their contents, each read again only when it may differ."""

import fnmatch
import glob
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestone_cli import runtime
from milestone_cli.core.cache import inputs, paths
from milestone_cli.core.cache.inputs import MISSING, SPECIAL, Inputs
from milestone_cli.storage.files.checksums import Checksums
from milestone_cli.storage.files.folders import Folders

TREE = ("x.py", "a/x.py", "a/y.txt", "a/b/z.py", "a/b/c/[w].py", ".h", "a/.hidden/q.py", ".git/config", "a/b/.git/x")
PATTERNS = (
    "**/*.py",
    "*.py",
    "a/**",
    "**",
    "a/b/?.py",
    "a/**/c/*",
    "**/[[]w].py",
    "nope*",
    "**/**/x.py",
    ".h*",
    "a/[xy].*",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in TREE:
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "tree"


@given(st.text("ab-!.", max_size=6), st.text("ab*?[]!-.", max_size=7))
def test_names_match_as_in_a_shell(name: str, pattern: str) -> None:
    assert paths.matches(name, pattern) == fnmatch.fnmatchcase(name, pattern)


def test_patterns_mean_what_they_mean_to_a_shell(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    for pattern in PATTERNS:
        expected = sorted({path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)})
        assert paths.find(pattern, str(tree)) == expected, pattern
        assert paths.find(f"{tree}/{pattern}", "/") == [f"{tree}/{path}" for path in expected], pattern
    assert paths.find("a", str(tree)) == sorted(name for name in TREE if name.startswith("a/") and ".git" not in name)
    assert paths.find("nope", str(tree)) == ["nope"]  # what is not there yet may come
    assert paths.find(".*", str(tree)) == [".h"]
    (tree / "a/b/up").symlink_to(tree / "a")  # a circle
    assert paths.find("**", str(tree)) == sorted(glob_files(tree))
    assert "a/b/up/x.py" not in paths.find("a", str(tree))
    assert paths.find("a/b/u*", str(tree)) == ["a/b/up"]  # it may lead anywhere
    assert paths.find("a/b/up/*.py", str(tree)) == paths.find("a/b/u*/*.py", str(tree)) == ["a/b/up/x.py"]
    first = Inputs(["a/b/u*"], str(tree)).sums()
    (tree / "a/b/up").unlink()
    (tree / "a/b/up").symlink_to(tree / "a/b")
    assert Inputs(["a/b/u*"], str(tree)).sums() != first


def glob_files(tree: Path) -> list[str]:
    return [name for name in TREE if not any(part[0] == "." for part in name.split("/"))]


def test_a_file_is_read_once_and_again_when_it_may_have_changed(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store").mkdir()
    folders = Folders(str(tmp_path / "store"))
    file = tree / "x.py"

    def look() -> tuple[int, str]:
        found = Inputs(["*.py"], str(tree), Checksums(folders))
        ((path, sum_),) = found.files["*.py"]
        assert path == "x.py"
        return found.read[0], sum_

    # Written this very moment: a change could bear the same time, so nothing is remembered.
    reads, first = look()
    assert (reads, look()) == (1, (1, first))
    real = runtime.now_ns
    monkeypatch.setattr(runtime, "now_ns", lambda: real() + inputs.RACY + 10**9)
    assert [look(), look(), look()] == [(1, first), (0, first), (0, first)]
    # Same size, same mtime, same inode, other content: what the kernel alone can set tells.
    before = file.stat()
    file.write_text("y.py")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    reads, second = look()
    assert reads == 1
    assert second != first
    assert look() == (0, second)
    # Another file under its name, with its times.
    other = tree / "other"
    other.write_text("z.py")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)
    reads, third = look()
    assert reads == 1
    assert third not in (first, second)
    # An index that does not prove itself is as good as none, and is replaced.
    (index,) = (tmp_path / "store/cache/checksums").iterdir()
    index.write_bytes(index.read_bytes().replace(third[:20].encode(), first[:20].encode()))
    assert [look(), look()] == [(1, third), (0, third)]
    index.unlink()
    index.mkdir()  # it cannot be written either
    assert [look(), look()] == [(1, third), (1, third)]
    folders.close()


def test_what_has_no_content_is_not_waited_for(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    (tree / "dangling").symlink_to("nowhere")
    found = Inputs(["pipe", "dangling", "nope", "x.py"], str(tree))
    sums = {path: sum_ for files in found.files.values() for path, sum_ in files}
    content = hashlib.sha256(b"x.py").hexdigest()
    assert sums == {"pipe": SPECIAL, "dangling": MISSING, "nope": MISSING, "x.py": content}
    assert found.empty() == ["dangling", "nope"]
    assert found.sums() == Inputs(["x.py", "nope", "pipe", "dangling", "nope"], str(tree)).sums()
    (tree / "nope").write_text("")
    assert found.sums() != Inputs(found.patterns, str(tree)).sums()
