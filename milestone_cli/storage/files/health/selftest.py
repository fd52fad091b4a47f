"""Trying the user's own disk: whether it does what the store stands on, with real processes, some of them killed.

What a trial finds is true for this disk, this kernel and this moment. What no program can find out from here, a power
cut and what other machines do, is said, not guessed.
"""

import errno
import fcntl
import os
import stat
from itertools import pairwise

from milestone_cli import runtime
from milestone_cli.storage.files.health.disk import file_system
from milestone_cli.storage.files.health.killed import killed_writer
from milestone_cli.storage.files.health.scratch import Scratch
from milestone_cli.storage.findings import Finding, count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.files import FileStore

SUBJECT = "disk"
WHILE = 0.4
"""Seconds for which a reader reads while a writer writes."""
RIVALS = 4
ROUNDS = 100
LINES, WIDTH = 40, 1 << 16
"""Lines that each rival appends, and their length in bytes."""
LONGEST = 247
"""Bytes of the longest file name that the store makes, a temporary one of a checkpoint."""
AT_ONCE = 30_000
"""Nanoseconds in which no disk has written anything."""


def _good(code: str, message: str) -> Finding:
    return Finding(SUBJECT, code, "ok", message)


def _bad(code: str, message: str, fix: str = "keep the store on another disk", severity: str = "error") -> Finding:
    return Finding(SUBJECT, code, severity, message, fix)


def replacing(scratch: Scratch) -> "Iterator[Finding]":
    """A reader at work sees the old file or the new one, never none and never half of one."""
    size = 1 << 14
    path = scratch.file("replaced", b"a" * size)

    def read(tell: int, _: int) -> None:
        looks = torn = missing = 0
        end = runtime.monotonic() + WHILE
        while runtime.monotonic() < end:
            looks += 1
            try:
                fd = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                missing += 1
                continue
            try:
                data = os.read(fd, 2 * size)
            finally:
                os.close(fd)
            torn += data != data[:1] * size
        os.write(tell, b"%d %d %d" % (looks, torn, missing))

    reader = scratch.start(read)
    end, written = runtime.monotonic() + WHILE, 0
    while runtime.monotonic() < end:
        written += 1
        aside = scratch.file("aside", b"abcdefgh"[written % 8 : written % 8 + 1] * size)
        os.rename(aside, path)
    looks, torn, missing = map(int, reader.all().split())
    told = f"a file was replaced {written:,} times while another process read it {looks:,} times: "
    if torn or missing:
        yield _bad("replace", f"{told}{torn} times half of one, {missing} times none")
    else:
        yield _good("replace", told + "always whole")


def _rivals(scratch: Scratch, name: str, make: "Callable[[str], None]") -> int:
    """How often not exactly one of several processes could make a thing that all wanted to make."""

    def compete(tell: int, waits: int) -> None:
        os.read(waits, 1)
        won = bytearray(ROUNDS)
        for number in range(ROUNDS):
            try:
                make(f"{scratch.path}/{name}{number}")
            except FileExistsError:
                continue
            won[number] = 1
        os.write(tell, won)

    rivals = [scratch.start(compete) for _ in range(RIVALS)]
    for rival in rivals:
        rival.ask()
    won = [rival.all().ljust(ROUNDS, b"\0") for rival in rivals]
    return sum(sum(one[number] for one in won) != 1 for number in range(ROUNDS))


def exclusive(scratch: Scratch) -> "Iterator[Finding]":
    """Of several who make the same file or folder at once, exactly one does; and a folder keeps its sticky bit."""

    def make(path: str) -> None:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    for code, what, maker in (("create", "file", make), ("mkdir", "folder", lambda path: os.mkdir(path, 0o1700))):
        wrong = _rivals(scratch, what, maker)
        told = f"{RIVALS} processes tried to make the same {what}, {ROUNDS} times: "
        yield _bad(code, f"{told}{wrong} times not exactly one did") if wrong else _good(code, told + "one always did")
    path = f"{scratch.path}/sticky"
    os.mkdir(path, 0o1700)
    if not os.stat(path).st_mode & stat.S_ISVTX:
        os.chmod(path, 0o1700)  # macOS masks the bit in mkdir
    if os.stat(path).st_mode & stat.S_ISVTX:
        yield _good("sticky", "a folder keeps the bit that tells our locks from those of bash")
    else:
        yield _bad(
            "sticky", "a folder does not keep the sticky bit: locks of the dead are taken over later", "", "warning"
        )


def appending(scratch: Scratch) -> "Iterator[Finding]":
    """Lines that several processes append at once, without any lock, stay whole."""
    path = scratch.file("appended")

    def append(tell: int, waits: int) -> None:
        os.read(waits, 1)
        fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        letter = b"abcdefghij"[runtime.getpid() % 10 :][:1]
        for _ in range(LINES):
            os.write(fd, letter * (WIDTH - 1) + b"\n")
        os.close(fd)
        os.write(tell, b"done")

    rivals = [scratch.start(append) for _ in range(RIVALS)]
    for rival in rivals:
        rival.ask()
    for rival in rivals:
        rival.all()
    with open(path, "rb") as file:
        found = file.read().split(b"\n")[:-1]
    torn = sum(line != line[:1] * (WIDTH - 1) for line in found)
    due = RIVALS * LINES
    told = f"{RIVALS} processes appended {due} lines of 64 KB to one file without a lock: "
    if torn or len(found) != due:
        yield _bad("append", f"{told}{torn} torn, {max(0, due - len(found))} lost", "let no bash utilities work in"
                   " this store; our own lines are written under a lock", "warning")  # fmt: skip
    else:
        yield _good("append", told + "all whole")


def locking(scratch: Scratch) -> "Iterator[Finding]":
    """The kernel's lock keeps other processes out, and is free the moment that its holder is killed."""
    path = scratch.file("locked")

    def intrude(tell: int, _: int) -> None:
        fd = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(tell, b"in")
        except BlockingIOError:
            os.write(tell, b"out")

    def hold(tell: int, waits: int) -> None:
        fcntl.flock(os.open(path, os.O_RDWR), fcntl.LOCK_EX)
        os.write(tell, b"held")
        os.read(waits, 1)

    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
        except OSError as error:
            yield _bad("lock", f"there are no locks (flock): {error.strerror}; nothing can be written here")
            return
        answer = scratch.start(intrude).all()
        fcntl.flock(fd, fcntl.LOCK_UN)
        if answer == b"out" and scratch.start(intrude).all() == b"in":
            yield _good("lock", "a lock (flock) keeps another process out until it is given back")
        else:
            yield _bad("lock", "a lock (flock) does not keep another process out")
        yield _released(scratch, fd, hold)
    finally:
        os.close(fd)


def _released(scratch: Scratch, fd: int, hold: "Callable[[int, int], None]") -> Finding:
    slowest = 0.0
    for _ in range(5):
        holder = scratch.start(hold)
        holder.hear()
        began = runtime.monotonic()
        holder.kill()
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if runtime.monotonic() - began > 5:
                    return _bad("released", "a lock is not free 5 s after its holder was killed with kill -9")
                runtime.sleep(0.001)
        fcntl.flock(fd, fcntl.LOCK_UN)
        slowest = max(slowest, runtime.monotonic() - began)
    return _good("released", f"killed with kill -9, a holder gives its lock up within {slowest * 1000:.1f} ms")


def syncing(scratch: Scratch) -> "Iterator[Finding]":
    """Files and folders can be synced, and that takes as long as a disk needs."""
    for code, what in (("sync", "file"), ("sync_folder", "folder")):
        times = []
        for number in range(7):
            path = scratch.file(f"{code}{number}", b"x" * 4096)
            fd = os.open(path, os.O_RDWR) if code == "sync" else os.dup(scratch.fd)
            began = runtime.monotonic()
            try:
                os.fsync(fd)
                if code == "sync":
                    os.fdatasync(fd)
            except OSError as error:
                yield _bad(code, f"a {what} cannot be synced: {error.strerror}")
                break
            finally:
                os.close(fd)
            times.append(runtime.monotonic() - began)
        else:
            middle = sorted(times)[3]
            if middle * 1e9 < AT_ONCE:
                yield _bad(code, f"syncing a {what} returns at once ({middle * 1e6:.0f} µs): no disk wrote anything",
                           "keep a store that shall survive a power cut on a disk", "warning")  # fmt: skip
            else:
                yield _good(code, f"syncing a {what} takes {middle * 1000:.1f} ms")


def linking(scratch: Scratch) -> "Iterator[Finding]":
    """A second name for a file keeps its content when the first one gets another."""
    path, link = scratch.file("linked", b"old"), f"{scratch.path}/link"
    try:
        os.link(path, link)
    except OSError as error:
        yield _bad(
            "link", f"there are no hard links ({error.strerror}): every backup copies the whole state", "", "note"
        )
        return
    os.rename(scratch.file("new", b"new"), path)
    with open(link, "rb") as file:
        kept = file.read()
    if kept == b"old":
        yield _good("link", "a hard link keeps the old content: a backup copies no bytes")
    else:
        yield _bad("link", "a hard link does not keep the old content: backups cannot be trusted")


def timing(scratch: Scratch) -> "Iterator[Finding]":
    """How finely the disk tells times, and whether its clock agrees with ours."""
    path = scratch.file("timed")
    seen = set()
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        end = runtime.monotonic() + 0.06
        while runtime.monotonic() < end:
            os.write(fd, b"x")
            seen.add(os.fstat(fd).st_mtime_ns)
            runtime.sleep(0.0005)
    finally:
        os.close(fd)
    ordered = sorted(seen)
    steps = [after - before for before, after in pairwise(ordered)]
    if steps:
        yield _good("times", f"times of change differ from {min(steps) / 1e6:.1f} ms on")
    else:
        yield _bad("times", "times of change are coarser than 60 ms", "", "note")
    new = os.stat(scratch.file("now")).st_mtime_ns
    off = abs(new - runtime.now_ns()) / 1e9
    if off > 2.5:  # some disks round to two seconds
        yield _bad("clock", f"the disk's clock is {off:.0f} s off from this machine's", "let both take their time from"
                   " one source (NTP)", "warning")  # fmt: skip


def naming(scratch: Scratch) -> "Iterator[Finding]":
    """Which names the disk keeps apart, and how long they may be."""
    scratch.file("Case")
    if os.path.exists(f"{scratch.path}/cASE"):
        yield _bad("case", "upper and lower case are one name here: milestones that differ in case alone are refused"
                   " everywhere, so nothing is lost", "", "note")  # fmt: skip
    else:
        yield _good("case", "upper and lower case are different names")
    low, high = 1, LONGEST
    while low < high:
        middle = (low + high + 1) // 2
        try:
            os.unlink(scratch.file("n" * middle))
            low = middle
        except OSError as error:
            if error.errno not in (errno.ENAMETOOLONG, errno.EINVAL):
                raise
            high = middle - 1
    if low < LONGEST:
        fix = f"keep names of milestones and checkpoints below {max(8, (low - 60) // 2)} characters"
        told = f"names of files may have {low} bytes, and the store's have up to {LONGEST}"
        yield _bad("names", told, fix, "warning")
    else:
        yield _good("names", f"names of {count(LONGEST, 'byte')} are possible, the longest that the store makes")


TRIALS: "tuple[Callable[[Scratch], Iterator[Finding]], ...]" = (
    replacing, exclusive, appending, locking, syncing, linking, timing, naming, killed_writer,
)  # fmt: skip


def selftest(store: "FileStore") -> "Iterator[Finding]":
    """Try everything, one trial after the other; see `contract.Store.selftest`."""
    yield from file_system(store.path)
    with Scratch(store) as scratch:
        for trial in TRIALS:
            try:
                yield from trial(scratch)
            except OSError as error:
                reason = error.strerror or str(error)
                yield _bad(trial.__name__, f"the trial '{trial.__name__.replace('_', ' ')}' failed: {reason}")
