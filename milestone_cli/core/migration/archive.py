"""Taking in a file of `store export`: a copy whose source is an archive, into a store that is empty or behind it."""

from milestone_cli.core.stores.plan import plan as plan_copy
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.findings import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.exports.archive import Archive
    from milestone_cli.core.stores.plan import Copy
    from milestone_cli.storage.contract import Side


def plan(source: "Archive", target: "Side") -> "Copy":
    """What taking in would do; nothing is changed.

    Raises:
        MilestoneError: `conflict` when the store has something that the archive has not, or has otherwise.
    """
    found = plan_copy(source, target)[0]
    if found.replaces:
        there = {place for place in found.documents if target.document(*place) is not None}
        conflicts = sorted("/".join(place) for place in {*there, *found.removed})
        raise MilestoneError(
            "conflict",
            f"the store has something else already under {len(conflicts)} names; nothing was changed:"
            f" {', '.join(conflicts[:5])}{', …' if len(conflicts) > 5 else ''}",
            "import it into a store of its own: `milestone --store FOLDER store import …`",
            conflicts=conflicts,
        )
    return found


def fields_of(found: "Copy") -> "dict[str, object]":
    """What it does as JSON values."""
    kinds = [kind for kind, _ in found.documents]
    return {
        "source": found.source,
        "kind": "archive",
        "store": found.target,
        "milestones": sorted(key for kind, key in found.documents if kind in ("active", "completed")),
        **{f"{kind}s": kinds.count(kind) for kind in ("session", "agent", "task")},
        "checkpoints": kinds.count("checkpoint") + kinds.count("session-checkpoint"),
        "documents": len(found.documents),
        "events": 0,
        "same": found.same,
        "left": [],
        "notes": [f"{count(len(found.logs), 'log')}, {found.size:,} bytes in all"] if not found.is_empty else [],
    }
