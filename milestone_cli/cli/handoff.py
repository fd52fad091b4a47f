"""The command `milestone session handoff`: what somebody must know to go on, within a budget."""

from milestone_cli import render
from milestone_cli.core import NO_SESSION, current_milestone, current_session
from milestone_cli.core.sessions import session as sessions
from milestone_cli.core.standing import handoff
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.sessions import MaxTokens, PacketFormat
    from .options.shared import SessionId


def session_handoff(name: "SessionId" = None, max_tokens: "MaxTokens" = 1500, output: "PacketFormat" = "text") -> None:
    """Print what somebody must know to go on with the work: the most useful first, within a number of tokens.

    For a named session, only what happened in it; otherwise everything of the milestone. A token is estimated as four
    characters of ASCII, or one other character.

    Example: milestone session handoff --max-tokens 500
    """
    from milestone_cli.render.text import clean

    store = open_store()
    session: str | None = current_session(store)
    if name is not None:
        found = sessions.sound(sessions.find(store, name))
        session, milestone = found.id, found.milestone or current_milestone(store)
    else:
        session = None if session == NO_SESSION else session
        milestone = current_milestone(store)
    packet = handoff.packet(store, milestone, session=session, alone=name is not None, tokens=max_tokens)
    told = {"max_tokens": max_tokens, "tokens": packet.tokens, "left_out": packet.left_out}
    text = clean(packet.text)
    form = "text" if output == "markdown" else output
    render.emit("session-handoff", {**packet.facts, **told, "text": text}, text.rstrip("\n"), form)
