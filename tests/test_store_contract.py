"""The conformance suite: what every store is asked, whatever it is made of."""

import threading

import pytest
from memory_store import MemoryStore

from milestone_cli import runtime
from milestone_cli.core import events, state
from milestone_cli.core.log.verify import verify
from milestone_cli.core.states import undo
from milestone_cli.core.transactions import applying, rollback, transaction
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import Change, Draft, Plan, log_of
from milestone_cli.storage.files import FileStore
from milestone_cli.timestamps import parse_ns


@pytest.fixture(params=["files", "memory", "postgres"])
def store(request, tmp_path):
    if request.param == "memory":
        return MemoryStore()
    if request.param == "postgres":
        from milestone_cli.storage.postgres import PostgresStore

        made = PostgresStore(request.getfixturevalue("postgres_url"), is_new=True)
        made.initialise(None)
        return made
    (tmp_path / ".milestones").mkdir()
    made = FileStore(str(tmp_path / ".milestones"))
    made.initialise(None)
    return made


def lines(store, name="demo"):
    return [loads(line) for _, block in store.scan(name) for line in block.splitlines()]


def test_what_was_saved_is_read_verbatim_with_its_revision(store):
    receipt = state.save(store, "demo", b' {"a": 1.10}\n')
    document = store.read("demo")
    assert (document.text, document.revision, receipt.revision) == (b' {"a": 1.10}\n', 1, 1)
    assert document.sha256 == receipt.sha256


def test_what_is_set_aside_by_a_plan_of_nothing_else_is_gone(store):
    made = Plan("make")
    made.puts.append(("agent", "a", b"{}\n"))
    store.transact([], lambda: made, 5)

    def build():
        assert store.set_aside("agent", "a", "it is wrong")
        return Plan("repair")

    assert store.transact([], build, 5) == []
    assert store.get("agent", "a") is None


def test_every_revision_can_be_read(store):
    texts = [b'{"n":%d,"pad":"%s"}' % (n, b"x" * (n % 7)) for n in range(1, 41)]
    for text in texts:
        state.save(store, "demo", text)
    assert [store.read("demo", n).text for n in range(1, 41)] == texts
    with pytest.raises(MilestoneError) as caught:
        store.read("demo", 41)
    assert caught.value.code == "revision_not_found"


def test_what_an_undo_took_back_is_passed_over_by_the_next(store):
    for n in (1, 2, 3):
        state.save(store, "demo", b'{"n":%d}' % n)
    undo.step(store, "demo", "undo")
    state.save(store, "demo", b'{"n":5}')
    texts = []
    for _ in range(2):
        undo.step(store, "demo", "undo")
        texts.append(store.read("demo").text)
    assert texts == [b'{"n":2}', b'{"n":1}']
    assert store.read("demo", 4).event["data"]["undo"] == 3


def test_nothing_is_there_before_it_is_saved(store):
    with pytest.raises(MilestoneError) as caught:
        store.read("demo")
    assert (caught.value.code, store.milestones(), store.head("demo")) == ("not_found", [], None)


def test_the_expected_revision_is_compared_under_the_lock(store):
    state.save(store, "demo", b"1", expect=0)
    state.save(store, "demo", b"2", expect=1)
    for wrong in (0, 1, 3):
        with pytest.raises(MilestoneError) as caught:
            state.save(store, "demo", b"3", expect=wrong)
        assert caught.value.code == "revision_conflict"
    assert store.read("demo").text == b"2"
    assert len(lines(store)) == 2


def test_the_same_request_under_one_key_is_done_once(store):
    first = state.save(store, "demo", b"1", key="k")
    state.save(store, "demo", b"2")
    again = state.save(store, "demo", b"1", key="k")
    assert again.replayed
    assert (again.revision, again.sequence, again.event_id) == (first.revision, first.sequence, first.event_id)
    assert store.read("demo").text == b"2"
    with pytest.raises(MilestoneError) as caught:
        state.save(store, "demo", b"3", key="k")
    assert caught.value.code == "idempotency_conflict"


def test_events_are_numbered_chained_and_ordered_in_time(store):
    for number in range(5):
        events.log(store, "demo", [("ping", b'{"n": %d}' % number)])
    found = lines(store)
    assert [event["sequence_number"] for event in found] == [1, 2, 3, 4, 5]
    assert [event["data"] for event in found] == [{"n": n} for n in range(5)]
    assert [event["timestamp"] for event in found] == sorted(event["timestamp"] for event in found)
    assert not verify(store, "demo").findings


def test_logs_that_are_no_milestones_are_listed_apart(store):
    for name in ("demo", log_of("later"), log_of("no-session")):
        store.commit(Change(name, [Draft("tick", "{}", "no-session", "system")]))
    assert (store.milestones(), store.session_logs()) == (["demo"], ["@later", "@no-session"])


def test_a_batch_is_one_change(store):
    receipt = events.log(store, "demo", [("a", b"{}"), ("b", b"{}"), ("c", b"{}")], key="k")
    assert (receipt.first, receipt.sequence) == (1, 3)
    again = events.log(store, "demo", [("a", b"{}"), ("b", b"{}"), ("c", b"{}")], key="k")
    assert again.replayed
    assert [event["event_type"] for event in lines(store)] == ["a", "b", "c"]


def test_every_line_carries_the_revision_after_it(store):
    events.log(store, "demo", [("before", b"{}")])
    state.save(store, "demo", b"1")
    events.log(store, "demo", [("after", b"{}")])
    assert [event["revision"] for event in lines(store)] == [0, 1, 1]


def test_an_edit_that_fails_changes_nothing(store):
    state.save(store, "demo", b"1")

    def edit(_):
        raise MilestoneError("invalid_path", "no")

    with pytest.raises(MilestoneError):
        store.commit(Change("demo", [Draft("state_saved", "{}", "no-session", "system")], edit))
    assert (store.read("demo").text, len(lines(store))) == (b"1", 1)


def test_settings_from_many_threads_all_stay(store):
    def work(number):
        for i in range(5):
            state.assign(store, "demo", [(f"k{number}.{i}", str(i))])

    workers = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert store.read("demo").revision == 30
    assert loads(store.read("demo").text) == {f"k{n}": {str(i): i for i in range(5)} for n in range(6)}
    assert [event["sequence_number"] for event in lines(store)] == list(range(1, 31))


def test_a_log_is_read_from_either_end_and_from_a_time(store):
    for number in range(300):
        events.log(store, "demo", [("ping", b'{"n": %d}' % number)] * 1)
    forwards = b"".join(block for _, block in store.scan("demo"))
    backwards = b"".join([block for _, block in store.scan("demo", backwards=True)][::-1])
    assert forwards == backwards
    assert store.log_size("demo")[0] == len(forwards)
    middle = lines(store)[150]
    at = store.seek("demo", parse_ns(middle["timestamp"]))
    assert loads(forwards[at:].partition(b"\n")[0])["sequence_number"] == 151


def test_milestones_are_apart(store):
    state.save(store, "a", b"1")
    state.save(store, "a-b", b"2")
    assert store.milestones() == ["a", "a-b"]
    assert (store.read("a").text, store.read("a-b").text) == (b"1", b"2")


BOTH = b"""
{"op": "set", "milestone": "a", "path": "n", "value": 1.10}
{"op": "save", "milestone": "b", "state": {"n":  2}, "absent": true}
{"op": "checkpoint_create", "milestone": "b", "name": "kept"}
{"op": "session_create", "milestone": "a"}
{"op": "log", "milestone": "b", "event_type": "told", "data": {"k": "v"}}
"""


def apply(store, raw, key=None):
    return applying.apply(store, applying.Batch(store, raw), key=key)


def kinds(store):
    """Every document but copies, records and what has the time in it."""
    known = ("active", "completed", "checkpoint", "session")
    found = {(kind, key) for kind in known for key in store.keys(kind)}
    return found | ({("current", "")} if store.get("current", "") else set())


def test_a_transaction_is_done_whole_and_each_state_moves_by_one_revision(store):
    state.save(store, "a", b'{"m": 0, "n": 0}')
    told, _ = apply(store, BOTH)
    assert (store.read("a").text, store.read("a").revision) == (b'{"m": 0, "n": 1.10}', 2)
    assert (store.read("b").text, store.read("b").revision) == (b'{"n":  2}', 1)
    assert {kind for kind, _ in kinds(store)} == {"active", "checkpoint", "session", "current"}
    assert [event["event_type"] for event in lines(store, "b")] == [
        "state_saved", "checkpoint_created", "told", "transaction_committed",
    ]  # fmt: skip
    assert [event["revision"] for event in lines(store, "b")] == [1] * 4
    assert not verify(store, "a").findings
    assert not verify(store, "b").findings
    record, status = transaction.find(store, "last")
    assert (record["transaction"]["id"], status) == (told["transaction_id"], "committed")


def test_a_transaction_that_cannot_be_done_leaves_a_record_and_nothing_else(store):
    state.save(store, "a", b"{}")
    before = kinds(store), lines(store, "a")
    with pytest.raises(MilestoneError) as caught:
        apply(store, BOTH + b'{"op": "require", "milestone": "a", "path": "n", "value": 2}')
    assert (caught.value.code, caught.value.details["line"]) == ("test_failed", 7)
    assert (kinds(store), lines(store, "a")) == before
    assert "b" not in store.milestones()
    record, status = transaction.find(store, caught.value.details["transaction_id"])
    assert (status, record["error"]["line"]) == ("rolled_back", 7)


def test_a_transaction_under_one_key_is_done_once(store):
    first, _ = apply(store, BOTH, key="k")
    state.save(store, "a", b"{}")
    again, _ = apply(store, BOTH, key="k")
    assert (again["replayed"], again["transaction_id"]) == (True, first["transaction_id"])
    assert store.read("a").text == b"{}"
    with pytest.raises(MilestoneError) as caught:
        apply(store, BOTH.replace(b"1.10", b"1.11"), key="k")
    assert caught.value.code == "idempotency_conflict"


def test_a_rollback_brings_back_what_was_and_can_be_taken_back_itself(store):
    state.save(store, "a", b'{"m": 0, "n": 0}')
    before = kinds(store)
    done, _ = apply(store, BOTH)
    after = kinds(store)
    told, _ = rollback.rollback(store, str(done["transaction_id"]))
    assert kinds(store) == before
    assert (store.read("a").text, store.read("a").revision) == (b'{"m": 0, "n": 0}', 3)
    assert lines(store, "a")[-1]["event_type"] == "transaction_rolled_back"
    rollback.rollback(store, str(told["rollback_id"]))
    assert kinds(store) == after
    assert (store.read("a").text, store.read("b").text) == (b'{"m": 0, "n": 1.10}', b'{"n":  2}')
    assert transaction.find(store, str(done["transaction_id"]))[1] == "committed"
    assert not verify(store, "a").findings


def test_a_rollback_under_a_key_names_its_transaction(store):
    apply(store, BOTH)
    with pytest.raises(MilestoneError) as caught:
        rollback.plan_rollback(store, "last", key="k")
    assert caught.value.code == "usage"


def test_a_rollback_is_refused_once_something_has_changed(store):
    done, _ = apply(store, BOTH)
    state.assign(store, "b", [("n", "3")])
    before = kinds(store), store.read("a").text, store.read("b").text
    with pytest.raises(MilestoneError) as caught:
        rollback.rollback(store, str(done["transaction_id"]))
    assert caught.value.code == "conflict"
    [changed] = caught.value.details["changed"]
    assert (changed["key"], changed["changes"]) == ("b", [{"op": "replace", "path": "/n", "old": "2", "new": "3"}])
    assert (kinds(store), store.read("a").text, store.read("b").text) == before


def test_a_plan_without_locks_sees_what_it_would_do_and_does_nothing(store):
    state.save(store, "a", b"{}")
    before = kinds(store), lines(store, "a")
    told = applying.preview(store, applying.Batch(store, BOTH))
    assert [(one["milestone_id"], one["from"], one["to"]) for one in told["milestones"]] == [
        ("a", 1, 2),
        ("b", None, 1),
    ]
    assert (kinds(store), lines(store, "a")) == before


def test_transactions_of_many_threads_are_each_whole(store):
    apply(store, b'{"op": "save", "milestone": "a", "state": {}}\n{"op": "save", "milestone": "b", "state": {}}')

    def work(number):
        for i in range(4):
            key = f"k{number}-{i}"
            both = [f'{{"op": "set", "milestone": "{name}", "path": "{key}", "value": {i}}}' for name in "ba"]
            apply(store, "\n".join(both).encode())
            state.assign(store, "a", [(f"single.{key}", "1")])

    workers = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    a, b = (loads(store.read(name).text) for name in "ab")
    assert len(a.pop("single")) == len(a) == 16
    assert a == b
    assert (store.read("a").revision, store.read("b").revision) == (33, 17)
    assert not verify(store, "a").findings


def test_what_is_done_is_known_to_whoever_tells_of_a_failure(store):
    runtime.applied.clear()
    state.save(store, "a", b"{}", key="k")
    events.log(store, "a", [("told", b"{}")])
    done, _ = apply(store, BOTH)
    with pytest.raises(MilestoneError):
        apply(store, BOTH)
    state.save(store, "a", b"{}", key="k")
    assert runtime.applied == ["revision 1 of 'a'", "event 2 of 'a'", f"the transaction {done['transaction_id']}"]


def test_a_session_has_documents_and_a_log_of_its_own(store):
    puts = [
        ("session", "one", b"{}"),
        ("session-yaml", "one", b"session:\n"),
        ("session-checkpoint", "one/first", b"{}"),
        ("session-part", f"one/{'a' * 64}", b"{}"),
    ]
    stream = log_of("one")

    def put(gone: bool) -> None:
        plan = Plan("put")
        plan.puts = [(kind, key, None if gone else data) for kind, key, data in puts]
        plan.events = [(stream, Draft("session_put", "{}", "one", "system"))]
        store.transact([], lambda: plan, 5, (stream, f"key-{gone}", "0" * 16))

    assert (store.head(stream), store.log_size(stream)[0], lines(store, stream)) == (None, 0, [])
    assert [store.keys(kind) for kind, _, _ in puts] == [[], [], [], []]
    put(gone=False)
    put(gone=False)
    assert [(store.keys(kind), store.get(kind, key)) for kind, key, _ in puts] == [
        ([key], data) for _, key, data in puts
    ]
    assert store.keys("session-checkpoint", "one") == ["one/first"]
    assert [store.keys("session-checkpoint", name) for name in ("on", "two")] == [[], []]
    store.commit(Change(stream, [Draft("note", "{}", "one", "system")]))
    told = lines(store, stream)
    assert [one["event_type"] for one in told] == ["session_put", "note"]
    assert {one["milestone_id"] for one in told} == {None}
    assert (store.milestones(), store.active()) == ([], [])
    assert store.head(stream).sequence == 2
    report = verify(store, stream)
    assert report.ok, [finding.message for finding in report.findings]
    put(gone=True)
    assert [store.keys(kind) for kind, _, _ in puts] == [[], [], [], []]


def test_a_note_replaces_the_one_before_and_has_the_time_of_the_stores_clock(store):
    before = store.clock()
    for text in (b'{"n":1}', b'{"n":2}'):
        store.note("agent-beat", "one", text)
    assert (store.get("agent-beat", "one"), store.keys("agent-beat")) == (b'{"n":2}', ["one"])
    assert before - 10**9 <= store.modified("agent-beat", "one") <= store.clock() + 10**9
    assert store.milestones() == []


def test_other_bytes_are_put_into_a_log_all_or_nothing_and_an_event_says_where_the_old_ones_are(store):
    state.save(store, "demo", b'{"n":1}')
    events.log(store, "demo", [("note", b"{}")], key="k")
    before = b"".join(block for _, block in store.scan("demo"))
    kept = []

    def tell(place):
        kept.append(place)
        return [Draft("told", "{}", "no-session", "system")]

    receipt = store.rewrite("demo", [(0, b"", b"junk\n")], tell, rehead=False, timeout=5)
    assert b"".join(block for _, block in store.scan("demo")).startswith(b"junk\n" + before)
    assert (receipt.sequence, lines_of(store)[-1]["event_type"], bool(kept[0])) == (receipt.first, "told", True)
    with pytest.raises(MilestoneError) as caught:
        store.rewrite("demo", [(0, b"jazz\n", b"")], tell, rehead=False, timeout=5)
    assert caught.value.code == "conflict"
    store.rewrite("demo", [(0, b"junk\n", b"")], tell, rehead=False, timeout=5)
    assert b"".join(block for _, block in store.scan("demo")).startswith(before)
    state.save(store, "demo", b'{"n":2}')
    assert events.log(store, "demo", [("note", b"{}")], key="k").replayed
    assert [store.read("demo", n).text for n in (1, 2)] == [b'{"n":1}', b'{"n":2}']
    if not isinstance(store, MemoryStore):
        assert verify(store, "demo").findings == []


def lines_of(store):
    return [loads(line) for _, block in store.scan("demo") for line in block.splitlines() if line[:1] == b"{"]
