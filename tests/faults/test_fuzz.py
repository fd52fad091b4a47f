"""Promise 8 for everything that parses: whatever comes in, an answer or a MilestoneError; nothing else, and soon.

The short form bends the seeds at random, always in the same way; `fuzz.py` is guided by coverage, for hours.
"""

import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import targets
from seeds import SEEDS

ROUNDS = 120
PIECES = [b"\0", b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\u", b"\\ud800", b"null", b"-", b"1e9", b"\n", b"\xff",
          b"../", b"9" * 30, b"/", b"~1", b"revision", b"data", b"\x1b[31m"]  # fmt: skip


def bent(seed: bytes, dice: random.Random) -> bytes:
    """A seed with a few cuts, doublings and strange pieces."""
    for _ in range(dice.randrange(1, 5)):
        at, end = sorted((dice.randrange(len(seed) + 1), dice.randrange(len(seed) + 1)))
        end = min(end, at + 40)
        middle = dice.choice((b"", seed[at:end] * 2, dice.choice(PIECES), bytes([dice.randrange(256)])))
        seed = seed[:at] + middle + seed[end:]
    return seed[:4000]


def inputs(name: str, rounds: int) -> Iterator[bytes]:
    dice = random.Random(name)
    yield from SEEDS
    for _ in range(rounds):
        yield bent(dice.choice(SEEDS), dice)


@pytest.mark.parametrize("target", targets.TARGETS, ids=lambda target: target.__name__)
def test_bent_seeds_break_no_promise(target: Callable[[bytes], None]) -> None:
    for data in inputs(target.__name__, ROUNDS):
        try:
            target(data)
        except Exception as error:
            error.add_note(f"with {data!r}")
            raise


def fuzz(
    seconds: int, home: Path, script: Path = Path(__file__).parent / "fuzz.py"
) -> "subprocess.CompletedProcess[str]":
    pytest.importorskip("atheris", reason="the extra `fuzz` is not installed")
    words = [sys.executable, str(script), "--seconds", str(seconds), "--corpus", str(home / "corpus")]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_guided_by_coverage_nothing_is_found(tmp_path: Path) -> None:
    done = fuzz(120, tmp_path)
    assert re.search(r"inputs [1-9]\d*, violations 0\n$", done.stdout), done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.slow
def test_the_fuzzer_sees_a_broken_promise(tmp_path: Path) -> None:
    for name in ("fuzz.py", "targets.py", "seeds.py"):
        (tmp_path / name).write_text((Path(__file__).parent / name).read_text())
    with (tmp_path / "targets.py").open("a") as file:
        file.write("\n\nTARGETS[:] = [lambda raw: print(raw.index(b'lock_timeout'))]\n")
    done = fuzz(5, tmp_path, tmp_path / "fuzz.py")
    assert "broken: ValueError" in done.stdout
    assert re.search(r"inputs [1-9]\d*, violations 1\n$", done.stdout), done.stdout + done.stderr
    assert done.returncode == 1
