"""The client, as far as hooks go: it reads the settings, and runs what they name for an event as the real one does."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from conftest import BIN, clean_environment
from hooked import payload

SESSION = "9c2e95f0-f30f-47eb-95ac-c819c7876202"


class Client:
    """A client that was started in a project.

    Its hooks run in a shell, without a terminal, each command once, however many files name it.
    """

    def __init__(self, project: Path, home: Path) -> None:
        self.project = project
        self.home = home

    def environment(self, **more: str) -> dict[str, str]:
        return clean_environment(
            self.home, PATH=f"{BIN}:/usr/local/bin:/usr/bin:/bin", CLAUDE_PROJECT_DIR=str(self.project), CLAUDECODE="1",
            CLAUDE_PID=str(os.getpid()), CLAUDE_CODE_SESSION_ID=SESSION, **more,
        )  # fmt: skip

    def settings(self) -> list[dict[str, Any]]:
        folder = self.project / ".claude"
        files = [self.home / ".claude/settings.json", folder / "settings.json", folder / "settings.local.json"]
        return [json.loads(path.read_text("utf-8-sig")) for path in files if path.exists()]

    def commands(self, event: str) -> list[str]:
        """What is run for an event."""
        found = [
            hook["command"]
            for one in self.settings()
            for group in one.get("hooks", {}).get(event, [])
            for hook in group["hooks"]
        ]
        return list(dict.fromkeys(found))

    def tell(self, name: str, env: dict[str, str] | None = None, **changes: Any) -> list[str]:
        """Run the hooks for a payload; what each printed. None of them may fail or complain."""
        told = payload(name, session_id=SESSION, cwd=str(self.project), **changes)
        outputs = []
        for command in self.commands(told["hook_event_name"]):
            done = subprocess.run(
                ["sh", "-c", command], input=json.dumps(told), cwd=self.project, env=self.environment(**(env or {})),
                capture_output=True, text=True, timeout=60, check=False, start_new_session=True,
            )  # fmt: skip
            assert (done.returncode, done.stderr) == (0, ""), (command, done)
            outputs.append(done.stdout)
        return outputs
