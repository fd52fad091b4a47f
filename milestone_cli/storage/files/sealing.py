"""Sealing the file of a log that has grown, and what bash still wrote into one that was sealed.

The order: the file that the log goes on in is made aside; the old one gets a second name among the sealed parts, and a
seal; all that is synced. Then the new file takes the place of the old one in one rename, which is the moment of
sealing: before it nothing has changed for anybody, after it nothing more need be done. The name of the log is never
missing, so bash, which takes no lock, appends to the one or to the other; what it had opened before and writes late is
adopted: it stands at the end of the log then, like a line that came a moment later.
"""

import errno
import fcntl
import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import GENESIS, Head
from milestone_cli.storage.files import layout, partnames
from milestone_cli.storage.files.commit import write_synced
from milestone_cli.storage.files.folders import DIRECTORY, READ, forget
from milestone_cli.storage.files.log import FLAGS, Log, write_head
from milestone_cli.storage.files.segments import FACTS, Parts, Seal, open_folder
from milestone_cli.storage.files.tail import note
from milestone_cli.storage.files.wholelog import WholeLog

SEAL_ASIDE = ".seal.tmp"
NO_LINKS = (errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.EOPNOTSUPP)
PATIENCE = 20
"""Milliseconds to wait for who has the sealed file open: between opening and writing bash takes a fiftieth of one."""
QUIET = 60 * 1_000_000_000
"""Nanoseconds after which nobody is taken to write into a sealed file, where the system cannot tell who has it open."""
COPY = 1 << 20


def seal_full(log: Log) -> None:
    """Seal a log that has grown beyond its bound, behind an event that is on disk; a failure is a note, no more."""
    try:
        seal(log)
    except (OSError, MilestoneError) as error:
        why = error.message if isinstance(error, MilestoneError) else error.strerror
        log.notes.append(f"the log of '{log.stream}' has grown and could not be sealed: {why}")


def seal(log: Log, split: "Head | None" = None) -> bool:
    """Seal the file of a log.

    Args:
        log: locked, and up to date.
        split: where to part it, an offset in the whole log and what is true there; what is behind stays in the file
            that bash knows. Left out: all of it is sealed.

    Returns:
        Whether it is; not where the disk has no links, or another program has just put another file there.

    Raises:
        OSError: nothing has changed then.
        MilestoneError: `damaged`, when the seal before this one is.
    """
    folder = make_folder(log.folder, log.stream)
    try:
        status = os.fstat(log.fd)
        parts = Parts(folder, status)
        clear(parts)
        made = _draw_up(log, parts.newest(), status, split)
        try:
            fd = os.open(partnames.NEXT, FLAGS | os.O_EXCL | os.O_APPEND, 0o600, dir_fd=folder)
            try:
                copy(log.fd, made.size, log.head.end, fd)
                os.fsync(fd)
                made.next = os.fstat(fd).st_ino
                if not _publish(log, folder, made, status):
                    os.close(fd)
                    return False
            except BaseException:
                os.close(fd)
                raise
        except BaseException:
            # Who is interrupted right behind the rename has sealed: then nothing is unfinished.
            if os.stat(layout.log_file(log.stream), dir_fd=log.folder, follow_symlinks=False).st_ino != made.next:
                clear(Parts(folder, os.fstat(log.fd)))
            raise
        _go_on(log, made, fd)
        adopt(log, folder, made, PATIENCE)
        _adopt_earlier(log, parts)
        return True
    finally:
        os.close(folder)


def _adopt_earlier(log: Log, parts: Parts) -> None:
    """Look once more into the parts before: somebody may have had the file of one open for too long then."""
    for span in parts.grown():
        try:
            adopt(log, parts.folder, parts.seal(span))
        except FileNotFoundError:
            pass  # it has just been compressed, which is done once nothing can come late


def make_folder(parent: int, stream: str) -> int:
    """The folder of a log's sealed parts, opened and made where it is missing; for the caller to close.

    Args:
        parent: open descriptor of the folder of the log.
        stream: name of the log.
    """
    folder = open_folder(parent, stream)
    if folder is not None:
        return folder
    above = parent
    try:
        for name in layout.segments_folder(stream):
            try:
                os.mkdir(name, 0o700, dir_fd=above)
                os.fsync(above)
            except FileExistsError:
                pass
            inner = os.open(name, DIRECTORY, dir_fd=above)
            if above != parent:
                os.close(above)
            above = inner
    except BaseException:
        if above != parent:
            os.close(above)
        raise
    return above


def clear(parts: Parts) -> None:
    """Take away what a sealing left that was not finished; the log's lock is held."""
    known = {
        partnames.segment_file(*span, ending) for span in parts.spans for ending in (partnames.SEAL, partnames.PLAIN)
    }
    for name in parts.names:
        span = partnames.segment_span(name)
        if name in (partnames.NEXT, SEAL_ASIDE) or (
            span and span[2] in (partnames.SEAL, partnames.PLAIN) and span[0] >= parts.end and name not in known
        ):
            forget(parts.folder, name)


def _draw_up(log: Log, before: "Seal | None", status: os.stat_result, split: "Head | None") -> Seal:
    """What is to be known of the part that is being sealed."""
    made = Seal()
    for name in FACTS:
        setattr(made, name, getattr(split or log.head, name))
    made.start = before.end if before else 0
    made.end = split.end if split else made.start + log.head.end
    made.first = before.sequence + 1 if before else 1
    made.before = before.checksum if before else GENESIS
    made.since = before.time if before else 0
    made.log = before.log if before and before.next == status.st_ino else status.st_ino
    made.told = log.head.end
    made.sealed = runtime.now_ns()
    # The next state is logged whole, so that no part needs the one before it to be replayed.
    made.base = made.base_sequence = made.spliced = 0
    return made


def copy(source: int, at: int, end: int, target: int) -> None:
    """Copy the bytes of an open file between two offsets, or as many as there are, to where another one stands."""
    while at < end and (block := os.pread(source, min(COPY, end - at), at)):
        at += len(block)
        put(target, block)


def put(fd: int, data: bytes) -> None:
    """Write all of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _publish(log: Log, folder: int, made: Seal, status: os.stat_result) -> bool:
    """Name the part, write its seal, and put the next file in the place of the log's; whether that is done."""
    name = layout.log_file(log.stream)
    part = made.file(partnames.PLAIN)
    try:
        os.link(name, part, src_dir_fd=log.folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        clear(Parts(folder, status))
        return False
    if os.stat(part, dir_fd=folder, follow_symlinks=False).st_ino != status.st_ino:
        # The clean-up of bash has just put another file there: what is in it, the next append finds out.
        forget(folder, part)
        clear(Parts(folder, status))
        return False
    write_synced(SEAL_ASIDE, made.text(), folder)
    os.rename(SEAL_ASIDE, made.file(partnames.SEAL), src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)
    os.rename(partnames.NEXT, name, src_dir_fd=folder, dst_dir_fd=log.folder)
    return True


def _go_on(log: Log, made: Seal, fd: int) -> None:
    """Let an open log go on in its next file."""
    log.replace(fd)
    head = log.head
    head.end -= made.size
    head.inode = made.next
    head.base = 0
    # Were the rename lost in a power cut, so were all that is appended from here on. While this is not surely done, no
    # head names the new file, and whoever appends next syncs the folder.
    os.fsync(log.folder)
    write_head(log.head_fd, head)


def adopt(log: Log, folder: int, part: Seal, patience: int = 0, ending: str = partnames.PLAIN) -> bool:
    """Append to a log what bash wrote into a sealed part after it was sealed, once nobody has that open any more.

    Args:
        log: locked, and up to date.
        folder: open descriptor of its sealed parts.
        part: not compressed.
        patience: milliseconds to wait for who has it open.
        ending: of the file: `partnames.PLAIN`, or `partnames.LATE` where its lines are removed.

    Returns:
        Whether nothing can come late any more.
    """
    name = part.file(ending)
    fd = os.open(name, READ, dir_fd=folder)
    try:
        while not is_left_alone(fd, part.sealed):
            if not patience:
                return False
            patience -= 1
            runtime.sleep(0.001)
        size = os.fstat(fd).st_size
        if size <= part.told:
            return True
        late = os.pread(fd, size - part.told, part.told)
    finally:
        os.close(fd)
    if not _is_adopted(log, folder, part, len(late)):
        _append(log, part, late)
    fd = os.open(name, FLAGS & ~os.O_CREAT, dir_fd=folder)
    try:
        os.ftruncate(fd, part.told)
    finally:
        os.close(fd)
    return True


def is_left_alone(fd: int, sealed: int) -> bool:
    """Whether nobody has a sealed file open for writing; nobody can open it any more under the name that bash knows.

    Args:
        fd: open for reading alone.
        sealed: when it was sealed, nanoseconds since 1970.

    Source: fcntl(2), F_SETLEASE: a read lease is granted only where no descriptor is open for writing.
    """
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return False
    except (AttributeError, OSError):  # not Linux, or a disk without leases
        return runtime.now_ns() - sealed > QUIET
    return True


def _append(log: Log, part: Seal, late: bytes) -> None:
    """Append late lines, and behind them in the same write the event that says so."""
    log.settle()
    drafts = [note("log_adopted", {"segment": part.start, "bytes": len(late)})]
    rest = late[late.rfind(b"\n") + 1 :]
    if rest:
        offset = part.end + log.head.end + len(late) - len(rest)
        drafts.append(note("log_torn", {"offset": offset, "bytes": len(rest)}))
        late += b"\n"
    log.head.end = log.write(late + b"".join([log.line(draft, "", "") for draft in drafts]))
    write_head(log.head_fd, log.head)


def _is_adopted(log: Log, folder: int, part: Seal, size: int) -> bool:
    """Whether an event behind a part says that so many late bytes of it were appended, by who was killed then."""
    from milestone_cli.storage.files.reading import forwards

    status = os.fstat(log.fd)
    whole = WholeLog(os.dup(log.fd), Parts(os.dup(folder), status), status.st_size)
    try:
        for _, block in forwards(whole, part.end, whole.end):
            for line in block.split(b"\n") if b'"log_adopted"' in block else ():
                try:
                    event = loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict) and event.get("data") == {"segment": part.start, "bytes": size}:
                    return True
    finally:
        whole.close()
    return False
