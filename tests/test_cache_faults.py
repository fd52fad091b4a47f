"""The cache when many are at it, are killed, or its files are not what they were: it is only smaller."""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

from milestone_cli import runtime
from milestone_cli.core.cache.bounds import Bounds
from milestone_cli.core.cache.entries import Cache
from milestone_cli.core.cache.entry import Entry
from milestone_cli.core.cache.maintenance import maintain
from milestone_cli.model import digest

SECOND = 10**9
BOUNDS = Bounds((6000, 9000, 4000), (300 * SECOND, 1800 * SECOND, 7200 * SECOND), 20, 3600 * SECOND)
TIERS = ("hot", "warm", "cold")


def answer(key: str, version: int) -> bytes:
    """What is kept under a key: it says for which question it is."""
    return f"{key}:{version}:".encode() * 40


def within_bounds(folder: Path) -> tuple[int, dict[str, int]]:
    """How many entries there are, and bytes of each tier; a file that goes meanwhile does not count."""
    count, sizes = 0, dict.fromkeys(TIERS, 0)
    for tier in TIERS:
        for path in folder.glob(f"cache/state_cache/many/{tier}/*.cache"):
            try:
                sizes[tier] += path.stat().st_size
            except FileNotFoundError:
                continue
            count += 1
    return count, sizes


def work(folder: Path, number: int, rounds: int, report: int) -> None:
    """Put, get and invalidate as one of many; what was asked and what was wrong goes into a pipe."""
    chance = random.Random(number)
    cache = Cache(str(folder), "many", BOUNDS)
    cache.patience = 60.0  # so that every get is counted, however busy the machine is
    asked, wrong = 0, []
    for n in range(rounds):
        key = f"k{chance.randrange(40)}"
        what = chance.random()
        if what < 0.4:
            entry = Entry(key, answer(key, n), tags=[f"t{chance.randrange(5)}"], tier=chance.choice(TIERS))
            if not cache.put(entry):
                wrong.append("not kept")
        elif what < 0.95:
            asked += 1
            found = cache.get(key)
            if found is not None and not found.data.startswith(f"{key}:".encode()):
                wrong.append(f"{key} is {found.data[:20]!r}")
        else:
            cache.invalidate(tag=f"t{chance.randrange(5)}")
    os.write(report, json.dumps({"asked": asked, "wrong": [*wrong, *cache.notes]}).encode() + b"\n")


def many(folder: Path, processes: int, rounds: int) -> None:
    """Let so many be at it, look at the bounds meanwhile, and then ask whether they agree."""
    reading, writing = os.pipe()
    children = [
        runtime.child(lambda number=number: work(folder, number, rounds, writing))  # type: ignore[misc]
        for number in range(processes)
    ]
    waiting = {*children}
    while waiting:
        for pid in [*waiting]:
            if os.waitpid(pid, os.WNOHANG)[0]:
                waiting.discard(pid)
        for tier, size in within_bounds(folder)[1].items():
            assert size <= 2 * BOUNDS.sizes[tier], "seen while files were moving: each may be counted twice"
        time.sleep(0.01)
    os.close(writing)
    with os.fdopen(reading) as file:
        told = [json.loads(line) for line in file]
    assert len(told) == processes
    assert [one["wrong"] for one in told] == [[]] * processes
    caches = [Cache(str(folder), "many", BOUNDS) for _ in range(2)]
    count, sizes = within_bounds(folder)
    assert count <= BOUNDS.entries
    assert all(sizes[tier] <= BOUNDS.sizes[tier] for tier in TIERS)
    listed = [sorted(entry.key for entry in cache.listing()) for cache in caches]
    assert listed[0] == listed[1]
    table = caches[0].tiers.table
    assert sorted(table.rows) == listed[0], "the index names what is there, and nothing else"
    assert table.bytes == sizes
    assert sum(table.tally.hits.values()) + table.tally.counts["misses"] == sum(one["asked"] for one in told)
    assert maintain(caches[1]).cleared == 0


def test_eight_processes_stay_within_bounds_and_agree(tmp_path: Path) -> None:
    many(tmp_path, 8, 60)


@pytest.mark.slow
def test_eight_processes_for_long(tmp_path: Path) -> None:
    many(tmp_path, 8, 3000)


def killed_at(work: Callable[[], object], point: int) -> bool:
    """Do some work in a process that is killed right before its so-manyeth call into C; whether it was."""

    def until() -> None:
        left = point

        def count(_frame: object, event: str, _arg: object) -> None:
            nonlocal left
            if event == "c_call":
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        work()

    status = os.waitpid(runtime.child(until), 0)[1]
    return os.WIFSIGNALED(status)


def opened(folder: Path, size: int = 900) -> Cache:
    """A cache of so many bytes in each tier."""
    return Cache(str(folder), "default", Bounds((size, size, size), BOUNDS.silences, 5, 3600 * SECOND))


def prepared(folder: Path, size: int = 900) -> Cache:
    """A cache with entries in all tiers, so full that the next one moves some and drops one."""
    cache = opened(folder, size)
    for n in range(5):
        entry = Entry(f"k{n}", answer(f"k{n}", 1), tags=["odd" if n % 2 else "even"], tier=TIERS[n % 3])
        assert cache.put(entry), cache.notes
    return cache


def scenes() -> dict[str, Callable[[Cache], object]]:
    """What is interrupted."""
    return {
        "replace": lambda cache: cache.put(Entry("k1", answer("k1", 2), tags=["even"])),
        "new": lambda cache: cache.put(Entry("k9", answer("k9", 2))),
        "promote": lambda cache: cache.get("k2"),
        "invalidate": lambda cache: cache.invalidate(tag="odd"),
        "maintain": maintain,
    }


def try_points(folder: Path, scene: str, step: int) -> int:
    """Kill a scene at every so-manyeth point; how many there were."""
    act, points = scenes()[scene], 0
    while True:
        place = folder / f"{scene}{points}"
        place.mkdir()
        before = {entry.key: entry.tags for entry in prepared(place).listing()}
        if not killed_at(lambda: act(opened(place)), points * step):  # noqa: B023 - it is over before the next
            return points
        points += 1
        check_smaller(place, before, scene)


def check_smaller(folder: Path, before: dict[str, list[str]], scene: str) -> None:
    """What is there was there, or was being put; and whoever comes next goes on within the bounds."""
    cache = opened(folder)
    new = {"replace": "k1", "new": "k9"}.get(scene, "")
    there = {entry.key: entry.tags for entry in cache.listing()}
    assert there.keys() <= before.keys() | {new}
    for key, tags in there.items():
        found = cache.peek(key)
        assert found is not None
        assert found.data in ([answer(key, 1), answer(key, 2)] if key == new else [answer(key, 1)])
        assert (found.data == answer(key, 2)) or tags == before[key], "an old answer has its old tags"
    cache.invalidate(tag="odd")
    assert not [entry for entry in cache.listing() if "odd" in entry.tags]
    assert cache.put(Entry("after", answer("after", 1))), cache.notes
    found = cache.get("after")
    assert found is not None
    assert found.data == answer("after", 1)
    maintain(cache)
    assert not [*folder.rglob("*.tmp")]
    assert len(cache.listing()) <= 5
    assert sorted(cache.tiers.table.rows) == sorted(entry.key for entry in cache.listing())
    assert cache.notes == []


@pytest.mark.parametrize("scene", scenes())
def test_killed_anywhere_it_is_only_smaller(scene: str, tmp_path: Path) -> None:
    assert try_points(tmp_path, scene, 29) > 5


@pytest.mark.slow
@pytest.mark.parametrize("scene", scenes())
def test_killed_at_every_point_it_is_only_smaller(scene: str, tmp_path: Path) -> None:
    assert try_points(tmp_path, scene, 1) > 100


def test_a_damaged_entry_is_a_miss_with_a_warning(cli: Cli, store: Path) -> None:
    cli("cache", "put", "q", "the answer", "--agent", "a", "--tag", "t", check=True)
    path = store / "cache/state_cache/default/hot/q.cache"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"the answer", b"the anwser"))
    done = cli("cache", "get", "q")
    assert (done.returncode, done.stdout) == (3, "")
    assert "default/q is damaged and counts as missing" in done.stderr
    assert cli("cache", "get", "q").stderr == "", "it is gone"

    cache = Cache(str(store), "default")
    for at in range(0, len(whole), 3):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
            path.write_bytes(damaged)
            assert cache.get("q") is None
            assert len(cache.notes) == 1
            cache.notes.clear()
            assert not path.exists()
    path.write_bytes(whole)
    found = cache.get("q")
    assert found is not None
    assert found.data == b"the answer"


def test_an_index_is_made_again_and_decides_about_no_answer(tmp_path: Path) -> None:
    prepared(tmp_path, 1 << 20).close()
    index = tmp_path / "cache/indexes/default.index"
    lines = index.read_bytes().splitlines(keepends=True)
    for text in (
        b"",
        b"\0" * 100,
        lines[0] + b"[[[\n",
        b"".join(lines)[:-7],
        b'["v",1,9]\n["+","k1"]\n',
        b'["v",1,"x"]\n',
        b'["v",1,9]\n["*","k1","hot",1,"x",0,"",0]\n["-"]\n["h",[],{},1,1]\n["t",5]\n1\n',
        None,
    ):
        if text is None:
            index.unlink()
        else:
            index.write_bytes(text)
        cache = opened(tmp_path, 1 << 20)
        assert cache.get("k1") is not None
        assert cache.put(Entry("k0", answer("k0", 1), tags=["even"])), cache.notes
        assert sorted(cache.tiers.table.rows) == sorted(entry.key for entry in cache.listing())
        assert len(cache.tiers.table.rows) == 5
    assert sorted(cache.invalidate(tag="odd")) == ["k1", "k3"]


def test_a_poisoned_folder_is_a_miss(tmp_path: Path) -> None:
    cache = prepared(tmp_path, 1 << 20)
    hot = tmp_path / "cache/state_cache/default/hot"
    secret = tmp_path / "secret"
    secret.write_bytes((hot / "k0.cache").read_bytes())

    def planted(label: Any, body: bytes) -> bytes:
        text = b"\n".join([label if isinstance(label, bytes) else json.dumps(label).encode(), b'{"meta":{}}', body])
        return digest(text).encode() + b"\n" + text

    sound = {"format": 1, "namespace": "default", "key": "p", "agent": "", "tags": [], "content_hash": "",
             "created": 1, "expires": 0, "size": 9, "packed": True}  # fmt: skip
    for label in (b"", b"[]", b"[" * 5000, b"1" * 5000, sound, {**sound, "tags": 5}, {**sound, "size": 1 << 62},
                  {**sound, "key": "../p"}, {**sound, "created": "x"}, {**sound, "agent": {}}):  # fmt: skip
        (hot / "p.cache").write_bytes(planted(label, b"no zlib"))
        assert cache.get("p") is None
    os.link(hot / "k0.cache", hot / "copied.cache")
    assert cache.get("copied") is None, "an entry answers its own question alone"
    (hot / "p.cache").symlink_to(secret)
    assert cache.get("p") is None
    assert secret.exists()
    assert not (hot / "p.cache").is_symlink()
    (hot / "d.cache").mkdir()
    assert cache.get("d") is None
    os.mkfifo(hot / "p.cache")
    assert cache.get("p") is None, "and it does not hang"
    (hot / "q.cache").symlink_to(secret)
    assert cache.get("k0") is not None
    assert cache.invalidate(tag="odd") == ["k3", "k1"]
    assert cache.put(Entry("k1", answer("k1", 1))), cache.notes
    assert secret.exists()


def stamps(store: Path) -> dict[Path, tuple[int, int]]:
    """What tells each file from what it was; reading them would count as use."""
    return {path: ((status := path.stat()).st_mtime_ns, status.st_size) for path in store.rglob("*")}


def maintenance(cli: Cli, *more: str) -> Any:
    """What `cleanup cache` says of each namespace."""
    return json.loads(cli("cleanup", "cache", *more, "--format", "json", check=True).stdout)["namespaces"]


def test_maintenance_is_planned_as_it_is_done(cli: Cli, store: Path) -> None:
    for name in ("sound", "aged", "twice", "torn", "edited", "gone"):
        cli("cache", "put", name, f"the answer of {name}", check=True)
    cli("cache", "put", "over", "1", "--ttl", "1ms", check=True)
    tiers = store / "cache/state_cache/default"
    aged = tiers / "hot/aged.cache"
    os.utime(aged, ns=(aged.stat().st_atime_ns - 400 * 10**9, aged.stat().st_mtime_ns))
    (tiers / "warm").mkdir(exist_ok=True)
    shutil.copy2(tiers / "hot/twice.cache", tiers / "warm/twice.cache")
    (tiers / "hot/torn.cache").write_bytes((tiers / "hot/torn.cache").read_bytes()[:30])
    (tiers / "hot/edited.cache").write_bytes(
        (tiers / "hot/edited.cache").read_bytes().replace(b"the answer", b"an opinion")
    )
    (tiers / "hot/gone.cache").unlink()
    (tiers / "hot/.half.written.tmp").write_bytes(b"half")
    before = stamps(store)
    (planned,) = maintenance(cli, "--dry-run")
    assert stamps(store) == before
    assert (planned["expired"], planned["damaged"], planned["moved"], planned["cleared"]) == (1, 2, 1, 3)
    assert planned["entries"] == 3
    (done,) = maintenance(cli)
    assert done == planned
    assert sorted(path.stem for path in tiers.rglob("*.cache")) == ["aged", "sound", "twice"]
    (left,) = maintenance(cli, "--dry-run")
    assert (left["expired"], left["damaged"], left["moved"], left["cleared"]) == (0, 0, 0, 0)
