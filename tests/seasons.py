"""A life in one store by a clock that is set forward: days of sessions, agents, tasks, kills, clean-ups, migrations.

Every command is the installed one, under libfaketime with an offset of so many days. What the kernel notes of a file
is set to the played time after each command, so that the store looks as it would have looked by then.
"""

import json
import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import played_clock
from bash_utilities import STAND_IN, STAND_IN_NAMES, BashUtilities
from conftest import MILESTONE, clean_environment

DAY = 86_400.0
KINDS = ("set", "batch", "checkpoint", "task", "clean-up", "save")
"""What is begun and then killed."""


class Life:
    """One user's store, his clock, and what he knows to be acknowledged."""

    def __init__(self, place: Path, home: Path, seed: int) -> None:
        self.place = place
        self.home = home
        self.rng = random.Random(seed)
        self.day = 0
        self.offset = 0.0
        self.known: dict[str, list[int]] = {"step": [0]}
        """Of each key of the milestone `alpha` what it may be: one value, or two after a kill."""
        self.sessions: list[str] = []
        self.sizes: list[tuple[int, int]] = []
        """After each day's clean-up: bytes and files of the store."""
        self.commands = self.kills = 0

    @property
    def store(self) -> Path:
        return self.place / ".milestones"

    def environment(self, **more: str) -> dict[str, str]:
        """This user's, at the present moment of his clock."""
        faked = {**played_clock.environment(f"+{self.offset:.0f}s"), "NO_FAKE_STAT": "1"}
        return clean_environment(self.home, **(faked if self.offset else {}), **more)

    def run(self, *words: str, given: str = "", allowed: tuple[int, ...] = (0,), **env: str) -> str:
        """Run a command to its end, which must be one of those allowed; what it printed."""
        done = played_clock.run([str(MILESTONE), *words], given=given, cwd=self.place, env=self.environment(**env))
        self.commands += 1
        assert done.returncode in allowed, f"day {self.day}: {words} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        self._age()
        return done.stdout.strip()

    def json(self, *words: str, allowed: tuple[int, ...] = (0,)) -> Any:
        return json.loads(self.run(*words, "--format", "json", allowed=allowed))

    def milestones(self) -> list[str]:
        """All there are, the completed ones too."""
        listed = self.json("state", "list")["milestones"]
        return [one["milestone_id"] for one in listed]

    def _age(self) -> None:
        """Give what was written just now the time that it has by the played clock."""
        if not self.offset:
            return
        present = time.time() + DAY / 2
        folders = [str(self.store)]
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif (written := entry.stat(follow_symlinks=False).st_mtime) < present and entry.is_file():
                        moment = written + self.offset
                        if moment > present:
                            os.utime(entry.path, (moment, moment))

    def begin(self) -> None:
        """A store that the bash utilities made, with a milestone that they saved: format 0."""
        bash = BashUtilities(STAND_IN, STAND_IN_NAMES, self.place)
        bash.run("{init} alpha; {save} alpha '{\"step\": 0}'; {log} alpha began '{}'")
        self.run("config", "set", "segment_size=64K", "checkpoint_interval=3600")
        self.run("init", "beta")

    def live(self, days: int) -> None:
        """Days one after another; each ends with a clean-up, and with a proof of everything."""
        for _ in range(days):
            self.day += 1
            self.offset = self.day * DAY
            self._work()
            self._odd_jobs()
            self._night()

    def _work(self) -> None:
        session = self._in_passing("session", "create", "alpha", "--type", "work")
        self.sessions.append(session)
        env = {"MILESTONE_SESSION": session, "MILESTONE_ID": "alpha"}
        self.run("agent", "register", "builder", **env)
        for _ in range(3):
            self._set(f"k{self.rng.randrange(5)}", self.rng.randrange(1000))
            self._kill(self.rng.choice(KINDS))
        self._set("step", self.day)
        lines = "".join(
            json.dumps({"event_type": "tool_used", "data": {"tool": "Edit", "n": n, "text": "x" * 200}}) + "\n"
            for n in range(60)
        )
        self.run("events", "log", "--batch", given=lines, **env)
        self.run("session", "progress", session, "50", "--operation", "parsing", **env)
        self.run("session", "record", session, "--request", "why?", "--agent", "builder", "--response", '"so"')
        self.run("checkpoint", "create", "alpha", "--name", f"day-{self.day}", **env)
        if self.day % 24 == 0:
            self.run("checkpoint", "pin", "alpha", f"day-{self.day}")
        task = f"t{self.day}"
        self.run("task", "create", task, "a day's work", **env)
        self.run("task", "create", f"{task}-after", "and what follows", "--depends-on", task, **env)
        claimed = self.run("task", "claim", "--agent", "builder", **env)
        self.run("task", "log", claimed, "half of it", "--agent", "builder", **env)
        self.run("task", "complete", claimed, "--agent", "builder", "--result", '{"ok": true}', **env)
        self.run("task", "complete" if self.day % 5 else "fail", f"{task}-after", allowed=(0, 4), **env)
        self.run("cache", "put", f"answer-{self.day % 9}", "x" * 500)
        self.run("snapshot", "save")
        self.run("agent", "retire", "builder", **env)
        lines = f'{{"op": "set", "milestone": "beta", "path": "seen", "value": {self.day}}}\n'
        self.run(
            "transaction", "apply", "-", given=lines + '{"op": "log", "milestone": "alpha", "event_type": "told"}\n'
        )
        if self.day % 6:  # now and then one stays open
            self.run("session", "end", session)

    def _in_passing(self, *words: str) -> str:
        """Run a command from a shell that ends with it, as yesterday's terminals have: it owns what was begun."""
        shell = ["sh", "-c", '"$0" "$@"; exit $?', str(MILESTONE)]
        done = played_clock.run([*shell, *words], cwd=self.place, env=self.environment())
        self.commands += 1
        self._age()
        assert done.returncode in (0, 9), f"day {self.day}: {words} -> {done.returncode}\n{done.stderr}"
        return done.stdout.strip()

    def _set(self, key: str, value: int) -> None:
        self.run("state", "set", "alpha", f"{key}={value}")
        self.known[key] = [value]

    def _kill(self, kind: str) -> None:
        """Begin something and kill it within its first moments; a write may then be there or not."""
        value = self.rng.randrange(1000, 2000)
        words = {
            "set": ["state", "set", "alpha", f"k0={value}"],
            "save": ["state", "save", "gone", json.dumps({"v": "x" * 9000})],
            "batch": ["events", "log", "beta", "--batch"],
            "checkpoint": ["checkpoint", "create", "beta"],
            "task": ["task", "create", f"killed-{self.day}-{value}", "never mind", "--milestone", "beta"],
            "clean-up": ["cleanup", "run", "alpha", "--yes"],
        }[kind]
        process = subprocess.Popen(
            [str(MILESTONE), *words], cwd=self.place, env=self.environment(), stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdin
        process.stdin.write(b'{"event_type": "one"}\n' * 50 if kind == "batch" else b"")
        process.stdin.close()
        time.sleep(self.rng.uniform(0.02, 0.12))
        process.kill()
        done = process.wait() == 0
        played_clock.tidy(process.pid)
        self.kills += 1
        self._age()
        if kind == "set":
            may_be = [value] if done else [*self.known.get("k0", [-1]), value]
            self.known["k0"] = [int(self.run("state", "get", "alpha", "k0", allowed=(0, 3)) or -1)]
            assert self.known["k0"][0] in may_be, (self.day, self.known, may_be)

    def _odd_jobs(self) -> None:
        """What happens once in a while: milestones that end, moves to another format or place, undone changes."""
        if self.day % 7 == 0:
            name = f"week-{self.day // 7}"
            self.run("state", "save", name, '{"done": true}')
            self.run("state", "complete", name)
        if self.day % 5 == 0:
            self.run("state", "undo", "beta")
            self.run("state", "redo", "beta")
        if self.day == 9:  # there, back, and there again
            self.run("store", "migrate", "--yes")
            self.run("store", "migrate", "--rollback", "--yes")
            self.run("store", "migrate", "--yes")
        if self.day % 10 == 0:
            self.run("archive", "run", "--older-than", "5d", "--yes")
            self.run("cleanup", "optimize", "--yes")
        if self.day in (12, 60):
            self._move()
        if self.day % 8 == 0 and len(self.sessions) > 3:
            self._in_passing("session", "recover", self.sessions[-1], "--keep-state", "--yes")

    def _move(self) -> None:
        """Carry everything to another folder, and live on there."""
        other = self.place.parent / f"home-{self.day}"
        other.mkdir()
        self.run("store", "copy", ".", str(other / ".milestones"))
        self.run("store", "export", str(other / "kept.tar.gz"))
        self.place = other
        self._age()

    def _night(self) -> None:
        for milestone in self.milestones():
            self.run("cleanup", "run", milestone, "--yes")
        self.run("cleanup", "sessions", "--inactive-for", "10d", "--yes")
        self.run("events", "verify", "--all")
        found = self.json("state", "load", "alpha")
        state = found.get("state", found)
        for key, values in self.known.items():
            assert state.get(key, -1) in values, (self.day, key, values, state)
        self.sizes.append(_size(self.store))


def _size(store: Path) -> tuple[int, int]:
    files = [path for path in store.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files), len(files)
