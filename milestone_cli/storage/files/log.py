"""Appending to a log: one write, one sync, in constant time, never torn and never twice under one key.

The invariant: when `append` returns, its lines are on disk, chained to the line before, numbered without gap; and the
head beside the log says where it ends. The log's own kernel lock makes sequence, time and checksum ours alone; the
bash utilities append without any lock, so what they may do in between is looked at afterwards.
"""

import errno
import fcntl
import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, quote
from milestone_cli.model import Head, Receipt, digest, owner
from milestone_cli.storage.files import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Draft
    from milestone_cli.storage.files import FileStore

HEAD = 512
"""Bytes that the head's record takes; idempotency slots follow."""
SLOT = 32
SLOTS = 1000
NEVER = 1 << 62
"""More bytes than any file has."""
FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
FIELDS = (
    "sequence", "checksum", "end", "inode", "time", "revision", "state", "base", "spliced", "base_sequence", "keys",
)  # fmt: skip


def parse_head(raw: bytes) -> "Head | None":
    """Read a head's record; None when it is missing, torn or does not prove itself."""
    record = raw[:HEAD].rstrip(b" \n")
    body, mark, tail = record.rpartition(b',"sum":"')
    if not mark or tail != digest(body)[:16].encode() + b'"}':
        return None
    head = Head()
    try:
        values = loads(body + b"}")
        for name in FIELDS:
            setattr(head, name, values[name])  # type: ignore[index]
    except (ValueError, KeyError, TypeError):
        return None  # another version's, or somebody's who knows how to sum
    return head


def write_head(fd: int, head: Head) -> None:
    """Write a head in place, in one write; it is not synced, since the log rebuilds it."""
    body = dumps({name: getattr(head, name) for name in FIELDS})[:-1]
    record = f'{body},"sum":"{digest(body.encode())[:16]}"}}'
    os.pwrite(fd, record.ljust(HEAD - 1).encode() + b"\n", 0)


def slot(key: str, request: str, sequence: int) -> bytes:
    """An idempotency key as the head's ring keeps it: 16 bytes of its hash, 8 of the request, 8 of the sequence."""
    return bytes.fromhex(digest(key.encode())[:32] + request) + sequence.to_bytes(8, "big")


def find_key(fd: int, key: str, request: str) -> int:
    """Sequence number under which a key was done before, else 0.

    Raises:
        MilestoneError: `idempotency_conflict` when the key belongs to another request.
    """
    ring = os.pread(fd, SLOT * SLOTS, HEAD)
    wanted = slot(key, request, 0)
    at = ring.find(wanted[:16])
    while at >= 0 and at % SLOT:
        at = ring.find(wanted[:16], at + 1)
    if at < 0:
        return 0
    if ring[at + 16 : at + 24] != wanted[16:24]:
        from milestone_cli.storage.refusals import key_used

        raise key_used(key)
    return int.from_bytes(ring[at + 24 : at + 32], "big")


class Log:
    """A log that is locked and open for appending; `close` gives it back.

    Attributes:
        head: where the log stands, brought up to date.
        prefix: what the next append has to record first, about damage that was found.
        notes: the same for standard error.
        torn: the log ends inside a line.
        bound: bytes above which its file is sealed.
    """

    __slots__ = ("_author", "_fds", "_new", "_owner", "bound", "fd", "folder", "head", "head_fd", "notes", "prefix",
                 "stream", "torn")  # fmt: skip

    def __init__(self, store: "FileStore", stream: str, deadline: float) -> None:
        """Lock and open the log of a stream, and bring its head up to date.

        Args:
            store: where.
            stream: name of the log, mostly a milestone.
            deadline: on the monotonic clock, when to give up waiting.
        """
        self.stream = stream
        self.folder = store.folder(layout.log_folder(stream))
        self.notes: list[str] = []
        self.prefix: list[Draft] = []
        self.torn = False
        self.bound = store.segment_size
        self._owner = owner(stream)
        self._author = f',"pid":{runtime.getpid()},"user":{quote(runtime.user())},"agent_id":'
        self.fd = self.head_fd = -1
        self._fds = [os.open(layout.log_lock_file(stream), FLAGS, 0o600, dir_fd=store.folder(layout.LOCKS))]
        try:
            flock(self._fds[0], deadline, stream)
            if not self._open_files():
                return
            status = os.fstat(self.fd)
            head = parse_head(os.pread(self.head_fd, HEAD, 0))
            # A log is new to its folder until a head says that the folder was synced; bash's mv makes it so again.
            self._new = head is None or head.inode != status.st_ino
            if head is None and status.st_size == 0 and not self._is_sealed():
                head = Head()
            elif head is None or head.end != status.st_size or head.inode != status.st_ino:
                from milestone_cli.storage.files.tail import catch_up

                head = catch_up(self, head)
            self.head = head
            self.head.inode = status.st_ino
        except BaseException:
            self.close()
            raise

    def _open_files(self) -> bool:
        """Open log and head; False when there is neither, since a change that is refused shall leave no trace."""
        try:
            self.fd = self._open(layout.log_file(self.stream), FLAGS & ~os.O_CREAT | os.O_APPEND)
        except FileNotFoundError:
            try:
                self.head_fd = self._open(layout.head_file(self.stream), FLAGS & ~os.O_CREAT)
            except FileNotFoundError:
                if not self._is_sealed():
                    self.head = Head()
                    self._new = True
                    return False
                self.head_fd = self._open(layout.head_file(self.stream), FLAGS)
            self.fd = self._open(layout.log_file(self.stream), FLAGS | os.O_APPEND)
        else:
            self.head_fd = self._open(layout.head_file(self.stream), FLAGS)
        return True

    def _is_sealed(self) -> bool:
        """Whether a log without head and without lines has sealed parts, which it goes on from."""
        try:
            os.stat("/".join(layout.segments_folder(self.stream)), dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def _make(self) -> None:
        """Make log and head, now that there is something to write."""
        self.fd = self._open(layout.log_file(self.stream), FLAGS | os.O_APPEND)
        self.head_fd = self._open(layout.head_file(self.stream), FLAGS)
        self.head.inode = os.fstat(self.fd).st_ino

    def _open(self, name: str, flags: int) -> int:
        fd = os.open(name, flags, 0o600, dir_fd=self.folder)
        self._fds.append(fd)
        return fd

    def replace(self, fd: int) -> None:
        """Go on in another file, which is open for appending; the one before is closed."""
        self._fds.remove(self.fd)
        os.close(self.fd)
        self.fd = fd
        self._fds.append(fd)

    def close(self) -> None:
        """Release the log."""
        while self._fds:
            os.close(self._fds.pop())

    def line(self, draft: "Draft", key: str, request: str) -> bytes:
        """Compose the next line, and move the head over it."""
        head = self.head
        head.time = max(runtime.now_ns(), head.time)
        head.sequence += 1
        named = f',"key":{quote(key)},"request":"{request}"' if key else ""
        body = (
            f'{{"timestamp":"{runtime.timestamp(head.time)}","milestone_id":{self._owner}'
            f',"session_id":{quote(draft.session)},"event_type":"{draft.type}","data":{draft.data}'
            f'{self._author}{quote(draft.agent)},"event_id":"{draft.event_id or runtime.new_event_id(head.time)}"'
            f'{named},"revision":{head.revision},"sequence_number":{head.sequence}'
        ).encode()
        head.checksum = digest(head.checksum.encode() + body)
        return b'%s,"checksum":"%s"}\n' % (body, head.checksum.encode())

    def append(
        self,
        drafts: "list[Draft]",
        key: str = "",
        request: str = "",
        state: "tuple[int, str, int, int] | None" = None,
    ) -> Receipt:
        """Append events, durably.

        Args:
            drafts: the events, in order.
            key: idempotency key; it goes on the last line, so a batch that was cut short is done again.
            request: what tells requests under one key apart.
            state: when the first event is a state's: its revision, SHA-256, base and bytes spliced since.
        """
        head = self.head
        if self.fd < 0:
            self._make()
        lines = [self.line(draft, "", "") for draft in self.prefix]
        first = head.sequence + 1
        if state:
            head.revision, head.state, head.base, head.spliced = state
            if head.base == head.revision:
                head.base_sequence = first
        last = len(drafts) - 1
        lines += [self.line(draft, key if i == last else "", request) for i, draft in enumerate(drafts)]
        head.end = self.write(b"".join(lines))
        if self._new:
            self._sync_folder()
        try:
            if key:
                os.pwrite(self.head_fd, slot(key, request, head.sequence), HEAD + SLOT * (head.keys % SLOTS))
                head.keys += 1
            write_head(self.head_fd, head)
        except OSError:
            pass  # the lines are durable, and a head that stays behind is brought up from them by the next writer
        self.prefix = []
        receipt = Receipt(
            self.stream, head.revision, head.state, first, head.sequence, event_id(lines[-1]),
            runtime.timestamp(head.time),
        )  # fmt: skip
        receipt.notes = self.notes
        if head.end > self.bound:
            from milestone_cli.storage.files.sealing import seal_full

            seal_full(self)
        return receipt

    def settle(self) -> None:
        """Record what was found about damage now, where no event follows; the head may be moved on then."""
        if self.prefix:
            bound, self.bound = self.bound, NEVER
            self.append([])
            self.bound = bound

    def write(self, data: bytes) -> int:
        """Write whole lines at the end of the log and sync them; return the offset behind them."""
        if self.torn:
            data = b"\n" + data
            self.torn = False
        for attempt in range(100):
            done = os.write(self.fd, data)
            end = os.lseek(self.fd, 0, os.SEEK_CUR)
            start = end - done
            if done < len(data):
                self._cut(start, end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), layout.log_file(self.stream))
            try:
                # A bash line longer than its buffer is written in pieces, and ours may have landed between two of
                # them: then once more. Readers take each event id once.
                if start == 0 or data[0] == 10 or attempt == 99 or os.pread(self.fd, 1, start - 1) == b"\n":
                    os.fdatasync(self.fd)
                    break
            except OSError as error:
                if not self._cut(start, end):
                    raise self._uncertain(error) from error
                raise
        return end

    def _cut(self, start: int, end: int) -> bool:
        """Take back what was just written; False: it stays, since it cannot be cut or a bash line is behind it."""
        try:
            if os.fstat(self.fd).st_size == end:
                os.ftruncate(self.fd, start)
                return True
        except OSError:
            pass  # what failed before this is what is told
        return False

    def _sync_folder(self) -> None:
        """Sync the folder of a log that is new there."""
        try:
            os.fsync(self.folder)
        except OSError as error:
            raise self._uncertain(error) from error
        self._new = False

    def _uncertain(self, error: OSError) -> MilestoneError:
        """The error for lines that stand in the log and may not survive a power cut: never plain failure."""
        return MilestoneError(
            "unlogged",
            f"the event is in the log of '{self.stream}', but it is uncertain whether it survives a power cut:"
            f" {error.strerror}",
            "look with `milestone events query`; repeat this only with an idempotency key",
            milestone_id=self.stream,
        )


def event_id(data: bytes) -> str:
    """The id of the last event in some lines."""
    return data[data.rfind(b'"event_id":"') + 12 :].partition(b'"')[0].decode()


def flock(fd: int, deadline: float, name: str) -> None:
    """Take the kernel's lock on an open file, waiting until a deadline; fails closed where there are no such locks.

    Raises:
        MilestoneError: `lock_timeout`.
    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        from milestone_cli.storage.files.contention import wait_flock

        wait_flock(fd, deadline, name)
