"""Damage that somebody has acknowledged: known, and told from any other by the bytes that it concerns.

An event of the type `log_repaired` names it by its key. So it is a note from then on, and everything that is damaged
afterwards is damage all the same.
"""

from milestone_cli.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.log.finding import Finding
    from milestone_cli.storage.contract import Store

EVENT = "log_repaired"
ANY = "*"
"""In the place of a line that was not there yet: what follows a tail that was cut off."""


def note(store: "Store", stream: str, size: int, findings: "list[Finding]") -> None:
    """Make notes of the damages that are acknowledged."""
    wanted = [finding for finding in findings if finding.severity == "damage" and finding.key]
    if not wanted:
        return
    spoiled = {finding.offset for finding in wanted if finding.code != "events_missing"}  # which is about none
    known = _known(store, stream, size, spoiled)
    for finding in wanted:
        event = next((known[key] for key in _names(finding) if key in known), None)
        if event is not None:
            finding.severity = "note"
            finding.message += f"; event {event} acknowledges it"


def _names(finding: "Finding") -> "tuple[str, str]":
    """The key of a damage, and the one under which it may have been acknowledged before a line followed it."""
    return finding.key, f"{finding.key.rpartition(':')[0]}:{ANY}"


def _known(store: "Store", stream: str, size: int, spoiled: "set[int]") -> "dict[str, object]":
    """Keys that sound events acknowledge, and the number of each event."""
    needle = f'"{EVENT}"'.encode()
    known: dict[str, object] = {}
    for at, block in store.scan(stream, 0, size):
        if needle not in block:
            continue
        offset = at
        for line in block.split(b"\n"):
            if needle in line and offset not in spoiled:
                known |= _keys(line)
            offset += len(line) + 1
    return known


def _keys(line: bytes) -> "dict[str, object]":
    try:
        event = loads(line)
    except ValueError:
        return {}
    if not isinstance(event, dict) or event.get("event_type") != EVENT or "checksum" not in event:
        return {}
    data = event.get("data")
    keys = data.get("accepted") if isinstance(data, dict) else None
    return {key: event.get("sequence_number") for key in keys if isinstance(key, str)} if isinstance(keys, list) else {}
