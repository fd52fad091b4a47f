"""Benchmarks of a store in PostgreSQL beside one of files: each hot command, bulk work, and writers on one document."""

import atexit
import concurrent.futures
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .measure import BARE, MILESTONE, PYTHON, Row, Scene, new_scene

sys.path.insert(0, str(Path(__file__).parent.parent))  # where postgres_server is

from postgres_server import Server, binaries

STATE = json.dumps({"filler": "x" * 960, "price": 1.5, "steps": [1, 2, 3], "a": {"b": "c"}})
EVENT = json.dumps({"payload": "y" * 900})
HOT = {
    "state load": ["state", "load", "demo"],
    "state get": ["state", "get", "demo", "a.b"],
    "events log": ["events", "log", "demo", "tool_used", EVENT],
    "state save": ["state", "save", "demo", STATE],
    "state set": ["state", "set", "demo", "a.b=d"],
    "status": ["status", "demo"],
    "events query": ["events", "query", "demo", "--limit", "10"],
    "checkpoint create": ["checkpoint", "create", "demo"],
}
WRITERS = 8
# One process writes many times over one connection, as the Python API does: what the lock costs, without any start.
LOOP = """
import sys, time
from milestone_cli.core import state
from milestone_cli.errors import MilestoneError
from milestone_cli.storage import open_store
store, number, until, how = open_store(), sys.argv[1], time.monotonic() + float(sys.argv[2]), sys.argv[3]
done = refused = 0
while time.monotonic() < until:
    if how == "lock":
        state.assign(store, "demo", [("w" + number, str(done))])
    else:
        document = store.read("demo")
        try:
            state.save(store, "demo", document.text, expect=document.revision)
        except MilestoneError as error:
            if error.code != "revision_conflict":
                raise
            refused += 1
            continue
    done += 1
print(done, refused)
"""


def own_server() -> Server:
    """A server for this measurement, stopped and removed at its end."""
    if binaries() is None:
        raise SystemExit("no PostgreSQL server is installed; apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="milestone-benchmark-postgres-"))
    folder.chmod(0o755)
    server = Server(folder / "server")
    server.create()
    server.start()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.stop, "immediate")
    return server


def database_scene(url: str) -> Scene:
    """A scene whose commands mean a project in a database."""
    scene = Scene(Path(tempfile.mkdtemp(prefix="milestone-benchmark-")))
    atexit.register(shutil.rmtree, scene.directory, ignore_errors=True)
    scene.env["MILESTONE_STORE"] = url
    scene.milestone("init", "demo")
    return scene


def both_stores(runs: int, events: int, seconds: float) -> list[Row]:
    """The table of the README: files, the socket and TCP in turn, against bare Python; then bulk work and writers."""
    server = own_server()
    files = new_scene()
    socket, network = database_scene(server.local("postgres", "socket")), database_scene(server.url("postgres", "tcp"))
    scenes = (files, socket, network)
    for scene in scenes:
        scene.milestone("state", "save", "demo", STATE)
    rows = []
    for name, words in HOT.items():
        columns: list[list[float]] = [[], [], [], []]
        for number in range(runs + 1):
            took = [files.run(BARE), *[scene.run([MILESTONE, *words]) for scene in scenes]]
            if number:
                for column, one in zip(columns, took, strict=True):
                    column.append(one)
        bare, *medians = (sorted(column)[len(column) // 2] for column in columns)
        told = " / ".join(f"{one / bare:.2f}" for one in medians)
        beside = " / ".join(f"{one / medians[0]:.2f}" for one in medians[1:])
        rows.append(Row(f"`{name}`: files / socket / TCP", "× bare Python", told + f" (beside files {beside} ×)", None))
    return rows + bulk(events, files, socket) + writers(seconds, files, network)


def bulk(events: int, files: Scene, database: Scene) -> list[Row]:
    """Many events at once, proved, and carried from one store to the other and back."""
    batch = files.directory / "batch.jsonl"
    batch.write_text("".join(f'{{"event_type":"t","data":{{"number":{n}}}}}\n' for n in range(events)))
    rows = []
    for name, words, stdin in (
        (f"`events log --batch`, {events:,}", ["events", "log", "demo", "--batch"], batch),
        (f"`events verify`, {events:,} events", ["events", "verify", "demo"], None),
        (f"`events query --type`, {events:,} events", ["events", "query", "demo", "--type", "none"], None),
    ):
        mine, other = files.milestone(*words, stdin=stdin), database.milestone(*words, stdin=stdin)
        rows.append(Row(name, "beside files", f"{other / mine:.2f} × ({other:.2f} s)", None))
    url = database.env["MILESTONE_STORE"]
    there = files.milestone("store", "copy", ".", url.replace("#socket", "#copied"))
    back = files.milestone("store", "copy", url.replace("#socket", "#copied"), "back")
    rows.append(Row(f"`store copy` of {events:,} events, there / back", "–", f"{there:.2f} s / {back:.2f} s", None))
    return rows


def writers(seconds: float, files: Scene, database: Scene) -> list[Row]:
    """Eight writers on one document: under its lock, and by compare-and-swap with retries."""
    found = {}
    for name, scene in (("files", files), ("database", database)):
        for how in ("lock", "swap"):
            done, refused = storm(scene, seconds, how)
            found[name, how] = (done / seconds, refused)
    rows = []
    for name, told in (("files", "files"), ("database", "PostgreSQL")):
        (lock, _), (swap, refused) = found[name, "lock"], found[name, "swap"]
        measured = f"{lock / max(swap, 0.1):.1f} × ({lock:.0f}/s, {swap:.0f}/s with {refused} conflicts)"
        rows.append(Row(f"{WRITERS} writers on one state, {told}: lock", "beside compare-and-swap", measured, None))
    mine, other = found["database", "lock"][0], found["files", "lock"][0]
    rows.append(Row(f"{WRITERS} writers under the lock, PostgreSQL", "beside files", f"{mine / other:.1f} ×", None))
    return rows


def storm(scene: Scene, seconds: float, how: str) -> tuple[int, int]:
    """Writes and conflicts of all writers together."""
    scene.milestone("state", "save", "demo", "{}")

    def one(number: int) -> list[int]:
        done = subprocess.run(
            [PYTHON, "-c", LOOP, str(number), str(seconds), how], cwd=scene.directory, env=scene.env,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return [int(word) for word in done.stdout.split()]

    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
        started = time.perf_counter()
        found = list(pool.map(one, range(WRITERS)))
        if time.perf_counter() - started > 10 * seconds + 30:
            raise SystemExit("the writers took too long to mean anything")
    return sum(one[0] for one in found), sum(one[1] for one in found)
