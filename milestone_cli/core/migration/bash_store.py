"""Taking in a store of the bash utilities: states, checkpoints, backups, sessions, and every event that was logged.

A state becomes the first revision, or the next, of its milestone; an event is appended as it was, with the time at
which it happened in its data. Locks, and what a dead command left, stay where they are.
"""

from milestone_cli.core.migration.harvest import Harvest, is_name, take_events
from milestone_cli.core.migration.tree import LOG, Tree
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.envelope import parse_envelope

STATES = {"active": "state/active", "completed": "state/completed"}
OURS = b',"sequence_number":'
"""What stands in every line that `milestone` wrote."""


def is_one(tree: Tree) -> bool:
    """Whether a tree has what the bash utilities make."""
    return any(path.startswith(("state/events/milestone-", "state/active/")) for path in tree.files)


def take(tree: Tree, found: Harvest) -> None:
    """Take in what the bash utilities made.

    Raises:
        MilestoneError: `usage` for a store that `milestone` has written too, since that is copied.
    """
    refuse_ours(tree)
    for kind, folder in STATES.items():
        for path in tree.under(folder):
            name = path.rpartition("/")[2]
            if name.endswith(".json"):
                _state(tree, path, kind, name[:-5], found)
            else:
                found.leave(path, "a dead command left it")
    for path in tree.under(layout.BACKUPS):
        _copy(tree, path, found)
    for path in tree.under(layout.SESSIONS):
        _session(tree, path, found)
    for path in tree.under(layout.EVENTS):
        name = path.rpartition("/")[2]
        if name.startswith("milestone-") and name.endswith(".jsonl") and is_name(name[10:-6]):
            take_events(tree, path, name[10:-6], found)
        else:
            found.leave(path, "it is not the log of a milestone")


def refuse_ours(tree: Tree) -> None:
    """Refuse a store that `milestone` has written.

    Raises:
        MilestoneError: `usage`.
    """
    has_mark = layout.VERSION in tree.files
    if not has_mark:
        for path in tree.under(layout.EVENTS, ".jsonl"):
            try:
                has_mark = has_mark or OURS in tree.read(path, LOG)
            except MilestoneError:
                continue  # it is named when it is taken in
    if has_mark:
        raise MilestoneError(
            "usage",
            f"'{tree.path}' is a store that milestone has written",
            "`milestone store copy` takes all of it over; `milestone store migrate` brings it up to date",
        )


def _state(tree: Tree, path: str, kind: str, name: str, found: Harvest) -> None:
    if not is_name(name):
        found.leave(path, "its name cannot be that of a milestone")
        return
    try:
        document = parse_envelope(tree.read(path), name)
    except MilestoneError as error:
        found.leave(path, error.message)
        return
    if name in found.states:
        found.leave(path, "the milestone has another state, which is taken")
        return
    found.states[name] = (document.text, kind, document.timestamp)


def _copy(tree: Tree, path: str, found: Harvest) -> None:
    """A backup or a checkpoint, whose milestone stands in it: its name can be read in several ways."""
    name = path.rpartition("/")[2]
    try:
        raw = tree.read(path)
        milestone = _owner(tree, path)
        document = parse_envelope(raw, milestone)
    except MilestoneError as error:
        found.leave(path, error.message)
        return
    rest = name.removesuffix(".json").removeprefix(f"{milestone}-")
    if not layout.is_copy(name, milestone) or not document:
        found.leave(path, "its name is not that of a copy of its milestone")
    elif rest.startswith("checkpoint-"):
        key = f"{milestone}/{rest.removeprefix('checkpoint-')}"
        _put(found, "checkpoint", key, raw, path)
    else:
        _put(found, "backup", name.removesuffix(".json"), raw, path)


def _owner(tree: Tree, path: str) -> str:
    name = tree.json(path)[1].get("milestone_id")
    if not is_name(name):
        raise MilestoneError("invalid_data", "it does not say which milestone it is of", "")
    return str(name)


def _session(tree: Tree, path: str, found: Harvest) -> None:
    name = path.rpartition("/")[2].removesuffix(".json")
    if not path.endswith(".json") or not is_name(name):
        found.leave(path, "it is not the record of a session")
        return
    try:
        _, record = tree.json(path)
    except MilestoneError as error:
        found.leave(path, error.message)
        return
    if record.get("session_id") != name:
        found.leave(path, "it is the record of another session")
    else:
        _put(found, "session", name, tree.read(path), path)


def _put(found: Harvest, kind: str, key: str, raw: bytes, path: str) -> None:
    if layout.is_sound(kind, key):
        found.documents[kind, key] = raw
    else:
        found.leave(path, "its name cannot be one of a store")
