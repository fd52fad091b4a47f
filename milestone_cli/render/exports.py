"""Archives of stores for people: what was exported, and what clearing removes."""

from milestone_cli.render.ages import amount, count
from milestone_cli.render.table import RED, paint
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from milestone_cli.core.exports.clearing import Clearing


def export_text(fields: "dict[str, Any]") -> str:
    """An export in one line."""
    what = extent(fields["documents"], fields["logs"], fields["bytes"])
    if fields["dry_run"]:
        return f"would export {what}"
    return flat(f"exported {what} to {fields['file']}; every byte was read back")


def extent(documents: int, logs: int, size: int) -> str:
    """How much is in a store."""
    return f"{count(documents, 'document')} and {count(logs, 'log')}, {amount(size)}"


def clear_text(store: str, found: "Clearing", backup: str, *, dry_run: bool) -> str:
    """What clearing a store removes, or has removed."""
    if found.is_empty:
        return flat(f"{store}: there is nothing to clear")
    what = extent(len(found.documents), len(found.logs), found.size)
    lines = [flat(f"{store}: {'would remove' if dry_run else 'removed'} {what}")]
    if found.is_resumed:
        lines.append(flat(f"an earlier clearing {'is not finished' if dry_run else 'was finished'}: {found.backup}"))
    else:
        lines.append(flat(f"{'would be kept in' if dry_run else 'all of it is in'} {found.backup or backup}"))
    lines += [paint(f"refused unless --force: {flat(one)}", RED) for one in found.blockers if dry_run]
    return "\n".join(lines)
