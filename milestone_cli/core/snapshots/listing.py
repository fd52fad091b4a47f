"""What there is of snapshots, and what one of them holds."""

from milestone_cli.core.snapshots import document
from milestone_cli.core.snapshots.document import KIND, MAIN, PARTS
from milestone_cli.core.snapshots.finding import named
from milestone_cli.core.snapshots.saving import backups
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.runtime import timestamp
from milestone_cli.storage.emergency import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


def shown(store: "Store", name: "str | None", raw: "bytes | None") -> "Facts":
    """One snapshot with all that is in it, the last one where none is named; and a list of all.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    try:
        found, key = named(store, name or MAIN, raw)
    except MilestoneError as error:
        others = [str(one["name"]) for one in listed(store) if not one["trouble"]]
        if error.code == "damaged" and others:
            error.hint = f"`milestone snapshot show {others[0]}` shows the newest that can be read"
        raise
    return {
        "name": key,
        **found.fields(),
        **{f"{part}_list": [loads(text) for text in found.parts[part].values()] for part in PARTS},
        "snapshots": listed(store),
        "emergency": dumps(store.path),
    }


def listed(store: "Store") -> "list[Facts]":
    """Every snapshot of a store, newest first: name, time, bytes, why it cannot be read."""
    rows: list[Facts] = []
    for key in (MAIN, *reversed(backups(store))):
        raw = store.get(KIND, key)
        if raw is None:
            continue
        trouble = None
        saved: str | None = None
        try:
            saved = document.parse(raw).last_saved or None
        except MilestoneError as error:
            trouble = str(error.details.get("why", error.message))
        written = timestamp(store.modified(KIND, key))
        rows.append({"name": key, "last_saved": saved, "written": written, "bytes": len(raw), "trouble": trouble})
    return rows
