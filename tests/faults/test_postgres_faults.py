"""Faults between commands and a server: killed, stopped, cut off, too slow. Nothing is lost, nothing is done twice."""

import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import MILESTONE, Cli, clean_environment
from postgres_server import ROLE, Server, need_binaries

from milestone_cli.errors import MilestoneError
from milestone_cli.model import Plan
from milestone_cli.storage.postgres import PostgresStore

WORKERS = 6


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own, that may be killed; where its user can reach it, and not below pytest's folders."""
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


class Writers:
    """Writers that go on until they are told to stop, and remember what was acknowledged.

    Attributes:
        acknowledged: what each command that exited with 0 had written.
        failed: exit code and standard error of the others.
    """

    def __init__(self, run: Callable[..., "subprocess.CompletedProcess[str]"], host: str = "") -> None:
        self._run = run
        self._host = host
        self._stop = threading.Event()
        self.acknowledged: list[str] = []
        self.failed: list[tuple[str, int, str]] = []
        self._pool = ThreadPoolExecutor(WORKERS)
        self._futures = [self._pool.submit(self._work, number) for number in range(WORKERS)]

    def _work(self, number: int) -> None:
        step = 0
        while not self._stop.is_set():
            step += 1
            name = f"{self._host}w{number}-{step}"
            words = (
                ["state", "set", "demo", f"{name}=1"]
                if step % 2
                else ["events", "log", "demo", "t", f'{{"n":"{name}"}}']
            )
            done = self._run(*words)
            if done.returncode == 0:
                self.acknowledged.append(name)
            else:
                self.failed.append((name, done.returncode, done.stderr))

    def end(self) -> None:
        self._stop.set()
        for future in self._futures:
            future.result(timeout=120)
        self._pool.shutdown()


def prove(run: Callable[..., "subprocess.CompletedProcess[str]"], writers: Writers, cli: Cli, url: str) -> None:
    """Every acknowledged write is there once, the others at most once, and the log verifies."""
    env = {"MILESTONE_STORE": url}
    cli("events", "verify", "demo", env=env, check=True)
    state = json.loads(cli("state", "load", "demo", env=env, check=True).stdout)
    lines = cli("events", "query", "demo", "--limit", "0", "--format", "jsonl", env=env, check=True).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["sequence_number"] for event in events] == list(range(1, len(events) + 1))
    logged = [event["data"]["n"] for event in events if event["event_type"] == "t"]
    assert len(logged) == len({*logged}), "an event was written twice"
    for name in writers.acknowledged:
        assert name in (state if int(name.partition("-")[2]) % 2 else logged), f"{name} was acknowledged and is lost"
    revisions = [event["data"]["revision"] for event in events if "sha256" in event["data"]]
    assert revisions == list(range(1, len(revisions) + 1))
    assert writers.acknowledged


def command(home: Path, folder: Path, url: str, **env: str) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs commands against a server, away from any store of files."""

    def run(*words: str, prefix: tuple[str, ...] = (), **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*prefix, str(MILESTONE), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            env=clean_environment(home, MILESTONE_STORE=url, **env, **more), cwd=folder, timeout=120,
        )  # fmt: skip

    return run


def test_a_server_killed_under_load_has_every_acknowledged_write(
    server: Server, cli: Cli, home: Path, tmp_path: Path
) -> None:
    url = server.url("postgres")
    run = command(home, tmp_path, url)
    assert run("init", "demo").returncode == 0
    writers = Writers(run)
    for _ in range(2):
        time.sleep(2)
        server.kill()
        time.sleep(0.3)
        server.start()
    time.sleep(2)
    writers.end()
    prove(run, writers, cli, url)
    assert {code for _, code, _ in writers.failed} <= {8}, writers.failed
    assert not (tmp_path / ".milestones").exists(), "nothing falls back to files"


def test_connections_cut_in_the_middle_do_nothing_twice(
    postgres: Server, cli: Cli, home: Path, tmp_path: Path, own_database: str
) -> None:
    url = postgres.url(own_database)
    run = command(home, tmp_path, url)
    assert run("init", "demo").returncode == 0
    writers = Writers(run)
    chance, cut = random.Random(3), 0
    until = time.monotonic() + 6
    while time.monotonic() < until:
        time.sleep(chance.uniform(0.01, 0.08))
        cut += int(postgres.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            f" WHERE datname = '{own_database}' AND pid <> pg_backend_pid() AND application_name = 'milestone'"
        ))  # fmt: skip
    writers.end()
    assert cut > 5
    prove(run, writers, cli, url)
    assert not writers.failed, "what was cut is done again, safely"


class Cable:
    """A cable to the server that breaks, once unless told `times`: what was asked is done, its answer is lost."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._doors = socket.create_server(("127.0.0.1", 0))
        self.port = self._doors.getsockname()[1]
        self.breaks_at = b""
        self.times = 1
        self.broken = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._doors.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._server)) as server:
            is_asked = False
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    try:
                        data = ready.recv(1 << 16)
                    except OSError:
                        return
                    if not data:
                        return
                    if ready is client:
                        is_asked = is_asked or bool(self.breaks_at and self.breaks_at in data)
                    elif is_asked:
                        self.broken += 1
                        if self.broken % self.times == 0:
                            self.breaks_at = b""
                        return
                    (server if ready is client else client).sendall(data)

    def close(self) -> None:
        self._doors.close()


@pytest.fixture
def cable(postgres: Server) -> Iterator[Cable]:
    made = Cable(postgres.port)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("words", "breaks_at"),
    [
        (["state", "set", "demo", "a={}"], b"COMMIT"),
        (["state", "set", "demo", "a={}"], b"milestone.begin_change"),
        (["events", "log", "demo", "t", '{{"n": {}}}'], b"milestone.log"),
        (["checkpoint", "create", "demo", "--name", "c{}"], b"COMMIT"),
        (["state", "set", "demo", "a={}", "--idempotency-key", "k{}"], b"COMMIT"),
        (["init", "new{}"], b"milestone.log"),
    ],
)
def test_what_was_committed_before_its_answer_was_lost_is_not_done_twice(
    words: list[str], breaks_at: bytes, cable: Cable, postgres: Server, home: Path, tmp_path: Path, own_database: str
) -> None:
    url = postgres.url(own_database)
    straight = command(home, tmp_path, url)
    assert straight("init", "demo").returncode == 0
    assert straight("state", "save", "demo", "{}").returncode == 0
    run = command(home, tmp_path, url.replace(f":{postgres.port}/", f":{cable.port}/") + "?sslmode=disable")
    count = "SELECT sum(sequence) FROM milestone.stream"
    before = int(postgres.sql(count, own_database))
    for number in range(3):
        cable.breaks_at = breaks_at
        done = run(*[word.format(number) for word in words])
        assert done.returncode == 0, done.stderr
        assert cable.broken == number + 1, "it broke where it should"
        assert int(postgres.sql(count, own_database)) == before + number + 1
    assert straight("events", "verify", "--all").returncode == 0
    if words[0] == "state":
        assert straight("state", "get", "demo", "a").stdout == "2\n"


@pytest.mark.parametrize(
    ("words", "breaks_at"),
    [(["events", "log", "demo", "t"], b"milestone.log"), (["state", "set", "demo", "a={}"], b"COMMIT"),
     (["checkpoint", "create", "demo", "--name", "c{}"], b"COMMIT")],
)  # fmt: skip
def test_nor_by_a_server_whose_clock_is_behind(
    words: list[str], breaks_at: bytes, cable: Cable, postgres: Server, home: Path, tmp_path: Path, own_database: str
) -> None:
    """One may take the place of another, and a clock that differs from the other's must not hide what was done."""
    url = postgres.url(own_database)
    straight = command(home, tmp_path, url)
    assert straight("store", "init").returncode == 0
    postgres.sql(
        "CREATE OR REPLACE FUNCTION milestone.now_ns() RETURNS bigint LANGUAGE sql VOLATILE AS $$"
        " SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000 - 60000000000 $$",
        own_database,
    )
    assert straight("state", "save", "demo", "{}").returncode == 0
    run = command(home, tmp_path, url.replace(f":{postgres.port}/", f":{cable.port}/") + "?sslmode=disable")
    cable.breaks_at = breaks_at
    done = run(*[word.format(1) for word in words])
    assert (done.returncode, cable.broken) == (0, 1), done.stderr
    assert postgres.sql("SELECT sequence FROM milestone.stream", own_database) == "2"


def test_nor_a_plan_that_logs_nothing(cable: Cable, postgres: Server, own_database: str) -> None:
    url = postgres.url(own_database)
    PostgresStore(url, is_new=True).initialise(None)
    store = PostgresStore(url.replace(f":{postgres.port}/", f":{cable.port}/") + "?sslmode=disable")
    asked = []

    def build() -> Plan:
        asked.append(store.get("agent", "a"))
        plan = Plan("make")
        plan.puts.append(("agent", "a", b"{}\n"))
        return plan

    cable.breaks_at = b"COMMIT"
    assert store.transact([], build, 20) == []
    assert (asked, cable.broken) == ([None], 1)


@pytest.mark.parametrize("breaks_at", [b"milestone.begin_lease", b"COMMIT", b"kind = 'shell'"])
def test_a_lock_is_had_though_the_answer_was_lost(
    breaks_at: bytes, cable: Cable, postgres: Server, home: Path, tmp_path: Path, own_database: str
) -> None:
    url = postgres.url(own_database)
    straight = command(home, tmp_path, url)
    assert straight("init", "demo").returncode == 0
    run = command(home, tmp_path, url.replace(f":{postgres.port}/", f":{cable.port}/") + "?sslmode=disable")
    cable.breaks_at = breaks_at
    done = run("lock", "acquire", "demo", "--format", "json")
    assert (done.returncode, cable.broken) == (0, 1), done.stderr
    shown = json.loads(straight("lock", "show", "demo", "--format", "json").stdout)
    assert (shown["kind"], shown["state"], shown["pid"]) == ("shell", "live", os.getpid())
    assert straight("lock", "release", "demo").returncode == 0


def test_a_lease_that_is_refused_leaves_the_store_usable(postgres: Server, own_database: str) -> None:
    store = PostgresStore(postgres.url(own_database), is_new=True)
    store.initialise(None)
    postgres.sql("ALTER TABLE milestone.lease ADD CHECK (name <> 'no')", own_database)
    with pytest.raises(MilestoneError):
        store.locks().hold("no", 1)
    assert store.milestones() == []
    assert store.transact([], lambda: Plan("look"), 5) == []


def test_a_plan_sees_what_it_has_waited_for_whatever_the_default_isolation(postgres: Server, own_database: str) -> None:
    postgres.sql(f"ALTER DATABASE {own_database} SET default_transaction_isolation = 'repeatable read'")
    first, second = (PostgresStore(postgres.url(own_database), is_new=True) for _ in range(2))
    first.initialise(None)
    second.hello()
    inside, seen = threading.Event(), []

    def make() -> Plan:
        inside.set()
        time.sleep(0.3)
        plan = Plan("make")
        plan.puts.append(("agent", "a", b"{}\n"))
        return plan

    def look() -> Plan:
        seen.append(second.get("agent", "a"))
        return Plan("look")

    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(first.transact, [], make, 10)
        assert inside.wait(10)
        second.transact([], look, 10)
        made.result()
    assert seen == [b"{}\n"]


def test_what_is_only_read_is_asked_for_again_each_time_that_the_connection_breaks(
    cable: Cable, postgres: Server, home: Path, tmp_path: Path, own_database: str
) -> None:
    url = postgres.url(own_database)
    assert command(home, tmp_path, url)("init", "demo").returncode == 0
    run = command(home, tmp_path, url.replace(f":{postgres.port}/", f":{cable.port}/") + "?sslmode=disable")
    cable.breaks_at, cable.times = b"milestone.hello", 3
    done = run("events", "query", "demo")
    assert (done.returncode, cable.broken) == (0, 3), done.stderr


@pytest.mark.parametrize("words", [["state", "set", "demo", "a=1"], ["events", "log", "demo", "t"]])
def test_a_server_that_dies_during_the_commit_and_stays_away_leaves_it_uncertain(
    words: list[str], server: Server, home: Path, tmp_path: Path
) -> None:
    url = server.url("postgres")
    run = command(home, tmp_path, url, PGCONNECT_TIMEOUT="1")
    assert run("init", "demo").returncode == 0
    server.sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON milestone.line DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION slow()"
    )
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(run, *words, "--lock-timeout", "3", "--format", "json")
        until = time.monotonic() + 30
        while server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") != "1":
            assert time.monotonic() < until
        server.kill()
        done = waiting.result()
    assert (done.returncode, told(done)["code"], told(done)["retryable"]) == (8, "uncertain", False)
    assert told(done)["details"]["event_id"].startswith("event-")


def told(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stderr)
    return found


@pytest.mark.parametrize(
    "words", [["state", "load", "demo"], ["state", "set", "demo", "a=1"], ["events", "log", "demo", "t"]]
)
def test_a_server_that_has_vanished_is_exit_8_in_time(
    words: list[str], server: Server, home: Path, tmp_path: Path
) -> None:
    url = server.url("postgres")
    run = command(home, tmp_path, url, MILESTONE_ANSWER_TIMEOUT="1", PGCONNECT_TIMEOUT="2")
    assert run("init", "demo").returncode == 0
    assert run("state", "save", "demo", "{}").returncode == 0
    pid = server.pid()
    os.kill(pid, signal.SIGSTOP)  # its socket still takes connections, and nobody answers
    try:
        began = time.monotonic()
        done = run(*words, "--format", "json")
        assert time.monotonic() - began < 12
        assert (done.returncode, done.stdout, told(done)["code"]) == (8, "", "store_unreachable")
    finally:
        os.kill(pid, signal.SIGCONT)
    server.stop("immediate")
    began = time.monotonic()
    done = run(*words, "--format", "json")
    assert time.monotonic() - began < 12
    assert (done.returncode, done.stdout, told(done)["code"]) == (8, "", "store_unreachable")
    assert not (tmp_path / ".milestones").exists(), "nothing falls back to files"
    server.start()
    assert run(*words).returncode == 0


def test_a_server_that_restarts_is_waited_for(server: Server, home: Path, tmp_path: Path) -> None:
    run = command(home, tmp_path, server.url("postgres"))
    assert run("init", "demo").returncode == 0
    server.stop()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(run, "state", "set", "demo", "a=1")
        time.sleep(0.7)
        server.start()
        done = waiting.result()
    assert done.returncode == 0, done.stderr


def test_a_statement_that_takes_too_long_is_given_up(
    postgres: Server, cli: Cli, home: Path, tmp_path: Path, own_database: str
) -> None:
    url = postgres.url(own_database)
    run = command(home, tmp_path, url)
    assert run("init", "demo").returncode == 0
    holder = subprocess.Popen(
        [str(need_binaries() / "psql"), "-XqAt", "-h", str(postgres.folder), "-p", str(postgres.port), "-U", ROLE,
         own_database],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write("BEGIN; SELECT name FROM milestone.stream FOR UPDATE;\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "demo\n"
    try:
        slow = command(home, tmp_path, url + "?options=-c%20statement_timeout%3D300")
        done = slow("events", "log", "demo", "t", "--format", "json")
        assert (done.returncode, told(done)["code"]) == (8, "store_unreachable")
        assert "statement timeout" in told(done)["message"]
        for words in (["events", "log", "demo", "t"], ["state", "set", "demo", "a=1"]):
            began = time.monotonic()
            done = run(*words, "--lock-timeout", "0.5", "--format", "json")
            assert (done.returncode, told(done)["code"]) == (7, "lock_timeout")
            assert time.monotonic() - began < 5
        assert run("state", "list").returncode == 0, "a reader never waits"
    finally:
        holder.communicate("ROLLBACK;\n", timeout=20)
    assert run("events", "log", "demo", "t").returncode == 0
    assert (
        len(cli("events", "query", "demo", "--format", "jsonl", env={"MILESTONE_STORE": url}).stdout.splitlines()) == 2
    )


def slow_writer(home: Path, folder: Path, url: str, seconds: int) -> "subprocess.Popen[str]":
    """A writer that is inside a change for a while, and says so."""
    script = (
        "import sys, time\n"
        "from milestone_cli.model import Change, Draft\n"
        "from milestone_cli.storage import open_store\n"
        "def edit(old):\n"
        "    print('inside', flush=True)\n"
        "    time.sleep(float(sys.argv[1]))\n"
        "    return b'{\"slow\":1}'\n"
        "open_store().commit(Change('demo', [Draft('state_saved', '{}', 'no-session', 'system')], edit))\n"
    )
    return subprocess.Popen(
        [str(MILESTONE.parent / "python"), "-c", script, str(seconds)], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, env=clean_environment(home, MILESTONE_STORE=url), cwd=folder,
    )  # fmt: skip


def test_a_store_is_frozen_once_the_writers_of_before_have_gone(
    postgres: Server, home: Path, tmp_path: Path, own_database: str
) -> None:
    url = postgres.url(own_database)
    run = command(home, tmp_path, url)
    assert run("init", "demo").returncode == 0
    writer = slow_writer(home, tmp_path, url, 2)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "inside\n"
    assert run("store", "freeze", MILESTONE_LOCK_TIMEOUT="0.3").returncode == 7
    assert run("store", "freeze").returncode == 0
    assert postgres.sql("SELECT revision FROM milestone.stream", own_database) == "1", "it was waited for"
    writer.communicate(timeout=20)
    assert writer.returncode == 0
    late = slow_writer(home, tmp_path, url, 0)
    assert late.communicate(timeout=20)[0] == "", "who comes later is not let in"
    assert late.returncode != 0


def test_a_lock_is_given_once_the_change_under_way_is_done(
    postgres: Server, home: Path, tmp_path: Path, own_database: str
) -> None:
    url = postgres.url(own_database)
    run = command(home, tmp_path, url)
    assert run("init", "demo").returncode == 0
    writer = slow_writer(home, tmp_path, url, 3)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "inside\n"
    assert run("lock", "run", "demo", "--wait", "0.2", "--", "true").returncode == 7
    seen = run("lock", "run", "demo", "--", str(MILESTONE), "state", "get", "demo", "slow")
    assert (seen.returncode, seen.stdout) == (0, "1\n"), "whoever has the lock sees what was written before"
    writer.communicate(timeout=20)


def test_a_writer_that_vanished_inside_a_transaction_stops_nobody_for_long(
    postgres: Server, home: Path, tmp_path: Path, own_database: str
) -> None:
    """A client that lives and says nothing, as one behind a broken network: the server ends its transaction."""
    url = postgres.url(own_database)
    run = command(home, tmp_path, url)
    assert run("init", "demo").returncode == 0
    stuck = slow_writer(home, tmp_path, url, 60)
    try:
        assert stuck.stdout is not None
        assert stuck.stdout.readline() == "inside\n"
        began = time.monotonic()
        done = run("state", "set", "demo", "a=1")
        assert done.returncode == 0, done.stderr
        assert time.monotonic() - began < 25
    finally:
        stuck.kill()
        stuck.communicate()


def test_a_living_shell_is_robbed_by_no_process_of_its_own_machine(
    postgres: Server, home: Path, tmp_path: Path, own_database: str
) -> None:
    run = command(home, tmp_path, postgres.url(own_database))
    assert run("init", "demo").returncode == 0
    environment = clean_environment(home, MILESTONE_STORE=postgres.url(own_database))
    script = f"{MILESTONE} lock acquire demo; while read line; do {MILESTONE} state set demo n=$line; done"
    shell = subprocess.Popen(
        ["bash", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert shell.stdin is not None
    assert shell.stdout is not None
    try:
        assert shell.stdout.readline() == "1\n"
        postgres.sql("UPDATE milestone.lease SET expires = now() - interval '1 hour'", own_database)
        assert run("state", "set", "demo", "a=1", "--lock-timeout", "0.2").returncode == 7
        shell.stdin.write("1\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == "demo: revision 1 set\n"
        left = "SELECT extract(epoch FROM expires - now()) > 500 FROM milestone.lease"
        assert postgres.sql(left, own_database) == "t", "what is done inside renews it"
        # On another machine only the lease counts.
        postgres.sql("UPDATE milestone.lease SET host = 'elsewhere', expires = now() - interval '1s'", own_database)
        assert run("state", "set", "demo", "a=1", "--lock-timeout", "0.2").returncode == 0
        broken = run("events", "query", "demo", "--type", "lock_broken", "--format", "jsonl").stdout
        assert json.loads(broken)["data"]["host"] == "elsewhere"
    finally:
        shell.communicate(timeout=20)


def test_hooks_wait_here_while_the_server_is_away_and_are_told_once_in_order(
    server: Server, home: Path, tmp_path: Path
) -> None:
    url = server.url("postgres")
    run = command(home, tmp_path, url)
    assert run("init", "demo").returncode == 0

    def hook(number: int) -> None:
        call = {
            "session_id": "client-1", "hook_event_name": "PostToolUse", "cwd": str(tmp_path), "tool_name": "Bash",
            "tool_use_id": f"toolu_{number}", "tool_input": {"command": "true"}, "tool_response": {},
        }  # fmt: skip
        done = subprocess.run(
            [str(MILESTONE), "hook"], input=json.dumps(call), capture_output=True, text=True, check=False, timeout=60,
            env=clean_environment(home, MILESTONE_STORE=url), cwd=tmp_path,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (0, "")

    def logged() -> list[str]:
        lines = run("events", "query", "demo", "--limit", "0", "--format", "jsonl").stdout.splitlines()
        return [word for line in lines for number in range(5) if (word := f"toolu_{number}") in line]

    def until_logged(number: int) -> None:
        """A hook has little time: what it has none for waits for the next, and a call may be repeated."""
        until = time.monotonic() + 60
        while f"toolu_{number}" not in logged():
            assert time.monotonic() < until
            hook(number)

    until_logged(0)
    server.stop()
    for number in (1, 2, 3):
        hook(number)
    server.start()
    until_logged(4)
    assert logged() == [f"toolu_{number}" for number in range(5)]
    assert not (tmp_path / ".milestones").exists()


# three hosts


class Hosts:
    """Hosts with a name, an address and a cable each, on one bridge with the server: namespaces of this machine."""

    def __init__(self, tag: str, names: list[str]) -> None:
        self.tag = tag
        self.names = names
        self.bridge = f"mb{tag}"
        self.network = f"10.{random.randrange(64, 200)}.{random.randrange(256)}"

    @property
    def address(self) -> str:
        return f"{self.network}.1"

    def make(self) -> None:
        _ip("link", "add", self.bridge, "type", "bridge")
        _ip("addr", "add", f"{self.address}/24", "dev", self.bridge)
        _ip("link", "set", self.bridge, "up")
        for number, name in enumerate(self.names, 2):
            space, cable = self.space(name), self.cable(name)
            _ip("netns", "add", space)
            _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", cable, "master", self.bridge, "up")
            _ip("-n", space, "addr", "add", f"{self.network}.{number}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "eth0", "up")
            _ip("-n", space, "link", "set", "lo", "up")

    def space(self, name: str) -> str:
        return f"m{self.tag}{name}"

    def cable(self, name: str) -> str:
        return f"v{self.tag}{name}"

    def cut(self, name: str) -> None:
        _ip("link", "set", self.cable(name), "down")

    def mend(self, name: str) -> None:
        _ip("link", "set", self.cable(name), "up")

    def inside(self, name: str) -> tuple[str, ...]:
        """What goes before a command that runs on a host; it has the host's name too."""
        return ("ip", "netns", "exec", self.space(name), "unshare", "--uts", "sh", "-c",
                f'hostname {name} && exec "$@"', "sh")  # fmt: skip

    def remove(self) -> None:
        for name in self.names:
            subprocess.run(["ip", "netns", "del", self.space(name)], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True, check=False)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


@pytest.fixture
def hosts(server: Server) -> Iterator[Hosts]:
    """Three hosts that reach one server."""
    made = Hosts(f"{os.getpid() % 100000:x}", ["a", "b", "c"])
    try:
        try:
            made.make()
            subprocess.run([*made.inside("a"), "true"], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"impossible here: no network namespaces ({error})")
        server.stop()
        server.extra = f"127.0.0.1,{made.address}"
        with (server.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {made.network}.0/24 scram-sha-256\n")
        server.start()
        yield made
    finally:
        made.remove()


def inside(
    hosts: Hosts, run: Callable[..., "subprocess.CompletedProcess[str]"], name: str
) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs commands on a host."""
    return lambda *words: run(*words, prefix=hosts.inside(name))


def test_three_hosts_one_killed_one_partitioned_lose_nothing(
    hosts: Hosts, server: Server, cli: Cli, home: Path, tmp_path: Path
) -> None:
    url = server.url("postgres", host=hosts.address)
    run = command(home, tmp_path, url, PGCONNECT_TIMEOUT="2", MILESTONE_ANSWER_TIMEOUT="2")
    assert run("init", "demo", prefix=hosts.inside("a")).returncode == 0
    each = {name: Writers(inside(hosts, run, name), name) for name in hosts.names}
    time.sleep(3)
    # b's power goes: every process of it is gone in one moment.
    listed = subprocess.run(
        ["ip", "netns", "pids", hosts.space("b")], capture_output=True, text=True, check=True
    ).stdout
    for word in listed.split():
        try:
            os.kill(int(word), signal.SIGKILL)
        except ProcessLookupError:
            pass
    each["b"]._stop.set()
    hosts.cut("c")
    # What c had begun holds its rows for up to ten seconds (`idle_in_transaction_session_timeout`); then a goes on.
    time.sleep(4)
    before = len(each["a"].acknowledged)
    until = time.monotonic() + 60
    while len(each["a"].acknowledged) == before or not each["c"].failed:
        assert time.monotonic() < until, "a goes on while c is cut off, and c is told so"
        time.sleep(0.5)
    hosts.mend("c")
    time.sleep(4)
    for writers in each.values():
        writers.end()
    assert {code for _, code, _ in each["a"].failed + each["c"].failed} <= {7, 8}, each["c"].failed
    env = {"MILESTONE_STORE": server.url("postgres")}
    state = json.loads(cli("state", "load", "demo", env=env, check=True).stdout)
    lines = cli("events", "query", "demo", "--limit", "0", "--format", "jsonl", env=env, check=True).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    logged = [event["data"]["n"] for event in events if event["event_type"] == "t"]
    for writers in each.values():
        for one in writers.acknowledged:
            assert one in (state if int(one.partition("-")[2]) % 2 else logged), f"{one} was acknowledged and is lost"
    assert len(logged) == len({*logged})
    assert [event["sequence_number"] for event in events] == list(range(1, len(events) + 1))
    cli("events", "verify", "demo", env=env, check=True)


def test_a_lease_of_another_host_is_over_when_its_time_is(
    hosts: Hosts, server: Server, home: Path, tmp_path: Path
) -> None:
    url = server.url("postgres", host=hosts.address)
    run = command(home, tmp_path, url, MILESTONE_LEASE="3")
    assert run("init", "demo", prefix=hosts.inside("a")).returncode == 0
    holder = subprocess.Popen(
        [*hosts.inside("b"), str(MILESTONE), "lock", "run", "demo", "--", "sh", "-c", "echo held; sleep 60"],
        env=clean_environment(home, MILESTONE_STORE=url, MILESTONE_LEASE="3"), stdout=subprocess.PIPE, text=True,
        cwd=tmp_path,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        time.sleep(4)  # longer than a lease: it is renewed
        done = run("state", "set", "demo", "a=1", "--lock-timeout", "0.2", "--format", "json", prefix=hosts.inside("a"))
        assert (done.returncode, told(done)["details"]["host"]) == (7, "b")
        shown = run("lock", "show", "demo", "--format", "json", prefix=hosts.inside("a"))
        assert json.loads(shown.stdout)["state"] == "foreign"
        hosts.cut("b")
        began = time.monotonic()
        done = run("state", "set", "demo", "a=1", "--lock-timeout", "30", prefix=hosts.inside("a"))
        assert done.returncode == 0, done.stderr
        assert time.monotonic() - began < 15
        log = run("events", "query", "demo", "--type", "lock_broken", "--format", "jsonl", prefix=hosts.inside("a"))
        assert json.loads(log.stdout)["data"]["host"] == "b"
    finally:
        holder.kill()
        holder.wait()
        if holder.stdout is not None:
            holder.stdout.close()
