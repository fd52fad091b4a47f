"""The commands `milestone events query` and `milestone events follow`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.log.follow import Following

    from .options.logs import (
        AfterCursor,
        AgentFilter,
        AllMilestones,
        CountOnly,
        FirstEvent,
        FollowLines,
        LastEvent,
        QueryLimit,
        SessionFilter,
        ShowCursor,
        Since,
        TextFilter,
        Until,
        WhereFilter,
    )
    from .options.shared import Events, FollowFormat, MilestoneId, Reverse, TypeFilter

DEFAULT = 50
"""Events that a query shows unless told otherwise."""


def query(
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
    limit: "QueryLimit" = None,
    reverse: "Reverse" = False,
    count: "CountOnly" = False,
    after_cursor: "AfterCursor" = None,
    show_cursor: "ShowCursor" = False,
    output: "Events" = "text",
) -> None:
    """Show the latest events that match, oldest first; with a cursor, the ones that come after it.

    Example: milestone events query demo --type 'state_*' --where revision=2 --since '2h ago'
    """
    from milestone_cli import render
    from milestone_cli.core.log import filters
    from milestone_cli.core.log.paging import Found
    from milestone_cli.core.log.streams import logs, milestone_of
    from milestone_cli.render import listing
    from milestone_cli.render.events import notify_skipped
    from milestone_cli.storage import open_store

    if after_cursor is not None and reverse:
        from milestone_cli.errors import MilestoneError

        raise MilestoneError("usage", "after a cursor events come oldest first", "leave --reverse out")
    most = limit if limit is not None else 0 if count else DEFAULT
    wanted = filters.from_options(type_, agent=agent, session=session, text=text, where=where, since=since, until=until,
                                  first=first, last=last, limit=most, reverse=reverse)  # fmt: skip
    store = open_store()
    names = logs(store, milestone, session, every=all_)
    after_cursor = cursor_in(after_cursor)
    found = Found(store, names, wanted, after_cursor, every=all_, with_cursor=show_cursor)
    name = None if all_ else milestone_of(names[0])
    if count:
        number = sum(1 for _ in found.lines())
        fields: dict[str, object] = {"milestone_id": name, "count": number}
        fields |= {"cursor": found.cursor()} if show_cursor else {}
        told = f"{number}" + (f"\n-- cursor: {fields['cursor']}" if show_cursor else "")
        render.emit("event-count", fields, told, output)
    else:
        cursor = found.cursor if show_cursor else None
        for piece in listing.in_form("events", found.lines(), output, name, cursor, every=all_):
            render.write(piece)
        if show_cursor and output != "json":
            told = found.cursor()
            render.emit("cursor", {"cursor": told}, f"-- cursor: {told}", output)
    notify_skipped(found.skipped)


def cursor_in(word: "str | None") -> "str | None":
    """The cursor that a word is, or that stands in its `@FILE`: one of thousands of milestones fits no command line."""
    if word is None or word[:1] != "@":
        return word
    from .data import read_data

    return read_data(word).decode("utf-8", "replace")


def follow(
    milestone: "MilestoneId" = None,
    all_: "AllMilestones" = False,
    type_: "TypeFilter" = None,
    agent: "AgentFilter" = None,
    session: "SessionFilter" = None,
    text: "TextFilter" = None,
    where: "WhereFilter" = None,
    lines: "FollowLines" = 10,
    after_cursor: "AfterCursor" = None,
    output: "FollowFormat" = "text",
) -> int:
    """Show the latest events, then new ones as they happen; Ctrl-C ends it.

    With --agent and an agent that has subscriptions: the events that it subscribed to, from where it last stopped.

    Example: milestone events follow demo --type 'state_*' --lines 2 | head -n 2
    """
    from milestone_cli import render
    from milestone_cli.core.log import filters, subscription
    from milestone_cli.core.log.follow import Following
    from milestone_cli.core.log.streams import logs
    from milestone_cli.storage import open_store

    wanted = filters.from_options(type_, agent=agent, session=session, text=text, where=where,
                                  limit=0 if after_cursor is not None else lines)  # fmt: skip
    store = open_store()
    after_cursor = cursor_in(after_cursor)
    one = subscription.of(store, agent) if not type_ else None
    if one is None:
        names = logs(store, milestone, session, every=all_)
        is_fresh = after_cursor is None and not lines
        following = Following(store, names, wanted, after_cursor, every=all_, is_fresh=is_fresh)
        return _show(following, output, every=all_)
    if not all_ and milestone is None and session is None and (own := subscription.scope(one)):
        names = [own]
    else:
        names = logs(store, milestone, session, every=all_)
    mine = subscription.Subscription(store, one, names, every=all_)
    following, notes = mine.follow(wanted, after_cursor)
    render.notify(notes)
    return _show(following, output, every=all_, settle=lambda: mine.save(following))


def _show(following: "Following", output: str, *, every: bool, settle: "Callable[[], None] | None" = None) -> int:
    """Print what comes until somebody ends it."""
    from milestone_cli import render
    from milestone_cli.core.log.follow import batches
    from milestone_cli.render.listing import Listing

    listing = Listing(every=every)
    try:
        for found, notes in batches(following, 1, settle):
            render.notify(notes)
            if found:
                render.write(b"".join([line + b"\n" for line in found]) if output == "jsonl" else listing.text(found))
    except KeyboardInterrupt:
        return 130
    finally:
        following.close()
    return 0
