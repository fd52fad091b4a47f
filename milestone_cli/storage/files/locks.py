"""Locks as things to look at, to hold for longer than one command, to give back and to break.

Looking takes no lock. A folder goes away only by its owner, on proof that its holder is dead, or by force; and by force
the holder's own writes are refused afterwards, since they look at the folder before they commit.
"""

import fcntl
import os
import stat

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.contention import field, has_locked, judge, read, remove
from milestone_cli.storage.files.folders import forget
from milestone_cli.storage.files.inside import tokens_at_hand
from milestone_cli.storage.files.lock import Lock
from milestone_cli.storage.files.log import FLAGS, flock
from milestone_cli.storage.refusals import another_holder, inside, living_holder, not_held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Lease
    from milestone_cli.storage.files import FileStore

    Facts = dict[str, object]

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
GRACE = 3.0
"""Seconds in which a `lock run` notices that its lock was broken, and those inside end what they write."""
GONE = " any more, or by somebody else"


class Locks:
    """The locks of a store of files; see `contract.Locks`."""

    def __init__(self, store: "FileStore") -> None:
        self._store = store
        self._fd = store.folder(layout.LOCKS)

    def names(self) -> list[str]:
        """Names of the locks whose folder is there, sorted."""
        return sorted(name for file in os.listdir(self._fd) if (name := layout.locked_name(file)))

    def show(self, name: str) -> "Facts | None":
        """Who holds a lock, and who waits; None when it is free."""
        found = inspect(self._fd, name)
        if found:
            found["waiters"] = _waiters(self._fd, name, found)
        return found

    def hold(self, name: str, timeout: float, holder: int = 0) -> Lock:
        """Take a lock for as long as its holder lives.

        Raises:
            MilestoneError: `lock_timeout`, at once when this process is inside the lock already.
        """
        deadline = runtime.monotonic() + timeout
        try:
            lock = Lock(self._fd, name, deadline, self._store.folder(layout.ACTIVE), holder)
        except MilestoneError as error:
            if error.code == "lock_timeout" and "longer" in error.hint:
                error.hint = "try again, or wait longer with --wait"
            raise
        if not lock.is_inside():
            return lock
        lock.release()
        found = inspect(self._fd, name) or {"pid": None}
        raise inside(name, found["pid"])

    def granted(self, name: str, holder: int, request: str) -> "tuple[int, str] | None":
        """Fence and token of a lock that a process holds already, because of this very request; else None."""
        found = inspect(self._fd, name)
        if found is None or (found["kind"], found["state"], found["pid"]) != ("shell", "live", holder):
            return None
        owner = (read(self._fd, f"{layout.lock_folder(name)}/owner") or "").encode()
        return (int(field(owner, 0)), field(owner, 1)) if field(owner, 8) == request else None

    def end(self, lock: "Lease") -> None:
        """Give a held lock back, as soon as those inside have written what they are writing."""
        inner = self._quiet(lock.name, GRACE)
        try:
            forget(self._store.folder(layout.ACTIVE), layout.temporary(lock.name, lock.token))
            if lock.held():
                status = os.stat(layout.lock_folder(lock.name), dir_fd=self._fd, follow_symlinks=False)
                remove(self._fd, lock.name, status)
            lock.let_go()  # also for what the command left behind in the background
        finally:
            if inner >= 0:
                os.close(inner)

    def release(self, name: str, pid: int, *, force: bool, timeout: float) -> "Facts":
        """Give back a lock that a process holds by its folder: `lock acquire`'s, or one of bash.

        Args:
            name: of the lock.
            pid: process that gives it back; it, an ancestor of this one, or who knows the token may.
            force: whoever holds it.
            timeout: seconds to wait for those inside, who may be writing.

        Returns:
            What was held.

        Raises:
            MilestoneError: `not_found` when nothing is held, `conflict` when another one holds it, `lock_timeout`.
        """
        judged = self._status(name)  # before it is judged: who has the lock since then is another one
        found = self.show(name)
        if found is None or judged is None or found["state"] == "stale":
            raise not_held(name, f": {found['evidence']}" if found else "")
        if not force:
            self._refuse_others(name, found, pid)
        if found["kind"] == "milestone":
            return self.break_(name, force=True)
        inner = self._quiet(name, timeout, is_needed=not force)
        fd = os.open(layout.flock_file(name), FLAGS, 0o600, dir_fd=self._fd)
        try:
            has_lock = _try(fd, 0.0)  # then whoever comes next knows what to tidy up, should this process be killed
            if (owner := read(self._fd, f"{layout.lock_folder(name)}/owner")) and field(owner.encode(), 1).isalnum():
                forget(self._store.folder(layout.ACTIVE), layout.temporary(name, field(owner.encode(), 1)))
            if not remove(self._fd, name, judged, "" if has_lock else "." + runtime.token()):
                raise not_held(name, GONE)
        except FileNotFoundError:
            raise not_held(name, GONE) from None
        finally:
            os.close(fd)
            if inner >= 0:
                os.close(inner)
        return found

    def _refuse_others(self, name: str, found: "Facts", pid: int) -> None:
        owner = read(self._fd, f"{layout.lock_folder(name)}/owner")
        if owner and field(owner.encode(), 1) in tokens_at_hand():
            return
        holder = found["pid"]
        is_near = found["kind"] != "milestone" and found["host"] == runtime.host()
        # A shell may become its last command (`bash -c '…; milestone lock release NAME'`): then it is we.
        near = (pid, runtime.getpid())
        if is_near and isinstance(holder, int) and (holder in near or runtime.is_ancestor(holder)):
            return
        raise another_holder(found, pid)

    def break_(self, name: str, *, force: bool, dry_run: bool = False) -> "Facts":
        """Take a lock away, or only say which: one whose holder is dead; by force, a living one's too.

        Returns:
            What was held, and `released`: false as long as the kernel's lock stays with a holder that lives.

        Raises:
            MilestoneError: `not_found` when there is none, `conflict` when its holder lives or cannot be judged.
        """
        fd = os.open(layout.flock_file(name), FLAGS, 0o600, dir_fd=self._fd)
        try:
            judged = self._status(name)
            found = self.show(name)
            if found is None or judged is None:
                raise not_held(name)
            if not force and found["state"] != "stale":
                raise living_holder(found)
            if dry_run:
                return {**found, "released": False}
            has_lock = _try(fd, 0.0)
            if not force and has_lock:
                dead, why, _ = judge(self._fd, layout.lock_folder(name), judged, os.pread(fd, 512, 0), 1e9)
                if not dead:
                    raise MilestoneError(
                        "conflict", f"the lock of '{name}' is held by {why} now", "try again", lock=name
                    )
            if (token := field(os.pread(fd, 512, 0), 1)).isalnum() and has_lock:
                forget(self._store.folder(layout.ACTIVE), layout.temporary(name, token))
            if (has_lock or force) and not remove(self._fd, name, judged, "" if has_lock else "." + runtime.token()):
                raise not_held(name, GONE)
            found["released"] = has_lock or found["kind"] != "milestone" or _try(fd, GRACE)
        except FileNotFoundError:
            raise not_held(name, GONE) from None
        else:
            return found
        finally:
            os.close(fd)

    def _status(self, name: str) -> "os.stat_result | None":
        """What tells one lock from the next of its name; None when there is none."""
        try:
            return os.stat(layout.lock_folder(name), dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _quiet(self, name: str, timeout: float, *, is_needed: bool = False) -> int:
        """The share of those inside a lock, so that none of them is writing; -1 where it takes too long."""
        inner = os.open(layout.inner_file(name), FLAGS, 0o600, dir_fd=self._fd)
        try:
            flock(inner, runtime.monotonic() + timeout, name)
        except MilestoneError:
            os.close(inner)
            if is_needed:
                raise
            return -1
        return inner


def inspect(locks: int, name: str) -> "Facts | None":
    """Who holds a lock and what tells so; None when it is free. Nothing is taken or changed.

    Returns:
        name; kind: milestone (the kernel's lock), shell (`lock acquire`), bash (its own); state: live, stale, foreign;
        evidence; pid, host, command, fence, acquired_at, age_seconds, each None where it is not known.
    """
    folder = layout.lock_folder(name)
    try:
        status = os.stat(folder, dir_fd=locks, follow_symlinks=False)
    except FileNotFoundError:
        return None
    owner = read(locks, f"{folder}/owner")
    is_ours = bool(status.st_mode & stat.S_ISVTX)
    record = _flock_record(locks, name) if is_ours else (owner or "").encode()
    dead, why, facts = judge(locks, folder, status, record, 0.0)
    host = facts.get("host") or (runtime.host() if not is_ours and not owner else None)
    pid = facts.get("pid")
    if is_ours and dead:
        dead, why, pid = _holder_of_flock(locks, name, pid)
    if dead and not _is_there(locks, folder, status):
        return inspect(locks, name)  # its holder gave it back between two of these looks, and may have ended since
    is_near = host == runtime.host()
    fence, since = field(record, 0), field(record, 6)
    age: object = None
    if since.isdigit() and len(since) < 12 and is_near and not (dead and field(record, 3) != runtime.boot_id()):
        age = max(0, runtime.boot_seconds() - int(since))
    elif not is_ours and not owner:
        age = max(0, int((runtime.now_ns() - status.st_mtime_ns) // 1_000_000_000))
    acquired = (read(locks, f"{folder}/acquired") or "").strip()
    return {
        "name": name,
        "kind": "milestone" if is_ours else "shell" if owner else "bash",
        "state": "stale" if dead else "live" if is_near or pid is None else "foreign",
        "evidence": why,
        "pid": pid,
        "host": host,
        "command": (runtime.command_line(pid) or None) if isinstance(pid, int) and is_near and not dead else None,
        "fence": int(fence) if fence.isdigit() and len(fence) < 20 else None,
        "acquired_at": acquired or None,
        "age_seconds": age,
    }


def _is_there(locks: int, folder: str, status: os.stat_result) -> bool:
    """Whether a folder is still the one that was looked at."""
    try:
        now = os.stat(folder, dir_fd=locks, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (now.st_dev, now.st_ino, now.st_ctime_ns) == (status.st_dev, status.st_ino, status.st_ctime_ns)


def _flock_record(locks: int, name: str) -> bytes:
    try:
        fd = os.open(layout.flock_file(name), READ, dir_fd=locks)
    except FileNotFoundError:
        return b""
    try:
        return os.pread(fd, 512, 0)
    finally:
        os.close(fd)


def _holder_of_flock(locks: int, name: str, pid: object) -> "tuple[bool, str, object]":
    """Whether nobody has the kernel's lock any more, what tells so, and the process that has it."""
    try:
        fd = os.open(layout.flock_file(name), READ, dir_fd=locks)
    except FileNotFoundError:
        return True, "its writer ended without releasing it", pid
    try:
        if isinstance(pid, int) and has_locked(pid, fd):
            return False, f"process {pid}, which has the kernel's lock", pid
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            return True, "its writer ended without releasing it", pid
        # Its runner was killed, and the command that inherited the lock goes on.
        for other in sorted(int(word) for word in os.listdir("/proc") if word.isdigit()):
            if has_locked(other, fd):
                return False, f"process {other}, which inherited the kernel's lock from process {pid}", other
        return False, "a process that cannot be seen from here, which has the kernel's lock", pid
    finally:
        os.close(fd)


def _waiters(locks: int, name: str, found: "Facts") -> "list[Facts]":
    """The processes of ours that wait for a lock; those of bash look again every second, and cannot be told.

    Source: proc_locks(5): an arrow marks who is blocked. Who waits for a folder first has the kernel's lock.
    """
    try:
        inode = os.stat(layout.flock_file(name), dir_fd=locks, follow_symlinks=False).st_ino
        with open("/proc/locks", "rb") as file:
            lines = file.read(1 << 22).decode("ascii", "replace").split("\n")
    except OSError:
        return []
    waiting: list[Facts] = []
    for line in lines:
        words = line.replace("-> ", "").split()
        if len(words) < 6 or words[1] != "FLOCK" or not words[5].endswith(f":{inode}") or not words[4].isdigit():
            continue
        pid = int(words[4])
        is_blocked = "->" in line
        if pid != found["pid"] and (is_blocked or found["kind"] != "milestone") and _has_open(pid, inode):
            waiting.append({"pid": pid, "command": runtime.command_line(pid) or None})
    return waiting


def _has_open(pid: int, inode: int) -> bool:
    """Whether a process has the file open; inodes of other disks may have the same number."""
    folder = f"/proc/{pid}/fd"
    try:
        for name in os.listdir(folder):
            if os.stat(f"{folder}/{name}").st_ino == inode and os.readlink(f"{folder}/{name}").endswith(".flock"):
                return True
    except OSError:
        pass
    return False


def _try(fd: int, seconds: float) -> bool:
    """Take the kernel's lock if it is free now, or becomes so within some seconds."""
    deadline = runtime.monotonic() + seconds
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if runtime.monotonic() >= deadline:
                return False
            runtime.sleep(0.02)
        else:
            return True
