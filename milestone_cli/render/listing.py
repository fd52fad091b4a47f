"""Events as lines of text that may come one by one: of one log as in its timeline, of several with whose each is."""

from milestone_cli import runtime
from milestone_cli.blocks import in_blocks
from milestone_cli.jsontext import loads
from milestone_cli.render import timeline
from milestone_cli.render.document import wants_colour
from milestone_cli.render.events import as_json, parts, told
from milestone_cli.render.table import screen_width
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

STAMP = 19
"""Characters of day and second at the beginning of a line in a pipe."""


class Listing:
    """Makes text of events; at a terminal it remembers the day, the session and the columns."""

    __slots__ = ("_every", "_page")

    def __init__(self, *, every: bool = False, is_screen: "bool | None" = None) -> None:
        """Take the form that suits the output, unless told which; `every`: name the milestone of each event."""
        self._every = every
        if is_screen is None:
            is_screen = runtime.is_terminal(1) or wants_colour()
        self._page = timeline.Page(screen_width(), wants_colour()) if is_screen else None

    def text(self, lines: "list[bytes]") -> bytes:
        """The text of some events, line feeds and all."""
        if self._page is not None:
            return "".join([line + "\n" for line in self._fancy(self._page, lines)]).encode("utf-8", "replace")
        block = b"".join([line + b"\n" for line in lines])
        text = b"".join(timeline.plain("", lambda work: map(work, [block]), by_day=False)) if lines else b""
        if not self._every:
            return text
        shown = zip(text.split(b"\n"), lines, strict=False)
        return b"".join([one[:STAMP] + b"  " + _owner(line).encode() + one[STAMP:] + b"\n" for one, line in shown])

    def _fancy(self, page: "timeline.Page", lines: "list[bytes]") -> "Iterator[str]":
        events = [parts(line, told) for line in lines]
        page.widen([type_ for _, type_, *_ in events])
        for line, (stamp, type_, agent, session, said) in zip(lines, events, strict=True):
            by = agent
            if self._every:
                by = _owner(line) + (f"/{agent}" if agent not in {"", "system"} else "")
            yield from page.lines(stamp, type_, by, session, said)


def _owner(line: bytes) -> str:
    """The milestone of an event, as one word."""
    event = loads(line)
    name = event.get("milestone_id") if isinstance(event, dict) else None
    return flat(name) if isinstance(name, str) else "-"


def in_form(
    kind: str,
    lines: "Iterable[bytes]",
    output: str,
    milestone: "str | None",
    cursor: "Callable[[], str] | None" = None,
    *,
    every: bool = False,
) -> "Iterator[bytes]":
    """Yield some events in a form.

    Args:
        kind: of the JSON.
        lines: of the log, without line feeds.
        output: text, json or jsonl.
        milestone: whose events they are; None for a session's own, or of all.
        cursor: the cursor that JSON has behind the events, known when all have come.
        every: they are of all milestones.
    """
    blocks = in_blocks(lines)
    if output == "jsonl":
        return blocks
    if output == "json":
        return as_json(kind, milestone, blocks, (lambda: {"cursor": cursor()}) if cursor else None)
    listing = Listing(every=every)
    return (listing.text(block[:-1].split(b"\n")) for block in blocks)
