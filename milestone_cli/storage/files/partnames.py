"""Names of the files of sealed parts, in their folders; apart from `layout`, since no hot command needs them."""

PLAIN, PACKED, SEAL, LATE = ".jsonl", ".jsonl.gz", ".seal", ".late"
"""How the files of a sealed part end: its lines, or the same compressed; what is known of it; lines that came late to
one whose lines are removed."""
NEXT = ".next.tmp"
"""In the same folder, the file of a log that is about to take the place of the one being sealed."""


def segment_file(start: int, end: int, ending: str) -> str:
    """A file of a sealed part, by the offsets in the log at which it starts and ends."""
    return f"{start:015d}-{end:015d}{ending}"


def segment_span(name: str) -> "tuple[int, int, str] | None":
    """Start, end and ending of such a file; None for any other."""
    start, _, rest = name.partition("-")
    end, dot, ending = rest.partition(".")
    if not (dot and start.isdecimal() and end.isdecimal() and name.isascii()):
        return None
    first, last = int(start), int(end)
    return (first, last, dot + ending) if first <= last else None
