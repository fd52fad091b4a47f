"""What somebody must know to go on with the work: the packet for a model that begins, or for whoever takes over.

Facts only, the most useful first, cut to a budget by leaving out whole lines. It rests on the store, the git folder and
which processes live, and not on the moment: the same store gives the same text. Tokens are estimated: one for every
four characters of ASCII, and one for every other character.
"""

import os

from milestone_cli import runtime
from milestone_cli.core import git
from milestone_cli.core import session as sessions
from milestone_cli.core.overview import status
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

FIRST = ("next", "next_step", "next_steps", "blockers", "goal", "objective", "doing", "current_task")
SECOND = ("title", "status", "phase", "step", "progress", "todo", "tasks", "decisions", "questions", "done", "summary",
          "notes")  # fmt: skip
"""Keys at the top of a state that tell how the work stands, in the order of their use to whoever goes on."""
READABLE = 1 << 20
"""A larger state, in bytes, is not searched for words."""
LOOKED_AT = 400
"""So many of the last events are looked at."""
TOLD = 12
"""So many of them are told."""
ITEM = 600
"""Characters of one item; what is longer ends with its last sentence before that."""
RECENT = 200
NOISE = ("tool_", "tools_", "prompt_", "subagent_", "notified", "state_loaded", "turn_")
"""How the types of events begin that tell nothing each; the tools are counted instead."""
WRITERS = ("Write", "Edit", "MultiEdit", "NotebookEdit")
"""Tools that change the file that is their target."""
BOOKKEEPING = ("timestamp", "checksum", "state_file", "checkpoint_file", "backup_file", "sha256", "session_id", "base",
               "bytes", "bytes_changed", "orphans", "transcript_path", "occurred_at")  # fmt: skip


class Packet:
    """A hand-over.

    Attributes:
        text: in Markdown, ending in a line feed.
        tokens: of it, as estimated.
        left_out: lines that did not fit into the budget.
        facts: the same as JSON values, all of it.
    """

    __slots__ = ("facts", "left_out", "text", "tokens")

    def __init__(self, text: str, left_out: int, facts: "Facts") -> None:
        self.text = text
        self.tokens = estimate(text)
        self.left_out = left_out
        self.facts = facts


class _Outline:
    """Sections of lines, each line with its rank; the lowest ranks stay when there is no room for all."""

    def __init__(self) -> None:
        self._titles: list[str] = []
        self._lines: list[tuple[int, int, int, str]] = []

    def section(self, title: str) -> None:
        self._titles.append(title)

    def line(self, rank: int, text: str) -> None:
        self._lines.append((rank, len(self._titles) - 1, len(self._lines), "- " + text + "\n"))

    def cut(self, head: str, tail: str, tokens: int) -> "tuple[str, int]":
        """The text within a budget, and how many lines are not in it."""
        room = tokens - estimate(head + tail) - estimate(LEFT_OUT.format(len(self._lines), tokens))
        kept: list[tuple[int, int, int, str]] = []
        opened: set[int] = set()
        for line in sorted(self._lines):
            cost = estimate(line[3]) + (0 if line[1] in opened else estimate(self._head(line[1])) + 1)
            if cost <= room:
                room -= cost
                kept.append(line)
                opened.add(line[1])
        text = head
        for number in range(len(self._titles)):
            lines = "".join(line[3] for line in sorted(kept, key=lambda one: one[2]) if line[1] == number)
            text += self._head(number) + lines if lines else ""
        left_out = len(self._lines) - len(kept)
        return text + tail + (LEFT_OUT.format(left_out, tokens) if left_out else ""), left_out

    def _head(self, number: int) -> str:
        return f"\n## {self._titles[number]}\n\n"


LEFT_OUT = "\n({} more lines did not fit into {} tokens.)\n"


def estimate(text: str) -> int:
    """Tokens of a text: one for every four characters of ASCII, begun ones too, and one for every other character."""
    others = len(text) - len(text.encode("ascii", "ignore"))
    return (len(text) - others + 3) // 4 + others


def packet(
    store: "Store",
    milestone: str,
    *,
    session: "str | None" = None,
    alone: bool = False,
    folder: str = "",
    tokens: int = 1500,
) -> Packet:
    """Tell how the work on a milestone stands.

    Args:
        store: where; only read.
        milestone: whose work.
        session: that goes on, or whose work it is.
        alone: tell only what happened in this session.
        folder: whose git state is told; left out: where we are.
        tokens: as estimated, that the text may have at most.

    Raises:
        MilestoneError: `not_found`.
    """
    facts = _facts(store, milestone, session, alone, folder)
    outline = _Outline()
    _tell_state(outline, facts)
    _tell_open(outline, facts)
    _tell_past(outline, facts)
    _tell_places(outline, facts)
    text, left_out = outline.cut(_headline(facts), _further(facts), tokens)
    return Packet(text, left_out, facts)


def choice(store: "Store") -> str:
    """What is told where several milestones are active and none is meant; empty where there is none."""
    active = store.active()
    if not active:
        return ""
    shown = ", ".join(active[:20]) + (f" and {len(active) - 20} more" if len(active) > 20 else "")
    return (
        f"This project keeps its work with `milestone`. Active milestones: {shown}.\n"
        "This session belongs to none of them; `milestone session create NAME` binds it to one, "
        "and `milestone status NAME` shows how one stands.\n"
    )


def names(store: "Store", milestone: str, session: "str | None") -> str:
    """What a compaction is asked to keep: the names by which the work is found again."""
    facts = status(store, milestone, 1)
    lines = [
        "The work is kept with `milestone`. Keep these names in the summary exactly as they are written here:",
        f"- milestone {milestone}, revision {facts['revision']}",
        *([f"- session {session}"] if session else []),
    ]
    if isinstance(kept := facts["last_checkpoint"], dict):
        lines.append(f"- checkpoint {kept['name']}, of {_second(kept['created_at'])}")
    document = _said(store, milestone)[0]
    told = [f"- {name}: {document[name]}" for name in ("goal", "next", "next_step", "blockers") if name in document]
    if told:
        lines += ["and what its state says:", *told]
    return "\n".join(lines) + "\n"


def _facts(store: "Store", milestone: str, session: "str | None", alone: bool, folder: str) -> "Facts":
    facts = status(store, milestone, LOOKED_AT)
    said, others = _said(store, milestone)
    events = [one for one in _list(facts["last_events"]) if not alone or one.get("session_id") == session]
    known = [one for one in sessions.sessions(store, RECENT) if one.milestone == milestone and one.id != session]
    if not os.path.isdir(folder):
        own = store.session(session).get("working_directory") if session else None
        folder = own if isinstance(own, str) and os.path.isdir(own) else os.getcwd()
    return {
        "milestone_id": milestone,
        "session_id": session,
        "state": facts["state"],
        "revision": facts["revision"],
        "events": facts["events"],
        "updated_at": facts["updated_at"],
        "said": said,
        "other_keys": others,
        "done_last": _happened(events)[-TOLD:],
        "tools": _tools(events),
        "transactions": _transactions(store),
        "locks": _locks(store),
        "orphaned_sessions": [one.id for one in known if one.status == "orphaned"],
        "active_sessions": [one.id for one in known if one.status == "active"],
        "checkpoint": facts["last_checkpoint"],
        "git_branch": git.branch(folder),
        "git_commit": git.commit(folder),
        "working_directory": os.fsencode(folder).decode("utf-8", "replace"),
    }


def _list(value: object) -> "list[Facts]":
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _said(store: "Store", milestone: str) -> "tuple[dict[str, str], list[str]]":
    """What a state says under the keys that are known, each as one line; and its other keys."""
    try:
        document = store.read(milestone)
        value = loads(document.text) if len(document.text) <= READABLE else None
    except (MilestoneError, ValueError):
        value = None
    if not isinstance(value, dict):
        return {}, []
    known = {name: told for name in FIRST + SECOND if name in value and (told := _told(name, value[name]))}
    return known, [line(name)[:60] for name in value if name not in known][:30]


def _told(name: str, value: object) -> str:
    """A value in words, whole sentences only; empty when it says nothing."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        text = "; ".join(one if isinstance(one, str) else dumps(one) for one in value)
    else:
        text = value if isinstance(value, str) else dumps(value)
    return shortened(line(text)) or f"({len(text)} characters; `milestone state get {line(name)}` shows them)"


def line(text: str) -> str:
    """A text from outside as one line without controls."""
    text = " ".join(text.split())
    if not text.isprintable():
        text = "".join(one if one.isprintable() else " " for one in text)
    return text.encode("utf-8", "replace").decode()


def shortened(text: str) -> str:
    """A text whole, or up to the last end of a sentence or an item within `ITEM` characters; empty without one."""
    if len(text) <= ITEM:
        return text
    cut = max(text.rfind(mark, 0, ITEM) for mark in (". ", "! ", "? ", "; ", "。"))
    return text[: cut + 1] + " …" if cut > 0 else ""


def _happened(events: "list[Facts]") -> "list[dict[str, str]]":
    """What happened, oldest first: time, type and words of each event that tells something; repeats in one line."""
    found: list[dict[str, str]] = []
    count = 1
    for event in events:
        type_ = line(str(event.get("event_type", event.get("event", "?"))))
        if type_.startswith(NOISE):
            continue
        one = {"timestamp": _second(event.get("timestamp")), "type": type_, "text": _words(event.get("data"))}
        if found and found[-1]["type"] == type_ and type_.startswith("state_"):
            count += 1
            one["text"] += f" ({count} in a row)"
            found[-1] = one
        else:
            count = 1
            found.append(one)
    return found


def _words(data: object) -> str:
    """What an event says, in a few words."""
    if not isinstance(data, dict):
        return ""
    told = [
        f"{name.removesuffix('_name')} {value if isinstance(value, str) else dumps(value)}"
        for name, value in data.items()
        if name not in BOOKKEEPING and isinstance(value, str | int | float) and value != ""
    ]
    return shortened(line(", ".join(told)))


def _tools(events: "list[Facts]") -> "Facts":
    """How often tools were used in the events that were looked at, how often one failed, and what files they wrote."""
    used = failed = 0
    files: dict[str, None] = {}
    for event in reversed(events):
        type_, data = event.get("event_type"), event.get("data")
        if type_ not in ("tool_used", "tool_failed") or not isinstance(data, dict):
            continue
        used += 1
        failed += type_ == "tool_failed"
        if data.get("tool") in WRITERS and isinstance(data.get("target"), str):
            files[line(str(data["target"]))] = None
    return {"used": used, "failed": failed, "files": list(files)[:20]}


def _transactions(store: "Store") -> "list[dict[str, str]]":
    """Transactions that are committed and not finished, or still under way."""
    found = []
    for name in store.keys("pending"):
        try:
            record = loads(store.get("pending", name) or b"")
        except ValueError:
            record = None
        one = record.get("transaction") if isinstance(record, dict) else None
        said = one if isinstance(one, dict) else {}
        started = _second(said.get("started_at"))
        found.append({"id": name, "operation": line(str(said.get("operation", "?"))), "started_at": started})
    return found


def _locks(store: "Store") -> "list[Facts]":
    """Locks that are held, and by whom."""
    locks = store.locks()
    found: list[Facts] = []
    for name in locks.names():
        shown = locks.show(name)
        if shown is not None:
            found.append({"name": name, "pid": shown.get("pid"), "host": shown.get("host")})
    return found


def _second(timestamp: object) -> str:
    """A moment to the second, or whatever stands in its place."""
    text = line(str(timestamp or "?"))
    return text[:19] + "Z" if len(text) == 27 and text[19] == "." else text[:40]


def _headline(facts: "Facts") -> str:
    state = f"state {facts['state']}, revision {facts['revision']}"
    saved = f", saved {_second(facts['updated_at'])}" if facts["updated_at"] else ""
    own = f" This session is {facts['session_id']}." if facts["session_id"] else ""
    return (
        f"# Where the work on {facts['milestone_id']} stands\n\n"
        f"It is kept with `milestone`: {state}{saved}; {facts['events']} events.{own}\n"
    )


def _tell_state(outline: _Outline, facts: "Facts") -> None:
    said, others = facts["said"], facts["other_keys"]
    assert isinstance(said, dict)
    assert isinstance(others, list)
    outline.section("What its state says")
    for name, text in said.items():
        outline.line(1 if name in FIRST else 3, f"{name}: {text}")
    if others:
        outline.line(6, "other keys: " + ", ".join(others))


def _tell_open(outline: _Outline, facts: "Facts") -> None:
    outline.section("What is open")
    for one in _list(facts["transactions"]):
        outline.line(2, f"transaction {one['id']} ({one['operation']}, since {one['started_at']}) is not finished")
    for one in _list(facts["locks"]):
        where = f" on {one['host']}" if one["host"] and one["host"] != runtime.host() else ""
        outline.line(2, f"the lock {one['name']} is held by process {one['pid']}{where}")
    for name, rank, what in (
        ("orphaned_sessions", 4, "was left behind: its process is gone"),
        ("active_sessions", 5, "is active too"),
    ):
        found = facts[name]
        assert isinstance(found, list)
        for one in found[-3:]:
            outline.line(rank, f"session {one} {what}")
        if len(found) > 3:
            outline.line(rank, f"{len(found) - 3} more sessions like it (`milestone session list`)")


def _tell_past(outline: _Outline, facts: "Facts") -> None:
    outline.section("What was done last")
    events = _list(facts["done_last"])
    for index, one in enumerate(events):
        words = f": {one['text']}" if one["text"] else ""
        outline.line(2 if index >= len(events) - 4 else 5, f"{one['timestamp']} {one['type']}{words}")
    tools = facts["tools"]
    assert isinstance(tools, dict)
    if tools["used"]:
        outline.line(4, f"calls of tools among the last events: {tools['used']}, of which {tools['failed']} failed")
    if tools["files"]:
        outline.line(3, "files written, the newest first: " + ", ".join(tools["files"]))


def _tell_places(outline: _Outline, facts: "Facts") -> None:
    outline.section("Where things are")
    branch, commit = str(facts["git_branch"]), str(facts["git_commit"])
    if branch != git.NONE:
        at = f" at commit {commit[:12]}" if commit else ""
        outline.line(3, f"git: {'branch ' + line(branch) if branch else 'no branch'}{at}, in {_folder(facts)}")
    if isinstance(kept := facts["checkpoint"], dict):
        outline.line(3, f"last checkpoint: {kept['name']}, of {_second(kept['created_at'])}")


def _folder(facts: "Facts") -> str:
    return line(str(facts["working_directory"]))


def _further(facts: "Facts") -> str:
    name = facts["milestone_id"]
    return (
        f"\nMore: `milestone status {name}`, `milestone state load {name}`, `milestone events query {name}`, "
        f"`milestone checkpoint list {name}`.\n"
    )
