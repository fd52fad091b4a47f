"""Taking in a `coding-agent-state` folder: its tasks, a file each, tasks and sessions of its snapshot, session logs.

A task's own file is newer than the snapshot, which is written at intervals; what stands in both is taken from the one
that was changed last. All entries of a task's log become events, as the lines of a session's do; the last ones stay in
the task. Older snapshots are held against what is taken in: what stands in them alone is named.
"""

from milestone_cli.core import NO_SESSION
from milestone_cli.core.migration.harvest import LINE, SYSTEM, Harvest, is_name, mapping, object_of, word
from milestone_cli.core.migration.tree import LOG
from milestone_cli.core.record import laid_out
from milestone_cli.core.tasks.task import ENTRIES, KIND, LEVELS, LIMIT, STATUSES, Task
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, dumps, loads, members, skip
from milestone_cli.model import log_of
from milestone_cli.storage.findings import count
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.migration.tree import Tree

    Facts = dict[str, object]

MAIN, TASKS, BACKUP, SESSION_LOG = "state.json", "tasks", "state.backup.", "logs/session_"
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
    """Take in tasks, sessions and their logs."""
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
    _backups(tree, found)
    for path in tree.under("logs"):
        _log(tree, path, found)
    for path in tree.under("reports"):
        found.leave(path, "a report; `milestone task report` makes one of the tasks")


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
        found.leave(path, f"'{name[:80]}' is not a valid task name")
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
    session = one.name("session_id") or NO_SESSION
    found.add(one.stream, "task_created", dumps(about), one.word("created_at") or "", session, SYSTEM)
    for log in logs:
        data = {"task_id": name, **{key: log.get(key) for key in ("level", "type", "message")}}
        found.add(one.stream, "task_logged", dumps(data), word(log.get("timestamp")), session, SYSTEM)


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


def _backups(tree: "Tree", found: Harvest) -> None:
    """Hold older snapshots against what is taken in, which is the same or newer; what stands in them alone is named."""
    known = {key for kind, key in found.documents if kind in (KIND, "session")}
    covered = 0
    for path in tree.under("", ".json"):
        if not path.startswith(BACKUP):
            continue
        try:
            values = tree.json(path)[1]
        except MilestoneError as error:
            found.leave(path, error.message)
            continue
        names = [
            word(said.get("id")) or word(said.get("session_id"))
            for listed in (values.get("tasks"), values.get("sessions"))
            for said in map(mapping, listed if isinstance(listed, list) else [])
        ]
        alone = sorted({*names} - known)
        covered += not alone
        if alone:
            more = ", …" if len(alone) > 5 else ""
            found.leave(path, f"an older snapshot; in it alone stand {', '.join(alone[:5])}{more}"[:400])
    if covered:
        older = count(covered, "older snapshot")
        found.notes.append(f"nothing stands in {older} that is not taken in, as it was or newer")


def _log(tree: "Tree", path: str, found: Harvest) -> None:
    """Take in a session's log, which is free text: an event a line, of the time with which it or one before begins."""
    name = path.removeprefix(SESSION_LOG).removesuffix(".log")
    if not (path.startswith(SESSION_LOG) and path.endswith(".log") and is_name(name)):
        found.leave(path, "its name is not that of a session's log")
        return
    try:
        text = tree.read(path, LOG).decode("utf-8", "backslashreplace")
    except MilestoneError as error:
        found.leave(path, error.message)
        return
    at, long = "", 0
    for line in filter(str.strip, text.split("\n")):
        if len(line) > LINE:
            long += 1
            continue
        said = _object(line)
        at = _moment(word(said.get("timestamp")) or line) or at
        data = line if said else dumps({"session_id": name, "message": line.rstrip("\r")})
        found.add(log_of(name), "session_logged", data, at, name, SYSTEM)
    if ("session", name) not in found.documents:
        found.notes.append(f"session {name}: only its log is there; `milestone events query --session {name}` shows it")
    if long:
        found.leave(path, f"{count(long, 'line')} of more than {LINE} characters")


def _object(line: str) -> "Facts":
    """A line that is a JSON object; an empty one for any other."""
    try:
        return mapping(loads(check(line.encode(), LINE, "it"))) if line[:1] == "{" else {}
    except MilestoneError:
        return {}


def _moment(line: str) -> str:
    """The time, RFC 3339, with which a text begins, in brackets or not; empty where it begins with none."""
    first = line.lstrip("[( ").split(maxsplit=1)[0].rstrip("]):,-") if line.strip("[( ") else ""
    return first if parse_ns(first) is not None else ""
