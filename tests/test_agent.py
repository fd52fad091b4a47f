"""Agents as commands: known to each other, heard of, judged by evidence, and what they held goes back when they die."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import BIN, MILESTONE, Cli, clean_environment
from ruamel.yaml import YAML

from milestone_cli.render.schemas import schema
from milestone_cli.storage.contract import Store
from milestone_cli.storage.sides import open_side


class Scene:
    """A store, and processes that are agents in it."""

    def __init__(self, cli: Cli, place: Path, home: Path) -> None:
        self.cli, self.place = cli, place
        self.environment = clean_environment(home)
        self.environment["PATH"] = f"{BIN}:{self.environment['PATH']}"
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command whose output is kept."""
        process = subprocess.Popen(
            words, cwd=self.place, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def shell(self, script: str) -> "subprocess.Popen[str]":
        """Start a shell that does something, says so, and then waits to be killed."""
        process = self.start("bash", "-c", f"{{ {script}; }} > /dev/null && echo ready; read line")
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def agent(self, name: str, *words: str) -> "subprocess.Popen[str]":
        """Start a shell that is an agent."""
        return self.shell(" ".join(["milestone agent register", name, *words]))

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run a command; its output or its error, held against the schema."""
        done = self.cli(*words, "--format", "json")
        assert done.returncode == code, (words, done.stdout, done.stderr)
        found: dict[str, Any] = json.loads(done.stderr.splitlines()[-1] if code else done.stdout)
        jsonschema.validate(found, schema(found["schema"].split("/")[1]))
        return found

    def events(self, type_: str) -> list[dict[str, Any]]:
        found = self.json("events", "query", "demo", "--type", type_)
        return [one["data"] for one in found["events"]]

    def health(self, *words: str) -> dict[str, tuple[str, str]]:
        """Health and evidence of each agent."""
        found = self.json("agent", "health", *words)
        return {one["agent_id"]: (one["health"], "; ".join(one["evidence"])) for one in found["agents"]}


@pytest.fixture
def scene(cli: Cli, store: Path, home: Path) -> Iterator[Scene]:
    assert store
    made = Scene(cli, store.parent, home)
    yield made
    for process in made.started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def kill(process: "subprocess.Popen[str]") -> None:
    """Kill a shell and everything that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_an_agent_from_its_registration_to_its_leaving(scene: Scene) -> None:
    state = '{"price": 1.10, "é": 1180591620717411303424}'
    made = scene.json("agent", "register", "builder", "--type", "coder", "--state", state, "--subscribe", "state_*",
                      "--subscribe", "tests_passed", "--idempotency-key", "k")  # fmt: skip
    assert (made["status"], made["milestone_id"], made["pid"]) == ("active", "demo", os.getpid())
    assert made["subscriptions"] == ["state_*", "tests_passed"]
    assert state.encode() in document(scene, "agent", "builder"), "as it was written"
    scene.json("agent", "register", "tester", "--depends-on", "builder")
    scene.json("agent", "update", "builder", "--operations", "2", "--errors", "1", "--seconds", "1.5")
    scene.json("agent", "heartbeat", "builder")
    found = scene.json("agent", "show", "builder")
    assert (found["health"], found["subscribers"], found["metrics"]) == (
        "healthy", ["tester"],
        {"operations_completed": 2, "errors_encountered": 1, "total_execution_time": 1.5},
    )  # fmt: skip
    assert found["last_heartbeat"] >= found["registered_at"]
    assert [one["agent_id"] for one in scene.json("agent", "list")["agents"]] == ["builder", "tester"]
    status = scene.json("status", "demo")
    assert [(one["agent_id"], one["health"]) for one in status["agents"]] == [
        ("builder", "healthy"),
        ("tester", "healthy"),
    ]
    assert "agent builder (coder) is at work" in scene.cli("session", "handoff", check=True).stdout
    assert scene.json("agent", "retire", "builder", "--reason", "done")["changed"]
    assert scene.json("agent", "heartbeat", "builder", code=4)["code"] == "conflict"
    assert scene.json("agent", "update", "builder", "--errors", "1", code=4)["code"] == "conflict"
    assert scene.json("agent", "heartbeat", "nobody", code=3)["code"] == "not_found"
    assert scene.json("agent", "heartbeat", code=2)["code"] == "usage"
    assert [one["agent_id"] for one in scene.json("agent", "list")["agents"]] == ["tester"]
    assert [one["agent_id"] for one in scene.json("agent", "list", "--all")["agents"]] == ["builder", "tester"]
    log = scene.json("events", "query", "demo", "--type", "agent_*")["events"]
    assert [(one["event_type"], one["agent_id"]) for one in log] == [
        ("agent_registered", "builder"), ("agent_registered", "tester"), ("agent_updated", "builder"),
        ("agent_retired", "builder"),
    ]  # fmt: skip
    assert log[0]["data"] == {"agent_id": "builder", "type": "coder"}
    scene.cli("events", "verify", "demo", check=True)


def test_what_is_no_agent_is_refused(scene: Scene) -> None:
    for code, words in (
        (5, ["../x"]), (5, ["system"]), (5, ["a", "--state", "[]"]), (5, ["a", "--state", '{"a": NaN}']),
        (5, ["a", "--subscribe", "\x1b[2J"]), (3, ["a", "--for-pid", "4194303"]),
        (2, ["a", "--depends-on", "a"]), (3, ["a", "--session", "nothing"]), (5, ["a", "--milestone", "a/b"]),
    ):  # fmt: skip
        scene.json("agent", "register", *words, code=code)
    assert scene.json("agent", "list", "--all")["agents"] == []
    assert scene.events("agent_*") == []


def test_an_id_belongs_to_whoever_lives_under_it(scene: Scene) -> None:
    first = scene.agent("builder", "--state", """'{"n": 1}'""")
    refused = scene.json("agent", "register", "builder", code=4)
    assert (refused["code"], refused["details"]["pid"]) == ("conflict", first.pid)
    kill(first)
    made = scene.json("agent", "register", "builder")
    assert (made["status"], made["pid"], made["state"]) == ("active", os.getpid(), {})
    assert [one["evidence"] for one in scene.events("agent_failed")] == [f"process {first.pid} is gone"]
    scene.json("agent", "register", "builder", "--type", "again")  # the same process, once more


def test_what_a_shell_registered_it_may_run_and_nothing_said_of_it_is_lost(scene: Scene) -> None:
    script = (
        "milestone agent register builder --type coder --subscribe 'state_*' --state '{\"price\": 1.10}' > /dev/null\n"
        "milestone agent run builder -- sh -c 'milestone agent show builder --format json'\n"
        "milestone agent run builder --type other -- false; echo $?"
    )
    done = scene.start("bash", "-c", script)
    out, err = done.communicate(timeout=60)
    shown, code = out.splitlines()
    assert (code, err) == ("1", "")
    found = json.loads(shown)
    assert (found["type"], found["subscriptions"], found["status"]) == ("coder", ["state_*"], "active")
    assert found["state"] == {"price": 1.1}
    assert scene.json("agent", "show", "builder")["type"] == "other"


def test_without_a_milestone_nothing_is_logged_and_all_else_works(scene: Scene) -> None:
    scene.cli("init", "other", check=True)
    made = scene.json("agent", "register", "free")
    assert (made["milestone_id"], made["session_id"]) == (None, None)
    scene.json("agent", "heartbeat", "free")
    assert scene.health()["free"][0] == "healthy"
    assert scene.json("agent", "retire", "free", "--idempotency-key", "k", code=2)["code"] == "usage"
    assert scene.json("agent", "retire", "free")["changed"]


def test_health_rests_on_evidence(scene: Scene) -> None:
    shell = scene.agent("shell")
    scene.json("agent", "register", "beating", "--for-pid", "0")
    scene.cli("events", "log", "demo", "note", "--agent", "beating", check=True)
    assert {name: health for name, (health, _) in scene.health().items()} == {"shell": "healthy", "beating": "healthy"}
    time.sleep(1.1)
    silent = scene.health("--stale-after", "0")
    assert silent["shell"][0] == "stale"
    assert f"process {shell.pid} lives" in silent["shell"][1]
    kill(shell)
    scene.cli("events", "log", "demo", "note", "--agent", "beating", check=True)
    found = scene.health("--stale-after", "1s")
    assert found["shell"] == ("dead", f"process {shell.pid} is gone")
    assert found["beating"][0] == "healthy"
    status = scene.json("status", "demo")
    assert (status["agents"][0]["health"], status["next"]["command"]) == ("dead", "milestone agent health --fix")
    assert scene.events("agent_failed") == [], "looking changes nothing"
    # Whoever beats for a process that has ended says so, and then the beats alone tell.
    scene.json("agent", "heartbeat", "shell")
    health, evidence = scene.health()["shell"]
    assert (health, "heartbeats alone tell" in evidence) == ("healthy", True)


def test_what_the_dead_held_goes_back(scene: Scene) -> None:
    scene.cli("state", "save", "demo", "{}", check=True)
    scene.cli("checkpoint", "create", "demo", "--name", "before", check=True)
    victim = scene.shell("milestone agent register victim && milestone lock acquire demo")
    assert scene.cli("state", "set", "demo", "n=1", "--lock-timeout", "0.2").returncode == 7
    kill(victim)
    done = scene.cli("agent", "register", "next", check=True)
    assert "'victim' is dead" in done.stderr
    assert "its last checkpoint is 'before'" in done.stderr
    told = scene.events("agent_failed")
    assert told == [{
        "agent_id": "victim", "type": "general", "evidence": f"process {victim.pid} is gone", "locks": ["demo"],
        "syncs": [], "last_checkpoint": "before",
    }]  # fmt: skip
    assert len(scene.events("lock_broken")) == 1
    assert scene.json("lock", "list")["locks"] == []
    failed = scene.json("agent", "show", "victim")
    assert (failed["status"], failed["metrics"]["errors_encountered"]) == ("failed", 1)
    assert "victim" in scene.cli("status", "demo", check=True).stdout
    assert "agent victim failed" in scene.cli("session", "handoff", check=True).stdout
    scene.cli("state", "set", "demo", "n=1", "--lock-timeout", "1", check=True)
    assert scene.json("agent", "health", "--fix")["buried"] == []


def test_a_command_that_is_an_agent(scene: Scene) -> None:
    script = "milestone agent heartbeat && milestone events log demo note && echo out && exit 3"
    done = scene.start(str(MILESTONE), "agent", "run", "worker", "--type", "t", "--", "sh", "-c", script)
    out, err = done.communicate(timeout=30)
    assert (done.returncode, out, err) == (3, "worker: alive\ndemo: event 3 logged\nout\n", "")
    assert scene.json("events", "query", "demo", "--type", "note")["events"][0]["agent_id"] == "worker"
    left = scene.events("agent_retired")[0]
    assert (left["exit_code"], left["success"]) == (3, False)
    assert left["duration_ms"] > 0
    found = scene.json("agent", "show", "worker")
    assert (found["status"], found["exit_code"], found["metrics"]["errors_encountered"]) == ("retired", 3, 1)
    again = scene.start(str(MILESTONE), "agent", "run", "worker", "--", "true")
    assert again.wait(30) == 0
    counted = scene.json("agent", "show", "worker")["metrics"]
    assert (counted["operations_completed"], counted["errors_encountered"]) == (1, 1)
    assert scene.cli("agent", "run", "worker", "--", "no-such-command").returncode == 127


def test_signals_reach_the_command_of_an_agent(scene: Scene) -> None:
    script = 'trap "echo asked; exit 9" TERM; milestone agent heartbeat; while :; do sleep 0.05; done'
    asked = scene.start(str(MILESTONE), "agent", "run", "polite", "--interval", "0.1", "--", "bash", "-c", script)
    assert asked.stdout is not None
    asked.stdout.readline()
    asked.terminate()
    assert asked.communicate(timeout=30)[0] == "asked\n"
    assert asked.returncode == 9
    victim = scene.start(
        str(MILESTONE), "agent", "run", "victim", "--", "sh", "-c", "milestone agent heartbeat; sleep 60"
    )
    assert victim.stdout is not None
    victim.stdout.readline()
    pid = scene.json("agent", "show", "victim")["pid"]
    assert pid != victim.pid, "the agent is the command, and not who waits for it"
    os.kill(pid, signal.SIGKILL)
    assert victim.wait(30) == 137
    failed = scene.events("agent_failed")[0]
    assert (failed["agent_id"], failed["evidence"]) == ("victim", "its command was ended by signal 9")


def test_killed_its_runner_leaves_an_agent_that_is_silent_and_lives(scene: Scene) -> None:
    words = (
        "agent",
        "run",
        "worker",
        "--interval",
        "0.1",
        "--",
        "sh",
        "-c",
        "milestone agent heartbeat; exec sleep 60",
    )
    runner = scene.start(str(MILESTONE), *words)
    assert runner.stdout is not None
    runner.stdout.readline()
    command = scene.json("agent", "show", "worker")["pid"]
    runner.kill()
    runner.wait()
    time.sleep(1.1)
    health, evidence = scene.health("--stale-after", "0")["worker"]
    assert (health, f"process {command} lives" in evidence) == ("stale", True)
    os.kill(command, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while scene.health()["worker"][0] != "dead" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert scene.json("agent", "health", "--fix")["buried"][0]["agent_id"] == "worker"


def test_a_monitor_watches_until_its_session_ends(scene: Scene) -> None:
    session = scene.cli("session", "create", "demo", check=True).stdout.strip()
    victim = scene.agent("victim")
    scene.json("agent", "register", "other", "--for-pid", str(os.getpid()))
    words = ("agent", "monitor", "--session", session, "--interval", "0.2", "--format", "jsonl")
    monitor = scene.start(str(MILESTONE), *words)
    assert monitor.stdout is not None
    looks = [json.loads(monitor.stdout.readline())]
    assert scene.json(*words[:6], "--looks", "1", code=4)["code"] == "conflict", "one watches at a time"
    kill(victim)
    while not looks[-1]["buried"]:
        looks.append(json.loads(monitor.stdout.readline()))
    looks.append(json.loads(monitor.stdout.readline()))
    for look in looks:
        jsonschema.validate(look, schema("agent-monitor"))
    assert [looks[0]["healthy"], looks[-1]["healthy"], looks[-1]["dead"]] == [2, 1, 0]
    scene.cli("session", "end", session, check=True)
    assert monitor.wait(30) == 0
    lines = [json.loads(line) for line in health_log(scene, session)]
    assert {"timestamp", "session_id", "healthy_agents", "unhealthy_agents"} <= set(lines[0])
    assert (lines[0]["session_id"], lines[0]["healthy_agents"]) == (session, 2)
    assert [one["failed_agents"] for one in lines if one["failed_agents"]] == [["victim"]]
    stopped = scene.start(str(MILESTONE), "agent", "monitor", "--interval", "30")
    assert stopped.stdout is not None
    stopped.stdout.readline()
    stopped.terminate()
    assert stopped.wait(30) == 0


def health_log(scene: Scene, session: str) -> list[bytes]:
    """The lines of a health log."""
    return document(scene, "agent-health", session).splitlines()


def document(scene: Scene, kind: str, key: str) -> bytes:
    """A document of the store, whatever it is made of; empty when there is none."""
    return opened(scene).get(kind, key) or b""


def opened(scene: Scene) -> Store:
    """The store of a scene."""
    return open_side(scene.environment.get("MILESTONE_STORE") or str(scene.place / ".milestones")).store


def test_pages_retention_and_the_log_of_a_session(scene: Scene) -> None:
    session = scene.cli("session", "create", "demo", check=True).stdout.strip()
    scene.json("agent", "register", "one", "--type", "t", "--state", '{"k": "\\u001b[2J"}')
    scene.json("agent", "register", "two", "--depends-on", "one")
    page = YAML(typ="safe").load(document(scene, "session-agent", f"{session}/one").decode())
    assert (page["agent"]["id"], page["agent"]["status"], page["state"]) == ("one", "active", {"k": "\x1b[2J"})
    assert page["coordination"] == {"dependencies": [], "subscribers": ["two"], "event_subscriptions": []}
    assert set(page["metrics"]) == {
        "operations_completed", "errors_encountered", "total_execution_time", "last_heartbeat",
    }  # fmt: skip
    scene.json("agent", "retire", "one")
    plan = scene.json("cleanup", "plan", "demo", "--older-than", "0", "--keep-last", "1")
    decided = {(one["kind"], one["name"]): one["decision"] for one in plan["items"] if one["kind"] == "agent"}
    assert decided == {("agent", "one"): "remove", ("agent", "two"): "keep"}
    scene.cli("cleanup", "run", "demo", "--older-than", "0", "--keep-last", "1", "--yes", check=True)
    store = opened(scene)
    assert (store.keys("agent"), store.keys("session-agent")) == (["two"], [f"{session}/two"])


@pytest.mark.slow
def test_eight_processes_count_for_one_agent(scene: Scene) -> None:
    scene.json("agent", "register", "builder")
    script = "milestone agent update builder --operations 1 && milestone agent heartbeat builder"
    started = [scene.start("bash", "-ec", f"for i in $(seq 20); do {script}; done > /dev/null") for _ in range(8)]
    for process in started:
        out, err = process.communicate(timeout=300)
        assert (process.returncode, out, err) == (0, "", "")
    found = scene.json("agent", "show", "builder")
    assert (found["metrics"]["operations_completed"], found["health"]) == (160, "healthy")
    assert len(scene.json("events", "query", "demo", "--type", "agent_updated", "--limit", "0")["events"]) == 160
    scene.cli("events", "verify", "demo", check=True)


def test_a_damaged_record_is_listed_without_being_asked_for(cli: Cli, store: Path) -> None:
    for name in ("good", "bad", "over"):
        cli("agent", "register", name, check=True)
    cli("agent", "retire", "over", check=True)
    (store / "agents/registry/bad.json").write_text("{")
    found = {
        one["agent_id"]: one["status"] for one in json.loads(cli("agent", "list", "--format", "json").stdout)["agents"]
    }
    assert found == {"bad": "damaged", "good": "active"}
