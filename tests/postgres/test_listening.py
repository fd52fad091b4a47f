"""Followers of a store in PostgreSQL are woken by the server, whatever happens to the connection or to the server."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from postgres_server import Server, need_binaries

sys.path.insert(0, str(Path(__file__).parent.parent))

from test_follow import Follower, numbers

from milestone_cli.core import events
from milestone_cli.storage.postgres import PostgresStore


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that this test may stop; where its user can reach it, and not below pytest's folders."""
    need_binaries()
    folder = Path(tempfile.mkdtemp(prefix="milestone-tests-server-"))
    folder.chmod(0o755)
    made = Server(folder / "own")
    made.create()
    made.start()
    yield made
    try:
        made.stop("immediate")
    except (RuntimeError, FileNotFoundError):
        pass  # killed, and not started again
    shutil.rmtree(folder)


def log(store: Any, number: int) -> None:
    events.log(store, "demo", [("tick", b'{"n": %d}' % number)])


def test_nothing_is_lost_when_connection_and_server_go(server: Server, cli: Cli, home: Path, tmp_path: Path) -> None:
    url = server.local("postgres", "team")
    cli("init", "demo", env={"MILESTONE_STORE": url}, check=True)
    store = PostgresStore(url)
    log(store, 0)
    follower = Follower(home, tmp_path, "demo", "--type", "tick", MILESTONE_STORE=url)
    every = Follower(home, tmp_path, "--all", "--type", "tick", MILESTONE_STORE=url)
    both = (follower, every)
    for one in both:
        one.take(1)
    backends = "FROM pg_stat_activity WHERE query <> '' AND application_name = 'milestone' AND pid <> pg_backend_pid()"
    delays = []
    for number in range(1, 6):
        log(store, number)
        started = time.monotonic()
        follower.take(number + 1)
        delays.append(time.monotonic() - started)
    assert sorted(delays)[2] < 2, delays  # a poll would take ten seconds
    assert server.sql(f"SELECT count(*) {backends} AND state <> 'idle'") == "0"
    assert server.sql(f"SELECT count(*) {backends} AND xact_start IS NOT NULL") == "0"
    server.sql(f"SELECT pg_terminate_backend(pid) {backends}")
    log(store, 6)
    for one in both:
        one.take(7)
    server.stop("fast")
    server.start()
    log(store, 7)
    for one in both:
        one.take(8)
    server.stop("immediate")
    server.start()
    log(store, 8)
    for one in both:
        assert numbers(one.take(9)) == list(range(9))
        assert one.end() == (130, "")
        one.close()


def test_a_lease_that_is_given_back_wakes_who_waits_for_it(postgres_url: str, cli: Cli, tmp_path: Path) -> None:
    env = {"MILESTONE_STORE": postgres_url}
    cli("init", "demo", env=env, check=True)
    store = PostgresStore(postgres_url)
    held = store.locks().hold("deploy", 5)
    waiting = subprocess.Popen(
        [sys.executable, "-m", "milestone_cli", "wait", "--lock", "deploy", "--timeout", "20s", "--format", "json"],
        env={**os.environ, **env}, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    time.sleep(0.5)
    assert waiting.poll() is None
    store.locks().end(held)
    assert json.loads(waiting.communicate(timeout=20)[0])["locks"] == ["deploy"]
