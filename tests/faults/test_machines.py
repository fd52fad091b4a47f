"""Both stores against a model of plain dictionaries, in any order of steps that Hypothesis finds.

The model knows nothing of logs, locks or files: the text of each revision, what an undo takes back, checkpoints,
sessions and keys. After every step the store says the same, and its log proves itself.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from memory_store import MemoryStore

from milestone_cli.core import events, state
from milestone_cli.core.checkpoints import checkpoint, checkpointing, restore
from milestone_cli.core.log.verify import verify
from milestone_cli.core.sessions import creating, ending, session
from milestone_cli.core.states import lifecycle, undo
from milestone_cli.core.transactions import applying
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import FileStore

NAME = "demo"
TEXTS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9) | st.text('xyé\n"', max_size=20), max_size=3).map(
    lambda value: json.dumps(value, ensure_ascii=False).encode()
)
steps = {"count": 0}


class Machine(RuleBasedStateMachine):
    """A store and what it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make()
        self.texts: list[bytes] = []
        self.back: list[bytes | None] = []
        self.forth: list[bytes | None] = []
        self.present: bytes | None = None
        self.completed = False
        self.checkpoints: dict[str, bytes] = {}
        self.sessions: dict[str, str] = {}
        self.keys: dict[str, tuple[bytes, int]] = {}
        self.logged: list[int] = []

    def make(self) -> "FileStore | MemoryStore":
        """An empty store."""
        raise NotImplementedError

    def refused(self, code: str, function: object, *args: object, **options: object) -> None:
        """A step that the store must refuse, and then nothing has changed."""
        with pytest.raises(MilestoneError) as caught:
            function(self.store, *args, **options)  # type: ignore[operator]
        assert caught.value.code == code

    def changed(self, text: bytes | None) -> None:
        if self.texts:
            self.back.append(self.present)
        self.forth.clear()
        self.present = text
        if text is not None:
            self.texts.append(text)

    @initialize(text=TEXTS)
    def begin(self, text: bytes) -> None:
        assert state.save(self.store, NAME, text, expect=0).revision == 1
        self.changed(text)

    def teardown(self) -> None:
        assert not [one for one in verify(self.store, NAME).findings if one.severity == "damage"]

    @property
    def is_open(self) -> bool:
        return self.present is not None and not self.completed

    @rule(text=TEXTS, right=st.booleans())
    def save(self, text: bytes, right: bool) -> None:
        if self.completed:
            self.refused("completed", state.save, NAME, text)
        elif self.present is not None and not right:
            self.refused("revision_conflict", state.save, NAME, text, expect=len(self.texts) + 1)
        elif self.present is not None:
            assert state.save(self.store, NAME, text, expect=len(self.texts)).revision == len(self.texts) + 1
            self.changed(text)

    @precondition(lambda self: self.is_open)
    @rule(name=st.sampled_from("abcd"), value=st.integers(0, 99))
    def assign(self, name: str, value: int) -> None:
        state.assign(self.store, NAME, [(name, str(value))])
        after = self.store.read(NAME).text
        assert json.loads(after) == {**json.loads(self.present or b""), name: value}
        self.changed(after)

    @precondition(lambda self: self.is_open)
    @rule(key=st.sampled_from("kl"), text=TEXTS)
    def save_once(self, key: str, text: bytes) -> None:
        if key not in self.keys:
            self.keys[key] = (text, state.save(self.store, NAME, text, key=key).revision)
            self.changed(text)
        elif self.keys[key][0] == text:
            again = state.save(self.store, NAME, text, key=key)
            assert (again.replayed, again.revision) == (True, self.keys[key][1])
        else:
            self.refused("idempotency_conflict", state.save, NAME, text, key=key)

    @precondition(lambda self: not self.completed)
    @rule()
    def undo(self) -> None:
        if not self.back:
            self.refused("nothing_to_undo", undo.step, NAME, "undo")
            return
        undo.step(self.store, NAME, "undo")
        self.forth.append(self.present)
        self.present = self.back.pop()
        self.texts.append(self.present or b"")

    @precondition(lambda self: self.is_open)
    @rule()
    def redo(self) -> None:
        if not self.forth:
            self.refused("nothing_to_redo", undo.step, NAME, "redo")
        elif self.forth[-1] is not None:
            undo.step(self.store, NAME, "redo")
            self.back.append(self.present)
            self.present = self.forth.pop()
            self.texts.append(self.present or b"")

    @precondition(lambda self: self.present is not None)
    @rule(name=st.sampled_from(["one", "two"]))
    def create_checkpoint(self, name: str) -> None:
        if name in self.checkpoints:
            self.refused("conflict", checkpointing.create, NAME, name)
        else:
            checkpointing.create(self.store, NAME, name)
            self.checkpoints[name] = self.present or b""

    @precondition(lambda self: self.is_open)
    @rule(name=st.sampled_from(["one", "two"]))
    def restore_checkpoint(self, name: str) -> None:
        if name not in self.checkpoints:
            self.refused("not_found", restore.plan_restore, NAME, name)
            return
        _, before = restore.restore(self.store, restore.plan_restore(self.store, NAME, name), force=True)
        if before:
            self.checkpoints[before.name] = self.present or b""
        self.changed(self.checkpoints[name])

    @rule(name=st.sampled_from(["one", "two"]))
    def delete_checkpoint(self, name: str) -> None:
        if name not in self.checkpoints:
            self.refused("not_found", checkpointing.delete, NAME, name)
        else:
            checkpointing.delete(self.store, NAME, name)
            del self.checkpoints[name]

    @precondition(lambda self: self.present is not None)
    @rule()
    def move(self) -> None:
        lifecycle.move(self.store, NAME, "reopen" if self.completed else "complete")
        self.completed = not self.completed

    @precondition(lambda self: self.is_open)
    @rule()
    def delete(self) -> None:
        lifecycle.delete(self.store, NAME)
        self.back.append(self.present)
        self.forth.clear()
        self.present = None

    @rule()
    def create_session(self) -> None:
        made = creating.create(self.store, NAME)
        self.sessions[made.id] = "active"

    @precondition(lambda self: "active" in self.sessions.values())
    @rule()
    def end_session(self) -> None:
        name = next(name for name, status in self.sessions.items() if status == "active")
        ending.end(self.store, name)
        self.sessions[name] = "completed"

    @rule(count=st.integers(1, 3))
    def log(self, count: int) -> None:
        drafts = [("ping", b'{"n": %d}' % (len(self.logged) + index)) for index in range(count)]
        events.log(self.store, NAME, drafts)
        self.logged += range(len(self.logged), len(self.logged) + count)

    @precondition(lambda self: self.is_open)
    @rule(value=st.integers(0, 99), right=st.booleans())
    def transact(self, value: int, right: bool) -> None:
        lines = [
            {"op": "require", "milestone": NAME, "if_revision": len(self.texts) + (not right)},
            {"op": "set", "milestone": NAME, "path": "t", "value": value},
            {"op": "log", "milestone": NAME, "event_type": "ping", "data": {"n": len(self.logged)}},
        ]
        raw = "".join(json.dumps(line) + "\n" for line in lines).encode()
        if not right:
            self.refused("revision_conflict", applying.apply, applying.Batch(self.store, raw))
            return
        applying.apply(self.store, applying.Batch(self.store, raw))
        after = self.store.read(NAME).text
        assert json.loads(after) == {**json.loads(self.present or b""), "t": value}
        self.changed(after)
        self.logged.append(len(self.logged))

    @invariant()
    def is_as_the_model_says(self) -> None:
        steps["count"] += 1
        if self.present is None:
            if self.texts:
                self.refused("not_found", type(self.store).read, NAME)
            return
        found = self.store.read(NAME)
        assert (found.text, found.revision) == (self.present, len(self.texts))
        assert {one.name: one.proved() for one in checkpoint.checkpoints(self.store, NAME)} == self.checkpoints
        assert {one.id: one.status for one in session.sessions(self.store)} == self.sessions

    @precondition(lambda self: self.texts)
    @rule(which=st.integers(0, 1000))
    def read_any_revision(self, which: int) -> None:
        number = which % len(self.texts)
        assert self.store.read(NAME, number + 1).text == self.texts[number]

    @rule()
    def read_the_log(self) -> None:
        lines = b"".join(block for _, block in self.store.scan(NAME)).splitlines()
        found = [json.loads(line) for line in lines]
        assert [one["sequence_number"] for one in found] == list(range(1, len(found) + 1))
        assert [one["data"]["n"] for one in found if one["event_type"] == "ping"] == self.logged
        assert not [one for one in verify(self.store, NAME).findings if one.severity == "damage"]


class Files(Machine):
    """The store of files."""

    def make(self) -> FileStore:
        self.home = Path(
            tempfile.mkdtemp(prefix="milestone-machine-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        )
        (self.home / ".milestones").mkdir()
        made = FileStore(str(self.home / ".milestones"))
        made.initialise(None)
        return made

    def teardown(self) -> None:
        super().teardown()
        assert isinstance(self.store, FileStore)
        assert not [path for path in self.home.rglob("*") if path.name.endswith((".tmp", ".lock"))]
        self.store.close()
        shutil.rmtree(self.home)


class Memory(Machine):
    """The store in memory."""

    def make(self) -> MemoryStore:
        return MemoryStore()


def explore(machine: type[Machine], examples: int, length: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    chosen = settings(max_examples=examples, stateful_step_count=length, deadline=None, database=None,
                      suppress_health_check=checks, derandomize=examples < 100)  # fmt: skip
    steps["count"] = 0
    run_state_machine_as_test(machine, settings=chosen)
    print(f"\ntried {steps['count']}")


@pytest.mark.parametrize("machine", [Files, Memory])
def test_some_steps(machine: type[Machine]) -> None:
    explore(machine, 12, 25)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("machine", [Files, Memory])
def test_many_steps(machine: type[Machine]) -> None:
    explore(machine, 400, 60)
