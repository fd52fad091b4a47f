"""A `snapshot watch` whose server goes away: it goes on when that is back, and keeps what it knows when it is not."""

import json
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import MILESTONE, Cli, clean_environment
from postgres_server import Server, need_binaries

from milestone_cli.core.snapshots import document

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that this test may stop; where its user can reach it, and not below pytest's folders."""
    need_binaries()
    with tempfile.TemporaryDirectory(prefix="milestone-snapshots-") as folder:
        Path(folder).chmod(0o755)
        made = Server(Path(folder) / "server")
        made.create()
        made.start()
        made.sql("CREATE DATABASE watched")
        yield made
        if (made.data / "postmaster.pid").exists():
            made.stop("immediate")


def test_it_outlives_its_server(server: Server, cli: Cli, tmp_path: Path, home: Path) -> None:
    there = {"MILESTONE_STORE": server.local("watched", "p"), "MILESTONE_LOCK_TIMEOUT": "2"}
    cli("init", "demo", env=there, check=True)
    cli("task", "create", "first", "a", env=there, check=True)
    words = [str(MILESTONE), "snapshot", "watch", "--interval", "1", "--format", "jsonl"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=clean_environment(home, **there)
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["tasks"] == 1
        server.stop("fast")
        server.start()
        cli("task", "create", "second", "b", env=there, check=True)
        while (told := json.loads(process.stdout.readline()))["tasks"] == 1:
            pass
        assert told["tasks"] == 2
        server.stop("immediate")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 8, "the last save failed, and the exit says so"
        assert b"could not be saved" in process.stderr.read()
    kept = sorted((home / ".local/state/milestone").glob("*/emergency-*.json"))
    assert document.parse(kept[-1].read_bytes()).metrics["total_tasks"] == 2
