"""Entries of the cache between machines: what one puts, others get; what one invalidates, nobody gets any more."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from milestone_cli import Store
from milestone_cli.core.cache.bounds import Bounds
from milestone_cli.core.cache.entry import Entry
from milestone_cli.core.cache.maintenance import maintain
from milestone_cli.core.cache.shared import SharedCache
from milestone_cli.core.cache.statistics import show
from milestone_cli.storage.postgres import PostgresStore
from milestone_cli.storage.sides import open_side

if TYPE_CHECKING:
    from milestone_cli.storage.postgres.connection import Row


class Counted(PostgresStore):
    """A store that counts the bytes of entries that come from the server."""

    fetched = 0

    def ask(self, statement: str, *values: object) -> "list[Row]":
        rows = super().ask(statement, *values)
        if "THEN NULL ELSE data" in statement and rows:
            self.fetched += len(rows[0][1] or b"")
        return rows


@pytest.fixture
def machines(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[SharedCache]:
    """One cache, as two machines see it."""
    PostgresStore(postgres_url, is_new=True).initialise(None)
    made = []
    for name in ("a", "b"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        made.append(SharedCache(Counted(postgres_url), "default", Bounds(entries=4), timeout=5.0))
    return made


def data(cache: SharedCache, key: str, *more: str) -> bytes | None:
    found = cache.get(key, *more)
    return found.data if found else None


def test_machines_share_entries_and_their_end(machines: list[SharedCache], tmp_path: Path, postgres_url: str) -> None:
    one, two = machines
    assert one.put(Entry("q", b"x" * 5000, agent="a", tags=["go"], content_hash="h")), one.notes
    assert data(two, "q") == b"x" * 5000
    counted = two.store
    assert isinstance(counted, Counted)
    before = counted.fetched
    assert before > 5000
    assert data(two, "q") == data(two, "q") == b"x" * 5000
    assert counted.fetched == before, "what this machine has does not come over the line again"
    assert [entry.key for entry in one.listing()] == [entry.key for entry in two.listing()] == ["q"]
    assert two.hits_of("q") == 3

    assert two.put(Entry("q", b"new"))
    assert data(one, "q") == b"new", "another machine's answer takes the place of the copy here"
    assert one.put(Entry("r", b"tagged", tags=["go"]))
    assert data(two, "r") == b"tagged"
    assert one.invalidate(tag="go") == ["r"]
    assert data(two, "r") is None, "what one machine invalidates no machine gives"
    assert data(two, "q", "auto", "other") is None
    assert data(one, "q") is None, "nor what is void by its content"

    assert one.put(Entry("short", b"1"), 0.001)
    patience = time.monotonic() + 5  # each machine knows the server's clock as well as the line to it allows
    while data(two, "short") is not None:
        assert time.monotonic() < patience
    for n in range(7):
        assert (one, two)[n % 2].put(Entry(f"k{n}", b"%d" % n))
    there = sorted(entry.key for entry in one.listing())
    assert there == ["k3", "k4", "k5", "k6"], "the bound holds for all of them together"
    assert [data(two, f"k{n}") for n in range(7)] == [None, None, None, b"3", b"4", b"5", b"6"]
    maintain(two)

    place = next((tmp_path / "b").rglob("k5.cache"))
    place.write_bytes(place.read_bytes()[:-1])
    assert data(two, "k5") == b"5", "the copy is damaged, the entry is not"
    one.store.ask("UPDATE milestone.document SET data = $2 WHERE project = $1 AND kind = 'cache' AND key = $3",
                  one.store.project, b"garbage", "default/k6")  # fmt: skip
    one.store.ask("UPDATE milestone.document SET written = written + 1 WHERE project = $1 AND kind = 'cache'",
                  one.store.project)  # fmt: skip
    two.notes.clear()
    assert data(two, "k6") is None
    assert "damaged on the server" in two.notes[0]
    assert sorted(two.clear()) == ["k3", "k4", "k5"]
    assert [entry.key for entry in one.listing()] == []
    assert not [kind for kind, _ in open_side(postgres_url).documents() if kind == "cache"]


def test_a_copy_that_is_old_or_was_silent_says_nothing_of_the_entry(
    machines: list[SharedCache], tmp_path: Path
) -> None:
    one, two = machines
    assert one.put(Entry("q", b"1", agent="first"))
    assert data(two, "q") == b"1"
    assert one.put(Entry("q", b"22", agent="second"))
    (listed,) = two.listing()
    assert (listed.agent, listed.size) == ("second", 2)
    place = next((tmp_path / "a").rglob("q.cache"))
    os.utime(place, ns=(1, place.stat().st_mtime_ns))
    assert (show(one, "q").agent, show(one, "q").tier) == ("second", "shared")


def test_the_memory_of_a_program_asks_the_server(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PostgresStore(postgres_url, is_new=True).initialise(None)
    stores = []
    for name in ("a", "b"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        stores.append(Store(postgres_url))
    one, two = (store.cache for store in stores)
    assert one.put("q", "1", ttl="1h")
    assert two.get("q") == two.get("q") == one.get("q") == b"1"
    assert (one.stats().memory_hits, two.stats().memory_hits) == (1, 1)
    assert one.put("q", "2", content_hash="h")
    assert two.get("q") == two.get("q", content_hash="h") == b"2"
    assert (two.stats().memory_hits, two.stats().misses) == (2, 0)
    assert one.invalidate("q") == ["q"]
    assert two.get("q") is None
    assert one.put("q", "3", ttl=0.001)
    assert one.get("q") is None, "and what is over by the server's clock is no answer"
    for store in stores:
        store.close()


def test_a_server_that_is_gone_or_frozen_is_a_miss(machines: list[SharedCache], postgres_url: str) -> None:
    one, two = machines
    assert one.put(Entry("q", b"1"))
    side = open_side(postgres_url)
    side.mark(frozen="a copy is made", moved=None)
    assert data(two, "q") == b"1"
    assert not two.put(Entry("r", b"2"))
    assert "frozen" in two.notes[0]
    side.mark(frozen=None, moved=None)
    assert two.put(Entry("r", b"2")), two.notes
