"""Stores as a whole: making them where they shall be."""

from milestone_cli.errors import MilestoneError
from milestone_cli.storage.sides import open_side


def found(name: "str | None", writer: "str | None", reader: "str | None") -> "dict[str, object]":
    """Make what is missing of a store, and give roles of a database their rights.

    Args:
        name: of the store; left out: the one that is meant, else one in the working directory.
        writer: role that shall write.
        reader: role that shall read.

    Raises:
        MilestoneError: `usage` for roles of files; `not_found` for a role that is not there.
    """
    import os

    from milestone_cli.storage import locate

    name = name or locate(os.getcwd()) or os.getcwd()
    if (writer or reader) and "://" not in name:
        raise MilestoneError(
            "usage",
            "a store of files has no roles",
            "leave --writer and --reader out; who may do what is up to the file system",
        )
    side = open_side(name, is_new=True)
    created = side.prepare()
    for kind, role in (("writer", writer), ("reader", reader)):
        if role:
            side.grant(kind, role)
    return {"store": side.path, "created": created, "writer": writer, "reader": reader}
