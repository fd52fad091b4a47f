"""Transactions that are committed and not finished, or still under way, by what their records say of themselves."""

from milestone_cli.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def unfinished(store: "Store") -> "list[tuple[str, object, object]]":
    """Id, operation and time of the beginning of each; None for what a record that cannot be read does not say."""
    found = []
    for name in store.keys("pending"):
        try:
            record = loads(store.get("pending", name) or b"")
        except ValueError:
            record = None
        said = record.get("transaction") if isinstance(record, dict) else None
        said = said if isinstance(said, dict) else {}
        found.append((name, said.get("operation"), said.get("started_at")))
    return found
