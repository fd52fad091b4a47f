"""Fifty processes that save, set and log at once, some of them killed with -9: nothing acknowledged is lost.

Each writes something of its own, so that the store tells afterwards which of them were there.
"""

import json
import random
import signal
import subprocess
import threading
from pathlib import Path

from scenes import Scene
from sweeps import Tally

PROCESSES = 50
DEADLY = 0.4
"""Share of the processes that are killed, some time within their life."""


def storm(scene: Scene, seed: int) -> tuple[int, list[str]]:
    """Run one storm; how many were killed, and what is wrong afterwards."""
    dice = random.Random(seed)
    running = []
    for number in range(PROCESSES):
        is_set = dice.random() < 0.6
        words = ("state", "set", "demo", f"k{number}={number}") if is_set else ("events", "log", "demo", f"e{number}")
        process = subprocess.Popen(
            scene.command(*words, "--lock-timeout", "120"), cwd=scene.directory, env=scene.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        timer = None
        if dice.random() < DEADLY:
            timer = threading.Timer(dice.random() * 4, process.send_signal, (signal.SIGKILL,))
            timer.start()
        running.append((number, is_set, process, timer))
    acknowledged, killed, wrong = set(), 0, []
    for number, is_set, process, timer in running:
        out, err = process.communicate(timeout=300)
        if timer:
            timer.cancel()
        killed += process.returncode == -signal.SIGKILL
        if process.returncode not in (0, -signal.SIGKILL):
            wrong.append(f"process {number} ended with {process.returncode}: {err}")
        if out:
            acknowledged.add((number, is_set))
    return killed, wrong + _judge(scene, acknowledged)


def _judge(scene: Scene, acknowledged: set[tuple[int, bool]]) -> list[str]:
    wrong = []
    done, _ = scene.attempt("state", "set", "demo", "last=1", "--lock-timeout", "5")
    if done.returncode:
        wrong.append(f"the next command: {done.stderr}")
    done, _ = scene.attempt("events", "verify", "--all")
    if done.returncode:
        wrong.append(f"verify: {done.stdout}{done.stderr}")
    state = json.loads(scene.run("state", "load", "demo"))
    lines = (scene.store / "state/events/milestone-demo.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    types = [event["event_type"] for event in events]
    wrong += [f"set {number} was acknowledged and is lost" for number, is_set in acknowledged
              if is_set and state.get(f"k{number}") != number]  # fmt: skip
    wrong += [f"event {number} is there {types.count(f'e{number}')} times" for number, is_set in acknowledged
              if not is_set and types.count(f"e{number}") != 1]  # fmt: skip
    numbers = [event["sequence_number"] for event in events]
    if numbers != list(range(1, len(numbers) + 1)):
        wrong.append("the sequence numbers have a gap or a repeat")
    return wrong + [f"left behind: {name}" for name in scene.left()]


def sweep(directory: Path, count: int) -> Tally:
    """Some storms one after another; what was tried are their processes."""
    tally = Tally(f"processes in {count} storms of kill -9")
    for seed in range(count):
        scene = Scene(directory / f"storm-{seed}")
        scene.run("init", "demo")
        scene.run("state", "save", "demo", "{}")
        _, wrong = storm(scene, seed)
        tally.tried += PROCESSES
        tally.violations += [f"storm {seed}: {one}" for one in wrong]
    return tally
