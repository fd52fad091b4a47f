"""Optimising a store: old checkpoints of sessions go, what is old and large is compressed, what is the same is shared.

Nothing that the bash utilities read is compressed: states, checkpoints, session records, the files that logs are
appended to, young backups, and of each milestone the ten newest. Every figure is measured. A server compresses by
itself, so there only old checkpoints go.
"""

from milestone_cli import runtime
from milestone_cli.core import draft, lock_timeout
from milestone_cli.core.checkpoints.copies import parse_name
from milestone_cli.core.retention.plan import DAY, Item, Policy, plan
from milestone_cli.core.retention.sessions import checkpoints_of
from milestone_cli.core.sessions.capture import PART
from milestone_cli.core.sessions.pinning import stream_of
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Plan as Mutation
from milestone_cli.model import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.retention.cleanup import Tell
    from milestone_cli.storage.contract import Store
    from milestone_cli.storage.files import FileStore

BLOCK = 4096
"""Bytes that a file takes at least, so that there is nothing to share below."""
NEWEST = 10
"""So many backups of each milestone stay as they are, however old."""


class Gain:
    """What one session, or all of the store, has gained, or would.

    Attributes:
        files: that were compressed; `before` and `after`, their bytes.
        shared: files that are in one place of the disk with another now; `shared_bytes`, what they had.
        removed: old checkpoints of sessions that went, with the parts that nothing else needs; `removed_bytes`.
    """

    __slots__ = ("after", "before", "files", "removed", "removed_bytes", "shared", "shared_bytes")

    def __init__(self) -> None:
        self.files = self.before = self.after = 0
        self.shared = self.shared_bytes = self.removed = self.removed_bytes = 0

    @property
    def saved(self) -> int:
        """Bytes of files that are not there any more."""
        return self.before - self.after + self.shared_bytes + self.removed_bytes


class Optimization:
    """What was optimised, or would be.

    Attributes:
        total: of the store.
        sessions: what of that was each session's.
        looked: files that were old enough to be looked at.
        failed: what could not be read or replaced, sentences.
        seconds: that reading what was compressed took before and after; None for what was not measured.
        is_server: the store is in a database, whose server compresses.
    """

    __slots__ = ("failed", "is_server", "looked", "seconds", "sessions", "total")

    def __init__(self, *, is_server: bool) -> None:
        self.total = Gain()
        self.sessions: dict[str, Gain] = {}
        self.looked = 0
        self.failed: list[str] = []
        self.seconds: tuple[float | None, float | None] = (None, None)
        self.is_server = is_server

    def gains(self, kind: str, key: str) -> "list[Gain]":
        """Whose figures a document counts among."""
        if not kind.startswith("session"):
            return [self.total]
        return [self.total, self.sessions.setdefault(key.partition("/")[0], Gain())]


def old_points(store: "Store", policy: Policy) -> "list[Item]":
    """Checkpoints of sessions that a clean-up by a policy would remove, of whichever milestone, with their parts."""
    found: dict[tuple[str, str], Item] = {}
    for milestone in ["", *store.milestones()]:
        found.update({(item.kind, item.name): item for item in checkpoints_of(store, milestone)})
    return plan([*found.values()], policy, runtime.now_ns()).removed


def optimize(
    store: "Store",
    policy: Policy,
    *,
    dry_run: bool = False,
    timeout: "float | None" = None,
    tell: "Tell | None" = None,
) -> Optimization:
    """Optimise a store; killed at any point, what is there is whole, and the next run goes on.

    Args:
        store: where.
        policy: which checkpoints of sessions stay; and what is not older than it says is compressed.
        dry_run: only measure what it would do.
        timeout: seconds to wait for a lock.
        tell: hears how far it is.

    Raises:
        MilestoneError: `lock_timeout`.
    """
    done = Optimization(is_server="://" in store.path)
    wait = lock_timeout(store, timeout)
    gone = _remove(store, policy, done, wait, dry_run=dry_run)
    if not done.is_server:
        found = [place for place in candidates(store, runtime.now_ns() - policy.older_than) if place not in gone]
        _squeeze(store, found, done, wait, tell, dry_run=dry_run)
    for log in [*store.milestones(), *store.session_logs()] if not dry_run else ():
        try:
            before, after = store.pack(log, wait)
        except (MilestoneError, OSError) as error:
            done.failed.append(f"the log of '{log}': {_why(error)}")
            continue
        done.total.files += bool(before)
        done.total.before, done.total.after = done.total.before + before, done.total.after + after
    return done


def _remove(
    store: "Store", policy: Policy, done: Optimization, wait: float, *, dry_run: bool
) -> "set[tuple[str, str]]":
    """Remove old checkpoints of sessions, all or nothing, which the logs of their sessions say; kind and key of all."""
    gone: list[Item] = []

    def build() -> Mutation:
        gone[:] = old_points(store, policy)
        mutation, counts = Mutation("cleanup_optimize"), dict[str, int]()
        for item in gone:
            mutation.puts += [(kind, key, None) for kind, key in item.puts]
            counts[item.name.partition("/")[0]] = counts.get(item.name.partition("/")[0], 0) + 1
        for session, count in counts.items():
            data = {"retention_days": policy.older_than / DAY, "removed": {"session checkpoint": count}}
            event = draft(store, "state_cleaned", dumps({**data, "session_id": session}), session)
            mutation.events.append((stream_of(store, session), event))
        return mutation

    if dry_run:
        gone = old_points(store, policy)
    else:
        store.transact([], build, wait)  # of an empty plan nothing stays, but what another one left is finished
    for item in gone:
        for gain in done.gains("session", item.name):
            gain.removed += item.kind == "session checkpoint"
            gain.removed_bytes += item.size
    return {put for item in gone for put in item.puts}


def _squeeze(
    store: "Store",
    found: "list[tuple[str, str]]",
    done: Optimization,
    wait: float,
    tell: "Tell | None",
    *,
    dry_run: bool,
) -> None:
    """Compress what is old and large, then share what is the same."""
    from milestone_cli.storage.files.compressing import compress

    files: FileStore = store  # type: ignore[assignment]  # the caller knows
    done.looked = len(found)
    packed = []
    before = 0.0
    for at, (kind, key) in enumerate(found, 1):
        try:
            start = runtime.monotonic()
            store.get(kind, key)
            took = runtime.monotonic() - start
            sizes = compress(files, kind, key, start + wait, dry_run=dry_run)
        except (MilestoneError, OSError) as error:
            done.failed.append(f"{kind} {key}: {_why(error)}")
            continue
        if sizes[0]:
            before += took
            packed.append((kind, key))
            for gain in done.gains(kind, key):
                gain.files += 1
                gain.before, gain.after = gain.before + sizes[0], gain.after + sizes[1]
        if tell is not None:
            tell("compressing", at, len(found))
    if packed:
        start = runtime.monotonic()
        for kind, key in packed if not dry_run else ():
            store.get(kind, key)
        done.seconds = (before, None if dry_run else runtime.monotonic() - start)
    _share(files, [key for kind, key in found if kind == PART], done, wait, dry_run=dry_run)
    _share_copies(files, {place for place in packed if place[0] == "backup"}, done, dry_run=dry_run)


def candidates(store: "Store", limit: int) -> "list[tuple[str, str]]":
    """Kind and key of what is older than a moment, nanoseconds since 1970, and read by nothing but `milestone`."""
    places = [(kind, key) for kind in ("committed", "rollback", PART) for key in store.keys(kind)]
    backups = store.keys("backup")
    for milestone in store.milestones():
        parsed = [(key, one) for key in backups if (one := parse_name(key, milestone)) and one[0] == "backup"]
        mine = sorted((store.modified("backup", key), one[2], one[3], key) for key, one in parsed)
        places += [("backup", one[3]) for one in mine[:-NEWEST]]
    return [place for place in places if 0 < store.modified(*place) < limit]


def _share(files: "FileStore", parts: "list[str]", done: Optimization, wait: float, *, dry_run: bool) -> None:
    """Keep parts of checkpoints that several sessions have once; their names are their SHA-256."""
    from milestone_cli.storage.files.compressing import share

    first: dict[str, str] = {}
    for key in parts:
        original = first.setdefault(key.partition("/")[2], key)
        if original == key:
            continue
        try:
            size = share(files, PART, key, original, runtime.monotonic() + wait, dry_run=dry_run)
        except (MilestoneError, OSError) as error:
            done.failed.append(f"{PART} {key}: {_why(error)}")
            continue
        for gain in done.gains(PART, key) if size else ():
            gain.shared += 1
            gain.shared_bytes += size


def _share_copies(files: "FileStore", packed: "set[tuple[str, str]]", done: Optimization, *, dry_run: bool) -> None:
    """Share what backups and checkpoints have in common, as a checkpoint and the backup of its revision have all.

    The bash utilities write into them, so they stay files of their own, and only some file systems can do it.
    """
    from milestone_cli.storage.files.extents import share

    first: dict[str, tuple[str, str]] = {}
    for place in ((kind, key) for kind in ("backup", "checkpoint") for key in files.keys(kind)):
        try:
            raw = files.get(*place) or b""
        except (MilestoneError, OSError):
            continue  # `cleanup plan` and doctor tell of it
        original = first.setdefault(digest(raw), place) if len(raw) > BLOCK and place not in packed else place
        size = share(files, *place, original, dry_run=dry_run) if original != place else 0
        done.total.shared += bool(size)
        done.total.shared_bytes += size


def _why(error: "MilestoneError | OSError") -> str:
    return error.message if isinstance(error, MilestoneError) else error.strerror or str(error)
