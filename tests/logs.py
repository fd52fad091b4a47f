"""Logs for tests and benchmarks: sound ones of any length, quickly, and every way to damage them.

`Log.make(1_000_000)` takes some seconds. A log is a list of lines without their line feeds; a damage is a
function on that list. `DirectoryStore` reads what `Log.write` wrote, through the part of the store contract
that readers use.
"""

import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from milestone_cli.errors import MilestoneError
from milestone_cli.splice import diff
from milestone_cli.storage.origin import Origin

START = 1_795_262_400  # 2026-11-21T12:00:00Z
TYPES = ("tests_passed", "tool_used", "agent_registered", "note", "build_finished")


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def stamp(seconds: float, micro: bool = True) -> str:
    whole = int(seconds)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
    return text + (f".{round((seconds - whole) * 1e6) % 1_000_000:06d}Z" if micro else "Z")


class Log:
    """A log being made: lines, the chain's end, the state's text and revision."""

    def __init__(self, milestone: str = "demo", start: float = START) -> None:
        self.milestone = milestone
        self.now = start
        self.lines: list[bytes] = []
        self.sequence = 0
        self.checksum = "0" * 64
        self.revision = 0
        self.base = 0
        self.text = b""

    @property
    def sha(self) -> str:
        return hashlib.sha256(self.text).hexdigest() if self.revision else ""

    def line(
        self, type_: str, data: str, agent: str = "system", session: str = "no-session", step: float = 0.001
    ) -> bytes:
        """Make the next line of ours, and count it as written, without putting it anywhere."""
        self.now += step
        self.sequence += 1
        body = (
            f'{{"timestamp":"{stamp(self.now)}","milestone_id":"{self.milestone}","session_id":"{session}",'
            f'"event_type":"{type_}","data":{data},"pid":4242,"user":"root","agent_id":"{agent}",'
            f'"event_id":"event-{int(self.now * 1000):012x}{self.sequence:020x}","revision":{self.revision},'
            f'"sequence_number":{self.sequence}'
        ).encode()
        self.checksum = hashlib.sha256(self.checksum.encode() + body).hexdigest()
        return body + b',"checksum":"' + self.checksum.encode() + b'"}'

    def event(self, type_: str, data: str = "{}", **more: Any) -> bytes:
        self.lines.append(self.line(type_, data, **more))
        return self.lines[-1]

    def state(self, text: bytes, inline: bool = False, **extra: object) -> None:
        """Log a state event, with the difference or as a base."""
        old, self.text = self.text, text
        self.revision += 1
        if inline or self.revision == 1:
            self.base = self.revision
            body: dict[str, object] = {"text": text.decode()}
        else:
            body = {"splice": diff(old, text)}
        self.event(
            "state_saved",
            compact(
                {
                    "state_file": f".milestones/state/active/{self.milestone}.json",
                    "revision": self.revision,
                    "base": self.base,
                    "sha256": self.sha,
                    **body,
                    **extra,
                }
            ),
        )

    def bash(self, type_: str = "bash_event", data: str = "{}") -> None:
        """Append a line as the bash function writes it."""
        self.lines.append(
            (
                f'{{"timestamp":"{stamp(self.now, micro=False)}","milestone_id":"{self.milestone}",'
                f'"session_id":"no-session","event_type":"{type_}","data":{data},"pid":77,"user":"root"}}'
            ).encode()
        )

    def bash_init(self) -> None:
        self.lines.append(
            (
                f'{{"timestamp":"{stamp(self.now, micro=False)}","event":"state_initialized",'
                f'"milestone_id":"{self.milestone}"}}'
            ).encode()
        )

    def rewrite(self, keep_from: int = 0, lose: int = 0) -> None:
        """Do as bash's clean-up does: every line through json.dumps, the oldest and some late ones gone."""
        kept = self.lines[keep_from : len(self.lines) - lose]
        self.lines = [json.dumps(json.loads(line)).encode() for line in kept]
        self.bash("state_cleaned", '{"retention_days": 7}')

    def anchor(self) -> None:
        """Go on after a rewriting, as the next writer does."""
        self.event(
            "log_anchored",
            compact(
                {
                    "reason": "rewritten",
                    "checksum": self.checksum,
                    "sequence": self.sequence,
                    "lines": len(self.lines),
                }
            ),
        )

    def torn(self, keep: int = 40) -> None:
        """Leave a torn line, isolated and recorded by the next writer."""
        offset = sum(len(line) + 1 for line in self.lines)
        before = self.checksum
        half = self.line("lost", "{}")[:keep]
        self.sequence, self.checksum = self.sequence - 1, before
        self.lines.append(half)
        self.event("log_torn", compact({"offset": offset, "bytes": len(half)}))

    def inside_bash(self, count: int = 1) -> None:
        """Append while bash writes a long line: ours lands inside, and comes once more."""
        self.bash("long_bash", compact({"payload": "x" * 9000}))
        whole = self.lines.pop()
        ours = [self.line("tool_used", '{"n":1}') for _ in range(count)]
        self.lines += [whole[:4096] + ours[0], *ours[1:], *ours, whole[4096:]]

    @classmethod
    def make(
        cls,
        count: int,
        seed: int = 0,
        states: int = 20,
        bash: int = 0,
        types: "tuple[str, ...]" = TYPES,
        rare: int = 0,
        step: float = 0.01,
    ) -> "Log":
        """A sound log of `count` events of ours; every `states`-th saves, a bash line after every `bash`-th.

        Args:
            rare: every `rare`-th event has the type `rare_event`.
        """
        log = cls()
        rng = random.Random(seed)
        agents = ("system", "builder", "tester")
        for number in range(1, count + 1):
            if states and number % states == 1:
                steps = log.revision + 1
                log.state(
                    compact({"step": steps, "note": "é" * (steps % 7), "done": list(range(steps % 11))}).encode(),
                    inline=steps % 50 == 0,
                )
            elif rare and number % rare == 0:
                log.event("rare_event", '{"found":true}', step=step)
            else:
                log.event(
                    types[number % len(types)],
                    f'{{"n":{number},"tool":{{"name":"Bash","ms":{rng.random():.6f}}}}}',
                    agent=agents[number % 3],
                    step=step,
                )
            if bash and number % bash == 0:
                log.bash(data=f'{{"n": {number}, "note": "caf\u00e9"}}')
        return log

    def head(self, log: bytes) -> "dict[str, object]":
        return {
            "sequence": self.sequence,
            "checksum": self.checksum,
            "end": len(log),
            "inode": 0,
            "time": int(self.now * 1e9),
            "revision": self.revision,
            "state": self.sha,
            "base": self.base,
        }

    def write(self, directory: Path, tail: bytes = b"") -> "DirectoryStore":
        """Write log, head and state, and open them."""
        log = b"".join(line + b"\n" for line in self.lines) + tail
        (directory / f"milestone-{self.milestone}.jsonl").write_bytes(log)
        (directory / f"milestone-{self.milestone}.head").write_text(json.dumps(self.head(log)))
        if self.revision:
            (directory / f"{self.milestone}.json").write_text(
                json.dumps(
                    {
                        "revision": self.revision,
                        "sha256": self.sha,
                        "text": self.text.decode(),
                        "outside": False,
                        "event": {},
                    }
                )
            )
        return DirectoryStore(directory)


class DirectoryStore:
    """The readers' part of the store contract over plain files in one directory."""

    BLOCK = 1 << 20

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def log(self, stream: str) -> Path:
        return self.directory / f"milestone-{stream}.jsonl"

    def milestones(self) -> list[str]:
        return sorted(path.name[10:-6] for path in self.directory.glob("milestone-*.jsonl"))

    def log_size(self, stream: str) -> "tuple[int, int]":
        try:
            found = self.log(stream).stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_size, found.st_ino

    def get(self, kind: str, key: str) -> None:
        """No document is there: no log begins later than at its beginning."""

    def head(self, stream: str) -> Any:
        path = self.directory / f"milestone-{stream}.head"
        return SimpleNamespace(**json.loads(path.read_text())) if path.exists() else None

    def sealed(self, stream: str) -> "list[tuple[int, int, int, int]]":
        return []

    def origin(self, stream: str) -> Origin:
        return Origin()

    def read(self, milestone: str, revision: "int | None" = None) -> Any:
        path = self.directory / f"{milestone}.json"
        if not path.exists():
            raise MilestoneError("not_found", f"there is no state of {milestone}")
        try:
            found = json.loads(path.read_text())
        except ValueError:
            raise MilestoneError("damaged", f"the state of {milestone} is damaged") from None
        found["text"] = found["text"].encode()
        return SimpleNamespace(**found)

    def map_blocks(self, stream: str, start: int, stop: int, work: Callable[[bytes], bytes]) -> Iterator[bytes]:
        return (work(block) for _, block in self.scan(stream, start, stop))

    def scan(
        self, stream: str, start: int = 0, stop: "int | None" = None, backwards: bool = False
    ) -> "Iterator[tuple[int, bytes]]":
        size = self.log_size(stream)[0]
        stop = size if stop is None else min(stop, size)
        if size == 0:
            return
        with self.log(stream).open("rb", buffering=0) as file:
            if backwards:
                while stop > start:
                    at = max(start, stop - self.BLOCK)
                    block = os.pread(file.fileno(), stop - at, at)
                    while at > start and b"\n" not in block[:-1]:
                        at = max(start, at - self.BLOCK)
                        block = os.pread(file.fileno(), stop - at, at)
                    if at > start:
                        cut = block.index(b"\n") + 1
                        at, block = at + cut, block[cut:]
                    yield at, block
                    stop = at
                return
            at = start
            while at < stop:
                block = os.pread(file.fileno(), min(self.BLOCK, stop - at), at)
                while not block.endswith(b"\n") and at + len(block) < stop:
                    cut = block.rfind(b"\n") + 1
                    if cut:
                        block = block[:cut]
                        break
                    block += os.pread(file.fileno(), min(self.BLOCK, stop - at - len(block)), at + len(block))
                yield at, block
                at += len(block)

    def seek(self, stream: str, ns: int) -> int:
        found = 0
        text = stamp(ns / 1e9)
        for at, block in self.scan(stream):
            start = at
            for line in block.splitlines(keepends=True):
                if line[14:40].decode("ascii", "replace") >= text[:26]:
                    return start
                start += len(line)
            found = start
        return found
