"""What a clean-up puts away instead of removing it: tasks that are over, and copies of a completed milestone.

The plan says what no longer stays, and why; this only says where it goes. It is put away as `core.coldstore` does it.
"""

from milestone_cli.core.coldstore.keeping import Candidate, add, stream_of, why_not

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.retention.plan import Item, Plan
    from milestone_cli.model import Plan as Mutation
    from milestone_cli.storage.contract import Store

COPIES = ("backup", "checkpoint")


def spare(store: "Store", milestone: str, found: "Plan") -> None:
    """Let a plan put away what it would remove, where that can be; copies that cannot be put away stay."""
    going = [one for one in found.decisions if not one.is_kept]
    for one in going:
        one.is_archived = one.item.kind == "task"
    copies = [one for one in going if one.item.kind in COPIES]
    if not copies or not store.modified("completed", milestone):
        return
    why = why_not(store, milestone, sum(one.item.size for one in copies))
    for one in copies:
        one.is_kept, one.is_archived, one.reason = bool(why), not why, why or one.reason


def put_away(store: "Store", milestone: str, mutation: "Mutation", items: "list[Item]") -> None:
    """Plan that items are put away: each task by itself, copies together."""
    for item in items:
        if item.kind == "task":
            stream = stream_of("task", item.name, store.get("task", item.name) or b"")
            add(store, mutation, Candidate("task", item.name, item.time, list(item.puts), stream))
    copies = [item for item in items if item.kind in COPIES]
    if copies:
        places = [put for item in copies for put in item.puts]
        add(store, mutation, Candidate("milestone", milestone, copies[0].time, places, milestone))
