"""The operations of a transaction: a line of JSON each, named like the commands, and done by the same functions.

A line names its operation (`op`), mostly a milestone, and what the command would be given. What it asks of the present
(`if_revision`, `absent`, or an operation `require` of its own) is asked of what the lines before have left.
"""

from milestone_cli.core import current_milestone
from milestone_cli.core.jsonlines import at_line, objects
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.contract import Store

EXAMPLE = '{"op": "set", "milestone": "demo", "path": "a.b", "value": 1}'
OPERATIONS = {
    "save": "state! absent",
    "set": "path! value! absent",
    "patch": "patch! type absent",
    "complete": "",
    "reopen": "",
    "delete": "",
    "log": "event_type! data agent_id session_id",
    "checkpoint_create": "name reason",
    "checkpoint_restore": "name! force",
    "checkpoint_delete": "name!",
    "checkpoint_pin": "name! reason",
    "checkpoint_unpin": "name!",
    "session_create": "type",
    "session_use": "session!",
    "session_end": "session",
    "require": "absent path value checkpoint session status",
}
"""What each operation takes beside `op`, `milestone` and `if_revision`; with ! what it needs."""
OF_SESSIONS = ("session_use", "session_end")
"""Operations that have no milestone of their own."""
JSON = ("state", "value", "patch", "data")
"""Keys whose value is kept as text."""
FLAGS = ("absent", "force")


class Operation:
    """One line.

    Attributes:
        number: of the line, counted from 1.
        op: key of `OPERATIONS`.
        milestone: whose; empty where there is none.
        words: values that are strings; `texts`: values as JSON text; `flags`: those that are true.
        expect: the revision that must be current; None: any.
    """

    __slots__ = ("expect", "flags", "milestone", "number", "op", "texts", "words")

    def __init__(self, number: int, op: str) -> None:
        self.number = number
        self.op = op
        self.milestone = ""
        self.words: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.flags: set[str] = set()
        self.expect: int | None = None


def parse(store: "Store", raw: bytes) -> "list[Operation]":
    """Read the lines of a transaction; one that names no milestone means the current one.

    Raises:
        MilestoneError: with the number of the line: `invalid_json`, `invalid_data`, `invalid_name`.
    """
    found = []
    spelt: dict[str, str] = {}
    for number, spans in objects(raw, LIMIT, EXAMPLE):
        try:
            found.append(_operation(store, number, spans))
            _refuse_twin(spelt, found[-1].milestone)
        except MilestoneError as error:
            raise at_line(number, error) from None
    return found


def _refuse_twin(spelt: "dict[str, str]", name: str) -> None:
    """Refuse a name that differs from one before in case alone; the store knows only those that are there."""
    other = spelt.setdefault(name.lower(), name)
    if other != name:
        told = f"'{name}' differs from the milestone '{other}' in case alone"
        raise MilestoneError("invalid_name", told, "some file systems see one name; use another")


def _operation(store: "Store", number: int, spans: "dict[str, str]") -> Operation:
    op = _plain(spans.pop("op", "null"))
    if not isinstance(op, str) or op not in OPERATIONS:
        told = f"there is no operation '{op[:140]}'" if isinstance(op, str) else "it has no 'op' that is a string"
        raise MilestoneError("invalid_data", told, f"there are {', '.join(OPERATIONS)}")
    one = Operation(number, op)
    takes = ["milestone", "if_revision", *OPERATIONS[op].replace("!", "").split()]
    if op in OF_SESSIONS:
        takes = takes[2:]
    for key, text in spans.items():
        if key not in takes:
            raise MilestoneError("invalid_data", f"'{op}' has no '{key[:140]}'", f"it takes {', '.join(takes)}")
        _keep(one, key, text)
    for key in OPERATIONS[op].split():
        if key[-1] == "!" and key[:-1] not in spans:
            raise MilestoneError("invalid_data", f"'{op}' needs '{key[:-1]}'", f"it takes {', '.join(takes)}")
    if op not in OF_SESSIONS and not (op == "require" and "session" in spans):
        one.milestone = current_milestone(store, one.words.pop("milestone", None))
    return one


def _keep(one: Operation, key: str, text: str) -> None:
    """Put a value where it belongs, by what its key means."""
    if key in JSON:
        one.texts[key] = text
        return
    value = _plain(text)
    if key == "if_revision" and type(value) is int:
        one.expect = value
    elif key in FLAGS and type(value) is bool:
        one.flags |= {key} if value else set()
    elif key not in ("if_revision", *FLAGS) and isinstance(value, str):
        one.words[key] = value
    else:
        what = "a number from 0" if key == "if_revision" else "true or false" if key in FLAGS else "a string"
        raise MilestoneError(
            "invalid_data", f"'{key}' is not {what}", "`milestone transaction apply --help` tells what it takes"
        )


def _plain(text: str) -> "str | int | bool | None":
    """A string, a truth value or a number of the size of a revision; None for anything else."""
    if text[0] == '"':
        return str(loads(text))
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdigit() and len(text) < 17 else None


def perform(store: "Store", one: Operation) -> None:
    """Do an operation to a store, which may be a staging of one.

    Raises:
        MilestoneError: with the number of the line: what the operation's command raises; `revision_conflict` and
            `test_failed` for what it requires.
    """
    try:
        if one.op == "require":
            from milestone_cli.core.transactions.requirements import require

            require(store, one)
        else:
            expect = 0 if "absent" in one.flags else one.expect
            WAYS[one.op](store, one, expect)
    except MilestoneError as error:
        raise at_line(one.number, error) from None


def _at_revision(store: "Store", one: Operation, expect: "int | None") -> None:
    """Hold a revision that is asked for against the present one, where the operation itself asks for none."""
    if expect is not None:
        from milestone_cli.core.transactions.requirements import at_revision

        at_revision(store, one.milestone, expect)


def _save(store: "Store", one: Operation, expect: "int | None") -> None:
    from milestone_cli.core.state import save

    save(store, one.milestone, one.texts["state"].encode(), expect=expect)


def _set(store: "Store", one: Operation, expect: "int | None") -> None:
    from milestone_cli.core.state import assign

    assign(store, one.milestone, [(one.words["path"], one.texts["value"])], expect=expect)


def _patch(store: "Store", one: Operation, expect: "int | None") -> None:
    from milestone_cli.core.states.patch import patch

    form = one.words.get("type", "merge")
    if form not in ("merge", "json"):
        raise MilestoneError("invalid_data", f"there is no patch of the type '{form[:140]}'", "give merge or json")
    patch(store, one.milestone, one.texts["patch"].encode(), form, expect=expect)


def _move(store: "Store", one: Operation, expect: "int | None") -> None:
    from milestone_cli.core.states.lifecycle import delete, move

    if one.op == "delete":
        delete(store, one.milestone, expect=expect)
    else:
        move(store, one.milestone, one.op, expect=expect)


def _log(store: "Store", one: Operation, expect: "int | None") -> None:
    from milestone_cli.core.events import log

    _at_revision(store, one, expect)
    event = (one.words["event_type"], one.texts.get("data", "{}").encode())
    log(store, one.milestone, [event], agent=one.words.get("agent_id"), session=one.words.get("session_id"))


def _checkpoint(store: "Store", one: Operation, expect: "int | None") -> None:
    from milestone_cli.core.checkpoints import checkpointing

    _at_revision(store, one, expect)
    name, reason = one.words.get("name"), one.words.get("reason")
    if one.op == "checkpoint_create":
        checkpointing.create(store, one.milestone, name, reason)
    elif one.op == "checkpoint_delete":
        checkpointing.delete(store, one.milestone, str(name))
    else:
        checkpointing.pin(store, one.milestone, str(name), reason, is_kept=one.op == "checkpoint_pin")


def _restore(store: "Store", one: Operation, expect: "int | None") -> None:
    from milestone_cli.core.checkpoints.restore import plan_restore, restore

    _at_revision(store, one, expect)
    restore(store, plan_restore(store, one.milestone, one.words["name"]), force="force" in one.flags)


def _session(store: "Store", one: Operation, expect: "int | None") -> None:
    from milestone_cli.core.sessions import creating, ending, using

    if one.op == "session_create":
        _at_revision(store, one, expect)
        creating.create(store, one.milestone, creating.Wish(one.words.get("type", "general")))
    elif one.op == "session_use":
        using.use(store, one.words["session"])
    else:
        ending.end(store, one.words.get("session"))


WAYS: "dict[str, Callable[[Store, Operation, int | None], None]]" = {
    "save": _save,
    "set": _set,
    "patch": _patch,
    "complete": _move,
    "reopen": _move,
    "delete": _move,
    "log": _log,
    "checkpoint_create": _checkpoint,
    "checkpoint_restore": _restore,
    "checkpoint_delete": _checkpoint,
    "checkpoint_pin": _checkpoint,
    "checkpoint_unpin": _checkpoint,
    "session_create": _session,
    "session_use": _session,
    "session_end": _session,
}
