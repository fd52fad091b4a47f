"""Stores to break: made once, copied for each fault, and looked at without asking the program that is on trial."""

import gzip
import json
import re
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from conftest import MILESTONE, clean_environment
from injection import alike
from warm import Warm

from milestone_cli.storage.files.log import HEAD, parse_head, write_head

PROMPT = ("--lock-timeout", "1")
"""What the next command is given: it must not wait longer than a second for what a dead one left, however slow the
machine is."""
REPAIRS = ("lock_broken", "log_torn", "log_anchored", "transaction_recovered", "transaction_rolled_back",
           "log_repaired")  # fmt: skip
FOLDER = re.compile(r'"working_directory": *"[^"]*"')
"""Where a command ran, which differs from scene to scene."""
FOREIGN = "coding-agent-state"
"""A folder of another program, beside the store."""
OLD = '{"n": 1, "price": 1.10, "name": "é"}'
NEW = '{"n": 2, "price": 1.10, "name": "é", "more": [1, 2, 3]}'
Look = tuple[frozenset[tuple[str, str, str]], frozenset[tuple[str, str, int]]]
"""Documents as (folder, name, content), and events as (log, type, how many)."""


@dataclass(frozen=True)
class Program:
    """The command on trial: the installed one, or a copy of it with a defect put in."""

    words: tuple[str, ...] = (str(MILESTONE),)
    env: tuple[tuple[str, str], ...] = ()


INSTALLED = Program()


class Scene:
    """A directory with a store in it, and commands run there."""

    def __init__(self, directory: Path, program: Program = INSTALLED) -> None:
        self.directory = directory
        self.program = program
        (directory / "home").mkdir(parents=True, exist_ok=True)
        self.env = clean_environment(directory / "home", PYTHONHASHSEED="0", **dict(program.env))
        self.store = directory / ".milestones"
        self.trace = directory / "trace"

    def command(self, *words: str) -> list[str]:
        """The whole command line."""
        return [*self.program.words, *words]

    def attempt(self, *words: str, stdin: str = "") -> tuple[subprocess.CompletedProcess[str], float]:
        """Run a command; what it did, and the seconds that it took."""
        started = time.monotonic()
        if self.program is INSTALLED:
            code, out, err = Warm.here().run(words, self.directory, self.env, stdin)
            return subprocess.CompletedProcess(words, code, out, err), time.monotonic() - started
        done = subprocess.run(
            self.command(*words), cwd=self.directory, env=self.env, input=stdin,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done, time.monotonic() - started

    def run(self, *words: str, stdin: str = "") -> str:
        """Run a command that must succeed; what it printed."""
        done, _ = self.attempt(*words, stdin=stdin)
        assert done.returncode == 0, f"{words} -> {done.returncode}: {done.stderr}"
        return done.stdout

    def copy(self, directory: Path) -> "Scene":
        """The same store elsewhere, as if it had been made there."""
        directory.mkdir(parents=True, exist_ok=True)
        for path in (self.store, self.directory / FOREIGN):
            if path.exists():
                subprocess.run(["cp", "-a", str(path), str(directory)], check=True)
        settle(directory / ".milestones")
        return Scene(directory, self.program)

    def look(self) -> Look:
        """What is in the store, read from its files."""
        return look(self.store)

    def left(self) -> list[str]:
        """Locks, temporary files and pending transactions that are there."""
        found = [*self.store.glob("state/.locks/*.lock"), *self.store.glob("state/.locks/.*.broken")]
        found += [*self.store.rglob("*.tmp"), *self.store.glob("transactions/pending/*")]
        return sorted(str(path.relative_to(self.store)) for path in found)


def settle(store: Path) -> None:
    """Tell the heads of a copied store which files their logs are now."""
    for path in [*store.glob("state/events/*.head"), *store.glob("state/sessions/*/events/*.head")]:
        with path.open("r+b", buffering=0) as file:
            head = parse_head(file.read(HEAD))
            log = path.with_suffix(".jsonl")
            if head is not None and log.exists():
                head.inode = log.stat().st_ino
                write_head(file.fileno(), head)


def look(store: Path) -> Look:
    """Documents and events of a store; what cannot be read shows as such."""
    documents = set()
    for folder in ("active", "completed", "backups", "sessions", "sessions/.by-client"):
        for path in (store / "state" / folder).glob("*"):
            if path.is_file() and not path.name.startswith("."):
                documents.add((folder, alike(path.name), _content(path)))
    for folder in ("registry", "coordination"):
        for path in (store / "agents" / folder).glob("*.json"):
            documents.add((folder, alike(path.name), _agent(path)))
    for path in store.glob("state/sessions/*/**/*"):
        is_told = path.suffix in (".yaml", ".json") and path.name[0] != "." and path.name != "optimization_report.yaml"
        if path.is_file() and is_told:
            inside = path.parent.relative_to(store / "state")
            documents.add((alike(str(inside)), alike(path.name), alike(FOLDER.sub("", _text(path)))))
    for folder in ("registry", "coordination"):
        for path in (store / "agents" / folder).glob("*.json"):
            documents.add((folder, alike(path.name), _agent(path)))
    for path in (store / "tasks").glob("*.json"):
        documents.add(("tasks", alike(path.name), _task(path)))
    for name in ("state/.current_session", "config.yaml", "format"):
        if (store / name).exists():
            documents.add(("", name, alike((store / name).read_text())))
    return frozenset(documents), events(store)


def _agent(path: Path) -> str:
    """What matters of an agent or a synchronisation point: not when, and by which process."""
    try:
        record = json.loads(path.read_bytes())
    except ValueError:
        return "damaged"
    shown = [record.get(key) for key in ("status", "type", "state", "metrics", "participants", "lost", "reason")]
    return json.dumps([*shown, sorted(record.get("answers", ()))])


def _task(path: Path) -> str:
    """What matters of a task: not when, and by which process."""
    try:
        record = json.loads(path.read_bytes())
    except ValueError:
        return "damaged"
    keys = ("description", "status", "tool", "depends_on", "agent_id", "result", "revision")
    shown = [record.get(key) for key in keys]
    return json.dumps([*shown, (record.get("claim") or {}).get("agent"), [one["message"] for one in record["logs"]]])


def events(store: Path) -> frozenset[tuple[str, str, int]]:
    """How many events of each type each log holds, but for those that tell of repairs."""
    counted: Counter[tuple[str, str]] = Counter()
    for path in [*store.glob("state/events/*.jsonl"), *store.glob("state/sessions/*/events/*.jsonl")]:
        for line in whole(path).split(b"\n")[:-1]:
            try:
                type_ = json.loads(line)["event_type"]
            except ValueError:
                type_ = "log_torn"
            if type_ not in REPAIRS:
                name = path.stem if path.parent.parent.name == "state" else path.parent.parent.name
                counted[name, type_] += 1
    return frozenset((log, type_, count) for (log, type_), count in counted.items())


def whole(log: Path) -> bytes:
    """A log with its sealed parts, read without the program: a part in the log's own file is not sealed yet."""
    parts = log.parent / ".segments" / log.stem.removeprefix("milestone-")
    text = b""
    for seal in sorted(parts.glob("*.seal")):
        plain, packed = seal.with_suffix(".jsonl"), seal.with_suffix(".jsonl.gz")
        start, end = map(int, seal.stem.split("-"))
        if plain.exists() and not plain.samefile(log):
            text += plain.read_bytes()[: end - start]
        elif packed.exists() and not plain.exists():
            text += gzip.decompress(packed.read_bytes())
    return text + log.read_bytes()


def _text(path: Path) -> str:
    """What a file says, compressed or not."""
    raw = path.read_bytes()
    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode(errors="replace")


def _content(path: Path) -> str:
    text = _text(path)
    if path.suffix == ".json":
        try:
            record = json.loads(text)
        except ValueError:
            return f"damaged: {text[:60]}"
        if "state" in record and "version" in record:
            return json.dumps([record["state"], record.get("revision")])
    return alike(FOLDER.sub("", text))
