"""A process that has the program loaded and runs commands in copies of itself: what follows a fault, not the fault.

Starting Python is most of what a command costs, and after each of forty thousand faults come three commands that look
at what it has left. They run here, by the same code with the same words, environment and folder; the command that is
struck is the installed one, in a process of its own, always.
"""

import importlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

LOADED = ("core.state", "core.log.verify", "storage.files.commit", "render", "cli.failure")
"""Rooms that most commands load; a copy loads what else it needs."""


class Warm:
    """The side of whoever asks: one process for each thread."""

    _mine = threading.local()
    __slots__ = ("_process",)

    def __init__(self) -> None:
        command = [sys.executable, __file__]
        env = {**os.environ, "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)

    @classmethod
    def here(cls) -> "Warm":
        """This thread's."""
        if not hasattr(cls._mine, "warm"):
            cls._mine.warm = cls()
        found: Warm = cls._mine.warm
        return found

    def __del__(self) -> None:
        """End with the thread that asked."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(self, words: tuple[str, ...], cwd: Path, env: dict[str, str], stdin: str) -> tuple[int, str, str]:
        """Run a command to its end; exit code, standard output and standard error."""
        assert self._process.stdin
        assert self._process.stdout
        asked = {"words": words, "cwd": str(cwd), "env": env, "stdin": stdin}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        return told["code"], told["out"], told["err"]


def serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Run what each line asks for, in a copy of this process."""
    for line in asked:
        question = json.loads(line)
        files = [os.memfd_create(name) for name in ("in", "out", "err")]
        os.write(files[0], question["stdin"].encode())
        os.lseek(files[0], 0, os.SEEK_SET)
        pid = os.fork()
        if not pid:
            _become(question, files)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        out, err = (os.pread(fd, os.fstat(fd).st_size, 0).decode(errors="replace") for fd in files[1:])
        for fd in files:
            os.close(fd)
        answers.write(json.dumps({"code": code, "out": out, "err": err}).encode() + b"\n")
        answers.flush()


def _become(question: dict[str, object], files: list[int]) -> None:
    """Turn this copy into the command; it does not come back."""
    try:
        for target, fd in enumerate(files):
            os.dup2(fd, target)
        os.chdir(str(question["cwd"]))
        os.environ.clear()
        os.environ.update(question["env"])  # type: ignore[arg-type]
        time.tzset()
        sys.argv = ["milestone", *question["words"]]  # type: ignore[misc]
        from milestone_cli.__main__ import main

        code = main()
        sys.stdout.flush()
        os._exit(code)
    finally:
        os._exit(70)


if __name__ == "__main__":
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)
    for name in LOADED:
        importlib.import_module(f"milestone_cli.{name}")
    serve(asked, answers)
