"""Taking in a `coding-agent-state` folder: its tasks, a file each, and the tasks and sessions of its snapshot.

A task's own file is newer than the snapshot, which is written at intervals; what stands in both is taken from the one
that was changed last. Of a task's log the last entries stay in the task, and all of them become events.
"""

from milestone_cli.core.migration.harvest import Harvest, is_name, mapping, object_of, word
from milestone_cli.core.record import laid_out
from milestone_cli.core.tasks.task import ENTRIES, KIND, LEVELS, LIMIT, STATUSES, Task
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, members, skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.migration.tree import Tree

    Facts = dict[str, object]

MAIN, TASKS = "state.json", "tasks"
LIKE = {
    "created": "pending", "queued": "pending", "todo": "pending", "open": "pending", "waiting": "pending",
    "running": "in_progress", "started": "in_progress", "active": "in_progress", "in-progress": "in_progress",
    "done": "completed", "success": "completed", "succeeded": "completed", "complete": "completed",
    "error": "failed", "errored": "failed", "canceled": "cancelled", "aborted": "cancelled",
}  # fmt: skip
"""What other programs say for a status."""
OURS: "dict[str, object]" = {"tool": None, "created_at": None, "updated_at": None, "started_at": None,
                             "completed_at": None, "result": None, "reason": None, "depends_on": [], "agent_id": None,
                             "claim": None, "milestone_id": None, "session_id": None, "revision": 1}  # fmt: skip
"""What a task has beside what the reference gives it."""


def is_one(tree: "Tree") -> bool:
    """Whether a tree has what the coding agent's server makes."""
    return MAIN in tree.files or any(path.endswith(".json") for path in tree.under(TASKS))


def take(tree: "Tree", found: Harvest) -> None:
    """Take in tasks and sessions."""
    known: dict[str, tuple[str, str]] = {}
    for path in tree.under(TASKS):
        name = path.rpartition("/")[2].removesuffix(".json")
        try:
            text, values = tree.json(path)
        except MilestoneError as error:
            found.leave(path, error.message)
            continue
        if values.get("id") != name or not path.endswith(".json"):
            found.leave(path, "it is not a task of this name")
        else:
            known[name] = (text, path)
    if MAIN in tree.files:
        _snapshot(tree, known, found)
    for text, path in known.values():
        _task(text, path, found)
    told = {"state.backup": "an older snapshot", "logs/": "free text of a session", "reports/": "a report, made again"}
    for path in tree.files:
        why = next((why for before, why in told.items() if path.startswith(before)), "")
        if why:
            found.leave(path, why)


def _snapshot(tree: "Tree", known: "dict[str, tuple[str, str]]", found: Harvest) -> None:
    try:
        text, values = tree.json(MAIN)
    except MilestoneError as error:
        found.leave(MAIN, f"{error.message}; the tasks are taken from their own files")
        return
    if not word(values.get("version") or "1.").startswith("1."):
        found.leave(MAIN, f"it has version {dumps(values['version'])[:40]}; known are 1.x")
        return
    spans = {key: text[start:end] for key, _, start, end in members(text, skip(text, 0))}
    for one in _elements(spans.get("tasks", "[]")):
        said = mapping(loads(one))
        name = word(said.get("id"))
        own = known.get(name)
        if own is None or _when(said) > _when(mapping(loads(own[0]))):
            if own is not None:
                found.notes.append(f"task {name}: {MAIN} has a later change than its own file, and is taken")
            known[name] = (one, f"{MAIN}: task {name}")
    for one in _elements(spans.get("sessions", "[]")):
        _session(one, found)
    for key in spans.keys() - {"version", "tasks", "sessions", "metrics", "last_saved"}:
        found.leave(f"{MAIN}: {key[:80]}", "nothing says what it is")


def _elements(array: str) -> "list[str]":
    return [array[start:end] for _, _, start, end in members(array, 0)] if array[:1] == "[" else []


def _when(said: "Facts") -> str:
    return word(said.get("updated_at")) or word(said.get("created_at"))


def _task(text: str, path: str, found: Harvest) -> None:
    said = mapping(loads(text))
    name = word(said.get("id"))
    if not is_name(name):
        found.leave(path, f"'{name[:80]}' cannot name a task")
        return
    texts = {key: text[start:end] for key, _, start, end in members(text, skip(text, 0))}
    status = word(said.get("status"))
    own = status if status in STATUSES else LIKE.get(status.lower().replace(" ", "_"), "")
    if not own:
        found.leave(path, f"its status '{status[:80]}' is not a known one")
        return
    if own != status:
        found.notes.append(f"task {name}: its status '{status}' became {own}")
    listed = said.get("logs")
    logs = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    one = Task(name, b"{}")
    one.texts = {**{key: dumps(value) for key, value in OURS.items()}, **texts}
    for key in ("milestone_id", "session_id", "agent_id"):
        if texts.get(key) and one.word(key) and one.name(key) is None:
            one.put(**{key: None})
            found.leave(f"{path}: {key}", "it cannot be a name")
    one.put(
        status=own, logs=[_entry(log, found.notes, name) for log in logs[-ENTRIES:]], log_count=len(logs), claim=None
    )
    raw = one.raw()
    trouble = "it is too large" if len(raw) > LIMIT else Task(name, raw).trouble
    if trouble:
        found.leave(path, trouble)
        return
    found.documents[KIND, name] = raw
    about = {"task_id": name, "description": one.word("description"), "status": own, "imported": True}
    session = one.name("session_id") or "no-session"
    found.add(one.stream, "task_created", dumps(about), one.word("created_at") or "", session, "system")
    for log in logs:
        data = {"task_id": name, **{key: log.get(key) for key in ("level", "type", "message")}}
        found.add(one.stream, "task_logged", dumps(data), word(log.get("timestamp")), session, "system")


def _entry(log: "Facts", notes: "list[str]", name: str) -> "Facts":
    """An entry of a task's log as it stands in the task."""
    level = word(log.get("level")).lower()
    level = {"warn": "warning"}.get(level, level)
    if level not in LEVELS:
        notes.append(f"task {name}: the level '{level[:40]}' of a log entry became info")
        level = "info"
    message = word(log.get("message")) or dumps(log.get("message"))
    shown = message if len(message) <= 500 else message[:499] + "…"
    return {"timestamp": word(log.get("timestamp")), "level": level, "type": word(log.get("type")) or "system",
            "message": shown}  # fmt: skip


def _session(text: str, found: Harvest) -> None:
    """A session of the snapshot, of which the reference says no more than that it is one."""
    said = mapping(loads(text))
    name = word(said.get("session_id")) or word(said.get("id"))
    if not is_name(name):
        found.leave(f"{MAIN}: session {name[:80]}", "it has no id that can name a session")
        return
    status = word(said.get("status"))
    over = word(said.get("ended_at")) or status in ("completed", "ended", "closed", "failed")
    fields: Facts = {
        "session_id": name,
        "milestone_id": None,
        "created_at": word(said.get("created_at")) or word(said.get("started_at")) or None,
        "pid": None,
        "user": word(said.get("user")) or word(said.get("user_id")) or None,
        "working_directory": word(said.get("working_directory")) or None,
        "git_branch": None,
        "status": "completed" if over else "active",
        "type": word(said.get("type")) or "general",
        **({"ended_at": word(said.get("ended_at")) or None} if over else {}),
    }
    texts = {key: dumps(value) for key, value in fields.items()}
    texts["metadata"] = text
    found.documents["session", name] = laid_out(object_of(texts)).encode() + b"\n"
