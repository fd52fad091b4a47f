"""Synchronisation points, and the races around them: every participant that lives has answered, or it has failed."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from memory_store import MemoryStore

from milestone_cli import runtime
from milestone_cli.core.agents import fallen, heartbeat, registry, sync, syncpoint, vitals
from milestone_cli.core.agents.agent import agents, find
from milestone_cli.core.agents.wish import Wish
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import Change, Draft
from milestone_cli.storage.files import FileStore

GONE = {"pid": 4194303, "start_time": "1"}
"""A process that no machine has."""


@pytest.fixture(params=["files", "memory", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    made: Any
    if request.param == "memory":
        made = MemoryStore()
        made.locks = type("NoLocks", (), {"names": lambda _: []})
    elif request.param == "postgres":
        from milestone_cli.storage.postgres import PostgresStore

        made = PostgresStore(request.getfixturevalue("postgres_url"), is_new=True)
        made.initialise(None)
    else:
        (tmp_path / ".milestones").mkdir()
        made = FileStore(str(tmp_path / ".milestones"))
        made.initialise(None)
    made.commit(Change("demo", [Draft("note", "{}", "no-session", "system")]))
    return made


def register(store: Any, *names: str, pid: int = 1) -> None:
    for name in names:
        registry.register(store, name, Wish(), milestone="demo", pid=pid)


def change(store: Any, name: str, **values: object) -> None:
    """Make a record say something else, as if it had been written elsewhere."""
    record = {**find(store, name).record, **values}
    store.note("agent", name, dumps(record).encode())


def ask(store: Any, *names: str, **more: Any) -> str:
    point, _ = sync.request(store, participants=list(names) or None, **more)
    assert point is not None
    return str(point["sync_id"])


def log(store: Any) -> list[dict[str, Any]]:
    return [loads(line) for _, block in store.scan("demo") for line in block.splitlines()]  # type: ignore[misc]


def ends(store: Any) -> list[tuple[str, str]]:
    """The events by which points ended."""
    return [(one["event_type"], one["data"]["sync_id"]) for one in log(store)
            if one["event_type"] in ("agents_synchronized", "sync_failed")]  # fmt: skip


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(MilestoneError) as caught:
        work()
    return caught.value.code


def test_the_last_answer_completes_it(store: Any) -> None:
    register(store, "a", "b", "c")
    name = ask(store, trigger="a")
    assert syncpoint.fields(syncpoint.read(store, name))["missing"] == ["b", "c"]
    _, again = sync.acknowledge(store, name, "b", state=b'{"n": 1}')
    assert not again
    assert sync.acknowledge(store, name, "b")[1], "what was said once stays"
    assert refused(lambda: sync.acknowledge(store, name, "d")) == "conflict"
    assert refused(lambda: sync.acknowledge(store, name, "c", revision=7)) == "invalid_data"
    assert refused(lambda: sync.acknowledge(store, "sync-none", "c")) == "not_found"
    done, _ = sync.acknowledge(store, name, "c")
    found = syncpoint.fields(done)
    assert (found["status"], found["missing"], found["agreed"]) == ("completed", [], True)
    assert found["answers"]["b"]["state"] == {"n": 1}  # type: ignore[index]
    assert sync.wait(store, name, 0)["status"] == "completed"
    said = next(one for one in log(store) if one["event_type"] == "agents_synchronized")
    assert (said["data"]["sync_id"], said["data"]["agent_count"], said["agent_id"]) == (name, 3, "a")
    assert refused(lambda: ask(store, "a", "nobody")) == "not_found"


def test_asked_again_it_is_the_same_point_though_an_agent_has_left(store: Any) -> None:
    register(store, "a", "b")
    name = ask(store, "a", "b", trigger="a", key="k")
    registry.retire(store, "b")
    assert ask(store, "a", "b", trigger="a", key="k") == name
    assert refused(lambda: ask(store, "a", "b")) == "conflict"


def test_who_does_not_answer_in_time_is_named(store: Any) -> None:
    register(store, "a", "b")
    name = ask(store, "a", "b", trigger="a")
    with pytest.raises(MilestoneError) as caught:
        sync.wait(store, name, 0.15)
    assert (caught.value.exit_code, caught.value.details["missing"]) == (7, ["b"])
    found = syncpoint.fields(syncpoint.read(store, name))
    assert (found["status"], found["missing"]) == ("failed", ["b"])
    assert "no answer from b" in str(found["reason"])
    assert refused(lambda: sync.acknowledge(store, name, "b")) == "conflict"
    assert ends(store) == [("sync_failed", name)]


def test_nobody_waits_for_the_dead_or_for_those_who_left(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    register(store, "dies", "leaves", "lives")
    name = ask(store)
    monkeypatch.setattr(sync, "ROUND", 0.0)
    change(store, "dies", **GONE)
    registry.retire(store, "leaves", "done")
    sync.acknowledge(store, name, "lives")
    found = sync.wait(store, name, 5)
    assert (found["status"], syncpoint.names(found, "answers")) == ("completed", ["lives"])
    assert sorted(syncpoint.names(found, "lost")) == ["dies", "leaves"]
    assert ends(store) == [("agents_synchronized", name)]
    alone = ask(store, "lives")
    change(store, "lives", **GONE)
    assert refused(lambda: sync.wait(store, alone, 5)) == "sync_failed"
    assert syncpoint.read(store, alone)["reason"] == "no participant is left"


def test_a_point_that_nobody_waits_for_ends_all_the_same(store: Any) -> None:
    register(store, "a")
    name = ask(store, "a", timeout=0)
    assert sync.close_overdue(store) == [], "its requester lives"
    one = syncpoint.read(store, name)
    one["requester"] = {**one["requester"], **GONE}  # type: ignore[dict-item]
    store.note("sync", name, dumps(one).encode())
    assert sync.close_overdue(store) == [], "its time is not over"
    one["started_at"] = "2026-01-01T00:00:00Z"
    store.note("sync", name, dumps(one).encode())
    assert refused(lambda: sync.acknowledge(store, name, "a")) == "conflict"
    assert ends(store) == [("sync_failed", name)]


def test_interrupted_it_has_failed(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    register(store, "a")
    name = ask(store, "a")

    def interrupt(*_: object) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(sync, "missing", interrupt)
    monkeypatch.setattr(sync, "ROUND", 0.0)
    with pytest.raises(KeyboardInterrupt):
        sync.wait(store, name, 5)
    assert syncpoint.read(store, name)["status"] == "failed"


def test_what_is_damaged_is_in_nobodys_way(store: Any) -> None:
    register(store, "a")
    for raw in (b"", b"{", b"[]", b'{"status": "in_progress"}', b"\xff"):
        store.note("sync", "sync-broken", raw)
        store.note("agent-beat", "a", raw)
        name = ask(store, "a", trigger="a")
        assert syncpoint.read(store, name)["status"] == "completed"
        assert refused(lambda: syncpoint.read(store, "sync-broken")) == "damaged"
        store.note("agent", "broken", raw)
        assert vitals.examine(store, agents(store))[-1].health in ("healthy", "unknown")
        assert refused(lambda: registry.update(store, "broken", Wish())) == "damaged"
        assert refused(lambda: heartbeat.beat(store, "broken")) == "damaged"
    register(store, "broken")
    assert find(store, "broken").status == "active"


def test_names_that_stand_in_documents_lead_nowhere_else(store: Any, tmp_path: Any) -> None:
    away = "../../../../away"
    register(store, "a", "b")
    name = ask(store)
    change(store, "a", agent_id=away, session_id=away, milestone_id=away)
    point = {**syncpoint.read(store, name), "session_id": away, "milestone_id": away, "trigger_agent": "\x1b"}
    store.note("sync", name, dumps(point).encode())
    store.note("sync", "sync-other", dumps({**point, "sync_id": away}).encode())
    registry.update(store, "a", Wish())
    registry.register(store, "c", Wish(dependencies=["a"]), milestone="demo", pid=0)
    assert find(store, "a").session is None
    sync.acknowledge(store, name, "a")
    sync.acknowledge(store, name, "b")
    registry.retire(store, "a")
    change(store, "b", session_id=away, **GONE)
    assert [one["agent_id"] for one in fallen.bury_all(store)] == ["b"]
    assert syncpoint.read(store, name)["status"] == "completed"
    assert [path.name for path in tmp_path.parent.rglob("away*")] == []
    assert {one["agent_id"] for one in log(store)} == {"system", "a", "b", "c"}


def test_machines_judge_each_other_by_leases_of_the_server(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from milestone_cli.storage.postgres import PostgresStore

    store: Any = PostgresStore(postgres_url, is_new=True)
    store.initialise("demo")
    with monkeypatch.context() as there:
        there.setattr(runtime, "host", lambda: "elsewhere")
        began = runtime.monotonic()
        registry.register(store, "far", Wish(), milestone="demo", pid=4194303, lease=1)
        found = vitals.examine(store, agents(store), 0.0)[0]
        assert found.health == "dead", "there it is known that its process has ended"
    found = vitals.examine(store, agents(store))[0]
    assert (found.health, found.is_gone) == ("healthy", None), "here nothing is"
    while vitals.is_dead(store, agents(store)[0]) is None:
        runtime.sleep(0.05)
    assert runtime.monotonic() - began > 0.9
    assert [one["agent_id"] for one in fallen.bury_all(store)] == ["far"]
    assert refused(lambda: heartbeat.beat(store, "far")) == "conflict"
    registry.revive(store, "far")
    heartbeat.beat(store, "far")
    assert vitals.examine(store, agents(store))[0].health == "healthy"


def test_races_leave_one_end_for_each_point_and_a_reason_for_each_agent(store: Any) -> None:
    """Beating, answering, dying, leaving and asking at once; afterwards everything is accounted for."""
    names = [f"a{number}" for number in range(6)]
    register(store, *names)
    asked: list[str] = []
    troubles: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except MilestoneError as error:
                if error.code not in ("conflict", "sync_failed", "not_found"):
                    troubles.append(error)
            except BaseException as error:
                troubles.append(error)

        return run

    def beats(name: str) -> None:
        for _ in range(15):
            heartbeat.beat(store, name)

    def answers(name: str) -> None:
        for _ in range(12):
            for point in syncpoint.points(store, is_open=True, agent=name):
                sync.acknowledge(store, str(point["sync_id"]), name)

    def asks() -> None:
        for _ in range(3):
            asked.append(ask(store, timeout=0.7))
            try:
                sync.wait(store, asked[-1], 0.7)
            except MilestoneError:
                pass

    def dies(name: str) -> None:
        change(store, name, **GONE)
        fallen.bury_all(store)

    work: list[Callable[[], object]] = [lambda name=name: beats(name) for name in (*names[:4], "a5")]  # type: ignore[misc]
    work += [lambda name=name: answers(name) for name in names[:4]]  # type: ignore[misc]
    work += [asks, lambda: dies("a4"), lambda: registry.retire(store, "a5"), lambda: fallen.bury_all(store)]
    threads = [threading.Thread(target=guarded(one)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert troubles == []
    assert sorted(name for _, name in ends(store)) == sorted(asked)
    for name in asked:
        point = syncpoint.read(store, name)
        assert point["status"] in ("completed", "failed")
        if point["status"] == "completed":
            assert set(syncpoint.names(point)) == {*syncpoint.names(point, "answers"), *syncpoint.names(point, "lost")}
    statuses = {one.id: one.status for one in agents(store)}
    assert statuses == {**dict.fromkeys(names[:4], "active"), "a4": "failed", "a5": "retired"}
    counted = [one["event_type"] for one in log(store)]
    assert (counted.count("agent_failed"), counted.count("agent_retired")) == (1, 1)
    sequence = [one["sequence_number"] for one in log(store)]
    assert sequence == list(range(1, len(sequence) + 1))


class Shared(MemoryStore):
    """A store whose machines share a clock, which a test may set forward."""

    is_clock_shared = True
    ahead = 0

    def clock(self) -> int:
        return runtime.now_ns() + self.ahead


ELSEWHERE = {"host": "elsewhere", "boot_id": "another"}
DAYS = 40 * 86_400 * 10**9


@pytest.mark.parametrize(
    ("is_shared", "record", "beat", "ahead", "wanted"),
    [
        # On this machine its process tells, whatever the clocks show, and however long nothing was heard.
        (False, {}, {}, 0, "healthy"),
        (False, {"boot_seconds": 0}, {}, DAYS, "stale"),
        (False, {}, {}, DAYS, "healthy"),
        (True, {"boot_seconds": 0}, {}, DAYS, "stale"),
        (False, GONE, {}, 0, "dead"),
        (True, GONE, {}, 0, "dead"),
        (False, {"start_time": "7"}, {}, 0, "dead"),  # its number was given to another process
        # Whoever beats after the process has ended is believed; a beat from before proves nothing.
        (False, GONE, {"alone": True}, 0, "healthy"),
        (False, GONE, {"alone": False}, 0, "dead"),
        # An earlier boot of this machine is over; where machines share a store by a clock, a name proves no machine.
        (False, {"boot_id": "another"}, {}, 0, "dead"),
        (True, {"boot_id": "another"}, {}, 0, "healthy"),
        # Another container's process, and another machine's, are never judged by their numbers.
        (False, {"pid_space": "pid:[1]", **GONE}, {}, 0, "healthy"),
        (False, {**ELSEWHERE, **GONE}, {}, 0, "healthy"),
        (False, {**ELSEWHERE, **GONE}, {}, DAYS, "unknown"),
        # By the clock that all share, a lease ends.
        (True, {**ELSEWHERE, **GONE}, {}, 0, "healthy"),
        (True, ELSEWHERE, {}, 300 * 10**9, "stale"),
        (True, ELSEWHERE, {}, 700 * 10**9, "dead"),
        (True, {**ELSEWHERE, "lease_seconds": 3600}, {}, 700 * 10**9, "stale"),
        # Without any process, heartbeats alone tell.
        (False, {"pid": None}, {}, 0, "healthy"),
        (False, {"pid": None, "boot_seconds": 0}, {}, DAYS, "unknown"),
        (False, {"pid": None, "boot_seconds": 0}, {"alone": True}, 0, "healthy"),
    ],
)  # fmt: skip
def test_verdicts(is_shared: bool, record: dict[str, object], beat: dict[str, object], ahead: int, wanted: str) -> None:
    store: Any = Shared() if is_shared else type("Own", (Shared,), {"is_clock_shared": False})()
    store.commit(Change("demo", [Draft("note", "{}", "no-session", "system")]))
    register(store, "one")
    if beat:
        heartbeat.write(store, "one")
        raw = loads(store.get("agent-beat", "one") or b"{}")
        assert isinstance(raw, dict)
        store.note("agent-beat", "one", dumps({**raw, **beat}).encode())
    change(store, "one", **record)
    store.ahead = ahead
    found = vitals.examine(store, agents(store))[0]
    assert found.health == wanted, found.evidence
    assert (vitals.is_dead(store, found.agent) is not None) == (wanted == "dead")


def test_what_an_agent_does_tells_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = Shared()
    real = runtime.now_ns
    monkeypatch.setattr(runtime, "now_ns", lambda: real() - 700 * 10**9)
    register(store, "one", "two")
    for name in ("one", "two"):
        change(store, name, **ELSEWHERE)
    monkeypatch.setattr(runtime, "now_ns", real)
    assert {one.health for one in vitals.examine(store, agents(store))} == {"dead"}
    store.commit(Change("demo", [Draft("note", '{"agent_id":"one"}', "no-session", "two")]))
    found = {one.agent.id: (one.health, one.evidence[-1]) for one in vitals.examine(store, agents(store))}
    assert found["two"] == ("healthy", "logged note 0 s ago")
    assert found["one"] == ("dead", "its lease of 600 s has ended by the clock of the server")
