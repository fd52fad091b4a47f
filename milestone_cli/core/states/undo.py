"""Undo and redo: any change taken back by a new revision that has the exact text before it.

Nothing is forgotten: an undo is a revision like others, its event says which change it takes back and whose text it
restores, `{"undo": N, "restores": M}`, and where a state stands among its changes follows from the events alone. An
undo after an undo steps further back, redo forward again, and a new change drops what could be redone.
"""

from milestone_cli.core import commit, draft
from milestone_cli.core.states.revisions import event_data, newest, steps
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.storage.origin import origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.states.revisions import Event
    from milestone_cli.model import Receipt
    from milestone_cli.storage.contract import Store

    Step = tuple[dict[str, object], bytes]


def step(
    store: "Store",
    milestone: str,
    verb: str,
    *,
    expect: "int | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Receipt, dict[str, object]]":
    """Take back the last change that was not taken back yet (`undo`), or do again what an undo took back (`redo`).

    Returns:
        The receipt, and what was done: the verb and `restores`, revisions; `deleted` where a state came back.

    Raises:
        MilestoneError: `nothing_to_undo`, `nothing_to_redo`, `revision_not_found` when the text is not in the log
            any more, and what `Store.commit` raises.
    """
    find = _back if verb == "undo" else _forward
    event = draft(store, "state_undone" if verb == "undo" else "state_redone")
    told: dict[str, object] = {}

    def edit(old: "bytes | None") -> bytes:
        found, text = find(store, milestone, old)
        told.update(found)
        event.data = dumps(found)
        return text

    receipt = commit(store, milestone, event, edit, (verb.encode(),), expect=expect, key=key, timeout=timeout)
    if not told:  # done before, under this key
        known = store.read(milestone, receipt.revision).event
        data = event_data(known) if known else {}
        told.update({name: data[name] for name in (verb, "restores", "deleted") if name in data})
    return receipt, told


def _back(store: "Store", milestone: str, old: "bytes | None") -> "Step":
    """What an undo does, and the text that it brings back."""
    head = store.head(milestone)
    if old is None and head is not None and head.revision:
        text = store.read(milestone, head.revision).text
        last = newest(store, milestone)  # it may have gone with old events
        change = place(last) if last is not None and _revision(last) == head.revision else head.revision
        return {"undo": head.revision, "restores": change, "deleted": True}, text
    event = _current(store, milestone)
    change = place(event)
    if change <= 1:
        raise _nothing("undo", milestone, f"revision {change} is the first")
    before = store.read(milestone, change - 1)
    return {"undo": change, "restores": place(before.event) if before.event else change - 1}, before.text


def _forward(store: "Store", milestone: str, old: "bytes | None") -> "Step":
    """What a redo does, and the text that it brings back."""
    _current(store, milestone)
    redone = 0
    for event in steps(store, milestone) if old is not None else ():
        data = event_data(event)
        if event["event_type"] in ("state_completed", "state_reopened"):
            continue
        if "redo" in data:
            redone += 1
        elif "undo" not in data or "deleted" in data:
            break
        elif redone:
            redone -= 1
        else:
            change = int(str(data["undo"]))
            return {"redo": change, "restores": change}, store.read(milestone, change).text
    raise _nothing("redo", milestone, "nothing was undone since the last change")


def place(event: "Event") -> int:
    """The change that a revision stands at: its own, or the one whose text an undo or redo brought back."""
    data = event_data(event)
    return int(str(data["restores"])) if "undo" in data or "redo" in data else int(str(data["revision"]))


def _revision(event: "Event") -> int:
    return int(str(event["revision"]))


def _current(store: "Store", milestone: str) -> "Event":
    """The event of the current revision.

    Raises:
        MilestoneError: `nothing_to_undo` when there is none; `revision_not_found` when it is
            not in the log any more.
    """
    event = newest(store, milestone)
    head = store.head(milestone)
    known = head.revision if head else 0
    if event is None and not known:
        raise _nothing("undo", milestone, "nothing was saved yet", "`milestone state save` makes a state")
    if event is None and origin_of(store, milestone).revision == known:
        raise MilestoneError(
            "revision_not_found",
            f"retention removed the events of '{milestone}' up to revision {known}, so what was before is gone",
            f"`milestone events query {milestone} --type events_removed` says when; checkpoints may hold older states",
            milestone_id=milestone,
        )
    if event is None or _revision(event) != known:
        raise MilestoneError(
            "revision_not_found",
            f"the log of '{milestone}' has lost the event of revision {known}, so what was before is not known",
            f"`milestone events verify {milestone}` shows what happened to the log",
            milestone_id=milestone,
        )
    return event


def _nothing(verb: str, milestone: str, why: str, hint: str = "") -> MilestoneError:
    return MilestoneError(
        f"nothing_to_{verb}",
        f"there is nothing to {verb} in '{milestone}': {why}",
        hint or f"`milestone state history {milestone}` shows what was changed",
        milestone_id=milestone,
    )
