"""Any change can be looked at and undone: `state undo`, `redo`, `history`, and a state as of a moment."""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from bash_utilities import STAND_IN, STAND_IN_NAMES, BashUtilities
from conftest import Cli
from hypothesis import given, settings
from hypothesis import strategies as st

from milestone_cli.core import state
from milestone_cli.core.log.verify import verify
from milestone_cli.core.states import lifecycle, undo
from milestone_cli.core.states.revisions import history
from milestone_cli.errors import MilestoneError
from milestone_cli.render.schemas import schema
from milestone_cli.storage.files import FileStore


def fields(done: subprocess.CompletedProcess[Any], kind: str) -> dict[str, Any]:
    """The JSON object that a command printed, of the kind that it should be."""
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema(kind))
    assert isinstance(found, dict)
    return found


def load(cli: Cli, *words: str) -> str:
    return str(cli("state", "load", "demo", *words, check=True).stdout)


def test_an_undo_restores_the_exact_text_and_says_so_in_the_log(cli: Cli, store: Path) -> None:
    first = '{"a" : 1.10,\n "big": 1180591620717411303424 , "é":"\\u00e9"}\n'
    cli("state", "save", "demo", first, check=True)
    cli("state", "set", "demo", "a=2", check=True)
    found = fields(cli("state", "undo", "--format", "json"), "state-undo")
    assert (found["revision"], found["undo"], found["restores"]) == (3, 2, 1)
    assert load(cli) == first
    found = fields(cli("state", "redo", "--format", "json"), "state-redo")
    assert (found["revision"], found["redo"], found["restores"]) == (4, 2, 2)
    assert load(cli) == first.replace("1.10", "2")
    log = (store / "state" / "events" / "milestone-demo.jsonl").read_text()
    assert '"undo":2,"restores":1' in log
    assert '"redo":2,"restores":2' in log


def test_undo_steps_back_redo_forward_and_a_change_drops_what_could_be_redone(cli: Cli, store: Path) -> None:
    for n in (1, 2, 3):
        cli("state", "save", "demo", f"[{n}]", check=True)
    seen = []
    for verb in ("undo", "undo", "undo", "redo", "redo", "redo", "undo"):
        done = cli("state", verb)
        seen.append((done.returncode, load(cli)))
    assert seen == [(0, "[2]"), (0, "[1]"), (3, "[1]"), (0, "[2]"), (0, "[3]"), (3, "[3]"), (0, "[2]")]
    cli("state", "save", "demo", "[9]", check=True)
    done = cli("state", "redo")
    assert done.returncode == 3
    assert "nothing to redo" in done.stderr
    seen = []
    for _ in range(3):
        done = cli("state", "undo")
        seen.append((done.returncode, load(cli)))
    assert seen == [(0, "[2]"), (0, "[1]"), (3, "[1]")]
    assert "nothing to undo" in done.stderr


class Editor:
    """What an editor would do: a line of texts and a place in it."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.at = -1

    def save(self, text: bytes) -> None:
        self.texts = [*self.texts[: self.at + 1], text]
        self.at += 1

    def step(self, by: int) -> bool:
        if 0 <= self.at + by < len(self.texts):
            self.at += by
            return True
        return False


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from("ssuuurr"), min_size=3, max_size=18))
def test_undo_and_redo_are_those_of_an_editor(tmp_path_factory: pytest.TempPathFactory, moves: list[str]) -> None:
    folder = tmp_path_factory.mktemp("editor") / ".milestones"
    folder.mkdir()
    store = FileStore(str(folder))
    store.initialise("demo")
    editor = Editor()
    for number, move in enumerate(moves):
        if move == "s" or not editor.texts:
            text = b"[%d]" % number
            state.save(store, "demo", text)
            editor.save(text)
            continue
        could = editor.step(-1 if move == "u" else 1)
        verb = "undo" if move == "u" else "redo"
        if could:
            undo.step(store, "demo", verb)
        else:
            with pytest.raises(MilestoneError, match="there is nothing to"):
                undo.step(store, "demo", verb)
        assert store.read("demo").text == editor.texts[editor.at]
    assert verify(store, "demo").ok
    store.close()


def test_nothing_to_undo_is_an_error_that_says_so(cli: Cli, store: Path) -> None:
    for words in (("undo",), ("redo",), ("undo", "nobody")):
        done = cli("state", *words)
        assert (done.returncode, done.stdout) == (3, "")
        assert "nothing" in done.stderr


def test_a_change_of_bash_is_undone_like_any_other(cli: Cli, store: Path, tmp_path: Path) -> None:
    cli("state", "save", "demo", '{"n":1.10}', check=True)
    BashUtilities(STAND_IN, STAND_IN_NAMES, tmp_path).run("{save} demo '{\"n\": 2}'")
    assert json.loads(load(cli)) == {"n": 2}
    cli("state", "undo", check=True)
    assert load(cli) == '{"n":1.10}'
    cli("state", "redo", check=True)
    assert json.loads(load(cli)) == {"n": 2}
    assert "(outside)" in cli("state", "history", check=True).stdout


def test_a_restored_checkpoint_and_a_recovery_are_undone(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "[1]", check=True)
    cli("checkpoint", "create", "demo", "--name", "one", check=True)
    cli("state", "save", "demo", "[2]", check=True)
    cli("checkpoint", "restore", "demo", "one", "--yes", check=True)
    assert load(cli) == "[1]"
    cli("state", "undo", "demo", check=True)
    assert load(cli) == "[2]"
    cli("state", "recover", "demo", "--from", "one", "--yes", check=True)
    assert load(cli) == "[1]"
    cli("state", "undo", "demo", check=True)
    assert load(cli) == "[2]"
    shown = cli("state", "history", check=True).stdout
    assert "(restored)" in shown
    assert "(recovered)" in shown


def test_a_deleted_state_comes_back_and_undo_goes_on_from_there(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "[1]", check=True)
    cli("state", "save", "demo", "[2]", check=True)
    cli("state", "delete", "--yes", check=True)
    found = fields(cli("state", "undo", "--format", "json"), "state-undo")
    assert found["deleted"] is True
    assert load(cli) == "[2]"
    cli("state", "undo", check=True)
    assert load(cli) == "[1]"
    cli("events", "verify", check=True)


def test_undo_keeps_to_revision_and_key(cli: Cli, store: Path) -> None:
    for n in (1, 2, 3):
        cli("state", "save", "demo", f"[{n}]", check=True)
    assert cli("state", "undo", "--if-revision", "2").returncode == 4
    words = ("state", "undo", "--idempotency-key", "k", "--format", "json")
    first, again = (fields(cli(*words), "state-undo") for _ in range(2))
    assert (first["revision"], again["revision"], again["replayed"], again["undo"]) == (4, 4, True, 3)
    assert load(cli) == "[2]"
    assert cli("state", "redo", "--if-revision", "4", "--idempotency-key", "r", check=True)
    assert load(cli) == "[3]"


def test_undos_at_once_take_one_step_each(cli: Cli, store: Path) -> None:
    for n in range(8):
        cli("state", "save", "demo", f"[{n}]", check=True)
    with ThreadPoolExecutor(5) as pool:
        codes = list(pool.map(lambda _: cli("state", "undo").returncode, range(5)))
    assert codes == [0] * 5
    assert load(cli) == "[2]"


def test_a_forged_event_does_not_lead_an_undo_astray(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "[1]", check=True)
    cli("state", "save", "demo", "[2]", check=True)
    log = (store / "state" / "events" / "milestone-demo.jsonl").read_text().splitlines()
    data = json.loads(log[-1])["data"] | {"undo": 9, "restores": 9}
    cli("events", "log", "demo", "state_saved", json.dumps(data), check=True)
    cli("state", "undo", check=True)
    assert load(cli) == "[1]"


def test_a_history_tells_when_who_and_what(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", '{"a":1}', env={"MILESTONE_AGENT": "ada", "MILESTONE_SESSION": "s1"}, check=True)
    cli("state", "set", "demo", "a=2", "b=3", check=True)
    found = fields(cli("state", "history", "--format", "json"), "state-history")["revisions"]
    assert [one["revision"] for one in found] == [2, 1]
    assert found[0]["changes"] == [{"op": "replace", "path": "/a"}, {"op": "add", "path": "/b"}]
    assert (found[1]["agent_id"], found[1]["session_id"], found[1]["bytes"]) == ("ada", "s1", 7)
    lines = cli("state", "history", "--limit", "1", check=True).stdout.splitlines()
    assert len(lines) == 2
    assert lines[1].endswith("~/a +/b")
    assert cli("state", "history", "nobody").returncode == 3


def test_a_short_history_of_a_long_log_reads_its_end_only(cli: Cli, store: Path, monkeypatch: Any) -> None:
    opened = FileStore(str(store))
    for n in range(60):
        state.save(opened, "demo", b'{"n":%d,"pad":"%s"}' % (n, b"x" * 100_000) if n < 50 else b'{"n":%d}' % n)
    read = 0
    scan = opened.scan

    def counted(*words: Any, **named: Any) -> Any:
        nonlocal read
        for at, block in scan(*words, **named):
            read += len(block)
            yield at, block

    monkeypatch.setattr(opened, "scan", counted)
    assert [entry.event["revision"] for entry in history(opened, "demo", 5)] == [60, 59, 58, 57, 56]
    assert read <= 2 << 20
    opened.close()


def test_a_state_is_read_as_of_a_moment(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "[1]", check=True)
    stamps = [fields(cli("state", "save", "demo", "[2]", "--format", "json"), "state-save")["timestamp"]]
    time.sleep(0.01)
    stamps.append(fields(cli("state", "save", "demo", "[3]", "--format", "json"), "state-save")["timestamp"])
    assert [load(cli, "--at", stamp) for stamp in stamps] == ["[2]", "[3]"]
    assert load(cli, "--at", "now") == "[3]"
    done = cli("state", "load", "--at", "2001-01-01")
    assert (done.returncode, done.stdout) == (3, "")
    assert cli("state", "load", "--at", "10/11/2026").returncode == 5
    assert cli("state", "load", "--at", "now", "--revision", "1").returncode == 2
    cli("state", "delete", "--yes", check=True)
    assert cli("state", "load", "--at", "now").returncode == 3
    assert load(cli, "--at", stamps[1]) == "[3]"


def test_a_revision_that_the_log_has_lost_is_named(cli: Cli, store: Path) -> None:
    for n in (1, 2):
        cli("state", "save", "demo", f"[{n}]", check=True)
    log = store / "state" / "events" / "milestone-demo.jsonl"
    log.write_bytes(b"".join(line for line in log.read_bytes().splitlines(True) if b'"revision":1,"base"' not in line))
    done = cli("state", "undo")
    assert done.returncode == 3
    assert "revision 1" in done.stderr
    assert load(cli) == "[2]"


def test_completing_does_not_stand_between_a_change_and_its_undo(store: Path) -> None:
    opened = FileStore(str(store))
    for n in (1, 2):
        state.save(opened, "demo", b"[%d]" % n)
    undo.step(opened, "demo", "undo")
    lifecycle.move(opened, "demo", "complete")
    with pytest.raises(MilestoneError) as caught:
        undo.step(opened, "demo", "undo")
    assert caught.value.code == "completed"
    lifecycle.move(opened, "demo", "reopen")
    undo.step(opened, "demo", "redo")
    assert opened.read("demo").text == b"[2]"
    opened.close()
