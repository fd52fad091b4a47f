"""`events replay`: the state exactly as it was at any event, out of the log alone, or a word about why not."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Cli
from logs import Log, compact

from milestone_cli.core import events as core_events
from milestone_cli.core import state
from milestone_cli.core.log import lines as log_lines
from milestone_cli.core.log import replay
from milestone_cli.core.states import lifecycle, undo
from milestone_cli.errors import MilestoneError
from milestone_cli.render.schemas import schema
from milestone_cli.storage.files import FileStore
from milestone_cli.storage.origin import origin_of

TEXTS = ('{"a" : 1.10}\n', '{"a":2,\r\n "é":"\\u00e9\\n", "big": 1180591620717411303424}', "[]", '"x"', '{"a":[1,[2]]}')


@pytest.fixture(params=["files", "postgres"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A store of each kind, opened in this process."""
    if request.param == "postgres":
        from milestone_cli.storage.postgres import PostgresStore

        store: Any = PostgresStore(request.getfixturevalue("postgres_url"), is_new=True)
    else:
        (tmp_path / ".milestones").mkdir()
        store = FileStore(str(tmp_path / ".milestones"))
    store.initialise(None)
    return store


def outside(store: Any, text: bytes) -> None:
    """Save as the bash utilities do, and let the next command find it."""
    envelope = b'{"timestamp":"2026-11-21T12:00:00Z","milestone_id":"demo","version":"1.0","state":%s}\n' % text
    if isinstance(store, FileStore):
        (Path(store.path) / "state/active/demo.json").write_bytes(envelope)
    else:
        store.ask("SELECT milestone.put($1, 'active', 'demo', $2)", store.project, envelope)
    lifecycle.settle(store, "demo", None)


def day(store: Any, rng: random.Random, count: int) -> dict[int, bytes | None]:
    """Work for a day; the text after every event, None where there was none."""
    acts: dict[str, Callable[[], object]] = {
        "save": lambda: state.save(store, "demo", rng.choice(TEXTS).encode()),
        "set": lambda: state.assign(store, "demo", [("a", json.dumps(rng.random()))]),
        "log": lambda: core_events.log(store, "demo", [("note", b'{"sha256":"x","revision":1,"text":"y"}')]),
        "undo": lambda: undo.step(store, "demo", "undo"),
        "redo": lambda: undo.step(store, "demo", "redo"),
        "complete": lambda: lifecycle.move(store, "demo", "complete"),
        "reopen": lambda: lifecycle.move(store, "demo", "reopen"),
        "delete": lambda: lifecycle.delete(store, "demo"),
        "outside": lambda: outside(store, b'{"from":"outside %d"}' % rng.randrange(9)) if there() else None,
    }

    def there() -> bool:
        return store.get("active", "demo") is not None

    texts: dict[int, bytes | None] = {}
    for _ in range(count):
        before = head.sequence if (head := store.head("demo")) else 0
        try:
            acts[rng.choice([*acts, "save", "set", "undo"])]()
        except MilestoneError:
            pass  # nothing to undo, completed already, …
        try:
            text = store.read("demo").text
        except MilestoneError:
            text = None
        for number in range(before + 1, (store.head("demo").sequence if store.head("demo") else 0) + 1):
            texts[number] = text
    return texts


@pytest.mark.parametrize("seed", [0, *[pytest.param(n, marks=pytest.mark.slow) for n in range(1, 40)]])
def test_the_state_at_every_event_is_what_it_was(made: Any, seed: int) -> None:
    texts = day(made, random.Random(seed), 60 if isinstance(made, FileStore) else 25)
    for number, text in texts.items():
        stop = replay.end_of(made, "demo", to=number)
        if text is None:
            with pytest.raises(MilestoneError) as caught:
                replay.state_at(made, "demo", stop)
            assert caught.value.code == "revision_not_found"
        else:
            assert replay.state_at(made, "demo", stop).text == text
    first = random.Random(seed).randrange(1, len(texts))
    known = {
        int(str(step.event["sequence_number"])): step.text
        for step in replay.states(made, "demo", first, replay.end_of(made, "demo"))
    }
    assert known == {number: texts[number] for number in known}
    assert all(text == texts[number - 1] for number, text in texts.items() if number > first and number not in known)


def test_a_range_is_shown_with_what_changed_and_in_every_form(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", '{"a": 1.10}\n', check=True)
    cli("events", "log", "demo", "note", check=True)
    cli("state", "set", "demo", "a=2", check=True, env={"MILESTONE_SESSION": "s1", "MILESTONE_AGENT": "builder"})
    cli("state", "delete", "demo", "--yes", check=True)

    assert cli("events", "replay", "demo", "--to", "4", check=True).stdout == '{"a": 2}\n'
    assert cli("events", "replay", "demo", "--to", "3", "--format", "json", check=True).stdout == '{"a": 1.10}\n'
    told = cli("events", "replay", "demo", "--from", "1", check=True).stdout
    assert "event 4  state_saved  revision 2  by builder  in s1" in told
    assert "~ /a  1.10 → 2" in told
    assert "the state was deleted" in told
    found = json.loads(cli("events", "replay", "demo", "--from", "3", "--format", "json", check=True).stdout)
    jsonschema.validate(found, schema("events-replay"))
    assert [(one["sequence_number"], one["state"]) for one in found["states"]] == [(4, {"a": 2}), (5, None)]
    rows = cli("events", "replay", "demo", "--from", "1", "--to", "4", "--format", "jsonl", check=True).stdout
    assert [json.loads(row)["state"] for row in rows.splitlines()] == [{"a": 1.1}, {"a": 2}]
    assert '"state":{"a": 1.10}}' in rows
    assert "state:\n  a: 2\n" in cli("events", "replay", "demo", "--from", "4", "--format", "yaml", check=True).stdout
    assert cli("events", "replay", "demo", "--session", "s1", check=True).stdout == '{"a": 2}\n'
    rows = cli("events", "replay", "demo", "--session", "s1", "--from", "1", "--format", "jsonl", check=True).stdout
    assert [json.loads(row)["sequence_number"] for row in rows.splitlines()] == [4]
    when = json.loads(
        cli("events", "query", "demo", "--limit", "0", "--format", "jsonl", check=True).stdout.split("\n")[2]
    )
    assert cli("events", "replay", "demo", "--at", when["timestamp"], check=True).stdout == '{"a": 1.10}\n'


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--to", "1"], 3, "had no state yet"),
        (["--to", "9"], 3, "ends at event 3"),
        (["--from", "9"], 3, "ends at event 3"),
        (["--session", "nobody"], 3, "no session 'nobody'"),
        (["--to", "2", "--at", "now"], 2, "both"),
        (["--at", "2001-01-01"], 3, "no state yet"),
        ([], 3, "was deleted by then, at event 3"),
    ],
)
def test_what_cannot_be_replayed_is_said(cli: Cli, store: Path, words: list[str], code: int, told: str) -> None:
    cli("state", "save", "demo", "{}", check=True)
    cli("state", "delete", "demo", "--yes", check=True)
    done = cli("events", "replay", *words) if "--session" in words else cli("events", "replay", "demo", *words)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr


def written(log: Log, directory: Path) -> Any:
    return log.write(directory)


def grown(directory: Path, count: int = 40) -> tuple[Log, Any]:
    log = Log.make(0)
    for number in range(1, count + 1):
        log.state(compact({"n": number, "list": list(range(number))}).encode(), inline=number % 15 == 0)
        log.event("note", step=0.01)
        log.bash(data='{"checksum":"x","sequence_number":3}')
    return log, log.write(directory)


def test_a_sequence_number_is_found_without_reading_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log.make(4000, bash=3)
    store = written(log, tmp_path)
    read: list[int] = []
    scan = store.scan

    def counted(*words: Any, **more: Any) -> Any:
        for at, block in scan(*words, **more):
            read.append(len(block))
            yield at, block

    monkeypatch.setattr(store, "scan", counted)
    monkeypatch.setattr(type(store), "BLOCK", 4096)
    for number in (1, 2, 1999, 4000):
        found = log_lines.locate(store, "demo", number)
        assert found is not None
        assert json.loads(found[1])["sequence_number"] == number
        assert (tmp_path / "milestone-demo.jsonl").read_bytes()[found[0] :].startswith(found[1])
    assert sum(read) < 4 * 40 * 4096 + 4 * log_lines.NEAR
    assert log_lines.locate(store, "demo", 4001) is None


def test_what_is_damaged_and_what_is_gone_are_told_apart(tmp_path: Path) -> None:
    log, store = grown(tmp_path)
    whole = list(log.lines)
    spoiled = next(at for at, line in enumerate(whole) if b'"revision":20,' in line and b'"splice"' in line)
    log.lines = [
        *whole[:spoiled],
        whole[spoiled].replace(b"20", b"27", 1).replace(b',20"]', b',21"]'),
        *whole[spoiled + 1 :],
    ]
    log.lines[spoiled] = whole[spoiled].replace(b'"splice":[[', b'"splice":[[0,0,"!"],[')
    store = written(log, tmp_path)
    with pytest.raises(MilestoneError) as caught:
        replay.state_at(store, "demo", replay.end_of(store, "demo", to=40))
    assert caught.value.exit_code == 6
    assert (
        replay.state_at(store, "demo", replay.end_of(store, "demo", to=60)).text
        == compact({"n": 30, "list": list(range(30))}).encode()
    )
    with pytest.raises(MilestoneError) as caught:
        list(replay.states(store, "demo", 30, replay.end_of(store, "demo")))
    assert (caught.value.exit_code, caught.value.details["revision"]) == (6, 20)
    log.lines = [*whole[:spoiled], *whole[spoiled + 1 :]]
    store = written(log, tmp_path)
    for number in (39, 41):
        with pytest.raises(MilestoneError) as caught:
            replay.state_at(store, "demo", replay.end_of(store, "demo", to=number))
        assert (caught.value.code, "missing" in caught.value.message) == (
            ("not_found", True) if number == 39 else ("damaged", False)
        )
    log.lines = whole[30:]
    store = written(log, tmp_path)
    for number in (5, 22):
        with pytest.raises(MilestoneError) as caught:
            replay.state_at(store, "demo", replay.end_of(store, "demo", to=number))
        assert (caught.value.exit_code, "is gone" in caught.value.message, bool(caught.value.hint)) == (3, True, True)
    assert replay.state_at(store, "demo", replay.end_of(store, "demo")).text == log.text


def test_what_retention_left_is_replayed_and_what_it_took_is_said(made: Any) -> None:
    from test_segments import fill, trimmed

    from milestone_cli import runtime

    fill(made, 30)
    between = runtime.now_ns()
    fill(made, 12)
    texts = {
        int(str(step.event["sequence_number"])): step.text
        for step in replay.states(made, "demo", 1, replay.end_of(made, "demo"))
    }
    assert trimmed(made, runtime.now_ns() - between)
    last = origin_of(made, "demo").sequence
    assert last > 1
    with pytest.raises(MilestoneError) as caught:
        replay.end_of(made, "demo", to=last)
    assert (caught.value.exit_code, f"begins at event {last + 1}" in caught.value.message) == (3, True)
    known: bytes | None = None
    for number in range(1, made.head("demo").sequence + 1):
        known = texts.get(number, known)
        if number > last:
            assert replay.state_at(made, "demo", replay.end_of(made, "demo", to=number)).text == known
    left = {
        int(str(step.event["sequence_number"])): step.text
        for step in replay.states(made, "demo", last + 1, replay.end_of(made, "demo"))
    }
    assert left == {number: text for number, text in texts.items() if number > last}
