"""A cursor finds its place again whatever becomes of the log, or says that it is gone; nothing behind it is lost."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from memory_store import MemoryStore

from milestone_cli.core import events
from milestone_cli.core.log import cursor
from milestone_cli.core.log.filters import Filter
from milestone_cli.core.log.paging import Found
from milestone_cli.core.retention import cleanup
from milestone_cli.core.retention.plan import Policy
from milestone_cli.core.stores import copying
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.contract import Store
from milestone_cli.storage.files import FileStore
from milestone_cli.storage.origin import origin_of
from milestone_cli.storage.sides import open_side

BASH = (
    '{"timestamp":"2026-11-21T18:00:00Z","milestone_id":"demo","session_id":"s","event_type":"bash","data":{"n":%d}}\n'
)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[FileStore]:
    (tmp_path / ".milestones").mkdir()
    made = FileStore(str(tmp_path / ".milestones"))
    made.initialise(None)
    yield made
    made.close()


def log_of(store: FileStore) -> Path:
    return Path(store.path) / "state/events/milestone-demo.jsonl"


def fill(store: FileStore, seed: int, count: int = 24) -> None:
    """Lines of ours and of bash in a random order; some of bash's are equal."""
    rng = random.Random(seed)
    for number in range(count):
        if rng.random() < 0.4:
            with log_of(store).open("a") as file:
                file.write(BASH % number)
        else:
            events.log(store, "demo", [("tick", b'{"n": %d, "name": "caf\xc3\xa9", "price": 1.10}' % number)])


def lines(store: Store) -> list[bytes]:
    return b"".join(block for _, block in store.scan("demo")).splitlines()


def rewrite(store: FileStore, drop: int) -> None:
    """Do as bash's clean-up does: the oldest lines go, all others are written anew, into another file."""
    kept = [json.dumps(json.loads(line)) for line in lines(store)][drop:]
    aside = log_of(store).with_suffix(".new")
    aside.write_text("".join(line + "\n" for line in kept))
    aside.replace(log_of(store))


def numbers(found: list[bytes]) -> list[int | None]:
    return [json.loads(line)["data"].get("n") for line in found]


def behind(store: Store, text: str) -> list[int | None]:
    found = Found(store, ["demo"], Filter(limit=0), text, with_cursor=True)
    return numbers(list(found.lines()))


def every_place(store: Store) -> list[str]:
    """The cursor behind each line, and the one before the first."""
    ends = [0]
    for line in lines(store):
        ends.append(ends[-1] + len(line) + 1)
    return [cursor.write({"demo": cursor.at_offset(store, "demo", end)}) for end in ends]


@pytest.mark.parametrize("seed", range(6))
def test_bash_writes_the_log_anew(seed: int, files: FileStore) -> None:
    fill(files, seed)
    before = lines(files)
    ours = [b'"sequence_number"' in line for line in before]
    taken = every_place(files)
    for drop in (0, 3, 9, 20, 24):
        rewrite(files, drop - (24 - len(lines(files))))
        for place, text in enumerate(taken):
            if any(ours[place:drop]):
                with pytest.raises(MilestoneError) as caught:
                    behind(files, text)
                assert caught.value.code == "cursor_gone"
                assert caught.value.exit_code == 3
            else:
                assert behind(files, text) == numbers(before[max(place, drop) :]), (drop, place, text)


def test_a_log_goes_on_after_bash_wrote_it_anew(files: FileStore) -> None:
    fill(files, 1)
    last = every_place(files)[-1]
    rewrite(files, 0)
    events.log(files, "demo", [("tick", b'{"n": 100}')])
    assert behind(files, last) == [None, 100]  # the anchor that tells of the rewriting, and the event


def test_a_line_that_is_being_written_is_not_passed_by(files: FileStore) -> None:
    fill(files, 2)
    whole = (BASH % 100).encode()
    with log_of(files).open("ab", buffering=0) as file:
        file.write(whole[:50])
        text = cursor.write({"demo": cursor.at_offset(files, "demo", cursor.whole_end(files, "demo"))})
        assert behind(files, text) == []
        file.write(whole[50:])
    assert behind(files, text) == [100]


def test_what_bash_writes_late_into_a_sealed_part_comes_once(files: FileStore) -> None:
    """It opened the file before the log was sealed, and writes afterwards."""
    files.segment_size = 2048
    fill(files, 6, 4)
    late = log_of(files).open("ab", buffering=0)
    inode = log_of(files).stat().st_ino
    number = 100
    while log_of(files).stat().st_ino == inode:
        events.log(files, "demo", [("tick", b'{"n": %d}' % number)])
        number += 1
    text = every_place(files)[-1]
    late.write((BASH % 1).encode())
    late.close()
    found = Found(files, ["demo"], Filter(limit=0), text, with_cursor=True)
    seen = numbers(list(found.lines()))
    text = found.cursor()
    events.log(files, "demo", [("tick", b'{"n": 2}')])
    files.pack("demo", 5)  # adopts it, as sealing and cleaning up do
    seen += behind(files, text)
    assert sorted(one for one in seen if one is not None) == [1, 2]


@pytest.mark.parametrize("kind", ["files", "postgres"])
def test_segments_and_retention(kind: str, files: FileStore, request: pytest.FixtureRequest) -> None:
    store: Store = files
    files.segment_size = 2048
    if kind == "postgres":
        store = open_side(request.getfixturevalue("postgres_url"), is_new=True).store
        store.initialise(None)
    for number in range(30):
        events.log(store, "demo", [("tick", b'{"n": %d}' % number)])
    before = lines(store)
    taken = every_place(store)
    for place, text in enumerate(taken):
        assert behind(store, text) == numbers(before[place:])
    policy = Policy(1, 100)
    cleanup.run_cleanup(store, "demo", policy, cleanup.plan_cleanup(store, "demo", policy))
    gone = origin_of(store, "demo").sequence
    assert gone > 10
    for place, text in enumerate(taken):
        if place < gone:
            with pytest.raises(MilestoneError) as caught:
                behind(store, text)
            assert caught.value.code == "cursor_gone"
        else:
            assert behind(store, text)[: 30 - place] == numbers(before[place:])


def test_another_log_under_the_same_name_is_noticed(files: FileStore) -> None:
    fill(files, 3)
    last = every_place(files)[-1]
    for path in Path(files.path, "state/events").glob("milestone-demo.*"):
        path.unlink()
    with pytest.raises(MilestoneError) as caught:
        cursor.find(files, "demo", cursor.read(last)[0]["demo"])
    assert caught.value.code == "cursor_gone"
    for number in range(30):
        events.log(files, "demo", [("other", b'{"n": %d}' % number)])
    with pytest.raises(MilestoneError) as caught:
        behind(files, last)
    assert caught.value.code == "cursor_gone"


def test_a_cursor_stands_in_a_copy_too(files: FileStore, postgres_url: str) -> None:
    fill(files, 4)
    taken = every_place(files)
    copy = open_side(postgres_url, is_new=True)
    copying.run(open_side(files.path), copy)
    for text in taken:
        assert behind(copy.store, text) == behind(files, text)


def test_pages_one_after_the_other_give_every_event_of_every_log_once() -> None:
    store: Any = MemoryStore()
    for number in range(60):
        events.log(store, "abc"[number % 3], [("tick", b'{"n": %d}' % number)])
    text, pages = "1*", 0
    seen: list[Any] = []
    while True:
        found = Found(store, store.milestones(), Filter(limit=7), text, every=True, with_cursor=True)
        page = numbers(list(found.lines()))
        text = found.cursor()
        if not page:
            break
        seen += page
        pages += 1
        if pages == 3:  # what is logged meanwhile, also in a log that was not there, comes too
            events.log(store, "d", [("tick", b'{"n": 60}')])
    assert sorted(seen) == list(range(61))
    assert seen[:14] == list(range(14))
    assert cursor.read(text)[1]


@pytest.mark.parametrize(
    "text", ["", "1,", "2,demo:1:aa:5", "1,demo", "1,../x:1:aa:5", "1,demo:x:aa:5", "1,demo:1:aa:5:b:c", "1,demo:٣:a:5"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(MilestoneError) as caught:
        cursor.read(text)
    assert caught.value.code == "invalid_cursor"
