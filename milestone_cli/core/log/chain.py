"""The walk along a log, line by line: sequence, checksums, and what kind of line each one is.

A line of ours that is sound costs one hash and a few comparisons; everything else goes through
`Chain.step`, which finds out what happened to it. The invariant: a log that only `milestone` and the bash
utilities wrote is undamaged.
"""

from milestone_cli.core.log.finding import Finding
from milestone_cli.core.log.gaps import Gaps
from milestone_cli.core.log.lines import MARK, SPACED
from milestone_cli.model import GENESIS, is_count, sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.model import Head

PARSE_BY_C = 20_000


def hasher(size: int) -> "object":
    """A SHA-256 constructor: OpenSSL's for large logs, the one that imports fastest for small ones."""
    if size < 1 << 20:
        return sha256
    import hashlib

    return hashlib.sha256


class Chain:
    """Where a walk along a log stands, and what it has found so far."""

    __slots__ = ("anchored", "compact", "doubt", "events", "findings", "foreign", "forged", "fresh", "front", "gaps",
                 "glued", "last", "lines", "loads", "new", "open", "parsed", "prev", "repeats", "rewritten", "seq",
                 "slow", "spaced", "suspect", "tentative", "torn", "watch")  # fmt: skip

    def __init__(self, new: "object") -> None:
        from milestone_cli.jsontext import loads

        self.new = new
        self.loads: Callable[[bytes], object] = loads
        self.parsed = 0
        self.seq = 0
        self.prev = GENESIS.encode()
        self.lines = 0
        self.events = 0
        self.foreign = 0
        self.findings: list[Finding] = []
        self.compact = False  # a line as it was written has been seen; rewritten ones can only come before it
        self.last = b""  # the last line of ours
        self.forged = b""  # the checksum that the line before should have carried, when it carried another
        self.doubt: Finding | None = None  # what was said of that line
        # A line whose number does not fit: sequence number, checksum, line, number, offset. The next one judges it.
        self.suspect: tuple[int, bytes, bytes, int, int] | None = None
        self.slow = False  # look closely at lines that may be sound
        self.gaps = Gaps()
        self.open = 0  # bash lines that began inside a glued line and whose ends are still to come
        self.glued: Finding | None = None
        self.repeats: dict[int, bytes] = {}  # lines since the last glued one, which may come once more
        self.tentative: tuple[int, bytes] | None = None
        self.watch = 0  # lines of ours to look at closely, since what they are may explain one before
        self.torn: list[tuple[Finding, int, int, int]] = []
        self.rewritten: Finding | None = None
        self.spaced = 0
        self.fresh = True  # no line of ours has been seen of the file that the walk is in
        self.front = 0  # events that went from the front when the log was written anew
        self.anchored = 0

    def feed(self, offset: int, block: bytes) -> bytes:
        """Walk along a block of whole lines; returns what follows its last line feed."""
        lines = block.split(b"\n")
        tail = lines.pop()
        new, seq, prev = self.new, self.seq, self.prev
        done = 0
        last = self.last
        for index, line in enumerate(lines):
            if line[-79:-66] == MARK and not self.slow:
                body = line[:-79]
                if body.endswith(b',"sequence_number":%d' % (seq + 1)):
                    digest = new(prev)  # type: ignore[operator]
                    digest.update(body)
                    due = digest.hexdigest().encode()
                    if line.endswith(b'"%s"}' % due):
                        prev, last = due, line
                        seq += 1
                        continue
            self.advance(seq, prev, last)
            offset += sum(map(len, lines[done:index])) + index - done
            done = index
            self.step(line, self.lines + index + 1, offset)
            seq, prev, last = self.seq, self.prev, self.last
        self.advance(seq, prev, last)
        self.lines += len(lines)
        return tail

    def advance(self, seq: int, prev: bytes, last: bytes) -> None:
        """Take over the sound lines that `feed` has passed."""
        if seq > self.seq:
            self.events += seq - self.seq
            self.seq, self.prev, self.last = seq, prev, last
            self.compact = True
            self.fresh = False
            self.forged = b""
            self.tentative = None

    def step(self, line: bytes, number: int, offset: int) -> None:
        """Judge one line that is not plainly the next sound one."""
        event = self.parse(line)
        if event is None:
            from milestone_cli.core.log.fragments import unreadable

            unreadable(self, line, number, offset)
            return
        sequence, stated = event.get("sequence_number"), event.get("checksum")
        spaced = line.startswith(SPACED)
        if sequence is None and stated is None and "event_id" not in event:
            self.foreign += 1
        elif not (is_count(sequence) and isinstance(stated, str) and stated.isascii() and len(stated) == 64):
            told = "a line of ours without its sequence number or checksum"
            self.damage("fields_missing", told, number, offset).known_by(line)
        elif spaced and not self.compact:
            self.old(event, line, number, offset)
        else:
            self.ours(event, line, number, offset)
        if spaced and not self.compact:
            self.spaced += 1
            if self.rewritten is None:
                self.rewritten = Finding("note", "rewritten_outside", "", number, offset)
                self.findings.append(self.rewritten)
        else:
            self.compact = True

    def parse(self, line: bytes) -> "dict[str, object] | None":
        """The line as an object, or None."""
        self.parsed += 1
        if self.parsed == PARSE_BY_C:
            from orjson import loads

            self.loads = loads
        try:
            event = self.loads(line)
        except (ValueError, OverflowError):
            return None
        return event if isinstance(event, dict) else None

    def damage(self, code: str, message: str, number: int, offset: int) -> Finding:
        """Add a finding that makes `verify` exit 6."""
        finding = Finding("damage", code, message, number, offset)
        self.findings.append(finding)
        return finding

    def sound(self, line: bytes, prev: bytes) -> bool:
        """Whether a line carries the checksum that follows from the one before it."""
        return line[-79:-66] == MARK and line.endswith(b'"%s"}' % self.checksum(line, prev))

    def checksum(self, line: bytes, prev: bytes) -> bytes:
        """The checksum that a line should carry."""
        at = line.rfind(MARK)
        digest = self.new(prev + (line[:at] if at >= 0 else line))  # type: ignore[operator]
        return digest.hexdigest().encode()  # type: ignore[no-any-return]

    def take(self, sequence: int, stated: bytes, line: bytes) -> None:
        """Go on from this line of ours."""
        self.events += 1
        self.seq, self.prev, self.last = sequence, stated, line
        self.fresh = False
        self.forged = b""
        if self.glued is not None:
            self.repeats[sequence] = line
        if self.watch:
            self.look(self.watch - 1)
            if not self.watch:
                self.glued = None
                self.repeats = {}
                self.torn = []

    def look(self, lines: int) -> None:
        """Look closely at so many lines of ours from here on, since what they are may explain one before."""
        self.watch = lines
        self.slow = lines > 0 or self.suspect is not None

    def enter(self) -> None:
        """Go on in the next file of a log, which the clean-up of bash may have written anew: it knows no other."""
        self.compact = False
        self.fresh = True

    def old(self, event: "dict[str, object]", line: bytes, number: int, offset: int) -> None:
        """Take a line that bash's clean-up wrote anew: its checksum proves nothing now, its place does."""
        sequence, stated = event["sequence_number"], str(event["checksum"]).encode()
        assert isinstance(sequence, int)
        if self.suspect:
            self.settle(sequence, line)
        if self.fresh and sequence > self.seq:
            self.front += sequence - 1 - self.seq
        elif sequence > self.seq + 1 and not self.anchors(event, sequence):
            self.lack(sequence, line, number, offset)
        if sequence <= self.seq:
            self.misplaced(sequence, line, number, offset)
            return
        self.take(sequence, stated, line)

    def anchors(self, event: "dict[str, object]", sequence: int) -> bool:
        """Whether this event records that a log was rewritten, and from where the chain goes on."""
        data = event.get("data")
        if event.get("event_type") != "log_anchored" or not isinstance(data, dict):
            return False
        if data.get("sequence") != sequence - 1 or data.get("reason") == "cut":
            return False
        self.anchored += sequence - 1 - self.seq
        return True

    def ours(self, event: "dict[str, object]", line: bytes, number: int, offset: int) -> None:
        """Judge a line of ours."""
        sequence, stated = event["sequence_number"], str(event["checksum"]).encode()
        assert isinstance(sequence, int)
        if self.suspect:
            self.settle(sequence, line)
        if event.get("event_type") == "log_torn":
            from milestone_cli.core.log.fragments import explain

            explain(self, event)
        data = event.get("data")
        start = str(data.get("checksum")).encode(errors="replace") if isinstance(data, dict) else b""
        if sequence == self.seq + 1:
            self.next(sequence, stated, line, number, offset)
        elif sequence > self.seq + 1 and self.sound(line, start) and self.anchors(event, sequence):
            self.take(sequence, stated, line)
        elif (
            self.tentative
            and self.tentative[0] == sequence
            and self.sound(line, self.tentative[1])
            and line != self.last
        ):
            self.events -= 1  # what stood inside a bash line was never acknowledged; this is its successor
            self.take(sequence, stated, line)
        elif self.repeats.get(sequence) == line:
            if self.glued is not None:
                self.glued.severity, self.glued.edits = "note", []
        elif event.get("event_type") == "log_anchored" and sequence > self.seq + 1:
            self.lack(sequence, line, number, offset)
            self.take(sequence, stated, line)
        else:
            self.suspect = (sequence, stated, line, number, offset)
            self.slow = True
        self.tentative = None

    def settle(self, following: int = 0, line: bytes = b"") -> None:
        """Judge the line whose number did not fit, now that the one after it is known."""
        assert self.suspect is not None
        sequence, stated, suspect, number, offset = self.suspect
        self.suspect, self.slow = None, self.watch > 0
        if following == self.seq + 2 and self.sound(line, stated):
            self.take(self.seq + 1, stated, suspect)
            self.edited(suspect, number, offset, f"; it bears the number {sequence}")
        elif sequence > self.seq + 1:
            self.lack(sequence, suspect, number, offset)
            self.take(sequence, stated, suspect)
        else:
            self.misplaced(sequence, suspect, number, offset)

    def lack(self, sequence: int, line: bytes, number: int, offset: int) -> None:
        """Remember that numbers before a line are missing; they may still come."""
        self.gaps.add(self.seq + 1, sequence - 1, line, number, offset)

    def edited(self, line: bytes, number: int, offset: int, more: str = "") -> Finding:
        """Say that the event of the line that was just taken is not as it was written."""
        told = f"event {self.seq} is not as it was written{more}"
        return self.damage("checksum_mismatch", told, number, offset).known_by(line)

    def next(self, sequence: int, stated: bytes, line: bytes, number: int, offset: int) -> None:
        """Judge the checksum of a line that is the next by its number."""
        due = self.checksum(line, self.prev)
        is_shaped = line[-79:-66] == MARK and line.endswith(b'"}')
        good = due == stated and is_shaped
        if not good and self.forged and self.sound(line, self.forged):
            good = True
            self.altered()
        self.take(sequence, stated, line)
        if not good:
            self.forged, self.doubt = due, self.edited(line, number, offset)
            if is_shaped:  # until the next line tells whether it is the checksum that was altered
                self.doubt.edits = [(offset + len(line) - 66, stated, due)]

    def altered(self) -> None:
        """Say of the line before that its checksum alone was altered: what follows it was made from the right one."""
        assert self.doubt is not None
        self.doubt.code = "checksum_altered"
        self.doubt.message = f"the checksum of event {self.seq} was altered; what the event says is as it was written"

    def misplaced(self, sequence: int, line: bytes, number: int, offset: int) -> None:
        """Judge a line whose number has been passed: doubled, or moved."""
        gap = self.gaps.take(sequence)
        if gap is not None:
            self.events += 1
            told = f"event {sequence} stands behind a later one"
            finding = self.damage("order", told, number, offset).known_by(line)
            finding.after = sequence
            finding.edits = [(gap.offset, b"", line + b"\n"), (offset, line + b"\n", b"")]
            return
        more = "" if line == self.last else ", or another took its number"
        finding = self.damage("doubled", f"event {sequence} stands twice{more}", number, offset).known_by(line)
        finding.after, finding.edits = sequence, [(offset, line + b"\n", b"")]

    def finish(self, head: "Head | None" = None) -> None:
        """Say what only the end of the log tells, and its head: what never came, and how much was rewritten."""
        if self.suspect:
            is_last = head is not None and head.checksum.encode() == self.suspect[1] and head.sequence == self.seq + 1
            sequence, stated, line, number, offset = self.suspect
            if is_last:
                self.suspect = None
                self.take(self.seq + 1, stated, line)
                self.edited(line, number, offset, f"; it bears the number {sequence}")
            else:
                self.settle()
        if self.forged and head is not None and head.checksum.encode() == self.forged and head.sequence == self.seq:
            self.altered()
            self.prev = self.forged
        self.findings += self.gaps.findings()
        if self.rewritten is not None:
            self.rewritten.message = (
                f"{self.spaced} lines were written anew outside, as bash's clean-up does; their checksums prove nothing"
            )
            if self.front:
                self.rewritten.message += f"; the first {self.front} events went with it"
        if self.anchored:
            self.findings.append(
                Finding(
                    "note",
                    "events_lost_outside",
                    f"{self.anchored} events went when the log was written anew outside; a later event records it",
                )
            )
