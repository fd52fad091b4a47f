"""Followers see every event once, whatever happens to the log meanwhile, and end when they should."""

import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bash_utilities import STAND_IN, STAND_IN_NAMES, BashUtilities
from conftest import MILESTONE, Cli, clean_environment
from hooked import CLIENT, Hooks
from memory_store import MemoryStore

from milestone_cli.core import events
from milestone_cli.core.log.filters import Filter
from milestone_cli.core.log.follow import Following, batches
from milestone_cli.render.schemas import schema
from milestone_cli.storage import spool
from milestone_cli.storage.files import FileStore


class Follower:
    """`events follow --format jsonl` at work; `take` waits for its lines."""

    def __init__(self, home: Path, cwd: Path, *words: str, **env: str) -> None:
        self.process = subprocess.Popen(
            [str(MILESTONE), "events", "follow", *words, "--format", "jsonl"],
            cwd=cwd, env=clean_environment(home, **env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            self.lines.append(line)

    def take(self, count: int, seconds: float = 20) -> list[dict[str, Any]]:
        until = time.monotonic() + seconds
        while len(self.lines) < count and time.monotonic() < until:
            time.sleep(0.01)
        return [json.loads(line) for line in self.lines]

    def end(self, how: int = signal.SIGINT) -> tuple[int, str]:
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        code = self.process.wait(20)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


Start = Callable[..., Follower]


@pytest.fixture
def bash(tmp_path: Path) -> BashUtilities:
    return BashUtilities(STAND_IN, STAND_IN_NAMES, tmp_path)


@pytest.fixture
def start(home: Path, tmp_path: Path) -> Iterator[Start]:
    """Start followers that end with the test."""
    made: list[Follower] = []

    def begin(*words: str, **env: str) -> Follower:
        made.append(Follower(home, tmp_path, *words, **env))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def numbers(found: list[dict[str, Any]]) -> list[int]:
    return [one["data"]["n"] for one in found if "n" in one["data"]]


def test_what_comes_is_shown_once_after_the_latest(cli: Cli, store: Path, start: Start) -> None:
    for n in range(3):
        cli("events", "log", "demo", "tick", f'{{"n": {n}}}', check=True)
    every = start("--all", "--lines", "1")
    every.take(1)
    follower = start("demo", "--lines", "2", "--type", "tick", "--type", "state:saved")
    follower.take(2)
    cli("events", "log", "demo", "other", check=True)
    cli("state", "save", "demo", '{"step": 1}', check=True)
    cli("events", "log", "demo", "tick", '{"n": 3}', check=True)
    cli("events", "log", "new", "tick", '{"n": 4}', check=True)
    found = follower.take(4)
    assert [one["event_type"] for one in found] == ["tick", "tick", "state_saved", "tick"]
    assert numbers(found) == [1, 2, 3]
    assert [one["milestone_id"] for one in every.take(5)] == ["demo", "demo", "demo", "demo", "new"]
    assert follower.end() == (130, "")
    assert every.end() == (130, "")


def test_bash_writes_the_log_anew_under_a_follower(cli: Cli, store: Path, start: Start, bash: BashUtilities) -> None:
    cli("events", "log", "demo", "tick", '{"n": 0}', check=True)
    follower = start("demo", "--lines", "1")
    follower.take(1)
    for n in range(1, 6):
        bash.run(f"{{log}} demo tick '{{\"n\": {n}}}'")
        if n % 2:
            bash.run("{clean} demo 7")
        cli("events", "log", "demo", "tick", f'{{"n": {n + 100}}}', check=True)
    last = cli("events", "log", "demo", "last", check=True)
    assert last.returncode == 0
    until = time.monotonic() + 20
    while not any('"last"' in line for line in follower.lines) and time.monotonic() < until:
        time.sleep(0.02)
    assert sorted(numbers(follower.take(0))) == [0, 1, 2, 3, 4, 5, 101, 102, 103, 104, 105]
    assert follower.end() == (130, "")


def test_a_log_is_sealed_and_repaired_under_a_follower(cli: Cli, store: Path, start: Start) -> None:
    cli("events", "log", "demo", "tick", '{"n": -1}', check=True)
    follower = start("demo", "--lines", "1", "--type", "tick")
    follower.take(1)
    writer = FileStore(str(store))
    writer.segment_size = 4096
    for n in range(40):
        if n == 20:
            with (store / "state/events/milestone-demo.jsonl").open("a") as file:
                file.write('{"timestamp":"torn')
            cli("events", "repair", "demo", "--yes", check=True)
        events.log(writer, "demo", [("tick", b'{"n": %d, "pad": "%s"}' % (n, b"x" * 300))])
    assert (store / "state/events/.segments").is_dir()
    assert numbers(follower.take(41)) == list(range(-1, 40))
    assert follower.end() == (130, "")


def test_what_waited_in_the_spool_comes_once_and_in_order(cli: Cli, store: Path, home: Path, start: Start) -> None:
    """Calls of hooks that could not be delivered are delivered by the next one."""
    hooks = Hooks(cli, store.parent, home)
    hooks.call("SessionStart.startup")
    follower = start("demo", "--lines", "1")
    follower.take(1)
    for number in range(3):
        spool.keep(str(store), 1_700_000_000_000_000_000 + number * 3_600_000_000_000, json.dumps({
            "event": "Notification", "client": CLIENT, "agent": "", "data": {"notification_type": f"call-{number}"},
            "key": f"hook:Notification:{number}", "vague": True, "milestone": "", "pid": 0,
            "occurred": 1_700_000_000_000_000_000 + number * 3_600_000_000_000,
        }).encode())  # fmt: skip
    hooks.call("PostToolUse.Bash")
    assert hooks.waiting() == []
    found = [one for one in follower.take(6) if one["event_type"] == "notified"]
    assert [one["data"]["notification_type"] for one in found] == ["call-0", "call-1", "call-2"]
    assert sum("tool_used" in line for line in follower.lines) == 1


def test_a_cursor_goes_on_where_it_was(cli: Cli, store: Path, start: Start) -> None:
    asked = json.loads(cli("events", "query", "demo", "--show-cursor", "--format", "json", check=True).stdout)
    cli("events", "log", "demo", "tick", '{"n": 1}', check=True)
    follower = start("demo", "--after-cursor", asked["cursor"])
    follower.take(1)
    cli("events", "log", "demo", "tick", '{"n": 2}', check=True)
    assert numbers(follower.take(2)) == [1, 2]


def test_nobody_reads_any_more(cli: Cli, store: Path, home: Path, tmp_path: Path) -> None:
    """An idle follower ends as soon as the reader of its output is gone."""
    receive, send = os.pipe()
    process = subprocess.Popen(
        [str(MILESTONE), "events", "follow", "demo"], cwd=tmp_path, env=clean_environment(home), stdout=send,
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(send)
    assert select.select([receive], [], [], 20)[0]
    os.read(receive, 1 << 16)
    os.close(receive)
    assert process.communicate(timeout=20)[1] == b""
    assert process.returncode == 141


@pytest.mark.parametrize("how", ["moved", "removed", "marked"])
def test_the_store_goes_away(how: str, cli: Cli, store: Path, start: Start) -> None:
    follower = start("demo")
    follower.take(1)
    if how == "moved":
        store.rename(store.with_name("elsewhere"))
    elif how == "removed":
        cli("init", "demo", env={"MILESTONE_STORE": str(store.with_name("other"))}, check=True)
        subprocess.run(["rm", "-rf", str(store)], check=True)
    else:
        other = store.with_name("other")
        cli("store", "copy", str(store), str(other), "--yes", check=True)
        cli("store", "moved", str(store), str(other), "--yes", check=True)
    code, told = follower.ended()
    assert code == 8
    assert "moved" in told or "not there any more" in told


def test_an_idle_follower_does_next_to_nothing(cli: Cli, store: Path, start: Start) -> None:
    follower = start("demo")
    follower.take(1)
    stat = Path(f"/proc/{follower.process.pid}/stat")
    switches = Path(f"/proc/{follower.process.pid}/status")

    def look() -> tuple[int, int]:
        spent = stat.read_text().rpartition(")")[2].split()
        woken = next(line for line in switches.read_text().splitlines() if line.startswith("voluntary"))
        return int(spent[11]) + int(spent[12]), int(woken.split()[1])

    time.sleep(0.2)
    before = look()
    time.sleep(2)
    after = look()
    assert after[0] - before[0] <= 1  # hundredths of a second
    assert after[1] - before[1] <= 2


def test_an_unknown_milestone_is_waited_for_and_said(cli: Cli, store: Path, start: Start) -> None:
    follower = start("later")
    time.sleep(0.5)
    cli("events", "log", "later", "tick", '{"n": 1}', check=True)
    assert numbers(follower.take(1)) == [1]
    code, told = follower.end()
    assert (code, told) == (130, "milestone: there is no milestone 'later' yet; waiting for it\n")


def test_every_form_of_what_a_query_prints(cli: Cli, store: Path) -> None:
    import jsonschema  # type: ignore[import-untyped]

    cli("events", "log", "demo", "tick", '{"n": 1, "tool": {"name": "Bash"}}', check=True)
    cli("events", "log", "other", "tick", '{"n": "1"}', "--agent", "builder", check=True)
    for words in (["demo"], ["--all", "--where", "n=1", "--show-cursor"]):
        found = json.loads(cli("events", "query", *words, "--format", "json", check=True).stdout)
        jsonschema.validate(found, schema("events"))
        assert ("cursor" in found) == ("--show-cursor" in words)
    counted = json.loads(cli("events", "query", "--all", "--where", "n=1", "--count", "--format", "json").stdout)
    jsonschema.validate(counted, schema("event-count"))
    assert counted["count"] == 2
    lines = cli("events", "query", "demo", "--where", "tool.name=Bash", "--show-cursor", "--format", "jsonl").stdout
    jsonschema.validate(json.loads(lines.splitlines()[-1]), schema("cursor"))
    assert cli("events", "query", "--all", "--type", "tick").stdout.split()[2::5][0] == "demo"
    (store.parent / "cursor").write_text(found["cursor"] + "\n")
    assert cli("events", "query", "--all", "--after-cursor", "@cursor", "--count", check=True).stdout == "0\n"
    for words in (["--after-cursor", "x"], ["demo", "--all"]):
        assert cli("events", "query", *words).returncode in (2, 5)


class Loop:
    """A follower in a thread of this process, over a store in memory or in a database."""

    def __init__(self, following: Following) -> None:
        self.lines: list[bytes] = []
        self._following = following
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        for found, _ in batches(self._following):
            self.lines += found
            if any(b'"last"' in line for line in found):
                return

    def join(self) -> list[int]:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return [json.loads(line)["data"]["n"] for line in self.lines if b'"n"' in line]


@pytest.mark.parametrize("kind", ["memory", "postgres"])
def test_no_store_loses_a_wake_up(kind: str, request: pytest.FixtureRequest) -> None:
    """Events land at any moment between a look and the next wait."""
    if kind == "memory":
        store: Any = MemoryStore()
        other, rounds = store, 400
    else:
        from milestone_cli.storage.postgres import PostgresStore

        url = request.getfixturevalue("postgres_url").replace("#", "?options=-c%20synchronous_commit%3Doff#")
        store = PostgresStore(url, is_new=True)
        store.initialise("demo")
        other, rounds = PostgresStore(url), 60
    loop = Loop(Following(store, ["demo"], Filter(limit=0)))
    every = Loop(Following(store, store.milestones(), Filter(limit=0), every=True))
    for n in range(rounds):
        events.log(other, "demo", [("tick", b'{"n":%d}' % n)])
    events.log(other, "demo", [("last", b"{}")])
    assert loop.join() == list(range(rounds))
    assert every.join() == list(range(rounds))


@pytest.mark.parametrize("kind", ["files", "postgres"])
def test_an_agent_hears_what_it_subscribed_to_from_where_it_stopped(
    kind: str, cli: Cli, tmp_path: Path, start: Start, request: pytest.FixtureRequest
) -> None:
    env = {"MILESTONE_STORE": str(tmp_path / ".milestones")}
    if kind == "postgres":
        env = {"MILESTONE_STORE": request.getfixturevalue("postgres_url")}
    cli("init", "demo", env=env, check=True)
    cli("events", "log", "demo", "tick", '{"n": 0}', env=env, check=True)  # before there was a subscriber
    words = ("--type", "watcher", "--subscribe", "tick", "--subscribe", "state_*", "--milestone", "demo")
    cli("agent", "register", "watcher", *words, env=env, check=True)
    cli("events", "log", "demo", "noise", env=env, check=True)
    cli("events", "log", "demo", "tick", '{"n": 1}', env=env, check=True)
    heard = []
    for n in (2, 3):
        follower = start("--agent", "watcher", **env)
        follower.take(1 if n == 2 else 0)
        cli("events", "log", "demo", "tick", f'{{"n": {n}}}', env=env, check=True)
        heard.append(numbers(follower.take(2 if n == 2 else 1)))
        time.sleep(0.3)  # it has told where it stands
        assert follower.end() == (130, "")
    assert heard == [[1, 2], [3]]
    cli("state", "save", "demo", "{}", env=env, check=True)
    follower = start("--agent", "watcher", "--where", "revision=1", **env)
    assert [one["event_type"] for one in follower.take(1)] == ["state_saved"]
    follower.end(signal.SIGKILL)
    cli("events", "log", "demo", "tick", '{"n": 4}', env=env, check=True)
    again = start("--agent", "watcher", **env)  # killed, it may not have told where it stood: then that comes again
    until = time.monotonic() + 20
    while 4 not in numbers(again.take(1)) and time.monotonic() < until:
        time.sleep(0.02)
    found = again.take(1)
    assert [one["event_type"] for one in found] in (["tick"], ["state_saved", "tick"])
    assert numbers(found) == [4]
    other = start("demo", "--agent", "system", "--lines", "1", **env)  # no subscriber: what it did
    assert [one["agent_id"] for one in other.take(1)] == ["system"]


def test_a_subscriber_whose_place_is_gone_is_told_and_goes_on(cli: Cli, store: Path, start: Start) -> None:
    cli("agent", "register", "watcher", "--type", "w", "--subscribe", "tick", "--milestone", "demo", check=True)
    cursors = store / "agents/cursors"
    cursors.mkdir(exist_ok=True)
    (cursors / "watcher.json").write_text('{"cursor": "1,demo:999:0123456789ab:77"}')
    cli("events", "log", "demo", "tick", '{"n": 1}', check=True)
    follower = start("--agent", "watcher")
    assert numbers(follower.take(1)) == [1]
    code, told = follower.end()
    assert code == 130
    assert "does not continue after this cursor" in told
