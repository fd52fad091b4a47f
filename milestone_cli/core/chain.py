"""The walk along a log, line by line: sequence, checksums, and what kind of line each one is.

A line of ours that is sound costs one hash and a few comparisons; everything else goes through
`Chain.step`, which finds out what happened to it. The invariant: a log that only `milestone` and the bash
utilities wrote is undamaged.
"""

from milestone_cli.model import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MARK = b',"checksum":"'
ZERO = b"0" * 64
SPACED = b'{"timestamp": "'
# Where a line begins: bash and `milestone` write these keys first, so glued lines can be told apart.
START = rb'\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z","(?:milestone_id":(?:null,|")|event":")'
BASH_END = rb'"pid":\d+,"user":"[^"]*"\}$'
OUR_END = rb'"sequence_number":(\d+),"checksum":"([0-9a-f]{64})"\}$'
WATCH = 1000
PARSE_BY_C = 20_000


class Finding:
    """One thing worth saying about a log; `severity` is "damage" or "note"."""

    __slots__ = ("code", "line", "message", "offset", "severity")

    def __init__(self, severity: str, code: str, message: str, line: int = 0, offset: int = 0) -> None:
        self.severity = severity
        self.code = code
        self.message = message
        self.line = line
        self.offset = offset

    def fields(self) -> "dict[str, object]":
        """The finding as JSON values; line and offset are null where it concerns no line."""
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "line": self.line or None,
            "offset": self.offset if self.line else None,
        }


def hasher(size: int) -> "object":
    """A SHA-256 constructor: OpenSSL's for large logs, the one that imports fastest for small ones."""
    if size < 1 << 20:
        return sha256
    import hashlib

    return hashlib.sha256


class Chain:
    """Where a walk along a log stands, and what it has found so far."""

    __slots__ = (
        "anchored",
        "compact",
        "events",
        "findings",
        "foreign",
        "forged",
        "front",
        "glued",
        "last",
        "lines",
        "loads",
        "missing",
        "new",
        "open",
        "parsed",
        "prev",
        "repeats",
        "rewritten",
        "seq",
        "spaced",
        "tentative",
        "torn",
        "watch",
    )

    def __init__(self, new: "object") -> None:
        from milestone_cli.jsontext import loads

        self.new = new
        self.loads: Callable[[bytes], object] = loads
        self.parsed = 0
        self.seq = 0
        self.prev = ZERO
        self.lines = 0
        self.events = 0
        self.foreign = 0
        self.findings: list[Finding] = []
        self.compact = False  # a line as it was written has been seen; rewritten ones can only come before it
        self.last = b""  # the last line of ours
        self.forged = b""  # the checksum that the line before should have carried, when it carried another
        self.missing: list[list[int]] = []  # [first, last, line, offset] of sequence numbers not seen yet
        self.open = 0  # bash lines that began inside a glued line and whose ends are still to come
        self.glued: Finding | None = None
        self.repeats: dict[int, bytes] = {}  # lines since the last glued one, which may come once more
        self.tentative: tuple[int, bytes] | None = None
        self.watch = 0  # lines of ours to look at closely, since what they are may explain one before
        self.torn: list[tuple[Finding, int, int, int]] = []
        self.rewritten: Finding | None = None
        self.spaced = 0
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
            if line[-79:-66] == MARK and not self.watch:
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
            self.forged = b""
            self.tentative = None

    def step(self, line: bytes, number: int, offset: int) -> None:
        """Judge one line that is not plainly the next sound one."""
        event = self.parse(line)
        if event is None:
            self.unreadable(line, number, offset)
            return
        sequence, stated = event.get("sequence_number"), event.get("checksum")
        spaced = line.startswith(SPACED)
        if sequence is None and stated is None and "event_id" not in event:
            self.foreign += 1
        elif type(sequence) is not int or type(stated) is not str or len(stated) != 64:
            self.damage("fields_missing", "a line of ours without its sequence number or checksum", number, offset)
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
        self.forged = b""
        if self.glued is not None:
            self.repeats[sequence] = line
        if self.watch:
            self.watch -= 1
            if not self.watch:
                self.glued = None
                self.repeats = {}
                self.torn = []

    def old(self, event: "dict[str, object]", line: bytes, number: int, offset: int) -> None:
        """Take a line that bash's clean-up wrote anew: its checksum proves nothing now, its place does."""
        sequence, stated = event["sequence_number"], str(event["checksum"]).encode()
        assert isinstance(sequence, int)
        if not self.seq:
            self.front = sequence - 1
        elif sequence > self.seq + 1 and not self.anchors(event, sequence):
            self.missing.append([self.seq + 1, sequence - 1, number, offset])
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
        if event.get("event_type") == "log_torn":
            self.explain(event)
        if sequence == self.seq + 1:
            self.next(sequence, stated, line, number, offset)
        elif sequence > self.seq + 1:
            data = event.get("data")
            start = str(data.get("checksum")).encode() if isinstance(data, dict) else b""
            if not (self.sound(line, start) and self.anchors(event, sequence)):
                self.missing.append([self.seq + 1, sequence - 1, number, offset])
            self.take(sequence, stated, line)
        elif (
            self.tentative
            and self.tentative[0] == sequence
            and self.sound(line, self.tentative[1])
            and line != self.last
        ):
            self.events -= 1  # what stood inside a bash line was never acknowledged; this is its successor
            self.take(sequence, stated, line)
        else:
            self.misplaced(sequence, line, number, offset)
        self.tentative = None

    def next(self, sequence: int, stated: bytes, line: bytes, number: int, offset: int) -> None:
        """Judge the checksum of a line that is the next by its number."""
        due = self.checksum(line, self.prev)
        good = due == stated and line[-79:-66] == MARK and line.endswith(b'"}')
        if not good and self.forged:
            good = self.sound(line, self.forged)  # only the checksum before it was edited
        self.take(sequence, stated, line)
        if not good:
            self.forged = due
            self.damage("checksum_mismatch", f"event {sequence} is not as it was written", number, offset)

    def misplaced(self, sequence: int, line: bytes, number: int, offset: int) -> None:
        """Judge a line whose number has been passed: written again, doubled, or moved."""
        if self.repeats.get(sequence) == line:
            if self.glued is not None:
                self.glued.severity = "note"
            return
        for gap in self.missing:
            if gap[0] <= sequence <= gap[1]:
                self.missing.remove(gap)
                self.missing += [
                    part
                    for part in ([gap[0], sequence - 1, *gap[2:]], [sequence + 1, gap[1], *gap[2:]])
                    if part[0] <= part[1]
                ]
                self.events += 1
                self.damage("order", f"event {sequence} stands behind a later one", number, offset)
                return
        same = line == self.last
        self.damage(
            "doubled",
            f"event {sequence} stands twice" + ("" if same else ", or another took its number"),
            number,
            offset,
        )

    def explain(self, event: "dict[str, object]") -> None:
        """Take a `log_torn` event as the record of the fragment it names, and of those before that one."""
        data = event.get("data")
        if not isinstance(data, dict):
            return
        named = [
            index
            for index, (_, offset, size, _) in enumerate(self.torn)
            if data.get("offset") == offset or data.get("bytes") == size
        ]
        if named:
            for finding, _, _, starts in self.torn[: named[-1] + 1]:
                self.open += starts  # a bash line that was still being written goes on further down
                finding.severity, finding.code = "note", "torn_isolated"
                finding.message = "a line that was never finished; a later event records it"
            del self.torn[: named[-1] + 1]

    def unreadable(self, line: bytes, number: int, offset: int) -> None:
        """Judge a line that is no JSON object: torn, glued together by writers without a lock, or edited."""
        import re

        starts = [match.start() for match in re.finditer(START, line)]
        inner = [at for at in starts if at]
        if inner:
            self.open += len(starts) - 1
            self.glue(line, [0, *inner, len(line)], number, offset)
            return
        end = re.search(OUR_END, line)
        if end and int(end[1]) == self.seq + 1:
            self.take(int(end[1]), end[2], line)
            self.damage("checksum_mismatch", f"event {self.seq} is not as it was written", number, offset)
        elif self.open and not starts and re.search(BASH_END, line):
            self.open -= 1
            self.findings.append(
                Finding("note", "bash_fragment", "the rest of a bash line that another line broke", number, offset)
            )
        else:
            finding = self.damage("unreadable_line", "a line that is no JSON object", number, offset)
            self.torn.append((finding, offset, len(line), len(starts)))
            del self.torn[:-WATCH]
            self.watch = WATCH

    def glue(self, line: bytes, cuts: "list[int]", number: int, offset: int) -> None:
        """Judge a line in which several begin; ours is the last of them, and comes once more on its own."""
        from itertools import pairwise

        pieces = [line[start:end] for start, end in pairwise(cuts)]
        whole = 0
        before = self.prev
        finding = Finding(
            "note", "glued_line", "bash lines that broke each other, written without a lock", number, offset
        )
        self.findings.append(finding)
        for index, piece in enumerate(pieces):
            event = self.parse(piece)
            whole += event is not None
            if event is None or "checksum" not in event:
                continue
            finding.message = "an event that landed inside a bash line; it is written once more after it"
            if event.get("sequence_number") == self.seq + 1 and self.sound(piece, self.prev):
                if index < len(pieces) - 1:
                    whole = len(pieces)
                self.take(self.seq + 1, piece[-66:-2], piece)
                self.tentative = (self.seq, before)
                self.glued = finding
                self.repeats = {self.seq: piece}
                self.watch = WATCH
        if whole == len(pieces):
            finding.severity = "damage"
            finding.message = "several lines without the line feed between them"

    def finish(self) -> None:
        """Say what only the end of the log tells: numbers that never came, and how much was rewritten."""
        for first, last, number, offset in sorted(self.missing):
            which = f"event {first} is" if first == last else f"events {first} to {last} are"
            self.damage("events_missing", f"{which} missing", number, offset)
        self.missing = []
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
