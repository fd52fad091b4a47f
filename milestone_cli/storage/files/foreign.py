"""Reading an envelope that is not ours to the byte: the bash utilities', or one that somebody edited."""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, loads, members, skip
from milestone_cli.model import Document, digest


def parse_foreign(raw: bytes, milestone: str) -> Document:
    """Read an envelope by parsing it whole; its `state` may stand anywhere in it.

    Raises:
        MilestoneError: `damaged` when it is no envelope, or that of another milestone.
    """
    try:
        text = check(raw, len(raw), "the file")
    except MilestoneError as error:
        raise damaged(milestone, error.message) from None
    at = skip(text, 0)
    if text[at] != "{":
        raise damaged(milestone, "it holds no JSON object")
    spans = {key: (start, end) for key, _, start, end in members(text, at)}
    if "state" not in spans:
        raise damaged(milestone, "it holds no key 'state'")
    owner, timestamp = (_value(text, spans, key) for key in ("milestone_id", "timestamp"))
    if owner != milestone:
        raise damaged(milestone, f"it belongs to '{str(owner)[:140]}'")
    start, end = spans["state"]
    state = text[start:end].encode()
    return Document(state, 0, digest(state), timestamp if isinstance(timestamp, str) else "", None)


def _value(text: str, spans: dict[str, tuple[int, int]], key: str) -> object:
    return loads(text[slice(*spans[key])]) if key in spans else None


def damaged(milestone: str, why: str) -> MilestoneError:
    """The error for a state that cannot be read."""
    return MilestoneError(
        "damaged",
        f"the state of '{milestone}' is damaged: {why}",
        "`milestone state load` recovers it when a good copy is at hand",
        milestone_id=milestone,
    )
