"""Copies of whole stores: byte for byte in every direction, gone on with when killed, never onto other work."""

import hashlib
import json
import os
import pty
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import MILESTONE, Cli, clean_environment
from postgres_server import Server

from milestone_cli.core import state
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Change, Draft, Plan
from milestone_cli.render.schemas import schema
from milestone_cli.storage import open_store
from milestone_cli.storage.contract import Side
from milestone_cli.storage.files import FileStore
from milestone_cli.storage.sides import open_side


def contents(name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Checksums of all documents and all logs of a store, taken from the store itself."""
    side = open_side(name)
    documents = {"/".join(place): _sha((side.document(*place) or (b"", 0))[0]) for place in side.documents()}
    return documents, {name: _sha(whole(side, name)) for name in side.logs()}


def whole(side: Side, name: str) -> bytes:
    return b"".join(block for _, block in side.scan(name, 0, side.logs()[name][0]))


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def copy(cli: Cli, *words: str, code: int = 0) -> dict[str, Any]:
    """Run a copy; its JSON output or its JSON error."""
    done = cli("store", "copy", *words, "--format", "json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stderr if code else done.stdout)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


@pytest.fixture
def source(store: Path, cli: Cli) -> Path:
    """A store with something of every kind, and lines that are not ours."""
    cli("state", "save", "demo", '{"price": 1.10, "big": 1180591620717411303424, "é": "\\u0000"}', check=True)
    for number in range(5):
        cli("state", "set", "demo", f"n={number}", "--idempotency-key", f"key-{number}", check=True)
    cli("checkpoint", "create", "demo", "--name", "kept", check=True)
    cli("checkpoint", "pin", "demo", "kept", check=True)
    cli("session", "create", "--no-milestone", "--name", "talk", check=True)
    cli("session", "progress", "talk", "40", check=True)
    cli("session", "create", "demo", check=True)
    cli("agent", "register", "builder", check=True)
    cli("agent", "heartbeat", "builder", check=True)
    cli("agent", "sync", "--no-wait", check=True)
    cli("agent", "monitor", "--looks", "1", check=True)
    cli("state", "save", "other", "[]", check=True)
    cli("state", "complete", "other", check=True)
    with (store / "state/events/milestone-demo.jsonl").open("ab") as log:
        log.write(
            b'{"timestamp":"2026-01-01T00:00:00Z","milestone_id":"demo","event_type":"bash","data":{"x": 1.10}}\n'
        )
        log.write(b"\xff\xfe no text \x00\n\n")
    cli("events", "log", "demo", "last", '{"a": 1}', check=True)
    (store / "config.yaml").write_text("# kept\nlock_timeout: 7\n")
    return store


def test_there_and_back_every_byte_is_the_same(source: Path, cli: Cli, postgres_url: str, tmp_path: Path) -> None:
    there = copy(cli, str(source), postgres_url)
    assert there["logs"] == 3
    assert contents(postgres_url) == contents(str(source))
    for words in (["state", "load"], ["state", "load", "--revision", "3"], ["events", "query", "--limit", "0"]):
        mine = cli(*words, "demo", check=True, env={"MILESTONE_STORE": postgres_url})
        assert mine.stdout == cli(*words, "demo", check=True).stdout
    back = tmp_path / "back"
    copy(cli, postgres_url, str(back))
    assert contents(str(back)) == contents(str(source))
    assert (back / ".milestones/config.yaml").read_text() == "# kept\nlock_timeout: 7\n"
    for place in (source, back):
        done = cli("events", "verify", "--all", "--format", "json", cwd=place)
        assert done.returncode == 6, "the line that is no text is damage, here as there"


def test_work_goes_on_where_it_was(source: Path, cli: Cli, postgres_url: str) -> None:
    copy(cli, str(source), postgres_url)
    env = {"MILESTONE_STORE": postgres_url}
    again = cli("state", "set", "demo", "n=4", "--idempotency-key", "key-4", "--format", "json", env=env, check=True)
    assert json.loads(again.stdout)["replayed"] is True
    before = json.loads(cli("status", "demo", "--format", "json", env=env, check=True).stdout)["revision"]
    new = cli("state", "set", "demo", "n=9", "--format", "json", env=env, check=True)
    assert json.loads(new.stdout)["revision"] == before + 1
    assert cli("state", "undo", "demo", env=env).returncode == 0
    assert cli("state", "get", "demo", "n", env=env).stdout == "4\n"
    last = cli("events", "verify", "demo", "--format", "json", env=env)
    codes = [one["code"] for one in json.loads(last.stdout)["milestones"][0]["findings"] if one["severity"] == "damage"]
    assert codes == ["unreadable_line"] * len(codes), codes


def test_between_databases(cli: Cli, store: Path, postgres: Server, postgres_url: str, own_database: str) -> None:
    cli("state", "save", "demo", "1", check=True)
    other = postgres.url(own_database, "moved")
    copy(cli, str(store), postgres_url)
    copy(cli, postgres_url, other)
    assert contents(other) == contents(str(store))


def test_a_second_time_there_is_nothing_to_do_and_a_look_changes_nothing(
    source: Path, cli: Cli, postgres_url: str
) -> None:
    assert copy(cli, str(source), postgres_url, "--dry-run")["dry_run"] is True
    assert cli("store", "info", postgres_url).returncode == 10 or contents(postgres_url) == ({}, {})
    copy(cli, str(source), postgres_url)
    again = copy(cli, str(source), postgres_url)
    assert (again["documents"], again["logs"], again["bytes"]) == (0, 0, 0)


def test_an_earlier_copy_is_brought_up_to_date(source: Path, cli: Cli, postgres_url: str, tmp_path: Path) -> None:
    for target in (postgres_url, str(tmp_path / "files")):
        copy(cli, str(source), target)
        cli("state", "set", "demo", "n=77", check=True)
        cli("checkpoint", "unpin", "demo", "kept", check=True)
        cli("checkpoint", "delete", "demo", "kept", check=True)
        told = copy(cli, str(source), target)
        assert told["removed"] >= 1
        assert contents(target) == contents(str(source))
        cli("checkpoint", "create", "demo", "--name", "kept", check=True)
        cli("checkpoint", "pin", "demo", "kept", check=True)


def test_what_is_no_earlier_copy_is_left_alone(source: Path, cli: Cli, postgres_url: str) -> None:
    copy(cli, str(source), postgres_url)
    cli("state", "set", "demo", "n=here", check=True, env={"MILESTONE_STORE": postgres_url})
    cli("state", "set", "demo", "n=there", check=True)
    before = contents(postgres_url)
    assert copy(cli, str(source), postgres_url, code=4)["code"] == "conflict"
    assert contents(postgres_url) == before
    assert cli("state", "set", "demo", "n=5").returncode == 0, "the source is free again"


def big(cli: Cli, events: int) -> None:
    pad = "x" * 400
    lines = "".join(f'{{"event_type":"t","data":{{"n":{n},"pad":"{pad}"}}}}\n' for n in range(events))
    cli("events", "log", "demo", "--batch", input=lines, check=True)


@pytest.mark.parametrize("direction", ["to the database", "to files"])
def test_killed_in_the_middle_it_is_gone_on_with(
    direction: str, store: Path, cli: Cli, home: Path, postgres_url: str, tmp_path: Path
) -> None:
    big(cli, 20_000)
    cli("state", "save", "demo", "{}", check=True)
    source, target = str(store), postgres_url
    if direction == "to files":
        copy(cli, source, target)
        source, target = target, str(tmp_path / "files")
    chance = random.Random(7)
    killed = 0
    for _ in range(30):
        words = ["--resume"] if killed else []
        process = subprocess.Popen(
            [MILESTONE, "store", "copy", source, target, *words], cwd=tmp_path, env=clean_environment(home),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(chance.uniform(0.1, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode == 0:
            break
        side = open_side(target, is_new=True)
        killed += side.frozen is not None
        if side.frozen is not None:
            assert cli("state", "set", "demo", "a=1", env={"MILESTONE_STORE": target}).returncode == 8
            assert copy(cli, source, target, code=4)["code"] == "conflict"
        if killed == 3:
            break
    assert killed, "it was never killed while it copied"
    copy(cli, source, target, "--resume", "--verify")
    assert contents(target) == contents(source)
    for place in (source, target):
        assert cli("state", "set", "demo", "a=1", env={"MILESTONE_STORE": place}).returncode == 0, "both are free again"


def test_a_source_that_bash_goes_on_writing_fails_the_copy(
    store: Path, cli: Cli, home: Path, postgres_url: str
) -> None:
    big(cli, 20_000)
    log = store / "state/events/milestone-demo.jsonl"
    line = '{"timestamp":"2026-01-01T00:00:00Z","milestone_id":"demo","event_type":"late","data":{}}'
    bash = subprocess.Popen(["bash", "-c", f"while :; do echo '{line}' >> '{log}'; sleep 0.01; done"])
    try:
        told = copy(cli, str(store), postgres_url, code=4)
    finally:
        bash.kill()
        bash.wait()
    assert told["details"]["changed"] == ["the log of 'demo'"]
    assert cli("state", "load", "demo", env={"MILESTONE_STORE": postgres_url}).returncode in (3, 8)
    assert cli("state", "set", "demo", "a=1", env={"MILESTONE_STORE": postgres_url}).returncode == 8
    copy(cli, str(store), postgres_url, "--resume")
    assert contents(postgres_url) == contents(str(store))


def test_a_frozen_store_is_read_and_not_written(source: Path, cli: Cli, postgres_url: str) -> None:
    copy(cli, str(source), postgres_url)
    for name in (str(source), postgres_url):
        env = {"MILESTONE_STORE": name}
        before = contents(name)
        cli("store", "freeze", "--reason", "we move", env=env, check=True)
        for words in (
            ["state", "set", "demo", "n=1"], ["events", "log", "demo", "t"], ["checkpoint", "create", "demo"],
            ["session", "create", "demo"], ["state", "delete", "demo", "--yes"], ["init", "new"],
        ):  # fmt: skip
            done = cli(*words, env=env)
            assert (done.returncode, done.stdout) == (8, "")
            assert "frozen: we move" in done.stderr
        assert cli("state", "get", "demo", "n", env=env, check=True).stdout == "4\n"
        assert contents(name) == before
        again = cli("store", "freeze", "--format", "json", env=env, check=True)
        assert json.loads(again.stdout)["changed"] is False
        cli("store", "unfreeze", env=env, check=True)
        cli("state", "set", "demo", "n=1", env=env, check=True)


def test_who_opened_a_store_before_it_was_frozen_writes_nothing_behind_the_mark(
    source: Path, cli: Cli, postgres_url: str
) -> None:
    """Else a copy, or the store that this one has moved to, would lack what was acknowledged."""
    copy(cli, str(source), postgres_url)
    for name in (str(source), postgres_url):
        env = {"MILESTONE_STORE": name}
        store = open_store(name)
        writers = {
            "state": lambda store=store: state.save(store, "demo", b'{"late": 1}'),
            "event": lambda store=store: store.commit(Change("demo", [Draft("late", "{}", "no-session", "system")])),
            "transaction": lambda store=store: store.transact([], lambda: Plan("look"), 5),
            "note": lambda store=store: store.note("agent-beat", "a", b"{}"),
            "log": lambda store=store: store.rewrite("demo", [], lambda _: [], rehead=True, timeout=5),
        }
        cli("store", "freeze", env=env, check=True)
        before = contents(name)
        for what, write in writers.items():
            with pytest.raises(MilestoneError) as refused:
                write()
            assert refused.value.code == "store_frozen", what
        assert contents(name) == before
        cli("store", "unfreeze", env=env, check=True)
        assert writers["state"]().revision > 0


def test_a_transaction_under_way_is_finished_before_the_store_is_frozen(source: Path, cli: Cli) -> None:
    store, side, marked = FileStore(str(source)), open_side(str(source)), []

    def build() -> Plan:
        marked.append(pool.submit(side.mark, frozen="we move", moved=None))
        until = time.monotonic() + 10
        while "we move" not in (source / "format").read_text():
            assert time.monotonic() < until
            time.sleep(0.005)
        plan = Plan("make")
        plan.puts.append(("agent", "late", b"{}\n"))
        plan.events.append(("demo", Draft("late", "{}", "no-session", "system")))
        return plan

    with ThreadPoolExecutor(1) as pool:
        store.transact(["demo"], build, 10)
        marked[0].result()
    assert os.listdir(source / "transactions/pending") == []
    assert "late" in cli("events", "query", "demo", "--type", "late", check=True).stdout


def test_a_store_at_work_is_not_frozen_in_the_middle(source: Path, cli: Cli) -> None:
    script = f"{MILESTONE} store freeze --format json; {MILESTONE} state set demo n=6"
    done = cli("lock", "run", "demo", "--", "sh", "-c", script, env={"MILESTONE_LOCK_TIMEOUT": "0.5"})
    assert '"code": "lock_timeout"' in done.stderr
    assert (done.returncode, cli("state", "get", "demo", "n").stdout) == (0, "6\n")
    assert json.loads(cli("store", "info", "--format", "json").stdout)["frozen"] is None


def test_a_store_that_has_moved_says_where(source: Path, cli: Cli, postgres: Server, database: str) -> None:
    url = postgres.url(database, f"moved{os.getpid()}{time.monotonic_ns()}")
    copy(cli, str(source), url)
    cli("state", "set", "demo", "n=5", check=True)
    done = cli("store", "moved", str(source), url)
    assert done.returncode == 4, "it does not hold everything yet"
    assert cli("state", "set", "demo", "n=6").returncode == 0
    copy(cli, str(source), url)
    told = cli("store", "moved", str(source), url, "--format", "json", check=True)
    jsonschema.validate(json.loads(told.stdout), schema("store-mark"))
    for words in (["state", "load", "demo"], ["state", "set", "demo", "n=7"], ["status"], ["init", "demo"]):
        done = cli(*words)
        assert (done.returncode, done.stdout) == (8, "")
        assert "has moved to postgresql://milestone:***@" in done.stderr
    assert "battery" not in (source / "format").read_text()
    assert cli("state", "get", "demo", "n", env={"MILESTONE_STORE": url}, check=True).stdout == "6\n"
    cli("store", "unfreeze", str(source), check=True)
    assert cli("state", "get", "demo", "n").stdout == "6\n"


def drained(terminal: int) -> str:
    """All that was written to a terminal whose other end is closed."""
    found = b""
    try:
        while block := os.read(terminal, 1 << 16):
            found += block
    except OSError:
        pass  # what Linux says at the end
    os.close(terminal)
    return found.decode()


def test_a_bar_at_a_terminal_and_none_elsewhere(store: Path, cli: Cli, home: Path, postgres_url: str) -> None:
    big(cli, 3000)
    assert cli("store", "copy", str(store), postgres_url, check=True).stderr == ""
    shown, terminal = pty.openpty()
    done = subprocess.run(
        [MILESTONE, "store", "copy", str(store), str(home / "files")], stdin=subprocess.DEVNULL, stderr=terminal,
        stdout=subprocess.PIPE, env=clean_environment(home), timeout=60, check=False,
    )  # fmt: skip
    os.close(terminal)
    drawn = drained(shown)
    assert done.returncode == 0
    assert "copying [###" in drawn
    assert drawn.endswith("\r\x1b[K"), "it goes away in the end"


def test_a_copy_over_work_asks_at_a_terminal(source: Path, cli: Cli, home: Path, tmp_path: Path) -> None:
    target = str(tmp_path / "files")
    copy(cli, str(source), target)
    cli("state", "set", "demo", "n=8", check=True)
    before = contents(target)
    control, terminal = pty.openpty()
    process = subprocess.Popen(
        [MILESTONE, "store", "copy", str(source), target], stdin=terminal, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=clean_environment(home), cwd=tmp_path,
    )  # fmt: skip
    os.write(control, b"n\n")
    process.communicate(timeout=60)
    os.close(control)
    os.close(terminal)
    assert process.returncode == 130
    assert contents(target) == before
