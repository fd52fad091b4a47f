"""Every command that changes something, what must have been before it, and what comes after it."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conftest import MILESTONE
from foreign import TASK as TASK_OF_OTHERS
from foreign import agent_state
from injection import interrupt, record
from logs import Log
from scenes import FOREIGN, INSTALLED, NEW, OLD, PROMPT, Look, Program, Scene

Step = tuple[str, ...] | Callable[[Scene], None]
SET = ("state", "set", "demo", "next=1", *PROMPT)
SAVED: tuple[Step, ...] = (("init", "demo"), ("state", "save", "demo", OLD))
CHECKPOINT = ("checkpoint", "create", "demo", "--name", "first")
MEND = ("state", "set", "demo", "next=1", "--if-revision", "999999", *PROMPT)
"""A command that repairs what it finds, and is then refused."""
SESSION = ("session", "create", "demo")
MONTH = 30 * 86_400
BATCH = "".join(f'{{"event_type": "{name}", "data": {{"k": "{name * 2000}"}}}}\n' for name in ("one", "two", "three"))


@dataclass(frozen=True)
class Case:
    """A command on trial.

    Attributes:
        name: how it is told from the others.
        before: what makes its store, beginning with nothing.
        command: its words; PID stands for a process that is killed before the next command.
        stdin: what it reads.
        reader: looks at the state without changing it.
        after: the next command that somebody runs, which must repair; it never waits.
        between: a look, before and after, that a crash may leave for good beside old and new.
        repairs: it finds something to repair, and may fail once that is done.
        torn: like `between`, where the disk may tear a write in two.
        env: environment of all of its commands.
        stays: shapes of names that may stay, since they mean the same by themselves.
        sparse: the short form tries only every so manieth of the points that it else would.
    """

    name: str
    before: tuple[Step, ...]
    command: tuple[str, ...]
    stdin: str = ""
    reader: tuple[str, ...] = ("state", "load", "demo")
    after: tuple[str, ...] = SET
    between: Callable[[Look, Look, Look], bool] = lambda seen, old, new: False
    repairs: bool = False
    torn: Callable[[Look, Look, Look], bool] = lambda seen, old, new: False
    env: tuple[tuple[str, str], ...] = ()
    stays: tuple[str, ...] = ()
    sparse: int = 1

    def template(self, directory: Path, program: Program = INSTALLED) -> Scene:
        """Make the store that it begins with."""
        scene = Scene(directory, Program(program.words, (*program.env, *self.env)))
        for step in self.before:
            if callable(step):
                step(scene)
            else:
                scene.run(*step)
        return scene


def _damage(scene: Scene) -> None:
    (scene.store / "state/active/demo.json").write_text('{"timestamp": "2026')


def _interrupted(call: str, where: str, *words: str) -> Step:
    """A command that was killed at its first call of a name that touches a file."""

    def step(scene: Scene) -> None:
        trial = scene.copy(scene.directory / "trial")
        points = record(trial.command(*words), trial.directory, trial.env, trial.trace)
        point = next(point for point in points if point.name == call and where in point.text)
        interrupt(point, scene.command(*words), scene.directory, scene.env, scene.trace)

    return step


def _tear(scene: Scene) -> None:
    with (scene.store / "state/events/milestone-demo.jsonl").open("ab") as log:
        log.write(b'{"timestamp":"2026-11-21T12:00:00.123456Z","mile')


def _rewrite(scene: Scene) -> None:
    """What the clean-up of the bash utilities does to a log."""
    log = scene.store / "state/events/milestone-demo.jsonl"
    lines = [json.dumps(json.loads(line)) for line in log.read_text().splitlines()]
    (log.parent / "new").write_text("\n".join(lines) + "\n")
    (log.parent / "new").rename(log)


def _spoil(scene: Scene) -> None:
    """A log with a line twice, two lines swapped, and one that is none."""
    log = scene.store / "state/events/milestone-demo.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([b"junk\n", *lines[:2], lines[3], lines[2], *lines[4:], lines[1]]))


def _age(scene: Scene) -> None:
    """Backups of two milestones and sessions, a month old: of five and five, three must go, and one session."""
    born = time.time() - MONTH
    files: dict[str, object] = {
        f"backups/{owner}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(born + number))}.json": {
            "timestamp": "", "milestone_id": owner, "version": "1.0", "state": number,
        }
        for number in range(5)
        for owner in ("demo", "demo-b")
    }  # fmt: skip
    for status in ("completed", "active"):
        files[f"sessions/{status}.json"] = {"milestone_id": "demo", "status": status}
    for name, value in files.items():
        path = scene.store / "state" / name
        path.write_text(json.dumps(value))
        os.utime(path, (born, born))


def _grown(scene: Scene) -> None:
    """A log just below its bound: the next event of ours seals it."""
    size = (scene.store / "state/events/milestone-demo.jsonl").stat().st_size
    scene.run("events", "log", "demo", "long", json.dumps({"text": "x" * (4000 - 350 - size)}))
    assert not (scene.store / "state/events/.segments").exists()
    assert 3800 < (scene.store / "state/events/milestone-demo.jsonl").stat().st_size < 4096


def _sealed(scene: Scene) -> None:
    """Two sealed parts, and what follows."""
    for _ in range(2):
        scene.run("events", "log", "demo", "long", json.dumps({"text": "x" * 4400}))
    assert len(list(scene.store.glob("state/events/.segments/demo/*.jsonl"))) == 2
    scene.run("state", "set", "demo", "n=7")


def _aged(scene: Scene) -> None:
    """A log of a month ago."""
    old = Log(start=time.time() - MONTH)
    for number in range(9):
        old.event("tick", json.dumps({"n": number}))
    path = scene.store / "state/events/milestone-demo.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in old.lines))
    path.with_suffix(".head").unlink()


def _two_sessions(scene: Scene) -> None:
    for name in ("first", "second"):
        record = {"session_id": name, "milestone_id": "demo", "status": "active", "pid": 1, "created_at": "2026-11-21"}
        (scene.store / f"state/sessions/{name}.json").write_text(json.dumps(record))


def _kept(seen: Look, old: Look, new: Look) -> bool:
    """Of a restore the checkpoint of what was there may be made, and the rest not yet."""
    fresh = {one[1] for one in seen[0] - old[0]}
    return all("pre-restore" in name for name in fresh) and old[0] <= seen[0] and not _count(seen, "state_restored")


def _begun(seen: Look, old: Look, new: Look) -> bool:
    """Of a batch whole events from its beginning; its key is on the last one, so it is done again as a whole."""
    return seen[0] == old[0] and old[1] <= seen[1] <= new[1]


def _partly(seen: Look, old: Look, new: Look) -> bool:
    """Of a clean-up that said what it could not read: that is still there."""
    return new[0] <= seen[0] <= old[0]


CLEANED = ("cleanup", "run", "demo", "--older-than", "0", "--keep-last", "1", "--yes")
ARCHIVED = ("cleanup", "run", "demo", "--older-than", "0", "--keep-last", "1", "--archive", "--yes", *PROMPT)
PARTED = ("state/events/.segments/demo/#-#.jsonl",)
"""A log may be parted where nothing of it was taken away after all; a clean-up that was killed is run again."""
NOTED = ("spool/problems.jsonl",)
"""What could not be told otherwise is told by `hook status`."""


def _archived_partly(seen: Look, old: Look, new: Look) -> bool:
    """Of a clean-up with an archive that said what it could not read: that is still there, and all is here or there."""
    return old[0] & new[0] <= seen[0] <= old[0] | new[0] and {one[:2] for one in seen[1]} <= {
        one[:2] for one in old[1] | new[1]
    }


def _otherwise(seen: Look, old: Look, new: Look) -> bool:
    """Of a start-up that said that it could not read the snapshot: it went on with what else there was."""
    return seen[0] <= old[0] | new[0] and {one[:2] for one in seen[1]} <= {one[:2] for one in old[1] | new[1]}


def _in_vain(seen: Look, old: Look, new: Look) -> bool:
    """Of a clean-up that said that it could take no events away: all is there, and that it was tried."""
    more = set(seen[1]) - set(old[1])
    return seen[0] == old[0] and set(old[1]) <= set(seen[1]) and {one[1] for one in more} == {"state_cleaned"}


def _left_behind(scene: Scene) -> None:
    """What retention has grown to: a session whose record is gone, tasks that are over, and notes of no checkpoint."""
    (scene.store / "state/sessions/s.json").unlink()
    for name, status in (("done", "completed"), ("open", "pending"), ("needed", "failed")):
        task = {
            "id": name,
            "description": "x",
            "status": status,
            "depends_on": ["needed"] * (name == "open"),
            "logs": [],
        }
        (scene.store / f"tasks/{name}.json").write_text(json.dumps(task))
    (scene.store / "state/backups/demo-checkpoint-gone.info").write_text('{"milestone_id": "demo"}')


def _bulky(scene: Scene) -> None:
    """What is worth compressing: a month of backups, records and parts of two sessions, which share one."""
    born = time.time() - MONTH
    text = "a text that is long enough to be worth it; " * 200
    files = {
        f"state/backups/demo-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(born + number))}.json":
        json.dumps({"timestamp": "", "milestone_id": "demo", "version": "1.0", "state": [number, text]})
        for number in range(12)
    }  # fmt: skip
    name = hashlib.sha256(text.encode()).hexdigest()
    for session in ("s", "t"):
        files[f"state/sessions/{session}/recovery/{name}.json"] = text
        path = scene.store / f"state/sessions/{session}/checkpoints/kept/checkpoint.yaml"
        info = json.loads(path.read_text())
        info["parts"].append({"kind": "other", "key": "both", "sha256": name, "bytes": len(text)})
        path.write_text(json.dumps(info))
    files["transactions/committed/txn-00.yaml"] = json.dumps({"milestones": [], "text": text})
    for place, content in files.items():
        (scene.store / place).write_text(content)
        os.utime(scene.store / place, (born, born))


def _optimized(seen: Look, old: Look, new: Look) -> bool:
    """Of an optimisation that was ended: what it has not come to is as it was, and nothing else is different."""
    return seen[0] - old[0] <= new[0] - old[0] and old[0] - seen[0] <= old[0] - new[0] and seen[1] in (old[1], new[1])


def _count(seen: Look, type_: str) -> int:
    return sum(count for _, one, count in seen[1] if one == type_)


def _edited(scene: Scene) -> None:
    """What somebody wrote into the page of a session."""
    page = scene.store / "state/sessions/s/session.yaml"
    page.write_text(page.read_text().replace("context: {}", "context:\n  goal: mend  # soon"))


NAMED = ("session", "create", "demo", "--name", "s")
ALONE = ("session", "create", "--no-milestone", "--name", "s")
KEPT: tuple[Step, ...] = (*SAVED, NAMED, ("session", "set", "s", "word=one"), _edited,
                          ("checkpoint", "create", "--session", "s", "--name", "kept"))  # fmt: skip


def _open_sync(scene: Scene) -> None:
    """A synchronisation that waits for its last answer, under a name that is known beforehand."""
    scene.run("agent", "register", "other", "--for-pid", "0")
    scene.run("agent", "sync", "--no-wait", "--trigger", "other", "--timeout", "3600")
    path = next((scene.store / "agents/coordination").glob("*.json"))
    record = json.loads(path.read_text())
    path.with_name("sync-1.json").write_text(json.dumps({**record, "sync_id": "sync-1"}))
    path.unlink()


AGENT: tuple[Step, ...] = (*SAVED, ("agent", "register", "builder", "--for-pid", "0"))


def _enter(scene: Scene) -> None:
    """An agent that lives as long as the sweep; one without a process would be silent for too long after a minute."""
    scene.run("agent", "register", "builder", "--for-pid", str(os.getpid()))


TASK: tuple[Step, ...] = (*SAVED, ("task", "create", "first", "write the tests"))
DONE: tuple[Step, ...] = (*TASK, ("task", "start", "first"), ("task", "complete", "first"))


def _lose(scene: Scene) -> None:
    """A task that somebody removed without the program."""
    (scene.store / "tasks/first.json").unlink()


def _saved(seen: Look, old: Look, new: Look) -> bool:
    """A snapshot may be there whose event is not; it is no document of these."""
    return seen[0] == old[0]


def _foreign(scene: Scene) -> None:
    """What another program has left beside the store: tasks, a session, and its log."""
    session = {"id": "chat", "status": "active", "created_at": "2024-01-01T09:00:00Z"}
    folder = agent_state(
        scene.directory / FOREIGN, TASK_OF_OTHERS, {**TASK_OF_OTHERS, "id": "other"}, sessions=[session]
    )
    (folder / "logs/session_chat.log").write_text("2024-01-01T09:01:00Z begun\n2024-01-01T09:02:00Z done\n")


def _of_bash(scene: Scene) -> None:
    """A store as the bash utilities leave it."""
    saved = {"timestamp": "2026-11-21T12:00:00Z", "milestone_id": "demo", "version": "1.0", "state": {"n": 1}}
    event = {"timestamp": "2026-11-21T12:00:00Z", "milestone_id": "demo", "event_type": "state_saved", "data": {}}
    for folder in ("active", "completed", "backups", "sessions", "events", ".locks"):
        (scene.store / "state" / folder).mkdir(parents=True)
    (scene.store / "state/active/demo.json").write_text(json.dumps(saved, indent=2))
    (scene.store / "state/events/milestone-demo.jsonl").write_text(json.dumps(event) + "\n")


MENDED = ("lock", "run", "demo", "--wait", "1", "--", str(MILESTONE), "events", "repair", "demo", "--yes")
"""Repairs under the lock, so that of a sound log too what a dead one left of its lock goes away."""
NEXT = ("checkpoint", "create", "demo", "--name", "n", *PROMPT)
TOGETHER = "".join(json.dumps(one) + "\n" for one in (
    {"op": "require", "milestone": "demo", "path": "n", "value": 1},
    {"op": "set", "milestone": "demo", "path": "n", "value": 2},
    {"op": "save", "milestone": "other", "state": {"n": 2}, "absent": True},
    {"op": "checkpoint_create", "milestone": "demo", "name": "both"},
    {"op": "session_create", "milestone": "other"},
    {"op": "log", "milestone": "other", "event_type": "marker"},
))  # fmt: skip
BOTH = ("transaction", "apply", "".join(json.dumps(one) + "\n" for one in (
    {"op": "set", "milestone": "demo", "path": "next", "value": 1},
    {"op": "require", "milestone": "other", "path": "next", "absent": True},
)), *PROMPT)  # fmt: skip
SMALL = (("MILESTONE_SEGMENT_SIZE", "4K"),)
TAKEN = ("store", "import", FOREIGN, "--yes")
PACKED = ("cleanup", "run", "demo", "--yes", *PROMPT)
OPTIMIZED = ("cleanup", "optimize", "--older-than", "0", "--keep-last", "1", "--yes", *PROMPT)
FIRST: tuple[Step, ...] = (*SAVED, CHECKPOINT, ("state", "save", "demo", NEW))
CASES = [
    Case("init", (), ("init", "demo"), reader=(), after=("init", "demo")),
    Case("save-first", (("init", "demo"),), ("state", "save", "demo", NEW), reader=()),
    Case("save", SAVED, ("state", "save", "demo", NEW)),
    Case("set", SAVED, ("state", "set", "demo", "n=2", "deep.er=[1]")),
    Case("patch", SAVED, ("state", "patch", "demo", '{"n": 3, "name": null}')),
    Case("undo", (*SAVED, ("state", "set", "demo", "n=2")), ("state", "undo", "demo")),
    Case("redo", (*SAVED, ("state", "set", "demo", "n=2"), ("state", "undo", "demo")), ("state", "redo", "demo")),
    Case("complete", SAVED, ("state", "complete", "demo"), after=NEXT),
    Case("reopen", (*SAVED, ("state", "complete", "demo")), ("state", "reopen", "demo"),
         after=NEXT),
    Case("delete", SAVED, ("state", "delete", "demo", "--yes"), reader=(),
         after=("state", "save", "demo", "{}", *PROMPT)),
    Case("recover", (*SAVED, ("state", "set", "demo", "n=2"), _damage), ("state", "recover", "demo", "--yes")),
    Case("log", SAVED, ("events", "log", "demo", "marker", '{"k": "v"}')),
    Case("log-first", (*SAVED, ("init", "other")), ("events", "log", "fresh", "marker"), reader=(),
         after=("events", "log", "fresh", "next", *PROMPT)),
    Case("batch", SAVED, ("events", "log", "demo", "--batch"), stdin=BATCH, torn=_begun),
    Case("events-repair", (*SAVED, *((("events", "log", "demo", "marker"),) * 4), _spoil),
         ("events", "repair", "demo", "--yes"), after=MENDED),
    Case("checkpoint-create", SAVED, (*CHECKPOINT, "--reason", "why")),
    Case("checkpoint-restore", FIRST, ("checkpoint", "restore", "demo", "first", "--yes"), between=_kept),
    Case("checkpoint-delete", FIRST, ("checkpoint", "delete", "demo", "first", "--yes")),
    Case("checkpoint-pin", FIRST, ("checkpoint", "pin", "demo", "first", "--reason", "kept")),
    Case("checkpoint-unpin", (*FIRST, ("checkpoint", "pin", "demo", "first")),
         ("checkpoint", "unpin", "demo", "first")),
    Case("session-create", SAVED, SESSION),
    Case("session-use", (*SAVED, _two_sessions, ("session", "use", "first")), ("session", "use", "second")),
    Case("session-end", (*SAVED, _two_sessions, ("session", "use", "first")), ("session", "end")),
    Case("session-create-alone", SAVED,
         ("session", "create", "--no-milestone", "--name", "s", "--context", '{"a": [1]}')),
    Case("session-set", (*SAVED, NAMED), ("session", "set", "s", "deep.er=[1]", "word=other")),
    Case("session-progress", (*SAVED, NAMED), ("session", "progress", "s", "40", "--operation", "x")),
    Case("session-record", (*SAVED, ALONE), ("session", "record", "s", "--request", "x", "--response", "{}")),
    Case("session-delete", (*SAVED, NAMED), ("session", "delete", "s", "--yes", "--force")),
    Case("session-checkpoint", (*SAVED, NAMED, _edited), ("checkpoint", "create", "--session", "s", "--name", "kept")),
    Case("session-checkpoint-delete", KEPT, ("checkpoint", "delete", "kept", "--session", "s", "--yes")),
    Case("session-recover", (*KEPT, ("session", "set", "s", "word=other"), ("state", "save", "demo", NEW)),
         ("session", "recover", "s", "--yes")),
    Case("cleanup-run", (*SAVED, ("init", "demo-b"), _age), ("cleanup", "run", "demo", "--keep-last", "2", "--yes"),
         between=_partly),
    Case("seal", (*SAVED, _grown), ("events", "log", "demo", "marker", '{"k": "v"}'), env=SMALL),
    Case("seal-save", (*SAVED, _grown), ("state", "save", "demo", NEW), env=SMALL),
    Case("pack", (*SAVED, _sealed), ("cleanup", "run", "demo", "--yes"), after=PACKED, env=SMALL),
    Case("cleanup-left-behind", (*KEPT, _left_behind),
         CLEANED, after=CLEANED, between=_partly, stays=PARTED, sparse=4),
    Case("optimize", (*KEPT, ("session", "create", "demo", "--name", "t", "--backup-retention", "0"),
                      ("checkpoint", "create", "--session", "t", "--name", "kept"), _bulky), OPTIMIZED,
         after=OPTIMIZED, between=_optimized, sparse=4),
    Case("trim", (("init", "demo"), _aged, ("state", "save", "demo", OLD)), PACKED[:-2], after=PACKED[:-2],
         between=_in_vain, stays=PARTED),
    Case("transaction-apply", SAVED, ("transaction", "apply", "-"), stdin=TOGETHER, after=BOTH),
    Case("transaction-rollback", (*SAVED, ("transaction", "apply", TOGETHER)),
         ("transaction", "rollback", "last", "--yes"), after=BOTH),
    Case("agent-register", SAVED, ("agent", "register", "builder", "--for-pid", "0", "--type", "coder")),
    Case("agent-update", AGENT, ("agent", "update", "builder", "--operations", "1", "--state", '{"k": 1}')),
    Case("agent-heartbeat", AGENT, ("agent", "heartbeat", "builder"), after=("agent", "heartbeat", "builder")),
    Case("agent-retire", AGENT, ("agent", "retire", "builder", "--reason", "done")),
    Case("agent-sync", (*SAVED, _enter), ("agent", "sync", "--no-wait", "--timeout", "3600")),
    Case("agent-ack", (*AGENT, _open_sync), ("agent", "ack", "sync-1", "--agent", "builder")),
    Case("task-create", TASK, ("task", "create", "second", "more", "--tool", "x", "--depends-on", "first")),
    Case("task-claim", TASK, ("task", "claim", "--agent", "builder", "--for-pid", "0", "--lease", "1h")),
    Case("snapshot-save", (*TASK, ("snapshot", "save")), ("snapshot", "save", *PROMPT),
         after=("snapshot", "save", *PROMPT), between=_saved, stays=NOTED),
    Case("snapshot-load", (*TASK, ("snapshot", "save"), _lose), ("snapshot", "load", "--yes", *PROMPT), after=BOTH,
         between=_otherwise, stays=(*NOTED, "snapshots/state.backup.#-#-#.json")),
    Case("archive-run", DONE, ("archive", "run", "--older-than", "0", "--yes", *PROMPT), after=BOTH, reader=()),
    Case("cleanup-archive", DONE,
         ARCHIVED, after=ARCHIVED, reader=(),
         between=_archived_partly, stays=PARTED, sparse=6),
    Case("config-set", (*SAVED, ("config", "set", "keep_last=7")), ("config", "set", "keep_last=8", "lock_timeout=2"),
         reader=("config", "get", "keep_last"), after=BOTH, sparse=4),
    Case("import", (*SAVED, _foreign), TAKEN, reader=(), after=TAKEN, sparse=4),
    Case("migrate", (_of_bash,), ("store", "migrate", "--yes"), after=("store", "migrate", "--yes"), sparse=6),
    Case("lock-run", SAVED, ("lock", "run", "demo", "--", "true")),
    Case("lock-acquire", SAVED, ("lock", "acquire", "demo", "--for-pid", "PID")),
    Case("lock-release", (*SAVED, ("lock", "acquire", "demo")), ("lock", "release", "demo", "--force")),
    Case("lock-break", (*SAVED, ("lock", "acquire", "demo")), ("lock", "break", "demo", "--force", "--yes")),
    Case("repair-event", (*SAVED, _interrupted("write", ".jsonl", "state", "save", "demo", NEW), _tear),
         ("state", "set", "demo", "deep=1"), repairs=True),
    Case("repair-transaction", (*SAVED, _interrupted("fsync", "pending>)", *CHECKPOINT)),
         ("state", "set", "demo", "deep=1"), repairs=True),
    Case("repair-several", (*SAVED, _interrupted("fsync", "pending>)", "transaction", "apply", TOGETHER)),
         ("state", "set", "demo", "deep=1"), reader=(), after=BOTH, repairs=True),
    Case("repair-rewritten", (*SAVED, _rewrite), ("state", "set", "demo", "deep=1"), repairs=True),
]  # fmt: skip
BY_NAME = {case.name: case for case in CASES}
