"""What sessions that were left behind have left open: an operation, agents, locks, transactions."""

from milestone_cli.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.sessions.session import Session
    from milestone_cli.storage.contract import Store

LEFT_BEHIND = ("orphaned", "expired")


def left_open(store: "Store", found: "list[Session]") -> "dict[str, list[str]]":
    """What each session that was left behind has left open, in words: operation, agents, locks, transactions."""
    behind = {one.id: one for one in found if one.status in LEFT_BEHIND}
    told: dict[str, list[str]] = {name: [] for name in behind}
    if not behind:
        return told
    from milestone_cli.core.sessions import progress

    for one in behind.values():
        news = progress.news(store, one)
        operation = loads(news["operation"]) if "operation" in news else one.word("operation")
        amount = loads(news["progress"]) if "progress" in news else one.record.get("progress")
        if operation and not (isinstance(amount, int | float) and amount >= 100):
            told[one.id].append(f"{operation}, {amount or 0} % done")
    for name, what in _agents(store):
        if name in told:
            told[name].append(f"the agent {what}")
    locks = store.locks()
    for name in locks.names():
        holder = locks.show(name) or {}
        for one in behind.values():
            if holder.get("pid") == one.record.get("pid") and holder.get("host") in (None, one.word("host")):
                told[one.id].append(f"the lock {name}")
    for key in store.keys("pending"):
        raw = store.get("pending", key) or b""
        for name, words in told.items():
            if f'"session_id":"{name}"'.encode() in raw:
                words.append(f"the transaction {key}")
    return told


def _agents(store: "Store") -> "list[tuple[str, str]]":
    """Session and name of each agent that has not left."""
    found = []
    for key in store.keys("agent"):
        try:
            record = loads(store.get("agent", key) or b"")
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("status") == "active":
            found.append((str(record.get("session_id")), key))
    return found
