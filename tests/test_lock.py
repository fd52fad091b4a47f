"""Locks around commands and shells: exclusion in every direction, and no death that leaves one held."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from bash_utilities import STAND_IN, STAND_IN_NAMES, BashUtilities
from conftest import BIN, MILESTONE, Cli, clean_environment

from milestone_cli.render.schemas import schema
from milestone_cli.storage.files import contention

FOLDER = "state/.locks/demo.lock"
HOLD = "echo held; exec sleep 60"


class Place:
    """A store, and ways to have locks in it held by other processes."""

    def __init__(self, cli: Cli, store: Path, home: Path) -> None:
        self.cli, self.store, self.lock = cli, store, store / FOLDER
        self.environment = clean_environment(home)
        self.environment["PATH"] = f"{BIN}:{self.environment['PATH']}"
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command that says a line when it has what it wants."""
        process = subprocess.Popen(
            words, cwd=self.store.parent, env=self.environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def run_holder(self, script: str = HOLD) -> "subprocess.Popen[str]":
        holder = self.start(str(MILESTONE), "lock", "run", "demo", "--", "sh", "-c", script)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        return holder

    def shell_holder(self, script: str = "read line") -> "subprocess.Popen[str]":
        holder = self.start("bash", "-c", f"milestone lock acquire demo > /dev/null && echo held; {script}")
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        return holder

    def bash_holder(self) -> "subprocess.Popen[str]":
        holder = self.start("bash", "-c", f". {STAND_IN}; take_lock demo; echo held; read line; drop_lock demo")
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        return holder

    def busy(self) -> None:
        """Nobody else gets the lock, whichever way it is asked for."""
        for words in (
            ["lock", "run", "demo", "--wait", "0", "--", "true"],
            ["lock", "acquire", "demo", "--wait", "0.2"],
            ["state", "save", "demo", "1", "--lock-timeout", "0.2"],
        ):
            done = self.cli(*words)
            assert done.returncode == 7, (words, done.stdout, done.stderr)
        BashUtilities(STAND_IN, STAND_IN_NAMES, self.store.parent).run("! {lock} demo 1")

    def free(self) -> None:
        began = time.monotonic()
        self.cli("state", "save", "demo", '{"free": 1}', "--lock-timeout", "5", check=True)
        assert time.monotonic() - began < 4
        assert not self.lock.exists()

    def json(self, *words: str) -> dict[str, Any]:
        done = self.cli(*words, "--format", "json", check=True)
        found: dict[str, Any] = json.loads(done.stdout)
        jsonschema.validate(found, schema(found["schema"].split("/")[1]))
        return found


@pytest.fixture
def place(cli: Cli, store: Path, home: Path) -> Any:
    made = Place(cli, store, home)
    yield made
    for process in made.started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()  # what it started may outlive it, and has them open too


HOLDERS: dict[str, Callable[[Place], "subprocess.Popen[str]"]] = {
    "run": Place.run_holder,
    "shell": Place.shell_holder,
    "bash": Place.bash_holder,
}


@pytest.mark.parametrize("kind", HOLDERS)
def test_who_holds_it_keeps_everybody_else_out(kind: str, place: Place) -> None:
    holder = HOLDERS[kind](place)
    place.busy()
    found = place.json("lock", "show", "demo")
    assert (found["kind"], found["state"]) == ({"run": "milestone"}.get(kind, kind), "live")
    assert found["pid"] == holder.pid
    assert str(holder.pid) in place.cli("lock", "list", check=True).stdout
    assert ("lock run" if kind == "run" else "bash") in found["command"]
    assert place.cli("lock", "break", "demo", "--yes").returncode == 4
    assert place.cli("lock", "release", "demo").returncode == 4
    assert str(holder.pid) in place.cli("lock", "release", "demo").stderr
    holder.terminate() if kind == "run" else holder.communicate("\n", timeout=10)
    holder.wait(10)
    place.free()


@pytest.mark.parametrize("kind", HOLDERS)
def test_killed_it_holds_no_more(kind: str, place: Place) -> None:
    holder = HOLDERS[kind](place)
    if kind == "run":
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
    holder.kill()
    holder.wait()
    if kind == "run":  # the command inherited the lock, and keeps it until it ends
        place.busy()
        found = place.json("lock", "show", "demo")
        assert (found["state"], str(found["pid"])) == ("live", children[0])
        os.kill(int(children[0]), signal.SIGKILL)
        time.sleep(0.1)
    place.free()
    events = place.cli("events", "query", "demo", "--type", "lock_broken", "--format", "json", check=True).stdout
    assert len(json.loads(events)["events"]) == 1


def test_a_dead_holder_is_taken_over_by_every_command(place: Place) -> None:
    for words in (["lock", "run", "demo", "--wait", "3", "--", "true"], ["lock", "acquire", "demo", "--wait", "3"]):
        holder = place.shell_holder()
        holder.kill()
        holder.wait()
        assert place.json("lock", "show", "demo")["state"] == "stale"
        place.cli(*words, check=True)
    assert place.cli("lock", "release", "demo", check=True).stdout


def test_the_command_gone_the_lock_is_free(place: Place) -> None:
    done = place.cli("lock", "run", "demo", "--", "sh", "-c", "kill -9 $$")
    assert (done.returncode, done.stdout, done.stderr) == (137, "", "")
    assert not place.lock.exists()
    # What the command leaves in the background does not keep the lock.
    place.cli("lock", "run", "demo", "--", "sh", "-c", "sleep 30 > /dev/null 2>&1 & exit 0", check=True)
    place.free()


def test_exit_codes_pass_through(place: Place) -> None:
    assert place.cli("lock", "run", "demo", "--", "sh", "-c", "exit 37").returncode == 37
    assert place.cli("lock", "run", "demo", "--", "/no/such/command").returncode == 127
    assert place.cli("lock", "run", "demo", "--", "/etc/passwd").returncode == 126
    done = place.cli("lock", "run", "demo", "--", "cat", input="through\n")
    assert (done.returncode, done.stdout) == (0, "through\n")
    assert place.cli("lock", "run", "../x", "--", "true").returncode == 5
    assert place.cli("lock", "run", "demo").returncode == 2
    assert not place.lock.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_pass_through(number: signal.Signals, place: Place) -> None:
    script = f"trap 'echo got; exit 9' {number.name[3:]}; echo held; while :; do sleep 0.05; done"
    holder = place.run_holder(script)
    holder.send_signal(number)
    assert holder.communicate(timeout=10) == ("got\n", "")
    assert holder.returncode == 9
    holder = place.run_holder()
    holder.send_signal(number)
    holder.communicate(timeout=10)
    assert holder.returncode == 128 + number
    assert not place.lock.exists()


def test_the_fence_grows_with_every_holder(place: Place) -> None:
    fences = []
    for _ in range(3):
        fences.append(place.cli("lock", "run", "x", "--", "sh", "-c", "echo $MILESTONE_LOCK_FENCE").stdout)
        fences.append(place.cli("lock", "acquire", "x", check=True).stdout)
        place.cli("lock", "release", "x", check=True)
    assert [int(fence) for fence in fences] == [1, 2, 3, 4, 5, 6]


def test_children_share_the_lock_of_a_run(place: Place) -> None:
    script = """
    milestone state save demo '{}' > /dev/null && milestone checkpoint create demo --name c > /dev/null || exit 1
    for n in 1 2 3 4 5 6; do milestone state set demo k$n=$n > /dev/null & done; wait
    env -u MILESTONE_LOCK_TOKEN -u MILESTONE_LOCK_TOKENS milestone state set demo no=1 --lock-timeout 1
    echo "$? $MILESTONE_LOCK_NAME"
    milestone lock run demo -- true; echo $?
    """
    done = place.cli("lock", "run", "demo", "--", "sh", "-c", script, env={"PATH": place.environment["PATH"]})
    assert done.stdout == "7 demo\n7\n", done.stderr
    state = json.loads(place.cli("state", "load", "demo", check=True).stdout)
    assert state == {f"k{n}": n for n in range(1, 7)}


def test_locks_within_locks(place: Place) -> None:
    place.cli("init", "other", check=True)
    script = "milestone state save demo 1 && milestone state save other 2"
    path = {"PATH": place.environment["PATH"]}
    words = ["lock", "run", "demo", "--", "milestone", "lock", "run", "other", "--", "sh", "-c", script]
    place.cli(*words, env=path, check=True)


def test_a_child_goes_on_after_its_runner_was_killed(place: Place) -> None:
    holder = place.run_holder("echo held; read line; milestone state set demo after=1 --lock-timeout 5")
    holder.kill()
    out, err = holder.communicate("\n", timeout=20)
    assert "revision 1" in out, err
    place.free()


def test_children_share_the_lock_of_a_shell_while_others_wait(place: Place) -> None:
    script = """
    read line
    milestone state set demo a=1 --lock-timeout 5; (milestone state set demo b=2 --lock-timeout 5)
    milestone lock acquire demo --wait 5; echo again $?
    milestone lock release demo
    """
    holder = place.shell_holder(script)
    waiter = place.start(str(MILESTONE), "state", "set", "demo", "w=1")
    second = place.start(str(MILESTONE), "lock", "run", "demo", "--", "true")
    deadline = time.monotonic() + 10
    while {one["pid"] for one in place.json("lock", "show", "demo")["waiters"]} != {waiter.pid, second.pid}:
        assert time.monotonic() < deadline
    out, err = holder.communicate("\n", timeout=20)
    assert out.splitlines()[0:3] == ["demo: revision 1 set", "demo: revision 2 set", "again 7"], err
    assert waiter.wait(10) == second.wait(10) == 0
    assert place.cli("lock", "release", "demo").returncode == 3
    state = json.loads(place.cli("state", "load", "demo", check=True).stdout)
    assert state == {"a": 1, "b": 2, "w": 1}


def test_a_transaction_that_waits_for_a_lock_holds_up_no_other(place: Place) -> None:
    place.cli("state", "save", "other", "1", check=True)
    place.cli("state", "save", "demo", "1", check=True)
    holder = place.run_holder("echo held; read line")
    waiter = place.start(str(MILESTONE), "checkpoint", "create", "demo", "--lock-timeout", "15")
    time.sleep(0.5)
    for name in ("one", "two"):
        words = ("checkpoint", "create", "other", "--name", name, "--lock-timeout", "3")
        assert place.cli(*words).returncode == 0
    holder.communicate("\n", timeout=20)
    assert waiter.wait(20) == 0


def test_a_token_makes_a_stranger_one_of_those_inside(place: Place) -> None:
    holder = place.start("sleep", "60")
    found = place.json("lock", "acquire", "demo", "--for-pid", str(holder.pid))
    assert found["pid"] == holder.pid
    assert place.cli("state", "save", "demo", "1", "--lock-timeout", "0").returncode == 7
    token = {"MILESTONE_LOCK_TOKEN": found["token"]}
    assert place.cli("state", "save", "demo", "1", "--lock-timeout", "0", env=token).returncode == 0
    wrong = {"MILESTONE_LOCK_TOKEN": "0" * 20}
    assert place.cli("state", "save", "demo", "2", "--lock-timeout", "0", env=wrong).returncode == 7
    place.cli("lock", "release", "demo", env=token, check=True)
    place.free()


def test_who_holds_a_lock_breaks_nothing_by_giving_it_back_with_force(place: Place) -> None:
    whose = ("--for-pid", str(place.start("sleep", "60").pid))
    place.cli("lock", "acquire", "demo", *whose, check=True)
    place.cli("lock", "release", "demo", "--force", *whose, check=True)
    assert "lock_broken" not in place.cli("events", "query", "demo", check=True).stdout


def test_bash_releases_what_its_shell_acquired(place: Place) -> None:
    holder = place.shell_holder(f". {STAND_IN}; drop_lock demo && echo dropped")
    assert holder.communicate(timeout=10)[0] == "dropped\n"
    assert not place.lock.exists()
    place.free()


def edit_owner(place: Place, field: int, value: str) -> None:
    owner = place.lock / "owner"
    fields = owner.read_text().rstrip("\n").split(" ")
    fields[field] = value
    owner.write_text(" ".join(fields) + "\n")


@pytest.mark.parametrize(("field", "value"), [(5, "1"), (3, "another-boot")])
def test_a_number_given_again_and_a_machine_started_anew_are_told(field: int, value: str, place: Place) -> None:
    place.shell_holder()
    edit_owner(place, field, value)
    assert place.json("lock", "show", "demo")["state"] == "stale"
    plan = place.json("lock", "break", "demo", "--dry-run")
    assert not plan["broken"]
    assert place.lock.exists()
    place.free()


@pytest.mark.parametrize(("field", "value"), [(2, "elsewhere"), (7, "pid:[1]")])
def test_another_hosts_lock_is_never_taken_over(field: int, value: str, place: Place) -> None:
    holder = place.shell_holder()
    edit_owner(place, field, value)
    holder.kill()
    holder.wait()
    assert place.cli("state", "save", "demo", "1", "--lock-timeout", "0.3").returncode == 7
    done = place.cli("lock", "break", "demo", "--yes")
    assert done.returncode == 4
    assert field != 2 or "elsewhere" in done.stderr
    assert place.json("lock", "break", "demo", "--force")["released"]
    place.free()
    assert "lock_broken" in place.cli("events", "query", "demo", "--type", "lock_broken", check=True).stdout


def test_an_owner_that_cannot_be_read_means_held(place: Place) -> None:
    holder = place.shell_holder()
    (place.lock / "owner").write_text("\x1b[31m nonsense\n")
    holder.kill()
    holder.wait()
    assert place.cli("state", "save", "demo", "1", "--lock-timeout", "0.3").returncode == 7
    assert "\x1b" not in place.cli("lock", "list", check=True).stdout


def test_a_broken_run_gives_up_and_its_writes_are_refused(place: Place) -> None:
    script = "echo held; read line; milestone state save demo '\"late\"' --lock-timeout 1; echo $?"
    holder = place.run_holder(script)
    assert place.cli("lock", "break", "demo").returncode == 4
    assert place.json("lock", "break", "demo", "--force")["released"]
    other = place.start(str(MILESTONE), "lock", "run", "demo", "--", "sh", "-c", HOLD)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    out, err = holder.communicate("\n", timeout=20)
    assert (out, holder.returncode) == ("7\n", 0)
    assert "was broken" in err
    assert place.cli("state", "load", "demo").returncode == 3


def test_twenty_runs_lose_no_increment(place: Place) -> None:
    counter = place.store.parent / "counter"
    counter.write_text("0")
    script = "n=$(cat counter); sleep 0.01; echo $((n + 1)) > counter"

    def add(_: int) -> None:
        place.cli("lock", "run", "count", "--wait", "100", "--", "sh", "-c", script, check=True, timeout=120)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(add, range(20)))
    assert counter.read_text() == "20\n"


def test_no_writer_of_eight_starves(place: Place) -> None:
    done = [0] * 8
    until = time.monotonic() + 6

    def save(number: int) -> None:
        while time.monotonic() < until:
            place.cli("state", "set", "demo", f"k{number}={done[number]}", check=True)
            done[number] += 1

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(done) >= sum(done) / 8 / 4, done


def test_the_lock_says_that_it_is_from_now(place: Place) -> None:
    code = (
        "import sys; from milestone_cli.core import supervise; supervise.RENEWAL = 0.1; supervise.TICK = 0.05;"
        "from milestone_cli.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", code, "lock", "run", "demo", "--", "sh", "-c", HOLD]
    holder = place.start(*words)
    assert holder.stdout is not None
    holder.stdout.readline()
    (place.lock / "acquired.tmp").write_text("")  # as one that found the disk full leaves it
    (place.lock / "acquired").write_text("2001-01-01T00:00:00Z\n")
    deadline = time.monotonic() + 10
    while (place.lock / "acquired").read_text().startswith("2001"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_empty_list_and_what_is_not_there(place: Place) -> None:
    assert place.json("lock", "list")["locks"] == []
    assert place.cli("lock", "show", "demo").returncode == 3
    assert place.cli("lock", "break", "demo").returncode == 3
    assert place.cli("lock", "release", "demo", "--force").returncode == 3
    assert place.cli("lock", "acquire", "demo", "--for-pid", "4194303").returncode == 3
    place.cli("lock", "acquire", "demo", check=True)
    assert place.json("lock", "list")["locks"][0]["name"] == "demo"
    assert place.json("lock", "release", "demo")["forced"] is False


def test_a_shell_that_becomes_its_last_command_may_release(place: Place) -> None:
    script = "milestone lock acquire demo > /dev/null && milestone lock release demo"
    holder = place.start("bash", "-c", script)
    out, err = holder.communicate(timeout=10)
    assert holder.returncode == 0, err
    assert "released" in out
    assert not place.lock.exists()


def test_killed_while_it_takes_a_lock_for_another_process_nobody_has_it(place: Place) -> None:
    other = place.start("sleep", "60")
    taker = (
        "import os, sys\n"
        "from milestone_cli.storage import open_store\n"
        "open_store().locks().hold('demo', 5, int(sys.argv[1]))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    assert place.start(sys.executable, "-c", taker, str(other.pid)).wait(20) == -signal.SIGKILL
    place.free()


def test_a_lock_that_has_another_holder_by_now_is_not_taken_from_it(place: Place) -> None:
    """The new folder often has the number of the one that was looked at: the file system gives it again at once."""
    folder = os.open(place.lock.parent, os.O_RDONLY)
    try:
        for _ in range(20):
            place.lock.mkdir(mode=0o700)
            judged = place.lock.stat()
            place.lock.rmdir()
            time.sleep(0.005)  # finer than the times of some disks
            place.lock.mkdir(mode=0o700)
            assert not contention.remove(folder, "demo", judged)
            assert place.lock.exists(), "the next holder's lock stays"
            place.lock.rmdir()
    finally:
        os.close(folder)


def test_asked_for_again_under_its_key_a_lock_is_the_same(place: Place) -> None:
    script = """
    take() { milestone lock acquire demo --wait 1 --idempotency-key "$1" --format json; }
    take k; take k
    take other > /dev/null 2>&1; echo $?
    milestone state set demo inside=1 > /dev/null && milestone lock release demo > /dev/null
    take k
    """
    done = place.start("bash", "-c", script).communicate(timeout=30)[0].splitlines()
    first, second, again = (json.loads(done[at]) for at in (0, 1, 3))
    assert {**first, "replayed": True} == second
    assert (first["replayed"], done[2]) == (False, "7")
    # Given back, it is taken anew: nobody else may rely on a lock that is no longer held.
    assert (again["fence"], again["replayed"]) == (first["fence"] + 1, False)
    holder = place.start("sleep", "60")
    words = ("lock", "acquire", "demo", "--idempotency-key", "k")
    taken = place.json(*words, "--for-pid", str(holder.pid))
    assert place.json(*words, "--for-pid", str(holder.pid)) == {**taken, "replayed": True}
    other = place.start("sleep", "60")
    done_by_other = place.cli(*words, "--for-pid", str(other.pid), "--wait", "0.2")
    assert done_by_other.returncode == 7, done_by_other.stdout


def test_a_release_by_force_is_not_done_to_the_next_holder(place: Place) -> None:
    words = ("lock", "release", "demo", "--force", "--idempotency-key", "k")
    place.shell_holder()
    assert not place.json(*words)["replayed"]
    place.shell_holder()
    assert place.json(*words)["replayed"]
    assert place.json("lock", "show", "demo")["state"] == "live"
    for name in ("release", "break"):
        assert (
            place.cli("lock", name, "demo", "--force", "--idempotency-key", "k").returncode == (0, 4)[name == "break"]
        )
