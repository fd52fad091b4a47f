"""Events as lines for people, and as JSON that keeps the text of every line."""

from milestone_cli.jsontext import dumps, loads
from milestone_cli.render import notify
from milestone_cli.render.text import clean, flat
from milestone_cli.splice import changed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Each = Callable[[Callable[[bytes], bytes]], Iterator[bytes]]
    """Blocks of whole lines as a function that hands over what is made of each of them, in order."""

CONTROLS = bytes([*range(10), *range(11, 32), 127])
LEADS = (b"\xc2", b"\xd8\x9c", b"\xe2\x80", b"\xe2\x81", b"\xed")
"""First bytes of the controls beyond ASCII: C1, bidirectional ones, half characters."""
TOLD = ("checkpoint_name", "backup_file", "reason")
"""What else a state's event may say, worth a word."""
NAMES = ("checkpoint_name", "session_id", "backup_file", "transaction_id")
"""What speaks for itself."""
PATHS = 4
"""So many of the paths that a change named are told."""
NOBODY = ("", "system")
"""Who acted where nobody said who did."""
TOOL = ("tool", "target", "outcome", "duration_ms")
"""What a call of a tool says in other words."""
SILENT = ("state_file", "checkpoint_file", "sha256")
"""What says no more than the rest, or nothing to people."""


def as_json(
    kind: str, milestone: "str | None", blocks: "Iterable[bytes]", more: "Callable[[], dict[str, object]] | None" = None
) -> "Iterator[bytes]":
    """Wrap blocks of whole lines into one JSON object; the lines stay as they are.

    Args:
        kind: of the object.
        milestone: whose events they are.
        blocks: whole lines.
        more: what stands behind the events, known when all have come.
    """
    yield f'{{"schema":"milestone/{kind}/v1","milestone_id":{dumps(milestone)},"events":['.encode()
    seam = b"\n"
    for block in blocks:
        yield seam
        yield block[:-1].replace(b"\n", b",\n")
        seam = b",\n"
    yield b"\n]" + (b"," + dumps(found)[1:-1].encode() if more and (found := more()) else b"") + b"}\n"


def harmless(raw: bytes) -> bytes:
    """Make text from outside harmless on a terminal; where the bytes show nothing to replace, it passes at once."""
    if len(raw.translate(None, CONTROLS)) == len(raw):
        if raw.isascii():
            return raw
        if not any(lead in raw for lead in LEADS):
            try:
                raw.decode()
            except UnicodeDecodeError:
                pass
            else:
                return raw
    return b"\n".join([clean(line).encode() for line in raw.decode("utf-8", "replace").split("\n")])


def is_bad(type_: str) -> bool:
    """Whether an event's type speaks of something that went wrong."""
    return any(word in type_ for word in ("fail", "error", "torn", "damage", "anchored"))


def parts(line: bytes, tell: "Callable[[object], str]") -> "tuple[str, str, str, str, str]":
    """Second, type, agent, session and summary of one event, from whatever its line says."""
    event = loads(line)
    assert isinstance(event, dict)
    stamp = flat(str(event.get("timestamp", "")))[:19].replace("T", " ")
    type_ = flat(str(event.get("event_type", event.get("event", "?"))))
    session = flat(str(event.get("session_id", "")))
    agent = flat(str(event.get("agent_id", "")))
    return stamp, type_, agent, "" if session == "no-session" else session, flat(tell(event.get("data")))


def summary(data: object) -> str:
    """What an event's data says, in one line; of a state only the size of the change."""
    if data is None or data == {}:
        return ""
    if isinstance(data, dict) and "revision" in data and "state_file" in data:
        return state_summary(data)
    return dumps(data)


def state_summary(data: "dict[str, object]") -> str:
    """A state's event, without its text."""
    words = [f"revision {data['revision']}"]
    text, splices = data.get("text"), data.get("splice")
    size = len(text.encode("utf-8", "replace")) if isinstance(text, str) else data.get("bytes")
    edited = changed(splices) if isinstance(splices, list) else data.get("bytes_changed")
    paths = data.get("paths")
    if isinstance(paths, list) and paths and edited != 0:
        shown = [str(path) or "(the whole)" for path in paths[:PATHS]] + ["and more"] * (len(paths) > PATHS)
        words = [f"{words[0]}: {', '.join(shown)}"]
    elif isinstance(size, int):
        words.append(_bytes(size))
    elif isinstance(edited, int):
        words.append(_bytes(edited) + " changed" if edited else "nothing changed")
    words += [f"{verb} of {data[verb]}" for verb in ("undo", "redo") if isinstance(data.get(verb), int)]
    words += [str(data[name]) for name in TOLD if isinstance(data.get(name), str)]
    if data.get("outside"):
        words.append("outside")
    return ", ".join(words)


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"


def told(data: object) -> str:
    """What an event's data says, in words where it is flat: `count 42, suite unit`."""
    if not isinstance(data, dict) or ("revision" in data and "state_file" in data):
        return summary(data)
    if isinstance(data.get("sync_id"), str) or {"agent_id", "type"} <= data.keys():
        from milestone_cli.render.crew import words

        return words(data)
    if not all(_is_flat(value) for value in data.values()):
        return dumps(data)
    if isinstance(data.get("tool"), str):
        return _told_tool(data)
    return ", ".join([_told(name, value) for name, value in data.items() if name not in SILENT])


def _told_tool(data: "dict[str, object]") -> str:
    """A call of a tool: `Bash npm, failed, exit_code 1, 12.3 s`."""
    target, outcome, took = data.get("target"), data.get("outcome"), data.get("duration_ms")
    words = [f"{data['tool']} {target}" if isinstance(target, str) else str(data["tool"])]
    words += [str(outcome)] if outcome is not None and outcome != "ok" else []
    words += [_told(name, value) for name, value in data.items() if name not in TOOL]
    if isinstance(took, int | float):
        words.append(f"{took / 1000:.1f} s" if took >= 100 else f"{took} ms")
    return ", ".join(words)


def _is_flat(value: object) -> bool:
    """Whether a value, or a list of them, can be told in a line."""
    many = value if isinstance(value, list) else [value]
    return all(isinstance(one, str | int | float | None) for one in many)


def _told(name: str, value: object) -> str:
    shown = " ".join(["-" if one is None else one if isinstance(one, str) else dumps(one)
                      for one in (value if isinstance(value, list) else [value])]) or "-"  # fmt: skip
    return shown if name in NAMES else f"{name} {shown}"


def notify_skipped(lines: int) -> None:
    """Say on standard error how many lines were no events."""
    if lines:
        which = (
            "1 line is no event and was left out" if lines == 1 else f"{lines} lines are no events and were left out"
        )
        notify([f"{which}; `milestone events verify` tells more"])
