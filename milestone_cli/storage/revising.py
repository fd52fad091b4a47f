"""The document of a milestone's next revision, drawn up for a plan; the same in every store."""

from milestone_cli import runtime
from milestone_cli.model import Head
from milestone_cli.storage.files.commit import draw_up
from milestone_cli.storage.files.envelope import parse_envelope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Draft
    from milestone_cli.storage.contract import Store


def revise(store: "Store", milestone: str, text: bytes, draft: "Draft") -> bytes:
    """Draw up the next revision of a state, to be put as `active`; its lock is held.

    Args:
        store: where.
        milestone: whose.
        text: the new state.
        draft: the event that belongs to it, for the plan; its id and its data are filled in.
    """
    raw = store.get("active", milestone)
    raw = store.get("completed", milestone) if raw is None else raw
    old = parse_envelope(raw, milestone) if raw is not None else None
    head = store.head(milestone) or Head()
    if old is not None and old.sha256 != head.state:
        old = None  # not recorded, as only a plan without locks meets it: then the whole text goes into the log
    return draw_up(milestone, draft, old, text, head, runtime.timestamp(store.clock()))[0]
