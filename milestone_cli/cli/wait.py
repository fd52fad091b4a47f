"""The command `milestone wait`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.logs import (
        AfterCursor,
        EventWish,
        LockWish,
        RevisionWish,
        SessionFilter,
        StateWish,
        TextFilter,
        WaitAgents,
        WaitTimeout,
        WhereFilter,
    )
    from .options.shared import Format, MilestoneId


def wait(
    milestone: "MilestoneId" = None,
    event: "EventWish" = None,
    agent: "WaitAgents" = None,
    session: "SessionFilter" = None,
    text: "TextFilter" = None,
    where: "WhereFilter" = None,
    state: "StateWish" = None,
    revision: "RevisionWish" = None,
    lock: "LockWish" = None,
    after_cursor: "AfterCursor" = None,
    timeout: "WaitTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Wait until something is true, and print what made it true.

    Everything that is asked for must be true at once; exit 7 when the time is over.

    An event counts from now on, or from a cursor on: a wait that is given the cursor which the last one printed misses
    nothing.

    Example: milestone wait demo --revision 1 --timeout 10s
    """
    from milestone_cli import render
    from milestone_cli.core.wait import Wish
    from milestone_cli.storage import open_store

    seconds = None if timeout is None else _seconds(timeout)
    statuses = [word for word in agent or () if "=" in word]
    actors = [word for word in agent or () if "=" not in word]
    wants_event = any(one is not None for one in (event, session, text, where, after_cursor)) or bool(actors)
    if not (wants_event or state or revision is not None or lock or statuses) or len(actors) > 1:
        from milestone_cli.errors import MilestoneError

        why = "one agent's events, not those of several" if actors[1:] else "wait for what?"
        raise MilestoneError("usage", why, "give --event, --state, --revision, --lock or --agent NAME=STATUS")
    store = open_store()
    wish = Wish(store)
    if wants_event:
        from milestone_cli.core.log.filters import Filter
        from milestone_cli.core.log.streams import logs

        from .query import cursor_in

        wanted = Filter(event, agent=actors[0] if actors else None, session=session, text=text, where=where)
        wish.event(logs(store, milestone, session, every=False)[0], wanted, cursor_in(after_cursor))
    if state or revision is not None:
        from milestone_cli.core import current_milestone

        wish.state(current_milestone(store, milestone), state or [], revision)
    for name in lock or ():
        wish.lock(name)
    for word in statuses:
        wish.agent(word)
    found = wish.wait(seconds)
    nothing: dict[str, object] = dict.fromkeys(("event", "revision", "cursor")) | {
        "values": {},
        "agents": {},
        "locks": [],
    }
    render.emit("wait", nothing | found, _told(found) if output == "text" else "", output)


def _seconds(text: str) -> float:
    """A span of time as people type it, or a number of seconds."""
    from milestone_cli.core.times import duration

    try:
        return max(0.0, float(text)) if text[:1].isdigit() and float(text) < 1e9 else duration(text) / 1e9
    except ValueError:
        return duration(text) / 1e9


def _told(found: "dict[str, object]") -> str:
    """What made it true, a line for each."""
    from milestone_cli.jsontext import dumps
    from milestone_cli.render.listing import Listing
    from milestone_cli.render.text import clean

    lines = []
    if "event" in found:
        lines += Listing().text([dumps(found["event"]).encode("utf-8", "surrogatepass")]).decode().splitlines()
    if "revision" in found:
        lines.append(f"revision {found['revision']}")
    for key, shape in (("values", "{} = {}"), ("agents", "{} is {}")):
        part = found.get(key)
        if isinstance(part, dict):
            lines += [shape.format(name, one if isinstance(one, str) else dumps(one)) for name, one in part.items()]
    locks = found.get("locks")
    lines += [f"{name} is free" for name in locks] if isinstance(locks, list) else []
    lines += [f"-- cursor: {found['cursor']}"] if "cursor" in found else []
    return "\n".join([clean(line) for line in lines])
