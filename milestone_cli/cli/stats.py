"""The command `milestone events stats`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.logs import (
        AgentFilter,
        AllMilestones,
        FirstEvent,
        LastEvent,
        SessionFilter,
        Since,
        TextFilter,
        Until,
        WhereFilter,
    )
    from .options.shared import Format, MilestoneId, TypeFilter


def stats(
    milestone: "MilestoneId" = None,
    all_: "AllMilestones" = False,
    type_: "TypeFilter" = None,
    agent: "AgentFilter" = None,
    session: "SessionFilter" = None,
    text: "TextFilter" = None,
    where: "WhereFilter" = None,
    since: "Since" = None,
    until: "Until" = None,
    first: "FirstEvent" = None,
    last: "LastEvent" = None,
    output: "Format" = "text",
) -> None:
    """Count the events that match, by type, agent and hour; show the longest gaps and the slowest tools.

    Example: milestone events stats demo --since yesterday
    """
    from milestone_cli import render
    from milestone_cli.core.log import filters
    from milestone_cli.core.log.statistics import statistics
    from milestone_cli.core.log.streams import logs, milestone_of
    from milestone_cli.render import statistics as shown
    from milestone_cli.render.events import is_bad, notify_skipped
    from milestone_cli.storage import open_store

    wanted = filters.from_options(type_, agent=agent, session=session, text=text, where=where, since=since, until=until,
                                  first=first, last=last, limit=0)  # fmt: skip
    store = open_store()
    names = logs(store, milestone, session, every=all_)
    found, counts = statistics(store, names, wanted, is_bad)
    name = None if all_ else milestone_of(names[0])
    title = "all milestones" if all_ else name or f"session {session}"
    told = shown.text(found, counts, title) if output == "text" else ""
    render.emit("event-stats", shown.fields(found, counts, name) if output != "text" else {}, told, output)
    notify_skipped(found.skipped)
