"""Documents that are kept compressed under their own names, and read as if they were not.

Only kinds that nothing but `milestone` reads: the bash utilities find states, checkpoints, session records and the
backups that they would recover from as they know them. What is compressed is a gzip file, so `zcat` reads it; no
document begins as one does. Its time stays, since retention goes by it.
"""

import os
import zlib

from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.commit import write_synced
from milestone_cli.storage.files.folders import forget
from milestone_cli.storage.files.packing import GZIP, LEVEL
from milestone_cli.storage.files.transaction import take_gate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.files import FileStore

WRITER = "optimizing"
"""In the names of temporary files: one process writes them at a time, and the next one takes them away."""
MAGIC = b"\x1f\x8b"
LARGE = 4096
"""Bytes up to which a file takes one block of the disk, compressed or not."""
WORTH = 5
"""A file is compressed where that saves at least one part of so many."""


def plain(raw: bytes, limit: int, what: str) -> bytes:
    """The document in the bytes of a file, compressed or not.

    Args:
        raw: as they are in the file.
        limit: bytes that the document may have.
        what: for the error.

    Raises:
        MilestoneError: `damaged`; `too_large`.
    """
    if raw[:2] != MAGIC:
        return raw
    unpacker = zlib.decompressobj(GZIP)
    try:
        text = unpacker.decompress(raw, limit + 1)
    except zlib.error:
        text = b""
    if len(text) > limit:
        raise MilestoneError(
            "too_large", f"'{what}' has more than {limit} bytes, uncompressed", "look at what made it so large"
        )
    if not unpacker.eof or unpacker.unused_data:
        raise MilestoneError("damaged", f"'{what}' cannot be uncompressed", "use another copy")
    return text


def squeezed(raw: bytes) -> "bytes | None":
    """What a file is replaced by; None where that is not worth it, or done already."""
    if len(raw) <= LARGE or raw[:2] == MAGIC:
        return None
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    packed = packer.compress(raw) + packer.flush()
    return packed if len(packed) * WORTH <= len(raw) * (WORTH - 1) else None


def compress(store: "FileStore", kind: str, key: str, deadline: float, *, dry_run: bool = False) -> "tuple[int, int]":
    """Compress a document that changes no more, if that is worth it.

    Args:
        store: where.
        kind: of the document.
        key: of the document.
        deadline: on the monotonic clock, for the lock among transactions.
        dry_run: only look what it would save.

    Returns:
        Bytes of the file before and after; zeros where nothing is done.
    """
    folder, name = layout.place(kind, key)
    store.let_go()
    fd = store.present(folder)
    status = os.stat(name, dir_fd=fd, follow_symlinks=False)
    if status.st_size <= LARGE or status.st_nlink > 1:  # under another name too, so nothing would be saved
        return 0, 0
    raw = store.read_file(folder, name, 1 << 30)
    packed = squeezed(raw)
    if packed is None or dry_run:
        return (len(raw), len(packed)) if packed else (0, 0)
    if plain(packed, len(raw), name) != raw:
        raise MilestoneError("damaged", f"'{name}' would not come out as it went in", "look at this machine's memory")
    aside = layout.temporary(name, WRITER)
    gate = take_gate(store, deadline)
    try:
        forget(fd, aside)  # of one who was killed
        now = os.stat(name, dir_fd=fd, follow_symlinks=False)
        if (now.st_ino, now.st_mtime_ns, now.st_size) != (status.st_ino, status.st_mtime_ns, status.st_size):
            return 0, 0
        write_synced(aside, packed, fd)
        os.utime(aside, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=fd, follow_symlinks=False)
        os.rename(aside, name, src_dir_fd=fd, dst_dir_fd=fd)
    except FileNotFoundError:
        return 0, 0
    finally:
        forget(fd, aside)
        os.close(gate)
    return len(raw), len(packed)


def share(store: "FileStore", kind: str, key: str, other: str, deadline: float, *, dry_run: bool = False) -> int:
    """Let a document be the same file as another one of its kind that has the same bytes; neither is written again.

    Returns:
        Bytes that this frees; 0 where they are one file already, or differ.
    """
    (folder, name), (source, original) = layout.place(kind, key), layout.place(kind, other)
    store.let_go()
    fd, from_fd = store.present(folder), store.present(source)
    mine = os.stat(name, dir_fd=fd, follow_symlinks=False)
    theirs = os.stat(original, dir_fd=from_fd, follow_symlinks=False)
    if (mine.st_dev, mine.st_ino) == (theirs.st_dev, theirs.st_ino):
        return 0
    raw = store.read_file(folder, name, 1 << 30)
    if raw != store.read_file(source, original, 1 << 30):
        return 0
    if dry_run:  # both would have been compressed by then
        return len(squeezed(raw) or raw)
    aside = layout.temporary(name, WRITER)
    gate = take_gate(store, deadline)
    try:
        forget(fd, aside)  # of one who was killed
        os.link(original, aside, src_dir_fd=from_fd, dst_dir_fd=fd, follow_symlinks=False)
        if store.read_file(folder, aside, 1 << 30) != store.read_file(folder, name, 1 << 30):
            return 0
        os.rename(aside, name, src_dir_fd=fd, dst_dir_fd=fd)
    except OSError:  # one of them went, or this file system has no links
        return 0
    finally:
        forget(fd, aside)
        os.close(gate)
    return len(raw)
