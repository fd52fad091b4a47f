"""What the client's status line tells of the work: its milestone, how far it is, its last checkpoint, the context used.

It is asked for at every turn, so it looks at little and changes nothing; whatever is missing is left out.
"""

from milestone_cli import runtime
from milestone_cli.core import bound_session, session_record
from milestone_cli.core.standing.words import members_of
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import safe
from milestone_cli.storage import locate, open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

LONGEST = 200
"""Characters of a word from outside, before it is cut to what there is room for."""


class Line:
    """What there is to tell.

    Attributes:
        milestone: the one that the client's session is at, or the only one; empty where that is not clear.
        others: how many are active where it is not clear; None where there is no store.
        progress: in a word or two; empty where the state says nothing.
        checkpoint: nanoseconds since 1970 of the last one; 0 for none.
        context: percent of the context window that is used; None where the client does not say.
    """

    __slots__ = ("checkpoint", "context", "milestone", "others", "progress")

    def __init__(self) -> None:
        self.milestone = ""
        self.others: int | None = None
        self.progress = ""
        self.checkpoint = 0
        self.context: int | None = None


def look(raw: bytes, folder: str, line: Line) -> None:
    """Find out what there is to tell.

    Args:
        raw: what the client says.
        folder: where we are.
        line: what is filled in, as far as it goes.

    Raises:
        MilestoneError, OSError, ValueError: when it goes no further.
    """
    payload = _object(loads(raw))
    line.context = _context(_object(payload.get("context_window")))
    workspace = _object(payload.get("workspace"))
    folders = [workspace.get("project_dir"), workspace.get("current_dir"), payload.get("cwd"), folder]
    path = locate(*(one for one in folders if isinstance(one, str) and one[:1] == "/"))
    if path is None:
        return
    store = open_store(path)
    client = payload.get("session_id")
    milestone = _bound(store, client if isinstance(client, str) else "") or runtime.env("MILESTONE_ID")
    if milestone:
        line.milestone = safe(milestone)
    else:
        active = store.active()
        line.others = len(active)
        line.milestone = active[0] if len(active) == 1 else ""
    if line.milestone:
        _of_milestone(store, line)


def _object(value: object) -> "Facts":
    return value if isinstance(value, dict) else {}


def _bound(store: "Store", client: str) -> "str | None":
    """The milestone of the session that is bound to a client's session."""
    try:
        session = bound_session(store, client) if client else None
    except MilestoneError:
        return None
    found = session_record(store, session).get("milestone_id") if session else None
    return found if isinstance(found, str) else None


def _of_milestone(store: "Store", line: Line) -> None:
    name = line.milestone
    line.checkpoint = _last_checkpoint(store, name)
    try:
        document = store.read(name)
    except MilestoneError as error:
        line.progress = "no state yet" if error.code == "not_found" else error.code.upper()
        return
    line.progress = progress(members_of(document)) or f"revision {document.revision}"


def _last_checkpoint(store: "Store", name: str) -> int:
    """When the last of what may be a milestone's checkpoints was made."""
    if not store.keys("checkpoint"):
        return 0
    from milestone_cli.core.checkpoints.copies import checkpoint_names

    found = [store.modified("checkpoint", f"{name}/{one}") for one in checkpoint_names(store, name)]
    return max(found, default=0)


def progress(state: "Facts") -> str:
    """How far the work is, in a word or two, as its state says it; empty where it does not."""
    found = state.get("progress")
    if isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found <= 100:
        return f"{found * 100 if isinstance(found, float) and found <= 1 else found:.0f} %"
    if isinstance(found, str) and found:
        return found[:LONGEST]
    step, all_ = state.get("step"), state.get("steps")
    if isinstance(step, int | str) and not isinstance(step, bool) and step != "":
        count = len(all_) if isinstance(all_, list) else all_
        return f"step {step}"[:LONGEST] + (f"/{count}" if isinstance(count, int) and isinstance(step, int) else "")
    done, left = state.get("done"), next((state[name] for name in ("todo", "next") if name in state), None)
    if isinstance(done, list) and isinstance(left, list):
        return f"{len(done)}/{len(done) + len(left)} done"
    word = next((state[name] for name in ("phase", "status") if isinstance(state.get(name), str)), "")
    return str(word)[:LONGEST]


def _context(window: "Facts") -> "int | None":
    """Percent that is used: as the client counted it, else of what it counts."""
    used = window.get("used_percentage")
    if isinstance(used, int | float) and not isinstance(used, bool):
        return int(used)
    size, tokens = window.get("context_window_size"), window.get("total_input_tokens")
    if type(size) is int and type(tokens) is int and 0 <= tokens <= size and size:
        return tokens * 100 // size
    return None
