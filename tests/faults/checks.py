"""Quick checks of one promise each, on any copy of the program: what `mutations` must be caught by.

A check takes the program and a directory, and returns what is wrong; nothing for the installed program.
"""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import replay
from cases import BY_NAME, SAVED, Case
from injection import Point, record, run_with
from scenes import Program, Scene
from sweeps import errors, interrupts, kills, measure, sweep

Check = Callable[[Program, Path], list[str]]
LOG = "state/events/milestone-demo.jsonl"


def scene(program: Program, directory: Path) -> Scene:
    """A store with a saved state."""
    return Case("plain", SAVED, ()).template(directory, program)


def replayed(name: str, every: int, program: Program, directory: Path) -> list[str]:
    """What a power cut may leave of a case, some of it."""
    sound = measure(BY_NAME[name], directory, program)
    return replay.sweep(sound, directory / "replay", more=0, every=every, is_short=True).violations


def killed(name: str, is_point: Callable[[Point], bool], program: Program, directory: Path) -> list[str]:
    """A case killed at some points."""
    sound = measure(BY_NAME[name], directory, program)
    chosen = [trial for trial in kills(sound) if is_point(trial[0])]
    assert chosen, "no such point"
    return sweep(sound, chosen, sound.template.directory / "trials", "kills").violations


def interrupted(name: str, is_point: Callable[[Point], bool], program: Program, directory: Path) -> list[str]:
    """A case interrupted at some points."""
    sound = measure(BY_NAME[name], directory, program)
    chosen = [trial for trial in interrupts(sound) if is_point(trial[0])]
    assert chosen, "no such point"
    return sweep(sound, chosen, sound.template.directory / "trials", "interrupts").violations


def spoiled(name: str, call: str, error: str, program: Program, directory: Path) -> list[str]:
    """A case with one error of each call of a name."""
    sound = measure(BY_NAME[name], directory, program)
    chosen = [(point, fault) for point, fault in errors(sound) if point.name == call and fault == error]
    assert chosen, "no such point"
    return sweep(sound, chosen, sound.template.directory / "trials", "errors").violations


def after(name: str, program: Program, directory: Path) -> list[str]:
    """A case without any fault, and what it leaves behind."""
    sound = measure(BY_NAME[name], directory, program)
    return [f"left behind: {sorted(sound.left)}"] if sound.left else []


def traced(place: Scene, inject: str, *words: str) -> subprocess.Popen[str]:
    """Start a command under strace with an injection."""
    call = inject.partition(":")[0]
    return subprocess.Popen(
        ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={inject}", *place.command(*words)],
        cwd=place.directory, env=place.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def crowded(inject: str, words: tuple[str, ...], program: Program, directory: Path) -> list[str]:
    """Four writers at once, each slow in the same place: all are there afterwards, in order."""
    place = scene(program, directory)
    running = [traced(place, inject, *[word.replace("N", str(number)) for word in words]) for number in range(4)]
    wrong = [err for process in running if (err := process.communicate(timeout=60)[1]) or process.returncode]
    log = (place.store / LOG).read_text()
    state = place.run("state", "load", "demo")
    wrong += [f"{number} is lost" for number in range(4) if f'"k{number}"' not in log + state]
    done, _ = place.attempt("events", "verify", "demo")
    return [*wrong, done.stdout] if done.returncode else wrong


def robbed(rob: Callable[[Scene], None], program: Program, directory: Path) -> list[str]:
    """A writer whose lock or state is changed by somebody else just before its commit gives up."""
    place = scene(program, directory)
    running = traced(
        place, "fsync:delay_enter=2000000:when=1", "state", "save", "demo", '{"mine": 1}', "--format", "json"
    )
    aside = place.store / "state/active"
    deadline = time.monotonic() + 10
    while not list(aside.glob(".demo.*.tmp")) and time.monotonic() < deadline:
        time.sleep(0.005)
    rob(place)
    _, err = running.communicate(timeout=60)
    shutil.rmtree(place.store / "state/.locks/demo.lock", ignore_errors=True)
    if running.returncode != 4 or "mine" in place.run("state", "load", "demo"):
        return [f"exit {running.returncode}: {err}"]
    return []


def rob_lock(place: Scene) -> None:
    """What bash does with a lock that it takes for stale: its own folder stands there then."""
    lock = place.store / "state/.locks/demo.lock"
    shutil.rmtree(lock)
    lock.mkdir()


def rob_state(place: Scene) -> None:
    """What bash's save does once it is past its lock."""
    state = place.store / "state/active/demo.json"
    record_ = {**json.loads(state.read_text()), "state": {"theirs": 1}}
    new = state.with_name("new")
    new.write_text(json.dumps(record_))
    new.rename(state)


def torn(program: Program, directory: Path) -> list[str]:
    """A torn tail is set apart by the next writer, who says so."""
    place = scene(program, directory)
    with (place.store / LOG).open("ab") as log:
        log.write(b'{"timestamp":"2026-11-21T12:00:00.123456Z","mile')
    place.run("events", "log", "demo", "marker")
    lines = (place.store / LOG).read_bytes().split(b"\n")
    told = [line for line in lines if b'"log_torn"' in line]
    done, _ = place.attempt("events", "verify", "demo")
    is_apart = any(line.endswith(b'"mile') for line in lines)
    return [] if told and is_apart and not done.returncode else [f"told {told}, apart {is_apart}: {done.stdout}"]


def respected(owner: str, program: Program, directory: Path) -> list[str]:
    """A lock of bash is waited for while its process lives, or may be about to say who it is."""
    place = scene(program, directory)
    lock = place.store / "state/.locks/demo.lock"
    holder = subprocess.Popen(["sleep", "60"])
    try:
        lock.mkdir()
        if owner:
            (lock / "pid").write_text(f"{holder.pid}\n")
            (lock / "acquired").write_text("2020-01-01T00:00:00Z\n")
        done, _ = place.attempt("state", "set", "demo", "n=2", "--lock-timeout", "0.3")
    finally:
        holder.kill()
        holder.wait()
    return [] if done.returncode == 7 else [f"exit {done.returncode}: {done.stdout}{done.stderr}"]


def cut_tail(program: Program, directory: Path) -> list[str]:
    """A log whose last line somebody cut off is damaged, and verify says so."""
    place = scene(program, directory)
    place.run("events", "log", "demo", "marker")
    lines = (place.store / LOG).read_bytes().splitlines(keepends=True)
    (place.store / LOG).write_bytes(b"".join(lines[:-1]))
    done, _ = place.attempt("events", "verify", "demo")
    return [] if done.returncode == 6 else [f"exit {done.returncode}: {done.stdout}"]


def exclusive(program: Program, directory: Path) -> list[str]:
    """Temporary files are made exclusively, and no link is followed to them."""
    place = scene(program, directory)
    points = record(place.command("state", "save", "demo", "{}"), place.directory, place.env, place.trace)
    made = [
        point.text for point in points if point.name == "openat" and ".tmp" in point.text and "O_CREAT" in point.text
    ]
    return [text for text in made if "O_EXCL" not in text or "O_NOFOLLOW" not in text] if made else ["none is made"]


def backed_up(program: Program, directory: Path) -> list[str]:
    """A save keeps the state before."""
    place = scene(program, directory)
    place.run("state", "save", "demo", "{}")
    found = [json.loads(path.read_text())["state"] for path in (place.store / "state/backups").glob("demo-*.json")]
    return [] if found == [{"n": 1, "price": 1.1, "name": "é"}] else [f"backups: {found}"]


def short_write(program: Program, directory: Path) -> list[str]:
    """Of a write that the disk took only a part of nothing is acknowledged."""
    place = scene(program, directory)
    limit = (place.store / LOG).stat().st_size // 1024 + 2  # KiB: a part of the new line fits
    words = place.command("events", "log", "demo", "marker", json.dumps({"text": "y" * 20_000}))
    done = subprocess.run(
        ["bash", "-c", f'ulimit -f {limit}; exec "$@"', "bash", *words],
        cwd=place.directory, env=place.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [] if done.returncode == 8 else [f"exit {done.returncode}: {done.stderr}"]


def repeated(program: Program, directory: Path) -> list[str]:
    """The same request under one key is done once, also when its first run was killed before its event."""
    place = scene(program, directory)
    words = ("state", "set", "demo", "n=7", "--idempotency-key", "k")
    for _ in range(2):
        place.run(*words)
    revision = json.loads((place.store / "state/active/demo.json").read_text())["revision"]
    return [] if revision == 2 else [f"revision {revision}"]


def ahead(name: str, event: str, is_point: Callable[[Point], bool], program: Program, directory: Path) -> list[str]:
    """A case killed where its files are put: the log does not tell yet of what is not there."""
    sound = measure(BY_NAME[name], directory, program)
    chosen = [point for point, _ in kills(sound) if is_point(point)]
    assert chosen, "no such point"
    for number, point in enumerate(chosen):
        place = sound.template.copy(directory / f"ahead-{number}")
        words = place.command(*sound.case.command)
        struck = run_with("signal=KILL", point, words, place.directory, place.env, place.trace, sound.case.stdin).struck
        assert struck, "the point was not reached"
        if f'"event_type":"{event}"' in (place.store / LOG).read_text():
            return [f"{event} is logged before {point}"]
    return []


def reaches(name: str, where: str) -> Callable[[Point], bool]:
    """Points of a call that touches a file."""
    return lambda point: point.name == name and re.search(where, point.text) is not None


CHECKS: dict[str, Check] = {
    **{f"replay {name}": partial(replayed, name, every) for name, every in (
        ("save", 4), ("log", 1), ("log-first", 2), ("init", 4), ("checkpoint-create", 5))},
    "kill init at its event": partial(killed, "init", reaches("write", r"demo\.jsonl")),
    "checkpoint before its event": partial(
        ahead, "checkpoint-create", "checkpoint_created", reaches("renameat", "backups")),
    "kill checkpoint once committed": partial(killed, "checkpoint-create", reaches("fsync", r"pending>\)")),
    "kill save at its rename": partial(killed, "save", reaches("renameat", "active")),
    "kill save at its event": partial(killed, "save", reaches("write", "jsonl")),
    "kill repair of a torn log": partial(killed, "repair-event", reaches("write", "jsonl")),
    "kill breaker of a lock": partial(killed, "lock-run", reaches("getdents64", "broken")),
    "interrupt seal at its renames": partial(interrupted, "seal", reaches("renameat", "segments")),
    "fail sync of state": partial(spoiled, "save", "fsync", "EIO"),
    "fail sync of log": partial(spoiled, "log", "fdatasync", "EIO"),
    "nothing left": partial(after, "save"),
    "slow savers": partial(crowded, "fsync:delay_enter=150000", ("state", "set", "demo", 'kN="kN"')),
    "slow loggers": partial(crowded, "write:delay_enter=250000", ("events", "log", "demo", "e", '{"kN": 1}')),
    "lock taken away": partial(robbed, rob_lock),
    "state changed": partial(robbed, rob_state),
    "torn tail": torn,
    "living holder": partial(respected, "pid"),
    "holder without name": partial(respected, ""),
    "tail cut off": cut_tail,
    "exclusive files": exclusive,
    "backups": backed_up,
    "short write": short_write,
    "one key": repeated,
}  # fmt: skip
