"""Finding a snapshot: one that is named, or the one to start from, with a word on each that was tried."""

from milestone_cli.core.snapshots import document
from milestone_cli.core.snapshots.collecting import collect
from milestone_cli.core.snapshots.document import KIND, MAIN, Snapshot
from milestone_cli.core.snapshots.saving import backups
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


def named(store: "Store", name: str, raw: "bytes | None") -> "tuple[Snapshot, str]":
    """A snapshot that is named: a file's bytes, else one of the store's.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    if raw is None:
        key = name.removesuffix(".json")
        raw = store.get(KIND, key) if key == MAIN or key in backups(store) else None
        if raw is None:
            known = [one for one in (MAIN, *reversed(backups(store))) if store.modified(KIND, one)]
            raise MilestoneError(
                "not_found",
                f"there is no snapshot '{name[:140]}', neither here as a file nor in the store",
                f"there are {', '.join(known[:10])}" if known else "`milestone snapshot save` makes one",
                snapshots=known,
            )
    return document.parse(raw), name


def start(store: "Store") -> "tuple[Snapshot, str, str, list[Facts]]":
    """The snapshot to start from: the last one, else the newest backup that can be read, else of the task files.

    Returns:
        It; where it is from: `main`, `backup`, `rebuilt`, `empty`; its key, empty where it has none; what was tried.
    """
    steps: list[Facts] = []
    for step, keys in (("main", [MAIN]), ("backup", backups(store)[::-1])):
        for key in keys:
            found = _look(store, step, key, steps)
            if found is not None:
                return found, step, key, steps
        if not keys:
            steps.append(_step(step, None, "missing", "there is none"))
    found = collect(store)
    count = len(found.parts["tasks"])
    told = f"{count} tasks and {len(found.parts['sessions'])} sessions" if any(found.parts.values()) else ""
    steps.append(_step("rebuild", None, "used" if told else "missing", told or "there is no task and no session"))
    if not told:
        steps.append(_step("empty", None, "used", "it begins with nothing"))
    return found, "rebuilt" if told else "empty", "", steps


def _look(store: "Store", step: str, key: str, steps: "list[Facts]") -> "Snapshot | None":
    try:
        raw = store.get(KIND, key)
        if raw is None:
            steps.append(_step(step, key, "missing", "it is not there"))
            return None
        found = document.parse(raw)
    except (MilestoneError, OSError) as error:
        why = error.details.get("why", error.message) if isinstance(error, MilestoneError) else error.strerror
        steps.append(_step(step, key, "damaged", str(why)))
        return None
    steps.append(_step(step, key, "used", f"saved {found.last_saved or 'at an unknown time'}"))
    return found


def _step(step: str, name: "str | None", result: str, detail: str) -> "Facts":
    return {"step": step, "name": name, "result": result, "detail": detail}
