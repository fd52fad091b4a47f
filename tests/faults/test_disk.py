"""Promise 7: disks full, out of inodes, read-only, slow, or cutting a write short. The old state stays."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import MILESTONE, Cli, clean_environment
from injection import require_strace, shapes

from milestone_cli.core.exports.archive import Archive
from milestone_cli.core.snapshots import document

OLD = '{"n": 1, "price": 1.10}'


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, mounted with the test's options."""
    path = tmp_path / "disk"
    path.mkdir()
    options: str = request.param
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("impossible here: there is no mount command")
    if done.returncode:
        pytest.skip(f"impossible here: no privilege to mount: {done.stderr.strip()}")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def prepare(cli: Cli, directory: Path) -> set[str]:
    """Make a store with a state; the shapes of its files."""
    cli("init", "demo", cwd=directory, check=True)
    cli("state", "save", "demo", OLD, cwd=directory, check=True)
    cli("state", "set", "demo", "n=1", cwd=directory, check=True)
    return shapes(directory / ".milestones")


def assert_refused(cli: Cli, directory: Path, known: set[str], *words: str) -> None:
    """The command ends with 8 and a JSON error, and the store is as it was."""
    before = cli("state", "load", "demo", cwd=directory, check=True).stdout
    done = cli(*words, "--format", "json", cwd=directory)
    assert done.returncode == 8, done.stderr
    assert "message" in json.dumps(json.loads(done.stderr))
    assert cli("state", "load", "demo", cwd=directory, check=True).stdout == before
    assert shapes(directory / ".milestones") <= known
    assert not (directory / ".milestones/state/.locks/demo.lock").exists()


@pytest.mark.parametrize("disk", ["size=256k,mode=755"], indirect=True)
@pytest.mark.parametrize("words", [("state", "save", "demo"), ("events", "log", "demo", "large")])
def test_full_disk(words: tuple[str, ...], disk: Path, cli: Cli) -> None:
    known = prepare(cli, disk)
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    assert_refused(cli, disk, known, *words, json.dumps({"text": "y" * 20_000}))
    filler.unlink()
    cli(*words, json.dumps({"text": "y" * 20_000}), cwd=disk, check=True)
    cli("events", "verify", "demo", cwd=disk, check=True)


@pytest.mark.parametrize("disk", ["nr_inodes=96,mode=755"], indirect=True)
def test_no_inodes(disk: Path, cli: Cli) -> None:
    known = prepare(cli, disk)
    (disk / "fillers").mkdir()
    made = []
    for number in range(100):
        try:
            (disk / f"fillers/{number}").touch()
        except OSError:
            break
        made.append(disk / f"fillers/{number}")
    assert_refused(cli, disk, known, "state", "save", "demo", '{"n": 2}')
    for path in made:
        path.unlink()
    cli("state", "save", "demo", '{"n": 2}', cwd=disk, check=True)
    cli("events", "verify", "demo", cwd=disk, check=True)


@pytest.mark.parametrize("disk", ["size=1m,mode=755"], indirect=True)
def test_read_only_disk(disk: Path, cli: Cli) -> None:
    known = prepare(cli, disk)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert_refused(cli, disk, known, "state", "save", "demo", '{"n": 2}')
    assert_refused(cli, disk, known, "state", "set", "demo", "n=2")
    assert_refused(cli, disk, known, "events", "log", "demo", "note")
    for words in (("events", "query", "demo"), ("events", "timeline", "demo"), ("events", "verify", "demo"),
                  ("status", "demo"), ("state", "list"), ("cleanup", "plan", "demo"), ("checkpoint", "list", "demo"),
                  ("session", "list")):  # fmt: skip
        cli(*words, cwd=disk, check=True)
        cli(*words, cwd=disk, check=True, env={"CLAUDE_CODE_SESSION_ID": "client-1"})
    assert_refused(cli, disk, known, "cleanup", "run", "demo")


@pytest.mark.parametrize("words", [("state", "save", "demo"), ("events", "log", "demo", "large")])
def test_a_write_cut_short(words: tuple[str, ...], tmp_path: Path, home: Path, cli: Cli) -> None:
    known = prepare(cli, tmp_path)
    log = tmp_path / ".milestones/state/events/milestone-demo.jsonl"
    limit = log.stat().st_size // 1024 + 2  # so that a part of the new record fits
    before = log.read_bytes()
    done = subprocess.run(
        ["bash", "-c", f'ulimit -f {limit}; exec "$@"', "bash", str(MILESTONE), *words,
         json.dumps({"text": "y" * 20_000})],
        cwd=tmp_path, env=clean_environment(home), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 8, done.stderr
    assert "Traceback" not in done.stderr
    assert cli("state", "load", "demo", check=True).stdout.rstrip("\n") == OLD
    assert log.read_bytes() == before
    assert shapes(tmp_path / ".milestones") <= known
    cli("state", "set", "demo", "n=2", check=True)
    cli("events", "verify", "demo", check=True)


def traced(directory: Path, home: Path, name: str, inject: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command under strace with an injection."""
    call = inject.partition(":")[0]
    return subprocess.run(
        ["strace", "-f", "-o", str(directory / name), "-e", f"trace={call}", "-e", f"inject={inject}",
         str(MILESTONE), *words],
        cwd=directory, env=clean_environment(home), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_without_flock_nothing_is_written(tmp_path: Path, home: Path, cli: Cli) -> None:
    require_strace()
    known = prepare(cli, tmp_path)
    for words in (("state", "save", "demo", '{"n": 2}'), ("events", "log", "demo", "note")):
        done = traced(tmp_path, home, "trace", "flock:error=ENOSYS", *words)
        assert done.returncode == 8, done.stderr
        assert "Traceback" not in done.stderr
    assert cli("state", "load", "demo", check=True).stdout.rstrip("\n") == OLD
    assert shapes(tmp_path / ".milestones") <= known


def test_slow_syncs_keep_the_lock_exclusive(tmp_path: Path, home: Path, cli: Cli) -> None:
    require_strace()
    prepare(cli, tmp_path)

    def put(number: int) -> subprocess.CompletedProcess[str]:
        inject = "fsync,fdatasync:delay_enter=100000"
        return traced(tmp_path, home, f"trace{number}", inject, "state", "set", "demo", f"k{number}={number}")

    with ThreadPoolExecutor(4) as pool:
        for done in pool.map(put, range(4)):
            assert done.returncode == 0, done.stderr
    state = json.loads(cli("state", "load", "demo", check=True).stdout)
    assert state == {"n": 1, "price": 1.1, **{f"k{number}": number for number in range(4)}}
    cli("events", "verify", "demo", check=True)


@pytest.mark.parametrize("disk", ["size=1m,mode=755"], indirect=True)
def test_a_snapshot_that_cannot_be_saved_is_kept_elsewhere(disk: Path, cli: Cli, home: Path) -> None:
    prepare(cli, disk)
    cli("task", "create", "first", "x" * 3000, cwd=disk, check=True)
    cli("snapshot", "save", cwd=disk, check=True)
    before = (disk / ".milestones/snapshots/state.json").read_bytes()
    with (disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    kept = set()
    for made in ("full", "read-only"):
        done = cli("snapshot", "save", "--format", "json", cwd=disk)
        assert done.returncode == 8, (made, done.stderr)
        kept.add(Path(json.loads(done.stderr)["details"]["emergency"]))
        assert (disk / ".milestones/snapshots/state.json").read_bytes() == before
        assert not [*(disk / ".milestones").rglob("*.tmp")], made
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    (path,) = kept  # what has not changed meanwhile is kept once
    assert document.parse(path.read_bytes()).parts["tasks"].keys() == {"first"}
    cli("store", "export", str(home / "all.tar"), cwd=disk, check=True)
    with contextlib.closing(Archive(str(home / "all.tar"))) as archive:
        assert archive.document("task", "first")


def test_half_a_backup_does_not_stay_where_there_are_no_links(cli: Cli, store: Path, home: Path) -> None:
    require_strace()
    cli("state", "save", "demo", json.dumps({"x": "y" * 9000}), check=True)
    spoiled = ["-e", "inject=linkat:error=EPERM", "-e", "inject=fsync:error=ENOSPC:when=1"]
    done = subprocess.run(
        ["strace", "-f", "-o", "/dev/null", *spoiled, str(MILESTONE), "state", "save", "demo", "{}"],
        cwd=store.parent, env=clean_environment(home), stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 8
    assert list((store / "state/backups").iterdir()) == []
