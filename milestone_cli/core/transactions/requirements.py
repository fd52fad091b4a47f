"""What a line of a transaction requires of the present, which is what the lines before have left."""

from milestone_cli.core.states.lifecycle import refuse_other
from milestone_cli.errors import MilestoneError, conflict
from milestone_cli.model import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.transactions.operations import Operation
    from milestone_cli.storage.contract import Store


def at_revision(store: "Store", milestone: str, expect: int) -> None:
    """Hold the revision of a state, as it is by now, against the one that must be current; 0: there must be none.

    Raises:
        MilestoneError: `revision_conflict`.
    """
    if any(store.modified(kind, milestone) for kind in ("active", "completed")):
        refuse_other(store.read(milestone), milestone, expect)
    elif expect:
        raise conflict(milestone, expect, 0)


def require(store: "Store", one: "Operation") -> None:
    """Hold the present against what a line requires.

    Raises:
        MilestoneError: `revision_conflict`, `test_failed`, `invalid_data` for what cannot be asked.
    """
    words, is_absent = one.words, "absent" in one.flags
    if "session" in words:
        raw = store.get("session", safe(words["session"], "session"))
        _there(f"the session '{words['session']}'", raw is not None, is_absent)
        if "status" in words and raw is not None:
            from milestone_cli.core.sessions.session import find

            status = find(store, words["session"]).status
            if status != words["status"]:
                raise _failed(f"the status of '{words['session']}' is {status}, not {words['status']}")
        return
    if one.expect is not None:
        at_revision(store, one.milestone, one.expect)
    if "checkpoint" in words:
        from milestone_cli.core.checkpoints.checkpoint import fitting, look

        found = look(store, one.milestone, fitting(one.milestone, words["checkpoint"]))
        _there(f"the checkpoint '{words['checkpoint']}' of '{one.milestone}'", found is not None, is_absent)
    elif "path" in words:
        _require_value(store, one, words["path"], is_absent)
    elif "value" in one.texts or "status" in words:
        raise MilestoneError(
            "invalid_data", "a value needs its 'path', and a status its 'session'", "add it to the line"
        )
    elif one.expect is None or is_absent:
        is_there = any(store.modified(kind, one.milestone) for kind in ("active", "completed"))
        _there(f"the state of '{one.milestone}'", is_there, is_absent)


def _require_value(store: "Store", one: "Operation", path: str, is_absent: bool) -> None:
    from milestone_cli.core.document import find
    from milestone_cli.core.states.jsonpatch import difference, same

    try:
        text = find(store.read(one.milestone).text.decode(), path)
    except MilestoneError as error:
        if error.code not in ("path_not_found", "not_found"):
            raise
        text = None
    _there(f"'{path[:140]}' in '{one.milestone}'", text is not None, is_absent)
    wanted = one.texts.get("value")
    if text is not None and wanted is not None and not same(text, wanted):
        raise _failed(f"'{path[:140]}' in '{one.milestone}' {difference(text, wanted)}")


def _there(what: str, is_there: bool, is_absent: bool) -> None:
    if is_there == is_absent:
        raise _failed(f"{what} is {'there already' if is_there else 'not there'}")


def _failed(message: str) -> MilestoneError:
    return MilestoneError(
        "test_failed", message, "look at what is there now, and make a transaction that fits it; nothing was changed"
    )
