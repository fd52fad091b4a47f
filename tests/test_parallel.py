"""A long log worked through by several processes: the same results, in the same order, whatever becomes of them."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import MILESTONE, Cli

from milestone_cli import runtime
from milestone_cli.storage.files import FileStore, parallel

PARENT = os.getpid()


@pytest.fixture
def log(store: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileStore]:
    """A store whose log has some forty blocks, worked through by three processes."""
    events = "".join(json.dumps({"event_type": "used", "data": {"n": n, "pad": "x" * 300}}) + "\n" for n in range(4000))
    cli("events", "log", "demo", "--batch", input=events, check=True)
    monkeypatch.setattr(parallel, "SMALL", 1)
    monkeypatch.setattr(parallel, "STRETCH", 100_000)
    monkeypatch.setattr(runtime, "processors", lambda: 3)
    opened = FileStore(str(store))
    yield opened
    opened.close()


def mapped(log: FileStore, work: Callable[[bytes], bytes], start: int = 0) -> list[bytes]:
    return list(log.map_blocks("demo", start, log.log_size("demo")[0], work))


def first_sequence(block: bytes) -> int:
    return int(json.loads(block.split(b"\n", 1)[0])["sequence_number"])


def test_results_come_in_the_order_of_their_blocks(log: FileStore) -> None:
    blocks = mapped(log, bytes)
    assert len(blocks) > 20
    assert b"".join(blocks) == b"".join(block for _, block in log.scan("demo"))
    pids = mapped(log, lambda _: str(os.getpid()).encode())
    assert len(set(pids)) == 3
    assert str(os.getpid()).encode() not in pids


def test_an_empty_result_is_a_result(log: FileStore) -> None:
    assert set(mapped(log, lambda _: b"")) == {b""}


@pytest.mark.parametrize("dies_at", [0, 1, 7])
def test_what_a_killed_process_left_undone_is_done_here(log: FileStore, dies_at: int) -> None:
    whole = mapped(log, bytes)
    doomed = first_sequence(whole[dies_at])

    def work(block: bytes) -> bytes:
        if os.getpid() != PARENT and first_sequence(block) == doomed:
            os.kill(os.getpid(), 9)
        return block

    assert mapped(log, work) == whole


def test_an_error_of_the_work_is_raised_here(log: FileStore) -> None:
    def work(block: bytes) -> bytes:
        raise ValueError(first_sequence(block))

    with pytest.raises(ValueError, match=r"^1$"):
        mapped(log, work)


def test_whoever_stops_listening_leaves_no_process_behind(log: FileStore) -> None:
    results = log.map_blocks("demo", 0, log.log_size("demo")[0], lambda _: str(os.getpid()).encode())
    pids = [int(next(results)) for _ in range(3)]
    results.close()  # type: ignore[attr-defined]
    assert not any(runtime.alive(pid) for pid in pids)


def test_processes_are_no_part_of_the_answer(store: Path, cli: Cli) -> None:
    """40 MB, so that the command takes as many processes as there are processors; one alone says the same."""
    line = json.dumps({"event_type": "used", "data": {"pad": "x" * 4000}}) + "\n"
    rare = json.dumps({"event_type": "deployed", "data": {"to": "production"}}) + "\n"
    cli("events", "log", "demo", "--batch", input=(line * 999 + rare) * 10, check=True)
    assert (store / "state/events/milestone-demo.jsonl").stat().st_size > parallel.SMALL
    for words in (["timeline"], ["timeline", "--format", "json"], ["query", "--type", "deployed", "--limit", "0"]):
        several = cli("events", words[0], "demo", *words[1:], check=True).stdout
        alone = subprocess.run(
            ["taskset", "-c", "0", MILESTONE, "events", words[0], "demo", *words[1:]],
            cwd=store.parent, capture_output=True, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip
        assert several == alone
        assert several.count("deployed") == 10
