"""Making a store where there is none, and a milestone in it; giving roles of a database their rights."""

import os

from milestone_cli import runtime
from milestone_cli.model import safe
from milestone_cli.storage import locate
from milestone_cli.storage.files import FileStore
from milestone_cli.storage.files.founding import make
from milestone_cli.storage.files.layout import HOME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Receipt


def initialise(milestone: str | None) -> "tuple[str, bool, str | None, Receipt | None]":
    """Make a store in the working directory, unless there is one that is meant, and a milestone in it.

    Returns:
        Path of the store (the URL without its password for a database), whether it is new, the milestone's name, and
        the receipt of its first event if it is new.

    Raises:
        MilestoneError: `invalid_name` before anything is made.
    """
    milestone = milestone or runtime.env("MILESTONE_ID")
    if milestone:
        safe(milestone)
    return initialise_at(locate(os.getcwd()) or os.path.join(os.getcwd(), HOME), milestone)


def initialise_at(path: str, milestone: "str | None" = None) -> "tuple[str, bool, str | None, Receipt | None]":
    """The same at a place that is given: a path, or the URL of a database."""
    if "://" in path:
        from milestone_cli.storage.postgres import PostgresStore

        database = PostgresStore(path, is_new=True)
        is_new = not database.project
        return database.path, is_new, milestone or None, database.initialise(milestone or None)
    is_new = make(path)
    store = FileStore(path)
    return path, is_new, milestone or None, store.initialise(milestone or None)


def prepare(name: "str | None", writer: "str | None", reader: "str | None") -> "dict[str, object]":
    """Make what is missing of a store, and give roles of a database their rights.

    Args:
        name: of the store; left out: the one that is meant, else one in the working directory.
        writer: role that shall write.
        reader: role that shall read.

    Raises:
        MilestoneError: `usage` for roles of files; `not_found` for a role that is not there.
    """
    name = name or locate(os.getcwd()) or os.getcwd()
    if (writer or reader) and "://" not in name:
        from milestone_cli.errors import MilestoneError

        raise MilestoneError(
            "usage",
            "a store of files has no roles",
            "leave --writer and --reader out; who may do what is up to the file system",
        )
    from milestone_cli.storage.sides import open_side

    side = open_side(name, is_new=True)
    created = side.prepare()
    for kind, role in (("writer", writer), ("reader", reader)):
        if role:
            side.grant(kind, role)
    return {"store": side.path, "created": created, "writer": writer, "reader": reader}
