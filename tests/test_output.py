"""What people see: tables and status that fit the terminal, whole in a pipe, harmless everywhere."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from conftest import MILESTONE, Cli, clean_environment
from prepared import COMMANDS

from milestone_cli import runtime
from milestone_cli.render import ages
from milestone_cli.render.table import RED, columns, fit, table

SGR = re.compile(r"\x1b\[[0-9;]*m")
HOSTILE = "\x1b[31mred\x1b]0;title\x07 \u009b2J \u202eevil \u200f\u061c\u2028\x7f\nforged"
WIDE = "漢字プロジェクト 👩‍💻🇩🇪 e\u0301te\u0301"
LISTS = [
    ["status", "demo"],
    ["status"],
    ["state", "list"],
    ["session", "list"],
    ["checkpoint", "list", "demo"],
    ["cleanup", "plan", "demo"],
    ["events", "timeline", "demo"],
    ["events", "timeline", "--all"],
    ["events", "query", "demo"],
    ["state", "history", "demo"],
    ["config", "show"],
]
IDS = [" ".join(words) for words in LISTS]


class Screen(Protocol):
    """Runs the command at a terminal of a width, and hands back what it wrote."""

    def __call__(self, *args: str, width: int = 80, height: int = 24, **env: str) -> str: ...


@pytest.fixture
def screen(tmp_path: Path, home: Path) -> Screen:
    def run(*args: str, width: int = 80, height: int = 24, **env: str) -> str:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        environment = clean_environment(home, **{"TERM": "xterm-256color", **env})
        process = subprocess.Popen(
            [str(MILESTONE), *args], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=environment, cwd=tmp_path
        )
        os.close(theirs)
        shown = b"".join(until_closed(ours))
        assert process.communicate(timeout=60)[1] == b""
        return shown.decode().replace("\r\n", "\n")

    return run


def until_closed(fd: int) -> Iterator[bytes]:
    """What a terminal gets, until its last writer leaves; Linux tells that by an error."""
    try:
        while block := os.read(fd, 65536):
            yield block
    except OSError:
        pass
    finally:
        os.close(fd)


@pytest.fixture
def busy(tmp_path: Path, cli: Cli) -> Path:
    """A store in which much has happened, some of it hostile and some of it wide."""
    state = {"goal": WIDE * 6, "next": HOSTILE, "step": 3, "blockers": [], "done": ["a" * 300, HOSTILE], "other": {}}
    cli("init", "demo", check=True)
    cli("init", "second-" + "x" * 100, check=True)
    cli("state", "save", "demo", "-", input=json.dumps(state), check=True)
    data = json.dumps({"text": HOSTILE, "name": WIDE * 9})
    cli("events", "log", "demo", "tests_failed", data, "--agent", "builder", check=True)
    cli("checkpoint", "create", "demo", "--name", "n" * 60, "--reason", WIDE + " " + "why " * 40, check=True)
    cli("state", "set", "demo", "step=4", check=True)
    session = {
        "session_id": "session-1",
        "milestone_id": "demo",
        "status": "active",
        "created_at": "2026-11-21T12:00:00Z",
        "user": HOSTILE,
        "git_branch": WIDE * 5,
        "working_directory": HOSTILE,
        "pid": 1,
    }
    (tmp_path / ".milestones/state/sessions/session-1.json").write_text(json.dumps(session))
    log = tmp_path / ".milestones/state/events/milestone-demo.jsonl"
    old = {"timestamp": "2020-01-01T00:00:00Z", "milestone_id": "demo", "event": HOSTILE, "agent_id": HOSTILE}
    log.write_text(json.dumps({**old, "session_id": HOSTILE}) + "\n" + log.read_text())
    (tmp_path / ".milestones/state/events/milestone-demo.head").unlink()
    return tmp_path


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("words", LISTS, ids=IDS)
def test_a_terminal_shows_harmless_lines_that_fit(words: list[str], screen: Screen) -> None:
    for width in (80, 140):
        shown = screen(*words, width=width)
        assert SGR.search(shown), "coloured"
        plain = SGR.sub("", shown)
        assert not [char for char in plain if char != "\n" and not char.isprintable() and char != "\u200d"], repr(plain)
        assert max(columns(line) for line in plain.split("\n")) <= width
        assert not any(line.startswith("forged") for line in plain.split("\n"))


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("words", LISTS, ids=IDS)
def test_colour_is_left_out_when_it_is_not_wanted(words: list[str], screen: Screen, cli: Cli) -> None:
    assert "\x1b" not in screen(*words, NO_COLOR="1")
    assert "\x1b" not in screen("--no-color", *words)
    assert "\x1b" not in screen(*words, TERM="dumb")
    assert "\x1b" not in cli(*words, check=True).stdout


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("words", LISTS, ids=IDS)
def test_a_pipe_is_never_cut(words: list[str], cli: Cli) -> None:
    shown = cli(*words, env={"COLUMNS": "20"}, check=True).stdout
    assert "…" not in shown
    assert " ago" not in shown
    if words != ["config", "show"]:
        assert re.search(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", shown)
    coloured = cli(*words, env={"FORCE_COLOR": "1"}, check=True).stdout
    assert "\x1b[" in coloured
    assert "…" not in coloured


@pytest.mark.usefixtures("busy")
def test_a_status_keeps_to_one_screen_and_its_last_line_says_what_is_next(screen: Screen, cli: Cli) -> None:
    long = {word: [f"{word} {n}" for n in range(9)] for word in ("done", "todo", "blockers")}
    words = dict.fromkeys(("goal", "status", "phase", "step", "progress", "doing"), "x" * 100)
    cli("state", "save", "demo", json.dumps({**words, **long}), check=True)
    for _ in range(4):
        cli("session", "create", "demo", check=True)
    for height, told in ((24, "done 8, done 7"), (60, "and 4 before")):
        lines = SGR.sub("", screen("status", "demo", height=height)).rstrip("\n").split("\n")
        assert len(lines) <= height - 2  # the prompt, and the line that was typed
        assert lines[0].startswith("demo  state good")
        assert lines[-1].split() == ["next", "clear", "the", "blockers"]
        assert any(told in line for line in lines)
        assert sum("session_created" in line for line in lines) >= 3


@pytest.mark.usefixtures("busy")
def test_names_that_are_typed_again_are_whole_at_eighty_columns(screen: Screen, cli: Cli) -> None:
    name = cli("session", "create", "demo", check=True).stdout.strip()
    assert name in SGR.sub("", screen("session", "list"))
    assert "demo-with-a-name-of-36-characters-in-" in cli("init", "demo-with-a-name-of-36-characters-in-it").stdout
    shown = SGR.sub("", screen("state", "list", width=100))
    assert "demo-with-a-name-of-36-characters-in-it" in shown
    shown = SGR.sub("", screen("session", "list", width=140))
    assert "PID" in shown
    assert "BRANCH" in shown


@pytest.mark.usefixtures("busy")
def test_a_lock_tells_the_command_as_it_was_typed(screen: Screen, home: Path, tmp_path: Path) -> None:
    script = "echo held; read line"
    holder = subprocess.Popen(
        [str(MILESTONE), "lock", "run", "demo", "--", "sh", "-c", script, "\x1b[31m\u202ehostile"],
        cwd=tmp_path, env=clean_environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    for width, told in ((80, "milestone lock"), (140, f"milestone lock run demo -- sh -c {script} \\x1b[31m\\u202eh")):
        shown = SGR.sub("", screen("lock", "list", width=width))
        assert max(columns(line) for line in shown.split("\n")) <= width
        assert told in shown
    holder.communicate(b"\n", timeout=30)


def test_cells_stand_below_each_other_by_what_a_terminal_shows() -> None:
    rows = [["漢字", "1"], ["e\u0301te\u0301", "22"], ["👩‍💻", "-"], ["\u1112\u1161\u11ab", "333"], ["ab\x1b", "4"]]
    lines = table(rows, ["NAME", "N"], width=80).split("\n")
    assert {columns(line) for line in lines} == {11}
    assert all(line.endswith(end) for line, end in zip(lines, ["N", "1", "22", "-", "333", "4"], strict=True))


def test_too_wide_a_table_keeps_names_and_numbers() -> None:
    lines = table([["n" * 30, "1" * 10, "why " * 30]], ["NAME", "N", "REASON"], align="=><", width=62).split("\n")
    assert lines[1].startswith("n" * 30 + "  " + "1" * 10 + "  why why why")
    assert lines[1].endswith("…")
    assert columns(lines[1]) <= 62
    assert columns(table([["x" * 90, "1" * 10]], ["A", "N"], width=40).split("\n")[1]) == 40


@pytest.mark.parametrize(
    ("text", "width", "wanted"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("漢字漢字", 5, "漢字…"), ("漢字漢字", 4, "漢…"), ("", 0, ""),
     ("ab", 1, "…"), ("e\u0301" * 5, 3, "e\u0301" * 2 + "…"), ("a b c", 3, "a…")],
)  # fmt: skip
def test_what_is_cut_says_so(text: str, width: int, wanted: str) -> None:
    assert fit(text, width) == wanted


def test_an_empty_table_is_its_head() -> None:
    assert table([], ["A", "B"]) == "A  B"
    assert table([], []) == ""


def test_styles_are_for_colour_only(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[("bad", RED), "x"]]
    assert table(rows, [], width=80) == "bad  x"
    monkeypatch.setattr(runtime, "env", {"FORCE_COLOR": "1"}.get)
    assert table(rows, [], width=80) == "\x1b[31mbad\x1b[0m  x"


def test_ages_and_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "now_ns", lambda: 1_795_262_400_000_000_000)  # 2026-11-21T12:00:00Z
    times = ["2026-11-21T12:00:00Z", "2026-11-21T11:59:20Z", "2026-11-21T11:57:00.5Z", "2026-11-20T12:00:00Z",
             "2024-11-20T12:00:00Z", "2026-11-21T13:00:00Z", "odd"]  # fmt: skip
    shown = ["just now", "40s ago", "2m ago", "1d ago", "2y ago", "in 1h", "odd"]
    assert [ages.ago(time) for time in times] == shown
    assert [ages.when(time) for time in times] == times
    assert [ages.span(s * 10**9) for s in (0, 40, 60, 11_520, 90_000)] == ["0 s", "40 s", "1 m", "3 h 12 m", "1 d 1 h"]
    monkeypatch.setattr(runtime, "is_terminal", lambda stream: True)
    assert [ages.size(n) for n in (0, 999, 1000, 99_900, 999_600, 10**12, None)] == [
        "0 B", "999 B", "1.0 KB", "100 KB", "1.0 MB", "1000 GB", "-"]  # fmt: skip


def test_status_tells_what_the_state_says_and_what_is_next(cli: Cli, store: Path) -> None:
    assert "milestone state save demo" in cli("status", check=True).stdout
    cli("state", "save", "demo", '{"goal":"ship it","next":"write the tests","step":1,"big":[1]}', check=True)
    shown = cli("status", check=True).stdout
    assert re.search(r"^  goal +ship it$", shown, re.MULTILINE)
    assert shown.splitlines()[-1].split(None, 1) == ["next", "write the tests"]
    cli("state", "set", "demo", 'blockers=["no key"]', check=True)
    assert "clear the blockers" in cli("status", check=True).stdout
    cli("state", "save", "demo", "{}", check=True)
    assert "milestone checkpoint create demo" in cli("status", check=True).stdout
    cli("checkpoint", "create", "demo", "--name", "here", check=True)
    assert re.search(r"^  checkpoint +here, 20", cli("status", check=True).stdout, re.MULTILINE)
    state = store / "state/active/demo.json"
    state.write_text('{"timestamp":"2026-11-21T12:00:00Z","milestone_id":"demo","version":"1.0","state":{"a":1}}')
    assert "changed outside" in cli("status", check=True).stdout
    state.write_text("{")
    shown = cli("status", check=True).stdout
    assert "state DAMAGED" in shown
    assert "milestone state recover demo" in shown


def test_every_command_that_status_recommends_is_one() -> None:
    """The hints name commands; each must at least be known."""
    source = Path(sys.modules["milestone_cli"].__file__ or "").parent / "core/standing/status.py"
    commands = set(re.findall(r"milestone ([a-z]+ [a-z]+) \{name\}", source.read_text(encoding="utf-8")))
    assert len(commands) >= 6
    assert commands <= set(COMMANDS)


def test_status_of_many_is_an_overview(cli: Cli, store: Path) -> None:
    cli("init", "other", check=True)
    shown = cli("status", check=True).stdout
    assert shown.splitlines()[0].split() == ["MILESTONE", "REVISION", "EVENTS", "BYTES", "UPDATED", "STATE"]
    assert [line.split()[0] for line in shown.splitlines()[1:3]] == ["demo", "other"]
    (store / "state/active/other.json").write_text("{")
    shown = cli("status", check=True).stdout
    assert "DAMAGED" in shown
    assert "milestone status other" in shown


def test_a_timeline_at_a_terminal_has_days_sessions_and_gaps(tmp_path: Path, screen: Screen, cli: Cli) -> None:
    cli("init", check=True)
    rows = [("2026-11-18T22:01:02Z", "a", "no-session"), ("2026-11-19T08:15:00Z", "b", "s-1"),
            ("2026-11-19T08:16:00Z", "build_failed", "s-1"), ("2026-11-19T11:28:00Z", "c", "no-session")]  # fmt: skip
    lines = [
        json.dumps({"timestamp": time, "milestone_id": "old", "session_id": session, "event_type": type_, "data": {}})
        for time, type_, session in rows
    ]
    log = tmp_path / ".milestones/state/events/milestone-old.jsonl"
    log.write_text("\n".join(lines) + "\n")
    assert [line.rstrip() for line in SGR.sub("", screen("events", "timeline", "old")).split("\n")] == [
        "Timeline of old  times in UTC",
        "  ▃" + " " * 58 + "▅" + " " * 17 + "▃",
        "  2026-11-18 22:01" + " " * 46 + "2026-11-19 11:28",
        "  4 events · 1 failure · 1 session",
        "",
        "2026-11-18  Wednesday",
        "   22:01:02  a",
        "             · 10 h 13 m ·",
        "",
        "2026-11-19  Thursday",
        "┌ session s-1",
        "│  08:15:00  b",
        "│✗ 08:16:00  build_failed",
        "             · 3 h 12 m ·",
        "   11:28:00  c",
        "",
    ]


@pytest.mark.parametrize("words", LISTS, ids=IDS)
def test_plain_output_needs_nothing_heavy(words: list[str], busy: Path, home: Path) -> None:
    script = (
        "import sys, milestone_cli.__main__ as m\n"
        f"m.main({words!r})\n"
        "print([n for n in ('typer', 'rich', 'json', 'datetime', 'dataclasses') if n in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        capture_output=True,
        text=True,
        cwd=busy,
        check=True,
        timeout=60,
        env=clean_environment(home, PYTHONPATH=os.pathsep.join(sys.path)),
    )
    assert done.stderr.splitlines()[-1] == "[]"
