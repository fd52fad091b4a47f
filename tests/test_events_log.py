"""`milestone events log`: every form, batches, numbers without gap, a chain that the test recomputes itself."""

import hashlib
import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import played_clock
import pytest
from conftest import MILESTONE, Cli, clean_environment

KEYS = [
    "timestamp", "milestone_id", "session_id", "event_type", "data", "pid", "user", "agent_id", "event_id", "revision",
    "sequence_number", "checksum",
]  # fmt: skip


def log_of(store: Path, milestone: str = "demo") -> Path:
    return store / "state" / "events" / f"milestone-{milestone}.jsonl"


def proved(store: Path, milestone: str = "demo") -> list[dict[str, Any]]:
    """The events of a log, after what the format promises was checked without the product's help."""
    raw = log_of(store, milestone).read_bytes()
    assert raw.endswith(b"\n")
    checksum, found = "0" * 64, []
    for number, line in enumerate(raw.split(b"\n")[:-1], 1):
        body, mark, tail = line.rpartition(b',"checksum":"')
        assert mark
        checksum = hashlib.sha256(checksum.encode() + body).hexdigest()
        assert tail == checksum.encode() + b'"}'
        event = json.loads(line)
        assert [key for key in event if key not in ("key", "request")] == KEYS
        assert event["sequence_number"] == number
        assert event["milestone_id"] == milestone
        assert not any(byte < 0x20 or byte == 0x7F for byte in line)
        found.append(event)
    times = [event["timestamp"] for event in found]
    assert times == sorted(times)
    assert len({event["event_id"] for event in found}) == len(found)
    return found


def test_every_form(cli: Cli, store: Path, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"n": 1.10}\n')
    forms: list[tuple[list[str], str | None, dict[str, Any]]] = [
        (["t"], None, {}),
        (["demo", "t"], None, {}),
        (["t", '{"n": 1.10}'], None, {"n": 1.1}),
        (["demo", "t", '{"n": 1.10}'], None, {"n": 1.1}),
        (["t", "@data.json"], None, {"n": 1.1}),
        (["demo", "t", f"@{tmp_path}/data.json"], None, {"n": 1.1}),
        (["t", "-"], '\n{"n":\n1.10}\n', {"n": 1.1}),
        (["demo", "t", "-"], "{}", {}),
        (["demo", "a.b:c-d_E9"], None, {}),
    ]
    for words, given, data in forms:
        done = cli("events", "log", *words, "--format", "json", input=given, check=True)
        shown, event = json.loads(done.stdout), proved(store)[-1]
        assert event["data"] == data
        assert event["event_type"] == (words[-1] if words[-1] == "a.b:c-d_E9" else "t")
        assert shown["schema"] == "milestone/event-log/v1"
        for key in ("event_id", "sequence_number", "timestamp", "milestone_id"):
            assert shown[key] == event[key]
    assert "1.10" in log_of(store).read_text()
    assert cli("events", "log", "t", check=True).stdout == "demo: event 11 logged\n"
    cli("events", "log", "t", env={"MILESTONE_ID": "other"}, check=True)
    assert len(proved(store, "other")) == 1
    assert cli("events", "log", "t").returncode == 2  # there are two now


def test_who_acts(cli: Cli, store: Path) -> None:
    sessions = store / "state" / "sessions"
    (sessions / ".by-client").mkdir()
    (sessions / ".by-client" / "client-1").write_text("s-client\n")
    (store / "state" / ".current_session").write_text("s-current\n")

    def logged(*words: str, **env: str) -> tuple[str, str]:
        cli("events", "log", "demo", "t", *words, env=env, check=True)
        event = proved(store)[-1]
        return event["session_id"], event["agent_id"]

    assert logged() == ("s-current", "system")
    assert logged(CLAUDE_CODE_SESSION_ID="client-1") == ("s-client", "system")
    assert logged(CLAUDE_CODE_SESSION_ID="unbound") == ("no-session", "system")
    assert logged(MILESTONE_SESSION="s-env", CLAUDE_CODE_SESSION_ID="client-1") == ("s-env", "system")
    assert logged("--session", "s-word", MILESTONE_SESSION="s-env") == ("s-word", "system")
    assert logged("--agent", "a-word", MILESTONE_AGENT="a-env") == ("s-current", "a-word")
    assert logged(MILESTONE_AGENT="a-env") == ("s-current", "a-env")
    (store / "state" / ".current_session").unlink()
    assert logged() == ("no-session", "system")
    cli("state", "save", "demo", "{}", env={"MILESTONE_SESSION": "s-env", "MILESTONE_AGENT": "a-env"}, check=True)
    event = proved(store)[-1]
    assert (event["event_type"], event["session_id"], event["agent_id"]) == ("state_saved", "s-env", "a-env")


def test_a_session_without_one_word_in_its_file_is_no_session(cli: Cli, store: Path) -> None:
    for text in ("", "\n", "../x\n", "a/b"):
        (store / "state" / ".current_session").write_text(text)
        cli("events", "log", "demo", "t", check=True)
        assert proved(store)[-1]["session_id"] == "no-session"


HOSTILE = {
    "line": 'x\n{"event_type":"forged"}\n',
    "escape": "\x1b[31m\x1b]0;title\x07\x9b\x7f",
    "quote": "'\"; $(touch pwned) `touch pwned` && touch pwned #",
    "chain": '","checksum":"' + "0" * 64 + '"}',
    "number": ',"sequence_number":99,',
    "direction": "\u202e\u2066",
    "null": "\x00",
    'key","pid":1,"x":"\n': {"[": [{"]": "}{"}]},
}


def test_hostile_data_is_data(cli: Cli, store: Path, tmp_path: Path) -> None:
    for number, text in enumerate(
        (json.dumps(HOSTILE), json.dumps(HOSTILE, ensure_ascii=False).replace("\x7f", "")), 1
    ):
        cli("events", "log", "demo", "t", text, check=True)
        events = [json.loads(line) for line in log_of(store).read_text().split("\n")[:-1]]
        assert len(events) == number + 1
        assert events[-1]["data"] == json.loads(text)
    cli("events", "log", "demo", "t", json.dumps(HOSTILE, indent=2).replace("\n", "\r\n"), check=True)
    assert len(proved(store)) == 4
    assert not (tmp_path / "pwned").exists()
    cli("events", "verify", check=True)
    for command in ("query", "timeline"):
        shown = cli("events", command, "demo", check=True).stdout
        assert not set(shown) & {"\x1b", "\x07", "\x00", "\x9b", "\u202e", "\u2066"}
        assert "forged" not in [json.loads(line)["event_type"] for line in jsonl(cli, command)]


def jsonl(cli: Cli, command: str) -> list[str]:
    return str(cli("events", command, "demo", "--format", "jsonl", check=True).stdout).splitlines()


def test_the_environment_of_the_writer_cannot_break_a_line(cli: Cli, store: Path) -> None:
    cli("events", "log", "demo", "t", env={"USER": 'a"b\n', "LOGNAME": "x\x1b", "HOSTNAME": '"'}, check=True)
    proved(store)


# batches

LINES = [
    '{"event_type":"a"}',
    "",
    '  {"event_type":"b","data":{"n":1.10},"agent_id":"worker-1","session_id":"s-1"}  ',
    '{"data":{"x":"\\n"},"event_type":"c"}',
]


def test_a_batch(cli: Cli, store: Path) -> None:
    done = cli("events", "log", "--batch", "--agent", "me", "--format", "json", input="\n".join(LINES), check=True)
    shown = json.loads(done.stdout)
    assert (shown["schema"], shown["count"]) == ("milestone/event-batch/v1", 3)
    assert (shown["first_sequence_number"], shown["sequence_number"]) == (2, 4)
    logged = [(event["event_type"], event["agent_id"], event["session_id"]) for event in proved(store)[1:]]
    assert logged == [("a", "me", "no-session"), ("b", "worker-1", "s-1"), ("c", "me", "no-session")]
    assert '{"n":1.10}' in log_of(store).read_text()
    text = cli("events", "log", "demo", "--batch", input='{"event_type":"d"}\r\n', check=True).stdout
    assert text == "demo: 1 event logged\n"
    assert (
        json.loads(cli("events", "log", "--batch", "--format", "json", input="\n\n", check=True).stdout)["count"] == 0
    )
    assert len(proved(store)) == 5


def test_a_batch_is_done_once_under_its_key(cli: Cli, store: Path) -> None:
    words = ["events", "log", "demo", "--batch", "--idempotency-key", "k", "--format", "json"]
    first, again = (json.loads(cli(*words, input="\n".join(LINES), check=True).stdout) for _ in range(2))
    assert (first.pop("replayed"), again.pop("replayed")) == (False, True)
    assert first == again
    assert len(proved(store)) == 4
    done = cli(*words, input=LINES[0])
    assert (done.returncode, json.loads(done.stderr)["code"]) == (4, "idempotency_conflict")


@pytest.mark.parametrize(
    "bad",
    [
        "{", "[]", '"x"', "{}", '{"event_type":1}', '{"event_type":"a b"}', '{"event_type":"a","data":[]}',
        '{"event_type":"a","nope":1}', '{"event_type":"a","event_type":"b"}', '{"event_type":"a","agent_id":"../x"}',
        '{"event_type":"a","session_id":null}', '{"event_type":"a","data":{"x":NaN}}', "\x00", '{"event_type":"a"} {}',
        '{"event_type":"\\ud800"}', '{"event_type":"a","data":{"x":"' + "y" * (1 << 20) + '"}}',
    ],
)  # fmt: skip
def test_a_bad_line_stops_the_whole_batch(cli: Cli, store: Path, bad: str) -> None:
    before = log_of(store).read_bytes()
    for form in ("text", "json"):
        given = f"{LINES[0]}\n\n{bad}\n{LINES[0]}\n"
        done = cli("events", "log", "demo", "--batch", "--format", form, input=given)
        assert (done.returncode, done.stdout) == (5, "")
        message = json.loads(done.stderr)["message"] if form == "json" else done.stderr
        assert "line 3" in message
        assert form == "text" or json.loads(done.stderr)["details"]["line"] == 3
    assert log_of(store).read_bytes() == before


@pytest.mark.skipif(shutil.which("strace") is None, reason="impossible here: there is no strace")
def test_a_batch_of_any_size_has_one_sync(cli: Cli, store: Path, home: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    done = subprocess.run(
        ["strace", "-f", "-o", str(trace), "-e", "trace=fsync,fdatasync,sync_file_range,write", str(MILESTONE),
         "events", "log", "demo", "--batch"],
        input='{"event_type":"t","data":{"n":1}}\n' * 2000, capture_output=True, text=True, cwd=tmp_path,
        env=clean_environment(home), check=False,
    )  # fmt: skip
    if "ptrace" in done.stderr.lower():
        pytest.skip("impossible here: tracing is not permitted")
    assert done.returncode == 0, done.stderr
    assert trace.read_text().count("sync(") == 1
    assert len(proved(store)) == 2001


def test_a_batch_only_from_standard_input(cli: Cli, store: Path) -> None:
    assert cli("events", "log", "demo", "t", "--batch", input="").returncode == 2


# many writers, moving clocks


def test_eight_processes_at_once(cli: Cli, store: Path) -> None:
    def write(writer: int) -> list[int]:
        numbers = []
        for number in range(25):
            data = json.dumps({"writer": writer, "number": number, "fill": "x" * (writer * 700)})
            done = cli("events", "log", "demo", "t", data, "--agent", f"w{writer}", "--format", "json", check=True)
            numbers.append(json.loads(done.stdout)["sequence_number"])
        return numbers

    with ThreadPoolExecutor(8) as pool:
        acknowledged = list(pool.map(write, range(8)))
    events = proved(store)[1:]
    assert len(events) == 200
    for writer, numbers in enumerate(acknowledged):
        own = [event for event in events if event["agent_id"] == f"w{writer}"]
        assert [event["sequence_number"] for event in own] == numbers
        assert [event["data"]["number"] for event in own] == list(range(25))
    cli("events", "verify", check=True)


@pytest.mark.skipif(not played_clock.LIBRARY, reason="impossible here: there is no libfaketime")
def test_time_never_goes_backwards(cli: Cli, store: Path, home: Path) -> None:
    def at(when: str, *words: str) -> None:
        env = clean_environment(home, **played_clock.environment(when))
        done = played_clock.run([str(MILESTONE), *words], cwd=store.parent, env=env)
        assert done.returncode == 0, done.stderr

    for when in ("+1h", "-1d", "+30m", "-11m", "+0"):
        at(when, "events", "log", "demo", "t")
        at(when, "state", "set", "demo", f"n={json.dumps(when)}")
    events = proved(store)
    assert len(events) == 11
    assert events[-1]["timestamp"] >= events[1]["timestamp"] > events[0]["timestamp"]
    cli("events", "verify", check=True)


def test_ids_carry_their_time_and_are_never_the_same(cli: Cli, store: Path) -> None:
    from milestone_cli.core import events as core
    from milestone_cli.storage.files import FileStore

    files = FileStore(str(store))
    core.log(files, "demo", [("t", b"{}")] * 5000)
    files.close()
    ids = [event["event_id"] for event in proved(store)]
    for name in ids:
        assert name.startswith("event-")
        assert len(name) == 38
        assert int(name[6:], 16) >> 80 > 1_600_000_000_000
    assert os.path.getsize(log_of(store)) > 0


def test_a_name_that_may_be_mistyped_is_told(cli: Cli, store: Path) -> None:
    assert cli("events", "log", "demo", "note", check=True).stderr == ""
    first = cli("events", "log", "dmeo", "note", check=True)
    assert first.stderr == "milestone: 'dmeo' is new: this is the first that is logged of it\n"
    assert cli("events", "log", "dmeo", "note", check=True).stderr == ""
    done = cli("events", "log", "--batch", "dmoe", input='{"event_type": "note"}\n' * 2, check=True)
    assert "'dmoe' is new" in done.stderr


def test_a_session_that_is_named_means_its_milestone(cli: Cli, store: Path) -> None:
    cli("state", "save", "other", "1", check=True)
    cli("session", "create", "other", "--name", "theirs", check=True)
    cli("session", "create", "demo", "--name", "mine", check=True)
    done = cli("events", "log", "tick", "--session", "theirs", "--format", "json", check=True)
    assert json.loads(done.stdout)["milestone_id"] == "other"
    for command in ("query", "timeline"):
        found = json.loads(cli("events", command, "--session", "theirs", "--format", "json", check=True).stdout)
        assert (found["milestone_id"], found["events"][-1]["event_type"]) == ("other", "tick"), command
