"""A program that calls everything that programs may call: it runs as it stands, and mypy has nothing to say of it."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import clean_environment
from test_readme import TEXT

from milestone_cli import api

PROGRAM = '''\
"""Everything that programs may call, each result under the type that it is promised to have."""

import datetime as dt
from pathlib import Path
from typing import Any

from milestone_cli import Cache, MilestoneError, Session, Store
from milestone_cli.api import CacheStats, Event, HistoryEntry, KeyedState, Milestone, SessionInfo, Sessions

Path("work").mkdir(exist_ok=True)
with Store("work", create=True, durable=False, timeout=5.0, memory=1 << 20) as store:
    path: str = store.path
    durable: bool = store.durable
    assert path.endswith("work/.milestones") and not durable

    build: Milestone = store.milestone("build")
    first: int = build.save({"step": 1}, if_revision=0)
    second: int = build.set("tests.passed", 12, if_revision=first)
    text: str = build.load_text(second)
    state: Any = build.load()
    passed: Any = build.get("tests.passed")
    assert (text, state, passed) == ('{"step":1,"tests":{"passed":12}}', {"step": 1, "tests": {"passed": 12}}, 12), text
    build.log("tests_passed", {"count": 12})
    store.flush()
    events: list[Event] = build.events(type=["tests_*", "no_*"], limit=5)
    number: int | None = events[0].sequence
    when: str = events[0].timestamp
    data: dict[str, Any] = events[0].data
    assert (events[0].type, data) == ("tests_passed", {"count": 12})
    assert (events[0].session, events[0].agent) == ("no-session", "system")
    assert number and when.endswith("Z") and events[0].id
    names: list[str] = store.milestones()
    assert names == ["build"] and build.name == "build"

    sessions: Sessions = store.sessions
    one: Session = sessions.create("user1", milestone="build", type="review", metadata={"a": 1}, context={"b": 2})
    one.record("find", agent="locator", response=["a.go"], escalations=[], duration=dt.timedelta(seconds=1))
    last: HistoryEntry = one.history(1)[0]
    took: float | None = last.duration
    asked: tuple[str, str, str, str] = (last.timestamp, last.request, last.agent, last.event_id)
    assert took == 1.0 and asked[1] == "find" and last.response == ["a.go"] and last.escalations == []
    kept: KeyedState = one.state
    kept["language"] = "Go"
    kept.assign({"line": 3})
    copied: dict[str, Any] = kept.copy()
    assert copied == {"language": "Go", "line": 3} and len(kept) == 2 and "line" in kept
    del kept["line"]
    found: SessionInfo = sessions.get(one.id).info()
    whose: tuple[str, str | None, str] = (found.id, found.milestone, found.status)
    what: tuple[str | None, str | None] = (found.type, found.user)
    assert (whose, what) == ((one.id, one.milestone, "active"), ("review", "user1"))
    assert found.created_at and found.ended_at is None and found.metadata == {"a": 1}
    every: list[SessionInfo] = sessions.all()
    count: int = sessions.active()
    assert len(every) == count == 1
    one.end()
    swept: list[str] = sessions.cleanup(dt.timedelta(days=1))
    sessions.delete(one.id, force=True)
    sessions.create().delete()
    assert swept == []

    cache: Cache = store.cache
    key: str = cache.key("locator", "find", {"read": ["src"]}, [("a.go", "0" * 64)])
    is_kept: bool = cache.put(key, "a.go", agent="locator", request="find", tags=["go"], content_hash="c", ttl="1h")
    answer: bytes | None = cache.get(key, content_hash="c")
    gone: list[str] = cache.invalidate(tag="go")
    assert is_kept and answer == b"a.go" and gone == [key]
    served: CacheStats = cache.stats()
    counted: int = served.hits + served.memory_hits + served.misses + served.entries + served.bytes + served.evictions
    said: list[str] = cache.warnings()
    other: Cache = store.namespace("other")
    cleared: list[str] = other.clear()
    assert counted and said == [] and cleared == []
    other.close()

try:
    Store("no/folder", create=True)
except MilestoneError as error:
    print(error.code)
store = Store("work")
try:
    store.milestone("build").save({}, if_revision=1)
except MilestoneError as error:
    code: str = error.code
    told: tuple[int, str, str, bool, dict[str, object]] = (
        error.exit_code, error.message, error.hint, error.retryable, error.details,
    )
    print(code, told[0])
store.close()
'''


def calls(kind: type) -> list[str]:
    """Public names of a class: methods, properties and fields."""
    return [name for name in {*vars(kind), *inspect.get_annotations(kind)} if not name.startswith("_")]


PLUMBING = {"run", "later", "timeout", "records"}
"""What the objects of `milestone_cli.api` ask of each other."""


def test_the_program_calls_everything() -> None:
    used = set(re.findall(r"\.(\w+)", PROGRAM))
    public = {name for one in api.__all__ for name in calls(getattr(api, one))} - PLUMBING
    assert not public - used
    table = TEXT.partition("## From Python")[2].partition("\n## ")[0]
    for kind in (api.Store, api.Milestone, api.Sessions, api.Session, api.Cache):
        for name in set(calls(kind)) - PLUMBING - {"path", "durable", "name", "id", "milestone", "sessions"}:
            assert re.search(rf"`{name}\b", table), f"{kind.__name__}.{name} is not in the README's table"
    for name in re.findall(r"(?m)`(\w+)\(", table.partition("| object |")[2]):
        assert name in public | set(api.__all__), name


def test_everything_public_is_documented() -> None:
    for one in api.__all__:
        kind = getattr(api, one)
        assert inspect.getdoc(kind), one
        for name, found in vars(kind).items():
            if not name.startswith("_") and (callable(found) or isinstance(found, property | staticmethod)):
                assert inspect.getdoc(found), f"{one}.{name}"


def test_it_runs(tmp_path: Path, home: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-W", "error", "program.py"],
        cwd=tmp_path, env=clean_environment(home), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "store_unreachable\nrevision_conflict 4\n"), done.stderr


@pytest.mark.slow
def test_mypy_has_nothing_to_say_of_it(tmp_path: Path, home: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (example,) = re.findall(r"(?ms)^```python\n(.*?)^```$", TEXT)
    (tmp_path / "example.py").write_text(example)
    for option in ("program.py", "example.py"):
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", option],
            cwd=tmp_path, env=clean_environment(home), capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "wrong.py").write_text(PROGRAM.replace("first: int", "first: str"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "wrong.py"],
        cwd=tmp_path, env=clean_environment(home), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 1, "the types are seen"
