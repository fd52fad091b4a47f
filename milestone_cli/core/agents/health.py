"""How the agents of a store are at one look, and what is done for the dead where that is wanted."""

from milestone_cli.core.agents.agent import agents
from milestone_cli.core.agents.vitals import STALE, Vitals, examine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


def health(store: "Store", session: "str | None", stale_after: float = STALE, *, is_fixed: bool = False) -> "Facts":
    """How agents are: those that are at work, of a session or all; and what was done for the dead, where wanted.

    Returns:
        agents, the number of each health, and `buried`, as `fallen.bury` tells it.
    """
    found = examine(store, agents(store, session=session, is_over=False), stale_after)
    buried: list[Facts] = []
    if is_fixed:
        from milestone_cli.core.agents.fallen import bury
        from milestone_cli.core.agents.sync import close_overdue

        buried = bury(store, found)
        close_overdue(store)
    return {"session_id": session, **counts(found), "agents": [one.fields() for one in found], "buried": buried}


def counts(found: "list[Vitals]") -> "Facts":
    """How many agents are in which health."""
    return {word: sum(one.health == word for one in found) for word in ("healthy", "stale", "dead", "unknown")}
