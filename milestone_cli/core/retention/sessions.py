"""What can be removed of sessions: those that have ended, checkpoints of the others, and what a session left behind."""

from milestone_cli import runtime
from milestone_cli.core.retention.plan import DAY, Item
from milestone_cli.core.retention.records import is_of, record, size_of
from milestone_cli.core.sessions.session import is_alive
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.retention.records import Facts
    from milestone_cli.core.sessions.checkpoints import Checkpoint
    from milestone_cli.storage.contract import Store


KIND, PART = "session-checkpoint", "session-part"


def sessions(store: "Store", milestone: str) -> "Iterator[Item]":
    """Sessions; one that is active, that something points to, or that has a pinned checkpoint stays."""
    pointed = _pointed(store)
    for key in store.keys("session"):
        found, size, trouble = record(store, "session", key)
        time = store.modified("session", key)
        if found is None:
            if trouble:
                yield Item("session", key, time, size, hold=trouble)
            continue
        if not is_of(found, milestone):
            continue
        status = found.get("status")
        hold = pointed.get(key, "")
        if status == "active" and is_alive(found, time) is False:
            hold = "orphaned, and never ended"
        elif status != "completed":
            hold = f"it is {status}" if isinstance(status, str) and status else "nothing says that it has ended"
        time = max(time, parse_ns(found.get("ended_at")) or 0)
        puts = [("session", key)]
        if not hold:
            from milestone_cli.core.sessions.checkpoints import checkpoints
            from milestone_cli.core.sessions.pinning import documents

            hold = _pin(checkpoints(store, key))
            puts = documents(store, key)
            size += size_of(store, puts[:-1])
        yield Item("session", key, time, size, hold=hold, puts=tuple(puts))


def _pin(there: "list[Checkpoint]") -> str:
    """Why the checkpoints of a session hold all of it; empty when they do not."""
    held = [one.name for one in there if one.pinned is not None]
    return f"its checkpoint {held[0]} is pinned" if held else ""


def _pointed(store: "Store") -> "dict[str, str]":
    """Sessions that `.current_session`, a client's binding or an agent at work names, and what to say of them."""
    found = {}
    for key in store.keys("agent"):
        one, _, _ = record(store, "agent", key)
        if one and one.get("status") == "active":
            found[str(one.get("session_id"))] = f"its agent {key} has not ended"
    for key in store.keys("client"):
        for name in _words(store, "client", key)[:1]:
            found[name] = f"bound to the client session {key}"
    for name in _words(store, "current", "")[:1]:
        found[name] = "the current session"
    return found


def _words(store: "Store", kind: str, key: str) -> "list[str]":
    return (store.get(kind, key) or b"").decode("utf-8", "replace").split()


def checkpoints_of(store: "Store", milestone: str) -> "Iterator[Item]":
    """Checkpoints of sessions that have not ended, a row for each session; the newest stays, and what is pinned."""
    for key in store.keys("session"):
        found, _, _ = record(store, "session", key)
        if found is None or not is_of(found, milestone) or found.get("status") == "completed":
            continue
        if not store.keys(KIND, key):
            continue
        from milestone_cli.core.sessions.pinning import unused

        yield from _row(store, key, found)
        for place in unused(store, key, set()):
            yield Item("session part", place[1], store.modified(*place), size_of(store, [place]), puts=(place,))


def _row(store: "Store", session: str, found: "Facts") -> "Iterator[Item]":
    from milestone_cli.core.record import tags_of
    from milestone_cli.core.sessions.checkpoints import checkpoints

    settings = found.get("configuration")
    days = settings.get("backup_retention") if isinstance(settings, dict) else None
    youngest = runtime.now_ns() - int((days if isinstance(days, int | float) else 7) * DAY)
    there = checkpoints(store, session)
    sound = [one for one in there if not one.trouble]
    # What `session recover` takes when nobody says otherwise, and what was kept last, be it of before a recovery.
    last = [*[one for one in sound if not one.is_safety][-1:], *sound[-1:]]
    for one in there:
        hold = "the newest of a session that has not ended" if one in last else ""
        if one.pinned is not None or one.trouble:
            hold = one.trouble or "pinned"
        time = parse_ns(one.created_at) or 0
        if time > youngest:
            hold = hold or "younger than its backup_retention"
        put = (KIND, f"{session}/{one.name}")
        yield Item(
            "session checkpoint", f"{session}/{one.name}", time, size_of(store, [put]), hold=hold,
            is_counted=not one.trouble, group=session, tags=tags_of(one.info), puts=(put,),
        )  # fmt: skip


def abandoned(store: "Store", milestone: str) -> "Iterator[Item]":
    """What stands in the folders of sessions whose record is gone; the bash utilities remove the record alone."""
    kinds = (KIND, PART, "session-yaml", "session-agent", "session-report")
    names = {key.partition("/")[0] for kind in kinds for key in store.keys(kind)} - set(store.keys("session"))
    if not names:
        return
    from milestone_cli.core.sessions.checkpoints import checkpoints
    from milestone_cli.core.sessions.pinning import documents

    pointed = _pointed(store)
    for name in sorted(names):
        there = checkpoints(store, name)
        whose = {one.said("state_snapshot").get("milestone_id") for one in there if not one.trouble} - {None}
        if whose and whose != {milestone}:
            continue
        puts = [put for put in documents(store, name) if put[0] != "session"]
        puts += [("session-agent", key) for key in store.keys("session-agent", name)]
        hold = pointed.get(name, "") or next((one.trouble for one in there if one.trouble), "") or _pin(there)
        time = max(store.modified(*put) for put in puts)
        yield Item("session folder", name, time, size_of(store, puts), hold=hold, puts=tuple(puts))
