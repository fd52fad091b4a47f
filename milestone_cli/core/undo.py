"""Undo and redo: any change taken back by a new revision that has the exact text before it.

Nothing is forgotten: an undo is a revision like others, its event says which change it takes back and whose text it
restores, `{"undo": N, "restores": M}`, and where a state stands among its changes follows from the events alone. An
undo after an undo steps further back, redo forward again, and a new change drops what could be redone.
"""

from milestone_cli.core import agent, current_session, lock_timeout, request_digest
from milestone_cli.core.revisions import data_of, newest, steps
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Change, Draft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.revisions import Event
    from milestone_cli.model import Receipt
    from milestone_cli.storage.contract import Store

    Step = tuple[dict[str, object], bytes]
    Restore = Callable[[bytes | None], Step]


def undo(
    store: "Store",
    milestone: str,
    *,
    expect: "int | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Receipt, dict[str, object]]":
    """Take back the last change that was not taken back yet; a deleted state comes back.

    Returns:
        The receipt, and what was done: `undo` and `restores`, revisions.

    Raises:
        MilestoneError: `nothing_to_undo`, `revision_not_found` when the log has lost the text, and what
            `Store.commit` raises.
    """

    def back(old: "bytes | None") -> "Step":
        event = _current(store, milestone)
        change = place(event)
        if old is None:
            revision = _revision(event)
            told: dict[str, object] = {"undo": revision, "restores": change, "deleted": True}
            return told, store.read(milestone, revision).text
        if change <= 1:
            raise _nothing("undo", milestone, f"revision {change} is the first")
        before = store.read(milestone, change - 1)
        return {"undo": change, "restores": place(before.event) if before.event else change - 1}, before.text

    return _commit(store, milestone, "undo", back, expect, key, timeout)


def redo(
    store: "Store",
    milestone: str,
    *,
    expect: "int | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Receipt, dict[str, object]]":
    """Do again what the last undo took back.

    Returns:
        The receipt, and what was done: `redo` and `restores`, revisions.

    Raises:
        MilestoneError: `nothing_to_redo`, and as `undo`.
    """

    def forward(old: "bytes | None") -> "Step":
        _current(store, milestone)
        redone = 0
        for event in steps(store, milestone) if old is not None else ():
            data = data_of(event)
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

    return _commit(store, milestone, "redo", forward, expect, key, timeout)


def place(event: "Event") -> int:
    """The change that a revision stands at: its own, or the one whose text an undo or redo brought back."""
    data = data_of(event)
    return int(str(data["restores"])) if "undo" in data or "redo" in data else int(str(data["revision"]))


def _revision(event: "Event") -> int:
    return int(str(event["revision"]))


def _current(store: "Store", milestone: str) -> "Event":
    """The event of the current revision.

    Raises:
        MilestoneError: `nothing_to_undo` when there is none; `revision_not_found` when the log has lost it.
    """
    event = newest(store, milestone)
    head = store.head(milestone)
    known = head.revision if head else 0
    if event is None and not known:
        raise _nothing("undo", milestone, "nothing was saved yet")
    if event is None or _revision(event) != known:
        raise MilestoneError(
            "revision_not_found",
            f"the log of '{milestone}' has lost the event of revision {known}, so what was before is not known",
            "see milestone events verify",
            milestone_id=milestone,
        )
    return event


def _nothing(verb: str, milestone: str, why: str) -> MilestoneError:
    return MilestoneError(
        f"nothing_to_{verb}",
        f"there is nothing to {verb} in '{milestone}': {why}",
        f"`milestone state history {milestone}` shows what was changed",
        milestone_id=milestone,
    )


def _commit(
    store: "Store",
    milestone: str,
    verb: str,
    restore: "Restore",
    expect: "int | None",
    key: "str | None",
    timeout: "float | None",
) -> "tuple[Receipt, dict[str, object]]":
    draft = Draft("state_undone" if verb == "undo" else "state_redone", "{}", current_session(store), agent())
    told: dict[str, object] = {}

    def edit(old: "bytes | None") -> bytes:
        step, text = restore(old)
        told.update(step)
        draft.data = dumps(step)
        return text

    change = Change(milestone, [draft], edit, expect, timeout=lock_timeout(store, timeout))
    if key:
        change.key, change.request = key, request_digest(verb.encode())
    receipt = store.commit(change)
    if not told:  # done before, under this key
        event = store.read(milestone, receipt.revision).event
        data = data_of(event) if event else {}
        told.update({name: data[name] for name in (verb, "restores", "deleted") if name in data})
    return receipt, told
