"""The forms of a timeline that programs, pages and pictures are made of, each in a module of its own.

A renderer is `NAME(events, title, now)`: decoded events, oldest first, go in, and pieces of text come out; `title` says
whose they are, and `now` is nanoseconds since 1970. It is imported when it is asked for.
"""

import sys

from milestone_cli import runtime
from milestone_cli.render import events as lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.chronicle import Chronicle

RENDERERS = {
    "markdown": ("timeline_markdown", "markdown"),
    "mermaid": ("timeline_mermaid", "mermaid"),
    "trace": ("timeline_trace", "trace"),
    "svg": ("timeline_svg", "svg"),
    "html": ("page", "page"),
}
"""Module in this folder and function, for each form."""
ALL = "all milestones"


def pieces(output: str, found: "Chronicle", milestone: "str | None", *, is_screen: bool) -> "Iterator[bytes]":
    """Yield a timeline in a form, piece by piece.

    Args:
        output: text, json, jsonl, or one of RENDERERS.
        found: what happened.
        milestone: whose it is; None for all.
        is_screen: whether it is for a terminal, or a pipe that takes colour.
    """
    if output == "json":
        return lines.as_json("timeline", milestone, found.blocks())
    if output == "jsonl":
        return found.blocks()
    if output == "text":
        from milestone_cli.render import timeline

        shape = timeline.fancy if is_screen else timeline.plain
        return shape(milestone or ALL, found.mapped)
    module, name = RENDERERS[output]
    path = f"milestone_cli.render.{module}"
    __import__(path)
    render = getattr(sys.modules[path], name)
    return (piece.encode("utf-8", "replace") for piece in render(_decoded(found), milestone or ALL, runtime.now_ns()))


def _decoded(found: "Chronicle") -> "Iterator[dict[str, object]]":
    """The events; lines of a long log that only look like some are left out, and counted."""
    for line in found.lines():
        event = found.parser.event(line)
        if event is not None:
            yield event
