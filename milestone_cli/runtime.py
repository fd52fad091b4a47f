"""The one place that knows time, ids, processes, users and the environment; tests replace them here.

Everything else asks this module, so a test can play another process, another moment or another machine by setting
the `MILESTONE_TEST_*` variables or by passing values, without patching.
"""

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

env = os.environ.get
monotonic = time.monotonic
sleep = time.sleep
getpid = os.getpid
SHELLS = ("sh", "bash", "dash", "zsh", "fish", "ksh", "busybox", "env", "timeout")
flags: dict[str, object] = {}
"""The options before the command (`store`, `verbose`, `no_color`); the funnel fills it before a command runs."""
applied: list[str] = []
"""What the present command has put on disk for good, in words: whatever fails after that says so, see `failure`."""


def now_ns() -> int:
    """Wall-clock time in nanoseconds since 1970, UTC."""
    return time.time_ns()


def timestamp(ns: int) -> str:
    """Format nanoseconds since 1970 as RFC 3339 in UTC with microseconds, as lines of the log carry it."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}Z"


def token() -> str:
    """20 hexadecimal digits nobody can guess."""
    return os.urandom(10).hex()


def new_event_id(ns: int) -> str:
    """An event id: sortable by time to the millisecond, unique between machines."""
    return f"event-{ns // 1_000_000:012x}{token()}"


def new_transaction_id(ns: int) -> str:
    """A transaction's id: sortable by time to the millisecond, unique on one machine."""
    return f"txn-{ns // 1_000_000:012x}{token()[:8]}"


def user() -> str:
    """Name of the effective user, at most 64 characters; the number where the system knows no name."""
    uid = os.geteuid()
    try:
        # What the C library would find first in most places, without its two dozen system calls.
        with open("/etc/passwd", "rb", buffering=0) as file:
            for line in (file.read(1 << 16) or b"").split(b"\n"):
                fields = line.split(b":")
                if len(fields) == 7 and fields[2] == b"%d" % uid:
                    return fields[0].decode("utf-8", "replace")[:64]
    except OSError:
        pass
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name[:64]
    except KeyError:
        return str(uid)


def host() -> str:
    """Name of this machine, at most 255 characters."""
    return os.uname().nodename[:255]


def processors() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def child(work: "Callable[[], None]") -> int:
    """Start a process that does this work and nothing else; returns its id.

    However the work ends, so does that process: nothing that this one has open is flushed or tidied up from there.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(0)


def boot_id() -> str:
    """Identity of the machine's current boot, or the empty string where the system has none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read(64).decode("ascii", "replace").strip()
    except OSError:
        return ""


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty when there is none, or the system does not say.

    Source: proc(5), field 22 of /proc/PID/stat, counted after the parenthesised name, which may hold anything.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read(4096).rpartition(b")")[2].split()[19].decode("ascii")
    except (OSError, IndexError):
        return ""


def alive(pid: int) -> bool:
    """Whether a process with this id exists, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def ended(pid: int) -> bool:
    """Whether nothing runs under this id: there is no such process, or only its remains that nobody has collected.

    Source: proc(5), fields 3 (state) and 20 (threads) of /proc/PID/stat.
    """
    if not alive(pid):
        return True
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read(4096).rpartition(b")")[2].split()
        return fields[0] in (b"Z", b"X") and int(fields[17]) < 2
    except (OSError, IndexError, ValueError):
        return False


def boot_seconds() -> int:
    """Seconds since boot, sleep included where the system counts it."""
    return int(time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)))


def pid_space() -> str:
    """What tells the processes that ids here mean from those of another container; empty where there is one space."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def command_line(pid: int) -> str:
    """The command that a process runs, at most some hundred characters; empty where the system does not say."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(512).rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def environment() -> "dict[str, str]":
    """A copy of the whole environment, for a command that is started."""
    return dict(os.environ)


def parent(pid: int) -> "tuple[str, int]":
    """Name of a process and id of its parent; an empty name and 0 where the system does not say.

    Source: proc(5), fields 2 and 4 of /proc/PID/stat.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            before, _, after = file.read(4096).rpartition(b")")
        return before.partition(b"(")[2].decode("utf-8", "replace"), int(after.split()[1])
    except (OSError, IndexError, ValueError):
        return "", 0


def is_ancestor(pid: int) -> bool:
    """Whether a process is this one's parent, or its parent's, and so on; False where the system does not say."""
    at = os.getppid()
    for _ in range(100):
        if at == pid:
            return True
        at = parent(at)[1]
        if at <= 1:
            return False
    return False


def _image(pid: int) -> bytes:
    """What the kernel gave a process's program when it began: a copy by `fork` has the same, another program its own.

    Source: proc(5), /proc/PID/auxv; addresses in it are random for each start of a program.
    """
    try:
        with open(f"/proc/{pid}/auxv", "rb") as file:
            return file.read(4096)
    except OSError:
        return b""


def caller() -> int:
    """The process that this one works for: the shell that bash's `$$` would name, also from inside `$(…)`.

    A client runs every command in a shell of its own, which is gone at once: then it is what started that shell.
    """
    pid = os.getppid()
    name, above = parent(pid)
    for_client = bool(env("CLAUDE_CODE_SESSION_ID"))
    while name in SHELLS and above > 1:
        image = b"" if for_client else _image(pid)
        if not for_client and (not image or image != _image(above)):
            break
        pid = above
        name, above = parent(pid)
    return pid


def age(pid: int) -> "float | None":
    """Seconds since a process started; None where the system does not say."""
    ticks = start_time(pid)
    if not ticks.isdigit():
        return None
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(ticks) / os.sysconf("SC_CLK_TCK")


def crowding() -> float:
    """How many times longer this process has taken so far because others had the processors; 1.0 for not at all.

    Source: the kernel's Documentation/scheduler/sched-stats.rst, /proc/PID/schedstat: time with a processor, and time
    spent waiting for one.
    """
    try:
        with open("/proc/self/schedstat", "rb", buffering=0) as file:
            worked, waited = (file.read(100) or b"").split()[:2]
            return 1.0 + int(waited) / max(int(worked), 1)
    except (OSError, ValueError):
        return 1.0


def disk_pressure() -> float:
    """Percent of the last ten seconds in which some process waited for a disk; 0.0 where the system does not say.

    Source: the kernel's Documentation/accounting/psi.rst, /proc/pressure/io.
    """
    try:
        with open("/proc/pressure/io", "rb", buffering=0) as file:
            return float((file.read(100) or b"").partition(b"avg10=")[2].split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0


def is_terminal(stream: int) -> bool:
    """Whether a descriptor is a terminal."""
    return os.isatty(stream)


def platform() -> str:
    """`sys.platform`."""
    return sys.platform
