"""The budgets of spec section 7 that repeat: instructions over the bare interpreter's, imports, system calls.

Wall time is for tests/benchmarks; nothing here depends on how busy the machine is. What is measured is the
installed command, as pip made it, in a store with a configuration and a bound session.
"""

import functools
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BIN, MILESTONE, Cli, clean_environment
from prepared import COMMANDS, prepare, run

MORE = 7_000_000  # instructions over `python -c pass`
GROWTH = 200_000  # instructions that appending to a long log may take over a short one
SYNCS = {"beat": 0, "save": 3, "set": 3, "log": 1, "load": 0, "get": 0, "progress": 1}
FORBIDDEN = {
    "typer", "rich", "ruamel", "orjson", "filelock", "dataclasses", "typing", "json", "pathlib", "subprocess",
    "re", "inspect", "hashlib", "datetime", "contextlib", "enum", "ctypes", "logging",
}  # fmt: skip
STATE = json.dumps({"filler": "x" * 960, "price": 1.5, "steps": [1, 2, 3], "a": {"b": "c"}})
HOT = {
    "beat": ["agent", "heartbeat", "builder"],
    "save": ["state", "save", STATE],
    "load": ["state", "load"],
    "get": ["state", "get", "a.b"],
    "set": ["state", "set", "a.b=d"],
    "log": ["events", "log", "tool_used", json.dumps({"payload": "y" * 900})],
    "progress": ["session", "progress", "40", "--operation", "the parser"],
}
START = 1.5  # times bare Python, for commands that are not hot
COLD = {
    "agent register": ["agent", "register", "other"],
    "agent list": ["agent", "list"],
    "agent health": ["agent", "health"],
    "session create": ["session", "create"],
    "session current": ["session", "current"],
    "session list": ["session", "list"],
    "transaction apply": ["transaction", "apply", '{"op": "set", "milestone": "demo", "path": "n", "value": 1}'],
    "transaction list": ["transaction", "list"],
    "checkpoint create": ["checkpoint", "create", "--reason", "why"],
    "checkpoint list": ["checkpoint", "list"],
    "status": ["status"],
    "state list": ["state", "list"],
    "state history": ["state", "history"],
    "events timeline": ["events", "timeline"],
    "events query": ["events", "query"],
    "events query --all": ["events", "query", "--all", "--show-cursor"],
    "wait": ["wait", "--revision", "1"],
    "events verify": ["events", "verify"],
    "cleanup plan": ["cleanup", "plan"],
    "lock list": ["lock", "list"],
    "cache get": ["cache", "get", "answer"],
    "cache put": ["cache", "put", "answer", "43"],
    "cache stats": ["cache", "stats"],
}
SOME = {
    "agent register",
    "session create",
    "transaction apply",
    "checkpoint create",
    "status",
    "events query",
    "events verify",
    "cache get",
}
"""Of these, those that are always counted; the others have the same way to their own work."""
NEEDED = {
    "state validate": FORBIDDEN,  # jsonschema's own
    "config set": FORBIDDEN,  # YAML's reader says where a value stands
    "config edit": FORBIDDEN,  # likewise; and the editor is another process
    "metrics": {"enum"},  # by signal: the scratch folder of --probe goes, however it ends
    "events follow": {"ctypes"},  # inotify
    "cache run": {"enum"},  # by signal, which it passes on
    "lock run": {"enum"},  # by signal, which it passes on
    "agent run": {"enum"},  # likewise
    "agent monitor": {"enum"},  # by signal, which ends it
    "snapshot watch": {"enum"},  # by signal, at which it saves once more
    "store migrate": FORBIDDEN,  # by tarfile: the store is kept first
    "store export": {"hashlib", "re", "enum"},  # by tarfile; and whole logs are hashed
    "store copy": {"hashlib"},  # whole stores are hashed: OpenSSL is faster
    "store moved": {"hashlib"},
}
"""Heavy modules that the example of a command needs for its own work."""
SESSION = "session-20261121-120000-1"


@pytest.fixture(autouse=True)
def _installed() -> None:
    origin = importlib.metadata.distribution("milestone-cli").read_text("direct_url.json") or "{}"
    if json.loads(origin).get("dir_info", {}).get("editable"):
        pytest.skip("impossible here: installed in editable form, and the wheel is what has a budget")


@pytest.fixture
def scene(store: Path, cli: Cli) -> Path:
    """Where a store is, with a configuration, a session named by .current_session, and a state of 1 KB."""
    (store / "config.yaml").write_text("# comments stay\nlock_timeout: 30\n")
    session = {
        "session_id": SESSION,
        "milestone_id": "demo",
        "status": "active",
        "pid": 1,
        "user": "somebody",
    }
    (store / "state/sessions").mkdir(exist_ok=True)
    (store / f"state/sessions/{SESSION}.json").write_text(json.dumps(session, indent=2))
    (store / "state/.current_session").write_text(SESSION + "\n")
    for _ in range(2):
        cli("state", "save", STATE, check=True)
    cli("agent", "register", "builder", "--for-pid", "1", check=True)
    return store.parent


def instructions(command: list[str], cwd: Path, home: Path, given: str = "", **more: str) -> int:
    """Instructions of one run, by cachegrind; `given` is its standard input, `more` its environment."""
    done = subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *command],
        cwd=cwd, env=clean_environment(home, PYTHONHASHSEED="0", **more), input=given,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    assert found, done.stderr
    return int(found[1].replace(",", ""))


@functools.cache
def bare_python() -> int:
    """Instructions of a Python that does nothing."""
    return instructions([sys.executable, "-c", "pass"], Path("/"), Path("/nonexistent"))


def require_valgrind() -> None:
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")


@pytest.mark.parametrize("form", [pytest.param("text", marks=pytest.mark.slow), "json"])
@pytest.mark.parametrize("name", HOT)
def test_instructions(name: str, form: str, scene: Path, home: Path) -> None:
    require_valgrind()
    bare = bare_python()
    words = HOT[name] + (["--format", "json"] if form == "json" else [])
    more = instructions([str(MILESTONE), *words], scene, home) - bare
    assert more <= MORE, f"{more / 1e6:.2f} M over the {bare / 1e6:.1f} M of bare Python"


@pytest.mark.parametrize(
    "name", [name if name in SOME else pytest.param(name, marks=pytest.mark.slow) for name in COLD]
)
def test_instructions_of_others(name: str, scene: Path, home: Path, cli: Cli) -> None:
    require_valgrind()
    bare = bare_python()
    if name == "cache get":
        cli("cache", "put", "answer", "42", check=True)
    whole = instructions([str(MILESTONE), *COLD[name]], scene, home)
    assert whole <= START * bare, f"{whole / bare:.2f} times bare Python"


@pytest.mark.parametrize("name", HOT)
def test_imports(name: str, scene: Path, home: Path) -> None:
    def imported(*command: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *command], cwd=scene, env=clean_environment(home),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import")}

    more = imported(str(BIN / "milestone"), *HOT[name], "--format", "json") - imported("-c", "pass")
    assert not {module.partition(".")[0] for module in more} & FORBIDDEN, sorted(more)


def imported_by(line: str, folder: Path, home: Path) -> set[str]:
    """Top-level modules that a line of shell imports, in all of its processes."""
    done = run(f"export PYTHONPROFILEIMPORTTIME=1; {line}", folder, home)
    found = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import")]
    return {module.partition(".")[0] for module in found}


@functools.cache
def bare_imports() -> frozenset[str]:
    """Those of a Python that does nothing."""
    return frozenset(imported_by(f"{sys.executable} -c pass", Path("/"), Path("/nonexistent")))


@pytest.mark.parametrize("path", COMMANDS)
def test_plain_output_of_others_imports_nothing_heavy(path: str, tmp_path: Path, home: Path, cli: Cli) -> None:
    prepare(cli, tmp_path, path)
    more = imported_by(COMMANDS[path].example, tmp_path, home) - bare_imports()
    assert "milestone_cli" in more
    assert not more & FORBIDDEN - NEEDED.get(path, set())


def calls(names: str, command: list[str], cwd: Path, home: Path, trace: Path, given: str = "") -> list[str]:
    """The system calls of these names that a command makes, by strace; `given` is its standard input."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    done = subprocess.run(
        ["strace", "-f", "-o", str(trace), "-e", f"trace={names}", *command],
        cwd=cwd, env=clean_environment(home), input=given,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip("impossible here: the system does not allow strace to trace")
    assert done.returncode == 0, done.stderr
    return [line for line in trace.read_text().splitlines() if "(" in line and "resumed" not in line]


@pytest.mark.parametrize("name", HOT)
def test_syncs(name: str, scene: Path, home: Path, tmp_path: Path) -> None:
    words = HOT[name] if name != "set" else ["state", "set", "a.b=e"]
    made = calls(
        "fsync,fdatasync,sync,syncfs,sync_file_range,msync",
        [str(MILESTONE), *words],
        scene,
        home,
        tmp_path / "t",
    )
    assert len(made) <= SYNCS[name], made
    assert made or not SYNCS[name], "acknowledged without a sync"


def test_appending_costs_the_same_in_a_long_log(scene: Path, home: Path, cli: Cli) -> None:
    require_valgrind()
    command = [str(MILESTONE), *HOT["log"]]
    cli(*HOT["log"], check=True)
    short = instructions(command, scene, home)
    line = json.dumps({"event_type": "filler", "data": {"payload": "z" * 80}})
    cli("events", "log", "--batch", input=(line + "\n") * 6_000, check=True)
    cli(*HOT["log"], check=True)
    assert instructions(command, scene, home) - short <= GROWTH
