"""Taking away the oldest events of a log, and compressing its sealed parts; never in a writer's way.

What goes is told by the log's origin, a document that a transaction puts: before it is put, the log is parted there;
once it is, the parts before it go, the oldest first. Each step can be done again by whoever finds it half done. A part
is compressed once nobody has it open any more, beside the plain one, read back, and only then put in its place.
"""

import fcntl
import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import GENESIS, digest
from milestone_cli.storage.files import layout, partnames
from milestone_cli.storage.files.commit import write_synced
from milestone_cli.storage.files.folders import READ, forget
from milestone_cli.storage.files.log import Log, flock
from milestone_cli.storage.files.sealing import PATIENCE, adopt, make_folder, seal
from milestone_cli.storage.files.segments import FACTS, Parts, Seal, damaged, open_folder, parts_of
from milestone_cli.storage.origin import Origin, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.files import FileStore

    Cuts = list[tuple[str, bytes]]

LINKLESS = "this disk has no hard links, which parting it takes"
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
PACK_ASIDE, SEAL_ASIDE = ".pack.tmp", ".pack-seal.tmp"


def part_all(store: "FileStore", cuts: "Cuts", deadline: float) -> None:
    """Part logs for a transaction that goes on to take their beginnings away.

    Raises:
        MilestoneError: `store_unreachable` where one cannot be.
    """
    for stream, raw in cuts:
        if part(store, stream, raw, deadline) == LINKLESS:
            told = f"the log of '{stream}' was not parted: {LINKLESS}"
            raise MilestoneError("store_unreachable", told, "look at the disk of the store")


def part(store: "FileStore", stream: str, raw: bytes, deadline: float) -> str:
    """Part a log where its origin will be: what is old is sealed there, and what is not stays in bash's file.

    Returns:
        Why it cannot be; empty when it is, or was.
    """
    store.let_go()
    origin = parse(raw)
    log = Log(store, stream, deadline)
    try:
        if origin is None or log.fd < 0:
            return ""
        folder = open_folder(log.folder, stream)
        base = 0
        if folder is not None:
            try:
                base = Parts(folder, os.fstat(log.fd)).end
            finally:
                os.close(folder)
        if origin.end <= base:
            return ""
        if log.torn:
            return "its last line is torn, which the next event mends"
        if not _fits(log, base, origin):
            return "another program has just rewritten it"
        log.settle()
        return "" if seal(log, origin) else LINKLESS
    finally:
        log.close()


def _fits(log: Log, base: int, origin: Origin) -> bool:
    """Whether a log is still the one that an origin was drawn up from; the clean-up of bash may just have been here."""
    at = origin.end - base
    size, _, stated = origin.line.partition(":")
    if at > log.head.end or not size.isdecimal() or not 0 < int(size) <= at:
        return False
    return digest(os.pread(log.fd, int(size), at - int(size)))[:16] == stated


def remove(store: "FileStore", cuts: "Cuts", deadline: float) -> None:
    """Take away the sealed parts before the origins of logs; the last seal stays, since the log goes on from it."""
    for stream, raw in cuts:
        store.let_go()
        origin, found = parse(raw), parts_of(store, stream)
        if found is None:
            continue
        try:
            flock(found.folder, deadline, stream)  # before the log's own lock, as who compresses does
            log = Log(store, stream, deadline)
            try:
                if origin is not None and log.fd >= 0:
                    _remove(log, found.folder, origin.end)
            finally:
                log.close()
        finally:
            found.close()


def _remove(log: Log, folder: int, end: int) -> None:
    parts = Parts(folder, os.fstat(log.fd))
    for span in parts.data:
        if span[1] > end:
            break
        plain = partnames.segment_file(*span, partnames.PLAIN)
        if plain in parts.names and not adopt(log, folder, parts.seal(span), PATIENCE):
            late = partnames.segment_file(*span, partnames.LATE)  # somebody is about to write a line into it
            os.rename(plain, late, src_dir_fd=folder, dst_dir_fd=folder)
        for ending in (partnames.PLAIN, partnames.PACKED):
            forget(folder, partnames.segment_file(*span, ending))
    left = Parts(folder, os.fstat(log.fd))
    for span in left.spans[:-1]:
        if not left.has_data(span) and partnames.segment_file(*span, partnames.LATE) not in left.names:
            forget(folder, partnames.segment_file(*span, partnames.SEAL))
    os.fsync(folder)


def sealed(store: "FileStore", stream: str) -> "list[tuple[int, int, int, int]]":
    """The sealed parts of a log, oldest first: where each one ends, its last event and that one's time, and its size.

    Returns:
        Offset in the log, sequence number, nanoseconds since 1970, bytes on disk.
    """
    store.let_go()
    parts = parts_of(store, stream)
    if parts is None:
        return []
    found = []
    try:
        for span in parts.data:
            known = parts.seal(span)
            size = sum(packed for _, packed in known.blocks) if known.blocks else known.size
            found.append((known.end, known.sequence, known.time, size))
    finally:
        parts.close()
    return found


def adopt_all(store: "FileStore", stream: str, timeout: float) -> None:
    """Adopt what bash wrote late into the sealed parts of a log.

    Raises:
        MilestoneError: `lock_timeout`; `damaged`.
    """
    store.let_go()
    found = parts_of(store, stream)
    if found is not None:
        try:
            for _ in _settled(store, stream, found, timeout):
                pass
        finally:
            found.close()


def begin(store: "FileStore", stream: str, raw: bytes) -> None:
    """Let a log that is not there yet begin at an offset: a seal stands for what is gone."""
    origin = parse(raw)
    if origin is None:
        raise damaged(f"{layout.ORIGINS}/{stream}", "its checksum does not fit")
    known = Seal()
    for name in FACTS:
        setattr(known, name, getattr(origin, name))
    known.first, known.before, known.sealed = 1, GENESIS, runtime.now_ns()
    folder = make_folder(store.folder(layout.log_folder(stream)), stream)
    try:
        forget(folder, SEAL_ASIDE)
        write_synced(SEAL_ASIDE, known.text(), folder)
        os.rename(SEAL_ASIDE, known.file(partnames.SEAL), src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    finally:
        os.close(folder)


def pack(store: "FileStore", stream: str, timeout: float) -> "tuple[int, int]":
    """Compress the sealed parts of a log that are not yet, and adopt what bash wrote into them late.

    Args:
        store: where.
        stream: name of the log.
        timeout: seconds to wait for the log's lock, which is held only while late lines are looked for.

    Returns:
        Bytes of what was compressed, before and after.

    Raises:
        MilestoneError: `lock_timeout`; `damaged`.
    """
    store.let_go()
    found = parts_of(store, stream)
    if found is None:
        return 0, 0
    before = after = 0
    try:
        try:
            fcntl.flock(found.folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0, 0  # somebody is at it
        for name in found.names:
            if name.endswith((PACK_ASIDE, SEAL_ASIDE)):
                forget(found.folder, name)
        for known in _settled(store, stream, found, timeout):
            done = _pack(found.folder, known)
            before, after = before + known.size, after + done
    finally:
        found.close()
    return before, after


def _settled(store: "FileStore", stream: str, found: Parts, timeout: float) -> "Iterator[Seal]":
    """The plain parts into which nothing can come late any more; and nothing has, or it was adopted."""
    ended = [one[:2] for one in map(partnames.segment_span, found.names) if one and one[2] == partnames.LATE]
    spans = [span for span in found.data if partnames.segment_file(*span, partnames.PLAIN) in found.names]
    for span in [*ended, *spans]:
        known = found.seal(span)
        is_late = span not in spans
        log = Log(store, stream, runtime.monotonic() + timeout)
        try:
            store.refuse_unusable(is_writing=True)
            is_settled = adopt(log, found.folder, known, ending=partnames.LATE if is_late else partnames.PLAIN)
        finally:
            log.close()
        if is_settled and is_late:
            forget(found.folder, known.file(partnames.LATE))
        elif is_settled:
            yield known


def _pack(folder: int, known: Seal) -> int:
    """Compress one part; bytes that it has then."""
    from milestone_cli.storage.files import packing

    plain, packed, aside = known.file(partnames.PLAIN), known.file(partnames.PACKED), f".{known.file('')}{PACK_ASIDE}"
    source = os.open(plain, READ, dir_fd=folder)
    try:
        target = os.open(aside, NEW, 0o600, dir_fd=folder)
        try:
            known.blocks, known.sha256 = packing.pack(source, known.size, target)
            os.fsync(target)
        finally:
            os.close(target)
        target = os.open(aside, READ, dir_fd=folder)
        try:
            if packing.digest(target, known.blocks, aside) != known.sha256:
                raise damaged(aside, "what was compressed reads back as something else")
        finally:
            os.close(target)
        write_synced(SEAL_ASIDE, known.text(), folder)
        os.rename(SEAL_ASIDE, known.file(partnames.SEAL), src_dir_fd=folder, dst_dir_fd=folder)
        os.rename(aside, packed, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
        os.unlink(plain, dir_fd=folder)
        os.fsync(folder)
    except (OSError, MilestoneError):
        for name in (aside, SEAL_ASIDE):
            forget(folder, name)
        raise
    finally:
        os.close(source)
    return sum(size for _, size in known.blocks)
