"""Bringing a head up to date with its log: after bash lines, a crash, a rewriting from outside, or without a head.

Reached only when the head does not already say where the log ends. Nothing in the log is changed here; what has to be
said about damage goes into `log.prefix`, and the next append says it.
"""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import Draft, Head, is_count, is_hex
from milestone_cli.storage.files.log import HEAD, SLOT, SLOTS, Log, slot, write_head
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.files.segments import Seal

BLOCK = 1 << 20
OURS = b'"sequence_number"'
"""What every line of ours has, and next to no other."""


def catch_up(log: Log, head: Head | None) -> Head:
    """Find out where a log stands.

    Args:
        log: locked and open; its `prefix`, `notes` and `torn` are set.
        head: what the head says, or None when it is missing or does not prove itself.

    Returns:
        The head as it should be; it is on disk, unless the log must first say what was found: were the head moved on
        before that, and the command refused or killed, nobody would know any more.
    """
    size = os.fstat(log.fd).st_size
    sealed = newest_seal(log)
    if sealed is not None and head is not None and not _is_continued(log.fd, head, size, sealed):
        _pass_seal(log.fd, head, size, sealed)
    if sealed is not None and head is not None and head.sequence < sealed.sequence:
        head = None  # it could not be written before the sealing, and the seal knows better
    base = sealed.end if sealed else 0
    if head is not None and _is_continued(log.fd, head, size, sealed):
        _walk(log, head, head.end, base)
    elif head is None:
        head = _sealed_head(log, sealed) if sealed else Head()
        _walk(log, head, 0, base)
    else:
        head = _reanchor(log, head, size)
    if not log.prefix:
        write_head(log.head_fd, head)
    return head


def newest_seal(log: Log) -> "Seal | None":
    """The seal of the part before a log's file; None when nothing is sealed.

    Raises:
        MilestoneError: `damaged`.
    """
    from milestone_cli.storage.files.segments import Parts, open_folder

    folder = open_folder(log.folder, log.stream)
    if folder is None:
        return None
    try:
        return Parts(folder, os.fstat(log.fd)).newest()
    finally:
        os.close(folder)


def _pass_seal(fd: int, head: Head, size: int, sealed: "Seal") -> None:
    """Move a head on to the file that a log goes on in, when it is of before the sealing and that was all."""
    before = head.end
    head.end -= sealed.size
    if not (0 <= head.end <= size and _is_continued(fd, head, size, sealed)):
        head.end = before


def _sealed_head(log: Log, sealed: "Seal") -> Head:
    """The head where the last sealed part ends, out of its seal; and the keys that the sealed parts still have."""
    from milestone_cli.storage.files.reading import forwards
    from milestone_cli.storage.files.segments import FACTS, Parts, open_folder
    from milestone_cli.storage.files.wholelog import WholeLog

    head = Head()
    for name in FACTS:
        setattr(head, name, getattr(sealed, name))
    folder = open_folder(log.folder, log.stream)
    assert folder is not None
    whole = WholeLog(-1, Parts(folder, os.fstat(log.fd)), 0)
    try:
        for _, block in forwards(whole, whole.start, whole.end):
            for line in block.split(b"\n") if b'"request":"' in block else ():
                if b'"request":"' in line:
                    _take_key(log, head, line)
    except MilestoneError as error:
        log.notes.append(error.message)
    finally:
        whole.close()
    return head


def _take_key(log: Log, head: Head, line: bytes) -> None:
    try:
        event = loads(line)
    except ValueError:
        return
    if isinstance(event, dict):
        _keep_key(log, head, event)


def _keep_key(log: Log, head: Head, event: dict[str, object]) -> None:
    """Take over the idempotency key of an event, when it has one."""
    key, request, sequence = event.get("key"), event.get("request"), event.get("sequence_number")
    if not isinstance(key, str) or not is_hex(request, 16) or not is_count(sequence):
        return
    try:
        taken = slot(key, request, sequence)
    except UnicodeEncodeError:
        return  # half a character is in no key of ours
    os.pwrite(log.head_fd, taken, HEAD + SLOT * (head.keys % SLOTS))
    head.keys += 1


def _is_continued(fd: int, head: Head, size: int, sealed: "Seal | None" = None) -> bool:
    """Whether the log before the head's end is the one that the head knew, though perhaps copied to a new inode.

    Of a log that was sealed its inode proves nothing: a file that is gone may have had the same. And a line that the
    head knew proves nothing unless it is the last of ours before the head's end: what an older head says of one file
    may also stand, further up, in the next one, which lost its beginning.
    """
    if head.end > size:
        return False
    if os.fstat(fd).st_ino == head.inode and sealed is None:
        return True
    if not head.end and sealed:
        return (head.sequence, head.checksum) == (sealed.sequence, sealed.checksum)
    around, at = b"", head.end
    while at and OURS not in around:  # lines of bash alone may stand there, however many
        start = max(0, at - BLOCK)
        around, at = os.pread(fd, at - start, start) + around, start
    _, known, behind = around.rpartition(f'"checksum":"{head.checksum}"}}\n'.encode())
    return head.sequence > 0 and bool(known) and OURS not in behind


def _walk(log: Log, head: Head, start: int, base: int = 0) -> None:
    """Move a head over the lines from `start` to the end of the log.

    Args:
        log: locked and open.
        head: moved in place.
        start: byte offset in the file where a line begins.
        base: offset in the whole log of the file's first byte.
    """
    rest = b""
    at = start
    patience = 4
    while patience:
        block = os.pread(log.fd, BLOCK, at)
        if not block:
            if not rest:
                break
            # Perhaps bash is still writing this line: it writes long ones in pieces.
            runtime.sleep(0.003)
            patience -= 1
            continue
        at += len(block)
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        for line in lines:
            _step(log, head, line)
    head.end = at
    log.torn = bool(rest)
    if rest:
        where = at - len(rest)
        log.prefix.append(note("log_torn", {"offset": base + where, "bytes": len(rest)}))
        log.notes.append(f"the log of '{log.stream}' ended inside a line; that line was set apart")


def note(type_: str, data: dict[str, object]) -> Draft:
    """An event of the program's own, which says what it found or did."""
    return Draft(type_, dumps(data), "no-session", "system")


def _step(log: Log, head: Head, line: bytes) -> None:
    """Move a head over one line, if it is one of ours; whether it is sound is for `verify` to say."""
    if OURS not in line:
        return
    try:
        event = loads(line)
    except ValueError:
        return
    if not isinstance(event, dict):
        return
    sequence, checksum = event.get("sequence_number"), event.get("checksum")
    if not is_count(sequence) or sequence <= head.sequence or not is_hex(checksum, 64):
        return
    head.sequence = sequence
    head.checksum = checksum
    head.time = max(head.time, parse_ns(event.get("timestamp")) or 0)
    _take_state(head, event)
    _keep_key(log, head, event)


def _take_state(head: Head, event: dict[str, object]) -> None:
    """Move revision, state and base, when the event is a state's."""
    data = event.get("data")
    revision = event.get("revision")
    if not is_count(revision) or not isinstance(data, dict) or data.get("revision") != revision:
        return
    sha256, base = data.get("sha256"), data.get("base")
    if revision <= head.revision or not is_hex(sha256, 64):
        return
    head.revision = revision
    head.state = sha256
    if base == revision:
        head.base, head.base_sequence, head.spliced = revision, head.sequence, 0
    elif isinstance(data.get("splice"), list) and is_count(base):
        head.base = base
        head.spliced += len(dumps(data["splice"]))


def _reanchor(log: Log, head: Head, size: int) -> Head:
    """Go on behind a log that is not the one the head knew: rewritten, or cut.

    Sequence numbers and the chain continue from the head, since only it still knows them; the event that is logged next
    says so. The next state becomes a base, because the splices before may be gone.
    """
    found = Head()
    _walk(log, found, 0)
    reason = "cut" if size < head.end and os.fstat(log.fd).st_ino == head.inode else "rewritten"
    log.prefix.append(
        note(
            "log_anchored",
            {"reason": reason, "sequence": head.sequence, "checksum": head.checksum, "found": found.sequence},
        )
    )
    log.notes.append(f"the log of '{log.stream}' was {reason} by another program; see `milestone events verify`")
    if found.sequence > head.sequence:
        head.sequence, head.checksum = found.sequence, found.checksum
    if found.revision > head.revision:
        head.revision, head.state = found.revision, found.state
    head.time = max(head.time, found.time, 0)
    head.base = 0
    head.end = found.end
    head.inode = os.fstat(log.fd).st_ino
    return head
