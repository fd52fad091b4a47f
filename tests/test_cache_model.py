"""The cache beside a plain dictionary: thousands of steps of putting, getting, invalidating and waiting give the same.

The model below knows nothing of files: it is the rules of the cache written down once more, an entry a row. Two objects
of one cache take turns as two processes would, and now and then the index is lost.
"""

import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from milestone_cli.core.cache import entry as entries
from milestone_cli.core.cache.bounds import Bounds
from milestone_cli.core.cache.entries import Cache
from milestone_cli.core.cache.entry import Entry
from milestone_cli.core.cache.maintenance import maintain
from milestone_cli.core.cache.statistics import present

SECOND = 10**9
TIERS = ["hot", "warm", "cold"]
SILENCES = {"hot": 300, "warm": 1800, "cold": 7200}
SIZES = {"hot": 4000, "warm": 6000, "cold": 5000}
MOST = 6
KEYS = st.sampled_from([f"k{n}" for n in range(9)])
WORDS = st.sampled_from(["", "a", "b"])
HASHES = st.sampled_from(["", "", "", "a", "b"])
PUTS = st.tuples(KEYS, st.integers(0, 3500), st.booleans(), st.sampled_from([None, None, 0, 60, 4000]),
                 st.sampled_from(["hot", *TIERS]), WORDS, WORDS, WORDS)  # fmt: skip
GETS = st.tuples(KEYS, st.sampled_from(["auto"] * 5 + TIERS), HASHES)


class Row:
    """An entry of the model."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.plain = len(entries.encode(entry, "model", packed=False))
        self.packed = len(entries.encode(entry, "model", packed=True))
        self.tier = entry.tier
        self.used = entry.created
        self.hits = 0

    def size(self, tier: str) -> int:
        return self.packed if tier == "cold" else self.plain


class Model:
    """The rules: a dictionary in the order of use."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def belongs(self, row: Row, now: int) -> str:
        """Its tier after so long a silence; empty when it is over."""
        if row.entry.expires and now >= row.entry.expires:
            return ""
        later = [tier for tier in TIERS[TIERS.index(row.tier) :] if now - row.used <= SILENCES[tier] * SECOND]
        return later[0] if later else ""

    def full(self, tier: str, more: int) -> bool:
        return sum(row.size(tier) for row in self.rows.values() if row.tier == tier) + more > SIZES[tier]

    def free(self, tier: str, size: int, moving: frozenset[str]) -> bool:
        while self.full(tier, size):
            victims = [key for key, row in self.rows.items() if row.tier == tier and key not in moving]
            if not victims or size > SIZES[tier]:
                return False
            lower = TIERS[TIERS.index(tier) + 1 :]
            if lower:
                self.move(victims[0], lower[0], moving)
            else:
                del self.rows[victims[0]]
        return True

    def move(self, key: str, to: str, moving: frozenset[str] = frozenset()) -> None:
        row = self.rows[key]
        for tier in TIERS[TIERS.index(to) :]:
            if tier == row.tier:
                return
            if self.free(tier, row.size(tier), moving | {key}):
                row.tier = tier
                return
        del self.rows[key]

    def put(self, entry: Entry, now: int) -> bool:
        fitting = [tier for tier in TIERS[TIERS.index(entry.tier) :] if Row(entry).size(tier) <= SIZES[tier]]
        if not fitting:
            return False
        self.rows.pop(entry.key, None)
        for key, row in [*self.rows.items()]:
            if row.entry.expires and now >= row.entry.expires:
                del self.rows[key]
        self.age(now)
        while len(self.rows) >= MOST:
            del self.rows[next(iter(self.rows))]
        row = Row(entry)
        row.tier = fitting[0]
        assert self.free(row.tier, row.size(row.tier), frozenset())
        self.rows[entry.key] = row
        return True

    def age(self, now: int) -> None:
        due = [(key, self.belongs(row, now)) for key, row in self.rows.items()]
        for key, tier in [one for one in due if one[1] != self.rows[one[0]].tier]:
            if key in self.rows and tier:
                self.move(key, tier)
            else:
                self.rows.pop(key, None)

    def get(self, key: str, tier: str, content_hash: str, now: int) -> bytes | None:
        row = self.rows.get(key)
        if row is None:
            return None
        belongs = self.belongs(row, now)
        if not belongs or (content_hash and row.entry.content_hash != content_hash):
            del self.rows[key]
            return None
        if tier not in ("auto", belongs):
            return None
        self.rows[key] = self.rows.pop(key)
        row.used, row.hits = now, row.hits + 1
        if belongs != "hot":
            self.move(key, TIERS[TIERS.index(belongs) - 1])
        return row.entry.data


class Beside(RuleBasedStateMachine):
    """Both, step by step."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cache-model-"))
        self.now = 1_700_000_000 * SECOND
        self.model = Model()
        self.caches = [self.opened(), self.opened()]
        self.lost = False
        self.asked = [0, 0]

    def opened(self) -> Cache:
        bounds = Bounds((4000, 6000, 5000), (300 * SECOND, 1800 * SECOND, 7200 * SECOND), MOST, 3600 * SECOND)
        return Cache(str(self.folder), "model", bounds, clock=lambda: self.now)

    @property
    def cache(self) -> Cache:
        """The one whose turn it is."""
        self.now += 1000
        self.caches.reverse()
        return self.caches[0]

    @rule(wishes=st.lists(st.one_of(PUTS, GETS), min_size=1, max_size=12))
    def use(self, wishes: list[tuple[Any, ...]]) -> None:
        """Puts and gets in one rule, so that no example is without them."""
        for wish in wishes:
            if len(wish) == 3:
                self.get(*wish)
            else:
                self.put(*wish)

    def put(
        self, key: str, size: int, fill: bool, ttl: int | None, tier: str, tag: str, agent: str, hash_: str
    ) -> None:
        cache = self.cache
        data = b"x" * size if fill else random.Random(size).randbytes(size)
        entry, wanted = [
            Entry(key, data, agent=agent, tags=[tag] if tag else [], content_hash=hash_, tier=tier, meta={"n": size})
            for _ in range(2)
        ]
        kept = cache.put(entry, ttl)
        wanted.created = self.now
        wanted.expires = 0 if ttl == 0 else self.now + (3600 if ttl is None else ttl) * SECOND
        assert kept == self.model.put(wanted, self.now), cache.notes

    def get(self, key: str, tier: str, hash_: str) -> None:
        cache = self.cache
        found = cache.get(key, tier, hash_)
        wanted = self.model.get(key, tier, hash_, self.now)
        assert (found.data if found else None) == wanted, cache.notes
        self.asked[found is None] += 1

    @rule(key=st.one_of(st.just(""), KEYS), agent=WORDS, tag=WORDS, hash_=WORDS)
    def invalidate(self, key: str, agent: str, tag: str, hash_: str) -> None:
        if not (key or agent or tag or hash_):
            return
        gone = self.cache.invalidate(key, agent, tag, hash_)
        wanted = [one for one, row in self.model.rows.items() if row.entry.matches(key, agent, tag, hash_)]
        assert sorted(gone) == sorted(wanted)
        for one in wanted:
            del self.model.rows[one]

    @rule(seconds=st.sampled_from([1, 30, 200, 301, 1000, 1801, 3600, 7300]))
    def wait(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule()
    def expire(self) -> None:
        gone = self.cache.expire()
        wanted = [key for key, row in self.model.rows.items() if not self.model.belongs(row, self.now)]
        assert sorted(gone) == sorted(wanted)
        for key in wanted:
            del self.model.rows[key]

    @rule()
    def maintain(self) -> None:
        done = maintain(self.cache)
        for key in [key for key, row in self.model.rows.items() if not self.model.belongs(row, self.now)]:
            del self.model.rows[key]
        self.model.age(self.now)
        assert (done.entries, done.damaged) == (len(self.model.rows), 0)

    @rule()
    def start_anew(self) -> None:
        self.caches.pop().close()
        self.caches.append(self.opened())

    @rule()
    def lose_the_index(self) -> None:
        for path in self.folder.glob("cache/indexes/model.index"):
            path.unlink()
        self.lost = True
        for row in self.model.rows.values():
            row.hits = 0
        self.start_anew()
        self.start_anew()

    @invariant()
    def same(self) -> None:
        """The same entries in the same tiers, and no bound is passed on the disk."""
        cache = self.caches[0]
        found = {entry.key: (entry.tier, entry.used) for entry in present(cache)}
        wanted = {key: (self.model.belongs(row, self.now), row.used) for key, row in self.model.rows.items()}
        assert found == {key: one for key, one in wanted.items() if one[0]}
        assert len(cache.listing()) <= MOST
        for tier, most in SIZES.items():
            files = [*self.folder.glob(f"cache/state_cache/model/{tier}/*")]
            assert sum(path.stat().st_size for path in files) <= most
            there = {path.name.removesuffix(".cache") for path in files}
            assert there == {key for key, row in self.model.rows.items() if row.tier == tier}
        tally = cache.tiers.table.tally
        if not self.lost:
            assert [sum(tally.hits.values()), tally.counts["misses"]] == self.asked
            assert all(cache.hits_of(key) == row.hits for key, row in self.model.rows.items())
        assert not cache.notes or all("not kept" in note for note in cache.notes)

    def teardown(self) -> None:
        for cache in self.caches:
            cache.close()
        shutil.rmtree(self.folder)


def check(examples: int, steps: int) -> None:
    """Hold both beside each other."""
    run_state_machine_as_test(
        Beside,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=[*HealthCheck],
        ),
    )


def test_the_cache_is_what_a_dictionary_with_its_rules_is() -> None:
    check(30, 30)


@pytest.mark.slow
def test_the_same_through_thousands_of_steps() -> None:
    check(200, 100)
