"""What a disk may do with writes that nobody synced: lose them, keep them in any order, or keep half of one.

A run is recorded at its system calls and played into a model of a file system. For every moment of the run the model
yields stores that a power cut might leave. This is what notices a missing sync of a folder, which real file systems
hide.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cases import Case
from cuts import verdict
from recording import CALLS, Node, Recorder, Recording, Step, enter, put, spare
from scenes import Scene, settle
from sweeps import Holder, Sound, Tally

from milestone_cli import runtime
from milestone_cli.__main__ import main

TEARS = ("short", "zeros")


def record(sound: Sound, directory: Path) -> Recording:
    """Run a case and record it."""
    scene = sound.template.copy(directory)
    recorder = Recorder(scene.directory)
    holder = Holder(sound.case)
    done = subprocess.run(
        ["strace", "-f", "-y", "-xx", "-s", "1000000", "-o", str(scene.trace), "-e", f"trace={CALLS},fsync,fdatasync",
         *scene.command(*holder.words)],
        cwd=scene.directory, env=scene.env, input=sound.case.stdin, capture_output=True, text=True, check=False,
    )  # fmt: skip
    holder.die()
    assert done.returncode == 0, done.stderr
    recorder.play(scene.trace.read_text())
    return Recording(recorder.before, recorder.made, recorder.happened)


Crash = tuple[list[tuple[Step, str]], bool]
"""The steps that a power cut leaves, with how the last write is torn; and whether the command had acknowledged."""


def crashes(recording: Recording, dice: random.Random, more: int) -> Iterator[Crash]:
    """For each moment the stores that a power cut may leave: all kept, all lost, each one lost, each one alone."""
    steps: list[Step] = []
    lasting: set[int] = set()
    synced: dict[int, set[int]] = {}
    acknowledged = False
    for one in recording.happened:
        if one is None:
            acknowledged = True
        elif isinstance(one, int):
            # A name that moves from one folder to another lasts once both are synced, one after the other.
            for index, step in enumerate(steps):
                if one in step.places:
                    synced.setdefault(index, set()).add(one)
                    if step.places <= synced[index]:
                        lasting.add(index)
        else:
            steps.append(one)
        loose = [index for index in range(len(steps)) if index not in lasting]
        locks = {index for index in loose if steps[index].is_lock}
        free = [index for index in loose if index not in locks]
        for kept in _subsets(free, dice, more):
            for whole in (kept | locks, kept):
                yield (
                    [(step, "") for index, step in enumerate(steps) if index in lasting or index in whole],
                    acknowledged,
                )
        for tear in TEARS:
            if free and steps[free[-1]].write:
                last = free[-1]
                yield [(step, tear if index == last else "") for index, step in enumerate(steps)], acknowledged


def _subsets(free: list[int], dice: random.Random, more: int) -> Iterator[set[int]]:
    everything = set(free)
    yield everything
    yield set()
    for index in free:
        yield everything - {index}
        yield {index}
    for _ in range(more):
        yield {index for index in free if dice.random() < 0.5}


def materialise(recording: Recording, crash: Crash, directory: Path) -> None:
    """Write the store that a crash leaves."""
    nodes = {
        number: Node(node.data, spare(node.entries), node.mode)
        for number, node in {**recording.nodes, **recording.made}.items()
    }
    for step, tear in crash[0]:
        for folder, name, node in step.names:
            enter(nodes, folder, name, node)
        if step.write:
            number, offset, data = step.write
            if data and tear:
                half = len(data) // 2
                data = data[:half] + (b"\0" * (len(data) - half) if tear == "zeros" else b"")
            put(nodes[number], offset, data)
    written: dict[int, Path] = {}
    _write_folder(nodes, 0, directory, written)
    settle(directory / ".milestones")


def _write_folder(nodes: dict[int, Node], number: int, path: Path, written: dict[int, Path]) -> None:
    path.mkdir(exist_ok=True)
    for name, child in (nodes[number].entries or {}).items():
        node, place = nodes[child], path / name
        if node.entries is not None:
            _write_folder(nodes, child, place, written)
            place.chmod(node.mode)
        elif child in written:
            os.link(written[child], place)
        else:
            place.write_bytes(node.data)
            place.chmod(node.mode)
            written[child] = place


def fork_follow(scene: Scene, case: Case) -> None:
    """`follow` in a child of this process, on a machine that has been started anew: some ms instead of a hundred."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.environ.clear()
        os.environ.update(scene.env)
        os.chdir(scene.directory)
        for stream in (1, 2):
            os.dup2(writing, stream)
        runtime.boot_id = lambda: "00000000-0000-4000-8000-000000000000"
        try:
            code = main(list(case.after)) or main(["events", "verify", "--all"])
        except BaseException:
            code = 99
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == 0, f"the next command, or verify, ended with {code}: {said}"


def sweep(sound: Sound, directory: Path, more: int = 3, every: int = 1, *, is_short: bool = False) -> Tally:
    """Try what a power cut may leave of a case, of the different stores every so many; or up to the first wrong one."""
    tally = Tally("replays")
    directory.mkdir(parents=True, exist_ok=True)
    recording = record(sound, directory / "run")
    seen: set[tuple[object, ...]] = set()
    for crash in crashes(recording, random.Random(sound.case.name), more):
        mark = (tuple((id(step), tear) for step, tear in crash[0]), crash[1])
        if mark in seen:
            continue
        seen.add(mark)
        if len(seen) % every:
            continue
        place = directory / str(tally.tried)
        tally.tried += 1
        materialise(recording, crash, place)
        try:
            wrong = verdict(sound, Scene(place), crash[1], fork_follow)
        except (AssertionError, OSError) as problem:
            wrong = str(problem)
        if wrong:
            tally.violations.append(f"{sound.case.name}: {_story(recording, crash)}\n    {wrong}")
        shutil.rmtree(place)
        if is_short and tally.violations:
            break
    return tally


def _story(recording: Recording, crash: Crash) -> str:
    """What was kept and lost, in short."""
    steps = [one for one in recording.happened if isinstance(one, Step)]
    kept = {id(step): tear for step, tear in crash[0]}
    told = [
        f"{'kept' if id(step) in kept else 'LOST'}{kept.get(id(step), '')} {step.names or _short(step)}"
        for step in steps
    ]
    return f"{'acknowledged' if crash[1] else 'not acknowledged'}: " + "; ".join(told)


def _short(step: Step) -> str:
    assert step.write
    return f"{step.write[0]}@{step.write[1]}+{len(step.write[2] or b'')}"
