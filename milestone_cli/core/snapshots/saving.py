"""Saving a snapshot: collected and put behind the store's gate, the one before kept as a backup.

It is put as a document, not as a transaction: it can be made anew from what it tells of, and a record of every autosave
would outgrow the store. What goes wrong is logged, written down where that fails too, and what was to be saved is kept
in the user's state directory.
"""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, acting_agent, lock_timeout, once
from milestone_cli.core.snapshots import document
from milestone_cli.core.snapshots.collecting import collect, collect_steady
from milestone_cli.core.snapshots.document import BACKUP, KIND, MAIN, Snapshot
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Change, Draft, Plan, digest
from milestone_cli.storage.sides import open_side

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Side, Store

    Put = tuple[str, str, bytes | None, int]

KEPT = 10
"""Backups of snapshots; more are of no use, since each is of a moment before."""


class Saved:
    """What a save did.

    Attributes:
        snapshot: what was found.
        raw: its document.
        backup: key of the snapshot that it replaced; empty where there was none that can be read.
        aside: where a damaged one was set aside; empty where there was none.
        is_new: it was written; False where nothing had changed since the last one.
        is_replayed: it was saved before, under the same idempotency key; this is the last snapshot.
    """

    __slots__ = ("aside", "backup", "is_new", "is_replayed", "raw", "snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.raw = b""
        self.backup = ""
        self.aside = ""
        self.is_new = False
        self.is_replayed = False

    def fields(self, store: "Store", reason: str) -> "dict[str, object]":
        """The save as JSON values."""
        return {
            "store": store.path,
            "reason": reason,
            "saved": self.is_new,
            **self.snapshot.fields(),
            "bytes": len(self.raw),
            "sha256": digest(self.raw),
            "backup": self.backup or None,
            "set_aside": self.aside or None,
            "skipped": self.snapshot.skipped,
            "replayed": self.is_replayed,
        }


def save(
    store: "Store",
    reason: str = "manual",
    *,
    only_news: bool = False,
    known: "Snapshot | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> Saved:
    """Save a snapshot of a store.

    Args:
        store: of what, and where.
        reason: why, for the log: `manual`, `start`, `change`, `interval`, `shutdown`, `recovery`.
        only_news: write nothing where nothing has changed since the last one; told as triggered by itself.
        known: what is kept elsewhere where the store can neither be written nor read.
        key: idempotency key.
        timeout: seconds to wait for transactions.

    Raises:
        MilestoneError: why it could not be saved, with `emergency` in its details: the file that has it instead.
    """
    done: list[Saved] = []
    try:
        side = open_side(store.path)  # another connection: what is put is durable before the gate opens

        def build() -> Plan:
            found = Saved(collect(store))
            done[:] = [found]
            _put(store, side, found, reason, only_news=only_news)
            return Plan("snapshot_save")

        asked = once(document.LOG, key, b"snapshot save")
        if store.transact([], build, lock_timeout(store, timeout), asked):
            return _replayed(store)
        if done[0].is_new:
            tell(store, "state:saved", _said(done[0], reason), asked)
    except (MilestoneError, OSError) as error:
        raise _failed(store, error, done[0].snapshot if done else None, known, reason) from error
    return done[0]


def tell(store: "Store", type_: str, said: "dict[str, object]", asked: "tuple[str, str, str] | None" = None) -> None:
    """Log an event of the store's snapshots, and what was asked for under an idempotency key."""
    change = Change(document.LOG, [Draft(type_, dumps(said), NO_SESSION, acting_agent())])
    if asked:
        _, change.key, change.request = asked
    store.commit(change)


def _replayed(store: "Store") -> Saved:
    """What stands for a save that was done before, under the same key: the snapshot that there is."""
    raw = store.get(KIND, MAIN)
    found = Saved(document.parse(raw) if raw is not None else Snapshot({}))
    found.raw = raw or b""
    found.is_replayed = True
    return found


def _put(store: "Store", side: "Side", found: Saved, reason: str, *, only_news: bool) -> None:
    before = store.get(KIND, MAIN)
    last: Snapshot | None = None
    trouble = ""
    if before is not None:
        try:
            last = document.parse(before)
        except MilestoneError as error:
            trouble = error.message
    if last is not None and only_news and before is not None and last.content == found.snapshot.content:
        found.raw, found.snapshot.last_saved = before, last.last_saved
        return
    if only_news:
        tell(side.store, "autosave:triggered", {"reason": reason})
    found.raw = found.snapshot.compose()
    now = store.clock()
    puts: list[Put] = [(KIND, MAIN, found.raw, now)]
    if last is not None:
        found.backup = _backup_key(store.modified(KIND, MAIN))
        puts.insert(0, (KIND, found.backup, before, store.modified(KIND, MAIN)))
    elif trouble:
        found.aside = side.store.set_aside(KIND, MAIN, trouble)
    old = sorted({*backups(store), *([found.backup] if found.backup else [])})
    side.put([*puts, *[(KIND, key, None, 0) for key in old[:-KEPT]]])
    side.sync()
    found.is_new = True
    runtime.applied.append("the snapshot")


def backups(store: "Store") -> "list[str]":
    """Keys of the snapshots before the last one, oldest first."""
    return [key for key in store.keys(KIND) if key.startswith(BACKUP)]


def _backup_key(written: int) -> str:
    moment = runtime.timestamp(written)[:26]
    return BACKUP + moment.translate(str.maketrans("T.", "--", ":-"))


def _said(found: Saved, reason: str) -> "dict[str, object]":
    fields = found.snapshot.fields()
    return {
        "reason": reason,
        **{name: fields[name] for name in ("tasks", "sessions", "metrics", "last_saved")},
        "bytes": len(found.raw),
        "sha256": digest(found.raw),
        "backup": found.backup or None,
    }


def _failed(
    store: "Store", error: "MilestoneError | OSError", found: "Snapshot | None", known: "Snapshot | None", reason: str
) -> MilestoneError:
    """Keep what was to be saved, say so wherever that can be said, and make the error that tells both."""
    code = error.code if isinstance(error, MilestoneError) else "store_unreachable"
    why = error.message if isinstance(error, MilestoneError) else error.strerror or str(error)
    path = _emergency(store, found, known)
    said: dict[str, object] = {"reason": reason, "code": code, "message": why[:400], "emergency": path or None}
    try:
        tell(store, "state:save-error", said)
        runtime.applied.pop()  # that it failed is logged, is no part of what was to be done
    except (MilestoneError, OSError):
        from milestone_cli.storage import spool

        at = runtime.timestamp(runtime.now_ns())
        noted = {"at": at, "what": "snapshot", "event": "state:save-error", **said}
        spool.note(store.path, dumps(noted).encode("utf-8", "replace"))
    hint = f"what was to be saved is in {path}" if path else "nothing could be kept elsewhere either"
    details = error.details if isinstance(error, MilestoneError) else {}
    message = f"the snapshot could not be saved: {why}"
    return MilestoneError(code, message, hint, **{**details, "emergency": path or None})


def _emergency(store: "Store", found: "Snapshot | None", known: "Snapshot | None") -> str:
    """The file that has what was to be saved; empty where that could not be kept either."""
    from milestone_cli.storage.emergency import dump

    try:
        found = found or collect_steady(store)
    except (MilestoneError, OSError):
        found = known
    try:
        return _kept(store, found) or dump(store.path, found.compose()) if found else ""
    except (MilestoneError, OSError):
        return ""


def _kept(store: "Store", found: Snapshot) -> str:
    """The file that has this already, where saving it fails again and again."""
    from milestone_cli.storage.emergency import dumps as kept

    for path in kept(store.path)[-1:]:
        try:
            with open(path, "rb") as file:
                if document.parse(file.read()).content == found.content:
                    return path
        except (MilestoneError, OSError):
            pass  # another one is made
    return ""
