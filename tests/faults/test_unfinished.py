"""What a dead process left of a transaction, who finishes it, and what is said when that fails or comes too late."""

import json
import os
import signal
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from conftest import MILESTONE, Cli, clean_environment
from injection import Outcome, Point, record, require_strace, run_with

from milestone_cli import runtime
from milestone_cli.model import Change, Draft
from milestone_cli.storage.files import FileStore
from milestone_cli.storage.files.transaction import take_gate

OLD = '{"n": 1, "price": 1.10}'
BOTH = "".join(json.dumps(one) + "\n" for one in (
    {"op": "set", "milestone": "demo", "path": "n", "value": 2},
    {"op": "save", "milestone": "other", "state": {"n": 2}},
    {"op": "checkpoint_create", "milestone": "demo", "name": "both"},
))  # fmt: skip
APPLY = ("transaction", "apply", BOTH)
SAVE = ("state", "save", "demo", '{"n": 2}')


@pytest.fixture(autouse=True)
def _strace() -> None:
    require_strace()


class Trial:
    """A store with a state, and a command that is spoiled at a call which is found in a run without a fault."""

    def __init__(self, cli: Cli, place: Path, home: Path) -> None:
        self.cli = cli
        self.place = place
        self.store = place / ".milestones"
        self.env = clean_environment(home, PYTHONHASHSEED="0")
        cli("init", "demo", check=True)
        cli("state", "save", "demo", OLD, check=True)

    def spoil(self, fault: str, call: str, where: str, *words: str) -> Outcome:
        """Run a command with a fault at its first call of a name, or one that begins so, that has `where` in it."""
        model = self.place / "model"
        model.mkdir(exist_ok=True)
        subprocess.run(["cp", "-a", str(self.store), str(model)], check=True)
        points = record([str(MILESTONE), *words], model, self.env, self.place / "trace")
        point = next(one for one in points if one.name.startswith(call) and where in one.text)
        outcome = self.at(fault, point, *words)
        subprocess.run(["rm", "-r", str(model)], check=True)
        return outcome

    def at(self, fault: str, point: Point, *words: str) -> Outcome:
        outcome = run_with(fault, point, [str(MILESTONE), *words], self.place, self.env, self.place / "trace")
        assert outcome.struck or fault == "signal=INT", point
        return outcome

    def pending(self) -> list[str]:
        return sorted(path.name for path in (self.store / "transactions/pending").iterdir())

    def events(self, name: str) -> list[dict[str, Any]]:
        log = self.store / f"state/events/milestone-{name}.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def types(self, name: str) -> list[str]:
        return [one["event_type"] for one in self.events(name)]

    def load(self, name: str) -> str:
        return str(self.cli("state", "load", name, check=True).stdout)


@pytest.fixture
def trial(cli: Cli, tmp_path: Path, home: Path) -> Trial:
    return Trial(cli, tmp_path, home)


FINISHERS = {
    "a save of the same": ("state", "set", "demo", "m=1"),
    "a save of another": ("state", "save", "third", "{}"),
    "a transaction": ("transaction", "apply", '{"op": "log", "milestone": "third", "event_type": "x"}'),
    "a session": ("session", "create", "demo"),
}


@pytest.mark.parametrize("who", FINISHERS)
def test_what_was_committed_is_finished_by_whoever_comes_next(who: str, trial: Trial) -> None:
    trial.spoil("signal=KILL", "fsync", "pending>)", *APPLY)
    assert len(trial.pending()) == 1
    assert trial.load("demo") == OLD
    assert trial.cli("transaction", "list", "--status", "pending", check=True).stdout.count("pending") == 1
    told = trial.cli(*FINISHERS[who], check=True).stderr
    assert trial.pending() == []
    assert json.loads(trial.load("demo"))["n"] == 2
    assert trial.load("other") == '{"n": 2}'
    trial.cli("checkpoint", "show", "demo", "both", check=True)
    for name in ("demo", "other"):
        [said] = [one for one in trial.events(name) if one["event_type"] == "transaction_recovered"]
        assert said["data"]["transaction_id"] in told or "session" in who
    [shown] = json.loads(trial.cli("transaction", "list", "--status", "committed", "--format", "json").stdout)[
        "transactions"
    ][:1]
    assert (shown["operation"], shown["transaction_id"]) == ("apply", said["data"]["transaction_id"])
    trial.cli("events", "verify", "--all", check=True)
    if who == "a save of another":
        trial.cli("transaction", "rollback", shown["transaction_id"], check=True)
        assert trial.load("demo") == OLD


def test_what_was_not_committed_is_rolled_back_and_said(trial: Trial) -> None:
    trial.spoil("signal=KILL", "rename", "pending>", *APPLY)
    [left] = trial.pending()
    assert left.endswith(".tmp")
    trial.cli("state", "set", "demo", "m=1", check=True)
    assert trial.pending() == []
    assert trial.load("demo") == '{"n": 1, "price": 1.10, "m": 1}'
    [record_] = (trial.store / "transactions/rollbacks").iterdir()
    kept = json.loads(record_.read_text())
    assert (kept["transaction"]["status"], kept["transaction"]["reason"]) == (
        "rolled_back", "its process ended before it was committed",
    )  # fmt: skip
    assert "puts" not in kept
    for name in ("demo", "other"):
        [said] = [one for one in trial.events(name) if one["event_type"] == "transaction_rolled_back"]
        assert said["data"]["transaction_id"] == record_.stem
    trial.cli("events", "verify", "--all", check=True)


def test_an_intent_that_was_torn_is_rolled_back(trial: Trial) -> None:
    (trial.store / "transactions/pending/.txn-01a1febae6510067d0b2.tmp").write_text('{"transaction": {"id": "txn-01a')
    trial.cli("state", "set", "demo", "m=1", check=True)
    assert trial.pending() == []
    assert (trial.store / "transactions/rollbacks/txn-01a1febae6510067d0b2.yaml").exists()


def test_a_finisher_that_is_killed_is_followed_by_another(trial: Trial) -> None:
    trial.spoil("signal=KILL", "fsync", "pending>)", *APPLY)
    trial.spoil("signal=KILL", "fdatasync", "milestone-other", "state", "set", "demo", "m=1")
    trial.spoil("signal=KILL", "unlink", "pending", "state", "set", "demo", "m=1")
    trial.cli("state", "set", "demo", "m=1", check=True)
    assert (trial.pending(), json.loads(trial.load("demo"))) == ([], {"n": 2, "price": 1.10, "m": 1})
    for name in ("demo", "other"):
        ids = {one["event_id"] for one in trial.events(name)}
        assert len(ids) == len(trial.events(name))
        assert trial.types(name).count("transaction_recovered") == 1
        assert trial.types(name).count("transaction_committed") == 1
    trial.cli("events", "verify", "--all", check=True)


def test_what_waits_for_a_lock_holds_up_no_state_that_it_does_not_touch(trial: Trial) -> None:
    trial.spoil("signal=KILL", "fsync", "pending>)", *APPLY)
    with subprocess.Popen(
        [str(MILESTONE), "lock", "run", "demo", "--", "sh", "-c", "echo held; exec sleep 60"], cwd=trial.place,
        env=trial.env, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        trial.cli("state", "save", "third", "{}", "--lock-timeout", "5", check=True)
        assert len(trial.pending()) == 1
        assert trial.cli("state", "set", "other", "m=1", "--lock-timeout", "0.3").returncode == 7
        os.killpg(holder.pid, signal.SIGKILL)
    trial.cli("state", "set", "third", "m=1", check=True)
    assert (trial.pending(), trial.load("other")) == ([], '{"n": 2}')


def test_an_init_that_was_killed_before_it_wrote_is_completed(cli: Cli, tmp_path: Path) -> None:
    store = tmp_path / ".milestones"
    store.mkdir(mode=0o700)
    for name in (".gitignore", "format"):
        (store / name).touch(mode=0o600)
    cli("init", "demo", check=True)
    assert (store / "format").read_text() == "1\n"
    assert "state/.locks/\n" in (store / ".gitignore").read_text()


def test_what_bash_wrote_in_between_is_set_aside_not_lost(trial: Trial) -> None:
    trial.spoil("signal=KILL", "fsync", "pending>)", *APPLY)
    bash = json.dumps({"timestamp": "x", "milestone_id": "demo", "version": "1.0", "state": {"by": "bash"}})
    (trial.store / "state/active/demo.json").write_text(bash)
    trial.cli("state", "set", "demo", "m=1", check=True)
    assert json.loads(trial.load("demo")) == {"n": 2, "price": 1.10, "m": 1}
    assert [path.read_text() for path in (trial.store / "quarantine").iterdir()] == [bash]
    trial.cli("events", "verify", "--all", check=True)


def test_what_was_written_after_it_was_done_stays(trial: Trial) -> None:
    trial.spoil("signal=KILL", "unlink", "pending", *APPLY)
    [left] = trial.pending()
    bash = json.dumps({"timestamp": "x", "milestone_id": "demo", "version": "1.0", "state": {"by": "bash"}})
    (trial.store / "state/active/demo.json").write_text(bash)
    trial.cli("state", "set", "demo", "m=1", check=True)
    assert json.loads(trial.load("demo")) == {"by": "bash", "m": 1}
    assert (trial.pending(), (trial.store / "transactions/committed" / left).exists()) == ([], True)


HOSTILE: dict[str, dict[str, object]] = {
    "no object": {},
    "outside": {"puts": [["session", "../../../victim", b64encode(b"x").decode()]]},
    "hidden": {"puts": [["session", ".hidden", b64encode(b"x").decode()]]},
    "no kind": {"puts": [["nothing", "x", b64encode(b"x").decode()]]},
    "a lock outside": {"locks": ["../../x"]},
    "a log outside": {"events": [{"stream": "../x", "event_type": "x", "data": "{}", "session_id": "s",
                                  "agent_id": "a", "event_id": "e"}]},
    "another's id": {"transaction": {"id": "txn-other", "operation": "x"}},
    "no base64": {"puts": [["session", "x", 7]]},
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_an_intent_that_is_damaged_or_hostile_goes_to_quarantine_and_stops_nobody(what: str, trial: Trial) -> None:
    name = "txn-01a1febae6510067d0b2"
    sound: dict[str, object] = {
        "transaction": {"id": name, "operation": "apply"},
        "locks": [],
        "once": None,
        "puts": [],
        "events": [],
    }
    text = json.dumps({**sound, **HOSTILE[what]}) if HOSTILE[what] else '{"transaction"'
    (trial.store / f"transactions/pending/{name}.yaml").write_text(text)
    before = {path for path in trial.place.rglob("*") if ".milestones" not in path.parts}
    trial.cli("state", "set", "demo", "m=1", check=True)
    assert trial.pending() == []
    assert [path.read_text() for path in (trial.store / "quarantine").iterdir()] == [text]
    shown = json.loads(trial.cli("transaction", "show", name, "--format", "json", check=True).stdout)
    assert shown["status"] == "rolled_back"
    assert "damaged" in shown["reason"]
    assert {path for path in trial.place.rglob("*") if ".milestones" not in path.parts} == before
    assert not [path for path in trial.store.rglob("*") if "hidden" in path.name or "victim" in path.name]


# after the commit point


AFTER = [
    (APPLY, "fsync", "pending>)", "(apply) is on disk"),
    (APPLY, "rename", "active>", "(apply) is on disk"),
    (APPLY, "fdatasync", "milestone-demo", "(apply) is on disk"),
    (APPLY, "write", "milestone-other", "(apply) is on disk"),
    (SAVE, "fsync", "active>)", "revision 2 of 'demo' is on disk"),
    (SAVE, "fdatasync", "milestone-demo", "revision 2 of 'demo' is on disk"),
    (("events", "log", "fresh", "note"), "fsync", "events>)", "the event is in the log of 'fresh'"),
]


@pytest.mark.parametrize(
    ("words", "call", "where", "told"), AFTER, ids=lambda one: one if isinstance(one, str) else one[0]
)
def test_a_failure_after_the_commit_point_says_so_and_a_key_makes_a_retry_safe(
    words: tuple[str, ...], call: str, where: str, told: str, trial: Trial
) -> None:
    keyed = (*words, "--idempotency-key", "k")
    outcome = trial.spoil("error=EIO", call, where, *keyed, "--format", "json")
    error = json.loads(outcome.stderr)
    assert (outcome.code, error["code"], error["retryable"]) == (8, "unlogged", False), outcome.stderr
    assert told in error["message"]
    again = json.loads(trial.cli(*keyed, "--format", "json", check=True).stdout)
    assert again["replayed"] is True
    if words == APPLY:
        assert error["details"]["transaction_id"] == again["transaction_id"]
        assert trial.types("other").count("transaction_committed") == 1
        assert json.loads(trial.cli("status", "demo", "--format", "json").stdout)["revision"] == 2
    trial.cli("events", "verify", "--all", check=True)


@pytest.mark.parametrize(
    "words",
    [SAVE, APPLY, ("events", "log", "demo", "x"), ("checkpoint", "create", "demo"), ("lock", "acquire", "demo")],
)
def test_an_answer_that_cannot_be_written_says_what_is_applied(words: tuple[str, ...], trial: Trial) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(MILESTONE), *words, "--format", "json"], cwd=trial.place, env=trial.env, stdin=subprocess.DEVNULL,
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    error = json.loads(done.stderr)
    assert (done.returncode, error["retryable"]) == (8, False)
    assert "applied already: " in error["message"]
    assert len(error["details"]["applied"]) == 1


@pytest.mark.parametrize(("words", "call", "where"), [(SAVE, "fsync", "active>)"), (APPLY, "rename", "active>")])
def test_an_interrupt_after_the_commit_point_says_what_is_applied(
    words: tuple[str, ...], call: str, where: str, trial: Trial
) -> None:
    outcome = trial.spoil("signal=INT", call, where, *words)
    assert outcome.code == 130
    assert "applied already: " in outcome.stderr
    trial.cli("state", "set", "demo", "m=1", check=True)
    assert json.loads(trial.load("demo"))["n"] == 2


def test_who_cannot_give_a_lock_back_lets_others_through_the_gate(trial: Trial) -> None:
    trial.spoil("signal=KILL", "fsync", "pending>)", *APPLY)
    more = trial.store / "state/.locks/demo.lock/more"

    def edit(_: "bytes | None") -> bytes:
        more.write_text("")  # so the folder cannot be removed
        return b"{}"

    store = FileStore(str(trial.store))
    try:
        with pytest.raises(OSError, match="not empty"):
            store.commit(Change("demo", [Draft("state_saved", "{}", "no-session", "system")], edit, timeout=5))
        more.unlink()
        os.close(take_gate(store, runtime.monotonic() + 1))
    finally:
        store.close()
