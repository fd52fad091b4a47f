"""States as they were, for people and for machines: each event that changed the state, and the state after it."""

from milestone_cli.jsontext import dumps
from milestone_cli.render.ages import when
from milestone_cli.render.changes import diff_text
from milestone_cli.render.events import TOLD
from milestone_cli.render.table import BOLD, DIM, paint
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from milestone_cli.core.log.replay import Step


def line(step: "Step") -> bytes:
    """An event and the state after it in one line; the state's own line feeds, which mean nothing, are spaces."""
    text = b"null" if step.text is None else step.text.strip().replace(b"\n", b" ").replace(b"\r", b" ")
    return dumps(step.fields()).encode()[:-1] + b',"state":' + text + b"}"


def as_lines(steps: "Iterable[Step]") -> "Iterator[bytes]":
    """JSON Lines."""
    for step in steps:
        yield line(step) + b"\n"


def as_json(kind: str, named: "dict[str, object]", steps: "Iterable[Step]") -> "Iterator[bytes]":
    """One JSON object, piece by piece.

    Args:
        kind: of output, as its schema has it.
        named: what was replayed.
        steps: what came out.
    """
    yield f'{{"schema":"milestone/{kind}/v1",{dumps(named)[1:-1]},"states":['.encode()
    seam = b"\n"
    for step in steps:
        yield seam + line(step)
        seam = b",\n"
    yield b"\n]}\n"


def as_yaml(steps: "Iterable[Step]") -> "Iterator[str]":
    """A YAML document for each."""
    from milestone_cli.render.document import as_yaml as document

    for step in steps:
        yield "---\n" + document(line(step))


def as_text(steps: "Iterable[Step]") -> "Iterator[str]":
    """What happened and what it changed: a line for the event, and one for each change."""
    seam = ""
    for step in steps:
        yield seam + _event(step) + "\n" + "".join(f"  {told}\n" for told in _changes(step))
        seam = "\n"


def _event(step: "Step") -> str:
    event = step.event
    words = [
        paint(f"event {event.get('sequence_number')}", BOLD),
        flat(str(event["event_type"])),
        f"revision {event['revision']}",
    ]
    agent, session = (flat(str(event.get(name, ""))) for name in ("agent_id", "session_id"))
    if agent not in ("", "system"):
        words.append(f"by {agent}")
    if session not in ("", "no-session"):
        words.append(f"in {session}")
    data = event["data"]
    if isinstance(data, dict):
        words += [f"{verb} of {data[verb]}" for verb in ("undo", "redo") if isinstance(data.get(verb), int)]
        words += [flat(str(data[name])) for name in TOLD if isinstance(data.get(name), str)]
        words += ["outside"] if data.get("outside") else []
    return "  ".join([*words, paint(when(event.get("timestamp")), DIM)])


def _changes(step: "Step") -> "list[str]":
    if step.text is None:
        return ["the state was deleted"]
    if step.before == step.text:
        return []
    return diff_text(step.changes(), identical=False).split("\n")
