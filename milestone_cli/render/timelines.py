"""The forms of a timeline that programs, pages and pictures are made of, each in a module of its own.

A renderer is `NAME(events, title, now)`: decoded events, oldest first, go in, and pieces of text come out; `title` says
whose they are, and `now` is nanoseconds since 1970. It is imported when it is asked for.
"""

import sys

from milestone_cli import runtime
from milestone_cli.model import OF_SESSION
from milestone_cli.render import events as lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.log.chronicle import Chronicle

RENDERERS = {
    "markdown": ("timeline_markdown", "markdown"),
    "mermaid": ("timeline_mermaid", "mermaid"),
    "trace": ("timeline_trace", "trace"),
    "svg": ("timeline_svg", "svg"),
    "html": ("page", "page"),
}
"""Module in this folder and function, for each form."""


def pieces(
    output: str, found: "Chronicle", milestone: "str | None", *, every: bool, is_screen: bool
) -> "Iterator[bytes]":
    """Yield a timeline in a form, piece by piece.

    Args:
        output: text, json, jsonl, or one of RENDERERS.
        found: what happened.
        milestone: whose it is; None for all, and for a session that has none.
        every: it is of all milestones.
        is_screen: whether it is for a terminal, or a pipe that takes colour.
    """
    title = "all milestones" if every else found.names[0].removeprefix(OF_SESSION)
    if output == "json":
        return lines.as_json("timeline", milestone, found.blocks())
    if output == "jsonl":
        return found.blocks()
    if output == "text":
        return _text(found, title, every=every, is_screen=is_screen)
    module, name = RENDERERS[output]
    path = f"milestone_cli.render.{module}"
    __import__(path)
    render = getattr(sys.modules[path], name)
    return (piece.encode("utf-8", "replace") for piece in render(_decoded(found), title, runtime.now_ns()))


def _text(found: "Chronicle", title: str, *, every: bool, is_screen: bool) -> "Iterator[bytes]":
    """The timeline for people."""
    from milestone_cli.render import timeline

    if not is_screen:
        return timeline.dated(title, _named(found, is_screen=False)) if every else timeline.plain(title, found.mapped)
    from itertools import chain

    from milestone_cli.render.timeline_head import head

    return chain(head(found, title), _named(found, is_screen=True) if every else timeline.fancy(found.mapped))


def _named(found: "Chronicle", *, is_screen: bool) -> "Iterator[bytes]":
    """The events of several milestones, each with the name of its own."""
    from milestone_cli.render.listing import Listing

    listing = Listing(every=True, is_screen=is_screen)
    return (listing.text(block[:-1].split(b"\n")) for block in found.blocks())


def _decoded(found: "Chronicle") -> "Iterator[dict[str, object]]":
    """The events; lines of a long log that only look like some are left out, and counted."""
    for line in found.lines():
        event = found.parser.event(line)
        if event is not None:
            yield event
