"""Going on under a lock that a process around this one holds, instead of waiting for it for ever.

Two ways to be inside. `lock run` holds the kernel's lock and gives its command a token in the environment: who has the
token of the present holder, and a parent that has the kernel's lock right now, is inside. `lock acquire` leaves a
folder with an owner: who was started by the owner, or has its token, is inside while the owner lives. Those inside
exclude each other by the kernel's lock on NAME.inner, and the folder's identity is their fence.
"""

import fcntl
import os
import stat

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.contention import field, has_locked, judge, read
from milestone_cli.storage.files.folders import forget
from milestone_cli.storage.files.log import FLAGS, flock

Share = tuple[str, int, tuple[int, int]]
"""Token and fence of the lock, and the identity of its folder."""


def enter(locks: int, name: str, fd: int, deadline: float, active: int) -> tuple[str, int, tuple[int, int], int]:
    """Take a share of the lock that is held around this process: the only one that writes, until it is closed.

    Args:
        locks: open descriptor of `layout.LOCKS`.
        name: of the lock.
        fd: the flock file; the kernel's lock on it is given back, should this process have it.
        deadline: on the monotonic clock.
        active: open descriptor of `layout.ACTIVE`, where a sharer that was killed may have left a temporary file.

    Returns:
        Token, fence and identity of the lock, and the open descriptor that is the share.

    Raises:
        MilestoneError: `lock_timeout`; `lock_lost` when the lock was given back meanwhile.
    """
    fcntl.flock(fd, fcntl.LOCK_UN)
    inner = os.open(layout.inner_file(name), FLAGS, 0o600, dir_fd=locks)
    try:
        flock(inner, deadline, name)
        found = around(locks, name, fd)
        if found is None:
            raise MilestoneError(  # noqa: TRY301 - the descriptor is closed below
                "lock_lost", f"the lock of '{name}' was released meanwhile; nothing was changed", "try again"
            )
        forget(active, layout.temporary(name, found[0]))
    except BaseException:
        os.close(inner)
        raise
    return *found, inner


def around(locks: int, name: str, fd: int) -> "Share | None":
    """The lock that is held around this process; None when it is free, or another's.

    Args:
        locks: open descriptor of `layout.LOCKS`.
        name: of the lock.
        fd: the flock file; -1: look only for an owner.
    """
    folder = layout.lock_folder(name)
    try:
        status = os.stat(folder, dir_fd=locks, follow_symlinks=False)
    except FileNotFoundError:
        return None
    tokens = tokens_at_hand()
    if status.st_mode & stat.S_ISVTX:
        if fd < 0 or not tokens:
            return None
        # First who holds it, then whose token it is: a holder that has not signed yet cannot pass for the one before.
        record = os.pread(fd, 512, 0)
        if not _held_around(fd, field(record, 4)) or os.pread(fd, 512, 0) != record or field(record, 1) not in tokens:
            return None
    else:
        text = read(locks, f"{folder}/owner")
        if text is None:
            return None
        record = text.encode()
        dead, _, facts = judge(locks, folder, status, b"", 0.0)
        pid = facts.get("pid")
        if dead or not isinstance(pid, int) or facts.get("host") != runtime.host():
            return None
        # A shell may become its last command (`bash -c 'milestone lock acquire NAME && …'`): then it is this process.
        is_near = pid == runtime.getpid() or runtime.is_ancestor(pid)
        if field(record, 1) not in tokens and not is_near:
            return None
    fence = field(record, 0)
    return field(record, 1), int(fence) if fence.isdigit() and len(fence) < 20 else 0, (status.st_dev, status.st_ino)


def tokens_at_hand() -> list[str]:
    """The tokens of the locks that this process was told it is inside of."""
    words = f"{runtime.env('MILESTONE_LOCK_TOKEN') or ''} {runtime.env('MILESTONE_LOCK_TOKENS') or ''}".split()
    return [word for word in words if word.isalnum()]


def _held_around(fd: int, pid: str) -> bool:
    """Whether the kernel's lock is with the process that signed for it, or with one that this one descends from.

    The signer may have been killed while its command, which inherited the lock, goes on. Where the system does not
    show who has a lock, a living signer has it.
    """
    if pid.isdigit() and has_locked(int(pid), fd):
        return True
    at = os.getppid()
    for _ in range(100):
        if at <= 1:
            break
        if has_locked(at, fd):
            return True
        at = runtime.parent(at)[1]
    return not os.path.isdir("/proc/self/fdinfo") and pid.isdigit() and runtime.alive(int(pid))


def forget_all(folder: int, milestone: str) -> None:
    """Remove what dead writers of a milestone left, whoever they were; its lock is held, so none of them lives."""
    for name in os.listdir(folder):
        parts = layout.temporary_parts(name)
        if parts and parts[0] == milestone and parts[1].isalnum() and len(parts[1]) == 20:
            forget(folder, name)
