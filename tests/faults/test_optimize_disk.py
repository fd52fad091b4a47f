"""Sharing what is the same on a file system that can: files of their own still, in one place of the disk."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Cli
from disks import Disk, Impossible, in_private


def shared(cli: Cli) -> None:
    in_private()
    with Disk("xfs") as disk:
        cli("init", "demo", cwd=disk.path, check=True)
        text = json.dumps({"pad": "some words of a state " * 2000})
        cli("state", "save", "demo", text, cwd=disk.path, check=True)
        for name in ("one", "two"):
            cli("checkpoint", "create", "demo", "--name", name, cwd=disk.path, check=True)
        cli("state", "save", "demo", "1", cwd=disk.path, check=True)
        disk.settle()
        words = ("cleanup", "optimize", "--yes", "--format", "json")
        planned = json.loads(cli(*words, "--dry-run", cwd=disk.path, check=True).stdout)
        done = json.loads(cli(*words, cwd=disk.path, check=True).stdout)
        again = json.loads(cli(*words, cwd=disk.path, check=True).stdout)
        backups = disk.path / ".milestones/state/backups"
        copies = [path for path in backups.iterdir() if path.suffix == ".json" and "checkpoint" in path.name]
        assert [one["files_shared"] for one in (planned, done, again)] == [2, 2, 0], (planned, done, again)
        assert done["shared_bytes"] == planned["shared_bytes"] == sum(path.stat().st_size for path in copies)
        first, second = (path.read_bytes() for path in sorted(copies))
        assert first == second
        with min(copies).open("r+b") as file:  # as `cp` of the bash utilities writes into what is there
            file.write(b"other")
        assert sorted(copies)[1].read_bytes() == second
        cli("checkpoint", "restore", "demo", "two", "--yes", cwd=disk.path, check=True)
        assert cli("state", "load", "demo", cwd=disk.path).stdout == text


def test_what_is_the_same_is_in_one_place_of_the_disk(cli: Cli) -> None:
    try:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(shared, cli).result()
    except Impossible as why:
        pytest.skip(f"impossible here: {why}")
