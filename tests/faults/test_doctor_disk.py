"""What doctor says where the fault is real: processes killed at a system call, disks that are full, foreign, remote."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ailments import Patient, examine, ids, told
from conftest import MILESTONE, Cli, clean_environment
from disks import KINDS, Disk, Impossible
from injection import require_strace

NOBODY = 65534


@pytest.fixture
def patient(cli: Cli, tmp_path: Path, home: Path) -> Patient:
    return Patient.healthy(cli, tmp_path, home)


def privileged(*words: str) -> None:
    """Run a command that needs privileges, or skip the test."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"impossible here: there is no {words[0]} command")
    if done.returncode:
        pytest.skip(f"impossible here: no privilege: {' '.join(words)}: {done.stderr.strip()}")


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Any]:
    """Mounts file systems for the test: `mount("tmpfs", "size=1m")`; the folder of it."""
    made: list[Path] = []

    def do(kind: str, options: str) -> Path:
        path = tmp_path / f"disk{len(made)}"
        path.mkdir()
        privileged("mount", "-t", kind, "-o", options, kind, str(path))
        made.append(path)
        return path

    yield do
    for path in made:
        subprocess.run(["umount", "-l", str(path)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


def test_a_full_disk(mount: Any, cli: Cli, home: Path) -> None:
    disk = mount("tmpfs", "size=1m,mode=755")
    patient = Patient.healthy(cli, disk, home)
    assert ids(examine(patient))["space.bytes_short"] == "error"
    fill(disk)
    assert cli("state", "set", "demo", "n=1", cwd=disk).returncode == 8
    found = examine(patient)
    assert ids(found)["space.bytes_short"] == "error"
    assert ids(found)["file system.memory"] == "note"


def test_few_inodes(mount: Any, cli: Cli, home: Path) -> None:
    disk = mount("tmpfs", "nr_inodes=96,size=512m,mode=755")
    patient = Patient.healthy(cli, disk, home)
    assert ids(examine(patient))["space.inodes_low"] == "warning"
    for number in range(100):
        try:
            (disk / f"filler{number}").touch()
        except OSError:
            break
    assert ids(examine(patient))["space.inodes_short"] == "error"


def test_a_read_only_disk(mount: Any, cli: Cli, home: Path) -> None:
    disk = mount("tmpfs", "size=256m,mode=755")
    patient = Patient.healthy(cli, disk, home)
    (patient.store / "state/active/.demo.0123456789abcdef0123.tmp").write_text("half")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    done = cli("doctor", "--format", "json", cwd=disk)
    assert done.returncode == 6
    found = ids(told(done))
    assert found["space.read_only"] == "error"
    assert not [id_ for id_ in found if id_.endswith(".failed")], found
    assert "leftovers.temporary" in found
    assert cli("doctor", "--selftest", cwd=disk).returncode == 8
    healed = told(cli("doctor", "--fix", "--yes", "--format", "json", cwd=disk))
    assert all(one["trouble"] for one in healed["repairs"])
    assert healed["repairs"]


def test_a_repair_that_fails_is_told(mount: Any, cli: Cli, home: Path) -> None:
    """Exit 9 when no error is left and a repair failed: here the quarantine is on a disk that takes nothing."""
    disk = mount("tmpfs", "size=256m,mode=755")
    patient = Patient.healthy(cli, disk, home)
    (patient.store / "state/active/.demo.0123456789abcdef0123.tmp").write_text("half")
    quarantine = str(patient.store / "quarantine")
    privileged("mount", "--bind", quarantine, quarantine)
    try:
        privileged("mount", "-o", "remount,ro,bind", quarantine)
        done = cli("doctor", "--fix", "--yes", "--format", "json", cwd=disk)
        assert done.returncode == 9, done.stdout
        found = json.loads(done.stdout)
        (failed,) = [one for one in found["repairs"] if one["id"] == "leftovers.temporary"]
        assert failed["trouble"]
        assert (patient.store / "state/active/.demo.0123456789abcdef0123.tmp").exists()
    finally:
        subprocess.run(["umount", quarantine], check=True)


def test_files_of_another_user(patient: Patient) -> None:
    if os.geteuid():
        pytest.skip("impossible here: only root can give files away")
    os.chown(patient.store / "state/events/milestone-demo.head", NOBODY, NOBODY)
    found = examine(patient)
    assert ids(found) == {"owner.foreign_files": "warning"}
    for path in [patient.store, *patient.store.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    refused = patient.cli("doctor", "--format", "json", cwd=patient.store.parent)
    assert (refused.returncode, json.loads(refused.stderr)["code"]) == (8, "store_foreign")
    done = patient.cli("doctor", "--format", "json", cwd=patient.store.parent, env={"MILESTONE_TRUST_STORE": "1"})
    assert ids(told(done)) == {"owner.foreign_store": "warning"}


def as_nobody(place: Path, home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", str(MILESTONE), *words],
        cwd=place, env=clean_environment(home), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def somewhere() -> Iterator[Path]:
    """A folder that another user can reach, and owns."""
    if os.geteuid():
        pytest.skip("impossible here: only root can become another user")
    with tempfile.TemporaryDirectory(prefix="milestone-somewhere-") as made:
        Path(made).chmod(0o755)
        place = Path(made) / "place"
        place.mkdir()
        os.chown(place, NOBODY, NOBODY)
        yield place


def test_files_of_root_in_somebodys_store(somewhere: Path, cli: Cli) -> None:
    """Somebody ran milestone as root in the store of another: from then on that one's own commands fail."""
    place = home = somewhere
    if as_nobody(Path("/"), home, "--version").returncode:
        pytest.skip("impossible here: another user cannot run this installation")
    assert as_nobody(place, home, "state", "save", "demo", "{}").returncode == 10
    assert as_nobody(place, home, "init", "demo").returncode == 0
    assert as_nobody(place, home, "state", "save", "demo", "{}").returncode == 0
    assert ids(told(as_nobody(place, home, "doctor", "--format", "json"))).keys() <= {"file system.memory"}
    cli("state", "set", "demo", "n=1", cwd=place, env={"MILESTONE_TRUST_STORE": "1"}, check=True)
    found = told(as_nobody(place, home, "doctor", "--format", "json"))
    assert ids(found)["owner.foreign_files"] == "error"


def test_a_layer_of_a_container_is_named(mount: Any, tmp_path: Path, cli: Cli, home: Path) -> None:
    below = mount("tmpfs", "size=256m,mode=755")
    for name in ("lower", "upper", "work"):
        (below / name).mkdir()
    disk = mount("overlay", f"lowerdir={below}/lower,upperdir={below}/upper,workdir={below}/work")
    patient = Patient.healthy(cli, disk, home)
    found = examine(patient)
    assert ids(found) == {"file system.layer": "note"}
    assert any(one["message"].startswith("overlay:") for one in found["findings"])


REMOTE = {
    "nfs4": ("file system.network", "warning", "NFS"),
    "nfs": ("file system.network", "warning", "NFS"),
    "cifs": ("file system.network", "warning", "SMB"),
    "9p": ("file system.network", "warning", "9P"),
    "fuse.sshfs": ("file system.network", "warning", "SSHFS"),
    "ceph": ("file system.network", "warning", "CephFS"),
    "virtiofs": ("file system.shared", "warning", "virtiofs"),
    "vfat": ("file system.poor", "warning", "vfat"),
    "fuse.mystery": ("file system.unknown", "note", "fuse.mystery"),
}


@pytest.mark.parametrize("kind", REMOTE)
def test_a_network_file_system_is_named(kind: str, patient: Patient, tmp_path: Path) -> None:
    """The kernel's table of mounts says so: here it is another one, in a namespace of mounts of its own."""
    table = tmp_path / "table"
    place = str(tmp_path).replace(" ", "\\040")
    table.write_text(
        "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
        f"30 22 0:44 / {place} rw,relatime shared:5 - {kind} server:/export rw,vers=4.2\n"
    )
    script = 'mount --bind "$0" /proc/$$/mountinfo && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, str(table), str(MILESTONE), "doctor", "--format", "json"],
        cwd=patient.store.parent, env=clean_environment(patient.home), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"impossible here: no namespace of mounts: {done.stderr.strip()}")
    found = told(done)
    id_, severity, name = REMOTE[kind]
    assert ids(found) == {id_: severity}
    (message,) = [one["message"] for one in found["findings"] if one["id"] == id_]
    assert message.startswith(name)


def selftest(place: Path, home: Path, *before: str) -> tuple[int, dict[str, Any]]:
    """Run the self-test behind another command; its exit code, and what it found."""
    done = subprocess.run(
        [*before, str(MILESTONE), "doctor", "--selftest", "--format", "json"], cwd=place, env=clean_environment(home),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, told(done)


def answers(found: dict[str, Any]) -> dict[str, str]:
    return {one["promise"]: one["answer"] for one in found["promises"]}


POWER = "What was acknowledged survives a power cut."


def test_a_disk_in_memory_promises_no_power_cut(mount: Any, cli: Cli, home: Path) -> None:
    disk = mount("tmpfs", "size=256m,mode=755")
    Patient.healthy(cli, disk, home)
    code, found = selftest(disk, home)
    assert code == 0
    given = answers(found)
    assert given.pop(POWER) == "no"
    assert set(given.values()) == {"yes"}


BROKEN = {
    "fsync:error=EIO": ("disk.sync", POWER, "no"),
    "flock:error=ENOSYS": ("disk.lock", "The lock of a process that died is free at once.", "no"),
    "link,linkat:error=EPERM": ("disk.link", POWER, "yes"),
    "rename:error=EIO": ("disk.replacing", "A reader never waits for a writer, and never sees half a write.",
                         "not known"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_a_disk_that_cannot_do_it_is_told_so(fault: str, patient: Patient, tmp_path: Path) -> None:
    require_strace()
    calls = fault.partition(":")[0]
    code, found = selftest(
        patient.store.parent, patient.home, "strace", "-f", "-o", str(tmp_path / "trace"), "-e", f"trace={calls}",
        "-e", f"inject={fault}",
    )  # fmt: skip
    id_, promise, answer = BROKEN[fault]
    (trial,) = [one for one in found["trials"] if one["id"] == id_]
    assert trial["severity"] == ("note" if "link" in fault else "error")
    assert answers(found)[promise] == answer
    assert code == (0 if "link" in fault else 6)
    assert not list(patient.store.glob(".selftest.*"))


def test_a_disk_that_does_not_answer_hides_nothing_else(patient: Patient, tmp_path: Path) -> None:
    require_strace()
    done = subprocess.run(
        ["strace", "-f", "-o", str(tmp_path / "trace"), "-e", "inject=fstatfs:error=EIO", str(MILESTONE), "doctor",
         "--format", "json"],
        cwd=patient.store.parent, env=clean_environment(patient.home), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 6, done.stderr
    found = told(done)
    assert ids(found) == {"space.failed": "error"}
    assert {"layout.sound", "logs.sound"} <= {one["id"] for one in found["findings"]}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_real_disk(kind: str, cli: Cli, home: Path) -> None:
    try:
        disk = Disk(kind)
    except Impossible as error:
        pytest.skip(f"impossible here: {error}")
    with disk:
        patient = Patient.healthy(cli, disk.path, home)
        assert ids(examine(patient)) == ({"space.bytes_low": "warning"} if kind == "ext4" else {})
        for _ in range(3):
            code, found = selftest(disk.path, home)
            assert code == 0, found
            given = answers(found)
            given.pop(POWER)  # an image in memory syncs at once
            assert set(given.values()) == {"yes"}
