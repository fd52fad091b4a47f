"""The commands about tasks, as the tests call them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
from conftest import EVERYWHERE, Cli

from milestone_cli.render.schemas import schema
from milestone_cli.storage.contract import Store
from milestone_cli.storage.sides import open_side


class Tasks:
    """The commands about tasks in a test's store."""

    def __init__(self, cli: Cli, place: Path) -> None:
        self.cli, self.place = cli, place

    def json(self, *words: str, code: int | None = 0, env: dict[str, str] | None = None) -> dict[str, Any]:
        """Run a command; its output or its error, held against the schema."""
        done = self.cli(*words, "--format", "json", env=env)
        assert code in (None, done.returncode), (words, done.stdout, done.stderr)
        found: dict[str, Any] = json.loads(done.stderr.splitlines()[-1] if code else done.stdout)
        jsonschema.validate(found, schema(found["schema"].split("/")[1]))
        return found

    def task(self, *words: str, code: int = 0) -> dict[str, Any]:
        return self.json("task", *words, code=code)

    def raw(self, name: str) -> bytes:
        """The document of a task."""
        found = self.opened().get("task", name)
        assert found is not None
        return found

    def events(self, *words: str) -> list[tuple[str, dict[str, Any]]]:
        found = self.json("events", "query", *(words or ("demo",)), "--type", "task_*", "--limit", "0")["events"]
        return [(one["event_type"], one["data"]) for one in found]

    def named(self, *words: str) -> list[str]:
        return [one["id"] for one in self.task("list", *words)["tasks"]]

    def opened(self) -> Store:
        """The store itself, opened anew."""
        return open_side(EVERYWHERE.get("MILESTONE_STORE") or str(self.place)).store
