"""What a hook costs: a tool's call as much as the hottest command, the start of a session a few starts of Python."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BIN, MILESTONE, Cli, clean_environment
from hooked import CLIENT, Hooks, payload
from test_budget import FORBIDDEN, MORE, _installed, bare_python, calls, instructions, require_valgrind, scene

__all__ = ["_installed", "scene"]  # fixtures

SIZE = 4096  # bytes of a payload
WHOLE = 5.0  # times bare Python, for the start of a session with its packet
HOOK = [str(MILESTONE), "hook", "--deadline", "60"]
RESPONSE = {"stdout": "", "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}


def tool(number: int) -> str:
    """A call of a tool, of 4 KB, as the client sends it: with nothing between its members."""
    given = payload("PostToolUse.Bash", session_id=CLIENT, tool_use_id=f"toolu_{number:024x}", tool_response=RESPONSE)
    room = SIZE - len(json.dumps(given, separators=(",", ":")))
    return json.dumps({**given, "tool_response": {**RESPONSE, "stdout": "y" * room}}, separators=(",", ":"))


@pytest.fixture
def hooks(scene: Path, cli: Cli, home: Path) -> Hooks:
    """A store with a configuration and a client whose session is bound."""
    found = Hooks(cli, scene, home)
    found.call("SessionStart.startup", session_id=CLIENT)
    return found


def test_a_call_of_a_tool_takes_no_more_than_the_hottest_command(hooks: Hooks) -> None:
    require_valgrind()
    assert len(tool(1)) == SIZE
    env = {**hooks.environment(), "CLAUDE_CODE_SESSION_ID": CLIENT}
    bare = bare_python()
    more = instructions(HOOK, hooks.place, hooks.home, tool(1), **env) - bare
    assert hooks.types()[-1] == "tool_used"
    assert more <= MORE, f"{more / 1e6:.2f} M over the {bare / 1e6:.1f} M of bare Python"


def test_a_call_of_a_tool_imports_nothing_heavy(hooks: Hooks) -> None:
    def imported(given: str, *command: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *command], cwd=hooks.place, env=clean_environment(hooks.home),
            input=given, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import")}

    more = imported(tool(2), str(BIN / "milestone"), *HOOK[1:]) - imported("", "-c", "pass")
    assert hooks.types()[-1] == "tool_used"
    assert not {module.partition(".")[0] for module in more} & FORBIDDEN, sorted(more)


def test_a_call_of_a_tool_syncs_once(hooks: Hooks, tmp_path: Path) -> None:
    made = calls("fsync,fdatasync,sync,syncfs,msync", HOOK, hooks.place, hooks.home, tmp_path / "t", tool(3))
    assert hooks.types()[-1] == "tool_used"
    assert len(made) == 1, made


@pytest.mark.parametrize(
    ("source", "events"),
    [("startup", 20_000)]
    + [pytest.param(one, 100_000, marks=pytest.mark.slow) for one in ("startup", "resume", "compact")],
)
def test_the_start_of_a_session_in_a_store_that_has_seen_much(source: str, events: int, hooks: Hooks) -> None:
    require_valgrind()
    record = json.loads(next((hooks.store / "state/sessions").glob("*.json")).read_text())
    for number in range(100):
        name = f"session-20261120-{number:06}-7"
        status = "completed" if number % 3 else "active"
        text = json.dumps({**record, "session_id": name, "status": status, "client": f"client-{number}"}, indent=2)
        (hooks.store / f"state/sessions/{name}.json").write_text(text)
    line = json.dumps({"event_type": "tool_used", "data": {"tool": "Bash", "target": "make", "outcome": "ok"}})
    hooks.cli("events", "log", "demo", "--batch", input=(line + "\n") * events, check=True)
    bare = bare_python()
    given = json.dumps(payload(f"SessionStart.{source}", session_id="new"))
    whole = instructions(HOOK, hooks.place, hooks.home, given, **hooks.environment())
    assert hooks.types()[-1] == "session_created"
    assert whole <= WHOLE * bare, f"{source}: {whole / bare:.2f} times bare Python"
