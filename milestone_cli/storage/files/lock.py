"""The lock around changing a document: two of ours never hold it at once, and the bash utilities honour it.

The kernel's lock on NAME.flock decides among our processes; the file is never removed. Under it the folder NAME.lock
is made as bash makes it, with `pid` and `acquired`. The folder carries the sticky bit, which bash's mkdir does not
give: so an empty one tells at once whose it is, and one of ours found under the kernel's lock has a dead writer. What
that writer may have left is known by the token that stands in the flock file.

A lock may outlive the command that took it: `lock run` keeps it for another one, `lock acquire` for a shell. What these
start goes on under their lock instead of waiting for it, see `inside`.
"""

import fcntl
import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import EXCLUSIVE, forget
from milestone_cli.storage.files.log import FLAGS

OURS = 0o1700
"""Mode of a lock folder of ours. Sticky means nothing on a folder that only its owner may write."""


class Lock:
    """A lock that is held; `release` gives it back.

    Attributes:
        broken: locks of dead holders that stood in the way, with the evidence; for the log.
        name: of the lock, a milestone's.
        token: the holder's, unpredictable; temporary files carry it.
        fence: counts the holders of this lock, so a late write of an earlier one can be told.
    """

    __slots__ = ("_fd", "_folder", "_identity", "_inner", "_locks", "broken", "fence", "name", "token")

    def __init__(self, locks: int, name: str, deadline: float, active: int, holder: int = 0) -> None:
        """Take the lock.

        Args:
            locks: open descriptor of `layout.LOCKS`.
            name: of the lock.
            deadline: on the monotonic clock, when to give up waiting.
            active: open descriptor of `layout.ACTIVE`, where a dead holder may have left a temporary file.
            holder: process that the lock is for; 0: this one.

        Raises:
            MilestoneError: `lock_timeout`, with the holder in its details.
        """
        self.name = name
        self.token = runtime.token()
        self.broken: list[dict[str, object]] = []
        self._locks = locks
        self._folder = layout.lock_folder(name)
        self._identity = (0, 0)
        self._inner = -1
        self._fd = os.open(layout.flock_file(name), FLAGS, 0o600, dir_fd=locks)
        try:
            before = self._take(deadline, active)
            if before is not None:
                self._sign(holder or runtime.getpid(), before, active)
            else:
                from milestone_cli.storage.files.inside import enter

                self.token, self.fence, self._identity, self._inner = enter(locks, name, self._fd, deadline, active)
        except BaseException:
            self.release()
            raise

    def _take(self, deadline: float, active: int) -> "bytes | None":
        """Take the kernel's lock and make the folder; None when a process around this one has the lock.

        Returns:
            What the last holder signed with.
        """
        locks = self._locks
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            from milestone_cli.storage.files.contention import wait_lock

            if not wait_lock(locks, self.name, self._fd, deadline):
                return None
        try:
            os.rmdir(layout.broken_folder(self.name), dir_fd=locks)
        except FileNotFoundError:
            pass
        except OSError:
            from milestone_cli.storage.files.contention import empty

            empty(locks, layout.broken_folder(self.name))  # of a breaker that was killed
        before = os.pread(self._fd, 512, 0)
        count = before.partition(b" ")[0]
        self.fence = int(count) + 1 if count.isdigit() and len(count) < 20 else 1
        try:
            os.mkdir(self._folder, OURS, dir_fd=locks)
        except FileExistsError:
            from milestone_cli.storage.files.contention import take_over

            broken = take_over(locks, self.name, before, deadline, active)
            if broken is None:
                return None
            self.broken = broken
        status = os.stat(self._folder, dir_fd=locks, follow_symlinks=False)
        self._identity = (status.st_dev, status.st_ino)
        if not status.st_mode & 0o1000:  # macOS masks the bit in mkdir
            os.chmod(self._folder, OURS, dir_fd=locks, follow_symlinks=False)
        return before

    def _sign(self, pid: int, before: bytes, active: int) -> None:
        """Say who holds the lock: for ours in the flock file, for bash in the folder, `acquired` last and whole.

        Bash takes a lock whose `acquired` is empty for a stale one, hence the rename.
        """
        boot = runtime.boot_id()
        if boot.encode() not in before:
            # The first holder since the machine was started: of one that lost its power the token may be lost too.
            from milestone_cli.storage.files.inside import forget_all

            forget_all(active, self.name)
        record = f"{self.fence} {self.token} {runtime.host()} {boot} {pid} {runtime.start_time(pid)}"
        record += f" {runtime.boot_seconds()}"
        os.pwrite(self._fd, record.ljust(511).encode()[:511] + b"\n", 0)
        self._note("pid", f"{pid}\n")
        self.renew()

    def _note(self, name: str, text: str) -> None:
        """Write a new file into the folder."""
        fd = os.open(f"{self._folder}/{name}", EXCLUSIVE, 0o600, dir_fd=self._locks)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    def renew(self) -> None:
        """Say in `acquired` that the lock is from now, since bash calls one of ten minutes stale."""
        moment = f"{runtime.timestamp(runtime.now_ns())[:19]}Z\n"
        try:
            self._note("acquired.tmp", moment)
        except FileExistsError:  # of a renewal that failed or was killed
            forget(self._locks, f"{self._folder}/acquired.tmp")
            self._note("acquired.tmp", moment)
        os.rename(
            f"{self._folder}/acquired.tmp", f"{self._folder}/acquired", src_dir_fd=self._locks, dst_dir_fd=self._locks
        )

    def is_inside(self) -> bool:
        """Whether a process around this one has the lock, and this is a share of it."""
        return self._inner >= 0

    def held(self) -> bool:
        """Whether the folder is still the one that was made; bash breaks what it takes for stale."""
        try:
            status = os.stat(self._folder, dir_fd=self._locks, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if (status.st_dev, status.st_ino) != self._identity:
            return False
        if status.st_mode & 0o1000:
            return True
        # A folder of bash in the place of ours: the number of an inode is given again at once.
        if self._inner < 0:
            return False
        from milestone_cli.storage.files.contention import field, read

        return field((read(self._locks, f"{self._folder}/owner") or "").encode(), 1) == self.token

    def check(self) -> None:
        """The fence before a commit.

        Raises:
            MilestoneError: `lock_lost`.
        """
        if not self.held():
            raise MilestoneError(
                "lock_lost",
                f"the lock of '{self.name}' was broken by another program meanwhile; nothing was changed",
                "try again",
            )

    def release(self) -> None:
        """Give the lock back; what another program made in its place stays, and so does the lock that this shared."""
        try:
            if self._inner >= 0:
                os.close(self._inner)
            elif self.held():
                for name in ("acquired", "acquired.tmp", "pid"):
                    try:
                        os.unlink(f"{self._folder}/{name}", dir_fd=self._locks)
                    except FileNotFoundError:
                        pass
                os.rmdir(self._folder, dir_fd=self._locks)
        finally:
            os.close(self._fd)

    def lend(self) -> None:
        """Let what this process starts inherit the kernel's lock, which then lasts as long as any of them."""
        os.set_inheritable(self._fd, True)

    def let_go(self) -> None:
        """Give back the kernel's lock for everyone who inherited it too; the folder is for `release`."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def hand_over(self, request: str = "") -> None:
        """Leave the lock to the process that it was taken for, and go; it is held by the folder alone from here on.

        Until the last step the folder is one of ours whose writer may die; then it says whose it is, and under which
        request it was taken.
        """
        record = os.pread(self._fd, 512, 0).decode("ascii", "replace").rstrip() + f" {runtime.pid_space()} {request}\n"
        self._note("owner", record)
        os.chmod(self._folder, 0o700, dir_fd=self._locks)
        os.close(self._fd)
