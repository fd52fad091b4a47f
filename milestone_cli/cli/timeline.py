"""The command `milestone events timeline`."""

from milestone_cli import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.query import Filter

    from .options import (
        Agent,
        AllMilestones,
        Limit,
        MilestoneId,
        Session,
        Since,
        TimelineFile,
        TimelineFormat,
        TypeFilter,
        Until,
    )


def timeline(
    milestone: "MilestoneId" = None,
    all_: "AllMilestones" = False,
    type_: "TypeFilter" = None,
    agent: "Agent" = None,
    session: "Session" = None,
    since: "Since" = None,
    until: "Until" = None,
    limit: "Limit" = 0,
    output: "TimelineFormat" = "text",
    into: "TimelineFile" = None,
) -> None:
    """Show everything that happened, in order: as text, as JSON, or as a picture to look at.

    Example: milestone events timeline demo --format json
    """
    from milestone_cli import render
    from milestone_cli.core import current_milestone
    from milestone_cli.core.chronicle import Chronicle
    from milestone_cli.render.document import wants_colour
    from milestone_cli.render.events import notify_skipped
    from milestone_cli.render.timelines import pieces
    from milestone_cli.storage import open_store

    if all_ and milestone is not None:
        from milestone_cli.errors import MilestoneError

        raise MilestoneError("usage", "one milestone or --all, not both", "leave one of them out")
    store = open_store()
    names = store.milestones() if all_ else [current_milestone(store, milestone)]
    found = Chronicle(store, names, _wanted(type_, agent, session, since, until, limit))
    is_screen = into is None and (runtime.is_terminal(1) or wants_colour())
    shown = pieces(output, found, None if all_ else names[0], is_screen=is_screen)
    if into is None:
        for piece in shown:
            render.write(piece)
    else:
        from .outfile import save

        render.notify([save(into, shown)])
    notify_skipped(found.skipped)


def _wanted(
    type_: "str | None",
    agent: "str | None",
    session: "str | None",
    since: "str | None",
    until: "str | None",
    limit: int,
) -> "Filter | None":
    """What to look for; None for everything."""
    if not limit and all(word is None for word in (type_, agent, session, since, until)):
        return None
    from milestone_cli.core import times
    from milestone_cli.core.query import Filter

    now = runtime.now_ns()
    first = times.parse(since, now) if since is not None else None
    last = times.parse(until, now) if until is not None else None
    return Filter(type_, agent=agent, session=session, since=first, until=last, limit=limit)
