"""Everything that `doctor` knows, made real: an ailment does it to a store, and says what must be found.

The store has the milestone `demo` with some revisions, two checkpoints and a session, made by the installed command.
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
from bash_utilities import STAND_IN, STAND_IN_NAMES, BashUtilities
from conftest import MILESTONE, Cli, clean_environment

from milestone_cli.render.schemas import schema
from milestone_cli.storage.files.log import parse_head, write_head

ACTIVE = "state/active/demo.json"
LOG = "state/events/milestone-demo.jsonl"
HEAD = "state/events/milestone-demo.head"
LOCKS = "state/.locks"
DEAD = 4194303
"""A process id that no process has: above what the kernel gives."""


@dataclass
class Patient:
    """A store that something is done to."""

    cli: Cli
    store: Path
    home: Path

    @classmethod
    def healthy(cls, cli: Cli, place: Path, home: Path) -> "Patient":
        """A store in which something has happened."""
        cli("init", "demo", cwd=place, check=True)
        cli("state", "save", "demo", '{"step": 1, "price": 1.10}', cwd=place, check=True)
        cli("checkpoint", "create", "demo", "--name", "early", cwd=place, check=True)
        for step in (2, 3):
            cli("state", "set", "demo", f"step={step}", cwd=place, check=True)
        cli("events", "log", "demo", "note", "{}", cwd=place, check=True)
        cli("checkpoint", "create", "demo", "--name", "late", cwd=place, check=True)
        cli("session", "create", "demo", cwd=place, check=True)
        return cls(cli, place / ".milestones", home)

    @property
    def session(self) -> Path:
        """The record of the session."""
        return next((self.store / "state/sessions").glob("session-*.json"))

    def run(self, *words: str) -> None:
        """Run the command, which must succeed."""
        self.cli(*words, cwd=self.store.parent, check=True)

    def edit(self, name: str, change: Callable[[bytes], bytes]) -> None:
        """Change a file in place, as an editor or a bad disk does."""
        path = self.store / name
        path.write_bytes(change(path.read_bytes()))

    def python(self, code: str, *words: str) -> None:
        """Run the command after some code has changed what it believes."""
        script = f"import sys, time\n{code}\nfrom milestone_cli.__main__ import main\nsys.exit(main(sys.argv[1:]))"
        subprocess.run(
            [sys.executable, "-c", script, *words], cwd=self.store.parent, env=clean_environment(self.home),
            stdin=subprocess.DEVNULL, check=True,
        )  # fmt: skip


def told(done: "subprocess.CompletedProcess[Any]") -> dict[str, Any]:
    """What doctor printed, held against its schema."""
    assert done.returncode in (0, 6), done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    assert isinstance(found, dict)
    return found


def examine(patient: Patient, *words: str) -> dict[str, Any]:
    return told(patient.cli("doctor", *words, "--format", "json", cwd=patient.store.parent))


def ids(found: dict[str, Any]) -> dict[str, str]:
    """What there is to say besides that all is well, and how bad it is."""
    return {one["id"]: one["severity"] for one in found["findings"] if one["severity"] != "ok"}


@dataclass(frozen=True)
class Ailment:
    """What is done, what must be found, and what becomes of it.

    Attributes:
        id: of the finding; `severity` its.
        is_repaired: `--fix` makes the finding go.
        is_sound: `events verify` is content afterwards.
        env: what must be set to see it.
    """

    do: Callable[[Patient], None]
    id: str
    severity: str
    is_repaired: bool = True
    is_sound: bool = True
    env: dict[str, str] = field(default_factory=dict)


def broken(lines: bytes) -> bytes:
    """Another value in a line of ours in the middle."""
    return lines.replace(b'"step": 2', b'"step": 7').replace(b'"data":{},', b'"data":{"x":1},')


def kill_lock_run(patient: Patient) -> None:
    holder = subprocess.Popen(
        [str(MILESTONE), "lock", "run", "demo", "--", "sh", "-c", "echo held; read line"],
        cwd=patient.store.parent, env=clean_environment(patient.home), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.kill()
    holder.communicate()
    patient.run("status", "demo")


def lock_of_bash(patient: Patient) -> None:
    folder = patient.store / LOCKS / "demo.lock"
    folder.mkdir()
    (folder / "pid").write_text(f"{DEAD}\n")
    (folder / "acquired").write_text("2026-11-21T12:00:00Z\n")


def lock_without_name(patient: Patient) -> None:
    folder = patient.store / LOCKS / "demo.lock"
    folder.mkdir()
    os.utime(folder, (1_700_000_000, 1_700_000_000))


def lock_of_another_host(patient: Patient) -> None:
    folder = patient.store / LOCKS / "demo.lock"
    folder.mkdir(mode=0o700)
    (folder / "owner").write_text(f"1 {'a' * 20} elsewhere {'b' * 36} 77 1 1 pid\n")


def lock_of_yesterday(patient: Patient) -> None:
    patient.run("lock", "acquire", "demo", "--for-pid", str(os.getpid()))
    owner = patient.store / LOCKS / "demo.lock/owner"
    words = owner.read_text().rstrip("\n").split(" ")
    words[6] = "0"  # held since the machine was started
    owner.write_text(" ".join(words) + "\n")


def file_for_folder(patient: Patient) -> None:
    (patient.store / "tasks").rmdir()
    write("tasks", "")(patient)


def remains_of_a_lock(patient: Patient) -> None:
    folder = patient.store / LOCKS / ".demo.broken"
    folder.mkdir()
    (folder / "pid").write_text("1\n")


def future(patient: Patient) -> None:
    patient.python("real = time.time_ns; time.time_ns = lambda: real() + 10_000_000_000_000",
                   "events", "log", "demo", "note")  # fmt: skip


def written_through(patient: Patient) -> None:
    backup = next((patient.store / "state/backups").glob("demo-2*.json"))
    patient.edit(f"state/backups/{backup.name}", lambda raw: raw.replace(b'"step"', b'"stop"'))


def restored_into(patient: Patient) -> None:
    """What a restore of bash does to the inode that a state shares with its backup."""
    backup = next((patient.store / "state/backups").glob("demo-2*.json"))
    backup.write_text('{"timestamp":"2026-11-21T12:00:00Z","milestone_id":"demo","version":"1.0","state":{"n": 1}}\n')


def damaged_completed(patient: Patient) -> None:
    patient.run("state", "complete", "demo")
    patient.edit("state/completed/demo.json", half)


def other_head(patient: Patient) -> None:
    """A head that proves itself, and names another checksum for the last event than the log does."""
    fd = os.open(patient.store / HEAD, os.O_RDWR)
    head = parse_head(os.pread(fd, 512, 0))
    assert head is not None
    head.checksum = "0" * 64
    write_head(fd, head)
    os.close(fd)


def lost_checkpoint(patient: Patient) -> None:
    """Damaged, and nothing has its text any more: its notes know another."""
    info = patient.store / "state/backups/demo-checkpoint-early.info"
    record = json.loads(info.read_text())
    info.write_text(json.dumps({**record, "sha256": "0" * 64}))
    patient.edit("state/backups/demo-checkpoint-early.json", lambda raw: raw[:60])


def cut_log(patient: Patient) -> None:
    patient.edit(LOG, lambda raw: raw[: raw.rstrip(b"\n").rindex(b"\n") + 1])


def of_bash(patient: Patient) -> None:
    bash = BashUtilities(STAND_IN, STAND_IN_NAMES, patient.store.parent)
    patient.store.rename(patient.store.parent / "elsewhere")
    bash.run("umask 077; {init} demo; {save} demo '{\"n\": 1}'")


def same_but_for_case(patient: Patient) -> None:
    (patient.store / "state/active/DEMO.json").write_bytes((patient.store / ACTIVE).read_bytes())


def dead_agent(patient: Patient) -> None:
    """One whose shell registered it, took a lock, and ended."""
    script = f"{MILESTONE} agent register builder; {MILESTONE} lock acquire demo; true"
    subprocess.run(
        ["sh", "-c", script], cwd=patient.store.parent, env=clean_environment(patient.home), stdin=subprocess.DEVNULL,
        capture_output=True, check=True,
    )  # fmt: skip


def forgotten_sync(patient: Patient) -> None:
    patient.run("agent", "register", "builder", "--for-pid", "0")
    patient.run("agent", "sync", "--no-wait", "--timeout", "0")
    time.sleep(1.1)


def committed_twice(patient: Patient) -> None:
    (patient.store / "state/completed/demo.json").write_bytes((patient.store / ACTIVE).read_bytes())


def session(change: dict[str, object]) -> Callable[[Patient], None]:
    def do(patient: Patient) -> None:
        path = patient.session
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))

    return do


def write(name: str, text: str) -> Callable[[Patient], None]:
    def do(patient: Patient) -> None:
        path = patient.store / name
        path.parent.mkdir(exist_ok=True, mode=0o700)
        path.write_text(text)
        path.chmod(0o600)

    return do


def edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Patient], None]:
    return lambda patient: patient.edit(name, change)


def damaged_entry(patient: Patient) -> None:
    patient.run("cache", "put", "answer", "42")
    patient.edit("cache/state_cache/default/hot/answer.cache", half)


def gone(name: str) -> Callable[[Patient], None]:
    return lambda patient: (patient.store / name).unlink()


def mode(name: str, bits: int) -> Callable[[Patient], None]:
    return lambda patient: (patient.store / name).chmod(bits)


def half(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def hook(payload: str, *words: str) -> Callable[[Patient], None]:
    """A call of the client's hook."""

    def do(patient: Patient) -> None:
        patient.cli("hook", *(words or ("--deadline", "60")), input=payload, cwd=patient.store.parent, check=True)

    return do


def hook_kept_from_its_lock(patient: Patient) -> None:
    with (patient.store / LOCKS / "demo.elock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        hook('{"hook_event_name": "UserPromptSubmit", "prompt": "go on", "prompt_id": "1"}', "--deadline", "1")(patient)


AILMENTS = {
    "a folder is missing": Ailment(lambda p: (p.store / "agents/registry").rmdir(), "layout.missing", "warning"),
    "bash made it": Ailment(of_bash, "layout.of_bash", "note", is_repaired=False),
    "a link": Ailment(lambda p: (p.store / "state/active/x.json").symlink_to("/etc/passwd"), "layout.link", "error",
                      is_repaired=False, is_sound=False),
    "a pipe": Ailment(lambda p: os.mkfifo(p.store / "tasks/pipe", 0o600), "layout.no_file", "error", is_repaired=False),
    "a file for a folder": Ailment(file_for_folder, "layout.no_folder", "error", is_repaired=False),
    "an unsafe name": Ailment(write("state/completed/a b.json", "{}"), "layout.unsafe_name", "warning",
                              is_repaired=False, is_sound=False),
    "two names in one": Ailment(same_but_for_case, "layout.twin", "warning", is_repaired=False, is_sound=False),
    "a file of an editor": Ailment(write("state/active/demo.json~", "{}"), "layout.unknown", "note", is_repaired=False),
    "a file open to others": Ailment(mode(LOG, 0o644), "permissions.open", "warning"),
    "the store open to others": Ailment(lambda p: p.store.chmod(0o777), "permissions.open", "warning"),
    "a file closed to its owner": Ailment(mode(ACTIVE, 0o400), "permissions.closed", "error"),
    "a temporary file": Ailment(write("state/active/.demo.0123456789abcdef0123.tmp", "half"), "leftovers.temporary",
                                "warning"),
    "a temporary file without a lock": Ailment(write("..config.json.0123456789abcdef0123.tmp", "{"),
                                               "leftovers.temporary", "warning"),
    "a scratch folder": Ailment(write(".selftest.0123456789abcdef0123.tmp/file", "x"), "leftovers.temporary",
                                "warning"),
    "remains of a lock": Ailment(remains_of_a_lock, "leftovers.temporary", "warning"),
    "notes without a checkpoint": Ailment(gone("state/backups/demo-checkpoint-early.json"), "leftovers.orphan_notes",
                                          "note"),
    "an empty log": Ailment(write("state/events/milestone-ghost.jsonl", ""), "leftovers.empty_log", "note"),
    "a lock of ours": Ailment(kill_lock_run, "locks.stale", "warning"),
    "a lock of bash": Ailment(lock_of_bash, "locks.stale", "warning"),
    "a lock without a name": Ailment(lock_without_name, "locks.stale", "warning"),
    "a lock of another host": Ailment(lock_of_another_host, "locks.foreign", "warning", is_repaired=False),
    "a lock since yesterday": Ailment(lock_of_yesterday, "locks.long", "note", is_repaired=False),
    "a damaged transaction": Ailment(write("transactions/pending/txn-0123456789ab01234567.yaml", "{"),
                                     "transactions.damaged", "error"),
    "an uncommitted transaction": Ailment(write("transactions/pending/.txn-0123456789ab01234567.tmp", "{"),
                                          "transactions.uncommitted", "warning"),
    "a damaged state": Ailment(edit(ACTIVE, half), "documents.state_damaged", "error"),
    "a damaged completed state": Ailment(damaged_completed, "documents.state_damaged", "error"),
    "a state that is gone": Ailment(gone(ACTIVE), "documents.state_missing", "error"),
    "a damaged session": Ailment(lambda p: p.edit(f"state/sessions/{p.session.name}", half),
                                 "documents.session_damaged", "error"),
    "an edited event": Ailment(edit(LOG, broken), "logs.checksum_mismatch", "error", is_repaired=False, is_sound=False),
    "a torn tail": Ailment(edit(LOG, lambda raw: raw + b'{"timestamp":"2026'), "logs.torn_tail", "error"),
    "a lost event": Ailment(edit(LOG, lambda raw: raw.replace(raw.split(b"\n")[4] + b"\n", b"")), "logs.events_missing",
                            "error", is_repaired=False, is_sound=False),
    "no head": Ailment(gone(HEAD), "heads.head_missing", "note"),
    "a damaged head": Ailment(edit(HEAD, lambda raw: b"x" + raw[1:]), "heads.head_missing", "note"),
    "another head": Ailment(other_head, "heads.head_mismatch", "error", is_repaired=False, is_sound=False),
    "a cut log": Ailment(cut_log, "heads.tail_missing", "error", is_repaired=False, is_sound=False),
    "an editor": Ailment(edit(ACTIVE, lambda raw: raw.replace(b"1.10", b"1.20")), "records.changed_outside", "note"),
    "a dead agent": Ailment(dead_agent, "agents.dead", "warning"),
    "a damaged agent": Ailment(write("agents/registry/builder.json", "{"), "agents.damaged", "error"),
    "a heartbeat of nobody": Ailment(write("agents/status/ghost.json", "{}"), "agents.heartbeat_of_nobody", "note"),
    "a damaged sync": Ailment(write("agents/coordination/sync-1.json", "{}"), "agents.sync_damaged", "warning"),
    "a sync that nobody waits for": Ailment(forgotten_sync, "agents.sync_abandoned", "note"),
    "active and completed": Ailment(committed_twice, "records.twice", "error"),
    "a session of nowhere": Ailment(session({"milestone_id": "nowhere"}), "records.session_without_milestone",
                                    "warning", is_repaired=False),
    "a session renamed": Ailment(session({"session_id": "session-other"}), "records.session_renamed", "warning",
                                 is_repaired=False),
    "a session of tomorrow": Ailment(session({"created_at": "2199-01-01T00:00:00Z"}),
                                     "records.session_from_the_future", "warning", is_repaired=False),
    "a session whose process is gone": Ailment(session({"pid": DEAD, "start_time": "1"}), "records.orphaned", "note",
                                               is_repaired=False),
    "no such current session": Ailment(write("state/.current_session", "session-gone\n"), "records.dangling",
                                       "warning"),
    "no such session of a client": Ailment(write("state/sessions/.by-client/client-1", "session-gone\n"),
                                           "records.dangling", "warning"),
    "a hook that could not be done": Ailment(hook_kept_from_its_lock, "hooks.waiting", "note", is_repaired=False),
    "a hook that took too long": Ailment(hook_kept_from_its_lock, "hooks.waits", "note", is_repaired=False),
    "a hook with a wrong payload": Ailment(hook("{"), "hooks.failed", "warning", is_repaired=False),
    "a hook with a wrong command line": Ailment(hook("{}", "--nonsense"), "hooks.usage", "warning", is_repaired=False),
    "an event from the future": Ailment(future, "clock.future", "warning", is_repaired=False),
    "a configuration that is none": Ailment(write("config.yaml", "lock_timeout: soon\n"), "configuration.invalid",
                                            "error", is_repaired=False, is_sound=False),
    "an environment that is none": Ailment(lambda p: None, "configuration.invalid", "error", is_repaired=False,
                                           env={"MILESTONE_LOCK_TIMEOUT": "soon"}),
    "no such schema": Ailment(write("config.yaml", "schema: /nowhere/schema.json\n"), "configuration.no_schema",
                              "warning", is_repaired=False),
    "a damaged entry of the cache": Ailment(damaged_entry, "cache.damaged", "note", is_repaired=False),
    "a damaged backup": Ailment(lambda p: p.edit("state/backups/" + next(
        (p.store / "state/backups").glob("demo-2*.json")).name, half), "copies.backup_damaged", "warning"),
    "a backup restored into by bash": Ailment(restored_into, "copies.backup_changed", "warning"),
    "a backup written through": Ailment(written_through, "copies.backup_changed", "warning"),
    "a damaged checkpoint": Ailment(edit("state/backups/demo-checkpoint-early.json", half),
                                    "copies.checkpoint_damaged", "error"),
    "a lost checkpoint": Ailment(lost_checkpoint, "copies.checkpoint_damaged", "error", is_repaired=False),
    "a copy of nobody's": Ailment(write("state/backups/nobody-20260101-000000.json", "{}"), "copies.ownerless", "note",
                                  is_repaired=False),
}  # fmt: skip
