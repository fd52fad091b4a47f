"""When a lock is not free: waiting for it, and breaking it on proof of death; never on the clock of the wall.

Whoever comes here for a lock folder holds the kernel's lock already, so there is one breaker at a time, and a folder of
ours has no living writer on this machine. A folder of another machine, or an owner that cannot be read, means held.
"""

import fcntl
import os
import stat
import threading
import time

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.lock import OURS

PATIENCE = 5.0
"""Seconds after which a bash lock without pid and time, unchanged, belongs to a writer that died between two steps."""
SLACK = 2.0
"""Seconds that a process may seem younger than its lock, since the two clocks are compared."""


class _Alarm(Exception):  # noqa: N818 - it is no error
    """The timer went off while the kernel had us waiting."""


def _alarm(*_: object) -> None:
    raise _Alarm


def wait_flock(fd: int, deadline: float, name: str) -> None:
    """Wait for a kernel lock until a deadline.

    In the main thread the kernel wakes us in the order of arrival, with a timer as the limit; another thread cannot
    have the timer, so it asks every few milliseconds.

    Raises:
        MilestoneError: `lock_timeout`.
    """
    left = deadline - runtime.monotonic()
    pid = _field(os.pread(fd, 512, 0), 4)
    if pid.isdigit() and runtime.is_ancestor(int(pid)) and _has_locked(int(pid), fd):
        raise _timeout(name, f"process {pid}, which started this one", {"pid": int(pid)}, retry=False)
    if left > 0 and threading.current_thread() is threading.main_thread():
        import signal

        before = signal.signal(signal.SIGALRM, _alarm)
        try:
            signal.setitimer(signal.ITIMER_REAL, left)
            fcntl.flock(fd, fcntl.LOCK_EX)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except _Alarm:
            pass
        else:
            return
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if runtime.monotonic() >= deadline:
                break
            runtime.sleep(0.002)
        else:
            return
    record = os.pread(fd, 512, 0)
    pid, host = _field(record, 4), _field(record, 2)
    raise _timeout(name, f"process {pid} on {host}" if pid else "another process", {"pid": pid, "host": host})


def _timeout(name: str, holder: str, details: dict[str, object], *, retry: bool = True) -> MilestoneError:
    hint = "try again, or wait longer with --lock-timeout" if retry else "run it outside of what holds the lock"
    return MilestoneError("lock_timeout", f"the lock of '{name}' is held by {holder}", hint, lock=name, **details)


def _field(record: bytes, index: int) -> str:
    """A field of what a holder of ours wrote: fence, token, host, boot id, pid, start time."""
    fields = record.decode("ascii", "replace").rstrip().split(" ")
    return fields[index] if len(fields) > index else ""


def _has_locked(pid: int, fd: int) -> bool:
    """Whether a process has the kernel's lock on a file itself; what it once wrote into the file is no proof.

    Source: proc_pid_fdinfo(5), `lock`. Where the system does not say, False: then we wait for the time that was given.
    """
    mark = f":{os.fstat(fd).st_ino} ".encode()
    try:
        names = os.listdir(f"/proc/{pid}/fdinfo")
    except OSError:
        return False
    for name in names:
        try:
            with open(f"/proc/{pid}/fdinfo/{name}", "rb") as file:
                text = file.read(4096)
        except OSError:
            continue
        if b" FLOCK " in text and mark in text:
            return True
    return False


def take_over(locks: int, name: str, before: bytes, deadline: float, active: int) -> list[dict[str, object]]:
    """Make the lock folder when another one stands there, breaking it as soon as its holder is proved dead.

    Args:
        locks: open descriptor of the folder of locks.
        name: of the lock.
        before: what the flock file said, the last holder of ours.
        deadline: on the monotonic clock.
        active: open descriptor of the folder with states, where a dead writer may have left a temporary file.

    Returns:
        What was broken and why, for the log.

    Raises:
        MilestoneError: `lock_timeout`, with the holder in its details.
    """
    folder = layout.lock_folder(name)
    broken: list[dict[str, object]] = []
    seen: tuple[object, ...] = ()
    since = runtime.monotonic()
    pause = 0.005
    while True:
        try:
            status = os.stat(folder, dir_fd=locks, follow_symlinks=False)
        except FileNotFoundError:
            try:
                os.mkdir(folder, OURS, dir_fd=locks)
            except FileExistsError:
                continue
            return broken
        now = (status.st_ino, status.st_mtime_ns)
        if now != seen:
            seen, since = now, runtime.monotonic()
        dead, why, details = _judge(locks, folder, status, before, runtime.monotonic() - since)
        if dead:
            _break(locks, name, status)
            if (token := _field(before, 1)).isalnum():
                _forget(active, layout.temporary(name, token))
            broken.append({"lock": name, "reason": why, **details})
            continue
        pid = details.get("pid")
        if isinstance(pid, int) and runtime.is_ancestor(pid):
            raise _timeout(name, f"process {pid}, which started this one", details, retry=False)
        left = deadline - runtime.monotonic()
        if left <= 0:
            raise _timeout(name, why, details)
        runtime.sleep(min(pause, left))
        pause = min(pause * 1.5, 0.1)


def _judge(
    locks: int, folder: str, status: os.stat_result, before: bytes, unchanged: float
) -> tuple[bool, str, dict[str, object]]:
    """Whether the holder of a lock folder is dead; the reason, or who holds it; and the facts."""
    if not stat.S_ISDIR(status.st_mode):
        raise MilestoneError("unsafe_link", f"'{folder}' among the locks is no folder", "look at it, then move it away")
    if status.st_mode & stat.S_ISVTX:
        host, boot, pid = _field(before, 2), _field(before, 3), _field(before, 4)
        facts: dict[str, object] = {"pid": int(pid) if pid.isdigit() else None, "host": host}
        if host and host != runtime.host() and boot != runtime.boot_id():
            return False, f"process {pid} on another host, {host}", facts
        return True, "its writer ended without releasing it", facts
    text = _read(locks, f"{folder}/pid")
    if text is None:
        if _read(locks, f"{folder}/acquired") is None and unchanged < PATIENCE:
            return False, "a shell that has not said who it is", {}
        return unchanged >= PATIENCE, "its maker ended before it said who it is", {}
    word = text.strip()
    if not (word.isdigit() and word.isascii() and len(word) < 11):
        return False, "a process whose id cannot be read", {}
    pid_number = int(word)
    facts = {"pid": pid_number}
    if not runtime.alive(pid_number):
        return True, f"its process {pid_number} is gone", facts
    if _younger(pid_number, locks, folder):
        return True, f"its process {pid_number} is gone, and the number was given to a younger one", facts
    return False, f"process {pid_number}", facts


def holder(locks: int, name: str) -> dict[str, object] | None:
    """Who holds a lock: pid, host where it is known, kind; None when it is free or its holder is dead."""
    try:
        status = os.stat(layout.lock_folder(name), dir_fd=locks, follow_symlinks=False)
        fd = os.open(layout.flock_file(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=locks)
    except FileNotFoundError:
        status, fd = None, -1
    if status is None:
        return None
    try:
        before = os.pread(fd, 512, 0)
    finally:
        os.close(fd)
    if status.st_mode & stat.S_ISVTX:
        pid = _field(before, 4)
        if _field(before, 3) == runtime.boot_id() and not (pid.isdigit() and runtime.alive(int(pid))):
            return None
        return {"pid": int(pid) if pid.isdigit() else None, "host": _field(before, 2), "kind": "milestone"}
    dead, _, facts = _judge(locks, layout.lock_folder(name), status, before, 0.0)
    return None if dead else {"pid": facts.get("pid"), "host": runtime.host(), "kind": "shell"}


def _read(locks: int, name: str) -> str | None:
    """A lock file's text, bounded; None when there is none; unreadable reads as something that is no number."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=locks)
    except FileNotFoundError:
        return None
    except OSError:
        return "?"
    try:
        return os.read(fd, 64).decode("ascii", "replace") or None
    except OSError:
        return "?"
    finally:
        os.close(fd)


def _younger(pid: int, locks: int, folder: str) -> bool:
    """Whether a process started after the lock was made, so that it cannot have made it.

    Both ages are taken from the kernel: the file's from a fresh time stamp of the same file system, the process's from
    ticks since boot. The process's own idea of the wall clock has no part in it.
    """
    ticks = runtime.start_time(pid)
    if not ticks.isdigit():
        return False
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(ticks) / os.sysconf("SC_CLK_TCK")
    probe = f".now.{runtime.token()}.tmp"
    fd = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=locks)
    try:
        now = os.fstat(fd).st_mtime
        made = os.stat(f"{folder}/pid", dir_fd=locks, follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return False
    finally:
        os.close(fd)
        os.unlink(probe, dir_fd=locks)
    return age < (now - made) - SLACK


def _break(locks: int, name: str, judged: os.stat_result) -> None:
    """Remove the lock that was judged, and no other: it is renamed aside, looked at, and only then deleted."""
    folder, aside = layout.lock_folder(name), layout.broken_folder(name)
    _empty(locks, aside)  # of a breaker that was killed on the way
    try:
        os.rename(folder, aside, src_dir_fd=locks, dst_dir_fd=locks)
    except FileNotFoundError:
        return
    status = os.stat(aside, dir_fd=locks, follow_symlinks=False)
    if (status.st_dev, status.st_ino) != (judged.st_dev, judged.st_ino):
        os.rename(aside, folder, src_dir_fd=locks, dst_dir_fd=locks)
        return
    _empty(locks, aside)


def _empty(locks: int, folder: str) -> None:
    """Remove a lock folder with what is in it, if it is there; nothing in a lock is a folder."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=locks)
    except FileNotFoundError:
        return
    try:
        for name in os.listdir(fd):
            os.unlink(name, dir_fd=fd)
    finally:
        os.close(fd)
    os.rmdir(folder, dir_fd=locks)


def _forget(folder: int, name: str) -> None:
    """Remove what a dead writer left, if it left it."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
