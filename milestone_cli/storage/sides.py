"""Opening stores by their names for what looks at a store as a whole: copies, marks, and what is told of it."""

import os

from milestone_cli.errors import MilestoneError
from milestone_cli.storage import locate
from milestone_cli.storage.files.layout import HOME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Side
    from milestone_cli.storage.migration import Migrator


def open_side(name: "str | None" = None, *, is_new: bool = False) -> "Side":
    """Open a store, whatever its marks.

    Args:
        name: a folder that is a store or holds one, or `postgresql://…#project`; left out: the store that is meant.
        is_new: it need not be there yet; then a folder gets its `.milestones`.

    Raises:
        MilestoneError: `no_store`, `store_unreachable`, `invalid_config`.
    """
    path = name or locate(os.getcwd())
    if not path:
        raise MilestoneError("no_store", "there is no store here", "`milestone init NAME` makes one")
    if "://" in path:
        from milestone_cli.storage.postgres.transfer import Side

        return Side(path, is_new=is_new)
    from milestone_cli.storage.files.transfer import Side as FileSide

    path = os.path.realpath(path)
    if os.path.basename(path) != HOME and (is_new or os.path.isdir(f"{path}/{HOME}")):
        path = f"{path}/{HOME}"
    return FileSide(path, is_new=is_new)


def open_migrator(name: "str | None" = None) -> "Migrator":
    """Open a store, whatever its marks, to bring it to another format.

    Raises:
        MilestoneError: `no_store`, `store_unreachable`, `invalid_config`.
    """
    path = name or locate(os.getcwd()) or ""
    if "://" in path:
        from milestone_cli.storage.postgres.migrating import Migrator as Schema

        return Schema(path)
    from milestone_cli.storage.files.migrating import Migrator as Files

    return Files(open_side(name).path)
