"""The cache and its disk: what is invalidated or replaced stays so after a power cut; a full disk keeps what it has."""

import errno
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Cli
from disks import Disk, in_private, require_disk

from milestone_cli.core.cache.entries import Cache
from milestone_cli.core.cache.entry import Entry


def got(cache: Cache, key: str) -> bytes | None:
    found = cache.get(key)
    return found.data if found else None


def cut_after_invalidation() -> None:
    in_private()
    with Disk("ext4") as disk:
        cache = Cache(str(disk.path), "default")
        for n in range(6):
            assert cache.put(Entry(f"k{n}", b"old", tags=["odd" if n % 2 else "even"]))
        assert cache.put(Entry("k6", b"old", tier="cold"))
        disk.settle()
        assert cache.put(Entry("k0", b"new"))
        assert cache.put(Entry("k6", b"new"))
        assert cache.put(Entry("k7", b"not there before"))
        cache.close()
        disk.cut()
        assert got(cache, "k0") in (b"new", None)
        assert got(cache, "k6") in (b"new", None)
        assert got(cache, "k7") in (b"not there before", None)
        cache.close()
        disk.settle()
        assert sorted(cache.invalidate(tag="odd")) == ["k1", "k3", "k5"]
        cache.close()
        disk.cut()
        assert [got(cache, f"k{n}") for n in range(1, 6)] == [None, b"old", None, b"old", None]
        assert cache.put(Entry("k9", b"after")), cache.notes
        assert got(cache, "k9") == b"after"
        cache.close()


def test_what_is_invalidated_or_replaced_stays_so_after_a_power_cut() -> None:
    require_disk("ext4")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(cut_after_invalidation).result()


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A disk of 300 KB, for this process and what it starts."""
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k,mode=755", "tmpfs", str(path)], check=False)
    if done.returncode:
        pytest.skip("impossible here: no privilege to mount")
    return path


def test_a_full_and_a_read_only_disk_fail_nobody(small: Path, cli: Cli) -> None:
    try:
        cli("init", "demo", cwd=small, check=True)
        cache = Cache(str(small / ".milestones"), "default")
        kept = [n for n in range(40) if cache.put(Entry(f"k{n}", os.urandom(9000), tags=["t"]))]
        assert 5 < len(kept) < 40
        assert os.strerror(errno.ENOSPC) in cache.notes[-1]
        assert not [*small.rglob("*.tmp")]
        assert got(cache, "k3") is not None
        assert cache.invalidate("k3") == ["k3"]
        assert cli("cache", "put", "more", "x" * 100_000, cwd=small).returncode == 0
        cache.close()
        subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
        done = cli("cache", "put", "other", "1", cwd=small)
        assert (done.returncode, "Read-only" in done.stderr) == (0, True)
        assert cli("cache", "get", "k5", cwd=small, input=b"", check=True).stdout
        assert cli("cache", "get", "k3", cwd=small).returncode == 3
        assert cli("cache", "stats", cwd=small, check=True).stdout
        assert cli("cache", "invalidate", "k5", cwd=small).returncode == 8, "it would go on being an answer"
        subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
        assert len(cache.invalidate(tag="t")) == len(kept) - 1
        cache.close()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
