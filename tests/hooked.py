"""Calling the hook as the client does: a payload on standard input, the client's environment, a store with a state."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from conftest import MILESTONE, Cli, clean_environment

PAYLOADS = Path(__file__).parent / "payloads"
CLIENT = "70bc90c3-ca4d-4c5f-9608-5144edd48c5e"
PATIENT = ("--deadline", "60")  # seconds: what is tested is not how busy the machine is
STATE = {"goal": "Ship it.", "next": ["write the tests", "run them"], "blockers": ["no disk"], "filler": "x"}


def payload(name: str, **changes: Any) -> dict[str, Any]:
    """A payload of the client's, with some members changed; None removes one."""
    found: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    found.update(changes)
    return {key: value for key, value in found.items() if value is not None}


class Hooks:
    """A store with the milestone `demo`, its state, and the client's calls into it."""

    def __init__(self, cli: Cli, place: Path, home: Path) -> None:
        self.cli = cli
        self.place = place
        self.home = home
        self.store = place / ".milestones"

    def environment(self, **more: str) -> dict[str, str]:
        return {"CLAUDE_PROJECT_DIR": str(self.place), "CLAUDECODE": "1", "CLAUDE_PID": str(os.getpid()), **more}

    def call(
        self, given: "str | bytes | dict[str, Any]", *words: str, env: dict[str, str] | None = None, **changes: Any
    ) -> str:
        """Call the hook with a payload: the name of a file, an object, or bytes; its standard output.

        It must exit 0 and say nothing on standard error.
        """
        done = self.run(given, *words, env=env, **changes)
        assert (done.returncode, done.stderr) == (0, b""), done
        return str(done.stdout.decode())

    def run(
        self, given: "str | bytes | dict[str, Any]", *words: str, env: dict[str, str] | None = None, **changes: Any
    ) -> "subprocess.CompletedProcess[bytes]":
        """The same, whatever it exits with."""
        if isinstance(given, str):
            given = payload(given, **changes)
        raw = given if isinstance(given, bytes) else json.dumps(given).encode()
        if "--deadline" not in words:
            words = (*PATIENT, *words)
        return self.cli("hook", *words, input=raw, env=self.environment(**(env or {})), cwd=self.place)

    def start(
        self, given: "dict[str, Any] | str", *words: str, command: list[str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Begin a call without waiting for it; the payload is given. `command` may start it in another way."""
        raw = json.dumps(payload(given) if isinstance(given, str) else given).encode()
        process = subprocess.Popen(
            command or [str(MILESTONE), "hook", *(words or PATIENT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.place,
            env=clean_environment(self.home, **self.environment()),
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(raw)
        process.stdin.close()
        process.stdin = None
        return process

    def finish(self, running: "list[subprocess.Popen[bytes]]", seconds: float = 120) -> None:
        """Wait until calls have ended; each must have ended well and said nothing on standard error."""
        ends = [(process.communicate(timeout=seconds)[1], process.returncode) for process in running]
        assert ends == [(b"", 0)] * len(running)

    def events(self, type_: str | None = None) -> list[dict[str, Any]]:
        """What the log of `demo` says, oldest first."""
        words = ["--type", type_] if type_ else []
        done = self.cli("events", "query", "demo", *words, "--limit", "0", "--format", "json", check=True)
        found: list[dict[str, Any]] = json.loads(done.stdout)["events"]
        return found

    def types(self) -> list[str]:
        return [event["event_type"] for event in self.events()]

    def sessions(self) -> list[dict[str, Any]]:
        """All sessions' records, oldest first."""
        folder = self.store / "state/sessions"
        found = [json.loads(path.read_text()) for path in folder.glob("*.json")]
        return sorted(found, key=lambda one: str(one["created_at"]))

    def waiting(self) -> list[Path]:
        """The calls that wait for the next one, in the store and in the user's state directory."""
        return sorted([*self.store.glob("spool/call-*"), *self.home.glob(".local/state/milestone/*/call-*")])

    def problems(self) -> list[dict[str, Any]]:
        """What went wrong, as it was written down."""
        files = [*self.store.glob("spool/problems*.jsonl"), *self.home.glob(".local/state/milestone/*/problems*.jsonl")]
        return [json.loads(line) for path in files for line in path.read_text().splitlines()]

    def verify(self) -> None:
        """The log must prove itself."""
        self.cli("events", "verify", "--all", check=True)
