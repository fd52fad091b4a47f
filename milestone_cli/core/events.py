"""Logging events: checked, then appended as the store's lock gives them time and number."""

from milestone_cli.core import acting_agent, current_session, lock_timeout, request_digest
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, skip
from milestone_cli.model import Change, Draft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Receipt
    from milestone_cli.storage.contract import Store

LIMIT = 1 << 20
"""Largest data of an event, in bytes."""


def check_type(word: str) -> str:
    """Let an event type through, unchanged.

    Raises:
        MilestoneError: `invalid_name` unless it is `[A-Za-z0-9][A-Za-z0-9._:-]{0,127}`.
    """
    bare = word.replace("-", "").replace("_", "").replace(".", "").replace(":", "")
    if 0 < len(word) <= 128 and word[0].isalnum() and bare.isalnum() and bare.isascii():
        return word
    raise MilestoneError(
        "invalid_name",
        f"'{word[:140]}' is not an event type",
        "use 1 to 128 letters, digits, '.', '_', ':' or '-', beginning with a letter or digit",
        event_type=word[:140],
    )


def check_data(raw: bytes, what: str = "the data") -> str:
    """Let an event's data through as one line of text: a JSON object.

    Raises:
        MilestoneError: `invalid_json`, `too_large`, `invalid_data` when it is no object.
    """
    text = check(raw, LIMIT, what)
    if text[skip(text, 0)] != "{":
        raise MilestoneError("invalid_data", f"{what} is not a JSON object", 'write it as {"name": value}')
    # Outside of strings a line feed is white space, and inside of one it cannot be: so this changes no value.
    return text.strip().replace("\n", " ").replace("\r", " ")


def log(
    store: "Store",
    milestone: str,
    events: "list[tuple[str, bytes]]",
    *,
    agent: "str | None" = None,
    session: "str | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "Receipt":
    """Append events to a milestone's log, in order, with one sync.

    Args:
        store: where.
        milestone: whose log.
        events: type and data of each; the data is the text of a JSON object.
        agent: who acts.
        session: in which session.
        key: idempotency key, for all of them together.
        timeout: seconds to wait for the log's lock.
    """
    named, acting = current_session(store, session), acting_agent(agent)
    drafts = [Draft(check_type(type_), check_data(data), named, acting) for type_, data in events]
    change = Change(milestone, drafts, timeout=lock_timeout(store, timeout))
    if key:
        parts = [part for draft in drafts for part in (draft.type.encode(), draft.data.encode())]
        change.key, change.request = key, request_digest(b"log", *parts)
    return store.commit(change)
