"""Retention through the command: what goes, what must stay, and a run that is killed in the middle."""

import json
import os
import pty
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import MILESTONE, Cli, clean_environment

from milestone_cli.render.schemas import schema

DAY = 86_400
LONG_AGO = time.gmtime(time.time() - 30 * DAY)
OLD = time.strftime("%Y%m%d-%H%M%S", LONG_AGO)
OLD_TIME = time.strftime("%Y-%m-%dT%H:%M:%SZ", LONG_AGO)


def run(cli: Cli, *args: str) -> dict[str, Any]:
    """A clean-up command's JSON output, held against its schema."""
    done = cli("cleanup", *args, "--format", "json", check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


def age(path: Path, days: float = 30) -> Path:
    """Make a file look as old as that, by its times."""
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment), follow_symlinks=False)
    return path


def put_backup(store: Path, milestone: str, number: int, *, owner: str | None = None) -> Path:
    """A backup as the bash utilities write it, thirty days old."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(time.time() - 30 * DAY + number))
    path = store / f"state/backups/{milestone}-{stamp}.json"
    record = {"timestamp": OLD_TIME, "milestone_id": owner or milestone, "version": "1.0", "state": {"n": number}}
    path.write_text(json.dumps(record, indent=2) + "\n")
    return age(path)


def put_checkpoint(store: Path, milestone: str, name: str, pinned: object = None) -> Path:
    path = store / f"state/backups/{milestone}-checkpoint-{name}.json"
    record = {"timestamp": OLD_TIME, "milestone_id": milestone, "version": "1.0", "state": {"name": name}}
    path.write_text(json.dumps(record) + "\n")
    if pinned is not None:
        path.with_suffix(".info").write_text(json.dumps({"pinned": pinned}))
        age(path.with_suffix(".info"))
    return age(path)


def put_session(store: Path, milestone: str, name: str, status: str = "completed") -> Path:
    path = store / f"state/sessions/{name}.json"
    record = {"session_id": name, "milestone_id": milestone, "status": status, "ended_at": OLD_TIME}
    path.write_text(json.dumps(record, indent=2))
    return age(path)


def reasons(found: dict[str, Any]) -> dict[str, str]:
    """Name of each item, and what becomes of it."""
    return {one["name"]: f"{one['decision']}: {one['reason']}" for one in found["items"]}


def files(store: Path) -> dict[str, bytes]:
    """Everything that a clean-up might touch."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for folder in ("active", "backups", "sessions", "completed")
        for path in (store / "state" / folder).rglob("*")
        if path.is_file()
    }


def test_the_default_keeps_ten_and_seven_days(cli: Cli, store: Path) -> None:
    old = [put_backup(store, "demo", number) for number in range(14)]
    cli("state", "save", "demo", "1", check=True)
    cli("state", "save", "demo", "2", check=True)
    found = run(cli, "plan", "demo")
    assert (found["keep"], found["remove"]) == (10 + 1, 5)  # the young one, nine old ones, the log
    assert [path.exists() for path in old] == [True] * 14
    assert found["bytes_freed"] == sum(path.stat().st_size for path in old[:5])
    done = run(cli, "run", "demo")
    assert [path.exists() for path in old] == [False] * 5 + [True] * 9
    assert (done["remove"], done["bytes_freed"], done["keep"]) == (5, found["bytes_freed"], 11)
    event = json.loads(cli("events", "query", "demo", "--type", "state_cleaned", "--format", "json").stdout)["events"][
        0
    ]
    assert event["data"]["retention_days"] == 7
    assert event["data"]["removed"] == {"backup": 5}
    assert run(cli, "run", "demo")["remove"] == 0
    cli("events", "verify", "demo", check=True)


def test_the_configuration_changes_the_defaults(cli: Cli, store: Path) -> None:
    for number in range(14):
        put_backup(store, "demo", number)
    (store / "config.yaml").write_text("keep_last: 3\nolder_than: 2w\n")
    found = run(cli, "plan", "demo")
    assert (found["remove"], found["keep_last"], found["older_than_seconds"]) == (11, 3, 14 * DAY)
    assert run(cli, "plan", "demo", "--keep-last", "4")["remove"] == 10
    assert run(cli, "plan", "demo", "--older-than", "31d")["remove"] == 0
    told = json.loads(cli("cleanup", "plan", "demo", "--format", "json", env={"MILESTONE_KEEP_LAST": "5"}).stdout)
    assert told["remove"] == 9
    assert cli("cleanup", "plan", "demo", env={"MILESTONE_KEEP_LAST": "many"}).returncode == 5
    for wrong in ("keep_last: -1", "older_than: soon", "older_than: 7"):
        (store / "config.yaml").write_text(wrong + "\n")
        assert cli("cleanup", "run", "demo").returncode == 5, wrong
    (store / "config.yaml").write_text("keep_last: 0\nolder_than: 0\n")
    assert cli("cleanup", "run", "demo").returncode == 2
    assert len(list((store / "state/backups").iterdir())) == 14


def test_both_bounds_must_let_it_go(cli: Cli, store: Path) -> None:
    put_backup(store, "demo", 1)
    put_backup(store, "demo", 2)
    assert run(cli, "plan", "demo", "--keep-last", "1", "--older-than", "31d")["remove"] == 0
    assert run(cli, "plan", "demo", "--keep-last", "2", "--older-than", "29d")["remove"] == 0
    assert run(cli, "plan", "demo", "--keep-last", "1", "--older-than", "29d")["remove"] == 1


def test_another_milestone_is_never_touched(cli: Cli, store: Path) -> None:
    for name in ("a", "a-b", "a-checkpoint-b"):
        cli("init", name, check=True)
        for number in range(3):
            put_backup(store, name, number)
        put_checkpoint(store, name, "before")
        put_session(store, name, f"session-of-{name}")
    put_backup(store, "a", 100, owner="a-b")  # by its name a's, by its content not
    before = files(store)
    found = run(cli, "plan", "a", "--older-than", "1d", "--keep-last", "0")
    run(cli, "run", "a", "--older-than", "1d", "--keep-last", "0")
    gone = sorted(set(before) - set(files(store)))
    assert {**before, **files(store)} == before
    assert len(gone) == found["remove"] == 4  # two of three backups and the checkpoint, or all three backups; session
    for name in gone:
        assert json.loads(before[name])["milestone_id"] == "a"
    assert sum("belongs to 'a-b'" in reason for reason in reasons(found).values()) == 1
    left = run(cli, "plan", "a-checkpoint-b", "--older-than", "1d", "--keep-last", "1")
    assert (left["remove"], left["keep"]) == (3, 3)  # two backups and the session; one backup, the checkpoint, the log


def test_a_pinned_checkpoint_stays(cli: Cli, store: Path) -> None:
    put_backup(store, "demo", 1)
    pinned = put_checkpoint(store, "demo", "pinned", {"reason": "before the move"})
    loose = put_checkpoint(store, "demo", "loose", False)
    unclear = put_checkpoint(store, "demo", "unclear")
    unclear.with_suffix(".info").write_text("{")
    newest = put_checkpoint(store, "demo", "newest")
    age(newest, 20)
    told = reasons(run(cli, "plan", "demo", "--keep-last", "0"))
    assert told["pinned"] == "keep: pinned: before the move"
    assert told["unclear"] == "keep: whether it is pinned cannot be read"
    assert told["newest"] == "keep: the last good copy"
    run(cli, "run", "demo", "--keep-last", "0")
    assert (pinned.exists(), loose.exists(), unclear.exists(), newest.exists()) == (True, False, True, True)
    assert not loose.with_suffix(".info").exists()
    assert pinned.with_suffix(".info").exists()


def test_notes_whose_checkpoint_is_gone_go(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "1", check=True)
    cli("init", "demo-b", check=True)
    cli("state", "save", "demo-b", "1", check=True)
    for milestone in ("demo", "demo-b"):
        for name in ("there", "gone", "young"):
            cli("checkpoint", "create", milestone, "--name", name, check=True)
    for path in (store / "state/backups").glob("*.info"):
        if "young" not in path.name:
            age(path)
        if "there" not in path.name:
            path.with_suffix(".json").unlink()
    (store / "state/backups/demo-checkpoint-half.info").write_text("{")
    age(store / "state/backups/demo-checkpoint-half.info")
    told = reasons({**run(cli, "plan", "demo"), "schema": ""})
    assert told["gone"] == "remove: older than 7d"
    assert told["young"] == "keep: younger than 7d"
    assert told["half"] == "keep: cannot be read: it is damaged"
    before = set(files(store))
    run(cli, "run", "demo")
    assert before - set(files(store)) == {"state/backups/demo-checkpoint-gone.info"}


def test_old_records_of_transactions_go(cli: Cli, store: Path) -> None:
    cli("init", "other", check=True)
    for milestone in ("demo", "other"):
        cli("session", "create", milestone, check=True)
    lines = "".join(f'{{"op": "log", "milestone": "{one}", "event_type": "told"}}\n' for one in ("other", "demo"))
    cli("transaction", "apply", "-", input=lines, check=True)
    records = list((store / "transactions/committed").iterdir())
    assert len(records) == 3
    cli("cleanup", "run", "demo", check=True)
    assert all(age(path).exists() for path in records)
    assert run(cli, "plan", "demo")["remove"] == 2, "its own, and the one that concerned both"
    gone = [path.stem for path in records if json.loads(path.read_text())["milestones"] != ["other"]]
    run(cli, "run", "demo")
    (left,) = [path for path in records if path.exists()]
    assert json.loads(left.read_text())["milestones"] == ["other"]
    kept = (store / "transactions/committed" / f"{max(path.stem for path in left.parent.iterdir())}.yaml").read_text()
    assert all(name in kept for name in gone), "the clean-up's own record names them"
    assert '"text"' not in kept, "but does not hold them, or each would hold all before it"
    cli("transaction", "rollback", "last", "--yes", check=True)
    assert not [path for path in records if path.exists() and path != left], "and they do not come back"


def test_sessions_that_live_or_are_pointed_to_stay(cli: Cli, store: Path) -> None:
    ended = put_session(store, "demo", "session-1")
    active = put_session(store, "demo", "session-2", "active")
    current = put_session(store, "demo", "session-3")
    bound = put_session(store, "demo", "session-4")
    other = put_session(store, "other", "session-5")
    gone = json.dumps({"milestone_id": "demo", "status": "active", "pid": 2**22 + 1})
    (store / "state/sessions/session-6.json").write_text(gone)
    (store / "state/sessions/broken.json").write_text("{")
    age(store / "state/sessions/broken.json")
    (store / "state/.current_session").write_text("session-3\n")
    (store / "state/sessions/.by-client").mkdir()
    (store / "state/sessions/.by-client/client-1").write_text("session-4\n")
    told = reasons(run(cli, "plan", "demo"))
    assert told["session-2"] == "keep: it is active"
    assert told["session-3"] == "keep: the current session"
    assert told["session-4"] == "keep: bound to the client session client-1"
    assert told["session-6"] == "keep: orphaned, and never ended"
    assert told["broken"] == "keep: cannot be read: it is damaged"
    assert "session-5" not in told
    run(cli, "run", "demo")
    assert [path.exists() for path in (ended, active, current, bound, other)] == [False, True, True, True, True]


def test_what_cannot_be_read_stays_and_so_does_the_last_good_copy(cli: Cli, store: Path, tmp_path: Path) -> None:
    good = put_backup(store, "demo", 1)
    broken = put_backup(store, "demo", 2)
    broken.write_text('{"half": ')
    age(broken)
    link = store / f"state/backups/demo-{OLD}-r99.json"
    (tmp_path / "elsewhere").write_text("x")
    link.symlink_to(tmp_path / "elsewhere")
    age(link)
    run(cli, "run", "demo", "--keep-last", "0")
    assert good.exists()
    assert broken.exists()
    assert link.is_symlink()
    told = reasons(run(cli, "plan", "demo", "--keep-last", "0"))
    assert sum(reason.startswith("keep: cannot be read") for reason in told.values()) == 2


def test_a_copy_that_does_not_fit_its_checksum_is_no_good_copy(cli: Cli, store: Path) -> None:
    good = put_backup(store, "demo", 1)
    cli("state", "save", "demo", '{"n": 1}', check=True)
    cli("checkpoint", "create", "demo", "--name", "spoilt", check=True)
    spoilt = store / "state/backups/demo-checkpoint-spoilt.json"
    spoilt.write_text(spoilt.read_text().replace('{"n": 1}', '{"n": 2}'))
    age(spoilt, 20)
    told = reasons(run(cli, "plan", "demo", "--keep-last", "0"))
    assert told["spoilt"] == "remove: older than 7d"
    assert told[good.stem.removeprefix("demo-")] == "keep: the last good copy"


def test_pins_of_the_command_hold(cli: Cli, store: Path) -> None:
    cli("state", "save", "demo", "1", check=True)
    for name in ("first", "second", "third"):
        cli("checkpoint", "create", "demo", "--name", name, check=True)
        age(store / f"state/backups/demo-checkpoint-{name}.json", 30 - len(name))
    cli("checkpoint", "pin", "demo", "first", "--reason", "the release", check=True)
    cli("checkpoint", "pin", "demo", "second", check=True)
    cli("checkpoint", "unpin", "demo", "second", check=True)
    told = reasons(run(cli, "run", "demo", "--keep-last", "1", "--dry-run"))
    assert told["first"] == "keep: pinned: the release"
    assert sum(reason.startswith("remove") for reason in told.values()) == 1
    run(cli, "run", "demo", "--keep-last", "1")
    left = json.loads(cli("checkpoint", "list", "demo", "--format", "json", check=True).stdout)["checkpoints"]
    assert [one["checkpoint_name"] for one in left] == ["first", "second"]


def test_a_dry_run_changes_nothing(cli: Cli, store: Path) -> None:
    for number in range(3):
        put_backup(store, "demo", number)
    before, log = files(store), (store / "state/events/milestone-demo.jsonl").read_bytes()
    found = run(cli, "run", "demo", "--keep-last", "1", "--dry-run")
    assert (found["schema"], found["remove"]) == ("milestone/cleanup-plan/v1", 2)
    assert found == run(cli, "plan", "demo", "--keep-last", "1")
    assert (files(store), (store / "state/events/milestone-demo.jsonl").read_bytes()) == (before, log)


def test_text_names_every_item_with_its_reason(cli: Cli, store: Path) -> None:
    for number in range(2):
        put_backup(store, "demo", number)
    shown = cli("cleanup", "plan", "demo", "--keep-last", "1", check=True).stdout
    assert "older than 7d, beyond last 1" in shown
    assert "the last one" in shown
    assert shown.rstrip().splitlines()[-1].startswith("demo: 2 keep, 1 remove, ")
    shown = cli("cleanup", "run", "demo", "--keep-last", "1", check=True).stdout
    assert shown.count("removed backup") == 1
    assert "demo: 1 removed, 2 kept" in shown


def test_reasons_are_whole_at_eighty_columns(cli: Cli, store: Path, home: Path) -> None:
    for number in range(12):
        put_backup(store, "demo", number)
    put_session(store, "demo", "session-20261121-134251-23761", "active")
    control, terminal = pty.openpty()
    subprocess.run(
        [str(MILESTONE), "cleanup", "plan", "demo"], cwd=store.parent, stdin=subprocess.DEVNULL, stdout=terminal,
        env=clean_environment(home, TERM="xterm", COLUMNS="80", NO_COLOR="1"), timeout=30, check=True,
    )  # fmt: skip
    shown = os.read(control, 65_536).decode().replace("\r\n", "\n")
    os.close(terminal)
    os.close(control)
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("older than 7d, beyond last 10\n") == 2
    assert "younger than 7d\n" in shown.partition("\nevents\n")[2]
    assert "\nsession\n" in shown


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--keep-last", "0", "--older-than", "0"), 2),
        (("--keep-last", "-1"), 2),
        (("--keep-last", "many"), 2),
        (("--older-than", "soon"), 5),
        (("--older-than", "7"), 5),
        (("--older-than", "-7d"), 5),
    ],
)
def test_a_policy_that_keeps_nothing_or_means_nothing_is_refused(
    words: tuple[str, ...], code: int, cli: Cli, store: Path
) -> None:
    put_backup(store, "demo", 1)
    before = files(store)
    for command in ("plan", "run"):
        done = cli("cleanup", command, "demo", *words)
        assert (done.returncode, done.stdout) == (code, "")
    assert files(store) == before


def test_an_unknown_milestone_is_not_found(cli: Cli, store: Path) -> None:
    assert cli("cleanup", "plan", "nobody").returncode == 3


def answered(store: Path, home: Path, answer: str, *words: str) -> tuple[int, str]:
    """Run a clean-up at a terminal and type an answer; exit code and all that was shown."""
    control, terminal = pty.openpty()
    process = subprocess.Popen(
        [str(MILESTONE), "cleanup", *words],
        cwd=store.parent, env=clean_environment(home, TERM="xterm"),
        stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    os.write(control, answer.encode())
    out, _ = process.communicate(timeout=30)
    os.close(terminal)
    os.close(control)
    return process.returncode, out


def test_a_person_is_asked(cli: Cli, store: Path, home: Path) -> None:
    words = ("run", "demo", "--keep-last", "1")
    old = [put_backup(store, "demo", number) for number in range(2)]
    code, shown = answered(store, home, "n\n", *words)
    assert (code, old[0].exists()) == (130, True)
    assert "Remove 1 of 3? [y/N]" in shown
    assert "older than 7d" in shown
    code, shown = answered(store, home, "y\n", *words)
    assert (code, old[0].exists(), old[1].exists()) == (0, False, True)
    put_backup(store, "demo", 0)
    code, shown = answered(store, home, "", *words, "--yes")
    assert (code, old[0].exists()) == (0, False)
    assert "[y/N]" not in shown


def test_a_person_is_asked_before_several_answers_go(cli: Cli, store: Path, home: Path) -> None:
    folder = store / "cache/state_cache/default/hot"

    def damage(*names: str) -> None:
        for name in names:
            cli("cache", "put", name, "an answer", check=True)
            (folder / f"{name}.cache").write_bytes(b"torn")

    def there() -> list[bool]:
        return [(folder / f"{name}.cache").exists() for name in ("a", "b")]

    damage("a", "b")
    code, shown = answered(store, home, "n\n", "cache")
    assert (code, there()) == (130, [True, True])
    assert "Do it? [y/N]" in shown
    assert answered(store, home, "y\n", "cache")[0] == 0
    assert there() == [False, False]
    damage("a", "b")
    code, shown = answered(store, home, "", "cache", "--yes")
    assert (code, there(), "[y/N]" in shown) == (0, [False, False], False)
    damage("a")
    code, shown = answered(store, home, "", "cache")
    assert (code, there(), "[y/N]" in shown) == (0, [False, False], False), "one entry is no question"


def test_a_key_is_done_once(cli: Cli, store: Path) -> None:
    for number in range(3):
        put_backup(store, "demo", number)
    words = ("run", "demo", "--keep-last", "2", "--idempotency-key", "k")
    first = run(cli, *words)
    assert (first["remove"], first["replayed"]) == (1, False)
    late = put_backup(store, "demo", -1)
    again = run(cli, *words)
    assert (again["remove"], again["replayed"], late.exists()) == (0, True, True)
    other = cli("cleanup", "run", "demo", "--keep-last", "1", "--idempotency-key", "k")
    assert (other.returncode, late.exists()) == (4, True)


def test_hundreds_go_at_once(cli: Cli, store: Path) -> None:
    for number in range(450):
        put_backup(store, "demo", number)
    assert run(cli, "run", "demo", "--keep-last", "5")["remove"] == 445
    assert len(list((store / "state/backups").iterdir())) == 5
    cli("events", "verify", "demo", check=True)


def test_a_writer_is_waited_for(cli: Cli, store: Path) -> None:
    old = [put_backup(store, "demo", number) for number in range(2)]
    lock = store / "state/.locks/demo.lock"
    lock.mkdir()
    with subprocess.Popen(["sleep", "60"]) as writer:
        (lock / "pid").write_text(f"{writer.pid}\n")
        (lock / "acquired").write_text(time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime()))
        done = cli("cleanup", "run", "demo", "--keep-last", "1", "--lock-timeout", "0.3")
        writer.kill()
    assert (done.returncode, old[0].exists()) == (7, True), done.stderr
    run(cli, "run", "demo", "--keep-last", "1")
    assert [path.exists() for path in old] == [False, True]


def test_what_a_kept_checkpoint_of_a_session_refers_to_stays_in_the_log(cli: Cli, store: Path) -> None:
    everything = ("demo", "--older-than", "0", "--keep-last", "1")
    cli("state", "save", "demo", '{"n": 1}', check=True)
    cli("session", "create", "demo", "--name", "day", check=True)
    cli("state", "save", "demo", '{"n": 2}', check=True)
    cli("state", "save", "demo", '{"n": 3}', check=True)
    cli("checkpoint", "create", "--session", "day", "--name", "noon", check=True)
    for number in (4, 5, 6):
        cli("state", "save", "demo", f'{{"n": {number}}}', check=True)
    why = {one["reason"] for one in run(cli, "plan", *everything)["items"] if one["kind"] == "events"}
    assert why == {"nothing keeps it", "needed by day/initialization: revision 1"}
    assert run(cli, "run", *everything)["remove"] > 1
    for name, number in (("noon", 3), ("initialization", 1)):
        done = cli("session", "recover", "day", "--from", name, "--force", "--format", "json")
        assert (done.returncode, cli("state", "get", "demo", "n").stdout) == (0, f"{number}\n"), (
            done.stdout + done.stderr
        )
    cli("checkpoint", "delete", "initialization", "--session", "day", check=True)
    run(cli, "run", *everything)
    assert cli("state", "load", "demo", "--revision", "2").returncode == 3
    cli("session", "recover", "day", "--from", "noon", "--force", check=True)
    assert cli("state", "get", "demo", "n").stdout == "3\n"
    cli("events", "verify", "demo", check=True)


def test_what_looks_back_says_that_retention_removed_it(cli: Cli, store: Path) -> None:
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    for number in (1, 2, 3):
        cli("state", "save", "demo", f'{{"n": {number}}}', check=True)
    run(cli, "run", "demo", "--older-than", "0", "--keep-last", "1")
    for words in (("undo", "demo"), ("redo", "demo"), ("diff", "demo"), ("load", "demo", "--revision", "2")):
        done = cli("state", *words)
        assert (done.returncode, "retention removed" in done.stderr) == (3, True), (words, done.stderr)
    assert "retention removed the events of revisions 1 to 3" in cli("state", "history", "demo").stdout
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
    assert cli("state", "load", "demo", "--at", now).stdout == '{"n": 3}'
    assert "had no state yet" in cli("state", "load", "demo", "--at", before).stderr
    cli("state", "save", "demo", '{"n": 4}', check=True)
    assert json.loads(cli("state", "history", "demo", "--format", "json").stdout)["removed_through"] == 3
    cli("state", "undo", "demo", check=True)
    assert "retention removed" in cli("state", "undo", "demo").stderr


def test_copies_are_kept_by_the_calendar_and_by_tags(cli: Cli, store: Path) -> None:
    day = (int(time.time()) - 30 * DAY) // DAY * DAY
    for hours in (1, 2, 25, 26, 27, 49):
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(day - hours * 3600))
        path = store / f"state/backups/demo-{stamp}.json"
        path.write_text(json.dumps({"milestone_id": "demo", "version": "1.0", "state": {"n": hours}}) + "\n")
        age(path, (time.time() - day) / DAY + hours / 24)
    words = ("demo", "--older-than", "0", "--keep-last", "0")
    aged = run(cli, "plan", *words, "--keep-daily", "2")
    assert (aged["keep_daily"], aged["keep_tags"]) == (2, [])
    assert [(one["decision"], one["reason"]) for one in aged["items"] if one["kind"] == "backup"] == [
        ("keep", "daily"), ("remove", "not daily"), ("keep", "daily"), *[("remove", "not daily")] * 3
    ]  # fmt: skip
    cli("state", "save", "demo", "1", check=True)
    for name, tags in (("first", ("release", "v1")), ("second", ("release",)), ("third", ())):
        given = [word for tag in tags for word in ("--tag", tag)]
        cli("checkpoint", "create", "demo", "--name", name, *given, check=True)
    told = reasons(run(cli, "plan", *words, "--keep-tag", "release,v1", "--keep-tag", "other"))
    assert told["first"] == "keep: tagged release,v1"
    assert told["second"].startswith("remove")
    assert told["third"] == "keep: the last good copy"
    shown = json.loads(cli("checkpoint", "show", "demo", "first", "--format", "json").stdout)
    assert shown["tags"] == ["release", "v1"]
    assert cli("checkpoint", "create", "demo", "--tag", "a/b").returncode == 5
    assert run(cli, "plan", *words, "--keep-within", "1d")["keep_within_seconds"] == DAY
    (store / "config.yaml").write_text("keep_weekly: 3\nkeep_within: 2d\n")
    found = run(cli, "plan", *words)
    assert (found["keep_weekly"], found["keep_within_seconds"]) == (3, 2 * DAY)


def put_task(store: Path, name: str, status: str, depends_on: tuple[str, ...] = (), **more: object) -> Path:
    path = store / f"tasks/{name}.json"
    record = {"id": name, "description": "x", "status": status, "depends_on": list(depends_on), **more}
    path.write_text(json.dumps(record))
    return age(path)


def test_what_belongs_to_no_milestone_goes_too_and_what_is_needed_stays(cli: Cli, store: Path) -> None:
    cli("session", "create", "demo", "--name", "live", check=True)
    put_task(store, "done", "completed")
    put_task(store, "of-demo", "failed", milestone_id="demo")
    put_task(store, "of-other", "cancelled", milestone_id="other")
    put_task(store, "needed", "completed")
    put_task(store, "open", "pending", ("needed",))
    age(store / "tasks/open.json")
    (store / "tasks/broken.json").write_text("{")
    age(store / "tasks/broken.json")
    cli("session", "create", "--no-milestone", "--name", "alone", check=True)
    cli("session", "end", "alone", check=True)
    cli("session", "create", "--no-milestone", "--name", "lost", check=True)
    cli("session", "use", "live", check=True)
    (store / "state/sessions/lost.json").unlink()  # as the bash utilities remove a record, and nothing beside it
    for path in [*(store / "state/sessions").rglob("*"), *(store / "transactions/committed").iterdir()]:
        age(path)
    record = json.loads((store / "state/sessions/alone.json").read_text())
    (store / "state/sessions/alone.json").write_text(json.dumps({**record, "ended_at": OLD_TIME}))
    age(store / "state/sessions/alone.json")
    told = reasons(run(cli, "plan", "demo"))
    assert told["open"] == "keep: it is not over"
    assert told["needed"] == "keep: the task open depends on it"
    assert told["broken"] == "keep: cannot be read: it is damaged"
    assert "of-other" not in told
    done = run(cli, "run", "demo")
    assert {one["name"] for one in done["removed"]} >= {"done", "of-demo", "alone", "lost"}
    assert {one["name"] for one in done["removed"]}.isdisjoint({"needed", "open", "broken", "of-other", "live"})
    assert not (store / "state/sessions/lost/session.yaml").exists()
    assert not (store / "state/sessions/alone/session.yaml").exists()
    assert (store / "state/sessions/live/session.yaml").exists()
    assert [path.stem for path in sorted((store / "tasks").iterdir())] == ["broken", "needed", "of-other", "open"]
    assert run(cli, "plan", "demo")["remove"] == 0


def test_what_would_be_removed_is_put_away_where_that_is_asked_for(cli: Cli, store: Path) -> None:
    put_task(store, "done", "completed")
    put_task(store, "lost", "failed", milestone_id="demo")
    put_task(store, "open", "pending")
    put_session(store, "demo", "over")
    backups = [put_backup(store, "demo", number) for number in range(3)]
    before = {path.name: path.read_bytes() for path in [*backups, store / "tasks/done.json", store / "tasks/lost.json"]}
    words = ("demo", "--keep-last", "1", "--archive")
    told = run(cli, "plan", *words)
    assert (told["archive"], told["remove"]) == (2, 3), "a milestone that is at work has its copies removed"
    assert reasons(told)["done"] == "archive: older than 7d"
    cli("state", "save", "demo", "{}", check=True)
    cli("state", "complete", "demo", check=True)
    done = run(cli, "run", *words, "--idempotency-key", "once")
    gone = [one for one in backups if not one.exists()]
    assert len(gone) > 1
    assert {one["name"] for one in done["archived"]} == {"done", "lost", *[one.stem[5:] for one in gone]}
    assert [one["name"] for one in done["removed"]] == ["over"]
    assert run(cli, "run", *words, "--idempotency-key", "once")["replayed"]
    assert run(cli, "plan", *words)["archive"] == 0
    away = json.loads(cli("archive", "list", "--format", "json", check=True).stdout)["items"]
    assert [(one["name"], one["documents"], one["trouble"]) for one in away] == [
        ("done", 1, None), ("lost", 1, None), ("demo", len(gone), None),
    ]  # fmt: skip
    late = age(put_backup(store, "demo", -9999), 40)
    assert reasons(run(cli, "plan", *words))[late.stem[5:]].startswith("keep: copies of it are archived already")
    late.unlink()
    for name in ("done", "lost", "demo"):
        cli("archive", "restore", name, check=True)
    assert all((store / ("tasks" if name[:4] != "demo" else "state/backups") / name).read_bytes() == raw
               for name, raw in before.items())  # fmt: skip


def test_without_any_milestone_what_belongs_to_none_is_cleaned(cli: Cli) -> None:
    cli("init", check=True)
    cli("task", "create", "t", "do it", check=True)
    cli("task", "cancel", "t", check=True)
    found = run(cli, "run", "--older-than", "0", "--keep-last", "1")
    assert found["milestone_id"] is None
    assert "t" in {one["name"] for one in found["removed"]}
    assert json.loads(cli("task", "list", "--format", "json", check=True).stdout)["tasks"] == []


def test_the_newest_sound_checkpoint_of_a_session_is_its_last_good_copy(cli: Cli, store: Path) -> None:
    cli("session", "create", "demo", "--name", "day", "--backup-retention", "0", check=True)
    cli("checkpoint", "create", "--session", "day", "--name", "good", check=True)
    cli("checkpoint", "create", "--session", "day", "--name", "zlast", check=True)
    (store / "state/sessions/day/checkpoints/zlast/checkpoint.yaml").write_text("{")
    told = reasons(run(cli, "plan", "demo", "--older-than", "0", "--keep-last", "1"))
    assert told["day/good"] == "keep: the newest of a session that has not ended"
    assert told["day/initialization"].startswith("remove")
    run(cli, "run", "demo", "--older-than", "0", "--keep-last", "1")
    cli("session", "recover", "day", "--from", "good", "--force", check=True)


def test_the_cache_is_told_and_kept_up_with_the_rest(cli: Cli, store: Path, tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    cli("cache", "put", "stays", "1", "--ttl", "1d", env=env, check=True)
    cli("cache", "put", "goes", "2", "--ttl", "50ms", env=env, check=True)
    time.sleep(0.1)
    words = ("cleanup", "run", "demo", "--format", "json")
    planned = json.loads(cli(*words, "--dry-run", env=env, check=True).stdout)
    told = {one["kind"]: one["reason"] for one in planned["items"] if "cache" in one["kind"]}
    assert told == {
        "cache": "1 entry within the bounds of the cache",
        "cache entries": "over, by the cache's own clock",
    }
    done = json.loads(cli(*words, env=env, check=True).stdout)
    assert [one["name"] for one in done["removed"] if one["kind"] == "cache entries"] == ["default: 1"]
    again = json.loads(cli(*words, "--dry-run", env=env, check=True).stdout)
    assert [one["decision"] for one in again["items"] if "cache" in one["kind"]] == ["keep"]
    assert cli("cache", "get", "stays", env=env, check=True).stdout.strip() == "1"
    assert (store / "state/events/milestone-demo.jsonl").exists()


def test_logs_that_are_no_milestones_lose_what_is_old_too(cli: Cli) -> None:
    everything = ("--older-than", "0", "--keep-last", "1")
    cli("init", check=True)
    for name in ("a", "b", "c", "d"):
        cli("task", "create", name, "x" * 4096, check=True)
    for name in ("alone", "short"):
        cli("session", "create", "--name", name, check=True)
        cli("session", "progress", name, "40", check=True)
    cli("session", "record", "alone", "--request", "y" * 20_000, check=True)
    told = reasons(run(cli, "plan", *everything))
    assert told["no-session/1-4"] == told["alone/1-4"] == "remove: nothing keeps it"
    assert told["short/1-3"].startswith("keep: too short")
    done = run(cli, "run", *everything)
    gone = [(one["kind"], one["name"]) for one in done["removed"]]
    assert {("session events", "no-session/1-4"), ("session events", "alone/1-4")} <= set(gone)
    left = json.loads(cli("events", "query", "--session", "alone", "--format", "json", check=True).stdout)["events"]
    assert [(one["sequence_number"], one["event_type"]) for one in left] == [(5, "events_removed")]
    assert (left[0]["data"]["first"], left[0]["data"]["last"]) == (1, 4)
    shown = json.loads(cli("session", "show", "alone", "--format", "json", check=True).stdout)
    assert shown["progress"] == 40, "what it said last is known all the same"
    cli("session", "record", "alone", "--request", "z", check=True)
    cli("session", "delete", "alone", "--yes", "--force", check=True)
    proof = json.loads(cli("events", "verify", "--all", "--format", "json", check=True).stdout)["milestones"]
    codes = {one["session_id"]: [finding["code"] for finding in one["findings"]] for one in proof}
    assert codes == {"alone": ["events_removed"], "no-session": ["events_removed"], "short": []}
    assert [one["kind"] for one in run(cli, "plan", *everything)["items"]].count("session events") >= 3
    assert not [one for one in run(cli, "run", *everything)["removed"] if one["kind"] == "session events"]


def test_what_a_session_said_of_its_progress_outlives_the_event(cli: Cli, store: Path) -> None:
    cli("session", "create", "demo", "--name", "day", check=True)
    cli("session", "progress", "day", "40", "--operation", "parsing", check=True)
    run(cli, "run", "demo", "--older-than", "0", "--keep-last", "1")
    cli("session", "set", "day", "n=1", check=True)
    listed = json.loads(cli("transaction", "list", "--format", "json", check=True).stdout)["transactions"]
    done = next(one["transaction_id"] for one in listed if one["operation"] == "cleanup")
    cli("transaction", "rollback", done, "--yes", check=True)
    found = json.loads(cli("session", "show", "day", "--format", "json", check=True).stdout)
    assert (found["progress"], found["operation"]) == (40, "parsing"), "taking the clean-up back does not forget it"
