"""Taking in sessions of the reference architecture, `state/sessions/SESSION/`, and its transactions that are over.

A session becomes a record with its context, settings and progress; each file of its `state` becomes a keyed value; an
agent becomes a record; a checkpoint keeps the session as it was then, so it can be recovered. A synchronisation point
becomes the event that one was asked for, since how it ended the log has; a health log stays one. What is made again
when it is needed (caches), and what was under way (locks, pending transactions), stays where it is.
"""

from milestone_cli.core.agents import monitor
from milestone_cli.core.migration.harvest import SYSTEM, Harvest, is_name, lines, mapping, object_of, take_events, word
from milestone_cli.core.record import laid_out, squeezed
from milestone_cli.core.sessions import capture, pages
from milestone_cli.core.sessions.pages import CONFIGURATION
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import digest, log_of
from milestone_cli.storage.files import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.migration.tree import Tree

    Facts = dict[str, object]

PAGE = "session.yaml"
OVER = ("completed", "ended", "closed", "terminated", "failed")
"""Statuses of sessions that nobody goes on with."""
AGENTS = {"retired": "retired", "completed": "retired", "terminated": "retired", "failed": "failed"}
"""Statuses of agents that are over, and ours for them."""


def is_one(tree: "Tree") -> bool:
    """Whether a tree has sessions of the reference architecture."""
    return bool(_sessions(tree))


def _sessions(tree: "Tree") -> "list[str]":
    found = []
    for path in tree.files:
        words = path.split("/")
        if len(words) == 4 and path.startswith(layout.SESSIONS + "/") and words[3] == PAGE:
            found.append(words[2])
    return found


def take(tree: "Tree", found: Harvest) -> None:
    """Take in sessions, and transactions that are over."""
    for name in _sessions(tree):
        folder = f"{layout.SESSIONS}/{name}"
        if not is_name(name):
            found.leave(folder, "its name cannot be that of a session")
        elif ("session", name) in found.documents:
            found.leave(f"{folder}/{PAGE}", "the bash utilities have a record of this session, which is taken")
        else:
            _Session(tree, folder, name, found).take()
    for kind, place in (("committed", layout.COMMITTED), ("rollback", layout.ROLLBACKS)):
        for path in tree.under(place):
            _transaction(tree, path, kind, found)
    for path in tree.under(layout.PENDING):
        found.leave(path, "it was never finished")


def _transaction(tree: "Tree", path: str, kind: str, found: Harvest) -> None:
    name = path.rpartition("/")[2].removesuffix(".yaml")
    try:
        record = tree.yaml(path)
    except MilestoneError as error:
        found.leave(path, error.message)
        return
    said = mapping(record.get("transaction"))
    if said.get("id") != name or not layout.is_sound(kind, name):
        found.leave(path, "it is not the record of a transaction")
        return
    record["transaction"] = {key: None if value is None else str(value) for key, value in said.items()}
    found.documents[kind, name] = laid_out(dumps(record)).encode() + b"\n"


class _Session:
    """A session of the tree, with all that belongs to it."""

    def __init__(self, tree: "Tree", folder: str, name: str, found: Harvest) -> None:
        self._tree = tree
        self._folder = folder
        self._name = name
        self._found = found

    def take(self) -> None:
        """Take it in; where its page cannot be read, nothing of it but what happened."""
        tree, found, name = self._tree, self._found, self._name
        folder = self._folder
        events = f"{folder}/events/{layout.SESSION_LOG}"
        if events in tree.files:
            take_events(tree, events, log_of(name), found, name)
        for path in tree.under(f"{folder}/agents/.sync", ".yaml"):
            self._sync(path)
        self._health(f"{folder}/agents/.health/monitor.jsonl")
        try:
            page = tree.yaml(f"{folder}/{PAGE}")
        except MilestoneError as error:
            found.leave(f"{folder}/{PAGE}", error.message)
            return
        record = self._record(page)
        record["state"] = self._keyed(f"{folder}/state")
        points = self._points(record)
        agents = [self._agent(path) for path in tree.under(f"{folder}/agents", ".yaml")]
        last = mapping(page.get("state")).get("last_checkpoint")
        for point, at in points.items():
            if point == last or last is None:
                record["last_checkpoint"] = dumps({"name": point, "created_at": at})
        text = laid_out(object_of(record))
        parsed = loads(text)
        assert isinstance(parsed, dict)
        shown = pages.page(text, parsed, list(points), [one for one in agents if one])
        seen = {"sha256": digest(shown.encode()), "edited": False}
        record["page"] = dumps(seen)
        found.documents["session", name] = laid_out(object_of(record)).encode() + b"\n"
        found.documents[pages.KIND, name] = shown.encode()

    def _record(self, page: "Facts") -> "dict[str, str]":
        """The record that a page makes, as texts of its members."""
        said, state = mapping(page.get("session")), mapping(page.get("state"))
        status = word(said.get("status"))
        over = status in OVER
        settings = mapping(page.get("configuration"))
        progress = state.get("progress_percentage")
        whole = progress if isinstance(progress, int | float) and 0 <= progress <= 100 else 0
        operation = word(state.get("current_operation")) or None
        configured = {
            key: settings[key] for key in CONFIGURATION if type(settings.get(key)) is type(CONFIGURATION[key])
        }
        fields: Facts = {
            "session_id": self._name,
            "milestone_id": said["milestone"] if is_name(said.get("milestone")) else None,
            "created_at": word(said.get("created_at")) or None,
            "pid": None,
            "user": word(said.get("user")) or None,
            "working_directory": None,
            "git_branch": None,
            "status": "completed" if over else "active",
            "type": word(said.get("type")) or "general",
            **({"ended_at": word(said.get("last_updated")) or None} if over else {}),
            "metadata": {"imported_from": "session.yaml", "status": status or None},
            "context": mapping(page.get("context")),
            "configuration": {**CONFIGURATION, **configured},
            "state": {},
            "progress": whole,
            "operation": operation,
            "last_checkpoint": None,
            "updated_at": word(said.get("last_updated")) or None,
            "page": None,
        }
        for key in settings.keys() - configured.keys():
            self._found.leave(
                f"{self._folder}/{PAGE}: configuration.{key}", "there is no such setting, or no such value"
            )
        return {key: dumps(value) for key, value in fields.items()}

    def _keyed(self, folder: str) -> str:
        """Keyed values: a file of JSON or YAML each, under its name without the ending."""
        values: dict[str, str] = {}
        for path in self._tree.under(folder):
            stem, _, ending = path.rpartition("/")[2].rpartition(".")
            try:
                if ending == "json":
                    text = self._tree.text(path).strip()
                elif ending in ("yaml", "yml"):
                    text = dumps(self._tree.yaml(path))
                else:
                    self._found.leave(path, "it is neither JSON nor YAML")
                    continue
            except MilestoneError as error:
                self._found.leave(path, error.message)
                continue
            if not is_name(stem) or stem in values:
                self._found.leave(path, "its name cannot be a key")
            else:
                values[stem] = text
        return object_of(values)

    def _agent(self, path: str, *, is_put: bool = True) -> "str | None":
        """Take an agent in; its name where it is at work."""
        name = path.rpartition("/")[2].removesuffix(".yaml")
        try:
            raw = self.agent(path, name)
        except MilestoneError as error:
            self._found.leave(path, error.message)
            return None
        if ("agent", name) in self._found.documents:
            self._found.leave(path, "another session has an agent of this name, which is taken")
            return None
        if is_put:
            self._found.documents["agent", name] = raw
        return name if b'"status": "active"' in raw else None

    def agent(self, path: str, name: str) -> bytes:
        """The record that a page of an agent makes.

        Raises:
            MilestoneError: `invalid_data` when it is none.
        """
        page = self._tree.yaml(path)
        said, counted, tied = (mapping(page.get(key)) for key in ("agent", "metrics", "coordination"))
        if said.get("id") != name or not is_name(name):
            raise MilestoneError("invalid_data", "it is the page of another agent", "")
        numbers = ("operations_completed", "errors_encountered", "total_execution_time")
        status = word(said.get("status"))
        fields = {
            "agent_id": name,
            "type": word(said.get("type")) or "general",
            "session_id": self._name,
            "milestone_id": None,
            "status": AGENTS.get(status, "active"),
            "registered_at": word(said.get("registered_at")) or None,
            "last_updated": word(said.get("last_updated")) or None,
            "ended_at": word(said.get("last_updated")) or None if status in AGENTS else None,
            "reason": None,
            **dict.fromkeys(("pid", "host", "boot_id", "user", "command")),
            "lease_seconds": 600.0,
            "metrics": {key: value if isinstance(value := counted.get(key), int | float) else 0 for key in numbers},
            "dependencies": _names(tied.get("dependencies")),
            "subscriptions": _texts(tied.get("event_subscriptions")),
            "exit_code": None,
            "state": mapping(page.get("state")),
        }
        return laid_out(dumps(fields)).encode() + b"\n"

    def _sync(self, path: str) -> None:
        """Take in that a synchronisation was asked for, and what is said of its end."""
        try:
            page = self._tree.yaml(path)
        except MilestoneError as error:
            self._found.leave(path, error.message)
            return
        said = mapping(page.get("synchronization"))
        told = {"sync_id": said.get("id"), "participants": page.get("participants"), "status": page.get("status")}
        at, agent = word(said.get("started_at")), word(said.get("trigger_agent"))
        if is_name(said.get("id")):
            self._found.add(log_of(self._name), "sync_requested", dumps(told), at, self._name, agent or SYSTEM)
        else:
            self._found.leave(path, "it is no synchronisation point")

    def _health(self, path: str) -> None:
        """Take in what was found at each look at the agents, the last of them."""
        if path in self._tree.files:
            kept = [squeezed(object_of(texts)) + "\n" for texts, _ in lines(self._tree, path, self._found)]
            if kept:
                self._found.documents[monitor.KIND, self._name] = "".join(kept[-monitor.KEPT :]).encode()

    def _points(self, record: "dict[str, str]") -> "dict[str, str]":
        """Take checkpoints in; name and time of each, oldest first."""
        folder = f"{self._folder}/checkpoints"
        known = {}
        for path in self._tree.files:
            words = path.removeprefix(folder + "/").split("/")
            if path.startswith(folder + "/") and len(words) == 2 and words[1] == "checkpoint.yaml":
                try:
                    at = self._point(path, words[0], record)
                except MilestoneError as error:
                    self._found.leave(path, error.message)
                    continue
                known[words[0]] = at
        return dict(sorted(known.items(), key=lambda one: (one[1], one[0])))

    def _point(self, path: str, name: str, record: "dict[str, str]") -> str:
        """Take a checkpoint in: the session as it is, with the keyed values and the agents of then."""
        page = self._tree.yaml(path)
        said = mapping(page.get("checkpoint"))
        key = f"{self._name}/{name}"
        if said.get("id") != name or not layout.is_sound(capture.KIND, key):
            raise MilestoneError("invalid_data", "it is another checkpoint's", "")
        folder = path.rpartition("/")[0]
        then = {**record, "state": self._keyed(f"{folder}/state")}
        kept = [("session", self._name, capture.kept_of(laid_out(object_of(then))))]
        for one in self._tree.under(f"{folder}/agents", ".yaml"):
            agent = one.rpartition("/")[2].removesuffix(".yaml")
            kept.append(("agent", agent, self.agent(one, agent)))
        for _, _, raw in kept:
            self._found.documents[capture.PART, f"{self._name}/{digest(raw)}"] = raw
        at = word(said.get("created_at"))
        context = mapping(page.get("context"))
        told = {
            "checkpoint": {"id": name, "session_id": self._name, "reason": word(said.get("reason")) or "imported",
                           "created_at": at},
            "state_snapshot": {"session_file": digest(kept[0][2]), "agent_count": len(kept) - 1, "operation_count": 0,
                               "event_count": _count(mapping(page.get("state_snapshot")).get("event_count")),
                               "event_offset": 0, "milestone_id": None, "revision": None, "sha256": None},
            "context": {**{key: word(context.get(key)) for key in ("working_directory", "git_branch", "git_commit")},
                        "git_dirty": None},
            "recovery_data": {"active_transactions": [], "pending_operations": [],
                              "agent_states": [{"agent_id": one[1], "sha256": digest(one[2])} for one in kept[1:]]},
            "parts": [{"kind": kind, "key": one, "sha256": digest(raw), "bytes": len(raw)} for kind, one, raw in kept],
            "pinned": None,
        }  # fmt: skip
        self._found.documents[capture.KIND, key] = laid_out(dumps(told)).encode() + b"\n"
        return at


def _names(value: object) -> "list[str]":
    return [one for one in _texts(value) if is_name(one)]


def _texts(value: object) -> "list[str]":
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _count(value: object) -> int:
    return value if type(value) is int and value >= 0 else 0
