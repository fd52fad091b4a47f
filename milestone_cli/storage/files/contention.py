"""When a lock is not free: waiting for it, and breaking it on proof of death; never on the clock of the wall.

Whoever takes over a lock folder holds the kernel's lock already, so there is one breaker at a time, and a sticky folder
has no living writer on this machine. One with an `owner` is held by a process that `lock acquire` was called for, until
it is gone. A folder of another machine, or an owner that cannot be read, means held.
"""

import _signal  # type: ignore[import-not-found]
import fcntl
import os
import stat
import time

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import forget
from milestone_cli.storage.files.lock import OURS

PATIENCE = 5.0
"""Seconds after which a bash lock without pid and time, unchanged, belongs to a writer that died between two steps."""
LONG = 1.0
"""Seconds from which on a wait is noted, see `measures`; so that many writers at once do not pay for being counted."""
SLACK = 2.0
"""Seconds that a process may seem younger than its lock, since the two clocks are compared."""


Verdict = tuple[bool, str, dict[str, object]]
"""Whether the holder is dead; the reason, or who holds it; and the facts."""


class _Alarm(Exception):  # noqa: N818 - it is no error
    """The timer went off while the kernel had us waiting."""


def _alarm(*_: object) -> None:
    raise _Alarm


def wait_lock(locks: int, name: str, fd: int, deadline: float) -> bool:
    """Wait for the kernel's lock on a flock file; False when a process around this one has the lock itself.

    Raises:
        MilestoneError: `lock_timeout`.
    """
    from milestone_cli.storage.files.inside import around

    if around(locks, name, fd):
        return False
    began = runtime.monotonic()
    try:
        wait_flock(fd, deadline, name)
    except MilestoneError as error:
        _note(locks, began)
        # Who has the kernel's lock may wait itself, for a shell that has the folder.
        folder = layout.lock_folder(name)
        try:
            status = os.stat(folder, dir_fd=locks, follow_symlinks=False)
        except FileNotFoundError:
            raise error from None
        if status.st_mode & stat.S_ISVTX:
            raise
        _, who, facts = judge(locks, folder, status, b"", 0.0)
        raise _timeout(name, who, facts) from None
    _note(locks, began)
    return True


def _note(locks: int, began: float) -> None:
    """Note a long wait, of those there are few; `began` on the monotonic clock."""
    waited = runtime.monotonic() - began
    if waited >= LONG:
        from milestone_cli.storage.measures import note_wait

        note_wait(locks, waited)


def wait_flock(fd: int, deadline: float, name: str) -> None:
    """Wait for a kernel lock until a deadline.

    In the main thread the kernel wakes us in the order of arrival, with a timer as the limit; another thread cannot
    have the timer, so it asks every few milliseconds.

    Raises:
        MilestoneError: `lock_timeout`.
    """
    left = deadline - runtime.monotonic()
    pid = field(os.pread(fd, 512, 0), 4)
    if pid.isdigit() and runtime.is_ancestor(int(pid)) and has_locked(int(pid), fd):
        raise _timeout(name, f"process {pid}, which started this one", {"pid": int(pid)}, retry=False)
    if left > 0 and _wait_in_turn(fd, left):
        return
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
    pid, host = field(record, 4), field(record, 2)
    raise _timeout(name, f"process {pid} on {host}" if pid else "another process", {"pid": pid, "host": host})


def _wait_in_turn(fd: int, seconds: float) -> bool:
    """Let the kernel wake us in the order of arrival; False when time is over, or at once in a thread without a timer.

    `_signal` is what `signal` wraps: the wrapper, and `threading` to ask for the main thread, cost as much as Python's
    whole start, in a moment when others wait for us.
    """
    if _signal.getitimer(_signal.ITIMER_REAL)[0]:
        return False  # a program that we are a part of uses it
    try:
        before = _signal.signal(_signal.SIGALRM, _alarm)
    except ValueError:  # only the main thread may
        return False
    try:
        _signal.setitimer(_signal.ITIMER_REAL, seconds)
        fcntl.flock(fd, fcntl.LOCK_EX)
        _signal.setitimer(_signal.ITIMER_REAL, 0)
    except _Alarm:
        return False
    finally:
        _signal.setitimer(_signal.ITIMER_REAL, 0)
        _signal.signal(_signal.SIGALRM, before)
    return True


def _timeout(name: str, holder: str, details: dict[str, object], *, retry: bool = True) -> MilestoneError:
    hint = "try again, or wait longer" if retry else "run it outside of what holds the lock"
    if not retry:
        details = {**details, "ancestor": True}
    return MilestoneError("lock_timeout", f"the lock of '{name}' is held by {holder}", hint, lock=name, **details)


def field(record: bytes, index: int) -> str:
    """A field of what a holder of ours wrote: fence, token, host, boot id, pid, start time."""
    fields = record.decode("ascii", "replace").rstrip().split(" ")
    return fields[index] if len(fields) > index else ""


def has_locked(pid: int, fd: int) -> bool:
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


def take_over(locks: int, name: str, before: bytes, deadline: float, active: int) -> list[dict[str, object]] | None:
    """Make the lock folder when another one stands there, breaking it as soon as its holder is proved dead.

    Args:
        locks: open descriptor of the folder of locks.
        name: of the lock.
        before: what the flock file said, the last holder of ours.
        deadline: on the monotonic clock.
        active: open descriptor of the folder with states, where a dead writer may have left a temporary file.

    Returns:
        What was broken and why, for the log; None when a process around this one has the lock.

    Raises:
        MilestoneError: `lock_timeout`, with the holder in its details.
    """
    folder = layout.lock_folder(name)
    broken: list[dict[str, object]] = []
    seen: tuple[object, ...] = ()
    began = since = runtime.monotonic()
    pause = 0.005
    while True:
        try:
            status = os.stat(folder, dir_fd=locks, follow_symlinks=False)
        except FileNotFoundError:
            try:
                os.mkdir(folder, OURS, dir_fd=locks)
            except FileExistsError:
                continue
            _note(locks, began)
            return broken
        now = (status.st_ino, status.st_mtime_ns)
        if now != seen:
            seen, since = now, runtime.monotonic()
        dead, why, details = judge(locks, folder, status, before, runtime.monotonic() - since)
        if dead:
            remove(locks, name, status)
            if (token := field(before, 1)).isalnum():
                forget(active, layout.temporary(name, token))
            broken.append({"lock": name, "reason": why, **details})
            continue
        pid = details.get("pid")
        if "host" in details:
            from milestone_cli.storage.files.inside import around

            if around(locks, name, -1):
                return None
        elif isinstance(pid, int) and runtime.is_ancestor(pid):
            raise _timeout(name, f"process {pid}, which started this one", details, retry=False)
        left = deadline - runtime.monotonic()
        if left <= 0:
            _note(locks, began)
            raise _timeout(name, why, details)
        runtime.sleep(min(pause, left))
        pause = min(pause * 1.5, 0.1)


def judge(locks: int, folder: str, status: os.stat_result, before: bytes, unchanged: float) -> Verdict:
    """Whether the holder of a lock folder is dead; asked while holding the kernel's lock.

    Args:
        locks: open descriptor of the folder of locks.
        folder: that is judged.
        status: of the folder.
        before: what the flock file says, the last holder of ours.
        unchanged: seconds for which the folder has stayed as it is.
    """
    if not stat.S_ISDIR(status.st_mode):
        raise MilestoneError(
            "unsafe_link", f"'{folder}' among the locks is not a folder", "look at it, then move it away"
        )
    if status.st_mode & stat.S_ISVTX:
        host, boot, pid = field(before, 2), field(before, 3), field(before, 4)
        facts: dict[str, object] = {"pid": int(pid) if pid.isdigit() else None, "host": host}
        if host and host != runtime.host() and boot != runtime.boot_id():
            return False, f"process {pid} on another host, {host}", facts
        return True, "its writer ended without releasing it", facts
    owner = read(locks, f"{folder}/owner")
    if owner is not None:
        return _judge_owner(owner.encode())
    text = read(locks, f"{folder}/pid")
    if text is None:
        if read(locks, f"{folder}/acquired") is None and unchanged < PATIENCE:
            return False, "a shell that has not said who it is", {}
        return unchanged >= PATIENCE, "its maker ended before it said who it is", {}
    word = text.strip()
    if not (word.isdigit() and word.isascii() and len(word) < 11):
        return False, "a process whose id cannot be read", {}
    pid_number = int(word)
    facts = {"pid": pid_number}
    if runtime.ended(pid_number):
        return True, f"its process {pid_number} is gone", facts
    if _younger(pid_number, locks, folder):
        return True, f"its process {pid_number} is gone, and the number was given to a younger one", facts
    return False, f"process {pid_number}", facts


def _judge_owner(owner: bytes) -> Verdict:
    """Whether the process that a lock was acquired for is dead."""
    host, boot, pid, start = (field(owner, index) for index in (2, 3, 4, 5))
    if not (pid.isdigit() and pid.isascii() and 0 < len(pid) < 11 and host):
        return False, "an owner that cannot be read", {}
    number = int(pid)
    facts: dict[str, object] = {"pid": number, "host": host}
    if host != runtime.host():
        return False, f"process {pid} on another host, {host}", facts
    if boot != runtime.boot_id():
        return True, "the machine was started anew since", facts
    if field(owner, 7) != runtime.pid_space():
        return False, f"process {pid} in another container", facts
    if runtime.ended(number):
        return True, f"its process {pid} is gone", facts
    now = runtime.start_time(number)
    if start and now and start != now:
        return True, f"its process {pid} is gone, and the number was given to another one", facts
    return False, f"process {pid}", facts


def holder(locks: int, name: str) -> dict[str, object] | None:
    """Who holds a lock: pid, host where it is known, kind; None when it is free or its holder is dead."""
    from milestone_cli.storage.files.locks import inspect

    found = inspect(locks, name)
    if found is None or found["state"] == "stale":
        return None
    return {"pid": found["pid"], "host": found["host"], "kind": found["kind"]}


def read(locks: int, name: str) -> str | None:
    """A lock file's text, bounded; None when there is none; unreadable reads as something that is no number."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=locks)
    except FileNotFoundError:
        return None
    except OSError:
        return "?"
    try:
        return os.read(fd, 512).decode("ascii", "replace") or None
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


def remove(locks: int, name: str, judged: os.stat_result, mark: str = "") -> bool:
    """Remove the lock that was judged, and no other: it is renamed aside, looked at, and only then deleted.

    The number of an inode is given again at once, so the time of the last change tells one lock from the next, too.
    Without the kernel's lock two may do so at once: then `mark` keeps them apart.

    Returns:
        Whether it was still that one.
    """
    folder, aside = layout.lock_folder(name), layout.broken_folder(name + mark)
    empty(locks, aside)  # of a breaker that was killed on the way
    try:
        os.rename(folder, aside, src_dir_fd=locks, dst_dir_fd=locks)
    except FileNotFoundError:
        return False
    now = os.stat(aside, dir_fd=locks, follow_symlinks=False)
    if (now.st_dev, now.st_ino, now.st_mtime_ns) != (judged.st_dev, judged.st_ino, judged.st_mtime_ns):
        os.rename(aside, folder, src_dir_fd=locks, dst_dir_fd=locks)
        return False
    empty(locks, aside)
    return True


def empty(locks: int, folder: str) -> None:
    """Remove a lock folder with what is in it, if it is there; nothing in a lock is a folder."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=locks)
    except (FileNotFoundError, NotADirectoryError):
        return  # a link or a file under its name is nobody's lock
    try:
        for name in os.listdir(fd):
            os.unlink(name, dir_fd=fd)
    finally:
        os.close(fd)
    os.rmdir(folder, dir_fd=locks)
