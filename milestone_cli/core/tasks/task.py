"""Tasks as they are found: one document of JSON each, in `tasks/`, that people may read and mend in an editor.

Its keys are those of the reference, in its order, and behind them ours. Values keep the text in which they were given.
Of a task's log the last entries stand in the document, so it stays small; all of them are events.
"""

from milestone_cli.core import NO_SESSION
from milestone_cli.core.record import laid_out, safe_name
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, dumps, loads, members, quote, skip
from milestone_cli.model import log_of, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

KIND = "task"
"""Kind of the documents; their key is the task's id."""
STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")
OPEN = ("pending", "in_progress")
LEVELS = ("debug", "info", "warning", "error")
KEYS = ("id", "description", "status", "tool", "created_at", "updated_at", "started_at", "completed_at", "logs",
        "result", "reason", "depends_on", "agent_id", "claim", "milestone_id", "session_id", "log_count",
        "revision")  # fmt: skip
"""In the order of writing; up to `result` they are the reference's."""
LIMIT = 4 << 20
"""Largest document, in bytes; the result of a task may have a quarter of it."""
MANY = 200
"""So many tasks may one depend on."""
ENTRIES = 20
"""So many entries of its log stand in a task, the last ones."""
ENTRY = 500
"""Characters of a message there; the event has all of it."""


class Task:
    """A task as its document says; whoever changes it does so by `put` and `say`, and writes what `raw` gives.

    Attributes:
        id: the task's.
        texts: its keys, and their values as JSON texts; empty when damaged.
        trouble: why it is damaged; empty when it is not.
    """

    __slots__ = ("id", "texts", "trouble")

    def __init__(self, name: str, raw: bytes) -> None:
        self.id = name
        self.texts: dict[str, str] = {}
        self.trouble = ""
        try:
            text = check(raw, LIMIT, "the task")
        except MilestoneError as error:
            self.trouble = error.message
            return
        at = skip(text, 0)
        if text[at] != "{":
            self.trouble = "it is not a JSON object"
            return
        self.texts = {key: text[start:end] for key, _, start, end in members(text, at)}
        self.trouble = self._lacking()
        if self.trouble:
            self.texts = {}

    def _lacking(self) -> str:
        """What keeps the document from being a task."""
        if self.value("id") != self.id:
            return f"its id is {self.texts.get('id', 'missing')[:140]}"
        if not isinstance(self.value("description"), str):
            return "it has no description"
        if self.value("status") not in STATUSES:
            return f"its status is {self.texts.get('status', 'missing')[:140]}, none of {', '.join(STATUSES)}"
        return ""

    def value(self, key: str) -> object:
        """The value of a key; None where there is none."""
        return loads(self.texts[key]) if key in self.texts else None

    def word(self, key: str) -> "str | None":
        """A value that is a text; None for anything else."""
        value = self.value(key)
        return value if isinstance(value, str) and value else None

    def name(self, key: str) -> "str | None":
        """A value that is a safe name; None for anything else."""
        return safe_name(self.value(key))

    def number(self, key: str) -> int:
        """A value that is a whole number from 0; 0 for anything else."""
        value = self.value(key)
        return value if type(value) is int and value >= 0 else 0

    @property
    def status(self) -> str:
        """One of `STATUSES`, or `damaged`."""
        return self.word("status") or "damaged"

    @property
    def depends_on(self) -> "list[str]":
        """Tasks that must be completed before this one can be begun."""
        value = self.value("depends_on")
        return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []

    @property
    def claim(self) -> "Facts":
        """Who has it: agent, process and lease; empty where nobody has claimed it."""
        value = self.value("claim")
        return value if isinstance(value, dict) else {}

    @property
    def logs(self) -> "list[Facts]":
        """The last entries of its log, oldest first: timestamp, level, type, message."""
        value = self.value("logs")
        return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

    @property
    def stream(self) -> str:
        """The log that tells of it: its milestone's, else its session's own, else that of no session."""
        return self.name("milestone_id") or log_of(self.name("session_id") or NO_SESSION)

    def put(self, **values: object) -> None:
        """Set keys to values."""
        for key, value in values.items():
            self.texts[key] = dumps(value)

    def say(self, at: str, message: str, level: str = "info", type_: str = "system") -> None:
        """Add an entry to its log; what is older than the last ones is left to the events."""
        shown = message if len(message) <= ENTRY else message[: ENTRY - 1] + "…"
        logs = [*self.logs, {"timestamp": at, "level": level, "type": type_, "message": shown}]
        self.put(logs=logs[-ENTRIES:], log_count=max(self.number("log_count"), len(logs) - 1) + 1)

    def raw(self) -> bytes:
        """The document, as people read it."""
        names = [key for key in KEYS if key in self.texts] + [key for key in self.texts if key not in KEYS]
        lines = [f"  {quote(key)}: {_entries(self.logs) if key == 'logs' else _text(self.texts[key])}" for key in names]
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()

    def fields(self) -> "Facts":
        """The task as JSON values, without its log and its result."""
        words = ("tool", "created_at", "updated_at", "started_at", "completed_at", "reason")
        return {
            "id": self.id,
            "description": self.word("description"),
            "status": self.status,
            **{key: self.word(key) for key in words},
            "depends_on": self.depends_on,
            **{key: self.name(key) for key in ("agent_id", "milestone_id", "session_id")},
            "log_count": max(self.number("log_count"), len(self.logs)),
            "revision": self.number("revision"),
            "trouble": self.trouble or None,
        }

    def whole(self) -> "Facts":
        """The task as JSON values, with what of its log is in it, and its result."""
        return {**self.fields(), "logs": self.logs, "result": self.value("result")}


def in_words(status: str) -> str:
    """A status as people say it: `in progress`."""
    return status.replace("_", " ")


def _text(text: str) -> str:
    return laid_out(text, "  ")


def _entries(logs: "list[Facts]") -> str:
    """Entries of a log, one a line."""
    return "[\n" + ",\n".join(f"    {dumps(one)}" for one in logs) + "\n  ]" if logs else "[]"


def look(store: "Store", name: str) -> "Task | None":
    """A task by its id; None when there is none."""
    raw = store.get(KIND, name)
    return None if raw is None else Task(name, raw)


def find(store: "Store", name: str) -> Task:
    """A task by its id.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    found = look(store, safe(name, "task"))
    if found is None:
        hint = "`milestone task list` shows them" if store.keys(KIND) else "`milestone task create` makes one"
        raise MilestoneError("not_found", f"there is no task '{name}'", hint, task_id=name)
    if found.trouble:
        raise MilestoneError(
            "damaged",
            f"the task '{name}' is damaged: {found.trouble}",
            f"correct tasks/{name}.json in an editor, or let `milestone doctor --fix` move it into the quarantine",
            task_id=name,
        )
    return found


def tasks(store: "Store") -> "list[Task]":
    """All tasks, oldest first; damaged ones too, and none of a name that no command would take."""
    found = []
    for name in store.keys(KIND):
        try:
            raw = store.get(KIND, safe(name))
        except MilestoneError as error:
            if error.code != "invalid_name":
                raise
            continue
        if raw is not None:
            found.append(Task(name, raw))
    return sorted(found, key=lambda one: (one.word("created_at") or "", one.id))


def waits_for(one: Task, status_of: "dict[str, str]") -> "list[str]":
    """The tasks that must be completed before a pending one can be begun; those that are gone, too."""
    return [name for name in one.depends_on if status_of.get(name) != "completed"] if one.status == "pending" else []


def circle(start: str, depends_on: "dict[str, list[str]]") -> "list[str]":
    """The way on which a task waits for itself, it first and last; empty when there is none.

    Args:
        start: the task.
        depends_on: of every task, those that must be completed before it.
    """
    ways = [[start]]
    seen = set()
    while ways:
        way = ways.pop()
        for name in depends_on.get(way[-1], ()):
            if name == start:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def names(given: "list[str]") -> "list[str]":
    """Ids of tasks that one is to depend on, without repeats.

    Raises:
        MilestoneError: `invalid_name`, `too_large`.
    """
    if len(given) > MANY:
        raise MilestoneError("too_large", f"{len(given)} were given; {MANY} are allowed", "make a task of some of them")
    return list(dict.fromkeys(safe(one, "task") for one in given))
