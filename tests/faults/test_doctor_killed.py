"""Doctor and kill -9: what a killed command left is found and repaired, also when doctor is killed at it itself."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ailments import AILMENTS, Patient, examine, ids
from conftest import MILESTONE, Cli, clean_environment
from injection import interrupt, record, require_strace


@pytest.fixture
def patient(cli: Cli, tmp_path: Path, home: Path) -> Patient:
    return Patient.healthy(cli, tmp_path, home)


KILLS = {
    # The command, the call at which it is killed (the name, and a part of what strace prints), and what must be found.
    "in a save, before the rename": (
        ["state", "set", "demo", "step=7"], "rename", "state/active/.demo.", {"leftovers.temporary", "locks.stale"},
    ),
    "in a save, before the event": (
        ["state", "set", "demo", "step=7"], "write", "milestone-demo.jsonl", {"records.event_pending", "locks.stale"},
    ),
    "in a save, before the head": (
        ["state", "set", "demo", "step=7"], "pwrite", "milestone-demo.head", {"heads.head_behind", "locks.stale"},
    ),
    "in a checkpoint, once committed": (
        ["checkpoint", "create", "demo", "--name", "third"], "unlink", "transactions/pending/txn-",
        {"transactions.pending", "locks.stale"},
    ),
    "in a checkpoint, before": (
        ["checkpoint", "create", "demo", "--name", "third"], "rename", "transactions/pending/.txn-",
        {"transactions.uncommitted", "locks.stale"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KILLS)
def test_what_a_killed_command_left_is_found_and_repaired(name: str, patient: Patient, tmp_path: Path) -> None:
    require_strace()
    words, call, part, expected = KILLS[name]
    command, env = [str(MILESTONE), *words], clean_environment(patient.home)
    twin = tmp_path / "twin"
    shutil.copytree(patient.store, twin / ".milestones")
    points = record(command, twin, env, tmp_path / "record")
    folder, _, leaf = part.rpartition("/")
    at = next(one for one in points if one.name.startswith(call) and leaf in one.text and folder in one.text)
    interrupt(at, command, patient.store.parent, env, tmp_path / "trace")
    found = ids(examine(patient))
    assert expected <= set(found), found
    assert "error" not in found.values()
    healed = examine(patient, "--fix", "--yes")
    assert (left(healed), [one for one in healed["repairs"] if one["trouble"]]) == ({}, [])
    assert examine(patient, "--fix", "--yes")["repairs"] == []
    patient.run("events", "verify", "demo")
    patient.run("state", "set", "demo", "step=8")


CHANGING = {
    "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "link", "linkat", "fchmod",
    "fchmodat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync",
}  # fmt: skip
"""Calls before which something may be half done; all others change nothing."""
ILL = ("a damaged state", "a temporary file", "a damaged backup", "a damaged checkpoint", "a damaged session",
       "no such current session", "a lock of bash", "a file open to others", "an empty log",
       "an uncommitted transaction")  # fmt: skip
SHORT = 6


@pytest.mark.parametrize("part", [pytest.param(None, id="sample"), *[
    pytest.param(number, marks=pytest.mark.slow, id=f"part{number}") for number in range(8)
]])  # fmt: skip
def test_killed_while_it_repairs_it_goes_on_where_it_was(part: int | None, patient: Patient, tmp_path: Path) -> None:
    require_strace()
    for name in ILL:
        AILMENTS[name].do(patient)
    command, env = [str(MILESTONE), "doctor", "--fix", "--yes"], clean_environment(patient.home)
    before = files(patient.store)

    def copy(name: str) -> Path:
        twin = tmp_path / name
        twin.mkdir()
        subprocess.run(["cp", "-a", patient.store, twin], check=True)
        return twin

    points = record(command, copy("twin"), env, tmp_path / "record")
    first = next(number for number, one in enumerate(points) if "quarantine/" in one.text or "fchmod" in one.name)
    points = [one for one in points[first:] if one.name in CHANGING]
    assert len(points) > 60, len(points)
    for number, point in enumerate(random.sample(points, SHORT) if part is None else points[part::8]):
        place = copy(f"point{number}")
        interrupt(point, command, place, env, tmp_path / "trace")
        again = Patient(patient.cli, place / ".milestones", patient.home)
        healed = examine(again, "--fix", "--yes")
        assert (left(healed), [one for one in healed["repairs"] if one["trouble"]]) == ({}, []), point
        assert examine(again, "--fix", "--yes")["repairs"] == [], point
        again.run("events", "verify", "demo")
        kept = set(files(again.store).values())
        for path, text in before.items():
            written = path.startswith("state/.locks/") or path.endswith((".jsonl", ".head", ".yaml"))
            assert written or text in kept, f"{path} is nowhere any more after a kill at {point}"
        shutil.rmtree(place)


def left(found: dict[str, Any]) -> dict[str, str]:
    """What is still the matter; that damage was seen within a day is told all that day."""
    return {id_: severity for id_, severity in ids(found).items() if not id_.startswith("alerts.")}


def files(store: Path) -> dict[str, bytes]:
    """What is in every file."""
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


WRITER = f"""
while true; do
    n=$(date +%s%N)
    {MILESTONE} state set demo w$0=$n > /dev/null && echo $n > acknowledged-$0
    {MILESTONE} events log demo note '{{}}' > /dev/null
done
"""


@pytest.mark.slow
def test_repairing_in_a_storm_of_kills_loses_nothing(patient: Patient) -> None:
    """Writers are killed with kill -9 all the time, and doctor repairs what they leave, beside those that write."""
    place, ends = patient.store.parent, time.monotonic() + 60
    environment = clean_environment(patient.home)

    def start(number: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(["bash", "-c", WRITER, str(number)], cwd=place, env=environment, start_new_session=True)

    writers = [start(number) for number in range(6)]
    kills = repairs = 0
    try:
        while time.monotonic() < ends:
            time.sleep(random.random() * 0.3)
            struck = range(6) if kills % 2 else [random.randrange(6)]  # all at once, and nobody is left to repair it
            for number in struck:
                os.killpg(writers[number].pid, signal.SIGKILL)
                writers[number].wait()
                kills += 1
            if len(struck) == 6 or random.random() < 0.2:
                healed = examine(patient, "--fix", "--yes")
                assert "error" not in ids(healed).values(), healed
                assert not [one for one in healed["repairs"] if one["trouble"]], healed["repairs"]
                repairs += len(healed["repairs"])
            for number in struck:
                writers[number] = start(number)
    finally:
        for writer in writers:
            os.killpg(writer.pid, signal.SIGKILL)
            writer.wait()
    examine(patient, "--fix", "--yes")
    assert set(ids(examine(patient))) <= {"logs.torn_isolated"}
    patient.run("events", "verify", "demo")
    state = json.loads(patient.cli("state", "load", "demo", cwd=place, check=True).stdout)
    for number in range(6):
        path = place / f"acknowledged-{number}"
        acknowledged = int(path.read_text() or 0) if path.exists() else 0
        assert state.get(f"w{number}", 0) >= acknowledged
    print(f"{kills} kills, {repairs} repairs, nothing acknowledged was lost")
