"""Lines that are no events, on the walk along a log: torn, glued by writers without a lock, or edited."""

from milestone_cli.core.log.finding import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.log.chain import Chain

# Where a line begins: bash and `milestone` write these keys first, so glued lines can be told apart.
START = rb'\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z","(?:milestone_id":(?:null,|")|event":")'
BASH_END = rb'"pid":\d+,"user":"[^"]*"\}$'
OUR_END = rb'"sequence_number":(\d+),"checksum":"([0-9a-f]{64})"\}$'
WATCH = 1000


def explain(chain: "Chain", event: "dict[str, object]") -> None:
    """Take a `log_torn` event as the record of the fragment it names, and of those before that one."""
    data = event.get("data")
    if not isinstance(data, dict):
        return
    named = [
        index
        for index, (_, offset, size, _) in enumerate(chain.torn)
        if data.get("offset") == offset or data.get("bytes") == size
    ]
    if named:
        for finding, _, _, starts in chain.torn[: named[-1] + 1]:
            chain.open += starts  # a bash line that was still being written goes on further down
            finding.severity, finding.code, finding.edits = "note", "torn_isolated", []
            finding.message = "a line that was never finished; a later event records it"
        del chain.torn[: named[-1] + 1]


def unreadable(chain: "Chain", line: bytes, number: int, offset: int) -> None:
    """Judge a line that is not a JSON object: torn, glued together by writers without a lock, or edited."""
    import re

    starts = [match.start() for match in re.finditer(START, line)]
    inner = [at for at in starts if at]
    if inner:
        chain.open += len(starts) - 1
        glue(chain, line, [0, *inner, len(line)], number, offset)
        return
    end = re.search(OUR_END, line)
    if end and int(end[1]) == chain.seq + 1:
        chain.take(int(end[1]), end[2], line)
        chain.edited(line, number, offset)
    elif chain.open and not starts and re.search(BASH_END, line):
        chain.open -= 1
        chain.findings.append(
            Finding("note", "bash_fragment", "the rest of a bash line that another line broke", number, offset)
        )
    else:
        finding = chain.damage("unreadable_line", "a line that is not a JSON object", number, offset).known_by(line)
        finding.after, finding.edits = chain.seq, [(offset, line + b"\n", b"")]
        chain.torn.append((finding, offset, len(line), len(starts)))
        del chain.torn[:-WATCH]
        chain.look(WATCH)


def glue(chain: "Chain", line: bytes, cuts: "list[int]", number: int, offset: int) -> None:
    """Judge a line in which several begin; ours is the last of them, and comes once more on its own."""
    from itertools import pairwise

    pieces = [line[start:end] for start, end in pairwise(cuts)]
    whole = 0
    before = chain.prev
    finding = Finding("note", "glued_line", "bash lines that broke each other, written without a lock", number, offset)
    chain.findings.append(finding)
    is_parted = False  # ours is never followed by more on its line, unless its line feed was taken away
    for index, piece in enumerate(pieces):
        event = chain.parse(piece)
        whole += event is not None
        if event is None or "checksum" not in event:
            continue
        finding.message = "an event that landed inside a bash line; it is written once more after it"
        if event.get("sequence_number") == chain.seq + 1 and chain.sound(piece, chain.prev):
            is_parted = is_parted or index < len(pieces) - 1
            chain.take(chain.seq + 1, piece[-66:-2], piece)
            chain.tentative = (chain.seq, before)
            chain.glued = finding
            chain.repeats = {chain.seq: piece}
            chain.look(WATCH)
    if is_parted or whole == len(pieces):
        finding.severity = "damage"
        finding.message = "several lines without the line feed between them"
        finding.known_by(line)
    if whole == len(pieces):
        finding.edits = [(offset + cut, b"", b"\n") for cut in cuts[1:-1]]
