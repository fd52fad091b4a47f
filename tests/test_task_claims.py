"""Claims of tasks: one agent each, given back by the dead, kept from whoever lost one."""

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, Cli, clean_environment
from tasked import Tasks

from milestone_cli import runtime
from milestone_cli.core.document import assign
from milestone_cli.core.tasks import changes, claiming, deleting
from milestone_cli.core.tasks.changes import end
from milestone_cli.core.tasks.claiming import claim
from milestone_cli.core.tasks.claims import hold
from milestone_cli.core.tasks.creating import create
from milestone_cli.core.tasks.report import listed
from milestone_cli.core.tasks.task import Task, find
from milestone_cli.core.tasks.terms import Terms
from milestone_cli.errors import MilestoneError


@pytest.fixture
def tasks(cli: Cli, store: Path) -> Tasks:
    return Tasks(cli, store.parent)


def change(tasks: Tasks, name: str, **values: object) -> None:
    """Write a claim as another machine, another boot or another time would have it."""
    core = tasks.opened()
    text = tasks.raw(name).decode()
    for key, value in values.items():
        text = assign(text, f"claim.{key}", json.dumps(value))
    core.note("task", name, text.encode())


def sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sleep", "1000"])


def test_a_claim_from_its_beginning_to_its_end(tasks: Tasks) -> None:
    assert tasks.task("claim", code=3)["code"] == "not_found"
    for name in ("first", "second"):
        create(tasks.opened(), name, f"do the {name}", Terms())
    mine = tasks.task("claim", "--agent", "a", "--idempotency-key", "k")
    assert (mine["id"], mine["status"], mine["agent_id"], mine["renewed"]) == ("first", "in_progress", "a", False)
    assert (mine["claim"]["pid"], mine["claim"]["lease_seconds"]) == (os.getpid(), 300)
    again = tasks.task("claim", "--agent", "a", "--idempotency-key", "k")
    assert (again["id"], again["replayed"]) == ("first", True)
    assert tasks.task("claim", "--agent", "b")["id"] == "second"
    assert "2 are in progress" in tasks.task("claim", "--agent", "c", code=3)["hint"]
    # What is claimed is changed by its holder alone.
    core, other = tasks.opened(), Terms(agent="b")
    for act in (
        changes.start,
        changes.update,
        *(partial(changes.end, how=how) for how in changes.ENDS),
        partial(changes.log, message="x", level="info", type_="note"),
        partial(changes.result, raw=b"{}"),
        claiming.release,
        claiming.claim,
        deleting.delete,
    ):
        with pytest.raises(MilestoneError) as caught:
            act(core, name="first", terms=other)
        assert caught.value.code == "conflict"
        assert re.search("claimed by 'a'|'a' has claimed it", caught.value.message)
    before = json.loads(tasks.raw("first"))["claim"]
    assert tasks.task("claim", "first", "--agent", "a", "--lease", "1h")["renewed"]
    tasks.task("log", "first", "half of it", "--agent", "a")
    assert claim(core, "first", Terms(agent="a")).renewed, "for as long as before"
    after = json.loads(tasks.raw("first"))["claim"]
    assert after["claimed_at"] == before["claimed_at"]
    assert (after["renewed_at"] > before["renewed_at"], after["lease_seconds"]) == (True, 3600)
    assert tasks.task("complete", "first", "--agent", "a")["agent_id"] == "a"
    assert json.loads(tasks.raw("first"))["claim"] is None
    assert tasks.task("release", "second", "--agent", "c", "--force", "--reason", "too long")["status"] == "pending"
    assert claim(core, None, Terms(agent="c")).task.id == "second"
    assert tasks.task("complete", "second", "--agent", "b", code=4)["code"] == "conflict", "it has lost its claim"
    told = [(type_, data["task_id"]) for type_, data in tasks.events() if type_ in ("task_claimed", "task_released")]
    assert told == [("task_claimed", "first"), ("task_claimed", "second"), ("task_released", "second"),
                    ("task_claimed", "second")]  # fmt: skip
    assert tasks.task("claim", "--lease", "5", code=5)["code"] == "invalid_time"
    assert "no process" in tasks.task("claim", "--for-pid", "4194303", code=3)["message"]
    assert "which task" in tasks.task("claim", "--if-revision", "1", code=2)["message"]
    assert "belong to 'other'" in tasks.task("claim", "second", "--milestone", "other", code=4)["message"]


def test_the_dead_give_their_tasks_back(tasks: Tasks) -> None:
    create(tasks.opened(), "t", "x", Terms())
    held = sleeper()
    tasks.task("claim", "--agent", "a", "--for-pid", str(held.pid), "--lease", "1s")
    change(tasks, "t", boot_seconds=runtime.boot_seconds() - 60, renewed_at="2026-01-01T00:00:00Z")
    shown = tasks.task("show", "t")
    assert (shown["claim_ended"], shown["evidence"]) == (False, f"process {held.pid} lives"), "nobody takes from it"
    assert tasks.task("claim", "--agent", "b", code=3)["code"] == "not_found"
    held.kill()
    held.wait()
    assert tasks.named("--ready") == ["t"]
    assert "given back" in tasks.cli("task", "list", check=True).stdout
    assert "tasks.abandoned" in {one["id"] for one in tasks.json("doctor")["findings"]}
    mine = tasks.task("claim", "--agent", "b", "--for-pid", "0", "--lease", "1h")
    assert (mine["id"], mine["freed"]) == (
        "t", [{"id": "t", "agent_id": "a", "evidence": f"process {held.pid} is gone"}],
    )  # fmt: skip
    assert tasks.task("complete", "t", "--agent", "a", code=4)["code"] == "conflict"
    # Without a process the lease tells.
    assert "its lease ends in" in tasks.task("show", "t")["evidence"]
    change(tasks, "t", boot_seconds=runtime.boot_seconds() - 4000, renewed_at="2026-01-01T00:00:00Z")
    assert tasks.task("show", "t")["claim_ended"]
    tasks.cli("doctor", "--fix", check=True)
    assert tasks.task("show", "t")["status"] == "pending"
    assert [data["reason"] for type_, data in tasks.events() if type_ == "task_released"] == [
        f"'a': process {held.pid} is gone", "'b': its lease of 3600 s has ended",
    ]  # fmt: skip


def test_a_claim_of_another_machine_ends_by_a_shared_clock_alone(tasks: Tasks) -> None:
    create(tasks.opened(), "t", "x", Terms())
    tasks.task("claim", "--agent", "a", "--lease", "1m")
    core = tasks.opened()
    change(tasks, "t", host="elsewhere", boot_id="other", boot_seconds=1)
    assert not hold(core, find(core, "t")).is_over
    change(tasks, "t", host="elsewhere", renewed_at="2026-01-01T00:00:00Z")
    assert hold(core, find(core, "t")).is_over is core.is_clock_shared
    if core.is_clock_shared:
        tasks.cli("agent", "register", "a", "--for-pid", "0", check=True)
        tasks.cli("agent", "heartbeat", "a", check=True)
        assert not hold(core, find(core, "t")).is_over, "a heartbeat of its agent renews it"
    else:
        change(tasks, "t", host=runtime.host(), boot_id="an earlier one")
        assert "earlier boot" in hold(core, find(core, "t")).evidence


def test_an_agent_that_leaves_or_dies_gives_back_what_it_had_claimed(tasks: Tasks) -> None:
    for name in ("x", "y"):
        create(tasks.opened(), name, name, Terms())
    for agent in ("a", "b"):
        tasks.cli("agent", "register", agent, "--for-pid", "0" if agent == "a" else str(os.getpid()), check=True)
        tasks.task("claim", "--agent", agent, "--for-pid", "0")
    tasks.cli("agent", "retire", "a", check=True)
    assert [one["status"] for one in tasks.task("list")["tasks"]] == ["pending", "in_progress"]
    core = tasks.opened()
    record = (core.get("agent", "b") or b"").decode()
    core.note("agent", "b", assign(record, "start_time", '"1"').encode())
    buried = tasks.json("agent", "health", "--fix")["buried"]
    assert [(one["agent_id"], one["tasks"]) for one in buried] == [("b", ["y"])]
    assert tasks.named("--ready") == ["x", "y"]


def work(tasks: Tasks, number: int, killed_at: int) -> None:
    """What a worker does: claim and complete until everything is completed; die in the middle, if that is asked for."""
    core = tasks.opened()
    me = Terms(agent=f"worker{number}")
    done, deadline = 0, time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            one = claim(core, None, me, pid=os.getpid()).task
        except MilestoneError as error:
            if error.code != "not_found":
                raise
            if all(one["status"] == "completed" for one in listed(core)):
                return
            time.sleep(0.02)
            continue
        done += 1
        if done == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        end(core, one.id, "complete", me)
    raise TimeoutError


def compete(tasks: Tasks, workers: int, count: int) -> None:
    core = tasks.opened()
    for number in range(count):
        create(core, f"t{number:02}", "work", Terms())
    pids = []
    for number in range(workers):
        pid = os.fork()
        if not pid:
            code = 1
            try:
                work(tasks, number, 2 if number == 0 else 0)
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    assert codes == [-signal.SIGKILL] + [0] * (workers - 1)
    assert {one["status"] for one in tasks.task("list")["tasks"]} == {"completed"}
    told = tasks.events()
    of: dict[str, Counter[str]] = {
        type_: Counter(data["task_id"] for one, data in told if one == type_)
        for type_ in ("task_claimed", "task_released", "task_completed")
    }
    assert len(of["task_completed"]) == count
    assert {*of["task_completed"].values()} == {1}, "every task was done once"
    lost = [*of["task_released"]]
    assert len(lost) == 1, "the task of the one that was killed came back"
    assert {name: times for name, times in of["task_claimed"].items() if times != 1} == {lost[0]: 2}
    tasks.cli("events", "verify", "demo", check=True)


def test_four_processes_never_get_the_same_task_and_one_is_killed(tasks: Tasks) -> None:
    compete(tasks, 4, 12)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_eight_processes_never_get_the_same_task_and_one_is_killed(tasks: Tasks) -> None:
    compete(tasks, 8, 40)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_eight_shells_share_forty_tasks_and_one_is_killed(tasks: Tasks, home: Path) -> None:
    core = tasks.opened()
    for number in range(40):
        create(core, f"t{number:02}", "work", Terms())
    environment = clean_environment(home)
    environment["PATH"] = f"{BIN}:{environment['PATH']}"
    script = (
        "n=0; completed() { milestone task list --status completed --format json | grep -o waits_for | wc -l; }; "
        'while [ "$(completed)" -lt 40 ]; do '
        'task=$(milestone task claim --agent "$0" 2> /dev/null) || { sleep 0.2; continue; }; n=$((n + 1)); '
        '[ "$0-$n" = worker0-2 ] && kill -9 $$; milestone task complete "$task" --agent "$0" > /dev/null || exit 1; '
        "done"
    )
    started = [
        subprocess.Popen(["bash", "-c", script, f"worker{number}"], cwd=tasks.place, env=environment)
        for number in range(8)
    ]
    codes = [one.wait(500) for one in started]
    assert codes == [-signal.SIGKILL] + [0] * 7
    completed = [data["task_id"] for type_, data in tasks.events() if type_ == "task_completed"]
    assert sorted(completed) == [f"t{number:02}" for number in range(40)]


def test_a_circle_that_two_branches_made_and_what_is_damaged_are_found(tasks: Tasks) -> None:
    core = tasks.opened()
    for name, need in (("a", "b"), ("b", "a"), ("c", "gone")):
        one = Task(name, b"{}")
        one.put(id=name, description="x", status="pending", depends_on=[need], created_at="2026-11-21T00:00:00Z")
        core.note("task", name, one.raw())
    core.note("task", "d", b'{"id": "d"')
    found: dict[str, dict[str, Any]] = {one["id"]: one for one in tasks.json("doctor", "--fail-on", "error", code=None)[
        "findings"]}  # fmt: skip
    assert found["tasks.circle"]["message"] == "tasks wait for each other: a -> b -> a"
    assert found["tasks.lost_dependency"]["subject"] == "c"
    assert found["tasks.damaged"]["subject"] == "d"
    assert tasks.task("show", "d", code=6)["code"] == "damaged"
    assert [one["status"] for one in tasks.task("list")["tasks"]] == ["damaged", "pending", "pending", "pending"]
    tasks.cli("doctor", "--fix")
    assert tasks.named() == ["a", "b", "c"]
