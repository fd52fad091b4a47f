"""Bad input and bad surroundings: an exit code, one message with a hint, JSON when asked for, nothing changed."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import MILESTONE, Cli, clean_environment

TEXT = '{"n":1,"s":"x","l":[0]}'
NOBODY = 65534


@pytest.fixture
def saved(cli: Cli, store: Path) -> Path:
    """The store, with three revisions of `demo`."""
    for text in ('{"n":0}', "{}", TEXT):
        cli("state", "save", "demo", text, check=True)
    return store


def contents(store: Path) -> dict[str, bytes | str]:
    """Everything of a store but its locks and the numbers of failures: what each file holds, where each link leads."""
    found: dict[str, bytes | str] = {}
    for path in sorted(store.rglob("*")):
        name = str(path.relative_to(store))
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file() and not name.startswith(("state/.locks/", "spool/measures.")):
            found[name] = path.read_bytes()
    return found


def well_told(done: subprocess.CompletedProcess[Any], code: str, exit_code: int, form: str) -> dict[str, Any]:
    """The error that a command told, which must be whole and alone."""
    out, err = (
        text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
        for text in (done.stdout, done.stderr)
    )
    assert done.returncode == exit_code, err
    assert out == ""
    assert "Traceback" not in err
    if form == "text":
        first, second = err.splitlines()
        assert first.startswith("milestone: ")
        assert len(first) > len("milestone: ") + 10
        assert second.startswith("  hint: ")
        assert len(second) > len("  hint: ")
        return {"message": first.removeprefix("milestone: "), "hint": second.removeprefix("  hint: ")}
    assert err.isascii()
    assert err.count("\n") == 1
    told: dict[str, Any] = json.loads(err)
    assert set(told) == {"schema", "code", "message", "hint", "retryable", "exit_code", "details"}
    assert (told["schema"], told["code"], told["exit_code"]) == ("milestone/error/v1", code, exit_code)
    assert told["message"]
    assert told["hint"]
    return told


Refuse = Callable[..., dict[str, Any]]


@pytest.fixture
def refuse(cli: Cli, tmp_path: Path) -> Refuse:
    """Run a command that must fail, in both forms, and see that the store stays as it is."""

    def run(
        code: str,
        exit_code: int,
        *words: str,
        input: str | bytes | None = None,  # noqa: A002 - the name subprocess uses
        env: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        store = tmp_path / ".milestones"
        before = contents(store) if store.exists() else {}
        told: dict[str, Any] = {}
        for form in ("text", "json"):
            group = 1 if words[0] in ("init", "status") else 2
            line = [*words[:group], "--format", form, *words[group:]]
            told = well_told(cli(*line, input=input, env=env), code, exit_code, form)
        assert (contents(store) if store.exists() else {}) == before
        return told

    return run


# documents

BAD_JSON: dict[str, bytes] = {
    "empty": b"",
    "white space": b" \n\t",
    "no end": b'{"a":1',
    "no value": b'{"a":}',
    "comma": b"[1,]",
    "word": b"hello",
    "single quotes": b"{'a':1}",
    "two documents": b"{} {}",
    "tail": b"{}x",
    "comment": b"{} // c",
    "duplicate keys": b'{"a":1,"b":{"x":1,"x":2}}',
    "duplicate keys in other spelling": b'{"a":1,"\\u0061":2}',
    "NaN": b'{"a":NaN}',
    "Infinity": b"[Infinity]",
    "-Infinity": b"-Infinity",
    "leading zero": b"[01]",
    "plus": b"[+1]",
    "point": b"[1.]",
    "bare point": b"[.5]",
    "hexadecimal": b"[0x1]",
    "lone high surrogate": b'{"a":"\\ud800"}',
    "lone low surrogate": b'["\\uDC00"]',
    "lone surrogate in a key": b'{"\\ud83d":1}',
    "surrogates in the wrong order": b'["\\udc00\\ud800"]',
    "not UTF-8": b'{"a":"\xff"}',
    "surrogate in UTF-8": b'["\xed\xa0\x80"]',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "null byte": b'{"a":1}\x00',
    "raw line feed in a string": b'["a\nb"]',
    "unterminated string": b'["a',
    "unterminated escape": b'["\\u00',
    "bad escape": b'["\\x41"]',
    "no-break space": b"\xc2\xa0{}",
    "201 levels": b"[" * 201 + b"]" * 201,
    "201 levels of objects": b'{"[]":' * 201 + b"0" + b"}" * 201,
    "100,000 levels": b"[" * 100_000 + b"]" * 100_000,
    "100,000 openings": b"[" * 100_000,
    "closes the envelope": b'{}},"state":{"x":1}',
}


@pytest.mark.parametrize("raw", BAD_JSON.values(), ids=BAD_JSON.keys())
def test_what_is_no_exact_json_is_not_saved(refuse: Refuse, saved: Path, raw: bytes) -> None:
    told = refuse("invalid_json", 5, "state", "save", "demo", input=raw)
    assert "document" in told["message"]


def test_what_python_would_spoil_is_saved_as_it_is(cli: Cli, saved: Path) -> None:
    good = '{"a":1e400,"b":-1E-400,"c":-0.0,"d":' + "9" * 5000 + ',"e":"\\ud83d\\ude00","f":"\\\\ud800","g":"\\u0000"}'
    for text in (good, "[" * 200 + "]" * 200, '["' + "[" * 300 + '\\""]'):
        cli("state", "save", "demo", "-", input=text, check=True)
        assert cli("state", "load", check=True).stdout == text


def test_too_large(refuse: Refuse, saved: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.write(b'"')
        file.truncate((64 << 20) + 1)
    told = refuse("too_large", 5, "state", "save", "demo", f"@{large}")
    assert told["details"]["limit"] == 64 << 20
    refuse("too_large", 5, "events", "log", "demo", "t", "-", input='{"x":"' + "y" * (1 << 20) + '"}')


def test_files_that_cannot_be_read(refuse: Refuse, saved: Path, tmp_path: Path) -> None:
    refuse("not_found", 3, "state", "save", "demo", "@nowhere.json")
    refuse("not_found", 3, "state", "save", "demo", "@")
    refuse("not_found", 3, "state", "save", "demo", f"@{tmp_path}")
    refuse("not_found", 3, "events", "log", "demo", "t", "@nowhere.json")


@pytest.mark.parametrize("data", ["[]", '"x"', '{"a":1,"a":2}', '{"a":NaN}', '{"a":"\\ud800"}', "{", '{"a":1}}'])
def test_data_of_events_is_checked_alike(refuse: Refuse, saved: Path, data: str) -> None:
    refuse("invalid_data" if data in ("[]", '"x"') else "invalid_json", 5, "events", "log", "demo", "t", data)


# names

BAD_NAMES = [
    "../x", "..", ".", "a/b", "/etc/x", "a" * 129, "-x", "_x", ".x", "é", "漢", "a b", "a\nb", "a\n", "a..b",
    "a\x1b[31m", "a;b", "$(id)", "*", "a%2f", "ａ", "٣", "~", "demo.", " demo", "a\\b", os.fsdecode(b"a\xff"),
]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in BAD_NAMES if name != "demo."])
def test_bad_names_of_milestones(refuse: Refuse, saved: Path, name: str) -> None:
    for words in (
        ["state", "save", "--", name, "{}"],
        ["state", "load", "--", name],
        ["state", "get", "--", name, "n"],
        ["events", "log", "--", name, "t"],
        ["init", "--", name],
    ):
        told = refuse("invalid_name", 5, *words)
        assert not told["retryable"]
    refuse("invalid_name", 5, "state", "set", "a=1", env={"MILESTONE_ID": name})


def test_an_empty_name(refuse: Refuse, saved: Path) -> None:
    for words in (["state", "save", "", "{}"], ["state", "load", ""], ["events", "log", "", "t"]):
        refuse("invalid_name", 5, *words)


def test_a_name_that_differs_in_case_alone(refuse: Refuse, saved: Path) -> None:
    refuse("invalid_name", 5, "state", "save", "Demo", "{}")
    refuse("invalid_name", 5, "state", "set", "DEMO", "a=1")


def test_what_is_refused_makes_no_milestone(cli: Cli, saved: Path, refuse: Refuse) -> None:
    refuse("revision_conflict", 4, "state", "save", "new", "{}", "--if-revision", "1")
    refuse("invalid_path", 5, "state", "set", "new", "a=1", "a.b=2")
    assert cli("state", "load", check=True).stdout == TEXT  # `demo` still is the only one
    cli("state", "save", "new", "{}", "--if-revision", "0", "--idempotency-key", "k", check=True)
    cli("state", "save", "new", "{}", "--if-revision", "0", "--idempotency-key", "k", check=True)
    cli("events", "verify", "new", check=True)


def test_the_longest_name_works(cli: Cli, saved: Path) -> None:
    name = "a" * 128
    cli("state", "save", name, "{}", check=True)
    cli("state", "save", name, "[]", check=True)
    cli("events", "log", name, "t" * 128, check=True)
    assert cli("state", "load", name, check=True).stdout == "[]"
    assert cli("state", "load", name, "--revision", "1", check=True).stdout == "{}"


def test_bad_names_of_types_agents_and_sessions(refuse: Refuse, saved: Path) -> None:
    for name in ("", "a b", "a\nb", "é", "t" * 129, "a/b", ":x", 't","x":"', "\x1b[31m"):
        refuse("invalid_name", 5, "events", "log", "demo", name)
    for name in ("a b", "../x", "é", 'a"b', "a\nb", "x" * 129):
        for option in ("--agent", "--session"):
            refuse("invalid_name", 5, "events", "log", "demo", "t", option, name)
        for variable in ("MILESTONE_AGENT", "MILESTONE_SESSION"):
            refuse("invalid_name", 5, "state", "save", "demo", "{}", env={variable: name})


# what is not there


def test_paths_that_lead_nowhere(refuse: Refuse, saved: Path) -> None:
    for path in ("x", "n.x", "l.1", "l.-", "l.00", "s.0", "/", "/n/", "n/x"):
        told = refuse("path_not_found", 3, "state", "get", "demo", path)
        assert told["details"]["path"] == path
    for path in ("a..b", ".n", "n."):
        refuse("invalid_path", 5, "state", "get", "demo", path)


def test_revisions_that_are_not_there_or_no_longer_current(refuse: Refuse, saved: Path) -> None:
    for number in ("4", "99", "9" * 15):
        refuse("revision_not_found", 3, "state", "load", "demo", "--revision", number)
    refuse("usage", 2, "state", "load", "demo", "--revision", "0")
    for words in (["state", "save", "demo", "{}"], ["state", "set", "demo", "n=2"]):
        for number in ("0", "2", "4"):
            told = refuse("revision_conflict", 4, *words, "--if-revision", number)
            assert told["retryable"]
            assert told["details"]["revision"] == 3


def test_milestones_that_are_not_there(refuse: Refuse, saved: Path) -> None:
    told = refuse("not_found", 3, "state", "load", "nowhere")
    assert "demo" in told["hint"]
    refuse("not_found", 3, "state", "get", "nowhere", "n")
    refuse("revision_not_found", 3, "state", "load", "nowhere", "--revision", "1")
    refuse("not_found", 3, "events", "verify", "nowhere")


def test_no_store(refuse: Refuse, tmp_path: Path) -> None:
    for words in (
        ["state", "save", "demo", "{}"],
        ["state", "load"],
        ["state", "get", "n"],
        ["state", "set", "n=1"],
        ["state", "list"],
        ["status"],
        ["events", "log", "t"],
        ["events", "query"],
        ["events", "timeline"],
        ["events", "verify"],
        ["config", "show"],
    ):
        told = refuse("no_store", 10, *words)
        assert "milestone init" in told["hint"]
    assert not (tmp_path / ".milestones").exists()
    refuse("no_store", 10, "state", "load", env={"MILESTONE_STORE": str(tmp_path / "nowhere")})


# locks


def bash_lock(store: Path, name: str, pid: int) -> Path:
    """The lock as the bash utilities make it."""
    lock = store / "state" / ".locks" / f"{name}.lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text(f"{pid}\n")
    (lock / "acquired").write_text(time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime()))
    return lock


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A living process that is no ancestor of a command."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_lock_of_a_living_process(cli: Cli, saved: Path, refuse: Refuse, sleeper: subprocess.Popen[bytes]) -> None:
    lock = bash_lock(saved, "demo", sleeper.pid)
    began = time.monotonic()
    told = refuse("lock_timeout", 7, "state", "save", "demo", "{}", "--lock-timeout", "0.5")
    assert 1.0 <= time.monotonic() - began < 10  # two runs
    assert told["retryable"]
    assert str(sleeper.pid) in told["message"]
    assert told["details"]["pid"] == sleeper.pid
    refuse("lock_timeout", 7, "state", "set", "demo", "n=2", "--lock-timeout", "0")
    refuse("lock_timeout", 7, "state", "set", "demo", "n=2", env={"MILESTONE_LOCK_TIMEOUT": "0"})
    assert lock.is_dir()
    # Readers never wait, and the log has a lock of its own.
    assert cli("state", "load", check=True).stdout == TEXT
    cli("events", "log", "t", "--lock-timeout", "0", check=True)
    sleeper.kill()
    sleeper.wait()
    cli("state", "set", "n=2", "--lock-timeout", "5", check=True)
    cli("events", "verify", check=True)


@pytest.mark.parametrize("name", ["demo.flock", "demo.elock"])
def test_a_lock_of_the_kernel(cli: Cli, saved: Path, refuse: Refuse, name: str) -> None:
    code = "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); input()"
    path = saved / "state" / ".locks" / name
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        refuse("lock_timeout", 7, "state", "save", "demo", "{}", "--lock-timeout", "0.3")
        if name == "demo.elock":
            refuse("lock_timeout", 7, "events", "log", "demo", "t", "--lock-timeout", "0.3")
        assert cli("state", "load", check=True).stdout == TEXT
        process.communicate(b"\n")
    cli("state", "set", "n=2", check=True)


def test_a_lock_of_an_ancestor_is_told_at_once(saved: Path, refuse: Refuse) -> None:
    bash_lock(saved, "demo", os.getpid())
    began = time.monotonic()
    told = refuse("lock_timeout", 7, "state", "save", "demo", "{}", "--lock-timeout", "30")
    assert time.monotonic() - began < 20
    assert "started this one" in told["message"]


def test_a_lock_of_ours_held_by_an_ancestor_is_told_at_once(saved: Path, refuse: Refuse) -> None:
    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.files.lock import Lock

    files = FileStore(str(saved))
    lock = Lock(files.folder("state/.locks"), "demo", time.monotonic(), files.folder("state/active"))
    try:
        began = time.monotonic()
        told = refuse("lock_timeout", 7, "state", "save", "demo", "{}", "--lock-timeout", "30")
        assert time.monotonic() - began < 20
        assert "started this one" in told["message"]
    finally:
        lock.release()
        files.close()


def test_an_ancestor_that_gave_the_lock_back_is_not_taken_for_its_holder(cli: Cli, saved: Path) -> None:
    """What the flock file says is the last holder, until the next one has signed."""
    from milestone_cli.core import state
    from milestone_cli.storage.files import FileStore

    files = FileStore(str(saved))
    state.save(files, "demo", b"{}")  # so this process, the command's ancestor, is the last that signed
    files.close()
    code = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True);"
        "time.sleep(1)"
    )
    path = saved / "state" / ".locks" / "demo.flock"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        cli("state", "set", "demo", "n=2", "--lock-timeout", "20", check=True)


@pytest.mark.parametrize("left", ["empty", "pid", "both"])
def test_the_lock_of_a_dead_process_is_broken(cli: Cli, saved: Path, left: str) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    lock = bash_lock(saved, "demo", process.pid)
    if left != "both":
        (lock / "acquired").unlink()
    if left == "empty":
        (lock / "pid").unlink()
    cli("state", "set", "demo", "n=2", check=True)
    assert not lock.exists()
    assert "lock_broken" in (saved / "state/events/milestone-demo.jsonl").read_text()
    cli("events", "verify", check=True)


# a store that cannot be written


@pytest.fixture
def shelf(cli: Cli, home: Path) -> Iterator[Path]:
    """A directory that other users can enter, with a store that belongs to the user `run_as` becomes."""
    path = Path(tempfile.mkdtemp(prefix="shelf-"))
    path.chmod(0o755)
    cli("init", "demo", cwd=path, check=True)
    cli("state", "save", "demo", TEXT, cwd=path, check=True)
    yield path
    subprocess.run(["chmod", "-R", "u+w", str(path)], check=True)
    shutil.rmtree(path)


def run_as_nobody(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user without privileges; as this one, when it has none."""
    command = [str(MILESTONE), *words]
    if os.geteuid() == 0:
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    env = clean_environment(directory, PYTHONDONTWRITEBYTECODE="1")
    return subprocess.run(
        command, cwd=directory, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def give_away(path: Path) -> None:
    """Let the store belong to whom `run_as_nobody` runs as."""
    if os.geteuid() != 0:
        return
    if shutil.which("setpriv") is None:
        pytest.skip("impossible here: root without setpriv")
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(path)], check=True)
    if run_as_nobody(path, "--version").returncode != 0:
        pytest.skip("impossible here: the installed command is out of another user's reach")


def test_a_store_that_may_only_be_read(shelf: Path) -> None:
    give_away(shelf)
    store = shelf / ".milestones"
    subprocess.run(["chmod", "-R", "a-w", str(shelf)], check=True)
    before = contents(store)
    for words in (["state", "save", "demo", "{}"], ["state", "set", "demo", "n=2"], ["events", "log", "demo", "t"]):
        for form in ("text", "json"):
            line = [*words[:2], "--format", form, *words[2:]]
            well_told(run_as_nobody(shelf, *line), "store_unreachable", 8, form)
    for words in (
        ["state", "load"], ["state", "get", "n"], ["state", "load", "--revision", "1"], ["state", "list"],
        ["events", "query"], ["events", "timeline"], ["events", "verify"], ["status"],
    ):  # fmt: skip
        done = run_as_nobody(shelf, *words)
        assert (done.returncode, done.stderr) == (0, ""), words
    assert contents(store) == before


def test_a_damaged_state_that_may_only_be_read(shelf: Path) -> None:
    (shelf / ".milestones/state/active/demo.json").write_text("{")
    give_away(shelf)
    subprocess.run(["chmod", "-R", "a-w", str(shelf)], check=True)
    done = run_as_nobody(shelf, "state", "load")
    assert (done.returncode, done.stdout) == (0, TEXT)
    assert "nothing was repaired" in done.stderr


def test_a_store_of_another_user(cli: Cli, shelf: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("impossible here: only root can give a store away")
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(shelf / ".milestones")], check=True)
    before = contents(shelf / ".milestones")
    for words in (["state", "save", "demo", "{}"], ["state", "load"], ["events", "log", "demo", "t"], ["init"]):
        for form in ("text", "json"):
            group = 1 if words[0] == "init" else 2
            line = [*words[:group], "--format", form, *words[group:]]
            well_told(cli(*line, cwd=shelf), "store_foreign", 8, form)
    assert contents(shelf / ".milestones") == before
    done = cli("state", "load", cwd=shelf, env={"MILESTONE_TRUST_STORE": "1"}, check=True)
    assert done.stdout == TEXT


# damage


def active(store: Path) -> Path:
    return store / "state" / "active" / "demo.json"


def log_of(store: Path) -> Path:
    return store / "state" / "events" / "milestone-demo.jsonl"


def test_a_log_with_a_torn_tail(cli: Cli, saved: Path) -> None:
    whole = log_of(saved).read_bytes()
    with log_of(saved).open("ab") as file:
        file.write(b'{"timestamp":"2026-11-21T12:00:00.123456Z","milestone_id":"de')
    assert cli("state", "load", check=True).stdout == TEXT
    assert cli("state", "load", "--revision", "2", check=True).stdout == "{}"
    done = cli("events", "verify", "--format", "json")
    assert done.returncode == 6
    assert json.loads(done.stdout)["schema"] == "milestone/verify/v1"
    cli("events", "query", check=True)
    cli("events", "log", "demo", "t", check=True)
    assert log_of(saved).read_bytes().startswith(whole)
    assert '"event_type":"log_torn"' in log_of(saved).read_text()
    cli("events", "verify", check=True)


DAMAGE: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"garbage\n",
    "cut": b'{"timestamp":"2026-11-21T12:00:00.123456Z","milestone_id":"demo","version":"1.0","state":{"n"',
    "no state": b'{"milestone_id":"demo"}\n',
    "an array": b"[]\n",
    "zeros": bytes(4096),
    "not UTF-8": b'{"milestone_id":"demo","state":"\xff"}\n',
    "of another milestone": b'{"timestamp":"2026-11-21T12:00:00Z","milestone_id":"other","version":"1.0","state":{}}\n',
    "too deep": b'{"milestone_id":"demo","state":' + b"[" * 100_000,
    "two states": b'{"milestone_id":"demo","state":1,"state":2}\n',
}


@pytest.mark.parametrize("raw", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_state_is_recovered_and_kept(cli: Cli, saved: Path, raw: bytes) -> None:
    active(saved).unlink()  # the backup shares its inode
    active(saved).write_bytes(raw)
    done = cli("state", "load", "demo", "--strict")
    assert (done.returncode, done.stdout) == (6, TEXT)
    assert "recovered from" in done.stderr
    assert [path.read_bytes() for path in (saved / "quarantine").iterdir()] == [raw]
    done = cli("state", "load", "demo", "--strict")
    assert (done.returncode, done.stdout, done.stderr) == (0, TEXT, "")
    cli("events", "verify", check=True)


@pytest.mark.parametrize("words", [["get", "demo", "s"], ["set", "demo", "n=2"], ["save", "demo", "[7]"]])
def test_every_command_recovers(cli: Cli, saved: Path, words: list[str]) -> None:
    active(saved).write_bytes(b"garbage")
    done = cli("state", *words, check=True)
    assert "recovered from" in done.stderr
    wanted = {"get": TEXT, "set": TEXT.replace("1", "2", 1), "save": "[7]"}[words[0]]
    assert cli("state", "load", check=True).stdout == wanted
    cli("events", "verify", check=True)


def test_a_damaged_state_without_its_log_is_recovered_from_the_newest_good_backup(cli: Cli, saved: Path) -> None:
    for path in (log_of(saved), log_of(saved).with_suffix(".head")):
        path.unlink()
    active(saved).unlink()
    active(saved).write_bytes(b"garbage")
    backups = sorted((saved / "state" / "backups").iterdir())
    assert len(backups) == 2
    done = cli("state", "load", check=True)
    assert done.stdout == "{}"  # the second of three: the third was the damaged one
    assert backups[-1].name in done.stderr


def test_a_damaged_backup_is_passed_over(cli: Cli, saved: Path) -> None:
    for path in (log_of(saved), log_of(saved).with_suffix(".head")):
        path.unlink()
    backups = sorted((saved / "state" / "backups").iterdir())
    for path in (active(saved), backups[-1]):
        path.unlink()
        path.write_bytes(b"garbage")
    assert cli("state", "load", check=True).stdout == '{"n":0}'


@pytest.mark.parametrize("raw", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_without_any_good_copy(cli: Cli, store: Path, refuse: Refuse, raw: bytes) -> None:
    cli("state", "save", "demo", TEXT, check=True)
    for path in (log_of(store), log_of(store).with_suffix(".head")):
        path.unlink()
    active(store).write_bytes(raw)
    (store / "state/backups/demo-20261121-120000-r1.json").write_bytes(b"garbage")
    before = contents(store)
    for words in (["load"], ["load", "demo", "--strict"], ["get", "demo", "n"], ["set", "demo", "n=2"],
                  ["save", "demo", "{}"]):  # fmt: skip
        for form in ("text", "json"):
            done = cli("state", words[0], "--format", form, *words[1:])
            well_told(done, "damaged", 6, form)
    after = contents(store)
    for name, content in before.items():
        assert after[name] == content
    assert cli("events", "verify", "demo").returncode == 6


def test_a_head_that_is_no_head(cli: Cli, saved: Path) -> None:
    head = log_of(saved).with_suffix(".head")
    good = head.read_bytes()
    for raw in (b"", b"garbage", bytes(512), good[:100], good.replace(b'"sequence":', b'"sequencx":', 1)):
        head.write_bytes(raw)
        assert cli("state", "load", check=True).stdout == TEXT
        cli("state", "load", "--revision", "2", check=True)
        cli("events", "log", "demo", "t", check=True)
        cli("events", "verify", check=True)


# links

Plant = Callable[[Path, Path], Path]


def _victim(tmp_path: Path) -> Path:
    victim = tmp_path / "victim"
    victim.write_text('{"milestone_id":"demo","state":{"secret":1}}\n')
    return victim


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("state/active/demo.json", ["state", "load", "demo"]),
        ("state/active/demo.json", ["state", "save", "demo", "{}"]),
        ("state/active/demo.json", ["state", "set", "demo", "n=2"]),
        ("state/events/milestone-demo.jsonl", ["events", "log", "demo", "t"]),
        ("state/events/milestone-demo.jsonl", ["events", "query", "demo"]),
        ("state/events/milestone-demo.jsonl", ["events", "verify", "demo"]),
        ("state/events/milestone-demo.jsonl", ["state", "save", "demo", "{}"]),
        ("state/events/milestone-demo.head", ["events", "log", "demo", "t"]),
        ("state/.locks/demo.lock", ["state", "save", "demo", "{}"]),
        ("state/.locks/demo.flock", ["state", "save", "demo", "{}"]),
        ("state/.locks/demo.elock", ["events", "log", "demo", "t"]),
        ("state/.current_session", ["state", "load"]),
        ("config.yaml", ["state", "save", "demo", "{}"]),
        ("format", ["state", "load", "demo"]),
    ],
)
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_where_a_file_should_be(
    saved: Path, tmp_path: Path, refuse: Refuse, where: str, words: list[str], dangling: bool
) -> None:
    victim = _victim(tmp_path)
    content = victim.read_bytes()
    path = saved / where
    path.unlink(missing_ok=True)
    path.symlink_to(tmp_path / "made" if dangling else victim)
    refuse("unsafe_link", 5, *words)
    assert victim.read_bytes() == content
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("where", ["", "state", "state/active", "state/events", "state/.locks", "state/backups"])
def test_a_link_where_a_folder_should_be(cli: Cli, saved: Path, tmp_path: Path, refuse: Refuse, where: str) -> None:
    path = saved / where if where else saved
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    before = contents(elsewhere)
    told = refuse("unsafe_link", 5, "state", "save", "demo", "{}")
    assert told["code"] == "unsafe_link"
    if not where:
        refuse("unsafe_link", 5, "init", "demo")
        refuse("unsafe_link", 5, "state", "load", "demo")
    assert contents(elsewhere) == before


def test_a_link_to_a_backup_is_no_copy(cli: Cli, saved: Path, tmp_path: Path) -> None:
    victim = _victim(tmp_path)
    for path in (log_of(saved), log_of(saved).with_suffix(".head"), *(saved / "state/backups").iterdir()):
        path.unlink()
    (saved / "state/backups/demo-20991121-120000.json").symlink_to(victim)
    active(saved).write_bytes(b"garbage")
    assert cli("state", "load").returncode == 6


def test_links_at_temporary_names_are_not_written_through(cli: Cli, saved: Path, tmp_path: Path) -> None:
    victim = _victim(tmp_path)
    content = victim.read_bytes()
    for name in (".demo.tmp", "demo.json.tmp", ".demo.00000000000000000000.tmp", "demo.json.tmp.1"):
        (saved / "state/active" / name).symlink_to(victim)
    for name in (".demo.broken", ".now.tmp"):
        (saved / "state/.locks" / name).symlink_to(victim)
    cli("state", "set", "demo", "n=2", check=True)
    assert victim.read_bytes() == content


@pytest.mark.parametrize("where", ["state/active/demo.json", "state/events/milestone-demo.jsonl", "format"])
def test_a_pipe_or_a_folder_where_a_file_should_be_does_not_hang(cli: Cli, saved: Path, where: str) -> None:
    for make in (os.mkfifo, os.mkdir):
        path = saved / where
        path.unlink() if path.is_file() else None
        make(path)
        for words in (["state", "save", "demo", "{}"], ["state", "load", "demo"], ["events", "log", "demo", "t"]):
            done = cli(*words, timeout=20)
            assert done.returncode in (0, 5, 6, 8), (words, done.stderr)
            assert "Traceback" not in done.stderr
            assert "unexpected" not in done.stderr
        path.unlink() if make is os.mkfifo else path.rmdir()


# usage


@pytest.mark.parametrize(
    "words",
    [
        ["state", "save", "demo", "{}", "--nope"],
        ["state", "save", "demo", "{}", "extra"],
        ["state", "save", "demo", "{}", "--if-revision", "-1"],
        ["state", "save", "demo", "{}", "--if-revision", "x"],
        ["state", "save", "demo", "{}", "--lock-timeout", "-1"],
        ["state", "save", "demo", "{}", "--lock-timeout", "soon"],
        ["state", "load", "demo", "--indent", "17"],
        ["state", "get"],
        ["state", "set"],
        ["events", "log"],
        ["events", "log", "demo", "a", "b", "c"],
        ["events", "query", "--limit", "x"],
        ["state", "nope"],
    ],
)
def test_wrong_usage(saved: Path, refuse: Refuse, words: list[str]) -> None:
    refuse("usage", 2, *words)


def test_settings_that_make_no_sense(saved: Path, refuse: Refuse) -> None:
    for value in ("soon", "-1", "nan", "inf"):
        refuse("invalid_config", 5, "state", "save", "demo", "{}", env={"MILESTONE_LOCK_TIMEOUT": value})
    refuse("usage", 2, "state", "save", "demo", "{}", "--lock-timeout", "nan")
