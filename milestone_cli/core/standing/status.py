"""One milestone at a look: what its state says, who is at work, what came last, and what is next."""

from milestone_cli.core import NO_SESSION, current_session
from milestone_cli.core.agents.crew import crew
from milestone_cli.core.checkpoints import checkpoint
from milestone_cli.core.sessions.session import sessions
from milestone_cli.core.standing.overview import summary
from milestone_cli.core.standing.words import NEXT, SHORT, members_of
from milestone_cli.jsontext import loads
from milestone_cli.splice import changed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Document
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

FIRST = "initialization"
"""Name of the checkpoint that a session begins with, as its event has it."""
RECENT = 200
"""So many of the newest sessions are looked at."""


def status(store: "Store", name: str, last: int = 8) -> "Facts":
    """One milestone at a look: summary, its state's own words, sessions, lock, checkpoint, last events, what is next.

    Raises:
        MilestoneError: `not_found` for a milestone that has neither state nor log.
    """
    if name not in store.milestones():
        store.read(name)
    session = current_session(store)
    found, document = summary(store, name, set(store.keys("completed")))
    said = _said(document)
    count, newest = checkpoint.newest(store, name)
    who = crew(store, name)
    return {
        **found,
        "store": store.path,
        "session_id": None if session == NO_SESSION else session,
        "sessions": _sessions(store, name),
        "lock": store.lock_holder(name),
        **who,
        "checkpoints": count,
        "last_checkpoint": newest and {"name": newest.name, "created_at": newest.created_at, "state": newest.state},
        "said": said,
        "last_events": last_events(store, name, last),
        "next": (_after_a_death(who) if found["state"] in ("good", "none") else None)
        or _next(name, found, said, newest is not None),
    }


def _after_a_death(who: "Facts") -> "Facts | None":
    """What comes first where the state is sound: an agent that is dead may hold what others wait for."""
    agents = who["agents"]
    dead = [str(one["agent_id"]) for one in agents if one["health"] == "dead"] if isinstance(agents, list) else []
    if not dead:
        return None
    told = f"{', '.join(dead)} {'is' if len(dead) == 1 else 'are'} dead; record it, and give back what was held"
    return _hint(told, "milestone agent health --fix")


def _said(document: "Document | None") -> "Facts":
    """What a state says of the work: short texts, numbers, and lists of them, under well-known keys."""
    found = members_of(document)
    return {word: found[word] for word in SHORT if word in found and _is_short(found[word])}


def _is_short(value: object) -> bool:
    if isinstance(value, list):
        return 0 < len(value) <= 20 and all(isinstance(one, str) and len(one) <= 500 for one in value)
    return isinstance(value, bool | int | float) or (isinstance(value, str) and 0 < len(value) <= 500)


def _sessions(store: "Store", name: str) -> "list[Facts]":
    """The sessions of a milestone that have not ended, oldest first; an orphaned one waits for somebody to go on."""
    return [
        {"session_id": one.id, "created_at": one.word("created_at"), "status": one.status}
        for one in sessions(store, RECENT)
        if one.milestone == name and one.status in ("active", "orphaned", "expired")
    ]


def _next(name: str, found: "Facts", said: "Facts", has_checkpoint: bool) -> "Facts":
    """What to do next, in words, and the command for it where there is one."""
    state = found["state"]
    if state == "damaged":
        return _hint("the state is damaged; put the newest good copy in its place", f"milestone state recover {name}")
    if state == "changed outside":
        return _hint("something else changed the state; look at what it did", f"milestone state diff {name}")
    if state == "none" and found["revision"]:
        return _hint("the state is gone, and its log still has it", f"milestone state undo {name}")
    if state == "none":
        return _hint("save the first state", f'milestone state save {name} \'{{"goal": "…"}}\'')
    if state == "completed":
        return _hint("completed; open it again to go on", f"milestone state reopen {name}")
    if state != "good":
        return _hint("prove the log", f"milestone events verify {name}")
    if said.get("blockers"):
        return _hint("clear the blockers", None)
    for word in NEXT:
        own = said.get(word)
        if own:
            return _hint(str(own[0]) if isinstance(own, list) else str(own), None)
    if not has_checkpoint:
        return _hint("keep this point, so that you can come back to it", f"milestone checkpoint create {name}")
    return _hint("go on", f"milestone state set {name} next=…")


def _hint(text: str, command: "str | None") -> "Facts":
    return {"text": text, "command": command}


def last_events(store: "Store", name: str, count: int) -> list[object]:
    """The last events of a milestone as JSON values, oldest first; of a state's change its size stands for it.

    The checkpoint that a session begins with is left out: that the session was created says as much.
    """
    found: list[object] = []
    for _, block in store.scan(name, backwards=True):
        for line in reversed(block.split(b"\n")):
            try:
                event = loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                event.pop("checksum", None)
                data = event.get("data")
                if isinstance(data, dict):
                    if data.get("checkpoint_name") == FIRST and event.get("event_type") == "checkpoint_created":
                        continue
                    _measure(data)
                found.append(event)
                if len(found) == count:
                    return found[::-1]
    return found[::-1]


def _measure(data: "Facts") -> None:
    """Put the size of a change into the place of the change itself, which may be large."""
    if "sha256" not in data:
        return
    text, splices = data.pop("text", None), data.pop("splice", None)
    if isinstance(text, str):
        data["bytes"] = len(text.encode("utf-8", "replace"))
    elif isinstance(splices, list):
        data["bytes_changed"] = changed(splices)
