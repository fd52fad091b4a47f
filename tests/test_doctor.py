"""Doctor finds every ailment in a store that really has it, repairs what it can without deleting, and cries no wolf."""

import fcntl
import hashlib
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ailments import AILMENTS, Ailment, Patient
from conftest import MILESTONE, Cli, clean_environment

from milestone_cli.render.schemas import schema
from milestone_cli.storage.files import FileStore
from milestone_cli.storage.files.health.scratch import Scratch

QUIET = {"file system.memory", "file system.layer"}
"""Notes about the disk on which the tests happen to run."""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a healthy store, made once; every test has a copy, hard links and all."""
    place = tmp_path_factory.mktemp("template")

    def run(*args: str, cwd: Path | None = None, **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(MILESTONE), *args], cwd=cwd, env=clean_environment(place), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, check=True, text=True,
        )  # fmt: skip

    Patient.healthy(run, place, place)
    return place


@pytest.fixture
def patient(cli: Cli, template: Path, tmp_path: Path, home: Path) -> Patient:
    subprocess.run(["cp", "-a", template / ".milestones", tmp_path], check=True)
    return Patient(cli, tmp_path / ".milestones", home)


def examine(patient: Patient, *words: str, env: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """Run `doctor` and hold its output against its schema; its exit code with it."""
    done = patient.cli("doctor", *words, "--format", "json", cwd=patient.store.parent, env=env)
    assert done.returncode in (0, 6), done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return done.returncode, found


def ids(found: dict[str, Any]) -> set[str]:
    """What there is to say, besides that all is well."""
    return {one["id"] for one in found["findings"] if one["severity"] != "ok"} - QUIET


def contents(store: Path) -> dict[str, tuple[int, str]]:
    """Mode and SHA-256 of every file, the links and pipes by what they are."""
    return {
        str(path.relative_to(store)): (
            path.lstat().st_mode,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in store.rglob("*")
    }


def test_a_healthy_store_has_nothing_to_be_said_about(patient: Patient) -> None:
    code, found = examine(patient)
    assert (code, ids(found), found["healthy"]) == (0, set(), True)
    assert {one["check"] for one in found["findings"]} >= {
        "file system", "space", "layout", "permissions", "owner", "leftovers", "locks", "transactions", "documents",
        "logs", "heads", "clock", "copies", "records", "configuration",
    }  # fmt: skip
    code, found = examine(patient, "--fix", "--yes")
    assert (code, found["repairs"]) == (0, [])


@pytest.mark.parametrize("name", AILMENTS)
def test_an_ailment_is_found_and_repaired_without_deleting(name: str, patient: Patient) -> None:
    ailment = AILMENTS[name]
    ailment.do(patient)
    before = contents(patient.store)
    code, found = examine(patient, env=ailment.env)
    of_it = [one for one in found["findings"] if one["id"] == ailment.id]
    assert of_it, ids(found)
    assert {one["severity"] for one in of_it} == {ailment.severity}
    assert not {one["check"] for one in found["findings"] if one["severity"] == "ok"} & {
        one["check"] for one in found["findings"] if one["severity"] != "ok"
    }, "a subject is well or it is not"
    assert {one["repairable"] for one in of_it} == {ailment.is_repaired}
    assert code == (6 if found["counts"]["error"] else 0)
    strict, planned = examine(patient, "--fix", "--dry-run", "--fail-on", "warning", env=ailment.env)
    assert strict == (0 if found["healthy"] else 6)
    assert [one["id"] for one in planned["repairs"]] == [one["id"] for one in found["findings"] if one["repairable"]]
    if ailment.id != "layout.of_bash":  # there even looking makes the folders that it looks into
        assert contents(patient.store) == before, "looking changed something"
    heal(patient, ailment, before)


def heal(patient: Patient, ailment: Ailment, before: dict[str, tuple[int, str]]) -> None:
    """Repair, and see that it is repaired, that nothing is lost, and that there is nothing left to do."""
    _, healed = examine(patient, "--fix", "--yes", env=ailment.env)
    assert not [one for one in healed["repairs"] if one["trouble"]], healed["repairs"]
    if ailment.is_repaired:
        assert ailment.id not in ids(healed), healed
        assert [one["done"] for one in healed["repairs"] if one["id"] == ailment.id]
    after = {sha for _, sha in contents(patient.store).values()}
    for path, (_, sha) in before.items():
        written = path.startswith(("state/.locks/", "agents/")) or path.endswith((".jsonl", ".head", ".yaml"))
        assert written or sha in after, f"{path} is nowhere any more"
    _, again = examine(patient, "--fix", "--yes", env=ailment.env)
    assert again["repairs"] == []
    assert ids(again) == ids(healed)
    if ailment.is_repaired and (patient.store / "state/active/demo.json").exists():
        patient.run("state", "set", "demo", "step=9")
    if ailment.is_sound:
        patient.run("events", "verify", "--all")


def test_every_finding_of_the_table_is_another_line_of_the_code() -> None:
    """No two rows of the table are the same case, and every check of files and records is in it."""
    checks = {ailment.id.partition(".")[0] for ailment in AILMENTS.values()}
    assert checks >= {"layout", "permissions", "leftovers", "locks", "transactions", "documents", "logs", "heads",
                      "records", "clock", "configuration", "copies", "agents"}  # fmt: skip


def test_a_session_that_ended_and_whose_record_bash_removed_is_no_trouble(patient: Patient) -> None:
    record, name = patient.session, patient.session.stem
    patient.run("checkpoint", "create", "--session", name, "--name", "kept")
    patient.run("checkpoint", "pin", "kept", "--session", name)
    kept = record.with_suffix(".kept")
    record.rename(kept)
    assert "records.session_missing" in ids(examine(patient)[1]), "it is lost as long as it has not ended"
    kept.rename(record)
    patient.run("session", "end", name)
    record.unlink()
    assert "records.session_missing" not in ids(examine(patient)[1])


def test_the_log_of_a_deleted_session_is_proved_and_named_as_commands_take_it(patient: Patient) -> None:
    patient.run("session", "create", "--no-milestone", "--name", "alone")
    patient.run("session", "delete", "alone", "--yes", "--force")
    log = patient.store / "state/sessions/alone/events/session.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"initialization"', b'"Initialization"'))
    found = next(one for one in examine(patient)[1]["findings"] if one["check"] == "logs")
    assert found["message"].startswith("session alone: ")
    command = re.findall("`milestone ([^`]*)`", found["fix"])[0].split()
    assert patient.cli(*command, cwd=patient.store.parent).returncode == 6, found["fix"]


def test_what_is_set_aside_can_be_put_back(patient: Patient) -> None:
    path = patient.store / "state/active/.demo.0123456789abcdef0123.tmp"
    path.write_text("half")
    examine(patient, "--fix", "--yes")
    record = next((patient.store / "quarantine").glob("*/record.jsonl"))
    told = json.loads(record.read_text())
    assert told["from"] == "state/active/.demo.0123456789abcdef0123.tmp"
    assert (patient.store / told["to"]).read_text() == "half"


def test_what_is_repaired_is_as_it_was(patient: Patient) -> None:
    """A checkpoint made anew is the same text; a session made anew is the same session."""
    checkpoint = patient.store / "state/backups/demo-checkpoint-early.json"
    kept = patient.cli("checkpoint", "show", "demo", "early", "--state", check=True).stdout
    session = patient.session
    record = json.loads(session.read_text())
    checkpoint.write_bytes(b"damaged")
    session.write_bytes(b"damaged")
    examine(patient, "--fix", "--yes")
    assert patient.cli("checkpoint", "show", "demo", "early", "--state", check=True).stdout == kept
    again = json.loads(session.read_text())
    assert (again["session_id"], again["milestone_id"], again["status"]) == (
        record["session_id"], record["milestone_id"], "active",
    )  # fmt: skip
    log = (patient.store / "state/events/milestone-demo.jsonl").read_text()
    assert '"checkpoint_repaired"' in log
    assert '"session_recovered"' in log


def test_a_dead_holders_lock_is_broken_with_its_evidence_in_the_log(patient: Patient) -> None:
    AILMENTS["a lock of bash"].do(patient)
    examine(patient, "--fix", "--yes")
    assert not (patient.store / "state/.locks/demo.lock").exists()
    last = (patient.store / "state/events/milestone-demo.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["event_type"] == "lock_broken"


def test_the_living_are_left_alone(patient: Patient) -> None:
    """A lock that is held, its temporary file, and a self-test at work are nobody's leftovers."""
    holder = subprocess.Popen(
        [str(MILESTONE), "lock", "run", "demo", "--", "sh", "-c", "echo $MILESTONE_LOCK_TOKEN; read line"],
        cwd=patient.store.parent, env=clean_environment(patient.home), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    token = holder.stdout.readline().strip()
    aside = patient.store / f"state/active/.demo.{token}.tmp"
    aside.write_text("half")
    aside.chmod(0o600)
    scratch = patient.store / ".selftest.0123456789abcdef0123.tmp"
    scratch.mkdir(mode=0o700)
    fd = os.open(scratch, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        _, found = examine(patient, "--fix", "--yes")
        assert (ids(found), found["repairs"]) == (set(), [])
        assert aside.exists()
        assert scratch.exists()
    finally:
        os.close(fd)
        holder.communicate("\n")


def test_what_is_being_written_is_left_alone(patient: Patient) -> None:
    """What no lock guards is looked at twice: a file that grows, a pointer that changes between the two looks."""
    stop = threading.Event()
    growing = patient.store / "..config.json.0123456789abcdef0123.tmp"
    pointer = patient.store / "state/.current_session"
    for path in (growing, pointer):
        path.touch(mode=0o600)

    def work() -> None:
        number = 0
        while not stop.wait(0.02):
            number += 1
            with growing.open("a") as file:
                file.write("x")
            pointer.write_text(f"session-{number}\n")

    writer = threading.Thread(target=work)
    writer.start()
    try:
        _, found = examine(patient)
    finally:
        stop.set()
        writer.join()
    assert ids(found) == set()
    assert ids(examine(patient)[1]) == {"leftovers.temporary", "records.dangling"}


def test_a_busy_store_has_nothing_to_be_said_about(patient: Patient) -> None:
    """While others write, complete, checkpoint, lock and begin sessions, no look takes that for damage."""
    stop = threading.Event()
    works = (
        (("state", "set", "demo", "n=1"), ("events", "log", "demo", "note", "{}")),
        (("state", "save", "other", "{}"), ("state", "complete", "other"), ("state", "reopen", "other")),
        (("checkpoint", "create", "demo", "--name", "mine"), ("checkpoint", "delete", "demo", "mine", "--yes")),
        (("session", "create", "demo"), ("session", "end"), ("lock", "run", "demo", "--", "true")),
    )
    failed: list[str] = []

    def work(lines: tuple[tuple[str, ...], ...]) -> None:
        while not stop.is_set():
            for words in lines:
                done = patient.cli(*words, cwd=patient.store.parent)
                if done.returncode:
                    failed.append(done.stderr)

    patient.run("state", "save", "other", "{}")
    threads = [threading.Thread(target=work, args=(lines,)) for lines in works]
    for thread in threads:
        thread.start()
    try:
        looks = [examine(patient, *(["--fix", "--yes"] if number % 2 else []))[1] for number in range(8)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed, failed[0]
    assert [(ids(found), found["repairs"]) for found in looks] == [(set(), [])] * 8
    patient.run("events", "verify", "--all")


def test_a_lock_that_was_just_given_back_is_not_stale(patient: Patient) -> None:
    """Between two looks at a lock its holder may give it back and end: some 5 of 100,000 looks saw that."""
    loop = f"while :; do {MILESTONE} state set demo n=1 > /dev/null; done"
    writers = [
        subprocess.Popen(["bash", "-c", loop], cwd=patient.store.parent, env=clean_environment(patient.home))
        for _ in range(2)
    ]
    try:
        locks = FileStore(str(patient.store)).locks()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            found = locks.show("demo")
            assert found is None or found["state"] == "live", found
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()


def test_one_broken_check_hides_no_other(patient: Patient) -> None:
    """A folder that cannot be read is told, and so is everything else."""
    backups = patient.store / "state/backups"
    backups.rename(patient.store / "state/away")
    backups.write_text("no folder")
    code, found = examine(patient)
    assert code == 6
    assert {"copies.failed", "layout.no_folder"} <= ids(found)
    assert "records.sound" in {one["id"] for one in found["findings"]}


def test_a_clock_that_was_never_set(patient: Patient, capfd: pytest.CaptureFixture[str]) -> None:
    patient.python("time.time_ns = lambda: 1_000_000_000", "doctor")
    shown = capfd.readouterr().out
    assert re.search(r"^ +warning +this machine's clock says 1970-01-01$", shown, re.MULTILINE), shown
    assert re.search(r"^clock +warning +demo: its last event is \d+ days in the future", shown, re.MULTILINE), shown


def test_names_that_are_no_text(patient: Patient) -> None:
    """A name on the disk may be any bytes; what is printed is UTF-8, and what is repaired is found again."""
    name = b"state/active/.de\xffmo.0123456789abcdef0123.tmp"
    with open(os.fsencode(patient.store) + b"/" + name, "wb"):
        pass
    _, found = examine(patient)
    (subject,) = [one["subject"] for one in found["findings"] if one["id"] == "leftovers.temporary"]
    assert subject == name.replace(b"\xff", b"\\udcff").decode()
    _, healed = examine(patient, "--fix", "--yes")
    assert ids(healed) == set()
    assert healed["repairs"][-1]["done"]


def test_usage(patient: Patient) -> None:
    assert patient.cli("doctor", "--selftest", "--fix").returncode == 2
    assert patient.cli("doctor", "--fail-on", "note").returncode == 2
    assert patient.cli("doctor", cwd=Path("/")).returncode == 10


def at_terminal(patient: Patient, *words: str, width: int, answer: str = "") -> tuple[int, str]:
    """Run `doctor` at a terminal; its exit code, and everything that was shown."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    process = subprocess.Popen(
        [str(MILESTONE), "doctor", *words], stdin=theirs, stdout=theirs, stderr=theirs,
        env=clean_environment(patient.home, TERM="xterm-256color"), cwd=patient.store.parent,
    )  # fmt: skip
    os.close(theirs)
    if answer:
        os.write(ours, answer.encode())
    shown = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            shown += os.read(ours, 1 << 16)
        except OSError:
            break
    os.close(ours)
    return process.wait(timeout=60), re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r\n", "\n")


@pytest.mark.parametrize("width", [80, 140])
def test_it_fits_the_screen(width: int, patient: Patient) -> None:
    for name in ("a damaged state", "a lock of bash", "a temporary file", "a damaged backup", "a link"):
        AILMENTS[name].do(patient)
    code, shown = at_terminal(patient, width=width)
    assert code == 6
    assert max(map(len, shown.splitlines())) <= width
    assert "fix: " in shown
    assert "`milestone doctor --fix` can repair" in shown.splitlines()[-1] + shown.splitlines()[-2]
    code, shown = at_terminal(patient, "--selftest", width=width)
    assert code == 0
    assert max(map(len, shown.splitlines())) <= width


def test_in_a_pipe_every_finding_is_one_line(patient: Patient) -> None:
    AILMENTS["a damaged state"].do(patient)
    shown = patient.cli("doctor").stdout.splitlines()
    (at,) = [number for number, line in enumerate(shown) if "documents" in line]
    assert "error" in shown[at]
    assert "--fix: put the newest copy" in shown[at + 1]


def test_at_a_terminal_it_asks_first(patient: Patient) -> None:
    AILMENTS["a temporary file"].do(patient)
    path = patient.store / "state/active/.demo.0123456789abcdef0123.tmp"
    code, shown = at_terminal(patient, "--fix", width=100, answer="n\n")
    assert (code, path.exists()) == (130, True)
    assert "Repair 1?" in shown
    code, shown = at_terminal(patient, "--fix", width=100, answer="y\n")
    assert (code, path.exists()) == (0, False)
    assert "moved" in shown


def test_names_from_outside_do_no_harm(patient: Patient) -> None:
    (patient.store / "state/active/.de\x1b[31mmo\n.0123456789abcdef0123.tmp").write_text("")
    (patient.store / "state/completed/\x1b]0;x\x07.json").write_text("{}")
    done = patient.cli("doctor")
    assert "\x1b" not in done.stdout
    examine(patient, "--fix", "--yes")


def selftest(patient: Patient, *words: str) -> tuple[int, dict[str, Any]]:
    code, found = examine(patient, "--selftest", *words)
    return code, found


def test_the_disk_of_this_machine_can_keep_the_promises(patient: Patient) -> None:
    before = contents(patient.store)
    code, found = selftest(patient)
    assert (code, found["ok"]) == (0, True), found
    assert {one["answer"] for one in found["promises"]} <= {"yes", "no"}
    assert [one["answer"] for one in found["promises"]].count("yes") >= len(found["promises"]) - 1
    assert contents(patient.store) == before, "something of it stayed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_leaves_nothing(number: signal.Signals, patient: Patient) -> None:
    before = set(contents(patient.store))
    for wait in (0.05, 0.3, 0.7):
        process = subprocess.Popen(
            [str(MILESTONE), "doctor", "--selftest"], cwd=patient.store.parent, env=clean_environment(patient.home),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        while not list(patient.store.glob(".selftest.*")):
            time.sleep(0.005)
        time.sleep(wait)
        process.send_signal(number)
        assert process.wait(timeout=30) == 130, process.communicate()
        process.communicate()
        assert set(contents(patient.store)) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_that_python_drops_still_ends_it(number: signal.Signals, patient: Patient) -> None:
    store = FileStore(str(patient.store))

    def struck() -> None:
        with Scratch(store):
            try:
                os.kill(os.getpid(), number)
            except KeyboardInterrupt:
                pass  # so does Python where it strikes its own upkeep

    with pytest.raises(KeyboardInterrupt):
        struck()
    assert not list(patient.store.glob(".selftest.*"))


def test_killed_it_leaves_a_scratch_folder_that_the_next_one_takes_away(patient: Patient) -> None:
    process = subprocess.Popen(
        [str(MILESTONE), "doctor", "--selftest"], cwd=patient.store.parent, env=clean_environment(patient.home),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    while not list(patient.store.glob(".selftest.*")):
        time.sleep(0.005)
    time.sleep(0.2)
    process.kill()
    process.wait()
    time.sleep(1)  # its readers and writers end by themselves
    assert "leftovers.temporary" in ids(examine(patient)[1])
    selftest(patient)
    assert not list(patient.store.glob(".selftest.*"))
    assert ids(examine(patient)[1]) == set()
