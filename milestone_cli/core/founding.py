"""Making a store where there is none, and a milestone in it."""

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


def found(milestone: str | None) -> "tuple[str, bool, str | None, Receipt | None]":
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
    return found_at(locate(os.getcwd()) or os.path.join(os.getcwd(), HOME), milestone)


def found_at(path: str, milestone: "str | None" = None) -> "tuple[str, bool, str | None, Receipt | None]":
    """The same at a place that is given: a path, or the URL of a database."""
    if "://" in path:
        from milestone_cli.storage.postgres import PostgresStore

        database = PostgresStore(path, is_new=True)
        is_new = not database.project
        return database.path, is_new, milestone or None, database.initialise(milestone or None)
    is_new = make(path)
    store = FileStore(path)
    return path, is_new, milestone or None, store.initialise(milestone or None)
