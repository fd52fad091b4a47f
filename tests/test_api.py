"""The store as a Python program has it: what it says is true for other processes and threads, and the next program."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Cli, clean_environment

from milestone_cli import MilestoneError, Session, Store, runtime


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store made by a program, in a directory of its own."""
    for name in [name for name in os.environ if name.startswith(("MILESTONE_", "CLAUDE"))]:
        monkeypatch.delenv(name)
    with Store(tmp_path, create=True) as store:
        yield store


def python(script: str, place: Path, home: Path, *, code: int = 0) -> str:
    """What another program prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=place, env=clean_environment(home), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout


def test_a_session_is_what_the_commands_know(program: Store, cli: Cli) -> None:
    session = program.sessions.create("user123", metadata={"from": "a test"}, context={"goal": "go on"})
    session.record("find all Go files", agent="locator", response={"files": ["a.go"]}, duration=0.5)
    session.record("and the others", escalations=[{"to": "a person"}])
    (last,) = session.history(1)
    assert (last.request, last.agent, last.duration) == ("and the others", "system", None)
    assert last.escalations == [{"to": "a person"}]
    first = session.history()[0]
    assert (first.response, first.duration) == ({"files": ["a.go"]}, 0.5)
    shown = cli("session", "history", session.id, "--format", "json", check=True).stdout
    assert '"request":"find all Go files"' in shown
    cli("session", "set", session.id, "language=Go", check=True)
    assert session.state["language"] == "Go"
    session.state.update({"a.b": [1, None, {"ü": True}], "a/b~c": 1.5, "": "empty"})
    assert dict(session.state) == {"language": "Go", "a.b": [1, None, {"ü": True}], "a/b~c": 1.5, "": "empty"}
    assert cli("session", "get", session.id, "/a.b/2/ü", check=True).stdout == "true\n"
    del session.state["a.b"]
    assert "a.b" not in session.state
    with pytest.raises(KeyError):
        del session.state["a.b"]
    info = session.info()
    assert (info.user, info.status, info.metadata) == ("user123", "active", {"from": "a test"})
    assert cli("session", "current", check=True).stdout == "no-session\n"  # a program takes nobody's current one
    assert program.sessions.active() == 1
    assert program.sessions.cleanup(0) == []  # its process lives
    session.end()
    for refused in (lambda: session.record("late"), lambda: session.state.update(late=1)):
        with pytest.raises(MilestoneError, match="has ended") as caught:
            refused()
        assert caught.value.code == "conflict"
    assert program.sessions.cleanup("24h") == []
    assert program.sessions.cleanup(0) == [session.id]
    with pytest.raises(MilestoneError) as caught:
        program.sessions.get(session.id)
    assert caught.value.code == "not_found"
    for value in (float("nan"), "\ud800", {1: 2}, object()):
        with pytest.raises(MilestoneError) as caught:
            program.sessions.create().record("x", response=value)
        assert caught.value.code in ("invalid_json", "invalid_data"), value


def test_keyed_state_in_memory_is_that_of_the_file(program: Store, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    session = program.sessions.create(id="one")
    session.state["language"] = "Go"
    file = Path(program.path, "state/sessions/one.json")
    assert session.state["language"] == "Go"
    # Written just now: another change may bear the same time, and what was read says nothing of it.
    before = file.stat().st_mtime_ns
    cli("session", "set", "one", "language=Rust", check=True)
    os.utime(file, ns=(before, before))
    assert session.state["language"] == "Rust"
    real = runtime.now_ns
    monkeypatch.setattr(runtime, "now_ns", lambda: real() + 5 * 10**9)
    assert session.state["language"] == "Rust"
    cli("session", "set", "one", "language=C", check=True)
    assert session.state["language"] == "C"
    with pytest.raises(MilestoneError) as caught:
        Session(program, "../../config", None)
    assert caught.value.code == "invalid_name"


def test_states_and_events(program: Store, cli: Cli) -> None:
    demo = program.milestone("demo")
    assert demo.save({"step": 1}, if_revision=0) == 1
    assert demo.set("a.b", [1]) == 2
    with pytest.raises(MilestoneError) as caught:
        demo.save({}, if_revision=1)
    assert caught.value.code == "revision_conflict"
    cli("state", "set", "demo", "step=2", check=True)
    assert (demo.load(), demo.get("a.b.0"), demo.load(1)) == ({"step": 2, "a": {"b": [1]}}, 1, {"step": 1})
    demo.log("tests_passed", {"count": 3})
    (event,) = demo.events(type="tests_*")
    assert (event.type, event.data, event.sequence) == ("tests_passed", {"count": 3}, len(demo.events()))
    assert program.milestones() == ["demo"]
    assert program.milestone().name == "demo"
    cli("events", "verify", "demo", check=True)


def test_the_memory_of_the_cache_never_says_what_the_files_do_not(
    program: Store, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = program.cache
    key = cache.key("locator", "find Go files", {"write": False, "read": ["src"]})
    asked = ("cache", "key", "--agent", "locator", "--request", "find Go files", "--permissions")
    assert cli(*asked, '{"read": ["src"], "write": false}', check=True).stdout == key + "\n"
    assert cache.get(key) is None
    assert cache.put(key, b"one\0", tags=["go"], agent="locator")
    for _ in range(300):
        assert cache.get(key) == b"one\0"
    told = cache.stats()
    assert (told.hits, told.memory_hits, told.misses, told.entries) == (300, 300, 1, 1)
    cli("cache", "put", key, "two", check=True)
    assert cache.get(key) == b"two"
    cli("cache", "invalidate", "--tag", "go")  # it has no tag any more
    assert cache.get(key) == b"two"
    cli("cache", "invalidate", key, check=True)
    assert cache.get(key) is None
    other = program.namespace("other")
    assert other.put("k", "text", content_hash="a", ttl="1h")
    assert (cache.get("k"), other.get("k"), other.get("k", content_hash="a")) == (None, b"text", b"text")
    assert other.get("k", content_hash="b") is None  # what it depended on has changed
    assert other.get("k") is None
    with monkeypatch.context() as settings:
        for tier in ("HOT", "WARM", "COLD"):
            settings.setenv(f"MILESTONE_CACHE_{tier}_TTL", "20ms")
        brief = program.namespace("brief")
    assert brief.put("k", "text")
    time.sleep(0.05)
    assert brief.get("k") is None, "what was silent for too long is gone from memory as from the files"
    small = Store(program.path, memory=10_000)
    for number in range(40):
        small.cache.put(f"k{number}", b"x" * 1000)
    assert small.cache.stats().bytes <= 10_000
    assert small.cache.stats().evictions > 30
    assert small.cache.get("k0") == b"x" * 1000  # from the file
    assert len(small.cache.invalidate(agent="nobody")) == 0
    assert len(small.cache.clear()) == 40
    small.close()
    for closed in (small.milestones, lambda: small.cache.get("k0"), lambda: small.cache.put("k0", b"")):
        with pytest.raises(MilestoneError, match="closed"):
            closed()


SCRIPT = """
import threading
from milestone_cli import Store

store = Store(durable={durable})
session = store.sessions.get("shared")

def work(thread):
    for number in range(10):
        session.record(f"{name} {{thread}} {{number}}")
        store.cache.put(f"k{{number}}", f"{name} {{number}}")
        assert store.cache.get(f"k{{number}}").endswith(b" %d" % number)
    session.state[f"{name}{{thread}}"] = thread

threads = [threading.Thread(target=work, args=(one,)) for one in range(3)]
for one in threads: one.start()
for one in threads: one.join()
"""


def test_threads_and_processes_at_once_lose_nothing(program: Store, tmp_path: Path, home: Path) -> None:
    shared = program.sessions.create(id="shared")
    done: list[str] = []
    scripts = [SCRIPT.format(name=name, durable=durable) for name, durable in (("a", True), ("b", False))]
    others = [
        threading.Thread(target=lambda script=script: done.append(python(script, tmp_path, home))) for script in scripts
    ]
    for one in others:
        one.start()
    for number in range(10):
        shared.record(f"here {number}")
    for one in others:
        one.join()
    assert len(done) == 2
    requests = [entry.request for entry in shared.history(0)]
    assert len(requests) == len(set(requests)) == 70
    for name in "ab":
        for thread in range(3):
            own = [request for request in requests if request.startswith(f"{name} {thread} ")]
            assert own == [f"{name} {thread} {number}" for number in range(10)]
    assert dict(shared.state) == {f"{name}{thread}": thread for name in "ab" for thread in range(3)}


def test_without_durability_a_call_waits_for_no_disk_and_flush_does(
    program: Store, cli: Cli, tmp_path: Path, home: Path
) -> None:
    with Store(program.path, durable=False) as store:
        sessions = [store.sessions.create(f"user{number}") for number in range(5)]
        for one in sessions:
            for number in range(100):
                one.record(f"{one.id} {number}")
            one.state["n"] = 1
            one.state["n"] = 2
        assert sessions[0].state["n"] == 2  # what was asked for before is seen
        store.flush()
        for one in sessions:
            there = program.sessions.get(one.id)
            assert [entry.request for entry in there.history(0)] == [f"{one.id} {number}" for number in range(100)]
            assert there.state["n"] == 2
        cli("session", "end", sessions[0].id, check=True)
        sessions[0].record("late")
        assert len(sessions[1].history(0)) == 100  # who asks for something else hears nothing of it
        with pytest.raises(MilestoneError, match="has ended") as caught:
            store.flush()
        assert caught.value.details["failures"] == 1
        store.flush()
    begin = "import os; from milestone_cli import Store; s = Store(durable=False); m = s.milestone('x');"
    python(f"{begin} [m.log('at_exit', {{'n': n}}) for n in range(50)]", tmp_path, home)
    assert [event.data["n"] for event in program.milestone("x").events(type="at_exit")] == list(range(50))
    python(f"{begin} [m.log('lost', {{'n': n}}) for n in range(50)]; os._exit(3)", tmp_path, home, code=3)
    lost = [event.data["n"] for event in program.milestone("x").events(type="lost")]
    assert lost == list(range(len(lost)))  # a beginning of it, and nothing by halves
    cli("events", "verify", "x", check=True)
    script = """
s.cache.put('k', b'1'); s.cache.get('k'); s.flush()
p = os.fork()
for n in range(30):
    s.cache.put(f'{bool(p)}{n}', b'1'); assert s.cache.get(f'{bool(p)}{n}') == s.cache.get('k') == b'1'
m.log('forked', {'child': p == 0}); s.close()
assert not p or os.waitpid(p, 0)[1] == 0
"""
    python(f"{begin}{script}", tmp_path, home)
    assert sum(program.cache.get(f"{one}{n}") == b"1" for one in (True, False) for n in range(30)) == 60
    assert {event.data["child"] for event in program.milestone("x").events(type="forked")} == {True, False}


@pytest.mark.slow
def test_a_program_is_checked_against_its_types(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="impossible here: mypy is not installed")
    good = tmp_path / "good.py"
    good.write_text(
        "from milestone_cli import Store, MilestoneError\n"
        "store = Store(durable=False)\n"
        "found: bytes | None = store.cache.get('k', content_hash='x')\n"
        "size: int = sum(len(entry.request) for entry in store.sessions.create('u').history())\n"
    )
    bad = tmp_path / "bad.py"
    bad.write_text("from milestone_cli import Store\nStore().cache.get(1)\nStore().sessions.creat()\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", str(tmp_path / "types")]
    done = subprocess.run(
        [*command, str(good), str(bad)], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 2, done.stdout + done.stderr
    assert all(line.startswith("bad.py") for line in errors), done.stdout


def test_what_is_no_store_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (None, tmp_path / "nowhere"):
        with pytest.raises(MilestoneError) as caught:
            Store(path)
        assert caught.value.code == "no_store"
    with Store(create=True) as store, Store() as same:
        assert store.path == same.path == str(tmp_path / ".milestones")
