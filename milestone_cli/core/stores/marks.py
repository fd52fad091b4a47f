"""The marks of a store: frozen, so that nothing is written, or moved, so that every command names the other place."""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout
from milestone_cli.core.stores.plan import plan, refuse_moved
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Side, Source

MARK = "the mark of the store"


def set_marks(side: "Source", *, frozen: "str | None", moved: "str | None") -> None:
    """Set both marks of a store, waiting for its writers as long as for any lock."""
    side.mark(frozen=frozen, moved=moved, timeout=lock_timeout(side.store, None))


def freeze(side: "Side", why: str) -> bool:
    """Let nothing be written until it is unfrozen; False when that is so already.

    Raises:
        MilestoneError: `store_moved`.
    """
    refuse_moved(side)
    if side.frozen is not None:
        return False
    set_marks(side, frozen=why, moved=None)
    runtime.applied.append(MARK)
    return True


def unfreeze(side: "Side") -> bool:
    """Take every mark away; False when there is none."""
    if side.frozen is None and side.moved is None:
        return False
    set_marks(side, frozen=None, moved=None)
    runtime.applied.append(MARK)
    return True


def move(source: "Source", target: "Side", *, dry_run: bool = False) -> bool:
    """Say in a store that it is elsewhere now, once everything is proved to be there; False when it says so already.

    Raises:
        MilestoneError: `conflict` when the other store is not an exact copy.
    """
    if source.moved is not None:
        if source.moved == target.path:
            return False
        raise MilestoneError(
            "conflict",
            f"the store '{source.path}' has moved to {source.moved} already",
            "`milestone store unfreeze` takes that back",
        )
    frozen = source.frozen
    if not dry_run:
        set_marks(source, frozen=frozen or f"it moves to {target.path}", moved=None)
    try:
        found, _ = plan(source, target)
        if not found.is_empty:
            raise MilestoneError(  # noqa: TRY301 - the mark is taken back below
                "conflict", f"'{target.path}' does not hold everything yet", "`milestone store copy` brings it there"
            )
    except BaseException:
        if not dry_run:
            set_marks(source, frozen=frozen, moved=None)
        raise
    if not dry_run:
        set_marks(source, frozen=None, moved=target.path)
        runtime.applied.append(MARK)
    return True
