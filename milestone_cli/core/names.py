"""The names of what a store holds, which completion offers; only those that a command would take."""

from milestone_cli.errors import MilestoneError
from milestone_cli.model import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

KINDS = {"sessions": "session", "agents": "agent", "syncs": "sync", "tasks": "task"}
"""Kinds of documents whose keys are the names."""


def names(store: "Store", what: str, milestone: "str | None" = None) -> list[str]:
    """All milestones, sessions, agents, syncs, tasks, or transactions, with the word that means the last; sorted.

    Of checkpoints those of a milestone, or all.
    """
    if what == "milestones":
        found = {*store.milestones()}
    elif what in KINDS:
        found = {*store.keys(KINDS[what])}
    elif what == "transactions":
        found = {key for kind in ("pending", "committed", "rollback") for key in store.keys(kind)}
        found |= {"last"} if found else set()
    else:
        keys = [key.partition("/") for key in store.keys("checkpoint")]
        found = {name for owner, _, name in keys if milestone in (None, owner)}
    return sorted(name for name in found if _is_safe(name))


def _is_safe(name: str) -> bool:
    try:
        safe(name)
    except MilestoneError:
        return False
    return True
