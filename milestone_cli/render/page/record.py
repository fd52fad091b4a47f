"""What the page keeps of an event beside its time, lane and type: its other members, one line of JSON, bounded."""

import orjson

from milestone_cli.jsontext import dumps

KNOWN = {"milestone_id", "session_id", "agent_id", "event_type", "event", "timestamp", "checksum", "data"}
"""Members that stand elsewhere; a checksum proves nothing in a page."""
LONGEST = 4000
"""Characters of an event's data, and of its other members; longer ones are cut."""
ROOMS = (1000, 200, 40)
"""Characters that a text may keep, until the whole is short enough."""
ITEMS = 50
"""So many items of a list or an object are kept when an event is cut."""
DEEP = 6


def line(event: "dict[str, object]", lane: "tuple[str, str, str]", type_: str) -> str:
    """The members of an event that the columns do not tell: its data as JSON, a tab, the others as JSON; in one line.

    Args:
        event: as decoded.
        lane: milestone, session and agent as the columns tell them.
        type_: its name there.
    """
    rest = {name: value for name, value in event.items() if name not in KNOWN}
    milestone, session, agent = lane
    # What an event does not have is null here; the columns have a word for it all the same.
    if event.get("milestone_id") != milestone:
        rest["milestone_id"] = event.get("milestone_id")
    if event.get("session_id") != (session or "no-session"):
        rest["session_id"] = event.get("session_id")
    if event.get("agent_id") != agent:
        rest["agent_id"] = event.get("agent_id")
    if event.get("event_type") != type_:
        rest["event_type"] = event.get("event_type")
    if "event" in event:
        rest["event"] = event["event"]
    stamp, data = event.get("timestamp"), event.get("data")
    happened = isinstance(data, dict) and "occurred_at" in data
    if happened or not (isinstance(stamp, str) and len(stamp) == 27 and stamp[10] + stamp[19] + stamp[26] == "T.Z"):
        rest["timestamp"] = stamp
    return (bounded(event["data"]) if "data" in event else "") + "\t" + bounded(rest)


def bounded(value: object) -> str:
    """A value as JSON, cut where it is too long."""
    text = encoded(value)
    if len(text) <= LONGEST:
        return text
    for room in ROOMS:
        cut = encoded(_cut(value, room, 0))
        if len(cut) <= LONGEST:
            return cut
    left_out = f"… ({len(text)} characters, left out of this page)"
    return encoded({"…": left_out} if isinstance(value, dict) else left_out)


def encoded(value: object) -> str:
    """JSON, as fast as can be."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer of more than 64 bits, half a character
        return dumps(value)


def _cut(value: object, room: int, depth: int) -> object:
    """A value whose texts and lists are short."""
    if isinstance(value, str):
        return value if len(value) <= room else f"{value[:room]}… ({len(value)} characters)"
    if isinstance(value, int) and not -(1 << 64) < value < 1 << 64:
        return f"… (an integer of {value.bit_length()} bits)"
    if not isinstance(value, dict | list) or not value:
        return value
    if depth > DEEP:
        return "…"
    if isinstance(value, dict):
        kept: dict[str, object] = {name[:room]: _cut(one, room, depth + 1) for name, one in list(value.items())[:ITEMS]}
        if len(value) > ITEMS:
            kept["…"] = f"{len(value) - ITEMS} more"
        return kept
    shown = [_cut(one, room, depth + 1) for one in value[:ITEMS]]
    return shown + [f"… {len(value) - ITEMS} more"] * (len(value) > ITEMS)
