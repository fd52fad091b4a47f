"""A day of three agents on one milestone: locks, transactions, a synchronisation, a death, and a recovery.

Each agent is a shell of its own, with a session of its own, that does a piece of work for every word it is given.
"""

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, Cli, clean_environment

WORK = r"""
set -eu
say() { printf '%s\n' "$*"; }
if [ -z "${MILESTONE_SESSION:-}" ]; then
    MILESTONE_SESSION=$(milestone session create demo)
    export MILESTONE_SESSION
fi
export MILESTONE_AGENT=$1
milestone agent register "$1" --type "$2" --subscribe 'sync_*' > /dev/null
say "$MILESTONE_SESSION"
while read -r word; do
    case $word in
        step)
            milestone lock run demo --wait 30 -- sh -c '
                n=$(milestone state get demo count) && milestone state set demo count=$((n + 1))' > /dev/null
            {
                printf '{"op": "set", "milestone": "demo", "path": "work.%s", "value": "%s"}\n' "$1" "$2"
                printf '{"op": "log", "milestone": "demo", "event_type": "work_done", "data": {"by": "%s"}}' "$1"
            } > "$1.jsonl"
            milestone transaction apply "$1.jsonl" > /dev/null
            milestone agent update --operations 1 --state '{"doing": "step"}' > /dev/null
            milestone agent heartbeat > /dev/null
            ;;
        keep) milestone checkpoint create --session "$MILESTONE_SESSION" --reason "before the risky part" > /dev/null ;;
        hold) milestone lock acquire demo > /dev/null ;;
        sync) milestone agent sync --timeout 60 > /dev/null ;;
        ack)
            open=
            while [ -z "$open" ]; do
                open=$(milestone agent sync-list --open --agent "$1" | grep -o '^sync-[0-9a-f-]*' || sleep 0.05)
            done
            milestone agent ack "$open" --state '{"ready": true}' > /dev/null
            ;;
        end)
            milestone agent retire --reason 'all done' > /dev/null
            milestone session end "$MILESTONE_SESSION" > /dev/null
            say ended
            exit 0
            ;;
    esac
    say "$word"
done
"""
"""What an agent does; anything that fails ends it, with something to read on standard error."""


class Worker:
    """An agent in a process group of its own."""

    def __init__(self, name: str, type_: str, place: Path, environment: dict[str, str], session: str = "") -> None:
        self.name = name
        more = {"MILESTONE_SESSION": session} if session else {}
        self.process = subprocess.Popen(
            ["bash", "-c", WORK, "agent", name, type_], cwd=place, env={**environment, **more}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.session = self.hear()

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """The next line that it says; a failure is shown."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"{self.name}: {self.process.communicate()[1]}")
        return line.rstrip("\n")

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """End whatever is left of it."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def together(workers: list[Worker], word: str) -> None:
    """Let all do the same at the same time, and wait until each has."""
    for one in workers:
        one.tell(word)
    assert [one.hear() for one in workers] == [word] * len(workers)


@pytest.fixture(params=["files", pytest.param("postgres", marks=pytest.mark.slow)])
def environment(request: pytest.FixtureRequest, home: Path) -> dict[str, str]:
    """Where the commands of a day find their store."""
    found = clean_environment(home)
    found["PATH"] = f"{BIN}:{found['PATH']}"
    if request.param == "postgres":
        found["MILESTONE_STORE"] = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    found: list[Worker] = []
    yield found
    for one in found:
        one.close()


def test_a_day(cli: Cli, tmp_path: Path, environment: dict[str, str], workers: list[Worker]) -> None:
    where = {name: value for name, value in environment.items() if name == "MILESTONE_STORE"}

    def run(*words: str) -> str:
        return str(cli(*words, env=where, check=True).stdout)

    def read(*words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(run(*words, "--format", "json"))
        return found

    run("init", "demo")
    run("state", "save", "demo", '{"goal": "a day", "count": 0, "work": {}}')
    for name, type_ in (("planner", "lead"), ("coder", "coder"), ("tester", "tester")):
        workers.append(Worker(name, type_, tmp_path, environment))
    planner, coder, tester = workers

    # All three at the same time, on the same key, through the lock and through transactions.
    together(workers, "step")
    together(workers, "step")
    coder.tell("keep")
    assert coder.hear() == "keep"
    coder.tell("hold")
    assert coder.hear() == "hold"

    # The coder holds the lock; one waits for that, and one for all to answer. It is killed, and they just go on.
    planner.tell("sync")
    tester.tell("ack")
    assert tester.hear() == "ack"
    tester.tell("step")
    coder.kill()
    assert [planner.hear(), tester.hear()] == ["sync", "step"]
    together([planner], "step")

    # What happened can be read at one look.
    status = run("status", "demo")
    assert "coder" in status.partition("failed")[2].split("\n")[0]
    assert "completed, 2 of 3 answered, without coder" in status
    watched = run("watch", "demo")
    assert "coder" in watched.partition("failed")[2].split("\n")[0]
    assert "completed, 2 of 3 answered, without coder" in watched
    assert "agent coder failed" in run("session", "handoff", planner.session)
    failed = read("events", "query", "demo", "--type", "agent_failed")["events"]
    assert [(one["agent_id"], "is gone" in one["data"]["evidence"]) for one in failed] == [("coder", True)]
    kept = failed[0]["data"]["last_checkpoint"]
    assert kept in run("checkpoint", "list", "--session", coder.session)

    # In a fresh shell its session goes on from the latest checkpoint, and the agent is there again.
    recovered = read("session", "recover", coder.session, "--keep-state", "--yes")
    assert kept == recovered["checkpoint_name"]
    workers.append(Worker("coder", "coder", tmp_path, environment, coder.session))
    again = workers[-1]
    together([planner, tester, again], "step")
    for one in (planner, tester, again):
        one.tell("end")
    assert [one.hear() for one in (planner, tester, again)] == ["ended"] * 3
    for one in (planner, tester, again):
        assert one.process.communicate(timeout=30)[1] == "", "nobody had anything to complain about"
        assert one.process.returncode == 0

    account(run, read)


def account(run: Any, read: Any) -> None:
    """Every step that was acknowledged is in the state and in the log, once."""
    assert json.loads(run("state", "load", "demo")) == {
        "goal": "a day", "count": 11, "work": {"planner": "lead", "coder": "coder", "tester": "tester"},
    }  # fmt: skip
    run("events", "verify", "demo")
    events = read("events", "query", "demo", "--limit", "0")["events"]
    assert [one["sequence_number"] for one in events] == list(range(1, len(events) + 1))
    done = Counter(one["data"]["by"] for one in events if one["event_type"] == "work_done")
    assert done == {"planner": 4, "coder": 3, "tester": 4}
    counted = Counter(one["event_type"] for one in events)
    assert counted["agent_registered"] == 4
    assert counted["agent_retired"] == 3
    assert (counted["agent_failed"], counted["lock_broken"], counted["session_recovered"]) == (1, 1, 1)
    assert (counted["sync_requested"], counted["agents_synchronized"], counted["sync_failed"]) == (1, 1, 0)
    said = next(one["data"] for one in events if one["event_type"] == "agents_synchronized")
    assert (said["agent_count"], said["lost"]) == (2, ["coder"])
    found = {one["agent_id"]: one for one in read("agent", "list", "--all")["agents"]}
    assert {name: one["status"] for name, one in found.items()} == dict.fromkeys(
        ("planner", "coder", "tester"), "retired"
    )
    assert found["planner"]["metrics"]["operations_completed"] == 4
    assert read("lock", "list")["locks"] == []
    assert read("doctor")["healthy"]
    page = run("events", "timeline", "demo", "--format", "html")
    assert all(word in page for word in ("agent_failed", "agents_synchronized", "session_recovered", "coder"))
