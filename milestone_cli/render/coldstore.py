"""What is put away, for people: the plan, the list, and what is in one."""

from milestone_cli.render.ages import amount, count, size, when
from milestone_cli.render.table import DIM, GREEN, RED, table
from milestone_cli.runtime import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.coldstore.document import Kept
    from milestone_cli.core.coldstore.keeping import Candidate
    from milestone_cli.render.table import Cell


def plan_text(planned: "list[Candidate]") -> str:
    """What would be put away, and what would stay and why."""
    if not planned:
        return "nothing is completed yet"
    rows: list[list[Cell]] = [
        [
            one.kind,
            one.name,
            (when(timestamp(one.time)), DIM),
            size(one.size),
            ("stays", DIM) if one.hold else ("goes", GREEN),
            one.hold or "completed, and old enough",
        ]
        for one in planned
    ]
    return table(rows, ["KIND", "NAME", "COMPLETED", "BYTES", "PLAN", "WHY"], align="<=<><<")


def done_text(done: "list[Candidate]", planned: "list[Candidate]") -> str:
    """What was put away, in a sentence."""
    return f"{len(done):,} of {count(len(planned), 'completed item')} archived, {amount(sum(one.size for one in done))}"


def list_text(found: "list[dict[str, object]]") -> str:
    """Everything that is put away."""
    if not found:
        return "nothing is archived; `milestone archive run` archives completed work"
    rows: list[list[Cell]] = [
        [
            str(one["kind"]),
            str(one["name"]),
            (when(one["archived_at"]), DIM),
            str(one["documents"]),
            size(one["bytes"]),
            size(one["packed_bytes"]),
            (str(one["trouble"]), RED) if one["trouble"] else "",
        ]
        for one in found
    ]
    return table(rows, ["KIND", "NAME", "ARCHIVED", "DOCUMENTS", "BYTES", "PACKED", "TROUBLE"], align="<=<>>><")


def contents_fields(kind: str, name: str, kept: "list[Kept]") -> "dict[str, object]":
    """What is put away under a name, as JSON values."""
    documents = [
        {"kind": one[0], "key": one[1], "written": timestamp(one[2]), "text": one[3].decode("utf-8", "replace")}
        for one in kept
    ]
    return {"kind": kind, "name": name, "documents": documents}


def contents_text(kept: "list[Kept]") -> str:
    """What is put away of a milestone, a line for each copy."""
    rows: list[list[Cell]] = [[one[0], one[1], (when(timestamp(one[2])), DIM), size(len(one[3]))] for one in kept]
    return table(rows, ["KIND", "KEY", "WRITTEN", "BYTES"], align="<=<>")
