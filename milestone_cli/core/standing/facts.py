"""How the work on a milestone stands, as facts: what its state says, what happened, what is open, where things are.

They rest on the store, the git folder and which processes live, and not on the moment. Texts from outside come as one
line without controls, and whole: what is too long ends with a sentence.
"""

import os

from milestone_cli.core import git, session_record
from milestone_cli.core.sessions import session as sessions
from milestone_cli.core.sessions.leftovers import left_open
from milestone_cli.core.sessions.news import up_to_date
from milestone_cli.core.standing.status import RECENT, status
from milestone_cli.core.standing.words import FIRST, SECOND, members_of
from milestone_cli.core.transactions.unfinished import unfinished
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

LOOKED_AT = 400
"""So many of the last events are looked at."""
TOLD = 12
"""So many of them are told."""
ITEM = 600
"""Characters of one item; what is longer ends with its last sentence before that."""
NOISE = ("tool_", "tools_", "prompt_", "subagent_", "notified", "state_loaded", "turn_")
"""How the types of events begin that tell nothing each; the tools are counted instead."""
WRITERS = ("Write", "Edit", "MultiEdit", "NotebookEdit")
"""Tools that change the file that is their target."""
BOOKKEEPING = ("timestamp", "checksum", "state_file", "checkpoint_file", "backup_file", "sha256", "session_id", "base",
               "bytes", "bytes_changed", "orphans", "transcript_path", "occurred_at", "transaction_id",
               "rolled_back_by")  # fmt: skip


def gather(store: "Store", milestone: str, session: "str | None", alone: bool, folder: str) -> "Facts":
    """Everything that can be told of the work on a milestone, as JSON values; the arguments are those of `packet`.

    Raises:
        MilestoneError: `not_found`.
    """
    facts = status(store, milestone, LOOKED_AT)
    words, others = said(store, milestone)
    events = [one for one in listed(facts["last_events"]) if not alone or one.get("session_id") == session]
    known = [one for one in sessions.sessions(store, RECENT) if one.milestone == milestone]
    own_one = next((one for one in known if one.id == session), None)
    known = [one for one in known if one is not own_one]
    orphans = [one for one in known if one.status == "orphaned"]
    if not os.path.isdir(folder):
        own = session_record(store, session).get("working_directory") if session else None
        folder = own if isinstance(own, str) and os.path.isdir(own) else os.getcwd()
    return {
        "milestone_id": milestone,
        "session_id": session,
        "state": facts["state"],
        "revision": facts["revision"],
        "events": facts["events"],
        "updated_at": facts["updated_at"],
        "said": words,
        "other_keys": others,
        "done_last": _happened(events)[-TOLD:],
        "tools": _tools(events),
        "transactions": _transactions(store),
        "locks": _locks(store),
        "agents": [
            {**{key: one[key] for key in ("agent_id", "type", "doing")}, "dead": one["health"] == "dead"}
            for one in listed(facts["agents"])
        ],
        "fallen": facts["fallen"],
        "syncs": facts["syncs"],
        "tasks": facts["tasks"],
        "doing": _doing(store, own_one),
        "orphaned_sessions": [one.id for one in orphans],
        "left_open": {name: words for name, words in left_open(store, orphans[-3:]).items() if words},
        "active_sessions": [one.id for one in known if one.status in sessions.AT_WORK],
        "checkpoint": facts["last_checkpoint"],
        "git_branch": git.branch(folder),
        "git_commit": git.commit(folder),
        "working_directory": os.fsencode(folder).decode("utf-8", "replace"),
    }


def _doing(store: "Store", own: "sessions.Session | None") -> "str | None":
    """What a session has said that it does, and how far it is; None for nothing."""
    if own is None or own.status == "damaged":
        return None
    found = up_to_date(store, own)[0].fields()
    return one_line(f"{found['operation']}, {found['progress'] or 0} % done") if found["operation"] else None


def listed(value: object) -> "list[Facts]":
    """The objects in a list of facts."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def said(store: "Store", milestone: str) -> "tuple[dict[str, str], list[str]]":
    """What a state says under the keys that are known, each as one line; and its other keys."""
    try:
        value = members_of(store.read(milestone))
    except MilestoneError:
        return {}, []
    known = {name: told for name in FIRST + SECOND if name in value and (told := _told(name, value[name]))}
    return known, [one_line(name)[:60] for name in value if name not in known][:30]


def _told(name: str, value: object) -> str:
    """A value in words, whole sentences only; empty when it says nothing."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        text = "; ".join(one if isinstance(one, str) else dumps(one) for one in value)
    else:
        text = value if isinstance(value, str) else dumps(value)
    return shortened(one_line(text)) or f"({len(text)} characters; `milestone state get {one_line(name)}` shows them)"


def one_line(text: str) -> str:
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
        type_ = one_line(str(event.get("event_type", event.get("event", "?"))))
        if type_.startswith(NOISE):
            continue
        one = {"timestamp": second(event.get("timestamp")), "type": type_, "text": _words(event.get("data"))}
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
    return shortened(one_line(", ".join(told)))


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
            files[one_line(str(data["target"]))] = None
    return {"used": used, "failed": failed, "files": list(files)[:20]}


def _transactions(store: "Store") -> "list[dict[str, str]]":
    """Transactions that are committed and not finished, or still under way."""
    return [
        {"id": name, "operation": one_line(str(operation or "?")), "started_at": second(started)}
        for name, operation, started in unfinished(store)
    ]


def _locks(store: "Store") -> "list[Facts]":
    """Locks that are held, and by whom."""
    locks = store.locks()
    found: list[Facts] = []
    for name in locks.names():
        shown = locks.show(name)
        if shown is not None:
            found.append({"name": name, "pid": shown.get("pid"), "host": shown.get("host")})
    return found


def second(timestamp: object) -> str:
    """A moment to the second, or whatever stands in its place."""
    text = one_line(str(timestamp or "?"))
    return text[:19] + "Z" if len(text) == 27 and text[19] == "." else text[:40]
