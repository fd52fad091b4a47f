"""The live view: what it shows in which room, that it wakes by changes, and that the terminal comes back as it was."""

import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import MILESTONE, Cli, clean_environment
from test_schemas import validated

from milestone_cli.render.screen import BEGIN, END, ENTER, LEAVE
from milestone_cli.render.table import ENDLESS, columns
from milestone_cli.render.watch import lines

SLOW = 40.0  # seconds until something that takes half a second must have come on a busy machine
STATE = {"goal": "Ship it.", "next": ["write tests", "run them"], "done": ["a", "b", "c", "d"], "blockers": ["no disk"]}


@pytest.fixture
def scene(store: Path, cli: Cli) -> Path:
    """Two milestones, a session, an agent, a lock, a failure."""
    cli("init", "other", check=True)
    cli("state", "save", "demo", json.dumps(STATE), check=True)
    cli("session", "create", "demo", "--name", "porting", check=True)
    cli("session", "progress", "40", "--operation", "port it", check=True)
    cli("agent", "register", "builder", "--type", "coder", "--state", '{"current_operation":"cargo build"}', check=True)
    cli("lock", "acquire", "demo", check=True)
    cli("events", "log", "other", "tests_failed", '{"suite":"unit"}', check=True)
    return store


def test_in_a_pipe_it_is_one_snapshot(scene: Path, cli: Cli) -> None:
    found = validated(cli("watch", "--format", "json", check=True).stdout)
    assert [one["milestone_id"] for one in found["milestones"]] == ["other", "demo"]
    assert (found["milestone_id"], found["said"], found["next"]) == (None, {}, None)
    assert [[one[name] for name in ("session_id", "status", "progress", "operation")] for one in found["sessions"]] == [
        ["porting", "active", 40, "port it"]
    ]
    assert [(one["agent_id"], one["state"]) for one in found["agents"]] == [
        ("builder", {"current_operation": "cargo build"})
    ]
    assert [one["name"] for one in found["locks"]] == ["demo"]
    stamps = [event["timestamp"] for event in found["last_events"]]
    assert stamps == sorted(stamps)
    assert found["last_events"][-1]["event_type"] == "tests_failed"
    shown = cli("watch", check=True).stdout
    for word in ("porting", "builder", "cargo build", "demo", "other", "tests_failed", "suite unit", found["store"]):
        assert word in shown
    one = validated(cli("watch", "demo", "--format", "json", check=True).stdout)
    status = json.loads(cli("status", "demo", "--format", "json", check=True).stdout)
    assert (one["said"], one["next"]) == (status["said"], status["next"])
    assert [event["event_id"] for event in one["last_events"]][-8:] == [
        event["event_id"] for event in status["last_events"]
    ]
    shown = cli("watch", "demo", check=True).stdout
    assert "Ship it." in shown
    assert "tests_failed" not in shown
    assert [cli("watch", "nobody").returncode, cli("watch", "../x").returncode] == [3, 5]
    assert cli("watch", "--interval", "0").returncode == 2
    assert "schema" in cli("watch", "--format", "yaml", check=True).stdout


# what fits


def facts(count: int, word: str) -> dict[str, Any]:
    """A store with so many of everything."""
    stamp = "2026-11-21T12:00:00.000000Z"
    return {
        "at": stamp,
        "store": f"/home/{word}/.milestones",
        "milestone_id": None,
        "session_id": None,
        "said": {"goal": word * 9, "done": [word] * 9, "blockers": [word], "progress": 0.5} if count else {},
        "next": {"text": word, "command": None} if count else None,
        "milestones": [
            {"milestone_id": f"m{n}{word}", "revision": n, "events": n, "state": "good", "updated_at": stamp}
            for n in range(count)
        ],
        "sessions": [
            {"session_id": word, "status": "orphaned", "current": False, "created_at": None, "milestone_id": None,
             "progress": 12.5, "operation": word * 20}
            for _ in range(count)
        ],
        "agents": [
            {"agent_id": word, "health": "stale", "silent_seconds": 90.0, "type": word, "milestone_id": word,
             "state": {"n": word}}
            for _ in range(count)
        ],
        "fallen": [
            {"agent_id": word, "type": word, "reason": word, "ended_at": stamp} for _ in range(count)
        ],
        "syncs": [
            {"sync_id": word, "status": "failed", "participants": [word], "answered": [], "missing": [word],
             "reason": word, "lost": {}}
            for _ in range(count)
        ],
        "locks": [
            {"name": word, "state": "live", "age_seconds": 3, "pid": 7, "waiters": [{}], "command": word}
            for _ in range(count)
        ],
        "last_events": [
            {"timestamp": stamp, "event_type": "tool_failed", "agent_id": word, "data": {"tool": word}}
            for _ in range(count * 20)
        ],
    }  # fmt: skip


@pytest.mark.parametrize("word", ["word", "\x1b[31mred\x1b[0m\n", "\u4e16\u754c" * 9, "\u202eevil\x07"])
def test_every_screen_is_filled_and_none_is_left(word: str) -> None:
    for count in (0, 3, 40):
        found = facts(count, word)
        for width in (20, 80, 140):
            for height in (3, 12, 24, 61):
                shown = lines(found, width, height, "" if height % 2 else "the store is gone " * 9)
                assert all(line.isprintable() for line in shown)
                if height > 11:
                    assert len(shown) <= height, (count, width, height)
                    assert count < 40 or len(shown) == height
                    assert not count or "LAST EVENTS" in "\n".join(shown) or width < 41
                if width >= 80:
                    assert max(columns(line) for line in shown) <= width, (count, width, height)
        whole = "\n".join(lines(found, ENDLESS, ENDLESS))
        assert whole.count("tool_failed") == 20 * count
        assert "more" not in whole or count > 3


# at a terminal


class Terminal:
    """A watch at a terminal of some size, what it wrote, and the frames among that."""

    def __init__(self, store: Path, home: Path, *words: str, size: tuple[int, int] = (80, 24)) -> None:
        self.control, self.terminal = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(self.terminal)
        self.raw = ""
        self.process = subprocess.Popen(
            [str(MILESTONE), "watch", "--interval", "0.1", *words], stdin=self.terminal, stdout=self.terminal,
            stderr=self.terminal, cwd=store.parent, start_new_session=True,
            env=clean_environment(home, TERM="xterm-256color"),
        )  # fmt: skip
        os.set_blocking(self.control, False)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def read(self) -> str:
        try:
            while data := os.read(self.control, 1 << 16):
                self.raw += data.decode("utf-8", "replace")
        except BlockingIOError:
            pass
        return self.raw

    def frame(self) -> str:
        """What was drawn last, whole."""
        return self.read().rpartition(END)[0].rpartition(BEGIN)[2]

    def until(self, holds: Callable[[str], object]) -> str:
        """Wait for a frame of which something holds."""
        began = time.monotonic()
        while not holds(frame := self.frame()):
            assert time.monotonic() - began < SLOW, self.raw[-3000:]
            assert self.process.poll() is None, self.raw[-3000:]
            time.sleep(0.05)
        return frame

    def ended(self) -> int:
        """The exit code; the terminal must be as it was."""
        code = self.process.wait(SLOW)
        raw = self.read()
        assert raw.startswith(ENTER)
        assert raw.endswith(LEAVE)
        assert raw.count(ENTER) == raw.count(LEAVE)
        assert termios.tcgetattr(self.terminal) == self.before
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.terminal)
        os.close(self.control)


@pytest.fixture
def terminal(scene: Path, home: Path) -> Iterator[Terminal]:
    found = Terminal(scene, home)
    yield found
    found.close()


def test_it_shows_what_changes_fits_a_new_size_and_ends_by_a_key(terminal: Terminal, cli: Cli) -> None:
    frame = terminal.until(lambda shown: "builder" in shown)
    assert "q quits" in frame
    assert not termios.tcgetattr(terminal.terminal)[3] & (termios.ECHO | termios.ICANON)
    drawn = terminal.raw.count(BEGIN)
    time.sleep(1)
    terminal.read()
    assert terminal.raw.count(BEGIN) <= drawn + 2, "nothing changes, so nothing is drawn but ages"
    cli("events", "log", "demo", "just_now", '{"word":"seen"}', check=True)
    terminal.until(lambda shown: "just_now" in shown and "word seen" in shown and "40 %" in shown)
    cli("session", "progress", "60", check=True)
    terminal.until(lambda shown: "60 %" in shown and "port it" in shown)
    terminal.resize(140, 45)
    frame = terminal.until(lambda shown: shown.count("\r\n") == 44 or "state_initialized" in shown)
    assert max(len(line.replace("\x1b[K", "")) for line in frame.split("\r\n")) > 80
    os.write(terminal.control, b"xq")
    assert terminal.ended() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGHUP, -1)])
def test_signals_give_the_terminal_back(number: int, code: int, terminal: Terminal) -> None:
    terminal.until(lambda shown: "builder" in shown)
    if number == signal.SIGTERM:  # nobody would go on with it here, so the system does not stop it
        os.kill(terminal.process.pid, signal.SIGTSTP)
        began = time.monotonic()
        while terminal.read().count(ENTER) < 2:
            assert time.monotonic() - began < SLOW
            time.sleep(0.02)
        terminal.until(lambda shown: "builder" in shown)
    os.kill(terminal.process.pid, number)
    assert terminal.ended() == code


def test_a_store_that_goes_and_comes_back(terminal: Terminal, scene: Path, cli: Cli) -> None:
    terminal.until(lambda shown: "builder" in shown)
    away = scene.with_name("away")
    scene.rename(away)
    terminal.until(lambda shown: "as of" in shown)
    assert "builder" in terminal.frame()
    away.rename(scene)
    cli("events", "log", "demo", "back_again", check=True)
    terminal.until(lambda shown: "as of" not in shown and "back_again" in shown)
    os.write(terminal.control, b"q")
    assert terminal.ended() == 0


@pytest.mark.slow
def test_in_tmux(scene: Path, home: Path, cli: Cli, tmp_path: Path) -> None:
    """A real terminal, with what stood on it before."""
    if shutil.which("tmux") is None:
        pytest.skip("impossible here: there is no tmux")
    socket = str(tmp_path / "tmux")

    def tmux(*words: str) -> str:
        done = subprocess.run(["tmux", "-S", socket, "-f", "/dev/null", *words], capture_output=True, text=True,
                              check=True, env=clean_environment(home), cwd=scene.parent)  # fmt: skip
        return done.stdout

    def until(word: str) -> str:
        began = time.monotonic()
        while word not in (shown := tmux("capture-pane", "-p")):
            assert time.monotonic() - began < SLOW, shown
            time.sleep(0.1)
        return shown

    tmux("new-session", "-d", "-x", "80", "-y", "24", "bash --norc")
    try:
        tmux("send-keys", f"echo before; {MILESTONE} watch; echo code=$?", "Enter")
        assert max(map(len, until("builder").split("\n"))) <= 80
        for width, height in ((140, 40), (60, 15), (80, 24)):
            tmux("resize-window", "-x", str(width), "-y", str(height))
            cli("events", "log", "demo", f"at_{width}", check=True)
            until(f"at_{width}")
        tmux("send-keys", "C-z")
        assert "before" in until("Stopped")
        tmux("send-keys", "fg", "Enter")
        until("q quits")
        tmux("send-keys", "C-c")
        until("before")
        tmux("send-keys", f"{MILESTONE} watch; echo code=$?", "Enter")
        until("q quits")
        tmux("send-keys", "q")
        assert "before" in until("code=0")
    finally:
        tmux("kill-server")
