"""The command `milestone events timeline`."""

from milestone_cli import runtime

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
        TimelineFormat,
        Until,
        WhereFilter,
    )
    from .options.shared import Limit, MilestoneId, TimelineFile, TypeFilter


def timeline(
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
    limit: "Limit" = 0,
    output: "TimelineFormat" = "text",
    into: "TimelineFile" = None,
) -> None:
    """Show everything that happened, in order: as text, as JSON, or as a picture.

    Example: milestone events timeline demo --format json
    """
    from milestone_cli import render
    from milestone_cli.core.log.chronicle import Chronicle
    from milestone_cli.core.log.streams import logs, milestone_of
    from milestone_cli.render.document import wants_colour
    from milestone_cli.render.events import notify_skipped
    from milestone_cli.render.timelines import pieces
    from milestone_cli.storage import open_store

    store = open_store()
    names = logs(store, milestone, session, every=all_)
    wanted = None
    if limit or any(one is not None for one in (type_, agent, session, text, where, since, until, first, last)):
        from milestone_cli.core.log.filters import from_options

        wanted = from_options(type_, agent=agent, session=session, text=text, where=where, since=since, until=until,
                              first=first, last=last, limit=limit)  # fmt: skip
    found = Chronicle(store, names, wanted)
    is_screen = into is None and (runtime.is_terminal(1) or wants_colour())
    shown = pieces(output, found, None if all_ else milestone_of(names[0]), every=all_, is_screen=is_screen)
    if into is None:
        for piece in shown:
            render.write(piece)
    else:
        from .outfile import save

        render.notify([save(into, shown)])
    notify_skipped(found.skipped)
