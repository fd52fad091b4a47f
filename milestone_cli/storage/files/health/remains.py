"""What the dead left: temporary files, locks, transactions that nobody finished, logs in which nothing stands.

Whether a maker lives, the kernel's lock tells that it would hold; where there is none, a second look. Nothing is taken
from the living, and a repair looks again under the same lock.
"""

import fcntl
import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import Change, Draft
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import DIRECTORY, READ
from milestone_cli.storage.files.health.aside import opened
from milestone_cli.storage.files.health.disk import size
from milestone_cli.storage.files.log import FLAGS
from milestone_cli.storage.findings import Finding, count, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.files.health.aside import Aside
    from milestone_cli.storage.files.health.walk import Entry

MOMENT = 0.3
"""Seconds between two looks at what no lock guards; whoever is at work is through with it in a thousandth of that."""
PATIENT = 10.0
"""Seconds to wait for a lock while repairing: longer than an empty lock of bash must stay unchanged."""
LONG = 3600
"""Seconds after which a lock that is held is worth a word."""
LARGEST = 1 << 30
"""Largest record of a transaction, in bytes."""
ASIDE = "move it aside into the quarantine"


def is_free(store: "FileStore", file: str) -> bool:
    """Whether nobody has the kernel's lock on one of the files in `layout.LOCKS`; it is not made for that."""
    try:
        fd = os.open(f"{layout.LOCKS}/{file}", READ, dir_fd=store.folder(""))
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def take(store: "FileStore", files: "list[str]") -> "list[int] | None":
    """Take the kernel's locks on files in `layout.LOCKS`, or none of them where one is taken; to be closed."""
    held: list[int] = []
    for file in files:
        held.append(os.open(file, FLAGS, 0o600, dir_fd=store.folder(layout.LOCKS)))
        try:
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _close(held)
            return None
    return held


def _close(fds: "list[int]") -> None:
    for fd in fds:
        os.close(fd)


def _under(
    store: "FileStore", guards: "list[str]", aside: "Aside", one: "Entry", why: str, *more: str
) -> "Callable[[], str]":
    """A repair: set a file aside under the locks that guard it, and others of the same folder with it."""

    def repair() -> str:
        held = take(store, guards)
        if held is None:
            return ""
        try:
            if not guards and not _is_unchanged(store, one):
                return ""
            moved = [place for name in (one.name, *more) if (place := aside.take(one.folder, name, why))]
            return f"moved '{one.path}' to '{moved[0]}'" if moved else ""
        finally:
            _close(held)

    return repair


def _is_unchanged(store: "FileStore", one: "Entry") -> bool:
    try:
        fd = opened(store, one.folder)
    except FileNotFoundError:
        return False
    try:
        now = os.stat(one.name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    finally:
        os.close(fd)
    was = one.status
    return (now.st_ino, now.st_size, now.st_mtime_ns) == (was.st_ino, was.st_size, was.st_mtime_ns)


def check_leftovers(store: "FileStore", entries: "list[Entry]", aside: "Aside") -> "Iterator[Finding]":
    """Temporary files of writers that are dead, notes of checkpoints that are gone, logs in which nothing stands."""
    findings = [*_temporary(store, entries, aside), *_orphans(store, entries, aside), *_empty(store, entries, aside)]
    if not findings:
        kept = [one for one in entries if one.path.startswith(layout.QUARANTINE + "/") and one.is_file]
        amount = size(sum(one.status.st_size for one in kept))
        yield sound("leftovers", "none" + (f"; {count(len(kept), 'file')} in quarantine, {amount}" if kept else ""))
    yield from findings


def _temporary(store: "FileStore", entries: "list[Entry]", aside: "Aside") -> "Iterator[Finding]":
    unguarded: list[Entry] = []
    inside = "\0"  # a temporary folder goes as one thing
    for one in entries:
        parts = layout.temporary_parts(one.name)
        if one.folder.partition("/")[0] == layout.QUARANTINE or one.path.startswith(inside):
            continue
        if one.folder == layout.PENDING:  # a check of transactions tells
            continue
        broken = one.folder == layout.LOCKS and layout.broken_name(one.name)
        if parts is None and not broken:
            continue
        if one.is_folder:
            inside = one.path + "/"
        if guards := _guards(one):
            if all(is_free(store, guard) for guard in guards) and _is_unchanged(store, one):
                yield _leftover(store, one, guards, aside)
        elif not (parts and parts[0] == layout.SELFTEST and is_selftest_running(store, one.name)):
            unguarded.append(one)
    if unguarded:
        runtime.sleep(MOMENT)
        for one in unguarded:
            if _is_unchanged(store, one):
                yield _leftover(store, one, [], aside)


def _guards(one: "Entry") -> "list[str]":
    """The files whose kernel locks its writer holds; none where no lock is held while it is written."""
    target, token = layout.temporary_parts(one.name) or ("", "")
    if token.startswith("txn-"):
        return [layout.GATE]
    if one.folder == layout.ACTIVE and target:
        return [layout.flock_file(target), layout.inner_file(target)]
    return []


def _leftover(store: "FileStore", one: "Entry", guards: "list[str]", aside: "Aside") -> Finding:
    what = "folder" if one.is_folder else "file"
    return Finding(
        "leftovers", "temporary", "warning", f"'{one.path}' is a temporary {what} that its writer left when it died",
        ASIDE, one.path, _under(store, guards, aside, one, "a temporary file of a dead writer"),
    )  # fmt: skip


def is_selftest_running(store: "FileStore", name: str) -> bool:
    """Whether the scratch folder of a self-test is in use: its maker holds the kernel's lock on the folder itself."""
    try:
        fd = os.open(name, DIRECTORY, dir_fd=store.folder(""))
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False


def _orphans(store: "FileStore", entries: "list[Entry]", aside: "Aside") -> "Iterator[Finding]":
    there = {one.path for one in entries}
    for one in entries:
        if one.folder == layout.BACKUPS and one.name.endswith(".info") and one.path[:-5] + ".json" not in there:
            yield Finding(
                "leftovers", "orphan_notes", "note", f"'{one.path}' has notes on a checkpoint that is not there", ASIDE,
                one.path, _under(store, [layout.GATE], aside, one, "notes on a checkpoint that is not there"),
            )  # fmt: skip


def _empty(store: "FileStore", entries: "list[Entry]", aside: "Aside") -> "Iterator[Finding]":
    states = {one.name for one in entries if one.folder in (layout.ACTIVE, layout.COMPLETED)}
    for one in entries:
        name = one.name[10:-6]
        if one.folder != layout.EVENTS or one.name != layout.log_file(name) or one.status.st_size:
            continue
        head = store.head(name)
        if layout.state_file(name) in states or (head is not None and head.sequence):
            continue  # what is missing there, the checks of logs say
        guard = layout.log_lock_file(name)
        if is_free(store, guard) and _is_unchanged(store, one):
            why = "a log in which nothing was ever written"
            yield Finding(
                "leftovers", "empty_log", "note", f"'{one.path}' is {why}; it looks like a milestone '{name}'", ASIDE,
                one.path, _under(store, [guard], aside, one, why, layout.head_file(name)),
            )  # fmt: skip


def check_locks(store: "FileStore", aside: "Aside") -> "Iterator[Finding]":
    """Locks of the dead, of other hosts, and those that are held for very long."""
    locks, held, trouble = store.locks(), 0, False
    for name in locks.names():
        try:
            found = locks.show(name)
        except (MilestoneError, OSError) as error:
            told = error.message if isinstance(error, MilestoneError) else str(error.strerror)
            trouble = True
            yield Finding("locks", "unreadable", "error", f"the lock of '{name}': {told}", "look at it", name)
            continue
        if found is None:
            continue
        age = found["age_seconds"] if isinstance(found["age_seconds"], int) else 0
        nameless = found["pid"] is None and found["kind"] == "bash" and age > 5
        held += 1
        if found["state"] == "stale" or nameless:
            trouble = True
            why = found["evidence"] if not nameless else "its maker ended before it said who it is"
            yield Finding(
                "locks", "stale", "warning", f"the lock of '{name}' was left behind: {why}",
                "take it over as the next writer would, and give it back", name, _taker(store, aside, name),
            )  # fmt: skip
        elif found["state"] == "foreign":
            trouble = True
            yield Finding(
                "locks", "foreign", "warning",
                f"the lock of '{name}' is held by process {found['pid']} on another host, {found['host']}",
                f"wait for it; if {found['host']} will never come back, `milestone lock break --help`", name,
            )  # fmt: skip
        elif age > LONG:
            trouble = True
            yield Finding(
                "locks", "long", "note",
                f"the lock of '{name}' has been held for {age // 3600} h by process {found['pid']}"
                + (f", {found['command']}" if found["command"] else ""),
                f"`milestone lock show {name}` says more", name,
            )  # fmt: skip
    if not trouble:
        yield sound("locks", "none is held" if not held else f"{count(held, 'lock')} held, by the living")


def _taker(store: "FileStore", aside: "Aside", name: str) -> "Callable[[], str]":
    def repair() -> str:
        locks = store.locks()
        folder = f"{layout.LOCKS}/{layout.lock_folder(name)}"
        if texts := _texts(store, folder):
            aside.keep(folder, texts, "the lock of a dead holder")
        try:
            lock = locks.hold(name, PATIENT)
        except MilestoneError as error:
            if error.code != "lock_timeout":
                raise
            return ""  # somebody took it meanwhile
        try:
            if lock.broken and store.log_size(name)[1]:
                drafts = [Draft("lock_broken", dumps(one), "no-session", "system") for one in lock.broken]
                store.commit(Change(name, drafts))
        finally:
            locks.end(lock)
        reason = str(lock.broken[0]["reason"]) if lock.broken else ""
        return f"broke the lock of '{name}': {reason}" if reason else ""

    return repair


def _texts(store: "FileStore", folder: str) -> "dict[str, bytes]":
    """The small files of a lock."""
    found = {}
    try:
        fd = opened(store, folder)
    except OSError:
        return {}
    try:
        for name in os.listdir(fd):
            file = os.open(name, READ, dir_fd=fd)
            found[name] = os.read(file, 512)
            os.close(file)
    except OSError:
        return found  # it was given back meanwhile
    finally:
        os.close(fd)
    return found


def check_transactions(store: "FileStore", entries: "list[Entry]", aside: "Aside") -> "Iterator[Finding]":
    """Transactions whose process died: committed and not finished, or not committed and not rolled back."""
    pending = [one for one in entries if one.folder == layout.PENDING and layout.is_intent(one.name)]
    deadline = runtime.monotonic() + 1.0
    while pending and not is_free(store, layout.GATE) and runtime.monotonic() < deadline:
        runtime.sleep(0.02)
    is_busy = not is_free(store, layout.GATE)
    pending = [one for one in pending if _is_unchanged(store, one)]
    if not pending:
        done = sum(one.folder == layout.COMMITTED and layout.intent_id(one.name) is not None for one in entries)
        yield sound("transactions", f"none is pending, {done:,} committed")
    elif is_busy:
        yield sound("transactions", "one is under way")
    else:
        yield from (_pending(store, one, aside) for one in pending)


def _pending(store: "FileStore", one: "Entry", aside: "Aside") -> Finding:
    from milestone_cli.storage.files.rollforward import finish_pending

    def repair() -> str:
        if not _is_unchanged(store, one):
            return ""
        if identity is None:
            text = store.read_file(layout.PENDING, one.name, LARGEST)
            aside.keep(layout.PENDING, {one.name: text}, "a transaction that was not committed")
        notes = finish_pending(store, runtime.monotonic() + PATIENT)
        if _is_unchanged(store, one):
            raise MilestoneError("lock_timeout", f"'{one.path}' waits for a lock", "try again")
        return "; ".join(notes) or f"cleared '{one.path}' away: all of it was done"

    identity = layout.intent_id(one.name)
    if identity is None:
        return Finding(
            "transactions", "uncommitted", "warning", f"'{one.path}': a transaction that was not committed",
            "roll it back, as the next writer would: nothing of it was done", one.path, repair,
        )  # fmt: skip
    try:
        is_damaged = not isinstance(loads(store.read_file(layout.PENDING, one.name, LARGEST)), dict)
    except (ValueError, MilestoneError, OSError):
        is_damaged = True
    if is_damaged:
        return Finding(
            "transactions", "damaged", "error", f"'{one.path}': the record of a committed transaction, unreadable",
            "move it into the quarantine; what of it was done is not known", identity, repair,
        )  # fmt: skip
    return Finding(
        "transactions", "pending", "warning", f"the transaction {identity} was committed and not finished",
        "finish it, as the next writer would", identity, repair,
    )  # fmt: skip
