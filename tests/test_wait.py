"""Waiting ends when it should, loses no wake-up, and says what made it true."""

import json
import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from conftest import MILESTONE, Cli, clean_environment
from memory_store import MemoryStore

from milestone_cli.core import events, state
from milestone_cli.core.log.filters import Filter
from milestone_cli.core.wait import Wish
from milestone_cli.errors import MilestoneError
from milestone_cli.render.schemas import schema
from milestone_cli.storage.files import FileStore


@pytest.fixture(params=["files", "memory", "postgres"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "postgres":
        from milestone_cli.storage.postgres import PostgresStore

        made: Any = PostgresStore(request.getfixturevalue("postgres_url"), is_new=True)
    else:
        (tmp_path / ".milestones").mkdir()
        made = FileStore(str(tmp_path / ".milestones"))
    made.initialise("demo")
    return made


class Sly:
    """A store in which something happens at the worst moment: between the first look, arming, and the second look."""

    def __init__(self, store: Any, act: Any, *, is_before: bool) -> None:
        self._store = store
        self._act = act
        self._is_before = is_before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def changes(self, *words: Any) -> Any:
        if self._is_before:
            self._act()
        made = self._store.changes(*words)
        if not self._is_before:
            self._act()
        return made


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("what", ["event", "state", "revision"])
def test_what_happens_between_looking_and_waiting_is_seen(what: str, is_before: bool, any_store: Any) -> None:
    state.save(any_store, "demo", b'{"step":1}')

    def act() -> None:
        if what == "event":
            events.log(any_store, "demo", [("tick", b'{"n": 1}')])
        else:
            state.save(any_store, "demo", b'{"step":2}')

    wish = Wish(Sly(any_store, act, is_before=is_before))
    if what == "event":
        wish.event("demo", Filter("tick"), None)
    else:
        wish.state("demo", ["step=2"] if what == "state" else [], 2 if what == "revision" else None)
    started = time.monotonic()
    found = wish.wait(20)
    assert time.monotonic() - started < 1  # nobody slept until the next look
    assert found.get("revision", 2) == 2


def test_a_storm_of_events_one_awaited_after_the_other(any_store: Any) -> None:
    """Every wait goes on from the cursor of the one before, so none of them misses its event."""
    rounds = 40 if type(any_store).__name__ == "PostgresStore" else 250
    events.log(any_store, "demo", [("start", b"{}")])
    rng = random.Random(7)

    def write() -> None:
        for number in range(rounds):
            events.log(any_store, "demo", [("noise", b"{}"), ("tick", b'{"n": %d}' % number)])
            if rng.random() < 0.5:
                time.sleep(rng.random() / 500)

    first = Wish(any_store)
    first.event("demo", Filter("tick"), None)
    assert first.happened is not None
    cursor = first.happened.cursor
    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    for _ in range(rounds):
        wish = Wish(any_store)
        wish.event("demo", Filter("tick"), cursor)
        found: Any = wish.wait(20)
        cursor = found["cursor"]
        seen.append(found["event"]["data"]["n"])
    writer.join()
    assert seen == list(range(rounds))


def ask(cli: Cli, *words: str, code: int = 0, **more: Any) -> Any:
    done = cli("wait", *words, "--timeout", "20s", "--format", "json", **more)
    assert done.returncode == code, done.stderr
    if code:
        return json.loads(done.stderr)
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema("wait"))
    return found


def test_what_holds_already_is_told_at_once(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", '{"step": 3, "a": {"b": [1, "x"]}, "big": 1e3}', check=True)
    found = ask(cli, "demo", "--state", "step=3", "--state", "a.b.1=x", "--state", "a", "--state", "big=1000",
                "--revision", "1", "--lock", "free")  # fmt: skip
    assert (found["revision"], found["values"]["a"], found["locks"]) == (1, {"b": [1, "x"]}, ["free"])
    done = cli("wait", "demo", "--state", "step=3", "--lock", "free", check=True)
    assert done.stdout == "revision 1\nstep = 3\nfree is free\n"


def test_time_runs_out(cli: Cli, store: Path) -> None:
    done = cli("wait", "demo", "--event", "x", "--state", "step=4", "--timeout", "150ms", "--format", "json")
    told = json.loads(done.stderr)
    assert (done.returncode, told["code"], told["retryable"]) == (7, "wait_timeout", True)
    cli("events", "log", "demo", "x", '{"ok": true}', check=True)
    found = ask(cli, "demo", "--event", "x", "--where", "ok=true", "--after-cursor", told["details"]["cursor"])
    assert found["event"]["data"] == {"ok": True}
    done = cli("wait", "demo", "--event", "x", "--after-cursor", found["cursor"], "--timeout", "0.1")
    assert done.returncode == 7
    for words in ([], ["demo"], ["--agent", "a=odd"], ["--timeout", "3x", "--lock", "a"], ["--lock", "../a"]):
        assert cli("wait", *words).returncode in (2, 5), words


def test_a_lock_whose_holder_is_killed_is_free(cli: Cli, store: Path, home: Path, tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [str(MILESTONE), "lock", "run", "deploy", "--", "sleep", "60"], cwd=tmp_path, env=clean_environment(home),
        start_new_session=True,
    )  # fmt: skip
    while not (store / "state/.locks/deploy.lock/acquired").exists():
        time.sleep(0.01)
    assert cli("wait", "--lock", "deploy", "--timeout", "0.2").returncode == 7

    os.killpg(holder.pid, signal.SIGKILL)
    holder.wait()
    assert ask(cli, "--lock", "deploy")["locks"] == ["deploy"]


def test_an_agent_is_waited_for(cli: Cli, store: Path, home: Path, tmp_path: Path) -> None:
    waiting = subprocess.Popen(
        [str(MILESTONE), "wait", "--agent", "builder=retired", "--timeout", "20s"], cwd=tmp_path,
        env=clean_environment(home), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    cli("agent", "register", "builder", "--type", "worker", check=True)
    assert ask(cli, "--agent", "builder=active")["agents"] == {"builder": "active"}
    assert waiting.poll() is None
    cli("agent", "retire", "builder", check=True)
    assert waiting.communicate(timeout=20)[0] == "builder is retired\n"


def test_a_state_that_bash_puts_there_is_seen(cli: Cli, store: Path, home: Path, tmp_path: Path) -> None:
    """A state without an event: somebody moved a file into its place."""
    cli("state", "save", "demo", '{"step": 1}', check=True)
    waiting = subprocess.Popen(
        [str(MILESTONE), "wait", "demo", "--state", "step=2", "--timeout", "20s"], cwd=tmp_path,
        env=clean_environment(home), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(0.4)
    path = store / "state/active/demo.json"
    aside = tmp_path / "aside"
    aside.write_text(path.read_text().replace('"step": 1', '"step": 2'))
    started = time.monotonic()
    aside.replace(path)
    assert "step = 2" in waiting.communicate(timeout=20)[0]
    assert time.monotonic() - started < 4


def test_a_cursor_that_is_gone_is_told(cli: Cli, store: Path) -> None:
    done = cli("wait", "demo", "--after-cursor", "1,demo:999:0123456789ab:10", "--timeout", "1", "--format", "json")
    assert (done.returncode, json.loads(done.stderr)["code"]) == (3, "cursor_gone")


def test_the_wish_of_a_stranger_is_refused(any_store: Any) -> None:
    wish = Wish(any_store)
    with pytest.raises(MilestoneError):
        wish.event("demo", Filter(where=["..=1"]), None)
