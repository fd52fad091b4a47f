"""What was done and could not be told: standard output takes nothing, and the failure names what stands."""

import errno
import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import MILESTONE, Cli, clean_environment

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="impossible here: there is no /dev/full")
TEMPORARY = "active/.demo.0123456789abcdef0123.tmp"


def lost(store: Path, home: Path, *words: str) -> dict[str, object]:
    """Run a command whose output goes nowhere; the error that it tells."""
    with FULL.open("w") as nowhere:
        done = subprocess.run(
            [str(MILESTONE), *words, "--format", "json"], cwd=store.parent, env=clean_environment(home), stdout=nowhere,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 8, done.stderr
    told: dict[str, object] = json.loads(done.stderr.splitlines()[-1])
    assert "standard output" in str(told["message"])
    return told


DONE = {
    "state save": ("state", "save", "demo", '{"a": 2}'),
    "store freeze": ("store", "freeze"),
    "store copy": ("store", "copy", ".", "elsewhere"),
    "store clear": ("store", "clear", "--backup", "kept.milestone", "--yes", "--force"),
    "store migrate": ("store", "migrate", "--yes"),
    "store migrate --rollback": ("store", "migrate", "--rollback", "--yes"),
    "store import": ("store", "import", "kept.milestone", "--yes"),
    "hook install": ("hook", "install", "--project"),
    "config set": ("config", "set", "keep_last=3"),
    "cache put": ("cache", "put", "k", "v"),
    "cache clear": ("cache", "clear", "--yes"),
    "cleanup cache": ("cleanup", "cache"),
    "doctor --fix": ("doctor", "--fix", "--yes"),
}

NOTHING = (
    ("state", "load"), ("doctor", "--fix", "--yes"), ("cache", "clear"), ("cache", "invalidate", "k"),
    ("store", "unfreeze"), ("store", "migrate", "--yes"), ("hook", "uninstall", "--project"),
)  # fmt: skip


@pytest.mark.parametrize("what", DONE)
def test_what_was_done_is_named(what: str, cli: Cli, store: Path, home: Path) -> None:
    cli("state", "save", "demo", '{"a": 1}', check=True)
    if what == "store import":
        cli("store", "export", "kept.milestone", check=True)
        cli("store", "clear", "--backup", "other.milestone", "--yes", check=True)
    if what.startswith("store migrate"):
        (store / "format").unlink()
    if what.endswith("--rollback"):
        cli("store", "migrate", "--yes", check=True)
    if what == "doctor --fix":
        (store / "state" / TEMPORARY).write_text("")
    if what in ("cache clear", "cleanup cache"):
        cli("cache", "put", "old", "v", "--ttl", "1ms", check=True)
    told = lost(store, home, *DONE[what])
    assert "applied already" in str(told["message"]), told
    assert told["retryable"] is False
    details = told["details"]
    assert isinstance(details, dict)
    assert details["applied"]


def test_marks_are_named_both_ways(cli: Cli, store: Path, home: Path) -> None:
    cli("store", "freeze", check=True)
    assert "the mark" in str(lost(store, home, "store", "unfreeze")["message"])
    cli("store", "copy", ".", "elsewhere", check=True)
    assert "the mark" in str(lost(store, home, "store", "moved", ".", "elsewhere", "--yes")["message"])


def test_the_removal_of_hooks_is_named(cli: Cli, store: Path, home: Path) -> None:
    cli("hook", "install", "--project", check=True)
    assert "the hooks" in str(lost(store, home, "hook", "uninstall", "--project")["message"])


def test_where_nothing_was_done_nothing_is_named(cli: Cli, store: Path, home: Path) -> None:
    cli("state", "save", "demo", '{"a": 1}', check=True)
    for words in NOTHING:
        told = lost(store, home, *words)
        assert "applied" not in str(told["message"]), told
        assert os.strerror(errno.ENOSPC) in str(told["message"])
